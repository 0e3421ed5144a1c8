// Sorts by Batcher's bitonic network. Elements carry their first position,
// which decides between equal keys: that makes the sort stable, and all keys
// different, so that two partners never disagree about who is less.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

/// Whether key `x` comes before key `y`; NaN comes last.
static Value keyBefore(ImplicitLocOpBuilder &b, Value x, Value y,
                       bool isUnsigned) {
  if (!isa<FloatType>(x.getType()))
    return arith::CmpIOp::create(b,
                                 isUnsigned || x.getType().isInteger(1)
                                     ? arith::CmpIPredicate::ult
                                     : arith::CmpIPredicate::slt,
                                 x, y);
  if (x.getType().getIntOrFloatBitWidth() < 32) {
    x = arith::ExtFOp::create(b, b.getF32Type(), x);
    y = arith::ExtFOp::create(b, b.getF32Type(), y);
  }
  auto compare = [&](arith::CmpFPredicate predicate, Value l, Value r) {
    return arith::CmpFOp::create(b, predicate, l, r);
  };
  Value less = compare(arith::CmpFPredicate::OLT, x, y);
  Value number = compare(arith::CmpFPredicate::ORD, x, x);
  Value nan = compare(arith::CmpFPredicate::UNO, y, y);
  return arith::OrIOp::create(b, less, arith::AndIOp::create(b, number, nan));
}

void ThreadEmitter::emitSort(SortOp op) {
  unsigned axis = op.getAxis();
  LinearLayout layout = layouts.along(op.getInputs().front().getType(), axis);
  // The key, where it stood, what goes with it.
  SmallVector<ThreadTile, 2> tiles;
  for (Value input : op.getInputs())
    tiles.push_back(get(input, layout));
  tiles.insert(tiles.begin() + 1,
               ThreadTile{layout, coordinates(layout, axis).sums});
  auto before = [&](Value key, Value position, Value otherKey,
                    Value otherPosition) -> Value {
    Value less = keyBefore(b, key, otherKey, op.getIsUnsigned());
    Value more = keyBefore(b, otherKey, key, op.getIsUnsigned());
    Value earlier = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                          position, otherPosition);
    Value tie =
        arith::SelectOp::create(b, more, zeroOf(b.getI1Type()), earlier);
    return arith::OrIOp::create(b, less, tie);
  };
  uint32_t count = layout.shape()[axis];
  for (uint32_t size = 2; size <= count; size *= 2)
    for (uint32_t stride = size / 2; stride; stride /= 2) {
      SmallVector<ThreadTile, 2> partners;
      for (const ThreadTile &tile : tiles)
        partners.push_back(exchange(op, tile, layout.flat(stride, axis)));
      for (unsigned reg = 0; reg < layout.registers(); ++reg) {
        // Runs of `size` ascend and descend in turn; in the last all ascend.
        Value wantsMore = placeHasBit(layout, reg, layout.flat(stride, axis));
        if (size < count)
          wantsMore = arith::XOrIOp::create(
              b, wantsMore, placeHasBit(layout, reg, layout.flat(size, axis)));
        Value less = before(partners[0].regs[reg], partners[1].regs[reg],
                            tiles[0].regs[reg], tiles[1].regs[reg]);
        Value take = arith::XOrIOp::create(b, less, wantsMore);
        for (auto [tile, partner] : llvm::zip(tiles, partners))
          tile.regs[reg] = arith::SelectOp::create(b, take, partner.regs[reg],
                                                   tile.regs[reg]);
      }
    }
  tiles.erase(tiles.begin() + 1);
  for (auto [result, tile] : llvm::zip(op.getResults(), tiles))
    setResult(result, std::move(tile));
}

} // namespace attn_grid::compiler::gpu
