#ifndef ATTN_GRID_SIGNATURE_HPP
#define ATTN_GRID_SIGNATURE_HPP
/// What a kernel expects of a launch, as plain data. The front end makes it
/// from the source; the runtime binds and checks arguments with it, without
/// the compiler.

#include "attn_grid/dtype.hpp"
#include <string>
#include <utility>
#include <vector>

namespace attn_grid {

/// A small expression in postfix order over what a launch knows: extents,
/// consts, scalar arguments, dtypes. Values on the stack are integers (64-bit,
/// overflow is an error), floats (f64) or bools.
struct Expr {
  enum class Op : uint8_t {
    // clang-format off
    // Leaves. `index` is the position in the signature's list.
    int_literal,   // i
    float_literal, // f
    bool_literal,  // i != 0
    extent,        // signature.extents[index]
    constant,      // signature.consts[index]
    scalar,        // the value of signature.params[index], a scalar
    present,       // bool: is signature.params[index] given?
    type_bits,     // bits(T), T = signature.types[index]
    type_is,       // bool: is signature.types[index] == DType(i)?
    // Unary.
    neg, logical_not, abs, sqrt, exp2, log2, next_pow2,
    // Binary. `div` of two integers truncates (x / 0 is 0, x % 0 is x), else
    // it is the quotient of floats.
    add, sub, mul, div, mod, pow, min, max, floordiv, floormod, ceildiv,
    eq, ne, lt, le, gt, ge, logical_and, logical_or,
    bit_and, bit_or, bit_xor, shl, shr,
    // Ternary: where(condition, a, b).
    where,
    // clang-format on
  };
  struct Node {
    Op op;
    int index = 0;
    int64_t i = 0;
    double f = 0;
  };
  std::vector<Node> nodes;
  /// As written in the source, for messages: "H % G == 0".
  std::string text;

  bool empty() const { return nodes.empty(); }
  /// The extent's index if the expression is one extent alone, else -1.
  int as_extent() const {
    return nodes.size() == 1 && nodes[0].op == Op::extent ? nodes[0].index : -1;
  }
};

/// A dtype as a signature names it: `f32`, `T`, `acc<T>`.
struct TypeRef {
  enum class Kind : uint8_t { concrete, param, acc_of_param };
  Kind kind = Kind::concrete;
  DType dtype = DType::f32; // concrete
  int param = 0;            // position in signature.types
};

/// A type parameter, `T: float`.
struct TypeParam {
  enum class Class : uint8_t { any, floating, integer };
  std::string name;
  Class kind = Class::any;
  bool has_default = false;
  TypeRef default_type; // `<TB: float = T>`
};

/// A const parameter, `const BM: int = 64`.
struct ConstParam {
  enum class Kind : uint8_t { integer, floating, boolean };
  std::string name;
  Kind kind = Kind::integer;
  Expr default_value;           // empty: none
  std::vector<Expr> candidates; // of `tune`, empty: not tuned
  int extent = -1; // the extent of this name, if tensors mention it
  /// Not of the kernel's text: `warps` or `stages` of its `tune`, how a GPU
  /// runs a program. On a CPU it changes nothing.
  bool is_gpu_hint = false;
};

/// A named extent. Bound by the tensors that mention it.
struct Extent {
  std::string name;
  int constant = -1; // position in signature.consts if it is compiled in
};

/// A function parameter, `fn score: (f32, int) -> f32 = no_score`. What is
/// bound to it is text of a source and no part of a specialization.
struct FunctionParam {
  std::string name;
  std::string type; // as written: "(f32, int) -> f32"
  bool has_default = false;
  std::string bound; // the text that a lookup gave; empty: the default
};

struct Param {
  enum class Mode : uint8_t { in, out, inout };
  std::string name;
  bool is_tensor = true;
  bool optional = false; // `?`
  Mode mode = Mode::in;
  TypeRef type;
  std::vector<Expr> dims; // tensors
  Expr fill;              // `out x: ... = c`, else empty
  Expr default_value;     // scalars, else empty
};

/// One kernel's interface. Lists are in the order of the source; `extents` in
/// the order of first mention by the parameters.
struct Signature {
  std::string name;
  std::string doc; // the `///` comment above it
  std::vector<TypeParam> types;
  std::vector<ConstParam> consts;
  std::vector<FunctionParam> functions;
  std::vector<Extent> extents;
  std::vector<Param> params; // then those of the variant, if there is one
  std::vector<Expr> where;
  std::vector<Expr> grid; // 1 to 3, the first runs fastest
  std::string variant;    // the text that a lookup gave; empty: none
};

/// What a lookup gives to the function parameters of one kernel, as text of the
/// kernel language. It makes a program of its own.
struct FunctionBindings {
  struct Entry {
    std::string name; // of the parameter
    std::string text; // `relu`, `grad(relu)` or `fn(s: f32) -> f32 { ... }`
  };
  std::string kernel;
  std::vector<Entry> functions;
  std::string variant; // a name, or `variant (...) { ... }`; empty: none
  bool empty() const { return functions.empty() && variant.empty(); }
};

/// The value of a const parameter.
struct ConstValue {
  ConstParam::Kind kind = ConstParam::Kind::integer;
  int64_t i = 0; // integer, boolean
  double f = 0;  // floating
  friend bool operator==(const ConstValue &, const ConstValue &) = default;
};

/// What is compiled into a variant: everything the generated code may assume.
struct Specialization {
  std::string kernel;
  std::vector<DType> types;       // one per signature.types
  std::vector<ConstValue> consts; // one per signature.consts
  std::vector<bool> present;      // one per signature.params
  /// Per parameter, for a present tensor of rank 1 or more: the stride of its
  /// last dimension if compiled in (0 or 1), or -1 for a run-time stride.
  std::vector<int8_t> last_stride;
  /// Per parameter, for GPUs only (else empty): a tensor that begins at a
  /// multiple of 16 bytes and so does each step along a dimension but the last;
  /// no stride is negative, and no element lies 2^31 bytes or more behind the
  /// first.
  std::vector<bool> regular = {};
  friend bool operator==(const Specialization &,
                         const Specialization &) = default;
};

} // namespace attn_grid

#endif
