#include "attn_grid/attn_grid.hpp"
#include <cmath>
#include <gmock/gmock.h>
#include <limits>
#include <set>

using namespace attn_grid;
using testing::Each;
using testing::ElementsAre;
using testing::ThrowsMessage;

namespace {

TEST(Tensor, Makers) {
  EXPECT_THAT(Tensor::zeros({2, 2}).to_vector(), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(Tensor::ones({2}, bf16).to_vector(), ElementsAre(1, 1));
  EXPECT_THAT(Tensor::full({2}, 3, i8).to_vector(), ElementsAre(3, 3));
  EXPECT_THAT(Tensor::iota({2, 2}, i64).to_vector(), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(
      Tensor::from_values({2}, std::vector<double>{1.5, -2}).to_vector(),
      ElementsAre(1.5, -2));
  EXPECT_THROW(Tensor::from_values({3}, std::vector<double>{1}),
               InvalidArgument);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(reinterpret_cast<uintptr_t>(Tensor::empty({i}, i8).data()) % 64,
              0u);
  Tensor none;
  EXPECT_EQ(none.elements(), 0);
  EXPECT_EQ(none.sizes(), Dims{0});
  EXPECT_EQ(Tensor::zeros({}).item(), 0);
  EXPECT_THROW(Tensor::zeros({2}).item(), InvalidArgument);
  EXPECT_EQ(Tensor::full({}, (int64_t(1) << 60) + 1, i64).get({}).integer(),
            (int64_t(1) << 60) + 1);
}

TEST(Tensor, SizesThatCannotBe) {
  EXPECT_THAT([] { Tensor::empty({2, -1}); },
              ThrowsMessage<InvalidArgument>("a size is negative in [2, -1]"));
  int64_t huge = int64_t(1) << 40;
  EXPECT_THROW(Tensor::empty({huge, huge}), InvalidArgument);
  EXPECT_THROW(Tensor::empty({huge, huge, huge}), InvalidArgument);
  EXPECT_THROW(Tensor::empty({int64_t(1) << 58}), BackendError);
  EXPECT_THAT(([] { Dims{1, 1, 1, 1, 1, 1, 1, 1, 1}; }),
              ThrowsMessage<InvalidArgument>(
                  "a tensor has at most 8 dimensions, found 9"));
  EXPECT_THROW(TensorView(nullptr, f32, {2}, {1, 1}), InvalidArgument);
  EXPECT_THROW(TensorView(nullptr, f32, {3, 3},
                          {std::numeric_limits<int64_t>::min(), 1}),
               InvalidArgument);
}

TEST(Tensor, RandomNumbers) {
  Tensor a = Tensor::randn({1000, 100}, f64, {}, 5);
  double sum = 0, squares = 0, fourth = 0;
  for (double x : a.to_vector()) {
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  EXPECT_NEAR(sum / 1e5, 0, 0.015);
  EXPECT_NEAR(squares / 1e5, 1, 0.02);
  EXPECT_NEAR(fourth / 1e5, 3, 0.2);
  // By position alone, and the same in every dtype up to rounding.
  EXPECT_EQ(Tensor::randn({777}, f64, {}, 5).at({776}), a.at({7, 76}));
  EXPECT_EQ(a.convert(bf16).to_vector(),
            Tensor::randn({1000, 100}, bf16, {}, 5).to_vector());
  EXPECT_NE(a.at({0, 0}), Tensor::randn({1}, f64, {}, 6).at({0}));
  EXPECT_THROW(Tensor::randn({1}, i32), DTypeError);

  for (double x : Tensor::uniform({1000}, f32, {}, 1, -2, 3).to_vector())
    EXPECT_TRUE(x >= -2 && x < 3);
  std::set<double> dice;
  for (double x : Tensor::uniform({1000}, i32, {}, 1, 1, 6).to_vector())
    dice.insert(x);
  EXPECT_THAT(dice, ElementsAre(1, 2, 3, 4, 5, 6));
  double heads = 0;
  for (double x : Tensor::uniform({1000}, boolean).to_vector())
    heads += x;
  EXPECT_NEAR(heads, 500, 100);
  EXPECT_THROW(Tensor::uniform({1}, f32, {}, 1, 2, 1), InvalidArgument);
}

TEST(Tensor, Elements) {
  Tensor t = Tensor::iota({2, 3}, i32);
  EXPECT_EQ(t.at({1, 2}), 5);
  t.set({1, 2}, 9.7);
  EXPECT_EQ(t.get({1, 2}).integer(), 9);
  EXPECT_EQ(t.data_as<int32_t>()[5], 9);
  EXPECT_THROW(t.at({2, 0}), OutOfRange);
  EXPECT_THROW(t.at({0, -1}), OutOfRange);
  EXPECT_THROW(t.at({0}), OutOfRange);
  EXPECT_THROW(t.set({0, 3}, 1), OutOfRange);
  EXPECT_THAT([&] { t.data_as<float>(); },
              ThrowsMessage<DTypeError>("expected elements of f32, found i32"));
  EXPECT_THROW(t.data_as<uint64_t>(), DTypeError);
  EXPECT_THROW(t.size(2), OutOfRange);
  EXPECT_EQ(t.size(-1), 3);
  EXPECT_EQ(t.stride(0), 3);
}

TEST(Tensor, CopiesShareMemory) {
  Tensor a = Tensor::zeros({2}), b = a, c = a.clone();
  a.fill(1);
  EXPECT_THAT(b.to_vector(), Each(1));
  EXPECT_THAT(c.to_vector(), Each(0));
  Tensor part;
  {
    Tensor whole = Tensor::iota({4, 4});
    part = whole.slice(0, 1, 3);
  }
  EXPECT_EQ(part.at({1, 3}), 11); // the part keeps the memory
}

TEST(Tensor, TransposePermuteSelect) {
  Tensor t = Tensor::iota({2, 3, 4});
  EXPECT_EQ(t.transpose().sizes(), (Dims{2, 4, 3}));
  EXPECT_EQ(t.transpose(0, 2).at({3, 2, 1}), t.at({1, 2, 3}));
  EXPECT_EQ(t.permute({2, 0, 1}).at({3, 1, 2}), t.at({1, 2, 3}));
  EXPECT_THROW(t.permute({0, 1}), InvalidArgument);
  EXPECT_THROW(t.permute({0, 1, 1}), InvalidArgument);
  EXPECT_THROW(t.permute({0, 1, 3}), InvalidArgument);
  EXPECT_EQ(t.select(1, 2).at({1, 3}), t.at({1, 2, 3}));
  EXPECT_THROW(t.select(1, 3), OutOfRange);
  EXPECT_EQ(t.unsqueeze(1).sizes(), (Dims{2, 1, 3, 4}));
  EXPECT_EQ(t.unsqueeze(-1).sizes(), (Dims{2, 3, 4, 1}));
  EXPECT_THROW(t.unsqueeze(4), OutOfRange);
  EXPECT_THROW(t.transpose(0, 3), OutOfRange);
}

TEST(Tensor, Slice) {
  Tensor t = Tensor::iota({10});
  EXPECT_THAT(t.slice(0, 2, 9, 3).to_vector(), ElementsAre(2, 5, 8));
  EXPECT_THAT(t.slice(0, 9, 10).to_vector(), ElementsAre(9));
  EXPECT_THAT(t.slice(0, 10, 10).to_vector(), ElementsAre());
  EXPECT_THAT(t.slice(0, 3, 9, std::numeric_limits<int64_t>::max()).to_vector(),
              ElementsAre(3));
  for (auto [begin, end, step] :
       {std::array<int64_t, 3>{-1, 2, 1}, {3, 2, 1}, {0, 11, 1}, {0, 2, 0}})
    EXPECT_THROW(t.slice(0, begin, end, step), OutOfRange);
}

TEST(Tensor, Expand) {
  Tensor t = Tensor::iota({3, 1});
  Tensor wide = t.expand({2, -1, 4});
  EXPECT_EQ(wide.sizes(), (Dims{2, 3, 4}));
  EXPECT_EQ(wide.strides(), (Dims{0, 1, 0}));
  EXPECT_EQ(wide.at({1, 2, 3}), 2);
  EXPECT_THROW(t.expand({4, 1}), InvalidArgument);
  EXPECT_THROW(t.expand({3}), InvalidArgument);
  EXPECT_THROW(t.expand({-1, 3, 1}), InvalidArgument);
  EXPECT_THROW(t.expand({3, int64_t(1) << 62}), InvalidArgument);
}

TEST(Tensor, View) {
  Tensor t = Tensor::iota({4, 6});
  EXPECT_EQ(t.view({2, -1, 3}).sizes(), (Dims{2, 4, 3}));
  EXPECT_EQ(t.view({24}).at({23}), 23);
  EXPECT_EQ(t.view({1, 4, 1, 6, 1}).at({0, 3, 0, 5, 0}), 23);
  EXPECT_THROW(t.view({5, -1}), InvalidArgument);
  EXPECT_THROW(t.view({-1, -1}), InvalidArgument);
  EXPECT_THROW(t.view({23}), InvalidArgument);
  EXPECT_THROW(t.view({int64_t(1) << 40, int64_t(1) << 40}), InvalidArgument);
  Tensor cut = t.slice(1, 0, 4); // rows of 4, 6 apart
  EXPECT_EQ(cut.view({2, 2, 2, 2}).at({1, 1, 1, 1}), cut.at({3, 3}));
  EXPECT_THROW(cut.view({16}), InvalidArgument);
  EXPECT_EQ(cut.contiguous().view({16}).at({15}), cut.at({3, 3}));
  EXPECT_EQ(Tensor::zeros({0, 3}).view({3, 0, 5}).sizes(), (Dims{3, 0, 5}));
  EXPECT_EQ(Tensor::zeros({}).view({1, 1}).sizes(), (Dims{1, 1}));
  EXPECT_EQ(Tensor::zeros({1, 1}).view({}).rank(), 0);
  Tensor wide = Tensor::iota({3, 1}).expand({3, 4});
  EXPECT_EQ(wide.view({3, 2, 2}).at({2, 1, 1}), 2);
  EXPECT_THROW(wide.view({12}), InvalidArgument);
}

TEST(Tensor, Contiguous) {
  Tensor t = Tensor::iota({3, 4});
  EXPECT_TRUE(t.is_contiguous());
  EXPECT_EQ(t.contiguous().data(), t.data());
  Tensor turned = t.transpose();
  EXPECT_FALSE(turned.is_contiguous());
  EXPECT_TRUE(turned.contiguous().is_contiguous());
  EXPECT_EQ(turned.contiguous().to_vector(), turned.to_vector());
  EXPECT_TRUE(t.slice(0, 1, 2).is_contiguous());
  EXPECT_TRUE(t.slice(0, 0, 0).transpose().is_contiguous());
}

TEST(Tensor, ConvertSaturatesAndWraps) {
  auto from = [](std::vector<double> values, DType source, DType target) {
    return Tensor::from_values({int64_t(values.size())}, values, source)
        .convert(target)
        .to_vector();
  };
  double inf = INFINITY;
  EXPECT_THAT(from({1.9, -1.9, 300, -300, NAN, inf, -inf}, f32, i8),
              ElementsAre(1, -1, 127, -128, 0, 127, -128));
  EXPECT_THAT(from({-1, 256, 1e30}, f64, u8), ElementsAre(0, 255, 255));
  EXPECT_THAT(from({1e30, -1e30}, f64, i64),
              ElementsAre(0x1p63, -0x1p63)); // read back as doubles
  EXPECT_THAT(from({4294967295.0, 4294967296.0}, f64, u32),
              ElementsAre(4294967295.0, 4294967295.0));
  EXPECT_THAT(from({300, -1, 128}, i32, u8), ElementsAre(44, 255, 128));
  EXPECT_THAT(from({300, -1, 128}, i32, i8), ElementsAre(44, -1, -128));
  EXPECT_THAT(from({0, 0.1, NAN, -0.0}, f32, boolean), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(from({0, 2, 256}, i32, boolean), ElementsAre(0, 1, 1));
  EXPECT_THAT(from({1, 0}, boolean, bf16), ElementsAre(1, 0));
  EXPECT_THAT(from({65519, 65520}, f32, f16), ElementsAre(65504, inf));
}

TEST(Tensor, CopyFrom) {
  Tensor target = Tensor::zeros({2, 3}, f16), source = Tensor::iota({3, 2});
  target.copy_from(source.transpose());
  EXPECT_THAT(target.to_vector(), ElementsAre(0, 2, 4, 1, 3, 5));
  EXPECT_THROW(target.copy_from(source), InvalidArgument);
  EXPECT_THROW(target.copy_from(target), InvalidArgument);
  EXPECT_THROW(Tensor::zeros({1, 3}).expand({2, 3}).copy_from(target),
               InvalidArgument);
  Tensor big = Tensor::iota({1000, 7}, i32),
         strided = Tensor::zeros({1000, 14});
  strided.slice(1, 0, 14, 2).copy_from(big); // rows longer than one chunk
  EXPECT_EQ(strided.at({999, 12}), 6999);
  EXPECT_EQ(strided.at({999, 13}), 0);
}

} // namespace
