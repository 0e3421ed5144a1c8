#ifndef AG_DIALECT_GRIDOPS_TD
#define AG_DIALECT_GRIDOPS_TD

include "dialect/AgDialect.td"
include "dialect/AgTypes.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/CallInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Ag_KernelOp : Ag_Op<"kernel", [
    FunctionOpInterface, IsolatedFromAbove, Symbol,
    AutomaticAllocationScope, HasParent<"::mlir::ModuleOp">]> {
  let summary = "one variant of a kernel: the program that each grid point runs";
  let description = [{
    The arguments are the slots of a launch's flat struct, in its order: for
    each present tensor its pointer (`memref<T>`, attributes `ag.name` and
    `ag.access` = "in", "out" or "inout", and `ag.regular` if it is aligned and
    below 2 GiB) and its run-time strides (`index`);
    then the run-time extents (`i32`); then the scalars. The body makes strided
    memrefs of them by `memref.reinterpret_cast`.

    * (C1) the kernel has no results.
    * (C2) each argument is a `memref` of rank 0, an `index`, or a scalar.
    * (C3) each `memref` argument has `ag.access` = "in", "out" or "inout".
    * (C5) `ag.warps`, if there, is a power of two from 1 to 32.
    * (C6) `ag.stages`, if there, is from 1 to 8. Both are hints for GPUs.

    Example:
    ```mlir
    ag.kernel @scale(%x: memref<f32> {ag.access = "inout"}, %n: i32, %s: f32) {
      ag.return
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<DictArrayAttr>:$arg_attrs,
                       OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region AnyRegion:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// What a launch may do to a tensor argument.
    static constexpr ::llvm::StringLiteral accessAttr = "ag.access";
    /// Of a tensor argument that is regular: it begins at a multiple of 16
    /// bytes, each stride but the last is one too, none is negative, and no
    /// element lies 2^31 bytes or more behind the first.
    static constexpr ::llvm::StringLiteral regularAttr = "ag.regular";
    /// Pairs of numbers of extent arguments, the first a multiple of the
    /// second in every launch.
    static constexpr ::llvm::StringLiteral multiplesAttr = "ag.multiples";
    /// How a GPU runs a program: the warps of its block, a power of two up to
    /// 32, and for how many iterations a loop holds what it loads, 1 to 8.
    static constexpr ::llvm::StringLiteral warpsAttr = "ag.warps";
    static constexpr ::llvm::StringLiteral stagesAttr = "ag.stages";
    static constexpr int64_t defaultWarps = 4, mostWarps = 32;
    static constexpr int64_t defaultStages = 2, mostStages = 8;
    static bool isWarps(int64_t value) {
      return value >= 1 && value <= mostWarps && (value & (value - 1)) == 0;
    }
    static bool isStages(int64_t value) { return value >= 1 && value <= mostStages; }
    /// Without the attribute `otherwise`.
    int64_t getWarps(int64_t otherwise = defaultWarps);
    int64_t getStages(int64_t otherwise = defaultStages);
    /// The parameter's name in the source.
    static constexpr ::llvm::StringLiteral nameAttr = "ag.name";

    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    /// True if the tensor argument number `index` is regular.
    bool isRegular(unsigned index) { return static_cast<bool>(getArgAttr(index, regularAttr)); }
    /// True if the program writes the tensor argument number `index`.
    bool isWritten(unsigned index);
  }];
}

def Ag_ReturnOp : Ag_Op<"return", [Pure, Terminator, HasParent<"KernelOp">]> {
  let summary = "ends a kernel's program";
  let description = [{
    Example: `ag.return`
  }];
  let assemblyFormat = "attr-dict";
}

def Ag_ProgramIdOp : Ag_Op<"program_id", [Pure]> {
  let summary = "the grid point of this program";
  let description = [{
    Takes the grid's extents, the first runs fastest, and gives one coordinate
    for each: `0 <= ids[i] < extents[i]`.

    * (C1) there are 1 to 3 extents and as many results.

    Example: `%block, %head = ag.program_id %blocks, %heads : i32, i32`
  }];
  let arguments = (ins Variadic<I32>:$extents);
  let results = (outs Variadic<I32>:$ids);
  let assemblyFormat = "$extents attr-dict `:` type($ids)";
  let hasVerifier = 1;
}

#endif
