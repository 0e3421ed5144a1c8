// What a variant will cost, and what the passes made of it.

#include "compiler/Compiler.h"

#include "compiler/Compilation.h"
#include "compiler/Cost/Registers.h"
#include "compiler/Cost/UnitCosts.h"
#include "compiler/Target/CpuTarget.h"
#include "compiler/Target/GpuTarget.h"

#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

using namespace mlir;

namespace attn_grid::compiler {

namespace {

/// How often each operation occurs under one.
std::map<std::string, int64_t> countOperations(Operation *root) {
  std::map<std::string, int64_t> counts;
  root->walk(
      [&](Operation *op) { ++counts[op->getName().getStringRef().str()]; });
  return counts;
}

/// Counts operations before and after each pass.
class PassCounter : public PassInstrumentation {
public:
  explicit PassCounter(std::vector<PassReport> &reports) : reports(reports) {}

  void runBeforePass(Pass *pass, Operation *op) override {
    if (!isAdaptor(pass))
      before = countOperations(op);
  }
  void runAfterPass(Pass *pass, Operation *op) override {
    if (isAdaptor(pass))
      return;
    PassReport report{pass->getArgument().str(), {}};
    std::map<std::string, int64_t> after = countOperations(op);
    for (auto [name, count] : before)
      after.try_emplace(name, 0);
    for (auto [name, count] : after)
      if (int64_t more = count - before[name])
        report.changes.emplace_back(name, more);
    reports.push_back(std::move(report));
  }

private:
  /// Passes that only run others have no name.
  static bool isAdaptor(Pass *pass) { return pass->getArgument().empty(); }

  std::vector<PassReport> &reports;
  std::map<std::string, int64_t> before;
};

/// How many blocks of a variant a multiprocessor holds, and what the limit is.
void countBlocks(Explanation &result, const UnitCosts &costs) {
  // Registers go to warps in portions of 256, that is 8 a thread.
  size_t registers = (result.registers + 7) / 8 * 8 * result.threads;
  // A block takes 1 KB of shared memory for the system.
  struct Limit {
    const char *name;
    size_t blocks;
  } limits[] = {
      {"registers", registers ? costs.registers / registers : SIZE_MAX},
      {"shared memory", costs.shared / (result.sharedBytes + 1024)},
      {"threads", costs.threads / result.threads},
      {"blocks", static_cast<size_t>(costs.blocks)},
  };
  const Limit &least = *std::min_element(
      std::begin(limits), std::end(limits),
      [](const Limit &a, const Limit &b) { return a.blocks < b.blocks; });
  result.blocks = least.blocks;
  result.blocksLimit = least.name;
}

LoopCost costOf(const LoopDemand &loop, const UnitCosts &costs, bool isGpu) {
  LoopCost cost;
  if (loop.place)
    if (auto place = (*loop.place)->findInstanceOf<FileLineColLoc>()) {
      cost.file = place.getFilename().str();
      cost.line = static_cast<int>(place.getLine());
    }
  cost.depth = loop.depth;
  cost.trips = loop.trips;
  cost.tripsKnown = loop.tripsKnown;
  std::vector<double> busy = busyCycles(loop.demand, costs);
  cost.cycles = boundOf(busy, costs);
  double trips = std::max(loop.trips, 1.0);
  for (size_t i = 0; i < busy.size(); ++i)
    if (busy[i] > 0)
      cost.units.push_back({nameOf(allUnits[i], isGpu), busy[i] / trips});
  if (cost.cycles > 0)
    cost.bound = nameOf(busiest(busy), isGpu);
  return cost;
}

} // namespace

Explanation explain(std::string_view source, std::string_view name,
                    const std::vector<std::string> &includeDirs,
                    const Specialization &specialization, const Target &target,
                    const ExplainOptions &options,
                    const FunctionBindings &functions) {
  Explanation result;
  auto parsed = parseProgram(std::string(source), std::string(name),
                             includeDirs, /*imports=*/{}, functions);
  if (parsed->diagnostics.hasErrors()) {
    result.diagnostics = parsed->diagnostics.render();
    return result;
  }
  if (!parsed->findSignature(specialization.kernel)) {
    result.diagnostics = "error: no kernel `" + specialization.kernel + "`\n";
    return result;
  }
  bool isGpu = target.kind == Target::Kind::ptx;
  const CpuTarget *cpu = isGpu ? nullptr : findCpu(target.arch);
  const GpuArch *gpu = isGpu ? findGpu(target.arch) : nullptr;
  if (!cpu && !gpu) {
    result.diagnostics =
        "error: there is no target `" + target.arch + "` to compile for\n";
    result.unsupported = true;
    return result;
  }
  Compilation compilation(*parsed, specialization);
  if (options.passes)
    compilation.instrument(
        [&] { return std::make_unique<PassCounter>(result.passes); });
  if (!compilation.toSplit()) {
    result.diagnostics = compilation.takeMessages();
    return result;
  }

  KnownValues values(options.values.begin(), options.values.end());
  UnitCosts costs = isGpu ? gpuCosts(target.arch) : cpuCosts(*cpu);
  ir::KernelOp kernel = *compilation.get().getOps<ir::KernelOp>().begin();
  DemandOptions demandOptions;
  if (isGpu)
    demandOptions = {kernel.getWarps(gpu->threads.warps),
                     gpu->threads.warpgroups, gpu->threads.boxes};
  KernelDemand demand = demandOf(kernel, values, demandOptions);
  result.programs = demand.programs;
  // Whether it can be had at all, and what memory it takes, the lowering knows.
  bool ok = isGpu ? compilation.toThreads(*gpu) : compilation.toVectors(*cpu);
  if (ok && isGpu && options.resources) {
    ok = compilation.toLLVM();
    llvm::LLVMContext context;
    std::unique_ptr<llvm::Module> code =
        ok ? compilation.translate(*gpu, context) : nullptr;
    ok = code != nullptr;
    if (ok)
      result.registers = estimateRegisters(*code);
  }
  if (!ok) {
    result.diagnostics = compilation.takeMessages();
    result.unsupported = true;
    return result;
  }
  Artifact artifact = compilation.describe();
  result.scratchBytes = artifact.scratch_bytes;
  result.sharedBytes = artifact.shared_bytes;
  result.threads = artifact.block_threads;
  if (isGpu)
    countBlocks(result, costs);
  for (LoopDemand &loop : demand.loops) {
    // What near memory does not hold comes from beyond it in every trip.
    auto scratch = static_cast<double>(result.scratchBytes);
    if (scratch > costs.workingSet)
      loop.demand.globalBytes += loop.trips * scratch;
    result.loops.push_back(costOf(loop, costs, isGpu));
    result.cycles += result.loops.back().cycles;
  }
  result.ok = true;
  return result;
}

} // namespace attn_grid::compiler
