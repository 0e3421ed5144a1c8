#ifndef AG_COMPILER_FRONTEND_AST_H
#define AG_COMPILER_FRONTEND_AST_H
/// The tree that the parser makes of `.ag` text: what was written, nothing
/// more. Names are not resolved and types not known; a generic function is
/// checked by walking its one tree under different bindings, so the tree never
/// changes after parsing.
///
/// Every node has the range of its source. Nodes are plain structs; `kind`
/// tells which, and `classof` makes `dyn_cast` (LLVM's, or `dynAs` below) work:
///
///     if (const auto *call = dynAs<ast::CallExpr>(expr))
///       for (const ast::Arg &arg : call->args) ...
///
/// Trees are shallow: the parser refuses what is nested deeper than
/// `maxDepth`, so recursive walks need no guard of their own.
///
/// This file has expressions and types; statements and declarations are in
/// AstDecl.h, which clients include.

#include "compiler/Frontend/Source.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace attn_grid::compiler::ast {

/// No path from the root of a function to a leaf is longer, give or take a
/// small factor for nodes that are not nested by the author.
inline constexpr int maxDepth = 128;

/// `node` as a `T`, or null if it is another kind (or null).
template <typename T, typename Node> const T *dynAs(const Node *node) {
  return node && T::classof(node) ? static_cast<const T *>(node) : nullptr;
}
template <typename T, typename Node>
const T *dynAs(const std::unique_ptr<Node> &node) {
  return dynAs<T>(node.get());
}

/// An identifier where it stands.
struct Name {
  std::string text;
  SourceRange range;
};

struct Expr;
struct TypeExpr;
using ExprPtr = std::unique_ptr<Expr>;
using TypePtr = std::unique_ptr<TypeExpr>;

/// An argument in `<...>`. Exactly one of `type` and `value` is set. A lone
/// name is a `NameExpr` in `value`, whatever it names: a type (`f32`, `T`), a
/// const or a function. `type` has what can only be a type: `acc<T>`,
/// `tile<T>[M]`, `S<T, 4>`.
struct GenericArg {
  std::optional<Name> name; // `M = 64`
  TypePtr type;
  ExprPtr value;
  SourceRange range;
};

// ---------------------------------------------------------------- expressions

struct Expr {
  enum class Kind : uint8_t {
    IntLiteral,
    FloatLiteral,
    BoolLiteral,
    StringLiteral,
    Name,
    Unary,
    Binary,
    Call,
    Maker,
    Struct,
    Index,
    Member,
    List,
  };
  const Kind kind;
  SourceRange range;   // with its parentheses, if it stands in such
  uint32_t height = 1; // of the tree from here; at most `maxDepth`
  virtual ~Expr() = default;

protected:
  Expr(Kind kind, SourceRange range) : kind(kind), range(range) {}
};

/// What every kind of expression repeats.
template <Expr::Kind K> struct ExprOf : Expr {
  explicit ExprOf(SourceRange range) : Expr(K, range) {}
  static bool classof(const Expr *expr) { return expr->kind == K; }
};

/// `64`, `0xff`. Negative only for -2^63, whose sign belongs to it; otherwise
/// `-1` is a `UnaryExpr`.
struct IntLiteral : ExprOf<Expr::Kind::IntLiteral> {
  using ExprOf::ExprOf;
  int64_t value = 0;
};
/// `1.0`, `1e-5`: the nearest f64, always finite. Its text is its range's.
struct FloatLiteral : ExprOf<Expr::Kind::FloatLiteral> {
  using ExprOf::ExprOf;
  double value = 0;
};
struct BoolLiteral : ExprOf<Expr::Kind::BoolLiteral> {
  using ExprOf::ExprOf;
  bool value = false;
};
/// `"..."`, with its escapes (`\n \t \\ \"`) replaced. Only an argument of a
/// call (`print`, `assert`, `static_assert`).
struct StringLiteral : ExprOf<Expr::Kind::StringLiteral> {
  using ExprOf::ExprOf;
  std::string value;
};
/// A name alone: of a value, a const, a type (`T == f32`, `bits(T)`), a
/// function (`reduce(x, axis = 0, f)`), a tensor, or a builtin (`inf`).
struct NameExpr : ExprOf<Expr::Kind::Name> {
  using ExprOf::ExprOf;
  std::string name;
};

enum class UnaryOp : uint8_t { Neg, BitNot, Not };
struct UnaryExpr : ExprOf<Expr::Kind::Unary> {
  using ExprOf::ExprOf;
  UnaryOp op = UnaryOp::Neg;
  ExprPtr operand;
};

enum class BinaryOp : uint8_t {
  Or,
  And,
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
  BitOr,
  BitXor,
  BitAnd,
  Shl,
  Shr,
  Add,
  Sub,
  Mul,
  Div,
  Mod,
  Pow,
};
/// As written: "and", "<=", "**".
const char *spelling(BinaryOp op);
const char *spelling(UnaryOp op);

