#include "runtime/ahead/AheadProgram.h"
#include "attn_grid/error.hpp"
#include "runtime/cache/Records.h"
#include "runtime/host/InstructionSet.h"
#include <algorithm>
#include <climits>
#include <fmt/format.h>

namespace attn_grid::detail {

/// Does everything name something that is there?
static bool fits(const AheadLibrary &library, size_t code) {
  auto within = [](int index, size_t size) {
    return index >= 0 && static_cast<size_t>(index) < size;
  };
  auto function_fits = [&](const AheadFunction &function) {
    if (!within(function.signature, library.signatures.size()))
      return false;
    const Signature &signature =
        library.signatures[static_cast<size_t>(function.signature)];
    auto param_fits = [&](const AheadParam &param) {
      switch (param.kind) {
      case AheadParam::Kind::choice:
        return within(param.index, function.choices.size());
      case AheadParam::Kind::extent:
        return within(param.index, signature.extents.size());
      default:
        return within(param.index, signature.params.size()) &&
               (param.kind == AheadParam::Kind::tensor) ==
                   signature.params[static_cast<size_t>(param.index)].is_tensor;
      }
    };
    auto choice_fits = [&](const AheadChoice &choice) {
      return within(choice.constant, signature.consts.size());
    };
    return function.types.size() == signature.types.size() &&
           function.consts.size() == signature.consts.size() &&
           std::all_of(function.params.begin(), function.params.end(),
                       param_fits) &&
           std::all_of(function.choices.begin(), function.choices.end(),
                       choice_fits);
  };
  auto variant_fits = [&](const AheadVariant &variant) {
    return std::all_of(variant.bodies.begin(), variant.bodies.end(),
                       [&](const AheadBody &body) { return body.code < code; });
  };
  return std::all_of(library.functions.begin(), library.functions.end(),
                     function_fits) &&
         std::all_of(library.variants.begin(), library.variants.end(),
                     variant_fits);
}

AheadProgram::AheadProgram(const ag_ahead_library &object) {
  if (object.version != AG_AHEAD_VERSION)
    throw Unsupported(fmt::format(
        "these kernels were built for version {} of the runtime's format, and "
        "this runtime reads version {}: build them again",
        object.version, AG_AHEAD_VERSION));
  std::optional<AheadLibrary> library =
      decode_ahead({static_cast<const char *>(object.records),
                    static_cast<size_t>(object.records_bytes)});
  if (library)
    library_ = std::move(*library);
  code_.assign(object.code, object.code + object.code_count);
  if (!library || !fits(library_, code_.size()))
    throw BackendError("the description of kernels built ahead of time is "
                       "damaged: build them again");
}

/// How many strides a variant reads at run time, or nothing if it assumes what
/// does not hold.
static std::optional<int> fit(const Specialization &variant,
                              const Specialization &what) {
  if (variant.last_stride.size() != what.last_stride.size())
    return std::nullopt;
  int open = 0;
  for (size_t i = 0; i < what.last_stride.size(); ++i) {
    if (variant.last_stride[i] < 0)
      ++open;
    else if (variant.last_stride[i] != what.last_stride[i])
      return std::nullopt;
  }
  Specialization same = variant;
  same.last_stride = what.last_stride;
  same.regular = what.regular; // which a body says
  return same == what ? std::optional(open) : std::nullopt;
}

/// How good code for one GPU is on another: 0 if it does not run there.
static int rank_of(std::string_view built, std::string_view device) {
  if (built == device)
    return INT_MAX;
  auto number = [](std::string_view arch) {
    int value = 0;
    for (char c : arch)
      if (c >= '0' && c <= '9')
        value = 10 * value + (c - '0');
    return value;
  };
  // With a letter it is for that architecture alone.
  return built.ends_with('a') || number(built) > number(device) ? 0
                                                                : number(built);
}

/// A variant's best body for a target, or null. CPUs' stand in rising order.
static const AheadBody *best_body(const AheadVariant &variant,
                                  const Specialization &what,
                                  const Target &target) {
  bool is_regular = std::all_of(what.regular.begin(), what.regular.end(),
                                [](bool one) { return one; });
  const AheadBody *best = nullptr;
  int rank = 0;
  for (const AheadBody &body : variant.bodies) {
    if (body.target.kind != target.kind)
      continue;
    if (target.kind == Target::Kind::cpu) {
      if (may_choose(body.target.arch))
        best = &body;
      continue;
    }
    int own = rank_of(body.target.arch, target.arch);
    if (own > rank && (is_regular || !body.regular)) {
      best = &body;
      rank = own;
    }
  }
  return best;
}

AheadProgram::Choice AheadProgram::find(const Specialization &what,
                                        const Target &target) const {
  Choice best;
  int fewest = 0;
  for (const AheadVariant &variant : library_.variants) {
    std::optional<int> open = fit(variant.what, what);
    if (!open)
      continue;
    const AheadBody *body = best_body(variant, what, target);
    bool is_better = !best.variant || (body && !best.body) ||
                     ((body || !best.body) && *open < fewest);
    if (!is_better)
      continue;
    best = {&variant, body};
    fewest = *open;
  }
  return best;
}

/// What was asked for, and what there is.
std::string AheadProgram::missing(const Specialization &what) const {
  auto signature = std::find_if(
      library_.signatures.begin(), library_.signatures.end(),
      [&](const Signature &one) { return one.name == what.kernel; });
  std::string text =
      fmt::format("{}: {} was not built with the variant {}; it has",
                  what.kernel, library_.name, describe(what, *signature));
  constexpr int shown = 8;
  int others = 0;
  for (const AheadVariant &variant : library_.variants) {
    if (variant.what.kernel != what.kernel)
      continue;
    if (++others <= shown)
      text += "\n  " + describe(variant.what, *signature);
  }
  if (others > shown)
    text += fmt::format("\n  and {} more", others - shown);
  return text;
}

CompileResult AheadProgram::compile(const Specialization &what,
                                    const Target &target) const {
  Choice choice = find(what, target);
  if (!choice.variant)
    return {nullptr, missing(what), /*unsupported=*/true};
  if (!choice.body) {
    std::string names;
    for (const AheadBody &body : choice.variant->bodies)
      names += (names.empty() ? "" : ", ") + to_string(body.target);
    return {nullptr,
            fmt::format("{}: {} runs nothing that {} was built for: {}",
                        what.kernel,
                        target.kind == Target::Kind::cpu
                            ? std::string("this machine's CPU")
                            : "a GPU of " + to_string(target),
                        library_.name, names),
            /*unsupported=*/true};
  }
  const AheadBody &body = *choice.body;
  const void *code = code_[body.code];
  bool is_cpu = target.kind == Target::Kind::cpu;
  auto artifact = std::make_shared<Artifact>(is_cpu ? choice.variant->artifact
                                                    : body.artifact);
  if (is_cpu)
    artifact->entry =
        reinterpret_cast<Artifact::CpuEntry>(reinterpret_cast<uintptr_t>(code));
  else
    artifact->object =
        std::make_shared<std::string>(static_cast<const char *>(code));
  return {std::move(artifact), {}};
}

} // namespace attn_grid::detail
