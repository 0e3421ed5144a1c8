// Verifiers and assembly of ag.kernel, ag.program_id:
//   kernel_c1 to c3, program_id_c1.

#include "dialect/AgOps.h"

#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;

namespace attn_grid::ir {

bool KernelOp::isWritten(unsigned index) {
  auto access = getArgAttrOfType<StringAttr>(index, accessAttr);
  return access && access.getValue() != "in";
}

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  auto buildFuncType =
      [](Builder &builder, ArrayRef<Type> argTypes, ArrayRef<Type> results,
         function_interface_impl::VariadicFlag,
         std::string &) { return builder.getFunctionType(argTypes, results); };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false,
      getFunctionTypeAttrName(result.name), buildFuncType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void KernelOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(
      printer, *this, /*isVariadic=*/false, getFunctionTypeAttrName(),
      getArgAttrsAttrName(), getResAttrsAttrName());
}

static int64_t hintOf(KernelOp kernel, StringRef name, int64_t otherwise) {
  auto hint = kernel->getAttrOfType<IntegerAttr>(name);
  return hint ? hint.getInt() : otherwise;
}

int64_t KernelOp::getWarps(int64_t otherwise) {
  return hintOf(*this, warpsAttr, otherwise);
}

int64_t KernelOp::getStages(int64_t otherwise) {
  return hintOf(*this, stagesAttr, otherwise);
}

LogicalResult KernelOp::verify() {
  if (!isWarps(getWarps())) // kernel_c5
    return emitOpError("expected '")
           << warpsAttr << "' to be a power of two from 1 to " << mostWarps
           << ", but got " << getWarps();
  if (!isStages(getStages())) // kernel_c6
    return emitOpError("expected '")
           << stagesAttr << "' to be from 1 to " << mostStages << ", but got "
           << getStages();
  if (!getResultTypes().empty()) // kernel_c1
    return emitOpError("expected no results, but got ")
           << getResultTypes().size();
  if (getBody().empty()) // kernel_c4
    return emitOpError("expected a body, but got none");
  for (auto [i, type] : llvm::enumerate(getArgumentTypes())) {
    auto pointer = dyn_cast<MemRefType>(type);
    if (pointer ? pointer.getRank() != 0
                : !isa<IndexType, IntegerType, FloatType>(type)) // kernel_c2
      return emitOpError("expected argument ")
             << i << " to be a memref of rank 0, an index or a scalar, but got "
             << type;
    if (!pointer)
      continue;
    auto access = getArgAttrOfType<StringAttr>(i, accessAttr);
    if (!access || (access.getValue() != "in" && access.getValue() != "out" &&
                    access.getValue() != "inout")) // kernel_c3
      return emitOpError("expected '") << accessAttr << "' of argument " << i
                                       << " to be \"in\", \"out\" or \"inout\"";
  }
  return success();
}

LogicalResult ProgramIdOp::verify() {
  size_t rank = getExtents().size();
  if (rank < 1 || rank > 3 || rank != getIds().size()) // program_id_c1
    return emitOpError("expected 1 to 3 extents and as many results, but got ")
           << rank << " and " << getIds().size();
  return success();
}

} // namespace attn_grid::ir
