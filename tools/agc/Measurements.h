#ifndef AG_TOOLS_AGC_MEASUREMENTS_H
#define AG_TOOLS_AGC_MEASUREMENTS_H
/// What tuning has measured, kept in the cache on disk beside the variants, so
/// that a run goes on where one ended: by its budget, by ^C, or with the
/// machine. Without a cache nothing is kept.

#include "tools/agc/Candidates.h"

#include "runtime/cache/DiskStore.h"
#include "runtime/cache/Records.h"

#include <string>

namespace attn_grid::agc {

class Measurements {
public:
  /// Of launches like `reference`, on its device and with as many threads.
  Measurements(const LaunchOptions &options, const PreparedLaunch &reference);

  /// Sets what is known of the candidates; gives how many those are.
  size_t recall(std::vector<Candidate> &candidates) const;
  /// Keeps the time of a candidate that was measured, in milliseconds.
  void keep(const Candidate &candidate) const;

private:
  std::string keyOf(const Candidate &candidate) const;

  detail::DiskStore *store; // null: there is no cache
  detail::Identity identity;
  std::string launch;
};

} // namespace attn_grid::agc

#endif
