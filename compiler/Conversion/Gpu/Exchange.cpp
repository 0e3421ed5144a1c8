// Moves between lanes, and between warps by way of shared memory.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "compiler/Conversion/Gpu/Intrinsics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

/// Applies `move` to the bits of `value`, 32 at a time.
static Value moveWords(ImplicitLocOpBuilder &b, Value value,
                       llvm::function_ref<Value(Value)> move) {
  Type type = value.getType(), i32 = b.getI32Type();
  unsigned bits = type.getIntOrFloatBitWidth();
  Type integer = b.getIntegerType(bits);
  Value raw = arith::BitcastOp::create(b, integer, value);
  if (bits == 64) {
    auto pair = VectorType::get({2}, i32);
    SmallVector<Value> words = unpackVector(b, bitcastTo(b, raw, pair));
    for (Value &word : words)
      word = move(word);
    raw = bitcastTo(b, packVector(b, words), integer);
  } else if (bits == 32) {
    raw = move(raw);
  } else {
    raw = arith::TruncIOp::create(b, integer,
                                  move(arith::ExtUIOp::create(b, i32, raw)));
  }
  return arith::BitcastOp::create(b, type, raw);
}

Value ThreadEmitter::shuffleXor(Value value, unsigned laneMask) {
  return moveWords(b, value, [&](Value word) {
    return callIntrinsic(b, "llvm.nvvm.shfl.sync.bfly.i32", b.getI32Type(),
                         {i32(-1), word, i32(laneMask), i32(31)});
  });
}

Value ThreadEmitter::shuffleIndex(Value value, Value from) {
  return moveWords(b, value, [&](Value word) {
    return callIntrinsic(b, "llvm.nvvm.shfl.sync.idx.i32", b.getI32Type(),
                         {i32(-1), word, from, i32(31)});
  });
}

ThreadTile ThreadEmitter::exchange(Operation *op, const ThreadTile &tile,
                                   uint32_t flatBit) {
  const LinearLayout &layout = tile.layout;
  ThreadTile result{layout, {}};
  const auto *reg = llvm::find(layout.reg(), flatBit);
  if (reg != layout.reg().end()) {
    unsigned bit = 1u << (reg - layout.reg().begin());
    for (unsigned r = 0; r < layout.registers(); ++r)
      result.regs.push_back(tile.regs[r ^ bit]);
    return result;
  }
  const auto *lane = llvm::find(layout.lane(), flatBit);
  if (lane != layout.lane().end()) {
    unsigned bit = 1u << (lane - layout.lane().begin());
    for (Value value : tile.regs)
      result.regs.push_back(shuffleXor(value, bit));
    return result;
  }
  // The partner's element lies where ours would, with one bit flipped.
  SharedTile place = makeShared(op, tile);
  ThreadTile loaded = loadShared(place, layout, flatBit);
  shared.release(place.block);
  return loaded;
}

Value ThreadEmitter::placeHasBit(const LinearLayout &layout, unsigned reg,
                                 uint32_t flatBit) {
  Value bits = threadOffset(layout);
  uint32_t here = layout.apply({reg, 0, 0});
  Value flat = arith::XOrIOp::create(b, bits, i32(here));
  Value bit = arith::AndIOp::create(b, flat, i32(flatBit));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, bit, i32(0));
}

} // namespace attn_grid::compiler::gpu
