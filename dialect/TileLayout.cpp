#include "dialect/TileLayout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace attn_grid::ir {

using llvm::ArrayRef;
using llvm::SmallVector;

static unsigned bitsOf(int64_t extent) { return llvm::Log2_64(extent); }

/// How far the bits of `axis` are from the low end of a flat index.
static unsigned shiftOf(ArrayRef<int64_t> shape, unsigned axis) {
  unsigned shift = 0;
  for (int64_t extent : shape.drop_front(axis + 1))
    shift += bitsOf(extent);
  return shift;
}

LinearLayout::LinearLayout(ArrayRef<int64_t> shape, ArrayRef<uint32_t> reg,
                           ArrayRef<uint32_t> lane, ArrayRef<uint32_t> warp)
    : extents(shape), regBases(reg), laneBases(lane), warpBases(warp) {}

int64_t LinearLayout::elements() const {
  int64_t count = 1;
  for (int64_t extent : extents)
    count *= extent;
  return count;
}

static uint32_t combine(ArrayRef<uint32_t> bases, unsigned number) {
  uint32_t flat = 0;
  for (auto [bit, basis] : llvm::enumerate(bases))
    if (number >> bit & 1)
      flat ^= basis;
  return flat;
}

uint32_t LinearLayout::apply(Place place) const {
  return combine(regBases, place.reg) ^ combine(laneBases, place.lane) ^
         combine(warpBases, place.warp);
}

uint32_t LinearLayout::coordinate(uint32_t flat, unsigned axis) const {
  return flat >> shiftOf(extents, axis) & (extents[axis] - 1);
}

uint32_t LinearLayout::flat(uint32_t coordinate, unsigned axis) const {
  return coordinate << shiftOf(extents, axis);
}

namespace {
/// Gaussian elimination: vectors reduced so that each has a leading bit that no
/// other has, and which of the given vectors each is the sum of.
class Span {
public:
  /// Adds a vector, number `id`; false if it was in the span already.
  bool add(uint32_t vector, unsigned id) {
    uint64_t from = uint64_t(1) << id;
    reduce(vector, from);
    if (!vector)
      return false;
    rows.push_back({vector, from});
    return true;
  }
  /// The vectors that sum to `vector`, as bits, if it is in the span.
  std::optional<uint64_t> solve(uint32_t vector) const {
    uint64_t from = 0;
    reduce(vector, from);
    if (vector)
      return std::nullopt;
    return from;
  }

private:
  void reduce(uint32_t &vector, uint64_t &from) const {
    for (const auto &[row, sum] : rows)
      if (vector >> llvm::Log2_32(row) & 1) {
        vector ^= row;
        from ^= sum;
      }
  }
  SmallVector<std::pair<uint32_t, uint64_t>> rows;
};
} // namespace

LinearLayout::FreeBits LinearLayout::freeBits() const {
  Span span;
  unsigned id = 0;
  auto free = [&](ArrayRef<uint32_t> bases) {
    uint32_t bits = 0;
    for (auto [bit, basis] : llvm::enumerate(bases))
      if (!span.add(basis, id++))
        bits |= 1u << bit;
    return bits;
  };
  FreeBits result;
  result.reg = free(regBases);
  result.lane = free(laneBases);
  result.warp = free(warpBases);
  return result;
}

bool LinearLayout::coversTile() const {
  FreeBits free = freeBits();
  size_t independent = regBases.size() + laneBases.size() + warpBases.size() -
                       llvm::popcount(free.reg) - llvm::popcount(free.lane) -
                       llvm::popcount(free.warp);
  return independent == bitsOf(elements());
}

SmallVector<LinearLayout::Place> LinearLayout::invert() const {
  Span span;
  unsigned id = 0;
  for (ArrayRef<uint32_t> bases : {reg(), lane(), warp()})
    for (uint32_t basis : bases)
      span.add(basis, id++);
  SmallVector<Place> places;
  for (unsigned bit = 0; bit < bitsOf(elements()); ++bit) {
    uint64_t from = span.solve(1u << bit).value_or(0);
    auto cut = [&](size_t count) {
      unsigned part = from & ((uint64_t(1) << count) - 1);
      from >>= count;
      return part;
    };
    Place place;
    place.reg = cut(regBases.size());
    place.lane = cut(laneBases.size());
    place.warp = cut(warpBases.size());
    places.push_back(place);
  }
  return places;
}

