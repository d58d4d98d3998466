"""What is printed from the op table is what is committed.

    ops_drift.py ROOT PRINT_OPS"""

import difflib
import os
import subprocess
import sys

PRINTED = {"ops.h": "include/onepass/ops.h", "sugar.h": "include/onepass/sugar.h", "ops.md": "docs/ops.md"}


def main():
    root, program = sys.argv[1:]
    drifted = 0
    for what, path in PRINTED.items():
        fresh = subprocess.run([program, what], capture_output=True, text=True, check=True).stdout
        try:
            with open(os.path.join(root, path), encoding="utf-8") as file:
                committed = file.read()
        except FileNotFoundError:
            committed = ""
        if not fresh or fresh != committed:
            drifted += 1
            diff = difflib.unified_diff(committed.splitlines(), fresh.splitlines(), path, "printed", lineterm="", n=1)
            print("\n".join(list(diff)[:40]))
    print(f"{len(PRINTED)} files, {drifted} drifted; `cmake --build BUILD --target regenerate` prints them anew")
    return 1 if drifted else 0


if __name__ == "__main__":
    sys.exit(main())
