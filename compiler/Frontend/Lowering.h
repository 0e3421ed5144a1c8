#ifndef AG_COMPILER_FRONTEND_LOWERING_H
#define AG_COMPILER_FRONTEND_LOWERING_H
/// Lowers one kernel for one specialization by walking its tree once. Types,
/// constants and generic arguments are known on the way: each expression gives
/// a `Datum`, each `fn` call walks the function's tree under its own bindings
/// and leaves its operations in place. So checking and lowering are one walk,
/// and what is true of a variant (`const if`, shapes, types) is simply known.
///
/// The methods are grouped by topic; each group has its own `Lower*.cpp`.

#include "compiler/Frontend/ConstEval.h"
#include "compiler/Frontend/Datum.h"
#include "compiler/Frontend/Frontend.h"
#include "compiler/Frontend/FunctionRef.h"
#include "compiler/Frontend/Scope.h"
#include "compiler/Frontend/Slots.h"

#include "dialect/AgOps.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <map>

namespace attn_grid::compiler {

/// Where control is after a statement. `continue` and `return` leave no jump in
/// the IR: what follows them is put under a condition.
struct Flow {
  enum class Kind : uint8_t {
    falls, // into the next statement
    jumps, // never reaches it
    maybe, // reaches it where `live` is true
  };
  Kind kind = Kind::falls;
  mlir::Value live;
};

/// An argument of an operation and where it stands.
struct Operand {
  Datum datum;
  SourceRange range;
};

struct BuiltinEntry;

/// A function body that is being walked.
struct Frame {
  const ast::Decl *decl = nullptr;
  Scope scope;
  std::string name;            // `softmax_update<f32, 64, 64>`
  SourceRange calledAt;        // the callee's name, invalid for the kernel
  SourceRange call;            // all of the call
  mlir::LocationAttr location; // of the call, null for the kernel
  Frame *caller = nullptr;
  int loops = 0;                      // around the current statement
  bool loopReturns = false;           // is a `return` in the innermost of them?
  std::optional<unsigned> breakFlag;  // of the innermost, if it is left so
  std::optional<unsigned> returnFlag; // of the outermost that returns
  bool returnsValue = false;          // is a result declared?
  bool lifted = false;                // a function of scalars applied to tiles
  std::optional<DataType> result; // its type; nothing if it follows the value
  unsigned resultSymbol = 0;      // where `return` puts the value
};

class Lowering {
public:
  /// The observer may be empty; it outlives the lowering.
  Lowering(const ParsedProgram &program, mlir::MLIRContext &context,
           Diagnostics &diags, const TypeObserver &observer);

  mlir::OwningOpRef<mlir::ModuleOp> run(const ast::KernelDecl &kernel,
                                        const Signature &signature,
                                        const Specialization &spec);

  /// The builtin functions, for the check of names.
  static bool isBuiltinFunction(llvm::StringRef name) {
    return findBuiltin(name);
  }
  static std::vector<llvm::StringRef> builtinFunctions();

private:
  struct BuiltinCall;
  struct Arguments;

  // ------------------------------------------------------- LowerKernel.cpp
  bool bindKernel(const ast::KernelDecl &, const Signature &,
                  const Specialization &);
  bool bindGenerics(const ast::KernelDecl &, const Specialization &);
  void collectVariantNames(const ast::KernelDecl &);
  bool bindKernelFunction(const ast::KernelDecl &, const ast::GenericParam &);
  bool noteHints(ir::KernelOp op, const ast::KernelDecl &, const Signature &,
                 const Specialization &);
  ir::KernelOp makeKernel(const ast::KernelDecl &, const Signature &,
                          const Specialization &, llvm::ArrayRef<Slot> slots);
  void bindTensors(const ast::KernelDecl &, const Specialization &,
                   llvm::ArrayRef<Slot> slots,
                   llvm::ArrayRef<mlir::Value> args);
  void bindTensor(const ast::Param &param, int8_t lastStride,
                  mlir::Value pointer, llvm::ArrayRef<mlir::Value> strides);
  void lowerGrid(const ast::KernelDecl &kernel);
  std::optional<Datum> evalExtentExpr(const ast::Expr &expr);
  std::optional<Datum> evalWide(const ast::Expr &expr);

