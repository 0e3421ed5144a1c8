#include "test/support/MaskPrograms.h"

#include <fmt/format.h>

namespace attn_grid::test {

int64_t pick(Random &random, int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random);
}

MaskProgram::MaskProgram(uint64_t seed) : random(seed) {
  loop();
  text = R"(ag.kernel @random(
    %in: memref<i32> {ag.name = "in", ag.access = "in"},
    %bits: memref<i1> {ag.name = "bits", ag.access = "in"},
    %out: memref<i32> {ag.name = "out", ag.access = "out"},
    %e0: i32 {ag.name = "e0", ag.extent}, %e1: i32 {ag.name = "e1", ag.extent},
    %s0: i32 {ag.name = "s0"}, %s1: i32 {ag.name = "s1"},
    %f0: i1 {ag.name = "f0"}, %step: i32 {ag.name = "step"}) {
  %size = arith.index_cast %e0 : i32 to index
  %data = memref.reinterpret_cast %in to offset: [0], sizes: [%size], strides: [1] : memref<i32> to memref<?xi32, strided<[1]>>
  %flags = memref.reinterpret_cast %bits to offset: [0], sizes: [%size], strides: [1] : memref<i1> to memref<?xi1, strided<[1]>>
  %result = memref.reinterpret_cast %out to offset: [0], sizes: [%size, 4], strides: [4, 1] : memref<i32> to memref<?x4xi32, strided<[4, 1]>>
  %pid = ag.program_id %e1 : i32
  %iota = ag.iota : tensor<4xi32>
  %zero = arith.constant 0 : i32
  %nought = arith.constant dense<0> : tensor<4x4xi32>
)" + code +
         "  ag.return\n}\n";
}

llvm::StringMap<int64_t> MaskProgram::arguments(Random &random) {
  int64_t top = INT32_MAX, bottom = INT32_MIN, limit = (1 << 30) - 1;
  auto extent = [&]() -> int64_t {
    switch (pick(random, 0, 7)) {
    case 0:
      return pick(random, 0, 1);
    case 1:
      return pick(random, limit - 40, limit);
    default:
      return pick(random, 0, 60);
    }
  };
  auto any = [&] {
    switch (pick(random, 0, 5)) {
    case 0:
      return pick(random, top - 70, top);
    case 1:
      return pick(random, bottom, bottom + 70);
    case 2:
      return pick(random, bottom, top);
    default:
      return pick(random, -40, 80);
    }
  };
  llvm::StringMap<int64_t> values;
  values["e0"] = extent();
  values["e1"] = extent();
  values["s0"] = any();
  values["s1"] = any();
  values["f0"] = pick(random, 0, 1);
  values["step"] = pick(random, 1, 9);
  return values;
}

std::string MaskProgram::type(Shape shape, const std::string &element) {
  switch (shape) {
  case Shape::scalar:
    return element;
  case Shape::row:
    return "tensor<4x1x" + element + ">";
  case Shape::column:
    return "tensor<1x4x" + element + ">";
  case Shape::tile:
    break;
  }
  return "tensor<4x4x" + element + ">";
}

std::string MaskProgram::emit(const std::string &operation) {
  std::string name = fmt::format("%v{}", next++);
  code += fmt::format("  {} = {}\n", name, operation);
  return name;
}

std::string MaskProgram::constant(Shape shape, int64_t value,
                                  const std::string &element) {
  std::string number =
      element == "i1" ? (value ? "true" : "false") : std::to_string(value);
  if (shape == Shape::scalar)
    return emit(element == "i1"
                    ? "arith.constant " + number
                    : fmt::format("arith.constant {} : {}", number, element));
  return emit(fmt::format("arith.constant dense<{}> : {}", number,
                          type(shape, element)));
}

std::string MaskProgram::spread(const std::string &value, Shape from, Shape to,
                                const std::string &element) {
  if (from == to)
    return value;
  if (from == Shape::scalar)
    return emit(fmt::format("tensor.splat {} : {}", value, type(to, element)));
  return emit(fmt::format("ag.broadcast {} along [0, 1] : {} -> {}", value,
                          type(from, element), type(to, element)));
}

/// A scalar: an argument, the loop variable, or a little arithmetic.
std::string MaskProgram::scalar(int depth) {
  if (depth > 0 && pick(random, 0, 1)) {
    std::string a = scalar(depth - 1), b = scalar(depth - 1);
    std::string name = pickOf<std::string>(
        random, {"addi", "subi", "muli", "minsi", "maxsi", "addi", "subi"});
    return emit(fmt::format("arith.{} {}, {} : i32", name, a, b));
  }
  std::vector<std::string> known{"%e0", "%e1", "%s0", "%s1", "%pid"};
  if (inLoop)
    known.insert(known.end(), {"%n", "%n", "%n", "%n"});
  if (pick(random, 0, 3) == 0)
    return constant(Shape::scalar, pick(random, -10, 40));
  return pickOf(random, known);
}

