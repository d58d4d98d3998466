# ONEPASS_LLVM: the version of LLVM for the compiler backend, the newest of 19 to 22 that CMake finds or
# the one that ONEPASS_LLVM_VERSION names; empty if there is none. Then the target onepass_llvm has the
# headers and the shared library.

set(ONEPASS_LLVM "")
set(candidates 22 21 20 19)
if(ONEPASS_LLVM_VERSION)
    if(NOT ONEPASS_LLVM_VERSION IN_LIST candidates)
        message(FATAL_ERROR "ONEPASS_LLVM_VERSION is ${ONEPASS_LLVM_VERSION}: this version knows LLVM 19 to 22")
    endif()
    set(candidates ${ONEPASS_LLVM_VERSION})
elseif(NOT "${ONEPASS_LLVM_VERSION}" STREQUAL "")
    set(candidates) # switched off
endif()

# LLVM's package file looks for what static linking would need and says so; none of it matters here.
set(log_level "${CMAKE_MESSAGE_LOG_LEVEL}")
set(CMAKE_MESSAGE_LOG_LEVEL WARNING)
unset(LLVM_DIR CACHE)
foreach(candidate IN LISTS candidates)
    # A release N is called N.1.x since LLVM 18.
    find_package(LLVM ${candidate}.1 CONFIG QUIET
        HINTS /usr/lib/llvm-${candidate} /usr/lib64/llvm${candidate} /usr/local/llvm-${candidate}
              /usr/local/opt/llvm@${candidate} /opt/homebrew/opt/llvm@${candidate})
    if(LLVM_FOUND AND TARGET LLVM)
        set(ONEPASS_LLVM ${LLVM_PACKAGE_VERSION})
        break()
    endif()
    unset(LLVM_DIR CACHE)
endforeach()
set(CMAKE_MESSAGE_LOG_LEVEL "${log_level}")

if(ONEPASS_LLVM)
    message(STATUS "LLVM ${ONEPASS_LLVM} in ${LLVM_DIR}")
    add_library(onepass_llvm INTERFACE)
    target_include_directories(onepass_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
    target_link_libraries(onepass_llvm INTERFACE LLVM)
elseif(ONEPASS_LLVM_VERSION)
    message(FATAL_ERROR "LLVM ${ONEPASS_LLVM_VERSION} not found (Debian: llvm-${ONEPASS_LLVM_VERSION}-dev)")
else()
    message(STATUS "LLVM 19 to 22 not found or switched off: no compiler backend, the interpreter runs everything "
                   "(Debian: llvm-19-dev or newer)")
endif()
