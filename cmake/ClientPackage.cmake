# The client as a package for other programs: `cmake --install build/release --component client --prefix DIR`, then
# find_package(darkroom) and darkroom::client. One archive of the client and of what it needs of this project.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(client_archive ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libdarkroom-client.a)
set(client_parts darkroom_client darkroom_drawing darkroom_workflow darkroom_base)
set(script "create ${client_archive}\n")
foreach(part ${client_parts})
  string(APPEND script "addlib $<TARGET_FILE:${part}>\n")
endforeach()
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/generated/client.ar CONTENT "${script}save\nend\n")
add_custom_command(OUTPUT ${client_archive} DEPENDS ${client_parts} VERBATIM
                   COMMAND ${CMAKE_COMMAND} -E rm -f ${client_archive} COMMAND sh -c "\"${CMAKE_AR}\" -M < \"${CMAKE_BINARY_DIR}/generated/client.ar\"")
add_custom_target(darkroom_client_package ALL DEPENDS ${client_archive})

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/darkroom)
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/darkroomConfig.cmake.in ${CMAKE_BINARY_DIR}/generated/darkroomConfig.cmake
                              INSTALL_DESTINATION ${package_folder} PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/darkroomConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${client_archive} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT client)
install(FILES ${CMAKE_BINARY_DIR}/generated/darkroomConfig.cmake ${CMAKE_BINARY_DIR}/generated/darkroomConfigVersion.cmake
        DESTINATION ${package_folder} COMPONENT client)
install(FILES src/client/darkroom/client.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/darkroom COMPONENT client)
foreach(header client/blocking_client client/client client/events client/picture_prompt client/results client/server_url client/transport drawing/picture_prompt base/error base/json)
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES src/${header}.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/darkroom/${folder} COMPONENT client)
endforeach()