  // --------------------------------------------------------- LowerStmt.cpp
  Flow lowerBlock(const ast::Block &block);
  Flow lowerStmts(llvm::ArrayRef<ast::StmtPtr> stmts);
  Flow lowerStmt(const ast::Stmt &stmt);
  Flow guardRest(mlir::Value live, llvm::ArrayRef<ast::StmtPtr> rest);
  Flow lowerIf(const ast::IfStmt &stmt);
  Flow lowerConstIf(const ast::IfStmt &stmt);
  Flow lowerContinue(const ast::ContinueStmt &stmt);
  Flow lowerReturn(const ast::ReturnStmt &stmt);
  void lowerLet(const ast::LetStmt &stmt);
  void declare(const ast::Name &name, Symbol::Kind kind, Datum value);

  // --------------------------------------------------------- LowerLoop.cpp
  Flow lowerFor(const ast::ForStmt &stmt);
  Flow lowerWhile(const ast::WhileStmt &stmt);
  Flow lowerBreak(const ast::Stmt &stmt);
  /// What every loop does around `make`: the flags of its exits, and that a
  /// `return` in it leaves the function.
  Flow lowerLoop(llvm::ArrayRef<ast::StmtPtr> body,
                 llvm::function_ref<void()> make);
  void makeFor(const ast::ForStmt &stmt, mlir::Value low, mlir::Value high,
               mlir::Value step);
  /// A `for` that is left early: a while loop that counts in 64 bits.
  void makeBreakableFor(const ast::ForStmt &stmt, mlir::Value low,
                        mlir::Value high, mlir::Value step);
  void lowerForBody(const ast::ForStmt &stmt, mlir::Value counter);
  /// An scf.while that carries `counter`, which may be null, and `vars`. The
  /// body gives the next counter.
  void makeWhile(llvm::ArrayRef<unsigned> vars, mlir::Value counter,
                 llvm::function_ref<mlir::Value(mlir::Value)> condition,
                 llvm::function_ref<mlir::Value(mlir::Value)> body);
  /// `condition`, unless a `break` or `return` left the loop.
  mlir::Value goesOn(llvm::function_ref<mlir::Value()> condition);
  unsigned declareFlag();
  void setFlag(unsigned flag);
  mlir::Value notFlag(unsigned flag);

  // ------------------------------------------------------- LowerAssign.cpp
  void lowerAssign(const ast::AssignStmt &stmt);
  Datum compound(const ast::AssignStmt &stmt, Operand old, Operand value);
  Datum *findTarget(const ast::Expr &target);
  void assignElements(const ast::IndexExpr &target,
                      const ast::AssignStmt &stmt);

  // ------------------------------------------------------- LowerBranch.cpp
  /// The variables that the statements assign, in the order of declaration.
  llvm::SmallVector<unsigned> assigned(llvm::ArrayRef<ast::StmtPtr> stmts);
  void collectAssigned(llvm::ArrayRef<ast::StmtPtr> stmts,
                       llvm::SmallVectorImpl<unsigned> &numbers,
                       bool inLoop = false);
  /// `if (condition) thenBody else elseBody`, as an scf.if that gives the
  /// variables `vars` their new values.
  Flow lowerBranches(mlir::Value condition, llvm::ArrayRef<unsigned> vars,
                     llvm::function_ref<Flow()> thenBody,
                     llvm::function_ref<Flow()> elseBody);
  /// What follows from the flows of the two sides; a `maybe` without `live`
  /// has its flag at the end of `yields`.
  Flow joinFlows(mlir::Value condition, mlir::scf::IfOp branch,
                 llvm::ArrayRef<Flow> flows,
                 llvm::MutableArrayRef<llvm::SmallVector<mlir::Value>> yields);
  Datum zerosOf(const DataType &type);
  /// Gives the variable of the function's result a value, if it has none.
  void prepareResult();
  llvm::SmallVector<mlir::Value> valuesOf(llvm::ArrayRef<unsigned> vars);
  void setValues(llvm::ArrayRef<unsigned> vars,
                 llvm::ArrayRef<mlir::Value> values);

