#include "runtime/cache/DiskStore.h"
#include "runtime/cache/Folder.h"
#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <random>

namespace attn_grid::detail {

/// A call that a signal interrupts is made again, but not for ever.
template <class Call> static auto retry(Call call) {
  auto result = call();
  for (int i = 0; i < 64 && result < 0 && errno == EINTR; ++i)
    result = call();
  return result;
}

/// Larger files are no entries of ours.
static constexpr off_t size_limit = off_t(1) << 28;
/// After this many seconds a temporary file has no writer any more.
static constexpr int64_t stale_after = 3600;
/// Times of use are this exact; noting each would wear out disks.
static constexpr int64_t use_interval = 600;
static constexpr std::string_view temporary_prefix = ".tmp-";

DiskStore::DiskStore(FileSystem &files, std::string folder, uint64_t limit,
                     std::function<void(const std::string &)> warn)
    : files_(files), folder_(std::move(folder)), limit_(limit),
      warn_(std::move(warn)) {}

void DiskStore::warn(const std::string &trouble) {
  if (!warned_.exchange(true))
    warn_(trouble);
}

int DiskStore::open() {
  std::lock_guard lock(mutex_);
  if (!opened_) {
    std::string reason;
    descriptor_ = open_folder(files_, folder_, /*create=*/true, reason);
    opened_ = true; // not where memory ran out: the next call tries again
    if (!descriptor_)
      warn(reason);
  }
  return descriptor_.get();
}

void DiskStore::forget_folder() {
  std::lock_guard lock(mutex_);
  retired_.reserve(retired_.size() + 1); // or the descriptor would be lost
  retired_.push_back(std::move(descriptor_));
  opened_ = false;
}

std::optional<Entry> DiskStore::read(const std::string &name,
                                     std::string &reason) {
  int folder = open();
  if (folder < 0)
    return std::nullopt;
  // Without blocking, or a pipe of that name would wait for its writer.
  Descriptor file(files_, retry([&] {
                    return files_.open_at(folder, name.c_str(),
                                          O_RDONLY | O_NONBLOCK, 0);
                  }));
  if (!file) {
    if (errno != ENOENT)
      reason = describe_errno("open", name);
    return std::nullopt;
  }
  struct stat status;
  if (files_.stat(file.get(), &status) != 0) {
    reason = describe_errno("look at", name);
    return std::nullopt;
  }
  // A second name could be in a folder that others write; none: evicted just
  // now, and still whole.
  if (!is_private(status, S_IFREG, files_.user()) || status.st_nlink > 1) {
    reason = fmt::format("{} is not a file of the user's alone", name);
    return std::nullopt;
  }
  if (status.st_size > size_limit) {
    reason = fmt::format("{} is too large", name);
    return std::nullopt;
  }
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t count = retry([&] {
      return files_.read(file.get(), bytes.data() + done, bytes.size() - done);
    });
    if (count < 0) {
      reason = describe_errno("read", name);
      return std::nullopt;
    }
    if (count == 0)
      break; // it became shorter: the checksum tells
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  std::string why;
  std::optional<Entry> entry = decode(bytes, why);
  if (!entry)
    reason = fmt::format("{} is damaged: {}", name, why);
  else if (entry_name(entry->key) != name) {
    reason = fmt::format("{} is damaged: it has another entry's name", name);
    return std::nullopt;
  }
  // A clock that was set back must not stop eviction.
  if (entry &&
      std::abs(status.st_mtim.tv_sec - std::time(nullptr)) > use_interval)
    files_.touch(file.get());
  return entry;
}

std::optional<Entry> DiskStore::find(std::string_view key) {
  std::string reason;
  std::optional<Entry> entry = read(entry_name(key), reason);
  if (!entry) {
    if (!reason.empty())
      warn(fmt::format("{}/{}", folder_, reason));
    return std::nullopt;
  }
  if (entry->key != key)
    return std::nullopt;
  return entry;
}

bool DiskStore::write(int folder, const std::string &name,
                      std::string_view bytes) {
  Descriptor file(files_, retry([&] {
                    return files_.open_at(folder, name.c_str(),
                                          O_WRONLY | O_CREAT | O_EXCL, 0600);
                  }));
  if (!file)
    return false;
  while (!bytes.empty()) {
    ssize_t count = retry(
        [&] { return files_.write(file.get(), bytes.data(), bytes.size()); });
    if (count == 0)
      errno = EIO;
    if (count <= 0)
      return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return retry([&] { return files_.sync(file.get()); }) == 0;
}

static std::string temporary_name() {
  std::random_device random;
  return fmt::format("{}{:08x}{:08x}{:08x}{:08x}", temporary_prefix, random(),
                     random(), random(), random());
}

void DiskStore::publish(const Entry &entry) {
  std::string bytes = encode(entry), name = entry_name(entry.key);
  if (bytes.size() > static_cast<uint64_t>(size_limit) || bytes.size() > limit_)
    return;
  for (int attempt = 0; attempt < 2; ++attempt) {
    int folder = open();
    if (folder < 0)
      return;
    std::string temporary = temporary_name();
    if (write(folder, temporary, bytes) &&
        files_.rename_at(folder, temporary.c_str(), name.c_str()) == 0) {
      if (retry([&] { return files_.sync(folder); }) != 0)
        warn(describe_errno("sync", folder_));
      break;
    }
    int error = errno;
    files_.unlink_at(folder, temporary.c_str());
    errno = error;
    if (error != ENOENT || attempt > 0) {
      warn(describe_errno("write to", folder_));
      return;
    }
    forget_folder(); // somebody removed it
  }
  evict(limit_);
}

std::vector<StoredFile> DiskStore::list() {
  int folder = open();
  if (folder < 0)
    return {};
  std::vector<std::string> names;
  if (retry([&] { return files_.list(folder, names); }) != 0) {
    warn(describe_errno("list", folder_));
    return {};
  }
  std::vector<StoredFile> found;
  for (std::string &name : names) {
    bool temporary = name.starts_with(temporary_prefix);
    struct stat status;
    // One that is gone was evicted by another process.
    if ((!temporary && !is_entry_name(name)) ||
        files_.stat_at(folder, name.c_str(), &status) != 0 ||
        S_ISDIR(status.st_mode))
      continue;
    found.push_back({std::move(name), static_cast<uint64_t>(status.st_size),
                     status.st_mtim.tv_sec, temporary});
  }
  std::sort(found.begin(), found.end(),
            [](const StoredFile &a, const StoredFile &b) {
              return a.used != b.used ? a.used > b.used : a.name < b.name;
            });
  return found;
}

bool DiskStore::remove(const std::string &name) {
  int folder = open();
  if (folder < 0)
    return false;
  if (files_.unlink_at(folder, name.c_str()) == 0 || errno == ENOENT)
    return true;
  warn(describe_errno("remove", name));
  return false;
}

size_t DiskStore::evict(uint64_t limit) {
  std::vector<StoredFile> all = list();
  int64_t now = std::time(nullptr);
  uint64_t kept = 0;
  size_t removed = 0;
  for (const StoredFile &file : all) {
    bool excess = file.temporary ? std::abs(now - file.used) > stale_after
                                 : file.size > limit - kept;
    if (excess && remove(file.name)) {
      ++removed;
      // What is older goes too, or a large entry would outlive all others.
      if (!file.temporary)
        limit = kept;
    } else if (!file.temporary) {
      kept = std::min(limit, kept + file.size);
    }
  }
  return removed;
}

} // namespace attn_grid::detail
