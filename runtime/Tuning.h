#ifndef AG_RUNTIME_TUNING_H
#define AG_RUNTIME_TUNING_H
/// Tuned consts of one kernel, ready to be compared with a launch.

#include "attn_grid/scalar.hpp"
#include "attn_grid/signature.hpp"
#include "attn_grid/tuning.hpp"
#include <optional>
#include <string>
#include <vector>

namespace attn_grid::detail {

/// Sizes that share what is tuned: those up to the same power of two.
int size_class(int64_t size);

/// For launches like this, these consts. Positions are those of the signature.
struct TunedConsts {
  std::string target;
  std::vector<std::optional<DType>> types;
  std::vector<int> extents; ///< classes; -1: not said
  std::vector<std::optional<Scalar>> consts;
  std::vector<std::pair<size_t, Scalar>> choice;
};

/// What was loaded for a kernel of the source of that hash. A line that does
/// not fit the signature is of another version of the language, and left out.
std::vector<TunedConsts> tuned_consts(const std::string &source_hash,
                                      const Signature &signature);

/// The machine, as a line has it: of the CPU all that it can do, hashed.
/// `arch` is empty for the CPU, and outlives the result.
const std::string &tuning_target(const std::string &arch);

/// The line for such a launch.
std::string tuning_line(const std::string &source_hash,
                        const Signature &signature, const TunedConsts &tuned,
                        double milliseconds);

} // namespace attn_grid::detail

#endif
