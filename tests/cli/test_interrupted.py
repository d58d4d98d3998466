"""Signals in the middle of long work: the exit status is 128 + the signal, one sentence is said, no temporary
file stays, and an existing output is as it was."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ONEPASS = shutil.which("onepass")
N = 1 << 22
failures = 0


def complain(message):
    global failures
    failures += 1
    print("FAILED:", message)


def write_input():
    """f64 zeros: a sparse .npy file."""
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({N},), }}".ljust(117) + "\n"
    with open("b.npy", "wb") as file:
        file.write(b"\x93NUMPY\x01\x00v\x00" + text.encode())
        file.truncate(128 + 8 * N)


def interrupt(number, delay):
    """A run that would take hours, and a signal once its temporary file is there."""
    process = subprocess.Popen([ONEPASS, "eval", "sin(b) + 1", "b=b.npy", "-o", "out.npy", "--repeat", "100000000"],
                               stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not any(name.endswith(".tmp") for name in os.listdir(".")) and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(delay)
    start = time.monotonic()
    process.send_signal(number)
    try:
        _, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        complain(f"{number.name} does not end it")
        return
    seconds = time.monotonic() - start
    if process.returncode != 128 + number:
        complain(f"{number.name}: exit status {process.returncode}: {err.decode()}")
    if err != b"onepass: interrupted\n":
        complain(f"{number.name}: said {err.decode()}")
    if sorted(os.listdir(".")) != ["b.npy", "out.npy"] or open("out.npy", encoding="utf-8").read() != "precious":
        complain(f"{number.name}: files are {os.listdir('.')}")
    print(f"{number.name}: ended in {seconds * 1e3:.0f} ms")


with tempfile.TemporaryDirectory() as directory:
    os.chdir(directory)
    write_input()
    with open("out.npy", "w", encoding="utf-8") as file:
        file.write("precious")
    for delay in (0.0, 0.2):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            interrupt(number, delay)
    os.chdir("/")
sys.exit(failures != 0)
