// Matrix products by warpgroups, wgmma.mma_async: four warps compute 64 rows,
// of 16 each. The second factor is read from shared memory by the matrix unit
// itself, which is told by a descriptor where it lies; the first factor lies in
// registers or in shared memory. A product is waited for where it stands: what
// runs meanwhile are other programs on the same multiprocessor.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "compiler/Conversion/Gpu/Intrinsics.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"

#include <string>

using namespace mlir;

namespace attn_grid::compiler::gpu {

static constexpr int64_t depth = 16, mostColumns = 256;
static constexpr int64_t elementBytes = 2, lineBytes = 128;

bool ThreadEmitter::isWarpgroupProduct(const LinearLayout &layout,
                                       int64_t inner, bool transposed) {
  if (!target.warpgroups || layout.shape()[0] < groupRows ||
      layout.warp().size() < 2)
    return false;
  // The four warps of a group lie below each other, and groups too.
  for (auto [bit, basis] : llvm::enumerate(layout.warp()))
    if (basis != layout.flat(16u << bit, 0))
      return false;
  // Rows without a swizzle are read only as they lie.
  return inner >= depth && (transposed || layout.shape()[1] >= 16);
}

/// The bytes of a line of `tile`: its rows, or what they are cut into.
static int64_t lineOf(const SharedTile &tile) {
  return std::min(tile.shape[1] * elementBytes, lineBytes);
}

/// The descriptor of a factor that begins where `tile` does. `transposed`: what
/// is contracted lies along its rows.
Value ThreadEmitter::descriptor(const SharedTile &tile, bool transposed) {
  int64_t line = lineOf(tile);
  int64_t swizzle = line == 128 ? 1 : line == 64 ? 2 : 3;
  int64_t panel = tile.shape[0] * line, eightLines = 8 * line;
  // To the next panel only where the other extent goes through them.
  int64_t leading = transposed ? 1 : panel >> 4;
  int64_t fixed = swizzle << 62 | eightLines >> 4 << 32 | leading << 16;
  Value base = LLVM::PtrToIntOp::create(b, b.getI32Type(), sharedBase);
  base = arith::AddIOp::create(b, base, i32(tile.block.begin));
  if (tile.offset)
    base = arith::AddIOp::create(b, base, tile.offset);
  Value sixteenths = arith::ShRUIOp::create(b, base, i32(4));
  return arith::OrIOp::create(
      b, arith::ExtUIOp::create(b, b.getI64Type(), sixteenths), i64(fixed));
}

/// What the descriptor of the part of a factor that begins at `k` adds.
static int64_t stepAlong(const SharedTile &tile, bool transposed, int64_t k) {
  int64_t line = lineOf(tile);
  if (!transposed)
    return k * line >> 4;
  int64_t column = k * elementBytes;
  return (column / line * tile.shape[0] * line + column % line) >> 4;
}

static bool isZero(const ThreadTile &tile) {
  return llvm::all_of(tile.regs, [](Value value) {
    return matchPattern(value, m_AnyZeroFloat());
  });
}

namespace {
/// An instruction's text, constraints and operands, put together.
struct InlineText {
  std::string text, outputs, inputs;
  SmallVector<Value> values;
  unsigned outputCount = 0;

