#ifndef AG_TEST_REFERENCE_RANDOMPROGRAM_H
#define AG_TEST_REFERENCE_RANDOMPROGRAM_H
/// Random well-typed tile programs whose results are the same numbers in any
/// order of evaluation, so that two implementations agree exactly.
///
///     EXPECT_EQ(disagreement(randomProgram(seed)), "");
///
/// How: a float of kind *grid* is a multiple of 1/8 between -16 and 16. Only
/// those are summed, scanned and multiplied by `ag.dot`, which is exact in f32
/// for all tiles that occur. Other floats pass through operations of one place
/// at a time, which round correctly, and through `quantize`, which makes them
/// grid again. `max` and `min` see no NaN, since either operand would do.

#include "test/reference/Agreement.h"

namespace attn_grid::test {

/// The program of a seed; the same on every machine.
Case randomProgram(uint64_t seed);

} // namespace attn_grid::test

#endif
