#ifndef ATTN_GRID_AHEAD_HPP
#define ATTN_GRID_AHEAD_HPP
/// What an object made ahead of time says about itself, as plain data: the
/// compiler writes it, the runtime reads it at the first call.
///
/// Each kernel is one C function. A call binds types and consts as a launch
/// does, and finds the variant among those that were built.

#include "attn_grid/artifact.hpp"
#include "attn_grid/export.hpp"
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attn_grid {

/// One parameter of a C function.
struct AheadParam {
  enum class Kind : uint8_t {
    tensor,         ///< `const ag_array *`, null if absent
    scalar,         ///< by value
    default_scalar, ///< by pointer; null for the default
    choice,         ///< a const, by value; `index` in `AheadFunction::choices`
    extent,         ///< an extent that no tensor may bind; -1: one does
  };
  Kind kind = Kind::tensor;
  int index = 0; ///< position in the signature's params or extents
  ConstParam::Kind type = ConstParam::Kind::integer; ///< of what is a number
};

/// A const of which several values were built and that no tensor binds.
struct AheadChoice {
  int constant = 0; ///< position in the signature's consts
  std::vector<ConstValue> values;
};

struct AheadFunction {
  std::string name; ///< of the C function
  int signature = 0;
  std::vector<AheadParam> params;
  std::vector<AheadChoice> choices;
  /// What every variant has alike, by position in the signature.
  std::vector<std::optional<DType>> types;
  std::vector<std::optional<ConstValue>> consts;
};

/// One variant for one machine.
struct AheadBody {
  Target target;
  uint32_t code = 0; ///< position in `ag_ahead_library::code`
  /// Of PTX: does it assume that all tensors are regular
  /// (`Specialization::regular`)?
  bool regular = false;
  Artifact artifact = {}; ///< of PTX, without the text
};

struct AheadVariant {
  Specialization what;
  Artifact artifact;             ///< of the bodies for CPUs, without code
  std::vector<AheadBody> bodies; ///< in the order of `cpu_archs`, then PTX
};

struct AheadLibrary {
  std::string name;
  std::vector<Signature> signatures;
  std::vector<AheadFunction> functions;
  std::vector<AheadVariant> variants;
};

/// The bytes that `ag_ahead_library::records` points to.
AG_API std::string encode_ahead(const AheadLibrary &library);
/// The library of such bytes, or nothing if they are damaged.
AG_API std::optional<AheadLibrary> decode_ahead(std::string_view records);

} // namespace attn_grid

namespace ag = attn_grid;

#endif
