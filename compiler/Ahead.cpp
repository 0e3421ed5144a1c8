// `build`: many variants for many instruction sets become one object.

#include "compiler/Compilation.h"
#include "compiler/Compiler.h"
#include "compiler/Target/AheadObject.h"
#include "compiler/Target/CpuTarget.h"
#include "compiler/Target/GpuTarget.h"

#include <set>

namespace attn_grid::compiler {

#if defined(__aarch64__)
static constexpr const char *leastArch = "aarch64";
#else
static constexpr const char *leastArch = "x86-64";
#endif

namespace {
/// One build under way. Functions return false after setting `diagnostics`.
class Builder {
public:
  Builder(const BuildRequest &request, BuildResult &result)
      : request(request), result(result) {
    result.library.name = request.name;
  }

  bool run() {
    if (!findTargets())
      return false;
    // A library for GPUs alone is an object for the oldest CPUs.
    AheadObject object(cpus.empty() ? *findCpu(leastArch) : *cpus.front());
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

  bool findTargets() {
    for (const Target &target : request.targets) {
      const CpuTarget *cpu =
          target.kind == Target::Kind::cpu ? findCpu(target.arch) : nullptr;
      const GpuArch *gpu =
          target.kind == Target::Kind::ptx ? findGpu(target.arch) : nullptr;
      if (!cpu && !gpu) {
        result.unsupported = true;
        return fail("there is no target " + to_string(target) +
                    " to build for");
      }
      if (cpu)
        cpus.push_back(cpu);
      else
        gpus.push_back(gpu);
    }
    return !request.targets.empty() || fail("no target to build for");
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
    for (auto [cpu, target] : llvm::zip(cpus, request.targets))
      if (!addBody(parsed, *cpu, target, object, variant))
        return false;
    for (const GpuArch *gpu : gpus)
      if (!addText(parsed, *gpu, object, variant))
        return false;
    result.library.variants.push_back(std::move(variant));
    return true;
  }

  bool addBody(const ParsedProgram &parsed, const CpuTarget &cpu,
               const Target &target, AheadObject &object,
               AheadVariant &variant) {
    Compilation compilation(parsed, variant.what);
    if (!compilation.toSplit() || !compilation.toVectors(cpu))
      return failed(compilation);
    // Without dots of bf16 it would be the body before once more.
    if (cpu.vectors.bf16Products > 1 && !variant.bodies.empty() &&
        !compilation.hasBf16Products())
      return true;
    Artifact artifact = compilation.describe();
    // Scratch is the one thing that differs: vectors differ in width.
    size_t scratch =
        std::max(variant.artifact.scratch_bytes, artifact.scratch_bytes);
    variant.artifact = std::move(artifact);
    variant.artifact.scratch_bytes = scratch;
    compilation.toLLVM();
    auto code = compilation.translate(cpu, object.context());
    if (!code)
      return failed(compilation);
    auto number = object.addBody(std::move(code), variant.what.kernel);
    if (!number)
      return fail(llvm::toString(number.takeError()));
    variant.bodies.push_back({target, *number});
    return true;
  }

  /// PTX. The form that assumes nothing of strides assumes nothing of addresses
  /// either; the others have the common case, regular tensors.
  bool addText(const ParsedProgram &parsed, const GpuArch &gpu,
               AheadObject &object, AheadVariant &variant) {
    Specialization what = variant.what;
    bool regular = llvm::any_of(what.last_stride,
                                [](int8_t stride) { return stride >= 0; });
    what.regular.assign(what.present.size(), regular);
    Compilation compilation(parsed, what);
    if (!compilation.toSplit() || !compilation.toThreads(gpu))
      return failed(compilation);
    compilation.toLLVM();
    Artifact artifact = compilation.describe();
    auto text = compilation.generate(gpu, GpuCodeKind::ptx);
    if (!text)
      return failed(compilation);
    variant.bodies.push_back({Target{Target::Kind::ptx, gpu.name},
                              object.addText({text->data(), text->size()}),
                              regular, std::move(artifact)});
    return true;
  }

  bool failed(Compilation &compilation) {
    result.diagnostics = compilation.takeMessages();
    return false;
  }

  const BuildRequest &request;
  BuildResult &result;
  std::vector<const CpuTarget *> cpus; // the first targets, one each
  std::vector<const GpuArch *> gpus;   // the rest
  std::set<std::string> files;
};
} // namespace

BuildResult build(const BuildRequest &request) {
  BuildResult result;
  result.ok = Builder(request, result).run();
  return result;
}

} // namespace attn_grid::compiler
