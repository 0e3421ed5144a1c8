// Launches: bind and check, find the variant, fill the flat struct, run.

#include "attn_grid/error.hpp"
#include "attn_grid/launch.hpp"
#include "runtime/Background.h"
#include "runtime/Binder.h"
#include "runtime/Elements.h"
#include "runtime/KernelState.h"
#include "runtime/OutOfMemory.h"
#include "runtime/Stream.h"
#include "runtime/cuda/Gpu.h"
#include "runtime/host/Host.h"
#include <algorithm>
#include <bit>
#include <cstring>
#include <fmt/format.h>

namespace attn_grid {
namespace detail {
namespace {

/// Packs a variant's key into words: small numbers share a word.
class KeyWriter {
public:
  KeyWriter(uint64_t *words) : words_(words) {}
  void add(uint64_t value, int bits) {
    if (used_ + bits > 64)
      flush();
    words_[count_] = used_ == 0 ? value : words_[count_] | value << used_;
    used_ += bits;
  }
  void flush() {
    if (used_ > 0)
      ++count_;
    used_ = 0;
  }
  size_t count() const { return count_; }

private:
  uint64_t *words_;
  size_t count_ = 0;
  int used_ = 0;
};

/// A launch from arguments to the flat struct.
class Launcher {
public:
  Launcher(const KernelState &kernel, std::span<const Arg> args)
      : kernel_(kernel), binder_(kernel, args) {
    binder_.bind();
  }

  /// Finds the variant, or has it compiled.
  void find_variant() {
    variants_ = &kernel_.module->variants_for(device());
    with_key(/*assumes_nothing=*/false, [&](VariantKey &key) {
      variant_ = variants_->find(key);
      cached_ = variant_ != nullptr;
      if (!variant_)
        make_variant(key);
    });
  }

  /// Makes the outputs that were left away.
  void make_results(Results &results) const {
    for (size_t i = 0; i < kernel_.signature.params.size(); ++i)
      if (binder_.is_fresh(i))
        results.add(
            kernel_.signature.params[i].name,
            Tensor::empty(binder_.sizes_of(i), binder_.type_of(i), device()));
  }

  size_t slots() const { return variant_->artifact->slots.size(); }

  /// Writes the flat struct.
  void fill_slots(uint64_t *args, const Results &results) const {
    for (const Slot &slot : variant_->artifact->slots) {
      auto index = static_cast<size_t>(slot.param);
      switch (slot.kind) {
      case Slot::Kind::pointer:
        *args++ = reinterpret_cast<uintptr_t>(tensor(index, results).data());
        break;
      case Slot::Kind::stride:
        *args++ =
            static_cast<uint64_t>(tensor(index, results).strides()[slot.dim]);
        break;
      case Slot::Kind::extent:
        if (binder_.extent(index) < 0)
          binder_.throw_unbound(kernel_.signature.extents[index].name,
                                "the launch");
        *args++ = static_cast<uint64_t>(binder_.extent(index));
        break;
      case Slot::Kind::scalar: {
        *args = 0;
        store_element(binder_.type_of(index),
                      reinterpret_cast<std::byte *>(args),
                      binder_.scalar(index));
        ++args;
        break;
      }
      }
    }
  }

  /// Calls `fill(tensor, value)` for each output that is filled first.
  template <class Fill>
  void for_each_fill(const Results &results, Fill fill) const {
    const std::vector<Param> &params = kernel_.signature.params;
    for (size_t i = 0; i < params.size(); ++i)
      if (!params[i].fill.empty() && binder_.is_present(i))
        fill(tensor(i, results), fill_value(i));
  }

  const Variant *variant() const { return variant_; }
  bool cached() const { return cached_; }
  uint32_t programs() const { return binder_.programs(); }
  Device device() const { return binder_.device(); }

  /// Every expression that may still throw, before anything is written.
  void check_fills() const {
    const std::vector<Param> &params = kernel_.signature.params;
    for (size_t i = 0; i < params.size(); ++i)
      if (!params[i].fill.empty() && binder_.is_present(i))
        fill_value(i);
  }

private:
  /// Calls `use` with the key of the launch's variant, or of the form of it
  /// that assumes nothing about the tensors.
  template <class Use> void with_key(bool assumes_nothing, Use use) {
    const Signature &signature = kernel_.signature;
    // 5 bits per dtype, 3 and 1 per parameter, a word per const, and the
    // kernel.
    Inline<uint64_t, 32> words(
        5 + signature.types.size() / 12 + signature.params.size() / 21 +
        signature.params.size() / 64 + signature.consts.size());
    KeyWriter writer(words.data());
    writer.add(static_cast<uint64_t>(kernel_.index), 64);
    for (size_t i = 0; i < signature.types.size(); ++i)
      writer.add(static_cast<uint64_t>(*binder_.resolve(
                     {TypeRef::Kind::param, f32, static_cast<int>(i)})),
                 5);
    writer.flush();
    for (size_t i = 0; i < signature.params.size(); ++i) {
      int last_stride = assumes_nothing ? -1 : binder_.last_stride(i);
      writer.add(static_cast<uint64_t>(binder_.is_present(i)) << 2 |
                     static_cast<uint64_t>(last_stride + 1),
                 3);
    }
    writer.flush();
    for (size_t i = 0; i < signature.consts.size(); ++i) {
      Scalar value = *binder_.constant(i);
      writer.add(value.kind() == Scalar::Kind::floating
                     ? std::bit_cast<uint64_t>(value.number())
                     : static_cast<uint64_t>(value.integer()),
                 64);
    }
    writer.flush();
    if (device() != Device::cpu())
      for (size_t i = 0; i < signature.params.size(); ++i)
        writer.add(!assumes_nothing && binder_.is_regular(i), 1);
    writer.flush();
    VariantKey key{{words.data(), writer.count()}, 0, {}};
    key.hash = hash_words(key.words);
    use(key);
  }

