#ifndef AG_RUNTIME_SIM_DRIVER_H
#define AG_RUNTIME_SIM_DRIVER_H
/// What stands behind the driver's entry points: devices, modules, handles.

#include "runtime/cuda/Driver.h"
#include "runtime/sim/Chips.h"
#include "runtime/sim/Run.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <unordered_set>
#include <vector>

namespace attn_grid::sim {

/// An instruction of a kernel that ran while the device kept a profile.
struct ProfileRow {
  std::string kernel, opcode, text, file;
  int source = 0, line = 0;
  InstrCounters counted;
};

struct Device {
  GlobalMemory memory;
  Reports reports;
  std::mutex mutex; // of what follows
  Counters counters;
  bool profiles = false;
  std::vector<ProfileRow> profile;

  void addProfile(const Program &program,
                  const std::vector<InstrCounters> &perInstr);
};

struct Graph;

/// All that the library holds. Made by `cuInit`, never destroyed: kernels of
/// other threads may still run when a process ends.
struct State {
  const Chip &chip;
  RunOptions runOptions = RunOptions::fromEnvironment();
  std::atomic<bool> printsReports = true;
  bool failsOnReports = false;
  std::vector<std::unique_ptr<Device>> devices;

  // Handles that programs hold. What is no handle is refused, not followed.
  std::mutex mutex;
  std::unordered_set<const void *> handles;

  std::mutex captureMutex;                      // of all streams and graphs
  std::vector<std::shared_ptr<Graph>> captures; // under way
};
/// Null before `cuInit`.
State *state();

/// The context is a device's: there is one for each.
struct ContextOf {
  int ordinal;
};
/// The device of the calling thread's context; null without one.
Device *current();

struct LoadedModule;
struct LoadedFunction {
  LoadedModule *module = nullptr;
  std::unique_ptr<Program> program;
  std::atomic<int> mostDynamicShared = 48 << 10;
};
struct LoadedModule {
  Device *device = nullptr;
  std::string text;
  Symbols symbols;
  std::unordered_map<std::string, size_t> sizes; // of the variables
  std::unordered_map<std::string, std::unique_ptr<LoadedFunction>> functions;
};

struct Stream;
/// Work that was captured, in the order in which it was given.
struct Graph {
  std::vector<std::function<CUresult()>> nodes;
  std::vector<Stream *> streams; // that it is captured from, the first began it
  bool isBroken = false;         // something was asked for that none can hold
};
struct Stream {
  bool blocks = true; // with the default stream
  std::shared_ptr<Graph> capture;
};
struct Event {
  std::chrono::steady_clock::time_point time;
  std::atomic<bool> isRecorded = false;
  std::shared_ptr<Graph> capture; // that it was recorded in
};

/// May work be done now that cannot be captured: a load, an allocation, a wait
/// for the device? Breaks the captures under way if not.
CUresult checkNothingIsCaptured();
/// Does work on a stream: now, or when the graph is launched that the stream is
/// captured in. `work` holds all that it needs.
CUresult enqueue(CUstream stream, std::function<CUresult()> work);

/// Remembers a handle, and gives it to the program.
template <typename To, typename T> To publish(T *object) {
  std::lock_guard lock(state()->mutex);
  state()->handles.insert(object);
  return reinterpret_cast<To>(object);
}
/// The object of a handle, or null for what is none.
template <typename T, typename From> T *object(From handle) {
  if (!state())
    return nullptr;
  std::lock_guard lock(state()->mutex);
  return state()->handles.contains(handle) ? reinterpret_cast<T *>(handle)
                                           : nullptr;
}
/// Takes a handle back.
template <typename T, typename From> std::unique_ptr<T> take(From handle) {
  if (!state())
    return nullptr;
  std::lock_guard lock(state()->mutex);
  return std::unique_ptr<T>(
      state()->handles.erase(handle) ? reinterpret_cast<T *>(handle) : nullptr);
}

CUresult codeOf(Problem problem);

/// Calls, and makes an error code of what is thrown.
template <typename F> CUresult guarded(F call) noexcept {
  try {
    return call();
  } catch (const Fault &fault) {
    return codeOf(fault.problem);
  } catch (const LoadError &) {
    return CUDA_ERROR_INVALID_PTX;
  } catch (const std::bad_alloc &) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  } catch (...) {
    return CUDA_ERROR_UNKNOWN;
  }
}
/// The same, for what needs a context.
template <typename F> CUresult withDevice(F call) noexcept {
  if (!state())
    return CUDA_ERROR_NOT_INITIALIZED;
  Device *device = current();
  if (!device)
    return CUDA_ERROR_INVALID_CONTEXT;
  return guarded([&] { return call(*device); });
}

} // namespace attn_grid::sim

#define AG_SIM_EXPORT extern "C" __attribute__((visibility("default")))

#endif
