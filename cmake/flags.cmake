# Flags that every file of the project gets.

# The same bits at every optimisation level and on every machine: no contraction of a*b+c. What the
# other two give up is errno and the exception flags, which this library never reads; no value changes.
set(ONEPASS_MATH_FLAGS -ffp-contract=off -fno-math-errno -fno-trapping-math)

set(warnings
    -Wall -Wextra -Wshadow -Wcast-qual -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wwrite-strings -Wundef -Wvla -Wimplicit-fallthrough -Wformat=2 -Wno-missing-field-initializers)
set(ONEPASS_WARNINGS)
foreach(flag IN LISTS warnings)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" variable)
    check_c_compiler_flag(${flag} ${variable})
    if(${variable})
        list(APPEND ONEPASS_WARNINGS ${flag})
    endif()
endforeach()
if(ONEPASS_WERROR)
    list(APPEND ONEPASS_WARNINGS -Werror)
endif()

if(CMAKE_C_FLAGS MATCHES "-ffast-math|-Ofast|-funsafe-math-optimizations|-ffinite-math-only")
    message(FATAL_ERROR "onepass promises the same bits everywhere and cannot be built with fast-math flags")
endif()

function(op_flags target)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
    target_compile_options(${target} PRIVATE ${ONEPASS_MATH_FLAGS} ${ONEPASS_WARNINGS})
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE=)
    if(ONEPASS_SANITIZE)
        target_compile_options(${target} PRIVATE -fsanitize=${ONEPASS_SANITIZE} -fno-sanitize-recover=all
                                                 -fno-omit-frame-pointer)
        target_link_options(${target} PRIVATE -fsanitize=${ONEPASS_SANITIZE})
    endif()
endfunction()

# What only the shared objects get: nothing undefined at link time, nothing exported from archives.
function(op_link_flags target)
    if(ONEPASS_SANITIZE)
        target_link_options(${target} PRIVATE -fsanitize=${ONEPASS_SANITIZE})
    elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux")
        target_link_options(${target} PRIVATE -Wl,-z,defs -Wl,--exclude-libs,ALL -Wl,--as-needed)
    endif()
endfunction()

# Exports the names that are listed and nothing else, OP_API functions of shared sources included.
function(op_export_only target)
    if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
        set(script ${PROJECT_BINARY_DIR}/${target}.map)
        list(JOIN ARGN "; " names)
        file(CONFIGURE OUTPUT ${script} CONTENT "{ global: ${names}; local: *; };\n")
        target_link_options(${target} PRIVATE -Wl,--version-script=${script})
        set_target_properties(${target} PROPERTIES LINK_DEPENDS ${script})
    endif()
endfunction()

function(op_source_includes target)
    set(scope ${ARGN})
    if(NOT scope)
        set(scope PRIVATE)
    endif()
    target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
endfunction()
