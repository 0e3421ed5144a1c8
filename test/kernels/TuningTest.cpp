// Consts that tuning has found: which launches take them, and which do not.

#include "attn_grid/attn_grid.hpp"

#include <gmock/gmock.h>

namespace attn_grid {
namespace {

using testing::HasSubstr;
using testing::Not;

const char *const source = R"(
kernel copy<T: float, const W: int = 8, const TWICE: bool = false>(
    x: tensor<T>[M, N], out y: tensor<T>[M, N])
grid (ceildiv(N, W))
tune (W in [4, 8, 16])
{
  let n = program_id() * W;
  for i in 0 .. M { y[i, n +: W] = x[i, n +: W]; }
}
)";

class Tuning : public testing::Test {
protected:
  void SetUp() override { clear_tuning(); }
  void TearDown() override { clear_tuning(); }
  Module module = Module::from_source(source, "copy.ag");

  /// The variant that such a launch runs.
  std::string variant(const Dims &sizes, DType dtype,
                      const Bindings &bindings = {},
                      Device device = Device::cpu()) {
    return module.kernel("copy", bindings)
        .variant(Tensor::ones(sizes, dtype, device))
        .key;
  }
  std::string line(const Dims &sizes, DType dtype, int64_t w) {
    Tensor x = Tensor::ones(sizes, dtype);
    std::vector<Arg> args{x};
    return module.kernel("copy").tuning(args, {{"W", w}}, 0.5);
  }
};

TEST_F(Tuning, LaunchesOfTheSameKindTakeIt) {
  EXPECT_THAT(variant({3, 100}, f32), HasSubstr("W = 8"));
  add_tuning(line({3, 100}, f32, 16));
  EXPECT_THAT(variant({3, 100}, f32), HasSubstr("W = 16"));
  EXPECT_THAT(variant({4, 65}, f32), HasSubstr("W = 16")); // up to 4 and 128
  EXPECT_THAT(variant({3, 129}, f32), HasSubstr("W = 8")); // larger
  EXPECT_THAT(variant({5, 100}, f32), HasSubstr("W = 8"));
  EXPECT_THAT(variant({3, 100}, f64), HasSubstr("W = 8")); // another dtype
  EXPECT_THAT(variant({3, 100}, f32, {{"TWICE", true}}), HasSubstr("W = 8"));
  EXPECT_THAT(variant({3, 100}, f32, {{"W", 4}}), HasSubstr("W = 4"));
  EXPECT_THAT(variant({3, 100}, f32, {}, Device::sim()), HasSubstr("W = 8"));
  // The result is the kernel's, whatever the tile.
  Tensor x = Tensor::randn({3, 100});
  EXPECT_EQ(Tensor(module.kernel("copy")(x)).to_vector(), x.to_vector());
}

TEST_F(Tuning, AnotherSourceFindsNothing) {
  add_tuning(line({3, 100}, f32, 16));
  module =
      Module::from_source(std::string(source) + "\n// changed\n", "copy.ag");
  EXPECT_THAT(variant({3, 100}, f32), HasSubstr("W = 8"));
}

TEST_F(Tuning, LinesMerge) {
  std::string first = line({3, 100}, f32, 16), second = line({3, 100}, f64, 4),
              newer = line({3, 100}, f32, 4);
  std::string merged = merge_tuning(first + second, newer);
  EXPECT_THAT(merged, HasSubstr(second));
  EXPECT_THAT(merged, HasSubstr(newer));
  EXPECT_THAT(merged, Not(HasSubstr(first)));
  add_tuning(merged);
  EXPECT_THAT(variant({3, 100}, f32), HasSubstr("W = 4"));
}

TEST_F(Tuning, DamagedLinesAreErrors) {
  for (const char *text : {"x", "a b : c", "a b c d", "a b c d : e"})
    EXPECT_THAT([&] { add_tuning(text, "my.tuning"); },
                testing::ThrowsMessage<InvalidArgument>(HasSubstr(
                    "my.tuning:1: this is no line of a tuning file")));
  EXPECT_THROW(load_tuning("/nowhere.tuning"), BackendError);
  // Of another version of the kernel: known words, wrong values.
  std::string other = line({3, 100}, f32, 16);
  other.replace(other.find("W=16"), 4, "V=16");
  add_tuning(other);
  EXPECT_THAT(variant({3, 100}, f32), HasSubstr("W = 8"));
}

} // namespace
} // namespace attn_grid
