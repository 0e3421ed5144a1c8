// Forward-mode differentiation of the operations that a scalar function is
// lowered to. Each value that comes from the origin gets a tangent beside it,
// by the rule of the operation that makes it; what comes from elsewhere has
// none, which stands for 0. Branches are copied to compute the tangents of
// what they give: the copies are pure, and what is computed twice is later
// found to be the same.

#include "compiler/Frontend/Differentiate.h"

#include "compiler/Frontend/Numerics.h"
#include "dialect/AgOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/TypeSwitch.h"

#include <numbers>

using namespace mlir;

namespace attn_grid::compiler {

namespace {
class Tangents {
public:
  Tangents(OpBuilder &builder, Value origin) : builder(builder) {
    tangents[origin] = constant(origin, 1.0);
    findDependent(origin);
  }

  Derivative of(Value value) {
    Value result = tangent(value);
    if (problem)
      return {Value(), problem, why};
    return {result ? result : constant(value, 0.0), nullptr, {}};
  }

private:
  void findDependent(Value origin);
  void addDependent(Value value, llvm::SmallVectorImpl<Value> &work) {
    if (dependent.insert(value).second)
      work.push_back(value);
  }
  Value refuse(Operation *op, std::string what) {
    if (!problem) {
      problem = op;
      why = std::move(what);
    }
    return {};
  }

  /// The tangent of a value; null is 0.
  Value tangent(Value value);
  Value rule(Operation *op);
  Value unaryRule(Operation *op, Value x, Value dx);
  Value binaryRule(Operation *op);
  Value branchRule(scf::IfOp branch, unsigned result);
  void prepareOuter(scf::IfOp branch);

  // Arithmetic, with null for 0.
  static DType elementOf(Value value) {
    Type type = getElementTypeOrSelf(value.getType());
    return type.isF16()    ? DType::f16
           : type.isBF16() ? DType::bf16
           : type.isF64()  ? DType::f64
                           : DType::f32;
  }
  static TileValue tile(Value value) { return {value, elementOf(value)}; }
  Numerics numerics(Value like) { return Numerics(builder, like.getLoc()); }
  Value constant(Value like, double value) {
    return numerics(like).constantFloat(tile(like).type(), value).value;
  }
  Value apply(BinaryKind kind, Value a, Value b) {
    return numerics(a).binary(kind, tile(a), tile(b)).value;
  }
  Value apply(UnaryKind kind, Value a) {
    return numerics(a).unary(kind, tile(a)).value;
  }
  Value mul(Value a, Value b) { return apply(BinaryKind::mul, a, b); }
  Value div(Value a, Value b) { return apply(BinaryKind::div, a, b); }
  Value neg(Value a) { return apply(UnaryKind::neg, a); }
  Value add(Value a, Value b) {
    return a && b ? apply(BinaryKind::add, a, b) : a ? a : b;
  }
  Value sub(Value a, Value b) {
    return !b ? a : a ? apply(BinaryKind::sub, a, b) : neg(b);
  }
  Value scaled(Value a, double factor) { return mul(a, constant(a, factor)); }
  /// `a` where the comparison holds, else `b`; null is 0.
  Value where(BinaryKind comparison, Value x, Value y, Value a, Value b) {
    Value condition = apply(comparison, x, y);
    return choose(condition, a, b);
  }
  Value choose(Value condition, Value a, Value b) {
    if (!a && !b)
      return {};
    Value like = a ? a : b;
    return arith::SelectOp::create(builder, like.getLoc(), condition,
                                   a ? a : constant(like, 0.0),
                                   b ? b : constant(like, 0.0));
  }

