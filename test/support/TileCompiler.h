#ifndef AG_TEST_SUPPORT_TILECOMPILER_H
#define AG_TEST_SUPPORT_TILECOMPILER_H
/// Makes all kernels of this process be compiled for tile registers, which are
/// emulated if the machine has none.

namespace attn_grid::test {

/// False on a machine that cannot run what is around the tiles: AVX-512 with
/// instructions for bf16.
bool compile_for_tiles();

} // namespace attn_grid::test

#endif
