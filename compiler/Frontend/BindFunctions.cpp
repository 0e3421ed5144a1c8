#include "compiler/Frontend/BindFunctions.h"

#include "compiler/Frontend/Frontend.h"
#include "compiler/Frontend/Names.h"
#include "compiler/Frontend/Signature.h"
#include "compiler/Frontend/Suggest.h"

#include "llvm/ADT/StringExtras.h"

#include <algorithm>

namespace attn_grid::compiler {

namespace {
class FunctionBinder {
public:
  FunctionBinder(ParsedProgram &program, const FunctionBindings &given)
      : program(program), given(given) {}

  void run();

private:
  ast::KernelDecl *findKernel();
  void bindText(const FunctionBindings::Entry &entry);
  /// Adds a text as a file that sees what an importer of the root sees.
  std::optional<FileId> addFile(const std::string &name,
                                const std::string &text);
  ast::VariantDecl *findVariant();
  void bindVariant(ast::VariantDecl &variant);
  bool checkVariantParams(const ast::VariantDecl &variant);
  void appendParams(ast::VariantDecl &variant);
  void makeSignature();
  bool hasParam(llvm::StringRef name, SourceRange range);
  SourceRange wholeRoot() const { return {program.root, 0, 0}; }

  ParsedProgram &program;
  const FunctionBindings &given;
  ast::KernelDecl *kernel = nullptr;
};
} // namespace

ast::KernelDecl *FunctionBinder::findKernel() {
  for (ast::DeclPtr &decl : program.tree.files.back()->decls)
    if (decl->kind == ast::Decl::Kind::Kernel &&
        decl->name.text == given.kernel)
      return static_cast<ast::KernelDecl *>(decl.get());
  program.diagnostics.error(wholeRoot(),
                            "this file has no kernel `" + given.kernel + "`");
  return nullptr;
}

bool FunctionBinder::hasParam(llvm::StringRef name, SourceRange range) {
  std::vector<std::string> known;
  for (const ast::GenericParam &param : kernel->generics) {
    if (param.kind != ast::GenericParam::Kind::Function)
      continue;
    if (param.name.text == name)
      return true;
    known.push_back(param.name.text);
  }
  auto message = program.diagnostics.error(
      range, "kernel `" + kernel->name.text + "` has no function parameter `" +
                 name.str() + "`");
  if (auto meant = closest(name.str(), known))
    message.note("did you mean `" + *meant + "`?");
  message.note(kernel->name.range, "it is declared here");
  return false;
}

std::optional<FileId> FunctionBinder::addFile(const std::string &name,
                                              const std::string &text) {
  if (text.size() > SourceManager::maxFileSize) {
    program.diagnostics.error(
        wholeRoot(), "the function for `" + name + "` is longer than " +
                         std::to_string(SourceManager::maxFileSize) + " bytes");
    return std::nullopt;
  }
  FileId file = program.sources.add("<" + name + ">", text);
  program.globals->addGiven(file, program.root);
  return file;
}

void FunctionBinder::bindText(const FunctionBindings::Entry &entry) {
  std::optional<FileId> file = addFile(entry.name, entry.text);
  if (!file || !hasParam(entry.name, {*file, 0, 0}))
    return;
  GivenText text = parseGivenText(program.sources, *file, entry.name,
                                  /*variant=*/false, program.diagnostics);
  if (!text.decl && !text.expr)
    return; // reported
  checkGivenNames(text, *file, *program.globals, program.diagnostics);
  BoundFunctions::Given bound{entry.name,
                              static_cast<const ast::FnDecl *>(text.decl.get()),
                              text.expr.get()};
  program.bound.functions.push_back(std::move(bound));
  program.givenTexts.push_back(std::move(text));
}

/// The variant that is named, or written out.
ast::VariantDecl *FunctionBinder::findVariant() {
  llvm::StringRef text = llvm::StringRef(given.variant).trim();
  bool isName =
      llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || c == '_'; });
  std::optional<FileId> file = addFile("variant", given.variant);
  if (!file)
    return nullptr;
  if (!isName) {
    GivenText text = parseGivenText(program.sources, *file, "variant",
                                    /*variant=*/true, program.diagnostics);
    if (!text.decl)
      return nullptr;
    checkGivenNames(text, *file, *program.globals, program.diagnostics);
    auto *decl = static_cast<ast::VariantDecl *>(text.decl.get());
    program.givenTexts.push_back(std::move(text));
    return decl;
  }
  const ast::Decl *found = program.globals->find(text, program.root);
  if (found && found->kind == ast::Decl::Kind::Variant)
    for (auto &each : program.tree.files)
      for (ast::DeclPtr &decl : each->decls)
        if (decl.get() == found)
          return static_cast<ast::VariantDecl *>(decl.get());
  std::vector<std::string> known;
  for (const ast::Decl *decl : program.globals->visible(program.root))
    if (decl->kind == ast::Decl::Kind::Variant)
      known.push_back(decl->name.text);
  SourceRange range{*file, 0, static_cast<uint32_t>(given.variant.size())};
  auto message = program.diagnostics.error(
      range, "the kernel's file sees no variant `" + text.str() + "`");
  if (auto meant = closest(text.str(), known))
    message.note("did you mean `" + *meant + "`?");
  return nullptr;
}

