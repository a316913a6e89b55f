# Every library the project stands on: found, printed, or missed in one sentence with Debian's package name.
# Apart from MPI they are plain paths in MCBE_<NAME>_LIBRARIES and MCBE_<NAME>_INCLUDE, which -D can set.
function(mcbe_missing what package)
    # the leading blank keeps CMake from breaking the line
    message(FATAL_ERROR " mcbe needs ${what}, which was not found. On Debian: apt-get install ${package}")
endfunction()
function(mcbe_found what where)
    message(STATUS "mcbe: ${what}: ${where}")
endfunction()

# A library by its name and a header: MCBE_<name>_LIBRARIES and MCBE_<name>_INCLUDE. What follows are folders to look
# for the header in.
function(mcbe_library name library header shown what package)
    find_library(MCBE_${name}_LIBRARIES NAMES ${library})
    find_path(MCBE_${name}_INCLUDE NAMES ${header} PATH_SUFFIXES ${ARGN})
    if(NOT MCBE_${name}_LIBRARIES OR NOT MCBE_${name}_INCLUDE)
        mcbe_missing("${what}" "${package}")
    endif()
    mcbe_found("${shown}" "${MCBE_${name}_LIBRARIES}")
endfunction()

# Headers alone: MCBE_<name>_INCLUDE.
function(mcbe_headers name header shown what package)
    find_path(MCBE_${name}_INCLUDE NAMES ${header})
    if(NOT MCBE_${name}_INCLUDE)
        mcbe_missing("${what}" "${package}")
    endif()
    mcbe_found("${shown}" "${MCBE_${name}_INCLUDE}/${header}")
endfunction()

# A library that pkg-config knows as `module`.
function(mcbe_module name module shown what package)
    pkg_check_modules(${name} QUIET ${module})
    if(NOT ${name}_FOUND)
        mcbe_missing("${what}" "${package}")
    endif()
    set(MCBE_${name}_INCLUDE ${${name}_INCLUDE_DIRS} PARENT_SCOPE)
    set(MCBE_${name}_LIBRARIES ${${name}_LINK_LIBRARIES} PARENT_SCOPE)
    mcbe_found("${shown}" "${${name}_VERSION}, ${${name}_LINK_LIBRARIES}")
endfunction()

find_package(PkgConfig QUIET)
if(NOT PKG_CONFIG_FOUND)
    mcbe_missing("pkg-config" "pkg-config")
endif()

# --- MPI -----------------------------------------------------------------------------------------
if(NOT MCBE_NUMERICS_ONLY)
    find_package(MPI COMPONENTS C QUIET)
    if(NOT MPI_C_FOUND)
        mcbe_missing("MPI" "libopenmpi-dev openmpi-bin")
    endif()
    mcbe_found("MPI" "${MPI_C_LIBRARIES} (MPI ${MPI_C_VERSION})")
endif()

# --- BLAS and LAPACKE ----------------------------------------------------------------------------
# The generic libblas.so.3 lets a site put any optimised BLAS behind it; OpenBLAS is the one we recommend.
# Only a shared one can be swapped. Some systems' libblas has no C interface: then OpenBLAS by name.
find_path(MCBE_CBLAS_INCLUDE NAMES cblas.h PATH_SUFFIXES openblas openblas-pthread cblas)
set(candidates blas openblas)
set(CMAKE_REQUIRED_QUIET ON)
include(CheckFunctionExists)
foreach(name IN LISTS candidates)
    if(NOT MCBE_BLAS_LIBRARIES)
        find_library(MCBE_BLAS_${name} NAMES lib${name}${CMAKE_SHARED_LIBRARY_SUFFIX})
        mark_as_advanced(MCBE_BLAS_${name})
        if(MCBE_BLAS_${name})
            set(CMAKE_REQUIRED_LIBRARIES ${MCBE_BLAS_${name}})
            check_function_exists(cblas_dgemm MCBE_BLAS_${name}_HAS_CBLAS)
            unset(CMAKE_REQUIRED_LIBRARIES)
            if(MCBE_BLAS_${name}_HAS_CBLAS)
                set(MCBE_BLAS_LIBRARIES ${MCBE_BLAS_${name}} CACHE STRING "BLAS with the C interface")
            endif()
        endif()
    endif()
endforeach()
if(NOT MCBE_BLAS_LIBRARIES OR NOT MCBE_CBLAS_INCLUDE)
    mcbe_missing("a BLAS with the C interface (OpenBLAS)" "libopenblas-dev")
endif()
mcbe_found("BLAS" "${MCBE_BLAS_LIBRARIES}, ${MCBE_CBLAS_INCLUDE}/cblas.h")

mcbe_library(LAPACKE lapacke lapacke.h "LAPACKE" "LAPACKE" "liblapacke-dev" lapacke openblas)

# --- Qhull ---------------------------------------------------------------------------------------
# The reentrant one; libqhull without _r has a global state.
mcbe_library(QHULL qhull_r libqhull_r/libqhull_r.h "Qhull" "the reentrant Qhull library (libqhull_r)" "libqhull-dev")

