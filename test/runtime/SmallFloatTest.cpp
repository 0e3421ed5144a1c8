// The small floats, exhaustively: every pattern, and for every pair of
// neighbours their midpoint and the doubles beside it.

#include "runtime/SmallFloat.h"
#include "attn_grid/tensor.hpp"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace attn_grid;

namespace {

template <class Format> struct Named;
template <> struct Named<detail::Half> {
  static constexpr double largest = 65504, smallest = 0x1p-24;
};
template <> struct Named<detail::BFloat> {
  static constexpr double largest = 0x1.fep127, smallest = 0x1p-133;
};
template <> struct Named<detail::F8E4M3> {
  static constexpr double largest = 448, smallest = 0x1p-9;
};
template <> struct Named<detail::F8E5M2> {
  static constexpr double largest = 57344, smallest = 0x1p-16;
};

template <class Format> class SmallFloatTest : public testing::Test {};
using Formats = testing::Types<detail::Half, detail::BFloat, detail::F8E4M3,
                               detail::F8E5M2>;
TYPED_TEST_SUITE(SmallFloatTest, Formats);

TYPED_TEST(SmallFloatTest, EveryPatternSurvives) {
  int nans = 0;
  for (uint32_t bits = 0; bits < 2 * TypeParam::sign_bit; ++bits) {
    double value = TypeParam::widen(bits);
    if (std::isnan(value)) {
      ++nans;
      EXPECT_TRUE(std::isnan(TypeParam::widen(TypeParam::narrow(value))));
      EXPECT_EQ(std::signbit(value), (bits & TypeParam::sign_bit) != 0);
    } else {
      ASSERT_EQ(TypeParam::narrow(value), bits);
    }
  }
  EXPECT_GT(nans, 1);
}

TYPED_TEST(SmallFloatTest, NearestEvenBetweenNeighbours) {
  using Limits = Named<TypeParam>;
  EXPECT_EQ(TypeParam::widen(1), Limits::smallest);
  uint32_t last = TypeParam::narrow(Limits::largest);
  for (uint32_t bits = 0; bits < last; ++bits) {
    double low = TypeParam::widen(bits), high = TypeParam::widen(bits + 1);
    double middle = (low + high) / 2; // exact in double
    ASSERT_LT(low, high);
    uint32_t even = bits % 2 == 0 ? bits : bits + 1;
    ASSERT_EQ(TypeParam::narrow(middle), even);
    ASSERT_EQ(TypeParam::narrow(std::nextafter(middle, 0)), bits);
    ASSERT_EQ(TypeParam::narrow(std::nextafter(middle, high)), bits + 1);
    ASSERT_EQ(TypeParam::narrow(-middle), even | TypeParam::sign_bit);
  }
}

TYPED_TEST(SmallFloatTest, Extremes) {
  using Limits = Named<TypeParam>;
  double top = Limits::largest;
  uint32_t last = TypeParam::narrow(top);
  // The next value there would be is a double like the others.
  double step = top - TypeParam::widen(last - 1);
  EXPECT_EQ(TypeParam::narrow(std::nextafter(top + step / 2, 0)), last);
  EXPECT_EQ(TypeParam::narrow(top + step / 2) == last,
            last % 2 == 0); // a tie goes to the even one
  EXPECT_EQ(TypeParam::narrow(top + step), TypeParam::infinity);
  EXPECT_EQ(TypeParam::narrow(INFINITY), TypeParam::infinity);
  EXPECT_EQ(TypeParam::narrow(-1e300),
            TypeParam::infinity | TypeParam::sign_bit);
  EXPECT_EQ(TypeParam::narrow(0x1p-1074), 0u);
  EXPECT_EQ(TypeParam::narrow(-0.0), TypeParam::sign_bit);
  EXPECT_TRUE(std::isnan(TypeParam::widen(TypeParam::narrow(NAN))));
}

#ifdef __FLT16_MAX__
TEST(SmallFloat, AgreesWithTheCompilersHalf) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000000; ++i) {
    float value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isnan(value))
      continue;
    ASSERT_EQ(std::bit_cast<uint16_t>(static_cast<_Float16>(value)),
              detail::Half::narrow(value));
  }
}
#endif

TEST(SmallFloat, WideIntegersRoundOnce) {
  // 2^60 + 2^52 + 1 is above the tie of two bf16; by way of a double it would
  // be the tie, and go down.
  Tensor wide = Tensor::empty({1}, i64);
  wide.set({0}, (int64_t(1) << 60) + (int64_t(1) << 52) + 1);
  EXPECT_EQ(wide.convert(bf16).at({0}), std::ldexp(1 + 1.0 / 128, 60));
  wide.set({0}, -((int64_t(1) << 60) + (int64_t(1) << 52) + 1));
  EXPECT_EQ(wide.convert(bf16).at({0}), -std::ldexp(1 + 1.0 / 128, 60));
  // The same for f32, between 2^60 and 2^60 + 2^37.
  wide.set({0}, (int64_t(1) << 60) + (int64_t(1) << 36) + 1);
  EXPECT_EQ(wide.convert(f32).at({0}), std::ldexp(1.0, 60) + std::ldexp(1, 37));
}

} // namespace
