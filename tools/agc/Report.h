#ifndef AG_TOOLS_AGC_REPORT_H
#define AG_TOOLS_AGC_REPORT_H
/// What `agc run` says about a run: a table for people, or one JSON object.

#include "tools/agc/Arguments.h"

#include <string>
#include <utility>
#include <vector>

namespace attn_grid::agc {

/// One run, or several of the same launch.
struct RunReport {
  std::string kernel;
  VariantInfo variant;
  Device device;
  int threads = 1;
  /// The launch's arguments, with the outputs that it made.
  std::vector<Value> values;
  /// The first elements of each output, as the first run left them; one per
  /// value, empty for what is no output.
  std::vector<std::string> firstElements;
  std::vector<double> milliseconds; ///< of each run, at least one
  std::vector<std::pair<std::string, std::string>> saved; ///< name, file
};

/// The first few elements in row-major order, as text.
std::string firstElements(const TensorView &tensor);

/// A table that ends with a line break.
std::string formatTable(const RunReport &report);
/// One JSON object and a line break.
std::string formatJson(const RunReport &report);

} // namespace attn_grid::agc

#endif