std::string MaskProgram::leaf(Shape shape) {
  Shape narrow = shape == Shape::tile
                     ? pickOf<Shape>(random, {Shape::row, Shape::column})
                     : shape;
  std::string axis = narrow == Shape::row ? "0" : "1";
  auto placed = [&](const std::string &line) {
    std::string tile =
        emit(fmt::format("ag.broadcast {} along [{}] : tensor<4xi32> -> {}",
                         line, axis, type(narrow, "i32")));
    return spread(tile, narrow, shape, "i32");
  };
  switch (pick(random, 0, 7)) {
  case 0:
    return constant(shape, pickOf<int64_t>(random, {0, 3, 17, -5, INT32_MAX,
                                                    INT32_MIN, 1 << 30}));
  case 1:
    return placed(emit(fmt::format("arith.constant dense<[{}, 2, 9, {}]> : "
                                   "tensor<4xi32>",
                                   pick(random, -9, 9), pick(random, 0, 99))));
  case 2:
    return placed(emit(fmt::format(
        "ag.load %data[{} : 4] : memref<?xi32, strided<[1]>> -> tensor<4xi32>",
        scalar(0))));
  case 3:
    return placed("%iota");
  case 4: {
    // Far from and near 0, with a range that is known when compiling.
    std::string from = constant(Shape::scalar, pick(random, -6, 2));
    std::string by = emit(fmt::format("tensor.splat {} : tensor<4xi32>", from));
    return placed(
        emit(fmt::format("arith.addi {}, %iota : tensor<4xi32>", by)));
  }
  default:
    break;
  }
  std::string base =
      emit(fmt::format("tensor.splat {} : tensor<4xi32>", scalar(1)));
  return placed(
      emit(fmt::format("arith.addi {}, %iota : tensor<4xi32>", base)));
}

/// An operation with one operand, or with a constant second one.
std::string MaskProgram::unary(Shape shape, int depth) {
  std::string x = integer(shape, depth - 1), t = type(shape, "i32");
  auto with = [&](const std::string &name, int64_t number) {
    return emit(fmt::format("arith.{} {}, {} : {}", name, x,
                            constant(shape, number), t));
  };
  switch (pick(random, 0, 8)) {
  case 0:
    return emit(fmt::format("math.absi {} : {}", x, t));
  case 1:
    return with(pickOf<std::string>(
                    random, {"divsi", "divui", "floordivsi", "ceildivsi"}),
                pickOf<int64_t>(random, {1, 2, 3, 4, 7, 16, 64, 1000003}));
  case 2:
    return with(pickOf<std::string>(random, {"remsi", "remui"}),
                pickOf<int64_t>(random, {1, 2, 5, 16}));
  case 3:
    return with(pickOf<std::string>(random, {"shli", "shrsi", "shrui"}),
                pickOf<int64_t>(random, {0, 1, 2, 5, 29, 31}));
  case 4:
    return with("muli", pickOf<int64_t>(random, {-3, -1, 2, 5, 64, 1 << 20}));
  case 5:
    return with("andi", pickOf<int64_t>(random, {1, 3, 15, 255, -4}));
  case 6: {
    std::string narrow = pickOf<std::string>(random, {"i8", "i16"});
    std::string y = emit(
        fmt::format("arith.trunci {} : {} to {}", x, t, type(shape, narrow)));
    return emit(fmt::format("arith.{} {} : {} to {}",
                            pickOf<std::string>(random, {"extsi", "extui"}), y,
                            type(shape, narrow), t));
  }
  case 7: {
    std::string wide = type(shape, "i64");
    std::string y = emit(fmt::format("arith.extsi {} : {} to {}", x, t, wide));
    std::string z = emit(fmt::format("arith.muli {}, {} : {}", y, y, wide));
    return emit(fmt::format("arith.trunci {} : {} to {}", z, wide, t));
  }
  default:
    return emit(fmt::format("arith.extui {} : {} to {}", mask(shape, depth - 1),
                            type(shape, "i1"), t));
  }
}

