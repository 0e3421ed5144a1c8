#ifndef AG_RUNTIME_HOST_THREADS_H
#define AG_RUNTIME_HOST_THREADS_H
/// The threads that launches share.

#include <memory>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

namespace attn_grid::detail {

/// An arena of a number of threads, the calling one included.
struct Workers {
  explicit Workers(int threads);
  int threads;
  /// oneTBB gives an arena no more threads than the process may have, and that
  /// is the number of processors unless someone raises it.
  tbb::global_control limit;
  tbb::task_arena arena;
};

/// The arena of `num_threads()` threads, made when it is first needed.
std::shared_ptr<Workers> current_workers();

} // namespace attn_grid::detail

#endif
