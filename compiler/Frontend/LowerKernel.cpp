// A kernel's frame: its arguments, its tensors and its grid.

#include "compiler/Frontend/KnownRange.h"
#include "compiler/Frontend/Lowering.h"
#include "compiler/Frontend/Signature.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace attn_grid::compiler {

bool Lowering::bindGenerics(const ast::KernelDecl &kernel,
                            const Specialization &spec) {
  size_t types = 0, consts = 0;
  for (const ast::GenericParam &param : kernel.generics) {
    switch (param.kind) {
    case ast::GenericParam::Kind::Type: {
      DType type = spec.types[types++];
      if (!checkTypeClass(param, type, param.range))
        return false;
      declare(param.name, Symbol::Kind::generic, Datum::ofType(type));
      break;
    }
    case ast::GenericParam::Kind::Const:
      declare(param.name, Symbol::Kind::generic,
              Datum::of(spec.consts[consts++]));
      break;
    case ast::GenericParam::Kind::Function:
      break; // when all that it may see is there
    }
  }
  return true;
}

/// The function that the lookup gave, else the default.
bool Lowering::bindKernelFunction(const ast::KernelDecl &kernel,
                                  const ast::GenericParam &param) {
  std::shared_ptr<const FunctionRef> fn;
  const BoundFunctions::Given *given = program.bound.find(param.name.text);
  if (given && given->decl) {
    bool ofVariant =
        program.bound.variant &&
        llvm::any_of(program.bound.variant->functions,
                     [&](const auto &own) { return own.get() == given->decl; });
    fn = std::make_shared<const FunctionRef>(FunctionRef{
        given->decl, ofVariant ? &variantNames : nullptr, /*derivative=*/0});
  } else if (given) {
    // Its text sees no name of the kernel.
    Frame own;
    own.decl = &kernel;
    own.name = kernel.name.text;
    Frame *user = std::exchange(frame, &own);
    fn = bindFunction(*given->expr);
    frame = user;
    if (!fn)
      return false;
  } else if (param.valueDefault) {
    if (!(fn = bindFunction(*param.valueDefault)))
      return false;
  } else {
    error(param.range, "kernel `" + kernel.name.text +
                           "` needs a function for its parameter `" +
                           param.name.text + "`")
        .note("give one when the kernel is looked up, or declare a default: "
              "`= f`");
    return false;
  }
  SourceRange at = param.range;
  if (given)
    at = given->decl ? given->decl->name.range : given->expr->range;
  if (!checkFunctionType(param, *fn, at))
    return false;
  declare(param.name, Symbol::Kind::generic, Datum::of(std::move(fn)));
  return true;
}

/// Calls `found(H, G)` for each `H % G == 0` that a clause of `where` says.
static void overMultiples(
    const ast::Expr &clause,
    llvm::function_ref<void(llvm::StringRef, llvm::StringRef)> found) {
  const auto *test = ast::dynAs<ast::BinaryExpr>(&clause);
  if (!test)
    return;
  if (test->op == ast::BinaryOp::And) {
    overMultiples(*test->lhs, found);
    overMultiples(*test->rhs, found);
    return;
  }
  const auto *rest = ast::dynAs<ast::BinaryExpr>(test->lhs);
  const auto *zero = ast::dynAs<ast::IntLiteral>(test->rhs);
  if (test->op != ast::BinaryOp::Eq || !rest ||
      rest->op != ast::BinaryOp::Mod || !zero || zero->value != 0)
    return;
  const auto *multiple = ast::dynAs<ast::NameExpr>(rest->lhs);
  const auto *of = ast::dynAs<ast::NameExpr>(rest->rhs);
  if (multiple && of)
    found(multiple->name, of->name);
}

/// What `where` says of run-time extents and the passes can use.
static void noteMultiples(ir::KernelOp op, const ast::KernelDecl &kernel,
                          const Signature &signature,
                          llvm::ArrayRef<Slot> slots) {
  auto argumentOf = [&](llvm::StringRef name) -> int64_t {
    for (auto [number, slot] : llvm::enumerate(slots))
      if (slot.kind == Slot::Kind::extent &&
          signature.extents[slot.param].name == name)
        return number;
    return -1;
  };
  llvm::SmallVector<int64_t> pairs;
  for (const ast::ExprPtr &clause : kernel.where)
    overMultiples(*clause, [&](llvm::StringRef multiple, llvm::StringRef of) {
      int64_t first = argumentOf(multiple), second = argumentOf(of);
      if (first >= 0 && second >= 0)
        pairs.append({first, second});
    });
  if (!pairs.empty())
    op->setAttr(ir::KernelOp::multiplesAttr,
                DenseI64ArrayAttr::get(op.getContext(), pairs));
}

