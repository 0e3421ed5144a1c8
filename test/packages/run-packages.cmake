# Makes the Debian packages of the build BUILD, unpacks them in WORK, and uses
# them: dependencies, symbol versions, find_package with and without the
# compiler, pkg-config.

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_VARIABLE text
                  ERROR_VARIABLE text OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(status)
    message(FATAL_ERROR "failed (${status}): ${ARGV}\n${text}")
  endif()
  set(output "${text}" PARENT_SCOPE)
endfunction()

function(expect what text pattern)
  if(NOT text MATCHES "${pattern}")
    message(FATAL_ERROR "${what}: expected ${pattern}, found\n${text}")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK}" "${BUILD}/packages")
file(MAKE_DIRECTORY "${WORK}")
run("${CMAKE_COMMAND}" -E chdir "${BUILD}" cpack)
file(GLOB runtime "${BUILD}/packages/libattn-grid${SOVERSION}_*.deb")
file(GLOB compiler "${BUILD}/packages/attn-grid_*.deb")
file(GLOB sim "${BUILD}/packages/attn-grid-sim_*.deb")
file(GLOB development "${BUILD}/packages/libattn-grid-dev_*.deb")

# Each depends on what it loads, and on the others of its own version.
run(dpkg-deb -f "${runtime}" Depends)
expect("the runtime's dependencies" "${output}" "libtbb12")
if(output MATCHES "llvm|mlir")
  message(FATAL_ERROR "the runtime depends on LLVM: ${output}")
endif()
run(dpkg-deb -f "${compiler}" Depends)
expect("the compiler's dependencies" "${output}"
       "libattn-grid${SOVERSION} \\(= ${VERSION}\\)")
expect("the compiler's dependencies" "${output}" "libmlir-22")
run(dpkg-deb -f "${development}" Depends)
expect("the headers' dependencies" "${output}"
       "libattn-grid${SOVERSION} \\(= ${VERSION}\\)")

# Without the compiler: the runtime is found, the compiler is a clear error.
set(root "${WORK}/root")
run(dpkg-deb -x "${runtime}" "${root}")
run(dpkg-deb -x "${development}" "${root}")
file(WRITE "${WORK}/find/CMakeLists.txt" [=[
cmake_minimum_required(VERSION 3.20)
project(find LANGUAGES C CXX)
find_package(attn_grid 0.1 REQUIRED COMPONENTS ${WANTED})
add_executable(host Host.c)
target_link_libraries(host PRIVATE attn_grid::runtime)
]=])
file(COPY "${SOURCE}/test/runtime/c/Host.c" DESTINATION "${WORK}/find")
set(configure "${CMAKE_COMMAND}" -G Ninja -S "${WORK}/find" -B "${WORK}/find/build"
    "-DCMAKE_PREFIX_PATH=${root}/usr" "-DCMAKE_C_COMPILER=${C_COMPILER}"
    "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_C_FLAGS=${FLAGS}")
foreach(component compiler sim cuda)
  execute_process(COMMAND ${configure} -DWANTED=${component}
                  RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE text)
  string(REGEX REPLACE "[ \n]+" " " text "${text}")
  if(NOT status)
    message(FATAL_ERROR "the component ${component} was found")
  endif()
  expect("a missing component" "${text}" "component `${component}`")
endforeach()
run(${configure} -DWANTED=runtime)
run("${CMAKE_COMMAND}" --build "${WORK}/find/build")
execute_process(COMMAND "${WORK}/find/build/host" RESULT_VARIABLE status
                ERROR_VARIABLE text)
expect("a program without the compiler" "${status} ${text}"
       "^1 .*this program has no compiler")

# With it, the same program runs, and the headers' users find the compiler.
run(dpkg-deb -x "${compiler}" "${root}")
run("${WORK}/find/build/host")
run(${configure} -DWANTED=compiler)
run("${root}/usr/bin/agc" run
    "${root}/usr/share/attn_grid/kernels/tutorial/02-row-softmax.ag"
    --arg x=randn:4x5:f32)
expect("agc run" "${output}" "row_softmax")

# The software device is beside them once its package is there.
execute_process(COMMAND "${root}/usr/bin/agc" run --device sim
    "${root}/usr/share/attn_grid/kernels/tutorial/02-row-softmax.ag"
    --arg x=randn:4x5:f32 RESULT_VARIABLE status ERROR_VARIABLE text)
expect("agc run --device sim without it" "${status} ${text}"
       "^1 .*there is no device `sim` here")
run(dpkg-deb -x "${sim}" "${root}")
run(${configure} -DWANTED=sim)
run("${root}/usr/bin/agc" run --device sim
    "${root}/usr/share/attn_grid/kernels/tutorial/02-row-softmax.ag"
    --arg x=randn:4x5:f32)
expect("agc run --device sim" "${output}" "row_softmax on sim, Simulated A100")

# All that the libraries show is ours, and has a version.
foreach(library runtime compiler)
  run(nm -D --defined-only "${root}/usr/lib/libattn_grid_${library}.so.${SOVERSION}")
  string(REPLACE "\n" ";" lines "${output}")
  foreach(line IN LISTS lines)
    if(NOT line MATCHES "@@ATTN_GRID_${SOVERSION}$|ATTN_GRID_${SOVERSION}$")
      message(FATAL_ERROR "a symbol without our version: ${line}")
    endif()
  endforeach()
endforeach()

find_program(PKG_CONFIG pkg-config)
if(PKG_CONFIG)
  set(ENV{PKG_CONFIG_PATH} "${root}/usr/lib/pkgconfig")
  run("${PKG_CONFIG}" --modversion attn_grid)
  expect("pkg-config" "${output}" "^${VERSION}$")
endif()
