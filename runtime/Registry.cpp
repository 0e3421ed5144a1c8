// The compiler that misses are sent to.

#include "attn_grid/artifact.hpp"
#include <atomic>

namespace attn_grid {

static std::atomic<Compiler *> registered = nullptr;

Compiler *registered_compiler() {
  return registered.load(std::memory_order_acquire);
}

void set_compiler(Compiler *compiler) {
  registered.store(compiler, std::memory_order_release);
}

} // namespace attn_grid
