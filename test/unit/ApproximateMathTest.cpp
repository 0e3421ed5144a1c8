// The approximated functions against the C library in a wider type: a million
// random bit patterns (so every exponent), a million points where the function
// does something, and the special values; scalars and vectors, with AVX-512
// instructions where the machine has them. Prints the largest error found.

#include "compiler/Conversion/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace attn_grid;

namespace {

/// out[i] = f(in[i]) for i < count, a multiple of the lanes.
using Kernel = void (*)(const void *in, void *out, int64_t count);

/// The functions under test, compiled for this machine.
class Kernels {
public:
  /// `names` of math ops, each for every type of `types`.
  static std::unique_ptr<Kernels> compile(llvm::ArrayRef<std::string> names,
                                          llvm::ArrayRef<std::string> types,
                                          bool avx512);
  Kernel lookup(const std::string &name) {
    auto address = jit->lookup(name);
    if (!address) {
      ADD_FAILURE() << llvm::toString(address.takeError());
      return nullptr;
    }
    return address->toPtr<Kernel>();
  }

private:
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

std::string kernelText(const std::string &op, const std::string &type,
                       const std::string &name) {
  std::string element = type.find("f64") == std::string::npos ? "f32" : "f64";
  std::string lanes = "1";
  if (size_t open = type.find('<'); open != std::string::npos)
    lanes = type.substr(open + 1, type.find('x') - open - 1);
  auto pointer = [&](const std::string &result, const std::string &base) {
    return "    %" + result + " = llvm.getelementptr %" + base +
           "[%i] : (!llvm.ptr, i64) -> !llvm.ptr, " + element + "\n";
  };
  std::string align = " {alignment = 4 : i64} : ";
  return "func.func @" + name +
         "(%in: !llvm.ptr, %out: !llvm.ptr, %n: i64) {\n"
         "  %zero = arith.constant 0 : i64\n"
         "  %step = arith.constant " +
         lanes +
         " : i64\n"
         "  scf.for %i = %zero to %n step %step : i64 {\n" +
         pointer("from", "in") + pointer("to", "out") +
         "    %x = llvm.load %from" + align + "!llvm.ptr -> " + type +
         "\n"
         "    %y = math." +
         op + " %x : " + type +
         "\n"
         "    llvm.store %y, %to" +
         align + type +
         ", !llvm.ptr\n"
         "  }\n  return\n}\n";
}

/// A symbol for a kernel: "exp2_16xf32".
std::string symbol(const std::string &op, const std::string &type) {
  if (type.find('<') == std::string::npos)
    return op + "_" + type;
  return op + "_" + type.substr(7, type.size() - 8);
}

std::unique_ptr<Kernels> Kernels::compile(llvm::ArrayRef<std::string> names,
                                          llvm::ArrayRef<std::string> types,
                                          bool avx512) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::MLIRContext mlirContext(registry);
  mlirContext
      .loadDialect<mlir::arith::ArithDialect, mlir::func::FuncDialect,
                   mlir::math::MathDialect, mlir::scf::SCFDialect,
                   mlir::vector::VectorDialect, mlir::LLVM::LLVMDialect>();
  std::string text;
  for (const std::string &name : names)
    for (const std::string &type : types)
      text += kernelText(name, type, symbol(name, type));
  auto source = mlir::parseSourceString<mlir::ModuleOp>(text, &mlirContext);
  if (!source)
    return nullptr;
  mlir::PassManager passes(&mlirContext);
  passes.addPass(compiler::createApproximateMath({avx512}));
  passes.addPass(mlir::createSCFToControlFlowPass());
  passes.addPass(mlir::createConvertVectorToLLVMPass());
  passes.addPass(mlir::createConvertMathToLLVMPass());
  passes.addPass(mlir::createArithToLLVMConversionPass());
  passes.addPass(mlir::createConvertControlFlowToLLVMPass());
  passes.addPass(mlir::createConvertFuncToLLVMPass());
  passes.addPass(mlir::createReconcileUnrealizedCastsPass());
  if (mlir::failed(passes.run(*source)))
    return nullptr;

  auto context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> module =
      mlir::translateModuleToLLVMIR(*source, *context);
  auto target = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!module || !target)
    return nullptr;
  auto jit = llvm::orc::LLJITBuilder()
                 .setJITTargetMachineBuilder(std::move(*target))
                 .create();
  if (!jit)
    return nullptr;
  module->setDataLayout((*jit)->getDataLayout());
  if ((*jit)->addIRModule(
          llvm::orc::ThreadSafeModule(std::move(module), std::move(context))))
    return nullptr;
  auto kernels = std::make_unique<Kernels>();
  kernels->jit = std::move(*jit);
  return kernels;
}

