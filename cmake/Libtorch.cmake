# libtorch out of the PyPI wheel in the bootstrap's environment. find_package(Torch) wants a CUDA toolkit, so the two
# libraries that Darkroom links are imported by hand: libtorch_cpu and libc10. libtorch_cuda is loaded at run time only.
if(NOT DARKROOM_VENV)
  set(DARKROOM_VENV $ENV{DARKROOM_VENV})
endif()
if(NOT DARKROOM_VENV)
  file(SHA256 ${CMAKE_SOURCE_DIR}/script/requirements.lock lock_hash)
  string(SUBSTRING ${lock_hash} 0 12 lock_hash)
  set(DARKROOM_VENV $ENV{HOME}/.cache/darkroom/venv-${lock_hash})
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/script/requirements.lock)
file(GLOB torch_root ${DARKROOM_VENV}/lib/python3.*/site-packages/torch)
if(NOT EXISTS "${torch_root}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "No torch in ${DARKROOM_VENV}: run script/bootstrap, or set DARKROOM_VENV.")
endif()
message(STATUS "libtorch: ${torch_root}")

# The worker embeds the Python that torch was made for. Everything else about it comes out of the environment.
find_package(Python3 3.11 REQUIRED COMPONENTS Development.Embed)

add_library(c10 SHARED IMPORTED)
set_target_properties(c10 PROPERTIES IMPORTED_LOCATION ${torch_root}/lib/libc10.so)
# The wheel carries headers of another fmt than the one that spdlog is built with: ours must be found first.
find_path(fmt_headers fmt/format.h REQUIRED)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/before-torch)
file(CREATE_LINK ${fmt_headers}/fmt ${CMAKE_BINARY_DIR}/before-torch/fmt SYMBOLIC)
target_include_directories(c10 SYSTEM INTERFACE ${CMAKE_SOURCE_DIR}/cmake/lean ${CMAKE_BINARY_DIR}/before-torch ${torch_root}/include)
target_compile_definitions(c10 INTERFACE AT_PER_OPERATOR_HEADERS)

# The wheel's libtorch_cpu needs libcudart and libcupti of the nvidia wheels, found through its own RPATH.
add_library(torch_cpu SHARED IMPORTED)
set_target_properties(torch_cpu PROPERTIES IMPORTED_LOCATION ${torch_root}/lib/libtorch_cpu.so)
target_link_libraries(torch_cpu INTERFACE c10)
target_link_options(torch_cpu INTERFACE -Wl,--unresolved-symbols=ignore-in-shared-libs)

# torch's own OpenMP runtime, whatever its wheel calls it: its operations and ours run on one pool of threads.
file(GLOB torch_openmp ${torch_root}/lib/libgomp*.so* ${torch_root}/../torch.libs/libgomp*.so*)
target_link_libraries(torch_cpu INTERFACE ${torch_openmp})
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/tensor/conv.cpp ${CMAKE_SOURCE_DIR}/src/tensor/flash_attention.cpp ${CMAKE_SOURCE_DIR}/src/tensor/fused_norm.cpp
                            ${CMAKE_SOURCE_DIR}/src/tensor/unfolded_conv.cpp ${CMAKE_SOURCE_DIR}/src/tensor/depthwise_norm.cpp ${CMAKE_SOURCE_DIR}/src/tensor/depthwise_gate.cpp ${CMAKE_SOURCE_DIR}/src/tensor/token_chunks.cpp
                            ${CMAKE_SOURCE_DIR}/src/tensor/shuffle.cpp
                            PROPERTIES COMPILE_OPTIONS -fopenmp SKIP_PRECOMPILE_HEADERS ON)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # No shared headers, precompiled or not: their inline functions would be compiled for AVX2 and might be linked for everybody.
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/tensor/winograd_avx2.cpp ${CMAKE_SOURCE_DIR}/src/tensor/flash_attention_avx2.cpp ${CMAKE_SOURCE_DIR}/src/tensor/fused_norm_avx2.cpp
                              ${CMAKE_SOURCE_DIR}/src/tensor/depthwise_avx2.cpp ${CMAKE_SOURCE_DIR}/src/tensor/pixel_shuffle_avx2.cpp ${CMAKE_SOURCE_DIR}/src/tensor/gated_depthwise_avx2.cpp
                              PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma;-O2" SKIP_PRECOMPILE_HEADERS ON)
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/tensor/weight_cast_avx2.cpp PROPERTIES COMPILE_OPTIONS "-mavx2;-mf16c;-O2" SKIP_PRECOMPILE_HEADERS ON)
  # GCC 12 takes the undefined operand of its own AVX-512 functions for a mistake.
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/tensor/winograd_avx512.cpp PROPERTIES COMPILE_OPTIONS "-mavx512f;-mfma;-O2;-Wno-maybe-uninitialized" SKIP_PRECOMPILE_HEADERS ON)
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/tensor/flash_attention_avx512.cpp
                              PROPERTIES COMPILE_OPTIONS "-mavx512f;-mavx512bw;-mavx512vl;-mavx512bf16;-mamx-tile;-mamx-bf16;-O2;-Wno-maybe-uninitialized" SKIP_PRECOMPILE_HEADERS ON)
endif()
