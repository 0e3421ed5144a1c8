#ifndef AG_COMPILER_FRONTEND_DATUM_H
#define AG_COMPILER_FRONTEND_DATUM_H
/// What an expression gives while a kernel is lowered, and what a name stands
/// for: a constant without a type of its own, a run-time scalar or tile, a
/// struct or tuple of such, a tensor, a type. After a mistake it is `poison`,
/// which stays silent wherever it is used, so that one mistake gives one
/// message.

#include "compiler/Frontend/AstDecl.h"
#include "compiler/Frontend/Types.h"

#include <memory>

namespace attn_grid::compiler {

struct StructType;
struct FunctionRef;

/// The type of a value: a scalar or tile, a struct, or a tuple.
struct DataType {
  TileType tile;
  const StructType *structure = nullptr; // owned by the lowering, interned
  std::vector<DataType> tuple;           // at least two, else empty
  friend bool operator==(const DataType &, const DataType &) = default;
};

/// A struct with its generic parameters bound.
struct StructType {
  /// The binding of one generic parameter: a type, a function or a const. A
  /// struct has no functions.
  struct Binding {
    bool isType = false;
    DType type = DType::i32;
    ConstValue value;
    std::shared_ptr<const FunctionRef> function;
  };
  const ast::StructDecl *decl = nullptr;
  std::vector<Binding> bindings; // one per parameter
  std::vector<DataType> fields;
  std::string name; // `Softmax<f32, 64, 64>`
};

/// `f32`, `tile<f32>[64]`, `Softmax<f32, 64, 64>`, `(f32, i32)`.
std::string format(const DataType &type);

struct TensorValue;

struct Datum {
  enum class Kind : uint8_t {
    poison,    // after a mistake
    none,      // what a function without a result gives
    constant,  // known while compiling, no type of its own
    tile,      // a run-time scalar or tile
    structure, // `parts` are the fields
    tuple,     // `parts` are the elements
    tensor,
    absent, // an optional parameter that was left away
    type,   // a scalar type
    function,
  };
  Kind kind = Kind::poison;
  ConstValue constant;
  TileValue tile;
  DType type = DType::i32;
  const StructType *structure = nullptr;
  std::vector<Datum> parts;
  std::shared_ptr<const TensorValue> tensor;
  std::shared_ptr<const FunctionRef> function;

  static Datum of(Kind kind) {
    Datum datum;
    datum.kind = kind;
    return datum;
  }
  static Datum poison() { return {}; }
  static Datum of(const ConstValue &value) {
    Datum datum = of(Kind::constant);
    datum.constant = value;
    return datum;
  }
  static Datum of(TileValue value) {
    Datum datum = of(Kind::tile);
    datum.tile = value;
    return datum;
  }
  static Datum ofType(DType type) {
    Datum datum = of(Kind::type);
    datum.type = type;
    return datum;
  }
  static Datum ofTuple(std::vector<Datum> parts) {
    Datum datum = of(Kind::tuple);
    datum.parts = std::move(parts);
    return datum;
  }
  static Datum of(std::shared_ptr<const TensorValue> tensor) {
    Datum datum = of(Kind::tensor);
    datum.tensor = std::move(tensor);
    return datum;
  }

  static Datum of(std::shared_ptr<const FunctionRef> function) {
    Datum datum = of(Kind::function);
    datum.function = std::move(function);
    return datum;
  }

  bool isPoison() const { return kind == Kind::poison; }
  bool isConstant() const { return kind == Kind::constant; }
  bool isTile() const { return kind == Kind::tile; }
  bool isTensor() const { return kind == Kind::tensor; }
  bool isInt() const {
    return isConstant() && constant.kind == ConstParam::Kind::integer;
  }
  bool isBool() const {
    return isConstant() && constant.kind == ConstParam::Kind::boolean;
  }
};

/// A strided view of memory: a kernel's parameter, or a part of one.
struct TensorValue {
  mlir::Value memref;
  DType element = DType::f32;
  std::vector<Datum> extents; // a constant or an i32 each
  bool readable = true;
  bool writable = false;
  std::string name;     // of the parameter, for messages
  SourceRange declared; // of the parameter
};

/// `tile<f32>[64]`, `the int constant 64`, `a tensor`: what was found, for a
/// message.
std::string describe(const Datum &datum);

/// The type of a scalar, tile, struct or tuple.
DataType typeOf(const Datum &datum);

/// The IR values that a scalar, tile or struct consists of, in order.
void flatten(const Datum &datum, llvm::SmallVectorImpl<mlir::Value> &values);
/// Replaces the IR values of `datum` by those at the front of `values`, which
/// it drops.
void refill(Datum &datum, llvm::ArrayRef<mlir::Value> &values);

} // namespace attn_grid::compiler

#endif
