# ag_add_kernels(NAME FILES a.ag ...
#                [KERNELS kernel ...]        all kernels of the files if not given
#                [SET CONST=VALUE[,VALUE] ...] [DTYPE T=DTYPE[,DTYPE] ...]
#                [PRESENT param ...] [ABSENT param ...]
#                [TARGETS cpu ...]           every instruction set if not given
#                [PREFIX prefix] [INCLUDE_DIRS folder ...])
#
# A library NAME of C functions, compiled ahead of time by `agc build` when one
# of the sources changes. What links it may include <NAME.h> and needs the
# runtime, but neither the compiler nor LLVM. `agc build --help` describes the
# options. NAME.json, beside the header, is the property AG_DESCRIPTION.
function(ag_add_kernels name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "PREFIX"
                        "FILES;KERNELS;SET;DTYPE;PRESENT;ABSENT;TARGETS;INCLUDE_DIRS")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "ag_add_kernels(${name}): unknown arguments: ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT ARG_FILES)
    message(FATAL_ERROR "ag_add_kernels(${name}): FILES names no .ag file")
  endif()
  if(NOT TARGET attn_grid::agc)
    message(FATAL_ERROR "ag_add_kernels(${name}): this installation of attn_grid has no compiler")
  endif()

  set(files "")
  foreach(file ${ARG_FILES})
    get_filename_component(file "${file}" ABSOLUTE)
    list(APPEND files "${file}")
  endforeach()
  set(options "")
  foreach(pair "KERNELS;--kernel" "SET;--set" "DTYPE;--dtype" "PRESENT;--present"
               "ABSENT;--absent" "TARGETS;--target")
    list(GET pair 0 list)
    list(GET pair 1 flag)
    foreach(value ${ARG_${list}})
      list(APPEND options "${flag}" "${value}")
    endforeach()
  endforeach()
  foreach(folder ${ARG_INCLUDE_DIRS})
    get_filename_component(folder "${folder}" ABSOLUTE)
    list(APPEND options -I "${folder}")
  endforeach()
  if(ARG_PREFIX)
    list(APPEND options --prefix "${ARG_PREFIX}")
  endif()

  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${name}.kernels")
  file(MAKE_DIRECTORY "${folder}")
  set(base "${folder}/${name}")
  # In the build of AttentionGrid itself, a new compiler makes new kernels.
  set(compiler attn_grid::agc)
  if(TARGET attn_grid_compiler)
    list(APPEND compiler attn_grid_compiler)
  endif()
  add_custom_command(
    OUTPUT "${base}.o" "${base}.h" "${base}.json"
    COMMAND attn_grid::agc build ${files} ${options} -o "${base}" --depfile "${base}.d"
    DEPENDS ${files} ${compiler}
    DEPFILE "${base}.d"
    COMMENT "Compiling the kernels of ${name}"
    VERBATIM)

  set_source_files_properties("${base}.o" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  add_library(${name} STATIC "${base}.o" "${base}.h")
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if("CXX" IN_LIST languages)
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  else()
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
  endif()
  set_target_properties(${name} PROPERTIES AG_DESCRIPTION "${base}.json")
  target_include_directories(${name} INTERFACE "${folder}")
  # Code for processors without an instruction calls the mathematical library.
  target_link_libraries(${name} INTERFACE attn_grid::runtime m)
endfunction()
