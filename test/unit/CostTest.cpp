// What a kernel asks of a machine: counted, against sums made by hand.

#include "compiler/Cost/Registers.h"
#include "compiler/Cost/UnitCosts.h"
#include "compiler/Target/GpuTarget.h"

#include "attn_grid/target.hpp"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace attn_grid;
using namespace attn_grid::compiler;

namespace {

class CostTest : public testing::Test {
protected:
  CostTest() {
    DialectRegistry registry;
    ir::registerTileDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }
  KernelDemand count(const std::string &text, const KnownValues &values = {},
                     const DemandOptions &options = {}) {
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module) {
      ADD_FAILURE() << "the text is wrong";
      return {};
    }
    return demandOf(*module->getOps<ir::KernelOp>().begin(), values, options);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

// Block i of a triangle: i + 1 trips, the last of which takes the branch.
const char *const triangle = R"(
ag.kernel @k(%at: memref<f32> {ag.access = "in", ag.name = "x"},
             %to: memref<f32> {ag.access = "out", ag.name = "y"},
             %n: i32 {ag.extent, ag.name = "N"}) {
  %size = arith.index_cast %n : i32 to index
  %x = memref.reinterpret_cast %at to offset: [0], sizes: [%size, 32], strides: [32, 1] : memref<f32> to memref<?x32xf32, strided<[32, 1]>>
  %y = memref.reinterpret_cast %to to offset: [0], sizes: [%size], strides: [1] : memref<f32> to memref<?xf32, strided<[1]>>
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c31 = arith.constant 31 : i32
  %c32 = arith.constant 32 : i32
  %zero = arith.constant dense<0.0> : tensor<32x32xf32>
  %top = arith.addi %n, %c31 : i32
  %blocks = arith.divsi %top, %c32 : i32
  %i = ag.program_id %blocks : i32
  %end = arith.addi %i, %c1 : i32
  %sum = scf.for %j = %c0 to %end step %c1
      iter_args(%acc = %zero) -> (tensor<32x32xf32>) : i32 {
    %row = arith.muli %j, %c32 : i32
    %t = ag.load %x[%row : 32, %c0 : 32] : memref<?x32xf32, strided<[32, 1]>> -> tensor<32x32xf32>
    %d = ag.dot %t, %t, %acc : tensor<32x32xf32>, tensor<32x32xf32>, tensor<32x32xf32>
    %last = arith.cmpi eq, %j, %i : i32
    %r = scf.if %last -> (tensor<32x32xf32>) {
      %e = math.exp2 %d : tensor<32x32xf32>
      scf.yield %e : tensor<32x32xf32>
    } else {
      scf.yield %d : tensor<32x32xf32>
    }
    scf.yield %r : tensor<32x32xf32>
  }
  %s = ag.reduce sum %sum axes [1] : tensor<32x32xf32> -> tensor<32xf32>
  %first = arith.muli %i, %c32 : i32
  ag.store %s, %y[%first : 32] : tensor<32xf32>, memref<?xf32, strided<[1]>>
  ag.return
}
)";

constexpr int f32Products = static_cast<int>(ProductKind::f32);

TEST_F(CostTest, LoopsRunAsOftenAsTheyDo) {
  // 8 programs, all of which are looked at: 1 + ... + 8 trips.
  KernelDemand demand = count(triangle, {{"N", 256}});
  EXPECT_EQ(demand.programs, 8);
  ASSERT_EQ(demand.loops.size(), 2u);
  const LoopDemand &loop = demand.loops[1];
  EXPECT_TRUE(loop.tripsKnown);
  EXPECT_EQ(loop.depth, 1);
  EXPECT_DOUBLE_EQ(loop.trips, 4.5);
  EXPECT_DOUBLE_EQ(loop.demand.products[f32Products], 4.5 * 32 * 32 * 32);
  EXPECT_DOUBLE_EQ(loop.demand.globalBytes, 4.5 * 32 * 32 * 4);
  // Each program takes the branch once.
  EXPECT_DOUBLE_EQ(loop.demand.special, 32 * 32);
  const LoopDemand &outside = demand.loops[0];
  EXPECT_FALSE(outside.place);
  EXPECT_DOUBLE_EQ(outside.demand.arithmetic, 32 * 32);
  EXPECT_DOUBLE_EQ(outside.demand.globalBytes, 32 * 4);
  EXPECT_EQ(outside.demand.products[f32Products], 0);
}

TEST_F(CostTest, SomeProgramsAndTripsStandForAll) {
  // 1000 programs and as many trips at most; the mean is 500.5.
  KernelDemand demand = count(triangle, {{"N", 32000}});
  EXPECT_EQ(demand.programs, 1000);
  EXPECT_NEAR(demand.loops[1].trips, 500.5, 1);
  EXPECT_NEAR(demand.loops[1].demand.products[f32Products],
              500.5 * 32 * 32 * 32, 32 * 32 * 32);
}

TEST_F(CostTest, WhatIsNotKnownCountsOnce) {
  KernelDemand demand = count(triangle);
  EXPECT_EQ(demand.programs, 0);
  EXPECT_FALSE(demand.loops[1].tripsKnown);
  EXPECT_DOUBLE_EQ(demand.loops[1].demand.products[f32Products], 32 * 32 * 32);
  EXPECT_DOUBLE_EQ(demand.loops[1].demand.special, 32 * 32);
  // No program at all.
  EXPECT_EQ(count(triangle, {{"N", 0}}).programs, 0);
}

TEST_F(CostTest, AConditionThatIsNotKnownDoesNotSkipTheWork) {
  EXPECT_DOUBLE_EQ(count(triangle).loops[1].demand.special, 32 * 32);
  std::string turned = triangle;
  auto replace = [&](const std::string &from, const std::string &to) {
    size_t at = turned.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    turned.replace(at, from.size(), to);
  };
  const std::string work = "%e = math.exp2 %d : tensor<32x32xf32>\n"
                           "      scf.yield %e : tensor<32x32xf32>",
                    nothing = "scf.yield %d : tensor<32x32xf32>";
  replace(nothing, "nothing");
  replace(work, nothing);
  replace("nothing", work);
  EXPECT_DOUBLE_EQ(count(turned).loops[1].demand.special, 32 * 32);
}

TEST_F(CostTest, AGpusWarpsEachReadAnOperand) {
  // 32 rows are two warps' work; the others take other columns.
  KernelDemand demand = count(triangle, {{"N", 32}}, {.warps = 4});
  double tile = 32 * 32 * 4;
  EXPECT_DOUBLE_EQ(demand.loops[1].demand.operandBytes, 2 * tile + 2 * tile);
  EXPECT_DOUBLE_EQ(demand.loops[1].demand.stagedBytes, 2 * tile);
}

TEST_F(CostTest, WarpgroupsShareAnOperand) {
  const char *product = R"(
ag.kernel @k(%n: i32 {ag.extent, ag.name = "N"}) {
  %a = arith.constant dense<1.0> : tensor<128x32xf16>
  %b = arith.constant dense<1.0> : tensor<32x64xf16>
  %zero = arith.constant dense<0.0> : tensor<128x64xf32>
  %d = ag.dot %a, %b, %zero : tensor<128x32xf16>, tensor<32x64xf16>, tensor<128x64xf32>
  ag.return
})";
  const int f16Products = static_cast<int>(ProductKind::f16);
  Demand warps = count(product, {}, {.warps = 4}).loops[0].demand;
  EXPECT_EQ(warps.products[f16Products], 128 * 32 * 64);
  EXPECT_EQ(warps.operandBytes, 4 * 32 * 64 * 2);
  Demand groups =
      count(product, {}, {.warps = 4, .warpgroups = true}).loops[0].demand;
  EXPECT_EQ(groups.products[f16Products], 0);
  EXPECT_EQ(groups.groupProducts, 128 * 32 * 64);
  // Twice 64 rows, two steps of 16: four instructions of four warps.
  EXPECT_EQ(groups.groupInstructions, 16);
  EXPECT_EQ(groups.operandBytes, 2 * 32 * 64 * 2);
  EXPECT_EQ(busyCycles(groups, gpuCosts("sm_90a"))[0], 128 * 32 * 64 / 2048);
}

