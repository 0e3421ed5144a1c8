#ifndef AG_COMPILER_CONVERSION_GPU_THREADEMITTER_H
#define AG_COMPILER_CONVERSION_GPU_THREADEMITTER_H
/// Walks a tile program once and emits what one thread of a GPU does for it.
/// README.md is the design; one .cpp per group of operations.

#include "compiler/Conversion/Gpu/LayoutAssignment.h"
#include "compiler/Conversion/Gpu/LowerToThreads.h"
#include "compiler/Conversion/Gpu/SharedMemory.h"
#include "compiler/Conversion/Gpu/TensorBox.h"
#include "dialect/AgOps.h"
#include "dialect/TileLayout.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace attn_grid::compiler::gpu {

/// A tile as a thread holds it: one scalar per register of its layout.
struct ThreadTile {
  LinearLayout layout;
  llvm::SmallVector<mlir::Value> regs;
};

/// A tensor as it lies in memory.
struct TensorInfo {
  mlir::Value pointer; // to element 0, in global memory
  mlir::Type element;
  llvm::SmallVector<mlir::OpFoldResult> sizes, strides; // index or i64 constant
  int argument = -1; // of the kernel, whose memory it is
};

/// Where the elements of an access lie, register by register.
struct Access {
  llvm::SmallVector<mlir::Value> pointers;
  llvm::SmallVector<mlir::Value> masks; // null: always
  unsigned vector = 1; // so many registers in a row lie side by side
  bool invariant = false;
};

/// Where a thread's registers lie along an axis of a tile.
struct Coordinates {
  llvm::SmallVector<mlir::Value> sums; // one of each register
  mlir::Value thread;                  // the part of lane and warp
  llvm::SmallVector<uint32_t> regs;    // the part of each register
  bool separate; // a sum of the two parts: they have no bit in common
};

/// A tile in shared memory, row-major, swizzled.
struct SharedTile {
  mlir::Type element;
  llvm::SmallVector<int64_t> shape;
  SharedBlock block;
  mlir::Value offset; // i32, added to the block's begin; null: 0
};

struct Ring; // LoadAhead.h

/// A load whose elements go straight to shared memory, while the program goes
/// on.
struct AsyncTile {
  SharedTile tile;
  /// Operations of the load's block: the first and last in which it is read.
  mlir::Operation *first = nullptr, *last = nullptr;
  unsigned group = 0;    // its number among the groups of copies
  bool arrived = false;  // waited for
  Ring *turns = nullptr; // copied again, by it, as soon as it has been read
};

/// The layout of `layout`'s tile for each of the warps that `warpBits` names,
/// stacked along a new first axis: in each warp its own part, or all parts in
/// registers.
LinearLayout stackWarps(const LinearLayout &layout, uint32_t warpBits,
                        bool inRegisters);

/// The rows of a warpgroup's products.
inline constexpr int64_t groupRows = 64;

/// Finds a thread's registers by the row and column that they add to those of
/// the thread.
class RegisterFinder {
public:
  explicit RegisterFinder(const LinearLayout &layout);
  unsigned at(uint32_t row, uint32_t column) const;

private:
  const LinearLayout &layout;
  llvm::DenseMap<uint32_t, unsigned> number;
};

/// All sums of the registers' bases along `axis` that are multiples of `step`.
llvm::SmallVector<uint32_t> steps(const LinearLayout &layout, unsigned axis,
                                  uint32_t step);

/// One step of a reduction of `kind`, other than `argmin` and `argmax`.
mlir::Value combineValues(mlir::ImplicitLocOpBuilder &b, ReduceKind kind,
                          mlir::Value x, mlir::Value y);

/// The tile of which `tile` is transposes, an even number or (then
/// `*isOdd` changes) an odd one.
mlir::Value untransposed(mlir::Value tile, bool *isOdd = nullptr);

class ThreadEmitter {
public:
  ThreadEmitter(mlir::ImplicitLocOpBuilder &builder, KernelOp kernel,
                const GpuTarget &target);

