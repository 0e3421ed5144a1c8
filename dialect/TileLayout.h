#ifndef AG_DIALECT_TILELAYOUT_H
#define AG_DIALECT_TILELAYOUT_H
/// How a GPU's threads hold a tile, as a linear map over F2.
///
/// All extents are powers of two. So the place of an element is a string of
/// bits (the bits of its coordinates, row-major: the flat index), and so is the
/// name of a register of a thread: bits of the register's number, of the lane
/// in its warp, and of the warp. A layout gives for each bit of such a name a
/// *basis*, a flat index; the element that a register holds is the XOR of the
/// bases of the bits that are set.
///
///   // 16 x 8, the accumulator of mma.m16n8k16:
///   LinearLayout c({16, 8}, {0_1, 8_0}, {0_2, 0_4, 1_0, 2_0, 4_0}, {});
///   c.apply({.reg = 2, .lane = 5, .warp = 0});  // row 8 + 1, column 2
///
/// A basis of 0 is a *free* bit: registers that differ in it hold copies.
/// Slices, transposes and reshapes of a layout are layouts again; whether two
/// layouts differ by a renaming of registers is linear algebra.
/// ("Linear Layouts: Robust Code Generation of Efficient Tensor Computation
/// Using F2", 2025.)

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>
#include <string>

namespace attn_grid::ir {

class LinearLayout {
public:
  /// Where an element may lie.
  struct Place {
    unsigned reg = 0, lane = 0, warp = 0;
  };
  using Bases = llvm::SmallVector<uint32_t, 8>;

  LinearLayout() = default;
  /// `shape` holds powers of two; bases are flat indices below their product.
  LinearLayout(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<uint32_t> reg,
               llvm::ArrayRef<uint32_t> lane, llvm::ArrayRef<uint32_t> warp);

  llvm::ArrayRef<int64_t> shape() const { return extents; }
  llvm::ArrayRef<uint32_t> reg() const { return regBases; }
  llvm::ArrayRef<uint32_t> lane() const { return laneBases; }
  llvm::ArrayRef<uint32_t> warp() const { return warpBases; }
  /// Registers of each thread.
  unsigned registers() const { return 1u << regBases.size(); }
  int64_t elements() const;
  bool empty() const { return laneBases.empty(); }

  /// The flat index of the element at a place.
  uint32_t apply(Place place) const;
  /// The coordinate along `axis` of a flat index.
  uint32_t coordinate(uint32_t flat, unsigned axis) const;
  /// The flat index of a coordinate along `axis`, the others 0.
  uint32_t flat(uint32_t coordinate, unsigned axis) const;

  /// Bits that are set where changing the bit of a place changes no element
  /// that the bits before it (registers, lanes, warps) do not reach.
  struct FreeBits {
    uint32_t reg = 0, lane = 0, warp = 0;
  };
  FreeBits freeBits() const;
  /// Does some place hold each element?
  bool coversTile() const;

  /// A place for each flat bit, so that the places of a flat index's bits XOR
  /// to one that holds it. Only if `coversTile()`.
  llvm::SmallVector<Place> invert() const;

  /// For each register of `wanted` the register of this layout that holds the
  /// same element in every lane and warp; none if that takes moves between
  /// threads. (The quotient of the two maps, where it touches registers alone.)
  std::optional<llvm::SmallVector<unsigned>>
  divide(const LinearLayout &wanted) const;

  /// The layout of the transposed tile: axis `a` is axis `permutation[a]` here.
  LinearLayout transpose(llvm::ArrayRef<int64_t> permutation) const;
  /// The same elements in row-major order in another shape.
  LinearLayout reshape(llvm::ArrayRef<int64_t> shape) const;
  /// The layout that an operand must have to be broadcast to this one: axis `a`
  /// of it (of extent `shape[a]`, 1 or the full one) is axis `axes[a]` here.
  LinearLayout project(llvm::ArrayRef<int64_t> axes,
                       llvm::ArrayRef<int64_t> shape) const;
  /// The same without register bits whose basis is 0.
  LinearLayout withoutCopies() const;
  /// What `withoutCopies` makes of a register's number.
  unsigned withoutCopies(unsigned reg) const;
  /// Applies another linear map after this one: `map[i]` is the image of flat
  /// bit i, a flat index of `shape`.
  LinearLayout compose(llvm::ArrayRef<uint32_t> map,
                       llvm::ArrayRef<int64_t> shape) const;

  friend bool operator==(const LinearLayout &a, const LinearLayout &b) {
    return a.extents == b.extents && a.regBases == b.regBases &&
           a.laneBases == b.laneBases && a.warpBases == b.warpBases;
  }
  /// `[64, 32]: registers 1 2 | lanes 4 8 16 32 64 | warps 128 256`.
  std::string str() const;

private:
  llvm::SmallVector<int64_t> extents;
  Bases regBases, laneBases, warpBases;
};

/// Hands out the bits of a tile's coordinates, from the low ones up, to build a
/// layout: `take(axis)` is the next basis along an axis, 0 when it has no more.
class LayoutBuilder {
public:
  LayoutBuilder(llvm::ArrayRef<int64_t> shape, unsigned warpBits);
  /// The next bit of `axis`; 0 if there is none.
  uint32_t take(unsigned axis);
  /// How many bits of `axis` are left.
  unsigned left(unsigned axis) const;
  bool lanesFull() const { return lane.size() == 5; }
  bool warpsFull() const { return warp.size() == warpBits; }
  /// Fills lanes and warps with free bits and gives what is left of the tile to
  /// registers, the last axis first.
  LinearLayout finish();

  LinearLayout::Bases reg, lane, warp;

private:
  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<unsigned> taken;
  unsigned warpBits;
};

/// A layout for memory accesses: `vector` elements along `axis` in a thread's
/// registers, then lanes along `axis`, then along the other axes from the last
/// to the first; and warps in the same order, or, if `axisInWarp`, along `axis`
/// last, so that a row stays in one warp.
LinearLayout blockedLayout(llvm::ArrayRef<int64_t> shape, unsigned axis,
                           unsigned vector, unsigned warpBits,
                           bool axisInWarp = false);

/// The accumulator of `mma.m16n8` over an M x N tile (also its first operand,
/// over M x K): warps lie along M, as many as there are blocks of 16 rows, and
/// at most 2^`rowBits`; what is left of them along N if `alongColumns`, else
/// they hold copies.
LinearLayout mmaLayout(llvm::ArrayRef<int64_t> shape, unsigned warpBits,
                       bool alongColumns, unsigned rowBits = 5);

/// A layout in which `axis` runs through registers, then lanes, then warps, in
/// this order: what scans and sorts walk along.
LinearLayout axisLayout(llvm::ArrayRef<int64_t> shape, unsigned axis,
                        unsigned warpBits);

} // namespace attn_grid::ir

#endif
