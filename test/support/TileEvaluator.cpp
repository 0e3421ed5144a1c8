#include "test/support/TileEvaluator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace attn_grid::test {

/// A loop that runs longer is not run at all.
static constexpr int64_t maxIterations = 64;

static unsigned widthOf(Type type) {
  Type element = getElementTypeOrSelf(type);
  return isa<IndexType>(element) ? 64 : element.getIntOrFloatBitWidth();
}

/// `number` modulo 2^width, as the evaluator holds it.
static int64_t wrap(__int128 number, unsigned width) {
  uint64_t bits = static_cast<uint64_t>(number);
  return width == 1 ? bits & 1 : llvm::SignExtend64(bits, width);
}

static uint64_t asUnsigned(int64_t number, unsigned width) {
  return static_cast<uint64_t>(number) &
         llvm::maskTrailingOnes<uint64_t>(width);
}

static SmallVector<int64_t> shapeOf(Type type) {
  auto tile = dyn_cast<RankedTensorType>(type);
  return tile ? SmallVector<int64_t>(tile.getShape()) : SmallVector<int64_t>();
}

static int64_t countOf(ArrayRef<int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1),
                         std::multiplies<>());
}

static SmallVector<int64_t> delinearize(int64_t index,
                                        ArrayRef<int64_t> shape) {
  SmallVector<int64_t> place(shape.size());
  for (int axis = shape.size() - 1; axis >= 0; --axis) {
    place[axis] = index % shape[axis];
    index /= shape[axis];
  }
  return place;
}

static int64_t linearize(ArrayRef<int64_t> place, ArrayRef<int64_t> shape) {
  int64_t index = 0;
  for (auto [at, extent] : llvm::zip_equal(place, shape))
    index = index * extent + at;
  return index;
}

bool TileEvaluator::fail(const Twine &what) {
  error = what.str();
  return false;
}

bool TileEvaluator::evaluate(ir::KernelOp kernel) {
  Block &body = kernel.getBody().front();
  for (BlockArgument argument : body.getArguments()) {
    auto name = kernel.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                    ir::KernelOp::nameAttr);
    if (name && !isa<MemRefType>(argument.getType()))
      values[argument] = {
          wrap(arguments.lookup(name.getValue()), widthOf(argument.getType()))};
  }
  return runBlock(body);
}

bool TileEvaluator::runBlock(Block &block) {
  for (Operation &op : block) {
    std::string name = op.getName().getStringRef().str();
    if (auto reduce = dyn_cast<ir::ReduceOp>(op))
      name += (" " + ir::stringifyReduceKind(reduce.getKind())).str();
    ++counts[name];
    if (!run(op))
      return false;
  }
  return true;
}

bool TileEvaluator::run(Operation &op) {
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return runLoop(loop);
  if (auto test = dyn_cast<scf::IfOp>(op))
    return runTest(test);
  if (auto load = dyn_cast<ir::LoadOp>(op))
    return runLoad(load);
  if (auto reduce = dyn_cast<ir::ReduceOp>(op))
    return runReduce(reduce);
  if (auto store = dyn_cast<ir::StoreOp>(op)) {
    trace.push_back(values[store.getValue()]);
    for (Value index : store.getIndices())
      trace.push_back(values[index]);
    return true;
  }
  if (auto grid = dyn_cast<ir::ProgramIdOp>(op)) {
    for (auto [id, result] : llvm::zip_equal(programIds, grid.getIds()))
      values[result] = {id};
    return true;
  }
  // Tensors are mixes of their indices; where they lie does not matter.
  if (isa<ir::ReturnOp, scf::YieldOp, memref::ReinterpretCastOp>(op))
    return true;
  if (isa<ir::IotaOp, tensor::SplatOp, ir::BroadcastOp, ir::TransposeOp,
          ir::ReshapeOp>(op))
    return runShape(op);
  return runElementwise(op);
}

bool TileEvaluator::runLoop(scf::ForOp loop) {
  int64_t lower = values[loop.getLowerBound()][0];
  int64_t upper = values[loop.getUpperBound()][0];
  int64_t step = values[loop.getStep()][0];
  if (step <= 0)
    return fail("a step that is not positive");
  if ((__int128(upper) - lower) / step > maxIterations)
    return fail("too many iterations");
  for (auto [carried, init] :
       llvm::zip_equal(loop.getRegionIterArgs(), loop.getInitArgs()))
    values[carried] = Elements(values[init]);
  for (__int128 n = lower; n < upper; n += step) {
    values[loop.getInductionVar()] = {static_cast<int64_t>(n)};
    if (!runBlock(*loop.getBody()))
      return false;
    std::vector<Elements> next;
    for (Value value : loop.getBody()->getTerminator()->getOperands())
      next.push_back(values[value]);
    for (auto [carried, value] :
         llvm::zip_equal(loop.getRegionIterArgs(), next))
      values[carried] = value;
  }
  for (auto [result, carried] :
       llvm::zip_equal(loop.getResults(), loop.getRegionIterArgs()))
    values[result] = Elements(values[carried]);
  return true;
}