  /// Emits the body at the builder's place. `arguments` are the kernel's,
  /// `sharedMemory` points to the program's, `tensorMaps` to the maps of
  /// `tensorBoxes`.
  llvm::LogicalResult emit(mlir::ValueRange arguments, mlir::Value sharedMemory,
                           mlir::Value tensorMaps);

  /// What a launch must give, known after `emit`.
  int64_t sharedBytes() const { return shared.highWater(); }
  /// The tensors that the host must describe, in this order.
  llvm::ArrayRef<TensorBox> tensorBoxes() const { return maps; }
  /// Whether `emit` failed, without a message, because loops load ahead more
  /// than shared memory has room for.
  bool needsFewerStages() const { return tooManyStages; }

private:
  using Value = mlir::Value;
  using Type = mlir::Type;
  using Operation = mlir::Operation;
  using Place = LinearLayout::Place;

  void fail(Operation *op, const llvm::Twine &message);

  // ControlFlow.cpp
  void emitBlock(mlir::Block &block);
  void emitOp(Operation *op);
  void emitProgramId(ProgramIdOp op, Value number);
  void emitWhile(mlir::scf::WhileOp op);
  void emitIf(mlir::scf::IfOp op);
  /// The scalars that stand for `values` across a block's border.
  llvm::SmallVector<Value> flatten(mlir::ValueRange values,
                                   mlir::ValueRange like);
  llvm::SmallVector<Type> flatTypes(mlir::ValueRange values);
  /// Binds `values` to scalars that `flatten` laid out.
  void bind(mlir::ValueRange values, mlir::ValueRange flat);

  // Loops.cpp
  void emitFor(mlir::scf::ForOp op);
  llvm::SmallVector<Value> emitLoop(mlir::scf::ForOp op);
  void prepareFactors(mlir::scf::ForOp loop);
  /// Whether the first factor of a dot, which is the same in all iterations of
  /// a loop, lies in shared memory meanwhile.
  bool isHeldInShared(DotOp op);
  /// A loop's counter (i32 or i64) in the type of its variable.
  Value inductionAs(Type type, Value counter);

  // Values.cpp
  Value scalar(Value value);
  /// The layout that a value is computed in.
  LinearLayout homeOf(Value value);
  /// `value` in its own layout.
  const ThreadTile &get(Value value) { return get(value, homeOf(value)); }
  /// `value` in a layout of the reader's choice.
  const ThreadTile &get(Value value, const LinearLayout &layout);
  const ThreadTile &remember(Value value, ThreadTile tile);
  ThreadTile evaluate(Value value, const LinearLayout &layout);
  ThreadTile renamed(const ThreadTile &tile, llvm::ArrayRef<unsigned> from,
                     const LinearLayout &layout);
  Coordinates coordinates(const LinearLayout &layout, unsigned axis);
  /// What lane and warp add to the flat index.
  Value threadOffset(const LinearLayout &layout);
  Value i32(int64_t value);
  Value i64(int64_t value);
  Value isTrue();
  /// Begins anew with what is made of the thread's number.
  void splitThread(Value thread);
  Value readAgain(llvm::StringRef number);
  void emitScalarsAgain(mlir::scf::ForOp behind);
  Value laneId();
  Value warpId();
  /// Whether this thread is the one of those with copies that acts; null: all
  /// are.
  Value isOwner(const LinearLayout &layout);
  Value zeroOf(Type type);

  // Elementwise.cpp
  Value elementwise(Operation *op, llvm::ArrayRef<Value> operands);

  // Access.cpp
  const TensorInfo &tensor(Value memref);
  Value indexOf(mlir::OpFoldResult value);
  Value toI64(Value value);
  /// `apart`: each register has an address of its own.
  template <typename Op>
  Access access(Op op, const LinearLayout &layout, bool apart = false);
  template <typename Op>
  Access indexedAccess(Op op, const LinearLayout &layout);
  ThreadTile read(Operation *op, const Access &access, Type element,
                  Value other, const LinearLayout &layout);
  void write(const Access &access, const ThreadTile &value, Type element);
  ThreadTile emitLoad(LoadOp op, const LinearLayout &layout);
  ThreadTile emitGather(GatherOp op, const LinearLayout &layout);
  void emitStore(StoreOp op);
  void emitScatter(ScatterOp op);
  void emitAtomic(AtomicOp op);
  /// Orders accesses to tensors that the kernel both reads and writes.
  void touchGlobal(const TensorInfo &info, bool isWrite);

