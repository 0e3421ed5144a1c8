// Sources, and the lookup of kernels with what is bound by name.

#include "test/runtime/FakeCompiler.h"
#include <cstdlib>
#include <gmock/gmock.h>

using namespace attn_grid;
using namespace attn_grid::test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

namespace {

TEST(Module, NeedsACompiler) {
  ASSERT_EQ(registered_compiler(), nullptr);
  EXPECT_THAT([] { Module::from_source("flash"); },
              ThrowsMessage<Unsupported>(HasSubstr(
                  "this program has no compiler: libattn_grid_compiler.so.")));
}

TEST(Module, ReportsDiagnostics) {
  FakeCompiler compiler;
  EXPECT_THAT(
      [] { Module::from_source("broken", "x.ag"); },
      ThrowsMessage<CompileError>("x.ag:1:1: error: expected a kernel\n"));
  EXPECT_THAT([] { Module::from_file("/nowhere/x.ag"); },
              ThrowsMessage<BackendError>(
                  "cannot read /nowhere/x.ag: No such file or directory"));
  EXPECT_THAT(
      [] { Module::from_file("/tmp"); },
      ThrowsMessage<BackendError>("cannot read /tmp: not a regular file"));
}

TEST(Module, ListsAndFindsKernels) {
  FakeCompiler compiler;
  compiler.programs["flash"] = make_flash();
  Module module = Module::from_source("flash", "flash.ag");
  EXPECT_THAT(module.kernels(), ElementsAre("flash_fwd"));
  EXPECT_EQ(module.signatures()[0].params.size(), 6u);
  EXPECT_EQ(module.kernel("flash_fwd").name(), "flash_fwd");
  EXPECT_THAT([&] { module.kernel("flash_fw"); },
              ThrowsMessage<KeyError>("flash.ag has no kernel called "
                                      "`flash_fw`; did you mean `flash_fwd`?"));
}

TEST(Module, BindsByName) {
  FakeCompiler compiler;
  compiler.programs["flash"] = make_flash();
  Module module = Module::from_source("flash");
  auto throws = [&]<class Error>(Error, Bindings bindings,
                                 const char *message) {
    EXPECT_THAT([&] { module.kernel("flash_fwd", bindings); },
                ThrowsMessage<Error>(std::string("flash_fwd: ") + message));
  };
  throws(
      KeyError(""), {{"casual", true}},
      "no const, dtype or extent is called `casual`; did you mean `causal`?");
  throws(KeyError(""), {{"scale", 1.0}},
         "`scale` is an argument of the launch, not of the lookup");
  throws(DTypeError(""), {{"causal", 1}},
         "expected a bool for causal, found an int");
  throws(DTypeError(""), {{"BM", 1.5}},
         "expected an int for BM, found a float");
  throws(DTypeError(""), {{"T", 3}}, "expected a dtype for T, found a value");
  throws(DTypeError(""), {{"BM", f32}},
         "expected a value for BM, found a dtype");
  throws(DTypeError(""), {{"T", i32}}, "T must be a float, found i32");
  throws(InvalidArgument(""), {{"BM", 1}, {"BM", 2}}, "BM is bound twice");
  throws(InvalidArgument(""), {{"D", -1}},
         "the extent D must be from 0 to 2^30 - 1, found -1");
  throws(DTypeError(""), {{"B", 1.5}}, "the extent B must be an integer");

  Kernel kernel =
      module.kernel("flash_fwd", {{"T", bf16}, {"D", 32}, {"B", 2}});
  Tensor q = Tensor::zeros({2, 1, 4, 32});
  EXPECT_THAT(
      [&] { kernel(q, q, q); },
      ThrowsMessage<DTypeError>(
          "flash_fwd: expected `q` of bf16, found f32: the lookup bound "
          "T = bf16"));
  Tensor small = Tensor::zeros({2, 1, 4, 16}, bf16);
  EXPECT_THAT([&] { kernel(small, small, small); },
              ThrowsMessage<InvalidArgument>(
                  "flash_fwd: `q` has D = 16, but the lookup bound D = 32"));
}

TEST(Module, KernelsOutliveIt) {
  FakeCompiler compiler;
  compiler.programs["flash"] = make_flash();
  std::optional<Kernel> kernel;
  std::optional<Launch> launch;
  {
    Module module = Module::from_source("flash");
    kernel = module.kernel("flash_fwd");
  }
  compiler.programs.clear();
  Tensor q = Tensor::ones({1, 1, 4, 2});
  {
    Kernel copy = *kernel;
    launch = copy.prepare(q, q, q);
  }
  kernel.reset();
  (*launch)();
  EXPECT_EQ(launch->results()[0].at({0, 0, 3, 1}), 1);
}

TEST(Device, Names) {
  EXPECT_EQ(Device::named("cpu").name(), "cpu");
  EXPECT_EQ(Device::cuda(2).name(), "cuda:2");
  EXPECT_EQ(Device::sim().name(), "sim");
  if (Device::count(Device::Kind::cuda) == 0) {
    EXPECT_EQ(Device::best(), Device::cpu());
    EXPECT_THAT(
        [] { Device::named("cuda"); },
        ThrowsMessage<Unsupported>(testing::AllOf(
            testing::StartsWith("there is no device `cuda` here: "),
            testing::EndsWith("; `sim` runs the same kernels without a GPU"))));
  }
  EXPECT_THROW(Device::named("cuda:x"), KeyError);
  EXPECT_THAT([] { Device::named("cpuu"); },
              ThrowsMessage<KeyError>(
                  "no device is called `cpuu`; did you mean `cpu`?"));
  setenv("AG_DEVICE", "cpu", 1);
  EXPECT_EQ(Device::from_environment(), Device::cpu());
  unsetenv("AG_DEVICE");
  EXPECT_EQ(Device::from_environment(), Device::best());
}

} // namespace