std::optional<SmallVector<unsigned>>
LinearLayout::divide(const LinearLayout &wanted) const {
  if (extents != wanted.extents || laneBases != wanted.laneBases ||
      warpBases != wanted.warpBases)
    return std::nullopt;
  Span span;
  for (auto [id, basis] : llvm::enumerate(regBases))
    span.add(basis, id);
  SmallVector<unsigned> bits;
  for (uint32_t basis : wanted.regBases) {
    std::optional<uint64_t> from = span.solve(basis);
    if (!from)
      return std::nullopt;
    bits.push_back(*from);
  }
  SmallVector<unsigned> registers;
  for (unsigned reg = 0; reg < wanted.registers(); ++reg) {
    unsigned here = 0;
    for (auto [bit, from] : llvm::enumerate(bits))
      if (reg >> bit & 1)
        here ^= from;
    registers.push_back(here);
  }
  return registers;
}

LinearLayout LinearLayout::compose(ArrayRef<uint32_t> map,
                                   ArrayRef<int64_t> shape) const {
  auto image = [&](const Bases &bases) {
    Bases result;
    for (uint32_t basis : bases)
      result.push_back(combine(map, basis));
    return result;
  };
  return LinearLayout(shape, image(regBases), image(laneBases),
                      image(warpBases));
}

LinearLayout LinearLayout::transpose(ArrayRef<int64_t> permutation) const {
  SmallVector<int64_t> shape;
  for (int64_t axis : permutation)
    shape.push_back(extents[axis]);
  SmallVector<uint32_t> map(bitsOf(elements()));
  for (auto [to, from] : llvm::enumerate(permutation))
    for (unsigned bit = 0; bit < bitsOf(extents[from]); ++bit)
      map[shiftOf(extents, from) + bit] = 1u << (shiftOf(shape, to) + bit);
  return compose(map, shape);
}

LinearLayout LinearLayout::reshape(ArrayRef<int64_t> shape) const {
  return LinearLayout(shape, regBases, laneBases, warpBases);
}

LinearLayout LinearLayout::project(ArrayRef<int64_t> axes,
                                   ArrayRef<int64_t> shape) const {
  SmallVector<uint32_t> map(bitsOf(elements()), 0);
  for (auto [to, from] : llvm::enumerate(axes))
    for (unsigned bit = 0; bit < bitsOf(shape[to]); ++bit)
      map[shiftOf(extents, from) + bit] = 1u << (shiftOf(shape, to) + bit);
  return compose(map, shape);
}

LinearLayout LinearLayout::withoutCopies() const {
  Bases bases(regBases);
  llvm::erase(bases, 0u);
  return LinearLayout(extents, bases, laneBases, warpBases);
}

unsigned LinearLayout::withoutCopies(unsigned number) const {
  unsigned result = 0, next = 0;
  for (auto [bit, basis] : llvm::enumerate(regBases))
    if (basis)
      result |= (number >> bit & 1) << next++;
  return result;
}

std::string LinearLayout::str() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleaveComma(extents, os);
  os << "]:";
  auto list = [&](const char *name, ArrayRef<uint32_t> bases) {
    os << ' ' << name;
    for (uint32_t basis : bases)
      os << ' ' << basis;
  };
  list("registers", regBases);
  list("| lanes", laneBases);
  list("| warps", warpBases);
  return text;
}

//===----------------------------------------------------------------------===//
// Anchors
//===----------------------------------------------------------------------===//

LayoutBuilder::LayoutBuilder(ArrayRef<int64_t> shape, unsigned warpBits)
    : shape(shape), taken(shape.size(), 0), warpBits(warpBits) {}

unsigned LayoutBuilder::left(unsigned axis) const {
  return bitsOf(shape[axis]) - taken[axis];
}

