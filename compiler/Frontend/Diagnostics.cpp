#include "compiler/Frontend/Diagnostics.h"
#include "compiler/Frontend/Snippet.h"

#include <algorithm>

namespace attn_grid::compiler {

DiagnosticBuilder Diagnostics::error(SourceRange range, std::string message) {
  for (const Diagnostic &known : list)
    if (known.range.file == range.file && known.range.begin == range.begin &&
        (range.valid() || known.message == message))
      return DiagnosticBuilder(nullptr);
  if (full())
    return DiagnosticBuilder(nullptr);
  Diagnostic &added = list.emplace_back();
  added.range = range;
  added.message = std::move(message);
  return DiagnosticBuilder(&added);
}

std::vector<const Diagnostic *> Diagnostics::sorted() const {
  std::vector<const Diagnostic *> order;
  for (const Diagnostic &diagnostic : list)
    order.push_back(&diagnostic);
  std::sort(order.begin(), order.end(),
            [](const Diagnostic *a, const Diagnostic *b) {
              if (a->range.file != b->range.file)
                return a->range.file < b->range.file;
              if (a->range.begin != b->range.begin)
                return a->range.begin < b->range.begin;
              return a->message < b->message;
            });
  return order;
}

/// "flash.ag:30:13: error: ...", or without a place "error: ...".
static void renderHead(const SourceManager &sources, SourceRange range,
                       const char *severity, const std::string &text,
                       std::string &out) {
  if (range.valid()) {
    LineColumn place = sources.lineColumn(range);
    out += escapeForMessage(sources.name(range.file));
    out += ":" + std::to_string(place.line) + ":" +
           std::to_string(place.column) + ": ";
  }
  out += severity;
  out += ": " + escapeForMessage(text) + "\n";
}

static void renderOne(const SourceManager &sources, const Diagnostic &d,
                      std::string &out) {
  renderHead(sources, d.range, "error", d.message, out);
  std::vector<Diagnostic::Note> placed;
  if (d.range.valid()) {
    uint32_t line = sources.lineColumn(d.range).line;
    std::vector<Underline> underlines = {{d.range, true, ""}};
    for (const Diagnostic::Label &label : d.labels) {
      bool here = label.range.valid() && label.range.file == d.range.file &&
                  sources.lineColumn(label.range).line == line;
      if (here)
        underlines.push_back({label.range, false, label.text});
      else
        placed.push_back({label.range, label.text});
    }
    renderSnippet(sources, d.range, std::move(underlines), out);
  }
  // What is about other places comes after what is about this one.
  for (const Diagnostic::Note &note : d.notes)
    if (note.range.valid())
      placed.push_back(note);
    else
      out += "   note: " + escapeForMessage(note.text) + "\n";
  for (const Diagnostic::Note &note : placed) {
    renderHead(sources, note.range, "note", note.text, out);
    if (note.range.valid())
      renderSnippet(sources, note.range, {{note.range, true, ""}}, out);
  }
}

std::string Diagnostics::render() const {
  std::string out;
  std::vector<const Diagnostic *> order = sorted();
  size_t shown = std::min(order.size(), maxShown);
  for (size_t i = 0; i < shown; ++i)
    renderOne(sources, *order[i], out);
  if (size_t hidden = order.size() - shown)
    out += "error: " + std::to_string(hidden) + (full() ? " or more" : "") +
           " further mistakes are not shown\n";
  return out;
}

} // namespace attn_grid::compiler
