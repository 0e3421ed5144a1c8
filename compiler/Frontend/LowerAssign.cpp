// Assignments: to a variable, to a field of one, to elements of a tensor.

#include "compiler/Frontend/Lowering.h"

using namespace mlir;

namespace attn_grid::compiler {

/// The operation of `+=` and its like.
static std::optional<BinaryKind> compoundKind(ast::BinaryOp op) {
  switch (op) {
  case ast::BinaryOp::Add:
    return BinaryKind::add;
  case ast::BinaryOp::Sub:
    return BinaryKind::sub;
  case ast::BinaryOp::Mul:
    return BinaryKind::mul;
  case ast::BinaryOp::Div:
    return BinaryKind::div;
  case ast::BinaryOp::Mod:
    return BinaryKind::mod;
  case ast::BinaryOp::BitAnd:
    return BinaryKind::bitAnd;
  case ast::BinaryOp::BitOr:
    return BinaryKind::bitOr;
  case ast::BinaryOp::BitXor:
    return BinaryKind::bitXor;
  case ast::BinaryOp::Shl:
    return BinaryKind::shl;
  case ast::BinaryOp::Shr:
    return BinaryKind::shr;
  default:
    return std::nullopt;
  }
}

void Lowering::lowerAssign(const ast::AssignStmt &stmt) {
  if (const auto *index = ast::dynAs<ast::IndexExpr>(stmt.target)) {
    assignElements(*index, stmt);
    return;
  }
  Datum *target = findTarget(*stmt.target);
  Operand value{evalAs(*stmt.value, target ? typeOf(*target) : DataType()),
                stmt.value->range};
  if (!target || target->isPoison() || value.datum.isPoison())
    return;
  if (stmt.op)
    value.datum = compound(stmt, {*target, stmt.target->range}, value);
  Datum result =
      convertTo(value, typeOf(*target), "`" + quote(stmt.target->range) + "`");
  if (!result.isPoison())
    *target = std::move(result);
}

Datum Lowering::compound(const ast::AssignStmt &stmt, Operand old,
                         Operand value) {
  std::optional<BinaryKind> kind = compoundKind(*stmt.op);
  std::string what = "`" + std::string(spelling(*stmt.op)) + "=`";
  if (!kind)
    return poison(stmt.opRange, what + " is not an assignment");
  return applyBinary(*kind, what, stmt.opRange, std::move(old),
                     std::move(value));
}

/// The variable, or the field of one, that is assigned; null after an error.
Datum *Lowering::findTarget(const ast::Expr &target) {
  if (const auto *name = ast::dynAs<ast::NameExpr>(&target)) {
    std::optional<unsigned> number = scope().find(name->name);
    if (!number) {
      eval(target); // reports an unknown name
      error(target.range, "`" + name->name + "` cannot be assigned");
      return nullptr;
    }
    Symbol &symbol = scope()[*number];
    if (symbol.kind == Symbol::Kind::var)
      return &symbol.value;
    if (symbol.value.isPoison())
      return nullptr;
    auto message =
        error(target.range, "`" + name->name + "` cannot be assigned");
    if (symbol.value.isTensor())
      message.note("write its elements: `" + name->name + "[...] = ...;`");
    else if (symbol.kind == Symbol::Kind::let)
      message.note(symbol.declared, "declare it with `var` to assign it again");
    else
      message.note(symbol.declared, "it is declared here");
    return nullptr;
  }
  const auto *member = ast::dynAs<ast::MemberExpr>(&target);
  if (!member) {
    error(target.range, "expected a variable, a field of one, or elements of "
                        "a tensor");
    return nullptr;
  }
  Datum *base = findTarget(*member->base);
  if (!base || base->isPoison())
    return nullptr;
  if (base->kind == Datum::Kind::structure)
    for (auto [field, part] :
         llvm::zip(base->structure->decl->fields, base->parts))
      if (field.name.text == member->member.text)
        return &part;
  error(member->member.range,
        describe(*base) + " has no field `" + member->member.text + "`");
  return nullptr;
}

void Lowering::assignElements(const ast::IndexExpr &target,
                              const ast::AssignStmt &stmt) {
  Datum base = eval(*target.base);
  if (base.isPoison())
    return;
  if (!base.isTensor()) {
    if (base.isTile())
      error(target.range, "the elements of a tile cannot be assigned")
          .note("make a new tile: `where(mask, value, tile)`");
    else
      expectValue({base, target.base->range});
    return;
  }
  std::optional<Access> access = evalAccess(target);
  Operand value{eval(*stmt.value), stmt.value->range};
  if (!access || value.datum.isPoison() || !checkWritable(*access))
    return;
  if (stmt.op) {
    if (!checkReadable(*access))
      return;
    Datum old = load(*access, Value(), Value());
    value.datum = compound(stmt, {old, target.range}, value);
    if (value.datum.isPoison())
      return;
  }
  store(*access, value, Value());
}

} // namespace attn_grid::compiler
