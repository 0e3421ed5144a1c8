// `view(t[b, a .. e, :])`: a part of a tensor as a tensor of its own.

#include "compiler/Frontend/KnownRange.h"
#include "compiler/Frontend/Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace attn_grid::compiler {

/// True if the index is known to lie in a dimension: a grid coordinate of just
/// this extent, or a range that fits.
static bool isInside(Value index, const Datum &extent) {
  KnownRange range = knownRange(index);
  if (extent.isConstant())
    return range.low >= 0 && range.high < extent.constant.i;
  auto id = index.getDefiningOp<ir::ProgramIdOp>();
  if (!id)
    return false;
  unsigned number = cast<OpResult>(index).getResultNumber();
  return id.getExtents()[number] == extent.tile.value;
}

/// A number of elements or an offset, as memref operations take them.
static OpFoldResult asIndex(OpBuilder &builder, Location loc,
                            const Datum &number) {
  if (number.isConstant())
    return builder.getIndexAttr(number.constant.i);
  APInt constant;
  if (matchPattern(number.tile.value, m_ConstantInt(&constant)))
    return builder.getIndexAttr(constant.getSExtValue());
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    number.tile.value)
      .getResult();
}

/// The part of one dimension that a view keeps.
struct Lowering::ViewDim {
  Datum offset, extent;
  Datum step = Datum::of(constInt(1));
  bool dropped = false;
  Value inside; // of a dropped one: is the index in the tensor? null: surely
};

/// `a .. e step s`: from `a` on, cut to the extent; empty if `a` is outside.
std::optional<Lowering::ViewDim>
Lowering::viewRange(const ast::Indexer &indexer, const Datum &extent) {
  std::optional<Value> first = evalI32(*indexer.first, "a bound of a view");
  std::optional<Value> last = evalI32(*indexer.second, "a bound of a view");
  std::optional<Value> step;
  if (indexer.step && !(step = evalI32(*indexer.step, "a step")))
    return std::nullopt;
  if (!first || !last)
    return std::nullopt;
  Numerics emit = numerics();
  auto wrap = [](Value value) { return TileValue{value, DType::i32}; };
  TileValue zero = emit.constantInt({DType::i32, {}}, 0);
  TileValue size = extent.isConstant()
                       ? emit.constant(DType::i32, {}, extent.constant)
                       : extent.tile;
  // As unsigned numbers, what is below 0 is beyond the extent too.
  TileValue begin =
      wrap(builder.createOrFold<arith::MinUIOp>(loc, *first, size.value));
  TileValue end = emit.binary(BinaryKind::min, wrap(*last), size);
  if (knownRange(end.value).low < 0)
    end = emit.binary(BinaryKind::max, end, zero);
  TileValue count = emit.binary(BinaryKind::max,
                                emit.binary(BinaryKind::sub, end, begin), zero);
  ViewDim dim;
  if (step) {
    TileValue stride = wrap(*step);
    TileValue forward = emit.binary(BinaryKind::gt, stride, zero);
    stride = emit.binary(BinaryKind::max, stride,
                         emit.constantInt({DType::i32, {}}, 1));
    count = emit.select(forward,
                        emit.binary(BinaryKind::ceildiv, count, stride), zero);
    dim.step = Datum::of(stride);
  }
  // One that begins at the end is empty wherever it ends.
  APInt from;
  bool atEnd = extent.isConstant() &&
               matchPattern(begin.value, m_ConstantInt(&from)) &&
               from.getSExtValue() >= extent.constant.i;
  if (atEnd)
    count = zero;
  bool empty = matchPattern(count.value, m_Zero());
  dim.offset = Datum::of(empty ? zero : begin);
  dim.extent = Datum::of(count);
  return dim;
}

std::optional<Lowering::ViewDim> Lowering::viewDim(const ast::Indexer &indexer,
                                                   const Datum &extent) {
  At at(*this, indexer.range);
  ViewDim dim;
  switch (indexer.kind) {
  case ast::Indexer::Kind::All:
    dim.offset = Datum::of(constInt(0));
    dim.extent = extent;
    return dim;
  case ast::Indexer::Kind::Range:
    return viewRange(indexer, extent);
  case ast::Indexer::Kind::Element: {
    std::optional<Value> index = evalI32(*indexer.first, "an index of a view");
    if (!index)
      return std::nullopt;
    dim.dropped = true;
    dim.extent = Datum::of(constInt(1));
    if (!isInside(*index, extent)) {
      Value size =
          extent.isConstant()
              ? numerics().constant(DType::i32, {}, extent.constant).value
              : extent.tile.value;
      dim.inside = builder.createOrFold<arith::CmpIOp>(
          loc, arith::CmpIPredicate::ult, *index, size);
      index = builder.createOrFold<arith::MinUIOp>(loc, *index, size);
      // What is surely outside must not look like an access beyond the end.
      if (matchPattern(dim.inside, m_Zero()))
        index = numerics().constantInt({DType::i32, {}}, 0).value;
    }
    dim.offset = Datum::of(TileValue{*index, DType::i32});
    return dim;
  }
  case ast::Indexer::Kind::Window:
    error(indexer.range, "a view keeps ranges `a .. e`, found a window")
        .note("write `a .. a + W`");
    return std::nullopt;
  case ast::Indexer::Kind::NewAxis:
    error(indexer.range, "`None` adds an axis to a tile, not to a tensor");
    return std::nullopt;
  }
  return std::nullopt;
}

