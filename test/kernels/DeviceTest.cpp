// Devices that speak CUDA, through the software one: tensors there, launches,
// and what the messages say when something is wrong.

#include "attn_grid/attn_grid.hpp"

#include <cstdlib>
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <thread>

namespace attn_grid {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

const Device sim = Device::sim();

TEST(SimDevice, Names) {
  EXPECT_EQ(Device::named("sim"), sim);
  EXPECT_EQ(Device::named("sim:0"), sim);
  EXPECT_GE(Device::count(Device::Kind::sim), 2);
  EXPECT_EQ(Device::named("sim:1").name(), "sim:1");
  EXPECT_THAT([] { Device::named("sim:9"); },
              ThrowsMessage<Unsupported>(
                  "there is no device `sim:9`: there are 2 of that kind"));
  setenv("AG_DEVICE", "sim", 1);
  EXPECT_EQ(Device::from_environment(), sim);
  unsetenv("AG_DEVICE");
}

TEST(SimDevice, TensorsThere) {
  for (DType dtype : {f32, f16, i64, boolean}) {
    Tensor host = Tensor::uniform({3, 50, 7}, dtype, {}, 5, 0, 9);
    Tensor there = host.to(sim);
    EXPECT_EQ(there.device(), sim);
    EXPECT_EQ(there.to_vector(), host.to_vector());
    EXPECT_EQ(Tensor::uniform({3, 50, 7}, dtype, sim, 5, 0, 9).to_vector(),
              host.to_vector());
    EXPECT_EQ(there.transpose().contiguous().to_vector(),
              host.transpose().contiguous().to_vector());
    EXPECT_EQ(there.slice(1, 3, 40, 4).to(Device::cpu()).to_vector(),
              host.slice(1, 3, 40, 4).to_vector());
    EXPECT_EQ(there.convert(f64).to_vector(), host.convert(f64).to_vector());
    EXPECT_EQ(there.at({2, 49, 6}), host.at({2, 49, 6}));
  }
  // Larger than what copies travel through at once.
  Tensor large = Tensor::iota({5'000'001}, i32);
  EXPECT_EQ(large.to(sim).to(Device::cpu()).to_vector(), large.to_vector());
}

TEST(SimDevice, WritesKeepWhatLiesBetween) {
  Tensor there = Tensor::zeros({4, 6}, f32, sim);
  there.slice(1, 1, 6, 2).fill(3);
  there.set({0, 0}, 7);
  EXPECT_EQ(there.to_vector(),
            (std::vector<double>{7, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3,
                                 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3}));
  there.fill(-1); // every byte the same, on the device
  there.select(0, 2).copy_from(Tensor::iota({6}));
  EXPECT_EQ(there.select(0, 2).to_vector(),
            (std::vector<double>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(there.at({3, 5}), -1);
}

const char *const add = R"(
kernel add(x: tensor<f32>[N], y: tensor<f32>[N], out z: tensor<f32>[N])
grid (ceildiv(N, 64)) {
  let n = program_id() * 64;
  z[n +: 64] = x[n +: 64] + y[n +: 64];
}
)";

TEST(SimDevice, Launches) {
  Kernel kernel = Module::from_source(add, "add.ag").kernel("add");
  for (Device device : {sim, Device::sim(1)})
    for (int64_t n : {0, 1, 64, 1000}) {
      Tensor x = Tensor::randn({n}, f32, {}, 1),
             y = Tensor::randn({n}, f32, {}, 2);
      Tensor made = kernel(x.to(device), y.to(device));
      EXPECT_EQ(made.device(), device);
      EXPECT_EQ(made.to_vector(), Tensor(kernel(x, y)).to_vector());
    }
  Tensor x = Tensor::ones({100}, f32, sim);
  Launch launch = kernel.prepare(x, x);
  launch();
  sim.synchronize();
  EXPECT_EQ(launch.results()[0].at({99}), 2);
  x.fill(4);
  launch();
  EXPECT_EQ(launch.results()[0].at({99}), 8);
}

TEST(SimDevice, StreamsAndEvents) {
  Kernel kernel = Module::from_source(add, "add.ag").kernel("add");
  Stream stream = Stream::create(sim);
  EXPECT_NE(stream.handle(), nullptr);
  Tensor x = Tensor::ones({100}, f32, sim), y;
  Event begin = stream.record();
  {
    StreamScope scope(stream);
    EXPECT_EQ(Stream::current(sim).handle(), stream.handle());
    EXPECT_EQ(Stream::current(Device::sim(1)).handle(), nullptr);
    x.fill(1.5);
    y = kernel(x, x);
  }
  Event end = stream.record();
  stream.synchronize();
  EXPECT_TRUE(stream.done());
  EXPECT_TRUE(end.done());
  EXPECT_GT(end.milliseconds_since(begin), 0);
  EXPECT_EQ(y.at({99}), 3);
  // The CPU's events and the GPU's order each other's streams.
  Stream host = Stream::create(Device::cpu());
  host.wait(end);
  stream.wait(host.record());
  Stream::default_of(sim).wait(end);
  EXPECT_TRUE(Stream::default_of(sim).done());
  EXPECT_THAT([&] { end.milliseconds_since(host.record()); },
              ThrowsMessage<InvalidArgument>(
                  "expected events of one device, found `cpu` and `sim`"));
}

TEST(SimDevice, PreparedLaunchesAreCapturedInGraphs) {
  // As a program does it that uses the driver itself.
  void *driver = dlopen(AG_SIM_LIBRARY, RTLD_NOW);
  ASSERT_NE(driver, nullptr) << dlerror();
  auto call = [&](const char *name, auto... args) {
    auto function =
        reinterpret_cast<int (*)(decltype(args)...)>(dlsym(driver, name));
    ASSERT_NE(function, nullptr) << name;
    ASSERT_EQ(function(args...), 0) << name;
  };
  Kernel kernel = Module::from_source(R"(
kernel scale(x: tensor<f32>[N], out y: tensor<f32>[N],
             out total: tensor<f32>[1] = -0.5)
grid (ceildiv(N, 64)) {
  let n = program_id() * 64;
  y[n +: 64] = x[n +: 64] * 2.0;
  atomic_add(total[0], sum(x[n +: 64]));
}
)",
                                      "scale.ag")
                      .kernel("scale");
  Tensor x = Tensor::ones({64}, f32, sim);
  Launch launch = kernel.prepare(x);
  void *stream = nullptr, *graph = nullptr, *ready = nullptr;
  call("cuStreamCreate", &stream, 0u);
  {
    StreamScope scope(Stream::wrap(sim, stream));
    call("cuStreamBeginCapture_v2", stream, 0);
    launch();
    call("cuStreamEndCapture", stream, &graph);
  }
  call("cuGraphInstantiateWithFlags", &ready, graph, 0ull);
  for (int n = 1; n < 4; ++n) {
    x.fill(n);
    call("cuGraphLaunch", ready, stream);
    EXPECT_EQ(launch.results()["y"].at({63}), 2 * n);
    EXPECT_EQ(launch.results()["total"].at({0}), 64 * n - 0.5); // filled anew
  }
  call("cuGraphExecDestroy", ready);
  call("cuGraphDestroy", graph);
  // What a kernel prints is read when it has run, which a capture does not.
  Launch talk =
      Module::from_source("kernel talk(x: tensor<f32>[N]) grid (1) {\n"
                          "  print(\"x\", x[0]);\n}\n",
                          "talk.ag")
          .kernel("talk")
          .prepare(x);
  testing::internal::CaptureStdout();
  talk();
  call("cuStreamBeginCapture_v2", stream, 0);
  {
    StreamScope scope(Stream::wrap(sim, stream));
    EXPECT_THAT([&] { talk(); }, ThrowsMessage<BackendError>(
                                     HasSubstr("an event of a capture")));
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "x 3\n");
  call("cuStreamDestroy_v2", stream);
}

/// What a kernel prints comes in pieces, one a program, and a launch waits.
TEST(SimDevice, PrintsAndAsserts) {
  Kernel kernel = Module::from_source(R"(
kernel talk<T: any>(x: tensor<T>[N], limit: int = 1000) grid (ceildiv(N, 64)) {
  let n = program_id() * 64;
  if n == 0 { print("first", x[n +: 4]); }
  assert(n < limit, "too far");
}
)",
                                      "talk.ag")
                      .kernel("talk");
  std::vector<std::string> printed;
  set_print_sink([&](std::string_view text) { printed.emplace_back(text); });
  for (DType dtype : {boolean, i8, i64, u16, f16, bf16, f64, f32}) {
    Tensor x = Tensor::uniform({100}, dtype, {}, 3, 0, 2);
    kernel(x);
    kernel(x.to(sim));
    ASSERT_EQ(printed.size(), 2u) << name_of(dtype);
    EXPECT_EQ(printed[0], printed[1]) << name_of(dtype);
    printed.clear();
  }
  Tensor x = Tensor::zeros({500}, f32, sim);
  EXPECT_THAT([&] { kernel(x, 200); },
              ThrowsMessage<BackendError>(
                  "talk: an assert of the kernel failed: too far"));
  kernel(x, 500); // the next one is not the worse for it
  // What the sink throws reaches who launched.
  set_print_sink([](std::string_view) { throw std::runtime_error("full"); });
  EXPECT_THAT([&] { kernel(x); }, ThrowsMessage<std::runtime_error>("full"));
  set_print_sink([&](std::string_view text) { printed.emplace_back(text); });
  // Only so much is kept: 1024 words more than there are.
  Kernel shout = Module::from_source(R"(
kernel shout(x: tensor<f64>[N]) grid (ceildiv(N, 1024)) {
  print("row", x[program_id() * 1024 +: 1024]);
}
)",
                                     "shout.ag")
                     .kernel("shout");
  printed.clear();
  testing::internal::CaptureStderr();
  shout(Tensor::zeros({1024 * 130}, f64, sim));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("shout: what the launch printed beyond 1024 KiB is"));
  EXPECT_EQ(printed.size(), 127u);
  set_print_sink({});
}