std::string MaskProgram::integer(Shape shape, int depth) {
  if (shape == Shape::scalar)
    return scalar(depth);
  if (depth <= 0)
    return pick(random, 0, 2) ? leaf(shape)
                              : spread(scalar(1), Shape::scalar, shape, "i32");
  if (shape == Shape::tile && pick(random, 0, 3) == 0) {
    Shape narrow = pickOf<Shape>(random, {Shape::row, Shape::column});
    return spread(integer(narrow, depth), narrow, shape, "i32");
  }
  if (pick(random, 0, 3) == 0)
    return unary(shape, depth);
  if (shape == Shape::tile && pick(random, 0, 9) == 0)
    return emit(fmt::format("ag.transpose {} [1, 0] : {} -> {}",
                            integer(shape, depth - 1), type(shape, "i32"),
                            type(shape, "i32")));
  std::string a = integer(shape, depth - 1), b = integer(shape, depth - 1);
  if (pick(random, 0, 5) == 0)
    return emit(fmt::format("arith.select {}, {}, {} : {}, {}",
                            mask(shape, depth - 1), a, b, type(shape, "i1"),
                            type(shape, "i32")));
  std::string name =
      pickOf<std::string>(random, {"addi", "subi", "addi", "subi", "muli",
                                   "minsi", "maxsi", "minui", "maxui"});
  return emit(
      fmt::format("arith.{} {}, {} : {}", name, a, b, type(shape, "i32")));
}

/// A comparison of the kind that attention masks are made of.
std::string MaskProgram::likelyMask() {
  Shape shape = Shape::tile;
  auto line = [&](const std::string &start, const std::string &axis) {
    std::string base =
        emit(fmt::format("tensor.splat {} : tensor<4xi32>", start));
    std::string sum =
        emit(fmt::format("arith.addi {}, %iota : tensor<4xi32>", base));
    return emit(fmt::format("ag.broadcast {} along [{}] : tensor<4xi32> -> "
                            "tensor<4x4xi32>",
                            sum, axis));
  };
  std::string columns = line("%n", "1");
  std::string rows =
      line(pickOf<std::string>(random, {"%s0", "%e1", "%zero"}), "0");
  std::string end = pickOf<std::string>(random, {"%e0", "%s0", "%s1"});
  if (pick(random, 0, 1)) // just beside where something ends
    end = emit(fmt::format("arith.addi {}, {} : i32", end,
                           constant(Shape::scalar, pick(random, -4, 1))));
  std::string bound = spread(end, Shape::scalar, shape, "i32");
  std::string t = type(shape, "i32");
  if (pick(random, 0, 2) == 0) {
    std::string step = constant(shape, pickOf<int64_t>(random, {2, 4, 16, 64}));
    columns = emit(fmt::format("arith.divsi {}, {} : {}", columns, step, t));
    rows = emit(fmt::format("arith.divsi {}, {} : {}", rows, step, t));
  }
  std::string left = columns, right = bound;
  switch (pick(random, 0, 4)) {
  case 0:
    break;
  case 1:
    right = rows;
    break;
  case 2:
    right = emit(fmt::format("arith.addi {}, {} : {}", rows, bound, t));
    break;
  default:
    left = emit(fmt::format("arith.subi {}, {} : {}", rows, columns, t));
    if (pick(random, 0, 1))
      left = emit(fmt::format("math.absi {} : {}", left, t));
  }
  std::string predicate =
      pickOf<std::string>(random, {"slt", "sle", "sgt", "sge", "eq", "ult"});
  return emit(
      fmt::format("arith.cmpi {}, {}, {} : {}", predicate, left, right, t));
}

std::string MaskProgram::mask(Shape shape, int depth) {
  std::string t = type(shape, "i1");
  if (depth > 0 && pick(random, 0, 2)) {
    std::string a = mask(shape, depth - 1), b = mask(shape, depth - 1);
    switch (pick(random, 0, 9)) {
    case 0:
      return emit(fmt::format("arith.select {}, {}, {} : {}, {}",
                              mask(shape, depth - 1), a, b, t, t));
    case 1:
      return emit(fmt::format("arith.xori {}, {} : {}", a,
                              constant(shape, 1, "i1"), t));
    case 2:
      return emit(fmt::format("arith.xori {}, {} : {}", a, b, t));
    case 3:
      return emit(fmt::format("arith.cmpi {}, {}, {} : {}",
                              pickOf<std::string>(random, {"eq", "ne", "slt"}),
                              a, b, t));
    case 4:
    case 5:
      return emit(fmt::format("arith.ori {}, {} : {}", a, b, t));
    default:
      return emit(fmt::format("arith.andi {}, {} : {}", a, b, t));
    }
  }
  if (shape != Shape::scalar) {
    if (pick(random, 0, 11) == 0)
      return spread(pick(random, 0, 1) ? "%f0" : mask(Shape::scalar, 1),
                    Shape::scalar, shape, "i1");
    if (pick(random, 0, 19) == 0)
      return constant(shape, pick(random, 0, 1), "i1");
    if (shape == Shape::tile && pick(random, 0, 9) == 0) {
      std::string line = emit(fmt::format(
          "ag.load %flags[{} : 4] : memref<?xi1, strided<[1]>> -> tensor<4xi1>",
          scalar(0)));
      return emit(fmt::format("ag.broadcast {} along [0] : tensor<4xi1> -> {}",
                              line, t));
    }
    if (shape == Shape::tile && inLoop && pick(random, 0, 1))
      return likelyMask();
  }
  std::string predicate = pickOf<std::string>(
      random, {"eq", "ne", "slt", "sle", "sgt", "sge", "slt", "sle", "sgt",
               "sge", "ult", "ule", "ugt", "uge"});
  int deep = std::max<int>(depth, pick(random, 0, 2));
  std::string a = integer(shape, deep), b = integer(shape, deep);
  return emit(fmt::format("arith.cmpi {}, {}, {} : {}", predicate, a, b,
                          type(shape, "i32")));
}

