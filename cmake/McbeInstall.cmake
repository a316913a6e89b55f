# cmake --install: program, libraries, headers, pkg-config and CMake package files, configs, Iris and scripts.
include(CMakePackageConfigHelpers)
set(MCBE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/mcbe)
set(MCBE_DATA_DIR ${CMAKE_INSTALL_DATADIR}/mcbe)

install(TARGETS mcbe)
install(TARGETS mcbe_shared mcbe_static mcbe_run EXPORT mcbeTargets)
install(DIRECTORY include/mcbe ${PROJECT_BINARY_DIR}/include/mcbe DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h")
install(DIRECTORY configs DESTINATION ${MCBE_DATA_DIR})
install(DIRECTORY data/iris DESTINATION ${MCBE_DATA_DIR}/data)
file(GLOB plot_scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/scripts/plot_*.py)
install(PROGRAMS ${plot_scripts} scripts/export_network.py DESTINATION ${MCBE_DATA_DIR}/scripts)
install(PROGRAMS scripts/fetch_datasets DESTINATION ${MCBE_DATA_DIR}/scripts)
install(FILES scripts/mcbe_figures.py scripts/mcbe_images.py DESTINATION ${MCBE_DATA_DIR}/scripts)
install(DIRECTORY scripts/slurm DESTINATION ${MCBE_DATA_DIR}/scripts USE_SOURCE_PERMISSIONS)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# --- the Python package ---------------------------------------------------------------------------
# Where the prefix is one of Python's own, into the folder it looks in; elsewhere PYTHONPATH has to name it. The
# package finds the library by a path relative to itself, so an installation can be moved or staged.
if(MCBE_INSTALL_PYTHON)
    set(folder lib/python3/dist-packages)
    find_program(MCBE_INSTALL_FOR_PYTHON NAMES python3)
    mark_as_advanced(MCBE_INSTALL_FOR_PYTHON)
    if(MCBE_INSTALL_FOR_PYTHON)
        execute_process(COMMAND ${MCBE_INSTALL_FOR_PYTHON} -c "import sys
print(next((p[len(sys.argv[1]) + 1:] for p in sys.path
            if p.startswith(sys.argv[1] + '/') and p.endswith('-packages')), ''))" ${CMAKE_INSTALL_PREFIX}
            OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
        if(found)
            set(folder ${found})
        endif()
    endif()
    set(MCBE_PYTHON_DIR ${folder} CACHE STRING "Where the Python package goes, below the prefix")
    cmake_path(ABSOLUTE_PATH MCBE_PYTHON_DIR BASE_DIRECTORY ${CMAKE_INSTALL_FULL_BINDIR}/.. NORMALIZE OUTPUT_VARIABLE there)
    file(RELATIVE_PATH relative ${there}/mcbe ${CMAKE_INSTALL_FULL_LIBDIR}/libmcbe.so.0)
    file(WRITE ${PROJECT_BINARY_DIR}/packaging/library.txt "${relative}\n")
    file(GLOB modules CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/python/mcbe/*.py)
    install(FILES ${modules} python/mcbe/py.typed ${PROJECT_BINARY_DIR}/packaging/library.txt
        DESTINATION ${MCBE_PYTHON_DIR}/mcbe)
endif()

# --- find_package(mcbe CONFIG): mcbe::mcbe (numerics), mcbe::mcbe_static, mcbe::run ---------------
install(EXPORT mcbeTargets NAMESPACE mcbe:: DESTINATION ${MCBE_CMAKE_DIR})
configure_package_config_file(packaging/mcbeConfig.cmake.in ${PROJECT_BINARY_DIR}/packaging/mcbeConfig.cmake
    INSTALL_DESTINATION ${MCBE_CMAKE_DIR} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/packaging/mcbeConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/packaging/mcbeConfig.cmake
    ${PROJECT_BINARY_DIR}/packaging/mcbeConfigVersion.cmake DESTINATION ${MCBE_CMAKE_DIR})

# --- pkg-config mcbe: the numerics ----------------------------------------------------------------
# The prefix is found from the place of the .pc file, so an installation can be moved or staged.
set(MCBE_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    file(RELATIVE_PATH MCBE_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
    set(MCBE_PC_PREFIX "\${pcfiledir}/${MCBE_PC_PREFIX}")
endif()
foreach(dir LIBDIR INCLUDEDIR)
    set(MCBE_PC_${dir} "${CMAKE_INSTALL_${dir}}")
    if(NOT IS_ABSOLUTE "${MCBE_PC_${dir}}")
        set(MCBE_PC_${dir} "\${prefix}/${MCBE_PC_${dir}}")
    endif()
endforeach()
list(JOIN MCBE_LAPACKE_LIBRARIES " " MCBE_PC_LAPACKE)
list(JOIN MCBE_BLAS_LIBRARIES " " MCBE_PC_BLAS)
list(JOIN MCBE_QHULL_LIBRARIES " " MCBE_PC_QHULL)
list(JOIN MCBE_CSV_LIBRARIES " " MCBE_PC_CSV)
list(JOIN MCBE_ZLIB_LIBRARIES " " MCBE_PC_ZLIB)
list(JOIN MCBE_CLP_LIBRARIES " " MCBE_PC_CLP)
configure_file(packaging/mcbe.pc.in ${PROJECT_BINARY_DIR}/packaging/mcbe.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/packaging/mcbe.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
