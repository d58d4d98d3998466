"""Every public header compiles alone and clean, in every C and C++ standard from C11 and C++11 on.

    headers_alone.py INCLUDE_DIR --cc CC [--cxx CXX]"""

import argparse
import os
import subprocess
import sys
import tempfile

INCLUDED_BY_ANOTHER = {"ops.h"}  # a part of onepass.h
WARNINGS = ["-Wall", "-Wextra", "-Wcast-qual", "-Wshadow", "-Wundef", "-Wpedantic", "-Werror"]
C_WARNINGS = ["-Wstrict-prototypes", "-Wmissing-prototypes", "-Wold-style-definition"]
CXX_WARNINGS = ["-Wold-style-cast", "-Wnon-virtual-dtor"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("include")
    parser.add_argument("--cc", required=True)
    parser.add_argument("--cxx", nargs="?")
    arguments = parser.parse_args()
    headers = sorted(n for n in os.listdir(os.path.join(arguments.include, "onepass")) if n.endswith(".h"))
    headers = [n for n in headers if n not in INCLUDED_BY_ANOTHER]
    runs = [(arguments.cc, ".c", f"-std={s}", C_WARNINGS) for s in ("c11", "gnu11", "c17")]
    if arguments.cxx:
        runs += [(arguments.cxx, ".cpp", f"-std={s}", CXX_WARNINGS) for s in ("c++11", "c++17", "gnu++20")]
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        for header in headers:
            for compiler, suffix, standard, extra in runs:
                source = os.path.join(directory, "alone" + suffix)
                with open(source, "w", encoding="utf-8") as file:
                    # Twice: the guard works. A symbol of our own: a translation unit is never empty.
                    file.write(f"#include <onepass/{header}>\n#include <onepass/{header}>\nextern int alone;\n")
                command = [compiler, standard, *WARNINGS, *extra, "-I", arguments.include, "-c", source]
                result = subprocess.run(command + ["-o", os.devnull], capture_output=True, text=True, check=False)
                if result.returncode:
                    failures += 1
                    print(f"onepass/{header} as {standard}:\n{result.stderr}")
    print(f"{len(headers)} headers, {len(runs)} standards, {failures} failures")
    return 1 if failures or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
