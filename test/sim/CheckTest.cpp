// Every check with a kernel that must trip it, and the same kernel mended.

#include "test/sim/Driver.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

using namespace sim_test;
using testing::HasSubstr;

namespace {

// Read when the first test opens the device.
[[maybe_unused]] const int limited = setenv("AG_SIM_LIMIT", "5000000", 1);

/// A kernel of one block: `p` points to 256 bytes, all of them written; %r0 is
/// the thread, %d0 is p, %d1 is p + 4 * thread; `tile` is shared memory.
std::string kernelOf(const std::string &body) {
  return ".version 8.0\n.target sm_80\n.address_size 64\n"
         ".visible .entry k(.param .u64 p)\n{\n"
         ".reg .pred %p<4>;\n.reg .b32 %r<9>;\n.reg .b64 %d<9>;\n"
         ".shared .align 16 .b8 tile[512];\n"
         "mov.u32 %r0, %tid.x;\nld.param.u64 %d0, [p];\n"
         "mul.wide.u32 %d1, %r0, 4;\nadd.s64 %d1, %d0, %d1;\n"
         "shl.b32 %r1, %r0, 2;\nmov.u32 %r2, tile;\nadd.s32 %r1, %r1, %r2;\n" +
         body + "ret;\n}\n";
}

struct Ran {
  CUresult result;
  std::string reports;
};
/// Runs it with that many threads.
Ran ran(const std::string &body, unsigned threads = 64) {
  open();
  Module module(kernelOf(body));
  EXPECT_EQ(module.result, CUDA_SUCCESS) << module.error;
  Array<uint32_t> p(std::vector<uint32_t>(64, 5));
  Ran made;
  made.result = Launch().add(p).run(module.function("k"), {1}, {threads});
  made.reports = reports();
  agSimClearReports();
  return made;
}
void expectRight(const std::string &body, unsigned threads = 64) {
  Ran made = ran(body, threads);
  EXPECT_EQ(made.result, CUDA_SUCCESS);
  EXPECT_EQ(made.reports, "");
}
void expectReport(const std::string &body, const std::string &text,
                  CUresult result = CUDA_SUCCESS, unsigned threads = 64) {
  Ran made = ran(body, threads);
  EXPECT_EQ(made.result, result);
  EXPECT_THAT(made.reports, HasSubstr(text));
}

TEST(Checks, Bounds) {
  expectRight("ld.global.u32 %r3, [%d1];\nst.global.u32 [%d1], %r3;\n");
  expectReport("ld.global.u32 %r3, [%d1+4];\n",
               "out of bounds: read of 0 bytes behind the end of the 256 bytes",
               CUDA_ERROR_ILLEGAL_ADDRESS);
  expectReport("st.global.u32 [%d0+-4], %r0;\n", "out of bounds: write to ",
               CUDA_ERROR_ILLEGAL_ADDRESS);
  expectReport("mov.u64 %d2, 0;\nld.global.u32 %r3, [%d2];\n",
               "out of bounds: read of no memory of the device",
               CUDA_ERROR_ILLEGAL_ADDRESS);
  // The last byte of an access counts.
  expectReport("ld.global.v4.u32 {%r3, %r4, %r5, %r6}, [%d0+256];\n",
               "out of bounds", CUDA_ERROR_ILLEGAL_ADDRESS, 1);
  expectRight("st.shared.u32 [%r1], %r0;\n");
  expectReport("st.shared.u32 [%r1+260], %r0;\n",
               "out of bounds: write to 512 bytes of shared memory",
               CUDA_ERROR_ILLEGAL_ADDRESS);
  // Guarded away.
  expectRight("setp.lt.u32 %p0, %r0, 63;\n@%p0 ld.global.u32 %r3, [%d1+4];\n");
}

TEST(Checks, FreedMemory) {
  open();
  Module module(kernelOf("ld.global.u32 %r3, [%d1];\n"));
  CUdeviceptr gone;
  {
    Array<uint32_t> p(std::vector<uint32_t>(64, 5));
    gone = p.address;
  }
  EXPECT_EQ(Launch().add(gone).run(module.function("k"), {1}, {64}),
            CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_THAT(reports(), HasSubstr(", freed"));
  agSimClearReports();
  EXPECT_EQ(cuMemFree_v2(gone), CUDA_ERROR_INVALID_VALUE);
}

TEST(Checks, Alignment) {
  expectRight("ld.global.v2.u32 {%r3, %r4}, [%d0+8];\n");
  expectReport("ld.global.v2.u32 {%r3, %r4}, [%d0+4];\n", "misaligned",
               CUDA_ERROR_MISALIGNED_ADDRESS);
  expectReport("st.shared.u32 [tile+2], %r0;\n", "misaligned",
               CUDA_ERROR_MISALIGNED_ADDRESS, 1);
}

TEST(Checks, UninitialisedMemory) {
  expectRight("st.shared.u32 [%r1], %r0;\nld.shared.u32 %r3, [%r1];\n");
  expectReport("ld.shared.u32 %r3, [%r1];\n",
               "uninitialised memory: read of shared memory");
  open();
  Module module(kernelOf("ld.global.u32 %r3, [%d1];\n"));
  Array<uint32_t> fresh(64);
  EXPECT_EQ(Launch().add(fresh).run(module.function("k"), {1}, {64}),
            CUDA_SUCCESS);
  EXPECT_THAT(reports(), HasSubstr("uninitialised memory: read of global "
                                   "memory, byte 0 of the 256 bytes"));
  agSimClearReports();
  cuMemsetD8Async(fresh.address, 0, 256, nullptr);
  EXPECT_EQ(Launch().add(fresh).run(module.function("k"), {1}, {64}),
            CUDA_SUCCESS);
  EXPECT_EQ(reports(), "");
}

TEST(Checks, UninitialisedRegisters) {
  expectReport("add.u32 %r3, %r4, 1;\n",
               "uninitialised memory: use of a register that nothing was "
               "written to");
  expectRight("mov.u32 %r4, 1;\nadd.u32 %r3, %r4, 1;\n");
  // Some lanes only.
  std::string some = "setp.lt.u32 %p0, %r0, 5;\n@%p0 mov.u32 %r4, 1;\n";
  expectReport(some + "add.u32 %r3, %r4, 1;\n", "thread (5, 0, 0)");
  expectRight(some + "@%p0 add.u32 %r3, %r4, 1;\n");
  // An address, a value that is stored, a guard.
  expectReport("mov.u32 %r3, 0;\n@%p1 add.u32 %r3, %r3, 1;\n",
               "use of a register");
  expectReport("st.global.u32 [%d1], %r4;\n", "use of a register");
  expectReport("st.shared.u8 [%r4], %r0;\n", "use of a register",
               CUDA_ERROR_ILLEGAL_ADDRESS);
  // Moves pass it on.
  expectRight("mov.u32 %r4, %r5;\n");
  expectReport("mov.u32 %r4, %r5;\nadd.u32 %r3, %r4, 1;\n",
               "`add.u32 %r3, %r4, 1`");
  std::string chosen = "setp.lt.u32 %p0, %r0, 64;\n"
                       "selp.b32 %r4, %r0, %r5, %p0;\n";
  expectRight(chosen + "add.u32 %r3, %r4, 1;\n");
  expectReport(chosen + "selp.b32 %r4, %r5, %r0, %p0;\n"
                        "add.u32 %r3, %r4, 1;\n",
               "use of a register");
  // Of two halves one.
  expectRight("mov.b64 %d2, {%r0, %r5};\nmov.b64 {%r3, %r4}, %d2;\n"
              "add.u32 %r3, %r3, 1;\n");
  // What a barrier and a vote give.
  expectRight("setp.lt.u32 %p0, %r0, 5;\nbar.red.or.pred %p1, 0, %p0;\n"
              "@%p1 mov.u32 %r3, 1;\nshfl.sync.bfly.b32 %r4|%p2, %r0, 1, 31, "
              "-1;\n@%p2 add.u32 %r4, %r4, 1;\n");
}

TEST(Checks, UninitialisedLocalMemory) {
  std::string depot = ".local .align 4 .b8 depot[8];\nmov.u64 %d2, depot;\n";
  expectReport(depot + "ld.local.u32 %r3, [%d2+4];\n",
               "uninitialised memory: read of local memory");
  expectRight(depot + "st.local.u32 [%d2+4], %r0;\n"
                      "ld.local.u32 %r3, [%d2+4];\n");
}

TEST(Checks, BlocksThatWriteTheSame) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "the blocks of this kernel race, and so do their threads";
#endif
#endif
  auto blocks = [](const std::string &body, unsigned count) {
    open();
    Module module(kernelOf(body));
    EXPECT_EQ(module.result, CUDA_SUCCESS) << module.error;
    Array<uint32_t> p(std::vector<uint32_t>(64, 5));
    EXPECT_EQ(Launch().add(p).run(module.function("k"), {count}, {32}),
              CUDA_SUCCESS);
    // Another launch is behind it.
    EXPECT_EQ(Launch().add(p).run(module.function("k"), {count}, {32}),
              CUDA_SUCCESS);
    std::string text = reports();
    agSimClearReports();
    return text;
  };
  std::string same = "st.global.u32 [%d1], %r0;\n";
  EXPECT_EQ(blocks(same, 2), "");
  std::string store = "mov.u32 %r3, %ctaid.x;\nst.global.u32 [%d1], %r3;\n";
  EXPECT_EQ(blocks(store, 1), "");
  EXPECT_THAT(blocks(store, 2), HasSubstr("race: block ("));
  EXPECT_THAT(blocks(store, 2),
              HasSubstr("wrote this too, byte 0 of the 256 bytes at"));
  std::string apart = "mov.u32 %r3, %ctaid.x;\nmul.wide.u32 %d2, %r3, 128;\n"
                      "add.s64 %d1, %d1, %d2;\n";
  EXPECT_EQ(blocks(apart + store, 2), "");
  // By a byte only.
  EXPECT_THAT(blocks("mov.u32 %r3, %ctaid.x;\ncvt.u64.u32 %d2, %r3;\n"
                     "add.s64 %d1, %d0, %d2;\nst.global.u8 [%d1], %r3;\n"
                     "st.global.u8 [%d1+1], %r3;\n",
                     2),
              HasSubstr("1 bytes at"));
  EXPECT_EQ(blocks("red.global.add.u32 [%d1], 1;\n", 2), "");
}

TEST(Checks, Races) {
  // Warp 0 reads what warp 1 writes.
  std::string write = "st.shared.u32 [%r1], %r0;\n",
              read = "xor.b32 %r4, %r1, 128;\nld.shared.u32 %r3, [%r4];\n",
              barrier = "bar.sync 0;\n";
  expectRight(write + barrier + read);
  expectReport(write + read + barrier, "race: read of shared memory, with "
                                       "another warp since the last barrier");
  // Read, then written by another.
  expectRight(write + barrier + read + barrier + write);
  expectReport(write + barrier + read + write,
               "race: write to shared memory, with another warp");
  // Both write.
  expectReport("st.shared.u32 [tile], %r0;\n", "race: write to shared memory");
  expectRight("st.shared.u32 [tile], %r0;\n", 32); // one warp: in order
  // Atomics may meet.
  std::string zero =
      "setp.eq.u32 %p0, %r0, 0;\n@%p0 st.shared.u32 [tile], 0;\n";
  expectRight(zero + barrier + "atom.shared.add.u32 %r3, [tile], 1;\n");
  expectReport(zero + "atom.shared.add.u32 %r3, [tile], 1;\n", "race");
}

TEST(Checks, CopiesInFlight) {
  std::string copy = "mul.wide.u32 %d3, %r0, 12;\nadd.s64 %d3, %d3, 0;\n"
                     "and.b32 %r3, %r0, 15;\nshl.b32 %r3, %r3, 4;\n"
                     "add.s32 %r4, %r3, %r2;\ncvt.u64.u32 %d2, %r3;\n"
                     "add.s64 %d2, %d0, %d2;\nsetp.lt.u32 %p0, %r0, 16;\n"
                     "@%p0 cp.async.cg.shared.global [%r4], [%d2], 16;\n"
                     "cp.async.commit_group;\n",
              wait = "cp.async.wait_group 0;\n", barrier = "bar.sync 0;\n",
              read = "ld.shared.u32 %r5, [%r1];\n";
  expectRight(copy + wait + barrier + read);
  expectReport(copy + barrier + read, "asynchronous work in flight: read of "
                                      "shared memory");
  expectReport(copy + "cp.async.wait_group 1;\n" + barrier + read,
               "asynchronous work in flight");
  expectReport(copy + wait + read, "race"); // others have not waited
  expectReport(copy + "st.shared.u32 [%r1], %r0;\n",
               "asynchronous work in flight: write to shared memory");
}

/// A copy whose source is ignored reads nothing, from wherever, and gives
/// zeros.
TEST(Checks, CopiesThatReadNothing) {
  auto copy = [](const char *predicate) {
    return std::string("and.b32 %r3, %r0, 15;\nshl.b32 %r3, %r3, 4;\n"
                       "add.s32 %r4, %r3, %r2;\nmov.u64 %d2, 64;\n"
                       "setp.lt.u32 %p0, %r0, 16;\n") +
           "setp." + predicate + ".u32 %p1, %r0, 0;\n" +
           "@%p0 cp.async.cg.shared.global [%r4], [%d2], 16, %p1;\n"
           "cp.async.wait_all;\nbar.sync 0;\nld.shared.u32 %r5, [%r1];\n";
  };
  expectRight(copy("ge"));
  expectReport(copy("lt"), "out of bounds: read", CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST(Checks, Barriers) {
  expectRight("bar.sync 0;\nbar.sync 1, 64;\n");
  std::string half = "setp.lt.u32 %p0, %r0, 16;\n";
  expectReport(half + "@%p0 bar.sync 0;\n",
               "divergent barrier: only a part of the warp's threads",
               CUDA_ERROR_LAUNCH_FAILED);
  // A whole warp stays away.
  std::string first = "setp.lt.u32 %p0, %r0, 32;\n";
  expectReport(first + "@%p0 bar.sync 0;\n",
               "barrier that is not reached by all", CUDA_ERROR_LAUNCH_FAILED);
  expectReport(first +
                   "@%p0 bra L;\nbar.sync 0;\nbra M;\nL:\nbar.sync 1;\nM:\n",
               "other warps of the block never come to barrier",
               CUDA_ERROR_LAUNCH_FAILED);
  // Threads that were apart have met again.
  expectRight(half + "@%p0 bra L;\nadd.s32 %r3, %r0, 1;\nL:\nbar.sync 0;\n");
}

TEST(Checks, Warps) {
  std::string shuffle = "shfl.sync.idx.b32 %r3, %r0, 0, 31, {};\n";
  expectRight(fmt::format(fmt::runtime(shuffle), "-1"));
  expectReport("setp.gt.u32 %p0, %r0, 0;\n@%p0 " +
                   fmt::format(fmt::runtime(shuffle), "0xfffffffe"),
               "inactive lane: from lane 0", CUDA_SUCCESS, 32);
  // It names all threads, and one does not come.
  expectReport("setp.gt.u32 %p0, %r0, 0;\n@%p0 " +
                   fmt::format(fmt::runtime(shuffle), "-1"),
               "divergent barrier: this instruction names threads",
               CUDA_ERROR_LAUNCH_FAILED, 32);
  expectReport("mov.u32 %r3, 0;\nsetp.gt.u32 %p0, %r0, 0;\n"
               "@%p0 ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r3}, [tile];\n",
               "bad instruction: this instruction takes all threads",
               CUDA_ERROR_ILLEGAL_INSTRUCTION, 32);
}

TEST(Checks, TrapsAndLimits) {
  expectReport("trap;\n", "trap: the kernel stopped itself",
               CUDA_ERROR_LAUNCH_FAILED);
  expectRight("setp.gt.u32 %p0, %r0, 99;\n@%p0 trap;\n");
  expectReport("L:\nadd.s32 %r3, %r0, 1;\nbra L;\n",
               "too many instructions: this warp ran ",
               CUDA_ERROR_LAUNCH_TIMEOUT);
}

TEST(Checks, ReportsNamePlaces) {
  open();
  std::string text = kernelOf(".loc 1 37 5\nst.shared.u32 [%r1+512], %r0;\n");
  text += ".file 1 \"attention.ag\"\n";
  Module module(text);
  ASSERT_EQ(module.result, CUDA_SUCCESS) << module.error;
  Array<uint32_t> p(std::vector<uint32_t>(64, 5));
  EXPECT_EQ(Launch().add(p).run(module.function("k"), {2, 3}, {8, 4, 2}),
            CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_THAT(
      reports(),
      testing::AllOf(HasSubstr("in kernel k, line 37 of attention.ag: "
                               "`st.shared.u32 [%r1+512], %r0` (PTX line 18)"),
                     HasSubstr("thread (0, 0, 0), 4 bytes at 0x200")));
  agSimClearReports();
}

/// Each kind of mistake once for each instruction.
TEST(Checks, ReportsDoNotRepeat) {
  open();
  Module module(kernelOf("ld.shared.u32 %r3, [%r1];\n"));
  Array<uint32_t> p(std::vector<uint32_t>(64, 5));
  for (int n = 0; n < 3; ++n)
    Launch().add(p).run(module.function("k"), {5}, {64});
  EXPECT_EQ(agSimReportCount(), 1);
  agSimClearReports();
  EXPECT_EQ(agSimReportCount(), 0);
}

// ------------------------------------------------- what threads of a warp
// share

/// The values of 32 threads that `body` leaves in %r8; thread t has %r0 = t.
std::vector<uint32_t> lanes(const std::string &body, unsigned threads = 32) {
  open();
  Module module(kernelOf(body + "st.global.u32 [%d1], %r8;\n"));
  EXPECT_EQ(module.result, CUDA_SUCCESS) << module.error;
  Array<uint32_t> p(std::vector<uint32_t>(64, 5));
  EXPECT_EQ(Launch().add(p).run(module.function("k"), {1}, {threads}),
            CUDA_SUCCESS);
  EXPECT_EQ(reports(), "");
  p.read();
  p.values.resize(32);
  return p.values;
}

TEST(Warps, Shuffles) {
  struct {
    const char *mode;
    int by, clamp;
    int (*from)(int);
  } cases[] = {
      {"up", 3, 0, [](int t) { return t < 3 ? t : t - 3; }},
      {"down", 5, 31, [](int t) { return t + 5 > 31 ? t : t + 5; }},
      {"bfly", 12, 31, [](int t) { return t ^ 12; }},
      {"idx", 7, 31, [](int) { return 7; }},
      // In segments of 8.
      {"up", 2, 0x1800, [](int t) { return t % 8 < 2 ? t : t - 2; }},
      {"down", 1, 0x181f, [](int t) { return t % 8 == 7 ? t : t + 1; }},
      {"idx", 2, 0x181f, [](int t) { return t / 8 * 8 + 2; }},
  };
  for (auto &c : cases) {
    auto found = lanes(fmt::format(
        "mul.lo.s32 %r3, %r0, 10;\nshfl.sync.{}.b32 %r8|%p1, %r3, {}, {}, -1;\n"
        "@!%p1 add.s32 %r8, %r8, 1000;\n",
        c.mode, c.by, c.clamp));
    for (int t = 0; t < 32; ++t) {
      bool inside = c.from(t) != t || std::string(c.mode) == "idx";
      EXPECT_EQ(found[t], 10u * c.from(t) + (inside ? 0 : 1000))
          << c.mode << " " << t;
    }
  }
}

TEST(Warps, Votes) {
  std::string odd = "and.b32 %r3, %r0, 1;\nsetp.eq.u32 %p0, %r3, 1;\n"
                    "setp.lt.u32 %p2, %r0, 99;\n";
  EXPECT_EQ(lanes(odd + "vote.sync.ballot.b32 %r8, %p0, -1;\n"),
            std::vector<uint32_t>(32, 0xaaaaaaaa));
  auto flag = [&](const char *vote) {
    return lanes(
        odd +
        fmt::format("vote.sync.{}, -1;\nselp.u32 %r8, 1, 0, %p1;\n", vote))[9];
  };
  EXPECT_EQ(flag("any.pred %p1, %p0"), 1u);
  EXPECT_EQ(flag("all.pred %p1, %p0"), 0u);
  EXPECT_EQ(flag("all.pred %p1, %p2"), 1u);
  EXPECT_EQ(flag("uni.pred %p1, %p0"), 0u);
  EXPECT_EQ(flag("uni.pred %p1, %p2"), 1u);
  EXPECT_EQ(lanes("activemask.b32 %r8;\n", 5)[4], 31u);
}

TEST(Warps, Reductions) {
  std::string value = "sub.s32 %r3, %r0, 5;\n"; // -5 .. 26
  auto of = [&](const char *name) {
    return lanes(value +
                 fmt::format("redux.sync.{} %r8, %r3, -1;\n", name))[17];
  };
  EXPECT_EQ(of("add.s32"), 32u * 31 / 2 - 5 * 32);
  EXPECT_EQ(of("max.s32"), 26u);
  EXPECT_EQ(of("min.s32"), static_cast<uint32_t>(-5));
  EXPECT_EQ(of("max.u32"), static_cast<uint32_t>(-1));
  EXPECT_EQ(of("min.u32"), 0u);
}

TEST(Warps, ReducingBarriers) {
  std::string some = "setp.eq.u32 %p0, %r0, 40;\n"; // of the second warp
  auto flag = [&](const char *how) {
    return lanes(
        some + fmt::format("bar.red.{};\nselp.u32 %r8, 1, 0, %p1;\n", how),
        64)[3];
  };
  EXPECT_EQ(flag("or.pred %p1, 0, %p0"), 1u);
  EXPECT_EQ(flag("and.pred %p1, 0, %p0"), 0u);
  EXPECT_EQ(flag("and.pred %p1, 0, !%p0"), 0u);
  EXPECT_EQ(lanes(some + "bar.red.popc.u32 %r8, 0, !%p0;\n", 64)[3], 63u);
}

/// Loops of different length, and a branch within a branch.
TEST(Warps, ThreadsPartAndMeet) {
  auto found = lanes("mov.u32 %r8, 0;\nmov.u32 %r3, 0;\n"
                     "L:\nsetp.ge.u32 %p0, %r3, %r0;\n@%p0 bra M;\n"
                     "add.s32 %r8, %r8, %r3;\nadd.s32 %r3, %r3, 1;\nbra L;\n"
                     "M:\nand.b32 %r4, %r0, 1;\nsetp.eq.u32 %p1, %r4, 0;\n"
                     "@%p1 bra N;\nadd.s32 %r8, %r8, 1000;\n"
                     "setp.lt.u32 %p2, %r0, 8;\n@%p2 bra N;\n"
                     "add.s32 %r8, %r8, 5000;\nN:\n"
                     "activemask.b32 %r5;\nsetp.ne.u32 %p3, %r5, -1;\n"
                     "@%p3 mov.u32 %r8, 9;\n");
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(found[t],
              (t ? t * (t - 1) / 2 : 0) + (t % 2 ? t < 8 ? 1000 : 6000 : 0));
}

} // namespace
