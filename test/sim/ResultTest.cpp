// What is done with results if it is asked for: where a NaN or an infinity
// first appears is said, and approximate functions are as wrong as they may be.

#include "test/sim/Driver.h"

#include <cmath>
#include <fmt/format.h>
#include <gmock/gmock.h>

using namespace sim_test;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

// Read when the first test opens the device.
[[maybe_unused]] const int checks = setenv("AG_SIM_CHECKS", "all,nan", 1);
[[maybe_unused]] const int errors = setenv("AG_SIM_APPROX", "perturb", 1);

/// Of every thread %f0 is x, its own number; %f1 goes to y.
std::vector<float> run(const std::string &body, std::vector<float> x) {
  open();
  Module module(".version 8.0\n.target sm_80\n.address_size 64\n"
                ".visible .entry k(.param .u64 x, .param .u64 y)\n{\n"
                ".reg .f32 %f<9>;\n.reg .f64 %g<3>;\n.reg .b16 %h<3>;\n"
                ".reg .b32 %r<3>;\n.reg .b64 %d<9>;\n"
                "mov.u32 %r0, %tid.x;\nmul.wide.u32 %d2, %r0, 4;\n"
                "ld.param.u64 %d0, [x];\nadd.s64 %d0, %d0, %d2;\n"
                "ld.param.u64 %d1, [y];\nadd.s64 %d1, %d1, %d2;\n"
                "ld.global.f32 %f0, [%d0];\n" +
                body + "st.global.f32 [%d1], %f1;\nret;\n}\n");
  EXPECT_EQ(module.result, CUDA_SUCCESS) << module.error;
  Array<float> from(x), to(x.size());
  EXPECT_EQ(Launch().add(from).add(to).run(module.function("k"), {1},
                                           {unsigned(x.size())}),
            CUDA_SUCCESS)
      << reports();
  return to.read();
}

TEST(Results, WhereTheyFirstAreNotFinite) {
  run("mul.f32 %f1, %f0, %f0;\nadd.f32 %f1, %f1, %f1;\n", {1, 2, 3});
  EXPECT_EQ(reports(), "");
  run("mul.f32 %f1, %f0, %f0;\nadd.f32 %f1, %f1, %f1;\n", {1, 3e30f, 3});
  EXPECT_THAT(reports(),
              AllOf(HasSubstr("not finite: an infinity, of finite operands"),
                    HasSubstr("`mul.f32 %f1, %f0, %f0`"),
                    HasSubstr("thread (1, 0, 0)"), Not(HasSubstr("add.f32"))));
  run("sub.f32 %f2, %f0, %f0;\ndiv.rn.f32 %f1, %f2, %f2;\n", {1});
  EXPECT_THAT(reports(), HasSubstr("not finite: a NaN, of finite operands"));
  run("sqrt.rn.f32 %f1, %f0;\n", {-1});
  EXPECT_THAT(reports(), HasSubstr("a NaN"));
  run("cvt.rn.f16.f32 %h0, %f0;\nmov.f32 %f1, %f0;\n", {1e6f});
  EXPECT_THAT(reports(), HasSubstr("an infinity"));
  run("cvt.rn.f16.f32 %h0, %f0;\nfma.rn.f32.f16 %f1, %h0, %h0, %f0;\n",
      {3.4e38f * 0});
  EXPECT_EQ(reports(), "");
  // What comes in or is moved is not made.
  run("mov.f32 %f1, %f0;\nadd.f32 %f1, %f1, 0f3F800000;\n", {INFINITY, NAN});
  EXPECT_EQ(reports(), "");
}

TEST(Results, ApproximationsAreWrongByWhatTheyMay) {
  std::vector<float> x;
  for (int i = 0; i < 512; ++i)
    x.push_back(0.01f * static_cast<float>(i + 1));
  struct {
    const char *name;
    double (*exact)(double);
    double bound;
  } functions[] = {
      {"ex2.approx.ftz.f32", [](double v) { return std::exp2(v); }, 0x1p-22},
      {"rcp.approx.ftz.f32", [](double v) { return 1 / v; }, 0x1p-22},
      {"rsqrt.approx.f32", [](double v) { return 1 / std::sqrt(v); }, 0x1p-22},
      {"tanh.approx.f32", [](double v) { return std::tanh(v); }, 0x1p-11}};
  for (auto &function : functions) {
    std::string body = fmt::format("{} %f1, %f0;\n", function.name);
    std::vector<float> found = run(body, x);
    EXPECT_EQ(run(body, x), found) << "the same in every run";
    double most = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      double exact = function.exact(double(x[i]));
      most = std::max(most, std::fabs(double(found[i]) - exact) / exact);
    }
    // The last digit is rounded too.
    EXPECT_LE(most, function.bound + 0x1p-24) << function.name;
    EXPECT_GE(most, function.bound / 2) << function.name;
  }
  // Others are exact.
  EXPECT_EQ(run("add.f32 %f1, %f0, %f0;\n", {1.25f})[0], 2.5f);
}

} // namespace
