#include "compiler/Conversion/Gpu/LayoutAssignment.h"

#include "compiler/Conversion/Gpu/Alignment.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

bool usesMatrixUnit(DotOp op, const GpuTarget &) {
  Type element = getElementTypeOrSelf(op.getLhs().getType());
  int64_t inner = shapeOf(op.getLhs().getType())[1];
  if (shapeOf(op.getRhs().getType())[1] < 8)
    return false;
  // A product is of 16 x 8 and 8 x 8. What is left out is left out exactly.
  if (element.isF32())
    return op.getPrecision() && !op.getKeep() && inner >= 8;
  if (element.isInteger(8)) // 16 x 32 and 32 x 8
    return inner >= 32;
  // Of 16 x 16 and 16 x 8; ldmatrix reads rows of 8 elements.
  return (element.isF16() || element.isBF16()) && inner >= 16;
}

bool isRecomputable(Operation *op) {
  if (!op || op->getNumResults() != 1)
    return false;
  if (isa<IotaOp, BroadcastOp, TransposeOp, ReshapeOp, PhiloxOp,
          tensor::SplatOp>(op))
    return true;
  StringRef dialect = op->getName().getDialectNamespace();
  return dialect == "arith" || dialect == "math";
}

/// An operation of arith or math on tiles of one shape.
static bool isElementwise(Operation *op) {
  if (op->getNumResults() != 1 || op->getNumRegions() != 0 ||
      !isa<RankedTensorType>(op->getResult(0).getType()))
    return false;
  StringRef dialect = op->getName().getDialectNamespace();
  return dialect == "arith" || dialect == "math";
}

LayoutAssignment::LayoutAssignment(KernelOp kernel, const GpuTarget &target)
    : target(target), warpBits(llvm::Log2_64(target.warps)) {
  kernel.walk([&](ReduceOp reduce) { reductions.push_back(reduce); });
  kernel.walk([&](StoreOp store) { stores.push_back(store); });
  visit(kernel.getBody().front());
  pullBack(kernel.getBody().front());
}

const LinearLayout *LayoutAssignment::find(Value tile) const {
  auto it = choices.find(tile);
  return it == choices.end() || it->second.strength == none
             ? nullptr
             : &it->second.layout;
}

LinearLayout LayoutAssignment::ofScalars() const {
  return LayoutBuilder({}, warpBits).finish();
}

LinearLayout LayoutAssignment::fallback(Type tile) const {
  ArrayRef<int64_t> shape = shapeOf(tile);
  unsigned axis = shape.size() - 1;
  return blockedLayout(shape, axis, 1, warpBits, isReduced(shape, axis));
}

/// Whether tiles of this shape are reduced along `axis` and no other.
bool LayoutAssignment::isReduced(ArrayRef<int64_t> shape, unsigned axis) const {
  bool along = false, across = false;
  for (ReduceOp reduce : reductions)
    if (shapeOf(reduce.getInput().getType()) == shape)
      for (int64_t reduced : reduce.getAxes())
        (reduced == axis ? along : across) = true;
  return along && !across;
}

LinearLayout LayoutAssignment::along(Type tile, unsigned axis) const {
  return axisLayout(shapeOf(tile), axis, warpBits);
}

LayoutAssignment::Choice LayoutAssignment::get(Value value) const {
  return choices.lookup(value);
}

void LayoutAssignment::set(Value value, const Choice &choice) {
  if (isa<RankedTensorType>(value.getType()))
    choices[value] = choice;
}

LayoutAssignment::Choice LayoutAssignment::stronger(const Choice &a,
                                                    const Choice &b) const {
  return b.strength > a.strength ? b : a;
}

LayoutAssignment::Choice LayoutAssignment::ofLoad(LoadOp op) const {
  ArrayRef<int64_t> shape = shapeOf(op.getResult().getType());
  int64_t unit = unitStrideAxis(op.getTensor(), op.getExtents(), op.getSteps());
  unsigned axis = unit < 0 ? shape.size() - 1 : unit;
  int64_t elements = 1;
  for (int64_t extent : shape)
    elements *= extent;
  // Wide accesses only while every thread has one.
  int64_t vector =
      std::min<int64_t>(vectorElements(op, unit),
                        std::max<int64_t>(elements / (32 * target.warps), 1));
  // What is stored in wider elements is not loaded more than can be stored at a
  // time: else the threads' stores leave gaps. Masks are not what is stored.
  constexpr unsigned mostBits = 128, byte = 8;
  if (!getElementTypeOrSelf(op.getResult().getType()).isInteger(1))
    for (StoreOp store : stores)
      if (shapeOf(store.getValue().getType()) == shape)
        vector = std::min<int64_t>(
            vector,
            mostBits / std::max(byte, getElementTypeOrSelf(store.getValue())
                                          .getIntOrFloatBitWidth()));
  return {blockedLayout(shape, axis, vector, warpBits, isReduced(shape, axis)),
          memory};
}

