#include "compiler/Compilation.h"

#include "compiler/Conversion/Cpu/LowerToVector.h"
#include "compiler/Conversion/Gpu/LowerToThreads.h"
#include "compiler/Frontend/Slots.h"
#include "compiler/Pipeline.h"
#include "compiler/ReadText.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/IR/Module.h"

using namespace mlir;

namespace attn_grid::compiler {

std::unique_ptr<MLIRContext> makeContext() {
  DialectRegistry registry;
  registerPipelineDialects(registry);
  auto context =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
  return context;
}

/// `flash.ag:30:13: error: text`, for mistakes that passes find.
static void printDiagnostic(llvm::raw_ostream &os,
                            mlir::Diagnostic &diagnostic) {
  if (auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
    os << place.getFilename().getValue() << ':' << place.getLine() << ':'
       << place.getColumn() << ": ";
  os << (diagnostic.getSeverity() == DiagnosticSeverity::Error ? "error: "
                                                               : "note: ")
     << diagnostic << '\n';
}

Compilation::Compilation()
    : context(makeContext()),
      handler(context.get(), [this](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
          return success();
        llvm::raw_string_ostream os(messages);
        printDiagnostic(os, diagnostic);
        return success();
      }) {}

Compilation::Compilation(const ParsedProgram &program,
                         const Specialization &what)
    : Compilation() {
  signature = program.findSignature(what.kernel);
  specialization = what;
  Diagnostics diagnostics(program.sources);
  module = lowerKernel(program, what, *context, diagnostics);
  if (!module)
    messages += diagnostics.render();
}

Compilation::Compilation(std::string_view text, std::string_view name)
    : Compilation() {
  module = readText(text, name, *context);
}

std::string Compilation::takeMessages() {
  return messages.empty() ? "error: the compiler failed without a message\n"
                          : std::move(messages);
}

void Compilation::addMessage(llvm::Error error) {
  messages += "error: " + llvm::toString(std::move(error)) + "\n";
}

bool Compilation::run(llvm::function_ref<void(OpPassManager &)> addPhase) {
  if (!ok())
    return false;
  PassManager passes(context.get(), ModuleOp::getOperationName());
  // Each pass keeps its output valid; the tests verify after every pass.
  passes.enableVerifier(false);
  addPhase(passes);
  if (makeInstrumentation)
    passes.addInstrumentation(makeInstrumentation());
  std::string printed;
  llvm::raw_string_ostream os(printed);
  if (afterPass)
    passes.enableIRPrinting(/*shouldPrintBeforePass=*/nullptr,
                            [](Pass *, Operation *) { return true; },
                            /*printModuleScope=*/true,
                            /*printAfterOnlyOnChange=*/true,
                            /*printAfterOnlyOnFailure=*/false, os);
  if (failed(passes.run(*module)))
    module = nullptr;
  if (afterPass)
    afterPass(printed);
  return ok();
}

bool Compilation::toSplit() { return run(addTilePhase); }

bool Compilation::toVectors(const CpuTarget &cpu) {
  return run([&](OpPassManager &passes) { addVectorPhase(passes, cpu); });
}

bool Compilation::toThreads(const GpuArch &gpu) {
  return run([&](OpPassManager &passes) { addThreadPhase(passes, gpu); });
}

bool Compilation::toLLVM() { return run(addLLVMPhase); }

/// What a GPU's kernel asserts and prints.
static void describeDebug(Operation *function, Artifact &artifact) {
  auto asserts = function->getAttrOfType<ArrayAttr>(gpu::assertsAttr);
  auto prints = function->getAttrOfType<ArrayAttr>(gpu::printsAttr);
  if (!asserts || !prints)
    return;
  artifact.has_debug = true;
  for (auto message : asserts.getAsRange<StringAttr>())
    artifact.asserts.push_back(message.getValue().str());
  for (auto print : prints.getAsRange<ArrayAttr>()) {
    PrintSite site{cast<StringAttr>(print[0]).getValue().str(), {}};
    for (auto value :
         cast<ArrayAttr>(print[1]).getAsRange<DenseI64ArrayAttr>()) {
      ArrayRef<int64_t> description = value.asArrayRef();
      site.values.push_back({static_cast<DType>(description.front()),
                             {description.begin() + 1, description.end()}});
    }
    artifact.prints.push_back(std::move(site));
  }
}

/// The tensors of which a GPU's kernel copies boxes.
static void describeBoxes(Operation *function, Artifact &artifact) {
  auto maps = function->getAttrOfType<ArrayAttr>(gpu::tensorMapsAttr);
  if (!maps)
    return;
  for (auto row : maps.getAsRange<DenseI64ArrayAttr>()) {
    ArrayRef<int64_t> numbers = row.asArrayRef();
    TensorBox box;
    box.slot = numbers[0];
    box.element_bytes = numbers[1];
    box.line_bytes = numbers[2];
    for (numbers = numbers.drop_front(3); !numbers.empty();
         numbers = numbers.drop_front(5))
      box.dims.push_back({{numbers[0], numbers[1] != 0},
                          {numbers[2], numbers[3] != 0},
                          static_cast<uint32_t>(numbers[4])});
    artifact.boxes.push_back(std::move(box));
  }
}

Artifact Compilation::describe() const {
  Artifact artifact;
  for (auto function : (*module).getOps<func::FuncOp>()) {
    if (auto bytes =
            function->getAttrOfType<IntegerAttr>(cpu::scratchBytesAttr))
      artifact.scratch_bytes = bytes.getInt();
    if (auto texts = function->getAttrOfType<ArrayAttr>(cpu::assertsAttr))
      for (auto text : texts.getAsRange<StringAttr>())
        artifact.asserts.push_back(text.getValue().str());
  }
  for (auto function : (*module).getOps<LLVM::LLVMFuncOp>()) {
    describeDebug(function, artifact);
    describeBoxes(function, artifact);
    auto bytes = function->getAttrOfType<IntegerAttr>(gpu::sharedBytesAttr);
    auto threads = function->getAttrOfType<DenseI32ArrayAttr>(
        NVVM::NVVMDialect::getReqntidAttrName());
    if (bytes && threads) {
      artifact.shared_bytes = bytes.getInt();
      artifact.block_threads = threads[0];
    }
  }
  artifact.symbol = specialization.kernel;
  // Elementary functions flush their own results; all else follows IEEE.
  artifact.flush_subnormals = false;
  artifact.slots = argumentSlots(*signature, specialization);
  return artifact;
}

bool Compilation::hasBf16Products() const {
  return llvm::any_of((*module).getOps<func::FuncOp>(), [](func::FuncOp entry) {
    return entry->hasAttr(cpu::bf16ProductsAttr);
  });
}

std::optional<llvm::SmallVector<char, 0>>
Compilation::generate(const CpuTarget &cpu, CodeKind kind) {
  if (!ok())
    return std::nullopt;
  auto code = generateCode(*module, cpu, kind);
  if (code)
    return std::move(*code);
  addMessage(code.takeError());
  return std::nullopt;
}

std::optional<llvm::SmallVector<char, 0>>
Compilation::generate(const GpuArch &gpu, GpuCodeKind kind) {
  if (!ok())
    return std::nullopt;
  auto code = generateGpuCode(*module, gpu, kind);
  if (code)
    return std::move(*code);
  addMessage(code.takeError());
  return std::nullopt;
}

/// What is there of an `Expected`, or null, its error among the messages.
template <typename T>
static T takeOr(llvm::Expected<T> expected,
                llvm::function_ref<void(llvm::Error)> addMessage) {
  if (expected)
    return std::move(*expected);
  addMessage(expected.takeError());
  return T();
}

std::unique_ptr<llvm::Module>
Compilation::translate(const CpuTarget &cpu, llvm::LLVMContext &llvmContext) {
  if (!ok())
    return nullptr;
  return takeOr(translateToLLVM(*module, cpu, llvmContext),
                [&](llvm::Error error) { addMessage(std::move(error)); });
}

std::unique_ptr<llvm::Module>
Compilation::translate(const GpuArch &gpu, llvm::LLVMContext &llvmContext) {
  if (!ok())
    return nullptr;
  return takeOr(translateToLLVM(*module, gpu, llvmContext),
                [&](llvm::Error error) { addMessage(std::move(error)); });
}

} // namespace attn_grid::compiler
