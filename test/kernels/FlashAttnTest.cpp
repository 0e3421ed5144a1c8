// flash_attn_fwd: every option of dense attention against the definition, alone
// and together.

#include "test/kernels/Dropout.h"
#include "test/kernels/KernelCase.h"
#include "test/support/DeviceKernel.h"

namespace attn_grid::test {
namespace {

/// A launch's sizes and options; what is not set is off.
struct Options {
  int64_t rows = 130, keys = 150, width = 32, value_width = 32;
  int64_t heads = 2, groups = 1;
  bool causal = false;
  int64_t align = 0, start = 0;
  std::optional<std::pair<int64_t, int64_t>> window = {};
  double cap = 0;
  bool bias = false, mask = false, padding = false, slopes = false;
  DType bias_type = f32;
  double p = 0; // of dropout
  int64_t seed = 0, offset = 0;
};

class FlashAttn : public KernelTest {
protected:
  static constexpr int64_t batch = 2;

  void check(const Options &options) {
    Dims rows{batch, options.heads, options.rows};
    Tensor q = draw({batch, options.heads, options.rows, options.width});
    Tensor k = draw({batch, options.groups, options.keys, options.width});
    Tensor v = draw({batch, options.groups, options.keys, options.value_width});
    Dims pairs{batch, options.heads, options.rows, options.keys};
    Tensor bias = Tensor::randn(pairs, options.bias_type, {}, ++seed);
    Tensor mask = Tensor::uniform(pairs, boolean, {}, ++seed);
    Tensor padding =
        Tensor::uniform({batch, options.keys}, boolean, {}, ++seed);
    Tensor slopes =
        Tensor::uniform({batch, options.heads}, f32, {}, ++seed, 0, 0.5);
    if (options.bias && options.keys > 1) // minus infinity removes a key
      bias.slice(3, 0, 1).fill(-infinity);

    Tensor o = fresh({batch, options.heads, options.rows, options.value_width});
    Tensor lse = fresh_acc(rows);
    auto given = [](bool wanted, const Tensor &tensor) {
      return wanted ? Arg(tensor) : Arg(none);
    };
    kernel("flash/flash_attn_fwd.ag", {{"causal", options.causal},
                                       {"windowed", options.window.has_value()},
                                       {"capped", options.cap != 0},
                                       {"dropped", options.p != 0},
                                       {"align", options.align},
                                       {"TB", options.bias_type}})(
        q, k, v, given(options.bias, bias), given(options.mask, mask),
        given(options.padding, padding), given(options.slopes, slopes), out(o),
        out(lse), arg("cap", options.cap != 0 ? options.cap : 1.0),
        arg("left", options.window ? options.window->first : -1),
        arg("right", options.window ? options.window->second : -1),
        arg("start", options.start), arg("p", options.p),
        arg("seed", options.seed), arg("offset", options.offset));

    double scale = 1 / std::sqrt(static_cast<double>(options.width));
    int64_t shift = options.align == 0   ? options.keys - options.rows
                    : options.align == 1 ? 0
                                         : options.start;
    std::vector<double> biases = bias.to_vector(), slope = slopes.to_vector();
    std::vector<double> masks = mask.to_vector(), real = padding.to_vector();
    auto score = [&](Pair p, double product) {
      int64_t place = p.row + shift;
      int64_t at = ((p.batch * options.heads + p.head) * options.rows + p.row) *
                       options.keys +
                   p.key;
      bool allowed = !options.causal || p.key <= place;
      if (options.window) {
        auto [left, right] = *options.window;
        allowed = allowed && (left < 0 || p.key >= place - left) &&
                  (right < 0 || p.key <= place + right);
      }
      if (options.mask)
        allowed = allowed && masks[at] != 0;
      if (options.padding)
        allowed = allowed && real[p.batch * options.keys + p.key] != 0;
      if (!allowed)
        return -infinity;
      double t = scale * product;
      if (options.cap != 0)
        t = options.cap * std::tanh(t / options.cap);
      if (options.bias)
        t += biases[at];
      if (options.slopes)
        t -= slope[p.batch * options.heads + p.head] *
             static_cast<double>(std::abs(place - p.key));
      return t;
    };
    auto weight = [&](Pair p) {
      return dropout_weight(options.p, options.seed, options.offset,
                            p.batch * options.heads + p.head, p.row, p.key);
    };
    EXPECT_TRUE(
        close(o, lse, attention_by(read(q), read(k), read(v), score, weight)));
  }
};
AG_FLOAT_TYPES(FlashAttn);

TEST_P(FlashAttn, NoOption) {
  check({});
  check({.rows = 1, .keys = 1});
  check({.rows = 70,
         .keys = 33,
         .width = 20,
         .value_width = 48,
         .heads = 4,
         .groups = 2});
}

// Queries and keys that end together, start together, or as the caller says.
TEST_P(FlashAttn, Alignments) {
  for (auto [rows, keys] : {std::pair<int64_t, int64_t>{130, 150},
                            {150, 130},
                            {2, 5},
                            {5, 2},
                            {1, 100}})
    for (int64_t align : {0, 1, 2})
      for (int64_t start : {-3, 0, 40, 1000}) {
        if (align != 2 && start)
          continue;
        SCOPED_TRACE(fmt::format("{} x {}, align {}, start {}", rows, keys,
                                 align, start));
        check({.rows = rows,
               .keys = keys,
               .causal = true,
               .align = align,
               .start = start});
      }
}

TEST_P(FlashAttn, Windows) {
  for (auto window : {std::pair<int64_t, int64_t>{0, 0},
                      {5, 3},
                      {-1, 2},
                      {70, -1},
                      {-1, -1},
                      {1000, 1000}})
    for (bool causal : {false, true}) {
      SCOPED_TRACE(fmt::format("window {}, {}{}", window.first, window.second,
                               causal ? ", causal" : ""));
      check({.causal = causal, .window = window});
      check({.rows = 150,
             .keys = 90,
             .causal = causal,
             .align = 1,
             .window = window});
    }
}

// What a side may be at most, from places far before and behind the keys.
TEST_P(FlashAttn, WindowsOfAnySize) {
  constexpr int64_t most = INT32_MAX;
  for (auto window : {std::pair<int64_t, int64_t>{most, most},
                      {most, 0},
                      {-most - 1, most},
                      {most - 100, most - 50}})
    for (int64_t start : {-most, int64_t(-60), int64_t(0), most - 130}) {
      SCOPED_TRACE(fmt::format("window {}, {}, start {}", window.first,
                               window.second, start));
      check({.align = 2, .start = start, .window = window});
    }
}

TEST_P(FlashAttn, Softcap) { check({.cap = 1.5}); }

TEST_P(FlashAttn, Bias) {
  check({.bias = true});
  check({.bias = true, .bias_type = GetParam()});
}

TEST_P(FlashAttn, Mask) { check({.mask = true}); }

TEST_P(FlashAttn, KeyPadding) { check({.padding = true}); }

TEST_P(FlashAttn, Alibi) {
  check({.slopes = true});
  check({.causal = true, .slopes = true});
}

TEST_P(FlashAttn, Dropout) {
  check({.p = 0.3, .seed = 1234567890123, .offset = 7});
  check({.rows = 33,
         .keys = 70,
         .heads = 4,
         .groups = 2,
         .causal = true,
         .p = 0.999,
         .seed = -1,
         .offset = int64_t(9) << 32});
}

TEST_P(FlashAttn, Everything) {
  check({.rows = 100,
         .keys = 170,
         .width = 40,
         .value_width = 24,
         .heads = 4,
         .groups = 2,
         .causal = true,
         .window = std::pair<int64_t, int64_t>{60, 5},
         .cap = 2,
         .bias = true,
         .mask = true,
         .padding = true,
         .slopes = true,
         .p = 0.1,
         .seed = 5,
         .offset = 6});
}

// What is dropped depends on the pair alone: other blocks drop the same, and
// the sequence of the specification keeps the keys 0, 1, 4 and 7 of 8.
TEST(FlashAttnEdge, DropoutIsAddressedByPosition) {
  Tensor q = Tensor::zeros({1, 4, 3, 8}, f32);
  Tensor k = Tensor::zeros({1, 4, 8, 8}, f32);
  Tensor v = Tensor::zeros({1, 4, 8, 8}, f32); // row j of the identity
  for (int64_t head = 0; head < 4; ++head)
    for (int64_t j = 0; j < 8; ++j)
      v.set({0, head, j, j}, 1);
  for (int64_t block : {16, 64}) {
    Tensor o = kernel("flash/flash_attn_fwd.ag",
                      {{"dropped", true}, {"BM", block}, {"BN", block}})(
        q, k, v, arg("p", 0.5), arg("seed", 1234567890123),
        arg("offset", 7))["o"];
    std::vector<double> kept;
    for (int64_t j = 0; j < 8; ++j)
      kept.push_back(o.at({0, 1, 2, j}) * 4); // (1 / 8) / (1 - p)
    EXPECT_EQ(kept, (std::vector<double>{1, 1, 0, 0, 1, 0, 0, 1}));
  }
}

TEST_P(FlashAttn, EmptyExtents) {
  check({.rows = 0, .keys = 5, .causal = true});
  check({.rows = 5, .keys = 0, .causal = true});
  check({.rows = 5, .keys = 0, .bias = true, .mask = true, .padding = true});
}

// One head's worth of mask and bias for all, with stride 0.
TEST_P(FlashAttn, RepeatedMask) {
  Tensor q = draw({2, 3, 70, 32}), k = draw({2, 3, 90, 32});
  Tensor mask = Tensor::uniform({1, 1, 70, 90}, boolean, {}, 9);
  Tensor o = fresh({2, 3, 70, 32}), lse = fresh_acc({2, 3, 70});
  kernel("flash/flash_attn_fwd.ag")(q, k, k,
                                    arg("mask", mask.expand({2, 3, 70, 90})),
                                    out("o", o), out("lse", lse));
  std::vector<double> masks = mask.to_vector();
  EXPECT_TRUE(close(
      o, lse,
      attention_by(read(q), read(k), read(k), [&](Pair p, double product) {
        return masks[p.row * 90 + p.key] != 0 ? product / std::sqrt(32.0)
                                              : -infinity;
      })));
}

// NaN in keys, values and bias of pairs that are left out.
TEST_P(FlashAttn, MaskedNanDoesNotLeak) {
  Tensor q = draw({1, 1, 70, 32}), k = draw({1, 1, 90, 32});
  Tensor padding = Tensor::ones({1, 90}, boolean);
  Tensor bias = Tensor::zeros({1, 1, 70, 90}, f32);
  Tensor bad = k.clone();
  for (int64_t key : {0, 17, 64, 65, 89}) {
    padding.set({0, key}, false);
    bad.slice(2, key, key + 1).fill(notANumber);
    bias.slice(3, key, key + 1).fill(notANumber);
  }
  DeviceKernel flash = kernel("flash/flash_attn_fwd.ag", {{"causal", true}});
  Tensor clean = flash(q, k, k, arg("key_padding", padding))["o"];
  Tensor found =
      flash(q, bad, bad, arg("bias", bias), arg("key_padding", padding))["o"];
  EXPECT_TRUE(close(found, clean.to_vector()));
}

// A bias of -1e9 is no mask: a row of nothing else is a softmax as any other.
TEST(FlashAttnEdge, LargeNegativeBiasIsNoMask) {
  Tensor q = Tensor::zeros({1, 1, 1, 1}, f32);
  Tensor v = Tensor::from_values({1, 1, 2, 1}, std::vector<double>{1, 3}, f32);
  Tensor bias = Tensor::full({1, 1, 1, 2}, -1e9, f32);
  Tensor o = kernel("flash/flash_attn_fwd.ag")(q, Tensor::zeros({1, 1, 2, 1}),
                                               v, arg("bias", bias))["o"];
  EXPECT_FLOAT_EQ(static_cast<float>(o.item()), 2);
}

} // namespace
} // namespace attn_grid::test
