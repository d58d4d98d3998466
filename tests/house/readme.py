"""The README tells the truth: its programs compile and run, its commands succeed.

    readme.py README --cc CC --build BUILD --include INCLUDE

A ```c block with a main is compiled, linked with the library and run. A ```sh block whose first line
is `# test` runs in an empty folder, with the built `onepass` and this Python first on the PATH; one that
asks for NumPy is left out where there is none."""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def run_program(arguments, text, directory):
    source, program = os.path.join(directory, "snippet.c"), os.path.join(directory, "snippet")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    libraries = os.path.join(arguments.build, "lib")
    command = [arguments.cc, "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", arguments.include, source, "-o", program]
    command += ["-L" + libraries, "-Wl,-rpath," + libraries, "-lonepass", "-lm"]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    if compiled.returncode:
        return compiled
    return subprocess.run([program], cwd=directory, capture_output=True, text=True, timeout=120, check=False)


def run_commands(arguments, text, directory):
    first = [os.path.join(arguments.build, "bin"), os.path.dirname(sys.executable)]
    environment = dict(os.environ, PATH=os.pathsep.join(first + [os.environ.get("PATH", "")]))
    return subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=directory, env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("readme")
    parser.add_argument("--cc", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--include", required=True)
    arguments = parser.parse_args()
    with open(arguments.readme, encoding="utf-8") as file:
        readme = file.read()
    done = failures = 0
    for language, text in BLOCK.findall(readme):
        if language == "c" and "int main" in text:
            run = run_program
        elif language == "sh" and text.startswith("# test\n"):
            run = run_commands
            if "import numpy" in text and importlib.util.find_spec("numpy") is None:
                print("left out a sh block: there is no NumPy")
                continue
        else:
            continue
        done += 1
        with tempfile.TemporaryDirectory() as directory:
            result = run(arguments, text, directory)
        if result.returncode:
            failures += 1
            print(f"this {language} block fails with {result.returncode}:\n{text}\n{result.stdout}{result.stderr}")
    print(f"{done} blocks, {failures} failures")
    return 1 if failures or not done else 0


if __name__ == "__main__":
    sys.exit(main())
