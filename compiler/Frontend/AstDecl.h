#ifndef AG_COMPILER_FRONTEND_ASTDECL_H
#define AG_COMPILER_FRONTEND_ASTDECL_H
/// The tree of `.ag` text, second half: statements, declarations, files.

#include "compiler/Frontend/Ast.h"

namespace attn_grid::compiler::ast {

// ----------------------------------------------------------------- statements

struct Stmt {
  enum class Kind : uint8_t {
    Let,
    Assign,
    If,
    While,
    For,
    Return,
    Break,
    Continue,
    Expr,
  };
  const Kind kind;
  SourceRange range;
  virtual ~Stmt() = default;

protected:
  Stmt(Kind kind, SourceRange range) : kind(kind), range(range) {}
};
using StmtPtr = std::unique_ptr<Stmt>;
template <Stmt::Kind K> struct StmtOf : Stmt {
  explicit StmtOf(SourceRange range) : Stmt(K, range) {}
  static bool classof(const Stmt *stmt) { return stmt->kind == K; }
};

/// `{ ... }`, with its braces. The names it declares end with it.
struct Block {
  SourceRange range;
  std::vector<StmtPtr> stmts;
};

/// `let x = e;`, `let (x, i) = e;`, `var x = e;`, `const W = e;`.
struct LetStmt : StmtOf<Stmt::Kind::Let> {
  enum class Binding : uint8_t { Let, Var, Const };
  using StmtOf::StmtOf;
  Binding binding = Binding::Let;
  bool isTuple = false;    // with parentheses (never for a const)
  std::vector<Name> names; // one, or at least two of a tuple
  ExprPtr value;
};

/// `x = e;`, `s.f += e;`, `t[i, m +: W] = e;`. `target` is a `NameExpr`, an
/// `IndexExpr`, or a `MemberExpr` of members of a name.
struct AssignStmt : StmtOf<Stmt::Kind::Assign> {
  using StmtOf::StmtOf;
  ExprPtr target;
  std::optional<BinaryOp> op; // `+=` has Add
  SourceRange opRange;
  ExprPtr value;
};

/// `if c { } else { }`, `const if c { } else if d { }`. An `else if` is a block
/// of one `IfStmt`, which is const only if it says so itself.
struct IfStmt : StmtOf<Stmt::Kind::If> {
  using StmtOf::StmtOf;
  bool isConst = false;
  ExprPtr condition;
  Block thenBlock;
  std::optional<Block> elseBlock;
};

struct WhileStmt : StmtOf<Stmt::Kind::While> {
  using StmtOf::StmtOf;
  ExprPtr condition;
  Block body;
};

/// `for i in begin .. end step s { }`.
struct ForStmt : StmtOf<Stmt::Kind::For> {
  using StmtOf::StmtOf;
  Name var;
  ExprPtr begin, end, step; // step: null is 1
  Block body;
};

/// `return;`, `return e;`, `return (a, b);`.
struct ReturnStmt : StmtOf<Stmt::Kind::Return> {
  using StmtOf::StmtOf;
  std::vector<ExprPtr> values; // none, one, or a tuple's
};
struct BreakStmt : StmtOf<Stmt::Kind::Break> {
  using StmtOf::StmtOf;
};
/// `continue;`, `continue unless c;`.
struct ContinueStmt : StmtOf<Stmt::Kind::Continue> {
  using StmtOf::StmtOf;
  ExprPtr unless; // null: always
};
/// A call for its effect; the parser lets nothing else stand alone.
struct ExprStmt : StmtOf<Stmt::Kind::Expr> {
  using StmtOf::StmtOf;
  ExprPtr value;
};

// --------------------------------------------------------------- declarations

/// A parameter in `<...>`.
struct GenericParam {
  enum class Kind : uint8_t { Type, Const, Function };
  enum class TypeClass : uint8_t { Any, Float, Int };
  enum class ConstKind : uint8_t { Int, Float, Bool };
  Kind kind = Kind::Type;
  SourceRange range;
  Name name;
  TypeClass typeClass = TypeClass::Any;   // Type
  ConstKind constKind = ConstKind::Int;   // Const
  std::unique_ptr<FunctionType> function; // Function
  TypePtr typeDefault;                    // Type, may be null
  ExprPtr valueDefault;                   // Const, Function, may be null
};

/// A parameter in `(...)`.
struct Param {
  enum class Mode : uint8_t { In, Out, Inout };
  SourceRange range;
  std::string doc;
  Mode mode = Mode::In;
  Name name;
  TypePtr type;
  bool optional = false; // `?`: only on a tensor
  ExprPtr defaultValue;  // or what fills an `out`; may be null
};

struct Decl {
  enum class Kind : uint8_t { Const, Struct, Fn, Kernel, Variant };
  const Kind kind;
  SourceRange range;
  std::string doc; // the `///` lines above it, without their markers
  Name name;
  virtual ~Decl() = default;

protected:
  Decl(Kind kind, SourceRange range) : kind(kind), range(range) {}
};
using DeclPtr = std::unique_ptr<Decl>;
template <Decl::Kind K> struct DeclOf : Decl {
  explicit DeclOf(SourceRange range) : Decl(K, range) {}
  static bool classof(const Decl *decl) { return decl->kind == K; }
};

/// `const W = 4;` outside of functions.
struct ConstDecl : DeclOf<Decl::Kind::Const> {
  using DeclOf::DeclOf;
  ExprPtr value;
};

struct StructDecl : DeclOf<Decl::Kind::Struct> {
  struct Field {
    SourceRange range;
    std::string doc;
    Name name;
    TypePtr type;
  };
  using DeclOf::DeclOf;
  std::vector<GenericParam> generics;
  std::vector<Field> fields;
};

struct FnDecl : DeclOf<Decl::Kind::Fn> {
  using DeclOf::DeclOf;
  std::vector<GenericParam> generics;
  std::vector<Param> params;
  TypePtr result; // null: none
  Block body;
};

/// `BM in [32, 64]` of a `tune (...)`.
struct TuneEntry {
  SourceRange range;
  Name name;
  std::vector<ExprPtr> candidates; // at least one
};

struct KernelDecl : DeclOf<Decl::Kind::Kernel> {
  using DeclOf::DeclOf;
  std::vector<GenericParam> generics;
  std::vector<Param> params;
  std::vector<ExprPtr> where; // all must hold
  std::vector<ExprPtr> grid;  // 1 to 3
  std::vector<TuneEntry> tune;
  Block body;
};

/// `variant alibi(slopes: tensor<f32>[H]) { fn score(...) ... }`.
struct VariantDecl : DeclOf<Decl::Kind::Variant> {
  using DeclOf::DeclOf;
  std::vector<GenericParam> generics;
  std::vector<Param> params;
  std::vector<std::unique_ptr<FnDecl>> functions;
};

/// `import "x.ag";`
struct Import {
  SourceRange range;
  SourceRange pathRange;
  std::string path;
  std::optional<FileId> file; // what it was found to be
};

/// One file.
struct File {
  FileId id = 0;
  std::vector<Import> imports;
  std::vector<DeclPtr> decls; // in the order of the source
};

/// A file with all that it imports: each file once, after what it imports, so
/// the root is the last. `_names` are visible in their own file only.
struct Tree {
  std::vector<std::unique_ptr<File>> files;
  const File &root() const { return *files.back(); }
};

} // namespace attn_grid::compiler::ast

#endif
