// The lowering to tile programs, where text is no test: every kernel that we
// ship under many bindings, argument slots, locations, limits.

#include "compiler/Frontend/ConstEval.h"
#include "compiler/Frontend/Frontend.h"
#include "compiler/Frontend/Slots.h"

#include "dialect/AgOps.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <sstream>

using namespace attn_grid;
using namespace attn_grid::compiler;
using testing::HasSubstr;

namespace {
mlir::MLIRContext &context() {
  static auto *context = [] {
    mlir::DialectRegistry registry;
    ir::registerTileDialects(registry);
    auto *made =
        new mlir::MLIRContext(registry, mlir::MLIRContext::Threading::DISABLED);
    made->loadAllAvailableDialects();
    return made;
  }();
  return *context;
}

/// A binding: one dtype for type parameters without a default, 64 and false
/// for consts.
Specialization bindAll(const Signature &signature, DType type,
                       bool optionals = true, int8_t lastStride = 1) {
  Specialization spec;
  spec.kernel = signature.name;
  for (const TypeParam &param : signature.types) {
    const TypeRef &known = param.default_type;
    if (!param.has_default)
      spec.types.push_back(param.kind == TypeParam::Class::integer ? i32
                                                                   : type);
    else if (known.kind == TypeRef::Kind::concrete)
      spec.types.push_back(known.dtype);
    else
      spec.types.push_back(known.kind == TypeRef::Kind::param
                               ? spec.types[known.param]
                               : acc_of(spec.types[known.param]));
  }
  for (const ConstParam &param : signature.consts) {
    int64_t value = param.is_gpu_hint ? param.default_value.nodes[0].i : 64;
    spec.consts.push_back(
        {param.kind, param.kind == ConstParam::Kind::integer ? value : 0, 1.0});
  }
  for (const Param &param : signature.params) {
    spec.present.push_back(!param.optional || optionals);
    spec.last_stride.push_back(param.is_tensor ? lastStride : int8_t(-1));
  }
  return spec;
}

/// The diagnostics of lowering the one kernel of a text; empty if it is right.
std::string mistakes(const std::string &text) {
  auto program = parseProgram(text, "test.ag");
  if (program->diagnostics.hasErrors())
    return program->diagnostics.render();
  Diagnostics diags(program->sources);
  auto module = lowerKernel(*program, bindAll(program->signatures.front(), f32),
                            context(), diags);
  EXPECT_EQ(static_cast<bool>(module), !diags.hasErrors());
  return diags.render();
}

std::string readFile(const std::filesystem::path &path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}
} // namespace

TEST(Lower, EveryKernelWeShip) {
  int kernels = 0;
  std::filesystem::path root =
      std::filesystem::path(AG_SOURCE_DIR) / "kernels_dsl";
  for (const auto &entry :
       std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".ag")
      continue;
    auto program = parseProgram(readFile(entry.path()), entry.path().string());
    ASSERT_EQ(program->diagnostics.render(), "");
    for (const Signature &signature : program->signatures)
      for (DType type : {f32, f64, f16, bf16})
        for (int8_t stride : {int8_t(-1), int8_t(0), int8_t(1)})
          for (bool optionals : {true, false}) {
            Diagnostics diags(program->sources);
            auto module = lowerKernel(
                *program, bindAll(signature, type, optionals, stride),
                context(), diags);
            ASSERT_TRUE(module) << diags.render();
            EXPECT_TRUE(mlir::succeeded(mlir::verify(*module)));
            ++kernels;
          }
  }
  EXPECT_GE(kernels, 5 * 24);
}

TEST(Lower, ArgumentsAreTheSlots) {
  auto program = parseProgram("kernel k<T: float, const D: int>(x: "
                              "tensor<T>[A, B, D], y: tensor<T>[B]?,"
                              " s: f32, out z: tensor<i32>[A]) grid (A) { }",
                              "test.ag");
  ASSERT_EQ(program->diagnostics.render(), "");
  const Signature &signature = program->signatures.front();
  Specialization spec = bindAll(signature, f16, /*optionals=*/false);
  spec.last_stride[3] = -1;
  std::vector<Slot> slots = argumentSlots(signature, spec);
  Diagnostics diags(program->sources);
  auto module = lowerKernel(*program, spec, context(), diags);
  ASSERT_TRUE(module) << diags.render();
  auto kernel = *module->getOps<ir::KernelOp>().begin();
  // x, its two strides, z, its stride, A, B, s: y is absent, D compiled in.
  ASSERT_EQ(slots.size(), 8u);
  ASSERT_EQ(kernel.getArgumentTypes().size(), slots.size());
  for (auto [slot, type] : llvm::zip(slots, kernel.getArgumentTypes()))
    switch (slot.kind) {
    case Slot::Kind::pointer:
      EXPECT_TRUE(llvm::isa<mlir::MemRefType>(type));
      break;
    case Slot::Kind::stride:
      EXPECT_TRUE(type.isIndex());
      break;
    case Slot::Kind::extent:
      EXPECT_TRUE(type.isInteger(32));
      break;
    case Slot::Kind::scalar:
      EXPECT_TRUE(type.isF32());
      break;
    }
  EXPECT_EQ(slots[3].kind, Slot::Kind::pointer);
  EXPECT_EQ(slots[3].param, 3);
  EXPECT_EQ(slots[4].kind, Slot::Kind::stride);
  EXPECT_EQ(slots[6].param, 1); // the extent B
}

