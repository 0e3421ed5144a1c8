// Modules of PTX text, their kernels and variables, launches.

#include "runtime/sim/Driver.h"
#include "runtime/sim/Ops.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

namespace attn_grid::sim {

/// Puts a message where the program asked for the log.
static void writeLog(const std::string &text, unsigned options,
                     const int *names, void **values) {
  char *buffer = nullptr;
  void **size = nullptr;
  size_t bytes = 0;
  for (unsigned i = 0; i < options; ++i) {
    if (names[i] == CU_JIT_ERROR_LOG_BUFFER)
      buffer = static_cast<char *>(values[i]);
    if (names[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES) {
      size = &values[i];
      bytes = static_cast<unsigned>(reinterpret_cast<uintptr_t>(values[i]));
    }
  }
  if (!buffer || bytes == 0) {
    std::fprintf(stderr, "attn_grid sim: %s\n", text.c_str());
    return;
  }
  size_t n = std::min(bytes - 1, text.size());
  std::memcpy(buffer, text.data(), n);
  buffer[n] = 0;
  *size = reinterpret_cast<void *>(n + 1);
}

/// Can the chip run code for a module's target? `a` is for that very one.
static void checkTarget(const Module &module) {
  std::string target = module.target.substr(0, module.target.find(','));
  const Chip &chip = state()->chip;
  int number = target.starts_with("sm_") ? std::atoi(target.c_str() + 3) : 0;
  int own = chip.major * 10 + chip.minor;
  bool fits = target.ends_with("a") ? target == chip.target : number <= own;
  if (number == 0 || !fits)
    throw LoadError(module.targetLine, "this module is for " + target +
                                           ", the device is " + chip.target +
                                           " (AG_SIM_ARCH chooses another)");
}

/// Gives each variable of a module memory.
static void placeVariables(LoadedModule &made, const Module &parsed) {
  for (const Variable &variable : parsed.variables) {
    bool isGlobal =
        variable.space == Space::global || variable.space == Space::constant;
    if (!isGlobal || variable.isExtern)
      continue;
    size_t bytes = std::max<size_t>(variable.bytes, 1);
    uint64_t address = made.device->memory.allocate(bytes, true);
    if (!address)
      throw std::bad_alloc();
    std::memset(reinterpret_cast<void *>(address), 0, bytes);
    std::memcpy(reinterpret_cast<void *>(address), variable.init.data(),
                std::min(bytes, variable.init.size()));
    made.symbols.global[variable.name] = address;
    made.sizes[variable.name] = variable.bytes;
  }
}

static CUresult load(Device &device, CUmodule *module, const void *image,
                     unsigned options, const int *names, void **values) {
  if (CUresult wrong = checkNothingIsCaptured())
    return wrong;
  if (!module || !image || (options && (!names || !values)))
    return CUDA_ERROR_INVALID_VALUE;
  const char *text = static_cast<const char *>(image);
  bool isElf = std::memcmp(text,
                           "\x7f"
                           "ELF",
                           std::min<size_t>(std::strlen(text), 4)) == 0 &&
               std::strlen(text) >= 4;
  bool isFatBinary = static_cast<uint8_t>(text[0]) == 0x50 &&
                     static_cast<uint8_t>(text[1]) == 0xed;
  if (isElf || isFatBinary) {
    writeLog("this device takes PTX text, not binaries made by ptxas or nvcc",
             options, names, values);
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  }
  auto made = std::make_unique<LoadedModule>();
  made->device = &device;
  try {
    Module parsed = parsePtx(text);
    checkTarget(parsed);
    placeVariables(*made, parsed);
    for (const Function &function : parsed.functions) {
      auto loaded = std::make_unique<LoadedFunction>();
      loaded->module = made.get();
      loaded->program = decode(parsed, function, made->symbols);
      made->functions[function.name] = std::move(loaded);
    }
  } catch (const LoadError &error) {
    for (auto [name, address] : made->symbols.global)
      device.memory.free(address);
    writeLog(error.what(), options, names, values);
    return CUDA_ERROR_INVALID_PTX;
  }
  for (auto &[name, function] : made->functions)
    publish<CUfunction>(function.get());
  *module = publish<CUmodule>(made.release());
  return CUDA_SUCCESS;
}

AG_SIM_EXPORT CUresult cuModuleLoadDataEx(CUmodule *module, const void *image,
                                          unsigned options, int *names,
                                          void **values) {
  return withDevice([&](Device &device) {
    return load(device, module, image, options, names, values);
  });
}
AG_SIM_EXPORT CUresult cuModuleLoadData(CUmodule *module, const void *image) {
  return cuModuleLoadDataEx(module, image, 0, nullptr, nullptr);
}
AG_SIM_EXPORT CUresult cuModuleLoad(CUmodule *module, const char *path) {
  return withDevice([&](Device &device) -> CUresult {
    if (!path)
      return CUDA_ERROR_INVALID_VALUE;
    std::ifstream file(path);
    std::ostringstream text;
    if (!(text << file.rdbuf()))
      return CUDA_ERROR_FILE_NOT_FOUND;
    return load(device, module, text.str().c_str(), 0, nullptr, nullptr);
  });
}
AG_SIM_EXPORT CUresult cuModuleUnload(CUmodule module) {
  return withDevice([&](Device &) -> CUresult {
    std::unique_ptr<LoadedModule> loaded = take<LoadedModule>(module);
    if (!loaded)
      return CUDA_ERROR_INVALID_HANDLE;
    std::lock_guard lock(state()->mutex);
    for (auto &[name, function] : loaded->functions)
      state()->handles.erase(function.get());
    for (auto [name, address] : loaded->symbols.global)
      loaded->device->memory.free(address);
    return CUDA_SUCCESS;
  });
}
AG_SIM_EXPORT CUresult cuModuleGetFunction(CUfunction *function,
                                           CUmodule module, const char *name) {
  return withDevice([&](Device &) -> CUresult {
    auto *loaded = object<LoadedModule>(module);
    if (!loaded)
      return CUDA_ERROR_INVALID_HANDLE;
    if (!function || !name)
      return CUDA_ERROR_INVALID_VALUE;
    auto found = loaded->functions.find(name);
    if (found == loaded->functions.end())
      return CUDA_ERROR_NOT_FOUND;
    *function = reinterpret_cast<CUfunction>(found->second.get());
    return CUDA_SUCCESS;
  });
}
AG_SIM_EXPORT CUresult cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes,
                                            CUmodule module, const char *name) {
  return withDevice([&](Device &) -> CUresult {
    auto *loaded = object<LoadedModule>(module);
    if (!loaded)
      return CUDA_ERROR_INVALID_HANDLE;
    auto found = loaded->symbols.global.find(name ? name : "");
    if (found == loaded->symbols.global.end())
      return CUDA_ERROR_NOT_FOUND;
    if (address)
      *address = found->second;
    if (bytes)
      *bytes = loaded->sizes[name];
    return CUDA_SUCCESS;
  });
}

// Libraries are modules by another name, and so are their kernels.
AG_SIM_EXPORT CUresult cuLibraryLoadData(CUlibrary *library, const void *code,
                                         int *names, void **values,
                                         unsigned options, int *, void **,
                                         unsigned) {
  return cuModuleLoadDataEx(reinterpret_cast<CUmodule *>(library), code,
                            options, names, values);
}
AG_SIM_EXPORT CUresult cuLibraryUnload(CUlibrary library) {
  return cuModuleUnload(reinterpret_cast<CUmodule>(library));
}
AG_SIM_EXPORT CUresult cuLibraryGetKernel(CUkernel *kernel, CUlibrary library,
                                          const char *name) {
  return cuModuleGetFunction(reinterpret_cast<CUfunction *>(kernel),
                             reinterpret_cast<CUmodule>(library), name);
}
AG_SIM_EXPORT CUresult cuKernelGetFunction(CUfunction *function,
                                           CUkernel kernel) {
  if (!object<LoadedFunction>(kernel))
    return CUDA_ERROR_INVALID_HANDLE;
  if (!function)
    return CUDA_ERROR_INVALID_VALUE;
  *function = reinterpret_cast<CUfunction>(kernel);
  return CUDA_SUCCESS;
}

// ----------------------------------------------------------------- functions

AG_SIM_EXPORT CUresult cuFuncGetAttribute(int *value, int attribute,
                                          CUfunction function) {
  return withDevice([&](Device &) -> CUresult {
    auto *loaded = object<LoadedFunction>(function);
    if (!loaded)
      return CUDA_ERROR_INVALID_HANDLE;
    if (!value)
      return CUDA_ERROR_INVALID_VALUE;
    const Program &program = *loaded->program;
    switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
      *value = program.requiredThreads[0]
                   ? static_cast<int>(program.requiredThreads[0] *
                                      program.requiredThreads[1] *
                                      program.requiredThreads[2])
                   : 1024;
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
      *value = static_cast<int>(program.sharedBytes);
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
      *value = static_cast<int>(program.localBytes);
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
      *value = loaded->mostDynamicShared;
      return CUDA_SUCCESS;
    default: // registers and the like are the business of ptxas
      *value = 0;
      return attribute >= 0 && attribute < 16 ? CUDA_SUCCESS
                                              : CUDA_ERROR_INVALID_VALUE;
    }
  });
}
AG_SIM_EXPORT CUresult cuFuncSetAttribute(CUfunction function, int attribute,
                                          int value) {
  return withDevice([&](Device &) -> CUresult {
    auto *loaded = object<LoadedFunction>(function);
    if (!loaded)
      return CUDA_ERROR_INVALID_HANDLE;
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
      return CUDA_SUCCESS; // a preference
    int most = state()->chip.sharedPerBlock -
               static_cast<int>(loaded->program->sharedBytes);
    if (value < 0 || value > most)
      return CUDA_ERROR_INVALID_VALUE;
    loaded->mostDynamicShared = value;
    return CUDA_SUCCESS;
  });
}
AG_SIM_EXPORT CUresult cuFuncSetCacheConfig(CUfunction function, int) {
  return object<LoadedFunction>(function) ? CUDA_SUCCESS
                                          : CUDA_ERROR_INVALID_HANDLE;
}

