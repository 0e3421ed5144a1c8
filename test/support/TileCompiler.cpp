#include "test/support/TileCompiler.h"

#include "attn_grid/artifact.hpp"
#include "attn_grid/attn_grid.hpp"
#include "test/support/TileEmulator.h"

namespace attn_grid::test {
namespace {

class TileProgram final : public Program {
public:
  explicit TileProgram(std::shared_ptr<const Program> program)
      : program(std::move(program)) {}

  const std::vector<Signature> &signatures() const override {
    return program->signatures();
  }
  CompileResult compile(const Specialization &what,
                        const Target &) const override {
    return program->compile(what, {Target::Kind::cpu, "x86-64-v4-amx"});
  }

private:
  std::shared_ptr<const Program> program;
};

/// The real compiler, but for its choice of a target.
class TileCompiler final : public Compiler {
public:
  explicit TileCompiler(Compiler &compiler) : compiler(compiler) {}

  ParseResult parse(std::string_view source, std::string_view name,
                    const std::vector<std::string> &include_dirs,
                    const std::vector<SourceFile> &imports,
                    const FunctionBindings &functions) override {
    ParseResult result =
        compiler.parse(source, name, include_dirs, imports, functions);
    if (result.program)
      result.program = std::make_shared<TileProgram>(result.program);
    return result;
  }

private:
  Compiler &compiler;
};

} // namespace

bool compile_for_tiles() {
  if (!machine_runs("x86-64-v4-bf16"))
    return false;
  static TileEmulator emulator;
  static TileCompiler compiler(need_compiler());
  set_compiler(&compiler);
  return true;
}

} // namespace attn_grid::test
