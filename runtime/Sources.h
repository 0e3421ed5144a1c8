#ifndef AG_RUNTIME_SOURCES_H
#define AG_RUNTIME_SOURCES_H
/// A source with the files that it imports, found without parsing.

#include "attn_grid/artifact.hpp"
#include <string>
#include <string_view>
#include <vector>

namespace attn_grid::detail {

/// A source and all that it imports from disk, read once: what the compiler
/// sees later is what was hashed here, whatever happens to the files.
struct Sources {
  std::string text;
  std::string name;
  std::vector<std::string> include_dirs;
  std::vector<SourceFile> imports;
  FunctionBindings functions; // of one kernel, if any
  std::string hash;           // of all texts and of who imports what
};

/// Reads what `text` imports: files beside the importer, then in the folders.
/// An import that is in neither is the compiler's own, or a mistake that the
/// compiler will find.
AG_API Sources collect_sources(std::string_view text, std::string_view name,
                               std::vector<std::string> include_dirs);

/// The same with functions bound to one kernel: a source of its own.
AG_API Sources bind_functions(Sources sources, FunctionBindings functions);

/// The files that a text imports, as it spells them.
std::vector<std::string> imports_of(std::string_view text);

} // namespace attn_grid::detail

#endif
