#include "compiler/Cost/Demand.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <optional>

using namespace mlir;

namespace attn_grid::compiler {

void Demand::add(const Demand &other, double times) {
  for (size_t i = 0; i < std::size(products); ++i)
    products[i] += times * other.products[i];
  groupProducts += times * other.groupProducts;
  groupInstructions += times * other.groupInstructions;
  special += times * other.special;
  arithmetic += times * other.arithmetic;
  logic += times * other.logic;
  operandBytes += times * other.operandBytes;
  stagedBytes += times * other.stagedBytes;
  boxBytes += times * other.boxBytes;
  globalBytes += times * other.globalBytes;
  operations += times * other.operations;
}

namespace {

double elementsOf(Type type) {
  auto tile = dyn_cast<RankedTensorType>(type);
  return tile && tile.hasStaticShape()
             ? static_cast<double>(tile.getNumElements())
             : 0;
}

double bytesOf(Type type) {
  auto tile = dyn_cast<RankedTensorType>(type);
  if (!tile)
    return 0;
  unsigned bits =
      tile.getElementType().isIntOrFloat() ? tile.getElementTypeBitWidth() : 64;
  return elementsOf(type) * std::max(bits, 8u) / 8;
}

/// What one element takes of the units that compute.
struct Functions {
  double special = 0, arithmetic = 0, logic = 0;
};

/// As the lowerings make them: exp2 is one instruction with its scale folded in
/// or not, a quotient a reciprocal and its correction, others polynomials.
Functions functionsOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, Functions>(op)
      .Case<math::ExpOp, math::Exp2Op, math::LogOp, math::Log2Op, math::RsqrtOp,
            math::SqrtOp>([](Operation *) { return Functions{1, 1, 0}; })
      .Case<math::SinOp, math::CosOp, math::TanhOp>(
          [](Operation *) { return Functions{1, 4, 0}; })
      .Case<arith::DivFOp>([](Operation *) { return Functions{1, 3, 0}; })
      .Case<math::ErfOp, math::PowFOp>(
          [](Operation *) { return Functions{2, 16, 0}; })
      .Case<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(
          [](Operation *) { return Functions{1, 0, 8}; })
      .Case<arith::AddFOp, arith::SubFOp, arith::MulFOp, math::FmaOp>(
          [](Operation *) { return Functions{0, 1, 0}; })
      .Default([](Operation *) { return Functions{0, 0, 1}; });
}

/// Runs a kernel's scalars.
class Walk {
public:
  Walk(ir::KernelOp kernel, const KnownValues &values,
       const DemandOptions &options)
      : kernel(kernel), options(options) {
    Builder b(kernel.getContext());
    for (BlockArgument argument : kernel.getBody().getArguments()) {
      auto name = dyn_cast_or_null<StringAttr>(
          kernel.getArgAttr(argument.getArgNumber(), "ag.name"));
      auto found = name ? values.find(name.getValue()) : values.end();
      if (found != values.end() && argument.getType().isIntOrIndex())
        known[argument] = b.getIntegerAttr(argument.getType(), found->second);
    }
  }

  KernelDemand run() {
    findPrograms();
    constexpr int64_t samples = 8;
    int64_t count = std::max<int64_t>(std::min(programs, samples), 1);
    for (int64_t i = 0; i < count; ++i) {
      // The middles of equal parts.
      program = programs ? (2 * i + 1) * programs / (2 * count) : -1;
      runBlock(kernel.getBody().front(), 1.0 / static_cast<double>(count),
               nullptr, 0);
    }
    KernelDemand result;
    result.programs = static_cast<double>(programs);
    for (Operation *loop : order)
      result.loops.push_back(loops[loop]);
    return result;
  }

private:
  void findPrograms() {
    runsDry = true;
    runBlock(kernel.getBody().front(), 0, nullptr, 0);
    runsDry = false;
    order.clear();
    loops.clear();
  }

  std::optional<int64_t> valueOf(Value value) const {
    auto found = known.find(value);
    auto integer = found == known.end()
                       ? IntegerAttr()
                       : dyn_cast_or_null<IntegerAttr>(found->second);
    return integer ? std::optional(integer.getInt()) : std::nullopt;
  }
  void setValue(Value value, Attribute attribute) {
    if (attribute)
      known[value] = attribute;
    else
      known.erase(value);
  }

