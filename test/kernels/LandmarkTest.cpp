// Landmark attention against the definition for any placement: one weight per
// pair, from sections, gates and inner softmaxes.

#include "test/kernels/KernelCase.h"

#include <map>

namespace attn_grid::test {
namespace {

/// The definition, one row at a time. `is_mem[j]` says which keys are
/// landmarks.
Attention landmark(const Array &q, const Array &k, const Array &v, double scale,
                   const std::vector<bool> &is_mem) {
  int64_t heads = q.size(0) * q.size(1), rows = q.size(2), keys = k.size(2);
  int64_t width = q.size(3), value_width = v.size(3);
  int64_t per_group = q.size(1) / k.size(1);
  std::vector<int64_t> section(keys + 1);
  for (int64_t j = 0; j < keys; ++j)
    section[j + 1] = section[j] + is_mem[j];
  Attention result;
  result.o.assign(heads * rows * value_width, 0);
  result.lse.assign(heads * rows, -infinity);
  for (int64_t head = 0; head < heads; ++head)
    for (int64_t row = 0; row < rows; ++row) {
      int64_t place = row + keys - rows, own = section[place];
      int64_t group = head / per_group;
      std::vector<double> s(place + 1), w(place + 1);
      std::vector<double> top(own + 1, -infinity), sum(own + 1);
      for (int64_t j = 0; j <= place; ++j) {
        for (int64_t d = 0; d < width; ++d)
          s[j] += scale * q.data[(head * rows + row) * width + d] *
                  k.data[(group * keys + j) * width + d];
        if (!is_mem[j])
          top[section[j]] = std::max(top[section[j]], s[j]);
      }
      for (int64_t j = 0; j <= place; ++j)
        if (!is_mem[j])
          sum[section[j]] += std::exp(s[j] - top[section[j]]);
      // The softmax over own keys and the landmarks of earlier sections.
      double highest = top[own], z = 0;
      for (int64_t j = 0; j <= place; ++j)
        if (is_mem[j] && section[j] < own)
          highest = std::max(highest, s[j]);
      if (highest == -infinity)
        continue;
      std::vector<double> gate(own + 1);
      for (int64_t j = 0; j <= place; ++j)
        if (is_mem[j] && section[j] < own)
          z += gate[section[j]] = std::exp(s[j] - highest);
      if (sum[own] > 0)
        z += gate[own] = std::exp(top[own] - highest) * sum[own];
      double *o = &result.o[(head * rows + row) * value_width];
      for (int64_t j = 0; j <= place; ++j) {
        if (is_mem[j])
          continue;
        int64_t c = section[j];
        double weight = gate[c] / z * std::exp(s[j] - top[c]) / sum[c];
        for (int64_t d = 0; d < value_width; ++d)
          o[d] += weight * v.data[(group * keys + j) * value_width + d];
      }
      result.lse[head * rows + row] = highest + std::log(z);
    }
  return result;
}

std::vector<bool> regular(int64_t keys, int64_t block) {
  std::vector<bool> is_mem(keys);
  for (int64_t j = block - 1; j < keys; j += block)
    is_mem[j] = true;
  return is_mem;
}

class Landmark : public KernelTest {
protected:
  /// Launches the kernel for regular places and compares.
  void check(const TensorView &q, const TensorView &k, const TensorView &v,
             int64_t block, double scale, const Array *clean_v = nullptr) {
    Tensor o = fresh({q.size(0), q.size(1), q.size(2), v.size(3)});
    Tensor lse = fresh_acc({q.size(0), q.size(1), q.size(2)});
    kernel("landmark/landmark_fwd.ag", {{"BLOCK", block}})(q, k, v, out(o),
                                                           out(lse), scale);
    Array values = clean_v ? *clean_v : read(v);
    EXPECT_TRUE(close(
        o, lse,
        landmark(read(q), read(k), values, scale, regular(k.size(2), block))));
  }
};
AG_FLOAT_TYPES(Landmark);

TEST_P(Landmark, RegularPlaces) {
  struct Case {
    int64_t rows, keys, width, value_width, block;
  };
  constexpr Case cases[] = {{1, 1, 16, 16, 64},     {64, 64, 64, 64, 64},
                            {200, 200, 64, 64, 64}, {256, 256, 40, 24, 16},
                            {100, 196, 32, 32, 32}, {90, 90, 64, 80, 10},
                            {33, 63, 16, 16, 3},    {150, 150, 16, 16, 2},
                            {70, 70, 16, 16, 100},  {129, 129, 16, 16, 128}};
  for (auto [rows, keys, width, value_width, block] : cases) {
    SCOPED_TRACE(fmt::format("{} x {}, {} and {} wide, blocks of {}", rows,
                             keys, width, value_width, block));
    Tensor q = draw({2, 2, rows, width}), k = draw({2, 1, keys, width});
    check(q, k, draw({2, 1, keys, value_width}), block,
          1 / std::sqrt(static_cast<double>(width)));
  }
}

// Scores of a whole section far below the gate: its inner softmax must not
// vanish.
TEST_P(Landmark, LargeScores) {
  Tensor q = draw({1, 1, 100, 16}), k = draw({1, 1, 100, 16});
  check(q, k, draw({1, 1, 100, 16}), 8, GetParam() == f64 ? 100 : 4);
}

// e^K = (1, 3, 2, 4, 2, 1, 5), landmarks at 2 and 5.
TEST_P(Landmark, ByHand) {
  std::vector<double> keys;
  for (double e : {1, 3, 2, 4, 2, 1, 5})
    keys.push_back(std::log(e));
  Tensor q = Tensor::ones({1, 1, 7, 1}, GetParam());
  Tensor k = values({1, 1, 7, 1}, keys);
  Tensor v = values({1, 1, 7, 1}, {1, 2, 50, 4, 8, 50, 16});
  Tensor o = fresh({1, 1, 7, 1}), lse = fresh_acc({1, 1, 7});
  kernel("landmark/landmark_fwd.ag", {{"BLOCK", int64_t(3)}})(q, k, v, out(o),
                                                              out(lse), 1.0);
  Tolerance loose = forward_tolerance(GetParam());
  EXPECT_TRUE(near(o.to_vector(),
                   {1, 1.75, 1.75, 3.25, 4.4375, 4.4375, 11.104166666666667},
                   {loose.atol * 4, loose.rtol * 4}));
  std::vector<double> sums;
  for (double z : lse.to_vector())
    sums.push_back(std::exp(z));
  EXPECT_TRUE(
      near(sums, {1, 4, 4, 6, 8, 8, 8}, {loose.atol * 4, loose.rtol * 4}));
}

// A landmark's value enters nothing, nor does its key the landmark's own rows.
TEST_P(Landmark, ValuesOfLandmarksDoNotLeak) {
  constexpr int64_t length = 200, block = 32;
  Tensor q = draw({1, 2, length, 32}), k = draw({1, 2, length, 32});
  Tensor v = draw({1, 2, length, 32});
  Array clean = read(v);
  for (int64_t j = block - 1; j < length; j += block)
    v.slice(2, j, j + 1).fill(notANumber);
  check(q, k, v, block, 0.25, &clean);
}

TEST_P(Landmark, Empty) {
  Tensor none = draw({1, 2, 0, 16});
  Tensor o = fresh({1, 2, 0, 16});
  kernel("landmark/landmark_fwd.ag")(none, none, none, out(o));
  EXPECT_EQ(o.elements(), 0);
}

/// The starts of sections; behind the last one, the number of keys.
std::vector<double> starts_of(const std::vector<bool> &is_mem) {
  std::vector<double> starts{0};
  for (size_t j = 0; j < is_mem.size(); ++j)
    if (is_mem[j])
      starts.push_back(static_cast<double>(j) + 1);
  starts.resize(is_mem.size() + 2, static_cast<double>(is_mem.size()));
  return starts;
}

TEST_P(Landmark, AnyPlaces) {
  std::map<std::string, std::vector<bool>> patterns;
  patterns["none"] = std::vector<bool>(150);
  patterns["all"] = std::vector<bool>(20, true);
  patterns["the first"] = std::vector<bool>(70);
  patterns["the first"][0] = true;
  patterns["the last"] = std::vector<bool>(70);
  patterns["the last"][69] = true;
  patterns["regular"] = regular(150, 16);
  patterns["random"] = std::vector<bool>(150);
  for (int64_t j = 0; j < 150; ++j)
    patterns["random"][j] = j * j % 11 == 3 || j == 80 || j == 81;
  for (const auto &[name, is_mem] : patterns)
    for (int64_t cut : {0, 7}) {
      int64_t keys = static_cast<int64_t>(is_mem.size());
      Tensor q = draw({1, 2, keys - cut, 32}), k = draw({1, 1, keys, 32});
      Tensor v = draw({1, 1, keys, 24});
      Tensor mem = Tensor::zeros({1, keys}, boolean);
      for (int64_t j = 0; j < keys; ++j)
        mem.set({0, j}, bool(is_mem[j]));
      Results found = kernel("landmark/landmark_sections.ag")(mem);
      Tensor starts = found["starts"];
      EXPECT_EQ(starts.to_vector(), starts_of(is_mem)) << name;
      int64_t sections = 1 + std::count(is_mem.begin(), is_mem.end(), true);
      EXPECT_EQ(found["count"].item(), sections - 1) << name;
      Tensor o = fresh({1, 2, keys - cut, 24});
      Tensor lse = fresh_acc({1, 2, keys - cut});
      kernel("landmark/landmark_any_fwd.ag")(q, k, v, mem, starts, out(o),
                                             out(lse), sections);
      EXPECT_TRUE(close(
          o, lse,
          landmark(read(q), read(k), read(v), 1 / std::sqrt(32.0), is_mem)))
          << "landmarks: " << name << ", cut " << cut;
    }
}

} // namespace
} // namespace attn_grid::test
