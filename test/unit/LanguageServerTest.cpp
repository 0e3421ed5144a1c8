// The language server's table of builtins has what the language has.

#include "compiler/Frontend/Lowering.h"
#include "compiler/LanguageServer/Builtins.h"

#include <gtest/gtest.h>

namespace attn_grid::compiler::test {
namespace {

TEST(LanguageServer, EveryBuiltinFunctionIsDescribed) {
  for (llvm::StringRef name : Lowering::builtinFunctions()) {
    const lsp::Builtin *builtin = lsp::findBuiltin(name);
    ASSERT_TRUE(builtin) << name.str();
    EXPECT_EQ(builtin->kind, lsp::Builtin::Kind::function) << name.str();
    EXPECT_TRUE(builtin->signature.starts_with(name)) << name.str();
    EXPECT_TRUE(builtin->doc.ends_with(".")) << name.str();
  }
}

TEST(LanguageServer, BuiltinsAreFound) {
  for (const lsp::Builtin &builtin : lsp::builtins())
    EXPECT_EQ(lsp::findBuiltin(builtin.name), &builtin);
  EXPECT_EQ(lsp::findBuiltin("dots"), nullptr);
  EXPECT_EQ(lsp::findBuiltin(""), nullptr);
}

} // namespace
} // namespace attn_grid::compiler::test
