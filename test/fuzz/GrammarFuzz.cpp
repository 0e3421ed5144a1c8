// Sources made by choices that are the fuzzer's bytes: right in their syntax
// always, in their types mostly. Names, types and lowering never crash, and
// each kernel is accepted or refused for a reason.

#include "compiler/Frontend/ErrorCatalog.h"
#include "compiler/Frontend/Format.h"
#include "compiler/Frontend/Frontend.h"
#include "dialect/AgOps.h"
#include "test/support/KernelGrammar.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/MLIRContext.h"

#include <cstdio>
#include <cstdlib>
#include <memory>

using namespace attn_grid::compiler;

static void fail(const char *why, const std::string &text) {
  std::fprintf(stderr, "%s:\n%s\n", why, text.c_str());
  abort();
}

static void checkFormat(const std::string &text) {
  SourceManager sources;
  Diagnostics diags(sources);
  std::optional<std::string> once =
      formatFile(sources, sources.add("k.ag", text), diags);
  if (!once)
    fail(diags.render().c_str(), text);
  SourceManager again;
  Diagnostics mistakes(again);
  if (formatFile(again, again.add("k.ag", *once), mistakes) != once)
    fail("formatting twice is not formatting once", text);
}

/// A context remembers every type and place, so it does not live for ever; but
/// making one takes longer than checking a kernel.
static mlir::MLIRContext &contextForNext() {
  constexpr int uses = 200;
  static std::unique_ptr<mlir::MLIRContext> context;
  static int used = 0;
  if (!context || used++ == uses) {
    used = 0;
    context = std::make_unique<mlir::MLIRContext>(
        mlir::MLIRContext::Threading::DISABLED);
    context->loadDialect<attn_grid::ir::AgDialect, mlir::arith::ArithDialect,
                         mlir::math::MathDialect, mlir::memref::MemRefDialect,
                         mlir::scf::SCFDialect, mlir::tensor::TensorDialect>();
  }
  return *context;
}

/// The messages of `agc check`.
static std::string check(const std::string &text) {
  auto program = parseProgram(text, "k.ag");
  if (program->diagnostics.hasErrors())
    return program->diagnostics.render();
  Diagnostics diags(program->sources);
  checkProgram(*program, contextForNext(), diags);
  return diags.render();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string text = test::makeKernel({data, size});
  checkFormat(text);
  std::string messages = check(text);
  if (messages.find("mistake of the compiler") != std::string::npos)
    fail(messages.c_str(), text);
  for (size_t at = 0; (at = messages.find(": error: ", at)) != messages.npos;) {
    at += 9;
    std::string message = messages.substr(at, messages.find('\n', at) - at);
    if (!findMistake(message))
      fail("this message is not in the table", message);
  }
  return 0;
}