/// The loop, its tests, and a test after it.
void MaskProgram::loop() {
  // Some values of the mask may stand before the loop: `%s1` becomes one.
  std::string lower = pickOf<std::string>(
      random, {"%zero", "%zero", "%s0", constant(Shape::scalar, 5), "%e1"});
  std::string upper = pickOf<std::string>(
      random,
      {"%e0", "%e0", "%s1",
       emit("arith.addi %e1, " + constant(Shape::scalar, 40) + " : i32")});
  std::string step =
      pick(random, 0, 3)
          ? constant(Shape::scalar, pickOf<int64_t>(random, {1, 4, 4, 7}))
          : "%step";
  code += fmt::format("  %end = scf.for %n = {} to {} step {} "
                      "iter_args(%acc = %nought) -> (tensor<4x4xi32>) : i32 "
                      "{{\n",
                      lower, upper, step);
  inLoop = true;
  std::string keep = mask(Shape::tile, pick(random, 0, 2));
  std::string kind = pickOf<std::string>(random, {"any", "any", "any", "all"});
  std::string test = emit(fmt::format(
      "ag.reduce {} {} axes [0, 1] : tensor<4x4xi1> -> i1", kind, keep));
  if (pick(random, 0, 4) == 0)
    test = emit(fmt::format("arith.xori {}, {} : i1", test,
                            constant(Shape::scalar, 1, "i1")));
  else if (pick(random, 0, 5) == 0)
    test = emit(
        fmt::format("arith.andi {}, {} : i1", test, mask(Shape::scalar, 1)));
  body(test, keep);
  inLoop = false;
  code += "  ag.store %end, %result[%zero : 4, %zero : 4] : tensor<4x4xi32>, "
          "memref<?x4xi32, strided<[4, 1]>>\n";
  std::string after = mask(Shape::tile, 1);
  std::string all = emit(fmt::format(
      "ag.reduce all {} axes [0, 1] : tensor<4x4xi1> -> i1", after));
  code += fmt::format("  scf.if {} {{\n    %w = arith.extui {} : "
                      "tensor<4x4xi1> to tensor<4x4xi32>\n    ag.store %w, "
                      "%result[%zero : 4, %zero : 4] : tensor<4x4xi32>, "
                      "memref<?x4xi32, strided<[4, 1]>>\n  }}\n",
                      all, after);
}

/// `if test { store and accumulate by keep } else { leave acc alone }`; or the
/// other way round.
void MaskProgram::body(const std::string &test, const std::string &keep) {
  std::string work = fmt::format(R"(
    %kept = arith.extui {0} : tensor<4x4xi1> to tensor<4x4xi32>
    ag.store %kept, %result[%n : 4, %zero : 4] : tensor<4x4xi32>, memref<?x4xi32, strided<[4, 1]>>
    %three = arith.constant dense<3> : tensor<4x4xi32>
    %grown = arith.muli %acc, %three : tensor<4x4xi32>
    %here = tensor.splat %n : tensor<4x4xi32>
    %picked = arith.select {0}, %here, %three : tensor<4x4xi1>, tensor<4x4xi32>
    %sum = arith.addi %grown, %picked : tensor<4x4xi32>
    scf.yield %sum : tensor<4x4xi32>
)",
                                 keep);
  std::string idle = "\n    scf.yield %acc : tensor<4x4xi32>\n";
  // Now and then a branch that is not idle: no iteration may be left out.
  if (pick(random, 0, 9) == 0)
    idle = "\n    scf.yield %nought : tensor<4x4xi32>\n";
  else if (pick(random, 0, 9) == 0)
    idle = "\n    %other = arith.addi %acc, %acc : tensor<4x4xi32>\n"
           "    ag.store %other, %result[%n : 4, %zero : 4] : tensor<4x4xi32>, "
           "memref<?x4xi32, strided<[4, 1]>>\n"
           "    scf.yield %other : tensor<4x4xi32>\n";
  bool swapped = pick(random, 0, 3) == 0;
  code += fmt::format("  %new = scf.if {} -> (tensor<4x4xi32>) {{{}  }} else "
                      "{{{}  }}\n  scf.yield %new : tensor<4x4xi32>\n  }}\n",
                      test, swapped ? idle : work, swapped ? work : idle);
}

} // namespace attn_grid::test
