# What `cmake --install` puts where, what find_package(attn_grid) and pkg-config
# read, and the Debian packages that `cpack` makes. Four components:
#   runtime      the library that programs link
#   compiler     the library that it opens for a miss, `agc`, the kernels
#   sim          the software CUDA device, with its header
#   development  headers, and what build systems read
# Included last, when all targets exist.

include(CMakePackageConfigHelpers)
set(AG_INSTALL_CMAKEDIR "${CMAKE_INSTALL_LIBDIR}/cmake/attn_grid")
set(AG_INSTALL_KERNELSDIR "${CMAKE_INSTALL_DATADIR}/attn_grid/kernels")

install(TARGETS attn_grid_runtime EXPORT attn_gridRuntimeTargets
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime
                NAMELINK_COMPONENT development)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/runtime/include/attn_grid"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development
        FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(EXPORT attn_gridRuntimeTargets NAMESPACE attn_grid::
        DESTINATION "${AG_INSTALL_CMAKEDIR}" COMPONENT development)

install(TARGETS attn_grid_sim EXPORT attn_gridSimTargets
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT sim)
install(EXPORT attn_gridSimTargets NAMESPACE attn_grid::
        DESTINATION "${AG_INSTALL_CMAKEDIR}" COMPONENT sim)
install(FILES "${PROJECT_SOURCE_DIR}/runtime/sim/include/attn_grid/sim.h"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/attn_grid" COMPONENT sim)

# A build of the runtime alone has no compiler. Programs do not link it, so it
# has no link without a version; its targets come and go with the library.
if(TARGET attn_grid_compiler)
  install(TARGETS attn_grid_compiler attn_grid EXPORT attn_gridCompilerTargets
          LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT compiler
                  NAMELINK_SKIP)
  install(EXPORT attn_gridCompilerTargets NAMESPACE attn_grid::
          DESTINATION "${AG_INSTALL_CMAKEDIR}" COMPONENT compiler)
  install(FILES "${CMAKE_CURRENT_LIST_DIR}/AgAddKernels.cmake"
          DESTINATION "${AG_INSTALL_CMAKEDIR}" COMPONENT compiler)
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/kernels_dsl/"
        DESTINATION "${AG_INSTALL_KERNELSDIR}" COMPONENT compiler
        FILES_MATCHING PATTERN "*.ag")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/runtime/python"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/attn_grid" COMPONENT runtime
        FILES_MATCHING PATTERN "*.py" PATTERN "*.toml" PATTERN "*.md"
        PATTERN "__pycache__" EXCLUDE PATTERN "build" EXCLUDE
        PATTERN "*.egg-info" EXCLUDE)

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/attn_gridConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/attn_gridConfig.cmake"
  INSTALL_DESTINATION "${AG_INSTALL_CMAKEDIR}"
  PATH_VARS AG_INSTALL_KERNELSDIR)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/attn_gridConfigVersion.cmake"
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/attn_gridConfig.cmake"
              "${PROJECT_BINARY_DIR}/attn_gridConfigVersion.cmake"
        DESTINATION "${AG_INSTALL_CMAKEDIR}" COMPONENT development)

# The installed tree may be moved: the file finds the prefix from its own place.
set(AG_PC_DIR "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH AG_PC_TO_PREFIX "/prefix/${AG_PC_DIR}" "/prefix")
configure_file("${CMAKE_CURRENT_LIST_DIR}/attn_grid.pc.in"
               "${PROJECT_BINARY_DIR}/attn_grid.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/attn_grid.pc"
        DESTINATION "${AG_PC_DIR}" COMPONENT development)

# Debian packages, one per component: `cpack --config build/release/CPackConfig.cmake`.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME attn-grid)
set(CPACK_PACKAGE_VENDOR "AttentionGrid")
set(CPACK_PACKAGE_CONTACT "The AttentionGrid developers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Attention kernels as tile programs")
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/packages")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime compiler sim development)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}/lib")
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)

set(AG_DEB_RUNTIME "libattn-grid${AG_SOVERSION}")
set(AG_DEB_SAME "(= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME "${AG_DEB_RUNTIME}")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_RECOMMENDS "attn-grid ${AG_DEB_SAME}")
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION
    "The runtime: tensors, launches and the cache of compiled kernels.")
set(CPACK_DEBIAN_COMPILER_PACKAGE_NAME attn-grid)
set(CPACK_DEBIAN_COMPILER_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_COMPILER_PACKAGE_DEPENDS "${AG_DEB_RUNTIME} ${AG_DEB_SAME}")
set(CPACK_COMPONENT_COMPILER_DESCRIPTION
    "The compiler of tile programs, its command agc, and the kernels.")
set(CPACK_DEBIAN_COMPILER_PACKAGE_RECOMMENDS "attn-grid-sim ${AG_DEB_SAME}")
set(CPACK_DEBIAN_SIM_PACKAGE_NAME attn-grid-sim)
set(CPACK_DEBIAN_SIM_PACKAGE_SECTION devel)
set(CPACK_COMPONENT_SIM_DESCRIPTION
    "A CUDA device in software that runs PTX and checks every access.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libattn-grid-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${AG_DEB_RUNTIME} ${AG_DEB_SAME}")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS "attn-grid ${AG_DEB_SAME}")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "Headers of the runtime for C++20 and C, CMake and pkg-config files.")
include(CPack)