TEST(UnitCosts, OfEveryArchitecture) {
  for (const std::string &arch : attn_grid::ptx_archs()) {
    ASSERT_NE(findGpu(arch), nullptr) << arch;
    const UnitCosts &costs = gpuCosts(arch);
    for (double rate : costs.products)
      EXPECT_GT(rate, 0) << arch;
    // A block may have no more than there is, but for the system's 1 KB.
    EXPECT_EQ(costs.shared, findGpu(arch)->threads.sharedLimit + 1024) << arch;
  }
}

TEST(UnitCosts, TheBusiestIsTheBoundUnlessTheyTakeTurns) {
  Demand demand;
  demand.products[static_cast<int>(ProductKind::f16)] = 1024 * 100;
  demand.special = 16 * 50;
  demand.arithmetic = 64 * 30;
  std::vector<double> busy = busyCycles(demand, gpuCosts("sm_80"));
  EXPECT_EQ(busy[0], 100);
  EXPECT_EQ(busy[1], 50);
  EXPECT_EQ(busy[2], 30);
  EXPECT_EQ(boundOf(busy, gpuCosts("sm_80")), 100);
  EXPECT_EQ(busiest(busy), Unit::matrix);
  UnitCosts turns = gpuCosts("sm_80");
  turns.takesTurns = true;
  EXPECT_EQ(boundOf(busy, turns), 180);
}

