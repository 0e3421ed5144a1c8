// The driver's entry points: what they give, and what they refuse.

#include "test/sim/Driver.h"

#include <dlfcn.h>
#include <gmock/gmock.h>

using namespace sim_test;
using testing::HasSubstr;

namespace {

const char *const copy = R"(.version 8.0
.target sm_80
.address_size 64
.const .u32 factor = 3;
.global .align 4 .u32 counter[2] = {7, 8};
.visible .entry copy(.param .u64 from, .param .u64 to, .param .u32 n)
{
  .reg .pred %p0;
  .reg .b32 %r<5>;
  .reg .b64 %d<4>;
  mov.u32 %r0, %tid.x;
  ld.param.u32 %r1, [n];
  setp.ge.u32 %p0, %r0, %r1;
  @%p0 ret;
  ld.param.u64 %d0, [from];
  ld.param.u64 %d1, [to];
  mul.wide.u32 %d2, %r0, 4;
  add.s64 %d0, %d0, %d2;
  add.s64 %d1, %d1, %d2;
  ld.global.u32 %r2, [%d0];
  ld.const.u32 %r3, [factor];
  mul.lo.s32 %r2, %r2, %r3;
  st.global.u32 [%d1], %r2;
  ret;
}
)";

std::string loadError(const std::string &text) {
  Module module(text);
  EXPECT_EQ(module.result, CUDA_ERROR_INVALID_PTX);
  return module.error;
}
std::string kernel(const std::string &body) {
  return ".version 8.0\n.target sm_80\n.address_size 64\n.entry k() {\n" +
         body + "\n}\n";
}

TEST(Driver, LaunchesByEitherWayOfParameters) {
  open();
  Module module(copy);
  CUfunction function = module.function("copy");
  Array<uint32_t> from(std::vector<uint32_t>{1, 2, 3}), to(3);
  ASSERT_EQ(Launch().add(from).add(to).add(3u).run(function, {1}, {32}),
            CUDA_SUCCESS);
  EXPECT_EQ(to.read(), (std::vector<uint32_t>{3, 6, 9}));
  struct {
    CUdeviceptr from, to;
    uint32_t n;
  } block{from.address, from.address, 2};
  size_t size = sizeof block;
  void *extra[] = {reinterpret_cast<void *>(1), &block,
                   reinterpret_cast<void *>(2), &size, nullptr};
  ASSERT_EQ(
      cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, nullptr, nullptr, extra),
      CUDA_SUCCESS);
  EXPECT_EQ(from.read(), (std::vector<uint32_t>{3, 6, 3}));
  EXPECT_EQ(reports(), "");
}

