// One random operation: of one place at a time, of shapes, along axes, of
// memory.

#include "test/reference/RandomBuilder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace attn_grid::test {

void RandomBuilder::operation() {
  using Member = void (RandomBuilder::*)();
  static const std::vector<std::pair<int, Member>> kinds = {
      {18, &RandomBuilder::floatArithmetic},
      {12, &RandomBuilder::integerArithmetic},
      {9, &RandomBuilder::mask},
      {9, &RandomBuilder::select},
      {14, &RandomBuilder::shapes},
      {14, &RandomBuilder::reduce},
      {5, &RandomBuilder::scan},
      {4, &RandomBuilder::sort},
      {12, &RandomBuilder::dot},
      {6, &RandomBuilder::gather},
      {8, &RandomBuilder::memory},
      {3, &RandomBuilder::atomic},
      {2, &RandomBuilder::philox}};
  int total = 0;
  for (auto [weight, kind] : kinds)
    total += weight;
  int64_t at = upTo(total - 1);
  for (auto [weight, kind] : kinds)
    if ((at -= weight) < 0)
      return (this->*kind)();
}

void RandomBuilder::floatArithmetic() {
  std::string element = floatType();
  Extents extents = chance(15) ? Extents() : shape();
  RandomValue x = get(element, extents);
  std::string type = x.type();
  switch (upTo(9)) {
  case 0: { // a divisor that is not 0
    RandomValue y = get(element, extents, Sort::grid);
    RandomValue size = emit(element, extents, Sort::grid,
                            fmt::format("math.absf {} : {}", y.name, type));
    RandomValue least = constant(element, extents, 0.125);
    RandomValue divisor = emit(
        element, extents, Sort::number,
        fmt::format("arith.addf {}, {} : {}", size.name, least.name, type));
    emit(element, extents, Sort::any,
         fmt::format("arith.divf {}, {} : {}", x.name, divisor.name, type));
    return;
  }
  case 1:
  case 2: {
    RandomValue a = get(element, extents, Sort::number);
    RandomValue b = get(element, extents, Sort::number);
    emit(element, extents, std::max(a.sort, b.sort),
         fmt::format("arith.{} {}, {} : {}", chance(50) ? "maxnumf" : "minnumf",
                     a.name, b.name, type));
    return;
  }
  case 3:
    emit(element, extents, x.sort,
         fmt::format("{} {} : {}",
                     pickOf<std::string>(random, {"arith.negf", "math.absf"}),
                     x.name, type));
    return;
  case 4:
    emit(element, extents, Sort::any,
         fmt::format("math.{} {} : {}",
                     pickOf<std::string>(
                         random, {"floor", "ceil", "roundeven", "sqrt"}),
                     x.name, type));
    return;
  case 5: {
    RandomValue y = get(element, extents), z = get(element, extents);
    emit(element, extents, Sort::any,
         fmt::format("math.fma {}, {}, {} : {}", x.name, y.name, z.name, type));
    return;
  }
  case 6:
    quantize(x);
    return;
  case 7:
    convert(x, pickOf<std::string>(random, {"f32", "f16", "bf16"}));
    return;
  default: {
    RandomValue y = get(element, extents);
    bool bounded = x.sort == Sort::grid && y.sort == Sort::grid;
    emit(element, extents, bounded ? Sort::number : Sort::any,
         fmt::format("arith.{} {}, {} : {}",
                     pickOf<std::string>(random, {"addf", "subf", "mulf"}),
                     x.name, y.name, type));
    return;
  }
  }
}

