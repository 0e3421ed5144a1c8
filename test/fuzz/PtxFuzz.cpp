// PTX that is almost right, loaded into the software device and run: it is
// refused with a line, or runs to its end or its limit, and touches nothing of
// the host's.
//
// The first byte picks a module, and each two of the others an edit of it; with
// 255 the others are the text itself.

#include "attn_grid/sim.h"
#include "runtime/cuda/Driver.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#define AG_DECLARE(name, parameters) extern "C" CUresult name parameters;
AG_CUDA_FUNCTIONS(AG_DECLARE)
#undef AG_DECLARE

extern "C" CUresult
cuTensorMapEncodeTiled(CUtensorMap *map, int type, unsigned rank, void *address,
                       const uint64_t *sizes, const uint64_t *strides,
                       const uint32_t *box, const uint32_t *elementStrides,
                       int interleave, int swizzle, int promotion, int fill);

using Lines = std::vector<std::string>;

static Lines readLines(const std::string &file) {
  std::ifstream stream(std::string(AG_TESTS "/sim/corpus/") + file);
  Lines lines;
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  if (lines.empty())
    abort();
  return lines;
}

/// The small ones, with everything that kernels do.
static const std::vector<Lines> &modules() {
  static const std::vector<Lines> all = [] {
    std::vector<Lines> made;
    for (const char *file :
         {"vector_add.ptx", "block_sum.ptx", "transpose.ptx", "histogram.ptx",
          "wmma_matmul.ptx", "async_pipeline.ptx", "row_softmax_f16.ptx",
          "layer_norm_f16.ptx", "attn_delta_d64_f16.ptx",
          "attn_fwd_d64_f16_full_sm90_wgmma.ptx", "boxes.ptx"})
      made.push_back(readLines(file));
    return made;
  }();
  return all;
}

/// The words and numbers of a line: where they begin, and how long they are.
static std::vector<std::pair<size_t, size_t>> words(const std::string &line) {
  std::vector<std::pair<size_t, size_t>> found;
  auto isWord = [](char c) {
    return std::isalnum(c) || c == '%' || c == '_' || c == '.';
  };
  for (size_t i = 0; i < line.size();) {
    size_t end = i;
    while (end < line.size() && isWord(line[end]))
      ++end;
    if (end > i)
      found.emplace_back(i, end - i);
    i = end + 1;
  }
  return found;
}

static void edit(Lines &lines, uint8_t how, uint8_t where) {
  // A kernel's text is longer than 256 lines: the two bytes choose together.
  size_t at = (where * 31 + how) % lines.size();
  size_t other = (where * 7 + how * 131 + 3) % lines.size();
  std::string &line = lines[at];
  auto own = words(line), others = words(lines[other]);
  switch (how % 8) {
  case 0:
    lines.erase(lines.begin() + static_cast<ptrdiff_t>(at));
    if (lines.empty())
      lines.emplace_back();
    return;
  case 1:
    lines.insert(lines.begin() + static_cast<ptrdiff_t>(at), lines[other]);
    return;
  case 2:
    std::swap(line, lines[other]);
    return;
  case 3: // a word of another line
  case 4:
    if (!own.empty() && !others.empty()) {
      auto [begin, size] = own[where % own.size()];
      auto [from, length] = others[how / 8 % others.size()];
      line.replace(begin, size, std::string(lines[other], from, length));
    }
    return;
  case 5: // another number
    if (!own.empty()) {
      constexpr const char *numbers[] = {
          "0",  "-1",   "1",          "16",
          "31", "4096", "2147483647", "0xffffffffffffffff"};
      auto [begin, size] = own[where % own.size()];
      line.replace(begin, size, numbers[how / 8 % 8]);
    }
    return;
  case 6:
    line += "@%p1 bra $L__BB0_2;";
    return;
  default:
    if (!line.empty())
      line.erase(where % line.size(), 1);
  }
}

/// Fewer blocks and steps than a kernel of a test, and little memory.
static CUdeviceptr start() {
  setenv("AG_SIM_ARCH", "sm_90a", 1); // it runs what others run, too
  setenv("AG_SIM_LIMIT", "3000", 1);
  setenv("AG_SIM_MEMORY", "64", 1);
  setenv("AG_SIM_QUIET", "1", 1);
  setenv("AG_SIM_THREADS", "1", 1);
  CUcontext context;
  CUdeviceptr memory = 0;
  if (cuInit(0) != CUDA_SUCCESS ||
      cuDevicePrimaryCtxRetain(&context, 0) != CUDA_SUCCESS ||
      cuCtxSetCurrent(context) != CUDA_SUCCESS ||
      cuMemAlloc_v2(&memory, 1 << 16) != CUDA_SUCCESS ||
      cuMemsetD8Async(memory, 0, 1 << 16, nullptr) != CUDA_SUCCESS)
    abort();
  return memory;
}

static void launch(CUmodule module, const char *name, CUdeviceptr memory) {
  CUfunction function = nullptr;
  if (cuModuleGetFunction(&function, module, name) != CUDA_SUCCESS)
    return;
  int threads = 0;
  cuFuncGetAttribute(&threads, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK,
                     function);
  // Every parameter is a place in the memory, whose low half is a length; one
  // that is longer reads those behind it, and `boxes` begins with a map.
  std::vector<uint64_t> values(1024, memory);
  if (std::strcmp(name, "boxes") == 0) {
    CUtensorMap map;
    uint64_t sizes[] = {64, 40}, stride = 128;
    uint32_t box[] = {64, 64}, ones[] = {1, 1};
    cuTensorMapEncodeTiled(&map, CU_TENSOR_MAP_DATA_TYPE_UINT16, 2,
                           reinterpret_cast<void *>(memory), sizes, &stride,
                           box, ones, CU_TENSOR_MAP_INTERLEAVE_NONE,
                           CU_TENSOR_MAP_SWIZZLE_128B, 0, 0);
    std::memcpy(values.data(), &map, sizeof map);
  }
  std::vector<void *> params;
  for (size_t i = 0; i < 64; ++i)
    params.push_back(&values[i]);
  for (unsigned block :
       {static_cast<unsigned>(std::clamp(threads, 1, 256)), 32u})
    cuLaunchKernel(function, 2, 1, 1, block, 1, 1, 8192, nullptr, params.data(),
                   nullptr);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const CUdeviceptr memory = start();
  if (size == 0)
    return 0;
  std::string text;
  if (data[0] == 255) {
    text.assign(reinterpret_cast<const char *>(data + 1), size - 1);
  } else {
    Lines lines = modules()[data[0] % modules().size()];
    for (size_t i = 1; i + 1 < size && i < 64; i += 2)
      edit(lines, data[i], data[i + 1]);
    for (const std::string &line : lines)
      text += line + "\n";
  }
  CUmodule module;
  char log[512];
  int names[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
  CUresult loaded = cuModuleLoadDataEx(&module, text.c_str(), 2, names, values);
  if (loaded == CUDA_SUCCESS) {
    for (const char *name :
         {"vector_add", "block_sum", "transpose_padded", "transpose_conflict",
          "histogram", "wmma_matmul", "async_pipeline", "async_pipeline_bad",
          "row_softmax", "layer_norm", "attn_delta", "attn_fwd", "boxes", "k"})
      launch(module, name, memory);
    cuModuleUnload(module);
  } else if (loaded != CUDA_ERROR_INVALID_PTX &&
             loaded != CUDA_ERROR_OUT_OF_MEMORY &&
             loaded != CUDA_ERROR_NO_BINARY_FOR_GPU) {
    abort(); // an error that says nothing
  }
  agSimClearReports();
  return 0;
}