bool TileEvaluator::runTest(scf::IfOp test) {
  if (onTest)
    onTest(test);
  Region &taken = values[test.getCondition()][0] ? test.getThenRegion()
                                                 : test.getElseRegion();
  if (taken.empty())
    return true;
  if (!runBlock(taken.front()))
    return false;
  for (auto [result, value] : llvm::zip_equal(
           test.getResults(), taken.front().getTerminator()->getOperands()))
    values[result] = Elements(values[value]);
  return true;
}

/// Small numbers, so that tiles of them meet and part.
bool TileEvaluator::runLoad(ir::LoadOp load) {
  SmallVector<int64_t> shape = shapeOf(load.getType());
  int64_t start = values[load.getIndices()[0]][0];
  unsigned width = widthOf(load.getType());
  Elements result;
  for (int64_t at = 0; at < countOf(shape); ++at) {
    uint64_t place = start + at;
    result.push_back(wrap((place / 16) % 5 + (place * 7 % 64 == 0), width));
  }
  values[load.getResult()] = std::move(result);
  return true;
}

bool TileEvaluator::runReduce(ir::ReduceOp reduce) {
  const Elements input = values[reduce.getInput()];
  SmallVector<int64_t> from = shapeOf(reduce.getInput().getType());
  SmallVector<int64_t> to = shapeOf(reduce.getType());
  std::vector<std::optional<int64_t>> result(countOf(to));
  for (auto [index, element] : llvm::enumerate(input)) {
    SmallVector<int64_t> left;
    for (auto [axis, at] : llvm::enumerate(delinearize(index, from)))
      if (!llvm::is_contained(reduce.getAxes(), axis))
        left.push_back(at);
    std::optional<int64_t> &into = result[linearize(left, to)];
    if (!into) {
      into = element;
      continue;
    }
    switch (reduce.getKind()) {
    case ir::ReduceKind::min:
    case ir::ReduceKind::all:
      into = std::min(*into, element);
      break;
    case ir::ReduceKind::max:
    case ir::ReduceKind::any:
      into = std::max(*into, element);
      break;
    case ir::ReduceKind::sum:
      into = wrap(__int128(*into) + element, widthOf(reduce.getType()));
      break;
    default:
      return fail("a kind of reduction");
    }
  }
  Elements elements;
  for (std::optional<int64_t> element : result)
    elements.push_back(*element);
  values[reduce.getResult()] = std::move(elements);
  return true;
}

bool TileEvaluator::runShape(Operation &op) {
  SmallVector<int64_t> to = shapeOf(op.getResult(0).getType());
  Elements result(countOf(to));
  if (isa<ir::IotaOp>(op)) {
    std::iota(result.begin(), result.end(), 0);
    values[op.getResult(0)] = std::move(result);
    return true;
  }
  const Elements input = values[op.getOperand(0)];
  SmallVector<int64_t> from = shapeOf(op.getOperand(0).getType());
  for (int64_t index = 0; index < countOf(to); ++index) {
    SmallVector<int64_t> place = delinearize(index, to), source(from.size());
    if (auto broadcast = dyn_cast<ir::BroadcastOp>(op)) {
      for (auto [axis, target] : llvm::enumerate(broadcast.getAxes()))
        source[axis] = from[axis] == 1 ? 0 : place[target];
      result[index] = input[linearize(source, from)];
    } else if (auto transpose = dyn_cast<ir::TransposeOp>(op)) {
      for (auto [axis, target] : llvm::enumerate(transpose.getPermutation()))
        source[target] = place[axis];
      result[index] = input[linearize(source, from)];
    } else {
      result[index] = input[isa<tensor::SplatOp>(op) ? 0 : index];
    }
  }
  values[op.getResult(0)] = std::move(result);
  return true;
}