TEST(Lower, EveryOperationHasItsPlace) {
  auto program =
      parseProgram("fn twice(x: f32) -> f32 {\n"
                   "  return x * 2.0;\n"
                   "}\n"
                   "kernel k(x: tensor<f32>[N], out y: tensor<f32>[N])\n"
                   "  grid (N)\n"
                   "{\n"
                   "  y[0] = twice(x[1]);\n"
                   "}\n",
                   "test.ag");
  Diagnostics diags(program->sources);
  auto module = lowerKernel(*program, bindAll(program->signatures.front(), f32),
                            context(), diags);
  ASSERT_TRUE(module);
  bool foundProduct = false;
  module->walk([&](mlir::Operation *op) {
    auto place = op->getLoc()->findInstanceOf<mlir::FileLineColLoc>();
    EXPECT_TRUE(place) << op->getName().getStringRef().str();
    if (op->getName().getStringRef() != "arith.mulf")
      return;
    foundProduct = true;
    auto call = llvm::dyn_cast<mlir::CallSiteLoc>(op->getLoc());
    ASSERT_TRUE(call);
    auto callee = llvm::cast<mlir::FileLineColLoc>(call.getCallee());
    auto caller = llvm::cast<mlir::FileLineColLoc>(call.getCaller());
    EXPECT_EQ(callee.getLine(), 2u);
    EXPECT_EQ(callee.getColumn(), 10u);
    EXPECT_EQ(caller.getLine(), 7u);
  });
  EXPECT_TRUE(foundProduct);
}

// Functions that each call the next twice would be inlined 2^40 times.
TEST(Lower, ManyInstantiationsAreAnError) {
  std::string text;
  for (int i = 0; i < 40; ++i)
    text += "fn call" + std::to_string(i) + "(x: f32) -> f32 { return call" +
            std::to_string(i + 1) + "(x) + call" + std::to_string(i + 1) +
            "(x); }\n";
  text += "fn call40(x: f32) -> f32 { return x; }\n"
          "kernel k(out y: tensor<f32>[N]) grid (N) { y[0] = call0(1.0); }\n";
  EXPECT_THAT(mistakes(text),
              HasSubstr("too large once its calls are inlined"));
}

TEST(Lower, DeepCallsAreAnError) {
  std::string text;
  for (int i = 0; i < 2000; ++i)
    text += "fn call" + std::to_string(i) + "(x: f32) -> f32 { return call" +
            std::to_string(i + 1) + "(x); }\n";
  text += "fn call2000(x: f32) -> f32 { return x; }\n"
          "kernel k(out y: tensor<f32>[N]) grid (N) { y[0] = call0(1.0); }\n";
  EXPECT_THAT(mistakes(text), HasSubstr("nested too deeply"));
}

TEST(Lower, EndlessStructIsAnError) {
  EXPECT_THAT(
      mistakes("struct S<const N: int> { a: S<N + 1> }\n"
               "fn f(s: S<0>) { }\n"
               "fn g(x: f32) -> S<0> { return x; }\n"
               "kernel k(out y: tensor<f32>[N]) grid (N) { g(1.0); }\n"),
      HasSubstr("nested too deeply"));
  EXPECT_THAT(
      mistakes("struct S { a: S }\n"
               "fn g(x: f32) -> S { return x; }\n"
               "kernel k(out y: tensor<f32>[N]) grid (N) { g(1.0); }\n"),
      HasSubstr("contains itself"));
}

TEST(Lower, ManyGuardsAreAnError) {
  std::string text = "kernel k(x: tensor<f32>[N], out y: tensor<f32>[N]) grid "
                     "(N) { for i in 0 .. N {\n";
  for (int i = 0; i < 3000; ++i)
    text += "continue unless x[i] > " + std::to_string(i) + ".0;\n";
  EXPECT_THAT(mistakes(text + "y[i] = 1.0; } }\n"),
              HasSubstr("nested too deeply"));
}