  void make_variant(VariantKey &key) {
    Specialization what = binder_.specialization();
    std::string text = describe(what, kernel_.signature);
    key.text = text;
    if (!compiles_in_background() || kernel_.module->ahead ||
        !use_stand_in(key, what))
      variant_ = variants_->make(key, what, kernel_.signature);
  }

  /// Takes the variant that assumes nothing, and has the launch's own compiled
  /// later, unless it is on disk and quickly here. False if that is no other.
  bool use_stand_in(const VariantKey &own, const Specialization &what) {
    Specialization general = what;
    std::fill(general.last_stride.begin(), general.last_stride.end(),
              int8_t(-1));
    std::fill(general.regular.begin(), general.regular.end(), false);
    if (general.last_stride == what.last_stride &&
        general.regular == what.regular)
      return false;
    with_key(/*assumes_nothing=*/true, [&](VariantKey &key) {
      variant_ = variants_->find(key);
      cached_ = variant_ != nullptr;
      if (variant_ ||
          (variant_ = variants_->load(own, what, kernel_.signature)))
        return;
      std::string text = describe(general, kernel_.signature);
      key.text = text;
      variant_ = variants_->make(key, general, kernel_.signature);
    });
    if (variants_->find(own))
      return true; // it was on disk
    if (variants_->first_request(own)) {
      try {
        compile_later({kernel_.module,
                       variants_,
                       {own.words.begin(), own.words.end()},
                       std::string(own.text),
                       what,
                       &kernel_.signature});
      } catch (const std::exception &) {
        // No compiler, no memory or no thread: this one serves all the same.
      }
    }
    return true;
  }

  Scalar fill_value(size_t param) const {
    const Param &filled = kernel_.signature.params[param];
    return binder_.value_of(filled.fill, "the fill", filled.name);
  }

  const TensorView &tensor(size_t param, const Results &results) const {
    if (const TensorView *given = binder_.tensor(param))
      return *given;
    int position = 0;
    for (size_t i = 0; i < param; ++i)
      position += binder_.is_fresh(i);
    return results[position];
  }