  LoopDemand &of(Operation *loop, int depth) {
    auto [entry, isNew] = loops.try_emplace(loop);
    if (isNew) {
      order.push_back(loop);
      if (loop)
        entry->second.place = loop->getLoc();
      entry->second.trips = loop ? 0 : 1;
      entry->second.depth = depth;
    }
    return entry->second;
  }

  /// What the block's terminator hands on, as far as it is known.
  using Yielded = SmallVector<Attribute>;

  Yielded runBlock(Block &block, double weight, Operation *loop, int depth) {
    LoopDemand &own = of(loop, depth);
    for (Operation &op : block) {
      if (auto inner = dyn_cast<scf::ForOp>(op)) {
        runLoop(inner, weight, depth);
      } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
        runBranch(branch, weight, loop, depth);
      } else if (auto ids = dyn_cast<ir::ProgramIdOp>(op)) {
        runProgramId(ids);
      } else if (op.hasTrait<OpTrait::IsTerminator>()) {
        Yielded yielded;
        for (Value operand : op.getOperands())
          yielded.push_back(known.lookup(operand));
        return yielded;
      } else {
        fold(op);
        if (!runsDry)
          own.demand.add(demandOf(op), weight);
        // Other loops (`while`) and the regions of reductions.
        if (!isa<ir::ReduceWithOp, ir::ScanWithOp>(op))
          for (Region &region : op.getRegions())
            for (Block &inside : region)
              runBlock(inside, weight, loop, depth);
      }
    }
    return {};
  }

  void runLoop(scf::ForOp op, double weight, int depth) {
    std::optional<int64_t> from = valueOf(op.getLowerBound()),
                           to = valueOf(op.getUpperBound()),
                           step = valueOf(op.getStep());
    bool isKnown = from && to && step && *step > 0;
    int64_t trips = !isKnown      ? 1
                    : *to > *from ? (*to - *from + *step - 1) / *step
                                  : 0;
    // Many trips are like each other: some stand for all.
    constexpr int64_t most = 32;
    int64_t runs = std::min(trips, most);
    LoopDemand &own = of(op, depth + 1);
    own.trips += weight * static_cast<double>(trips);
    own.tripsKnown &= isKnown;
    for (int64_t i = 0; i < runs; ++i) {
      int64_t trip = runs == trips ? i : i * (trips - 1) / (runs - 1);
      Value variable = op.getInductionVar();
      setValue(variable, isKnown ? Builder(op.getContext())
                                       .getIntegerAttr(variable.getType(),
                                                       *from + trip * *step)
                                 : Attribute());
      for (Value carried : op.getRegionIterArgs())
        setValue(carried, {});
      runBlock(*op.getBody(),
               weight * static_cast<double>(trips) / static_cast<double>(runs),
               op, depth + 1);
    }
    for (Value result : op.getResults())
      setValue(result, {});
  }

  /// Whether the first branch counts if the condition is not known: unless it
  /// does nothing, as where a tile is skipped. Of two bodies the first is the
  /// one without masks, in which most trips go.
  static bool isThenLikely(scf::IfOp op) {
    return !op.elseBlock() || !llvm::hasSingleElement(*op.thenBlock());
  }

  void runBranch(scf::IfOp op, double weight, Operation *loop, int depth) {
    std::optional<int64_t> condition = valueOf(op.getCondition());
    Yielded yielded;
    if (condition ? *condition != 0 : isThenLikely(op))
      yielded = runBlock(*op.thenBlock(), weight, loop, depth);
    else if (op.elseBlock())
      yielded = runBlock(*op.elseBlock(), weight, loop, depth);
    for (auto [i, result] : llvm::enumerate(op.getResults()))
      setValue(result,
               condition && i < yielded.size() ? yielded[i] : Attribute());
  }

