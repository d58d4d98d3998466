"""The library exports what its headers declare OP_API, no more and no less; the backend one symbol.

    exports.py INCLUDE_DIR --cc CC --nm NM --library LIB [--backend LIB]"""

import argparse
import os
import re
import subprocess
import sys

# As the preprocessor leaves it: OP_API, the result, the name, the first parenthesis.
DECLARATION = re.compile(r'__attribute__\(\(visibility\("default"\)\)\)[^;{()]*?\b(\w+)\s*\(')


def declared(compiler, include):
    headers = sorted(name for name in os.listdir(os.path.join(include, "onepass")) if name.endswith(".h"))
    text = "".join(f'#include "onepass/{name}"\n' for name in ["onepass.h"] + headers)
    command = [compiler, "-std=c11", "-E", "-P", "-I", include, "-x", "c", "-"]
    output = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    return set(DECLARATION.findall(output))


def exported(nm, library):
    output = subprocess.run([nm, "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in output.splitlines() if line.strip()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("include")
    parser.add_argument("--cc", required=True)
    parser.add_argument("--nm", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--backend")
    arguments = parser.parse_args()
    wanted = declared(arguments.cc, arguments.include)
    found = exported(arguments.nm, arguments.library)
    errors = [f"{name} is declared and not exported" for name in sorted(wanted - found)]
    errors += [f"{name} is exported and in no header" for name in sorted(found - wanted)]
    errors += [f"{name} does not start with op_" for name in sorted(found) if not name.startswith("op_")]
    if len(wanted) < 10:
        errors.append(f"only {len(wanted)} declarations were found in the headers")
    if arguments.backend:
        names = exported(arguments.nm, arguments.backend)
        if names != {"op_backend_get"}:
            errors.append(f"the backend exports {', '.join(sorted(names)) or 'nothing'}")
    print(f"{len(wanted)} declared, {len(found)} exported, {len(errors)} wrong")
    print("\n".join(errors))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