TEST(SimDevice, ThreadsLaunchAtOnce) {
  Kernel kernel = Module::from_source(add, "add.ag").kernel("add");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int n = 1; n < 20; ++n) {
        Tensor x = Tensor::full({n * 10 + t}, n, f32, Device::sim(t % 2));
        Tensor sum = kernel(x, x);
        EXPECT_EQ(sum.at({n * 10 + t - 1}), 2 * n);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST(SimDevice, OneDeviceForALaunch) {
  Kernel kernel = Module::from_source(add, "add.ag").kernel("add");
  EXPECT_THAT([&] { kernel(Tensor::ones({8}), Tensor::ones({8}, f32, sim)); },
              ThrowsMessage<InvalidArgument>(
                  "add: `y` is on sim, but `x` is on cpu: bring all tensors of "
                  "a launch to one device, with to(...)"));
}

/// What a kernel does wrong is an error of the launch, with its place.
TEST(SimDevice, ChecksAreErrors) {
  Kernel kernel = Module::from_source(add, "add.ag").kernel("add");
  Tensor x = Tensor::ones({64}, f32, sim);
  // Nobody has written y.
  Tensor y = Tensor::empty({64}, f32, sim);
  EXPECT_THAT([&] { kernel(x, y); },
              ThrowsMessage<BackendError>(AllOf(
                  HasSubstr("add: the launch on sim failed\nuninitialised "
                            "memory: read of global memory"),
                  HasSubstr("in kernel add"), HasSubstr("thread (0, 0, 0)"))));
  // The next one is right again.
  EXPECT_EQ(Tensor(kernel(x, x)).at({5}), 2);
  // A view that claims more than there is.
  TensorView longer(x.data(), f32, {128}, sim);
  EXPECT_THAT([&] { kernel(longer, longer); },
              ThrowsMessage<BackendError>(AllOf(
                  HasSubstr("CUDA_ERROR_ILLEGAL_ADDRESS"),
                  HasSubstr("0 bytes behind the end of the 256 bytes at"))));
}

TEST(SimDevice, WhatGpusLackIsSaid) {
  Kernel kernel =
      Module::from_source("kernel k(out y: tensor<i32>[N]) grid (1) {\n"
                          "  y[0 +: 262144] = full<i32>[262144](1);\n}\n",
                          "k.ag")
          .kernel("k");
  EXPECT_THAT([&] { kernel(out(Tensor::ones({1}, i32, sim))); },
              ThrowsMessage<Unsupported>(HasSubstr(
                  "k.ag:2:20: error: a tile of 262144 elements is too large "
                  "for a GPU")));
  EXPECT_THAT([] { Tensor::empty({int64_t(1) << 40}, f32, sim); },
              ThrowsMessage<BackendError>(
                  HasSubstr("cannot allocate 4398046511104 bytes on sim: ")));
}

} // namespace
} // namespace attn_grid

int main(int count, char **arguments) {
  setenv("AG_SIM_DEVICES", "2", 1);
  testing::InitGoogleMock(&count, arguments);
  return RUN_ALL_TESTS();
}