void RandomBuilder::integerArithmetic() {
  std::string element =
      chance(70) ? "i32" : pickOf<std::string>(random, {"i8", "i16", "i64"});
  Extents extents = chance(20) ? Extents() : shape();
  RandomValue x = get(element, extents), y = get(element, extents);
  std::string op = pickOf<std::string>(
      random, {"addi", "subi", "muli", "andi", "ori", "xori", "minsi", "maxsi",
               "minui", "maxui", "divsi", "divui", "remsi", "remui", "shli",
               "shrsi", "shrui", "extend", "real"});
  if (op == "extend") {
    convert(x, pickOf<std::string>(random, {"i8", "i16", "i32", "i64"}));
    return;
  }
  if (op == "real") {
    convert(x, real);
    return;
  }
  bool divides = op.starts_with("div") || op.starts_with("rem");
  if (divides || op.starts_with("sh")) {
    // 1 to 8 for a divisor, 0 to 7 for a shift.
    RandomValue seven = constant(element, extents, 7);
    y = emit(
        element, extents, Sort::grid,
        fmt::format("arith.andi {}, {} : {}", y.name, seven.name, y.type()));
    if (divides) {
      RandomValue one = constant(element, extents, 1);
      y = emit(
          element, extents, Sort::grid,
          fmt::format("arith.addi {}, {} : {}", y.name, one.name, y.type()));
    }
  }
  emit(element, extents, Sort::grid,
       fmt::format("arith.{} {}, {} : {}", op, x.name, y.name, x.type()));
}

void RandomBuilder::mask() {
  Extents extents = chance(20) ? Extents() : shape();
  if (chance(30)) {
    RandomValue x = get("i1", extents), y = get("i1", extents);
    emit("i1", extents, Sort::grid,
         fmt::format("arith.{} {}, {} : {}",
                     pickOf<std::string>(random, {"andi", "ori", "xori"}),
                     x.name, y.name, x.type()));
    return;
  }
  bool floats = chance(50);
  std::string element = floats ? floatType() : "i32";
  RandomValue x = get(element, extents), y = get(element, extents);
  emit("i1", extents, Sort::grid,
       fmt::format(
           "arith.cmp{} {}, {}, {} : {}", floats ? "f" : "i",
           floats ? pickOf<std::string>(random, {"oeq", "ogt", "ole", "olt",
                                                 "une", "uno", "ult", "ord"})
                  : pickOf<std::string>(random, {"eq", "ne", "slt", "sle",
                                                 "sgt", "sge", "ult", "uge"}),
           x.name, y.name, x.type()));
}

void RandomBuilder::select() {
  std::string element = chance(60) ? floatType() : chance(70) ? "i32" : "i1";
  Extents extents = chance(15) ? Extents() : shape();
  bool scalar = chance(20) || extents.empty();
  RandomValue which = get("i1", scalar ? Extents() : extents);
  RandomValue x = get(element, extents), y = get(element, extents);
  emit(element, extents, std::max(x.sort, y.sort),
       fmt::format("arith.select {}, {}, {} : {}{}", which.name, x.name, y.name,
                   scalar ? "" : which.type() + ", ", x.type()));
}

void RandomBuilder::shapes() {
  RandomValue x = anyTile();
  Extents to;
  switch (upTo(3)) {
  case 0: { // to another axis order
    std::vector<int64_t> axes(x.shape.size());
    for (size_t a = 0; a < axes.size(); ++a)
      axes[a] = a;
    std::shuffle(axes.begin(), axes.end(), random);
    for (int64_t axis : axes)
      to.push_back(x.shape[axis]);
    emit(x.element, to, x.sort,
         fmt::format("ag.transpose {} [{}] : {} -> {}", x.name,
                     fmt::join(axes, ", "), x.type(), typeOf(to, x.element)));
    return;
  }
  case 1: { // another shape of as many elements
    int64_t count = 1;
    for (int64_t extent : x.shape)
      count *= extent;
    for (const Extents &shape : shapesInUse) {
      int64_t other = 1;
      for (int64_t extent : shape)
        other *= extent;
      if (other == count && chance(60))
        to = shape;
    }
    if (to.empty())
      to = {count};
    emit(x.element, to, x.sort,
         fmt::format("ag.reshape {} : {} -> {}", x.name, x.type(),
                     typeOf(to, x.element)));
    return;
  }
  default: { // a row or column repeated
    Extents extents = shape();
    if (extents.size() < 2)
      return;
    size_t axis = upTo(extents.size() - 1);
    RandomValue row = get(chance(60) ? floatType() : "i32", {extents[axis]});
    emit(row.element, extents, row.sort,
         fmt::format("ag.broadcast {} along [{}] : {} -> {}", row.name, axis,
                     row.type(), typeOf(extents, row.element)));
    return;
  }
  }
}

