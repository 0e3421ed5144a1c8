// The table of what was tuned, as lines of text:
//
//   HASH KERNEL TARGET T=f32 M~10 N~10 D=64 causal=false : BM=32 BN=128 # 0.9
//   ms
//
// What stands before the colon is a line's key: dtypes and consts as they are,
// sizes as classes.

#include "runtime/Tuning.h"
#include "attn_grid/error.hpp"
#include "runtime/File.h"
#include "runtime/OutOfMemory.h"
#include "runtime/cache/Hash.h"
#include "runtime/host/Processor.h"
#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <sstream>
#include <utility>

namespace attn_grid {
namespace detail {
namespace {

/// Whole lines by their keys.
using Table = std::map<std::string, std::string, std::less<>>;

struct State {
  std::mutex mutex;
  Table table;
  bool asked_environment = false;
};
State &state() {
  static State state;
  return state;
}

constexpr std::string_view separator = " : ";

/// Does a line have all that is read of it later?
bool is_line(std::string_view line) {
  size_t colon = line.find(separator);
  if (colon == line.npos)
    return false;
  // Hash, kernel and target, and a choice behind the colon.
  std::string_view key = line.substr(0, colon);
  return std::count(key.begin(), key.end(), ' ') >= 2 &&
         line.find('=', colon) != line.npos;
}

/// The lines of a text, without comments.
Table read(std::string_view text, const std::string &name) {
  Table table;
  std::istringstream stream{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    line.erase(line.find_last_not_of('\r') + 1);
    if (line.empty() || line.starts_with('#'))
      continue;
    if (line.size() > 4096 || !is_line(line))
      throw InvalidArgument(fmt::format(
          "{}:{}: this is no line of a tuning file: expected `HASH KERNEL "
          "TARGET ... : CONST=VALUE ...`, as `agc tune --save` writes it",
          name, number));
    table[line.substr(0, line.find(separator))] = line;
  }
  return table;
}

template <class List> int position(const List &list, std::string_view name) {
  for (size_t i = 0; i < list.size(); ++i)
    if (list[i].name == name)
      return static_cast<int>(i);
  return -1;
}

/// A const's value as a line has it; nothing if it is none of that kind.
std::optional<Scalar> parse_const(const ConstParam &param,
                                  std::string_view text) {
  if (param.kind == ConstParam::Kind::boolean) {
    if (text != "true" && text != "false")
      return std::nullopt;
    return Scalar(text == "true");
  }
  auto parse = [&]<class T>(T) -> std::optional<Scalar> {
    T value{};
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
      return std::nullopt;
    return Scalar(value);
  };
  return param.kind == ConstParam::Kind::integer ? parse(int64_t())
                                                 : parse(double());
}

std::string print(Scalar value) {
  switch (value.kind()) {
  case Scalar::Kind::boolean:
    return value.integer() ? "true" : "false";
  case Scalar::Kind::integer:
    return fmt::format("{}", value.integer());
  case Scalar::Kind::floating:
    break;
  }
  return fmt::format("{}", value.number());
}

/// One word of a line; false if the signature has no such thing.
bool parse_word(std::string_view word, bool is_choice,
                const Signature &signature, TunedConsts &tuned) {
  size_t at = word.find_first_of("=~");
  if (at == word.npos)
    return false;
  std::string_view name = word.substr(0, at), value = word.substr(at + 1);
  if (word[at] == '~') {
    int extent = position(signature.extents, name), bits = -1;
    auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), bits);
    if (extent < 0 || error != std::errc() || bits < 0)
      return false;
    tuned.extents[static_cast<size_t>(extent)] = bits;
    return true;
  }
  if (int type = position(signature.types, name); type >= 0) {
    for (int i = 0; i < numDTypes; ++i)
      if (name_of(static_cast<DType>(i)) == value)
        tuned.types[static_cast<size_t>(type)] = static_cast<DType>(i);
    return tuned.types[static_cast<size_t>(type)].has_value();
  }
  int index = position(signature.consts, name);
  if (index < 0)
    return false;
  auto parsed =
      parse_const(signature.consts[static_cast<size_t>(index)], value);
  if (!parsed)
    return false;
  if (is_choice)
    tuned.choice.emplace_back(static_cast<size_t>(index), *parsed);
  else
    tuned.consts[static_cast<size_t>(index)] = *parsed;
  return true;
}

std::optional<TunedConsts> parse_line(std::string_view line,
                                      const Signature &signature) {
  TunedConsts tuned;
  tuned.types.resize(signature.types.size());
  tuned.extents.assign(signature.extents.size(), -1);
  tuned.consts.resize(signature.consts.size());
  std::istringstream words{std::string(line.substr(0, line.find('#')))};
  std::string word, hash, kernel;
  words >> hash >> kernel >> tuned.target;
  bool is_choice = false;
  while (words >> word) {
    if (word == ":")
      is_choice = true;
    else if (!parse_word(word, is_choice, signature, tuned))
      return std::nullopt;
  }
  return tuned;
}

} // namespace

