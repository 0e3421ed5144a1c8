#ifndef AG_RUNTIME_BACKGROUND_H
#define AG_RUNTIME_BACKGROUND_H
/// The thread that compiles what launches do not wait for.

#include "attn_grid/artifact.hpp"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace attn_grid::detail {

class ModuleState;
class VariantCache;

/// A variant to be made, with all that it is made from.
struct BackgroundRequest {
  std::shared_ptr<ModuleState> module; // keeps what follows
  VariantCache *variants;
  std::vector<uint64_t> words; // of the key
  std::string text;            // of the key
  Specialization what;
  const Signature *signature;
};

/// Did the host ask for it?
bool compiles_in_background();

/// Queues a request. Throws `Unsupported` if there is no compiler.
void compile_later(BackgroundRequest request);

} // namespace attn_grid::detail

#endif
