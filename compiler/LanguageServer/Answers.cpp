#include "compiler/LanguageServer/Answers.h"

#include "compiler/Frontend/Format.h"
#include "compiler/LanguageServer/Builtins.h"
#include "compiler/LanguageServer/Place.h"

#include <filesystem>

namespace attn_grid::compiler::lsp {

// ---------------------------------------------------------------- diagnostics

/// A file of the prelude has no place on disk to which an editor could go.
static bool isOnDisk(const SourceManager &sources, FileId file) {
  std::error_code error;
  return std::filesystem::exists(sources.name(file), error) && !error;
}

static std::string placeOf(const SourceManager &sources, SourceRange range) {
  LineColumn place = sources.lineColumn(range);
  return std::string(sources.name(range.file)) + ":" +
         std::to_string(place.line) + ":" + std::to_string(place.column);
}

/// The `import` through which a document comes by a mistake in another file.
static SourceRange importOf(const Document &document, FileId file) {
  SourceRange first{document.file(), 0, 0};
  if (document.tree().files.empty())
    return first;
  for (const ast::Import &import : document.tree().root().imports) {
    if (import.file == file)
      return import.pathRange;
    first = first.end ? first : import.pathRange;
  }
  return first;
}

static Json diagnosticOf(const Document &document, const Diagnostic &mistake) {
  const SourceManager &sources = document.sources();
  SourceRange range = mistake.range;
  std::string message = mistake.message;
  if (!range.valid()) {
    range = {document.file(), 0, 0};
  } else if (range.file != document.file()) {
    message = "in " + placeOf(sources, range) + ": " + message;
    range = importOf(document, range.file);
  }
  Json related = Json::array();
  auto add = [&](SourceRange place, const std::string &text) {
    if (place.valid() && isOnDisk(sources, place.file))
      related.push_back(
          {{"location", locationOf(sources, place)}, {"message", text}});
    else if (place.valid())
      message += "\n" + placeOf(sources, place) + ": " + text;
    else
      message += "\n" + text;
  };
  for (const Diagnostic::Label &label : mistake.labels)
    if (!label.text.empty())
      add(label.range, label.text);
  for (const Diagnostic::Note &note : mistake.notes)
    add(note.range, note.text);
  Json result = {{"range", rangeOf(sources, range)},
                 {"severity", 1},
                 {"source", "agc"},
                 {"message", message}};
  if (!related.empty())
    result["relatedInformation"] = std::move(related);
  return result;
}

Json diagnosticsOf(const Document &document) {
  Json list = Json::array();
  for (const Diagnostic &mistake : document.diagnostics())
    list.push_back(diagnosticOf(document, mistake));
  return list;
}

// -------------------------------------------------------- hover and definition

/// A declaration without the line breaks of a long head.
static std::string headText(const Document &document, const Symbol &symbol) {
  std::string text;
  for (char c : document.sources().text(symbol.declaration)) {
    bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!blank)
      text += c;
    else if (!text.empty() && text.back() != ' ')
      text += ' ';
  }
  while (text.ends_with(' ') || text.ends_with('{'))
    text.pop_back();
  constexpr size_t longest = 2000;
  if (text.size() > longest)
    text = text.substr(0, longest) + " ...";
  return text;
}

static std::string symbolText(const Document &document, const Symbol &symbol) {
  std::string text = "```ag\n" + headText(document, symbol) + "\n```";
  std::string type = document.typeOf(symbol);
  if (!type.empty())
    text += "\n\n`" + symbol.name + "` is `" + type + "`";
  if (!symbol.remark.empty())
    text += "\n\n" + symbol.remark;
  if (!symbol.doc.empty())
    text += "\n\n" + symbol.doc;
  return text;
}

static std::string builtinText(const Builtin &builtin) {
  std::string text = "```ag\n" + std::string(builtin.signature) + "\n```";
  if (!builtin.doc.empty())
    text += "\n\n" + std::string(builtin.doc);
  return text;
}

Json hoverAt(const Document &document, uint32_t offset) {
  Word word = document.wordAt(offset);
  std::string text;
  if (const Symbol *symbol = document.symbolOf(word))
    text = symbolText(document, *symbol);
  else if (word.base)
    text = word.text == "T" ? "the transpose: the last two axes swapped" : "";
  else if (const Builtin *builtin = findBuiltin(word.text))
    text = builtinText(*builtin);
  if (text.empty())
    return nullptr;
  return {{"contents", {{"kind", "markdown"}, {"value", text}}},
          {"range", rangeOf(document.sources(), word.range)}};
}

/// The file that an `import` at a place names.
static Json importAt(const Document &document, uint32_t offset) {
  if (document.tree().files.empty())
    return nullptr;
  for (const ast::Import &import : document.tree().root().imports)
    if (import.file && import.range.begin <= offset &&
        offset <= import.range.end &&
        isOnDisk(document.sources(), *import.file))
      return locationOf(document.sources(), {*import.file, 0, 0});
  return nullptr;
}

