// `.npy` files: round trips, what NumPy writes, and hostile bytes.

#include "attn_grid/error.hpp"
#include "attn_grid/tensor.hpp"
#include <cstdio>
#include <filesystem>
#include <gmock/gmock.h>
#include <random>

using namespace attn_grid;
using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

namespace {

Tensor read(const std::string &bytes) {
  return Tensor::from_npy_bytes(std::as_bytes(std::span(bytes)), "x.npy");
}

/// A file of that dictionary and data.
std::string npy(const std::string &dict, const std::string &data,
                int version = 1) {
  std::string bytes = "\x93NUMPY"s;
  bytes += {static_cast<char>(version), '\0'};
  size_t length = dict.size();
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    bytes += static_cast<char>(length >> (8 * i) & 255);
  return bytes + dict + data;
}

std::string dict(const char *descr, const char *shape,
                 const char *order = "False") {
  return "{'descr': '"s + descr + "', 'fortran_order': " + order +
         ", 'shape': " + shape + ", }\n";
}

TEST(Npy, RoundTripOfEveryTypeAndRank) {
  Dims sizes;
  for (int rank = 0; rank <= max_rank; ++rank) {
    for (int t = 0; t < numDTypes; ++t) {
      auto dtype = static_cast<DType>(t);
      Tensor tensor = Tensor::uniform(sizes, dtype, {}, 7, 0, 50);
      Tensor back = read(tensor.to_npy_bytes());
      bool widened = dtype == bf16 || dtype == f8e4m3 || dtype == f8e5m2;
      EXPECT_EQ(back.dtype(), widened ? f32 : dtype);
      EXPECT_EQ(back.sizes(), sizes);
      EXPECT_EQ(back.to_vector(), tensor.to_vector());
    }
    if (rank < max_rank)
      sizes.push_back(rank % 3 + 1);
  }
}

TEST(Npy, EmptyAndStrided) {
  Tensor empty = read(Tensor::empty({3, 0, 2}).to_npy_bytes());
  EXPECT_EQ(empty.sizes(), (Dims{3, 0, 2}));
  Tensor t = Tensor::iota({3, 4}).transpose();
  EXPECT_EQ(read(t.to_npy_bytes()).to_vector(), t.to_vector());
  Tensor wide = Tensor::ones({1}).expand({5});
  EXPECT_THAT(read(wide.to_npy_bytes()).to_vector(),
              ElementsAre(1, 1, 1, 1, 1));
}

TEST(Npy, Files) {
  std::string path = testing::TempDir() + "attn_grid_npy_test.npy";
  Tensor t = Tensor::randn({5, 7});
  t.to_npy(path);
  EXPECT_EQ(Tensor::from_npy(path).to_vector(), t.to_vector());
  EXPECT_EQ(std::filesystem::file_size(path), 128 + 5 * 7 * 4u);
  std::filesystem::remove(path);
  EXPECT_THAT([&] { Tensor::from_npy(path); },
              ThrowsMessage<BackendError>("cannot read " + path +
                                          ": No such file or directory"));
  EXPECT_THAT([&] { t.to_npy("/nowhere/x.npy"); },
              ThrowsMessage<BackendError>(
                  "cannot write /nowhere/x.npy: No such file or directory"));
}

TEST(Npy, HeaderIsAsNumPyWritesIt) {
  std::string bytes = Tensor::zeros({3}, boolean).to_npy_bytes();
  std::string expected = "\x93NUMPY\x01\x00\x76\x00"
                         "{'descr': '|b1', 'fortran_order': False, 'shape': "
                         "(3,), }"s;
  EXPECT_EQ(bytes.substr(0, expected.size()), expected);
  EXPECT_EQ(bytes.size(), 128 + 3u);
  EXPECT_EQ(bytes[127], '\n');
  EXPECT_THAT(Tensor::zeros({}).to_npy_bytes(), HasSubstr("'shape': (), }"));
}

TEST(Npy, FortranOrderKeepsItsOrder) {
  Tensor t = read(npy(dict("<i2", "(2, 3)", "True"),
                      "\0\0\x03\0\x01\0\x04\0\x02\0\x05\0"s));
  EXPECT_EQ(t.sizes(), (Dims{2, 3}));
  EXPECT_EQ(t.strides(), (Dims{1, 2}));
  EXPECT_THAT(t.to_vector(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(Npy, VersionsAndSpellings) {
  for (int version : {1, 2, 3})
    EXPECT_THAT(
        read(npy(dict("<i4", "(1,)"), "\x05\0\0\0"s, version)).to_vector(),
        ElementsAre(5));
  EXPECT_THAT(read(npy("{\"shape\":(2L,),\"fortran_order\":False,"
                       "\"descr\":\"|u1\"}",
                       "\x01\xff"))
                  .to_vector(),
              ElementsAre(1, 255));
  // Any byte but 0 is true, and is 1 afterwards.
  Tensor t = read(npy(dict("|b1", "(3,)"), "\0\x02\xff"s));
  EXPECT_EQ(static_cast<const uint8_t *>(t.data())[2], 1);
}

TEST(Npy, Refusals) {
  auto damaged = [](const std::string &bytes, const std::string &message) {
    EXPECT_THAT([&] { read(bytes); },
                ThrowsMessage<InvalidArgument>(HasSubstr("x.npy: " + message)));
  };
  auto unsupported = [](const std::string &bytes, const std::string &message) {
    EXPECT_THAT([&] { read(bytes); },
                ThrowsMessage<Unsupported>("x.npy: " + message));
  };
  damaged("", "not a .npy file");
  damaged("\x93NUMPX\x01\0\0\0"s, "not a .npy file");
  damaged("\x93NUMPY\x01"s, "the .npy header is cut off");
  damaged("\x93NUMPY\x01\0\x10\0{"s, "the .npy header is cut off");
  damaged(npy(dict("<f4", "(3,)"), "\0\0\0\0"s),
          "sizes [3] of f32 do not fit the 4 bytes that follow the header");
  damaged(npy(dict("<f4", "(1,)"), "\0\0\0\0\0"s),
          "sizes [1] of f32 do not fit the 5 bytes that follow the header");
  damaged(npy(dict("<f4", "(4611686018427387904, 4)"), ""),
          "sizes [4611686018427387904, 4] of f32 do not fit the 0 bytes");
  damaged(
      npy(dict("<f4", "(9223372036854775807, 9223372036854775807)"), "abcd"),
      "sizes [9223372036854775807, 9223372036854775807] of f32 do not fit");
  damaged(npy(dict("<f4", "(99999999999999999999,)"), ""),
          "bad .npy header: shape must be a tuple of sizes from 0 to 2^63 - 1");
  damaged(npy(dict("<f4", "(-1,)"), ""), "bad .npy header: shape must be");
  damaged(npy("{'descr': '<f4', 'shape': ()}", "abcd"),
          "bad .npy header: its keys must be descr, fortran_order and shape");
  damaged(npy("{'descr': '<f4', 'descr': '<f4'}", "abcd"),
          "bad .npy header: its keys must be");
  damaged(npy(dict("<f4", "()") + "x", "abcd"),
          "bad .npy header: text follows the dictionary");
  damaged(npy("{'descr", ""), "bad .npy header: a string has no end");
  damaged(npy("{'descr': '<f4', 'fortran_order': 0}", ""),
          "bad .npy header: fortran_order must be True or False");
  damaged(npy("{'descr': 3}", ""),
          "bad .npy header: expected a string at its byte 10");
  damaged(npy(dict("f4", "()"), "abcd"),
          "bad .npy header: descr must begin with a byte order");
  unsupported(npy(dict(">f4", "()"), "abcd"),
              "element type `>f4` is big endian: save it with astype('<f4')");
  unsupported(
      npy(dict("<c8", "()"), "abcdefgh"),
      "element type `<c8` cannot be read: bool, i1, i2, i4, i8, u1, u2, "
      "u4, f2, f4 and f8 can");
  unsupported(npy(dict("<\x1b[31m", "()"), "abcdefgh"),
              "element type `<?[31m` cannot be read: bool, i1, i2, i4, i8, u1, "
              "u2, u4, f2, f4 and f8 can");
  unsupported(npy("{'descr': [('a', '<f4')]}", ""),
              "arrays of structures cannot be read, only of numbers");
  unsupported(npy(dict("<f4", "(1,1,1,1,1,1,1,1,1)"), "abcd"),
              "more than 8 dimensions");
  unsupported("\x93NUMPY\x04\0\0\0\0\0"s,
              ".npy version 4.0 is not known: versions 1 to 3 are");
  // No element, but dimensions that no tensor has.
  EXPECT_THROW(
      read(npy(dict("<f4", "(0, 4611686018427387904, 4611686018427387904)"),
               "")),
      Error);
}

TEST(Npy, AnyBytesEndInAResultOrAnError) {
  std::string good = Tensor::iota({3, 4, 5}, i16).to_npy_bytes();
  int results = 0, errors = 0;
  auto attempt = [&](const std::string &bytes) {
    try {
      Tensor t = read(bytes);
      t.to_vector();
      ++results;
    } catch (const Error &) {
      ++errors;
    }
  };
  for (size_t length = 0; length <= good.size(); ++length)
    attempt(good.substr(0, length));
  for (size_t byte = 0; byte < good.size(); ++byte)
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = good;
      flipped[byte] = static_cast<char>(flipped[byte] ^ 1 << bit);
      attempt(flipped);
    }
  std::mt19937_64 random(3);
  const char alphabet[] =
      "{}'\",:()0123456789LTrueFalse<>|=fiub \n\0descrshape";
  for (int round = 0; round < 50000; ++round) {
    std::string header = dict("<i2", "(3, 4)");
    for (uint64_t change = 1 + random() % 4; change > 0; --change)
      header[random() % header.size()] = alphabet[random() % sizeof alphabet];
    attempt(npy(header, good.substr(128, 24), 1 + int(random() % 3)));
  }
  EXPECT_GT(results, 900);
  EXPECT_GT(errors, 10000);
}

} // namespace