  void runProgramId(ir::ProgramIdOp op) {
    SmallVector<int64_t, 3> extents;
    for (Value extent : op.getExtents())
      extents.push_back(valueOf(extent).value_or(0));
    int64_t count = 1;
    for (int64_t extent : extents)
      count *= std::max<int64_t>(extent, 0);
    programs = count;
    int64_t rest = program;
    for (auto [extent, id] : llvm::zip(extents, op.getIds())) {
      if (count == 0 || program < 0) {
        setValue(id, {});
        continue;
      }
      setValue(
          id,
          Builder(op.getContext()).getIntegerAttr(id.getType(), rest % extent));
      rest /= extent;
    }
  }

  /// Computes scalars whose operands are known.
  void fold(Operation &op) {
    bool isScalar = op.getNumResults() > 0 &&
                    llvm::all_of(op.getResultTypes(), [](Type type) {
                      return type.isIntOrIndexOrFloat();
                    });
    if (!isScalar)
      return;
    SmallVector<Attribute> operands;
    for (Value operand : op.getOperands())
      operands.push_back(known.lookup(operand));
    SmallVector<OpFoldResult> results;
    // Folding may change the operation in place: what it answers then is
    // itself.
    OwningOpRef<Operation *> copy(op.clone());
    bool isFolded = succeeded(copy->fold(operands, results)) &&
                    results.size() == op.getNumResults();
    for (auto [i, result] : llvm::enumerate(op.getResults())) {
      Attribute value;
      if (isFolded)
        value = isa<Attribute>(results[i])
                    ? cast<Attribute>(results[i])
                    : known.lookup(cast<Value>(results[i]));
      setValue(result, value);
    }
  }

  ProductKind kindOf(ir::DotOp op) const {
    Type element = op.getLhs().getType().getElementType();
    if (element.isF64())
      return ProductKind::f64;
    if (element.isF32())
      return op.getPrecision() ? ProductKind::tf32 : ProductKind::f32;
    return element.isBF16()                        ? ProductKind::bf16
           : element.getIntOrFloatBitWidth() == 16 ? ProductKind::f16
                                                   : ProductKind::i8;
  }

  /// Is a tile made in this trip by loading it, so that a dot reads it from
  /// near memory? Others are in registers already.
  static bool isStaged(Value tile) {
    Operation *made = tile.getDefiningOp();
    while (made && isa<ir::TransposeOp, ir::ReshapeOp>(made))
      made = made->getOperand(0).getDefiningOp();
    return isa_and_nonnull<ir::LoadOp, ir::GatherOp>(made);
  }

  Demand demandOfDot(ir::DotOp op) const {
    Demand demand;
    double m = op.getLhs().getType().getDimSize(0),
           k = op.getLhs().getType().getDimSize(1),
           n = op.getRhs().getType().getDimSize(1);
    ProductKind kind = kindOf(op);
    double lhs = bytesOf(op.getLhs().getType()),
           rhs = bytesOf(op.getRhs().getType());
    auto isMadeHere = [&](Value operand) {
      return isStaged(operand) && operand.getParentBlock() == op->getBlock();
    };
    for (Value operand : {Value(op.getLhs()), Value(op.getRhs())})
      if (options.warps && isMadeHere(operand))
        demand.stagedBytes += bytesOf(operand.getType());
    if (options.boxes)
      demand.boxBytes = demand.stagedBytes;
    constexpr double groupRows = 64, groupColumns = 256, groupDepth = 16;
    bool isHalf = kind == ProductKind::f16 || kind == ProductKind::bf16;
    // What is the same in all trips stays in shared memory if it is large
    // (`ThreadEmitter::isHeldInShared`).
    auto loop = op->getParentOfType<LoopLikeOpInterface>();
    bool mayBeHeld = isHalf && !op.getKeep() && loop &&
                     loop.isDefinedOutsideOfLoop(op.getLhs());
    constexpr double heldColumns = 128, heldElements = 64;
    if (options.warpgroups && isHalf && m >= groupRows && k >= groupDepth) {
      double steps =
          m / groupRows * k / groupDepth * std::ceil(n / groupColumns);
      demand.groupProducts = m * k * n;
      demand.groupInstructions = 4 * steps;
      // The second factor is read for each group of rows.
      demand.operandBytes = rhs * m / groupRows;
      if (isMadeHere(op.getLhs()) || (mayBeHeld && n >= heldColumns))
        demand.operandBytes += lhs * std::ceil(n / groupColumns);
      return demand;
    }
    demand.products[static_cast<int>(kind)] = m * k * n;
    if (options.warps == 0) {
      demand.operandBytes = lhs + rhs;
      return demand;
    }
    // A warp takes 16 rows at least, and all columns if there are rows enough.
    double rows = std::min<double>(options.warps, std::max(m / 16, 1.0));
    demand.operandBytes = rhs * rows;
    bool isHeld = mayBeHeld && m * k / (32 * rows) >= heldElements;
    if (isMadeHere(op.getLhs()) || isHeld)
      demand.operandBytes += lhs * (options.warps / rows);
    return demand;
  }

