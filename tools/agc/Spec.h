#ifndef AG_TOOLS_AGC_SPEC_H
#define AG_TOOLS_AGC_SPEC_H
/// What stands right of `--arg NAME=`: where an argument's value comes from.
///
///     q.npy                     a file
///     randn:2x8x1024x64:bf16    made here: randn uniform zeros ones iota
///     uniform:1000:i32:0:99     of a range
///     randn                     made here, of the shape the others fix
///     0.125  true  -inf         a scalar
///     none                      an optional tensor that is not there
///
/// A tensor may be followed by views, which copy nothing, in the order in
/// which they apply: `qkv.npy@select=2,0@transpose=1,2`.

#include "attn_grid/dtype.hpp"
#include "attn_grid/scalar.hpp"
#include "attn_grid/tensor.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attn_grid::agc {

/// One view of a tensor: `@transpose=1,2`.
struct ViewSpec {
  enum class Kind : uint8_t { transpose, expand, select, slice };
  Kind kind;
  std::vector<int64_t> numbers;
};

/// The source of one argument.
struct Spec {
  enum class Kind : uint8_t {
    absent,
    scalar,
    file,
    randn,
    uniform,
    zeros,
    ones,
    iota
  };
  Kind kind = Kind::absent;
  std::string text; ///< as it was given
  Scalar scalar = false;
  std::string path;
  std::optional<Dims> shape;
  std::optional<DType> dtype;
  double low = 0, high = 1; ///< of `uniform`
  std::vector<ViewSpec> views;

  bool isTensor() const { return kind > Kind::scalar; }
};

/// Reads a SPEC. Throws `UsageError` that says what was expected.
Spec parseSpec(std::string_view text);

/// Reads an integer, a float, `inf`, `nan`, `true` or `false`.
std::optional<Scalar> parseScalar(std::string_view text);

/// Loads or makes the tensor of a spec that is one, and applies its views. The
/// shape of a made one must be known; a file keeps its own dtype unless
/// `convertFile`.
Tensor makeTensor(const Spec &spec, DType dtype, uint64_t seed, Device device,
                  bool convertFile);

} // namespace attn_grid::agc

#endif
