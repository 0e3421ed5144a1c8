#ifndef AG_COMPILER_CONVERSION_CPU_TILEEMITTER_H
#define AG_COMPILER_CONVERSION_CPU_TILEEMITTER_H
/// Turns the body of one `ag.kernel` into loops over vectors.
///
/// The idea: a tile is either a *buffer* (in the thread's scratch) or an
/// *expression* that is computed where it is read, a vector of lanes at a
/// time. What is computed once and read often, and what passes through a dot, a
/// reduction or a loop, becomes a buffer; all else (masks, scales, iotas,
/// casts, single-use loads) stays an expression, so elementwise code never
/// touches memory in between. Neighbouring roots (a buffer to fill, a
/// reduction, a store) over the same axes share one loop nest.
///
/// A buffer keeps its lane axis (LaneAxis.h) innermost, so that reading a
/// vector of lanes is one load. A point says where an expression is evaluated:
///
///     coordinates (i, j), lane axis 0, 16 lanes  ->  x[i .. i+15, j]
///
/// Files: Elementwise.cpp (values), SmallFloats.cpp, Access.cpp (tensors in
/// memory), Materialize.cpp (what becomes a buffer), Loops.cpp (loop nests),
/// Dot.cpp, PairedDot.cpp and Packing.cpp (of bf16), Reduce.cpp, Scan.cpp,
/// Sort.cpp, Indexed.cpp, Random.cpp, Debug.cpp, ControlFlow.cpp (for, if,
/// while, carried tiles), Transpose.cpp.

#include "compiler/Conversion/Cpu/Demand.h"
#include "compiler/Conversion/Cpu/LaneAxis.h"
#include "compiler/Conversion/Cpu/LowerToVector.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn_grid::compiler::cpu {

/// A float that registers hold widened, as f32.
inline bool isSmallFloat(mlir::Type element) {
  return mlir::isa<mlir::FloatType>(element) &&
         element.getIntOrFloatBitWidth() < 32;
}

/// A tile in scratch memory. Strides are in elements; that of the lane axis
/// is 1. A mask takes a byte per element; 16- and 8-bit floats are widened,
/// except in a factor that is packed for a dot (Packing.cpp).
struct Buffer {
  mlir::Value pointer;
  mlir::Type element; // as stored
  llvm::SmallVector<int64_t, 4> shape;
  llvm::SmallVector<int64_t, 4> strides;
  int64_t laneAxis = 0;
  /// Packed with neighbours along this axis, 2k and 2k + 1, side by side.
  int64_t pairAxis = -1;

  bool isPacked() const { return isSmallFloat(element); }
};

/// How a dot of pairs reads a factor, a tile of bf16: with the contracted axis
/// adjacent, or, if `pairs`, with the other one adjacent and each of its
/// elements a pair of neighbours along the contracted axis.
struct Packing {
  int64_t freeAxis = 0;
  bool pairs = false;

  int64_t contractedAxis() const { return 1 - freeAxis; }
  bool operator==(const Packing &other) const {
    return freeAxis == other.freeAxis && pairs == other.pairs;
  }
};

/// Where an expression is evaluated. One lane: a scalar.
struct Point {
  llvm::SmallVector<mlir::Value, 4> coords; // index values
  int64_t laneAxis = -1;
  int64_t lanes = 1;

  /// The coordinate of `axis` is the first of several lanes.
  bool variesAlong(int64_t axis) const { return lanes > 1 && axis == laneAxis; }
  bool operator==(const Point &other) const {
    return coords == other.coords && laneAxis == other.laneAxis &&
           lanes == other.lanes;
  }
};

/// A tensor of the kernel: a pointer, sizes and strides (in elements).
struct TensorInfo {
  mlir::Value pointer;
  mlir::Type element; // as in memory
  llvm::SmallVector<mlir::OpFoldResult, 4> sizes, strides;
};

/// Where the elements of one point of a load or store lie.
struct Address {
  mlir::Value pointer; // of the only element, or of lane 0
  mlir::Value offsets; // vector of i64, in elements; null: lanes are adjacent
  mlir::Value mask;    // i1 or a vector of i1; null: all are in bounds
  bool uniform = true; // one element for all lanes
};

/// A dot's operand as its inner loop reads it: element (free, k) lies at
/// pointer + free * freeStride + k * kStride. In a dot of pairs k counts pairs.
struct Window {
  mlir::Value pointer;
  mlir::Value freeStride, kStride; // index, in elements
  mlir::Type element;              // as in memory there
};

/// How a dot's result is cut into register tiles of `wide` vectors of `lanes`
/// times `tall` of the other axis.
struct DotTiling {
  int64_t lanes, vectors, others, wide, tall;
};