  /// Whether offsets in the tensor fit in 32 bits, and more: `regularAttr`.
  bool isRegular(const TensorInfo &info) {
    return info.argument >= 0 && kernel.isRegular(info.argument);
  }
  void shift(llvm::MutableArrayRef<Value> at, Value start);

  // AsyncLoads.cpp
  /// Whether a load goes straight to shared memory, where its readers take it.
  bool isAsync(LoadOp op);
  void emitAsyncLoad(LoadOp op);
  /// The tile of a load, with the first and last operation that reads it.
  AsyncTile asyncTile(LoadOp op, const SharedTile &tile);
  void copyToShared(LoadOp op, const SharedTile &tile);
  llvm::SmallVector<Value> bytesLeft(LoadOp op, const LinearLayout &layout);
  LinearLayout copyLayout(LoadOp op);
  void commitCopies();
  /// Until at most `pending` groups of copies are under way.
  void waitForCopies(unsigned pending);
  /// Waits for, and gives back, what `op` is the first, or last, to read.
  void beforeUses(Operation *op);
  void afterUses(Operation *op);
  const SharedTile *sharedTileOf(Value load);

  // LoadAhead.cpp: a loop's ring of buffers, at `offset` (i32) the present one.
  Ring planRing(mlir::scf::ForOp loop);
  void copyAhead(Ring &ring, Value induction, Value upper, Value offset,
                 Value load = nullptr);
  Value startRing(Ring &ring, Value lower, Value upper, Value step);
  void advanceRing(Ring &ring, Value induction, Value upper, Value step,
                   Value offset, Value parity);
  Value offsetBefore(Ring &ring, Value offset);
  Value offsetAfter(Ring &ring, Value offset);
  void endRing(Ring &ring);
  /// Copies to the tile of `load` what the next iteration reads.
  void copyInTurn(Ring &ring, Value load);

  // TensorCopies.cpp: rings whose tiles the GPU copies as boxes.
  void planBoxes(Ring &ring);
  void startBarriers(Ring &ring);
  /// Copies all tiles to the stage at `offset`, or the one of `load`.
  void copyBoxes(Ring &ring, Value offset, Value load = nullptr);
  void waitForBoxes(Ring &ring, Value offset, Value parity,
                    Value load = nullptr);
  void endBarriers(Ring &ring);
  Value barrierAt(Ring &ring, Value offset, Value load = nullptr);
  Value coordinateOf(mlir::OpFoldResult value);
  Value parityAfter(Value offset, Value parity);
  /// Emits code for one thread of the program, if `condition` (null: always),
  /// which is the same for all of them.
  void byOneThread(Value condition, llvm::function_ref<void()> emit);

  // Shared.cpp
  void barrier();
  void noteBarrier();
  /// Any iteration of `loop` may have come before, without a barrier.
  void noteUnknown(Operation *loop);
  /// What was touched since the last barrier.
  struct Touched {
    SharedMemory shared;
    llvm::DenseMap<int, unsigned> global;
  };
  Touched touched() const { return {shared, globalTouched}; }
  void restoreTouched(const Touched &earlier);
  void joinTouched(const Touched &other);
  void beforeSharedWrite(const SharedBlock &block);
  void beforeSharedRead(const SharedBlock &block);
  SharedBlock allocateShared(Operation *op, int64_t bytes);
  /// Where the elements of a layout's registers lie; `flip` is XORed to their
  /// flat indices.
  llvm::SmallVector<Value> sharedPointers(const SharedTile &tile,
                                          const LinearLayout &layout,
                                          uint32_t flip);
  SharedTile makeShared(Operation *op, const ThreadTile &value);
  void storeShared(const SharedTile &to, const ThreadTile &value);
  ThreadTile loadShared(const SharedTile &from, const LinearLayout &layout,
                        uint32_t flip = 0);
  ThreadTile convert(Operation *op, const ThreadTile &tile,
                     const LinearLayout &layout);