TEST(Driver, RefusesLaunches) {
  open();
  Module module(copy);
  CUfunction function = module.function("copy");
  auto launch = [&](Shape grid, Shape block, unsigned shared) {
    return Launch()
        .add(CUdeviceptr(0))
        .add(CUdeviceptr(0))
        .add(0u)
        .run(function, grid, block, shared);
  };
  EXPECT_EQ(launch({1}, {32}, 0), CUDA_SUCCESS);
  EXPECT_EQ(launch({0}, {32}, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launch({1}, {1025}, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launch({1, 65536}, {32}, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launch({1}, {32}, 1 << 20), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(
      cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr),
      CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuLaunchKernel(reinterpret_cast<CUfunction>(&module), 1, 1, 1, 1, 1,
                           1, 0, nullptr, nullptr, nullptr),
            CUDA_ERROR_INVALID_HANDLE);
  // More than 48 KB need the function's consent.
  void *none[3] = {};
  uint64_t zero = 0;
  for (void *&pointer : none)
    pointer = &zero;
  auto with = [&](unsigned shared) {
    return cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, shared, nullptr, none,
                          nullptr);
  };
  Module fresh(copy);
  function = fresh.function("copy");
  EXPECT_EQ(with(49153), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuFuncSetAttribute(function,
                               CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                               100000),
            CUDA_SUCCESS);
  EXPECT_EQ(with(49153), CUDA_SUCCESS);
  EXPECT_EQ(cuFuncSetAttribute(function,
                               CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                               1 << 20),
            CUDA_ERROR_INVALID_VALUE);
}

TEST(Driver, RefusesModules) {
  open();
  EXPECT_EQ(loadError("nonsense"),
            "PTX line 1: expected a function, a variable or a directive, found "
            "`nonsense`");
  EXPECT_EQ(loadError(kernel("tex.2d.v4.f32.s32 {%f1}, [t, {%r1}];")),
            "PTX line 5: the instruction `tex.2d.v4.f32.s32` is not supported");
  EXPECT_EQ(loadError(kernel("add.s32 %r1, %r2, 3;")),
            "PTX line 5: the register `%r1` is not declared");
  EXPECT_EQ(loadError(kernel(".reg .b64 %d<2>;\n.reg .b32 %r<2>;\n"
                             "add.s32 %r0, %d1, 3;")),
            "PTX line 7: `add.s32` takes 32 bits, `%d1` has 64");
  EXPECT_EQ(loadError(kernel("bra NOWHERE;")),
            "PTX line 5: there is no label `NOWHERE` here");
  EXPECT_EQ(loadError(".version 8.0\n.target sm_90a\n.address_size 64\n"),
            "PTX line 2: this module is for sm_90a, the device is sm_80 "
            "(AG_SIM_ARCH chooses another)");
  for (const char *open : {"{", "mov.u32 {", "ld.global.u32 %r1, [a, "}) {
    std::string deep;
    for (int n = 0; n < 100'000; ++n)
      deep += open;
    EXPECT_THAT(loadError(kernel(deep)), HasSubstr("PTX line 5: "));
  }
  EXPECT_THAT(loadError(".version 8.0\n.entry k(.param .align 0 .pred p) {}"),
              HasSubstr("PTX line 2: expected a parameter of 8 to 64 bits"));
  EXPECT_THAT(loadError(".version 8.0\n.entry k(.param .b8 p[99999999999]) {}"),
              HasSubstr("an array of them of at most 32764 bytes"));
  // The end in the middle of a directive.
  EXPECT_THAT(loadError(".entry k() {\n.loc 1 2 3, x"),
              HasSubstr("PTX line 2"));
  Module binary(std::string("\x7f"
                            "ELF...."));
  EXPECT_EQ(binary.result, CUDA_ERROR_NO_BINARY_FOR_GPU);
  EXPECT_THAT(binary.error, HasSubstr("takes PTX text"));
}

TEST(Driver, VariablesOfModules) {
  open();
  CUmodule module;
  ASSERT_EQ(cuModuleLoadDataEx(&module, copy, 0, nullptr, nullptr),
            CUDA_SUCCESS);
  auto *find = reinterpret_cast<CUresult (*)(CUdeviceptr *, size_t *, CUmodule,
                                             const char *)>(
      dlsym(RTLD_DEFAULT, "cuModuleGetGlobal_v2"));
  if (find) { // an executable need not show its symbols
    CUdeviceptr address;
    size_t bytes;
    ASSERT_EQ(find(&address, &bytes, module, "counter"), CUDA_SUCCESS);
    EXPECT_EQ(bytes, 8u);
  }
  EXPECT_EQ(cuModuleUnload(module), CUDA_SUCCESS);
  EXPECT_EQ(cuModuleUnload(module), CUDA_ERROR_INVALID_HANDLE);
}

TEST(Driver, MemoryAndCopies) {
  open();
  Array<uint8_t> a(std::vector<uint8_t>(100, 1)), b(100);
  EXPECT_EQ(cuMemcpyDtoDAsync_v2(b.address + 10, a.address, 90, nullptr),
            CUDA_SUCCESS);
  EXPECT_EQ(cuMemcpyDtoDAsync_v2(b.address + 11, a.address, 90, nullptr),
            CUDA_ERROR_INVALID_VALUE);
  std::vector<uint8_t> host(200);
  EXPECT_EQ(cuMemcpyHtoDAsync_v2(a.address, host.data(), 101, nullptr),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuMemcpyDtoHAsync_v2(host.data(), a.address + 101, 1, nullptr),
            CUDA_ERROR_INVALID_VALUE);
  CUdeviceptr address;
  EXPECT_EQ(cuMemAlloc_v2(&address, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuMemAlloc_v2(&address, size_t(1) << 60), CUDA_ERROR_OUT_OF_MEMORY);
  size_t before, after, total;
  cuMemGetInfo_v2(&before, &total);
  ASSERT_EQ(cuMemAlloc_v2(&address, 1000), CUDA_SUCCESS);
  cuMemGetInfo_v2(&after, &total);
  EXPECT_EQ(before - after, 1000u);
  EXPECT_EQ(cuMemFree_v2(address), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFree_v2(address), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuMemFree_v2(0), CUDA_SUCCESS);
}

TEST(Driver, HandlesAreChecked) {
  open();
  CUstream stream;
  ASSERT_EQ(cuStreamCreate(&stream, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(stream), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamDestroy_v2(stream), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamDestroy_v2(stream), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuStreamSynchronize(stream), CUDA_ERROR_INVALID_HANDLE);
  CUevent begin, end;
  ASSERT_EQ(cuEventCreate(&begin, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuEventCreate(&end, 0), CUDA_SUCCESS);
  float time;
  EXPECT_EQ(cuEventElapsedTime(&time, begin, end), CUDA_ERROR_INVALID_HANDLE);
  cuEventRecord(begin, nullptr);
  cuEventRecord(end, nullptr);
  EXPECT_EQ(cuEventElapsedTime(&time, begin, end), CUDA_SUCCESS);
  EXPECT_GE(time, 0);
  cuEventDestroy_v2(begin);
  cuEventDestroy_v2(end);
}

/// A stream that a test captures.
struct Captured {
  explicit Captured(unsigned flags = 0) {
    EXPECT_EQ(cuStreamCreate(&stream, flags), CUDA_SUCCESS);
    EXPECT_EQ(cuStreamBeginCapture_v2(stream, 0), CUDA_SUCCESS);
  }
  ~Captured() { cuStreamDestroy_v2(stream); }
  int status() {
    int status = -1;
    EXPECT_EQ(cuStreamIsCapturing(stream, &status), CUDA_SUCCESS);
    return status;
  }
  CUresult end() { return cuStreamEndCapture(stream, &graph); }
  CUstream stream = nullptr;
  CUgraph graph = nullptr;
};

TEST(Driver, WorkIsCapturedInGraphs) {
  open();
  Module module(copy);
  CUfunction function = module.function("copy");
  Array<uint32_t> from(std::vector<uint32_t>{1, 2, 3}), to(3);
  Captured captured;
  EXPECT_EQ(captured.status(), 1);
  // y = 3 * (3 * x): the launches are done in order, with what they were given.
  EXPECT_EQ(cuMemsetD32Async(to.address, 0, 3, captured.stream), CUDA_SUCCESS);
  for (const Array<uint32_t> *source : {&from, &to})
    ASSERT_EQ(Launch().add(*source).add(to).add(3u).run(function, {1}, {32}, 0,
                                                        captured.stream),
              CUDA_SUCCESS);
  // A stream that waits for the capture joins it.
  CUstream other;
  CUevent fork, join;
  ASSERT_EQ(cuStreamCreate(&other, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuEventCreate(&fork, 2), CUDA_SUCCESS);
  ASSERT_EQ(cuEventCreate(&join, 2), CUDA_SUCCESS);
  ASSERT_EQ(cuEventRecord(fork, captured.stream), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamWaitEvent(other, fork, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuMemcpyDtoDAsync_v2(from.address, to.address, 4, other),
            CUDA_SUCCESS);
  ASSERT_EQ(cuEventRecord(join, other), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamWaitEvent(captured.stream, join, 0), CUDA_SUCCESS);
  ASSERT_EQ(captured.end(), CUDA_SUCCESS);
  EXPECT_EQ(captured.status(), 0);
  size_t nodes = 0;
  EXPECT_EQ(cuGraphGetNodes(captured.graph, nullptr, &nodes), CUDA_SUCCESS);
  EXPECT_EQ(nodes, 4u);
  EXPECT_EQ(from.read(), (std::vector<uint32_t>{1, 2, 3})); // nothing ran yet
  CUgraphExec graph;
  ASSERT_EQ(cuGraphInstantiateWithFlags(&graph, captured.graph, 0),
            CUDA_SUCCESS);
  EXPECT_EQ(cuGraphDestroy(captured.graph), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphLaunch(graph, other), CUDA_SUCCESS);
  EXPECT_EQ(to.read(), (std::vector<uint32_t>{9, 18, 27}));
  EXPECT_EQ(cuGraphLaunch(graph, nullptr), CUDA_SUCCESS);
  EXPECT_EQ(to.read(), (std::vector<uint32_t>{81, 18, 27}));
  // An event of a capture that has ended captures nothing.
  ASSERT_EQ(cuStreamWaitEvent(other, fork, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuMemsetD32Async(to.address, 5, 3, other), CUDA_SUCCESS);
  EXPECT_EQ(to.read(), (std::vector<uint32_t>{5, 5, 5}));
  EXPECT_EQ(cuGraphExecDestroy(graph), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphLaunch(graph, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuEventDestroy_v2(fork), CUDA_SUCCESS);
  EXPECT_EQ(cuEventDestroy_v2(join), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamDestroy_v2(other), CUDA_SUCCESS);
}

TEST(Driver, WhatCannotBeCapturedBreaksTheCapture) {
  open();
  Module loaded(copy);
  Array<uint32_t> array(1);
  auto breaks = [&](CUresult expected, auto work) {
    Captured captured;
    EXPECT_EQ(work(captured.stream), expected);
    EXPECT_EQ(captured.status(), 2);
    EXPECT_EQ(cuMemsetD32Async(array.address, 0, 1, captured.stream),
              CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    EXPECT_EQ(captured.end(), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    EXPECT_EQ(captured.status(), 0);
  };
  const CUresult unsupported = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  breaks(unsupported, [](CUstream) {
    CUdeviceptr address;
    return cuMemAlloc_v2(&address, 4);
  });
  breaks(unsupported, [](CUstream) { return cuCtxSynchronize(); });
  breaks(unsupported, [](CUstream) { return Module(copy).result; });
  breaks(unsupported, cuStreamSynchronize);
  breaks(unsupported, cuStreamQuery);
  CUevent event;
  ASSERT_EQ(cuEventCreate(&event, 0), CUDA_SUCCESS);
  breaks(CUDA_ERROR_CAPTURED_EVENT, [&](CUstream stream) {
    EXPECT_EQ(cuEventRecord(event, stream), CUDA_SUCCESS);
    return cuEventSynchronize(event);
  });
  EXPECT_EQ(cuEventDestroy_v2(event), CUDA_SUCCESS);
  auto fill_default = [&](CUstream) {
    return cuMemsetD32Async(array.address, 1, 1, nullptr);
  };
  breaks(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, fill_default);
  { // which does not wait for a stream that does not block
    Captured captured(/*CU_STREAM_NON_BLOCKING*/ 1);
    EXPECT_EQ(fill_default(nullptr), CUDA_SUCCESS);
    EXPECT_EQ(captured.end(), CUDA_SUCCESS);
    EXPECT_EQ(cuGraphDestroy(captured.graph), CUDA_SUCCESS);
  }
  {
    Captured destroyed_on_the_way;
  }
  CUdeviceptr address;
  EXPECT_EQ(cuMemAlloc_v2(&address, 4), CUDA_SUCCESS); // nothing holds it up
  EXPECT_EQ(cuMemFree_v2(address), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamBeginCapture_v2(nullptr, 0), unsupported);
}

TEST(Driver, DevicesAndErrors) {
  open();
  char name[64];
  ASSERT_EQ(cuDeviceGetName(name, sizeof name, 0), CUDA_SUCCESS);
  EXPECT_STREQ(name, "Simulated A100 (sm_80)");
  int value;
  EXPECT_EQ(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 0),
            CUDA_SUCCESS);
  EXPECT_EQ(value, 32);
  EXPECT_EQ(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 9),
            CUDA_ERROR_INVALID_DEVICE);
  const char *text;
  EXPECT_EQ(cuGetErrorName(700, &text), CUDA_SUCCESS);
  EXPECT_STREQ(text, "CUDA_ERROR_ILLEGAL_ADDRESS");
  EXPECT_EQ(cuGetErrorString(12345, &text), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuCtxSetCurrent(nullptr), CUDA_SUCCESS);
  CUdeviceptr address;
  EXPECT_EQ(cuMemAlloc_v2(&address, 4), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(agSimReportCount(), -1);
}

} // namespace