/// What a loop nest computes: a buffer to fill, a reduction, or a store.
struct Root {
  enum class Kind { materialize, reduce, store };
  Kind kind;
  mlir::Operation *op; // the value's definition, the reduction, the store
  mlir::Value input;   // whose axes the loops run over
};

/// A buffer that a value may be written to in place of one of its own.
struct Destination {
  Buffer buffer;
  mlir::Value carried; // the loop-carried tile that lies there, if any
};

/// `element` in `lanes` lanes; one lane is a scalar.
inline mlir::Type vectorOf(mlir::Type element, int64_t lanes) {
  return lanes == 1 ? element
                    : mlir::Type(mlir::VectorType::get({lanes}, element));
}

inline int64_t lanesOf(mlir::Value value) {
  auto vector = mlir::dyn_cast<mlir::VectorType>(value.getType());
  return vector ? vector.getDimSize(0) : 1;
}

class TileEmitter {
public:
  TileEmitter(mlir::ImplicitLocOpBuilder &builder, ir::KernelOp kernel,
              const VectorTarget &target);

  /// Emits the kernel's body at the builder's place. `arguments` are the
  /// values of the kernel's arguments, `program` the linear program number,
  /// `context` points to the `ag_context`.
  llvm::LogicalResult emit(mlir::ValueRange arguments, mlir::Value program,
                           mlir::Value context);

  /// The scratch buffers, as pointers that the body takes: bytes of each, in
  /// the order of the arguments that `emit` appended to the body's block.
  llvm::ArrayRef<int64_t> scratchSizes() const { return bufferBytes; }

  /// Whether a dot adds several products of bf16 at once.
  bool hasPairedDots() const { return pairedDots; }

  /// The messages of the asserts emitted, in the order of their numbers.
  llvm::ArrayRef<std::string> assertMessages() const { return asserts; }

private:
  // Values (Elementwise.cpp).
  mlir::Type registerType(mlir::Type element) const;
  mlir::Value index(int64_t value);
  mlir::Value addIndex(mlir::Value a, mlir::Value b);
  mlir::Value mulIndex(mlir::Value a, mlir::Value b);
  mlir::Value toIndex(mlir::Value value);
  mlir::Value widen(mlir::Value scalar, int64_t lanes);
  mlir::Value constant(mlir::Type type, mlir::Attribute value);
  mlir::Value scalar(mlir::Value value);
  mlir::Value eval(mlir::Value value, const Point &point);
  mlir::Value evalDefinition(mlir::Value value, const Point &point);
  mlir::Value evalPerLane(mlir::Value value, const Point &point);
  mlir::Value evalIota(const Point &point);
  mlir::Value elementwise(mlir::Operation *op, mlir::ValueRange operands);
  mlir::Value elementwiseInRegisters(mlir::Operation *op,
                                     llvm::ArrayRef<mlir::Value> operands,
                                     mlir::Type element, int64_t lanes);
  // Small floats and bools (SmallFloats.cpp).
  mlir::Value roundTo(mlir::Value value, mlir::Type element);
  mlir::Value fromMemory(mlir::Value value, mlir::Type element);
  mlir::Value toMemory(mlir::Value value, mlir::Type element);
  mlir::Type memoryType(mlir::Type element) const;
  mlir::Value remember(mlir::Value value, const Point &point,
                       mlir::Value result);

  // Tensors in memory (Access.cpp).
  mlir::Value indexOf(mlir::OpFoldResult value);
  const TensorInfo &tensor(mlir::Value memref);
  mlir::Value elementPointer(mlir::Value pointer, mlir::Type element,
                             mlir::Value offset);
  mlir::Value boxOffset(ir::LoadOp load, const TensorInfo &info,
                        llvm::MutableArrayRef<mlir::OpFoldResult> strides);
  template <typename Op> Address address(Op op, const Point &point);
  template <typename Op>
  mlir::Value inBounds(Op op, bool &always,
                       llvm::ArrayRef<int64_t> needed = {});
  mlir::Value readAt(const Address &at, mlir::Type element, int64_t lanes,
                     llvm::function_ref<mlir::Value()> other);
  void writeAt(const Address &at, mlir::Value value, mlir::Type element,
               int64_t lanes);
  mlir::Value evalLoad(ir::LoadOp load, const Point &point);
  void storePoint(ir::StoreOp store, mlir::Value value, const Point &point);
  mlir::Value loadBuffer(const Buffer &buffer, const Point &point);
  void storeBuffer(const Buffer &buffer, mlir::Value value, const Point &point);
  mlir::Value bufferPointer(const Buffer &buffer, const Point &point);
  int64_t unitStrideAxis(mlir::Value tensor, llvm::ArrayRef<int64_t> extents,
                         mlir::OperandRange steps);

