#ifndef AG_COMPILER_CONVERSION_GPU_SHAREDMEMORY_H
#define AG_COMPILER_CONVERSION_GPU_SHAREDMEMORY_H
/// Who uses which bytes of shared memory, and where a barrier must stand.
///
/// Code is emitted in the order in which it runs, so one walk does both: blocks
/// are handed out and given back first fit, and an access needs a barrier
/// before it exactly if bytes of its block were touched since the last one in
/// a way that does not commute with it.

#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace attn_grid::compiler::gpu {

/// Bytes [begin, end) of a program's shared memory.
struct SharedBlock {
  int64_t begin = 0, end = 0;
  /// What is in it stays while it is read, and all threads know that it is
  /// there: reads take no barrier.
  bool isSettled = false;
};

class SharedMemory {
public:
  /// Bytes that are free and lowest. What swizzles a tile counts from the
  /// address 0 on: it begins at a multiple of its pattern's size, at most 1024.
  SharedBlock allocate(int64_t bytes);
  void release(const SharedBlock &block);
  /// The largest end of a block so far.
  int64_t highWater() const { return high; }

  /// Whether a barrier must stand before a read or a write of `block`.
  bool readNeedsBarrier(const SharedBlock &block) const;
  bool writeNeedsBarrier(const SharedBlock &block) const;
  /// Whether threads may have written to `block` since the last fence: what
  /// reads and writes by another way (products of warpgroups, copies that the
  /// GPU makes) does not see it yet. `inLoop`: in earlier iterations, too.
  bool isUnfenced(const SharedBlock &block, bool inLoop) const;
  void noteUnfenced(const SharedBlock &block);
  void noteFence() { unfenced.clear(); }
  void noteRead(const SharedBlock &block);
  void noteWrite(const SharedBlock &block);
  /// A barrier stands here.
  void noteBarrier();
  /// A loop begins again here: anything may have been touched.
  void noteUnknown();
  /// The loop is known: what was touched before it and in it joins now.
  void forgetUnknown();
  /// What was touched is as it was in `earlier`: another branch begins.
  void restoreTouched(const SharedMemory &earlier);
  /// Or as it is in `other`: two ways meet.
  void joinTouched(const SharedMemory &other);

private:
  llvm::SmallVector<SharedBlock> used; // ascending
  llvm::SmallVector<SharedBlock> read, written, unfenced;
  int64_t high = 0;
};

} // namespace attn_grid::compiler::gpu

#endif
