#ifndef ATTN_GRID_SCALAR_HPP
#define ATTN_GRID_SCALAR_HPP
/// One number whose type is known at run time.

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace attn_grid {

/// An integer, a float or a bool, made from any arithmetic value that an
/// `int64_t` or a `double` holds exactly.
class Scalar {
public:
  enum class Kind : uint8_t { integer, floating, boolean };

  constexpr Scalar(bool value) : kind_(Kind::boolean), integer_(value) {}
  template <class T>
    requires(std::integral<T> && !std::same_as<T, bool> &&
             (std::is_signed_v<T> || sizeof(T) < 8))
  constexpr Scalar(T value) : kind_(Kind::integer), integer_(value) {}
  template <class T>
    requires(std::same_as<T, float> || std::same_as<T, double>)
  constexpr Scalar(T value) : kind_(Kind::floating), floating_(value) {}

  constexpr Kind kind() const { return kind_; }
  /// The value of an integer or a bool; 0 for a float.
  constexpr int64_t integer() const { return integer_; }
  /// The value of any kind as a double.
  constexpr double number() const {
    return kind_ == Kind::floating ? floating_ : static_cast<double>(integer_);
  }

private:
  Kind kind_;
  int64_t integer_ = 0;
  double floating_ = 0;
};

} // namespace attn_grid

namespace ag = attn_grid;

#endif