void RandomBuilder::reduce() {
  RandomValue x = anyTile();
  std::vector<std::string> kinds;
  if (x.element == "i1")
    kinds = {"any", "all", "sum"};
  else if (!x.isFloat())
    kinds = {"sum", "prod", "min", "max", "umin", "umax", "argmin", "argmax"};
  else if (x.sort == Sort::grid)
    kinds = {"sum", "sum", "max", "max", "min", "argmax", "argmin"};
  else if (x.sort == Sort::number)
    kinds = {"max", "min", "argmax"};
  else
    kinds = {"argmax", "argmin"};
  std::string kind = pickOf(random, kinds), element = x.element;
  std::vector<int64_t> axes{upTo(x.shape.size() - 1)};
  Extents left;
  if (chance(20) && !kind.starts_with("arg"))
    for (size_t a = axes[0] + 1; a < x.shape.size(); ++a)
      axes.push_back(a);
  for (size_t a = 0; a < x.shape.size(); ++a)
    if (std::find(axes.begin(), axes.end(), a) == axes.end())
      left.push_back(x.shape[a]);
  Sort sort = x.sort;
  if (kind.starts_with("arg")) {
    element = "i32";
    sort = Sort::grid;
  } else if (kind == "sum" && x.isFloat()) {
    element = x.element == "f64" ? "f64" : "f32";
    sort = Sort::number;
  } else if (kind == "sum") {
    element = x.element == "i64" ? "i64" : "i32";
  }
  emit(element, left, sort,
       fmt::format("ag.reduce {} {} axes [{}] : {} -> {}", kind, x.name,
                   fmt::join(axes, ", "), x.type(), typeOf(left, element)));
}

void RandomBuilder::scan() {
  Extents extents = shape();
  int64_t axis = upTo(extents.size() - 1);
  if (chance(50)) {
    std::string element = chance(60) ? floatType() : "i32";
    RandomValue x = get(element, extents, Sort::grid);
    if (element == "f16" || element == "bf16")
      element = "f32";
    emit(element, extents, x.isFloat() ? Sort::number : Sort::grid,
         fmt::format("ag.scan sum {} axis {} : {} -> {}", x.name, axis,
                     x.type(), typeOf(extents, element)));
    return;
  }
  bool floats = chance(50), reduces = chance(50);
  RandomValue x = get(floats ? real : "i32", extents, Sort::number);
  Extents left = extents;
  if (reduces)
    left.erase(left.begin() + axis);
  std::string kind =
      floats ? pickOf<std::string>(random, {"maxnumf", "minnumf"})
             : pickOf<std::string>(random, {"addi", "maxsi", "xori"});
  emit(x.element, left, x.sort,
       fmt::format("ag.{0}_with {1} axis {2} : {3}{4} {{\n"
                   "  ^bb0(%p{5}: {6}, %q{5}: {6}):\n"
                   "    %r{5} = arith.{7} %p{5}, %q{5} : {6}\n"
                   "    ag.yield %r{5} : {6}\n  }}",
                   reduces ? "reduce" : "scan", x.name, axis, x.type(),
                   reduces ? " -> " + typeOf(left, x.element) : "", next,
                   x.element, kind));
}

void RandomBuilder::sort() {
  Extents extents = shape();
  RandomValue keys = get(chance(60) ? floatType() : "i32", extents);
  RandomValue payload = get(chance(50) ? floatType() : "i32", extents);
  bool isUnsigned = !keys.isFloat() && chance(40);
  std::string name = fresh();
  line(fmt::format("{}:2 = ag.sort {}, {} axis {}{} : {}, {}", name, keys.name,
                   payload.name, upTo(extents.size() - 1),
                   isUnsigned ? " {isUnsigned}" : "", keys.type(),
                   payload.type()));
  scope.push_back({name + "#0", keys.element, extents, keys.sort});
  scope.push_back({name + "#1", payload.element, extents, payload.sort});
}

