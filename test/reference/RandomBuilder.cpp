#include "test/reference/RandomBuilder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace attn_grid::test {

std::string typeOf(const Extents &shape, const std::string &element) {
  if (shape.empty())
    return element;
  return fmt::format("tensor<{}x{}>", fmt::join(shape, "x"), element);
}

std::string RandomValue::type() const { return typeOf(shape, element); }

RandomBuilder::RandomBuilder(uint64_t seed) : random(seed) {
  // Few shapes, so that values meet: two matrices' and their rows'.
  auto extent = [&] {
    return pickOf<int64_t>(random, {1, 2, 4, 8, 8, 16, 16, 32});
  };
  int64_t m = extent(), n = extent(), k = extent();
  shapesInUse = {{m, n}, {m, k}, {k, n}, {n, m}, {m}, {n}, {m, n}};
  if (chance(20))
    shapesInUse.push_back({2, m, n});
  real =
      pickOf<std::string>(random, {"f32", "f32", "f32", "f16", "bf16", "f64"});
  budget = static_cast<int>(pick(random, 6, 22));
  auto layout = [&] { return allLayouts[upTo(2)]; };
  auto tensor = [&](const std::string &name, const std::string &element,
                    Extents sizes) -> TensorArgument & {
    TensorArgument &argument = program.tensor(name, element, sizes, layout());
    argument.fixed = chance(25);
    return argument;
  };
  auto size = [&](int64_t extent) {
    return std::max<int64_t>(extent + pick(random, -3, 3), 0);
  };
  int64_t shift = upTo(1000);
  tensor("x", real, {size(m), size(n)}).filled([shift](int64_t i) {
    return eighths(i + shift);
  });
  tensor("y", real, {size(k), size(m)}).filled([shift](int64_t i) {
    return eighths(i + 7 * shift);
  });
  tensor("n", "i32", {size(std::max(m, n))}).filled([shift](int64_t i) {
    return small(i + shift);
  });
  tensor("w", real, {size(m), size(n)}).out().filled(eighths);
  tensor("h", "i32", {size(n)}).out();
  for (const char *name : {"i", "j", "k"})
    program.scalar(name, "i32", static_cast<double>(pick(random, -3, 9)));
  program.scalar("s", real, eighths(shift));
  program.scalar("flag", "i1", static_cast<double>(upTo(1)));
  program.scalar("seed", "i64", 1e12 + static_cast<double>(shift));
  for (const ScalarArgument &scalar : program.scalars)
    scope.push_back({"%" + scalar.name, scalar.element, {}, Sort::grid});
  scope.push_back({"%c0", "i32", {}, Sort::grid});
  for (int64_t value : {1, 2, 3})
    line(fmt::format("%c{0} = arith.constant {0} : i32", value));
}

Case RandomBuilder::finish() {
  statements(budget);
  // Show some of what is in scope, the last values above all.
  int64_t shown = std::min<int64_t>(scope.size(), pick(random, 1, 4));
  for (int64_t i = 0; i < shown; ++i)
    store(chance(50) ? scope[scope.size() - 1 - i]
                     : scope[upTo(scope.size() - 1)]);
  program.body = code;
  return std::move(program);
}

Case randomProgram(uint64_t seed) { return RandomBuilder(seed).finish(); }

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Extents RandomBuilder::shape() { return pickOf(random, shapesInUse); }

std::string RandomBuilder::floatType() {
  return chance(80) ? real
                    : pickOf<std::string>(random, {"f32", "f16", "bf16"});
}

void RandomBuilder::line(const std::string &text) {
  code += indent + text + "\n";
}

RandomValue RandomBuilder::emit(const std::string &element,
                                const Extents &shape, Sort sort,
                                const std::string &operation) {
  RandomValue value{fresh(), element, shape, sort};
  line(value.name + " = " + operation);
  scope.push_back(value);
  return value;
}

/// A value of this type that is in scope, or a new one.
RandomValue RandomBuilder::get(const std::string &element, const Extents &shape,
                               Sort atMost) {
  std::vector<RandomValue> fitting;
  for (const RandomValue &value : scope)
    if (value.element == element && value.shape == shape &&
        value.sort <= atMost)
      fitting.push_back(value);
  if (!fitting.empty() && chance(85)) {
    // Recent ones more often: long chains, and values that die.
    size_t last = fitting.size() - 1;
    return fitting[std::max(upTo(last), upTo(last))];
  }
  return make(element, shape);
}

