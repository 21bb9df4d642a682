# Flags that every target shares.
add_library(darkroom_flags INTERFACE)
target_compile_options(darkroom_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers)
if(DARKROOM_SANITIZE)
  target_compile_options(darkroom_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(darkroom_flags INTERFACE -fsanitize=address,undefined)
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