uint32_t LayoutBuilder::take(unsigned axis) {
  if (!left(axis))
    return 0;
  return 1u << (shiftOf(shape, axis) + taken[axis]++);
}

LinearLayout LayoutBuilder::finish() {
  while (!lanesFull())
    lane.push_back(0);
  while (!warpsFull())
    warp.push_back(0);
  for (unsigned axis = shape.size(); axis-- > 0;)
    while (left(axis))
      reg.push_back(take(axis));
  llvm::erase(reg, 0u);
  return LinearLayout(shape, reg, lane, warp);
}

LinearLayout blockedLayout(ArrayRef<int64_t> shape, unsigned axis,
                           unsigned vector, unsigned warpBits,
                           bool axisInWarp) {
  LayoutBuilder builder(shape, warpBits);
  for (unsigned bit = 0; bit < bitsOf(vector) && builder.left(axis); ++bit)
    builder.reg.push_back(builder.take(axis));
  SmallVector<unsigned> order{axis};
  for (unsigned other = shape.size(); other-- > 0;)
    if (other != axis)
      order.push_back(other);
  for (unsigned along : order)
    while (builder.left(along) && !builder.lanesFull())
      builder.lane.push_back(builder.take(along));
  if (axisInWarp)
    std::rotate(order.begin(), order.begin() + 1, order.end());
  for (unsigned along : order)
    while (builder.left(along) && !builder.warpsFull())
      builder.warp.push_back(builder.take(along));
  return builder.finish();
}

LinearLayout mmaLayout(ArrayRef<int64_t> shape, unsigned warpBits,
                       bool alongColumns, unsigned rowBits) {
  LayoutBuilder builder(shape, warpBits);
  unsigned rows = shape.size() - 2, columns = shape.size() - 1;
  builder.reg.push_back(builder.take(columns));
  builder.lane.push_back(builder.take(columns));
  builder.lane.push_back(builder.take(columns));
  for (int bit = 0; bit < 3; ++bit)
    builder.lane.push_back(builder.take(rows));
  builder.reg.push_back(builder.take(rows));
  while (builder.left(rows) && !builder.warpsFull() &&
         builder.warp.size() < rowBits)
    builder.warp.push_back(builder.take(rows));
  uint32_t half = builder.take(columns);
  if (half)
    builder.reg.push_back(half);
  // From the top, so that a warp's columns stay together.
  LinearLayout::Bases columnBits;
  while (builder.left(columns))
    columnBits.push_back(builder.take(columns));
  while (alongColumns && !columnBits.empty() && !builder.warpsFull())
    builder.warp.push_back(columnBits.pop_back_val());
  builder.reg.append(columnBits.begin(), columnBits.end());
  return builder.finish();
}

LinearLayout axisLayout(ArrayRef<int64_t> shape, unsigned axis,
                        unsigned warpBits) {
  LayoutBuilder builder(shape, warpBits);
  unsigned bits = bitsOf(shape[axis]), others = 0;
  for (auto [a, extent] : llvm::enumerate(shape))
    if (a != axis)
      others += bitsOf(extent);
  unsigned lanes = std::min(bits, 5u);
  unsigned laneRest = 5 - lanes;
  unsigned warps = std::min(
      bits - lanes,
      warpBits - std::min(warpBits, others > laneRest ? others - laneRest : 0));
  for (unsigned bit = lanes + warps; bit < bits; ++bit)
    builder.reg.push_back(builder.take(axis));
  for (unsigned bit = 0; bit < lanes; ++bit)
    builder.lane.push_back(builder.take(axis));
  for (unsigned bit = 0; bit < warps; ++bit)
    builder.warp.push_back(builder.take(axis));
  for (unsigned other = shape.size(); other-- > 0;) {
    while (builder.left(other) && !builder.lanesFull())
      builder.lane.push_back(builder.take(other));
    while (builder.left(other) && !builder.warpsFull())
      builder.warp.push_back(builder.take(other));
  }
  return builder.finish();
}

} // namespace attn_grid::ir