TEST(Registers, AreWhatLivesAtOnce) {
  auto estimate = [](const char *body) {
    llvm::LLVMContext context;
    llvm::SMDiagnostic error;
    std::string text = "define void @k(ptr addrspace(3) %p) {\n";
    text += body;
    text += "\nret void\n}\n";
    auto module = llvm::parseAssemblyString(text, error, context);
    EXPECT_TRUE(module) << error.getMessage().str();
    return module ? estimateRegisters(*module) : 0;
  };
  unsigned none = estimate("");
  EXPECT_EQ(estimate("%a = load float, ptr addrspace(3) %p\n"
                     "store float %a, ptr addrspace(3) %p"),
            none + 1);
  // Two at once, of which one has two words; the address costs nothing.
  EXPECT_EQ(estimate("%q = getelementptr i8, ptr addrspace(3) %p, i32 64\n"
                     "%a = load double, ptr addrspace(3) %q\n"
                     "%b = load float, ptr addrspace(3) %p\n"
                     "store double %a, ptr addrspace(3) %p\n"
                     "store float %b, ptr addrspace(3) %q"),
            none + 3);
  // Results of one instruction are one register each, not once more together.
  EXPECT_EQ(estimate("%r = call { float, float } asm \"\", \"=f,=f\"()\n"
                     "%a = extractvalue { float, float } %r, 0\n"
                     "%b = extractvalue { float, float } %r, 1\n"
                     "store float %a, ptr addrspace(3) %p\n"
                     "store float %b, ptr addrspace(3) %p"),
            none + 2);
  // What a loop needs lives through all of it.
  EXPECT_EQ(estimate("%a = load float, ptr addrspace(3) %p\n"
                     "br label %loop\n"
                     "loop:\n"
                     "%b = load volatile float, ptr addrspace(3) %p\n"
                     "%c = fadd float %a, %b\n"
                     "store volatile float %c, ptr addrspace(3) %p\n"
                     "%d = load volatile i1, ptr addrspace(3) %p\n"
                     "br i1 %d, label %loop, label %end\n"
                     "end:"),
            none + 2);
}

} // namespace