# --- data sets -----------------------------------------------------------------------------------
mcbe_library(CSV csv csv.h "libcsv" "libcsv" "libcsv-dev")

mcbe_library(ZLIB z zlib.h "zlib" "zlib" "zlib1g-dev")

# --- CLP -----------------------------------------------------------------------------------------
# A shared libClp brings CoinUtils; a static one would not.
mcbe_library(CLP Clp coin/Clp_C_Interface.h "CLP" "the linear programming library CLP" "coinor-libclp-dev")

# --- HDF5 ----------------------------------------------------------------------------------------
if(NOT MCBE_NUMERICS_ONLY)
    # Serial by preference, even where a parallel one is installed beside it; a parallel one is used like a serial one.
    set(HDF5_PREFER_PARALLEL OFF)
    find_package(HDF5 COMPONENTS C QUIET)
    if(NOT HDF5_FOUND)
        mcbe_missing("HDF5" "libhdf5-dev")
    endif()
    set(MCBE_HDF5_INCLUDE ${HDF5_C_INCLUDE_DIRS})
    # A shared libhdf5 brings its own dependencies; naming them too would tie the program to each.
    set(MCBE_HDF5_LIBRARIES ${HDF5_C_LIBRARIES})
    list(FILTER MCBE_HDF5_LIBRARIES INCLUDE REGEX "hdf5[^/]*\\${CMAKE_SHARED_LIBRARY_SUFFIX}$")
    if(NOT MCBE_HDF5_LIBRARIES)
        set(MCBE_HDF5_LIBRARIES ${HDF5_C_LIBRARIES})
    endif()
    if(HDF5_IS_PARALLEL)
        mcbe_found("HDF5" "${HDF5_VERSION}, parallel, ${MCBE_HDF5_LIBRARIES}")
    else()
        mcbe_found("HDF5" "${HDF5_VERSION}, serial, ${MCBE_HDF5_LIBRARIES}")
    endif()
endif()

# --- the rest ------------------------------------------------------------------------------------
if(NOT MCBE_NUMERICS_ONLY)
    mcbe_module(YAML yaml-0.1 "libyaml" "libyaml" "libyaml-dev")
    mcbe_module(JANSSON jansson "Jansson" "Jansson (JSON)" "libjansson-dev")
    find_package(OpenSSL QUIET COMPONENTS Crypto)
    if(NOT OPENSSL_FOUND)
        mcbe_missing("OpenSSL's libcrypto (SHA-256)" "libssl-dev")
    endif()
    set(MCBE_CRYPTO_INCLUDE ${OPENSSL_INCLUDE_DIR})
    set(MCBE_CRYPTO_LIBRARIES ${OPENSSL_CRYPTO_LIBRARY})
    mcbe_found("OpenSSL" "${OPENSSL_VERSION}, ${MCBE_CRYPTO_LIBRARIES}")
endif()

mcbe_headers(PCG pcg_random.hpp "PCG" "the PCG random library" "libpcg-cpp-dev")
mcbe_headers(BOOST boost/math/special_functions/beta.hpp "Boost.Math" "Boost.Math (headers only)" "libboost-dev")

# --- for the tests only --------------------------------------------------------------------------
if(MCBE_BUILD_TESTS)
    pkg_check_modules(CMOCKA QUIET IMPORTED_TARGET cmocka)
    if(NOT CMOCKA_FOUND)
        mcbe_missing("cmocka (for the tests; -DMCBE_BUILD_TESTS=OFF does without)" "libcmocka-dev")
    endif()
    mcbe_found("cmocka" "${CMOCKA_VERSION}")

    mcbe_library(GLPK glpk glpk.h "GLPK" "GLPK (for the tests; -DMCBE_BUILD_TESTS=OFF does without)" "libglpk-dev")
endif()

if(MCBE_BUILD_TESTS AND NOT MCBE_NUMERICS_ONLY)
    # The first python3 in PATH is not always the one with the packages.
    find_program(MCBE_PATH_PYTHON NAMES python3)
    mark_as_advanced(MCBE_PATH_PYTHON)
    foreach(python IN ITEMS "${MCBE_PYTHON}" /usr/bin/python3 "${MCBE_PATH_PYTHON}")
        if(python)
            execute_process(COMMAND ${python} -c "import h5py, numpy" RESULT_VARIABLE rc OUTPUT_QUIET ERROR_QUIET)
            if(rc EQUAL 0)
                set(MCBE_PYTHON ${python} CACHE FILEPATH "Python with h5py and numpy, for the tests" FORCE)
                break()
            endif()
        endif()
    endforeach()
    if(NOT rc EQUAL 0)
        mcbe_missing("a Python 3 with h5py and numpy (for the tests; -DMCBE_BUILD_TESTS=OFF does without, \
-DMCBE_PYTHON=FILE names one)" "python3-h5py python3-numpy")
    endif()
    mcbe_found("Python" "${MCBE_PYTHON}")
endif()
