#ifndef AG_COMPILER_COST_DEMAND_H
#define AG_COMPILER_COST_DEMAND_H
/// What a kernel asks of a machine, counted by running its tile program with
/// scalars that are known and tiles that are not: loops as often as they run,
/// branches as they are taken. Some programs of the grid stand for all.
///
///     KernelDemand demand = demandOf(kernel, {{"N", 4096}}, {.warps = 4});

#include "dialect/AgOps.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attn_grid::compiler {

/// By the operands of a product.
enum class ProductKind { f16, bf16, i8, tf32, f32, f64 };

/// Of one program, all its threads together.
struct Demand {
  double products[6] = {};      ///< multiply-adds of dots, by ProductKind
  double groupProducts = 0;     ///< those of warpgroups, of 16-bit floats
  double groupInstructions = 0; ///< of warps, for these
  double special = 0;           ///< elements of exp2, log, reciprocals, ...
  double arithmetic = 0;        ///< elements of sums and products of floats
  double logic = 0;             ///< elements of everything else that computes
  double operandBytes = 0;      ///< of dots, that come from near memory
  double stagedBytes = 0;       ///< of tiles written to near memory first
  double boxBytes = 0;          ///< of these, what a GPU copies by itself
  double globalBytes = 0;       ///< loaded and stored
  double operations = 0;        ///< tile operations that are loops of their own

  void add(const Demand &other, double times);
};

/// What a loop, or the code around the loops, asks for: the sum over all its
/// trips, an average over programs. What lies in an inner loop is that one's.
struct LoopDemand {
  std::optional<mlir::Location> place; ///< nothing: around the loops
  double trips = 1;                    ///< of one program
  bool tripsKnown = true;
  int depth = 0;
  Demand demand;
};

struct KernelDemand {
  double programs = 0; ///< 0: an extent that they depend on is unknown
  std::vector<LoopDemand> loops; ///< in the order of the program, outside first
};

struct DemandOptions {
  /// Warps that share a tile of a dot on a GPU; 0: a CPU, where an operand is
  /// read once for each block of the result.
  int64_t warps = 0;
  bool warpgroups = false; ///< four of them share products of 64 rows
  bool boxes = false;      ///< tiles are copied without instructions of threads
};

/// The values of extents and integer scalars, by name. Those that are missing
/// are unknown: a loop then runs once, and a branch is taken.
using KnownValues = std::map<std::string, int64_t, std::less<>>;

KernelDemand demandOf(ir::KernelOp kernel, const KnownValues &values,
                      const DemandOptions &options);

} // namespace attn_grid::compiler

#endif