Json definitionAt(const Document &document, uint32_t offset) {
  const Symbol *symbol = document.symbolOf(document.wordAt(offset));
  if (!symbol)
    return importAt(document, offset);
  if (symbol->range.file != document.file() &&
      !isOnDisk(document.sources(), symbol->range.file))
    return nullptr;
  return locationOf(document.sources(), symbol->range);
}

// ----------------------------------------------------------------- completion

/// The protocol's numbers for kinds of completions.
static int completionKind(Symbol::Kind kind) {
  switch (kind) {
  case Symbol::Kind::function:
  case Symbol::Kind::kernel:
    return 3; // Function
  case Symbol::Kind::field:
    return 5; // Field
  case Symbol::Kind::structure:
  case Symbol::Kind::variant:
    return 22; // Struct
  case Symbol::Kind::constant:
  case Symbol::Kind::extent:
    return 21; // Constant
  case Symbol::Kind::type:
    return 25; // TypeParameter
  case Symbol::Kind::parameter:
  case Symbol::Kind::variable:
    break;
  }
  return 6; // Variable
}

static int completionKind(Builtin::Kind kind) {
  switch (kind) {
  case Builtin::Kind::function:
    return 3; // Function
  case Builtin::Kind::constant:
    return 21; // Constant
  case Builtin::Kind::type:
    return 7; // Class
  case Builtin::Kind::word:
    break;
  }
  return 14; // Keyword
}

static Json completionOf(const Document &document, const Symbol &symbol) {
  std::string detail = document.typeOf(symbol);
  if (detail.empty())
    detail = headText(document, symbol);
  Json item = {{"label", symbol.name},
               {"kind", completionKind(symbol.kind)},
               {"detail", detail}};
  if (!symbol.doc.empty())
    item["documentation"] = symbol.doc;
  return item;
}

Json completionAt(const Document &document, uint32_t offset) {
  Word word = document.wordAt(offset);
  Json items = Json::array();
  if (word.base) {
    std::string structure = document.structOf(*word.base, word.range);
    for (const Symbol &symbol : document.symbols())
      if (symbol.kind == Symbol::Kind::field && symbol.owner == structure)
        items.push_back(completionOf(document, symbol));
    if (items.empty())
      items.push_back({{"label", "T"}, {"kind", 5}, {"detail", "transpose"}});
    return {{"isIncomplete", false}, {"items", items}};
  }
  for (const Symbol &symbol : document.symbols())
    if (isVisible(symbol, word.range))
      items.push_back(completionOf(document, symbol));
  for (const Builtin &builtin : builtins())
    items.push_back({{"label", builtin.name},
                     {"kind", completionKind(builtin.kind)},
                     {"detail", builtin.signature},
                     {"documentation", builtin.doc}});
  return {{"isIncomplete", false}, {"items", items}};
}

// -------------------------------------------------------- outline, formatting

/// The protocol's numbers for kinds of symbols.
static int outlineKind(ast::Decl::Kind kind) {
  switch (kind) {
  case ast::Decl::Kind::Const:
    return 14; // Constant
  case ast::Decl::Kind::Struct:
    return 23; // Struct
  case ast::Decl::Kind::Variant:
    return 5; // Class
  case ast::Decl::Kind::Fn:
  case ast::Decl::Kind::Kernel:
    break;
  }
  return 12; // Function
}

static Json outlineEntry(const SourceManager &sources, const ast::Name &name,
                         SourceRange range, int kind) {
  return {{"name", name.text},
          {"kind", kind},
          {"range", rangeOf(sources, range)},
          {"selectionRange", rangeOf(sources, name.range)}};
}

Json outlineOf(const Document &document) {
  Json list = Json::array();
  if (document.tree().files.empty())
    return list;
  const SourceManager &sources = document.sources();
  for (const ast::DeclPtr &decl : document.tree().root().decls) {
    Json entry =
        outlineEntry(sources, decl->name, decl->range, outlineKind(decl->kind));
    Json children = Json::array();
    if (const auto *structure = ast::dynAs<ast::StructDecl>(decl))
      for (const ast::StructDecl::Field &field : structure->fields)
        children.push_back(
            outlineEntry(sources, field.name, field.range, 8)); // Field
    if (const auto *variant = ast::dynAs<ast::VariantDecl>(decl))
      for (const auto &fn : variant->functions)
        children.push_back(
            outlineEntry(sources, fn->name, fn->range, outlineKind(fn->kind)));
    if (!children.empty())
      entry["children"] = std::move(children);
    list.push_back(std::move(entry));
  }
  return list;
}

Json formatEdits(const Document &document) {
  const SourceManager &sources = document.sources();
  Diagnostics diags(sources);
  std::optional<std::string> text = formatFile(sources, document.file(), diags);
  if (!text)
    return nullptr;
  std::string_view before = sources.text(document.file());
  if (*text == before)
    return Json::array();
  SourceRange all{document.file(), 0, static_cast<uint32_t>(before.size())};
  return Json::array(
      {{{"range", rangeOf(sources, all)}, {"newText", std::move(*text)}}});
}

} // namespace attn_grid::compiler::lsp
