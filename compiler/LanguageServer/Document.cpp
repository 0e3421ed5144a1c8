#include "compiler/LanguageServer/Document.h"

namespace attn_grid::compiler::lsp {

void Document::addMistakes(const Diagnostics &diags) {
  for (const Diagnostic *diagnostic : diags.sorted())
    if (mistakes.size() < Diagnostics::maxShown)
      mistakes.push_back(*diagnostic);
}

static std::string keyOf(const Symbol &symbol) {
  return symbol.owner + "." + symbol.name;
}

void Document::update(std::string text, const ContextMaker &makeContext) {
  program = parseProgram(std::move(text), path);
  names = collectSymbols(program->tree);
  mistakes.clear();
  types.clear();
  addMistakes(program->diagnostics);
  if (program->diagnostics.hasErrors())
    return;
  // The first binding of several speaks for all.
  TypeObserver observer = [this](SourceRange range, const std::string &type) {
    types.try_emplace({range.file, range.begin}, type);
  };
  Diagnostics found(program->sources);
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  checkProgram(*program, *context, found, observer);
  addMistakes(found);
  remembered.clear();
  for (const Symbol &symbol : names)
    if (auto type = types.find({symbol.range.file, symbol.range.begin});
        type != types.end())
      remembered[keyOf(symbol)] = type->second;
}

static bool isNameChar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z') || c == '_';
}

/// The end of the name that ends at `end`, going backwards.
static size_t nameBegin(std::string_view text, size_t end) {
  while (end > 0 && isNameChar(text[end - 1]))
    --end;
  return end;
}

Word Document::wordAt(uint32_t offset) const {
  std::string_view text = sources().text(file());
  size_t end = std::min<size_t>(offset, text.size());
  size_t begin = nameBegin(text, end);
  while (end < text.size() && isNameChar(text[end]))
    ++end;
  Word word;
  word.range = {file(), static_cast<uint32_t>(begin),
                static_cast<uint32_t>(end)};
  word.text = text.substr(begin, end - begin);
  if (begin > 0 && text[begin - 1] == '.' &&
      !(begin > 1 && text[begin - 2] == '.')) {
    size_t base = nameBegin(text, begin - 1);
    word.base = text.substr(base, begin - 1 - base);
  }
  return word;
}

std::string Document::typeOf(const Symbol &symbol) const {
  auto known = types.find({symbol.range.file, symbol.range.begin});
  if (known != types.end())
    return known->second;
  auto before = remembered.find(keyOf(symbol));
  return before == remembered.end() ? std::string() : before->second;
}

std::string Document::structOf(const std::string &name,
                               SourceRange place) const {
  const Symbol *symbol = findSymbol(names, name, place);
  if (!symbol)
    return "";
  std::string type = typeOf(*symbol);
  return type.substr(0, type.find('<'));
}

const Symbol *Document::symbolOf(const Word &word) const {
  if (word.text.empty())
    return nullptr;
  // A declaration means itself, a field's too.
  for (const Symbol &symbol : names)
    if (symbol.range == word.range)
      return &symbol;
  if (word.base)
    return findField(names, structOf(*word.base, word.range), word.text);
  return findSymbol(names, word.text, word.range);
}

} // namespace attn_grid::compiler::lsp
