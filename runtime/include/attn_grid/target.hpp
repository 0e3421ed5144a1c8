#ifndef ATTN_GRID_TARGET_HPP
#define ATTN_GRID_TARGET_HPP
/// The machine that a variant is made for, as plain data.
///
///   ag::Target target = ag::parse_target("cpu:x86-64-v3");
///   ag::to_string(target);     // "cpu:x86-64-v3"

#include "attn_grid/export.hpp"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attn_grid {

/// A kind of machine and the instructions that code for it may use.
struct Target {
  enum class Kind : uint8_t {
    cpu, ///< an object of machine code
    ptx, ///< PTX text for an NVIDIA GPU
  };
  Kind kind = Kind::cpu;
  /// `cpu`: "native" (this machine, with all that it has), or the name of an
  /// instruction set, as `cpu_archs` lists them. `ptx`: "sm_80", ...
  std::string arch = "native";
  friend bool operator==(const Target &, const Target &) = default;
};

/// "cpu", "cpu:x86-64-v3", "sm_80": what `parse_target` reads.
AG_API std::string to_string(const Target &target);

/// The target of that name. Throws `KeyError` that lists what there is.
AG_API Target parse_target(std::string_view text);

/// The instruction sets that code for a CPU may be made for, besides "native":
/// those of one processor family stand together, each after those that it
/// includes.
AG_API const std::vector<std::string> &cpu_archs();

/// Can code for `arch`, a name of `cpu_archs`, run here? The processor must
/// have the instructions and the system must save their registers. For AMX the
/// system's permission is asked for, once; refused, there is none.
AG_API bool machine_runs(std::string_view arch);

/// The architectures that PTX may be made for.
AG_API const std::vector<std::string> &ptx_archs();

} // namespace attn_grid

namespace ag = attn_grid;

#endif
