"""Arrows point down: no file includes a header of a layer above its own.

    includes.py ROOT

Read MAY as: a file of this folder may include headers of these. Anything that is not listed is a
failure, so a new folder needs a line here."""

import os
import re
import sys

INTERFACE = "include/onepass"
MAY = {
    INTERFACE: {INTERFACE},
    "src/base": {"src/base", INTERFACE},
    "src/math": {"src/math", "src/base", INTERFACE},
    "src/io": {"src/io", "src/base", INTERFACE},
    "src/expr": {"src/expr", "src/math", "src/base", INTERFACE},
    "src/plan": {"src/plan", "src/expr", "src/base", INTERFACE, "src/math/rare.def"},
    "src/run": {"src/run", "src/plan", "src/expr", "src/math", "src/io", "src/base", INTERFACE},
    "jit": {"jit", "src/plan", "src/math", "src/expr/opcode.h", "src/expr/ops.def", "src/base/dtype.h", "src/base/isa.h",
            INTERFACE},
    "cli": {"cli", "src/run", "src/plan", "src/expr", "src/io", "src/base", INTERFACE},
    "examples": {INTERFACE},
    "bench": {"bench", INTERFACE},
}
# System headers that only some folders may include.
ONLY = {"llvm-c/": {"jit"}, "llvm/Config/": {"jit"}, "omp.h": {"src/run", "bench"}, "png.h": {"examples"}}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(["<])([^">]+)[">]', re.M)
SOURCES = (".c", ".h", ".def", ".inc", ".cpp")


def folder_of(path):
    """The folder of MAY that holds this file, or None."""
    while path:
        path = os.path.dirname(path)
        if path in MAY:
            return path
    return None


def resolve(root, source, name):
    """The file of the project that an include names, or None for a system header."""
    for base in (os.path.dirname(source), "src", "include", ""):
        path = os.path.normpath(os.path.join(base, name))
        if os.path.isfile(os.path.join(root, path)):
            return path
    return None


def check(root, source):
    folder = folder_of(source)
    with open(os.path.join(root, source), encoding="utf-8") as file:
        text = file.read()
    for quote, name in INCLUDE.findall(text):
        target = resolve(root, source, name)
        if target is None:
            if quote == '"':
                yield f'{source}: "{name}" is not a file of the project'
            for prefix, folders in ONLY.items():
                if (name.startswith(prefix) if prefix.endswith("/") else name == prefix) and folder not in folders:
                    yield f"{source}: <{name}> belongs in {' or '.join(sorted(folders))}"
        elif target not in MAY[folder] and folder_of(target) not in MAY[folder]:
            yield f"{source}: includes {target}, which {folder} must not know"


def main():
    root = sys.argv[1]
    sources = []
    for top in ("include", "src", "jit", "cli", "examples", "bench"):
        for directory, _, names in os.walk(os.path.join(root, top)):
            for name in names:
                if name.endswith(SOURCES):
                    sources.append(os.path.relpath(os.path.join(directory, name), root))
    errors = []
    for source in sorted(sources):
        if folder_of(source) is None:
            errors.append(f"{source}: its folder is in no layer; tests/house/includes.py lists them")
        else:
            errors.extend(check(root, source))
    if not sources:
        errors.append(f"no sources under {root}")
    print(f"{len(sources)} files, {len(errors)} includes against the layers")
    print("\n".join(errors))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