  // --------------------------------------------------------- LowerExpr.cpp
  /// The value of an expression; `poison` after a mistake, which has been
  /// reported.
  Datum eval(const ast::Expr &expr);
  Datum evalKind(const ast::Expr &expr);
  Datum evalName(const ast::NameExpr &expr);
  Datum evalIndex(const ast::IndexExpr &expr);
  Datum evalMember(const ast::MemberExpr &expr);
  /// A struct takes what its fields do not tell from the type that the place
  /// expects, if there is one.
  Datum evalStruct(const ast::StructExpr &expr, const StructType *expected);
  /// The value of an expression where a type is expected.
  Datum evalAs(const ast::Expr &expr, const DataType &expected);
  Datum globalConst(const ast::ConstDecl &decl, SourceRange use);
  std::optional<ConstValue> evalConst(const ast::Expr &expr,
                                      llvm::StringRef what);
  std::optional<int64_t> evalConstInt(const ast::Expr &expr,
                                      llvm::StringRef what);
  std::optional<bool> evalConstBool(const ast::Expr &expr,
                                    llvm::StringRef what);
  /// The extent of a tile: a const, a power of two.
  std::optional<int64_t> evalExtent(const ast::Expr &expr);
  std::optional<mlir::Value> evalCondition(const ast::Expr &expr);
  std::optional<Shape> evalShape(llvm::ArrayRef<ast::ExprPtr> dims,
                                 SourceRange range);

  // ---------------------------------------------------- LowerOperators.cpp
  Datum evalUnary(const ast::UnaryExpr &expr);
  Datum evalBinary(const ast::BinaryExpr &expr);
  Datum evalLogical(const ast::BinaryExpr &expr, Operand lhs, Operand rhs);
  Datum evalPower(const ast::BinaryExpr &expr, Operand lhs, Operand rhs);
  Datum applyBinary(BinaryKind kind, llvm::StringRef what, SourceRange at,
                    Operand lhs, Operand rhs);
  Datum applyUnary(UnaryKind kind, llvm::StringRef what, SourceRange at,
                   Operand operand);
  bool checkOperands(BinaryKind kind, llvm::StringRef what, SourceRange at,
                     const Operand &lhs, DType element);

  // ------------------------------------------------------- LowerConvert.cpp
  /// A constant as a value of its own: i32, f32 or bool. Others unchanged.
  Datum alone(const Datum &datum, SourceRange range);
  /// The datum as a scalar or tile; an error for tensors, structs and so on.
  std::optional<TileValue> asTile(const Operand &operand);
  /// The datum as a value of an element type: a constant adapts, anything else
  /// must have it.
  std::optional<TileValue> adapt(const Operand &operand, DType element,
                                 llvm::StringRef what,
                                 const Shape *shape = nullptr);
  /// As `adapt`, repeated to a shape.
  std::optional<TileValue> convert(const Operand &operand, const TileType &type,
                                   llvm::StringRef what);
  /// As `convert`, for structs too.
  Datum convertTo(const Operand &operand, const DataType &type,
                  llvm::StringRef what);
  /// Operands of one operation, of one element type and shape.
  std::optional<llvm::SmallVector<TileValue, 3>>
  unify(llvm::ArrayRef<Operand> operands, llvm::StringRef what, SourceRange at);
  std::optional<DType> commonElement(llvm::ArrayRef<Operand> operands,
                                     llvm::StringRef what, SourceRange at);
  bool expectValue(const Operand &operand);

  // --------------------------------------------------------- LowerTypes.cpp
  std::optional<DataType> evalType(const ast::TypeExpr &type);
  std::optional<DType> evalElementType(const ast::TypeExpr &type);
  std::optional<DataType> evalNamedType(const ast::NamedType &type);
  std::optional<DType> evalTypeArg(const ast::GenericArg &arg);
  const StructType *instantiate(const ast::StructDecl &decl,
                                std::vector<StructType::Binding> bindings,
                                SourceRange at);
  bool checkTileShape(llvm::ArrayRef<int64_t> shape, SourceRange at);

