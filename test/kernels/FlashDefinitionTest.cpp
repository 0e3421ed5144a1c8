// flash_fwd against its definition, over a table of sizes and types.

#include "test/kernels/FlashCase.h"

#include <gtest/gtest.h>

namespace attn_grid::test {
namespace {

constexpr DType dtypes[] = {f32, f16, bf16, f64};

/// Adds the case in every type, causal and not.
void add_all(std::vector<FlashCase> &cases, FlashCase test) {
  for (DType dtype : dtypes)
    for (bool causal : {false, true}) {
      test.dtype = dtype;
      test.causal = causal;
      cases.push_back(test);
    }
}

/// Widths: powers of two, odd ones, one beyond and one below.
std::vector<FlashCase> widths() {
  std::vector<FlashCase> cases;
  for (int64_t width : {1, 2, 3, 8, 16, 17, 40, 64, 80, 96, 128, 200, 256})
    add_all(cases,
            {.rows = 70, .keys = 100, .width = width, .value_width = width});
  return cases;
}

/// The width of v is its own.
std::vector<FlashCase> value_widths() {
  constexpr std::pair<int64_t, int64_t> pairs[] = {
      {64, 128}, {128, 64}, {16, 1}, {3, 17}, {80, 96}, {1, 256}};
  std::vector<FlashCase> cases;
  for (auto [width, value_width] : pairs)
    for (bool causal : {false, true})
      cases.push_back({.rows = 33,
                       .keys = 70,
                       .width = width,
                       .value_width = value_width,
                       .causal = causal});
  return cases;
}

/// Lengths around the edges of tiles; as many queries as keys, one query, and
/// more queries than keys, whose first rows are empty if causal.
std::vector<FlashCase> lengths() {
  std::vector<FlashCase> cases;
  for (int64_t keys : {0, 1, 2, 15, 16, 63, 64, 65, 100, 127, 128, 129, 257}) {
    add_all(cases, {.rows = keys, .keys = keys});
    if (keys != 1)
      add_all(cases, {.rows = 1, .keys = keys});
    add_all(cases, {.rows = keys + 7, .keys = keys});
  }
  for (bool causal : {false, true}) {
    cases.push_back({.rows = 1000, .keys = 1000, .causal = causal});
    cases.push_back({.heads = 1, .rows = 4097, .keys = 257, .causal = causal});
    cases.push_back({.heads = 1, .rows = 257, .keys = 4097, .causal = causal});
    cases.push_back({.heads = 1,
                     .rows = 130,
                     .keys = 4097,
                     .dtype = bf16,
                     .causal = causal});
  }
  cases.push_back({.heads = 1, .rows = 4097, .keys = 4097, .causal = true});
  return cases;
}

/// Query heads share the heads of k and v in contiguous groups.
std::vector<FlashCase> groups() {
  constexpr std::array<int64_t, 3> sizes[] = {{2, 6, 2}, {3, 4, 4}, {2, 4, 1},
                                              {1, 1, 1}, {0, 2, 1}, {2, 0, 1}};
  std::vector<FlashCase> cases;
  for (auto [batch, heads, groups] : sizes)
    for (bool causal : {false, true})
      cases.push_back({.batch = batch,
                       .heads = heads,
                       .groups = groups,
                       .rows = 40,
                       .keys = 75,
                       .causal = causal});
  return cases;
}

/// Other blocks round differently, within the same bounds.
std::vector<FlashCase> blocks() {
  constexpr std::pair<int64_t, int64_t> sizes[] = {
      {32, 64}, {128, 32}, {16, 128}, {8, 16}, {1, 64}, {64, 1}};
  std::vector<FlashCase> cases;
  for (auto [row_block, key_block] : sizes)
    for (bool causal : {false, true})
      cases.push_back({.rows = 150,
                       .keys = 165,
                       .width = 40,
                       .value_width = 40,
                       .causal = causal,
                       .row_block = row_block,
                       .key_block = key_block});
  return cases;
}

class FlashDefinition : public testing::TestWithParam<FlashCase> {};

TEST_P(FlashDefinition, Matches) { check_flash(GetParam()); }

auto case_name = [](const testing::TestParamInfo<FlashCase> &info) {
  return info.param.name();
};
INSTANTIATE_TEST_SUITE_P(Widths, FlashDefinition, testing::ValuesIn(widths()),
                         case_name);
INSTANTIATE_TEST_SUITE_P(ValueWidths, FlashDefinition,
                         testing::ValuesIn(value_widths()), case_name);
INSTANTIATE_TEST_SUITE_P(Lengths, FlashDefinition, testing::ValuesIn(lengths()),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Groups, FlashDefinition, testing::ValuesIn(groups()),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Blocks, FlashDefinition, testing::ValuesIn(blocks()),
                         case_name);

} // namespace
} // namespace attn_grid::test
