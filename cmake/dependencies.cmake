# onepass_dependencies: what the library links. Only xxHash is required.

find_package(Threads REQUIRED)
find_package(PkgConfig QUIET)

add_library(onepass_dependencies INTERFACE)
target_link_libraries(onepass_dependencies INTERFACE Threads::Threads ${CMAKE_DL_LIBS} m)

# op_find(name module without): a pkg-config module as the target PkgConfig::name; "without" is said if
# it is not there.
function(op_find name module without)
    if(PkgConfig_FOUND)
        pkg_check_modules(${name} QUIET IMPORTED_TARGET ${module})
    endif()
    if(TARGET PkgConfig::${name})
        message(STATUS "${module} ${${name}_VERSION}")
    else()
        message(STATUS "${module} not found: ${without}")
    endif()
endfunction()

op_find(XXHASH libxxhash "it is required")
if(NOT TARGET PkgConfig::XXHASH)
    message(FATAL_ERROR "onepass needs xxHash, and pkg-config to find it (Debian: libxxhash-dev pkg-config); "
                        "scripts/setup installs what is missing")
endif()
target_link_libraries(onepass_dependencies INTERFACE PkgConfig::XXHASH)

op_find(ZLIB zlib "compressed members of .npz archives cannot be read")
if(TARGET PkgConfig::ZLIB)
    target_link_libraries(onepass_dependencies INTERFACE PkgConfig::ZLIB)
endif()
target_compile_definitions(onepass_dependencies INTERFACE ONEPASS_HAVE_ZLIB=$<TARGET_EXISTS:PkgConfig::ZLIB>)

if(ONEPASS_OPENMP)
    find_package(OpenMP QUIET COMPONENTS C)
endif()
if(TARGET OpenMP::OpenMP_C)
    message(STATUS "OpenMP ${OpenMP_C_VERSION}")
    target_link_libraries(onepass_dependencies INTERFACE OpenMP::OpenMP_C)
else()
    message(STATUS "OpenMP not found or switched off: loops run on one thread, or on the host's own pool")
    target_compile_options(onepass_dependencies INTERFACE -Wno-unknown-pragmas)
endif()

# Only for tests, examples and bench.
op_find(CHECK check "tests/unit is not built")
op_find(MPFR mpfr "tests/accuracy is not built")
op_find(LIBPNG libpng "the hillshade example is not built")
