# Compiler settings shared by every target.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON) # the same bytes wherever the tree lies
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON) # libraries from module or Spack trees are found again

# The arithmetic rules (no contraction, no fast-math, no errno from sqrt) are part of the results' definition,
# not of the optimisation level.
set(MCBE_ARITHMETIC -ffp-contract=off -fno-math-errno)
set(MCBE_WARNINGS -Wall -Wextra -Wconversion -Wshadow -Wcast-qual -Wno-psabi)
if(MCBE_WERROR)
    list(APPEND MCBE_WARNINGS -Werror)
endif()

string(TOUPPER "${CMAKE_BUILD_TYPE}" MCBE_BUILD_TYPE_UPPER)
string(STRIP "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${MCBE_BUILD_TYPE_UPPER}}" MCBE_USER_FLAGS)
if(MCBE_USER_FLAGS MATCHES "-(ffast-math|Ofast|funsafe-math-optimizations|fassociative-math)")
    message(FATAL_ERROR "The compiler flags '${MCBE_USER_FLAGS}' contain ${CMAKE_MATCH_0}, which changes results; leave it out.")
endif()

function(mcbe_compile target)
    target_compile_options(${target} PRIVATE ${MCBE_ARITHMETIC} ${MCBE_WARNINGS}
        $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
        -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=) # __FILE__ without the place of the tree
    target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L $<$<BOOL:${MCBE_FAULTS}>:MCBE_FAULTS>)
    set_target_properties(${target} PROPERTIES C_EXTENSIONS OFF CXX_EXTENSIONS OFF)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include)
    add_dependencies(${target} mcbe_git_version)
endfunction()

# Let a shared library show the symbols of a version script and no others.
function(mcbe_export_only target script)
    target_link_options(${target} PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/${script})
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${PROJECT_SOURCE_DIR}/${script})
endfunction()

# The kernels are compiled once per instruction set; src/numerics/cpu.c picks at run time. All give the same bits.
function(mcbe_add_kernels target source)
    set(paths generic)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        list(APPEND paths v2 v3 v4)
        target_compile_definitions(${target} PRIVATE MCBE_HAVE_X86_PATHS)
    endif()
    set(objects)
    foreach(path IN LISTS paths)
        add_library(mcbe_kernels_${path} OBJECT ${source})
        mcbe_compile(mcbe_kernels_${path})
        target_include_directories(mcbe_kernels_${path} PRIVATE src/base)
        # comparisons in a ?: are vectorised only if the compiler may forget the invalid flag; values stay the same
        target_compile_options(mcbe_kernels_${path} PRIVATE -O3 -fno-trapping-math)
        set(name ${path})
        if(NOT path STREQUAL generic)
            set(name x86-64-${path})
            target_compile_options(mcbe_kernels_${path} PRIVATE -march=${name})
        endif()
        target_compile_definitions(mcbe_kernels_${path} PRIVATE
            MCBE_KERNELS=mcbe_kernels_${path} MCBE_KERNELS_NAME="${name}")
        if(path STREQUAL v4)
            target_compile_options(mcbe_kernels_${path} PRIVATE -mprefer-vector-width=512)
        endif()
        list(APPEND objects $<TARGET_OBJECTS:mcbe_kernels_${path}>)
    endforeach()
    set(MCBE_KERNEL_OBJECTS ${objects} PARENT_SCOPE)
endfunction()