/// How many warps lie along the rows of a product, as a power of two. All of
/// them, so that a row's maximum or sum stays in one warp, and the product can
/// be the first factor of another. If it is only summed up over a loop in which
/// both factors are loaded, half of them where it is square: a warp that has as
/// many columns as rows reads least of both.
static unsigned rowWarpBits(DotOp op, const GpuTarget &target,
                            unsigned warpBits) {
  ArrayRef<int64_t> shape = shapeOf(op.getResult().getType());
  Value result = op.getResult();
  auto isLoaded = [&](Value factor) {
    while (auto transpose = factor.getDefiningOp<TransposeOp>())
      factor = transpose.getInput();
    auto load = factor.getDefiningOp<LoadOp>();
    return load && load->getBlock() == op->getBlock();
  };
  bool isSummed = result.hasOneUse() &&
                  isa<scf::YieldOp>(*result.user_begin()) &&
                  isLoaded(op.getLhs()) && isLoaded(op.getRhs());
  constexpr int64_t least = 64; // rows and columns
  // A warpgroup has 64 rows, whatever it reads.
  if (target.warpgroups && shape[0] >= least)
    return warpBits;
  return isSummed && !op.getKeep() && shape[0] >= least && shape[1] >= least &&
                 shape[1] >= shape[0]
             ? (warpBits + 1) / 2
             : warpBits;
}

LayoutAssignment::Choice LayoutAssignment::ofDot(DotOp op) const {
  ArrayRef<int64_t> shape = shapeOf(op.getResult().getType());
  if (usesMatrixUnit(op, target))
    return {mmaLayout(shape, warpBits, /*alongColumns=*/true,
                      rowWarpBits(op, target, warpBits)),
            matrix};
  // Each thread has blocks of 4 x 4, as far as there is enough for all.
  LayoutBuilder builder(shape, warpBits);
  int64_t perThread = shape[0] * shape[1] / (32 * target.warps);
  for (int bit = 0; bit < 2 && (perThread >> (bit + 1)); ++bit)
    if (builder.left(1))
      builder.reg.push_back(builder.take(1));
  for (int bit = 0; bit < 3 && builder.left(1); ++bit)
    builder.lane.push_back(builder.take(1));
  while (builder.left(0) && !builder.lanesFull())
    builder.lane.push_back(builder.take(0));
  while (builder.left(1) && !builder.lanesFull())
    builder.lane.push_back(builder.take(1));
  while (builder.left(0) && !builder.warpsFull())
    builder.warp.push_back(builder.take(0));
  while (builder.left(1) && !builder.warpsFull())
    builder.warp.push_back(builder.take(1));
  return {builder.finish(), matrix};
}

void LayoutAssignment::visit(Block &block) {
  for (Operation &op : block.without_terminator())
    visit(&op);
}

void LayoutAssignment::visit(Operation *op) {
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return visitFor(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return visitIf(branch);
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return visitWhile(loop);
  if (auto dot = dyn_cast<DotOp>(op))
    return set(dot.getResult(), ofDot(dot));
  if (auto scan = dyn_cast<ScanOp>(op))
    return set(scan.getResult(),
               {along(scan.getInput().getType(), scan.getAxis()), axis});
  if (auto scan = dyn_cast<ScanWithOp>(op))
    return set(scan.getResult(),
               {along(scan.getInput().getType(), scan.getAxis()), axis});
  if (auto sort = dyn_cast<SortOp>(op)) {
    for (Value result : sort.getResults())
      set(result, {along(result.getType(), sort.getAxis()), axis});
    return;
  }
  if (op->getNumResults() != 1 ||
      !isa<RankedTensorType>(op->getResult(0).getType()))
    return;
  Value result = op->getResult(0);
  if (auto load = dyn_cast<LoadOp>(op))
    return set(result, ofLoad(load));
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    Choice input = get(reduce.getInput());
    if (input.strength == none)
      input = {fallback(reduce.getInput().getType()), memory};
    SmallVector<int64_t> kept;
    for (int64_t a = 0, e = input.layout.shape().size(); a < e; ++a)
      if (!llvm::is_contained(reduce.getAxes(), a))
        kept.push_back(a);
    return set(
        result,
        {input.layout.project(kept, shapeOf(result.getType())).withoutCopies(),
         input.strength});
  }
  if (auto reduce = dyn_cast<ReduceWithOp>(op)) {
    LinearLayout input = along(reduce.getInput().getType(), reduce.getAxis());
    SmallVector<int64_t> kept;
    for (int64_t a = 0, e = input.shape().size(); a < e; ++a)
      if (a != static_cast<int64_t>(reduce.getAxis()))
        kept.push_back(a);
    return set(
        result,
        {input.project(kept, shapeOf(result.getType())).withoutCopies(), axis});
  }
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    Choice input = get(transpose.getInput());
    if (input.strength != none)
      set(result,
          {input.layout.transpose(transpose.getPermutation()), input.strength});
    return;
  }
  if (auto reshape = dyn_cast<ReshapeOp>(op)) {
    Choice input = get(reshape.getInput());
    if (input.strength != none)
      set(result,
          {input.layout.reshape(shapeOf(result.getType())), input.strength});
    return;
  }
  // Spread out in whatever layout the reader has.
  if (isa<BroadcastOp>(op))
    return;
  Choice strongest;
  for (Value operand : op->getOperands())
    if (isa<RankedTensorType>(operand.getType()) &&
        shapeOf(operand.getType()) == shapeOf(result.getType()))
      strongest = stronger(strongest, get(operand));
  if (strongest.strength == none && !isRecomputable(op))
    strongest = {fallback(result.getType()), memory};
  if (strongest.strength != none)
    set(result, strongest);
}