RandomValue RandomBuilder::make(const std::string &element,
                                const Extents &shape) {
  if (shape.empty())
    return constant(element, shape, element == "i1" ? upTo(1) : small(next));
  if (element == "i1") {
    RandomValue numbers = iotaBased(shape);
    RandomValue limit = constant("i32", shape, pick(random, -2, 12));
    return emit("i1", shape, Sort::grid,
                fmt::format("arith.cmpi {}, {}, {} : {}",
                            pickOf<std::string>(
                                random, {"slt", "sge", "eq", "ne", "ult"}),
                            numbers.name, limit.name, numbers.type()));
  }
  if (element == "i32")
    return chance(60) ? iotaBased(shape)
                      : constant(element, shape, small(next));
  if (element[0] == 'i')
    return convert(get("i32", shape), element);
  if (element != real)
    return convert(get(real, shape, Sort::grid), element);
  if (chance(70))
    return load(element, shape);
  if (chance(50)) {
    RandomValue scalar = get(element, {}, Sort::grid);
    return emit(element, shape, Sort::grid,
                fmt::format("tensor.splat {} : {}", scalar.name,
                            typeOf(shape, element)));
  }
  return constant(element, shape, eighths(next));
}

RandomValue RandomBuilder::constant(const std::string &element,
                                    const Extents &shape, double value) {
  std::string number = element.find('f') != std::string::npos
                           ? fmt::format("{:.3f}", value)
                           : fmt::format("{}", static_cast<int64_t>(value));
  if (element == "i1")
    number = value != 0 ? "true" : "false";
  std::string type = typeOf(shape, element);
  return emit(element, shape, Sort::grid,
              shape.empty()
                  ? (element == "i1"
                         ? "arith.constant " + number
                         : fmt::format("arith.constant {} : {}", number, type))
                  : fmt::format("arith.constant dense<{}> : {}", number, type));
}

/// An index: a number near 0, or what a loop counts.
std::string RandomBuilder::index() {
  if (!counters.empty() && chance(40))
    return counters[upTo(counters.size() - 1)];
  return pickOf<std::string>(random, {"%c0", "%c0", "%c0", "%i", "%j", "%c2"});
}

/// A tile of a tensor, with steps, masks and values for the outside sometimes.
RandomValue RandomBuilder::load(const std::string &element,
                                const Extents &shape) {
  std::string name = chance(50) ? "x" : chance(50) ? "y" : "w";
  std::vector<std::string> indices;
  size_t dims = 2;
  bool steps = chance(15);
  if (shape.size() > dims) { // one axis comes from a broadcast
    RandomValue inner = get(element, {shape[1], shape[2]}, Sort::grid);
    return emit(element, shape, Sort::grid,
                fmt::format("ag.broadcast {} along [1, 2] : {} -> {}",
                            inner.name, inner.type(), typeOf(shape, element)));
  }
  size_t axis = 0, dropped = shape.size() == 1 ? upTo(1) : dims;
  for (size_t d = 0; d < dims; ++d) {
    std::string text = index();
    if (d != dropped)
      text += fmt::format(" : {}", shape[axis++]);
    if (steps)
      text +=
          " step " + pickOf<std::string>(random, {"%c1", "%c2", "%c3", "%k"});
    indices.push_back(text);
  }
  std::string keep, other;
  if (chance(15))
    keep = " keep " + get("i1", shape).name;
  if (chance(15))
    other = " other " + get(element, shape, Sort::grid).name;
  return emit(element, shape, Sort::grid,
              fmt::format("ag.load %{0}[{1}]{2}{3} : ${0} -> {4}", name,
                          fmt::join(indices, ", "), keep, other,
                          typeOf(shape, element)));
}

/// Whole numbers that differ along one axis.
RandomValue RandomBuilder::iotaBased(const Extents &shape) {
  size_t axis = upTo(shape.size() - 1);
  RandomValue line = emit("i32", {shape[axis]}, Sort::grid,
                          fmt::format("ag.iota : tensor<{}xi32>", shape[axis]));
  if (shape.size() > 1)
    line = emit("i32", shape, Sort::grid,
                fmt::format("ag.broadcast {} along [{}] : {} -> {}", line.name,
                            axis, line.type(), typeOf(shape, "i32")));
  if (chance(50)) {
    std::string by = index();
    RandomValue splat =
        emit("i32", shape, Sort::grid,
             fmt::format("tensor.splat {} : {}", by, line.type()));
    line = emit("i32", shape, Sort::grid,
                fmt::format("arith.addi {}, {} : {}", line.name, splat.name,
                            line.type()));
  }
  return line;
}

