# Every library the project stands on: found, printed, or missed in one sentence with Debian's package name.
# Apart from MPI they are plain paths in MCBE_<NAME>_LIBRARIES and MCBE_<NAME>_INCLUDE, which -D can set.
function(mcbe_missing what package)
    # the leading blank keeps CMake from breaking the line
    message(FATAL_ERROR " mcbe needs ${what}, which was not found. On Debian: apt-get install ${package}")
endfunction()
function(mcbe_found what where)
    message(STATUS "mcbe: ${what}: ${where}")
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

find_library(MCBE_LAPACKE_LIBRARIES NAMES lapacke)
find_path(MCBE_LAPACKE_INCLUDE NAMES lapacke.h PATH_SUFFIXES lapacke openblas)
if(NOT MCBE_LAPACKE_LIBRARIES OR NOT MCBE_LAPACKE_INCLUDE)
    mcbe_missing("LAPACKE" "liblapacke-dev")
endif()
mcbe_found("LAPACKE" "${MCBE_LAPACKE_LIBRARIES}")

# --- Qhull ---------------------------------------------------------------------------------------
# The reentrant one; libqhull without _r has a global state.
find_library(MCBE_QHULL_LIBRARIES NAMES qhull_r)
find_path(MCBE_QHULL_INCLUDE NAMES libqhull_r/libqhull_r.h)
if(NOT MCBE_QHULL_LIBRARIES OR NOT MCBE_QHULL_INCLUDE)
    mcbe_missing("the reentrant Qhull library (libqhull_r)" "libqhull-dev")
endif()
mcbe_found("Qhull" "${MCBE_QHULL_LIBRARIES}")

# --- data sets -----------------------------------------------------------------------------------
find_library(MCBE_CSV_LIBRARIES NAMES csv)
find_path(MCBE_CSV_INCLUDE NAMES csv.h)
if(NOT MCBE_CSV_LIBRARIES OR NOT MCBE_CSV_INCLUDE)
    mcbe_missing("libcsv" "libcsv-dev")
endif()
mcbe_found("libcsv" "${MCBE_CSV_LIBRARIES}")

find_library(MCBE_ZLIB_LIBRARIES NAMES z)
find_path(MCBE_ZLIB_INCLUDE NAMES zlib.h)
if(NOT MCBE_ZLIB_LIBRARIES OR NOT MCBE_ZLIB_INCLUDE)
    mcbe_missing("zlib" "zlib1g-dev")
endif()
mcbe_found("zlib" "${MCBE_ZLIB_LIBRARIES}")

# --- CLP -----------------------------------------------------------------------------------------
# A shared libClp brings CoinUtils; a static one would not.
find_library(MCBE_CLP_LIBRARIES NAMES Clp)
find_path(MCBE_CLP_INCLUDE NAMES coin/Clp_C_Interface.h)
if(NOT MCBE_CLP_LIBRARIES OR NOT MCBE_CLP_INCLUDE)
    mcbe_missing("the linear programming library CLP" "coinor-libclp-dev")
endif()
mcbe_found("CLP" "${MCBE_CLP_LIBRARIES}")

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
    pkg_check_modules(YAML QUIET yaml-0.1)
    if(NOT YAML_FOUND)
        mcbe_missing("libyaml" "libyaml-dev")
    endif()
    set(MCBE_YAML_INCLUDE ${YAML_INCLUDE_DIRS})
    set(MCBE_YAML_LIBRARIES ${YAML_LINK_LIBRARIES})
    mcbe_found("libyaml" "${YAML_VERSION}, ${MCBE_YAML_LIBRARIES}")

    find_package(OpenSSL QUIET COMPONENTS Crypto)
    if(NOT OPENSSL_FOUND)
        mcbe_missing("OpenSSL's libcrypto (SHA-256)" "libssl-dev")
    endif()
    set(MCBE_CRYPTO_INCLUDE ${OPENSSL_INCLUDE_DIR})
    set(MCBE_CRYPTO_LIBRARIES ${OPENSSL_CRYPTO_LIBRARY})
    mcbe_found("OpenSSL" "${OPENSSL_VERSION}, ${MCBE_CRYPTO_LIBRARIES}")
endif()

find_path(MCBE_PCG_INCLUDE NAMES pcg_random.hpp)
if(NOT MCBE_PCG_INCLUDE)
    mcbe_missing("the PCG random library" "libpcg-cpp-dev")
endif()
mcbe_found("PCG" "${MCBE_PCG_INCLUDE}/pcg_random.hpp")

find_path(MCBE_BOOST_INCLUDE NAMES boost/math/special_functions/beta.hpp)
if(NOT MCBE_BOOST_INCLUDE)
    mcbe_missing("Boost.Math (headers only)" "libboost-dev")
endif()
mcbe_found("Boost.Math" "${MCBE_BOOST_INCLUDE}/boost/math")

# --- for the tests only --------------------------------------------------------------------------
if(MCBE_BUILD_TESTS)
    pkg_check_modules(CMOCKA QUIET IMPORTED_TARGET cmocka)
    if(NOT CMOCKA_FOUND)
        mcbe_missing("cmocka (for the tests; -DMCBE_BUILD_TESTS=OFF does without)" "libcmocka-dev")
    endif()
    mcbe_found("cmocka" "${CMOCKA_VERSION}")

    find_library(MCBE_GLPK_LIBRARIES NAMES glpk)
    find_path(MCBE_GLPK_INCLUDE NAMES glpk.h)
    if(NOT MCBE_GLPK_LIBRARIES OR NOT MCBE_GLPK_INCLUDE)
        mcbe_missing("GLPK (for the tests; -DMCBE_BUILD_TESTS=OFF does without)" "libglpk-dev")
    endif()
    mcbe_found("GLPK" "${MCBE_GLPK_LIBRARIES}")
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
