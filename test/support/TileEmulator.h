#ifndef AG_TEST_SUPPORT_TILEEMULATOR_H
#define AG_TEST_SUPPORT_TILEEMULATOR_H
/// AMX in software, so that code with tile registers is tested on machines
/// without them.
///
/// While one lives, an instruction of AMX that the processor does not know is
/// carried out by a signal handler: ldtilecfg, tilerelease, tilezero,
/// tileloadd, tilestored and tdpbf16ps, as the "Intel 64 and IA-32
/// Architectures Software Developer's Manual" defines them. Anything else that
/// is illegal, or that it defines as a fault, ends the process as before.

#include <csignal>

namespace attn_grid::test {

class TileEmulator {
public:
  TileEmulator();
  ~TileEmulator();
  TileEmulator(const TileEmulator &) = delete;
  TileEmulator &operator=(const TileEmulator &) = delete;

  /// How many products of tiles were computed so far. 0 after work is done
  /// means that the processor has tiles of its own, or that none were used.
  static long products();

private:
  struct sigaction before;
};

} // namespace attn_grid::test

#endif
