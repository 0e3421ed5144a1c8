#ifndef AG_TEST_SIM_DRIVER_H
#define AG_TEST_SIM_DRIVER_H
/// A host program of the driver's interface, in a few lines: modules, arrays,
/// launches. Every call is checked.

#include "attn_grid/sim.h"
#include "runtime/cuda/Driver.h"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <vector>

#define AG_DECLARE(name, parameters) extern "C" CUresult name parameters;
AG_CUDA_FUNCTIONS(AG_DECLARE)
#undef AG_DECLARE
extern "C" {
CUresult cuStreamBeginCapture_v2(CUstream stream, int mode);
CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph);
CUresult cuStreamIsCapturing(CUstream stream, int *status);
CUresult cuGraphInstantiateWithFlags(CUgraphExec *made, CUgraph graph,
                                     unsigned long long flags);
CUresult cuGraphLaunch(CUgraphExec graph, CUstream stream);
CUresult cuGraphGetNodes(CUgraph graph, void **nodes, size_t *count);
CUresult cuGraphExecDestroy(CUgraphExec graph);
CUresult cuGraphDestroy(CUgraph graph);
}

namespace sim_test {

inline void open() {
  ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
  CUcontext context;
  ASSERT_EQ(cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxSetCurrent(context), CUDA_SUCCESS);
  agSimClearReports();
  agSimResetCounters();
}

inline std::string readFile(const std::string &path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// All reports, one after the other.
inline std::string reports() {
  std::string all;
  for (int n = 0; n < agSimReportCount(); ++n) {
    std::string text(static_cast<size_t>(agSimReportText(n, nullptr, 0)), 0);
    agSimReportText(n, text.data(), text.size() + 1);
    all += text + "\n";
  }
  return all;
}

class Module {
public:
  explicit Module(const std::string &text) {
    std::string log(2000, 0);
    int names[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void *values[] = {log.data(), reinterpret_cast<void *>(log.size())};
    result = cuModuleLoadDataEx(&module, text.c_str(), 2, names, values);
    error = log.c_str();
  }
  ~Module() {
    if (module)
      cuModuleUnload(module);
  }
  CUfunction function(const char *name) {
    CUfunction found = nullptr;
    EXPECT_EQ(cuModuleGetFunction(&found, module, name), CUDA_SUCCESS)
        << name << ": " << error;
    return found;
  }
  CUresult result;
  std::string error;

private:
  CUmodule module = nullptr;
};

/// An array on the device. `values` is the copy of the host.
template <typename T> class Array {
public:
  /// Not written yet.
  explicit Array(size_t count) : values(count) {
    EXPECT_EQ(cuMemAlloc_v2(&address, std::max<size_t>(count, 1) * sizeof(T)),
              CUDA_SUCCESS);
  }
  explicit Array(std::vector<T> data) : Array(data.size()) {
    values = std::move(data);
    EXPECT_EQ(cuMemcpyHtoDAsync_v2(address, values.data(),
                                   values.size() * sizeof(T), nullptr),
              CUDA_SUCCESS);
  }
  ~Array() { cuMemFree_v2(address); }
  Array(const Array &) = delete;
  const std::vector<T> &read() {
    EXPECT_EQ(cuMemcpyDtoHAsync_v2(values.data(), address,
                                   values.size() * sizeof(T), nullptr),
              CUDA_SUCCESS);
    return values;
  }
  CUdeviceptr address = 0;
  std::vector<T> values;
};

struct Shape {
  unsigned x = 1, y = 1, z = 1;
};

/// A kernel's parameters, in order.
class Launch {
public:
  template <typename T> Launch &add(T value) {
    values.emplace_back(sizeof(T));
    std::memcpy(values.back().data(), &value, sizeof(T));
    return *this;
  }
  template <typename T> Launch &add(const Array<T> &array) {
    return add(array.address);
  }
  CUresult run(CUfunction function, Shape grid, Shape block,
               unsigned sharedBytes = 0, CUstream stream = nullptr) {
    std::vector<void *> pointers;
    for (auto &value : values)
      pointers.push_back(value.data());
    if (sharedBytes > 48 << 10)
      cuFuncSetAttribute(function,
                         CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                         static_cast<int>(sharedBytes));
    return cuLaunchKernel(function, grid.x, grid.y, grid.z, block.x, block.y,
                          block.z, sharedBytes, stream, pointers.data(),
                          nullptr);
  }

private:
  std::vector<std::vector<char>> values;
};

} // namespace sim_test

#endif
