#ifndef AG_RUNTIME_KERNELSTATE_H
#define AG_RUNTIME_KERNELSTATE_H
/// What the public handles `Module`, `Kernel` and `Launch` point to.

#include "attn_grid/artifact.hpp"
#include "attn_grid/launch.hpp"
#include "runtime/OpenProgram.h"
#include "runtime/Tuning.h"
#include "runtime/cache/VariantCache.h"
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace attn_grid::detail {

/// A parsed source and its variants. All but the caches is immutable.
class ModuleState {
public:
  /// `disk` may be null.
  ModuleState(Sources sources, DiskStore *disk);
  /// Of a program that is there already.
  ModuleState(Sources sources, OpenedProgram opened, DiskStore *disk);

  /// The same source with functions bound to one kernel; made once for each.
  std::shared_ptr<ModuleState> bind(FunctionBindings functions);

  /// Was it built ahead of time, so that users call C functions?
  bool ahead = false;
  /// Who binds consts and dtypes by name, for messages.
  const char *binder() const { return ahead ? "the build" : "the lookup"; }
  Sources sources; // empty but for the name if it was built ahead of time
  DiskStore *disk;
  std::shared_ptr<const Program> program;
  /// The variants for a device. Throws `Unsupported` if it is not there.
  VariantCache &variants_for(Device device) {
    return device == Device::cpu() ? variants : gpu_variants(device);
  }
  VariantCache variants; // for the CPU

private:
  VariantCache &gpu_variants(Device device);

  Identity identity_;
  std::mutex mutex_; // guards what follows
  std::map<std::string, std::unique_ptr<VariantCache>> gpu_;  // by architecture
  std::map<std::string, std::shared_ptr<ModuleState>> bound_; // by hash
};

/// One dimension of a tensor parameter: `extent + offset`, which binds the
/// extent, or any other expression, which is only checked.
struct DimPlan {
  int extent = -1; // -1: check `expr`
  int64_t offset = 0;
  const Expr *expr = nullptr;
};

/// A kernel of a module with what was bound by name.
class KernelState {
public:
  KernelState(std::shared_ptr<ModuleState> module, int index);

  std::shared_ptr<ModuleState> module;
  int index; // of the kernel in the module
  const Signature &signature;
  std::vector<std::vector<DimPlan>> dims; // per parameter
  /// Per const, the default if it needs nothing that a launch binds.
  std::vector<std::optional<Scalar>> const_defaults;

  /// What tuning has found; mostly nothing.
  std::vector<TunedConsts> tuned;

  // Bound by name.
  std::vector<std::optional<DType>> types;
  std::vector<std::optional<Scalar>> consts;
  std::vector<int64_t> extents; // -1: not

  /// The name in a message: "flash_fwd: ".
  std::string prefix() const { return signature.name + ": "; }
};

/// A checked launch, ready to run.
class PreparedState {
public:
  std::shared_ptr<const KernelState> kernel;
  const Variant *variant = nullptr; // owned by the module's cache
  bool cached = false;
  uint32_t programs = 0;
  Device device;
  std::vector<uint64_t> args; // the flat struct
  std::vector<std::pair<TensorView, Scalar>> fills;
  Results results;
};

/// Converts a value that a host gives for a const, or throws `DTypeError`.
Scalar convert_const(const Signature &signature, const ConstParam &param,
                     Scalar value);

} // namespace attn_grid::detail

#endif
