#include "runtime/host/ElfReader.h"
#include "attn_grid/error.hpp"
#include <cstring>
#include <fmt/format.h>

namespace attn_grid::detail {

void throw_damaged(std::string_view what) {
  throw BackendError(fmt::format("the compiled object is damaged: {}", what));
}

std::string_view ElfReader::slice(uint64_t offset, uint64_t size) const {
  if (offset > bytes_.size() || size > bytes_.size() - offset)
    throw_damaged("it ends early");
  return bytes_.substr(offset, size);
}

std::string_view ElfReader::text(std::string_view table, uint64_t offset) {
  size_t end =
      offset < table.size() ? table.find('\0', offset) : std::string_view::npos;
  if (end == std::string_view::npos)
    throw_damaged("a name is outside of its table");
  return table.substr(offset, end - offset);
}

template <class Record>
std::vector<Record> ElfReader::records(const ElfSection &section) {
  if (section.header.sh_entsize != sizeof(Record) ||
      section.bytes.size() % sizeof(Record) != 0)
    throw_damaged("a table has entries of a wrong size");
  std::vector<Record> records(section.bytes.size() / sizeof(Record));
  if (!records.empty()) // an empty vector's data may be null
    std::memcpy(records.data(), section.bytes.data(), section.bytes.size());
  return records;
}

const ElfSection &ElfReader::linked(const ElfSection &section) const {
  if (section.header.sh_link >= sections_.size())
    throw_damaged("a section links to none");
  return sections_[section.header.sh_link];
}

ElfReader::ElfReader(std::string_view bytes) : bytes_(bytes) {
  Elf64_Ehdr header;
  std::memcpy(&header, slice(0, sizeof header).data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    throw_damaged("it is no ELF file");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_X86_64)
    throw Unsupported("compiled objects are loaded on x86-64 alone, and this "
                      "one is for another machine");
  if (header.e_type != ET_REL || header.e_shentsize != sizeof(Elf64_Shdr))
    throw_damaged("it is not relocatable");

  std::string_view table =
      slice(header.e_shoff, uint64_t(header.e_shnum) * sizeof(Elf64_Shdr));
  sections_.resize(header.e_shnum);
  for (size_t i = 0; i < sections_.size(); ++i) {
    ElfSection &section = sections_[i];
    std::memcpy(&section.header, table.data() + i * sizeof(Elf64_Shdr),
                sizeof(Elf64_Shdr));
    if (section.header.sh_type != SHT_NOBITS &&
        section.header.sh_type != SHT_NULL)
      section.bytes = slice(section.header.sh_offset, section.header.sh_size);
  }
  if (header.e_shstrndx >= sections_.size())
    throw_damaged("its sections have no names");
  for (ElfSection &section : sections_)
    section.name =
        text(sections_[header.e_shstrndx].bytes, section.header.sh_name);

  for (size_t i = 0; i < sections_.size(); ++i) {
    if (sections_[i].header.sh_type != SHT_SYMTAB)
      continue;
    if (symbol_table_ != 0)
      throw_damaged("it has two tables of symbols");
    symbol_table_ = i;
    symbols_ = records<Elf64_Sym>(sections_[i]);
    names_ = linked(sections_[i]).bytes;
  }
}

std::string_view ElfReader::name_of(const Elf64_Sym &symbol) const {
  return text(names_, symbol.st_name);
}

std::vector<Elf64_Rela>
ElfReader::relocations(const ElfSection &section) const {
  if (section.header.sh_link != symbol_table_ || symbol_table_ == 0)
    throw_damaged("relocations without symbols");
  std::vector<Elf64_Rela> list = records<Elf64_Rela>(section);
  for (const Elf64_Rela &relocation : list)
    if (ELF64_R_SYM(relocation.r_info) >= symbols_.size())
      throw_damaged("a relocation names no symbol");
  return list;
}

} // namespace attn_grid::detail
