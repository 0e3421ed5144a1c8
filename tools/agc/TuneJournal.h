#ifndef AG_TOOLS_AGC_TUNEJOURNAL_H
#define AG_TOOLS_AGC_TUNEJOURNAL_H
/// What a tuning run has measured so far, in a file, so that the next run goes
/// on where one ended: by its budget, by ^C, or with the machine.

#include "tools/agc/Candidates.h"

#include <string>

namespace attn_grid::agc {

class TuneJournal {
public:
  /// `path` empty: nothing is kept. `identity` says what is measured where: a
  /// journal of anything else begins anew.
  TuneJournal(std::string path, std::string identity)
      : path(std::move(path)), identity(std::move(identity)) {}

  /// Sets what the file knows of the candidates; gives how many those are.
  size_t recall(std::vector<Candidate> &candidates) const;
  /// Writes what is known. Throws `BackendError`.
  void keep(const std::vector<Candidate> &candidates) const;
  /// All is measured: the file goes.
  void close() const;

private:
  std::string path, identity;
};

} // namespace attn_grid::agc

#endif
