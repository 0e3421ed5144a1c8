#ifndef AG_COMPILER_FRONTEND_ERRORCATALOG_H
#define AG_COMPILER_FRONTEND_ERRORCATALOG_H
/// The mistakes that the front end finds, each with a code that stays the same
/// when its message is worded better:
///
///     if (const Mistake *mistake = findMistake("comparisons do not chain"))
///       std::cout << mistake->code(); // AG0207

#include <string>
#include <string_view>
#include <vector>

namespace attn_grid::compiler {

/// A row of ErrorCatalog.def.
struct Mistake {
  int number;
  std::string_view title;
  std::string_view messages; ///< patterns, one a line; `*` stands for anything
  std::string_view explanation;
  std::string_view wrong;  ///< a source with the mistake; may be empty
  std::string_view mended; ///< the same without

  /// `AG0207`.
  std::string code() const;
};

/// All of them, in the order of their codes.
const std::vector<Mistake> &allMistakes();

/// The mistake of that code, `AG0207` or `207`, or null.
const Mistake *mistakeOfCode(std::string_view code);

/// The mistake that a message is about, or null.
const Mistake *findMistake(std::string_view message);

/// A rendered text with ` [AG0207]` at the end of the first line of each
/// message.
std::string withCodes(std::string_view rendered);

} // namespace attn_grid::compiler

#endif
