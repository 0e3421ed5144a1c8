// One block of memory holds all of an object, so that offsets of 32 bits reach
// everywhere:
//
//     | code, stubs | constants |
//     ^ pages       ^ pages
//
// A library function may be anywhere, so calls to it go through a stub beside
// the code, a jump to the address that stands behind it. The block is written,
// then the first part becomes readable and executable, the second readable.
//
// Kernels have no variables, so a writable section is an error, except for
// constants that hold addresses (.data.rel.ro): they are written here alone.
// Unwind tables are left out: generated code throws nothing, and nothing may
// throw through it.

#include "runtime/host/ObjectLoader.h"
#include "attn_grid/error.hpp"
#include "runtime/host/ElfReader.h"
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <sys/mman.h>
#include <unistd.h>

namespace attn_grid::detail {
namespace {

struct LibraryFunction {
  std::string_view name;
  uintptr_t address;
};

template <class Function> uintptr_t address_of(Function *function) {
  return reinterpret_cast<uintptr_t>(function);
}

/// What LLVM makes calls of: blocks of memory, and arithmetic that this CPU has
/// no instruction for.
std::optional<uintptr_t> library_function(std::string_view name) {
  using F = float (*)(float);
  using D = double (*)(double);
  static const LibraryFunction functions[] = {
      {"memcpy", address_of(&std::memcpy)},
      {"memmove", address_of(&std::memmove)},
      {"memset", address_of(&std::memset)},
      {"fmod", address_of<double(double, double)>(&::fmod)},
      {"fmodf", address_of(&::fmodf)},
      {"fma", address_of<double(double, double, double)>(&::fma)},
      {"fmaf", address_of(&::fmaf)},
      {"ceil", address_of(static_cast<D>(&::ceil))},
      {"ceilf", address_of(static_cast<F>(&::ceilf))},
      {"floor", address_of(static_cast<D>(&::floor))},
      {"floorf", address_of(static_cast<F>(&::floorf))},
      {"rint", address_of(static_cast<D>(&::rint))},
      {"rintf", address_of(static_cast<F>(&::rintf))},
      {"trunc", address_of(static_cast<D>(&::trunc))},
      {"truncf", address_of(static_cast<F>(&::truncf))},
  };
  for (const LibraryFunction &function : functions)
    if (function.name == name)
      return function.address;
  return std::nullopt;
}

/// Memory from the system, pages of one kind or two.
class Block {
public:
  explicit Block(size_t size) : size_(size) {
    void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      fail("cannot allocate memory for code");
    begin_ = static_cast<std::byte *>(memory);
  }
  ~Block() { munmap(begin_, size_); }
  Block(const Block &) = delete;
  Block &operator=(const Block &) = delete;

  std::byte *begin() const { return begin_; }
  /// The first `code` bytes become code, the rest constants. Both are whole
  /// pages.
  void seal(size_t code) {
    if (mprotect(begin_, code, PROT_READ | PROT_EXEC) != 0 ||
        (code < size_ && mprotect(begin_ + code, size_ - code, PROT_READ) != 0))
      fail("cannot make memory executable (a rule of this system, such as "
           "SELinux's execmem, may forbid it)");
  }

private:
  [[noreturn]] static void fail(const char *what) {
    throw BackendError(fmt::format("{}: {}", what, std::strerror(errno)));
  }
  std::byte *begin_;
  size_t size_;
};

constexpr size_t stub_size = 16;
constexpr uint64_t not_placed = std::numeric_limits<uint64_t>::max();

class Loader {
public:
  explicit Loader(std::string_view object)
      : elf_(object), place_(elf_.sections().size(), not_placed),
        stub_(elf_.symbols().size(), not_placed) {}

  LoadedObject run(std::string_view symbol) {
    place_sections();
    block_ = std::make_shared<Block>(size_);
    copy();
    for (const ElfSection &section : elf_.sections())
      relocate(section);
    std::byte *entry = find(symbol);
    block_->seal(code_size_);
    return {reinterpret_cast<Artifact::CpuEntry>(entry), std::move(block_)};
  }

private:
  /// Larger objects are refused: no kernel comes near.
  static constexpr uint64_t size_limit = uint64_t(256) << 20;

  static bool is_wanted(const ElfSection &section) {
    constexpr uint32_t x86_64_unwind = 0x70000001;
    return section.allocated() && section.header.sh_type != SHT_NOTE &&
           section.header.sh_type != x86_64_unwind &&
           section.name != ".eh_frame" && section.header.sh_size > 0;
  }

  void reserve(uint64_t size, uint64_t alignment) {
    static const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    if (alignment == 0)
      alignment = 1;
    if ((alignment & (alignment - 1)) != 0 || alignment > page)
      throw_damaged("a section's alignment is no power of two, or too large");
    size_ = (size_ + alignment - 1) & ~(alignment - 1);
    if (size > size_limit - size_)
      throw_damaged("it is too large");
    size_ += size;
  }
  void fill_page() { reserve(0, static_cast<uint64_t>(sysconf(_SC_PAGESIZE))); }

  void place_all(bool executable) {
    for (size_t i = 0; i < place_.size(); ++i) {
      const ElfSection &section = elf_.sections()[i];
      if (!is_wanted(section) || section.executable() != executable)
        continue;
      if (section.header.sh_type != SHT_PROGBITS)
        throw_damaged(fmt::format("the section {} is of a kind that kernels "
                                  "do not have",
                                  section.name));
      if (section.writable() && !section.name.starts_with(".data.rel.ro"))
        throw_damaged(fmt::format("the section {} is writable", section.name));
      reserve(0, section.header.sh_addralign);
      place_[i] = size_;
      reserve(section.header.sh_size, 1);
    }
  }