// Extents that are known to be 0, views that are known to be outside, and one
// whose kept extent is a constant, so that `:` takes it.
TEST(Lower, ViewsOfConstExtents) {
  EXPECT_EQ(mistakes("kernel k(x: tensor<f32>[4, 0], y: tensor<f32>[4, 8],\n"
                     "         out z: tensor<f32>[N]) grid (N) {\n"
                     "  let a = view(x[1 .. 3, :]);\n"
                     "  let b = view(x[9, 0 .. 1]);\n"
                     "  let c = view(y[9, :]);\n"
                     "  let d = view(y[4 .. 9, 7 .. 8]);\n"
                     "  let e = view(y[1 .. 3, 4 .. 100]);\n"
                     "  let f = view(y[1 .. 3, 8 .. N]);\n"
                     "  z[0] = a[0, 0] + b[0] + c[0] + d[0, 0] + f[0, 0];\n"
                     "  z[1] = sum(e[:, :]);\n"
                     "}\n"),
            "");
}

TEST(Lower, BindingThatDoesNotFit) {
  auto program = parseProgram(
      "kernel k<T: float>(out y: tensor<T>[N]) grid (N) { }", "test.ag");
  Diagnostics diags(program->sources);
  Specialization spec = bindAll(program->signatures.front(), f32);
  spec.types = {i32};
  EXPECT_FALSE(lowerKernel(*program, spec, context(), diags));
  EXPECT_THAT(diags.render(), HasSubstr("`T` must be a float type, found i32"));
  spec.types.clear();
  Diagnostics more(program->sources);
  EXPECT_FALSE(lowerKernel(*program, spec, context(), more));
  EXPECT_THAT(more.render(), HasSubstr("does not fit its signature"));
}

TEST(ConstEval, DivisionRoundsAndNeverTraps) {
  auto fold = [](BinaryKind kind, int64_t a, int64_t b) {
    return foldBinary(kind, constInt(a), constInt(b)).value->i;
  };
  EXPECT_EQ(fold(BinaryKind::div, -7, 2), -3);
  EXPECT_EQ(fold(BinaryKind::mod, -7, 2), -1);
  EXPECT_EQ(fold(BinaryKind::floordiv, -7, 2), -4);
  EXPECT_EQ(fold(BinaryKind::floormod, -7, 2), 1);
  EXPECT_EQ(fold(BinaryKind::ceildiv, -7, 2), -3);
  EXPECT_EQ(fold(BinaryKind::ceildiv, 7, 2), 4);
  EXPECT_EQ(fold(BinaryKind::ceildiv, 7, -2), -3);
  EXPECT_EQ(fold(BinaryKind::div, 7, 0), 0);
  EXPECT_EQ(fold(BinaryKind::mod, 7, 0), 7);
  EXPECT_EQ(fold(BinaryKind::floormod, 7, -1), 0);
  int64_t least = std::numeric_limits<int64_t>::min();
  EXPECT_FALSE(
      foldBinary(BinaryKind::div, constInt(least), constInt(-1)).value);
  EXPECT_EQ(fold(BinaryKind::mod, least, -1), 0);
}

TEST(ConstEval, OverflowIsAnError) {
  int64_t most = std::numeric_limits<int64_t>::max();
  for (BinaryKind kind : {BinaryKind::add, BinaryKind::mul, BinaryKind::shl})
    EXPECT_THAT(foldBinary(kind, constInt(most), constInt(2)).error,
                HasSubstr("does not fit 64 bits"));
  EXPECT_FALSE(foldNextPow2(constInt(most)).value);
  EXPECT_EQ(foldNextPow2(constInt(65)).value->i, 128);
  EXPECT_EQ(foldNextPow2(constInt(-3)).value->i, 1);
  EXPECT_EQ(foldPower(constInt(-1), constInt(most)).value->i, -1);
  EXPECT_FALSE(foldPower(constInt(2), constInt(63)).value);
  EXPECT_FALSE(
      foldUnary(UnaryKind::neg, constInt(std::numeric_limits<int64_t>::min()))
          .value);
}

TEST(ConstEval, WhatFits) {
  EXPECT_EQ(whyNotA(i8, constInt(-128)), "");
  EXPECT_NE(whyNotA(i8, constInt(128)), "");
  EXPECT_NE(whyNotA(u8, constInt(-1)), "");
  EXPECT_EQ(whyNotA(f16, constInt(65504)), "");
  EXPECT_NE(whyNotA(f16, constFloat(65520)), "");
  EXPECT_EQ(whyNotA(f16, constFloat(-std::numeric_limits<double>::infinity())),
            "");
  EXPECT_NE(whyNotA(i32, constFloat(2)), "");
  EXPECT_NE(whyNotA(boolean, constInt(1)), "");
}
