#include "runtime/OpenProgram.h"
#include "attn_grid/error.hpp"
#include "runtime/CompilerLibrary.h"
#include "runtime/host/Processor.h"
#include <mutex>

namespace attn_grid::detail {

static ParseResult parse(const Sources &sources) {
  return need_compiler().parse(sources.text, sources.name, sources.include_dirs,
                               sources.imports, sources.functions);
}

namespace {
/// A program whose signatures are known already.
class UnparsedProgram final : public Program {
public:
  UnparsedProgram(Sources sources, std::vector<Signature> signatures)
      : sources_(std::move(sources)), signatures_(std::move(signatures)) {}

  const std::vector<Signature> &signatures() const override {
    return signatures_;
  }

  CompileResult compile(const Specialization &what,
                        const Target &target) const override {
    std::shared_ptr<const Program> program;
    {
      std::lock_guard lock(mutex_);
      if (!parsed_) {
        ParseResult result = parse(sources_);
        if (!result.program)
          return {nullptr, std::move(result.diagnostics)};
        if (result.read_other_files)
          return {nullptr, sources_.name + ":1:1: error: a file that this "
                                           "imports was added since it was "
                                           "loaded; load it again\n"};
        parsed_ = std::move(result.program);
      }
      program = parsed_;
    }
    return program->compile(what, target);
  }

private:
  Sources sources_;
  std::vector<Signature> signatures_;
  mutable std::mutex mutex_; // guards what follows
  mutable std::shared_ptr<const Program> parsed_;
};
} // namespace

Identity identity_of(const Sources &sources) {
  return {sources.hash, compiler_build(), processor()};
}

OpenedProgram open_program(Sources sources, DiskStore *disk) {
  Identity identity;
  if (disk)
    identity = identity_of(sources);
  if (identity.complete())
    if (std::optional<Entry> entry = disk->find(signatures_key(identity)))
      if (auto signatures = decode_signatures(*entry))
        return {std::make_shared<UnparsedProgram>(std::move(sources),
                                                  std::move(*signatures)),
                std::move(identity)};
  ParseResult result = parse(sources);
  if (!result.program)
    throw CompileError(result.diagnostics);
  if (result.read_other_files)
    identity = {};
  else if (identity.complete())
    disk->publish(encode_signatures(signatures_key(identity),
                                    result.program->signatures()));
  return {std::move(result.program), std::move(identity)};
}

} // namespace attn_grid::detail
