#include "compiler/Frontend/FormatTokens.h"

#include <algorithm>

namespace attn_grid::compiler::formatting {

using Kind = Token::Kind;

bool Piece::opens() const {
  return angleOpen || kind == Kind::LParen || kind == Kind::LSquare ||
         kind == Kind::LBrace;
}

bool Piece::closes() const {
  return angleClose || kind == Kind::RParen || kind == Kind::RSquare ||
         kind == Kind::RBrace;
}

namespace {
/// What stands between two tokens or comments.
struct Gap {
  int lines = 0;
  size_t blanks = 0;
};

class PieceMaker {
public:
  PieceMaker(std::string_view text, const TokenList &list,
             const TokenRoles &roles)
      : text(text), list(list), roles(roles) {}

  std::vector<Piece> run();

private:
  std::string_view text;
  const TokenList &list;
  const TokenRoles &roles;
  std::vector<Piece> pieces;
  size_t comment = 0; // the next one
  uint32_t end = 0;   // of what was read last

  Gap gapTo(uint32_t begin) const;
  void addComments(Piece &piece, size_t token);
  void add(Piece piece, std::string_view text, Kind kind);
  void addSplit(Piece piece, const Token &token);
  void classify(Piece &piece) const;
  void matchBrackets();
};
} // namespace

/// Whether `place` is in a sorted list.
static bool contains(const std::vector<uint32_t> &places, uint32_t place) {
  return std::binary_search(places.begin(), places.end(), place);
}

Gap PieceMaker::gapTo(uint32_t begin) const {
  Gap gap;
  for (char c : text.substr(end, begin - end)) {
    gap.lines += c == '\n';
    gap.blanks += c == ' ' || c == '\t';
  }
  return gap;
}

/// Without carriage returns at the ends of lines, and without blanks at the
/// end.
static std::string cleanComment(std::string_view text) {
  std::string clean;
  for (char c : text) {
    if (c == '\n')
      clean.erase(clean.find_last_not_of('\r') + 1);
    clean += c;
  }
  clean.erase(clean.find_last_not_of(" \t\r") + 1);
  return clean;
}

/// Comments behind code stay apart from it, but not further than this.
static constexpr size_t maxBlanks = 60;

/// The comments between the last piece and a token.
void PieceMaker::addComments(Piece &piece, size_t token) {
  bool onLine = !pieces.empty(); // of the last piece
  for (;
       comment < list.comments.size() && list.comments[comment].token == token;
       ++comment) {
    const Comment &source = list.comments[comment];
    Gap gap = gapTo(source.begin);
    PieceComment made;
    made.text =
        cleanComment(text.substr(source.begin, source.end - source.begin));
    made.lineBefore = end == 0 || gap.lines > 0;
    made.blankBefore = gap.lines > 1;
    made.blanks = std::clamp<size_t>(gap.blanks, 2, maxBlanks);
    end = source.end;
    // A comment that something follows on its line belongs to what follows.
    size_t next = text.find_first_not_of(" \t\r", end);
    made.lineAfter = next == std::string_view::npos || text[next] == '\n';
    onLine = onLine && !made.lineBefore && made.lineAfter;
    if (onLine)
      pieces.back().behind.push_back(std::move(made));
    else
      piece.before.push_back(std::move(made));
  }
}

static bool isWord(std::string_view name) {
  return name == "step" || name == "where" || name == "grid" || name == "tune";
}

void PieceMaker::classify(Piece &piece) const {
  const Piece *last = pieces.empty() ? nullptr : &pieces.back();
  bool afterOperand = last && last->endsOperand && !last->word;
  switch (piece.kind) {
  case Kind::Name:
    // Nowhere else do two names follow each other.
    piece.word =
        (afterOperand && isWord(piece.text)) ||
        (piece.text == "unless" && last && last->kind == Kind::KwContinue);
    piece.endsOperand = true;
    break;
  case Kind::Integer:
  case Kind::Float:
  case Kind::String:
  case Kind::KwTrue:
  case Kind::KwFalse:
  case Kind::KwNone:
  case Kind::RParen:
  case Kind::RSquare:
  case Kind::RBrace:
    piece.endsOperand = true;
    break;
  case Kind::Minus:
  case Kind::Tilde:
    piece.unary = !afterOperand;
    break;
  default:
    piece.endsOperand = piece.angleClose;
    break;
  }
}

void PieceMaker::add(Piece piece, std::string_view text, Kind kind) {
  piece.text = text;
  piece.kind = kind;
  classify(piece);
  pieces.push_back(std::move(piece));
}

/// A token, or the parts of one that begins with the `>` of a list.
void PieceMaker::addSplit(Piece piece, const Token &token) {
  std::string_view all = text.substr(token.begin, token.end - token.begin);
  uint32_t at = token.begin;
  while (!all.empty() && contains(roles.angleCloses, at)) {
    piece.angleClose = true;
    add(std::move(piece), all.substr(0, 1), Kind::Greater);
    piece = Piece();
    all.remove_prefix(1);
    ++at;
  }
  if (at == token.begin)
    add(std::move(piece), all, token.kind);
  else if (!all.empty())
    add(std::move(piece), all,
        all == ">"    ? Kind::Greater
        : all == ">=" ? Kind::GreaterEqual
        : all == ">>" ? Kind::GreaterGreater
                      : Kind::Assign);
}

void PieceMaker::matchBrackets() {
  std::vector<size_t> open;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].opens()) {
      open.push_back(i);
    } else if (pieces[i].closes() && !open.empty()) {
      pieces[i].match = open.back();
      pieces[open.back()].match = i;
      open.pop_back();
    }
  }
}

std::vector<Piece> PieceMaker::run() {
  if (text.starts_with("\xef\xbb\xbf"))
    end = 3;
  for (size_t i = 0; i < list.tokens.size(); ++i) {
    const Token &token = list.tokens[i];
    Piece piece;
    size_t commentsBefore = comment;
    addComments(piece, i);
    Gap gap = gapTo(token.begin);
    piece.lineBefore = gap.lines > 0;
    piece.blankBefore = gap.lines > 1;
    piece.wideBefore =
        gap.lines == 0 && gap.blanks > 1 && comment == commentsBefore;
    piece.angleOpen = contains(roles.angleOpens, token.begin);
    piece.blockOpen = contains(roles.blockOpens, token.begin);
    addSplit(std::move(piece), token);
    end = token.end;
  }
  matchBrackets();
  return std::move(pieces);
}

std::vector<Piece> makePieces(std::string_view text, const TokenList &list,
                              const TokenRoles &roles) {
  return PieceMaker(text, list, roles).run();
}

std::string contentOf(const std::vector<Piece> &pieces) {
  std::string content;
  for (const Piece &piece : pieces) {
    for (const PieceComment &comment : piece.before)
      content += comment.text + "\n";
    content += std::string(piece.text) + "\n";
    for (const PieceComment &comment : piece.behind)
      content += comment.text + "\n";
  }
  return content;
}

} // namespace attn_grid::compiler::formatting