/// Makes the view empty where a dropped index lies outside: through a
/// dimension whose extent is a run-time value anyway, if there is one.
void Lowering::emptyOutside(llvm::MutableArrayRef<ViewDim> dims) {
  Value inside;
  for (const ViewDim &dim : dims)
    if (dim.inside)
      inside =
          inside ? builder.createOrFold<arith::AndIOp>(loc, inside, dim.inside)
                 : dim.inside;
  if (!inside)
    return;
  ViewDim *chosen = nullptr;
  for (ViewDim &dim : dims)
    if (!dim.dropped &&
        (!chosen || (chosen->extent.isConstant() && dim.extent.isTile())))
      chosen = &dim;
  TileValue extent =
      chosen->extent.isConstant()
          ? numerics().constant(DType::i32, {}, chosen->extent.constant)
          : chosen->extent.tile;
  chosen->extent =
      Datum::of(numerics().select({inside, DType::boolean}, extent,
                                  numerics().constantInt({DType::i32, {}}, 0)));
}

/// A view known to be empty: a subview's verifier would take it for one that
/// reaches beyond the end, and no element is there to need an address. `sizes`
/// are those of `shape`.
static Value emptyView(OpBuilder &builder, Location loc, Value source,
                       llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<OpFoldResult> sizes) {
  llvm::SmallVector<int64_t> layout(shape.size(), 1);
  llvm::SmallVector<OpFoldResult> strides(shape.size(),
                                          builder.getIndexAttr(1));
  auto type = MemRefType::get(
      shape, cast<MemRefType>(source.getType()).getElementType(),
      StridedLayoutAttr::get(builder.getContext(), /*offset=*/0, layout));
  return memref::ReinterpretCastOp::create(
      builder, loc, type, source, builder.getIndexAttr(0), sizes, strides);
}

Datum Lowering::evalView(const ast::IndexExpr &expr) {
  Datum base = eval(*expr.base);
  if (base.isPoison() || base.kind == Datum::Kind::absent)
    return base; // a view of what is absent is absent too
  if (!base.isTensor()) {
    error(expr.base->range, "`view` needs a tensor, found " + describe(base));
    return Datum::poison();
  }
  const TensorValue &source = *base.tensor;
  if (expr.indexers.size() != source.extents.size())
    return poison(expr.range, "`" + source.name + "` has " +
                                  std::to_string(source.extents.size()) +
                                  " dimensions, found " +
                                  std::to_string(expr.indexers.size()) +
                                  " indices");
  llvm::SmallVector<ViewDim, 0> dims;
  for (auto [indexer, extent] : llvm::zip(expr.indexers, source.extents)) {
    std::optional<ViewDim> dim = viewDim(indexer, extent);
    if (!dim)
      return Datum::poison();
    dims.push_back(std::move(*dim));
  }
  if (llvm::all_of(dims, [](const ViewDim &dim) { return dim.dropped; }))
    return poison(expr.range, "a view keeps at least one range; read one "
                              "element with `" +
                                  source.name + "[...]`");
  emptyOutside(dims);
  TensorValue view = source;
  view.extents.clear();
  llvm::SmallVector<OpFoldResult> offsets, sizes, strides, kept;
  llvm::SmallVector<int64_t> shape;
  for (const ViewDim &dim : dims) {
    offsets.push_back(asIndex(builder, loc, dim.offset));
    sizes.push_back(asIndex(builder, loc, dim.extent));
    strides.push_back(asIndex(builder, loc, dim.step));
    if (dim.dropped)
      continue;
    // What folded to a constant is one to the language too: `:` takes it.
    auto known = llvm::dyn_cast<Attribute>(sizes.back());
    int64_t count = known ? cast<IntegerAttr>(known).getInt() : 0;
    view.extents.push_back(known ? Datum::of(constInt(count)) : dim.extent);
    shape.push_back(known ? count : ShapedType::kDynamic);
    kept.push_back(sizes.back());
  }
  auto sourceType = cast<MemRefType>(source.memref.getType());
  if (llvm::is_contained(shape, 0) ||
      llvm::is_contained(sourceType.getShape(), 0)) {
    view.memref = emptyView(builder, loc, source.memref, shape, kept);
    return Datum::of(std::make_shared<const TensorValue>(std::move(view)));
  }
  auto type = cast<MemRefType>(memref::SubViewOp::inferRankReducedResultType(
      shape, sourceType, offsets, sizes, strides));
  view.memref = memref::SubViewOp::create(builder, loc, type, source.memref,
                                          offsets, sizes, strides);
  return Datum::of(std::make_shared<const TensorValue>(std::move(view)));
}

} // namespace attn_grid::compiler
