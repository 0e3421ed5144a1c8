# Installs the build BUILD and runs the Python example SOURCE against it; where
# pip and setuptools are there, with the package installed by pip.

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status)
  if(status)
    message(FATAL_ERROR "failed (${status}): ${ARGV}")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK}")
set(prefix "${WORK}/install")
run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${prefix}")
set(kernels "${prefix}/share/attn_grid/kernels")
set(package "${prefix}/share/attn_grid/python")
run("${CMAKE_COMMAND}" -E env "PYTHONPATH=${package}"
    "${PYTHON}" "${SOURCE}/attention.py" "${kernels}")

execute_process(COMMAND "${PYTHON}" -c "import pip, setuptools, wheel"
                RESULT_VARIABLE missing OUTPUT_QUIET ERROR_QUIET)
if(missing)
  message(STATUS "No pip with setuptools and wheel: `pip install` is not tested")
else()
  run("${PYTHON}" -m pip -q install --no-index --no-build-isolation --no-deps
      --root-user-action ignore --target "${WORK}/site" "${package}")
  run("${CMAKE_COMMAND}" -E env "PYTHONPATH=${WORK}/site"
      "ATTN_GRID_LIBRARY=${prefix}/lib/libattn_grid_runtime.so"
      "${PYTHON}" "${SOURCE}/attention.py" "${kernels}")
endif()
