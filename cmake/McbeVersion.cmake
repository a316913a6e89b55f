# Three generated headers: mcbe/version.h (release, public), mcbe_build_info.h (compiler, at configure time) and
# mcbe_git_version.h (commit, looked up in every build). None holds a date: the same input gives the same bytes.
set(MCBE_BUILD_COMPILER "${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}")
list(JOIN MCBE_ARITHMETIC " " MCBE_BUILD_FLAGS)
string(STRIP "${MCBE_USER_FLAGS} ${MCBE_BUILD_FLAGS}" MCBE_BUILD_FLAGS)
string(REPLACE "\\" "\\\\" MCBE_BUILD_FLAGS "${MCBE_BUILD_FLAGS}")
string(REPLACE "\"" "\\\"" MCBE_BUILD_FLAGS "${MCBE_BUILD_FLAGS}")
configure_file(${PROJECT_SOURCE_DIR}/cmake/version.h.in ${PROJECT_BINARY_DIR}/include/mcbe/version.h @ONLY)
configure_file(${PROJECT_SOURCE_DIR}/cmake/mcbe_build_info.h.in ${PROJECT_BINARY_DIR}/include/mcbe_build_info.h @ONLY)

add_custom_target(mcbe_git_version
    COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DOUT=${PROJECT_BINARY_DIR}/include/mcbe_git_version.h
        -P ${PROJECT_SOURCE_DIR}/cmake/write_git_version.cmake
    BYPRODUCTS ${PROJECT_BINARY_DIR}/include/mcbe_git_version.h
    COMMENT "Looking up the commit" VERBATIM)
