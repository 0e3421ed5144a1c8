#ifndef ATTN_GRID_SIM_H
#define ATTN_GRID_SIM_H
/// What the software CUDA device has beside the driver's entry points: reports
/// of its checks, and counters. Plain C. docs/software-device.md tells more.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// How many mistakes of kernels the current context's device has found: each
/// kind at each instruction once. -1 without a context.
int agSimReportCount(void);
/// The text of report `index`, from 0, cut to `bytes` with its final 0. Returns
/// the length of the whole text, -1 for an index that does not exist.
int agSimReportText(int index, char *text, size_t bytes);
/// Forgets all reports.
void agSimClearReports(void);

/// Are reports printed to standard error too, when a launch ends? They are
/// until this says otherwise, unless AG_SIM_QUIET is set.
void agSimPrintReports(int on);

/// What kernels did since the counters were set to zero.
struct AgSimCounters {
  uint64_t instructions;    ///< of warps
  uint64_t globalReadBytes; ///< that threads asked for
  uint64_t globalWriteBytes;
  uint64_t globalReadSectors; ///< of 32 bytes, as a GPU would move
  uint64_t globalWriteSectors;
  uint64_t sharedAccesses;   ///< instructions
  uint64_t sharedWavefronts; ///< passes over the banks of shared memory
  uint64_t barriers;         ///< of warps
  uint64_t divergentBranches;
  uint64_t matrixProducts; ///< `mma` instructions
};
/// Copies the counters of the current context's device. Returns 0, or -1
/// without a context.
int agSimGetCounters(struct AgSimCounters *counters);
void agSimResetCounters(void);

/// Shall launches be counted instruction by instruction? 1 begins anew, 0 ends.
void agSimProfile(int on);
/// An instruction of a kernel that ran while they were.
struct AgSimRow {
  const char *kernel, *opcode, *text;   ///< until the next `agSimProfile`
  const char *file;                     ///< of the source (`.loc`), or empty
  int source;                           ///< line of that, 0 if it is not known
  int line;                             ///< of the PTX
  uint64_t count;                       ///< how often warps ran it
  uint64_t lanes;                       ///< with how many threads, in all
  uint64_t wavefronts, leastWavefronts; ///< of shared memory; how many would do
  uint64_t sectors, leastSectors;       ///< of global memory; how many would do
};
/// How many rows there are; -1 without a context.
int agSimProfileCount(void);
/// Row `index`, from 0. Returns 0, or -1 for an index that does not exist.
int agSimProfileRow(int index, struct AgSimRow *row);

#ifdef __cplusplus
}
#endif

#endif
