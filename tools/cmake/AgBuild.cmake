# What every folder's CMakeLists.txt relies on: language level, build types,
# ccache, lld, one precompiled header, and `ag_library`.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
include(GNUInstallDirs)
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
# Debian keeps LLVM's shared libraries in a folder that loaders do not search.
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Dev CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_DEV "-O2" CACHE STRING "" FORCE)
set(CMAKE_C_FLAGS_DEV "-O2" CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_ASAN
    "-O1 -g1 -fsanitize=address,undefined -fno-sanitize=vptr,function -fno-omit-frame-pointer"
    CACHE STRING "" FORCE)
set(CMAKE_C_FLAGS_ASAN "${CMAKE_CXX_FLAGS_ASAN}" CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_TSAN "-O1 -g1 -fsanitize=thread -fno-omit-frame-pointer"
    CACHE STRING "" FORCE)
set(CMAKE_C_FLAGS_TSAN "${CMAKE_CXX_FLAGS_TSAN}" CACHE STRING "" FORCE)
# Imported libraries know only the usual configurations.
set(CMAKE_MAP_IMPORTED_CONFIG_DEV RelWithDebInfo Release None "")
set(CMAKE_MAP_IMPORTED_CONFIG_ASAN RelWithDebInfo Release None "")
set(CMAKE_MAP_IMPORTED_CONFIG_TSAN RelWithDebInfo Release None "")

find_program(AG_CCACHE ccache)
if(AG_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${AG_CCACHE})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  find_program(AG_LLD ld.lld-22)
  if(AG_LLD)
    add_link_options(--ld-path=${AG_LLD})
  endif()
  # What ccache needs to reuse objects made with a precompiled header.
  add_compile_options(-Xclang -fno-pch-timestamp)
endif()
if(AG_FUZZ)
  # Tells libFuzzer which code an input reaches.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
add_compile_options(-Wall -Wextra -Wno-unused-parameter)

# Before 1.0 a minor version may change the interface, in binary form too.
set(AG_SOVERSION "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
# The file that the runtime opens when something must be compiled.
set(AG_COMPILER_LIBRARY "libattn_grid_compiler.so.${AG_SOVERSION}")

# ag_version_library(NAME EXPORTED_NAME)
# Gives a shared library its version, and its symbols theirs.
function(ag_version_library name exported_name)
  set(symbols "${PROJECT_BINARY_DIR}/symbols.map")
  configure_file("${PROJECT_SOURCE_DIR}/tools/cmake/symbols.map.in" "${symbols}" @ONLY)
  target_link_options(${name} PRIVATE "LINKER:--version-script=${symbols}")
  set_target_properties(${name} PROPERTIES
    VERSION ${PROJECT_VERSION}
    SOVERSION ${AG_SOVERSION}
    EXPORT_NAME ${exported_name}
    LINK_DEPENDS "${symbols}")
endfunction()

# ag_mlir_library(NAME SOURCES a.cpp ... [LINK lib ...] [DEPENDS target ...])
# A static library that includes MLIR headers, with the shared precompiled
# header. Everything under dialect/ and compiler/ is one of these.
function(ag_mlir_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  if(NOT TARGET AgPch)
    add_library(AgPch STATIC "${PROJECT_SOURCE_DIR}/tools/cmake/pch.cpp")
    ag_mlir_target(AgPch)
    target_precompile_headers(AgPch PRIVATE "${PROJECT_SOURCE_DIR}/tools/cmake/pch.h")
  endif()
  add_library(${name} STATIC ${ARG_SOURCES})
  ag_mlir_target(${name})
  target_precompile_headers(${name} REUSE_FROM AgPch)
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# Include folders and definitions for a target that includes MLIR headers.
function(ag_mlir_target name)
  target_include_directories(${name} SYSTEM PRIVATE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}"
                             "${PROJECT_SOURCE_DIR}/runtime/include")
  separate_arguments(defs NATIVE_COMMAND "${LLVM_DEFINITIONS}")
  target_compile_options(${name} PRIVATE ${defs})
endfunction()
