#include "compiler/Pipeline.h"

#include "compiler/Conversion/Passes.h"
#include "compiler/Target/CpuTarget.h"
#include "compiler/Target/GpuTarget.h"
#include "compiler/Transforms/Passes.h"
#include "dialect/AgOps.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMPass.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace attn_grid::compiler {

void registerPipelineDialects(DialectRegistry &registry) {
  ir::registerTileDialects(registry);
  registry.insert<cf::ControlFlowDialect, func::FuncDialect, LLVM::LLVMDialect,
                  NVVM::NVVMDialect, vector::VectorDialect>();
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  registerConvertFuncToLLVMInterface(registry);
  registerConvertMathToLLVMInterface(registry);
  vector::registerConvertVectorToLLVMInterface(registry);
}

void addTilePhase(OpPassManager &module) {
  OpPassManager &passes = module.nest<ir::KernelOp>();
  // Equal masks and indices become one value, which the analysis needs.
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  // What does not change in a loop must be outside before bounds are read off.
  passes.addPass(createLoopInvariantCodeMotionPass());
  // Tighter bounds; a body without the mask where all is kept.
  passes.addPass(createSplitMaskedLoops());
  passes.addPass(createFoldMonotoneMasks());
  passes.addPass(createCombineBounds());
  // In that body the mask folds away.
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  // Once per query in place of once per score.
  passes.addPass(createHoistScale());
  passes.addPass(createLoopInvariantCodeMotionPass());
  passes.addPass(createCSEPass());
}

void addVectorPhase(OpPassManager &passes, const CpuTarget &cpu) {
  LowerToVectorOptions vectors;
  vectors.vectorBits = cpu.vectors.vectorBits;
  vectors.registers = cpu.vectors.registers;
  vectors.fma = cpu.vectors.fma;
  // LLVM gives out tile registers only where it optimises.
  vectors.bf16Products =
      std::min<int64_t>(cpu.vectors.bf16Products, cpu.optimize ? 32 : 2);
  passes.addPass(createLowerToVector(vectors));
  // The lowering writes address arithmetic and constants where it needs them.
  passes.addPass(createCSEPass());
  // Last, so that one function serves scalars and vectors of any length.
  passes.addPass(createApproximateMath({.avx512 = cpu.math.avx512}));
}

void addThreadPhase(OpPassManager &passes, const GpuArch &gpu) {
  OpPassManager &kernels = passes.nest<ir::KernelOp>();
  kernels.addPass(createRecordDebug());
  kernels.addPass(createEightBitFloats());
  kernels.addPass(createSeparateLoops());
  kernels.addPass(createSeparateStores());
  passes.addPass(createCSEPass());
  LowerToThreadsOptions threads;
  threads.capability = gpu.threads.capability;
  threads.warpgroups = gpu.threads.warpgroups;
  threads.warps = gpu.threads.warps;
  threads.sharedLimit = gpu.threads.sharedLimit;
  passes.addPass(createLowerToThreads(threads));
  // The lowering writes address arithmetic and constants where it needs them.
  passes.addPass(createCSEPass());
  // What the special-function unit lacks.
  passes.addPass(createApproximateMath());
}

void addLLVMPhase(OpPassManager &passes) {
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertToLLVMPass());
}

} // namespace attn_grid::compiler
