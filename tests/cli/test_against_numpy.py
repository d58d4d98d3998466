"""The command against NumPy: files of every kind in, results out, and the brief printing.

Exit status 77 (skipped) without NumPy 2."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    np = None
if np is None or np.lib.NumpyVersion(np.__version__) < "2.0.0":
    print("skipped: there is no NumPy 2 here")
    sys.exit(77)

ONEPASS = shutil.which("onepass")
failures = 0


def complain(message):
    global failures
    failures += 1
    print("FAILED:", message)


def onepass(*arguments, data=None):
    """(exit status, standard output, standard error) of one run."""
    done = subprocess.run([ONEPASS, *arguments], input=data, capture_output=True, timeout=120)
    return done.returncode, done.stdout, done.stderr.decode()


def good(*arguments, data=None):
    status, out, err = onepass(*arguments, data=data)
    if status != 0:
        complain(f"exit status {status}: {' '.join(arguments)}: {err}")
    return out, err


def same(got, expected, what):
    if got.dtype != expected.dtype or got.shape != expected.shape:
        complain(f"{what}: {got.dtype} {got.shape}, not {expected.dtype} {expected.shape}")
    elif not np.array_equal(got, expected, equal_nan=expected.dtype.kind == "f"):
        complain(f"{what}: {got} is not {expected}")


def result(formula, *values, options=()):
    good("eval", *options, "-o", "out.npy", "--", formula, *values)
    return np.load("out.npy")


def formulas(a):
    """Formulas without a rounding of their own, evaluated by NumPy's Python and by the command."""
    names = {name: f"{name}.npy" for name in a}
    np.seterr(all="ignore")
    for name, array in a.items():
        np.save(names[name], array)
    for formula in """b + c; b - c*2.5; f * 2.5; f * 2; f + b; i * 2; i * 2.5; i + u; i // 3; i % -3; -i // 4; b // 0.7; b % -0.7
            -b*b/2; 2**3 * b; b**2; i**3; b**0.5; i < 3; (b < c) & (c < 1); ~t; t | (b > 0); u << 2; i >> 1; u ^ 5
            abs(b); floor(b); where(b < c, b, c); where(t, 1, 0); maximum(b, c)
            where(t, u, -1); where(t, 300, u); where(t, i, 18446744073709551615); where(t, t, 300)
            sqrt(b); sign(b); isnan(b)
            b[::2]; b[::-1]; b[1:-1] + b[2:]; b[:, None] * c; m.T; m.T[1:, ::-2]; m[0]; m[-1, 2]; m[..., None]; m[:, 3]
            m[None]; m[2:2]; b[10:2:-3]; b.astype(f32); b > 1e300; f + 1e300; i.astype(f64) / 3; t * 2; -u; True + t
            m + m[0]; m * m[:, :1]; i + 9223372036854775807; b == b; c != c""".replace("\n", ";").split(";"):
        formula = formula.strip()
        space = dict(a, where=np.where, maximum=np.maximum, abs=np.abs, floor=np.floor, sqrt=np.sqrt, sign=np.sign,
                     isnan=np.isnan, f32=np.float32, f64=np.float64)
        used = [name for name in a if any(w == name for w in words(formula))]
        expected = np.asarray(eval(formula, {"__builtins__": {}}, space))
        same(result(formula, *(f"{name}={names[name]}" for name in used)), expected, formula)


def counts():
    """Counts and sums of weights by bin: NumPy's to the last bit, that is, in its order."""
    rng = np.random.default_rng(5)
    n = 300001
    x, weights = rng.normal(size=n), rng.normal(size=n) * 10.0 ** rng.integers(-9, 9, size=n)
    k = rng.integers(-3, 50, size=60000)
    i = rng.integers(-100, 100, size=n).astype("i2")
    for name, array in {"x": x, "w": weights, "k": k, "v": weights[:60000], "i": i}.items():
        np.save(f"{name}.npy", array)
    for formula, expected in {
            "histogram(x, 20, -2, 2)": np.histogram(x, 20, (-2, 2))[0],
            "histogram(x, 20, -2, 2, weights=w)": np.histogram(x, 20, (-2, 2), weights=weights)[0],
            "histogram(x, 20, -2, 2, weights=i)": np.histogram(x, 20, (-2, 2), weights=i)[0],
            "histogram(x, 20, -2, 2, weights=x > 0)": np.histogram(x, 20, (-2, 2), weights=x > 0)[0],
            "bincount(k, 50, where=k >= 0)": np.bincount(k[k >= 0], minlength=50),
            "bincount(k, 50, weights=v)": np.bincount(k[k >= 0], weights[:60000][k >= 0], minlength=50),
            "bincount(k, 50, weights=k)": np.bincount(k[k >= 0], k[k >= 0], minlength=50)}.items():
        used = [f"{name}={name}.npy" for name in "xwkvi" if any(w == name for w in words(formula))]
        same(result(formula, *used), expected, formula)


