#include "compiler/Frontend/FormatImpl.h"

#include <algorithm>

namespace attn_grid::compiler::formatting {

using Kind = Token::Kind;

DocId Formatter::separator(size_t next) {
  const Piece &piece = pieces[next];
  bool blank = piece.before.empty() ? piece.blankBefore
                                    : piece.before.front().blankBefore;
  return blank ? docs.blank() : docs.hard();
}

/// To behind its `;` or last block; needless `;` are part of it.
size_t Formatter::endOfStatement(size_t begin, size_t limit) const {
  size_t end = begin;
  while (end < limit) {
    const Piece &piece = pieces[end];
    bool block = piece.blockOpen;
    end = piece.opens() ? piece.match + 1 : end + 1;
    if (piece.is(Kind::Semicolon) ||
        (block && !(end < limit && pieces[end].is(Kind::KwElse))))
      break;
  }
  while (end < limit && pieces[end].is(Kind::Semicolon))
    ++end;
  return end;
}

/// A block of at most one statement without blocks, on the line of its brace,
/// without comments: such stay on one line if there is room.
bool Formatter::mayStandOnOneLine(size_t open) const {
  size_t close = pieces[open].match;
  if (pieces[open + 1].lineBefore && close > open + 1)
    return false;
  for (size_t i = open; i < close; ++i)
    if (!pieces[i].behind.empty() || !pieces[i + 1].before.empty() ||
        (i > open && pieces[i].blockOpen))
      return false;
  return endOfStatement(open + 1, close) == close;
}

DocId Formatter::block(size_t open, bool oneLine) {
  size_t close = pieces[open].match;
  DocId inner = statements({open + 1, close});
  std::vector<DocId> parts = {docs.piece(open)};
  bool comments = !pieces[close].before.empty();
  if (oneLine && close > open + 1) {
    parts.push_back(docs.indent(2, docs.cat({docs.line(), inner})));
    parts.push_back(docs.line());
  } else {
    if (close > open + 1)
      parts.push_back(docs.indent(2, docs.cat({docs.hard(), inner})));
    if (comments) {
      DocId before = close > open + 1 ? separator(close) : docs.hard();
      parts.push_back(docs.indent(2, docs.cat({before, docs.comments(close)})));
    }
    if (close > open + 1 || comments)
      parts.push_back(docs.hard());
  }
  parts.push_back(docs.bare(close));
  return docs.cat(std::move(parts));
}

/// `let x = ...`, without comments up to the value.
bool Formatter::isSimpleLet(Span span) const {
  const Piece *piece = &pieces[span.begin];
  return (piece->is(Kind::KwLet) || piece->is(Kind::KwVar)) &&
         piece[1].is(Kind::Name) && piece[0].behind.empty() &&
         piece[1].before.empty() && piece[1].behind.empty() &&
         piece[2].before.empty();
}

std::vector<std::optional<size_t>>
Formatter::alignment(const std::vector<Span> &stmts) const {
  std::vector<std::optional<size_t>> pads(stmts.size());
  auto widthOf = [&](Span span) {
    return pieces[span.begin].text.size() + pieces[span.begin + 1].text.size();
  };
  for (size_t first = 0; first < stmts.size();) {
    size_t last = first;
    size_t widest = 0;
    bool wanted = false;
    for (; last < stmts.size() && isSimpleLet(stmts[last]); ++last) {
      const Piece &start = pieces[stmts[last].begin];
      if (last > first && (start.blankBefore || !start.before.empty()))
        break;
      widest = std::max(widest, widthOf(stmts[last]));
      wanted |= pieces[stmts[last].begin + 2].wideBefore;
    }
    for (size_t i = first; wanted && i < last; ++i)
      pads[i] = widest - widthOf(stmts[i]);
    first = std::max(last, first + 1);
  }
  return pads;
}

DocId Formatter::statements(Span span) {
  std::vector<Span> stmts;
  for (size_t at = span.begin; at < span.end;) {
    size_t end = endOfStatement(at, span.end);
    stmts.push_back({at, end});
    at = end;
  }
  std::vector<std::optional<size_t>> pads = alignment(stmts);
  std::vector<DocId> parts;
  for (size_t i = 0; i < stmts.size(); ++i) {
    if (i > 0)
      parts.push_back(separator(stmts[i].begin));
    parts.push_back(statement(stmts[i], pads[i]));
  }
  return docs.cat(std::move(parts));
}

/// As `expr` lays it out, but for the blanks before the `=`.
DocId Formatter::paddedLet(Span span, size_t pad) {
  size_t word = span.begin, name = word + 1, assign = word + 2;
  DocId value = docs.align(expr({assign + 1, span.end}));
  DocId rest = docs.cat({docs.piece(name), docs.pad(pad + 1),
                         docs.piece(assign), docs.pad(1), value});
  return docs.cat({docs.piece(word), docs.pad(1), docs.align(rest)});
}

DocId Formatter::statement(Span span, std::optional<size_t> pad) {
  // What stands before the `;`, or before the next block.
  size_t end = span.end;
  while (end > span.begin && pieces[end - 1].is(Kind::Semicolon))
    --end;
  std::vector<DocId> parts;
  size_t at = span.begin;
  bool oneLine = true;
  for (size_t i = at; i < end;
       i = pieces[i].opens() ? pieces[i].match + 1 : i + 1)
    oneLine &= !pieces[i].blockOpen || mayStandOnOneLine(i);
  while (at < end) {
    size_t open = at;
    while (open < end && !pieces[open].blockOpen)
      open = pieces[open].opens() ? pieces[open].match + 1 : open + 1;
    if (pieces[at].is(Kind::KwElse)) {
      parts.push_back(docs.pad(1));
      parts.push_back(docs.piece(at++));
      if (at < open)
        parts.push_back(docs.pad(1));
    }
    parts.push_back(pad ? paddedLet({at, open}, *pad) : expr({at, open}));
    at = open;
    if (open == end)
      break;
    parts.push_back(docs.pad(1));
    parts.push_back(block(open, oneLine));
    at = pieces[open].match + 1;
  }
  for (size_t i = end; i < span.end; ++i)
    parts.push_back(docs.piece(i));
  return docs.base(docs.group(docs.cat(std::move(parts))));
}

} // namespace attn_grid::compiler::formatting
