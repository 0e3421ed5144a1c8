#include "compiler/Conversion/Gpu/SharedMemory.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

namespace attn_grid::compiler::gpu {

/// The end of a block that stands for all bytes.
static constexpr int64_t everything = std::numeric_limits<int64_t>::max();

SharedBlock SharedMemory::allocate(int64_t bytes) {
  bytes = llvm::alignTo(bytes, 128); // all banks
  auto alignment =
      static_cast<int64_t>(std::min<uint64_t>(llvm::PowerOf2Ceil(bytes), 1024));
  int64_t begin = 0;
  auto *next = used.begin();
  for (; next != used.end() && next->begin - begin < bytes; ++next)
    begin = llvm::alignTo(next->end, alignment);
  SharedBlock block{begin, begin + bytes};
  used.insert(next, block);
  high = std::max(high, block.end);
  return block;
}

void SharedMemory::release(const SharedBlock &block) {
  llvm::erase_if(used, [&](const SharedBlock &other) {
    return other.begin == block.begin;
  });
}

static bool overlaps(llvm::ArrayRef<SharedBlock> blocks,
                     const SharedBlock &block) {
  return llvm::any_of(blocks, [&](const SharedBlock &other) {
    return other.begin < block.end && block.begin < other.end;
  });
}

bool SharedMemory::readNeedsBarrier(const SharedBlock &block) const {
  return !block.isSettled && overlaps(written, block);
}

bool SharedMemory::writeNeedsBarrier(const SharedBlock &block) const {
  return overlaps(read, block) || overlaps(written, block);
}

void SharedMemory::noteRead(const SharedBlock &block) { read.push_back(block); }

void SharedMemory::noteWrite(const SharedBlock &block) {
  written.push_back(block);
  noteUnfenced(block);
}

bool SharedMemory::isUnfenced(const SharedBlock &block, bool inLoop) const {
  return llvm::any_of(unfenced, [&](const SharedBlock &other) {
    return other.begin < block.end && block.begin < other.end &&
           (inLoop || other.end != everything);
  });
}

void SharedMemory::noteUnfenced(const SharedBlock &block) {
  unfenced.push_back(block);
}

void SharedMemory::noteBarrier() {
  read.clear();
  written.clear();
}

void SharedMemory::noteUnknown() {
  noteBarrier();
  written.push_back({0, everything});
  noteUnfenced(written.back());
}

void SharedMemory::forgetUnknown() {
  auto isUnknown = [](const SharedBlock &block) {
    return block.end == everything;
  };
  llvm::erase_if(written, isUnknown);
  llvm::erase_if(unfenced, isUnknown);
}

void SharedMemory::restoreTouched(const SharedMemory &earlier) {
  read = earlier.read;
  written = earlier.written;
  unfenced = earlier.unfenced;
}

void SharedMemory::joinTouched(const SharedMemory &other) {
  read.append(other.read);
  written.append(other.written);
  unfenced.append(other.unfenced);
}

} // namespace attn_grid::compiler::gpu
