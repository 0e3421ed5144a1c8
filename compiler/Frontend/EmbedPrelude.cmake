# Writes the prelude as C++ source: cmake -DOUTPUT=x.cpp -DFILES="a.ag,b.ag"
# -P EmbedPrelude.cmake. The delimiter of the raw strings is one that no kernel
# will ever contain.
string(REPLACE "," ";" FILES "${FILES}")
list(SORT FILES)
set(entries "")
foreach(path ${FILES})
  get_filename_component(name "${path}" NAME)
  file(READ "${path}" text)
  string(APPEND entries "      {\"${name}\", R\"ag_prelude(${text})ag_prelude\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"compiler/Frontend/Source.h\"

const std::vector<attn_grid::compiler::PreludeFile> &
attn_grid::compiler::preludeFiles() {
  static const std::vector<PreludeFile> files = {
${entries}  };
  return files;
}
")
