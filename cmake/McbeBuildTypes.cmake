# Build types, set before project() so that a user's own -DCMAKE_C_FLAGS_... still wins. No NDEBUG anywhere:
# checks stay on in every build.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release or RelWithDebInfo")
endif()
foreach(language C CXX)
    set(CMAKE_${language}_FLAGS_RELEASE "-O3" CACHE STRING "Flags of build type Release")
    set(CMAKE_${language}_FLAGS_RELWITHDEBINFO "-O2 -g" CACHE STRING "Flags of build type RelWithDebInfo")
endforeach()
