// Attention with the caller's own score and mask: the variants that the kernels
// bring along, functions by name and in text, in both flash kernels.

#include "test/kernels/KernelCase.h"

namespace attn_grid::test {
namespace {

/// s and the positions of a query and a key, to a score.
using Rule =
    std::function<double(double s, int64_t b, int64_t h, int64_t i, int64_t j)>;

class FlashVariant : public KernelTest {
protected:
  static constexpr int64_t batch = 2, heads = 3;

  void check(const Binding &variant, const std::vector<Arg> &args,
             const Rule &rule, int64_t rows = 130, int64_t keys = 130) {
    Tensor q = draw({batch, heads, rows, 32}),
           k = draw({batch, heads, keys, 32});
    Tensor v = draw({batch, heads, keys, 32});
    Tensor o = fresh({batch, heads, rows, 32});
    Tensor lse = fresh_acc({batch, heads, rows});
    std::vector<Arg> all{q, k, v, out("o", o), out("lse", lse)};
    all.insert(all.end(), args.begin(), args.end());
    kernel("flash/flash_attn_fwd.ag", {variant}).launch(all);
    EXPECT_TRUE(close(
        o, lse,
        attention_by(read(q), read(k), read(v), [&](Pair p, double product) {
          return rule(product / std::sqrt(32.0), p.batch, p.head,
                      p.row + keys - rows, p.key);
        })));
  }
};
AG_FLOAT_TYPES(FlashVariant);

TEST_P(FlashVariant, Alibi) {
  Tensor slopes = Tensor::uniform({heads}, f32, {}, 5, 0, 0.5);
  Rule rule = [&](double s, int64_t, int64_t h, int64_t i, int64_t j) {
    return j <= i ? s - slopes.at({h}) * static_cast<double>(i - j) : -infinity;
  };
  check(variant("alibi"), {arg("head_slopes", slopes)}, rule);
  check(variant("alibi"), {arg("head_slopes", slopes)}, rule, 70, 100);
}

TEST_P(FlashVariant, Softcap) {
  check(variant("softcap"), {arg("limit", 1.5)},
        [](double s, int64_t, int64_t, int64_t i, int64_t j) {
          return j <= i ? 1.5 * std::tanh(s / 1.5) : -infinity;
        });
}

TEST_P(FlashVariant, SlidingWindow) {
  for (int width : {1, 40, 1000})
    check(variant("sliding_window"), {arg("width", width)},
          [&](double s, int64_t, int64_t, int64_t i, int64_t j) {
            return j <= i && i - j < width ? s : -infinity;
          });
}

TEST_P(FlashVariant, AttentionSinks) {
  check(variant("attention_sinks"), {arg("width", 20), arg("sinks", 3)},
        [&](double s, int64_t, int64_t, int64_t i, int64_t j) {
          return j <= i && (j < 3 || i - j < 20) ? s : -infinity;
        });
}

TEST_P(FlashVariant, Documents) {
  std::vector<int64_t> number;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t n = 0; n < 130; ++n)
      number.push_back(b == 0 ? n / 50 : n % 3);
  check(variant("documents"), {arg("document", integers({batch, 130}, number))},
        [&](double s, int64_t b, int64_t, int64_t i, int64_t j) {
          return j <= i && number[b * 130 + i] == number[b * 130 + j]
                     ? s
                     : -infinity;
        });
}

TEST_P(FlashVariant, RelativeBias) {
  Tensor table = Tensor::randn({heads, 21}, f32, {}, 8);
  check(variant("relative_bias"), {arg("table", table)},
        [&](double s, int64_t, int64_t h, int64_t i, int64_t j) {
          return s + table.at({h, std::clamp<int64_t>(j - i + 10, 0, 20)});
        });
}

// A function that the host writes out, of the type that the kernel asks for.
TEST_P(FlashVariant, FunctionInText) {
  std::string type(name_of(acc_of(GetParam())));
  Binding score("score",
                fn("fn (s: " + type + ", b: int, h: int, i: int, j: int) -> " +
                   type + " { return s * 0.5 + cast<" + type + ">(i % 3); }"));
  check(score, {}, [](double s, int64_t, int64_t, int64_t i, int64_t) {
    return s * 0.5 + static_cast<double>(i % 3);
  });
}

// A variant in a text, with a tensor of its own and a row that sees nothing.
TEST_P(FlashVariant, VariantInText) {
  std::vector<int64_t> limits;
  for (int64_t n = 0; n < 130; ++n)
    limits.push_back(n % 7 == 3 ? 0 : n * 31 % 130);
  check(variant("variant (limit: tensor<i32>[N]) {\n"
                "  fn allowed(b: int, h: int, i: int, j: int) -> bool {\n"
                "    return j < limit[i];\n  }\n}"),
        {arg("limit", integers({130}, limits))},
        [&](double s, int64_t, int64_t, int64_t i, int64_t j) {
          return j < limits[i] ? s : -infinity;
        });
}

// In a packed batch, positions and extents are those of a sequence.
TEST_P(FlashVariant, Ragged) {
  std::vector<int64_t> ends{0, 70, 71, 140};
  Tensor q = draw({140, heads, 32}), k = draw({140, heads, 32});
  Tensor o = fresh({140, heads, 32}), lse = fresh_acc({heads, 140});
  kernel("flash/flash_ragged_fwd.ag", {variant("sliding_window")})(
      q, k, k, integers({4}, ends), integers({4}, ends), out("o", o),
      out("lse", lse), arg("max_q", 70), arg("width", 9));
  for (int64_t b = 0; b < 3; ++b) {
    auto alone = [&](const Tensor &packed) {
      return packed.slice(0, ends[b], ends[b + 1])
          .transpose(0, 1)
          .unsqueeze(0)
          .contiguous();
    };
    EXPECT_TRUE(close(alone(o), lse.slice(1, ends[b], ends[b + 1]).contiguous(),
                      attention_by(read(alone(q)), read(alone(k)),
                                   read(alone(k)), [](Pair p, double product) {
                                     return p.key <= p.row && p.row - p.key < 9
                                                ? product / std::sqrt(32.0)
                                                : -infinity;
                                   })));
  }
}

} // namespace
} // namespace attn_grid::test