/// A function, its meaning in a wider type, and where it is interesting.
struct Function {
  std::string op;
  double (*single)(double);
  long double (*wide)(long double);
  double low, high;
  /// Beyond this |x| only the range of the result is promised.
  double limit = std::numeric_limits<double>::infinity();
};

template <typename T> T roundAway(T x) { return std::round(x); }
template <typename T> T rsqrt(T x) { return 1 / std::sqrt(x); }

const std::vector<Function> &functions() {
  static const std::vector<Function> list = {
      {"cos", std::cos, std::cos, -1e5, 1e5, 1e5},
      {"erf", std::erf, std::erf, -7, 7},
      {"exp", std::exp, std::exp, -110, 100},
      {"exp2", std::exp2, std::exp2, -160, 140},
      {"log", std::log, std::log, 0, 4},
      {"log2", std::log2, std::log2, 0, 4},
      {"round", roundAway, roundAway, -10, 10},
      {"rsqrt", rsqrt, rsqrt, 0, 100},
      {"sin", std::sin, std::sin, -1e5, 1e5, 1e5},
      {"tanh", std::tanh, std::tanh, -20, 20},
  };
  return list;
}

template <typename T> struct Wider;
template <> struct Wider<float> {
  using Type = double;
  using Bits = uint32_t;
  static double at(const Function &f, double x) { return f.single(x); }
};
template <> struct Wider<double> {
  using Type = long double;
  using Bits = uint64_t;
  static long double at(const Function &f, long double x) { return f.wide(x); }
};

template <typename T> std::vector<T> inputs(const Function &f) {
  using Limits = std::numeric_limits<T>;
  using Bits = typename Wider<T>::Bits;
  std::vector<T> x;
  std::mt19937_64 random(7);
  for (int i = 0; i < 1 << 20; ++i) {
    Bits bits = static_cast<Bits>(random());
    T value;
    std::memcpy(&value, &bits, sizeof value);
    x.push_back(value);
  }
  T low = sizeof(T) == 8 && f.low < -100 ? f.low * 7 : f.low;
  T high = sizeof(T) == 8 && f.high > 99 ? f.high * 7 : f.high;
  std::uniform_real_distribution<T> dense(low, high), small(-1, 1);
  for (int i = 0; i < 1 << 20; ++i)
    x.push_back(i % 4 ? dense(random) : small(random));
  // Neighbours of integers, of halves, of 1 and of multiples of pi / 2.
  for (int i = -1100; i <= 1100; ++i)
    for (T base : {T(i), T(i) / 2, T(i) / 64, T(i * 1.5707963267948966L),
                   1 + i * Limits::epsilon()}) {
      x.push_back(base);
      x.push_back(std::nextafter(base, -Limits::infinity()));
      x.push_back(std::nextafter(base, Limits::infinity()));
    }
  for (T magnitude :
       {T(0), Limits::denorm_min(), Limits::min(), Limits::max(),
        Limits::infinity(), Limits::quiet_NaN(), T(0.49999997),
        std::nextafter(T(0.5), T(0)), std::log(Limits::max()), T(1e5)}) {
    x.push_back(magnitude);
    x.push_back(-magnitude);
  }
  // A NaN of ones only, as freshly scribbled memory has.
  Bits ones = ~Bits(0);
  T scribble;
  std::memcpy(&scribble, &ones, sizeof scribble);
  x.push_back(scribble);
  while (x.size() % 192) // all lane counts
    x.push_back(1);
  return x;
}

/// The error in units of the last place of `wanted`, infinite if a special
/// value is wrong. Subnormal results may be 0.
template <typename T> double error(T got, typename Wider<T>::Type wanted) {
  using Limits = std::numeric_limits<T>;
  using Wide = typename Wider<T>::Type;
  const double wrong = std::numeric_limits<double>::infinity();
  if (std::isnan(wanted) || std::isnan(got))
    return std::isnan(wanted) && std::isnan(got) ? 0 : wrong;
  T rounded = static_cast<T>(wanted);
  if (got == rounded)
    return 0;
  if (std::isinf(got) || std::isinf(rounded))
    return wrong;
  if (std::fabs(wanted) < Limits::min())
    return std::fabs(got) <= Limits::min() ? 0 : wrong;
  int exponent;
  std::frexp(wanted, &exponent);
  Wide ulp = std::ldexp(Wide(1), exponent - Limits::digits);
  return static_cast<double>(std::fabs(static_cast<Wide>(got) - wanted) / ulp);
}

