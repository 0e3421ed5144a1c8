#ifndef AG_COMPILER_CONVERSION_PASSES_TD
#define AG_COMPILER_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ApproximateMath : Pass<"ag-approximate-math"> {
  let summary = "Replace calls of elementary functions by arithmetic";
  let description = [{
    Rewrites `math` ops that LLVM would turn into calls of a library (exp exp2
    log log2 tanh erf sin cos rsqrt round) on f64, f32 and narrower floats, both
    scalars and vectors. Results are within 4 ulp in f32 (`sin cos` up to 1e5)
    and 1e-14 in f64; subnormals may count as 0. What machines have as
    instructions stays.
    Example: test/compiler/Conversion/approximate-math.mlir, @exp2_generic.
  }];
  let options = [
    Option<"avx512", "avx512", "bool", /*default=*/"false",
           "AVX-512 F, DQ and VL may be used">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"
  ];
}

def EightBitFloats : Pass<"ag-eight-bit-floats", "::attn_grid::ir::KernelOp"> {
  let summary = "Turn 8-bit floats into bytes, for GPUs";
  let description = [{
    Loads and stores move bytes; casts are arithmetic on the bits of an f32,
    to nearest even; factors of a dot are cast to f16, which holds each of them.
    What else computes with 8-bit floats is an error.
    Example: test/compiler/Conversion/eight-bit-floats.mlir, @cast.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"
  ];
}

def RecordDebug : Pass<"ag-record-debug", "::attn_grid::ir::KernelOp"> {
  let summary = "Turn prints and asserts into stores, for GPUs";
  let description = [{
    Adds an argument, a tensor of words that the runtime reads after the launch:
    an assert that does not hold writes its number there, a print a record of
    its values. The attributes `ag.asserts` and `ag.prints` say what they mean.
    Example: test/compiler/Conversion/record-debug.mlir, @both.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def LowerToThreads : Pass<"ag-lower-to-threads", "::mlir::ModuleOp"> {
  let summary = "Turn tile programs into what one thread of a GPU does";
  let description = [{
    Each `ag.kernel` becomes an `llvm.func` that takes the flat struct of its
    arguments by value. Tiles are spread over registers, lanes and warps; moves
    between layouts go through shared memory; dots of 16-bit floats are
    `mma.sync`, or `wgmma` where the GPU has it and 64 rows are there. The attribute `ag.shared_bytes` says how much shared memory a
    launch gives a program.
    Example: test/compiler/Conversion/lower-to-threads.mlir, @row_sums.
  }];
  let options = [
    Option<"capability", "capability", "int64_t", /*default=*/"80",
           "Compute capability times 10">,
    Option<"warpgroups", "warpgroups", "bool", /*default=*/"false",
           "Four warps together compute products by `wgmma` (sm_90a)">,
    Option<"warps", "warps", "int64_t", /*default=*/"4",
           "Warps of a program, a power of two up to 32">,
    Option<"sharedLimit", "shared-limit", "int64_t", /*default=*/"166912",
           "Bytes of shared memory that a program may have">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def LowerToVector : Pass<"ag-lower-to-vector", "::mlir::ModuleOp"> {
  let summary = "Turn tile programs into loops over vectors, for a CPU";
  let description = [{
    Each `ag.kernel` becomes an entry, which runs a range of programs, and the
    body of one program. One axis of each tile lies in vector lanes; elementwise
    code is fused; dots are register tiles. The entry's attribute
    `ag.scratch_bytes` says how much scratch a thread needs.
    Example: test/compiler/Conversion/lower-to-vector.mlir, @dot_rows_in_lanes.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", /*default=*/"512",
           "Width of the vectors to use">,
    Option<"registers", "registers", "int64_t", /*default=*/"32",
           "Number of vector registers">,
    Option<"fma", "fma", "bool", /*default=*/"true",
           "Fused multiply-add is one instruction">,
    Option<"bf16Products", "bf16-products", "int64_t", /*default=*/"1",
           "Products of bf16 that an instruction adds to each sum: 1, 2 "
           "(AVX512_BF16) or 32 (AMX)">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

#endif
