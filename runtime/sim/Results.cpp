#include "runtime/sim/Results.h"

#include "runtime/sim/SimFloat.h"

#include <bit>
#include <cmath>

namespace attn_grid::sim {

static Real realOf(std::string_view type) {
  if (type == "f16")
    return Real::half;
  if (type == "bf16")
    return Real::brain;
  if (type == "f32")
    return Real::single;
  return type == "f64" ? Real::wide : Real::none;
}

void describeResult(Instr &instr, std::string_view opcode) {
  auto partFromEnd = [&](int n) -> std::string_view {
    std::string_view rest = opcode;
    for (; n > 0 && rest.find('.') != rest.npos; --n)
      rest = rest.substr(0, rest.rfind('.'));
    return rest.substr(rest.rfind('.') + 1);
  };
  std::string_view name = opcode.substr(0, opcode.find('.'));
  // What only moves bits makes no number, and comparisons none at all.
  if (name == "mov" || name == "selp" || name == "setp" || name == "shfl" ||
      name == "testp")
    return;
  instr.operand = instr.result = realOf(partFromEnd(0));
  Real other = realOf(partFromEnd(1));
  if (name == "cvt" || (instr.result != Real::none && other == Real::single))
    instr.result = other;
  if (opcode.find(".approx") == opcode.npos || instr.result == Real::none)
    return;
  // "Floating Point Instructions": tanh 2^-11; 16 bits 2^-9.9 (f16) and more;
  // the others 2^-22 and less, relative or absolute.
  instr.errorBits = instr.result == Real::brain  ? 7
                    : instr.result == Real::half ? 9
                    : name == "tanh"             ? 11
                                                 : 22;
}

static double valueOf(Warp &w, Slot slot, Real type, int lane) {
  switch (type) {
  case Real::half:
    return static_cast<double>(w.lanes<_Float16>(slot)[lane]);
  case Real::brain:
    return w.lanes<Brain>(slot)[lane];
  case Real::single:
    return w.lanes<float>(slot)[lane];
  case Real::wide:
    return w.lanes<double>(slot)[lane];
  case Real::none:
    break;
  }
  return 0;
}

uint32_t finiteOperands(Warp &w, const Instr &i, uint32_t mask) {
  bool isMixed = i.operand != i.result && i.c != noSlot; // the last is the sum
  for (int lane = 0; lane < warpSize; ++lane)
    for (Slot slot : {i.a, i.b, i.c})
      if (slot != noSlot && mask >> lane & 1 &&
          !std::isfinite(valueOf(
              w, slot, isMixed && slot == i.c ? i.result : i.operand, lane)))
        mask &= ~(uint32_t(1) << lane);
  return mask;
}

void reportNotFinite(Warp &w, const Instr &i, uint32_t lanes) {
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(lanes >> lane & 1))
      continue;
    double value = valueOf(w, i.d, i.result, lane);
    if (std::isfinite(value))
      continue;
    w.report(Problem::notFinite, lane, 0, 0,
             value != value ? "a NaN, of finite operands"
                            : "an infinity, of finite operands");
    return;
  }
}

void perturb(Warp &w, const Instr &i, uint32_t mask) {
  for (int lane = 0; lane < warpSize; ++lane) {
    double value = valueOf(w, i.d, i.result, lane);
    if (!(mask >> lane & 1) || !std::isfinite(value))
      continue;
    // The same in every run: a hash of the value.
    uint64_t hash = std::bit_cast<uint64_t>(value) * 0x9e3779b97f4a7c15u;
    double part =
        static_cast<double>(hash >> 11) / double(uint64_t(1) << 52) - 1;
    value += std::ldexp(value, -i.errorBits) * part;
    if (i.result == Real::half)
      w.lanes<_Float16>(i.d)[lane] = static_cast<_Float16>(value);
    else if (i.result == Real::brain)
      w.lanes<Brain>(i.d)[lane] = Brain(static_cast<float>(value));
    else
      w.lanes<float>(i.d)[lane] = static_cast<float>(value);
  }
}

} // namespace attn_grid::sim
