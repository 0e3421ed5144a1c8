#include "compiler/Frontend/FormatImpl.h"

#include <algorithm>

namespace attn_grid::compiler::formatting {

using Kind = Token::Kind;

/// How loosely a piece binds what is left and right of it, loosest first; none
/// for what is no such operator.
static constexpr int noLevel = 100;
static constexpr int unaryNot = 6;
static constexpr int lastConsistent = 5; // `or` and `and` break together

int Formatter::levelOf(size_t i) const {
  const Piece &piece = pieces[i];
  if (piece.unary || piece.angleOpen || piece.angleClose)
    return noLevel;
  switch (piece.kind) {
  case Kind::Assign:
  case Kind::PlusAssign:
  case Kind::MinusAssign:
  case Kind::StarAssign:
  case Kind::SlashAssign:
  case Kind::PercentAssign:
  case Kind::AmpAssign:
  case Kind::PipeAssign:
  case Kind::CaretAssign:
  case Kind::LessLessAssign:
  case Kind::GreaterGreaterAssign:
    return 0;
  case Kind::Arrow:
    return 1;
  case Kind::KwIn:
    return 2;
  case Kind::Name:
    return piece.word ? 2 : noLevel;
  case Kind::DotDot:
  case Kind::PlusColon:
    return 3;
  case Kind::KwOr:
    return 4;
  case Kind::KwAnd:
    return 5;
  case Kind::KwNot:
    return unaryNot;
  case Kind::EqualEqual:
  case Kind::BangEqual:
  case Kind::Less:
  case Kind::LessEqual:
  case Kind::Greater:
  case Kind::GreaterEqual:
    return 7;
  case Kind::Pipe:
    return 8;
  case Kind::Caret:
    return 9;
  case Kind::Amp:
    return 10;
  case Kind::LessLess:
  case Kind::GreaterGreater:
    return 11;
  case Kind::Plus:
  case Kind::Minus:
    return 12;
  case Kind::Star:
  case Kind::Slash:
  case Kind::Percent:
    return 13;
  case Kind::StarStar:
    return 14;
  default:
    return noLevel;
  }
}

size_t Formatter::find(Span span, Kind kind) const {
  for (size_t i = span.begin; i < span.end; ++i) {
    if (pieces[i].is(kind))
      return i;
    if (pieces[i].opens())
      i = pieces[i].match;
  }
  return span.end;
}

DocId Formatter::expr(Span span) {
  if (span.empty())
    return docs.cat({});
  // Words that stand in front of something.
  switch (pieces[span.begin].kind) {
  case Kind::KwConst:
  case Kind::KwContinue:
  case Kind::KwFn:
  case Kind::KwFor:
  case Kind::KwIf:
  case Kind::KwImport:
  case Kind::KwLet:
  case Kind::KwReturn:
  case Kind::KwVar:
  case Kind::KwWhile: {
    DocId word = docs.piece(span.begin);
    Span rest{span.begin + 1, span.end};
    bool semicolon = rest.empty() || pieces[rest.begin].is(Kind::Semicolon);
    return docs.cat(
        {word, docs.pad(semicolon ? 0 : 1), docs.align(expr(rest))});
  }
  default:
    break;
  }
  // A name and its type.
  size_t assign = find(span, Kind::Assign);
  size_t colon = find({span.begin, assign}, Kind::Colon);
  if (colon > span.begin && colon < assign)
    return docs.cat({expr({span.begin, colon}), docs.piece(colon), docs.pad(1),
                     docs.align(expr({colon + 1, span.end}))});
  // The loosest operators.
  int level = noLevel;
  std::vector<size_t> operators;
  for (size_t i = span.begin; i < span.end; ++i) {
    int own = levelOf(i);
    if (own < level) {
      level = own;
      operators.clear();
    }
    if (own == level && own != noLevel)
      operators.push_back(i);
    if (pieces[i].opens())
      i = pieces[i].match;
  }
  return operators.empty() ? atoms(span) : splitAt(span, operators, level);
}

/// Operands with operators between them, which stand at the ends of lines.
DocId Formatter::splitAt(Span span, const std::vector<size_t> &operators,
                         int level) {
  if (level == unaryNot && operators.front() == span.begin)
    return docs.cat({docs.piece(span.begin), docs.pad(1),
                     docs.align(expr({span.begin + 1, span.end}))});
  bool mayBreak = level > 3;
  bool together = mayBreak && level <= lastConsistent;
  std::vector<DocId> parts = {expr({span.begin, operators.front()})};
  for (size_t i = 0; i < operators.size(); ++i) {
    size_t op = operators[i];
    size_t end = i + 1 < operators.size() ? operators[i + 1] : span.end;
    // `continue unless x`: the word is the first, and so needs no blank.
    if (op > span.begin)
      parts.push_back(docs.pad(1));
    parts.push_back(docs.piece(op));
    if (op + 1 >= end)
      continue;
    DocId operand = expr({op + 1, end});
    if (!mayBreak)
      parts.push_back(docs.cat({docs.pad(1), docs.align(operand)}));
    else if (together)
      parts.push_back(docs.cat({docs.line(), operand}));
    else
      parts.push_back(docs.group(docs.cat({docs.line(), operand})));
  }
  DocId all = docs.cat(std::move(parts));
  if (!mayBreak)
    return all;
  return together ? docs.group(docs.align(all)) : docs.align(all);
}

/// Whether a blank stands between two neighbours that no operator parts.
bool Formatter::blankBetween(size_t before, size_t piece) const {
  const Piece &left = pieces[before], &right = pieces[piece];
  if (left.unary || left.kind == Kind::Dot || left.angleOpen ||
      right.angleOpen || right.angleClose)
    return false;
  switch (right.kind) {
  case Kind::Comma:
  case Kind::Semicolon:
  case Kind::Colon:
  case Kind::Question:
  case Kind::Dot:
    return false;
  case Kind::LParen:
  case Kind::LSquare:
    return !left.endsOperand || left.word;
  default:
    return true;
  }
}

/// Names, numbers, brackets one after the other.
DocId Formatter::atoms(Span span) {
  std::vector<DocId> parts;
  for (size_t i = span.begin; i < span.end; ++i) {
    if (i > span.begin && blankBetween(i - 1, i))
      parts.push_back(docs.pad(1));
    if (pieces[i].opens()) {
      parts.push_back(list(i));
      i = pieces[i].match;
    } else {
      parts.push_back(docs.piece(i));
    }
  }
  return docs.cat(std::move(parts));
}

/// What stands between the commas of a bracket; each span has its comma.
std::vector<Formatter::Span> Formatter::itemSpans(size_t open) const {
  std::vector<Span> spans;
  Span rest{open + 1, pieces[open].match};
  while (!rest.empty()) {
    size_t comma = find(rest, Kind::Comma);
    spans.push_back({rest.begin, std::min(comma + 1, rest.end)});
    rest.begin = comma + 1;
  }
  return spans;
}

std::vector<DocId> Formatter::items(size_t open) {
  std::vector<DocId> result;
  for (Span span : itemSpans(open)) {
    bool comma = pieces[span.end - 1].is(Kind::Comma);
    DocId item = expr({span.begin, span.end - comma});
    result.push_back(comma ? docs.cat({item, docs.piece(span.end - 1)}) : item);
  }
  return result;
}

DocId Formatter::filled(size_t open) {
  std::vector<Span> spans = itemSpans(open);
  std::vector<DocId> parts = items(open);
  for (size_t i = 1; i < parts.size(); ++i) {
    DocId part = docs.cat({docs.line(), parts[i]});
    parts[i] = pieces[spans[i].begin].lineBefore ? part : docs.group(part);
  }
  return docs.cat(std::move(parts));
}

DocId Formatter::list(size_t open) {
  size_t close = pieces[open].match;
  if (close == open + 1)
    return docs.cat({docs.piece(open), docs.piece(close)});
  DocId blank = docs.pad(pieces[open].is(Kind::LBrace) ? 1 : 0);
  DocId inner = docs.hang(filled(open), pieces[open + 1].lineBefore);
  DocId all = docs.cat(
      {docs.piece(open), blank, docs.group(inner), blank, docs.piece(close)});
  // The extents of a type stay together.
  bool extents =
      pieces[open].is(Kind::LSquare) && open > 0 && pieces[open - 1].angleClose;
  return extents ? docs.flat(all) : all;
}

} // namespace attn_grid::compiler::formatting
