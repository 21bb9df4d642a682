# darkroom_embed_sql(TARGET FOLDER)
# Compiles the numbered SQL files of FOLDER into TARGET, as the list that broker/migrations.hpp declares.
function(darkroom_embed_sql target folder)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.sql)
  list(SORT files)
  set(entries "")
  foreach(file ${files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME)
    file(READ ${file} text)
    string(APPEND entries "    {\"${name}\", R\"sql(${text})sql\"},\n")
  endforeach()
  set(output ${CMAKE_BINARY_DIR}/generated/${target}/migrations_data.cpp)
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT [[// Made of the .sql files by cmake/EmbedSql.cmake.
#include "broker/migrations.hpp"

namespace darkroom {
const std::vector<Migration>& embedded_migrations() {
  static const std::vector<Migration> all = {
@entries@  };
  return all;
}
}  // namespace darkroom
]])
  target_sources(${target} PRIVATE ${output})
endfunction()
