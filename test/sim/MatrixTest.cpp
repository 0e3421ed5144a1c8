// mma.sync against a plain product, for each shape and type. Where the elements
// of a fragment lie is written down here once more, from the figures in the
// manual of PTX ("Matrix Fragments for mma.m16n8k8, .m16n8k16, .m16n8k32").

#include "test/sim/Driver.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <random>

using namespace sim_test;

namespace {

struct Form {
  std::string name;   // behind "mma.sync.aligned."
  int depth;          // k
  int bits;           // of an element of the factors
  char first, second; // f, b: 16-bit floats; t: tf32; s, u: bytes
};

/// The register and the place in it of a fragment's element, and its lane.
struct Place {
  int lane, word, shift;
};

/// Element (row, k) of the first factor: a lane has neighbours along k for a
/// word, four lanes a row; then come the rows below, then the right half of k.
Place inFirst(const Form &form, int row, int k) {
  int perWord = 32 / form.bits, half = 4 * perWord;
  return {row % 8 * 4 + k % half / perWord, row / 8 + 2 * (k / half),
          k % perWord * form.bits};
}

Place inSecond(const Form &form, int k, int column) {
  int perWord = 32 / form.bits, half = 4 * perWord;
  return {column * 4 + k % half / perWord, k / half, k % perWord * form.bits};
}

Place inSum(int row, int column) {
  return {row % 8 * 4 + column / 2, row / 8 * 2 + column % 2, 0};
}

double valueOf(uint32_t bits, char kind) {
  switch (kind) {
  case 'f':
    return std::bit_cast<_Float16>(static_cast<uint16_t>(bits));
  case 'b':
    return std::bit_cast<float>(bits << 16);
  case 't':
    return std::bit_cast<float>(bits & 0xffffe000);
  case 's':
    return static_cast<int8_t>(bits);
  default:
    return static_cast<uint8_t>(bits);
  }
}

/// Bits of a number of moderate size, or any byte.
uint32_t draw(std::mt19937 &random, char kind) {
  std::uniform_real_distribution<float> number(-4, 4);
  switch (kind) {
  case 'f':
    return std::bit_cast<uint16_t>(static_cast<_Float16>(number(random)));
  case 'b':
    return std::bit_cast<uint32_t>(number(random)) >> 16;
  case 't':
    return std::bit_cast<uint32_t>(number(random));
  default:
    return random() & 0xff;
  }
}

/// Loads the words of each fragment, one array after the other, and stores the
/// sums over them.
std::string kernelOf(const Form &form) {
  std::string text = ".version 8.0\n.target sm_80\n.address_size 64\n"
                     ".visible .entry k(.param .u64 p)\n{\n"
                     ".reg .b32 %a<4>, %b<2>, %c<4>, %t;\n.reg .b64 %p, %o;\n"
                     "ld.param.u64 %p, [p];\nmov.u32 %t, %tid.x;\n"
                     "mul.wide.u32 %o, %t, 4;\nadd.s64 %p, %p, %o;\n";
  int next = 0;
  for (auto [name, count] : {std::pair('a', 4), {'b', 2}, {'c', 4}})
    for (int i = 0; i < count; ++i)
      text +=
          fmt::format("ld.global.b32 %{}{}, [%p+{}];\n", name, i, 128 * next++);
  text += "mma.sync.aligned." + form.name +
          " {%c0, %c1, %c2, %c3}, {%a0, %a1, %a2, %a3}, {%b0, %b1}, "
          "{%c0, %c1, %c2, %c3};\n";
  for (int i = 0; i < 4; ++i)
    text += fmt::format("st.global.b32 [%p+{}], %c{};\n", 128 * (6 + i), i);
  return text + "ret;\n}\n";
}

class Mma : public testing::TestWithParam<Form> {};

TEST_P(Mma, IsThePlainProduct) {
  const Form &form = GetParam();
  open();
  Module module(kernelOf(form));
  ASSERT_EQ(module.result, CUDA_SUCCESS) << module.error;
  bool isFloat = form.first != 's' && form.first != 'u';
  std::mt19937 random(7);
  std::vector<uint32_t> words(10 * 32);
  auto put = [&](int fragment, Place place, uint32_t bits) {
    words[(fragment + place.word) * 32 + place.lane] |= bits << place.shift;
  };
  double a[16][32], b[32][8], sum[16][8];
  for (int k = 0; k < form.depth; ++k) {
    for (int row = 0; row < 16; ++row) {
      uint32_t bits = draw(random, form.first);
      a[row][k] = valueOf(bits, form.first);
      put(0, inFirst(form, row, k), bits);
    }
    for (int column = 0; column < 8; ++column) {
      uint32_t bits = draw(random, form.second);
      b[k][column] = valueOf(bits, form.second);
      put(4, inSecond(form, k, column), bits);
    }
  }
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column) {
      // Near the end of 32 bits: integers wrap.
      float start = static_cast<float>(row) - 7.5f;
      uint32_t bits =
          isFloat ? std::bit_cast<uint32_t>(start) : 0x7fffffffu - row * 1000;
      put(6, inSum(row, column), bits);
      sum[row][column] =
          isFloat ? start : static_cast<double>(std::bit_cast<int32_t>(bits));
      for (int k = 0; k < form.depth; ++k)
        sum[row][column] += a[row][k] * b[k][column];
    }
  Array<uint32_t> memory(words);
  ASSERT_EQ(Launch().add(memory).run(module.function("k"), {}, {32}),
            CUDA_SUCCESS)
      << reports();
  memory.read();
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column) {
      Place place = inSum(row, column);
      uint32_t got = memory.values[(6 + place.word) * 32 + place.lane];
      double want = sum[row][column];
      if (isFloat)
        EXPECT_NEAR(std::bit_cast<float>(got), want, 1e-3)
            << row << ", " << column;
      else
        EXPECT_EQ(got, static_cast<uint32_t>(static_cast<int64_t>(want)))
            << row << ", " << column;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Forms, Mma,
    testing::Values(Form{"m16n8k16.row.col.f32.f16.f16.f32", 16, 16, 'f', 'f'},
                    Form{"m16n8k16.row.col.f32.bf16.bf16.f32", 16, 16, 'b',
                         'b'},
                    Form{"m16n8k8.row.col.f32.tf32.tf32.f32", 8, 32, 't', 't'},
                    Form{"m16n8k32.row.col.s32.s8.s8.s32", 32, 8, 's', 's'},
                    Form{"m16n8k32.row.col.s32.s8.u8.s32", 32, 8, 's', 'u'},
                    Form{"m16n8k32.row.col.s32.u8.s8.s32", 32, 8, 'u', 's'},
                    Form{"m16n8k32.row.col.s32.u8.u8.s32", 32, 8, 'u', 'u'}),
    [](const auto &info) {
      std::string name = info.param.name;
      std::ranges::replace(name, '.', '_');
      return name;
    });

TEST(MmaForms, OtherFormsAreRefused) {
  open();
  Form form{"m16n8k32.row.col.satfinite.s32.s8.s8.s32", 32, 8, 's', 's'};
  Module module(kernelOf(form));
  EXPECT_NE(module.result, CUDA_SUCCESS);
  EXPECT_NE(module.error.find("mma.sync.aligned." + form.name),
            std::string::npos)
      << module.error;
}

} // namespace