// ------------------------------------------------------------------ launches

/// May a kernel run in blocks of that shape?
static CUresult checkShape(const LoadedFunction &function, Dim3 blocks,
                           Dim3 threads, unsigned sharedBytes) {
  const Program &program = *function.program;
  if (blocks.count() == 0 || threads.count() == 0 || threads.count() > 1024 ||
      threads.z > 64 || blocks.x > INT32_MAX || blocks.y > 65535 ||
      blocks.z > 65535)
    return CUDA_ERROR_INVALID_VALUE;
  const uint32_t *required = program.requiredThreads;
  if (required[0] && (threads.x != required[0] || threads.y != required[1] ||
                      threads.z != required[2]))
    return CUDA_ERROR_INVALID_VALUE;
  const uint32_t *most = program.maximumThreads;
  if (most[0] && threads.count() > uint64_t(most[0]) * most[1] * most[2])
    return CUDA_ERROR_INVALID_VALUE;
  if (sharedBytes > static_cast<unsigned>(function.mostDynamicShared))
    return CUDA_ERROR_INVALID_VALUE;
  return CUDA_SUCCESS;
}

/// The parameters as the bytes that the kernel reads.
static CUresult gather(const Program &program, void **params, void **extra,
                       std::vector<uint8_t> &bytes) {
  bytes.assign(program.paramBytes, 0);
  if (params) {
    for (size_t n = 0; n < program.params.size(); ++n) {
      const Variable &param = program.params[n];
      if (!params[n])
        return CUDA_ERROR_INVALID_VALUE;
      std::memcpy(bytes.data() + param.offset, params[n], param.bytes);
    }
    return CUDA_SUCCESS;
  }
  if (!extra)
    return program.params.empty() ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  // CU_LAUNCH_PARAM_BUFFER_POINTER is 1, ..._SIZE 2, ..._END 0.
  const void *buffer = nullptr;
  size_t size = 0;
  for (; *extra; extra += 2) {
    auto what = reinterpret_cast<uintptr_t>(extra[0]);
    if (what == 1)
      buffer = extra[1];
    else if (what == 2)
      size = *static_cast<size_t *>(extra[1]);
    else
      return CUDA_ERROR_INVALID_VALUE;
  }
  if (!buffer || size < bytes.size())
    return CUDA_ERROR_INVALID_VALUE;
  std::memcpy(bytes.data(), buffer, bytes.size());
  return CUDA_SUCCESS;
}