  /// Adds an input; gives its place.
  std::string input(StringRef constraint, Value value) {
    inputs += ("," + constraint).str();
    values.push_back(value);
    return "$" + std::to_string(outputCount + values.size() - 1);
  }
};
} // namespace

ThreadTile ThreadEmitter::warpgroupProduct(const ThreadTile *lhs,
                                           const SharedTile *stored,
                                           const ThreadTile &acc,
                                           const SharedTile &rhs,
                                           bool transposed) {
  const LinearLayout &layout = acc.layout;
  unsigned columns = layout.shape()[1];
  unsigned chunk = std::min<unsigned>(columns, mostColumns);
  int64_t inner = transposed ? rhs.shape[1] : rhs.shape[0];
  int64_t groups = int64_t(1) << (layout.warp().size() - 2);
  beforeProductRead(rhs.block);
  if (stored)
    beforeProductRead(stored->block);

  RegisterFinder sums(layout);
  SmallVector<unsigned> order; // of the sums, as the instructions name them
  for (int64_t row = 0; row < layout.shape()[0]; row += groups * groupRows)
    for (unsigned n = 0; n < columns; n += 8)
      for (unsigned part = 0; part < 4; ++part)
        order.push_back(sums.at(row + (part & 2 ? 8 : 0), n + (part & 1)));
  bool adds = !isZero(acc);
  InlineText code;
  code.outputCount = order.size();
  for (unsigned i = 0; i < order.size(); ++i)
    code.outputs += i ? ",=f" : "=f";
  code.text = "wgmma.fence.sync.aligned;\n";

  std::string type = rhs.element.isBF16() ? "bf16" : "f16";
  Value second = descriptor(rhs, transposed);
  std::optional<RegisterFinder> first;
  if (lhs)
    first.emplace(lhs->layout);
  Value firstStart = stored ? descriptor(*stored, true) : Value();
  if (stored && groups > 1) {
    Value group = arith::ShRUIOp::create(b, warpId(), i32(2));
    Value rows =
        arith::MulIOp::create(b, group, i32(groupRows * lineOf(*stored) >> 4));
    firstStart = arith::AddIOp::create(
        b, firstStart, arith::ExtUIOp::create(b, b.getI64Type(), rows));
  }
  auto moved = [&](Value start, int64_t by) -> Value {
    return by ? arith::AddIOp::create(b, start, i64(by)) : start;
  };
  for (int64_t k = 0; k < inner; k += depth) {
    for (unsigned n = 0; n < columns; n += chunk) {
      int64_t toColumns = transposed ? n * lineOf(rhs) >> 4
                                     : n * elementBytes / lineOf(rhs) *
                                               rhs.shape[0] * lineOf(rhs) >>
                                           4;
      std::string b64 = code.input(
          "l", moved(second, stepAlong(rhs, transposed, k) + toColumns));
      unsigned block = 0;
      for (int64_t row = 0; row < layout.shape()[0];
           row += groups * groupRows, ++block) {
        std::string a;
        if (stored) {
          a = code.input("l",
                         moved(firstStart, stepAlong(*stored, true, k) +
                                               (row * lineOf(*stored) >> 4)));
        } else {
          for (auto [down, right] : {std::pair(0, 0), {8, 0}, {0, 8}, {8, 8}}) {
            Value pair = packVector(
                b, {lhs->regs[first->at(row + down, k + right)],
                    lhs->regs[first->at(row + down, k + right + 1)]});
            a += a.empty() ? "{" : ", ";
            a += code.input("r", bitcastTo(b, pair, b.getI32Type()));
          }
          a += "}";
        }
        std::string d;
        for (unsigned i = 0; i < chunk / 2; ++i)
          d +=
              (i ? ", $" : "$") + std::to_string((block * columns + n) / 2 + i);
        code.text += "wgmma.mma_async.sync.aligned.m64n" +
                     std::to_string(chunk) + "k16.f32." + type + "." + type +
                     " {" + d + "}, " + a + ", " + b64 + ", " +
                     (k || adds ? "1" : "0") + ", 1, 1" +
                     (stored ? ", 0" : "") + (transposed ? ", 0;\n" : ", 1;\n");
      }
    }
  }
  code.text += "wgmma.commit_group.sync.aligned;\n"
               "wgmma.wait_group.sync.aligned 0;";
  if (adds)
    for (auto [i, reg] : llvm::enumerate(order)) {
      code.inputs += "," + std::to_string(i);
      code.values.push_back(acc.regs[reg]);
    }
  Value all = inlinePtx(b, code.text, code.outputs + code.inputs + ",~{memory}",
                        structOf(b.getF32Type(), order.size()), code.values,
                        /*sideEffects=*/true);
  ThreadTile result = acc;
  for (auto [i, reg] : llvm::enumerate(order))
    result.regs[reg] = member(b, all, i);
  shared.noteRead(rhs.block);
  if (stored)
    shared.noteRead(stored->block);
  return result;
}

void ThreadEmitter::fence() {
  inlinePtx(b, "fence.proxy.async.shared::cta;", "~{memory}", nullptr, {},
            /*sideEffects=*/true);
  shared.noteFence();
}

/// What threads wrote must be there, and visible to products.
void ThreadEmitter::beforeProductRead(const SharedBlock &block) {
  if (block.isSettled)
    return;
  beforeSharedRead(block);
  if (shared.isUnfenced(block, /*inLoop=*/false))
    fence();
}

} // namespace attn_grid::compiler::gpu
