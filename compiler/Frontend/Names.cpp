#include "compiler/Frontend/Names.h"

#include "compiler/Frontend/Lowering.h"
#include "compiler/Frontend/Suggest.h"

#include "llvm/ADT/StringSwitch.h"

namespace attn_grid::compiler {

bool isBuiltinName(llvm::StringRef name) {
  return dtype_named(std::string_view(name)) || name == "LOG2E" ||
         name == "LN2" || name == "PI" || name == "inf" || name == "nan" ||
         name == "None" || Lowering::isBuiltinFunction(name);
}

namespace {
/// Walks one file. Scopes are a flat list of names; a block drops its own.
class NameChecker {
public:
  NameChecker(const Globals &globals, FileId file, Diagnostics &diags)
      : globals(globals), file(file), diags(diags) {}

  void checkDecl(const ast::Decl &decl);
  void checkExpr(const ast::Expr *expr);

private:
  void declare(const ast::Name &name);
  void use(llvm::StringRef name, SourceRange range);
  bool knows(llvm::StringRef name) const {
    return local.contains(name) || globals.find(name, file);
  }
  void leave(size_t size) {
    while (order.size() > size) {
      local.erase(order.back());
      order.pop_back();
    }
  }

  void declareGenerics(llvm::ArrayRef<ast::GenericParam> generics);
  void checkParams(llvm::ArrayRef<ast::Param> params);
  void declareExtents(const ast::Expr &dim);
  void checkBlock(const ast::Block &block);
  void checkStmt(const ast::Stmt &stmt);
  void checkCall(const ast::CallExpr &call);
  void checkIndex(const ast::IndexExpr &index);
  void checkGenericArgs(llvm::ArrayRef<ast::GenericArg> args);
  void checkType(const ast::TypeExpr *type);