  // ---------------------------------------------------- LowerGenerics.cpp
  using Bindings = std::vector<std::optional<StructType::Binding>>;
  /// Binds the generic arguments that are written.
  bool bindExplicit(llvm::ArrayRef<ast::GenericParam> params,
                    llvm::ArrayRef<ast::GenericArg> args, llvm::StringRef of,
                    Bindings &bindings);
  std::optional<StructType::Binding> evalGenericArg(const ast::GenericParam &,
                                                    const ast::GenericArg &);
  /// Binds what follows from an argument; contradictions are found when the
  /// argument is converted to the parameter's type.
  void infer(llvm::ArrayRef<ast::GenericParam> params,
             const ast::TypeExpr &type, const Datum &datum, bool last,
             Bindings &bindings);
  void inferElement(llvm::ArrayRef<ast::GenericParam> params,
                    const ast::TypeExpr &type, const Datum &datum, bool last,
                    Bindings &bindings);
  void inferStruct(llvm::ArrayRef<ast::GenericParam> params,
                   const ast::NamedType &type, const StructType &structure,
                   Bindings &bindings);
  void inferConst(llvm::ArrayRef<ast::GenericParam> params,
                  const ast::Expr &expr, const ConstValue &value,
                  Bindings &bindings);
  /// Declares the parameters in `scope`, defaults for what is unbound.
  bool declareGenerics(llvm::ArrayRef<ast::GenericParam> params,
                       Bindings &bindings, llvm::StringRef of, SourceRange at);
  bool checkTypeClass(const ast::GenericParam &param, DType type,
                      SourceRange at);
  bool checkConstKind(const ast::GenericParam &param, ConstValue &value,
                      SourceRange at);

  // --------------------------------------------------------- LowerCalls.cpp
  Datum evalCall(const ast::CallExpr &call);
  Datum callFunction(const ast::FnDecl &fn, const ast::CallExpr &call);
  /// The call once its arguments are known, in the order of the parameters.
  Datum callWith(const FunctionRef &fn,
                 std::vector<std::optional<Operand>> &args, Bindings bindings,
                 SourceRange at, SourceRange whole);
  bool matchArguments(const ast::FnDecl &fn, const ast::CallExpr &call,
                      std::vector<std::optional<Operand>> &args);
  bool bindParameters(const ast::FnDecl &fn, Frame &frame,
                      std::vector<std::optional<Operand>> &args, bool lifted,
                      SourceRange at);
  bool bindParameter(const ast::FnDecl &fn, const ast::Param &param,
                     const Operand &arg, bool lifted);
  bool bindTensorParameter(const ast::Param &param, const ast::TensorType &type,
                           const Operand &arg);
  Datum runBody(const ast::FnDecl &fn, Frame &frame, bool lifted);
  bool mayCall(const ast::FnDecl &fn, SourceRange at);

  // ----------------------------------------------------- LowerFunctions.cpp
  /// The function that a name, a function parameter or `grad(f)` means.
  std::optional<FunctionRef> resolveFunction(const ast::Expr &expr);
  /// Calls a function that is a value with evaluated arguments. `at` is where
  /// messages point to, `whole` all of the call.
  Datum applyFunction(const FunctionRef &fn, llvm::ArrayRef<Operand> operands,
                      SourceRange at, SourceRange whole);
  Datum callValue(const FunctionRef &fn, const ast::CallExpr &call);
  std::shared_ptr<const FunctionRef> bindFunction(const ast::Expr &expr);
  bool checkFunctionType(const ast::GenericParam &param, const FunctionRef &fn,
                         SourceRange at);
  std::string typeText(const FunctionRef &fn);
  void declareSurroundings(Frame &own, const FunctionRef &fn);

  // ---------------------------------------------------------- LowerGrad.cpp
  /// As `runBody`, but gives the derivative by the first argument.
  Datum runDerivative(const FunctionRef &fn, Frame &frame, bool lifted);

