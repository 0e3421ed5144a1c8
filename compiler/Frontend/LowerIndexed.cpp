// Elements each at a place of its own (gather, scatter), and updates that
// programs share (atomics).

#include "compiler/Frontend/BuiltinCall.h"

using namespace mlir;

namespace attn_grid::compiler {

bool Lowering::makePointwise(Access &access, llvm::ArrayRef<Operand> operands) {
  Shape shape;
  llvm::SmallVector<TileValue> indices;
  for (const Operand &operand : operands) {
    std::optional<TileValue> index = adapt(operand, DType::i32, "an index");
    if (!index)
      return false;
    std::optional<Shape> both = broadcastShape(shape, index->shape());
    if (!both) {
      error(operand.range, "indices need shapes that repeat to one, found " +
                               format(shape) + " and " +
                               format(index->shape()));
      return false;
    }
    shape = *both;
    indices.push_back(*index);
  }
  if (!checkTileShape(shape, access.range))
    return false;
  access.indices.clear();
  for (const TileValue &index : indices)
    access.indices.push_back(index.value);
  access.pointwise = true;
  access.shape = shape;
  return true;
}

/// The indices, each an i32 or a tile of the shape of the whole access.
llvm::SmallVector<Value> Lowering::pointwiseIndices(const Access &access) {
  llvm::SmallVector<Value> indices;
  for (Value value : access.indices) {
    TileValue index{value, DType::i32};
    indices.push_back(index.isScalar()
                          ? value
                          : numerics().broadcast(index, access.shape).value);
  }
  return indices;
}

/// The tensor and the indices at the front of the arguments; `after` more
/// follow by position.
std::optional<Lowering::Access> Lowering::pointwiseAccess(BuiltinCall &call,
                                                          const Arguments &args,
                                                          size_t after) {
  if (args.positional.empty()) {
    error(call.call.range, "`" + call.what() + "` needs its tensor");
    return std::nullopt;
  }
  const ast::Expr &first = *args.positional[0]->value;
  Datum base = eval(first);
  if (!base.isTensor()) {
    if (base.isTile() || base.isConstant())
      error(first.range,
            "`" + call.what() + "` needs a tensor, found " + describe(base))
          .note("name the tensor itself, without `[...]`");
    else
      expectValue({base, first.range});
    return std::nullopt;
  }
  size_t rank = base.tensor->extents.size();
  if (args.positional.size() != 1 + rank + after) {
    error(call.call.range,
          "`" + call.what() + "` of `" + base.tensor->name + "` needs " +
              std::to_string(rank) + (rank == 1 ? " index" : " indices") +
              (after ? " and a value" : "") + ", found " +
              std::to_string(args.positional.size() - 1) +
              (args.positional.size() == 2 ? " argument" : " arguments") +
              " after it")
        .note(base.tensor->declared, "it is declared here");
    return std::nullopt;
  }
  Access access;
  access.tensor = base.tensor;
  access.range = first.range;
  llvm::SmallVector<Operand> indices;
  for (const ast::Arg *arg : llvm::ArrayRef(args.positional).slice(1, rank))
    indices.push_back({eval(*arg->value), arg->value->range});
  if (!makePointwise(access, indices))
    return std::nullopt;
  return access;
}

Datum Lowering::builtinGather(BuiltinCall &call) {
  Arguments args;
  if (!splitArguments(call, {"other", "keep"}, args))
    return Datum::poison();
  std::optional<Access> access = pointwiseAccess(call, args, 0);
  if (!access || !checkReadable(*access))
    return Datum::poison();
  return loadLong(*access, args.named[0], args.named[1]);
}

Datum Lowering::builtinScatter(BuiltinCall &call) {
  Arguments args;
  if (!splitArguments(call, {"keep"}, args))
    return Datum::poison();
  std::optional<Access> access = pointwiseAccess(call, args, 1);
  if (!access || !checkWritable(*access))
    return Datum::poison();
  const ast::Expr &value = *args.positional.back()->value;
  Operand operand{eval(value), value.range};
  // A value may be larger than its indices: then it says how many writes.
  if (operand.datum.isTile())
    if (auto shape = broadcastShape(access->shape, operand.datum.tile.shape()))
      access->shape = *shape;
  return storeLong(*access, operand, args.named[0]);
}

/// Which elements an atomic update takes, in words; empty if `element` is one.
static std::string wantedBy(ir::AtomicKind kind, DType element) {
  bool wide = is_int(element) && size_of(element) >= 4;
  if (kind == ir::AtomicKind::add)
    return wide || element == DType::f32 || element == DType::f64
               ? ""
               : "elements of 32 or 64 bits";
  return wide || element == DType::f32 ? ""
                                       : "integers of 32 or 64 bits, or f32";
}

Datum Lowering::builtinAtomic(BuiltinCall &call) {
  auto kind = static_cast<ir::AtomicKind>(call.entry.kind);
  const ast::IndexExpr *elements =
      expectElements(call.expr(0), call.entry.name);
  std::optional<Access> access =
      elements ? evalAccess(*elements) : std::nullopt;
  Operand operand = call.operand(1);
  if (!access || operand.datum.isPoison() || !checkWritable(*access) ||
      !checkReadable(*access))
    return Datum::poison();
  DType element = access->tensor->element;
  if (std::string wanted = wantedBy(kind, element); !wanted.empty()) {
    error(access->range, "`" + call.what() + "` needs " + wanted + ", found " +
                             std::string(name_of(element)))
        .note(access->tensor->declared, "the tensor is declared here");
    return Datum::poison();
  }
  if (access->pointwise) {
    unsupported(access->range,
                "`" + call.what() + "` in a function applied to tiles",
                "update in the kernel, with index tiles of rank 1");
    return Datum::poison();
  }
  std::optional<TileValue> value = convert(
      operand, {element, access->shape}, "`" + access->tensor->name + "[...]`");
  std::optional<Value> keep =
      evalKeep(call.has(2) ? &call.expr(2) : nullptr, access->shape);
  if (!value || !keep)
    return Datum::poison();
  if (is_unsigned(element) && kind == ir::AtomicKind::min)
    kind = ir::AtomicKind::umin;
  if (is_unsigned(element) && kind == ir::AtomicKind::max)
    kind = ir::AtomicKind::umax;
  auto op = ir::AtomicOp::create(builder, loc, value->value.getType(), kind,
                                 value->value, access->tensor->memref,
                                 access->indices, access->steps, *keep,
                                 access->extents);
  return Datum::of(TileValue{op.getResult(), element});
}

} // namespace attn_grid::compiler
