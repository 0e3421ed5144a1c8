#include "runtime/host/HostStream.h"
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <fmt/format.h>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace attn_grid::detail {
namespace {

class HostEvent : public EventState {
public:
  HostEvent() : EventState(Device::cpu()) {}

  void reach() {
    {
      std::lock_guard lock(mutex_);
      reached_ = true;
      time_ = std::chrono::steady_clock::now();
    }
    changed_.notify_all();
  }
  bool done() override {
    std::lock_guard lock(mutex_);
    return reached_;
  }
  void synchronize() override { time(); }
  double milliseconds_since(EventState &begin) override {
    auto from = static_cast<HostEvent &>(begin).time();
    return std::chrono::duration<double, std::milli>(time() - from).count();
  }

private:
  std::chrono::steady_clock::time_point time() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reached_; });
    return time_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool reached_ = false;
  std::chrono::steady_clock::time_point time_;
};

class HostStream : public StreamState {
public:
  HostStream() : thread_([this] { run(); }) {}
  ~HostStream() override {
    {
      std::lock_guard lock(mutex_);
      stops_ = true;
    }
    changed_.notify_all();
    thread_.join();
    if (!failure_)
      return;
    try {
      std::rethrow_exception(failure_);
    } catch (const std::exception &error) {
      fmt::print(stderr,
                 "attn_grid: a launch failed on a stream that nobody "
                 "synchronized: {}\n",
                 error.what());
    } catch (...) {
      fmt::print(stderr, "attn_grid: a launch failed on a stream that nobody "
                         "synchronized\n");
    }
  }

  bool done() override {
    std::lock_guard lock(mutex_);
    return idle();
  }
  void synchronize() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return idle(); });
    if (std::exception_ptr failure = std::exchange(failure_, nullptr))
      std::rethrow_exception(failure);
  }
  std::shared_ptr<EventState> record() override {
    auto event = std::make_shared<HostEvent>();
    add([event] { event->reach(); });
    return event;
  }
  void wait(std::shared_ptr<EventState> event) override {
    if (!event->done())
      add([event] { event->synchronize(); });
  }
  void *handle() const override { return nullptr; }

  void add(std::function<void()> work) override {
    {
      std::unique_lock lock(mutex_);
      // A host that queues faster than launches run must not fill the memory.
      changed_.wait(lock, [&] { return waiting_.size() < most_waiting; });
      waiting_.push_back(std::move(work));
    }
    changed_.notify_all();
  }

private:
  static constexpr size_t most_waiting = 1024;

  bool idle() const { return waiting_.empty() && !busy_; }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stops_ || !waiting_.empty(); });
      if (waiting_.empty())
        return;
      std::function<void()> work = std::move(waiting_.front());
      waiting_.pop_front();
      busy_ = true;
      lock.unlock();
      std::exception_ptr failure;
      try {
        work();
      } catch (...) {
        failure = std::current_exception();
      }
      work = nullptr; // perhaps the last that keeps a tensor
      lock.lock();
      busy_ = false;
      if (!failure_)
        failure_ = failure;
      changed_.notify_all();
    }
  }

  std::mutex mutex_; // guards what follows
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool busy_ = false, stops_ = false;
  std::exception_ptr failure_; // the first since `synchronize`
  std::thread thread_;         // last: it uses the others
};

/// All streams there are. Never destroyed: a stream may outlive `main`.
struct Streams {
  std::mutex mutex;
  std::vector<std::weak_ptr<HostStream>> all;
};
Streams &streams() {
  static auto *streams = new Streams;
  return *streams;
}

} // namespace

std::shared_ptr<StreamState> make_host_stream() {
  Streams &streams = detail::streams();
  auto made = std::make_shared<HostStream>();
  std::lock_guard lock(streams.mutex);
  std::erase_if(streams.all, [](const auto &one) { return one.expired(); });
  streams.all.push_back(made);
  return made;
}

std::shared_ptr<EventState> make_host_event() {
  auto event = std::make_shared<HostEvent>();
  event->reach();
  return event;
}

void synchronize_host_streams() {
  std::vector<std::shared_ptr<HostStream>> live;
  {
    Streams &streams = detail::streams();
    std::lock_guard lock(streams.mutex);
    for (const std::weak_ptr<HostStream> &one : streams.all)
      if (std::shared_ptr<HostStream> stream = one.lock())
        live.push_back(std::move(stream));
  }
  std::exception_ptr failure;
  for (const std::shared_ptr<HostStream> &stream : live)
    try {
      stream->synchronize();
    } catch (...) {
      if (!failure)
        failure = std::current_exception();
    }
  if (failure)
    std::rethrow_exception(failure);
}

} // namespace attn_grid::detail