  // -------------------------------------------------------- LowerMemory.cpp
  /// The elements of a tensor that `t[...]` names.
  struct Access {
    std::shared_ptr<const TensorValue> tensor;
    llvm::SmallVector<mlir::Value> indices, steps;
    llvm::SmallVector<int64_t> extents;
    Shape shape;
    SourceRange range;
    /// Does each element of `shape` have its own place? Then the indices are
    /// tiles that broadcast to it, and there are no steps and extents.
    bool pointwise = false;
  };
  std::optional<Access> evalAccess(const ast::IndexExpr &expr);
  bool addIndexer(Access &access, const ast::Indexer &indexer,
                  const Datum &extent,
                  llvm::SmallVectorImpl<mlir::Value> &steps, bool &hasStep);
  Datum load(const Access &access, mlir::Value keep, mlir::Value other);
  bool store(const Access &access, const Operand &value, mlir::Value keep);
  bool checkReadable(const Access &access);
  bool checkWritable(const Access &access);
  std::optional<mlir::Value> evalI32(const ast::Expr &expr,
                                     llvm::StringRef what);
  std::optional<mlir::Value> evalKeep(const ast::Expr *expr,
                                      llvm::ArrayRef<int64_t> shape);

  /// The long forms, with what is null left away.
  Datum loadLong(const Access &access, const ast::Arg *other,
                 const ast::Arg *keep);
  Datum storeLong(const Access &access, const Operand &value,
                  const ast::Arg *keep);

  // ------------------------------------------------------- LowerIndexed.cpp
  bool makePointwise(Access &access, llvm::ArrayRef<Operand> operands);
  llvm::SmallVector<mlir::Value> pointwiseIndices(const Access &access);
  std::optional<Access> pointwiseAccess(BuiltinCall &call,
                                        const Arguments &args, size_t after);
  Datum builtinGather(BuiltinCall &call);
  Datum builtinScatter(BuiltinCall &call);
  Datum builtinAtomic(BuiltinCall &call);

  // ------------------------------------------------------- LowerEffects.cpp
  Datum builtinPrint(BuiltinCall &call);
  Datum builtinAssert(BuiltinCall &call);
  Datum builtinPhilox(BuiltinCall &call);

  // ---------------------------------------------------------- LowerView.cpp
  struct ViewDim;
  Datum evalView(const ast::IndexExpr &expr);
  std::optional<ViewDim> viewDim(const ast::Indexer &indexer,
                                 const Datum &extent);
  std::optional<ViewDim> viewRange(const ast::Indexer &indexer,
                                   const Datum &extent);
  void emptyOutside(llvm::MutableArrayRef<ViewDim> dims);

  // ------------------------------- LowerBuiltins.cpp, LowerElementwise.cpp
  friend struct BuiltinEntry;
  bool placeArguments(BuiltinCall &call);
  bool splitArguments(BuiltinCall &call, llvm::ArrayRef<llvm::StringRef> names,
                      Arguments &args);
  Datum evalBuiltin(llvm::StringRef name, const ast::CallExpr &call);
  Datum evalMaker(const ast::MakerExpr &expr);
  std::optional<Datum> builtinName(llvm::StringRef name);
  Datum builtinUnary(BuiltinCall &call);
  Datum builtinBinary(BuiltinCall &call);
  Datum builtinFma(BuiltinCall &call);
  Datum builtinWhere(BuiltinCall &call);
  Datum builtinCast(BuiltinCall &call);
  Datum builtinBitcast(BuiltinCall &call);
  Datum builtinBits(BuiltinCall &call);
  Datum builtinNextPow2(BuiltinCall &call);
  Datum builtinPresent(BuiltinCall &call);
  Datum builtinProgramId(BuiltinCall &call);
  Datum builtinStaticAssert(BuiltinCall &call);
  Datum builtinIota(BuiltinCall &call);
  const ast::IndexExpr *expectElements(const ast::Expr &expr,
                                       llvm::StringRef what);
  Datum builtinLoad(BuiltinCall &call);
  Datum builtinStore(BuiltinCall &call);
  Datum builtinView(BuiltinCall &call);
  Datum builtinMaker(BuiltinCall &call);
  Datum builtinGrad(BuiltinCall &call);
  Datum builtinReduce(BuiltinCall &call);
  Datum builtinMinMax(BuiltinCall &call);
  Datum builtinDot(BuiltinCall &call);
  Datum builtinReshape(BuiltinCall &call);
  Datum builtinPermute(BuiltinCall &call);
  Datum builtinBroadcast(BuiltinCall &call);
  static llvm::ArrayRef<BuiltinEntry> builtinTable();
  static const BuiltinEntry *findBuiltin(llvm::StringRef name);

