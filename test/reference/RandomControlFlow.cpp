// Random loops and branches. What is made inside stays inside; results are of
// the sort that every way to them has.

#include "test/reference/RandomBuilder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace attn_grid::test {

void RandomBuilder::statements(int count) {
  for (int i = 0; i < count && budget > 0; ++i, --budget) {
    if (depth < 3 && chance(22)) {
      switch (upTo(5)) {
      case 0:
        branch();
        break;
      case 1:
        whileLoop();
        break;
      default:
        loop();
      }
      continue;
    }
    if (!counters.empty() && chance(8))
      maskedStep();
    else
      operation();
  }
}

/// Values to carry round a loop or out of a branch: some of one type, so that
/// they can change places.
std::vector<RandomValue> RandomBuilder::carried() {
  std::vector<RandomValue> values;
  Extents extents = shape();
  std::string element = floatType();
  int count = static_cast<int>(pick(random, 1, 3));
  for (int i = 0; i < count; ++i) {
    if (chance(20))
      extents = shape();
    if (chance(20))
      element = chance(50) ? "i32" : floatType();
    bool scalar = chance(15);
    values.push_back(get(element, scalar ? Extents() : extents));
  }
  return values;
}

/// What is in scope for each of `targets`, its sort too.
std::vector<std::string>
RandomBuilder::yields(const std::vector<RandomValue> &targets) {
  std::vector<std::string> names;
  for (const RandomValue &target : targets)
    names.push_back(get(target.element, target.shape, target.sort).name);
  return names;
}

static std::string typesOf(const std::vector<RandomValue> &values) {
  std::vector<std::string> types;
  for (const RandomValue &value : values)
    types.push_back(value.type());
  return fmt::format("{}", fmt::join(types, ", "));
}

/// Names for results, as `%r:2` defines and `%r#0` uses them.
static std::vector<RandomValue> resultsOf(const std::string &name,
                                          std::vector<RandomValue> values) {
  for (size_t i = 0; i < values.size(); ++i)
    values[i].name = fmt::format("{}#{}", name, i);
  return values;
}

void RandomBuilder::loop() {
  std::vector<RandomValue> init = carried();
  std::string name = fresh(), counter = fresh();
  std::vector<std::string> bindings;
  std::vector<RandomValue> inside = init;
  for (size_t i = 0; i < init.size(); ++i) {
    inside[i].name = fresh();
    bindings.push_back(inside[i].name + " = " + init[i].name);
  }
  std::string upper = pickOf<std::string>(random, {"%c2", "%c3", "%j"});
  line(fmt::format("{}:{} = scf.for {} = %c0 to {} step {} iter_args({}) -> "
                   "({}) : i32 {{",
                   name, init.size(), counter, upper,
                   pickOf<std::string>(random, {"%c1", "%c1", "%c2"}),
                   fmt::join(bindings, ", "), typesOf(init)));
  std::vector<RandomValue> outside = scope;
  scope.insert(scope.end(), inside.begin(), inside.end());
  scope.push_back({counter, "i32", {}, Sort::grid});
  counters.push_back(counter);
  ++depth;
  indent += "  ";
  statements(static_cast<int>(pick(random, 0, 6)));
  line(fmt::format("scf.yield {} : {}", fmt::join(yields(init), ", "),
                   typesOf(init)));
  indent.resize(indent.size() - 2);
  --depth;
  counters.pop_back();
  line("}");
  scope = outside;
  for (const RandomValue &result : resultsOf(name, init))
    scope.push_back(result);
}

void RandomBuilder::branch() {
  RandomValue condition = get("i1", {});
  std::vector<RandomValue> results = carried();
  std::string name = fresh();
  line(fmt::format("{}:{} = scf.if {} -> ({}) {{", name, results.size(),
                   condition.name, typesOf(results)));
  std::vector<RandomValue> outside = scope;
  for (bool taken : {true, false}) {
    ++depth;
    indent += "  ";
    statements(static_cast<int>(pick(random, 0, 4)));
    line(fmt::format("scf.yield {} : {}", fmt::join(yields(results), ", "),
                     typesOf(results)));
    indent.resize(indent.size() - 2);
    --depth;
    line(taken ? "} else {" : "}");
    scope = outside;
  }
  for (const RandomValue &result : resultsOf(name, results))
    scope.push_back(result);
}

