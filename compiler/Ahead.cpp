// `build`: many variants for many instruction sets become one object.

#include "compiler/Compilation.h"
#include "compiler/Compiler.h"
#include "compiler/Target/AheadObject.h"
#include "compiler/Target/CpuTarget.h"

#include <set>

namespace attn_grid::compiler {

namespace {
/// One build under way. Functions return false after setting `diagnostics`.
class Builder {
public:
  Builder(const BuildRequest &request, BuildResult &result)
      : request(request), result(result) {
    result.library.name = request.name;
  }

  bool run() {
    if (!findCpus())
      return false;
    AheadObject object(*cpus.front());
    for (const BuildKernel &kernel : request.kernels)
      if (!addKernel(kernel, object))
        return false;
    object.addFunctions(result.library);
    auto bytes = object.write();
    if (!bytes)
      return fail(llvm::toString(bytes.takeError()));
    result.object.assign(bytes->begin(), bytes->end());
    result.files.assign(files.begin(), files.end());
    return true;
  }

private:
  bool fail(const std::string &message) {
    result.diagnostics = "error: " + message + "\n";
    return false;
  }

  bool findCpus() {
    for (const Target &target : request.targets) {
      const CpuTarget *cpu =
          target.kind == Target::Kind::cpu ? findCpu(target.arch) : nullptr;
      if (!cpu) {
        result.unsupported = true;
        return fail("target " + to_string(target) +
                    ": this version builds for CPUs only");
      }
      cpus.push_back(cpu);
    }
    return !cpus.empty() || fail("no target to build for");
  }

  bool addKernel(const BuildKernel &kernel, AheadObject &object) {
    auto parsed = parseProgram(kernel.source, kernel.file, request.includeDirs);
    if (parsed->diagnostics.hasErrors()) {
      result.diagnostics = parsed->diagnostics.render();
      return false;
    }
    AheadFunction function = kernel.function;
    function.signature = static_cast<int>(result.library.signatures.size());
    for (const Signature &signature : parsed->signatures)
      if (signature.name == kernel.kernel)
        result.library.signatures.push_back(signature);
    if (function.signature ==
        static_cast<int>(result.library.signatures.size()))
      return fail("no kernel `" + kernel.kernel + "`");
    result.library.functions.push_back(std::move(function));
    for (const Specialization &what : kernel.variants)
      if (!addVariant(*parsed, what, object))
        return false;
    for (FileId file = 0; file < parsed->sources.size(); ++file)
      files.emplace(parsed->sources.name(file));
    return true;
  }

  bool addVariant(const ParsedProgram &parsed, const Specialization &what,
                  AheadObject &object) {
    AheadVariant variant{what, {}, {}};
    for (size_t i = 0; i < cpus.size(); ++i) {
      Compilation compilation(parsed, what);
      if (!compilation.toSplit() || !compilation.toVectors(*cpus[i]))
        return failed(compilation);
      Artifact artifact = compilation.describe();
      // Scratch is the one thing that differs: vectors differ in width.
      size_t scratch =
          std::max(variant.artifact.scratch_bytes, artifact.scratch_bytes);
      variant.artifact = std::move(artifact);
      variant.artifact.scratch_bytes = scratch;
      compilation.toLLVM();
      auto code = compilation.translate(*cpus[i], object.context());
      if (!code)
        return failed(compilation);
      auto number = object.addBody(std::move(code), what.kernel);
      if (!number)
        return fail(llvm::toString(number.takeError()));
      variant.bodies.push_back({request.targets[i], *number});
    }
    result.library.variants.push_back(std::move(variant));
    return true;
  }

  bool failed(Compilation &compilation) {
    result.diagnostics = compilation.takeMessages();
    return false;
  }

  const BuildRequest &request;
  BuildResult &result;
  std::vector<const CpuTarget *> cpus; // one per target
  std::set<std::string> files;
};
} // namespace

BuildResult build(const BuildRequest &request) {
  BuildResult result;
  result.ok = Builder(request, result).run();
  return result;
}

} // namespace attn_grid::compiler