  void place_sections() {
    place_all(/*executable=*/true);
    const std::vector<Elf64_Sym> &symbols = elf_.symbols();
    // The first entry of the table is no symbol.
    for (size_t i = 1; i < symbols.size(); ++i) {
      if (symbols[i].st_shndx != SHN_UNDEF)
        continue;
      reserve(0, stub_size);
      stub_[i] = size_;
      reserve(stub_size, 1);
    }
    fill_page();
    code_size_ = size_;
    if (code_size_ == 0)
      throw_damaged("it has no code");
    place_all(/*executable=*/false);
    fill_page();
  }

  void copy() {
    for (size_t i = 0; i < place_.size(); ++i)
      if (place_[i] != not_placed)
        std::memcpy(block_->begin() + place_[i],
                    elf_.sections()[i].bytes.data(),
                    elf_.sections()[i].bytes.size());
    for (size_t i = 0; i < stub_.size(); ++i)
      if (stub_[i] != not_placed)
        write_stub(block_->begin() + stub_[i], elf_.name_of(elf_.symbols()[i]));
  }

  static void write_stub(std::byte *stub, std::string_view name) {
    std::optional<uintptr_t> address = library_function(name);
    if (!address)
      throw_damaged(fmt::format("it calls `{}`, which kernels do not", name));
    // jmp *[rip + 2]; ud2; the address.
    constexpr uint8_t code[8] = {0xff, 0x25, 2, 0, 0, 0, 0x0f, 0x0b};
    std::memcpy(stub, code, sizeof code);
    std::memcpy(stub + sizeof code, &*address, sizeof *address);
  }

  /// Where a symbol is in the block.
  uint64_t offset_of(size_t index) const {
    const Elf64_Sym &symbol = elf_.symbols()[index];
    if (stub_[index] != not_placed)
      return stub_[index];
    if (symbol.st_shndx >= place_.size() ||
        place_[symbol.st_shndx] == not_placed ||
        symbol.st_value > elf_.sections()[symbol.st_shndx].header.sh_size)
      throw_damaged("a symbol has no place");
    return place_[symbol.st_shndx] + symbol.st_value;
  }

  void relocate(const ElfSection &table) {
    if (table.header.sh_type != SHT_RELA && table.header.sh_type != SHT_REL)
      return;
    if (table.header.sh_info >= place_.size())
      throw_damaged("relocations of no section");
    uint64_t base = place_[table.header.sh_info];
    if (base == not_placed)
      return; // of unwind tables
    if (table.header.sh_type == SHT_REL)
      throw_damaged("relocations of a kind that x86-64 does not have");
    uint64_t size = elf_.sections()[table.header.sh_info].header.sh_size;
    for (const Elf64_Rela &relocation : elf_.relocations(table))
      apply(relocation, base, size);
  }

  void apply(const Elf64_Rela &relocation, uint64_t base, uint64_t size) {
    uint64_t type = ELF64_R_TYPE(relocation.r_info);
    size_t width = type == R_X86_64_64 ? 8 : 4;
    if (relocation.r_offset > size || width > size - relocation.r_offset)
      throw_damaged("a relocation is outside of its section");
    uint64_t place = base + relocation.r_offset;
    // Unsigned, since sums of damaged numbers may wrap around.
    uint64_t target = offset_of(ELF64_R_SYM(relocation.r_info)) +
                      static_cast<uint64_t>(relocation.r_addend);
    std::byte *at = block_->begin() + place;
    switch (type) {
    case R_X86_64_64: {
      uint64_t value = reinterpret_cast<uintptr_t>(block_->begin()) + target;
      std::memcpy(at, &value, sizeof value);
      return;
    }
    case R_X86_64_PC32:
    case R_X86_64_PLT32: {
      auto distance = static_cast<int64_t>(target - place);
      auto value = static_cast<int32_t>(distance);
      if (value != distance)
        throw_damaged("a relocation reaches too far");
      std::memcpy(at, &value, sizeof value);
      return;
    }
    default:
      throw_damaged(fmt::format(
          "it has a relocation of type {}, which kernels do not", type));
    }
  }

  std::byte *find(std::string_view name) const {
    for (size_t i = 1; i < elf_.symbols().size(); ++i) {
      const Elf64_Sym &symbol = elf_.symbols()[i];
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC ||
          symbol.st_shndx == SHN_UNDEF || elf_.name_of(symbol) != name)
        continue;
      uint64_t offset = offset_of(i);
      if (!elf_.sections()[symbol.st_shndx].executable() ||
          symbol.st_value == elf_.sections()[symbol.st_shndx].header.sh_size)
        throw_damaged("its kernel is not code");
      return block_->begin() + offset;
    }
    throw_damaged(fmt::format("it has no function `{}`", name));
  }

  ElfReader elf_;
  std::vector<uint64_t> place_; // of each section in the block
  std::vector<uint64_t> stub_;  // of each symbol that is outside of the object
  uint64_t size_ = 0, code_size_ = 0;
  std::shared_ptr<Block> block_;
};

} // namespace

LoadedObject load_object(std::string_view object, std::string_view symbol) {
#if !defined(__x86_64__)
  throw Unsupported("compiled objects are loaded on x86-64 alone so far: on "
                    "this processor kernels cannot run");
#endif
  return Loader(object).run(symbol);
}

} // namespace attn_grid::detail
