#ifndef AG_COMPILER_FRONTEND_FORMATDOC_H
#define AG_COMPILER_FRONTEND_FORMATDOC_H
/// Layouts to choose from, and the printer that chooses: Wadler's documents
/// ("A prettier printer", 2003), printed from left to right in one pass. A
/// group stands on one line if it fits, else its own lines break; groups within
/// are then tried for themselves.
///
///     group(cat({text(open), hang(text(a), false), group(cat({line(),
///     text(b)}))}))
///
/// Documents are plain values in one arena, so that making and freeing them
/// costs little and nothing is recursive but the nesting of the source.

#include "compiler/Frontend/FormatTokens.h"
#include <optional>

namespace attn_grid::compiler::formatting {

/// The position of a document in its arena.
using DocId = uint32_t;

/// A document. `children` of most kinds is one.
struct Doc {
  enum class Kind : uint8_t {
    Piece,    // number: the piece, with its comments
    Bare,     // as Piece, without the comments before it
    Comments, // only the comments before a piece
    Pad,      // number: blanks
    Line,     // a blank, or a new line
    Soft,     // nothing, or a new line
    Hard,     // a new line
    Blank,    // an empty line
    Cat,      // all children
    Group,    // on one line, if that fits
    Broken,   // a group that does not fit
    Indent,   // number: deeper than the line it begins on
    Align,    // new lines begin where this begins
    Hang,     // as Align, or on a line of its own: always (number) or where
              // there is little room
    Flat,     // on one line whatever its length
    Base,     // lines of its own are indented from the line it begins on
  };
  Kind kind = Kind::Cat;
  uint32_t number = 0;
  std::vector<DocId> children;
};

/// Owns documents, and prints them.
class Docs {
public:
  /// Lines are no longer than this if that can be avoided.
  static constexpr size_t width = 100;

  explicit Docs(const std::vector<Piece> &pieces) : pieces(pieces) {}

  DocId make(Doc::Kind kind, uint32_t number = 0,
             std::vector<DocId> children = {});
  DocId piece(size_t i) { return make(Doc::Kind::Piece, i); }
  DocId bare(size_t i) { return make(Doc::Kind::Bare, i); }
  DocId comments(size_t i) { return make(Doc::Kind::Comments, i); }
  DocId pad(size_t blanks) { return make(Doc::Kind::Pad, blanks); }
  DocId line() { return make(Doc::Kind::Line); }
  DocId soft() { return make(Doc::Kind::Soft); }
  DocId hard() { return make(Doc::Kind::Hard); }
  DocId blank() { return make(Doc::Kind::Blank); }
  DocId cat(std::vector<DocId> all) {
    return make(Doc::Kind::Cat, 0, std::move(all));
  }
  DocId group(DocId doc, bool broken = false) {
    return make(broken ? Doc::Kind::Broken : Doc::Kind::Group, 0, {doc});
  }
  DocId indent(size_t by, DocId doc) {
    return make(Doc::Kind::Indent, by, {doc});
  }
  DocId align(DocId doc) { return make(Doc::Kind::Align, 0, {doc}); }
  DocId hang(DocId doc, bool ownLine) {
    return make(Doc::Kind::Hang, ownLine, {doc});
  }
  DocId flat(DocId doc) { return make(Doc::Kind::Flat, 0, {doc}); }
  DocId base(DocId doc) { return make(Doc::Kind::Base, 0, {doc}); }

  const Doc &operator[](DocId id) const { return all[id]; }
  /// The whole text; ends in a line break unless empty.
  std::string print(DocId doc) const;
  /// The width on one line; nothing if it cannot stand on one. Comments before
  /// piece `first` do not count.
  std::optional<size_t> flatWidth(DocId doc, size_t first) const;
  const Piece &pieceOf(const Doc &doc) const { return pieces[doc.number]; }

private:
  const std::vector<Piece> &pieces;
  std::vector<Doc> all;
};

/// How many columns a text takes.
size_t columnsOf(std::string_view text);

} // namespace attn_grid::compiler::formatting

#endif
