#include "runtime/sim/Run.h"

#include "runtime/sim/Ops.h"
#include "runtime/sim/Registers.h"
#include "runtime/sim/Results.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <thread>

namespace attn_grid::sim {

RunOptions RunOptions::fromEnvironment() {
  RunOptions options;
  if (const char *order = std::getenv("AG_SIM_ORDER"))
    options.order = std::string_view(order) == "reverse"  ? Order::reverse
                    : std::string_view(order) == "random" ? Order::random
                                                          : Order::forward;
  if (const char *threads = std::getenv("AG_SIM_THREADS"))
    options.hostThreads =
        static_cast<unsigned>(std::clamp(std::atoi(threads), 1, 256));
  if (const char *limit = std::getenv("AG_SIM_LIMIT"))
    options.instructionLimit = std::strtoull(limit, nullptr, 10);
  return options;
}

std::string_view Program::fileOf(const Instr &instr) const {
  auto file = static_cast<size_t>(instr.file);
  return file < files.size() ? std::string_view(files[file])
                             : std::string_view();
}

/// "line 3 of flash.ag: ld.global.b32 %r1, [%rd2] (PTX line 40)".
static std::string placeOf(const Program &program, const Instr &at) {
  size_t index = static_cast<size_t>(&at - program.code.data());
  std::string place;
  if (at.source > 0)
    place = fmt::format("line {} of {}: ", at.source, program.fileOf(at));
  return place +
         fmt::format("`{}` (PTX line {})", program.texts[index], at.line);
}

void Warp::report(Problem problem, int lane, uint64_t address, uint32_t bytes,
                  const std::string &more) {
  const Grid &grid = block.grid;
  uint64_t thread = number * uint64_t(warpSize) + static_cast<uint64_t>(lane);
  std::string place = at ? placeOf(grid.program, *at) : "its end";
  std::string text = fmt::format(
      "{}: {}\n  in kernel {}, {}\n  block ({}, {}, {}), thread ({}, {}, {})",
      nameOf(problem), more.empty() ? "this instruction" : more,
      grid.program.name, place, block.id.x, block.id.y, block.id.z,
      thread % grid.threads.x, thread / grid.threads.x % grid.threads.y,
      thread / (uint64_t(grid.threads.x) * grid.threads.y));
  if (bytes)
    text += fmt::format(", {} bytes at {:#x}", bytes, address);
  grid.reports.add(problem, grid.program.name + place, text);
  if (isFatal(problem))
    throw Fault(problem, text);
}

/// 0 is none. Numbers come again after 2^32 blocks, when nobody remembers.
uint32_t Grid::newWriters(uint64_t count) {
  static std::atomic<uint32_t> next = 1;
  return next.fetch_add(static_cast<uint32_t>(count));
}

namespace {
/// The registers and warps of blocks, one block after the other.
class BlockRunner {
public:
  BlockRunner(const Grid &grid, const RunOptions &options);
  void run(Dim3 id);
  Counts total;

private:
  const Grid &grid;
  const RunOptions &options;
  const Program &program;
  uint32_t threads, warpCount;
  // Of one warp: what registers hold before anything is written to them.
  std::vector<char> image;
  std::vector<uint32_t> written; // lanes, of each register; empty: not checked
  std::unique_ptr<char[]> memory;
  char *registers = nullptr;