  const Globals &globals;
  FileId file;
  Diagnostics &diags;
  llvm::StringMap<SourceRange> local;
  std::vector<std::string> order;
};
} // namespace

void NameChecker::declare(const ast::Name &name) {
  SourceRange first;
  if (auto it = local.find(name.text); it != local.end())
    first = it->second;
  else if (const ast::Decl *global = globals.find(name.text, file))
    first = global->name.range;
  if (first.valid()) {
    if (!(first == name.range)) // a tree that was reported already
      diags
          .error(name.range, "`" + name.text +
                                 "` is declared twice; a name "
                                 "hides no other")
          .label(first, "declared first here");
    return;
  }
  local[name.text] = name.range;
  order.push_back(name.text);
}

/// What a type of C, NumPy or PyTorch is called here, or empty.
static llvm::StringRef typeElsewhere(llvm::StringRef name) {
  return llvm::StringSwitch<llvm::StringRef>(name)
      .Cases({"float", "float32", "fp32"}, "f32")
      .Cases({"double", "float64", "fp64"}, "f64")
      .Cases({"half", "float16", "fp16"}, "f16")
      .Cases({"bfloat16", "bfloat"}, "bf16")
      .Cases({"char", "int8", "int8_t"}, "i8")
      .Cases({"short", "int16", "int16_t"}, "i16")
      .Cases({"int32", "int32_t"}, "i32")
      .Cases({"long", "int64", "int64_t", "index"}, "i64")
      .Cases({"uint8", "uint8_t", "byte"}, "u8")
      .Cases({"uint16", "uint16_t"}, "u16")
      .Cases({"uint32", "uint32_t", "unsigned"}, "u32")
      .Cases({"uint64", "uint64_t", "size_t"}, "i64")
      .Case("boolean", "bool")
      .Default("");
}

void NameChecker::use(llvm::StringRef name, SourceRange range) {
  if (knows(name) || isBuiltinName(name))
    return;
  auto error =
      diags.error(range, "nothing is called `" + name.str() + "` here");
  std::vector<std::string> candidates(order.rbegin(), order.rend());
  for (const ast::Decl *decl : globals.visible(file))
    candidates.push_back(decl->name.text);
  for (const char *builtin : {"inf", "nan", "LOG2E", "LN2", "PI"})
    candidates.push_back(builtin);
  for (llvm::StringRef builtin : Lowering::builtinFunctions())
    candidates.push_back(builtin.str());
  if (auto meant = typeElsewhere(name); !meant.empty())
    error.note("this type is called `" + meant.str() + "`");
  else if (auto meant = closest(name.str(), candidates))
    error.note("did you mean `" + *meant + "`?");
}

void NameChecker::declareGenerics(llvm::ArrayRef<ast::GenericParam> generics) {
  for (const ast::GenericParam &param : generics) {
    checkType(param.typeDefault.get());
    checkExpr(param.valueDefault.get());
    checkType(param.function.get());
    declare(param.name);
  }
}

/// The names in a dimension of a tensor parameter that nothing else declares
/// are extents, bound by it.
void NameChecker::declareExtents(const ast::Expr &dim) {
  if (const auto *name = ast::dynAs<ast::NameExpr>(&dim)) {
    if (!knows(name->name) && !isBuiltinName(name->name))
      declare({name->name, name->range});
  } else if (const auto *binary = ast::dynAs<ast::BinaryExpr>(&dim)) {
    declareExtents(*binary->lhs);
    declareExtents(*binary->rhs);
  }
}

void NameChecker::checkParams(llvm::ArrayRef<ast::Param> params) {
  for (const ast::Param &param : params)
    declare(param.name);
  for (const ast::Param &param : params)
    if (const auto *tensor = ast::dynAs<ast::TensorType>(param.type))
      for (const ast::ExprPtr &dim : tensor->dims)
        declareExtents(*dim);
  for (const ast::Param &param : params) {
    checkType(param.type.get());
    checkExpr(param.defaultValue.get());
  }
}

void NameChecker::checkDecl(const ast::Decl &decl) {
  switch (decl.kind) {
  case ast::Decl::Kind::Const:
    checkExpr(static_cast<const ast::ConstDecl &>(decl).value.get());
    break;
  case ast::Decl::Kind::Struct: {
    const auto &structure = static_cast<const ast::StructDecl &>(decl);
    declareGenerics(structure.generics);
    for (const ast::StructDecl::Field &field : structure.fields)
      checkType(field.type.get());
    break;
  }
  case ast::Decl::Kind::Fn: {
    const auto &fn = static_cast<const ast::FnDecl &>(decl);
    declareGenerics(fn.generics);
    checkParams(fn.params);
    checkType(fn.result.get());
    checkBlock(fn.body);
    break;
  }
  case ast::Decl::Kind::Kernel: {
    const auto &kernel = static_cast<const ast::KernelDecl &>(decl);
    declareGenerics(kernel.generics);
    checkParams(kernel.params);
    for (const ast::ExprPtr &expr : kernel.where)
      checkExpr(expr.get());
    for (const ast::ExprPtr &expr : kernel.grid)
      checkExpr(expr.get());
    checkBlock(kernel.body);
    break;
  }
  case ast::Decl::Kind::Variant: {
    const auto &variant = static_cast<const ast::VariantDecl &>(decl);
    declareGenerics(variant.generics);
    checkParams(variant.params);
    for (const auto &fn : variant.functions)
      declare(fn->name);
    for (const auto &fn : variant.functions) {
      size_t size = order.size();
      declareGenerics(fn->generics);
      checkParams(fn->params);
      checkType(fn->result.get());
      checkBlock(fn->body);
      leave(size);
    }
    break;
  }
  }
  leave(0);
}

void NameChecker::checkBlock(const ast::Block &block) {
  size_t size = order.size();
  for (const ast::StmtPtr &stmt : block.stmts)
    checkStmt(*stmt);
  leave(size);
}

void NameChecker::checkStmt(const ast::Stmt &stmt) {
  switch (stmt.kind) {
  case ast::Stmt::Kind::Let: {
    const auto &let = static_cast<const ast::LetStmt &>(stmt);
    checkExpr(let.value.get());
    for (const ast::Name &name : let.names)
      declare(name);
    return;
  }
  case ast::Stmt::Kind::Assign: {
    const auto &assign = static_cast<const ast::AssignStmt &>(stmt);
    checkExpr(assign.target.get());
    checkExpr(assign.value.get());
    return;
  }
  case ast::Stmt::Kind::If: {
    const auto &branch = static_cast<const ast::IfStmt &>(stmt);
    checkExpr(branch.condition.get());
    checkBlock(branch.thenBlock);
    if (branch.elseBlock)
      checkBlock(*branch.elseBlock);
    return;
  }
  case ast::Stmt::Kind::While: {
    const auto &loop = static_cast<const ast::WhileStmt &>(stmt);
    checkExpr(loop.condition.get());
    checkBlock(loop.body);
    return;
  }
  case ast::Stmt::Kind::For: {
    const auto &loop = static_cast<const ast::ForStmt &>(stmt);
    checkExpr(loop.begin.get());
    checkExpr(loop.end.get());
    checkExpr(loop.step.get());
    size_t size = order.size();
    declare(loop.var);
    checkBlock(loop.body);
    leave(size);
    return;
  }
  case ast::Stmt::Kind::Return:
    for (const auto &value : static_cast<const ast::ReturnStmt &>(stmt).values)
      checkExpr(value.get());
    return;
  case ast::Stmt::Kind::Continue:
    checkExpr(static_cast<const ast::ContinueStmt &>(stmt).unless.get());
    return;
  case ast::Stmt::Kind::Expr:
    checkExpr(static_cast<const ast::ExprStmt &>(stmt).value.get());
    return;
  case ast::Stmt::Kind::Break:
    return;
  }
}

void NameChecker::checkExpr(const ast::Expr *expr) {
  if (!expr)
    return;
  switch (expr->kind) {
  case ast::Expr::Kind::Name:
    use(static_cast<const ast::NameExpr *>(expr)->name, expr->range);
    return;
  case ast::Expr::Kind::Unary:
    checkExpr(static_cast<const ast::UnaryExpr *>(expr)->operand.get());
    return;
  case ast::Expr::Kind::Binary: {
    const auto *binary = static_cast<const ast::BinaryExpr *>(expr);
    checkExpr(binary->lhs.get());
    checkExpr(binary->rhs.get());
    return;
  }
  case ast::Expr::Kind::Call:
    checkCall(*static_cast<const ast::CallExpr *>(expr));
    return;
  case ast::Expr::Kind::Maker: {
    const auto *maker = static_cast<const ast::MakerExpr *>(expr);
    use(maker->name.text, maker->name.range);
    checkGenericArgs(maker->generics);
    for (const ast::ExprPtr &dim : maker->dims)
      checkExpr(dim.get());
    for (const ast::Arg &arg : maker->args)
      checkExpr(arg.value.get());
    return;
  }
  case ast::Expr::Kind::Struct: {
    const auto *structure = static_cast<const ast::StructExpr *>(expr);
    use(structure->name.text, structure->name.range);
    checkGenericArgs(structure->generics);
    for (const auto &field : structure->fields)
      checkExpr(field.value.get());
    return;
  }
  case ast::Expr::Kind::Index:
    checkIndex(*static_cast<const ast::IndexExpr *>(expr));
    return;
  case ast::Expr::Kind::Member:
    checkExpr(static_cast<const ast::MemberExpr *>(expr)->base.get());
    return;
  case ast::Expr::Kind::List:
    for (const auto &item : static_cast<const ast::ListExpr *>(expr)->elements)
      checkExpr(item.get());
    return;
  case ast::Expr::Kind::IntLiteral:
  case ast::Expr::Kind::FloatLiteral:
  case ast::Expr::Kind::BoolLiteral:
  case ast::Expr::Kind::StringLiteral:
    return;
  }
}

void NameChecker::checkCall(const ast::CallExpr &call) {
  checkExpr(call.callee.get());
  checkGenericArgs(call.generics);
  for (const ast::Arg &arg : call.args) {
    // `precision = tf32` is a choice, not a name.
    const auto *choice = ast::dynAs<ast::NameExpr>(arg.value);
    if (arg.name && arg.name->text == "precision" && choice)
      continue;
    checkExpr(arg.value.get());
  }
}

void NameChecker::checkIndex(const ast::IndexExpr &index) {
  checkExpr(index.base.get());
  for (const ast::Indexer &indexer : index.indexers) {
    checkExpr(indexer.first.get());
    checkExpr(indexer.second.get());
    checkExpr(indexer.step.get());
  }
}

void NameChecker::checkGenericArgs(llvm::ArrayRef<ast::GenericArg> args) {
  for (const ast::GenericArg &arg : args) {
    checkType(arg.type.get());
    checkExpr(arg.value.get());
  }
}

void NameChecker::checkType(const ast::TypeExpr *type) {
  if (!type)
    return;
  switch (type->kind) {
  case ast::TypeExpr::Kind::Named: {
    const auto *named = static_cast<const ast::NamedType *>(type);
    use(named->name.text, named->name.range);
    checkGenericArgs(named->generics);
    return;
  }
  case ast::TypeExpr::Kind::Acc:
    checkType(static_cast<const ast::AccType *>(type)->of.get());
    return;
  case ast::TypeExpr::Kind::Tile: {
    const auto *tile = static_cast<const ast::TileType *>(type);
    checkType(tile->element.get());
    for (const ast::ExprPtr &dim : tile->dims)
      checkExpr(dim.get());
    return;
  }
  case ast::TypeExpr::Kind::Tensor: {
    const auto *tensor = static_cast<const ast::TensorType *>(type);
    checkType(tensor->element.get());
    for (const ast::ExprPtr &dim : tensor->dims)
      checkExpr(dim.get());
    return;
  }
  case ast::TypeExpr::Kind::Tuple:
    for (const auto &item : static_cast<const ast::TupleType *>(type)->elements)
      checkType(item.get());
    return;
  case ast::TypeExpr::Kind::Function: {
    const auto *function = static_cast<const ast::FunctionType *>(type);
    for (const ast::TypePtr &param : function->params)
      checkType(param.get());
    checkType(function->result.get());
    return;
  }
  }
}

void checkGivenNames(const GivenText &given, FileId file,
                     const Globals &globals, Diagnostics &diags) {
  NameChecker checker(globals, file, diags);
  if (given.decl)
    checker.checkDecl(*given.decl);
  else
    checker.checkExpr(given.expr.get());
}

void checkNames(const ast::Tree &tree, const Globals &globals,
                Diagnostics &diags) {
  for (const auto &file : tree.files) {
    // A name outside of functions stands for one declaration in each file.
    for (const ast::DeclPtr &decl : file->decls) {
      const ast::Decl *first = globals.find(decl->name.text, file->id);
      if (first && first != decl.get())
        diags
            .error(decl->name.range,
                   "`" + decl->name.text + "` is declared twice")
            .label(first->name.range, "declared first here");
    }
    NameChecker checker(globals, file->id, diags);
    for (const ast::DeclPtr &decl : file->decls)
      checker.checkDecl(*decl);
  }
}

} // namespace attn_grid::compiler
