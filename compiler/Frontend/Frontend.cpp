#include "compiler/Frontend/Frontend.h"

#include "compiler/Frontend/Lowering.h"
#include "compiler/Frontend/Names.h"
#include "compiler/Frontend/Signature.h"

using namespace mlir;

namespace attn_grid::compiler {

const ast::KernelDecl *ParsedProgram::findKernel(std::string_view name) const {
  if (tree.files.empty())
    return nullptr;
  for (const ast::DeclPtr &decl : tree.root().decls)
    if (const auto *kernel = ast::dynAs<ast::KernelDecl>(decl))
      if (kernel->name.text == name)
        return kernel;
  return nullptr;
}

const Signature *ParsedProgram::findSignature(std::string_view name) const {
  for (const Signature &signature : signatures)
    if (signature.name == name)
      return &signature;
  return nullptr;
}

std::unique_ptr<ParsedProgram> parseProgram(
    std::string text, std::string name, std::vector<std::string> includeDirs,
    const std::vector<SourceFile> &imports, const FunctionBindings &functions) {
  auto program = std::make_unique<ParsedProgram>(std::move(includeDirs));
  bool tooLong = text.size() > SourceManager::maxFileSize;
  program->root = program->sources.add(std::move(name), std::move(text));
  if (tooLong) {
    program->diagnostics.error({program->root, 0, 0},
                               "this file is longer than " +
                                   std::to_string(SourceManager::maxFileSize) +
                                   " bytes");
    return program;
  }
  for (const SourceFile &file : imports)
    program->sources.add(file.path, file.text);
  program->tree = parse(program->sources, program->root, program->diagnostics);
  program->globals.emplace(program->tree);
  // A tree with holes would give messages about what was left out.
  if (program->diagnostics.hasErrors())
    return program;
  program->signatures =
      makeSignatures(program->sources, program->tree, program->diagnostics);
  checkNames(program->tree, *program->globals, program->diagnostics);
  if (!functions.empty() && !program->diagnostics.hasErrors())
    bindFunctions(*program, functions);
  return program;
}

OwningOpRef<ModuleOp> lowerKernel(const ParsedProgram &program,
                                  const Specialization &spec,
                                  MLIRContext &context, Diagnostics &diags,
                                  const TypeObserver &observer) {
  const ast::KernelDecl *kernel = program.findKernel(spec.kernel);
  const Signature *signature = program.findSignature(spec.kernel);
  if (!kernel || !signature) {
    diags.error({program.root, 0, 0},
                "this file has no kernel `" + spec.kernel + "`");
    return nullptr;
  }
  return Lowering(program, context, diags, observer)
      .run(*kernel, *signature, spec);
}

} // namespace attn_grid::compiler