struct BinaryExpr : ExprOf<Expr::Kind::Binary> {
  using ExprOf::ExprOf;
  BinaryOp op = BinaryOp::Add;
  SourceRange opRange;
  ExprPtr lhs, rhs;
};

/// An argument of a call. `range` has the name too.
struct Arg {
  std::optional<Name> name; // `axis = 1`
  ExprPtr value;
  SourceRange range;
};
/// `f(x, axis = 1)`, `cast<T>(x)`, `grad(f)(x)`. `callee` is a `NameExpr`, or a
/// `CallExpr` that gives a function. Positional arguments come first, but
/// in `reduce`, `scan` and `sort`. Builtins that look like statements (`print`,
/// `assert`) are calls, and so are `load`, `store`, `view` and the atomics,
/// whose first argument is an `IndexExpr`.
struct CallExpr : ExprOf<Expr::Kind::Call> {
  using ExprOf::ExprOf;
  ExprPtr callee;
  std::vector<GenericArg> generics;
  std::vector<Arg> args;
};

/// `zeros<T>[M, N]`, `full<T>[M, N](x)`.
struct MakerExpr : ExprOf<Expr::Kind::Maker> {
  using ExprOf::ExprOf;
  Name name;
  std::vector<GenericArg> generics;
  std::vector<ExprPtr> dims;
  bool hasArgs = false; // are there parentheses after the `]`?
  std::vector<Arg> args;
};

/// `Softmax { acc: x, max: m }`, `S<16> { n: 0 }`.
struct StructExpr : ExprOf<Expr::Kind::Struct> {
  struct Field {
    Name name;
    ExprPtr value;
  };
  using ExprOf::ExprOf;
  Name name;
  std::vector<GenericArg> generics;
  std::vector<Field> fields;
};

/// What stands in `[...]` after a tensor or tile, for one dimension.
struct Indexer {
  enum class Kind : uint8_t {
    Element, // `i`: a scalar, or a tile of integers       first
    Window,  // `b +: W`, `b +: W step s`                  first, second, step
    Range,   // `a .. e`, `a .. e step s` (only in `view`) first, second, step
    All,     // `:`
    NewAxis, // `None`
  };
  Kind kind = Kind::All;
  SourceRange range;
  ExprPtr first, second, step; // step: null if not written
};
/// `t[b, h, m +: BM, :]` of a tensor, `x[:, None]` of a tile.
struct IndexExpr : ExprOf<Expr::Kind::Index> {
  using ExprOf::ExprOf;
  ExprPtr base;
  std::vector<Indexer> indexers; // at least one
};

/// `state.acc`; also the transpose, `x.T`.
struct MemberExpr : ExprOf<Expr::Kind::Member> {
  using ExprOf::ExprOf;
  ExprPtr base;
  Name member;
};

/// `[M, N]`: only an argument of a call (`reshape`, `permute`, `broadcast`).
struct ListExpr : ExprOf<Expr::Kind::List> {
  using ExprOf::ExprOf;
  std::vector<ExprPtr> elements;
};

// ---------------------------------------------------------------------- types

struct TypeExpr {
  enum class Kind : uint8_t { Named, Acc, Tile, Tensor, Tuple, Function };
  const Kind kind;
  SourceRange range;
  virtual ~TypeExpr() = default;

protected:
  TypeExpr(Kind kind, SourceRange range) : kind(kind), range(range) {}
};
template <TypeExpr::Kind K> struct TypeOf : TypeExpr {
  explicit TypeOf(SourceRange range) : TypeExpr(K, range) {}
  static bool classof(const TypeExpr *type) { return type->kind == K; }
};

/// A scalar type, a type parameter, or a struct: `f32`, `T`, `Softmax<T, M>`.
struct NamedType : TypeOf<TypeExpr::Kind::Named> {
  using TypeOf::TypeOf;
  Name name;
  std::vector<GenericArg> generics;
};
/// `acc<T>`.
struct AccType : TypeOf<TypeExpr::Kind::Acc> {
  using TypeOf::TypeOf;
  TypePtr of;
};
/// `tile<T>[A, B]`; `tile<T>[]` is a scalar.
struct TileType : TypeOf<TypeExpr::Kind::Tile> {
  using TypeOf::TypeOf;
  TypePtr element;
  std::vector<ExprPtr> dims;
};
/// `tensor<T>[B, H, M, D]`.
struct TensorType : TypeOf<TypeExpr::Kind::Tensor> {
  using TypeOf::TypeOf;
  TypePtr element;
  std::vector<ExprPtr> dims;
};
/// `(f32, i32)`: only the result of a function; two elements at least.
struct TupleType : TypeOf<TypeExpr::Kind::Tuple> {
  using TypeOf::TypeOf;
  std::vector<TypePtr> elements;
};
/// `(f32, int) -> f32`: only of a function parameter.
struct FunctionType : TypeOf<TypeExpr::Kind::Function> {
  using TypeOf::TypeOf;
  std::vector<TypePtr> params;
  TypePtr result;
};

} // namespace attn_grid::compiler::ast

#endif
