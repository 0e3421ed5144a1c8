#include "test/reference/Agreement.h"

#include "attn_grid/target.hpp"
#include "test/support/CpuKernel.h"
#include "test/support/SimKernel.h"
#include "test/support/TileEmulator.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Parser/Parser.h"

#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

using namespace mlir;

namespace attn_grid::test {

using compiler::reference::forEachPlace;
using compiler::reference::Interpreter;
using compiler::reference::Number;
using compiler::reference::Place;
using compiler::reference::Tensor;

/// Elements before and after a tensor that nothing may touch.
static constexpr int64_t guard = 64;

/// Bits that look random (splitmix64's last step).
static uint64_t mix(uint64_t i) {
  i = (i + 1) * 0x9E3779B97F4A7C15u;
  i = (i ^ (i >> 30)) * 0xBF58476D1CE4E5B9u;
  i = (i ^ (i >> 27)) * 0x94D049BB133111EBu;
  return i ^ (i >> 31);
}

double small(int64_t i) { return static_cast<int64_t>(mix(i) % 17) - 8; }

double eighths(int64_t i) {
  return (static_cast<int64_t>(mix(i) % 257) - 128) / 8.0;
}

double wild(int64_t i) {
  uint64_t bits = mix(i);
  switch (bits % 16) {
  case 0:
    return INFINITY;
  case 1:
    return -INFINITY;
  case 2:
    return NAN;
  case 3:
    return 0.0;
  case 4:
    return -0.0;
  case 5:
  case 6:
    return small(i);
  default:
    return std::ldexp((bits >> 32) * 0x1p-31 - 1.0,
                      static_cast<int>(bits >> 8 & 31) - 12);
  }
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string TensorArgument::type() const {
  std::string text = "memref<", strides;
  for (size_t d = 0; d < sizes.size(); ++d) {
    text += fixed ? fmt::format("{}x", sizes[d]) : "?x";
    bool adjacent = layout == Layout::rows      ? d + 1 == sizes.size()
                    : layout == Layout::columns ? d == 0
                                                : false;
    strides += fmt::format("{}{}", d ? ", " : "", adjacent ? "1" : "?");
  }
  return text + element + ", strided<[" + strides + "]>>";
}

/// Strides in elements; loose ones leave gaps.
static std::vector<int64_t> stridesOf(const TensorArgument &tensor) {
  size_t rank = tensor.sizes.size();
  std::vector<int64_t> strides(rank);
  int64_t next = tensor.layout == Layout::loose ? 2 : 1;
  for (size_t n = 0; n < rank; ++n) {
    size_t d = tensor.layout == Layout::columns ? n : rank - 1 - n;
    strides[d] = next;
    next = next * std::max<int64_t>(tensor.sizes[d], 1) +
           (tensor.layout == Layout::loose ? 3 : 0);
  }
  return strides;
}

TensorArgument &Case::tensor(std::string name, std::string element,
                             std::vector<int64_t> sizes, Layout layout) {
  tensors.push_back(
      {std::move(name), std::move(element), std::move(sizes), layout});
  return tensors.back();
}

void Case::scalar(std::string name, std::string element, double value) {
  scalars.push_back({std::move(name), std::move(element), value});
}

std::string Case::text() const {
  std::vector<std::string> arguments;
  std::string views;
  for (const TensorArgument &t : tensors) {
    arguments.push_back(
        fmt::format("%{}_ptr: memref<{}> {{ag.name = \"{}\", ag.access = "
                    "\"{}\"}}",
                    t.name, t.element, t.name, t.written ? "inout" : "in"));
    std::vector<std::string> sizes, strides;
    for (size_t d = 0; d < t.sizes.size(); ++d) {
      bool adjacent = (t.layout == Layout::rows && d + 1 == t.sizes.size()) ||
                      (t.layout == Layout::columns && d == 0);
      arguments.push_back(fmt::format("%{}_s{}: index", t.name, d));
      strides.push_back(adjacent ? "1" : fmt::format("%{}_s{}", t.name, d));
      if (t.fixed) {
        sizes.push_back(fmt::format("{}", t.sizes[d]));
        continue;
      }
      views += fmt::format("  %{0}_d{1} = arith.index_cast %{0}_n{1} : i32 to "
                           "index\n",
                           t.name, d);
      sizes.push_back(fmt::format("%{}_d{}", t.name, d));
    }
    views += fmt::format(
        "  %{0} = memref.reinterpret_cast %{0}_ptr to offset: [0], sizes: "
        "[{1}], strides: [{2}] : memref<{3}> to {4}\n",
        t.name, fmt::join(sizes, ", "), fmt::join(strides, ", "), t.element,
        t.type());
  }
  for (const TensorArgument &t : tensors)
    for (size_t d = 0; d < t.sizes.size(); ++d)
      arguments.push_back(fmt::format("%{}_n{}: i32", t.name, d));
  for (const ScalarArgument &s : scalars)
    arguments.push_back(fmt::format("%{}: {}", s.name, s.element));
  std::string code = body;
  for (const TensorArgument &t : tensors)
    for (size_t at; (at = code.find("$" + t.name)) != std::string::npos;)
      code.replace(at, t.name.size() + 1, t.type());
  return fmt::format("ag.kernel @k({}) {{\n  %c0 = arith.constant 0 : i32\n"
                     "{}{}\n  ag.return\n}}\n",
                     fmt::join(arguments, ", "), views, code);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

namespace {
/// The memory of one run, and the slots that point to it.
struct Memory {
  std::vector<std::vector<char>> bytes;
  std::vector<uint64_t> slots;
};
} // namespace

static Number numberOf(double value, Type element) {
  if (isa<FloatType>(element))
    return Number::of(compiler::reference::roundTo(value, element));
  return Number::of(
      compiler::reference::wrap(static_cast<int64_t>(value), element));
}

static Tensor viewOf(const TensorArgument &argument, Type element,
                     std::vector<char> &bytes) {
  std::vector<int64_t> strides = stridesOf(argument);
  return {element, bytes.data() + guard * compiler::reference::bytesOf(element),
          Place(argument.sizes.begin(), argument.sizes.end()),
          Place(strides.begin(), strides.end())};
}

static Memory makeMemory(const Case &test, MLIRContext *context) {
  Memory memory;
  memory.bytes.reserve(test.tensors.size());
  for (const TensorArgument &argument : test.tensors) {
    Type element = parseType(argument.element, context);
    int64_t reach = 1;
    for (auto [size, stride] : llvm::zip(argument.sizes, stridesOf(argument)))
      reach += std::max<int64_t>(size - 1, 0) * stride;
    // Around the elements: NaNs, or large numbers.
    std::vector<char> &bytes = memory.bytes.emplace_back(
        (reach + 2 * guard) * compiler::reference::bytesOf(element), '\x7f');
    Tensor view = viewOf(argument, element, bytes);
    int64_t i = 0;
    if (!llvm::is_contained(argument.sizes, 0))
      forEachPlace(view.sizes, [&](ArrayRef<int64_t> place) {
        compiler::reference::writeNumber(
            view.find(place), numberOf(argument.fill(i++), element), element);
      });
    memory.slots.push_back(reinterpret_cast<uint64_t>(view.pointer));
    llvm::append_range(memory.slots, view.strides);
  }
  for (const TensorArgument &argument : test.tensors)
    llvm::append_range(memory.slots, argument.sizes);
  for (const ScalarArgument &scalar : test.scalars) {
    uint64_t slot = 0;
    Type element = parseType(scalar.element, context);
    compiler::reference::writeNumber(reinterpret_cast<char *>(&slot),
                                     numberOf(scalar.value, element), element);
    memory.slots.push_back(slot);
  }
  return memory;
}

static bool same(Number x, Number y, Type element,
                 const TensorArgument &argument) {
  if (!isa<FloatType>(element))
    return x.whole == y.whole;
  if (x.real == y.real || (x.real != x.real && y.real != y.real))
    return true;
  return std::abs(x.real - y.real) <=
         argument.absolute + argument.relative * std::abs(x.real);
}

/// The first few differences between what the reference and another run left.
static std::string compare(const Case &test, Memory &expected, Memory &found,
                           MLIRContext *context, bool inOrder = true) {
  std::string text;
  int shown = 0;
  for (auto [t, argument] : llvm::enumerate(test.tensors)) {
    Type element = parseType(argument.element, context);
    Tensor a = viewOf(argument, element, expected.bytes[t]);
    Tensor b = viewOf(argument, element, found.bytes[t]);
    if (!llvm::is_contained(argument.sizes, 0))
      forEachPlace(a.sizes, [&](ArrayRef<int64_t> place) {
        Number x = compiler::reference::readNumber(a.find(place), element);
        Number y = compiler::reference::readNumber(b.find(place), element);
        bool equal =
            same(x, y, element, argument) || (argument.ordered && !inOrder);
        if (!equal && shown++ < 8)
          text +=
              fmt::format("  {}[{}]: expected {}, got {}\n", argument.name,
                          fmt::join(place, ", "),
                          a.element.isIntOrIndex() ? double(x.whole) : x.real,
                          a.element.isIntOrIndex() ? double(y.whole) : y.real);
        // What is compared here counts no more below.
        std::memcpy(b.find(place), a.find(place),
                    compiler::reference::bytesOf(element));
      });
    if (expected.bytes[t] != found.bytes[t])
      text +=
          fmt::format("  {}: written outside its elements\n", argument.name);
  }
  return text;
}

//===----------------------------------------------------------------------===//
// Both runs
//===----------------------------------------------------------------------===//

/// One context for all cases of a thread: making one takes longer than using
/// it.
static MLIRContext *sharedContext() {
  thread_local std::unique_ptr<MLIRContext> context = makePipelineContext();
  return context.get();
}

namespace {
struct ReferenceRun {
  MLIRContext *context = sharedContext();
  OwningOpRef<ModuleOp> module;
  Memory memory;
  bool assertFailed = false;
  std::string error;

  explicit ReferenceRun(const Case &test) {
    ScopedDiagnosticHandler handler(context, [&](mlir::Diagnostic &diagnostic) {
      error += diagnostic.str() + "\n";
      return success();
    });
    module = parseSourceString<ModuleOp>(test.text(), context);
    if (!module || module->getOps<ir::KernelOp>().empty()) {
      error += "the kernel is not valid";
      return;
    }
    memory = makeMemory(test, context);
    Interpreter run(*module->getOps<ir::KernelOp>().begin(), memory.slots);
    for (uint32_t program = 0; program < test.programs; ++program)
      if (failed(run.runProgram(program)))
        return;
    assertFailed = !run.failedAsserts.empty();
  }
};
} // namespace

namespace {
/// How a kernel is compiled.
struct Compiled {
  compiler::cpu::VectorTarget vectors;
  bool optimize = true;

  std::string describe() const {
    return fmt::format("CPU, {} bits, {} products of bf16, {}",
                       vectors.vectorBits, vectors.bf16Products,
                       optimize ? "-O3" : "-O0");
  }
};
} // namespace

/// The ways to compile a kernel: for one width of vectors that the machine has;
/// with dots of bf16 in each way it knows, and by tile registers, which are
/// emulated, too.
static std::vector<Compiled> waysFor(const std::string &text) {
  std::vector<Compiled> all;
  for (int64_t bits = hostVectors().vectorBits; bits >= 128; bits /= 2) {
    compiler::cpu::VectorTarget vectors = hostVectors();
    vectors.vectorBits = bits;
    if (bits == 128)
      vectors.registers = 16;
    all.push_back({vectors});
  }
  size_t hash = std::hash<std::string>()(text);
  std::vector<Compiled> ways = all;
  if (!std::getenv("AG_ALL_WIDTHS"))
    ways = {all[hash % all.size()]};
  // LLVM takes longer over code that it does not optimise.
  if (hash % 16 == 0)
    ways.push_back({ways.front().vectors, false});
  bool hasDots = text.find("ag.dot") != std::string::npos &&
                 text.find("bf16") != std::string::npos;
  if (hasDots && machine_runs("x86-64-v4-bf16"))
    for (int64_t products : {1, 2, 32}) {
      all.front().vectors.bf16Products = products;
      ways.push_back(all.front());
    }
  return ways;
}

/// Whether a host would find the tensor regular, as it lies in `makeMemory`.
static bool isRegular(const TensorArgument &tensor, MLIRContext *context) {
  int64_t bytes =
      compiler::reference::bytesOf(parseType(tensor.element, context));
  std::vector<int64_t> strides = stridesOf(tensor);
  return llvm::all_of(ArrayRef(strides).drop_back(),
                      [&](int64_t stride) { return stride * bytes % 16 == 0; });
}

/// Runs the case on the software device: compiled for one of two chips, so that
/// warpgroups have a part in it, and, for the older, in the variant for regular
/// tensors where they are. (The newer would want descriptions of those.)
static std::string disagreementOnGpu(const Case &test,
                                     ReferenceRun &reference) {
  bool isNewer = std::hash<std::string>()(test.text()) % 2;
  OwningOpRef<ModuleOp> copy(reference.module->clone());
  ir::KernelOp kernelOp = *copy->getOps<ir::KernelOp>().begin();
  unsigned argument = 0;
  for (const TensorArgument &tensor : test.tensors) {
    if (!isNewer && isRegular(tensor, reference.context))
      kernelOp.setArgAttr(argument, ir::KernelOp::regularAttr,
                          UnitAttr::get(reference.context));
    argument += 1 + tensor.sizes.size(); // its strides follow
  }
  SimKernel kernel = compileForSim(*copy, isNewer ? "sm_90a" : "sm_80");
  if (kernel.unsupported) {
    GTEST_LOG_(INFO) << "not run: " << kernel.error;
    return {};
  }
  std::string where = isNewer ? "sm_90a: " : "sm_80: ";
  if (!kernel.error.empty())
    return where + kernel.error;
  Memory memory = makeMemory(test, reference.context);
  std::vector<std::pair<void *, size_t>> spans;
  for (std::vector<char> &bytes : memory.bytes)
    spans.emplace_back(bytes.data(), bytes.size());
  auto [said, failedAssert] = kernel.run(memory.slots, test.programs, spans);
  if (said.empty())
    said = compare(test, reference.memory, memory, reference.context,
                   /*inOrder=*/false);
  if ((failedAssert != 0) != reference.assertFailed)
    said += "  an assert failed in one of the two only\n";
  return said.empty() ? said : where + "\n" + said;
}

std::string disagreement(const Case &test) {
  ReferenceRun reference(test);
  if (!reference.error.empty())
    return "reference: " + reference.error;
  const char *device = std::getenv("AG_TEST_DEVICE");
  if (device && std::string(device) == "sim")
    return disagreementOnGpu(test, reference);
  TileEmulator tiles;
  for (const Compiled &way : waysFor(test.text())) {
    OwningOpRef<ModuleOp> copy(reference.module->clone());
    CpuKernel kernel = compileForCpu(*copy, way.vectors, way.optimize);
    if (!kernel.entry)
      return way.describe() + ": " + kernel.error;
    Memory memory = makeMemory(test, reference.context);
    bool assertFailed = kernel.run(memory.slots, test.programs) != 0;
    std::string text =
        compare(test, reference.memory, memory, reference.context);
    if (assertFailed != reference.assertFailed)
      text += "  an assert failed in one of the two only\n";
    if (!text.empty())
      return way.describe() + ":\n" + text;
  }
  return {};
}

void agree(const Case &test) {
  std::string text = disagreement(test);
  EXPECT_TRUE(text.empty()) << text << test.text();
}

std::vector<double> referenceResult(const Case &test, const std::string &name) {
  std::vector<double> result;
  ReferenceRun reference(test);
  EXPECT_TRUE(reference.error.empty()) << reference.error << test.text();
  for (auto [t, argument] : llvm::enumerate(test.tensors)) {
    if (argument.name != name || !reference.error.empty())
      continue;
    Type element = parseType(argument.element, reference.context);
    Tensor view = viewOf(argument, element, reference.memory.bytes[t]);
    forEachPlace(view.sizes, [&](ArrayRef<int64_t> place) {
      Number x = compiler::reference::readNumber(view.find(place), element);
      result.push_back(isa<FloatType>(element) ? x.real : double(x.whole));
    });
  }
  return result;
}

} // namespace attn_grid::test
