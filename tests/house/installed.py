"""An installation works: a program outside of the project finds it with pkg-config and with
find_package, runs, and the compiler backend is found at run time.

    installed.py BUILD --cc CC --cmake CMAKE --example SOURCE [--backend LIB]

With --backend the program must compile its kernel, from the installed copy."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

PROJECT = """cmake_minimum_required(VERSION 3.25)
project(outside LANGUAGES C)
find_package(onepass 0.1 REQUIRED)
add_executable(outside {source})
target_link_libraries(outside PRIVATE onepass::onepass)
"""


def call(*command, **options):
    print("+", " ".join(command), flush=True)
    return subprocess.run(command, check=True, timeout=200, **options)


def find(top, name):
    return [directory for directory, _, names in os.walk(top) if name in names]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--cc", required=True)
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--example", required=True)
    parser.add_argument("--backend")
    arguments = parser.parse_args()
    wanted = ["compiled"] if arguments.backend else []
    with tempfile.TemporaryDirectory() as directory:
        # Installed, then moved: what is installed holds no path of the build.
        staged, prefix = os.path.join(directory, "staged"), os.path.join(directory, "prefix")
        call(arguments.cmake, "--install", arguments.build, "--prefix", staged, stdout=subprocess.DEVNULL)
        shutil.move(staged, prefix)

        libraries, = find(prefix, "libonepass.so")
        pkgconfig, = find(prefix, "onepass.pc")
        environment = dict(os.environ, PKG_CONFIG_PATH=pkgconfig, LC_ALL="C")
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "onepass"], env=environment, check=True,
                               capture_output=True, text=True).stdout.split()
        program = os.path.join(directory, "by_pkg_config")
        call(arguments.cc, "-std=c11", arguments.example, "-o", program, *flags, "-Wl,-rpath," + libraries)
        call(program, *wanted)

        source, build = os.path.join(directory, "source"), os.path.join(directory, "build")
        os.mkdir(source)
        with open(os.path.join(source, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write(PROJECT.format(source=arguments.example))
        call(arguments.cmake, "-S", source, "-B", build, "-DCMAKE_C_COMPILER=" + arguments.cc,
             "-DCMAKE_PREFIX_PATH=" + prefix, stdout=subprocess.DEVNULL)
        call(arguments.cmake, "--build", build, stdout=subprocess.DEVNULL)
        call(os.path.join(build, "outside"), *wanted)

        for folder in find(prefix, "onepass"):
            if os.path.basename(folder) == "bin":
                call(os.path.join(folder, "onepass"), "--version")
    return 0


if __name__ == "__main__":
    sys.exit(main())