bool Lowering::bindKernel(const ast::KernelDecl &kernel,
                          const Signature &signature,
                          const Specialization &spec) {
  if (!fits(signature, spec) ||
      signature.params.size() != kernel.params.size()) {
    error(kernel.name.range, "the binding of kernel `" + kernel.name.text +
                                 "` does not fit its signature");
    return false;
  }
  if (!bindGenerics(kernel, spec))
    return false;
  std::vector<Slot> slots = argumentSlots(signature, spec);
  ir::KernelOp op = makeKernel(kernel, signature, spec, slots);
  if (!op || !noteHints(op, kernel, signature, spec))
    return false;
  noteMultiples(op, kernel, signature, slots);
  builder.setInsertionPointToStart(&op.getBody().front());
  llvm::SmallVector<Value> args(op.getBody().getArguments());
  for (auto [slot, arg] : llvm::zip(slots, args)) {
    if (slot.kind == Slot::Kind::extent) {
      const std::string &name = signature.extents[slot.param].name;
      declare({name, kernel.name.range}, Symbol::Kind::extent,
              Datum::of(TileValue{arg, DType::i32}));
    } else if (slot.kind == Slot::Kind::scalar) {
      const ast::Param &param = kernel.params[slot.param];
      DType type = evalElementType(*param.type).value_or(DType::i32);
      declare(param.name, Symbol::Kind::param, Datum::of(TileValue{arg, type}));
    }
  }
  bindTensors(kernel, spec, slots, args);
  lowerGrid(kernel);
  if (program.bound.variant)
    collectVariantNames(kernel);
  for (const ast::GenericParam &param : kernel.generics)
    if (param.kind == ast::GenericParam::Kind::Function &&
        !bindKernelFunction(kernel, param))
      return false;
  return true;
}

/// The names of an expression of extents.
static void namesOf(const ast::Expr &expr,
                    llvm::function_ref<void(const std::string &)> found) {
  if (const auto *name = ast::dynAs<ast::NameExpr>(&expr)) {
    found(name->name);
  } else if (const auto *binary = ast::dynAs<ast::BinaryExpr>(&expr)) {
    namesOf(*binary->lhs, found);
    namesOf(*binary->rhs, found);
  }
}

/// A variant's functions see its parameters, the extents that these name, all
/// type and const parameters, and each other. The kernel's body does not see
/// the variant's parameters: they could have the names of its own variables.
void Lowering::collectVariantNames(const ast::KernelDecl &kernel) {
  const BoundFunctions &bound = program.bound;
  llvm::StringSet<> wanted, kernels;
  for (auto [number, param] : llvm::enumerate(kernel.params)) {
    llvm::StringSet<> &names = number < bound.ownParams ? kernels : wanted;
    names.insert(param.name.text);
    if (const auto *tensor = ast::dynAs<ast::TensorType>(param.type))
      for (const ast::ExprPtr &dim : tensor->dims)
        namesOf(*dim, [&](const std::string &name) { names.insert(name); });
  }
  for (unsigned number = 0; number < scope().size(); ++number) {
    const Symbol &symbol = scope()[number];
    if (symbol.kind == Symbol::Kind::generic || wanted.contains(symbol.name))
      variantNames.push_back(symbol);
  }
  for (const auto &name : wanted)
    if (!kernels.contains(name.getKey()))
      scope().hide(name.getKey());
  for (const auto &fn : bound.variant->functions) {
    Symbol symbol;
    symbol.kind = Symbol::Kind::generic;
    symbol.name = fn->name.text;
    symbol.declared = fn->name.range;
    symbol.value = Datum::of(std::make_shared<const FunctionRef>(
        FunctionRef{fn.get(), &variantNames, 0}));
    variantNames.push_back(std::move(symbol));
  }
}

/// The written name of what a launch may do to a parameter.
static llvm::StringRef accessOf(ast::Param::Mode mode) {
  switch (mode) {
  case ast::Param::Mode::In:
    return "in";
  case ast::Param::Mode::Out:
    return "out";
  case ast::Param::Mode::Inout:
    return "inout";
  }
  return "in";
}

/// The element type of a parameter: a tensor's, or the scalar's own.
static const ast::TypeExpr &elementOf(const ast::Param &param) {
  if (const auto *tensor = ast::dynAs<ast::TensorType>(param.type))
    return *tensor->element;
  return *param.type;
}