  // Pointwise access and atomics (Indexed.cpp).
  template <typename Op> Address indexedAddress(Op op, const Point &point);
  mlir::Value evalGather(ir::GatherOp gather, const Point &point);
  void overTile(mlir::Value like, int64_t lane, int64_t lanes,
                llvm::function_ref<void(const Point &)> visit);
  void emitScatter(ir::ScatterOp scatter);
  void emitAtomic(ir::AtomicOp atomic);
  mlir::Value atomicUpdate(ir::AtomicOp atomic, mlir::Value pointer,
                           mlir::Value value);

  // Scans, sorts and reductions by a function (Scan.cpp, Sort.cpp).
  void emitScan(mlir::Operation *op, mlir::Value input, int64_t axis);
  mlir::Value combineWith(mlir::Operation *op, mlir::Value x, mlir::Value y);
  mlir::Value combine2(ir::ScanKind kind, mlir::Value x, mlir::Value y);
  void emitSort(ir::SortOp sort);

  // Random bits, asserts (Random.cpp, Debug.cpp).
  void emitAssert(ir::AssertOp op);
  void emitPrint(ir::PrintOp op);
  mlir::Value literal(llvm::StringRef text);

  // What becomes a buffer (Materialize.cpp).
  bool shouldMaterialize(mlir::Value value);
  int inlinedCost(mlir::Value value, int limit);
  void materialize(mlir::Value value);
  bool isPlain(ir::LoadOp load);
  bool isDirect(ir::LoadOp load);
  bool readsWritten(mlir::Operation *op);
  Buffer makeBuffer(mlir::Value like, int64_t laneAxis);
  Buffer makeBufferOfType(mlir::RankedTensorType type, int64_t laneAxis,
                          mlir::Type element = {});