def words(formula):
    word = ""
    for character in formula + " ":
        if character.isalnum() or character == "_":
            word += character
        else:
            yield word
            word = ""


def kinds_of_file():
    x = np.arange(24.0).reshape(4, 6) - 3.5
    np.save("x.npy", x)
    for name, array in {"big": x.astype(">f8"), "fortran": np.asfortranarray(x), "small": x.astype("f4"),
                        "big_int": x.astype(">i2"), "zero_d": np.array(2.5), "no_elements": x[:0]}.items():
        np.save(f"{name}.npy", array)
        expected = np.asarray(array + 1)
        same(result("x + 1", f"x={name}.npy"), expected.astype(expected.dtype.newbyteorder("=")), name)
    for version in (1, 2, 3):
        with open("v.npy", "wb") as file:
            np.lib.format.write_array(file, x, version=(version, 0))
        same(result("x + 1", "x=v.npy"), x + 1, f"version {version}")
    np.savez("stored.npz", x=x, y=x[0], **{"a:b": x})
    np.savez_compressed("deflated.npz", x=x)
    same(result("x + y", "x=stored.npz:x", "y=stored.npz:y.npy"), x + x[0], "stored members")
    same(result("x * 2", "x=stored.npz:a:b"), x * 2, "a member with a colon")
    same(result("x * 2", "x=deflated.npz"), x * 2, "a deflated member")
    os.rename("x.npy", "1e5")
    same(result("x * 2", "x=./1e5"), x * 2, "a file called 1e5")
    out, _ = good("eval", "x*2", "x=-", "-o", "-", data=open("1e5", "rb").read())
    with open("piped.npy", "wb") as file:
        file.write(out)
    same(np.load("piped.npy"), x * 2, "from pipe to pipe")
    np.save("numpy.npy", x * 2)
    if out != open("numpy.npy", "rb").read():
        complain("the file differs from the one that NumPy writes")


def numbers():
    np.save("b.npy", np.arange(5, dtype="f4"))
    b = np.load("b.npy")
    for text, value in {"2": 2, "-2": -2, "2.5": 2.5, "1e3": 1e3, "0x1F": 31, "inf": np.inf, "-inf": -np.inf,
                        "True": True, ".5": 0.5, "+3": 3, "1_000": 1000}.items():
        same(result("b + k", "b=b.npy", f"k={text}"), b + value, f"k={text}")
    same(result("e * 2", "e=b.npy"), b * 2, "a name that shadows a constant")
    same(result("half * 2", "half=b.npy"), b * 2, "a name that shadows a dtype")


def outputs():
    b = np.linspace(-2, 2, 1001)
    np.save("b.npy", b)
    np.save("c.npy", b[::-1].copy())
    good("eval", "s = b * 2; y = s + c; z = s * c", "b=b.npy", "c=c.npy", "-o", "y=y.npy", "-o", "z=z.npy")
    same(np.load("y.npy"), b * 2 + b[::-1], "y of three")
    same(np.load("z.npy"), b * 2 * b[::-1], "z of three")
    if os.path.exists("s.npy"):
        complain("a result was written that nobody asked for")
    good("eval", "b + 1", "b=b.npy", "-o", "b.npy")
    same(np.load("b.npy"), b + 1, "an output that is the input")
    same(result("b", "b=b.npy", options=("--dtype", "f32")), (b + 1).astype("f4"), "--dtype")
    same(result("s = b\ns * 2  # twice", "b=b.npy"), (b + 1) * 2, "lines and comments")
    with open("formula.txt", "w", encoding="utf-8") as file:
        file.write("# a file\ns = b * 2\ns + 1\n")
    good("eval", "-f", "formula.txt", "b=b.npy", "-o", "out.npy")
    same(np.load("out.npy"), (b + 1) * 2 + 1, "-f")
    good("eval", "b=b.npy", "-e", "b * 3", "-oout.npy", "-qt1")
    same(np.load("out.npy"), (b + 1) * 3, "-e after an operand, letters together")
    os.chmod("out.npy", 0o600)
    os.symlink("out.npy", "link.npy")
    good("eval", "b", "b=b.npy", "-o", "link.npy")
    if not os.path.islink("link.npy") or os.stat("out.npy").st_mode & 0o777 != 0o600:
        complain("a link was replaced, or a mode changed")


