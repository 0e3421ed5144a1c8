#ifndef AG_COMPILER_FRONTEND_DIAGNOSTICS_H
#define AG_COMPILER_FRONTEND_DIAGNOSTICS_H
/// Collects mistakes in `.ag` source and prints them in the form of
/// language.md section 7.
///
///     Diagnostics diags(sources);
///     diags.error(call.callee->range, "dot needs matching inner extents: "
///                                     "[64, 64] x [32, 64]")
///         .label(call.args[1].value->range, "tile<f16>[32, 64]")
///         .note("did you mean the transpose, `k[...].T`?");
///     std::string text = diags.render();
///
/// One mistake gives one message: a second error at the same place is dropped.
/// A message is one sentence in plain words, lower case, without a full stop.

#include "compiler/Frontend/Source.h"
#include <deque>
#include <string>
#include <vector>

namespace attn_grid::compiler {

/// A mistake, the places that belong to it, and what to do about it.
struct Diagnostic {
  /// A further range with a few words (may be none). On the line of the
  /// mistake it is underlined there, elsewhere it becomes a note.
  struct Label {
    SourceRange range;
    std::string text;
  };
  /// A further sentence, with a place of its own or (an invalid range) none.
  struct Note {
    SourceRange range;
    std::string text;
  };
  SourceRange range;
  std::string message;
  std::vector<Label> labels;
  std::vector<Note> notes;
};

/// What `Diagnostics::error` gives back, to add to the message.
class DiagnosticBuilder {
public:
  explicit DiagnosticBuilder(Diagnostic *diagnostic) : diagnostic(diagnostic) {}
  /// Underlines a further place and says a few words about it.
  DiagnosticBuilder &label(SourceRange range, std::string text = {}) {
    if (diagnostic)
      diagnostic->labels.push_back({range, std::move(text)});
    return *this;
  }
  /// Adds a sentence: a fix, a reason.
  DiagnosticBuilder &note(std::string text) {
    if (diagnostic)
      diagnostic->notes.push_back({SourceRange(), std::move(text)});
    return *this;
  }
  /// Adds a sentence about another place, which is shown with it.
  DiagnosticBuilder &note(SourceRange range, std::string text) {
    if (diagnostic)
      diagnostic->notes.push_back({range, std::move(text)});
    return *this;
  }

private:
  Diagnostic *diagnostic; // null: the message is dropped
};

/// The mistakes of one compilation.
class Diagnostics {
public:
  /// More mistakes than this are counted, not shown.
  static constexpr size_t maxShown = 20;
  /// More than this are not even kept; `full` asks callers to stop.
  static constexpr size_t maxKept = 200;

  explicit Diagnostics(const SourceManager &sources) : sources(sources) {}

  /// Reports a mistake. The builder is valid until the next call.
  DiagnosticBuilder error(SourceRange range, std::string message);
  bool hasErrors() const { return !list.empty(); }
  bool full() const { return list.size() >= maxKept; }
  size_t size() const { return list.size(); }
  /// In the order of their places, each once.
  std::vector<const Diagnostic *> sorted() const;
  /// All messages as text, in the order of their places; ends in a line break
  /// unless empty.
  std::string render() const;

private:
  const SourceManager &sources;
  std::deque<Diagnostic> list; // addresses are stable
};

} // namespace attn_grid::compiler

#endif
