// Launches that run the variant that assumes nothing while theirs is compiled.

#include "test/runtime/FakeCompiler.h"
#include <future>
#include <gmock/gmock.h>
#include <thread>

using namespace attn_grid;
using namespace attn_grid::test;
using testing::HasSubstr;

namespace {

/// Does a specialization assume anything about strides?
bool is_special(const Specialization &what) {
  return std::any_of(what.last_stride.begin(), what.last_stride.end(),
                     [](int8_t stride) { return stride >= 0; });
}

class Background : public testing::Test {
protected:
  Background() {
    auto compile = program->on_compile;
    program->on_compile = [this, compile](const Specialization &what) {
      if (is_special(what))
        may_finish.get_future().wait();
      return compile(what);
    };
    compiler.programs["own"] = program;
    compile_in_background(true);
  }
  ~Background() override {
    wait_for_compiles();
    compile_in_background(false);
  }

  FakeCompiler compiler;
  std::shared_ptr<FakeProgram> program =
      make_program(probe_signature(), probe_entry);
  std::promise<void> may_finish; // of the variants that assume something
  Tensor x = Tensor::zeros({8}), y = Tensor::zeros({8});
};

TEST_F(Background, LaunchesDoNotWaitForTheirOwnVariant) {
  Kernel kernel = Module::from_source("own").kernel("probe");
  probe_runs = 0;
  for (int i = 0; i < 3; ++i) {
    kernel(x, out(y));
    // The one that assumes nothing was compiled by the first launch.
    EXPECT_EQ(kernel.variant(x, out(y)).cached, true);
  }
  EXPECT_EQ(probe_runs, 24);
  VariantInfo stand_in = kernel.variant(x, out(y));
  may_finish.set_value();
  wait_for_compiles();
  VariantInfo own = kernel.variant(x, out(y));
  EXPECT_TRUE(own.cached);
  EXPECT_NE(own.key, stand_in.key);
  std::vector<Specialization> asked = program->asked();
  ASSERT_EQ(asked.size(), 2u); // each once
  EXPECT_NE(is_special(asked[0]), is_special(asked[1]));
}

// Tensors that need the form that assumes nothing have no other.
TEST_F(Background, OneVariantWhereNothingCanBeAssumed) {
  Tensor from = Tensor::zeros({16}), to = Tensor::zeros({16});
  Kernel kernel = Module::from_source("own").kernel("probe");
  kernel(from.slice(0, 0, 16, 2), out(to.slice(0, 0, 16, 2)));
  wait_for_compiles();
  EXPECT_EQ(program->compiles, 1);
}

TEST_F(Background, AFailureIsSaidOnceAndLaunchesGoOn) {
  auto compile = program->on_compile;
  program->on_compile = [compile](const Specialization &what) {
    return is_special(what) ? CompileResult{nullptr, "own.ag:1:1: error: no\n"}
                            : compile(what);
  };
  Kernel kernel = Module::from_source("own").kernel("probe");
  testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) {
    kernel(x, out(y));
    wait_for_compiles();
  }
  std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("own.ag:1:1: error: no"));
  EXPECT_EQ(said.find("failed"), said.rfind("failed"));
  EXPECT_EQ(program->compiles, 2);
}

// A failure of the form that a launch waits for is the launch's.
TEST_F(Background, AFailureOfTheStandInIsThrown) {
  program->on_compile = [](const Specialization &) {
    return CompileResult{nullptr, "own.ag:1:1: error: no\n"};
  };
  Kernel kernel = Module::from_source("own").kernel("probe");
  EXPECT_THROW(kernel(x, out(y)), CompileError);
}

TEST_F(Background, ManyThreadsAndAModuleThatGoes) {
  {
    Kernel kernel = Module::from_source("own").kernel("probe");
    std::vector<std::thread> pool;
    for (int i = 0; i < 8; ++i)
      pool.emplace_back([&] {
        Tensor own = Tensor::zeros({8});
        for (int round = 0; round < 20; ++round)
          kernel(x, out(own));
      });
    for (std::thread &thread : pool)
      thread.join();
  }
  may_finish.set_value(); // the queue alone keeps the module now
  wait_for_compiles();
  EXPECT_EQ(program->compiles, 2);
}

} // namespace
