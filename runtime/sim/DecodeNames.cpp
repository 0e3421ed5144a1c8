// What names stand for: registers, special registers, constants, variables.

#include "runtime/sim/Decoder.h"
#include "runtime/sim/SimFloat.h"

#include <fmt/format.h>

namespace attn_grid::sim {

/// A warp's registers, at most.
static constexpr uint32_t mostRegisterBytes = 64 << 20;
static constexpr uint64_t mostLocalBytes = 1 << 19;

/// A place in memory for each of the kernel's own variables.
void Decoder::layOut() {
  uint64_t shared = 0, local = 0;
  auto put = [&](const Variable &variable, int scope) {
    uint64_t align = std::max<uint64_t>(variable.align, 1);
    if (variable.space == Space::shared && !variable.isExtern) {
      shared = (shared + align - 1) / align * align;
      variables[{scope, variable.name}] = shared;
      shared += variable.bytes;
    } else if (variable.space == Space::local) {
      local = (local + align - 1) / align * align;
      variables[{scope, variable.name}] = local;
      local += variable.bytes;
    }
    if (shared > 1 << 20 || local > mostLocalBytes)
      throw LoadError(function.line,
                      fmt::format("`{}` is larger than the memory there is",
                                  variable.name));
  };
  for (const Variable &variable : module.variables)
    put(variable, 0);
  for (const Variable &variable : function.variables)
    put(variable, variable.scope);
  // What the launch adds lies behind, for all of its names.
  shared = (shared + 127) / 128 * 128;
  for (const auto *list : {&module.variables, &function.variables})
    for (const Variable &variable : *list)
      if (variable.space == Space::shared && variable.isExtern)
        variables[{variable.scope, variable.name}] = shared;
  program->sharedBytes = static_cast<uint32_t>(shared);
  program->localBytes = static_cast<uint32_t>((local + 15) / 16 * 16);
}

Slot Decoder::addSlot(int bits) {
  uint32_t bytes = bits == 1 ? 64 : static_cast<uint32_t>(bits) / 8 * warpSize;
  Slot slot = program->registerBytes;
  program->registerBytes += bytes;
  if (program->registerBytes > mostRegisterBytes)
    fail("this kernel has more registers than the device");
  return slot;
}

/// The number at the end of a register's name, and what stands before it.
static std::pair<std::string, int> split(const std::string &name) {
  size_t end = name.find_last_not_of("0123456789") + 1;
  bool isNumber = end < name.size() && name.size() - end <= 7 &&
                  (name[end] != '0' || name.size() - end == 1);
  return {name.substr(0, end), isNumber ? std::stoi(name.substr(end)) : -1};
}

Decoder::Register Decoder::reg(const std::string &name) {
  auto known = find(registers, name);
  if (known != registers.end() && known->second.slot != noSlot)
    return known->second;
  auto [prefix, number] = split(name);
  for (int scope = at->scope; scope >= 0; scope = function.scopes[scope])
    for (const RegisterDecl &decl : function.registers) {
      if (decl.scope != scope)
        continue;
      bool isIt = decl.count == 0 ? decl.name == name
                                  : decl.name == prefix && number >= 0 &&
                                        number < decl.count;
      if (!isIt)
        continue;
      // 8 bits live in 16, as on a GPU.
      int bits = decl.bits == 8 ? 16 : decl.bits;
      return registers[{scope, name}] = {addSlot(bits), bits};
    }
  fail(fmt::format("the register `{}` is not declared", name));
}

Slot Decoder::special(const std::string &name, int bits) {
  static const std::map<std::string, Special, std::less<>> names = {
      {"%tid.x", Special::tidX},
      {"%tid.y", Special::tidY},
      {"%tid.z", Special::tidZ},
      {"%ntid.x", Special::ntidX},
      {"%ntid.y", Special::ntidY},
      {"%ntid.z", Special::ntidZ},
      {"%ctaid.x", Special::ctaidX},
      {"%ctaid.y", Special::ctaidY},
      {"%ctaid.z", Special::ctaidZ},
      {"%nctaid.x", Special::nctaidX},
      {"%nctaid.y", Special::nctaidY},
      {"%nctaid.z", Special::nctaidZ},
      {"%laneid", Special::laneid},
      {"%warpid", Special::warpid},
      {"%nwarpid", Special::nwarpid},
      {"%smid", Special::smid},
      {"%nsmid", Special::nsmid},
      {"%lanemask_eq", Special::lanemaskEq},
      {"%lanemask_le", Special::lanemaskLe},
      {"%lanemask_lt", Special::lanemaskLt},
      {"%lanemask_ge", Special::lanemaskGe},
      {"%lanemask_gt", Special::lanemaskGt},
      {"%clock", Special::clock},
      {"%clock64", Special::clock},
      {"%globaltimer", Special::clock},
      {"%dynamic_smem_size", Special::dynamicSharedSize},
      {"%total_smem_size", Special::totalSharedSize},
      {"%clusterid.x", Special::ctaidX},
      {"%cluster_ctaid.x", Special::zero},
      {"%cluster_ctarank", Special::zero},
  };
  auto found = names.find(name);
  if (found == names.end())
    return noSlot;
  auto [slot, isNew] = specials.insert({{found->second, bits}, noSlot});
  if (isNew) {
    slot->second = addSlot(bits);
    program->specials.push_back({slot->second, found->second, bits});
  }
  return slot->second;
}

Slot Decoder::constant(uint64_t value, int bits) {
  if (bits < 64)
    value &= (uint64_t(1) << bits) - 1;
  auto [slot, isNew] = constants.insert({{bits, value}, noSlot});
  if (isNew)
    slot->second = addSlot(bits);
  return slot->second;
}

uint64_t Decoder::addressOf(const std::string &symbol) const {
  auto own = find(variables, symbol);
  if (own != variables.end())
    return own->second;
  for (const Variable &param : function.params)
    if (param.name == symbol)
      return paramWindow + param.offset;
  auto global = symbols.global.find(symbol);
  if (global == symbols.global.end())
    fail(fmt::format("`{}` is not declared", symbol));
  return global->second;
}

} // namespace attn_grid::sim
