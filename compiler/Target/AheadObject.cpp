// Variants for several instruction sets are one LLVM module: each function says
// for which CPU it is, so one run of the code generator writes one object, and
// no linker is needed.

#include "compiler/Target/AheadObject.h"

#include "compiler/Target/Codegen.h"

#include "attn_grid/ahead.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/Linker/Linker.h"

namespace attn_grid::compiler {

AheadObject::AheadObject(const CpuTarget &least)
    : least(least), module("attn_grid", llvmContext) {}

llvm::Expected<uint32_t>
AheadObject::addBody(std::unique_ptr<llvm::Module> body,
                     llvm::StringRef entry) {
  auto number = static_cast<uint32_t>(code.size());
  std::string name = (entry + "." + llvm::Twine(number)).str();
  // All else is local already here, so that names cannot clash.
  for (llvm::Function &function : *body)
    if (!function.isDeclaration() && function.getName() != entry)
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
  body->getFunction(entry)->setName(name);
  if (number == 0) {
    module.setTargetTriple(body->getTargetTriple());
    module.setDataLayout(body->getDataLayout());
  }
  if (llvm::Linker::linkModules(module, std::move(body)))
    return llvm::createStringError(
        "the code of two variants cannot be one object");
  llvm::Function *function = module.getFunction(name);
  code.push_back(function);
  return number;
}

uint32_t AheadObject::addText(llvm::StringRef text) {
  auto *bytes = llvm::ConstantDataArray::getString(llvmContext, text);
  code.push_back(new llvm::GlobalVariable(
      module, bytes->getType(), /*isConstant=*/true,
      llvm::GlobalValue::PrivateLinkage, bytes, "ptx"));
  return static_cast<uint32_t>(code.size() - 1);
}

llvm::GlobalVariable *AheadObject::addLibrary(const AheadLibrary &library) {
  auto *pointer = llvm::PointerType::get(llvmContext, 0);
  auto *word = llvm::Type::getInt64Ty(llvmContext);
  // Local, now that nothing is linked in any more.
  for (llvm::Constant *body : code)
    if (auto *function = llvm::dyn_cast<llvm::Function>(body))
      function->setLinkage(llvm::GlobalValue::InternalLinkage);
  auto addConstant = [&](llvm::Constant *value, llvm::StringRef name) {
    auto *variable = new llvm::GlobalVariable(
        module, value->getType(), /*isConstant=*/true,
        llvm::GlobalValue::PrivateLinkage, value, name);
    variable->setAlignment(llvm::Align(8));
    return variable;
  };
  std::string records = encode_ahead(library);
  auto *bytes = addConstant(
      llvm::ConstantDataArray::getString(llvmContext, records, false),
      "records");
  auto *table =
      addConstant(llvm::ConstantArray::get(
                      llvm::ArrayType::get(pointer, code.size()), code),
                  "code");
  // As `ag_ahead_library` in attn_grid/ahead.h.
  auto *type =
      llvm::StructType::get(word, pointer, word, pointer, word, pointer);
  auto number = [&](uint64_t value) {
    return llvm::ConstantInt::get(word, value);
  };
  llvm::Constant *fields[] = {
      number(AG_AHEAD_VERSION), bytes,
      number(records.size()),   table,
      number(code.size()),      llvm::ConstantPointerNull::get(pointer)};
  return new llvm::GlobalVariable(
      module, type, /*isConstant=*/false, llvm::GlobalValue::ExternalLinkage,
      llvm::ConstantStruct::get(type, fields), library.name + "_library");
}

/// The type that a parameter of the header has.
static llvm::Type *typeOf(const AheadParam &param, llvm::LLVMContext &context) {
  switch (param.kind) {
  case AheadParam::Kind::tensor:
  case AheadParam::Kind::default_scalar:
    return llvm::PointerType::get(context, 0);
  case AheadParam::Kind::extent:
    return llvm::Type::getInt64Ty(context);
  case AheadParam::Kind::scalar:
  case AheadParam::Kind::choice:
    break;
  }
  return param.type == ConstParam::Kind::integer
             ? llvm::Type::getInt64Ty(context)
         : param.type == ConstParam::Kind::floating
             ? llvm::Type::getDoubleTy(context)
             : llvm::Type::getInt1Ty(context);
}

/// Puts the arguments into an array of words and calls the runtime.
void AheadObject::addFunction(const AheadFunction &what, uint32_t number,
                              llvm::GlobalVariable *library) {
  auto *pointer = llvm::PointerType::get(llvmContext, 0);
  auto *word = llvm::Type::getInt64Ty(llvmContext);
  auto *status = llvm::Type::getInt32Ty(llvmContext);
  llvm::FunctionCallee call = module.getOrInsertFunction(
      "ag_ahead_call",
      llvm::FunctionType::get(status, {pointer, status, pointer}, false));
  llvm::SmallVector<llvm::Type *> types;
  for (const AheadParam &param : what.params)
    types.push_back(typeOf(param, llvmContext));
  auto *function = llvm::Function::Create(
      llvm::FunctionType::get(status, types, false),
      llvm::GlobalValue::ExternalLinkage, what.name, module);
  function->addFnAttr("target-cpu", least.name);
  function->setUWTableKind(llvm::UWTableKind::Async);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(llvmContext, "", function));
  auto *values =
      b.CreateAlloca(word, llvm::ConstantInt::get(word, types.size()));
  for (llvm::Argument &argument : function->args()) {
    llvm::Value *value = &argument;
    if (value->getType()->isIntegerTy(1)) {
      // How C passes a bool.
      argument.addAttr(llvm::Attribute::ZExt);
      value = b.CreateZExt(value, word);
    }
    b.CreateStore(value,
                  b.CreateConstGEP1_64(word, values, argument.getArgNo()));
  }
  b.CreateRet(b.CreateCall(
      call, {library, llvm::ConstantInt::get(status, number), values}));
}

void AheadObject::addFunctions(const AheadLibrary &library) {
  llvm::GlobalVariable *variable = addLibrary(library);
  for (uint32_t i = 0; i < library.functions.size(); ++i)
    addFunction(library.functions[i], i, variable);
}

llvm::Expected<llvm::SmallVector<char, 0>> AheadObject::write() {
  return writeCode(module, least, CodeKind::object);
}

} // namespace attn_grid::compiler
