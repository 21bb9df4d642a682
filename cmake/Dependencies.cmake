# Everything from Debian 12 but libtorch (cmake/Libtorch.cmake).
find_package(Boost 1.81 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(GTest REQUIRED)
pkg_check_modules(vips REQUIRED IMPORTED_TARGET vips)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(deflate REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(webp REQUIRED IMPORTED_TARGET libwebp libwebpmux)
add_library(vips ALIAS PkgConfig::vips)
# Its -pthread is a macro more, with which GCC takes no precompiled header of a module that does without; glibc needs none.
set_property(TARGET PkgConfig::vips PROPERTY INTERFACE_COMPILE_OPTIONS "")
add_library(pcre2 ALIAS PkgConfig::pcre2)
add_library(utf8proc ALIAS PkgConfig::utf8proc)
add_library(xxhash ALIAS PkgConfig::xxhash)
add_library(deflate ALIAS PkgConfig::deflate)
add_library(webp ALIAS PkgConfig::webp)

# Of OpenCV only these, without the CMake files of libopencv-dev, which want all of it.
find_path(opencv_headers opencv2/imgproc.hpp PATH_SUFFIXES opencv4 REQUIRED)
find_library(opencv_core NAMES opencv_core REQUIRED)
find_library(opencv_imgproc NAMES opencv_imgproc REQUIRED)
find_library(opencv_photo NAMES opencv_photo REQUIRED)
add_library(opencv INTERFACE)
target_include_directories(opencv SYSTEM INTERFACE ${opencv_headers})
target_link_libraries(opencv INTERFACE ${opencv_photo} ${opencv_imgproc} ${opencv_core})

# The run-time package alone: nothing of it is included.
find_library(tcmalloc NAMES libtcmalloc_minimal.so.4 REQUIRED)

# Header-only parts of Boost; their definitions are compiled once, in src/base/boost_json.cpp and src/gateway/beast_*.cpp.
add_library(darkroom_json INTERFACE)
target_include_directories(darkroom_json SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
add_library(darkroom::json ALIAS darkroom_json)

add_library(darkroom_asio INTERFACE)
target_include_directories(darkroom_asio SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
target_compile_definitions(darkroom_asio INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
# GCC 12 takes the frame allocation of Asio's coroutines for a mismatch.
target_compile_options(darkroom_asio INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>)
target_link_libraries(darkroom_asio INTERFACE Threads::Threads)
add_library(darkroom::asio ALIAS darkroom_asio)

add_library(darkroom_beast INTERFACE)
target_compile_definitions(darkroom_beast INTERFACE BOOST_BEAST_SEPARATE_COMPILATION)
target_link_libraries(darkroom_beast INTERFACE darkroom_asio OpenSSL::SSL)
add_library(darkroom::beast ALIAS darkroom_beast)
