#include "compiler/Frontend/Globals.h"

namespace attn_grid::compiler {

Globals::Globals(const ast::Tree &tree) {
  // A file comes after what it imports, so its imports are complete.
  for (const auto &file : tree.files) {
    if (reach.size() <= file->id)
      reach.resize(file->id + 1);
    llvm::DenseSet<FileId> &seen = reach[file->id];
    for (const ast::Import &import : file->imports) {
      if (!import.file || *import.file >= reach.size())
        continue;
      seen.insert(*import.file);
      const llvm::DenseSet<FileId> &further = reach[*import.file];
      seen.insert(further.begin(), further.end());
    }
    for (const ast::DeclPtr &decl : file->decls)
      byName[decl->name.text].push_back(decl.get());
  }
}

void Globals::addGiven(FileId file, FileId root) {
  if (reach.size() <= file)
    reach.resize(file + 1);
  if (root < reach.size())
    reach[file] = reach[root];
  reach[file].insert(root);
}

bool Globals::sees(FileId file, const ast::Decl &decl) const {
  if (decl.name.range.file == file)
    return true;
  return file < reach.size() && reach[file].contains(decl.name.range.file) &&
         !llvm::StringRef(decl.name.text).starts_with("_");
}

const ast::Decl *Globals::find(llvm::StringRef name, FileId file) const {
  auto it = byName.find(name);
  if (it == byName.end())
    return nullptr;
  for (const ast::Decl *decl : it->second)
    if (sees(file, *decl))
      return decl;
  return nullptr;
}

std::vector<const ast::Decl *> Globals::visible(FileId file) const {
  std::vector<const ast::Decl *> decls;
  for (const auto &entry : byName)
    for (const ast::Decl *decl : entry.second)
      if (sees(file, *decl))
        decls.push_back(decl);
  return decls;
}

} // namespace attn_grid::compiler
