#include "runtime/cache/VariantCache.h"
#include "attn_grid/error.hpp"
#include "runtime/cuda/Gpu.h"
#include "runtime/host/ObjectLoader.h"
#include <algorithm>
#include <fmt/format.h>

namespace attn_grid::detail {

VariantCache::VariantCache(std::shared_ptr<const Program> program,
                           Target target, std::unique_ptr<VariantStore> store,
                           Identity identity, DiskStore *disk)
    : program_(std::move(program)), target_(std::move(target)),
      store_(std::move(store)), identity_(std::move(identity)), disk_(disk) {}

/// Generated code is trusted, its description is checked: a slot that names
/// nothing would be a wild read on each launch.
static void check_artifact(const Artifact &artifact, const Specialization &what,
                           const Signature &signature) {
  auto valid = [&](const Slot &slot) {
    if (slot.kind == Slot::Kind::extent)
      return slot.param >= 0 &&
             static_cast<size_t>(slot.param) < signature.extents.size();
    if (slot.param < 0 ||
        static_cast<size_t>(slot.param) >= signature.params.size())
      return false;
    const Param &param = signature.params[static_cast<size_t>(slot.param)];
    if (slot.kind == Slot::Kind::scalar)
      return !param.is_tensor;
    if (!param.is_tensor || !what.present[static_cast<size_t>(slot.param)])
      return false;
    return slot.kind == Slot::Kind::pointer ||
           (slot.kind == Slot::Kind::stride && slot.dim >= 0 &&
            static_cast<size_t>(slot.dim) < param.dims.size());
  };
  // Code that was loaded: an entry, or PTX.
  if ((!artifact.entry && !artifact.code) ||
      !std::all_of(artifact.slots.begin(), artifact.slots.end(), valid))
    throw BackendError(fmt::format(
        "{}: the compiler returned a variant that does not fit the kernel",
        signature.name));
}

/// The artifact with an entry: its own, or that of its object.
static std::shared_ptr<const Artifact>
loaded(std::shared_ptr<const Artifact> artifact) {
  if (artifact->entry || !artifact->object)
    return artifact;
  auto result = std::make_shared<Artifact>(*artifact);
  if (artifact->block_threads > 0) { // each device loads it when it is launched
    result->code = std::make_shared<PtxCode>();
    return result;
  }
  LoadedObject object = load_object(*artifact->object, artifact->symbol);
  result->entry = object.entry;
  result->code = std::move(object.code);
  return result;
}

static Variant compile(const Program &program, const Target &target,
                       const VariantKey &key, const Specialization &what,
                       const Signature &signature) {
  CompileResult result = program.compile(what, target);
  if (result.unsupported)
    throw Unsupported(result.diagnostics);
  if (!result.artifact)
    throw CompileError(result.diagnostics);
  std::shared_ptr<const Artifact> artifact = loaded(std::move(result.artifact));
  check_artifact(*artifact, what, signature);
  return Variant{std::move(artifact), std::string(key.text)};
}

Variant VariantCache::from_disk(const VariantKey &key,
                                const Specialization &what,
                                const Signature &signature) const {
  std::optional<Entry> entry = disk_->find(variant_key(identity_, key.text));
  if (!entry)
    return {};
  std::shared_ptr<const Artifact> artifact = decode_variant(std::move(*entry));
  if (!artifact)
    return {};
  try {
    artifact = loaded(std::move(artifact));
    check_artifact(*artifact, what, signature);
  } catch (const Error &) {
    return {}; // compiled and written anew
  }
  return {std::move(artifact), std::string(key.text), true};
}

void VariantCache::to_disk(const Variant &variant) const {
  if (uses_disk() && !variant.from_disk && variant.artifact->object)
    disk_->publish(encode_variant(variant_key(identity_, variant.text),
                                  *variant.artifact));
}

const Variant *VariantCache::load(const VariantKey &key,
                                  const Specialization &what,
                                  const Signature &signature) {
  if (!uses_disk())
    return nullptr;
  Variant variant = from_disk(key, what, signature);
  if (!variant.artifact)
    return nullptr;
  std::lock_guard lock(mutex_);
  // Another thread may have published it since the caller looked.
  if (const Variant *found = store_->find(key))
    return found;
  return store_->publish(key, std::move(variant));
}

bool VariantCache::first_request(const VariantKey &key) {
  std::vector<uint64_t> words(key.words.begin(), key.words.end());
  std::lock_guard lock(mutex_);
  if (std::find(requested_.begin(), requested_.end(), words) !=
      requested_.end())
    return false;
  requested_.push_back(std::move(words));
  return true;
}

const Variant *VariantCache::make(const VariantKey &key,
                                  const Specialization &what,
                                  const Signature &signature) {
  std::unique_lock<std::mutex> lock(mutex_);
  // Another thread may have published it since the caller looked.
  if (const Variant *variant = store_->find(key))
    return variant;
  auto same = [&](const std::shared_ptr<Pending> &pending) {
    return std::equal(pending->words.begin(), pending->words.end(),
                      key.words.begin(), key.words.end());
  };
  auto found = std::find_if(pending_.begin(), pending_.end(), same);
  if (found != pending_.end()) {
    std::shared_ptr<Pending> pending = *found;
    finished_.wait(lock, [&] { return pending->done; });
    if (pending->error)
      std::rethrow_exception(pending->error);
    return pending->variant;
  }

  auto pending = std::make_shared<Pending>();
  pending->words.assign(key.words.begin(), key.words.end());
  pending_.push_back(pending);
  lock.unlock();
  Variant variant;
  try {
    if (uses_disk())
      variant = from_disk(key, what, signature);
    if (!variant.artifact)
      variant = compile(*program_, target_, key, what, signature);
  } catch (...) {
    pending->error = std::current_exception();
  }
  lock.lock();
  if (!pending->error) {
    try {
      pending->variant = store_->publish(key, std::move(variant));
    } catch (...) {
      pending->error = std::current_exception();
    }
  }
  pending->done = true;
  std::erase(pending_, pending);
  finished_.notify_all();
  lock.unlock();
  if (pending->error)
    std::rethrow_exception(pending->error);
  // Those who wait need not wait for the disk.
  to_disk(*pending->variant);
  return pending->variant;
}

} // namespace attn_grid::detail
