#ifndef AG_TEST_REFERENCE_RANDOMBUILDER_H
#define AG_TEST_REFERENCE_RANDOMBUILDER_H
/// What random programs are made of: values in scope, and the operations that
/// make others of them. RandomProgram.h says what keeps results exact.

#include "test/reference/RandomProgram.h"
#include "test/support/MaskPrograms.h"

namespace attn_grid::test {

using Extents = std::vector<int64_t>;

/// What is known of a float; integers and masks are `grid`.
enum class Sort { grid, number, any };

/// A scalar (no extents) or tile in scope.
struct RandomValue {
  std::string name, element;
  Extents shape;
  Sort sort = Sort::grid;

  bool isFloat() const { return element.find('f') != std::string::npos; }
  std::string type() const;
};

/// `tensor<8x4xf32>`, or `f32` for a scalar.
std::string typeOf(const Extents &shape, const std::string &element);

class RandomBuilder {
public:
  explicit RandomBuilder(uint64_t seed);
  Case finish();

private:
  // Values (RandomBuilder.cpp).
  int64_t upTo(int64_t high) { return pick(random, 0, high); }
  bool chance(int percent) { return upTo(99) < percent; }
  std::string fresh() { return "%v" + std::to_string(next++); }
  Extents shape();
  std::string floatType();
  void line(const std::string &text);
  RandomValue emit(const std::string &element, const Extents &shape, Sort sort,
                   const std::string &operation);
  RandomValue get(const std::string &element, const Extents &shape,
                  Sort atMost = Sort::any);
  RandomValue make(const std::string &element, const Extents &shape);
  RandomValue constant(const std::string &element, const Extents &shape,
                       double value);
  RandomValue load(const std::string &element, const Extents &shape);
  RandomValue iotaBased(const Extents &shape);
  RandomValue quantize(const RandomValue &value);
  RandomValue convert(const RandomValue &value, const std::string &element);
  const RandomValue &anyTile();
  std::string index();
  void store(const RandomValue &value);

  // Operations (RandomOperations.cpp).
  void operation();
  void floatArithmetic();
  void integerArithmetic();
  void mask();
  void select();
  void shapes();
  void reduce();
  void scan();
  void sort();
  void dot();
  void gather();
  void memory();
  void atomic();
  void philox();

  // Loops and branches (RandomControlFlow.cpp).
  void statements(int count);
  std::vector<RandomValue> carried();
  std::vector<std::string> yields(const std::vector<RandomValue> &targets);
  void loop();
  void branch();
  void whileLoop();
  void maskedStep();

  Case program;
  Random random;
  std::vector<RandomValue> scope;
  std::vector<Extents> shapesInUse;
  std::vector<std::string> counters; // i32s that loops count
  std::string code, real;            // `real`: the program's usual float
  std::string indent = "  ";
  int next = 0, depth = 0, budget = 0, outputs = 0;
};

} // namespace attn_grid::test

#endif