  // -------------------------------------------------------- LowerReduce.cpp
  Datum reduce(ir::ReduceKind kind, const Operand &operand,
               const ast::Arg *axis, llvm::StringRef name, SourceRange at);
  std::optional<int64_t> evalAxis(const ast::Arg &arg, const TileValue &tile);
  std::optional<ir::Precision> evalPrecision(const ast::Expr &expr,
                                             DType element);

  // ---------------------------------------------------------- LowerScan.cpp
  std::optional<TileValue> alongAxis(BuiltinCall &call, const Operand &operand);
  std::optional<int64_t> onlyAxis(BuiltinCall &call, const ast::Arg *axis,
                                  const TileValue &tile);
  Datum builtinScan(BuiltinCall &call);
  Datum builtinCombine(BuiltinCall &call);
  Datum combine(TileValue tile, int64_t axis, bool scans, const FunctionRef &fn,
                SourceRange at);
  Datum builtinSort(BuiltinCall &call);

  // --------------------------------------------------------- LowerShape.cpp
  Datum indexTile(const ast::IndexExpr &expr, TileValue tile);
  Datum transpose(TileValue tile, llvm::ArrayRef<int64_t> permutation);
  const ast::ListExpr *expectList(const ast::Expr &expr);
  Datum maxOfAll(TileValue tile, llvm::ArrayRef<int64_t> axes);

  // ----------------------------------------------------------- Lowering.cpp
  /// Reports a mistake, and through which calls the walk came here.
  DiagnosticBuilder error(SourceRange range, std::string message);
  DiagnosticBuilder unsupported(SourceRange range, llvm::StringRef what,
                                llvm::StringRef instead);
  Datum poison(SourceRange range, std::string message);
  /// A constant operation's result, or the error it gave.
  Datum constantOr(const ConstResult &result, SourceRange range);
  mlir::Location locationOf(SourceRange range);
  Numerics numerics() { return Numerics(builder, loc); }
  /// The text of a range if it is short, else a stand-in.
  std::string quote(SourceRange range);
  Scope &scope() { return frame->scope; }

  /// Makes new operations stand at a place of the source.
  struct At {
    At(Lowering &lowering, SourceRange range)
        : lowering(lowering), saved(lowering.loc) {
      lowering.loc = lowering.locationOf(range);
    }
    ~At() { lowering.loc = saved; }
    At(const At &) = delete;
    At &operator=(const At &) = delete;
    Lowering &lowering;
    mlir::Location saved;
  };
  /// Counts how deep the walk is, so that no input exhausts the stack.
  struct Nest {
    Nest(Lowering &lowering, SourceRange range);
    ~Nest() { --lowering.nesting; }
    Nest(const Nest &) = delete;
    Nest &operator=(const Nest &) = delete;
    Lowering &lowering;
    bool tooDeep = false;
  };

  const ParsedProgram &program;
  const Globals &globals;
  Diagnostics &diags;
  const TypeObserver &observer;
  mlir::OpBuilder builder;
  mlir::Location loc;
  Frame *frame = nullptr;
  std::vector<TileValue> programIds;
  std::vector<Symbol> variantNames; // what a bound variant's functions see
  llvm::DenseMap<const ast::ConstDecl *, std::optional<Datum>> globalConsts;
  std::map<std::string, std::unique_ptr<StructType>> structs; // by name
  int nesting = 0;
  int64_t steps = 0; // expressions and statements walked so far
  bool gaveUp = false;
};

} // namespace attn_grid::compiler

#endif