bool FunctionBinder::checkVariantParams(const ast::VariantDecl &variant) {
  bool ok = true;
  const Signature &own = *program.findSignature(given.kernel);
  auto taken = [&](const std::string &name) {
    auto named = [&](const auto &item) { return item.name == name; };
    return llvm::any_of(own.params, named) || llvm::any_of(own.types, named) ||
           llvm::any_of(own.consts, named) ||
           llvm::any_of(own.extents, named) ||
           llvm::any_of(own.functions, named);
  };
  for (const ast::Param &param : variant.params) {
    if (taken(param.name.text)) {
      program.diagnostics
          .error(param.name.range,
                 "kernel `" + kernel->name.text + "` has a `" +
                     param.name.text +
                     "` already; the variant's parameters are appended to "
                     "the kernel's")
          .note("give the variant's another name");
      ok = false;
    }
  }
  return ok;
}

void FunctionBinder::appendParams(ast::VariantDecl &variant) {
  // A generic parameter of the same name is the kernel's.
  for (ast::GenericParam &param : variant.generics) {
    auto same = llvm::find_if(kernel->generics, [&](const auto &own) {
      return own.name.text == param.name.text;
    });
    if (same == kernel->generics.end())
      kernel->generics.push_back(std::move(param));
    else if (same->kind != param.kind)
      program.diagnostics
          .error(param.range, "`" + param.name.text +
                                  "` is another kind of parameter of kernel `" +
                                  kernel->name.text + "`")
          .note(same->range, "it is declared here");
  }
  for (ast::Param &param : variant.params)
    kernel->params.push_back(std::move(param));
  variant.generics.clear();
  variant.params.clear();
}

void FunctionBinder::bindVariant(ast::VariantDecl &variant) {
  for (const auto &fn : variant.functions) {
    if (!hasParam(fn->name.text, fn->name.range))
      continue;
    if (program.bound.find(fn->name.text))
      program.diagnostics.error(fn->name.range,
                                "`" + fn->name.text +
                                    "` is bound twice: by the variant, and by "
                                    "itself");
    program.bound.functions.push_back({fn->name.text, fn.get(), nullptr});
  }
  program.bound.variant = &variant;
  if (checkVariantParams(variant))
    appendParams(variant);
}

void FunctionBinder::makeSignature() {
  auto signature = compiler::makeSignature(program.sources, program.tree,
                                           *kernel, program.diagnostics);
  program.signatures.clear();
  if (!signature)
    return;
  for (FunctionParam &param : signature->functions) {
    for (const FunctionBindings::Entry &entry : given.functions)
      if (entry.name == param.name)
        param.bound = entry.text;
    if (param.bound.empty() && program.bound.find(param.name))
      param.bound = "of the variant";
  }
  signature->variant = given.variant;
  program.signatures.push_back(std::move(*signature));
}

void FunctionBinder::run() {
  kernel = findKernel();
  if (!kernel || !program.findSignature(given.kernel))
    return;
  program.bound.kernel = kernel;
  program.bound.ownParams = kernel->params.size();
  for (const FunctionBindings::Entry &entry : given.functions)
    bindText(entry);
  if (!given.variant.empty())
    if (ast::VariantDecl *variant = findVariant())
      bindVariant(*variant);
  if (!program.diagnostics.hasErrors())
    makeSignature();
}

void bindFunctions(ParsedProgram &program, const FunctionBindings &functions) {
  FunctionBinder(program, functions).run();
}

} // namespace attn_grid::compiler
