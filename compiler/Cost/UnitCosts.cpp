#include "compiler/Cost/UnitCosts.h"

#include "compiler/Target/CpuTarget.h"

#include "llvm/Support/ErrorHandling.h"

#include <algorithm>

namespace attn_grid::compiler {

// Sources of the table, by letter:
//
// G  NVIDIA, CUDA C++ Programming Guide, "Arithmetic Instructions": results per
//    clock and multiprocessor (f32, f64, special functions), and "Technical
//    Specifications per Compute Capability": registers, shared memory, threads,
//    blocks. Four schedulers issue an instruction each; shared memory has 32
//    banks of 4 bytes.
// A  NVIDIA A100 whitepaper: 312 TFLOPS of f16, 156 of tf32, 624 TOPS of i8 on
//    108 multiprocessors at 1.41 GHz; the L2 cache gives 5120 bytes per clock.
// B  NVIDIA A40 data sheet: 149.7 TFLOPS of f16, 84 multiprocessors, 1.74 GHz.
// C  NVIDIA L40S data sheet: 362 TFLOPS of f16, 142 multiprocessors, 2.52 GHz.
// D  NVIDIA H100 SXM data sheet: 989 TFLOPS of f16, 132 multiprocessors, 1.83
//    GHz: 2048 multiply-adds, which only `wgmma` reaches. `mma.sync`, of fewer
//    than 64 rows, has 62.9 % of it: Luo et al., "Benchmarking and
//    Dissecting the Nvidia Hopper GPU Architecture via Microbenchmarking",
//    2024.
//
// E  No figure for `mma.sync` on sm_100a is published: sm_80's is assumed.
//
// F  NVIDIA RTX PRO 6000 Blackwell data sheet: 4000 TOPS of sparse fp4, so 500
//    of dense f16, 188 multiprocessors, 2.62 GHz.
//
// L  The L2 cache of the others: no figure per clock is published, the 64 bytes
//    of the path to a multiprocessor are taken.
//
// On all of them f32 dots go to the FMA units, as other sums and products do.
// Comparisons, selections, integers, conversions: 64 lanes (G).
namespace {
struct Row {
  std::string_view arch;
  UnitCosts costs;
};
} // namespace

static UnitCosts gpu(double f16, double i8, double tf32, double f32, double f64,
                     double globalBytes, int sharedKilobytes, int threads,
                     int blocks, double group = 0) {
  UnitCosts costs{};
  costs.products[static_cast<int>(ProductKind::f16)] = f16;
  costs.products[static_cast<int>(ProductKind::bf16)] = f16;
  costs.products[static_cast<int>(ProductKind::i8)] = i8;
  costs.products[static_cast<int>(ProductKind::tf32)] = tf32;
  costs.products[static_cast<int>(ProductKind::f32)] = f32;
  costs.products[static_cast<int>(ProductKind::f64)] = f64;
  costs.groupProducts = group;
  costs.special = 16;      // G
  costs.arithmetic = f32;  // G
  costs.logic = 64;        // G
  costs.sharedBytes = 128; // G
  costs.globalBytes = globalBytes;
  costs.issue = 4;         // G
  costs.registers = 65536; // G
  costs.shared = sharedKilobytes * 1024;
  costs.threads = threads;
  costs.blocks = blocks;
  return costs;
}

const UnitCosts &gpuCosts(std::string_view arch) {
  static const Row table[] = {
      //             f16   i8  tf32  f32 f64 L2  shared threads blocks
      {"sm_80", gpu(1024, 2048, 512, 64, 32, 47, 164, 2048, 32)},  // A, G
      {"sm_86", gpu(512, 1024, 256, 128, 2, 64, 100, 1536, 16)},   // B, L, G
      {"sm_89", gpu(512, 1024, 256, 128, 2, 64, 100, 1536, 24)},   // C, L, G
      {"sm_90", gpu(1288, 2576, 644, 128, 64, 64, 228, 2048, 32)}, // D, L, G
      {"sm_90a",
       gpu(1288, 2576, 644, 128, 64, 64, 228, 2048, 32, 2048)},      // D, L, G
      {"sm_100a", gpu(1024, 2048, 512, 128, 64, 64, 228, 2048, 32)}, // E, L, G
      {"sm_120", gpu(512, 1024, 256, 128, 2, 64, 100, 1536, 24)},    // F, L, G
  };
  for (const Row &row : table)
    if (row.arch == arch)
      return row.costs;
  llvm_unreachable("the table has all architectures: CostTest");
}

// Of a core of today's x86-64: Agner Fog, "Instruction tables" (two vector
// operations a cycle, of which a fused multiply-add is one; without it a
// product takes two), two loads a cycle from L1, and some 16 bytes a cycle from
// L2. An element of exp2 takes seven vector operations, as ag-bench counts
// them; 100 cycles is what a nest of loops takes to begin and end, seen in
// profiles.
UnitCosts cpuCosts(const CpuTarget &cpu) {
  double lanes = static_cast<double>(cpu.vectors.vectorBits) / 32;
  UnitCosts costs{};
  double products = lanes * (cpu.vectors.fma ? 2 : 1);
  std::fill(std::begin(costs.products), std::end(costs.products), products);
  costs.products[static_cast<int>(ProductKind::f64)] = products / 2;
  // vdpbf16ps takes the place of a multiply-add (Agner Fog, Zen 4); tdpbf16ps
  // does 16 x 16 x 32 in 16 cycles (Intel's optimization manual, AMX).
  int64_t pairs = cpu.vectors.bf16Products;
  costs.products[static_cast<int>(ProductKind::bf16)] =
      pairs == 32 ? 512 : products * static_cast<double>(pairs);
  costs.special = lanes * 2 / 7;
  costs.arithmetic = lanes * 2;
  costs.logic = lanes * 2;
  costs.sharedBytes = 2 * static_cast<double>(cpu.vectors.vectorBits) / 8;
  costs.globalBytes = 16;
  costs.perOperation = 100;
  costs.takesTurns = true;
  costs.workingSet = 512 << 10; // the smallest L2 cache that is still common
  return costs;
}

std::vector<double> busyCycles(const Demand &demand, const UnitCosts &costs) {
  double matrix = 0, arithmetic = demand.arithmetic / costs.arithmetic;
  for (size_t kind = 0; kind < std::size(demand.products); ++kind) {
    double cycles = demand.products[kind] / costs.products[kind];
    // IEEE products of a GPU are arithmetic.
    bool isMatrix =
        costs.takesTurns || kind < static_cast<size_t>(ProductKind::f32);
    (isMatrix ? matrix : arithmetic) += cycles;
  }
  if (demand.groupProducts > 0)
    matrix += demand.groupProducts / costs.groupProducts;
  double issue = 0;
  if (costs.issue > 0) {
    double products = 0,
           lanes = demand.special + demand.arithmetic + demand.logic;
    for (size_t kind = 0; kind < std::size(demand.products); ++kind)
      (kind < static_cast<size_t>(ProductKind::f32) ? products : lanes) +=
          demand.products[kind];
    // A product of 16 x 8 x 16, four matrices of 8 x 8 x 16 bits, and copies of
    // 16 bytes a lane are an instruction each.
    double loaded = demand.groupProducts > 0 ? 0 : demand.operandBytes;
    double copied =
        demand.stagedBytes + demand.globalBytes - 2 * demand.boxBytes;
    issue = (products / 2048 + demand.groupInstructions + lanes / 32 +
             loaded / 512 + std::max(copied, 0.0) / 512) /
            costs.issue;
  }
  double shared =
      (demand.operandBytes + demand.stagedBytes) / costs.sharedBytes;
  return {matrix,
          demand.special / costs.special,
          arithmetic,
          demand.logic / costs.logic + demand.operations * costs.perOperation,
          shared,
          demand.globalBytes / costs.globalBytes,
          issue};
}

double boundOf(const std::vector<double> &busy, const UnitCosts &costs) {
  if (!costs.takesTurns)
    return *std::max_element(busy.begin(), busy.end());
  // All that computes.
  double turns = busy[0] + busy[1] + busy[2] + busy[3];
  return std::max({turns, busy[4], busy[5]});
}

Unit busiest(const std::vector<double> &busy) {
  return allUnits[std::max_element(busy.begin(), busy.end()) - busy.begin()];
}

const char *nameOf(Unit unit, bool isGpu) {
  switch (unit) {
  case Unit::matrix:
    return isGpu ? "matrix" : "products";
  case Unit::special:
    return "special functions";
  case Unit::arithmetic:
    return "arithmetic";
  case Unit::logic:
    return "logic";
  case Unit::shared:
    return isGpu ? "shared memory" : "L1 cache";
  case Unit::global:
    return "L2 cache";
  case Unit::issue:
    return "issue";
  }
  return "";
}

} // namespace attn_grid::compiler
