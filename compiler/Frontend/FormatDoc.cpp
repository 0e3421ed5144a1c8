#include "compiler/Frontend/FormatDoc.h"

#include <algorithm>

namespace attn_grid::compiler::formatting {

size_t columnsOf(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (c & 0xc0) != 0x80; });
}

DocId Docs::make(Doc::Kind kind, uint32_t number, std::vector<DocId> children) {
  all.push_back({kind, number, std::move(children)});
  return static_cast<DocId>(all.size() - 1);
}

namespace {
/// A document that is still to be printed.
struct Command {
  DocId doc;
  size_t indent; // of new lines
  size_t base;   // of the statement's first line
  bool flat;
};

/// What a line has room for while it is only tried.
struct Room {
  size_t columns;
  size_t taken = 0;

  bool full() const { return taken > columns; }
  void take(size_t more) { taken += more; }
};

class Printer {
public:
  Printer(const Docs &docs, DocId root)
      : docs(docs), todo{{root, 0, 0, false}} {}
  std::string run();

private:
  /// Lists whose bracket stands further right begin on a line of their own.
  static constexpr size_t hangLimit = 60;
  /// What comes after a piece: anything, or a new line.
  enum class Fit : uint8_t { goesOn, ends, breaks };

  const Docs &docs;
  std::vector<Command> todo; // the next one last
  std::string out;
  size_t column = 0;
  size_t lineIndent = 0;  // of the line that is being written
  bool fresh = true;      // nothing but the indentation is on it
  bool mustBreak = false; // a comment has ended the line

  void step(Command command);
  void push(const Command &command, size_t indent, size_t base, bool flat);
  void write(std::string_view text);
  void newLine(size_t indent);
  void settle(size_t indent);
  void blankLine();
  void writePiece(const Piece &piece, size_t indent);
  void writeBefore(const Piece &piece, size_t indent);
  void writeComment(const PieceComment &comment);
  Fit tryPiece(const Doc &doc, bool last, Room &room) const;
  bool fits(Command command) const;
};
} // namespace

void Printer::push(const Command &command, size_t indent, size_t base,
                   bool flat) {
  const Doc &doc = docs[command.doc];
  for (size_t i = doc.children.size(); i > 0; --i)
    todo.push_back({doc.children[i - 1], indent, base, flat});
}

void Printer::newLine(size_t indent) {
  while (!out.empty() && out.back() == ' ')
    out.pop_back();
  out += '\n';
  out.append(indent, ' ');
  column = lineIndent = indent;
  fresh = true;
  mustBreak = false;
}

/// Ends the line if a comment did.
void Printer::settle(size_t indent) {
  if (mustBreak)
    newLine(indent);
}

void Printer::write(std::string_view text) {
  out += text;
  column += columnsOf(text);
  fresh = false;
}

void Printer::writeComment(const PieceComment &comment) {
  write(comment.text);
  size_t line = comment.text.rfind('\n');
  if (line != std::string::npos)
    column = columnsOf(std::string_view(comment.text).substr(line + 1));
}

/// An empty line before the one that has just begun.
void Printer::blankLine() {
  out.erase(out.find_last_not_of(' ') + 1);
  out += '\n';
  out.append(lineIndent, ' ');
}

void Printer::writeBefore(const Piece &piece, size_t indent) {
  for (size_t i = 0; i < piece.before.size(); ++i) {
    const PieceComment &comment = piece.before[i];
    if (!fresh && comment.lineBefore && comment.lineAfter)
      mustBreak = true;
    settle(indent);
    if (i > 0 && comment.blankBefore && fresh)
      blankLine();
    writeComment(comment);
    if (comment.lineAfter)
      mustBreak = true;
    else
      write(" ");
  }
  if (!piece.before.empty() && mustBreak && piece.blankBefore) {
    newLine(indent);
    blankLine();
  }
}

void Printer::writePiece(const Piece &piece, size_t indent) {
  settle(indent);
  write(piece.text);
  for (const PieceComment &comment : piece.behind) {
    write(std::string(comment.blanks, ' '));
    writeComment(comment);
    mustBreak = true;
  }
}

/// What one document adds to a line that is only tried.
Printer::Fit Printer::tryPiece(const Doc &doc, bool last, Room &room) const {
  const Piece &piece = docs.pieceOf(doc);
  // What stands above the line takes no room on it.
  bool above = fresh && room.taken == 0 && !piece.before.empty() &&
               piece.before.back().lineAfter;
  if (doc.kind == Doc::Kind::Piece && !above)
    for (const PieceComment &comment : piece.before) {
      if (comment.lineAfter || comment.text.find('\n') != std::string::npos)
        return Fit::breaks;
      room.take(columnsOf(comment.text) + 1);
    }
  room.take(columnsOf(piece.text));
  if (piece.behind.empty())
    return Fit::goesOn;
  // The line ends here. The comment may be as long as it is.
  return last ? Fit::ends : Fit::breaks;
}

