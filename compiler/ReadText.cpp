#include "compiler/ReadText.h"

#include "mlir/Parser/Parser.h"

using namespace mlir;

namespace attn_grid::compiler {

/// A word that MLIR's parser crashes on, or empty.
static StringRef findDeadly(StringRef text) {
  // The width of an element that has none.
  constexpr StringLiteral array = "array<";
  for (size_t at = 0; (at = text.find(array, at)) != StringRef::npos;) {
    at += array.size();
    StringRef element = text.substr(at).take_while(
        [](char c) { return llvm::isAlnum(c) || c == '_' || c == '!'; });
    // `!llvm.array<4 x i8>` is a type.
    if (!element.empty() && !llvm::isDigit(element.front()) &&
        !llvm::is_contained({"i1", "i8", "i16", "i32", "i64", "f32", "f64"},
                            element))
      return text.substr(at - array.size(), array.size() + element.size());
  }
  return {};
}

OwningOpRef<ModuleOp> readText(StringRef text, StringRef name,
                               MLIRContext &context) {
  if (StringRef deadly = findDeadly(text); !deadly.empty()) {
    unsigned line =
        1 + text.take_front(deadly.data() - text.data()).count('\n');
    emitError(FileLineColLoc::get(&context, name, line, 1))
        << "`" << deadly << "` is not read: expected an array of integers or "
        << "floats of whole bytes";
    return nullptr;
  }
  return parseSourceString<ModuleOp>(text, ParserConfig(&context), name);
}

} // namespace attn_grid::compiler
