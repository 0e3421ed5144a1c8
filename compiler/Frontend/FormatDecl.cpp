#include "compiler/Frontend/FormatImpl.h"

#include <algorithm>

namespace attn_grid::compiler::formatting {

using Kind = Token::Kind;

/// To behind its `;` or its braces.
size_t Formatter::endOfDeclaration(size_t begin) const {
  for (size_t i = begin; i + 1 < pieces.size();) {
    const Piece &piece = pieces[i];
    i = piece.opens() ? piece.match + 1 : i + 1;
    if (piece.is(Kind::Semicolon) || piece.is(Kind::LBrace))
      return i;
  }
  return pieces.size() - 1;
}

DocId Formatter::functionParams(size_t open) {
  size_t close = pieces[open].match;
  if (close == open + 1)
    return list(open);
  DocId inner = docs.cat({docs.soft(), filled(open)});
  return docs.group(
      docs.cat({docs.piece(open), docs.indent(4, inner), docs.piece(close)}));
}

DocId Formatter::kernelParams(size_t open) {
  std::vector<Span> spans = itemSpans(open);
  // `out o:` and the blank behind it.
  auto widthOf = [&](Span span, size_t colon) {
    size_t width = 1;
    for (size_t i = span.begin; i < colon; ++i)
      width += pieces[i].text.size() + (i + 1 < colon);
    return width;
  };
  size_t widest = 0;
  for (Span span : spans)
    widest = std::max(widest, widthOf(span, find(span, Kind::Colon)));
  std::vector<DocId> lines;
  for (Span span : spans) {
    size_t colon = find(span, Kind::Colon);
    bool comma = pieces[span.end - 1].is(Kind::Comma);
    lines.push_back(lines.empty() ? docs.hard() : separator(span.begin));
    lines.push_back(expr({span.begin, colon}));
    lines.push_back(docs.piece(colon));
    lines.push_back(docs.pad(widest - widthOf(span, colon) + 1));
    DocId type = expr({colon + 1, span.end - comma});
    lines.push_back(docs.base(docs.align(type)));
    if (comma)
      lines.push_back(docs.piece(span.end - 1));
  }
  return docs.cat({docs.piece(open), docs.indent(4, docs.cat(std::move(lines))),
                   docs.piece(pieces[open].match)});
}

/// The `where`, `grid` and `tune` of a kernel's head.
std::vector<Formatter::Span> Formatter::clausesOf(Span span) const {
  std::vector<Span> clauses;
  for (size_t i = span.begin; i < span.end;
       i = pieces[i].opens() ? pieces[i].match + 1 : i + 1) {
    const Piece &piece = pieces[i];
    if (!piece.is(Kind::Name) || !piece.word || piece.text == "step")
      continue;
    if (!clauses.empty())
      clauses.back().end = i;
    clauses.push_back({i, span.end});
  }
  return clauses;
}

/// On one line up to its body if the author began its parameters there and they
/// have room, else parameters and clauses stand on lines of their own.
DocId Formatter::kernel(Span span) {
  size_t open = find(span, Kind::LParen);
  size_t body = find(span, Kind::LBrace);
  DocId head = expr({span.begin, open});
  std::vector<DocId> onOneLine = {head, list(open)};
  std::vector<DocId> lines = {head, kernelParams(open)};
  for (Span clause : clausesOf({pieces[open].match + 1, body})) {
    DocId made = docs.cat({docs.piece(clause.begin), docs.pad(1),
                           docs.align(expr({clause.begin + 1, clause.end}))});
    onOneLine.push_back(docs.cat({docs.pad(1), made}));
    lines.push_back(docs.indent(2, docs.cat({docs.hard(), made})));
  }
  DocId flat = docs.cat(std::move(onOneLine));
  std::optional<size_t> width = docs.flatWidth(flat, span.begin);
  bool fits = width && *width + 2 <= Docs::width && pieces[body].before.empty();
  bool empty = pieces[open].match == open + 1;
  if (fits && (empty || !pieces[open + 1].lineBefore))
    return docs.group(
        docs.cat({flat, docs.pad(1), block(body, mayStandOnOneLine(body))}));
  lines.push_back(docs.hard());
  lines.push_back(block(body, /*oneLine=*/false));
  return docs.cat(std::move(lines));
}

DocId Formatter::function(Span span) {
  size_t open = find(span, Kind::LParen);
  size_t body = find(span, Kind::LBrace);
  size_t result = pieces[open].match + 1;
  std::vector<DocId> parts = {expr({span.begin, open}), functionParams(open)};
  if (result < body)
    parts.push_back(docs.flat(docs.cat({docs.pad(1), expr({result, body})})));
  parts.push_back(docs.pad(1));
  parts.push_back(block(body, mayStandOnOneLine(body)));
  return docs.group(docs.cat(std::move(parts)));
}

DocId Formatter::structDecl(Span span) {
  size_t open = find(span, Kind::LBrace);
  size_t close = pieces[open].match;
  std::vector<DocId> head = {expr({span.begin, open}), docs.pad(1),
                             docs.piece(open)};
  std::vector<Span> spans = itemSpans(open);
  std::vector<DocId> fields = items(open);
  bool apart = !spans.empty() && pieces[open + 1].lineBefore;
  std::vector<DocId> lines;
  for (size_t i = 0; i < fields.size(); ++i) {
    bool hard = apart && i > 0;
    lines.push_back(hard ? separator(spans[i].begin) : docs.line());
    lines.push_back(fields[i]);
  }
  bool comments = !pieces[close].before.empty();
  if (comments)
    lines.push_back(docs.cat({docs.hard(), docs.comments(close)}));
  head.push_back(docs.indent(2, docs.cat(std::move(lines))));
  if (!spans.empty() || comments)
    head.push_back(docs.line());
  head.push_back(docs.bare(close));
  return docs.group(docs.cat(std::move(head)), apart || comments);
}

DocId Formatter::variant(Span span) {
  size_t body = find(span, Kind::LBrace);
  size_t open = std::min(find({span.begin, body}, Kind::LParen), body);
  std::vector<DocId> parts = {expr({span.begin, open})};
  if (open < body)
    parts.push_back(functionParams(open));
  parts.push_back(docs.pad(1));
  parts.push_back(docs.piece(body));
  size_t close = pieces[body].match;
  std::vector<DocId> inner;
  for (size_t at = body + 1; at < close;) {
    size_t end = endOfDeclaration(at);
    inner.push_back(inner.empty() ? docs.hard() : separator(at));
    inner.push_back(function({at, end}));
    at = end;
  }
  bool comments = !pieces[close].before.empty();
  if (comments) {
    inner.push_back(inner.empty() ? docs.hard() : separator(close));
    inner.push_back(docs.comments(close));
  }
  bool empty = inner.empty();
  parts.push_back(docs.indent(2, docs.cat(std::move(inner))));
  if (!empty)
    parts.push_back(docs.hard());
  parts.push_back(docs.bare(close));
  return docs.cat(std::move(parts));
}

DocId Formatter::declaration(Span span) {
  switch (pieces[span.begin].kind) {
  case Kind::KwKernel:
    return kernel(span);
  case Kind::KwStruct:
    return structDecl(span);
  case Kind::KwFn:
    return function(span);
  case Kind::KwVariant:
    return variant(span);
  default:
    return statement(span, std::nullopt);
  }
}

std::string Formatter::run() {
  std::vector<DocId> parts;
  size_t end = pieces.size() - 1;
  Kind last = Kind::End;
  for (size_t at = 0; at < end;) {
    Kind kind = pieces[at].kind;
    auto either = [&](Kind wanted) { return kind == wanted || last == wanted; };
    bool apart = either(Kind::KwKernel) || either(Kind::KwVariant) ||
                 (last == Kind::KwImport && kind != Kind::KwImport);
    if (at > 0)
      parts.push_back(apart ? docs.blank() : separator(at));
    Span span{at, endOfDeclaration(at)};
    parts.push_back(declaration(span));
    at = span.end;
    last = kind;
  }
  if (end > 0)
    parts.push_back(separator(end));
  parts.push_back(docs.comments(end));
  return docs.print(docs.cat(std::move(parts)));
}

} // namespace attn_grid::compiler::formatting
