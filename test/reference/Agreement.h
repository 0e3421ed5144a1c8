#ifndef AG_TEST_REFERENCE_AGREEMENT_H
#define AG_TEST_REFERENCE_AGREEMENT_H
/// One kernel through the reference interpreter and through the CPU pipeline;
/// all memory must agree. The width of vectors, of those that this machine has,
/// depends on the kernel's text; with AG_ALL_WIDTHS=1 all are tried.
/// Some are compiled with -O0 as well.
///
///     Case c;
///     c.tensor("x", "f32", {5, 7}, Layout::rows);
///     c.tensor("o", "f32", {5, 7}, Layout::columns).out();
///     c.body = R"(
///       %t = ag.load %x[%c0 : 8, %c0 : 8] : $x -> tensor<8x8xf32>
///       ag.store %t, %o[%c0 : 8, %c0 : 8] : tensor<8x8xf32>, $o
///     )";
///     agree(c);
///
/// `$x` in the body is the type of tensor `x`; `%c0` an i32. The space around
/// and between the elements of a tensor is compared too.

#include "compiler/Reference/Interpreter.h"

#include <functional>
#include <string>
#include <vector>

namespace attn_grid::test {

/// Which dimension of a tensor has adjacent elements, as the compiler knows it.
enum class Layout {
  rows,    ///< the last
  columns, ///< the first
  loose,   ///< none: all strides are run-time values, with gaps
};
inline constexpr Layout allLayouts[] = {Layout::rows, Layout::columns,
                                        Layout::loose};

/// The value of element number `i` of a tensor, by its type.
using Fill = std::function<double(int64_t i)>;

/// Small whole numbers, from -8 to 8, that look random: sums and products of
/// them are exact in every float type and any order.
double small(int64_t i);
/// Multiples of 1/8 between -16 and 16.
double eighths(int64_t i);
/// Numbers of all sizes, with infinities, NaN and both zeros among them.
double wild(int64_t i);

struct TensorArgument {
  std::string name, element;
  std::vector<int64_t> sizes;
  Layout layout;
  bool written = false;
  bool fixed = false; // sizes are known while compiling
  bool ordered = false;
  Fill fill = small;
  /// How far a result may be from the reference's: relative, absolute.
  double relative = 0, absolute = 0;

  TensorArgument &out() {
    written = true;
    return *this;
  }
  TensorArgument &filled(Fill with) {
    fill = std::move(with);
    return *this;
  }
  /// What it holds depends on whose turn it is. A GPU's programs and elements
  /// take turns in any order: what one leaves here is not looked at.
  TensorArgument &ofOrder() {
    ordered = true;
    return *this;
  }
  TensorArgument &known() {
    fixed = true;
    return *this;
  }
  TensorArgument &near(double relativeError, double absoluteError = 0) {
    relative = relativeError;
    absolute = absoluteError;
    return *this;
  }
  /// Its type in the kernel.
  std::string type() const;
};

struct ScalarArgument {
  std::string name, element;
  double value;
};

struct Case {
  std::vector<TensorArgument> tensors;
  std::vector<ScalarArgument> scalars;
  std::string body;
  uint32_t programs = 1;

  TensorArgument &tensor(std::string name, std::string element,
                         std::vector<int64_t> sizes,
                         Layout layout = Layout::rows);
  void scalar(std::string name, std::string element, double value);
  /// The kernel as text.
  std::string text() const;
};

/// Fails the test, and shows the kernel, unless both agree.
void agree(const Case &test);

/// As `agree`, but says what is wrong instead; empty if nothing is.
std::string disagreement(const Case &test);

/// What the reference leaves in tensor `name` of the case, row-major.
std::vector<double> referenceResult(const Case &test, const std::string &name);

} // namespace attn_grid::test

#endif