/// The result of an arithmetic operation of one element; nothing if it is none
/// of ours. `width` is that of the operands.
static std::optional<__int128> compute(Operation &op, ArrayRef<int64_t> x,
                                       unsigned width) {
  using namespace arith;
  auto u = [&](unsigned i) { return asUnsigned(x[i], width); };
  int64_t a = x.empty() ? 0 : x[0], b = x.size() > 1 ? x[1] : 0;
  __int128 wide = a;
  auto floorDiv = [](__int128 p, __int128 q) {
    return p / q - ((p % q != 0) && ((p < 0) != (q < 0)));
  };
  if (isa<AddIOp>(op))
    return wide + b;
  if (isa<SubIOp>(op))
    return wide - b;
  if (isa<MulIOp>(op))
    return wide * b;
  if (isa<MinSIOp>(op))
    return std::min(a, b);
  if (isa<MaxSIOp>(op))
    return std::max(a, b);
  if (isa<MinUIOp>(op))
    return std::min(u(0), u(1));
  if (isa<MaxUIOp>(op))
    return std::max(u(0), u(1));
  if (isa<AndIOp>(op))
    return a & b;
  if (isa<OrIOp>(op))
    return a | b;
  if (isa<XOrIOp>(op))
    return a ^ b;
  if (isa<math::AbsIOp>(op))
    return wide < 0 ? -wide : wide;
  if (isa<SelectOp>(op))
    return x[0] ? x[1] : x[2];
  if (isa<DivSIOp>(op))
    return b == 0 ? 0 : wide / b;
  if (isa<DivUIOp>(op))
    return b == 0 ? 0 : u(0) / u(1);
  if (isa<FloorDivSIOp>(op))
    return b == 0 ? 0 : floorDiv(a, b);
  if (isa<CeilDivSIOp>(op))
    return b == 0 ? 0 : -floorDiv(-wide, b);
  if (isa<RemSIOp>(op))
    return b == 0 ? wide : wide % b;
  if (isa<RemUIOp>(op))
    return b == 0 ? u(0) : u(0) % u(1);
  if (isa<ShLIOp>(op))
    return u(1) >= width ? 0 : wide << b;
  if (isa<ShRSIOp>(op))
    return a >> std::min<uint64_t>(u(1), width - 1);
  if (isa<ShRUIOp>(op))
    return u(1) >= width ? 0 : u(0) >> b;
  if (isa<ExtSIOp>(op)) // an i1 is held as 0 or 1
    return width == 1 ? -a : a;
  if (isa<TruncIOp, IndexCastOp>(op))
    return a;
  if (isa<ExtUIOp, IndexCastUIOp>(op))
    return u(0);
  auto compare = dyn_cast<CmpIOp>(op);
  if (!compare)
    return std::nullopt;
  if (width == 1) // signed, true is -1
    a = -a, b = -b;
  switch (compare.getPredicate()) {
  case CmpIPredicate::eq:
    return a == b;
  case CmpIPredicate::ne:
    return a != b;
  case CmpIPredicate::slt:
    return a < b;
  case CmpIPredicate::sle:
    return a <= b;
  case CmpIPredicate::sgt:
    return a > b;
  case CmpIPredicate::sge:
    return a >= b;
  case CmpIPredicate::ult:
    return u(0) < u(1);
  case CmpIPredicate::ule:
    return u(0) <= u(1);
  case CmpIPredicate::ugt:
    return u(0) > u(1);
  case CmpIPredicate::uge:
    return u(0) >= u(1);
  }
  return std::nullopt;
}

bool TileEvaluator::runElementwise(Operation &op) {
  if (op.getNumResults() != 1 || !op.getResult(0).getType().isIntOrIndex())
    if (op.getNumResults() != 1 ||
        !getElementTypeOrSelf(op.getResult(0).getType()).isIntOrIndex())
      return fail("not supported: " + op.getName().getStringRef());
  Value result = op.getResult(0);
  unsigned resultWidth = widthOf(result.getType());
  int64_t count = countOf(shapeOf(result.getType()));
  Elements elements;
  Attribute constant;
  if (matchPattern(&op, m_Constant(&constant))) {
    auto number = [&](const APInt &value) {
      return wrap(value.getSExtValue(), resultWidth);
    };
    if (auto scalar = dyn_cast<IntegerAttr>(constant))
      elements.push_back(number(scalar.getValue()));
    else
      for (const APInt &value :
           cast<DenseIntElementsAttr>(constant).getValues<APInt>())
        elements.push_back(number(value));
    values[result] = std::move(elements);
    return true;
  }
  unsigned width = widthOf(op.getOperand(0).getType());
  for (int64_t index = 0; index < count; ++index) {
    SmallVector<int64_t> operands;
    for (Value operand : op.getOperands()) {
      const Elements &from = values[operand];
      operands.push_back(from[from.size() == 1 ? 0 : index]);
    }
    std::optional<__int128> element = compute(op, operands, width);
    if (!element)
      return fail("not supported: " + op.getName().getStringRef());
    elements.push_back(wrap(*element, resultWidth));
  }
  values[result] = std::move(elements);
  return true;
}

} // namespace attn_grid::test
