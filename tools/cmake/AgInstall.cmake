# What `cmake --install` puts where, and what find_package(attn_grid) reads:
# the libraries attn_grid::runtime and attn_grid::attn_grid (the runtime with the
# compiler, which it opens when it needs it), the public headers,
# and the kernels, in the folder `attn_grid_KERNELS_DIR`. Included last, when all
# targets exist.

include(CMakePackageConfigHelpers)
set(AG_INSTALL_CMAKEDIR "${CMAKE_INSTALL_LIBDIR}/cmake/attn_grid")
set(AG_INSTALL_KERNELSDIR "${CMAKE_INSTALL_DATADIR}/attn_grid/kernels")

# A build of the runtime alone has no compiler.
foreach(library attn_grid_runtime attn_grid_compiler attn_grid)
  if(TARGET ${library})
    install(TARGETS ${library} EXPORT attn_gridTargets
            LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  endif()
endforeach()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/runtime/include/attn_grid"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/kernels_dsl/"
        DESTINATION "${AG_INSTALL_KERNELSDIR}" FILES_MATCHING PATTERN "*.ag")
install(EXPORT attn_gridTargets NAMESPACE attn_grid::
        DESTINATION "${AG_INSTALL_CMAKEDIR}")

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
              "${CMAKE_CURRENT_LIST_DIR}/AgAddKernels.cmake"
        DESTINATION "${AG_INSTALL_CMAKEDIR}")
