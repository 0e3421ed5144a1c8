// Any bytes as a tuning file: an error, or lines that merging keeps.

#include "attn_grid/error.hpp"
#include "runtime/Tuning.h"

#include <cstdint>
#include <cstdlib>

using namespace attn_grid;

/// A kernel that lines may be about.
static Signature signatureOfAll() {
  Signature made;
  made.name = "k";
  TypeParam type;
  type.name = "T";
  made.types.push_back(type);
  for (const char *name : {"W", "D"}) {
    ConstParam param;
    param.name = name;
    made.consts.push_back(param);
  }
  made.consts[1].kind = ConstParam::Kind::floating;
  made.extents.push_back({"N"});
  return made;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Signature signature = signatureOfAll();
  std::string text(reinterpret_cast<const char *>(data), size);
  try {
    std::string merged = merge_tuning(text, "");
    if (merge_tuning(merged, merged) != merged)
      abort();
    clear_tuning();
    add_tuning("h k cpu " + text);
    for (const auto &tuned : detail::tuned_consts("h", signature)) {
      // What was read is written, and read again.
      std::string line = detail::tuning_line("h", signature, tuned, 1);
      if (!tuned.choice.empty() && merge_tuning(line, "").empty())
        abort();
    }
  } catch (const InvalidArgument &) {
  }
  return 0;
}
