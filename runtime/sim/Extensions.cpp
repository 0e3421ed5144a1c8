// attn_grid/sim.h, and the addresses of entry points by name.

#include "runtime/sim/Driver.h"
#include "runtime/sim/include/attn_grid/sim.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>

namespace attn_grid::sim {

AG_SIM_EXPORT int agSimReportCount() {
  Device *device = current();
  return device ? static_cast<int>(device->reports.count()) : -1;
}
AG_SIM_EXPORT int agSimReportText(int index, char *text, size_t bytes) {
  Device *device = current();
  if (!device || index < 0)
    return -1;
  std::vector<std::string> texts =
      device->reports.from(static_cast<size_t>(index));
  if (texts.empty())
    return -1;
  if (text && bytes)
    std::snprintf(text, bytes, "%s", texts[0].c_str());
  return static_cast<int>(texts[0].size());
}
AG_SIM_EXPORT void agSimClearReports() {
  if (Device *device = current())
    device->reports.clear();
}
AG_SIM_EXPORT void agSimPrintReports(int on) {
  if (state())
    state()->printsReports = on != 0;
}
AG_SIM_EXPORT int agSimGetCounters(AgSimCounters *counters) {
  Device *device = current();
  if (!device || !counters)
    return -1;
  std::lock_guard lock(device->mutex);
  const Counters &c = device->counters;
  *counters = {c.instructions,      c.globalReadBytes,    c.globalWriteBytes,
               c.globalReadSectors, c.globalWriteSectors, c.sharedAccesses,
               c.sharedWavefronts,  c.barriers,           c.divergentBranches,
               c.matrixProducts};
  return 0;
}
AG_SIM_EXPORT void agSimResetCounters() {
  if (Device *device = current()) {
    std::lock_guard lock(device->mutex);
    device->counters = {};
  }
}

void Device::addProfile(const Program &program,
                        const std::vector<InstrCounters> &perInstr) {
  // The rows of a kernel stand together, one for each of its instructions.
  size_t first = 0;
  while (first < profile.size() && profile[first].kernel != program.name)
    ++first;
  bool isKnown = first + perInstr.size() <= profile.size() &&
                 profile[first].text == program.texts[0];
  if (!isKnown) {
    first = profile.size();
    for (size_t i = 0; i < perInstr.size(); ++i) {
      const Instr &instr = program.code[i];
      std::string_view text = program.texts[i];
      std::string_view opcode = text;
      if (opcode.starts_with('@'))
        opcode.remove_prefix(opcode.find(' ') + 1);
      profile.push_back({program.name,
                         std::string(opcode.substr(0, opcode.find(' '))),
                         std::string(text),
                         std::string(program.fileOf(instr)),
                         instr.source,
                         instr.line,
                         {}});
    }
  }
  for (size_t i = 0; i < perInstr.size(); ++i)
    profile[first + i].counted.add(perInstr[i]);
}

AG_SIM_EXPORT void agSimProfile(int on) {
  if (Device *device = current()) {
    std::lock_guard lock(device->mutex);
    device->profiles = on != 0;
    if (on)
      device->profile.clear();
  }
}
AG_SIM_EXPORT int agSimProfileCount() {
  Device *device = current();
  if (!device)
    return -1;
  std::lock_guard lock(device->mutex);
  return static_cast<int>(device->profile.size());
}
AG_SIM_EXPORT int agSimProfileRow(int index, AgSimRow *row) {
  Device *device = current();
  if (!device || !row || index < 0)
    return -1;
  std::lock_guard lock(device->mutex);
  if (static_cast<size_t>(index) >= device->profile.size())
    return -1;
  const ProfileRow &from = device->profile[static_cast<size_t>(index)];
  const InstrCounters &c = from.counted;
  *row = {from.kernel.c_str(),
          from.opcode.c_str(),
          from.text.c_str(),
          from.file.c_str(),
          from.source,
          from.line,
          c.count,
          c.lanes,
          c.wavefronts,
          c.leastWavefronts,
          c.sectors,
          c.leastSectors};
  return 0;
}

/// `cuMemAlloc` is `cuMemAlloc_v2` since CUDA 3.2.
AG_SIM_EXPORT CUresult cuGetProcAddress_v2(const char *name, void **address,
                                           int, uint64_t, int *status) {
  if (!name || !address)
    return CUDA_ERROR_INVALID_VALUE;
  Dl_info own;
  void *library = nullptr;
  if (dladdr(reinterpret_cast<void *>(&cuGetProcAddress_v2), &own))
    library = dlopen(own.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  *address = nullptr;
  for (const char *suffix : {"_v2", ""})
    if (library && !*address)
      *address = dlsym(library, (std::string(name) + suffix).c_str());
  if (library)
    dlclose(library);
  if (status)
    *status = *address ? 0 : 1;
  if (!*address)
    std::fprintf(stderr, "attn_grid sim: there is no entry point `%s`\n", name);
  return *address ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}
AG_SIM_EXPORT CUresult cuGetProcAddress(const char *name, void **address,
                                        int version, uint64_t flags) {
  return cuGetProcAddress_v2(name, address, version, flags, nullptr);
}

} // namespace attn_grid::sim
