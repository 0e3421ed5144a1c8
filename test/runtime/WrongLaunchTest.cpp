// Launches that are wrong: the right error, the whole message, and nothing
// written.

#include "test/runtime/FakeCompiler.h"
#include <functional>
#include <gmock/gmock.h>

using namespace attn_grid;
using namespace attn_grid::test;

namespace {

enum class Class { invalid, dtype, key, compile };

struct Tensors {
  Tensor q = Tensor::ones({2, 4, 6, 8}), k = Tensor::ones({2, 2, 5, 8}),
         v = Tensor::ones({2, 2, 5, 3}), o = Tensor::full({2, 4, 6, 3}, 7),
         lse = Tensor::full({2, 4, 6}, 7);
};

struct WrongLaunch {
  const char *name;
  Class error;
  const char *message; // after "flash_fwd: "
  std::function<void(const Kernel &, Tensors &)> launch;
};

std::ostream &operator<<(std::ostream &stream, const WrongLaunch &wrong) {
  return stream << wrong.name;
}

class WrongLaunchTest : public testing::TestWithParam<WrongLaunch> {};

TEST_P(WrongLaunchTest, ThrowsAndWritesNothing) {
  FakeCompiler compiler;
  compiler.programs["flash"] = make_flash();
  Kernel kernel = Module::from_source("flash").kernel("flash_fwd");
  Tensors t;
  const WrongLaunch &wrong = GetParam();
  Class found = Class::invalid;
  std::string message = "nothing was thrown";
  try {
    wrong.launch(kernel, t);
    found = wrong.error;
  } catch (const CompileError &error) {
    found = Class::compile;
    message = error.what();
  } catch (const InvalidArgument &error) {
    message = error.what();
  } catch (const DTypeError &error) {
    found = Class::dtype;
    message = error.what();
  } catch (const KeyError &error) {
    found = Class::key;
    message = error.what();
  }
  EXPECT_EQ(message, (wrong.error == Class::compile ? "" : "flash_fwd: ") +
                         std::string(wrong.message));
  EXPECT_EQ(found, wrong.error);
  EXPECT_THAT(t.o.to_vector(), testing::Each(7));
  EXPECT_THAT(t.lse.to_vector(), testing::Each(7));
  // What is right still runs afterwards.
  Tensors right;
  kernel(right.q, right.k, right.v, out(right.o));
  EXPECT_EQ(right.o.at({1, 3, 5, 2}), 1);
}

const WrongLaunch wrong_launches[] = {
    {"Missing", Class::invalid, "`v` is missing: it is not optional",
     [](const Kernel &kernel, Tensors &t) { kernel(t.q, t.k); }},
    {"MissingByName", Class::invalid, "`q` is missing: it is not optional",
     [](const Kernel &kernel, Tensors &t) {
       kernel(arg("k", t.k), arg("v", t.v), out("o", t.o));
     }},
    {"NoneForRequired", Class::invalid, "`k` is missing: it is not optional",
     [](const Kernel &kernel, Tensors &t) { kernel(t.q, none, t.v); }},
    {"Extra", Class::invalid, "expected at most 6 arguments, found 7",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k, t.v, out(t.o), out(t.lse), 0.5, 1);
     }},
    {"UnknownName", Class::key,
     "no parameter is called `scal`; did you mean `scale`?",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k, t.v, out(t.o), arg("scal", 0.5));
     }},
    {"UnknownNameFarFromAll", Class::key,
     "no parameter is called `temperature`",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k, t.v, out(t.o), arg("temperature", 0.5));
     }},
    {"ConstAmongArguments", Class::key, "no parameter is called `causal`",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k, t.v, out(t.o), arg("causal", true));
     }},
    {"Twice", Class::invalid, "`k` is given twice",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k, t.v, arg("k", t.k));
     }},
    {"PositionAfterName", Class::invalid,
     "an argument by position follows one by name",
     [](const Kernel &kernel, Tensors &t) { kernel(t.q, arg("k", t.k), t.v); }},
    {"ScalarForTensor", Class::invalid,
     "expected a tensor for `k`, found a scalar",
     [](const Kernel &kernel, Tensors &t) { kernel(t.q, 1.0, t.v); }},
    {"TensorForScalar", Class::invalid,
     "expected a scalar for `scale`, found a tensor",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k, t.v, out(t.o), out(t.lse), t.q);
     }},
    {"OutputNotMarked", Class::invalid,
     "`o` is written: pass it as ag::out(...), or as ag::out(\"o\", ...)",
     [](const Kernel &kernel, Tensors &t) { kernel(t.q, t.k, t.v, t.o); }},
    {"InputMarked", Class::invalid, "`v` is only read, found ag::out(...)",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k, out(t.v), out(t.o));
     }},
    {"DTypeOfSecond", Class::dtype,
     "expected `k` of f32, found f16: `q` bound T = f32",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k.convert(f16), t.v, out(t.o));
     }},
    {"DTypeOutsideOfClass", Class::dtype,
     "`q` is of i32, but T must be a float",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q.convert(i32), t.k, t.v, out(t.o));
     }},
    {"DTypeOfAcc", Class::dtype,
     "expected `lse` of f32, found f64: it is acc<T>, and T = f32",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k, t.v, out(t.o), out(t.lse.convert(f64)));
     }},
    {"DTypeOfScalar", Class::dtype,
     "expected `scale` of f32, found the bool true",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k, t.v, out(t.o), arg("scale", true));
     }},
    {"Rank", Class::invalid,
     "expected `q` of rank 4, [B, H, M, D], found rank 3, [4, 6, 8]",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q.select(0, 0), t.k, t.v, out(t.o));
     }},
    {"ExtentDiffers", Class::invalid, "`v` has N = 4, but `k` bound N = 5",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k, t.v.slice(2, 0, 4), out(t.o));
     }},
    {"ConstExtentDiffers", Class::invalid, "`k` has D = 7, but `q` bound D = 8",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k.slice(3, 0, 7), t.v, out(t.o));
     }},
    {"NoBroadcastUnasked", Class::invalid, "`k` has B = 1, but `q` bound B = 2",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k.slice(0, 0, 1), t.v, out(t.o));
     }},
    {"OutputShape", Class::invalid, "`o` has M = 5, but `q` bound M = 6",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k, t.v, out(t.o.slice(2, 0, 5)));
     }},
    {"Where", Class::invalid,
     "the kernel needs H % G == 0, where H = 3 and G = 2",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q.slice(1, 0, 3), t.k, t.v, out(t.o.slice(1, 0, 3)));
     }},
    {"HugeExtent", Class::invalid,
     "`q` has M = 1073741824: sizes go from 0 to 2^30 - 1",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q.slice(2, 0, 1).expand({2, 4, 1 << 30, 8}), t.k, t.v);
     }},
    {"NegativeStride", Class::invalid,
     "`q` has stride -8 in dimension 2, expected 0 or more",
     [](const Kernel &kernel, Tensors &t) {
       TensorView back(t.q.data_as<float>() + 40, f32, t.q.sizes(),
                       {192, 48, -8, 1});
       kernel(back, t.k, t.v, out(t.o));
     }},
    {"NullPointer", Class::invalid, "`q` has elements, and no memory",
     [](const Kernel &kernel, Tensors &t) {
       kernel(TensorView(nullptr, f32, t.q.sizes()), t.k, t.v, out(t.o));
     }},
    {"OutputIsInput", Class::invalid,
     "`o` is written, but shares memory with `q`",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k, t.v.slice(3, 0, 1).expand({2, 2, 5, 8}), out(t.q));
     }},
    {"OutputsShare", Class::invalid,
     "`o` is written, but shares memory with `lse`",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k, t.v, out(t.o),
              out(TensorView(t.o.data_as<float>() + 143, f32, {2, 4, 6})));
     }},
    {"OutputHasElementsTwice", Class::invalid,
     "`o` is written, but has elements twice: sizes [2, 4, 6, 3], strides [0, "
     "18, 3, 1]",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q, t.k, t.v, out(t.o.slice(0, 0, 1).expand({2, 4, 6, 3})));
     }},
    {"CompileFails", Class::compile, "flash.ag:1:1: error: f32 alone\n",
     [](const Kernel &kernel, Tensors &t) {
       kernel(t.q.convert(f64), t.k.convert(f64), t.v.convert(f64));
     }},
};

