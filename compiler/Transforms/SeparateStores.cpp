// One comparison for a tile that is stored, in place of one for each vector of
// it.
//
//     store %t, x[m, n]      ->     if n + 64 <= N { store inside } else {
//     store }
//
// On a GPU a store to rows of unknown length goes element by element, since a
// vector may stick out. Most tiles do not.

#include "compiler/Transforms/Passes.h"
#include "dialect/AgOps.h"
#include "dialect/Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace attn_grid::compiler {

#define GEN_PASS_DEF_SEPARATESTORES
#include "compiler/Transforms/Passes.h.inc"

/// The length of the rows that a store's tile goes along, an i32 that is not
/// known before the launch; null if it is, or the store is another.
static Value lengthOfRows(ir::StoreOp store) {
  auto tile = dyn_cast<RankedTensorType>(store.getValue().getType());
  size_t last = store.getIndices().size() - 1;
  // A single row is too short for vectors, spread over a block's threads.
  if (!tile || tile.getRank() < 2 || store.getKeep() ||
      !store.getSteps().empty() || store.getExtents()[last] == 0 ||
      !store.getIndices()[last].getType().isInteger(32) ||
      store->hasAttr(ir::insideAttr))
    return {};
  Value size = ir::sizeValueOf(store.getTensor(), last);
  return size && size.getType().isInteger(32) ? size : Value();
}

static void separate(ir::StoreOp store, Value length) {
  ImplicitLocOpBuilder b(store.getLoc(), store);
  size_t last = store.getIndices().size() - 1;
  auto wide = [&](Value value) -> Value {
    return arith::ExtSIOp::create(b, b.getI64Type(), value);
  };
  Value end = arith::AddIOp::create(
      b, wide(store.getIndices()[last]),
      arith::ConstantOp::create(b,
                                b.getI64IntegerAttr(store.getExtents()[last])));
  Value zero = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
  Value isInside = arith::AndIOp::create(
      b, arith::CmpIOp::create(b, arith::CmpIPredicate::sle, end, wide(length)),
      arith::CmpIOp::create(b, arith::CmpIPredicate::sge,
                            store.getIndices()[last], zero));
  auto branch = scf::IfOp::create(b, isInside, /*withElseRegion=*/true);
  b.setInsertionPointToStart(branch.thenBlock());
  Operation *inside = b.clone(*store);
  inside->setAttr(ir::insideAttr,
                  b.getDenseI64ArrayAttr({static_cast<int64_t>(last)}));
  store->moveBefore(branch.elseBlock()->getTerminator());
}

namespace {
struct SeparateStores : impl::SeparateStoresBase<SeparateStores> {
  void runOnOperation() override {
    SmallVector<std::pair<ir::StoreOp, Value>> found;
    getOperation().walk([&](ir::StoreOp store) {
      if (Value length = lengthOfRows(store))
        found.push_back({store, length});
    });
    for (auto [store, length] : found)
      separate(store, length);
  }
};
} // namespace

} // namespace attn_grid::compiler
