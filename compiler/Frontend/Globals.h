#ifndef AG_COMPILER_FRONTEND_GLOBALS_H
#define AG_COMPILER_FRONTEND_GLOBALS_H
/// The declarations of a program outside of functions, by name, as each file
/// sees them: its own, and those of the files it imports (directly or not)
/// whose names do not begin with `_`.

#include "compiler/Frontend/AstDecl.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

namespace attn_grid::compiler {

class Globals {
public:
  explicit Globals(const ast::Tree &tree);

  /// A file beside the tree's that sees what an importer of `root` sees.
  void addGiven(FileId file, FileId root);

  /// The declaration that `name` means in `file`, or null.
  const ast::Decl *find(llvm::StringRef name, FileId file) const;
  /// All declarations that `file` sees.
  std::vector<const ast::Decl *> visible(FileId file) const;
  /// True if `file` sees the declaration.
  bool sees(FileId file, const ast::Decl &decl) const;

private:
  /// All declarations of one name, in the order of the files.
  llvm::StringMap<llvm::SmallVector<const ast::Decl *, 1>> byName;
  std::vector<llvm::DenseSet<FileId>> reach; // by file: what it imports
};

} // namespace attn_grid::compiler

#endif