INSTANTIATE_TEST_SUITE_P(All, WrongLaunchTest,
                         testing::ValuesIn(wrong_launches),
                         [](const testing::TestParamInfo<WrongLaunch> &info) {
                           return std::string(info.param.name);
                         });

TEST(WrongLaunch, Misaligned) {
  FakeCompiler compiler;
  compiler.programs["flash"] = make_flash();
  Kernel kernel = Module::from_source("flash").kernel("flash_fwd");
  Tensors t;
  TensorView shifted(static_cast<char *>(t.q.data()) + 2, f32, {2, 4, 5, 8});
  EXPECT_THAT(
      [&] { kernel(shifted, t.k, t.v); },
      testing::ThrowsMessage<InvalidArgument>(testing::HasSubstr(
          "flash_fwd: `q` is not aligned: expected an address that is a "
          "multiple of 4, found 0x")));
}

/// kernel wide(n: i64, m: u8 = 1, e: i64 = n * n, t: tensor<f32>[2 * E]?)
/// grid (n - 5, m * m)
Signature wide_signature() {
  Signature s;
  s.name = "wide";
  s.extents = {{"E", -1}};
  auto add = [&](const char *name, DType dtype, Expr value) {
    s.params.push_back({name,
                        false,
                        false,
                        Param::Mode::in,
                        {TypeRef::Kind::concrete, dtype, 0},
                        {},
                        {},
                        value});
  };
  Expr n = scalar(0, "n"), m = scalar(1, "m");
  add("n", i64, {});
  add("m", u8, literal(int64_t(1)));
  add("e", i64, binary(Expr::Op::mul, n, n, "n * n"));
  Expr twice =
      binary(Expr::Op::mul, literal(int64_t(2)), extent(0, "E"), "2 * E");
  s.params.push_back({"t",
                      true,
                      true,
                      Param::Mode::in,
                      {TypeRef::Kind::concrete, f32, 0},
                      {twice},
                      {},
                      {}});
  s.grid = {binary(Expr::Op::sub, n, literal(int64_t(5)), "n - 5"),
            binary(Expr::Op::mul, m, m, "m * m")};
  return s;
}

