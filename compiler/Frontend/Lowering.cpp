// What all topics of the lowering share: messages, locations, limits.

#include "compiler/Frontend/Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace attn_grid::compiler {

/// How deep expressions, blocks and calls may be nested, together.
static constexpr int maxNesting = 400;
/// How many expressions and statements one kernel may have once its calls are
/// inlined.
static constexpr int64_t maxSteps = 1 << 20;

Lowering::Lowering(const ParsedProgram &program, MLIRContext &context,
                   Diagnostics &diags, const TypeObserver &observer)
    : program(program), globals(*program.globals), diags(diags),
      observer(observer), builder(&context), loc(builder.getUnknownLoc()) {}

OwningOpRef<ModuleOp> Lowering::run(const ast::KernelDecl &kernel,
                                    const Signature &signature,
                                    const Specialization &spec) {
  size_t before = diags.size();
  Frame kernelFrame;
  kernelFrame.decl = &kernel;
  kernelFrame.name = kernel.name.text;
  frame = &kernelFrame;
  At at(*this, kernel.name.range);
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder, loc);
  builder.setInsertionPointToEnd(module->getBody());
  if (!bindKernel(kernel, signature, spec))
    return nullptr;
  lowerBlock(kernel.body);
  if (diags.size() != before)
    return nullptr;
  At end(*this, kernel.body.range.atEnd());
  ir::ReturnOp::create(builder, loc);
  // The walk makes valid IR only; a mistake of ours must not go further.
  if (failed(verify(*module))) {
    diags.error(kernel.name.range,
                "the compiler made invalid code of kernel `" +
                    kernel.name.text + "`; this is a mistake of the compiler");
    return nullptr;
  }
  return module;
}

DiagnosticBuilder Lowering::error(SourceRange range, std::string message) {
  DiagnosticBuilder builder = diags.error(range, std::move(message));
  // Which bindings lead here: the innermost calls say most.
  int shown = 0;
  for (Frame *at = frame; at && at->caller && shown < 3; at = at->caller) {
    // What is wrong with the call itself is seen at the call.
    if (range.file == at->call.file && range.begin >= at->call.begin &&
        range.end <= at->call.end)
      continue;
    builder.note(at->calledAt, "in this call of " + at->name);
    ++shown;
  }
  return builder;
}

DiagnosticBuilder Lowering::unsupported(SourceRange range, llvm::StringRef what,
                                        llvm::StringRef instead) {
  return error(range,
               (what + " is not supported by this version: " + instead).str());
}

Datum Lowering::poison(SourceRange range, std::string message) {
  error(range, std::move(message));
  return Datum::poison();
}

Datum Lowering::constantOr(const ConstResult &result, SourceRange range) {
  if (result.value)
    return Datum::of(*result.value);
  return poison(range, result.error);
}

Location Lowering::locationOf(SourceRange range) {
  if (!range.valid())
    return loc;
  LineColumn place = program.sources.lineColumn(range);
  Location here = FileLineColLoc::get(
      builder.getContext(), llvm::StringRef(program.sources.name(range.file)),
      place.line, place.column);
  if (!frame || !frame->location)
    return here;
  return CallSiteLoc::get(here, Location(frame->location));
}

std::string Lowering::quote(SourceRange range) {
  std::string_view text = program.sources.text(range);
  if (text.empty() || text.size() > 32 ||
      text.find('\n') != std::string_view::npos)
    return "x";
  return std::string(text);
}

Lowering::Nest::Nest(Lowering &lowering, SourceRange range)
    : lowering(lowering) {
  ++lowering.nesting;
  ++lowering.steps;
  if (lowering.gaveUp) {
    tooDeep = true;
    return;
  }
  if (lowering.nesting > maxNesting) {
    tooDeep = lowering.gaveUp = true;
    lowering.error(range, "this kernel is nested too deeply; calls, blocks and "
                          "expressions may be nested " +
                              std::to_string(maxNesting) + " deep together");
  } else if (lowering.steps > maxSteps) {
    tooDeep = lowering.gaveUp = true;
    lowering.error(range,
                   "this kernel is too large once its calls are inlined");
  }
}

} // namespace attn_grid::compiler
