#ifndef AG_TOOLS_AGC_AHEADHEADER_H
#define AG_TOOLS_AGC_AHEADHEADER_H
/// What people and programs read about an object that was built ahead of time.

#include "attn_grid/ahead.hpp"

#include <string>

namespace attn_grid::agc {

/// The C header that declares its functions.
std::string aheadHeader(const AheadLibrary &library);

/// A JSON object: functions with their parameters, variants with their targets.
std::string aheadJson(const AheadLibrary &library);

/// A parameter's name in C.
std::string nameInC(const AheadFunction &function, const AheadParam &param,
                    const Signature &signature);
/// Its type in C: `const ag_array *`, with what separates it from a name.
std::string typeInC(const AheadParam &param);
/// `T`, `acc<T>`, `f32`.
std::string typeText(const TypeRef &type, const Signature &signature);

/// A text as a C identifier.
std::string identifier(std::string_view text);

} // namespace attn_grid::agc

#endif