static_assert(defaultWarps == ir::KernelOp::defaultWarps &&
              defaultStages == ir::KernelOp::defaultStages);

/// How a GPU is to run the program, as the kernel's `tune` lets a host say.
bool Lowering::noteHints(ir::KernelOp op, const ast::KernelDecl &kernel,
                         const Signature &signature,
                         const Specialization &spec) {
  for (auto [param, value] : llvm::zip(signature.consts, spec.consts)) {
    if (!param.is_gpu_hint)
      continue;
    bool isWarps = param.name == "warps";
    if (isWarps ? ir::KernelOp::isWarps(value.i)
                : ir::KernelOp::isStages(value.i)) {
      op->setAttr(isWarps ? ir::KernelOp::warpsAttr : ir::KernelOp::stagesAttr,
                  builder.getI64IntegerAttr(value.i));
      continue;
    }
    for (const ast::TuneEntry &entry : kernel.tune)
      if (entry.name.text == param.name)
        error(entry.name.range,
              "`" + param.name + "` is " + std::to_string(value.i) +
                  "; expected " +
                  (isWarps ? "a power of two from 1 to " +
                                 std::to_string(ir::KernelOp::mostWarps)
                           : "a number from 1 to " +
                                 std::to_string(ir::KernelOp::mostStages)));
    return false;
  }
  return true;
}

ir::KernelOp Lowering::makeKernel(const ast::KernelDecl &kernel,
                                  const Signature &signature,
                                  const Specialization &spec,
                                  llvm::ArrayRef<Slot> slots) {
  MLIRContext *context = builder.getContext();
  auto named = [&](const std::string &name) {
    return builder.getNamedAttr(ir::KernelOp::nameAttr,
                                builder.getStringAttr(name));
  };
  llvm::SmallVector<Type> types;
  llvm::SmallVector<Attribute> attrs;
  llvm::SmallVector<Location> locations;
  for (const Slot &slot : slots) {
    llvm::SmallVector<NamedAttribute> attr;
    SourceRange range = kernel.name.range;
    Type type = builder.getIndexType(); // of a stride
    if (slot.kind == Slot::Kind::extent) {
      type = builder.getI32Type();
      attr.push_back(named(signature.extents[slot.param].name));
      attr.push_back(builder.getNamedAttr(extentAttr, builder.getUnitAttr()));
    } else {
      const ast::Param &param = kernel.params[slot.param];
      range = param.name.range;
      std::optional<DType> element = evalElementType(elementOf(param));
      if (!element)
        return nullptr;
      Type scalar = elementType(context, *element);
      if (slot.kind == Slot::Kind::scalar)
        type = scalar;
      else if (slot.kind == Slot::Kind::pointer)
        type = MemRefType::get({}, scalar);
      if (slot.kind != Slot::Kind::stride)
        attr.push_back(named(param.name.text));
      if (slot.kind == Slot::Kind::pointer)
        attr.push_back(
            builder.getNamedAttr(ir::KernelOp::accessAttr,
                                 builder.getStringAttr(accessOf(param.mode))));
      if (slot.kind == Slot::Kind::pointer && !spec.regular.empty() &&
          spec.regular[slot.param])
        attr.push_back(builder.getNamedAttr(ir::KernelOp::regularAttr,
                                            builder.getUnitAttr()));
    }
    types.push_back(type);
    attrs.push_back(builder.getDictionaryAttr(attr));
    locations.push_back(locationOf(range));
  }
  auto op = ir::KernelOp::create(builder, loc, kernel.name.text,
                                 builder.getFunctionType(types, {}),
                                 builder.getArrayAttr(attrs), ArrayAttr());
  Block *entry = &op.getBody().emplaceBlock();
  entry->addArguments(types, locations);
  return op;
}

void Lowering::bindTensors(const ast::KernelDecl &kernel,
                           const Specialization &spec,
                           llvm::ArrayRef<Slot> slots,
                           llvm::ArrayRef<Value> args) {
  for (auto [number, param] : llvm::enumerate(kernel.params)) {
    if (param.type->kind != ast::TypeExpr::Kind::Tensor)
      continue;
    if (!spec.present[number]) {
      declare(param.name, Symbol::Kind::param, Datum::of(Datum::Kind::absent));
      continue;
    }
    Value pointer;
    llvm::SmallVector<Value> strides;
    for (auto [slot, arg] : llvm::zip(slots, args)) {
      if (slot.param != static_cast<int>(number))
        continue;
      if (slot.kind == Slot::Kind::pointer)
        pointer = arg;
      else if (slot.kind == Slot::Kind::stride)
        strides.push_back(arg);
    }
    bindTensor(param, spec.last_stride[number], pointer, strides);
  }
}

