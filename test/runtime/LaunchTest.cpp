// Launches that are right: who binds what, what is made, what is passed.

#include "test/runtime/FakeCompiler.h"
#include <cmath>
#include <cstring>
#include <gmock/gmock.h>

using namespace attn_grid;
using namespace attn_grid::test;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class LaunchTest : public testing::Test {
protected:
  void SetUp() override {
    flash = make_flash();
    compiler.programs["flash"] = flash;
  }
  Module load(std::shared_ptr<FakeProgram> program) {
    compiler.programs["own"] = std::move(program);
    return Module::from_source("own", "own.ag");
  }

  FakeCompiler compiler;
  std::shared_ptr<FakeProgram> flash;
};

struct Shape {
  int64_t B = 2, H = 4, G = 2, M = 70, N = 33, D = 8, DV = 5;
  Dims q() const { return {B, H, M, D}; }
  Dims k() const { return {B, G, N, D}; }
  Dims v() const { return {B, G, N, DV}; }
  Dims o() const { return {B, H, M, DV}; }
  Dims lse() const { return {B, H, M}; }
};

/// One element of softmax(scale q k^T) v by its definition.
double attention(const Tensor &q, const Tensor &k, const Tensor &v,
                 double scale, const Dims &at) {
  int64_t N = k.size(2), D = q.size(3);
  int64_t g = at[1] / (q.size(1) / k.size(1));
  double sum = 0, result = 0;
  for (int64_t n = 0; n < N; ++n) {
    double s = 0;
    for (int64_t d = 0; d < D; ++d)
      s += q.at({at[0], at[1], at[2], d}) * k.at({at[0], g, n, d});
    double p = std::exp(s * scale);
    sum += p;
    result += p * v.at({at[0], g, n, at[3]});
  }
  return result / sum;
}

TEST_F(LaunchTest, ByPosition) {
  Shape shape;
  Tensor q = Tensor::randn(shape.q()), k = Tensor::randn(shape.k(), f32, {}, 1),
         v = Tensor::randn(shape.v(), f32, {}, 2);
  Tensor o = Tensor::full(shape.o(), NAN), lse = Tensor::full(shape.lse(), NAN);
  Kernel kernel = Module::from_source("flash").kernel("flash_fwd");
  Results results = kernel(q, k, v, out(o), out(lse), 0.125f);
  EXPECT_TRUE(results.empty());
  for (Dims at : {Dims{0, 0, 0, 0}, Dims{1, 3, 69, 4}, Dims{1, 1, 64, 2}})
    EXPECT_NEAR(o.at(at), attention(q, k, v, 0.125, at), 1e-5);
  EXPECT_FALSE(std::isnan(lse.at({1, 3, 69})));
}

TEST_F(LaunchTest, ByNameInAnyOrder) {
  Shape shape;
  Tensor q = Tensor::randn(shape.q()), k = Tensor::randn(shape.k()),
         v = Tensor::randn(shape.v()), o = Tensor::empty(shape.o());
  Kernel kernel = Module::from_source("flash").kernel("flash_fwd");
  kernel(q, arg("scale", 1), out("o", o), arg("v", v), arg("k", k));
  EXPECT_NEAR(o.at({1, 2, 3, 4}), attention(q, k, v, 1, {1, 2, 3, 4}), 1e-5);
  EXPECT_FALSE(flash->asked().back().present[4]);
}

TEST_F(LaunchTest, DefaultScaleComesFromAConstBoundByAnExtent) {
  Shape shape;
  Tensor q = Tensor::randn(shape.q()), k = Tensor::randn(shape.k()),
         v = Tensor::randn(shape.v());
  Kernel kernel = Module::from_source("flash").kernel("flash_fwd");
  Tensor o = kernel(q, k, v);
  EXPECT_EQ(o.sizes(), shape.o());
  EXPECT_NEAR(o.at({1, 2, 3, 4}),
              attention(q, k, v, 1 / std::sqrt(8.0), {1, 2, 3, 4}), 1e-5);
  Specialization what = flash->asked().back();
  EXPECT_EQ(what.consts[0].i, 8);
  EXPECT_EQ(what.consts[1].i, 5);
  EXPECT_EQ(what.consts[3].i, 64);
}

