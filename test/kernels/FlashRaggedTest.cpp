// flash_ragged_fwd: every sequence of a packed batch gives what it gives alone.

#include "test/kernels/Dropout.h"
#include "test/kernels/KernelCase.h"
#include "test/support/DeviceKernel.h"

namespace attn_grid::test {
namespace {

class FlashRagged : public KernelTest {
protected:
  struct Options {
    bool causal = false;
    int64_t align = 0;
    std::optional<std::pair<int64_t, int64_t>> window = {};
    double cap = 0;
    bool slopes = false;
    double p = 0; // of dropout
  };

  static std::vector<int64_t> ends(const std::vector<int64_t> &lengths) {
    std::vector<int64_t> result{0};
    for (int64_t length : lengths)
      result.push_back(result.back() + length);
    return result;
  }

  void check(const std::vector<int64_t> &q_lengths,
             const std::vector<int64_t> &k_lengths, const Options &options) {
    constexpr int64_t heads = 4, groups = 2, width = 32, value_width = 24;
    int64_t batch = static_cast<int64_t>(q_lengths.size());
    std::vector<int64_t> cu_q = ends(q_lengths), cu_k = ends(k_lengths);
    int64_t max_q = 0;
    for (int64_t length : q_lengths)
      max_q = std::max(max_q, length);
    Tensor q = draw({cu_q.back(), heads, width});
    Tensor k = draw({cu_k.back(), groups, width});
    Tensor v = draw({cu_k.back(), groups, value_width});
    Tensor slopes = Tensor::uniform({batch, heads}, f32, {}, ++seed);
    Tensor o = fresh({cu_q.back(), heads, value_width});
    Tensor lse = fresh_acc({heads, cu_q.back()});
    kernel("flash/flash_ragged_fwd.ag",
           {{"causal", options.causal},
            {"align", options.align},
            {"windowed", options.window.has_value()},
            {"dropped", options.p != 0},
            {"capped", options.cap != 0}})(
        q, k, v, integers({batch + 1}, cu_q), integers({batch + 1}, cu_k),
        options.slopes ? Arg(slopes) : Arg(none), out(o), out(lse),
        arg("max_q", max_q), arg("cap", options.cap != 0 ? options.cap : 1.0),
        arg("left", options.window ? options.window->first : -1),
        arg("right", options.window ? options.window->second : -1),
        arg("p", options.p), arg("seed", 77), arg("offset", 3));
    for (int64_t b = 0; b < batch; ++b) {
      // One sequence as a batch of its own.
      auto alone = [&](const Tensor &packed, const std::vector<int64_t> &cu) {
        return packed.slice(0, cu[b], cu[b + 1]).transpose(0, 1).unsqueeze(0);
      };
      int64_t shift = options.align == 0 ? k_lengths[b] - q_lengths[b] : 0;
      Attention want = attention_by(
          read(alone(q, cu_q)), read(alone(k, cu_k)), read(alone(v, cu_k)),
          [&](Pair p, double product) {
            int64_t place = p.row + shift;
            bool allowed = !options.causal || p.key <= place;
            if (options.window)
              allowed = allowed && p.key >= place - options.window->first &&
                        p.key <= place + options.window->second;
            if (!allowed)
              return -infinity;
            double t = product / std::sqrt(static_cast<double>(width));
            if (options.cap != 0)
              t = options.cap * std::tanh(t / options.cap);
            if (options.slopes)
              t -= slopes.at({b, p.head}) *
                   static_cast<double>(std::abs(place - p.key));
            return t;
          },
          [&](Pair p) {
            return dropout_weight(options.p, 77, 3, b * heads + p.head, p.row,
                                  p.key);
          });
      Tensor found = alone(o, cu_q).contiguous();
      Tensor found_lse = lse.slice(1, cu_q[b], cu_q[b + 1]).contiguous();
      EXPECT_TRUE(close(found, found_lse, want)) << "sequence " << b;
    }
  }
};
AG_FLOAT_TYPES(FlashRagged);

TEST_P(FlashRagged, Sequences) {
  for (bool causal : {false, true})
    for (int64_t align : {0, 1}) {
      check({70, 1, 130, 64}, {70, 100, 40, 64},
            {.causal = causal, .align = align});
      check({100}, {33}, {.causal = causal, .align = align});
    }
}

// Positions and heads count as in a batch of sequences of their own.
TEST_P(FlashRagged, Dropout) {
  check({70, 1, 40}, {70, 100, 30}, {.causal = true, .p = 0.25});
}

// A sequence without queries writes nothing, one without keys zeros.
TEST_P(FlashRagged, EmptySequences) {
  check({0, 70, 0, 5}, {20, 0, 0, 9}, {.causal = true});
  check({0, 0}, {0, 0}, {});
}

TEST_P(FlashRagged, Options) {
  check({70, 90}, {80, 40},
        {.causal = true, .window = std::pair<int64_t, int64_t>{20, 3}});
  check({70, 90}, {80, 40}, {.cap = 1.5, .slopes = true});
}

// A sequence does not see its neighbours, whatever these hold.
TEST_P(FlashRagged, NeighboursDoNotLeak) {
  Tensor q = draw({100, 2, 32}), k = draw({100, 2, 32});
  Tensor cu = integers({3}, {0, 37, 100});
  DeviceKernel flash = kernel("flash/flash_ragged_fwd.ag");
  Tensor clean = flash(q, k, k, cu, cu, arg("max_q", 63))["o"];
  Tensor bad = k.clone();
  bad.slice(0, 37, 100).fill(notANumber);
  Tensor found = flash(q, bad, bad, cu, cu, arg("max_q", 63))["o"];
  EXPECT_TRUE(close(found.slice(0, 0, 37).contiguous(),
                    clean.slice(0, 0, 37).to_vector()));
}

} // namespace
} // namespace attn_grid::test