void RandomBuilder::dot() {
  const Extents &a = shapesInUse[1], &b = shapesInUse[2];
  std::string element = chance(80) ? floatType() : "i8";
  Extents left = a, right = b, result{a[0], b[1]};
  if (chance(30)) { // the other way round
    left = {b[1], b[0]};
    right = {a[1], a[0]};
    result = {b[1], a[0]};
  }
  std::string acc = element == "f64" ? "f64" : element == "i8" ? "i32" : "f32";
  RandomValue x = get(element, left, Sort::grid);
  RandomValue y = get(element, right, Sort::grid);
  RandomValue sum = get(acc, result, Sort::grid);
  std::string keep;
  if (chance(30)) {
    keep = " keep " + get("i1", left).name;
    if (x.isFloat() && chance(60)) {
      // Rows of the right side that no product keeps may hold anything.
      RandomValue rows = get("i1", {right[0]});
      RandomValue some =
          emit("i1", left, Sort::grid,
               fmt::format("ag.broadcast {} along [1] : {} -> {}", rows.name,
                           rows.type(), typeOf(left, "i1")));
      RandomValue all =
          emit("i1", right, Sort::grid,
               fmt::format("ag.broadcast {} along [0] : {} -> {}", rows.name,
                           rows.type(), typeOf(right, "i1")));
      RandomValue wild = get(element, right);
      y = emit(element, right, wild.sort,
               fmt::format("arith.select {}, {}, {} : {}, {}", all.name, y.name,
                           wild.name, all.type(), y.type()));
      keep = " keep " + some.name;
    }
  }
  emit(acc, result, x.isFloat() ? Sort::number : Sort::grid,
       fmt::format("ag.dot {}, {}, {}{} : {}, {}, {}", x.name, y.name, sum.name,
                   keep, x.type(), y.type(), sum.type()));
}

void RandomBuilder::gather() {
  Extents extents = shape();
  RandomValue rows = get("i32", extents), columns = get("i32", extents);
  std::string type = typeOf(extents, real), tail, types;
  if (chance(30)) {
    RandomValue keep = get("i1", extents);
    tail += " keep " + keep.name;
    types += ", " + keep.type();
  }
  if (chance(30)) {
    RandomValue other = get(real, extents, Sort::grid);
    tail += " other " + other.name;
    types += ", " + other.type();
  }
  std::string tensor = pickOf<std::string>(random, {"x", "y", "w"});
  emit(real, extents, Sort::grid,
       fmt::format("ag.gather %{0}[{1}, {2}]{3} : (${0}, {4}, {4}{5}) -> {6}",
                   tensor, rows.name, columns.name, tail, rows.type(), types,
                   type));
}

/// Writes to the tensor that is read too.
void RandomBuilder::memory() {
  Extents extents = shapesInUse[0];
  RandomValue value = get(real, extents, Sort::grid);
  std::string keep;
  if (chance(30))
    keep = " keep " + get("i1", extents).name;
  line(fmt::format("ag.store {}, %w[{} : {}, {} : {}]{} : {}, $w", value.name,
                   index(), extents[0], index(), extents[1], keep,
                   value.type()));
}

/// Integers only, whose sum has no order; the old values are not looked at.
void RandomBuilder::atomic() {
  Extents extents{shapesInUse[5]};
  RandomValue value = get("i32", extents);
  emit("i32", extents, Sort::grid,
       fmt::format(
           "ag.atomic {} {}, %h[{}] extents [{}] : ({}, $h, i32) -> {}",
           pickOf<std::string>(random, {"add", "min", "max", "umin", "umax"}),
           value.name, index(), extents[0], value.type(), value.type()));
}

void RandomBuilder::philox() {
  Extents extents = chance(30) ? Extents() : shape();
  RandomValue seed = get("i64", extents), c = get("i32", extents);
  RandomValue lane = get("i32", extents);
  emit("i32", extents, Sort::grid,
       fmt::format("ag.philox {0}, {0}, {1}, {2}, {1}, {2} : ({3}, {3}, {4}, "
                   "{4}, {4}, {4}) -> {4}",
                   seed.name, c.name, lane.name, seed.type(), c.type()));
}

} // namespace attn_grid::test
