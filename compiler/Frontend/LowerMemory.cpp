// Reading and writing: what `t[...]` names, loads and stores.

#include "compiler/Frontend/Lowering.h"

using namespace mlir;

namespace attn_grid::compiler {

std::optional<Value> Lowering::evalI32(const ast::Expr &expr,
                                       llvm::StringRef what) {
  Operand operand{eval(expr), expr.range};
  std::optional<TileValue> value = adapt(operand, DType::i32, what);
  if (!value)
    return std::nullopt;
  if (!value->isScalar()) {
    error(expr.range,
          what.str() + " must be a scalar, found " + format(value->type()));
    return std::nullopt;
  }
  return value->value;
}

std::optional<Lowering::Access>
Lowering::evalAccess(const ast::IndexExpr &expr) {
  Datum base = eval(*expr.base);
  if (!base.isTensor()) {
    expectValue({base, expr.base->range});
    return std::nullopt;
  }
  Access access;
  access.tensor = base.tensor;
  access.range = expr.range;
  const std::vector<Datum> &extents = base.tensor->extents;
  if (expr.indexers.size() != extents.size()) {
    error(expr.range, "`" + base.tensor->name + "` has " +
                          std::to_string(extents.size()) +
                          (extents.size() == 1 ? " dimension" : " dimensions") +
                          ", found " + std::to_string(expr.indexers.size()) +
                          (expr.indexers.size() == 1 ? " index" : " indices"))
        .note(base.tensor->declared, "it is declared here");
    return std::nullopt;
  }
  if (frame->lifted && llvm::all_of(expr.indexers, [](const auto &indexer) {
        return indexer.kind == ast::Indexer::Kind::Element;
      })) {
    // A function of scalars applied to tiles: each element at its own place.
    llvm::SmallVector<Operand> indices;
    for (const ast::Indexer &indexer : expr.indexers)
      indices.push_back({eval(*indexer.first), indexer.first->range});
    if (!makePointwise(access, indices))
      return std::nullopt;
    if (!access.shape.empty())
      return access;
    access.pointwise = false;
    access.extents.assign(indices.size(), 0);
    return access;
  }
  bool ok = true, hasStep = false;
  llvm::SmallVector<Value> steps;
  for (auto [indexer, extent] : llvm::zip(expr.indexers, extents))
    ok &= addIndexer(access, indexer, extent, steps, hasStep);
  if (!ok || !checkTileShape(access.shape, expr.range))
    return std::nullopt;
  if (hasStep)
    access.steps = std::move(steps);
  return access;
}

bool Lowering::addIndexer(Access &access, const ast::Indexer &indexer,
                          const Datum &extent,
                          llvm::SmallVectorImpl<Value> &steps, bool &hasStep) {
  At at(*this, indexer.range);
  auto i32 = [&](int64_t value) {
    return numerics().constantInt({DType::i32, {}}, value).value;
  };
  std::optional<Value> index, step;
  int64_t count = 0; // a dropped dimension
  switch (indexer.kind) {
  case ast::Indexer::Kind::Element: {
    Operand operand{eval(*indexer.first), indexer.first->range};
    std::optional<TileValue> value = adapt(operand, DType::i32, "an index");
    if (!value)
      return false;
    if (value->shape().size() > 1) {
      error(indexer.range, "an index is a scalar or a tile of rank 1, found " +
                               format(value->type()))
          .note("index point by point: `gather(" + access.tensor->name +
                ", ...)` or `scatter(" + access.tensor->name + ", ..., x)`");
      return false;
    }
    index = value->value;
    if (!value->isScalar())
      count = value->shape().front();
    break;
  }
  case ast::Indexer::Kind::Window: {
    index = evalI32(*indexer.first, "an index");
    std::optional<int64_t> width = evalExtent(*indexer.second);
    if (indexer.step) {
      step = evalI32(*indexer.step, "a step");
      if (!step)
        return false;
      hasStep = true;
    }
    if (!index || !width)
      return false;
    count = *width;
    break;
  }
  case ast::Indexer::Kind::All: {
    if (!extent.isConstant()) {
      error(indexer.range, "`:` needs an extent known while compiling; this "
                           "one is known only at run time")
          .note(
              "read a part: `0 +: W`, or make the extent a `const` parameter");
      return false;
    }
    count = extent.constant.i;
    if (count < 1 || !llvm::isPowerOf2_64(count)) {
      error(indexer.range,
            "`:` needs an extent that is a power of two, found " +
                std::to_string(count))
          .note("read `0 +: next_pow2(...)`; elements outside read as 0");
      return false;
    }
    index = i32(0);
    break;
  }
  case ast::Indexer::Kind::Range:
    error(indexer.range, "a range `a .. e` stands only in `view(t[...])`")
        .note("read a tile with `a +: W`");
    return false;
  case ast::Indexer::Kind::NewAxis:
    error(indexer.range, "`None` adds an axis to a tile, not to a tensor")
        .note("read first, then add it: `t[...][:, None]`");
    return false;
  }
  if (count > ir::maxTileElements) {
    error(indexer.range, "a tile has at most " +
                             std::to_string(ir::maxTileElements) +
                             " elements, found " + std::to_string(count));
    return false;
  }
  access.indices.push_back(*index);
  access.extents.push_back(count);
  steps.push_back(step ? *step : i32(1));
  if (count)
    access.shape.push_back(count);
  return true;
}

bool Lowering::checkReadable(const Access &access) {
  if (access.tensor->readable)
    return true;
  error(access.range,
        "`" + access.tensor->name + "` is `out`: it is only written")
      .note(access.tensor->declared,
            "declare it `inout`, or give it a first value: `out " +
                access.tensor->name + ": ... = 0`");
  return false;
}

bool Lowering::checkWritable(const Access &access) {
  if (access.tensor->writable)
    return true;
  error(access.range, "`" + access.tensor->name + "` is only read")
      .note(access.tensor->declared, "declare it `out` or `inout` to write it");
  return false;
}

Datum Lowering::load(const Access &access, Value keep, Value other) {
  TileType type{access.tensor->element, access.shape};
  Type result = irType(builder.getContext(), type);
  if (access.pointwise)
    return Datum::of(TileValue{
        ir::GatherOp::create(builder, loc, result, access.tensor->memref,
                             pointwiseIndices(access), keep, other),
        type.element});
  auto op = ir::LoadOp::create(builder, loc, result, access.tensor->memref,
                               access.indices, access.steps, keep, other,
                               access.extents);
  return Datum::of(TileValue{op.getResult(), type.element});
}

bool Lowering::store(const Access &access, const Operand &value, Value keep) {
  TileType type{access.tensor->element, access.shape};
  std::optional<TileValue> tile =
      convert(value, type, "`" + access.tensor->name + "[...]`");
  if (!tile)
    return false;
  if (access.pointwise)
    ir::ScatterOp::create(builder, loc, tile->value, access.tensor->memref,
                          pointwiseIndices(access), keep);
  else
    ir::StoreOp::create(builder, loc, tile->value, access.tensor->memref,
                        access.indices, access.steps, keep, access.extents);
  return true;
}

/// The mask of a long form; null if none is given or it is true.
std::optional<Value> Lowering::evalKeep(const ast::Expr *expr,
                                        llvm::ArrayRef<int64_t> shape) {
  if (!expr)
    return Value();
  Operand operand{eval(*expr), expr->range};
  if (operand.datum.isBool() && operand.datum.constant.i)
    return Value();
  TileType type{DType::boolean, Shape(shape.begin(), shape.end())};
  std::optional<TileValue> keep = convert(operand, type, "`keep`");
  if (!keep)
    return std::nullopt;
  return keep->value;
}

Datum Lowering::loadLong(const Access &access, const ast::Arg *otherArg,
                         const ast::Arg *keepArg) {
  Value other;
  if (otherArg) {
    const ast::Expr &expr = *otherArg->value;
    std::optional<TileValue> tile =
        convert({eval(expr), expr.range},
                {access.tensor->element, access.shape}, "`other`");
    if (!tile)
      return Datum::poison();
    other = tile->value;
  }
  std::optional<Value> keep =
      evalKeep(keepArg ? keepArg->value.get() : nullptr, access.shape);
  return keep ? load(access, *keep, other) : Datum::poison();
}

Datum Lowering::storeLong(const Access &access, const Operand &value,
                          const ast::Arg *keepArg) {
  if (value.datum.isPoison())
    return Datum::poison();
  std::optional<Value> keep =
      evalKeep(keepArg ? keepArg->value.get() : nullptr, access.shape);
  if (!keep || !store(access, value, *keep))
    return Datum::poison();
  return Datum::of(Datum::Kind::none);
}

} // namespace attn_grid::compiler