int size_class(int64_t size) {
  return size <= 0 ? 0 : std::bit_width(static_cast<uint64_t>(size - 1));
}

const std::string &tuning_target(const std::string &arch) {
  static const std::string cpu =
      "cpu-" + to_hex(hash_bytes({processor()})).substr(0, 12);
  return arch.empty() ? cpu : arch;
}

std::vector<TunedConsts> tuned_consts(const std::string &source_hash,
                                      const Signature &signature) {
  State &own = state();
  bool load = false;
  {
    std::lock_guard lock(own.mutex);
    load = !std::exchange(own.asked_environment, true);
  }
  const char *file = load ? ::secure_getenv("AG_TUNING") : nullptr;
  if (file && *file)
    load_tuning(file);
  std::vector<TunedConsts> found;
  std::lock_guard lock(own.mutex);
  std::string prefix = fmt::format("{} {} ", source_hash, signature.name);
  for (auto it = own.table.lower_bound(prefix);
       it != own.table.end() && it->first.starts_with(prefix); ++it)
    if (auto tuned = parse_line(it->second, signature))
      found.push_back(std::move(*tuned));
  return found;
}

std::string tuning_line(const std::string &source_hash,
                        const Signature &signature, const TunedConsts &tuned,
                        double milliseconds) {
  std::string line =
      fmt::format("{} {} {}", source_hash, signature.name, tuned.target);
  for (size_t i = 0; i < tuned.types.size(); ++i)
    if (tuned.types[i])
      line += fmt::format(" {}={}", signature.types[i].name,
                          name_of(*tuned.types[i]));
  for (size_t i = 0; i < tuned.extents.size(); ++i)
    if (tuned.extents[i] >= 0)
      line +=
          fmt::format(" {}~{}", signature.extents[i].name, tuned.extents[i]);
  for (size_t i = 0; i < tuned.consts.size(); ++i)
    if (tuned.consts[i])
      line += fmt::format(" {}={}", signature.consts[i].name,
                          print(*tuned.consts[i]));
  line += " :";
  for (const auto &[index, value] : tuned.choice)
    line += fmt::format(" {}={}", signature.consts[index].name, print(value));
  return line + fmt::format(" # {:.4g} ms\n", milliseconds);
}

} // namespace detail

void add_tuning(std::string_view text, const std::string &name) try {
  detail::Table added = detail::read(text, name);
  detail::State &own = detail::state();
  std::lock_guard lock(own.mutex);
  for (auto &[key, line] : added)
    own.table[key] = std::move(line);
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

void load_tuning(const std::string &path) try {
  add_tuning(detail::read_file(path), path);
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

void clear_tuning() {
  std::lock_guard lock(detail::state().mutex);
  detail::state().table.clear();
}

std::string merge_tuning(std::string_view text, std::string_view added) try {
  detail::Table table = detail::read(text, "tuning");
  for (auto &[key, line] : detail::read(added, "tuning"))
    table[key] = line;
  std::string merged = "# AttentionGrid tuning: see attn_grid/tuning.hpp\n";
  for (const auto &[key, line] : table)
    merged += line + "\n";
  return merged;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

} // namespace attn_grid
