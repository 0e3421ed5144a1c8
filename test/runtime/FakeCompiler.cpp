#include "test/runtime/FakeCompiler.h"
#include <cmath>
#include <limits>

namespace attn_grid::test {

static Expr leaf(Expr::Op op, int index, std::string text) {
  return Expr{{{op, index, 0, 0}}, std::move(text)};
}
Expr extent(int index, std::string text) {
  return leaf(Expr::Op::extent, index, std::move(text));
}
Expr constant(int index, std::string text) {
  return leaf(Expr::Op::constant, index, std::move(text));
}
Expr scalar(int index, std::string text) {
  return leaf(Expr::Op::scalar, index, std::move(text));
}
Expr literal(int64_t value) {
  return Expr{{{Expr::Op::int_literal, 0, value, 0}}, std::to_string(value)};
}
Expr literal(double value) {
  return Expr{{{Expr::Op::float_literal, 0, 0, value}}, std::to_string(value)};
}
Expr boolean_literal(bool value) {
  return Expr{{{Expr::Op::bool_literal, 0, value, 0}},
              value ? "true" : "false"};
}
Expr unary(Expr::Op op, Expr a, std::string text) {
  a.nodes.push_back({op, 0, 0, 0});
  a.text = std::move(text);
  return a;
}
Expr binary(Expr::Op op, Expr a, Expr b, std::string text) {
  a.nodes.insert(a.nodes.end(), b.nodes.begin(), b.nodes.end());
  a.nodes.push_back({op, 0, 0, 0});
  a.text = std::move(text);
  return a;
}

CompileResult FakeProgram::compile(const Specialization &what,
                                   const Target &) const {
  ++compiles;
  if (keeps_asked) {
    std::lock_guard<std::mutex> lock(mutex_);
    asked_.push_back(what);
  }
  return on_compile(what);
}

std::vector<Specialization> FakeProgram::asked() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return asked_;
}

ParseResult FakeCompiler::parse(std::string_view source, std::string_view name,
                                const std::vector<std::string> &,
                                const std::vector<SourceFile> &,
                                const FunctionBindings &functions) {
  if (!functions.empty())
    return {nullptr, "error: these kernels take no functions\n"};
  auto found = programs.find(source);
  if (found == programs.end())
    return {nullptr, std::string(name) + ":1:1: error: expected a kernel\n"};
  return {found->second, ""};
}

std::shared_ptr<FakeProgram> make_program(Signature signature,
                                          Artifact::CpuEntry entry,
                                          std::vector<Slot> slots) {
  auto program = std::make_shared<FakeProgram>();
  program->list = {std::move(signature)};
  program->on_compile = [=](const Specialization &) {
    auto artifact = std::make_shared<Artifact>();
    artifact->entry = entry;
    artifact->slots = slots;
    artifact->compile_ms = 1.5;
    return CompileResult{artifact, ""};
  };
  return program;
}

// The flash kernel: extents B H M D G N DV, consts D DV causal BM.
enum { eB, eH, eM, eD, eG, eN, eDV };

static Signature flash_signature() {
  Signature s;
  s.name = "flash_fwd";
  s.types = {{"T", TypeParam::Class::floating, false, {}}};
  s.consts = {
      {"D", ConstParam::Kind::integer, {}, {}, eD},
      {"DV", ConstParam::Kind::integer, {}, {}, eDV},
      {"causal", ConstParam::Kind::boolean, boolean_literal(false), {}, -1},
      {"BM", ConstParam::Kind::integer, literal(int64_t(64)), {}, -1}};
  s.extents = {{"B", -1}, {"H", -1}, {"M", -1}, {"D", 0},
               {"G", -1}, {"N", -1}, {"DV", 1}};
  Expr B = extent(eB, "B"), H = extent(eH, "H"), M = extent(eM, "M"),
       D = extent(eD, "D"), G = extent(eG, "G"), N = extent(eN, "N"),
       DV = extent(eDV, "DV");
  TypeRef T{TypeRef::Kind::param, f32, 0},
      acc{TypeRef::Kind::acc_of_param, f32, 0};
  using Mode = Param::Mode;
  s.params = {
      {"q", true, false, Mode::in, T, {B, H, M, D}, {}, {}},
      {"k", true, false, Mode::in, T, {B, G, N, D}, {}, {}},
      {"v", true, false, Mode::in, T, {B, G, N, DV}, {}, {}},
      {"o", true, false, Mode::out, T, {B, H, M, DV}, {}, {}},
      {"lse", true, true, Mode::out, acc, {B, H, M}, {}, {}},
      {"scale",
       false,
       false,
       Mode::in,
       acc,
       {},
       {},
       binary(Expr::Op::div, literal(1.0),
              unary(Expr::Op::sqrt, constant(0, "D")), "1.0 / sqrt(D)")}};
  s.where = {binary(Expr::Op::eq, binary(Expr::Op::mod, H, G),
                    literal(int64_t(0)), "H % G == 0")};
  s.grid = {binary(Expr::Op::ceildiv, M, constant(3, "BM"), "ceildiv(M, BM)"),
            H, B};
  return s;
}