  OpBuilder &builder;
  llvm::DenseSet<Value> dependent; // comes from the origin
  llvm::DenseMap<Value, Value> tangents;
  Operation *problem = nullptr;
  std::string why;
};
} // namespace

/// Follows the uses of the origin.
void Tangents::findDependent(Value origin) {
  llvm::SmallVector<Value> work;
  addDependent(origin, work);
  while (!work.empty()) {
    Value value = work.pop_back_val();
    for (OpOperand &use : value.getUses()) {
      Operation *user = use.getOwner();
      if (isa<scf::YieldOp>(user) && isa<scf::IfOp>(user->getParentOp()))
        addDependent(user->getParentOp()->getResult(use.getOperandNumber()),
                     work);
      else if (!isa<scf::IfOp>(user)) // which branch is taken is a step
        for (Value result : user->getResults())
          addDependent(result, work);
    }
  }
}

Value Tangents::tangent(Value value) {
  if (!dependent.contains(value) ||
      !isa<FloatType>(getElementTypeOrSelf(value.getType())))
    return {};
  auto it = tangents.find(value);
  if (it != tangents.end())
    return it->second;
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  Value result;
  if (auto branch = dyn_cast<scf::IfOp>(op))
    result = branchRule(branch, cast<OpResult>(value).getResultNumber());
  else
    result = rule(op);
  tangents[value] = result;
  return result;
}

Value Tangents::unaryRule(Operation *op, Value x, Value dx) {
  Value y = op->getResult(0);
  using B = BinaryKind;
  Value zero = constant(x, 0.0), one = constant(x, 1.0);
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](arith::NegFOp) { return neg(dx); })
      .Case([&](math::AbsFOp) {
        return where(B::gt, x, zero, dx,
                     where(B::lt, x, zero, neg(dx), Value()));
      })
      .Case([&](math::SqrtOp) { return div(scaled(dx, 0.5), y); })
      .Case([&](math::RsqrtOp) { return mul(scaled(dx, -0.5), div(y, x)); })
      .Case([&](math::ExpOp) { return mul(dx, y); })
      .Case([&](math::Exp2Op) { return mul(scaled(dx, std::numbers::ln2), y); })
      .Case([&](math::LogOp) { return div(dx, x); })
      .Case(
          [&](math::Log2Op) { return div(scaled(dx, std::numbers::log2e), x); })
      .Case([&](math::TanhOp) { return mul(dx, sub(one, mul(y, y))); })
      .Case([&](math::ErfOp) { // 2 / sqrt(pi) exp(-x^2)
        return mul(scaled(dx, 2 * std::numbers::inv_sqrtpi),
                   apply(UnaryKind::exp, neg(mul(x, x))));
      })
      .Case([&](math::SinOp) { return mul(dx, apply(UnaryKind::cos, x)); })
      .Case([&](math::CosOp) { return neg(mul(dx, apply(UnaryKind::sin, x))); })
      .Case([&](arith::ExtFOp) {
        return numerics(y).cast(tile(dx), elementOf(y)).value;
      })
      .Case([&](arith::TruncFOp) {
        return numerics(y).cast(tile(dx), elementOf(y)).value;
      })
      .Case([&](tensor::SplatOp) {
        return numerics(y).broadcast(tile(dx), tile(y).shape()).value;
      })
      .Case([&](ir::BroadcastOp repeat) {
        return numerics(y)
            .broadcastAlong(tile(dx), tile(y).shape(), repeat.getAxes())
            .value;
      })
      .Default([&](Operation *) {
        return refuse(op, "`" + op->getName().stripDialect().str() + "`");
      });
}

