#ifndef AG_COMPILER_FRONTEND_SIGNATUREIMPL_H
#define AG_COMPILER_FRONTEND_SIGNATUREIMPL_H
/// The inside of Signature.h: names of a kernel's head, and expressions over
/// them. Signature.cpp walks the head, SignatureExpr.cpp makes postfix lists.

#include "compiler/Frontend/Signature.h"
#include <optional>
#include <string>
#include <vector>

namespace attn_grid::compiler {

/// What an expression of a kernel's head may speak of.
struct HeadScope {
  bool extents = false; // run-time extents
  int scalars = 0;      // the scalar parameters before this position
  /// Names of run-time extents give `Op::extent` also where they are compiled
  /// in: a dimension binds them.
  bool bindsExtents = false;
  /// What the expression is, for messages: "the default of a const".
  const char *what = "";
};

/// Appends a node to a postfix list.
inline void push(attn_grid::Expr &out, attn_grid::Expr::Op op, int index = 0,
                 int64_t i = 0, double f = 0) {
  out.nodes.push_back({op, index, i, f});
}

/// Makes the signature of one kernel.
class SignatureBuilder {
public:
  SignatureBuilder(const SourceManager &sources, const ast::Tree &tree,
                   const ast::KernelDecl &kernel, Diagnostics &diags)
      : sources(sources), tree(tree), kernel(kernel), diags(diags) {}

  std::optional<Signature> build();

private:
  /// What is known of a value before it has one. `Number` is a scalar of a type
  /// parameter that may be a float or an integer.
  enum class Sort : uint8_t { Int, Float, Bool, Number, Any };

  const SourceManager &sources;
  const ast::Tree &tree;
  const ast::KernelDecl &kernel;
  Diagnostics &diags;
  Signature sig;
  std::vector<const ast::GenericParam *>
      constDecls;   // beside sig.consts; null: a hint
  int inlining = 0; // of consts in consts

  // --------------------------------------------------------- heads, Signature
  void buildGenerics();
  void buildConstDefaults();
  void buildParams();
  void collectExtents();
  void collectExtent(const ast::Expr &dim);
  void buildParamExprs(size_t position);
  void checkUntuned(const ast::Expr &expr);
  void buildClauses();
  void buildTune(const ast::TuneEntry &entry);
  void addHint(const std::string &name, int64_t value);
  void checkNames();
  std::optional<TypeRef> typeRef(const ast::TypeExpr &type);
  std::optional<TypeRef> namedTypeRef(const ast::NamedType &type);

  int typeIndex(std::string_view name) const;
  int constIndex(std::string_view name) const;
  int extentIndex(std::string_view name) const;
  const ast::Param *paramNamed(std::string_view name) const;
  /// A `const` outside of functions that the kernel sees.
  const ast::ConstDecl *globalConst(std::string_view name) const;

  // ------------------------------------------------ expressions, SignatureExpr
  /// Appends the nodes of an expression; nothing after an error.
  std::optional<Sort> emit(const ast::Expr &expr, const HeadScope &, Expr &out);
  std::optional<Sort> emitName(const ast::NameExpr &, const HeadScope &,
                               Expr &out);
  std::optional<Sort> emitUnary(const ast::UnaryExpr &, const HeadScope &,
                                Expr &out);
  std::optional<Sort> emitBinary(const ast::BinaryExpr &, const HeadScope &,
                                 Expr &out);
  std::optional<Sort> emitTypeTest(const ast::BinaryExpr &, Expr &out);
  std::optional<Sort> emitCall(const ast::CallExpr &, const HeadScope &,
                               Expr &out);
  std::optional<Sort> emitWhere(const ast::CallExpr &, const HeadScope &,
                                Expr &out);
  std::optional<Sort> unknownName(const ast::NameExpr &, const HeadScope &);
  bool wantNumber(Sort sort, SourceRange range);
  bool wantInteger(Sort sort, SourceRange range);
  bool wantBool(Sort sort, SourceRange range);
  std::string textOf(const ast::Expr &expr) const;

  /// A whole expression that must be of a sort; empty after an error.
  Expr make(const ast::Expr &expr, const HeadScope &scope, Sort wanted);
  Sort sortOf(const TypeRef &type) const;
};

} // namespace attn_grid::compiler

#endif