TEST_F(LaunchTest, OptionalOutputIsAbsentUnlessGiven) {
  Shape shape;
  Tensor q = Tensor::randn(shape.q()), k = Tensor::randn(shape.k()),
         v = Tensor::randn(shape.v());
  Kernel kernel = Module::from_source("flash").kernel("flash_fwd");
  Results results = kernel(q, k, v);
  EXPECT_EQ(results.size(), 1);
  EXPECT_TRUE(results.contains("o"));
  EXPECT_FALSE(results.contains("lse"));
  EXPECT_THROW(results["lse"], KeyError);
  EXPECT_THROW(results[1], OutOfRange);
  Tensor o = Tensor::empty(shape.o());
  std::optional<Tensor> absent;
  kernel(q, k, v, out(o), none, 0.5);
  kernel(q, k, v, out(o), std::nullopt, 0.5);
  kernel(q, k, v, out(o), absent, 0.5);
  EXPECT_EQ(flash->compiles, 1);
  std::optional<Tensor> lse = Tensor::empty(shape.lse());
  kernel(q, k, v, out(o), out(lse), 0.5);
  EXPECT_EQ(flash->compiles, 2);
}

TEST_F(LaunchTest, StridedAndBroadcastInputs) {
  Shape shape;
  Tensor packed = Tensor::randn({shape.B, shape.M, 3, shape.H, shape.D});
  auto part = [&](int64_t i) { return packed.select(2, i).transpose(1, 2); };
  Tensor one = Tensor::randn({1, 1, shape.M, shape.D})
                   .expand({shape.B, shape.H, shape.M, shape.D});
  Kernel kernel = Module::from_source("flash").kernel("flash_fwd");
  Tensor o = kernel(part(0), part(1), one);
  EXPECT_NEAR(
      o.at({1, 2, 3, 4}),
      attention(part(0), part(1), one, 1 / std::sqrt(8.0), {1, 2, 3, 4}), 1e-5);
  // The third part of the packed tensor as the output: no element is shared.
  kernel(part(0), part(1), one, out(part(2)));
  EXPECT_FLOAT_EQ(part(2).at({1, 2, 3, 4}), o.at({1, 2, 3, 4}));
}

TEST_F(LaunchTest, ZeroExtentsRunNothing) {
  Kernel kernel = Module::from_source("flash").kernel("flash_fwd");
  for (auto [B, H, M, N] :
       {std::array<int64_t, 4>{0, 4, 3, 3}, {1, 4, 0, 3}, {1, 4, 3, 0}}) {
    Tensor o = kernel(Tensor::zeros({B, H, M, 2}), Tensor::zeros({B, 2, N, 2}),
                      Tensor::zeros({B, 2, N, 2}));
    EXPECT_EQ(o.sizes(), (Dims{B, H, M, 2}));
    for (double x : o.to_vector())
      EXPECT_EQ(x, 0);
  }
  Launch launch =
      kernel.prepare(Tensor::zeros({0, 4, 3, 2}), Tensor::zeros({0, 2, 3, 2}),
                     Tensor::zeros({0, 2, 3, 2}));
  EXPECT_EQ(launch.programs(), 0);
}

TEST_F(LaunchTest, ConstsByName) {
  Shape shape;
  Tensor q = Tensor::randn(shape.q()), k = Tensor::randn(shape.k()),
         v = Tensor::randn(shape.v());
  Module module = Module::from_source("flash");
  Kernel kernel = module.kernel("flash_fwd", {{"causal", true}, {"D", 8}});
  Launch launch = kernel.prepare(q, k, v);
  EXPECT_EQ(launch.programs(), 2 * 4 * 2);
  VariantInfo info = launch.variant();
  EXPECT_THAT(info.key, HasSubstr("flash_fwd<T = f32, D = 8, DV = 5, causal = "
                                  "true, BM = 64>(q last stride 1"));
  EXPECT_EQ(info.compile_ms, 2);
  EXPECT_FALSE(info.cached);
  EXPECT_TRUE(kernel.variant(q, k, v).cached);
  // Without a key in reach a row is 0.
  launch();
  EXPECT_EQ(launch.results()["o"].at({0, 0, 0, 0}), 0);
}

