#ifndef AG_TEST_SUPPORT_KERNELGRAMMAR_H
#define AG_TEST_SUPPORT_KERNELGRAMMAR_H
/// Makes sources that are right in their syntax, out of choices that are bytes:
/// a random generator's, or a fuzzer's, which so learns which choices matter.
/// Equal bytes make equal sources; when they end, the smallest choice is taken.
///
///     std::string source = makeKernel({1, 7, 200, 13});
///
/// Names are mostly declared and types mostly fit, so that many sources get far
/// into the compiler, and some get there wrongly.

#include <cstdint>
#include <span>
#include <string>

namespace attn_grid::compiler::test {

/// A source of declarations; the last one is a kernel.
std::string makeKernel(std::span<const uint8_t> choices);

/// The same tokens with other blanks, line breaks and comments between them.
/// `text` has no mistakes.
std::string scatterLayout(const std::string &text, uint32_t seed);

} // namespace attn_grid::compiler::test

#endif
