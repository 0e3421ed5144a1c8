#ifndef AG_COMPILER_COST_UNITCOSTS_H
#define AG_COMPILER_COST_UNITCOSTS_H
/// What one multiprocessor of a GPU, or one core of a CPU, does in a cycle.

#include "compiler/Cost/Demand.h"

#include <string_view>
#include <vector>

namespace attn_grid::compiler {

struct CpuTarget;

/// Units that work side by side, except as `takesTurns` says.
enum class Unit { matrix, special, arithmetic, logic, shared, global, issue };
inline constexpr Unit allUnits[] = {
    Unit::matrix, Unit::special, Unit::arithmetic, Unit::logic,
    Unit::shared, Unit::global,  Unit::issue};

/// All per cycle.
struct UnitCosts {
  double products[6];   ///< multiply-adds, by ProductKind
  double groupProducts; ///< multiply-adds of warpgroups; 0: there are none
  double special;       ///< elements
  double arithmetic;    ///< elements
  double logic;         ///< elements
  double sharedBytes;   ///< of near memory: shared memory, or the L1 cache
  double globalBytes;   ///< from beyond: L2
  double issue;         ///< instructions of 32 lanes; 0: no bound of its own
  double perOperation;  ///< cycles that a tile operation takes beside its work
  /// Do products, special functions and arithmetic take turns on the same
  /// units, as on a CPU?
  bool takesTurns;
  double workingSet; ///< bytes of scratch that near memory holds

  // What limits how many blocks a multiprocessor holds; 0 on a CPU.
  int registers = 0, shared = 0, threads = 0, blocks = 0;
};

/// The table's row for an architecture (`sm_90a`). It must be known.
const UnitCosts &gpuCosts(std::string_view arch);
UnitCosts cpuCosts(const CpuTarget &cpu);

/// The cycles for which a demand keeps each unit busy, in the order of
/// `allUnits`.
std::vector<double> busyCycles(const Demand &demand, const UnitCosts &costs);
/// The cycles that the busiest takes, or those that take turns.
double boundOf(const std::vector<double> &busy, const UnitCosts &costs);
/// Which unit that is.
Unit busiest(const std::vector<double> &busy);
const char *nameOf(Unit unit, bool isGpu);

} // namespace attn_grid::compiler

#endif