/// A launch that was checked.
struct PreparedLaunch {
  LoadedFunction *function;
  Dim3 blocks, threads;
  unsigned sharedBytes;
  std::vector<uint8_t> params;
};

static CUresult launch(Device &device, const PreparedLaunch &prepared) {
  const Program &program = *prepared.function->program;
  Grid grid{
      program,         prepared.blocks, prepared.threads, prepared.sharedBytes,
      prepared.params, device.memory,   device.reports};
  size_t before = device.reports.count();
  auto print = [&] {
    if (state()->printsReports)
      for (const std::string &text : device.reports.from(before))
        std::fprintf(stderr, "attn_grid sim: %s\n", text.c_str());
  };
  try {
    Counts counts = run(grid, state()->runOptions);
    std::lock_guard lock(device.mutex);
    device.counters.add(counts.all);
    if (device.profiles)
      device.addProfile(program, counts.perInstr);
  } catch (const Fault &) {
    print();
    throw;
  }
  print();
  return state()->failsOnReports && device.reports.count() != before
             ? CUDA_ERROR_LAUNCH_FAILED
             : CUDA_SUCCESS;
}

AG_SIM_EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned gridX,
                                      unsigned gridY, unsigned gridZ,
                                      unsigned blockX, unsigned blockY,
                                      unsigned blockZ, unsigned sharedBytes,
                                      CUstream stream, void **params,
                                      void **extra) {
  return withDevice([&](Device &device) -> CUresult {
    auto *loaded = object<LoadedFunction>(function);
    if (!loaded || loaded->module->device != &device)
      return CUDA_ERROR_INVALID_HANDLE;
    PreparedLaunch prepared{loaded,
                            {gridX, gridY, gridZ},
                            {blockX, blockY, blockZ},
                            sharedBytes,
                            {}};
    if (CUresult wrong =
            checkShape(*loaded, prepared.blocks, prepared.threads, sharedBytes))
      return wrong;
    if (CUresult wrong =
            gather(*loaded->program, params, extra, prepared.params))
      return wrong;
    // A graph may be launched when the module is gone.
    return enqueue(stream, [&device, prepared, function] {
      return object<LoadedFunction>(function) ? launch(device, prepared)
                                              : CUDA_ERROR_INVALID_HANDLE;
    });
  });
}
AG_SIM_EXPORT CUresult cuLaunchKernelEx(const CUlaunchConfig *config,
                                        CUfunction function, void **params,
                                        void **extra) {
  if (!config)
    return CUDA_ERROR_INVALID_VALUE;
  constexpr int clusterDimension = 4, cooperative = 2;
  for (unsigned n = 0; n < config->numAttrs; ++n) {
    const CUlaunchAttribute &attribute = config->attrs[n];
    unsigned value[3];
    std::memcpy(value, attribute.value, sizeof value);
    if (attribute.id == clusterDimension &&
        uint64_t(value[0]) * value[1] * value[2] != 1)
      return CUDA_ERROR_NOT_SUPPORTED; // clusters of more than a block
    if (attribute.id == cooperative && value[0])
      return CUDA_ERROR_NOT_SUPPORTED;
  }
  return cuLaunchKernel(function, config->gridDimX, config->gridDimY,
                        config->gridDimZ, config->blockDimX, config->blockDimY,
                        config->blockDimZ, config->sharedMemBytes,
                        config->hStream, params, extra);
}
AG_SIM_EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(
    int *blocks, CUfunction function, int blockSize, size_t dynamicBytes) {
  return withDevice([&](Device &) -> CUresult {
    auto *loaded = object<LoadedFunction>(function);
    if (!loaded)
      return CUDA_ERROR_INVALID_HANDLE;
    if (!blocks || blockSize < 1 || blockSize > 1024)
      return CUDA_ERROR_INVALID_VALUE;
    // By threads and shared memory: nobody has counted registers. A block takes
    // 1 KB of shared memory for the system.
    const Chip &chip = state()->chip;
    size_t shared = loaded->program->sharedBytes + dynamicBytes + 1024;
    size_t byShared =
        static_cast<size_t>(chip.sharedPerMultiprocessor) / shared;
    int byThreads =
        chip.threadsPerMultiprocessor / ((blockSize + 31) / 32 * 32);
    *blocks = static_cast<int>(
        std::min({byShared, static_cast<size_t>(byThreads), size_t(32)}));
    return CUDA_SUCCESS;
  });
}

} // namespace attn_grid::sim