/// Whether everything up to the next possible new line has room. After what is
/// tried comes the rest, in which groups are not decided and may break.
bool Printer::fits(Command command) const {
  Room room{Docs::width > column ? Docs::width - column : 0};
  std::vector<Command> own = {command};
  size_t rest = todo.size();
  bool inRest = false;
  while (!room.full()) {
    if (own.empty()) {
      if (rest == 0)
        return true;
      own.push_back(todo[--rest]);
      inRest = true;
    }
    Command next = own.back();
    own.pop_back();
    const Doc &doc = docs[next.doc];
    switch (doc.kind) {
    case Doc::Kind::Piece:
    case Doc::Kind::Bare: {
      Fit fit = tryPiece(doc, inRest || own.empty(), room);
      if (fit == Fit::breaks)
        return inRest;
      if (fit == Fit::ends)
        return !room.full();
      break;
    }
    case Doc::Kind::Comments:
      if (!docs.pieceOf(doc).before.empty())
        return inRest;
      break;
    case Doc::Kind::Pad:
      room.take(doc.number);
      break;
    case Doc::Kind::Line:
    case Doc::Kind::Soft:
      if (!next.flat)
        return true;
      room.take(doc.kind == Doc::Kind::Line);
      break;
    case Doc::Kind::Hard:
    case Doc::Kind::Blank:
      return inRest;
    case Doc::Kind::Broken:
      if (!inRest)
        return false;
      [[fallthrough]];
    default:
      for (size_t i = doc.children.size(); i > 0; --i)
        own.push_back({doc.children[i - 1], 0, 0,
                       next.flat || doc.kind == Doc::Kind::Flat});
      break;
    }
  }
  return false;
}

void Printer::step(Command command) {
  const Doc &doc = docs[command.doc];
  size_t indent = command.indent, base = command.base;
  bool flat = command.flat;
  switch (doc.kind) {
  case Doc::Kind::Piece:
    writeBefore(docs.pieceOf(doc), indent);
    [[fallthrough]];
  case Doc::Kind::Bare:
    writePiece(docs.pieceOf(doc), indent);
    break;
  case Doc::Kind::Comments:
    writeBefore(docs.pieceOf(doc), indent);
    break;
  case Doc::Kind::Pad:
    write(std::string(doc.number, ' '));
    break;
  case Doc::Kind::Line:
  case Doc::Kind::Soft:
    if (!flat || mustBreak)
      newLine(indent);
    else if (doc.kind == Doc::Kind::Line)
      write(" ");
    break;
  case Doc::Kind::Blank:
    newLine(indent);
    [[fallthrough]];
  case Doc::Kind::Hard:
    newLine(indent);
    break;
  case Doc::Kind::Group:
    push(command, indent, base, flat || fits({doc.children[0], 0, 0, true}));
    break;
  case Doc::Kind::Indent:
    push(command, indent + doc.number, base, flat);
    break;
  case Doc::Kind::Align:
    settle(indent);
    push(command, column, base, flat);
    break;
  case Doc::Kind::Hang:
    settle(indent);
    if (!flat && (doc.number || column > hangLimit)) {
      base += 4;
      newLine(base);
    }
    push(command, column, base, flat);
    break;
  case Doc::Kind::Base:
    push(command, indent, indent, flat);
    break;
  case Doc::Kind::Flat:
    push(command, indent, base, true);
    break;
  case Doc::Kind::Broken:
    push(command, indent, base, false);
    break;
  case Doc::Kind::Cat:
    push(command, indent, base, flat);
    break;
  }
}

std::string Printer::run() {
  while (!todo.empty()) {
    Command command = todo.back();
    todo.pop_back();
    step(command);
  }
  out.erase(out.find_last_not_of(" \n") + 1);
  if (!out.empty())
    out += '\n';
  return std::move(out);
}

std::string Docs::print(DocId doc) const { return Printer(*this, doc).run(); }

std::optional<size_t> Docs::flatWidth(DocId id, size_t first) const {
  const Doc &doc = all[id];
  size_t sum = 0;
  switch (doc.kind) {
  case Doc::Kind::Piece:
  case Doc::Kind::Bare: {
    const Piece &piece = pieceOf(doc);
    if ((!piece.before.empty() && doc.number != first) || !piece.behind.empty())
      return std::nullopt;
    return columnsOf(piece.text);
  }
  case Doc::Kind::Comments:
    if (!pieceOf(doc).before.empty())
      return std::nullopt;
    return 0;
  case Doc::Kind::Pad:
    return doc.number;
  case Doc::Kind::Line:
    return 1;
  case Doc::Kind::Soft:
    return 0;
  case Doc::Kind::Hard:
  case Doc::Kind::Blank:
  case Doc::Kind::Broken:
    return std::nullopt;
  default:
    for (DocId child : doc.children) {
      std::optional<size_t> width = flatWidth(child, first);
      if (!width)
        return std::nullopt;
      sum += *width;
    }
    return sum;
  }
}

} // namespace attn_grid::compiler::formatting