namespace {
/// A tensor in the flat struct.
template <int Rank> struct Strided {
  float *data;
  int64_t stride[Rank];
};
struct FlashArgs {
  Strided<4> q, k, v, o;
  Strided<3> lse; // last, and left out when absent
};
struct FlashTail {
  int64_t extents[7];
  float scale;
};
} // namespace

template <bool Lse, bool Causal>
static void flash_entry(const void *raw, uint32_t begin, uint32_t end,
                        ag_context *) {
  const auto &t = *static_cast<const FlashArgs *>(raw);
  const auto &tail = *reinterpret_cast<const FlashTail *>(
      static_cast<const char *>(raw) +
      (Lse ? sizeof(FlashArgs) : offsetof(FlashArgs, lse)));
  const int64_t *e = tail.extents;
  int64_t blocks = (e[eM] + 63) / 64;
  for (uint32_t program = begin; program < end; ++program) {
    int64_t block = program % blocks, h = program / blocks % e[eH],
            b = program / blocks / e[eH], g = h / (e[eH] / e[eG]);
    for (int64_t m = block * 64; m < std::min(e[eM], block * 64 + 64); ++m) {
      std::vector<double> acc(static_cast<size_t>(e[eDV]));
      double sum = 0, top = -std::numeric_limits<double>::infinity();
      for (int pass = 0; pass < 2; ++pass)
        for (int64_t n = 0; n < e[eN]; ++n) {
          if (Causal && n > m + e[eN] - e[eM])
            break;
          double s = 0;
          for (int64_t d = 0; d < e[eD]; ++d)
            s += double(t.q.data[b * t.q.stride[0] + h * t.q.stride[1] +
                                 m * t.q.stride[2] + d * t.q.stride[3]]) *
                 t.k.data[b * t.k.stride[0] + g * t.k.stride[1] +
                          n * t.k.stride[2] + d * t.k.stride[3]];
          s *= tail.scale;
          if (pass == 0) {
            top = std::max(top, s);
            continue;
          }
          double p = std::exp(s - top);
          sum += p;
          for (int64_t d = 0; d < e[eDV]; ++d)
            acc[static_cast<size_t>(d)] +=
                p * t.v.data[b * t.v.stride[0] + g * t.v.stride[1] +
                             n * t.v.stride[2] + d * t.v.stride[3]];
        }
      for (int64_t d = 0; d < e[eDV]; ++d)
        t.o.data[b * t.o.stride[0] + h * t.o.stride[1] + m * t.o.stride[2] +
                 d * t.o.stride[3]] =
            static_cast<float>(sum == 0 ? 0
                                        : acc[static_cast<size_t>(d)] / sum);
      if (Lse)
        t.lse.data[b * t.lse.stride[0] + h * t.lse.stride[1] +
                   m * t.lse.stride[2]] =
            static_cast<float>(sum == 0
                                   ? -std::numeric_limits<float>::infinity()
                                   : top + std::log(sum));
    }
  }
}

std::shared_ptr<FakeProgram> make_flash() {
  auto program = std::make_shared<FakeProgram>();
  program->list = {flash_signature()};
  program->on_compile = [](const Specialization &what) {
    if (what.types[0] != f32)
      return CompileResult{nullptr, "flash.ag:1:1: error: f32 alone\n"};
    auto artifact = std::make_shared<Artifact>();
    bool lse = what.present[4], causal = what.consts[2].i != 0;
    artifact->entry =
        lse ? (causal ? flash_entry<true, true> : flash_entry<true, false>)
            : (causal ? flash_entry<false, true> : flash_entry<false, false>);
    using Kind = Slot::Kind;
    for (int param = 0; param < (lse ? 5 : 4); ++param) {
      artifact->slots.push_back({Kind::pointer, param, 0});
      for (int dim = 0; dim < (param == 4 ? 3 : 4); ++dim)
        artifact->slots.push_back({Kind::stride, param, dim});
    }
    for (int i = 0; i < 7; ++i)
      artifact->slots.push_back({Kind::extent, i, 0});
    artifact->slots.push_back({Kind::scalar, 5, 0});
    artifact->compile_ms = 2;
    return CompileResult{artifact, ""};
  };
  return program;
}

std::atomic<int64_t> probe_runs = 0;
std::vector<std::atomic<int>> *probe_seen = nullptr;

void probe_entry(const void *, uint32_t begin, uint32_t end, ag_context *) {
  probe_runs += end - begin;
  if (probe_seen)
    for (uint32_t i = begin; i < end; ++i)
      ++(*probe_seen)[i];
}

Signature probe_signature() {
  Signature s;
  s.name = "probe";
  s.types = {{"T", TypeParam::Class::any, false, {}}};
  s.consts = {{"C", ConstParam::Kind::integer, literal(int64_t(3)), {}, -1}};
  s.extents = {{"N", -1}};
  TypeRef T{TypeRef::Kind::param, f32, 0};
  Expr N = extent(0, "N");
  s.params = {{"x", true, false, Param::Mode::in, T, {N}, {}, {}},
              {"y", true, false, Param::Mode::out, T, {N}, {}, {}}};
  s.grid = {N};
  return s;
}

} // namespace attn_grid::test
