# strata_room(NAME tar PUBLIC base PRIVATE compress EXTERNAL isal)
#
# One room = one folder of src/ = one static library strata::NAME.
#   PUBLIC   rooms whose types stand in this room's headers
#   PRIVATE  rooms that only its .cc files use
#   EXTERNAL outside libraries, always PRIVATE: no outside type in a room's headers
#   EXTERNAL_PUBLIC the exception to that (fmt in base)
# *_test.cc become strata_NAME_test, linked with this room alone: what a room
# does not declare, its tests cannot link.
function(strata_room)
  cmake_parse_arguments(R "" "NAME" "PUBLIC;PRIVATE;EXTERNAL;EXTERNAL_PUBLIC" ${ARGN})
  set(dir ${PROJECT_SOURCE_DIR}/src/${R_NAME})
  file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.cc ${dir}/detail/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")

  set(target strata_${R_NAME})
  if(NOT sources)  # a room that is not furnished yet
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${R_NAME}.cc "")
    set(sources ${CMAKE_CURRENT_BINARY_DIR}/${R_NAME}.cc)
  endif()
  add_library(${target} STATIC ${sources})
  add_library(strata::${R_NAME} ALIAS ${target})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} PUBLIC strata_options ${R_EXTERNAL_PUBLIC} PRIVATE ${R_EXTERNAL})
  foreach(scope PUBLIC PRIVATE)
    foreach(room IN LISTS R_${scope})
      if(NOT TARGET strata::${room})
        message(FATAL_ERROR "room '${R_NAME}' uses '${room}', which is not below it in src/CMakeLists.txt")
      endif()
      target_link_libraries(${target} ${scope} strata::${room})
    endforeach()
  endforeach()
  strata_precompiled(${target} room)
  string(REPLACE ";" "," deps "${R_PUBLIC};${R_PRIVATE}")
  set_property(GLOBAL APPEND PROPERTY STRATA_ROOMS "${R_NAME}:${deps}")

  if(tests AND BUILD_TESTING)
    add_executable(${target}_test ${tests})
    target_link_libraries(${target}_test PRIVATE strata::${R_NAME} GTest::gtest_main)
    strata_precompiled(${target}_test test)
    if(STRATA_TESTS_BY_ROOM)  # one process for all tests of a room, not one for each
      add_test(NAME ${R_NAME}/all COMMAND ${target}_test --gtest_brief=1)
      set_tests_properties(${R_NAME}/all PROPERTIES TIMEOUT 1800 COST 50)
      return()
    endif()
    gtest_discover_tests(${target}_test TEST_PREFIX "${R_NAME}/" DISCOVERY_MODE PRE_TEST
                         PROPERTIES TIMEOUT 600)
  endif()
endfunction()

# strata_precompiled(TARGET room|test)
#
# With STRATA_PRECOMPILE the headers that nearly every file includes are read once for all rooms (and
# once more, with GoogleTest, for all tests), not once in each unity file.
function(strata_precompiled target kind)
  if(NOT STRATA_PRECOMPILE)
    return()
  endif()
  if(NOT TARGET strata_${kind}_headers)
    set(headers <algorithm> <array> <charconv> <functional> <map> <memory> <mutex> <optional> <set>
        <span> <string> <string_view> <thread> <utility> <variant> <vector> <fmt/format.h>)
    set(libraries strata_options fmt_static)
    if(kind STREQUAL "test")
      list(APPEND headers <gtest/gtest.h>)
      list(APPEND libraries GTest::gtest)
    endif()
    file(WRITE ${PROJECT_BINARY_DIR}/${kind}_headers.cc "")
    add_library(strata_${kind}_headers OBJECT ${PROJECT_BINARY_DIR}/${kind}_headers.cc)
    target_link_libraries(strata_${kind}_headers PRIVATE ${libraries})
    target_precompile_headers(strata_${kind}_headers PRIVATE ${headers})
    # Without the times of the headers in it, equal ones are equal bytes for ccache.
    target_compile_options(strata_${kind}_headers PRIVATE "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
  endif()
  target_precompile_headers(${target} REUSE_FROM strata_${kind}_headers)
endfunction()