struct Worst {
  double ulp = 0;
  double at = 0, got = 0, wanted = 0;
};

template <typename T>
Worst worstOf(const Function &f, const std::vector<T> &x,
              const std::vector<typename Wider<T>::Type> &wanted,
              Kernel kernel) {
  std::vector<T> got(x.size());
  kernel(x.data(), got.data(), static_cast<int64_t>(x.size()));
  Worst worst;
  for (size_t i = 0; i < x.size(); ++i) {
    double ulp;
    if (std::fabs(x[i]) > f.limit && std::isfinite(x[i]))
      ulp =
          std::fabs(got[i]) <= 1 ? 0 : std::numeric_limits<double>::infinity();
    else
      ulp = error<T>(got[i], wanted[i]);
    if (std::fabs(x[i]) < std::numeric_limits<T>::min() && ulp > 0)
      ulp = std::min(
          ulp, error<T>(got[i], Wider<T>::at(f, std::copysign(T(0), x[i]))));
    if (ulp > worst.ulp)
      worst = {ulp, double(x[i]), double(got[i]), double(wanted[i])};
  }
  return worst;
}

template <typename T>
void check(llvm::ArrayRef<std::string> types, double tolerance) {
  std::vector<std::string> names;
  for (const Function &f : functions())
    names.push_back(f.op);
  bool hasAvx512 = false;
#if defined(__x86_64__)
  hasAvx512 = __builtin_cpu_supports("avx512f") &&
              __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512vl");
#endif
  std::vector<std::unique_ptr<Kernels>> variants;
  variants.push_back(Kernels::compile(names, types, false));
  if (hasAvx512)
    variants.push_back(Kernels::compile(names, types, true));
  for (const std::unique_ptr<Kernels> &kernels : variants)
    ASSERT_TRUE(kernels);

  for (const Function &f : functions()) {
    std::vector<T> x = inputs<T>(f);
    std::vector<typename Wider<T>::Type> wanted;
    for (T value : x)
      wanted.push_back(Wider<T>::at(f, value));
    for (size_t avx512 = 0; avx512 < variants.size(); ++avx512) {
      std::printf("%-6s %-7s", f.op.c_str(), avx512 ? "avx512" : "generic");
      for (const std::string &type : types) {
        Kernel kernel = variants[avx512]->lookup(symbol(f.op, type));
        ASSERT_TRUE(kernel);
        Worst worst = worstOf<T>(f, x, wanted, kernel);
        std::printf("  %s %.3f", type.c_str(), worst.ulp);
        EXPECT_LE(worst.ulp, f.op == "round" ? 0 : tolerance)
            << f.op << "(" << worst.at << ") = " << worst.got << ", wanted "
            << worst.wanted << " in " << type;
      }
      std::printf("\n");
    }
  }
}

// language.md, section 4: within 4 units in the last place.
TEST(ApproximateMath, singlePrecision) {
  check<float>({"f32", "vector<3xf32>", "vector<4xf32>", "vector<8xf32>",
                "vector<16xf32>", "vector<64xf32>"},
               4);
}

// Promised is 1e-14, 45 units; what the formulas reach is checked.
TEST(ApproximateMath, doublePrecision) {
  check<double>({"f64", "vector<2xf64>", "vector<4xf64>", "vector<8xf64>",
                 "vector<16xf64>"},
                5);
}

// exp2 of an integer is that power of two, so a softmax row's largest
// probability is 1; odd functions keep the sign of zero.
TEST(ApproximateMath, exactResults) {
  auto kernels = Kernels::compile({"exp2", "exp", "tanh", "erf", "sin", "log2"},
                                  {"f32"}, false);
  ASSERT_TRUE(kernels);
  auto at = [&](const char *op, float x) {
    float y = 0;
    kernels->lookup(symbol(op, "f32"))(&x, &y, 1);
    return y;
  };
  for (int i = -126; i <= 127; ++i) {
    EXPECT_EQ(at("exp2", i), std::ldexp(1.0f, i));
    EXPECT_EQ(at("log2", std::ldexp(1.0f, i)), i);
  }
  EXPECT_EQ(at("exp", 0), 1);
  EXPECT_EQ(at("tanh", 9.5f), 1);
  EXPECT_EQ(at("tanh", -1e30f), -1);
  EXPECT_EQ(at("erf", -5), -1);
  for (const char *op : {"tanh", "erf", "sin"}) {
    EXPECT_EQ(at(op, -0.0f), 0);
    EXPECT_TRUE(std::signbit(at(op, -0.0f)));
    EXPECT_FALSE(std::signbit(at(op, 0.0f)));
  }
}

} // namespace