void Lowering::bindTensor(const ast::Param &param, int8_t lastStride,
                          Value pointer, llvm::ArrayRef<Value> strides) {
  At at(*this, param.name.range);
  const auto &type = static_cast<const ast::TensorType &>(*param.type);
  TensorValue tensor;
  tensor.element = evalElementType(*type.element).value_or(DType::i32);
  tensor.name = param.name.text;
  tensor.declared = param.name.range;
  tensor.writable = param.mode != ast::Param::Mode::In;
  tensor.readable = param.mode != ast::Param::Mode::Out || param.defaultValue;
  llvm::SmallVector<int64_t> shape, layout;
  llvm::SmallVector<OpFoldResult> sizes, steps;
  for (auto [index, dim] : llvm::enumerate(type.dims)) {
    std::optional<Datum> extent = evalExtentExpr(*dim);
    if (!extent) {
      declare(param.name, Symbol::Kind::param, Datum::poison());
      return;
    }
    tensor.extents.push_back(*extent);
    if (extent->isConstant()) {
      shape.push_back(extent->constant.i);
      sizes.push_back(builder.getIndexAttr(extent->constant.i));
    } else {
      shape.push_back(ShapedType::kDynamic);
      sizes.push_back(builder.createOrFold<arith::IndexCastOp>(
          loc, builder.getIndexType(), extent->tile.value));
    }
    bool fixed = index + 1 == type.dims.size() && lastStride >= 0;
    layout.push_back(fixed ? lastStride : ShapedType::kDynamic);
    steps.push_back(fixed ? OpFoldResult(builder.getIndexAttr(lastStride))
                          : OpFoldResult(strides[index]));
  }
  auto memref = MemRefType::get(
      shape, elementType(builder.getContext(), tensor.element),
      StridedLayoutAttr::get(builder.getContext(), /*offset=*/0, layout));
  tensor.memref = memref::ReinterpretCastOp::create(
      builder, loc, memref, pointer, builder.getIndexAttr(0), sizes, steps);
  declare(param.name, Symbol::Kind::param,
          Datum::of(std::make_shared<const TensorValue>(std::move(tensor))));
}

/// An extent of a tensor or of the grid: a constant or an i32. The launch has
/// computed it in 64 bits; where 32 bits might wrap on the way, so do we.
std::optional<Datum> Lowering::evalExtentExpr(const ast::Expr &expr) {
  Operand operand{eval(expr), expr.range};
  if (operand.datum.isInt()) {
    if (operand.datum.constant.i >= 0)
      return operand.datum;
    error(expr.range, "an extent must be 0 or more, found " +
                          format(operand.datum.constant));
    return std::nullopt;
  }
  std::optional<TileValue> value = adapt(operand, DType::i32, "an extent");
  if (!value)
    return std::nullopt;
  if (knownRange(value->value).exact)
    return Datum::of(*value);
  return evalWide(expr);
}

/// The same with every extent and scalar as an i64; the i32 form is left
/// unused and goes away.
std::optional<Datum> Lowering::evalWide(const ast::Expr &expr) {
  llvm::SmallVector<std::pair<unsigned, Datum>> narrow;
  for (unsigned number = 0; number < scope().size(); ++number) {
    Datum &value = scope()[number].value;
    if (!value.isTile() || value.tile.element != DType::i32)
      continue;
    narrow.emplace_back(number, value);
    value = Datum::of(numerics().cast(value.tile, DType::i64));
  }
  Operand operand{eval(expr), expr.range};
  for (auto &[number, value] : narrow)
    scope()[number].value = value;
  std::optional<TileValue> value = adapt(operand, DType::i64, "an extent");
  if (!value)
    return std::nullopt;
  return Datum::of(numerics().cast(*value, DType::i32));
}

void Lowering::lowerGrid(const ast::KernelDecl &kernel) {
  llvm::SmallVector<Value> extents;
  for (const ast::ExprPtr &expr : kernel.grid) {
    At at(*this, expr->range);
    std::optional<Datum> extent = evalExtentExpr(*expr);
    if (!extent)
      return;
    Datum value = alone(*extent, expr->range);
    if (value.isPoison())
      return;
    extents.push_back(value.tile.value);
  }
  llvm::SmallVector<Type> types(extents.size(), builder.getI32Type());
  auto ids = ir::ProgramIdOp::create(builder, loc, types, extents);
  for (Value id : ids.getIds())
    programIds.push_back({id, DType::i32});
}

} // namespace attn_grid::compiler