Value Tangents::binaryRule(Operation *op) {
  Value a = op->getOperand(0), b = op->getOperand(1), y = op->getResult(0);
  Value da = tangent(a), db = tangent(b);
  using B = BinaryKind;
  auto product = [&](Value value, Value factor) {
    return value ? mul(value, factor) : Value();
  };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](arith::AddFOp) { return add(da, db); })
      .Case([&](arith::SubFOp) { return sub(da, db); })
      .Case([&](arith::MulFOp) { return add(product(da, b), product(db, a)); })
      .Case([&](arith::DivFOp) { // (da - y db) / b
        Value top = sub(da, product(db, y));
        return top ? div(top, b) : Value();
      })
      .Case([&](arith::RemFOp) { // a - b trunc(a / b)
        if (!db)
          return da;
        Value q = div(a, b);
        Value whole =
            where(B::lt, q, constant(q, 0.0), apply(UnaryKind::ceil, q),
                  apply(UnaryKind::floor, q));
        return sub(da, mul(db, whole));
      })
      // A tie is a kink.
      .Case([&](arith::MaxNumFOp) {
        return where(B::gt, a, b, da, where(B::lt, a, b, db, Value()));
      })
      .Case([&](arith::MinNumFOp) {
        return where(B::lt, a, b, da, where(B::gt, a, b, db, Value()));
      })
      .Default([&](Operation *) {
        return refuse(op, "`" + op->getName().stripDialect().str() + "`");
      });
}

Value Tangents::rule(Operation *op) {
  // Steps, and what reads memory: constant but for jumps.
  if (isa<math::FloorOp, math::CeilOp, math::RoundEvenOp, arith::SIToFPOp,
          arith::UIToFPOp, ir::LoadOp, ir::GatherOp>(op))
    return {};
  if (isa<LoopLikeOpInterface>(op))
    return refuse(op, "a loop");
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return choose(select.getCondition(), tangent(select.getTrueValue()),
                  tangent(select.getFalseValue()));
  if (auto fma = dyn_cast<math::FmaOp>(op)) {
    Value da = tangent(fma.getA()), db = tangent(fma.getB());
    Value left = da ? mul(da, fma.getB()) : Value();
    Value right = db ? mul(db, fma.getA()) : Value();
    return add(add(left, right), tangent(fma.getC()));
  }
  if (op->getNumResults() == 1 && op->getNumRegions() == 0) {
    if (op->getNumOperands() == 2)
      return binaryRule(op);
    if (op->getNumOperands() == 1 && isa<arith::BitcastOp>(op))
      return refuse(op, "`bitcast`");
    if (op->getNumOperands() == 1) {
      Value dx = tangent(op->getOperand(0));
      return dx ? unaryRule(op, op->getOperand(0), dx) : Value();
    }
  }
  return refuse(op, "`" + op->getName().stripDialect().str() + "`");
}

/// Tangents of values from outside must not be made inside a branch, where
/// they could not be used again.
void Tangents::prepareOuter(scf::IfOp branch) {
  branch->walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (!branch->isAncestor(operand.getParentRegion()->getParentOp()))
        tangent(operand);
  });
}

Value Tangents::branchRule(scf::IfOp branch, unsigned result) {
  prepareOuter(branch);
  Location loc = branch.getLoc();
  Type type = branch.getResult(result).getType();
  auto twin = scf::IfOp::create(builder, loc, type, branch.getCondition(),
                                /*withElseRegion=*/true);
  Block *sources[] = {branch.thenBlock(), branch.elseBlock()};
  Block *targets[] = {twin.thenBlock(), twin.elseBlock()};
  for (auto [source, target] : llvm::zip(sources, targets)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(target);
    IRMapping mapping;
    for (Operation &op : source->without_terminator()) {
      if (op.getNumResults() == 0)
        continue; // an effect: it happens once
      builder.clone(op, mapping);
    }
    for (auto [old, copy] : mapping.getValueMap())
      if (dependent.contains(old))
        dependent.insert(copy);
    Value given =
        mapping.lookupOrDefault(source->getTerminator()->getOperand(result));
    Value change = tangent(given);
    scf::YieldOp::create(builder, loc, change ? change : constant(given, 0.0));
  }
  return twin.getResult(0);
}

Derivative differentiate(OpBuilder &builder, Value value, Value origin) {
  return Tangents(builder, origin).of(value);
}

} // namespace attn_grid::compiler
