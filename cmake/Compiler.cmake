# Flags that every target shares.
add_library(darkroom_flags INTERFACE)
target_compile_options(darkroom_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers)
if(DARKROOM_SANITIZE)
  target_compile_options(darkroom_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(darkroom_flags INTERFACE -fsanitize=address,undefined)
endif()

# Parsing headers is most of a full build: the sets in cmake/pch are parsed once a module. ccache can only keep what uses
# a precompiled header if the preprocessor leaves the header alone; script/common.sh says the rest.
option(DARKROOM_PCH "Precompile headers" ON)
if(DARKROOM_PCH)
  target_compile_options(darkroom_flags INTERFACE -fpch-preprocess -Winvalid-pch)
endif()

find_program(DARKROOM_CCACHE ccache)
if(DARKROOM_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${DARKROOM_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${DARKROOM_CCACHE})
endif()

find_program(DARKROOM_MOLD mold)
if(DARKROOM_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
