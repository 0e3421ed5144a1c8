// Devices, contexts, errors.

#include "runtime/sim/Driver.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace attn_grid::sim {

static std::atomic<State *> theState = nullptr;
State *state() { return theState; }

// Contexts are numbers of devices, plus 1. A thread's stack of them has no
// destructor: programs still free memory while a process ends.
struct ContextStack {
  CUcontext at[64];
  int count;
  bool empty() const { return count == 0; }
  CUcontext top() const { return at[count - 1]; }
  bool push(CUcontext context) {
    if (count == std::ssize(at))
      return false;
    at[count++] = context;
    return true;
  }
  void pop() { --count; }
  void remove(CUcontext context) {
    count = static_cast<int>(std::remove(at, at + count, context) - at);
  }
};
static thread_local ContextStack contexts;

static Device *deviceOf(CUcontext context) {
  auto number = reinterpret_cast<uintptr_t>(context);
  if (!state() || number == 0 || number > state()->devices.size())
    return nullptr;
  return state()->devices[number - 1].get();
}
Device *current() {
  return contexts.empty() ? nullptr : deviceOf(contexts.top());
}
static bool isDevice(CUdevice device) {
  return device >= 0 && static_cast<size_t>(device) < state()->devices.size();
}

CUresult codeOf(Problem problem) {
  switch (problem) {
  case Problem::outOfBounds:
    return CUDA_ERROR_ILLEGAL_ADDRESS;
  case Problem::misaligned:
    return CUDA_ERROR_MISALIGNED_ADDRESS;
  case Problem::badInstruction:
    return CUDA_ERROR_ILLEGAL_INSTRUCTION;
  case Problem::tooLong:
    return CUDA_ERROR_LAUNCH_TIMEOUT;
  default:
    return CUDA_ERROR_LAUNCH_FAILED;
  }
}

static bool isSet(const char *name) {
  const char *value = std::getenv(name);
  return value && *value && std::strcmp(value, "0") != 0;
}

static CUresult open() {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  if (state())
    return CUDA_SUCCESS;
  const Chip *chip = chipFromEnvironment();
  if (!chip) {
    std::string known;
    for (const Chip &one : chips())
      known += std::string(" ") + one.target;
    std::fprintf(stderr, "attn_grid sim: AG_SIM_ARCH is one of%s, found `%s`\n",
                 known.c_str(), std::getenv("AG_SIM_ARCH"));
    return CUDA_ERROR_NO_DEVICE;
  }
  auto made = std::make_unique<State>(*chip);
  made->failsOnReports = isSet("AG_SIM_FAIL");
  made->printsReports = !isSet("AG_SIM_QUIET");
  const char *count = std::getenv("AG_SIM_DEVICES");
  int devices = count ? std::clamp(std::atoi(count), 1, 16) : 1;
  for (int n = 0; n < devices; ++n) {
    made->devices.push_back(std::make_unique<Device>());
    if (made->devices.back()->memory.total() == 0)
      return CUDA_ERROR_OUT_OF_MEMORY;
  }
  theState = made.release();
  return CUDA_SUCCESS;
}

AG_SIM_EXPORT CUresult cuInit(unsigned flags) {
  return flags ? static_cast<CUresult>(CUDA_ERROR_INVALID_VALUE)
               : guarded(open);
}
AG_SIM_EXPORT CUresult cuDriverGetVersion(int *version) {
  if (!version)
    return CUDA_ERROR_INVALID_VALUE;
  *version = 12080;
  return CUDA_SUCCESS;
}

// ------------------------------------------------------------------- devices