  // Exchange.cpp
  Value shuffleXor(Value value, unsigned laneMask);
  Value shuffleIndex(Value value, Value from);
  /// For each register the element whose flat index differs in one bit.
  ThreadTile exchange(Operation *op, const ThreadTile &tile, uint32_t flatBit);
  /// Whether a register's flat index has a bit set.
  Value placeHasBit(const LinearLayout &layout, unsigned reg, uint32_t flatBit);

  // Pick.cpp
  /// What each row of a reduction's input has in the only column that counts,
  /// in the layout of the result; nothing if there are others.
  std::optional<ThreadTile> pickColumn(ReduceOp op);

  // Reduce.cpp
  Value blockTest(ReduceKind kind, Value condition);
  void emitReduce(ReduceOp op);
  using Combine = llvm::function_ref<llvm::SmallVector<Value>(
      llvm::ArrayRef<Value>, llvm::ArrayRef<Value>)>;
  /// What a fold along axes of a layout does.
  struct Reduction {
    Reduction(const LinearLayout &input, llvm::ArrayRef<int64_t> axes);
    LinearLayout full, home;       // of the result, with and without copies
    uint32_t lanes = 0, warps = 0; // bits that differ in what is folded
  };
  /// The first half, in a thread's registers, and the second, over threads.
  llvm::SmallVector<ThreadTile, 2>
  foldRegisters(const Reduction &reduction, llvm::ArrayRef<ThreadTile> tiles,
                Combine combine);
  void foldThreads(Operation *op, const Reduction &reduction,
                   llvm::MutableArrayRef<ThreadTile> tiles, Combine combine);
  /// A sum that a loop carries in parts, from its flat value number `first` on.
  struct RunningSum {
    Reduction reduction;
    unsigned first;
    LinearLayout layout;
  };
  std::vector<RunningSum> startSums(mlir::scf::ForOp loop,
                                    llvm::MutableArrayRef<Value> flat);
  void finishSums(mlir::scf::ForOp loop, llvm::ArrayRef<RunningSum> sums,
                  llvm::MutableArrayRef<Value> flat);
  ReduceOp runningSum(mlir::scf::ForOp loop, unsigned i);
  llvm::SmallVector<Value> addFloats(llvm::ArrayRef<Value> x,
                                     llvm::ArrayRef<Value> y);
  void takePart(const Reduction &reduction,
                llvm::MutableArrayRef<Value> values);
  /// Folds the registers, lanes and warps along `axes`; the tiles hold parts of
  /// one value, as `combine` wants them.
  llvm::SmallVector<ThreadTile, 2> reduceTiles(Operation *op,
                                               llvm::ArrayRef<ThreadTile> tiles,
                                               llvm::ArrayRef<int64_t> axes,
                                               Combine combine);
  void setResult(Value result, ThreadTile tile);
  /// `value` in the type that sums of it have.
  Value accumulated(Value value, Type type);

  // Scan.cpp
  void emitScan(Operation *op, Value input, unsigned axis);
  Value combineElements(Operation *op, Value before, Value after);

  // Sort.cpp
  void emitSort(SortOp op);

  // MaskedDot.cpp: products that a mask leaves out.
  ThreadTile maskedDot(DotOp op);
  ThreadTile keptFactor(DotOp op);
  Value anyNan(llvm::ArrayRef<Value> values);
  bool hasMaskedDots(Operation *op);
  llvm::SmallVector<mlir::scf::ForOp> loopsToRunAgain(mlir::scf::ForOp first);
  llvm::SmallVector<Value> emitWatchedLoop(mlir::scf::ForOp loop);

