// The header is the text of a Python dictionary:
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
// behind 8 bytes of magic and version, and its length in 2 (version 1) or 4
// bytes (versions 2 and 3).

#include "attn_grid/error.hpp"
#include "runtime/Npy.h"
#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace attn_grid::detail {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

/// Reads the dictionary. Every `expect` moves forward or throws, so any text
/// ends in a header or an error.
class DictReader {
public:
  DictReader(std::string_view text, const std::string &name)
      : text_(text), name_(name) {}

  NpyHeader read() {
    NpyHeader header;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      std::string_view key = string();
      expect(':');
      bool *seen = key == "descr"           ? &descr
                   : key == "fortran_order" ? &order
                   : key == "shape"         ? &shape
                                            : nullptr;
      if (!seen || *seen)
        fail("its keys must be descr, fortran_order and shape");
      *seen = true;
      if (key == "descr")
        header.dtype = dtype();
      else if (key == "fortran_order")
        header.fortran_order = boolean();
      else
        header.sizes = sizes();
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size())
      fail("text follows the dictionary");
    if (!descr || !order || !shape)
      fail("its keys must be descr, fortran_order and shape");
    return header;
  }

private:
  [[noreturn]] void fail(std::string_view why) const {
    throw InvalidArgument(fmt::format("{}: bad .npy header: {}", name_, why));
  }
  [[noreturn]] void unsupported(std::string_view why) const {
    throw Unsupported(fmt::format("{}: {}", name_, why));
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' ||
                                  text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char wanted) {
    if (peek() != wanted)
      return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted))
      fail(fmt::format("expected `{}` at its byte {}", wanted, at_));
  }

  std::string_view string() {
    char quote = peek();
    if (quote != '\'' && quote != '"')
      fail(fmt::format("expected a string at its byte {}", at_));
    size_t begin = ++at_;
    size_t end = text_.find(quote, begin);
    if (end == std::string_view::npos)
      fail("a string has no end");
    at_ = end + 1;
    return text_.substr(begin, end - begin);
  }

  bool boolean() {
    skip_space();
    for (bool value : {true, false}) {
      std::string_view word = value ? "True" : "False";
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    fail("fortran_order must be True or False");
  }

  DType dtype() {
    if (peek() == '[')
      unsupported("arrays of structures cannot be read, only of numbers");
    std::string_view descr = string();
    if (descr.empty() ||
        std::string_view("<>|=").find(descr[0]) == std::string_view::npos)
      fail("descr must begin with a byte order");
    std::string_view type = descr.substr(1);
    constexpr std::pair<std::string_view, DType> known[] = {
        {"b1", DType::boolean},
        {"i1", i8},
        {"i2", i16},
        {"i4", i32},
        {"i8", i64},
        {"u1", u8},
        {"u2", u16},
        {"u4", u32},
        {"f2", f16},
        {"f4", f32},
        {"f8", f64}};
    for (auto [name, dtype] : known) {
      if (name != type)
        continue;
      if (descr[0] == '>' && size_of(dtype) > 1)
        unsupported(fmt::format("element type {} is big endian: save it with "
                                "astype('<{}')",
                                printable(descr), type));
      return dtype;
    }
    unsupported(fmt::format(
        "element type {} cannot be read: bool, i1, i2, i4, i8, u1, u2, u4, f2, "
        "f4 and f8 can",
        printable(descr)));
  }

  Dims sizes() {
    Dims result;
    expect('(');
    while (!accept(')')) {
      skip_space();
      int64_t size = 0;
      const char *begin = text_.data() + at_,
                 *end = text_.data() + text_.size();
      auto [rest, error] = std::from_chars(begin, end, size);
      if (error != std::errc() || size < 0)
        fail("shape must be a tuple of sizes from 0 to 2^63 - 1");
      at_ += static_cast<size_t>(rest - begin);
      accept('L'); // Python 2 writes long integers so
      if (result.rank() == max_rank)
        unsupported(fmt::format("more than {} dimensions", max_rank));
      result.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return result;
  }

  /// Names in a file are shown, but not what could drive a terminal.
  static std::string printable(std::string_view text) {
    std::string result = "`";
    for (char c : text.substr(0, 16))
      result += c >= ' ' && c <= '~' ? c : '?';
    return result + "`";
  }

  std::string_view text_;
  const std::string &name_;
  size_t at_ = 0;
};

} // namespace

NpyHeader parse_npy_header(std::span<const std::byte> bytes,
                           const std::string &name) {
  std::string_view text(reinterpret_cast<const char *>(bytes.data()),
                        bytes.size());
  if (!text.starts_with(magic))
    throw InvalidArgument(name + ": not a .npy file");
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  size_t begin = 10;
  if (text.size() >= begin && byte(6) != 1)
    begin = 12;
  if (text.size() < begin)
    throw InvalidArgument(name + ": the .npy header is cut off");
  if (byte(6) < 1 || byte(6) > 3)
    throw Unsupported(
        fmt::format("{}: .npy version {}.{} is not known: versions 1 to 3 are",
                    name, byte(6), byte(7)));
  size_t length = 0;
  for (size_t i = begin; i-- > 8;)
    length = length << 8 | byte(i);
  if (length > text.size() - begin)
    throw InvalidArgument(name + ": the .npy header is cut off");
  NpyHeader header = DictReader(text.substr(begin, length), name).read();
  header.data_offset = begin + length;
  return header;
}

std::string format_npy_header(DType dtype, const Dims &sizes) {
  char kind = dtype == boolean     ? 'b'
              : is_float(dtype)    ? 'f'
              : is_unsigned(dtype) ? 'u'
                                   : 'i';
  size_t bytes = size_of(dtype);
  std::string shape =
      fmt::format("{}", fmt::join(sizes.begin(), sizes.end(), ", "));
  if (sizes.rank() == 1)
    shape += ",";
  std::string dict = fmt::format(
      "{{'descr': '{}{}{}', 'fortran_order': False, 'shape': ({}), }}",
      bytes == 1 ? '|' : '<', kind, bytes, shape);
  dict.append(63 - (10 + dict.size()) % 64, ' ');
  dict += '\n';
  std::string header(magic);
  header += {'\x01', '\x00', static_cast<char>(dict.size() & 255),
             static_cast<char>(dict.size() >> 8)};
  return header + dict;
}

} // namespace attn_grid::detail