  void runWarp(Warp &warp);
  void atBarrier(Warp &warp, const Instr &instr, uint32_t pc, uint32_t mask,
                 uint32_t all);
  void release(std::vector<Warp> &warps);
  uint64_t random = 0x9e3779b97f4a7c15;
};
} // namespace

static void splat(char *at, int bits, uint64_t value) {
  for (int lane = 0; lane < warpSize; ++lane)
    switch (bits) {
    case 1:
      *reinterpret_cast<uint32_t *>(at) = value ? allLanes : 0;
      break;
    case 16:
      reinterpret_cast<uint16_t *>(at)[lane] = static_cast<uint16_t>(value);
      break;
    case 32:
      reinterpret_cast<uint32_t *>(at)[lane] = static_cast<uint32_t>(value);
      break;
    default:
      reinterpret_cast<uint64_t *>(at)[lane] = value;
    }
}

BlockRunner::BlockRunner(const Grid &grid, const RunOptions &options)
    : grid(grid), options(options), program(grid.program),
      threads(static_cast<uint32_t>(grid.threads.count())),
      warpCount((threads + warpSize - 1) / warpSize),
      // What was never written is a NaN, and no small integer.
      image(program.registerBytes, '\xff') {
  for (const Program::Constant &constant : program.constants)
    splat(image.data() + constant.slot, constant.bits, constant.value);
  memory =
      std::make_unique_for_overwrite<char[]>(image.size() * warpCount + 64);
  total.perInstr.resize(program.code.size());
  if (grid.reports.options.init)
    written = registersAtStart(program);
  registers = memory.get();
  registers += (64 - reinterpret_cast<uintptr_t>(registers) % 64) % 64;
}

/// Adds threads that stand at `pc` to the groups of a warp.
static void join(std::vector<Group> &groups, Group group) {
  auto place = std::find_if(groups.begin(), groups.end(),
                            [&](const Group &g) { return g.pc >= group.pc; });
  if (place != groups.end() && place->pc == group.pc)
    place->mask |= group.mask;
  else
    groups.insert(place, group);
}

/// Notes that a warp waits.
void BlockRunner::atBarrier(Warp &w, const Instr &instr, uint32_t pc,
                            uint32_t mask, uint32_t all) {
  if (mask != all || mask != w.alive) {
    if (grid.reports.options.sync)
      w.report(Problem::divergentBarrier,
               std::countr_zero(w.alive & ~mask ? w.alive & ~mask : mask), 0, 0,
               "only a part of the warp's threads are at this barrier");
  }
  w.waiting = true;
  w.waitingAt = pc;
  w.barrier = w.lanes<uint32_t>(instr.a)[std::countr_zero(mask)];
  w.expected = instr.b == noSlot
                   ? 0
                   : w.lanes<uint32_t>(instr.b)[std::countr_zero(mask)];
  w.waitingMask = mask;
  ++w.block.counters.barriers;
}

/// Do threads that an instruction names stand elsewhere?
static bool missesMembers(Warp &w, const Instr &instr, uint32_t mask) {
  uint32_t members = w.lanes<uint32_t>(instr.members)[std::countr_zero(mask)];
  return (members & w.alive & ~mask) != 0 && !w.ignoreMembers;
}

/// Runs until the warp waits for others, or has ended.
void BlockRunner::runWarp(Warp &w) {
  w.spins = false;
  const bool checksNan = grid.reports.options.nan;
  const bool perturbs = grid.reports.options.perturbs;
  const bool checksRegisters = !w.writtenLanes.empty();
  const Instr *code = program.code.data();
  std::vector<Group> &groups = w.groups;
  size_t current = 0;
  while (!groups.empty()) {
    if (current >= groups.size()) {
      // All that are left wait for threads of the warp that never come.
      w.at = &code[groups[0].pc];
      w.report(Problem::divergentBarrier, std::countr_zero(groups[0].mask), 0,
               0, "this instruction names threads that do not come here");
      w.ignoreMembers = true;
      current = 0;
    }
    uint32_t pc = groups[current].pc, active = groups[current].mask;
    uint32_t meet =
        current + 1 < groups.size() ? groups[current + 1].pc : ~uint32_t(0);
    // Until the group changes.
    for (;;) {
      const Instr &instr = code[pc];
      w.at = &instr;
      uint32_t mask = active;
      if (instr.guard != noSlot) {
        uint32_t guard = w.pred(instr.guard);
        mask &= instr.guardNegated ? ~guard : guard;
      }
      if (checksRegisters)
        checkRegisters(w, instr, mask, active);
      ++w.steps;
      InstrCounters &counted = w.block.perInstr[pc];
      ++counted.count;
      counted.lanes += static_cast<uint64_t>(std::popcount(mask));
      bool goesOn = instr.flow == Flow::next || instr.flow == Flow::trap ||
                    instr.flow == Flow::test ||
                    (instr.flow == Flow::barrier && mask == 0);
      if (goesOn) {
        if (mask) {
          if (instr.flow == Flow::trap)
            w.report(Problem::trap, std::countr_zero(mask), 0, 0,
                     "the kernel stopped itself");
          bool othersMayCome = instr.wholeWarp && current + 1 < groups.size();
          if (othersMayCome ||
              (instr.members != noSlot && missesMembers(w, instr, mask))) {
            --w.steps;
            --counted.count;
            counted.lanes -= static_cast<uint64_t>(std::popcount(mask));
            groups[current++].pc = pc;
            break;
          }
          if (program.usesProducts)
            checkProductRegisters(w, instr);
          uint32_t finite = checksNan && instr.result != Real::none
                                ? finiteOperands(w, instr, mask)
                                : 0;
          instr.run(w, instr, mask);
          if (perturbs && instr.errorBits)
            perturb(w, instr, mask);
          if (finite)
            reportNotFinite(w, instr, finite);
          if (instr.flow == Flow::test && !(w.pred(instr.d) & mask)) {
            // Others of the warp may bring about what is waited for.
            groups.erase(groups.begin() + static_cast<ptrdiff_t>(current));
            join(groups, {pc + 1, active});
            while (current < groups.size() && groups[current].pc <= pc + 1)
              ++current;
            if (current < groups.size())
              break;
            w.spins = true;
            return;
          }
        }
        if (++pc != meet)
          continue;
        groups[current + 1].mask |= active;
        groups.erase(groups.begin() + static_cast<ptrdiff_t>(current));
        current = 0;
        break;
      }
      if (w.steps > options.instructionLimit)
        w.report(Problem::tooLong, std::countr_zero(active), 0, 0,
                 fmt::format("this warp ran {} instructions", w.steps));
      if (instr.flow == Flow::branch && mask == active && groups.size() == 1) {
        pc = static_cast<uint32_t>(instr.imm);
        continue;
      }
      // Threads elsewhere in the warp may still come to the barrier.
      if (instr.flow == Flow::barrier && current + 1 < groups.size()) {
        --w.steps;
        --counted.count;
        counted.lanes -= static_cast<uint64_t>(std::popcount(mask));
        groups[current++].pc = pc;
        break;
      }
      groups.erase(groups.begin() + static_cast<ptrdiff_t>(current));
      current = 0;
      if (instr.flow == Flow::barrier) {
        atBarrier(w, instr, pc, mask, active);
        join(groups, {pc + 1, active});
        return;
      }
      if (instr.flow == Flow::exit)
        w.alive &= ~mask;
      else if (mask)
        join(groups, {static_cast<uint32_t>(instr.imm), mask});
      if (mask != active) {
        w.block.counters.divergentBranches += mask != 0;
        join(groups, {pc + 1, active & ~mask});
      }
      break;
    }
  }
}

/// Lets warps go on for whom all others have come.
void BlockRunner::release(std::vector<Warp> &warps) {
  for (uint32_t barrier = 0; barrier < 16; ++barrier) {
    std::vector<Warp *> here;
    for (Warp &warp : warps)
      if (warp.waiting && warp.barrier == barrier)
        here.push_back(&warp);
    if (here.empty())
      continue;
    uint32_t expected = here[0]->expected;
    bool isWhole = expected == 0 || expected >= warpCount * warpSize;
    size_t needed = isWhole ? warps.size() : (expected + 31) / warpSize;
    if (here.size() < needed)
      continue;
    // `bar.red`: what the threads bring, folded.
    uint32_t count = 0;
    bool all = true;
    for (Warp *warp : here) {
      const Instr &instr = program.code[warp->waitingAt];
      if (instr.d == noSlot)
        continue;
      uint32_t bits = warp->pred(instr.c) & warp->waitingMask;
      count += static_cast<uint32_t>(std::popcount(bits));
      all &= bits == warp->waitingMask;
    }
    for (Warp *warp : here) {
      const Instr &instr = program.code[warp->waitingAt];
      warp->waiting = false;
      if (instr.d == noSlot)
        continue;
      uint32_t mask = warp->waitingMask;
      if (instr.imm == 3) {
        for (int lane = 0; lane < warpSize; ++lane)
          if (mask >> lane & 1)
            warp->lanes<uint32_t>(instr.d)[lane] = count;
        continue;
      }
      bool result = instr.imm == 1 ? all : count != 0;
      uint32_t &d = warp->pred(instr.d);
      d = result ? d | mask : d & ~mask;
    }
    if (isWhole)
      here[0]->block.shared.nextEpoch();
  }
}

void BlockRunner::run(Dim3 id) {
  Block block{grid, id,
              SharedMemory(program.sharedBytes + grid.dynamicShared,
                           program.usesAsyncProxy),
              total.perInstr.data()};
  std::vector<Warp> warps;
  warps.reserve(warpCount);
  for (uint32_t n = 0; n < warpCount; ++n) {
    Warp &warp = warps.emplace_back(Warp{block});
    warp.number = n;
    warp.registers = registers + n * image.size();
    std::memcpy(warp.registers, image.data(), image.size());
    uint32_t left = threads - n * warpSize;
    warp.alive = left >= warpSize ? allLanes : (uint32_t(1) << left) - 1;
    warp.groups.push_back({0, warp.alive});
    warp.local.resize(size_t(program.localBytes) * warpSize);
    warp.localWritten.resize(warp.local.size());
    fillSpecials(warp, warpCount);
    warp.writtenLanes = written;
    if (program.usesProducts)
      watchProductRegisters(warp);
  }
  constexpr int mostRounds = 16; // the random order misses some
  int rounds = 0;
  uint64_t arrivals = 0;
  for (;;) {
    bool ran = false;
    for (uint32_t k = 0; k < warpCount; ++k) {
      uint32_t n = options.order == Order::reverse ? warpCount - 1 - k : k;
      if (options.order == Order::random) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        n = static_cast<uint32_t>(random >> 33) % warpCount;
      }
      if (warps[n].waiting || warps[n].groups.empty())
        continue;
      ran = true;
      runWarp(warps[n]);
    }
    release(warps);
    // All that run only look at barriers in memory, and nobody arrives.
    bool spins =
        ran &&
        std::all_of(warps.begin(), warps.end(),
                    [](Warp &warp) {
                      return warp.spins || warp.waiting || warp.groups.empty();
                    }) &&
        std::any_of(warps.begin(), warps.end(),
                    [](Warp &warp) { return warp.spins; });
    rounds = spins && block.arrivals == arrivals ? rounds + 1 : 0;
    arrivals = block.arrivals;
    if (rounds > mostRounds)
      for (Warp &warp : warps)
        if (warp.spins)
          warp.report(Problem::barrierMismatch,
                      std::countr_zero(warp.groups[0].mask), 0, 0,
                      "nobody arrives at the mbarrier that is waited for, or "
                      "fewer bytes than are expected");
    if (ran)
      continue;
    Warp *stuck = nullptr;
    bool isReady = false; // the random order missed it
    for (Warp &warp : warps) {
      if (warp.waiting)
        stuck = &warp;
      else
        isReady |= !warp.groups.empty();
    }
    if (isReady)
      continue;
    if (!stuck)
      break;
    stuck->at = &program.code[stuck->waitingAt];
    stuck->report(
        Problem::barrierMismatch, std::countr_zero(stuck->waitingMask), 0, 0,
        fmt::format("other warps of the block never come to barrier {}",
                    stuck->barrier));
    break;
  }
  for (Warp &warp : warps)
    block.counters.instructions += warp.steps;
  total.all.add(block.counters);
}