  // Dot.cpp, MatrixDot.cpp
  void emitDot(DotOp op);
  ThreadTile scalarDot(DotOp op);
  ThreadTile matrixDot(DotOp op);
  ThreadTile integerDot(DotOp op);
  SharedTile makeFlatShared(Operation *op, const ThreadTile &value);
  /// The layout of the matrix unit's first factor.
  LinearLayout firstFactorLayout(DotOp op);
  /// By row and column of a block of 16 x 16, the first factor's registers.
  using FirstFactor =
      llvm::function_ref<llvm::SmallVector<Value>(uint32_t, uint32_t)>;
  /// acc + lhs * rhs; `rhs` is stored transposed if `transposed`.
  ThreadTile matrixProduct(const ThreadTile &lhs, const ThreadTile &acc,
                           const SharedTile &rhs, bool transposed);
  ThreadTile matrixProduct(FirstFactor lhs, unsigned inner,
                           const ThreadTile &acc, const SharedTile &rhs,
                           bool transposed);
  ThreadTile productOfShared(const SharedTile &lhs, const ThreadTile &acc,
                             const SharedTile &rhs, bool transposed);

  // TensorFloatDot.cpp
  ThreadTile tensorFloatDot(DotOp op);

  // WarpgroupDot.cpp
  /// `inner`: the extent that is contracted.
  bool isWarpgroupProduct(const LinearLayout &layout, int64_t inner,
                          bool transposed);
  /// The same as `matrixProduct`, by warpgroups; one of `lhs` and `stored` is
  /// the first factor.
  ThreadTile warpgroupProduct(const ThreadTile *lhs, const SharedTile *stored,
                              const ThreadTile &acc, const SharedTile &rhs,
                              bool transposed);
  Value descriptor(const SharedTile &tile, bool transposed);
  void beforeProductRead(const SharedBlock &block);
  /// What threads wrote before the last barrier is seen by those that read by
  /// another way: products of warpgroups, and copies of boxes.
  void fence();

  mlir::ImplicitLocOpBuilder &b;
  KernelOp kernel;
  GpuTarget target;
  LayoutAssignment layouts;
  SharedMemory shared;
  bool failed = false, tooManyStages = false;

  /// Numbers that the block has which is being emitted.
  struct Numbers {
    Value lane, warp;
    llvm::SmallVector<std::pair<LinearLayout, Value>> threadOffsets;
    llvm::DenseMap<Value, Value> scalars; // by the program's value
    llvm::DenseMap<Value, TensorInfo> tensors;
  };
  Numbers numbers;
  /// Tiles that are computed, by value, innermost block last.
  using Memo =
      llvm::DenseMap<Value, llvm::SmallVector<std::unique_ptr<ThreadTile>, 1>>;
  llvm::SmallVector<Memo> memo;
  /// Forgets at its end what was computed, or read again, in a block that does
  /// not dominate what follows.
  struct MemoScope {
    explicit MemoScope(ThreadEmitter &emitter)
        : emitter(emitter), outside(emitter.numbers) {
      emitter.memo.emplace_back();
    }
    ~MemoScope() {
      emitter.memo.pop_back();
      emitter.numbers = std::move(outside);
    }
    ThreadEmitter &emitter;
    Numbers outside;
  };
  Value sharedBase;
  /// By the result of the load.
  llvm::MapVector<Value, AsyncTile> asyncTiles;
  /// First factors that products of loops read there, as long as the program
  /// runs.
  llvm::DenseMap<Value, SharedTile> heldFactors;
  unsigned copyGroups = 0; // committed so far, at least
  llvm::SmallVector<TensorBox, 2> maps;
  Value mapsPointer;
  llvm::SmallPtrSet<Operation *, 4> deferredSums;
  /// NaN if a second factor of a masked dot was not finite; null: nobody asks.
  Value watched;
  /// Loops that are run again if what they add up has a NaN at their end, and
  /// the one of them that is being emitted.
  llvm::SmallVector<mlir::scf::ForOp> loopsAgain;
  mlir::scf::ForOp watchedLoop;
  bool dotsAreSlow = false; // the masked ones
  /// Accesses to tensors since the last barrier, by kernel argument.
  llvm::DenseMap<int, unsigned> globalTouched;
  friend struct MemoScope;
};

} // namespace attn_grid::compiler::gpu

#endif