TEST_F(LaunchTest, PreparedLaunchSeesNewContents) {
  Shape shape;
  Tensor q = Tensor::randn(shape.q()), k = Tensor::randn(shape.k()),
         v = Tensor::ones(shape.v()), o = Tensor::zeros(shape.o());
  Kernel kernel = Module::from_source("flash").kernel("flash_fwd");
  Launch launch = kernel.prepare(q, k, v, out(o));
  launch();
  EXPECT_FLOAT_EQ(o.at({1, 1, 1, 1}), 1);
  v.fill(2);
  launch();
  EXPECT_FLOAT_EQ(o.at({1, 1, 1, 1}), 2);
  EXPECT_EQ(flash->compiles, 1);
}

TEST_F(LaunchTest, LastStridesMakeVariants) {
  auto program = make_program(probe_signature(), probe_entry);
  Kernel kernel = load(program).kernel("probe");
  Tensor x = Tensor::zeros({8}), wide = Tensor::zeros({8, 2});
  kernel(x);
  kernel(wide.select(1, 0));
  kernel(Tensor::zeros({1}).expand({8}));
  kernel(wide.select(1, 0).slice(0, 0, 1)); // one element counts as stride 1
  kernel(Tensor::zeros({1}));
  std::vector<int> strides;
  for (const Specialization &what : program->asked())
    strides.push_back(what.last_stride[0]);
  EXPECT_THAT(strides, ElementsAre(1, -1, 0));
  EXPECT_EQ(program->asked()[0].last_stride[1], 1);
}

TEST_F(LaunchTest, TypesMakeVariants) {
  auto program = make_program(probe_signature(), probe_entry);
  Kernel kernel = load(program).kernel("probe");
  for (int i = 0; i < 2; ++i)
    for (int t = 0; t < numDTypes; ++t)
      kernel(Tensor::zeros({4}, static_cast<DType>(t)));
  EXPECT_EQ(program->compiles, numDTypes);
}

/// What the entry of a capturing kernel saw.
std::vector<uint64_t> captured;
void capture_entry(const void *args, uint32_t, uint32_t, ag_context *) {
  std::memcpy(captured.data(), args, captured.size() * 8);
}

TEST_F(LaunchTest, SlotsInTheirOwnTypes) {
  Signature s;
  s.name = "scalars";
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
  add("a", boolean, boolean_literal(true));
  add("b", i8, literal(int64_t(-2)));
  add("c", u32, literal(int64_t(4294967295)));
  add("d", f16, literal(1.5));
  add("e", bf16, literal(1.0));
  add("f", f32, literal(int64_t(2)));
  add("g", f64, binary(Expr::Op::mul, scalar(5, "f"), literal(0.5), "f * 0.5"));
  add("h", i64, literal(int64_t(-1)));
  s.grid = {literal(int64_t(1))};
  std::vector<Slot> slots;
  for (int i = 0; i < 8; ++i)
    slots.push_back({Slot::Kind::scalar, i, 0});
  Kernel kernel = load(make_program(s, capture_entry, slots)).kernel("scalars");
  captured.assign(8, ~uint64_t(0));
  kernel();
  EXPECT_THAT(captured,
              ElementsAre(1u, 0xFEu, 0xFFFFFFFFu, 0x3E00u, 0x3F80u, 0x40000000u,
                          0x3FF0000000000000u, 0xFFFFFFFFFFFFFFFFu));
  kernel(false, arg("g", 3), arg("f", 0.1));
  EXPECT_EQ(captured[0], 0u);
  EXPECT_EQ(captured[5], 0x3DCCCCCDu);
  EXPECT_EQ(captured[6], 0x4008000000000000u);
}

