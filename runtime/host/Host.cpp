// A launch's programs are numbered so that neighbours share memory: the blocks
// of one head read the same k and v. So the range [0, programs) is halved until
// the pieces are small, each thread works through its half in order, and a
// thread without work steals the far end of another's. Programs do not depend
// on each other, so any order gives the same bits.

#include "runtime/host/Host.h"
#include "attn_grid/device.hpp"
#include "attn_grid/error.hpp"
#include "runtime/host/FloatMode.h"
#include "runtime/host/Print.h"
#include "runtime/host/Threads.h"
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>

namespace attn_grid::detail {
namespace {

/// Memory that a thread keeps between launches.
class Scratch {
public:
  void *of_size(size_t bytes) {
    if (bytes > size_) {
      memory_.reset();
      size_ = 0;
      constexpr size_t alignment = 64;
      size_t rounded = (bytes + alignment - 1) & ~(alignment - 1);
      memory_.reset(std::aligned_alloc(alignment, rounded));
      if (!memory_)
        throw OutOfMemory(
            fmt::format("cannot allocate {} bytes of scratch", rounded));
      size_ = rounded;
    }
    return memory_.get();
  }

private:
  struct Free {
    void operator()(void *memory) const { std::free(memory); }
  };
  std::unique_ptr<void, Free> memory_;
  size_t size_ = 0;
};

thread_local Scratch scratch;

/// Runs some programs on this thread. Returns 0, or `ag_context::failed`.
uint32_t run_range(const Artifact &artifact, const void *args, uint32_t begin,
                   uint32_t end) {
  HostContext context{};
  context.print = print_values;
  if (artifact.scratch_bytes > 0)
    context.scratch = scratch.of_size(artifact.scratch_bytes);
  FloatMode mode(artifact.flush_subnormals);
  artifact.entry(args, begin, end, &context);
  if (context.thrown)
    std::rethrow_exception(context.thrown);
  return context.failed;
}

} // namespace

void run_on_host(const Artifact &artifact, const void *args, uint32_t programs,
                 std::string_view name) {
  if (programs == 0)
    return;
  uint32_t failed;
  int threads = programs == 1 ? 1 : num_threads();
  if (threads == 1) {
    failed = run_range(artifact, args, 0, programs);
  } else {
    std::shared_ptr<Workers> workers = current_workers();
    // Small enough that unequal programs (causal, sparse) even out, large
    // enough that a thread stays with a head for a while.
    constexpr uint32_t pieces_per_thread = 32;
    uint32_t grain = std::max<uint32_t>(
        1, programs / (static_cast<uint32_t>(threads) * pieces_per_thread));
    std::atomic<uint32_t> first_failed = 0;
    workers->arena.execute([&] {
      tbb::parallel_for(
          tbb::blocked_range<uint32_t>(0, programs, grain),
          [&](const tbb::blocked_range<uint32_t> &range) {
            if (first_failed.load(std::memory_order_relaxed) != 0)
              return;
            if (uint32_t one =
                    run_range(artifact, args, range.begin(), range.end()))
              first_failed.store(one, std::memory_order_relaxed);
          },
          tbb::simple_partitioner());
    });
    failed = first_failed;
  }
  if (failed != 0)
    throw_failed_assert(artifact, failed, name);
}

} // namespace attn_grid::detail
