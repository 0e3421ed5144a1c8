#ifndef AG_RUNTIME_CACHE_BYTES_H
#define AG_RUNTIME_CACHE_BYTES_H
/// Values to bytes and back. Reader and writer have the same functions, so one
/// function template describes a format for both.
///
///     template <class Archive> void fields(Archive &a, Slot &slot) {
///       a.enumeration(slot.kind, Slot::Kind::scalar);
///       a.value(slot.param);
///     }

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace attn_grid::detail {

static_assert(std::endian::native == std::endian::little,
              "cache entries are little-endian");

class ByteWriter {
public:
  template <class T> void value(const T &value) {
    static_assert(std::is_arithmetic_v<T>);
    bytes_.append(reinterpret_cast<const char *>(&value), sizeof value);
  }
  template <class E> void enumeration(const E &value, E) {
    this->value(static_cast<uint8_t>(value));
  }
  void flag(const bool &value) { this->value(static_cast<uint8_t>(value)); }
  void text(const std::string &text) {
    value(static_cast<uint32_t>(text.size()));
    bytes_ += text;
  }
  template <class List, class Each> void list(List &list, Each each) {
    value(static_cast<uint32_t>(list.size()));
    for (auto &item : list)
      each(item);
  }
  void expect(bool) {}
  std::string take() { return std::move(bytes_); }

private:
  std::string bytes_;
};

/// Reads any bytes: what is missing or wrong reads as zero and clears `ok`.
class ByteReader {
public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  template <class T> void value(T &value) {
    static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>);
    value = T();
    std::string_view piece = take(sizeof value);
    if (!piece.empty())
      std::memcpy(&value, piece.data(), sizeof value);
  }
  template <class E> void enumeration(E &value, E last) {
    uint8_t number;
    this->value(number);
    ok_ = ok_ && number <= static_cast<uint8_t>(last);
    value = ok_ ? static_cast<E>(number) : E();
  }
  void flag(bool &value) {
    uint8_t number;
    this->value(number);
    value = number != 0;
  }
  void text(std::string &text) {
    uint32_t size;
    value(size);
    text = take(size);
  }
  template <class List, class Each> void list(List &list, Each each) {
    uint32_t size;
    value(size);
    list.clear();
    // Grows as it is read, so that a wrong size allocates nothing.
    for (uint32_t i = 0; i < size && ok_; ++i)
      each(list.emplace_back());
  }
  /// What must be true of values that were read.
  void expect(bool isRight) { ok_ = ok_ && isRight; }
  /// Was everything there and right, and nothing left over?
  bool finished() const { return ok_ && bytes_.empty(); }

private:
  std::string_view take(size_t size) {
    if (size > bytes_.size())
      ok_ = false;
    if (!ok_)
      return {};
    std::string_view piece = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return piece;
  }
  std::string_view bytes_;
  bool ok_ = true;
};

} // namespace attn_grid::detail

#endif
