# op_add_levels(file): compiles one file of the library once for every instruction-set level, so that
# the best one can be chosen when the program runs. Each object sees OP_LOOPS_SUFFIX, the end of the
# names that it defines: nothing, _v3, _v4; and the whole library sees ONEPASS_HAVE_LEVEL_LOOPS. On
# other machines than x86-64 the file is compiled once, and neither is defined.

set(ONEPASS_LEVELS baseline)
if(ONEPASS_ARCH STREQUAL "x86-64")
    set(ONEPASS_LEVELS x86-64 x86-64-v3 x86-64-v4)
endif()

function(op_add_levels file)
    get_filename_component(name ${file} NAME_WE)
    foreach(level IN LISTS ONEPASS_LEVELS)
        string(REGEX REPLACE "^(x86-64|baseline)-?" "" short ${level})
        set(suffix)
        if(short)
            set(suffix _${short})
        endif()
        set(target onepass_${name}${suffix})
        add_library(${target} OBJECT ${file})
        op_flags(${target})
        op_source_includes(${target})
        target_link_libraries(${target} PRIVATE onepass_dependencies)
        if(ONEPASS_ARCH STREQUAL "x86-64")
            # After CMAKE_C_FLAGS, so that a -march in those does not reach the baseline.
            target_compile_options(${target} PRIVATE -march=${level} -mtune=generic)
            target_compile_definitions(${target} PRIVATE OP_LOOPS_SUFFIX=${suffix} ONEPASS_HAVE_LEVEL_LOOPS=1)
        endif()
        if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT ONEPASS_SANITIZE)
            target_compile_options(${target} PRIVATE -O3)
        endif()
        target_sources(onepass_internal INTERFACE $<TARGET_OBJECTS:${target}>)
    endforeach()
endfunction()
