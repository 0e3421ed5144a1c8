#include "runtime/Background.h"
#include "attn_grid/background.hpp"
#include "attn_grid/error.hpp"
#include "runtime/KernelState.h"
#include "runtime/OutOfMemory.h"
#include <atomic>
#include <condition_variable>
#include <deque>
#include <fmt/format.h>
#include <mutex>
#include <thread>

namespace attn_grid {
namespace detail {
namespace {

std::atomic<bool> switched_on = false;

/// One thread, since compiling must leave the others to the launches.
class Queue {
public:
  Queue() : thread_([this] { run(); }) {}
  /// What is being compiled is finished, what waits is forgotten.
  ~Queue() {
    {
      std::lock_guard lock(mutex_);
      stops_ = true;
      waiting_.clear();
    }
    changed_.notify_all();
    thread_.join();
  }

  void add(BackgroundRequest request) {
    {
      std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(request));
    }
    changed_.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_.empty() && !busy_; });
  }

private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stops_ || !waiting_.empty(); });
      if (stops_)
        return;
      BackgroundRequest request = std::move(waiting_.front());
      waiting_.pop_front();
      busy_ = true;
      lock.unlock();
      make(request);
      request = {}; // perhaps the last that keeps the module
      lock.lock();
      busy_ = false;
      changed_.notify_all();
    }
  }

  static void make(const BackgroundRequest &request) noexcept {
    VariantKey key{request.words, hash_words(request.words), request.text};
    try {
      request.variants->make(key, request.what, *request.signature);
    } catch (const std::exception &error) {
      fmt::print(stderr,
                 "attn_grid: a variant that was compiled in the background "
                 "failed; launches go on with the one that assumes nothing\n"
                 "{}\n{}\n",
                 request.text, error.what());
    }
  }

  std::mutex mutex_; // guards what follows
  std::condition_variable changed_;
  std::deque<BackgroundRequest> waiting_;
  bool busy_ = false, stops_ = false;
  std::thread thread_; // last: it uses the others
};

std::atomic<Queue *> running = nullptr;

Queue &queue() {
  // The compiler's library is loaded before the queue is made, so that the end
  // of the process stops the thread before it takes the library's things away.
  need_compiler();
  static Queue queue;
  running = &queue;
  return queue;
}

} // namespace

bool compiles_in_background() {
  return switched_on.load(std::memory_order_relaxed);
}

void compile_later(BackgroundRequest request) {
  queue().add(std::move(request));
}

} // namespace detail

void compile_in_background(bool on) { detail::switched_on = on; }

void wait_for_compiles() {
  if (detail::Queue *queue = detail::running)
    queue->wait();
}

} // namespace attn_grid