TEST(WrongLaunch, Scalars) {
  FakeCompiler compiler;
  compiler.programs["wide"] = make_program(wide_signature(), probe_entry);
  Kernel kernel = Module::from_source("wide").kernel("wide");
  auto invalid = [&](const char *message, auto... args) {
    EXPECT_THAT([&] { kernel(args...); },
                testing::ThrowsMessage<InvalidArgument>(std::string("wide: ") +
                                                        message));
  };
  auto dtype = [&](const char *message, auto... args) {
    EXPECT_THAT([&] { kernel(args...); }, testing::ThrowsMessage<DTypeError>(
                                              std::string("wide: ") + message));
  };
  invalid("`n` is missing: it is a scalar without a default");
  dtype("expected `n` of i64, found the float 1.5", 1.5);
  dtype("expected `n` of i64, found the bool true", true);
  invalid("`m` = 256 does not fit u8", 6, 256);
  invalid("`m` = -1 does not fit u8", 6, -1);
  invalid("the default of `e` cannot be computed, `n * n`: an integer does not "
          "fit 64 bits",
          int64_t(1) << 40);
  invalid("the grid has n - 5 = -1, expected an integer from 0, where n = 4",
          4);
  invalid("the grid has 2^31 programs or more, expected less",
          5 + (int64_t(1) << 20), 64, 0);
  invalid(
      "the shape of `t` needs E, which no argument binds: name it where the "
      "kernel is looked up, kernel(\"wide\", {{\"E\", ...}})",
      6, arg("t", Tensor::zeros({4})));
  invalid("`t` has size 4 in dimension 0, expected 2 * E = 6, where E = 3", 6,
          arg("t", Tensor::zeros({4})), arg("E", 3));
  invalid("the extent E must be from 0 to 2^30 - 1, found -1", 6, arg("E", -1));
  dtype("the extent E must be an integer", 6, arg("E", 1.0));
  invalid("the extent E is given twice", 6, arg("E", 1), arg("E", 1));
  probe_runs = 0;
  kernel(6, 3, arg("t", Tensor::zeros({4})), arg("E", 2));
  EXPECT_EQ(probe_runs, 9);
}

TEST(WrongLaunch, ArtifactThatDoesNotFit) {
  FakeCompiler compiler;
  Tensor x = Tensor::zeros({4});
  for (Slot slot :
       {Slot{Slot::Kind::pointer, 2, 0}, Slot{Slot::Kind::stride, 0, 1},
        Slot{Slot::Kind::scalar, 0, 0}, Slot{Slot::Kind::extent, -1, 0}}) {
    compiler.programs["own"] =
        make_program(probe_signature(), probe_entry, {slot});
    Kernel kernel = Module::from_source("own").kernel("probe");
    EXPECT_THROW(kernel(x), BackendError);
  }
}

} // namespace
