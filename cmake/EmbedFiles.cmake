# darkroom_embed_files(TARGET PATTERN HEADER TYPE FUNCTION)
# Compiles the files that match PATTERN into TARGET, by name: as the list of TYPE, a name and a text, that HEADER declares as FUNCTION.
function(darkroom_embed_files target pattern header type function)
  file(GLOB files CONFIGURE_DEPENDS ${pattern})
  list(SORT files)
  set(entries "")
  foreach(file ${files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME)
    file(READ ${file} text)
    string(APPEND entries "    {\"${name}\", R\"embedded(${text})embedded\"},\n")
  endforeach()
  set(output ${CMAKE_BINARY_DIR}/generated/${target}/${function}.cpp)
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT [[// Made by cmake/EmbedFiles.cmake.
#include "@header@"

namespace darkroom {
const std::vector<@type@>& @function@() {
  static const std::vector<@type@> all = {
@entries@  };
  return all;
}
}  // namespace darkroom
]])
  target_sources(${target} PRIVATE ${output})
endfunction()
