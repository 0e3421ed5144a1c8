// Random sources: what the language says, as the interpreter runs it, the CPU's
// code at -O0 and -O3, and a GPU's on the software device agree.
//
//     AG_RANDOM_KERNELS=20000 AgReferenceTests --gtest_filter='RandomKernels*'
//     AG_RANDOM_SEED=17 ...     the first seed; for a failure, one kernel
//
// A source may compute something that any rounding changes, such as floor(x) at
// a whole number. So it runs in f32 and in f64: where those two differ in the
// interpreter, nothing is said of its results, but both of the CPU's agree
// still.

#include "compiler/Frontend/Frontend.h"
#include "compiler/Frontend/Slots.h"
#include "compiler/Reference/Interpreter.h"
#include "test/support/CpuKernel.h"
#include "test/support/KernelGrammar.h"
#include "test/support/SimKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

namespace attn_grid::test {
namespace {

using compiler::ParsedProgram;

constexpr int extent = 37, guard = 16;

int64_t numberFrom(const char *variable, int64_t otherwise) {
  const char *text = std::getenv(variable);
  return text ? std::atoll(text) : otherwise;
}

std::string sourceOf(int64_t seed) {
  std::mt19937_64 random(static_cast<uint64_t>(seed));
  std::vector<uint8_t> choices(16 + random() % 200);
  for (uint8_t &choice : choices)
    choice = static_cast<uint8_t>(random());
  return compiler::test::makeKernel(choices);
}

/// BM = 16, W = 8; `flag` goes with the optional z.
Specialization specialize(const Signature &signature, DType type, bool z) {
  Specialization spec;
  spec.kernel = signature.name;
  spec.types = {type};
  for (const ConstParam &param : signature.consts)
    spec.consts.push_back({param.kind,
                           param.name == "BM"  ? 16
                           : param.name == "W" ? 8
                                               : z,
                           0.0});
  for (const Param &param : signature.params) {
    spec.present.push_back(!param.optional || z);
    spec.last_stride.push_back(param.is_tensor ? 1 : -1);
  }
  return spec;
}

/// x, y and z, with a guard around them, and the slots of a launch.
template <typename T> struct Memory {
  std::vector<std::vector<T>> tensors;
  std::vector<uint64_t> slots;

  Memory(const Signature &signature, const Specialization &spec) {
    tensors.resize(signature.params.size());
    for (const Slot &slot : compiler::argumentSlots(signature, spec)) {
      uint64_t value = 0;
      switch (slot.kind) {
      case Slot::Kind::pointer: {
        std::vector<T> &data = tensors[slot.param];
        data.resize(extent + 2 * guard);
        for (size_t i = 0; i < data.size(); ++i)
          data[i] = static_cast<T>((i * 37 % 64) / 8.0 - 3.4375);
        value = reinterpret_cast<uint64_t>(data.data() + guard);
        break;
      }
      case Slot::Kind::extent:
        value = extent;
        break;
      case Slot::Kind::scalar:
        if (signature.params[slot.param].name == "eps") {
          T eps = T(0.75);
          std::memcpy(&value, &eps, sizeof eps);
        } else {
          value = 3; // i0
        }
        break;
      case Slot::Kind::stride:
        value = 1;
        break;
      }
      slots.push_back(value);
    }
  }
  const std::vector<T> &y() const { return tensors[1]; }
};

/// Is it a minimum or maximum with a NaN, which may give either operand?
bool choosesByNan(const compiler::reference::Interpreter &run,
                  mlir::Operation *op) {
  if (auto reduce = mlir::dyn_cast<ir::ReduceOp>(op)) {
    if (reduce.getKind() != ir::ReduceKind::min &&
        reduce.getKind() != ir::ReduceKind::max)
      return false;
  } else if (!mlir::isa<mlir::arith::MinNumFOp, mlir::arith::MaxNumFOp>(op)) {
    return false;
  }
  for (mlir::Value operand : op->getOperands())
    if (mlir::isa<mlir::FloatType>(mlir::getElementTypeOrSelf(operand)))
      for (const compiler::reference::Number &x : run[operand].elements)
        if (std::isnan(x.real))
          return true;
  return false;
}

/// One source in one type: all three results, or why there is none.
template <typename T> struct Runs {
  std::string refused, error;
  std::vector<T> reference, plain, optimized;
  std::vector<T> gpu;  ///< empty: GPUs lack something that it needs
  bool chosen = false; ///< did a NaN leave a choice, see `choosesByNan`?

  Runs(const ParsedProgram &program, DType type, bool z,
       mlir::MLIRContext &context) {
    const Signature &signature = program.signatures.front();
    Specialization spec = specialize(signature, type, z);
    compiler::Diagnostics diags(program.sources);
    auto module = compiler::lowerKernel(program, spec, context, diags);
    if (!module) {
      refused = diags.render();
      return;
    }
    Memory<T> memory(signature, spec);
    std::string said;
    {
      mlir::ScopedDiagnosticHandler handler(&context,
                                            [&](mlir::Diagnostic &diagnostic) {
                                              said += diagnostic.str() + "\n";
                                              return mlir::success();
                                            });
      compiler::reference::InterpreterOptions options;
      options.maxSteps = 20000;
      options.strict = false;
      compiler::reference::Interpreter *running = nullptr;
      options.onOperation = [&](mlir::Operation *op) {
        chosen |= choosesByNan(*running, op);
      };
      compiler::reference::Interpreter run(
          *module->getOps<ir::KernelOp>().begin(), memory.slots, options);
      running = &run;
      for (uint32_t program = 0; program < programs; ++program)
        if (mlir::failed(run.runProgram(program))) {
          refused = said; // it runs for too long
          return;
        }
    }
    reference = memory.y();
    for (bool optimize : {false, true}) {
      mlir::OwningOpRef<mlir::ModuleOp> copy(module->clone());
      CpuKernel kernel = compileForCpu(*copy, hostVectors(), optimize);
      if (!kernel.entry) {
        error = kernel.error;
        return;
      }
      Memory<T> own(signature, spec);
      kernel.run(own.slots, programs);
      (optimize ? optimized : plain) = own.y();
    }
    runOnGpu(*module, signature, spec);
  }

private:
  void runOnGpu(mlir::ModuleOp module, const Signature &signature,
                const Specialization &spec) {
    mlir::OwningOpRef<mlir::ModuleOp> copy(module.clone());
    SimKernel kernel = compileForSim(*copy);
    if (!kernel.error.empty()) {
      if (!kernel.unsupported)
        error = "sm_80: " + kernel.error;
      return;
    }
    Memory<T> own(signature, spec);
    std::vector<std::pair<void *, size_t>> memory;
    for (std::vector<T> &tensor : own.tensors)
      if (!tensor.empty())
        memory.emplace_back(tensor.data(), tensor.size() * sizeof(T));
    error = kernel.run(own.slots, programs, memory).reports;
    gpu = own.y();
  }
  static constexpr uint32_t programs = (extent + 15) / 16;
};

bool close(double x, double y, double relative) {
  if (x == y || (std::isnan(x) && std::isnan(y)))
    return true;
  return std::abs(x - y) <=
         relative * std::max({1.0, std::abs(x), std::abs(y)});
}

template <typename T, typename Other>
std::string compare(const char *name, const Runs<T> &runs,
                    const Runs<Other> &other, double relative, int *compared) {
  std::string text;
  for (size_t i = 0; i < runs.reference.size(); ++i) {
    double plain = runs.plain[i], optimized = runs.optimized[i];
    double wanted = runs.reference[i];
    if (!close(plain, optimized, 0))
      text += fmt::format("{} y[{}]: -O0 gives {}, -O3 {}\n", name, i - guard,
                          plain, optimized);
    if (runs.chosen || !close(wanted, other.reference[i], 1e-4))
      continue;
    ++*compared;
    if (!close(wanted, optimized, relative))
      text += fmt::format("{} y[{}]: expected {}, got {}\n", name, i - guard,
                          wanted, optimized);
    if (!runs.gpu.empty() && !close(wanted, runs.gpu[i], relative))
      text += fmt::format("{} y[{}]: expected {}, sm_80 gives {}\n", name,
                          i - guard, wanted, double(runs.gpu[i]));
  }
  return text;
}

TEST(RandomKernels, Agree) {
  int64_t first = numberFrom("AG_RANDOM_SEED", 0);
  int64_t count = numberFrom("AG_RANDOM_KERNELS", 200);
  std::unique_ptr<mlir::MLIRContext> context = makePipelineContext();
  int ran = 0, onGpu = 0, compared = 0, failures = 0;
  for (int64_t seed = first; seed < first + count && failures < 10; ++seed) {
    std::string source = sourceOf(seed);
    auto program = compiler::parseProgram(source, "k.ag");
    if (program->diagnostics.hasErrors() || program->signatures.empty())
      continue;
    bool z = seed % 2;
    Runs<float> narrow(*program, f32, z, *context);
    if (!narrow.refused.empty())
      continue;
    Runs<double> wide(*program, f64, z, *context);
    if (!wide.refused.empty())
      continue;
    ++ran;
    onGpu += !narrow.gpu.empty();
    std::string text = narrow.error + wide.error;
    if (text.empty())
      text = compare("f32", narrow, wide, 1e-3, &compared) +
             compare("f64", wide, narrow, 1e-9, &compared);
    if (text.empty())
      continue;
    ++failures;
    ADD_FAILURE() << text << "AG_RANDOM_SEED=" << seed
                  << " AG_RANDOM_KERNELS=1\n"
                  << source;
  }
  if (count >= 100) {
    // The generator makes what runs, and most of it is comparable.
    EXPECT_GE(ran * 4, count);
    EXPECT_GE(compared, ran * extent / 2);
  }
  std::printf("%d of %lld sources ran, %d of them on the software GPU too, %d "
              "results compared\n",
              ran, static_cast<long long>(count), onGpu, compared);
}

} // namespace
} // namespace attn_grid::test