AG_SIM_EXPORT CUresult cuDeviceGetCount(int *count) {
  if (!state())
    return CUDA_ERROR_NOT_INITIALIZED;
  if (!count)
    return CUDA_ERROR_INVALID_VALUE;
  *count = static_cast<int>(state()->devices.size());
  return CUDA_SUCCESS;
}
AG_SIM_EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  if (!state())
    return CUDA_ERROR_NOT_INITIALIZED;
  if (!device)
    return CUDA_ERROR_INVALID_VALUE;
  if (!isDevice(ordinal))
    return CUDA_ERROR_INVALID_DEVICE;
  *device = ordinal;
  return CUDA_SUCCESS;
}
AG_SIM_EXPORT CUresult cuDeviceGetName(char *name, int bytes, CUdevice device) {
  if (!state())
    return CUDA_ERROR_NOT_INITIALIZED;
  if (!name || bytes <= 0)
    return CUDA_ERROR_INVALID_VALUE;
  if (!isDevice(device))
    return CUDA_ERROR_INVALID_DEVICE;
  std::snprintf(name, static_cast<size_t>(bytes), "%s", state()->chip.name);
  return CUDA_SUCCESS;
}
AG_SIM_EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  if (!state())
    return CUDA_ERROR_NOT_INITIALIZED;
  if (!bytes)
    return CUDA_ERROR_INVALID_VALUE;
  if (!isDevice(device))
    return CUDA_ERROR_INVALID_DEVICE;
  *bytes = state()->devices[static_cast<size_t>(device)]->memory.total();
  return CUDA_SUCCESS;
}

static int attributeOf(const Chip &chip, int attribute) {
  switch (attribute) {
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
    return 1024;
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
    return 64;
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
    return INT32_MAX;
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
    return 65535;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
    return 48 << 10;
  case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
    return warpSize;
  case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
    return 65536;
  case CU_DEVICE_ATTRIBUTE_CLOCK_RATE:
    return chip.clockKhz;
  case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
    return chip.multiprocessors;
  case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING:
  case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED:
    return 1;
  case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
    return chip.l2Bytes;
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR:
    return chip.threadsPerMultiprocessor;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
    return chip.major;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
    return chip.minor;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
    return chip.sharedPerMultiprocessor;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
    return chip.sharedPerBlock;
  default:
    return 0; // an ability that it lacks
  }
}
AG_SIM_EXPORT CUresult cuDeviceGetAttribute(int *value, int attribute,
                                            CUdevice device) {
  if (!state())
    return CUDA_ERROR_NOT_INITIALIZED;
  if (!value || attribute < 1)
    return CUDA_ERROR_INVALID_VALUE;
  if (!isDevice(device))
    return CUDA_ERROR_INVALID_DEVICE;
  *value = attributeOf(state()->chip, attribute);
  return CUDA_SUCCESS;
}

// ------------------------------------------------------------------ contexts

AG_SIM_EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context,
                                                CUdevice device) {
  if (!state())
    return CUDA_ERROR_NOT_INITIALIZED;
  if (!context)
    return CUDA_ERROR_INVALID_VALUE;
  if (!isDevice(device))
    return CUDA_ERROR_INVALID_DEVICE;
  *context = reinterpret_cast<CUcontext>(static_cast<uintptr_t>(device) + 1);
  return CUDA_SUCCESS;
}
AG_SIM_EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  if (!state())
    return CUDA_ERROR_NOT_INITIALIZED;
  return isDevice(device) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}
AG_SIM_EXPORT CUresult cuCtxCreate_v2(CUcontext *context, unsigned,
                                      CUdevice device) {
  CUresult result = cuDevicePrimaryCtxRetain(context, device);
  if (result == CUDA_SUCCESS && !contexts.push(*context))
    return CUDA_ERROR_OUT_OF_MEMORY;
  return result;
}
AG_SIM_EXPORT CUresult cuCtxDestroy_v2(CUcontext context) {
  contexts.remove(context);
  return deviceOf(context) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}