/// Whether threads load a tile of numbers by one or two elements.
static bool isNarrow(LoadOp op) {
  constexpr int64_t narrow = 2;
  return !getElementTypeOrSelf(op.getResult().getType()).isInteger(1) &&
         vectorElements(op, unitStrideAxis(op.getTensor(), op.getExtents(),
                                           op.getSteps())) <= narrow;
}

/// What is loaded an element at a time and then meets the result of a matrix
/// product is loaded where that lies: a move costs more than wide stores give.
void LayoutAssignment::pullBack(Block &block) {
  for (Operation &op : llvm::reverse(block)) {
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        pullBack(inner);
    if (op.getNumResults() != 1 ||
        !isa<RankedTensorType>(op.getResult(0).getType()))
      continue;
    Value result = op.getResult(0);
    auto load = dyn_cast<LoadOp>(op);
    bool mayMove = load ? isNarrow(load) : isElementwise(&op);
    if (get(result).strength != memory || !mayMove)
      continue;
    Choice wanted;
    bool agree = llvm::all_of(result.getUses(), [&](OpOperand &use) {
      Operation *user = use.getOwner();
      if (isa<DotOp>(user) && use.getOperandNumber() == 3)
        return true; // a mask, in the layout of a factor
      if (!isElementwise(user))
        return false;
      Choice choice = get(user->getResult(0));
      if (choice.strength != matrix ||
          (wanted.strength == matrix && wanted.layout != choice.layout))
        return false;
      wanted = choice;
      return true;
    });
    if (agree && wanted.strength == matrix)
      set(result, wanted);
  }
}

/// What a loop carries has the layout of what it begins with or, if that is
/// stronger, of what the body yields, which may depend on the former.
void LayoutAssignment::visitFor(scf::ForOp op) {
  for (auto [init, argument] :
       llvm::zip(op.getInitArgs(), op.getRegionIterArgs()))
    set(argument, get(init));
  auto *yield = op.getBody()->getTerminator();
  for (bool changed = true; changed;) {
    visit(*op.getBody());
    changed = false;
    for (auto [value, argument] :
         llvm::zip(yield->getOperands(), op.getRegionIterArgs()))
      if (get(value).strength > get(argument).strength) {
        set(argument, get(value));
        changed = true;
      }
  }
  for (auto [argument, result] :
       llvm::zip(op.getRegionIterArgs(), op.getResults())) {
    if (!isa<RankedTensorType>(argument.getType()))
      continue;
    if (get(argument).strength == none)
      set(argument, {fallback(argument.getType()), memory});
    set(result, get(argument));
  }
}

void LayoutAssignment::visitIf(scf::IfOp op) {
  visit(op.getThenRegion().front());
  if (!op.getElseRegion().empty())
    visit(op.getElseRegion().front());
  for (auto [i, result] : llvm::enumerate(op.getResults())) {
    if (!isa<RankedTensorType>(result.getType()))
      continue;
    Choice choice = stronger(
        get(op.getThenRegion().front().getTerminator()->getOperand(i)),
        get(op.getElseRegion().front().getTerminator()->getOperand(i)));
    if (choice.strength == none)
      choice = {fallback(result.getType()), memory};
    set(result, choice);
  }
}

void LayoutAssignment::visitWhile(scf::WhileOp op) {
  for (auto [init, argument] :
       llvm::zip(op.getInits(), op.getBeforeArguments()))
    set(argument, get(init));
  for (bool changed = true; changed;) {
    changed = false;
    visit(*op.getBeforeBody());
    for (auto [value, argument] :
         llvm::zip(op.getConditionOp().getArgs(), op.getAfterArguments()))
      set(argument, get(value));
    visit(*op.getAfterBody());
    for (auto [value, argument] :
         llvm::zip(op.getAfterBody()->getTerminator()->getOperands(),
                   op.getBeforeArguments()))
      if (get(value).strength > get(argument).strength) {
        set(argument, get(value));
        changed = true;
      }
  }
  auto settle = [&](Value value) {
    if (isa<RankedTensorType>(value.getType()) && get(value).strength == none)
      set(value, {fallback(value.getType()), memory});
  };
  llvm::for_each(op.getBeforeArguments(), settle);
  for (auto [argument, result] :
       llvm::zip(op.getAfterArguments(), op.getResults())) {
    settle(argument);
    set(result, get(argument));
  }
}

} // namespace attn_grid::compiler::gpu
