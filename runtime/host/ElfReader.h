#ifndef AG_RUNTIME_HOST_ELFREADER_H
#define AG_RUNTIME_HOST_ELFREADER_H
/// The parts of a relocatable ELF object, every offset checked.

#include <cstdint>
#include <elf.h>
#include <string_view>
#include <vector>

namespace attn_grid::detail {

/// A section header with what it refers to.
struct ElfSection {
  Elf64_Shdr header;
  std::string_view name;
  std::string_view bytes; // of the file; empty for SHT_NOBITS

  bool allocated() const { return header.sh_flags & SHF_ALLOC; }
  bool writable() const { return header.sh_flags & SHF_WRITE; }
  bool executable() const { return header.sh_flags & SHF_EXECINSTR; }
};

/// A view of an object's bytes, which must outlive it.
class ElfReader {
public:
  /// Throws `BackendError` if the headers are damaged, `Unsupported` if the
  /// object is not for x86-64.
  explicit ElfReader(std::string_view bytes);

  const std::vector<ElfSection> &sections() const { return sections_; }
  /// The symbols of the object's one table.
  const std::vector<Elf64_Sym> &symbols() const { return symbols_; }
  std::string_view name_of(const Elf64_Sym &symbol) const;
  /// The relocations of a SHT_RELA section.
  std::vector<Elf64_Rela> relocations(const ElfSection &section) const;

private:
  std::string_view slice(uint64_t offset, uint64_t size) const;
  /// The text at an offset of a string table.
  static std::string_view text(std::string_view table, uint64_t offset);
  template <class Record>
  static std::vector<Record> records(const ElfSection &section);
  const ElfSection &linked(const ElfSection &section) const;

  std::string_view bytes_;
  std::vector<ElfSection> sections_;
  std::vector<Elf64_Sym> symbols_;
  std::string_view names_; // of the symbols
  uint64_t symbol_table_ = 0;
};

/// Throws `BackendError`: "the compiled object is damaged: {what}".
[[noreturn]] void throw_damaged(std::string_view what);

} // namespace attn_grid::detail

#endif