AG_SIM_EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
  if (!state())
    return CUDA_ERROR_NOT_INITIALIZED;
  if (context && !deviceOf(context))
    return CUDA_ERROR_INVALID_CONTEXT;
  if (!contexts.empty())
    contexts.pop();
  if (context)
    contexts.push(context);
  return CUDA_SUCCESS;
}
AG_SIM_EXPORT CUresult cuCtxGetCurrent(CUcontext *context) {
  if (!state())
    return CUDA_ERROR_NOT_INITIALIZED;
  if (!context)
    return CUDA_ERROR_INVALID_VALUE;
  *context = contexts.empty() ? nullptr : contexts.top();
  return CUDA_SUCCESS;
}
AG_SIM_EXPORT CUresult cuCtxPushCurrent_v2(CUcontext context) {
  if (!deviceOf(context))
    return CUDA_ERROR_INVALID_CONTEXT;
  return contexts.push(context) ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}
AG_SIM_EXPORT CUresult cuCtxPopCurrent_v2(CUcontext *context) {
  if (contexts.empty())
    return CUDA_ERROR_INVALID_CONTEXT;
  if (context)
    *context = contexts.top();
  contexts.pop();
  return CUDA_SUCCESS;
}
AG_SIM_EXPORT CUresult cuCtxGetDevice(CUdevice *device) {
  if (!device)
    return CUDA_ERROR_INVALID_VALUE;
  if (!current())
    return CUDA_ERROR_INVALID_CONTEXT;
  *device = static_cast<int>(reinterpret_cast<uintptr_t>(contexts.top())) - 1;
  return CUDA_SUCCESS;
}
AG_SIM_EXPORT CUresult cuCtxSynchronize() {
  return withDevice([](Device &) { return checkNothingIsCaptured(); });
}

// -------------------------------------------------------------------- errors

struct ErrorText {
  CUresult code;
  const char *name, *text;
};
static constexpr ErrorText errors[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED",
     "the driver is not initialised: call cuInit first"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "there is no such device"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE",
     "invalid device ordinal"},
    {CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE",
     "the image of a module is invalid"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT",
     "invalid device context"},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "the simulated device takes PTX text, no binaries"},
    {CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX",
     "PTX that the simulated device cannot load"},
    {CUDA_ERROR_FILE_NOT_FOUND, "CUDA_ERROR_FILE_NOT_FOUND", "file not found"},
    {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE",
     "invalid resource handle"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS",
     "an illegal memory access was encountered"},
    {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
     "too many resources requested for launch"},
    {CUDA_ERROR_LAUNCH_TIMEOUT, "CUDA_ERROR_LAUNCH_TIMEOUT",
     "the launch ran more instructions than AG_SIM_LIMIT"},
    {CUDA_ERROR_ILLEGAL_INSTRUCTION, "CUDA_ERROR_ILLEGAL_INSTRUCTION",
     "an illegal instruction was encountered"},
    {CUDA_ERROR_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS",
     "misaligned address"},
    {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED",
     "unspecified launch failure"},
    {CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED",
     "operation not supported"},
    {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
     "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted while a stream is captured"},
    {CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
     "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "the capture of the stream was broken by an operation before"},
    {CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED",
     "the stream belongs to a capture that another began"},
    {CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
     "the default stream would wait for a stream that is captured"},
    {CUDA_ERROR_CAPTURED_EVENT, "CUDA_ERROR_CAPTURED_EVENT",
     "operation not permitted on an event of a capture"},
    {CUDA_ERROR_UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};
static const ErrorText *textOf(CUresult code) {
  for (const ErrorText &error : errors)
    if (error.code == code)
      return &error;
  return nullptr;
}
AG_SIM_EXPORT CUresult cuGetErrorName(CUresult code, const char **text) {
  const ErrorText *found = textOf(code);
  if (!text)
    return CUDA_ERROR_INVALID_VALUE;
  *text = found ? found->name : nullptr;
  return found ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
AG_SIM_EXPORT CUresult cuGetErrorString(CUresult code, const char **text) {
  const ErrorText *found = textOf(code);
  if (!text)
    return CUDA_ERROR_INVALID_VALUE;
  *text = found ? found->text : nullptr;
  return found ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

} // namespace attn_grid::sim
