// Kernels that skip tiles by their mask load k and v for exactly the tiles that
// keep something: the interpreter counts the loads of what the tile phase left,
// a loop over the mask's definition counts the tiles.

#include "compiler/Frontend/Frontend.h"
#include "compiler/Frontend/Slots.h"
#include "compiler/Pipeline.h"
#include "compiler/Reference/Interpreter.h"
#include "test/support/CpuKernel.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <list>
#include <map>

namespace attn_grid::test {
namespace {

constexpr int block = 16, width = 16;

/// One kernel, one sequence of one head.
struct SkipCase {
  const char *name, *file, *variant;
  int queries, keys;
  std::map<std::string, int64_t> consts; // beside the blocks and widths
  std::map<std::string, double> scalars; // others are 0
  std::map<std::string, std::function<int(int)>> index; // of i32 tensors
  std::function<bool(int i, int j)> allowed;
};

std::string readFile(const std::string &path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// What a launch hands over: q, k, v, o of [1, 1, rows, width], index tensors
/// of [1, 1, rows] or [1, rows], scalars.
class Arguments {
public:
  Arguments(const SkipCase &test, const Signature &signature,
            const Specialization &spec) {
    for (const Slot &slot : compiler::argumentSlots(signature, spec)) {
      const Param *param = slot.kind == Slot::Kind::extent
                               ? nullptr
                               : &signature.params[slot.param];
      switch (slot.kind) {
      case Slot::Kind::pointer:
        slots.push_back(pointerTo(test, *param));
        break;
      case Slot::Kind::stride: {
        // Of sequences and heads there is one: any stride will do.
        bool rows = slot.dim + 2 == static_cast<int>(param->dims.size());
        slots.push_back(rows ? width : 0);
        break;
      }
      case Slot::Kind::extent: {
        const std::string &name = signature.extents[slot.param].name;
        slots.push_back(name == "M"   ? test.queries
                        : name == "N" ? test.keys
                                      : 1);
        break;
      }
      case Slot::Kind::scalar: {
        auto found = test.scalars.find(param->name);
        double value = found == test.scalars.end() ? 0 : found->second;
        uint64_t bits = static_cast<uint64_t>(static_cast<int64_t>(value));
        if (param->type.kind != TypeRef::Kind::concrete) {
          float real = static_cast<float>(value);
          bits = 0;
          std::memcpy(&bits, &real, sizeof real);
        }
        slots.push_back(bits);
        break;
      }
      }
    }
  }
  std::vector<uint64_t> slots;

private:
  uint64_t pointerTo(const SkipCase &test, const Param &param) {
    size_t rows = std::max(test.queries, test.keys) + block;
    std::vector<int32_t> &data = memory.emplace_back(rows * width);
    auto found = test.index.find(param.name);
    if (found != test.index.end())
      for (size_t i = 0; i < rows; ++i)
        data[i] = found->second(static_cast<int>(i));
    return reinterpret_cast<uint64_t>(data.data());
  }
  std::list<std::vector<int32_t>> memory;
};

Specialization specialize(const SkipCase &test, const Signature &signature) {
  Specialization spec;
  spec.kernel = signature.name;
  spec.types.assign(signature.types.size(), f32);
  for (const ConstParam &param : signature.consts) {
    auto found = test.consts.find(param.name);
    int64_t value = param.is_gpu_hint ? param.default_value.nodes[0].i
                    : found != test.consts.end()               ? found->second
                    : param.name == "BM" || param.name == "BN" ? block
                    : param.name == "D" || param.name == "DV"  ? width
                                                               : 0;
    spec.consts.push_back({param.kind, value, 0.0});
  }
  for (const Param &param : signature.params) {
    spec.present.push_back(!param.optional);
    spec.last_stride.push_back(param.is_tensor ? 1 : -1);
  }
  return spec;
}

/// The name of the kernel's argument that a tensor is made of.
std::string argumentOf(mlir::Value tensor) {
  while (mlir::Operation *maker = tensor.getDefiningOp())
    tensor = maker->getOperand(0);
  auto argument = mlir::cast<mlir::BlockArgument>(tensor);
  auto kernel = mlir::cast<ir::KernelOp>(argument.getOwner()->getParentOp());
  auto name = kernel.getArgAttrOfType<mlir::StringAttr>(argument.getArgNumber(),
                                                        "ag.name");
  return name ? name.getValue().str() : "";
}

/// The loads of k and of v that the programs of a kernel do.
struct Loads {
  int k = 0, v = 0;
};

Loads countLoads(const SkipCase &test) {
  std::string path = std::string(AG_SOURCE_DIR) + "/kernels_dsl/" + test.file;
  FunctionBindings functions;
  if (test.variant) {
    functions.kernel = "flash_attn_fwd";
    functions.variant = test.variant;
  }
  auto program =
      compiler::parseProgram(readFile(path), path, {}, {}, functions);
  EXPECT_EQ(program->diagnostics.render(), "");
  const Signature &signature = program->signatures.front();
  Specialization spec = specialize(test, signature);
  std::unique_ptr<mlir::MLIRContext> context = makePipelineContext();
  compiler::Diagnostics diags(program->sources);
  auto module = compiler::lowerKernel(*program, spec, *context, diags);
  EXPECT_TRUE(module) << diags.render();
  if (!module)
    return {};
  mlir::PassManager passes(context.get(), mlir::ModuleOp::getOperationName());
  compiler::addTilePhase(passes);
  EXPECT_TRUE(mlir::succeeded(passes.run(*module)));

  Loads loads;
  compiler::reference::InterpreterOptions options;
  options.onOperation = [&](mlir::Operation *op) {
    if (auto load = mlir::dyn_cast<ir::LoadOp>(op)) {
      std::string name = argumentOf(load.getTensor());
      loads.k += name == "k";
      loads.v += name == "v";
    }
  };
  Arguments arguments(test, signature, spec);
  compiler::reference::Interpreter run(*module->getOps<ir::KernelOp>().begin(),
                                       arguments.slots, options);
  for (int m = 0; m * block < test.queries; ++m)
    EXPECT_TRUE(mlir::succeeded(run.runProgram(m)));
  return loads;
}

/// The tiles in which some pair is kept.
int tilesWithWork(const SkipCase &test) {
  int tiles = 0;
  for (int m = 0; m < test.queries; m += block)
    for (int n = 0; n < test.keys; n += block) {
      bool some = false;
      for (int i = m; i < std::min(m + block, test.queries); ++i)
        for (int j = n; j < std::min(n + block, test.keys); ++j)
          some |= test.allowed(i, j);
      tiles += some;
    }
  return tiles;
}

std::vector<SkipCase> cases() {
  std::vector<SkipCase> all;
  for (auto [queries, keys] :
       {std::pair(100, 100), {64, 150}, {150, 64}, {1, 1}}) {
    int shift = keys - queries;
    const char *flash = "flash/flash_fwd.ag", *attn = "flash/flash_attn_fwd.ag";
    all.push_back(
        {"full", flash, nullptr, queries, keys, {}, {}, {}, [](int, int) {
           return true;
         }});
    all.push_back({"causal",
                   flash,
                   nullptr,
                   queries,
                   keys,
                   {{"causal", 1}},
                   {},
                   {},
                   [=](int i, int j) { return j <= i + shift; }});
    for (auto [left, right] :
         {std::pair(20, 5), {-1, 0}, {0, -1}, {-1, -1}, {40, 40}})
      all.push_back({"window",
                     attn,
                     nullptr,
                     queries,
                     keys,
                     {{"windowed", 1}},
                     {{"left", left}, {"right", right}},
                     {},
                     [=](int i, int j) {
                       int d = j - (i + shift);
                       return (left < 0 || d >= -left) &&
                              (right < 0 || d <= right);
                     }});
    all.push_back({"causal from a start",
                   attn,
                   nullptr,
                   queries,
                   keys,
                   {{"causal", 1}, {"align", 2}},
                   {{"start", 30}},
                   {},
                   [](int i, int j) { return j <= i + 30; }});
    all.push_back(
        {"sliding window",
         attn,
         "sliding_window",
         queries,
         keys,
         {},
         {{"width", 24}},
         {},
         [=](int i, int j) { return j <= i + shift && i + shift - j < 24; }});
    all.push_back({"attention sinks",
                   attn,
                   "attention_sinks",
                   queries,
                   keys,
                   {},
                   {{"width", 24}, {"sinks", 4}},
                   {},
                   [=](int i, int j) {
                     return j <= i + shift && (j < 4 || i + shift - j < 24);
                   }});
  }
  // Sorted numbers of buckets and documents: blocks that share none are
  // skipped.
  auto bucket = [](int i) { return i / 23; };
  auto place = [](int i) { return i * 3; };
  all.push_back(
      {"buckets",
       "dynamic_sparse/hash_sparse_fwd.ag",
       nullptr,
       200,
       200,
       {{"causal", 1}},
       {},
       {{"q_bucket", bucket},
        {"k_bucket", bucket},
        {"q_pos", place},
        {"k_pos", place}},
       [=](int i, int j) { return bucket(i) == bucket(j) && j <= i; }});
  auto queryPlace = [](int i) { return 5 * i; };
  all.push_back({"kept tokens",
                 "dynamic_sparse/qk_sparse_fwd.ag",
                 nullptr,
                 90,
                 150,
                 {{"causal", 1}},
                 {},
                 {{"q_pos", queryPlace}, {"k_pos", place}},
                 [=](int i, int j) { return place(j) <= queryPlace(i); }});
  auto document = [](int i) { return i / 40; };
  all.push_back(
      {"documents",
       "flash/flash_attn_fwd.ag",
       "documents",
       200,
       200,
       {},
       {},
       {{"document", document}},
       [=](int i, int j) { return document(i) == document(j) && j <= i; }});
  return all;
}

TEST(SkippedTiles, LoadNeitherKeysNorValues) {
  for (const SkipCase &test : cases()) {
    SCOPED_TRACE(std::string(test.name) + ", " + std::to_string(test.queries) +
                 " queries, " + std::to_string(test.keys) + " keys");
    Loads loads = countLoads(test);
    int tiles = tilesWithWork(test);
    EXPECT_EQ(loads.k, tiles);
    EXPECT_EQ(loads.v, tiles);
  }
}

} // namespace
} // namespace attn_grid::test
