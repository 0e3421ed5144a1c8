// Every instruction of the device's table, against the oracle: all inputs where
// there is one operand of 16 bits, special and random ones elsewhere.

#include "runtime/sim/Ops.h"
#include "test/sim/Driver.h"
#include "test/sim/Oracle.h"

#include <fmt/format.h>
#include <map>
#include <random>

using namespace sim_test;
using attn_grid::sim::Op;

namespace {

std::vector<std::string> split(const std::string &name) {
  std::vector<std::string> parts;
  std::istringstream stream(name);
  for (std::string part; std::getline(stream, part, '.');)
    parts.push_back(part);
  return parts;
}

/// Between threads of a warp: they have tests of their own.
bool isOfWarps(const std::string &name) {
  for (const char *begin : {"shfl", "vote", "redux", "activemask"})
    if (name.starts_with(begin))
      return true;
  return false;
}

/// A kernel that applies an instruction to a[i], b[i], c[i].
std::string kernelOf(const std::string &name, const Op &op) {
  std::string text = ".version 8.0\n.target sm_80\n.address_size 64\n"
                     ".visible .entry k(.param .u64 a, .param .u64 b, "
                     ".param .u64 c, .param .u64 d)\n{\n"
                     ".reg .pred %p<4>;\n.reg .b16 %h<4>;\n.reg .b32 %r<9>;\n"
                     ".reg .b64 %d<9>, %x<4>;\n"
                     "mov.u32 %r5, %ctaid.x;\nmov.u32 %r6, %ntid.x;\n"
                     "mov.u32 %r7, %tid.x;\nmad.lo.s32 %r5, %r5, %r6, %r7;\n"
                     "mul.wide.u32 %d7, %r5, 8;\n";
  auto reg = [](int bits, int n) {
    return fmt::format("%{}{}",
                       bits == 1    ? 'p'
                       : bits == 16 ? 'h'
                       : bits == 32 ? 'r'
                                    : 'd',
                       n);
  };
  std::string operands;
  for (int n = 0; n < 3 && op.sources[n]; ++n) {
    std::string to = reg(op.sources[n], n);
    text += fmt::format("ld.param.u64 %d8, [{}];\nadd.s64 %d8, %d8, %d7;\n"
                        "ld.global.u64 %x0, [%d8];\n",
                        "abc"[n]);
    if (op.sources[n] == 1)
      text +=
          fmt::format("and.b64 %x0, %x0, 1;\nsetp.ne.b64 {}, %x0, 0;\n", to);
    else
      text += fmt::format("cvt.u{0}.u64 {1}, %x0;\n", op.sources[n], to);
    operands += ", " + to;
  }
  text += fmt::format("{} {}{};\n", name, reg(op.d, 3), operands);
  if (op.d == 1)
    text += "selp.b64 %x1, 1, 0, %p3;\n";
  else
    text += fmt::format("cvt.u64.u{} %x1, {};\n", op.d, reg(op.d, 3));
  return text + "ld.param.u64 %d8, [d];\nadd.s64 %d8, %d8, %d7;\n"
                "st.global.u64 [%d8], %x1;\nret;\n}\n";
}

/// Bit patterns of that width that are at the ends of something.
std::vector<uint64_t> specials(int bits) {
  if (bits == 1)
    return {0, 1};
  std::vector<uint64_t> made = {0, 1, 2, 3, 31, 32, 33, 63, 64, 0xff};
  uint64_t top = uint64_t(1) << (bits - 1);
  for (uint64_t x : {top, top - 1, top + 1, ~uint64_t(0), ~uint64_t(0) - 1})
    made.push_back(x);
  auto add = [&](uint64_t x) {
    made.push_back(x);
    made.push_back(x ^ top);
  };
  if (bits == 16) // of f16, and of bf16
    for (uint64_t x : {0x3c00, 0x7c00, 0x7e00, 0x7bff, 0x0400, 0x03ff, 0x3f80,
                       0x7f80, 0x7fc0, 0x7f7f, 0x0080})
      add(x);
  for (float x : {1.0f, 0.5f, 1.5f, 2.5f, 3.4e38f, 1.2e-38f, 1e-45f, INFINITY,
                  NAN, 65504.0f, 65520.0f, 2147483648.0f, 1e10f})
    if (bits == 32)
      add(std::bit_cast<uint32_t>(x));
  for (double x :
       {1.0, 0.5, 1.5, 2.5, 1.7e308, 2.3e-308, 5e-324, double(INFINITY),
        double(NAN), 65519.99, 65520.0, 9223372036854775808.0})
    if (bits == 64)
      add(std::bit_cast<uint64_t>(x));
  return made;
}

struct Inputs {
  std::vector<uint64_t> of[3];
};

Inputs inputsOf(const Op &op, std::mt19937_64 &random) {
  Inputs made;
  int count = 0;
  while (count < 3 && op.sources[count])
    ++count;
  auto push = [&](uint64_t a, uint64_t b, uint64_t c) {
    made.of[0].push_back(a);
    made.of[1].push_back(b);
    made.of[2].push_back(c);
  };
  if (count == 1 && op.sources[0] == 16) {
    for (uint64_t x = 0; x < 65536; ++x)
      push(x, 0, 0);
    return made;
  }
  std::vector<uint64_t> one[3];
  for (int n = 0; n < 3; ++n)
    one[n] = n < count ? specials(op.sources[n]) : std::vector<uint64_t>{0};
  if (count == 3) // not all triples
    one[2].resize(std::min<size_t>(one[2].size(), 14));
  for (uint64_t a : one[0])
    for (uint64_t b : one[1])
      for (uint64_t c : one[2])
        push(a, b, c);
  // Any bits, and numbers of a size that occurs.
  auto sensible = [&](int bits) -> uint64_t {
    auto x = std::normal_distribution<double>(0, 100)(random);
    if (!op.isFloat)
      return static_cast<uint64_t>(static_cast<int64_t>(x));
    if (bits == 16)
      return random();
    return bits == 64 ? std::bit_cast<uint64_t>(x)
                      : std::bit_cast<uint32_t>(static_cast<float>(x));
  };
  for (int n = 0; n < 2000; ++n)
    push(random(), random(), random());
  for (int n = 0; n < 2000; ++n)
    push(sensible(op.sources[0]), sensible(op.sources[1]),
         sensible(op.sources[2]));
  return made;
}

/// The type of a result, for NaNs.
PtxType resultType(const std::vector<std::string> &parts, const Op &op) {
  if (op.d == 1)
    return {'p', 1};
  if (parts[0] == "mov" || parts[0] == "selp") // bits, NaNs too
    return {'b', op.d};
  bool isMixed = parts.size() > 2 && parts[parts.size() - 2] == "f32" &&
                 parts[0] != "setp";
  PtxType type = *typeOf(parts[0] == "cvt" || isMixed ? parts[parts.size() - 2]
                                                      : parts.back());
  return type.bits == op.d || type.pair ? type : PtxType{'b', op.d};
}

TEST(Opcodes, AllAgreeWithTheOracle) {
  open();
  std::map<std::string, Op> table(attn_grid::sim::opTable().begin(),
                                  attn_grid::sim::opTable().end());
  std::mt19937_64 random(3);
  size_t compared = 0;
  for (const auto &[name, op] : table) {
    if (isOfWarps(name))
      continue;
    SCOPED_TRACE(name);
    Module module(kernelOf(name, op));
    ASSERT_EQ(module.result, CUDA_SUCCESS) << module.error;
    Inputs inputs = inputsOf(op, random);
    size_t count = inputs.of[0].size(), rounded = (count + 127) / 128 * 128;
    for (auto &list : inputs.of)
      list.resize(rounded);
    Array<uint64_t> a(inputs.of[0]), b(inputs.of[1]), c(inputs.of[2]),
        d(rounded);
    ASSERT_EQ(Launch().add(a).add(b).add(c).add(d).run(
                  module.function("k"), {unsigned(rounded / 128)}, {128}),
              CUDA_SUCCESS)
        << reports();
    d.read();
    std::vector<std::string> parts = split(name);
    PtxType type = resultType(parts, op);
    size_t answered = 0;
    for (size_t i = 0; i < count; ++i) {
      std::vector<uint64_t> operands;
      for (int n = 0; n < 3 && op.sources[n]; ++n)
        operands.push_back(op.sources[n] == 64
                               ? inputs.of[n][i]
                               : inputs.of[n][i] &
                                     ((uint64_t(1) << op.sources[n]) - 1));
      std::optional<Answer> wanted = answer(parts, operands);
      if (!wanted)
        continue;
      ++answered;
      bool same = agrees(*wanted, d.values[i], type);
      EXPECT_TRUE(same) << fmt::format(
          "of {:#x}, {:#x}, {:#x}: expected {:#x}{}, found {:#x}",
          inputs.of[0][i], inputs.of[1][i], inputs.of[2][i], wanted->bits,
          wanted->isNan ? " (NaN)" : "", d.values[i]);
      if (!same)
        break;
    }
    EXPECT_GT(answered, count / 4);
    compared += answered;
  }
  EXPECT_GT(compared, 1'000'000u);
  EXPECT_EQ(reports(), "");
}

} // namespace