Counts run(const Grid &grid, const RunOptions &options) {
  uint64_t count = grid.blocks.count();
  unsigned hosts = options.hostThreads ? options.hostThreads
                                       : std::thread::hardware_concurrency();
  hosts = static_cast<unsigned>(
      std::clamp<uint64_t>(std::min<uint64_t>(hosts, count), 1, 256));
  std::atomic<uint64_t> next = 0;
  std::atomic<bool> stop = false;
  std::mutex mutex;
  Counts counts;
  counts.perInstr.resize(grid.program.code.size());
  std::exception_ptr error;
  auto work = [&] {
    try {
      BlockRunner runner(grid, options);
      for (uint64_t n; !stop && (n = next++) < count;)
        runner.run({static_cast<uint32_t>(n % grid.blocks.x),
                    static_cast<uint32_t>(n / grid.blocks.x % grid.blocks.y),
                    static_cast<uint32_t>(n / grid.blocks.x / grid.blocks.y)});
      std::lock_guard lock(mutex);
      counts.all.add(runner.total.all);
      for (size_t i = 0; i < counts.perInstr.size(); ++i)
        counts.perInstr[i].add(runner.total.perInstr[i]);
    } catch (...) {
      stop = true;
      std::lock_guard lock(mutex);
      if (!error)
        error = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  for (unsigned n = 1; n < hosts; ++n)
    others.emplace_back(work);
  work();
  for (std::thread &thread : others)
    thread.join();
  if (error)
    std::rethrow_exception(error);
  return counts;
}

} // namespace attn_grid::sim
