include(${CMAKE_CURRENT_LIST_DIR}/EmbedSql.cmake)

# darkroom_precompiled(TARGET SET [KEY])
# Precompiles a set of cmake/pch once, for the first target that asks, and lends it to the others of the same key (default the
# set): every one more costs a full build some 15 s.
function(darkroom_precompiled target set)
  if(NOT DARKROOM_PCH)
    return()
  endif()
  set(key darkroom_pch_${set}${ARGN})
  get_property(owner GLOBAL PROPERTY ${key})
  if(owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  else()
    target_precompile_headers(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch/${set}.hpp)
    set_property(GLOBAL PROPERTY ${key} ${target})
  endif()
endfunction()

# darkroom_module(NAME [NEEDS modules...] [LINKS targets...] [PCH set] [OWN_PCH])
# `PCH` names the set of headers in cmake/pch that the module's files share precompiled (default plain); with `OWN_PCH` it is not
# shared with other modules, because this one has compiler flags of its own.
# Library darkroom_NAME of src/NAME/**.cpp, one test program NAME_tests of src/NAME/tests/*_test.cpp, and one program fuzz_NAME_X of each
# src/NAME/fuzz/X.cpp (tests/fuzz/README.md).
function(darkroom_module name)
  cmake_parse_arguments(arg "OWN_PCH" "PCH" "NEEDS;LINKS" ${ARGN})
  set(folder ${CMAKE_SOURCE_DIR}/src/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/tests/|/fuzz/")
  add_library(darkroom_${name} STATIC ${sources})
  set_target_properties(darkroom_${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(darkroom_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(darkroom_${name} PUBLIC darkroom_flags ${arg_LINKS})
  foreach(other ${arg_NEEDS})
    target_link_libraries(darkroom_${name} PUBLIC darkroom_${other})
  endforeach()

  if(NOT arg_PCH)
    set(arg_PCH plain)
  endif()
  set(pch_key)
  if(arg_OWN_PCH)
    set(pch_key _${name})
  endif()
  darkroom_precompiled(darkroom_${name} ${arg_PCH} ${pch_key})

  if(EXISTS ${folder}/sql)
    darkroom_embed_sql(darkroom_${name} ${folder}/sql)
  endif()

  file(GLOB tests CONFIGURE_DEPENDS ${folder}/tests/*_test.cpp)
  if(tests)
    add_executable(${name}_tests ${tests})
    target_link_libraries(${name}_tests PRIVATE darkroom_${name} GTest::gtest GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_tests PRIVATE DARKROOM_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data")
    target_compile_options(${name}_tests PRIVATE "$<$<CONFIG:RelWithDebInfo>:-O1;-g0>")  # a quarter of their compilation; they measure nothing
    darkroom_precompiled(${name}_tests ${arg_PCH} ${pch_key})
    add_test(NAME ${name} COMMAND ${name}_tests)
  endif()

  file(GLOB targets CONFIGURE_DEPENDS ${folder}/fuzz/*.cpp)
  foreach(target ${targets})
    get_filename_component(word ${target} NAME_WE)
    darkroom_fuzz_target(fuzz_${name}_${word} ${target})
    target_link_libraries(fuzz_${name}_${word} PRIVATE darkroom_${name})
  endforeach()
endfunction()

# darkroom_fuzz_target(NAME SOURCE [sources...])
function(darkroom_fuzz_target name)
  add_executable(${name} ${ARGN} ${CMAKE_SOURCE_DIR}/tests/fuzz/driver.cpp)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz)
  target_compile_definitions(${name} PRIVATE DARKROOM_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data")
endfunction()
