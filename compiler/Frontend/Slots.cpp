#include "compiler/Frontend/Slots.h"

namespace attn_grid::compiler {

bool fits(const Signature &signature, const Specialization &spec) {
  if (spec.types.size() != signature.types.size() ||
      spec.consts.size() != signature.consts.size() ||
      spec.present.size() != signature.params.size() ||
      spec.last_stride.size() != signature.params.size())
    return false;
  for (size_t i = 0; i < spec.consts.size(); ++i)
    if (spec.consts[i].kind != signature.consts[i].kind)
      return false;
  for (size_t i = 0; i < spec.present.size(); ++i)
    if (!spec.present[i] && !signature.params[i].optional &&
        signature.params[i].is_tensor)
      return false;
  return true;
}

std::vector<Slot> argumentSlots(const Signature &signature,
                                const Specialization &spec) {
  std::vector<Slot> slots;
  for (size_t p = 0; p < signature.params.size(); ++p) {
    const Param &param = signature.params[p];
    if (!param.is_tensor || !spec.present[p])
      continue;
    int number = static_cast<int>(p);
    slots.push_back({Slot::Kind::pointer, number, 0});
    int rank = static_cast<int>(param.dims.size());
    for (int dim = 0; dim < rank; ++dim)
      if (dim + 1 < rank || spec.last_stride[p] < 0)
        slots.push_back({Slot::Kind::stride, number, dim});
  }
  for (size_t e = 0; e < signature.extents.size(); ++e)
    if (signature.extents[e].constant < 0)
      slots.push_back({Slot::Kind::extent, static_cast<int>(e), 0});
  for (size_t p = 0; p < signature.params.size(); ++p)
    if (!signature.params[p].is_tensor)
      slots.push_back({Slot::Kind::scalar, static_cast<int>(p), 0});
  return slots;
}

} // namespace attn_grid::compiler