  /// Is a product a part of the sum that takes it?
  static bool isFused(Operation &op) {
    return isa<arith::MulFOp>(op) && op.hasOneUse() &&
           isa<arith::AddFOp, arith::SubFOp>(*op.user_begin());
  }

  Demand demandOf(Operation &op) const {
    if (isFused(op))
      return {};
    if (auto dot = dyn_cast<ir::DotOp>(op)) {
      Demand demand = demandOfDot(dot);
      demand.operations = 1;
      return demand;
    }
    Demand demand;
    double made = 0, taken = 0;
    for (Type type : op.getResultTypes())
      made += elementsOf(type);
    for (Value operand : op.getOperands())
      taken = std::max(taken, elementsOf(operand.getType()));
    if (made == 0 && taken == 0)
      return demand;
    // A nest of loops of its own; what is computed element by element, or only
    // read, becomes a part of others.
    demand.operations =
        isa<ir::StoreOp, ir::ScatterOp, ir::AtomicOp, ir::ReduceOp,
            ir::ReduceWithOp, ir::ScanOp, ir::ScanWithOp, ir::SortOp>(op);
    if (isa<ir::LoadOp, ir::GatherOp>(op)) {
      demand.globalBytes = bytesOf(op.getResult(0).getType());
    } else if (isa<ir::StoreOp, ir::ScatterOp, ir::AtomicOp>(op)) {
      for (Value operand : op.getOperands())
        demand.globalBytes =
            std::max(demand.globalBytes, bytesOf(operand.getType()));
    } else if (isa<ir::BroadcastOp, ir::TransposeOp, ir::ReshapeOp, ir::IotaOp,
                   arith::ConstantOp, tensor::SplatOp>(op)) {
      // Read where they are used.
    } else if (auto reduce = dyn_cast<ir::ReduceOp>(op)) {
      bool isSum =
          isa<FloatType>(reduce.getInput().getType().getElementType()) &&
          reduce.getKind() == ir::ReduceKind::sum;
      (isSum ? demand.arithmetic : demand.logic) = taken;
    } else if (isa<ir::ReduceWithOp, ir::ScanWithOp>(op)) {
      double inside = 0;
      for (Operation &part : op.getRegion(0).front())
        inside += !part.hasTrait<OpTrait::IsTerminator>();
      demand.logic = taken * inside;
    } else if (isa<ir::ScanOp, ir::SortOp>(op)) {
      demand.logic = taken * std::max(std::log2(taken), 1.0);
    } else if (isa<ir::PhiloxOp>(op)) {
      demand.logic = made * 20; // ten rounds of two products for four
    } else {
      Functions functions = functionsOf(&op);
      demand.special = made * functions.special;
      demand.arithmetic = made * functions.arithmetic;
      demand.logic = made * functions.logic;
    }
    return demand;
  }

  ir::KernelOp kernel;
  const DemandOptions &options;
  DenseMap<Value, Attribute> known;
  std::map<Operation *, LoopDemand> loops;
  SmallVector<Operation *> order;
  int64_t programs = 0, program = -1;
  bool runsDry = false;
};

} // namespace

KernelDemand demandOf(ir::KernelOp kernel, const KnownValues &values,
                      const DemandOptions &options) {
  return Walk(kernel, values, options).run();
}

} // namespace attn_grid::compiler