/// The nearest grid value; 0 for a NaN.
RandomValue RandomBuilder::quantize(const RandomValue &value) {
  std::string type = value.type();
  const std::string &element = value.element;
  auto number = [&](double x) {
    return constant(element, value.shape, x).name;
  };
  auto step = [&](const std::string &operation) {
    return emit(element, value.shape, Sort::number, operation).name;
  };
  std::string zero = number(0), low = number(-16), high = number(16);
  std::string eight = number(8), eighth = number(0.125);
  RandomValue isNumber =
      emit("i1", value.shape, Sort::grid,
           fmt::format("arith.cmpf ord, {0}, {0} : {1}", value.name, type));
  std::string x =
      step(fmt::format("arith.select {}, {}, {} : {}, {}", isNumber.name,
                       value.name, zero, isNumber.type(), type));
  if (value.shape.empty()) // the scalar form of select
    code.replace(code.rfind(" : i1, "), 7, " : ");
  x = step(fmt::format("arith.maxnumf {}, {} : {}", x, low, type));
  x = step(fmt::format("arith.minnumf {}, {} : {}", x, high, type));
  x = step(fmt::format("arith.mulf {}, {} : {}", x, eight, type));
  x = step(fmt::format(
      "math.{} {} : {}",
      pickOf<std::string>(random, {"roundeven", "floor", "ceil"}), x, type));
  return emit(element, value.shape, Sort::grid,
              fmt::format("arith.mulf {}, {} : {}", x, eighth, type));
}

/// The same numbers in another type, as far as it holds them.
RandomValue RandomBuilder::convert(const RandomValue &value,
                                   const std::string &element) {
  auto bits = [](const std::string &name) {
    return name == "bf16" ? 16 : std::stoi(name.substr(1));
  };
  if (value.element == element)
    return value;
  int from = bits(value.element), to = bits(element);
  std::string op;
  bool toFloat = element.find('f') != std::string::npos;
  if (value.isFloat() && toFloat) {
    if (from == to) // f16 and bf16 meet in f32
      return convert(convert(value, "f32"), element);
    op = from < to ? "extf" : "truncf";
  } else if (toFloat) {
    op = chance(50) ? "sitofp" : "uitofp";
  } else if (value.isFloat()) {
    op = "fptosi";
  } else {
    op = from > to ? "trunci" : chance(50) ? "extsi" : "extui";
  }
  RandomValue result =
      emit(element, value.shape,
           toFloat && !value.isFloat() ? Sort::any : value.sort,
           fmt::format("arith.{} {} : {} to {}", op, value.name, value.type(),
                       typeOf(value.shape, element)));
  return toFloat && !value.isFloat() ? quantize(result) : result;
}

const RandomValue &RandomBuilder::anyTile() {
  std::vector<size_t> tiles;
  for (size_t i = 0; i < scope.size(); ++i)
    if (!scope[i].shape.empty())
      tiles.push_back(i);
  if (tiles.empty()) {
    make(real, shape());
    return scope.back();
  }
  size_t last = tiles.size() - 1;
  return scope[tiles[std::max(upTo(last), upTo(last))]];
}

/// Writes a value to a tensor of its own.
void RandomBuilder::store(const RandomValue &given) {
  if (outputs >= 6)
    return;
  RandomValue value = given;
  std::string name = fmt::format("o{}_", outputs++);
  Extents sizes;
  std::vector<std::string> indices;
  for (int64_t extent : value.shape) {
    sizes.push_back(std::max<int64_t>(extent + pick(random, -2, 3), 0));
    indices.push_back(fmt::format(
        "{} : {}", pickOf<std::string>(random, {"%c0", "%c0", "%i", "%c1"}),
        extent));
  }
  if (value.shape.empty()) {
    sizes = {1};
    indices = {"%c0"};
  }
  program.tensor(name, value.element, sizes, allLayouts[upTo(2)]).out();
  std::string keep;
  if (chance(20) && !value.shape.empty())
    keep = " keep " + get("i1", value.shape).name;
  line(fmt::format("ag.store {0}, %{1}[{2}]{3} : {4}, ${1}", value.name, name,
                   fmt::join(indices, ", "), keep, value.type()));
}

} // namespace attn_grid::test