  const KernelState &kernel_;
  Binder binder_;
  VariantCache *variants_ = nullptr;
  const Variant *variant_ = nullptr;
  bool cached_ = false;
};

void run(Device device, const Artifact &artifact, const void *args,
         uint32_t programs, std::string_view name) {
  if (device == Device::cpu())
    run_on_host(artifact, args, programs, name);
  else
    Gpu::of(device).launch(artifact, args, programs, name);
}

void run(const PreparedState &prepared) {
  for (const auto &[tensor, value] : prepared.fills)
    tensor.fill(value);
  run(prepared.device, *prepared.variant->artifact, prepared.args.data(),
      prepared.programs, prepared.kernel->signature.name);
}

/// What a launch needs when the call is over.
std::shared_ptr<const PreparedState>
prepare(const Launcher &launcher, std::shared_ptr<const KernelState> kernel) {
  auto prepared = std::make_shared<PreparedState>();
  prepared->kernel = std::move(kernel);
  prepared->variant = launcher.variant();
  prepared->cached = launcher.cached();
  prepared->programs = launcher.programs();
  prepared->device = launcher.device();
  launcher.make_results(prepared->results);
  prepared->args.resize(launcher.slots());
  launcher.fill_slots(prepared->args.data(), prepared->results);
  launcher.for_each_fill(prepared->results,
                         [&](const TensorView &tensor, Scalar value) {
                           prepared->fills.emplace_back(tensor, value);
                         });
  return prepared;
}

/// The stream that a launch of this thread on the host is queued in; null if it
/// runs at once.
StreamState *host_stream(Device device) {
  return device == Device::cpu() ? current_stream(device) : nullptr;
}

} // namespace
} // namespace detail

using namespace detail;

const Signature &Kernel::signature() const { return state_->signature; }

Results Kernel::launch(std::span<const Arg> args) const try {
  Launcher launcher(*state_, args);
  launcher.check_fills();
  launcher.find_variant();
  if (StreamState *stream = host_stream(launcher.device())) {
    std::shared_ptr<const PreparedState> prepared =
        detail::prepare(launcher, state_);
    stream->add([prepared] { run(*prepared); });
    return prepared->results;
  }
  Results results;
  launcher.make_results(results);
  Inline<uint64_t, 64> flat(launcher.slots());
  launcher.fill_slots(flat.data(), results);
  launcher.for_each_fill(results, [](const TensorView &tensor, Scalar value) {
    tensor.fill(value);
  });
  run(launcher.device(), *launcher.variant()->artifact, flat.data(),
      launcher.programs(), state_->signature.name);
  return results;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

Launch Kernel::prepare_list(std::span<const Arg> args) const try {
  Launcher launcher(*state_, args);
  launcher.check_fills();
  launcher.find_variant();
  std::shared_ptr<const PreparedState> prepared =
      detail::prepare(launcher, state_);
  if (launcher.device() != Device::cpu())
    Gpu::of(launcher.device())
        .load(*prepared->variant->artifact, signature().name);
  return Launch(std::move(prepared));
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

std::vector<ExpectedParam> Kernel::expect(std::span<const Arg> args) const try {
  Binder binder(*state_, args, /*partial=*/true);
  binder.bind_partially();
  std::vector<ExpectedParam> expected(state_->signature.params.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    ExpectedParam &param = expected[i];
    param.missing = binder.missing_for(i);
    param.known = param.missing.empty();
    if (!param.known)
      continue;
    param.dtype = binder.type_of(i);
    param.sizes = binder.sizes_of(i);
  }
  return expected;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

LaunchDescription Kernel::describe(std::span<const Arg> args) const try {
  Binder binder(*state_, args);
  binder.bind();
  LaunchDescription result;
  result.what = binder.specialization();
  if (binder.device() != Device::cpu())
    result.target = Gpu::of(binder.device()).target();
  for (size_t i = 0; i < signature().extents.size(); ++i)
    if (binder.extent(i) >= 0)
      result.values.emplace_back(signature().extents[i].name, binder.extent(i));
  for (size_t i = 0; i < signature().params.size(); ++i)
    if (!signature().params[i].is_tensor && binder.is_present(i) &&
        binder.scalar(i).kind() != Scalar::Kind::floating)
      result.values.emplace_back(signature().params[i].name,
                                 binder.scalar(i).integer());
  return result;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

std::string
Kernel::tuning(std::span<const Arg> args,
               const std::vector<std::pair<std::string, int64_t>> &consts,
               double milliseconds) const try {
  std::vector<std::pair<size_t, Scalar>> choice;
  for (const auto &[name, value] : consts) {
    size_t i = 0;
    while (i < signature().consts.size() && signature().consts[i].name != name)
      ++i;
    if (i == signature().consts.size())
      throw KeyError(
          fmt::format("{}no const is called `{}`", state_->prefix(), name));
    choice.emplace_back(i, Scalar(value));
  }
  Binder binder(*state_, args);
  binder.bind();
  return tuning_line(state_->module->sources.hash, signature(),
                     binder.describe_tuning(std::move(choice)), milliseconds);
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

void Launch::operator()() const try {
  if (StreamState *stream = host_stream(state_->device))
    stream->add([state = state_] { run(*state); });
  else
    run(*state_);
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

const Results &Launch::results() const { return state_->results; }

VariantInfo Launch::variant() const try {
  return {state_->variant->text, state_->variant->artifact->compile_ms,
          state_->cached, state_->variant->from_disk};
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

int64_t Launch::programs() const { return state_->programs; }

const Tensor &Results::operator[](int position) const try {
  if (position < 0 || position >= size())
    throw OutOfRange(fmt::format("result {} of a launch that made {}", position,
                                 tensors_.size()));
  return tensors_[static_cast<size_t>(position)].second;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

const std::string &Results::name(int position) const try {
  (*this)[position]; // checks
  return tensors_[static_cast<size_t>(position)].first;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

bool Results::contains(std::string_view name) const {
  for (const auto &[own, tensor] : tensors_)
    if (own == name)
      return true;
  return false;
}

const Tensor &Results::operator[](std::string_view name) const try {
  for (const auto &[own, tensor] : tensors_)
    if (own == name)
      return tensor;
  throw KeyError(
      fmt::format("the launch made no tensor called `{}`: results are the "
                  "outputs that the call left away",
                  name));
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

Results::operator Tensor() const try {
  if (tensors_.size() != 1)
    throw InvalidArgument(
        fmt::format("the launch made {} tensors, not one: name the one wanted",
                    tensors_.size()));
  return tensors_[0].second;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

} // namespace attn_grid