def tiers_and_stats():
    rng = np.random.default_rng(7)
    np.save("b.npy", rng.normal(scale=1e3, size=100003))
    formula, values = "sin(b)*exp(-b*b) + where(b > 0, sqrt(b), b//3)", ("b=b.npy",)
    first = result(formula, *values, options=("--tier", "interp")).tobytes()
    for options in (("--tier", "jit"), ("-t", "1"), ("-t", "2"), ("-t", "8")):
        if result(formula, *values, options=options).tobytes() != first:
            complain(f"other bits with {options}")
    _, err = good("eval", formula, *values, "-q", "--stats", "--repeat", "100")
    stats = json.loads(err)
    for key in ("signature", "compiles", "hits_memory", "hits_disk", "compile_seconds", "run_seconds", "bytes",
                "gb_per_second", "threads"):
        if key not in stats:
            complain(f"--stats has no {key}")
    if stats["compiles"] > 1 or err.count("\n") != 1:
        complain(f"--stats: {err}")
    out, err = good("eval", formula, *values, "-q", "--explain")
    if out or "pass" not in err:
        complain("--explain with -q")


def printing():
    """The last lines that the command prints are those of NumPy."""
    rng = np.random.default_rng(3)
    cases = [np.arange(5.0), np.arange(7) * 100, rng.normal(size=2000), rng.normal(size=(50, 60)), np.array(0.1),
             np.array(1e22), np.array(-3), np.array([True, False]), np.array([np.nan, 1, -np.inf]), np.array([1e-5, 1]),
             np.array([1e10, 1.5]), np.array([0.1, 0.25], dtype="f4"), rng.normal(size=(3, 4, 5)), np.zeros((0, 3)),
             np.arange(2000).reshape(2, 1000), rng.normal(size=30).astype("f4"), np.array([np.inf]), np.array(True),
             rng.normal(size=(2, 3, 20, 20)), np.array([-1.0, 123456.789, 1 / 3]), np.arange(1001, dtype="u1"),
             np.array([1e300, np.nan, -1e-300]), np.array([0.0, -0.0]), np.array(1 / 3, dtype="f4"), np.array(np.nan),
             np.array(123456789.0), np.array([5e-324]), 10.0 ** rng.integers(-3, 3, size=40), np.array(1e-5)]
    for array in cases:
        np.save("p.npy", array)
        out, _ = good("eval", "p", "p=p.npy")
        head, _, text = out.decode().partition("\n")
        expected = str(array) + "\n"
        if head != f"{array.dtype} {array.shape}" or text != expected:
            complain(f"printed as\n{head}\n{text}not\n{array.dtype} {array.shape}\n{expected}")


def inspecting():
    out, _ = good("inspect", "sin(b) + c", "b=f64[n]", "c=f64[n]", "--show", "all")
    for what in ("graph", "plan", "signature", "explain"):
        if f"---- {what}" not in out.decode():
            complain(f"inspect --show all has no {what}")
    good("inspect", "a + 2*k", "a=f32[100, 200]", "k=2.5", "--show", "plan")
    good("inspect", "a.sum(axis=0)", "a=f32[100, 200]")


def helping():
    for arguments in (("--help",), ("eval", "--help"), ("inspect", "-h"), ("--version",)):
        out, err = good(*arguments)
        if not out or err:
            complain(f"{arguments}: nothing said, or on standard error")


with tempfile.TemporaryDirectory() as directory:
    os.chdir(directory)
    b_ = np.array([-2.5, -1.0, -0.0, 0.0, 0.5, np.nan, np.inf, 3.75, 1e300, -7.0, 2.0, 1e-310])
    formulas({"b": b_, "c": b_[::-1].copy(), "f": b_.astype("f4"), "i": np.arange(-6, 6), "t": b_ > 0,
              "u": np.arange(12, dtype="u1") * 21, "m": np.arange(48.0).reshape(4, 12)})
    counts()
    kinds_of_file()
    numbers()
    outputs()
    tiers_and_stats()
    printing()
    inspecting()
    helping()
    left = [name for name in os.listdir(".") if name.startswith(".")]
    if left:
        complain(f"left behind: {left}")
    os.chdir("/")
print(f"{failures} failed" if failures else "the command agrees with NumPy")
sys.exit(failures != 0)