/// x: tensor<f32>[B + 1], y: tensor<f32>[2 * B]?, out z: tensor<i32>[B, K] = 7,
/// inout w: tensor<f32>[B]?, extents B K, const K bound by name.
Signature shapes_signature() {
  Signature s;
  s.name = "shapes";
  s.consts = {{"K", ConstParam::Kind::integer, {}, {}, 1}};
  s.extents = {{"B", -1}, {"K", 0}, {"P", -1}};
  Expr B = extent(0, "B"), K = extent(1, "K"), P = extent(2, "P");
  TypeRef f{TypeRef::Kind::concrete, f32, 0},
      i{TypeRef::Kind::concrete, i32, 0};
  Expr more = binary(Expr::Op::add, B, literal(int64_t(1)), "B + 1");
  Expr twice = binary(Expr::Op::mul, literal(int64_t(2)), B, "2 * B");
  s.params = {
      {"x", true, false, Param::Mode::in, f, {more}, {}, {}},
      {"y", true, true, Param::Mode::in, f, {twice, P}, {}, {}},
      {"z", true, false, Param::Mode::out, i, {B, K}, literal(int64_t(7)), {}},
      {"w", true, true, Param::Mode::inout, f, {B}, {}, {}}};
  s.grid = {B};
  return s;
}

TEST_F(LaunchTest, ComputedExtentsAndFills) {
  Module module = load(make_program(shapes_signature(), probe_entry));
  Kernel kernel = module.kernel("shapes", {{"K", 3}});
  probe_runs = 0;
  Tensor z = kernel(Tensor::zeros({5}));
  EXPECT_EQ(z.sizes(), (Dims{4, 3}));
  EXPECT_EQ(z.dtype(), i32);
  EXPECT_THAT(z.to_vector(), testing::Each(7));
  EXPECT_EQ(probe_runs, 4);
  // A strided output is filled where its elements are, and nowhere else.
  Tensor memory = Tensor::zeros({4, 6}, i32);
  kernel(Tensor::zeros({5}), Tensor::zeros({8, 2}),
         out(memory.slice(1, 0, 6, 2)), out(Tensor::zeros({4})));
  for (int64_t i = 0; i < 4; ++i)
    for (int64_t j = 0; j < 6; ++j)
      EXPECT_EQ(memory.at({i, j}), j % 2 ? 0 : 7);
  // No program, but a fill.
  EXPECT_EQ(Tensor(kernel(Tensor::zeros({1}))).sizes(), (Dims{0, 3}));
}

TEST_F(LaunchTest, ExtentOfAnAbsentTensorIsNamed) {
  auto program = make_program(shapes_signature(), capture_entry,
                              {{Slot::Kind::extent, 2, 0}});
  Module module = load(program);
  captured.assign(1, 0);
  Kernel bare = module.kernel("shapes", {{"K", 3}});
  EXPECT_THROW(bare(Tensor::zeros({5})), InvalidArgument);
  bare(Tensor::zeros({5}), Tensor::zeros({8, 2}));
  EXPECT_EQ(captured[0], 2u);
  module.kernel("shapes", {{"K", 3}, {"P", 11}})(Tensor::zeros({5}));
  EXPECT_EQ(captured[0], 11u);
  bare(Tensor::zeros({5}), arg("P", 12));
  EXPECT_EQ(captured[0], 12u);
}

TEST_F(LaunchTest, ExpectTellsWhatIsMissing) {
  Kernel kernel = Module::from_source("flash").kernel("flash_fwd");
  Tensor q = Tensor::zeros({2, 4, 7, 8}, bf16);
  std::vector<Arg> args = {arg("q", q)};
  std::vector<ExpectedParam> all = kernel.expect(args);
  EXPECT_THAT(all[1].missing, ElementsAre("G", "N"));
  EXPECT_THAT(all[2].missing, ElementsAre("G", "N", "DV"));
  EXPECT_THAT(all[3].missing, ElementsAre("DV"));
  EXPECT_TRUE(all[4].known);
  EXPECT_EQ(all[4].sizes, (Dims{2, 4, 7}));
  EXPECT_EQ(all[4].dtype, f32);
  EXPECT_THAT(kernel.expect({})[0].missing,
              ElementsAre("T", "B", "H", "M", "D"));
  Tensor v = Tensor::zeros({2, 1, 9, 3}, bf16);
  args.push_back(arg("v", v));
  all = kernel.expect(args);
  EXPECT_EQ(all[1].sizes, (Dims{2, 1, 9, 8}));
  EXPECT_EQ(all[3].sizes, (Dims{2, 4, 7, 3}));
  Tensor wrong = Tensor::zeros({3, 1, 9, 3}, bf16);
  args.back() = arg("v", wrong);
  EXPECT_THROW(kernel.expect(args), InvalidArgument);
}

} // namespace