/// Counts to at most 3, and may stop before.
void RandomBuilder::whileLoop() {
  std::vector<RandomValue> init = carried();
  RandomValue zero{"%c0", "i32", {}, Sort::grid};
  init.push_back(zero);
  std::string name = fresh(), types = typesOf(init);
  auto rename = [&] {
    std::vector<RandomValue> values = init;
    for (RandomValue &value : values)
      value.name = fresh();
    return values;
  };
  std::vector<RandomValue> before = rename(), after = rename();
  std::vector<std::string> bindings, arguments;
  for (size_t i = 0; i < init.size(); ++i) {
    bindings.push_back(before[i].name + " = " + init[i].name);
    arguments.push_back(after[i].name + ": " + after[i].type());
  }
  line(fmt::format("{}:{} = scf.while ({}) : ({}) -> ({}) {{", name,
                   init.size(), fmt::join(bindings, ", "), types, types));
  std::vector<RandomValue> outside = scope;
  std::vector<RandomValue> tiles(init.begin(), init.end() - 1);
  ++depth;
  indent += "  ";
  // The condition's region computes too.
  scope.insert(scope.end(), before.begin(), before.end());
  statements(static_cast<int>(pick(random, 0, 3)));
  std::vector<std::string> passed = yields(tiles);
  passed.push_back(before.back().name);
  std::string more = fresh();
  line(fmt::format("{} = arith.cmpi slt, {}, %c3 : i32", more,
                   before.back().name));
  if (chance(40)) {
    std::string both = fresh();
    line(fmt::format("{} = arith.andi {}, {} : i1", both, more,
                     get("i1", {}).name));
    more = both;
  }
  line(fmt::format("scf.condition({}) {} : {}", more, fmt::join(passed, ", "),
                   types));
  scope = outside;
  indent.resize(indent.size() - 2);
  line("} do {");
  line(fmt::format("^bb0({}):", fmt::join(arguments, ", ")));
  indent += "  ";
  scope.insert(scope.end(), after.begin(), after.end());
  counters.push_back(after.back().name);
  statements(static_cast<int>(pick(random, 0, 5)));
  std::vector<std::string> next = yields(tiles);
  std::string up = fresh();
  line(fmt::format("{} = arith.addi {}, %c1 : i32", up, after.back().name));
  next.push_back(up);
  line(fmt::format("scf.yield {} : {}", fmt::join(next, ", "), types));
  counters.pop_back();
  indent.resize(indent.size() - 2);
  --depth;
  line("}");
  scope = outside;
  for (const RandomValue &result : resultsOf(name, init))
    scope.push_back(result);
}

/// `continue unless any(keep)`, with a mask of positions that the analysis
/// understands: the rest of the loop's body in a branch.
void RandomBuilder::maskedStep() {
  const Extents &extents = shapesInUse[0];
  RandomValue rows = iotaBased(extents), columns = iotaBased(extents);
  RandomValue keep =
      emit("i1", extents, Sort::grid,
           fmt::format("arith.cmpi {}, {}, {} : {}",
                       pickOf<std::string>(random, {"sle", "sgt", "eq", "slt"}),
                       columns.name, rows.name, rows.type()));
  RandomValue any = emit("i1", {}, Sort::grid,
                         fmt::format("ag.reduce any {} axes [0, 1] : {} -> i1",
                                     keep.name, keep.type()));
  RandomValue value = get(real, extents);
  line(fmt::format("%if{} = scf.if {} -> ({}) {{", next, any.name,
                   value.type()));
  std::string name = fmt::format("%if{}", next++);
  std::vector<RandomValue> outside = scope;
  ++depth;
  indent += "  ";
  statements(static_cast<int>(pick(random, 1, 4)));
  RandomValue other = get(real, extents, value.sort);
  RandomValue chosen =
      emit(real, extents, value.sort,
           fmt::format("arith.select {}, {}, {} : {}, {}", keep.name,
                       other.name, value.name, keep.type(), value.type()));
  line(fmt::format("scf.yield {} : {}", chosen.name, value.type()));
  indent.resize(indent.size() - 2);
  --depth;
  line("} else {");
  line(fmt::format("  scf.yield {} : {}", value.name, value.type()));
  line("}");
  scope = outside;
  scope.push_back({name, real, extents, value.sort});
}

} // namespace attn_grid::test