  // Loop nests (Loops.cpp).
  void addRoot(Root root);
  bool canJoin(const Root &root);
  std::optional<Buffer> deadOperand(const Root &root,
                                    llvm::ArrayRef<Root> roots);
  bool isLoopCarried(const Buffer &buffer);
  bool touchesWritten(const Root &root);
  bool dependsOnGroup(mlir::Value value, bool identity);
  void flush();
  llvm::SmallVector<mlir::Value> emitGroup();
  void emitBody(const llvm::SmallVector<mlir::Value> &coords, int64_t lanes,
                int64_t unroll, int64_t pairAxis,
                llvm::SmallVectorImpl<mlir::Value> &partial);
  int64_t lanesFor(mlir::Value tile, int64_t laneAxis);
  mlir::Value identity(ir::ReduceOp op, int64_t lanes);
  mlir::Value combine(ir::ReduceKind kind, mlir::Value a, mlir::Value b);
  mlir::Value horizontal(ir::ReduceKind kind, mlir::Value vector);
  void takeBest(ir::ReduceOp op, mlir::Value value, const Point &point,
                mlir::Value &best, mlir::Value &bestPlace);
  void finishReduction(ir::ReduceOp op, const Buffer &target,
                       llvm::ArrayRef<mlir::Value> partial,
                       llvm::ArrayRef<mlir::Value> coords, int64_t lanes,
                       bool overLanes,
                       llvm::SmallVectorImpl<mlir::Value> &results);
  mlir::Value sumElement(mlir::Value value, mlir::Type element, int64_t lanes);
  void overBuffer(const Buffer &buffer, mlir::Value value,
                  llvm::function_ref<void(const Point &)> move);
  void materializeInto(const Buffer &buffer, mlir::Value value);
  void copyBuffer(const Buffer &from, const Buffer &to, mlir::Value value);
  int64_t transposedAxis(const Root &root);
  void emitTransposed(const Root &root, const Buffer &buffer);
  void transpose(llvm::SmallVectorImpl<mlir::Value> &rows);
  using Body = llvm::function_ref<void(mlir::Value)>;
  void loop(int64_t upper, int64_t step, Body body);
  using CarryBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::Value, mlir::ValueRange)>;
  llvm::SmallVector<mlir::Value> loopCarrying(int64_t upper, int64_t step,
                                              mlir::ValueRange init,
                                              CarryBody body);

  // Dots (Dot.cpp).
  void emitDot(ir::DotOp dot);
  void emitPlainDot(ir::DotOp dot, const Buffer &buffer, bool isRare);
  Window window(mlir::Value operand, int64_t freeAxis, bool lanesAreFree,
                int64_t passes);
  void dotTile(ir::DotOp dot, const Buffer &buffer, const Window &rows,
               const Window &columns, mlir::Value first, mlir::Value other,
               int64_t width, int64_t height, int64_t lanes, bool pairs);
  DotTiling tilingOf(ir::DotOp dot, const Buffer &buffer);
  void dotTiles(ir::DotOp dot, const Buffer &buffer, const Window &rows,
                const Window &columns, const DotTiling &tiling, bool pairs);
  mlir::Value keepAt(ir::DotOp dot, const Point &result, mlir::Value k);
  mlir::Value multiplyAdd(mlir::Value x, mlir::Value y, mlir::Value acc);

  // Dots of bf16 (PairedDot.cpp, Packing.cpp).
  bool isPaired(ir::DotOp dot);
  void emitPairedDot(ir::DotOp dot, const Buffer &buffer);
  void matrixTiles(ir::DotOp dot, const Buffer &buffer, const Window &rows,
                   const Window &columns);
  mlir::Value multiplyAddPairs(mlir::Value x, mlir::Value y, mlir::Value acc);
  mlir::Value isFinite(const Window &window, int64_t rows, mlir::Value stride,
                       int64_t length);
  int64_t adjacentAxis(mlir::Value tile);
  Packing packingIn(ir::DotOp dot, unsigned operand);
  bool collectPackings(mlir::Value value, bool transposed,
                       llvm::SmallVectorImpl<Packing> &packings);
  std::optional<Packing> packingOf(mlir::Value value);
  int64_t pairAxisOf(const Root &root);
  Window packedWindow(mlir::Value operand, Packing packing);
  Buffer makePacked(mlir::Value like, const Packing &packing);
  void packInto(const Buffer &buffer, mlir::Value value);
  Window rawWindow(ir::LoadOp load, int64_t free, int64_t adjacent,
                   llvm::ArrayRef<int64_t> extents);
  mlir::Value pairOf(mlir::Value value, const Point &first,
                     const Point &second);
  mlir::Value pairsAlong(mlir::Value value, const Point &point);
  mlir::Value joinPairs(mlir::Value low, mlir::Value high);
  mlir::Value evalUnrounded(mlir::Value value, const Point &point);
  mlir::Value loadPacked(const Buffer &buffer, const Point &point);
  mlir::Value packedPointer(const Buffer &buffer, mlir::Value i, mlir::Value k);
  void storePair(const Buffer &buffer, mlir::Value words, const Point &first);

  // Control flow (ControlFlow.cpp).
  void emitBlock(mlir::Block &block);
  void emitOp(mlir::Operation *op);
  void emitFor(mlir::scf::ForOp op);
  void emitIf(mlir::scf::IfOp op);
  void emitWhile(mlir::scf::WhileOp op);
  void emitProgramId(ir::ProgramIdOp op);
  void emitYield(mlir::ValueRange values, llvm::ArrayRef<Buffer> targets,
                 llvm::SmallVectorImpl<mlir::Value> &scalars);
  std::optional<Destination> destination(mlir::Value value);
  bool mayOverwrite(mlir::Value carried, mlir::Operation *writer);
  bool readsBuffer(mlir::Value value, mlir::Value pointer, bool sameElement);
  void fail(mlir::Operation *op, const llvm::Twine &message);

  mlir::ImplicitLocOpBuilder &b;
  ir::KernelOp kernel;
  VectorTarget target_;
  LaneAxis laneAxis;
  Demand demand;
  mlir::Value programNumber, contextPointer;
  mlir::Block *bodyBlock = nullptr;
  llvm::SmallVector<int64_t> bufferBytes;
  llvm::SmallVector<std::string> asserts;
  unsigned literals = 0; // so far
  bool failed = false;
  bool pairedDots = false; // emitted

  llvm::DenseMap<mlir::Value, mlir::Value> scalars;
  llvm::DenseMap<mlir::Value, Buffer> buffers;
  llvm::DenseMap<mlir::Value, TensorInfo> tensors;
  llvm::DenseMap<mlir::Value, Destination> destinations; // of an if's results
  llvm::SmallVector<Root> group;
  /// What the group being emitted fills, one for each of its roots; without a
  /// pointer for a store or a reduction to a scalar.
  llvm::SmallVector<Buffer> groupBuffers;
  bool emitting = false; // a group's nest
  llvm::DenseSet<mlir::Operation *> provenInBounds;
  llvm::DenseSet<mlir::Value> handedOn; // buffers of loops and branches

  /// Results of `eval` that dominate the builder's place, innermost last.
  using Memo =
      llvm::DenseMap<mlir::Value,
                     llvm::SmallVector<std::pair<Point, mlir::Value>, 1>>;
  std::vector<Memo> memo;
  struct MemoScope {
    explicit MemoScope(TileEmitter &emitter) : emitter(emitter) {
      emitter.memo.emplace_back();
    }
    ~MemoScope() { emitter.memo.pop_back(); }
    TileEmitter &emitter;
  };
};

} // namespace attn_grid::compiler::cpu

#endif
