// ag-opt FILE.mlir -ag-PASS...: runs passes on IR text, for tests and for
// developers of the compiler.

#include "compiler/Conversion/Passes.h"
#include "compiler/Transforms/Passes.h"
#include "dialect/AgOps.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  attn_grid::ir::registerTileDialects(registry);
  mlir::registerAllPasses();
  attn_grid::compiler::registerTransformPasses();
  attn_grid::compiler::registerAgConversionPasses();
  return mlir::failed(
      mlir::MlirOptMain(argc, argv, "AttentionGrid pass driver\n", registry));
}
