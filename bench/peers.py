"""The rows of the bench by Python's libraries, beside what the bench program measured.

    peers.py --bench build/release/bin/bench --tsv build/bench/onepass.tsv [--peers numpy,numexpr,...]

Same formulas, sizes, dtypes and threads; each result is compared with NumPy's in float64 before the clock starts;
best of at least 7. A peer that is not installed, or that has no way to say a formula, is left out by name.
"""
import argparse
import functools
import os
import re
import subprocess
import sys
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--bench", required=True, help="the bench program, which lists the rows")
parser.add_argument("--tsv", required=True, help="what the bench program wrote with --tsv")
parser.add_argument("--peers", default="numpy,numexpr,numba", help="of numpy numexpr numba jax torch drjit")
parser.add_argument("--threads", type=int, help="only the rows with so many; peers read their number at the start")
arguments = parser.parse_args()

# Every library reads its number of threads when it starts: a process for each number.
if arguments.threads is None:
    with open(arguments.tsv) as file:
        counts = sorted({int(line.split("\t")[3]) for line in file})
    for number in counts:
        environment = dict(os.environ, XLA_FLAGS=f"--xla_cpu_multi_thread_eigen={str(number > 1).lower()}")
        for name in ("OMP", "NUMEXPR", "NUMBA", "MKL", "OPENBLAS"):
            environment[name + "_NUM_THREADS"] = str(number)
        if number == 1:
            prefix = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]  # jax and drjit take every core they see
        else:
            prefix = []
        subprocess.run(prefix + [sys.executable, *sys.argv, "--threads", str(number)], env=environment, check=True)
    sys.exit()

import numpy as np  # noqa: E402

# What every library has under this name, with axis where the formulas of the bench use it.
REDUCTIONS = ("sum", "mean", "var", "std", "argmin", "cumsum")
MATH = ("sin", "cos", "exp", "log", "log1p", "sqrt", "tanh", "hypot", "arctan2", "where")


def with_typed_constants(formula, wrap):
    """Fractions written out would turn float32 into float64 in some libraries; exponents and indices stay."""
    return re.sub(r"(?<![\w\[:*])(\d+\.\d+)", wrap, formula)


def namespace(module, **more):
    names = {name: getattr(module, name) for name in MATH if hasattr(module, name)}
    names |= {name: getattr(module, name) for name in REDUCTIONS}
    return names | more


def softmax(x, axis):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


# ---- Each peer: (row, inputs, out) -> a function of no arguments that returns the result ----------------------

def numpy_(row, inputs, out):
    code = compile(row["formula"], row["name"], "eval")
    names = namespace(np, softmax=softmax, **inputs)
    return lambda: eval(code, names)


def numexpr_(row, inputs, out):
    import numexpr
    if row["kind"] not in ("map", "transpose", "sum", "sum0", "sum1"):
        raise NotImplementedError("its formulas have neither slices nor other reductions than sums")
    constants = {}

    def constant(match):
        name = f"k{len(constants)}"
        constants[name] = out.dtype.type(match[1])
        return name

    text = with_typed_constants(row["formula"], constant).replace("b.T", "bT").replace("hypot(b, c)", "sqrt(b*b+c*c)")
    names = inputs | constants
    if "bT" in text:
        names["bT"] = names.pop("b").T
    if row["kind"].startswith("sum"):
        return lambda: numexpr.evaluate(text, local_dict=names)
    return lambda: numexpr.evaluate(text, local_dict=names, out=out)


# For each kind of row but maps.
NUMBA_LOOPS = {
    "sum": """
s = T(0)
for i in prange(b.size):
 s += b[i] * c[i]
out[()] = s""",
    "meanvar": """
s, q = 0.0, 0.0
for i in prange(b.size):
 d = b[i] - b[0]
 s += d
 q += d * d
s /= b.size
out[()] = b[0] + s + (q / b.size - s * s)""",
    "cumsum": """
s = T(0)
for i in range(b.size):
 s += b[i] * c[i]
 out[i] = s""",
    "argmin": """
low, at = np.full(threads, np.inf), np.zeros(threads, np.int64)
for t in prange(threads):
 least, place = T(np.inf), 0
 for i in range(b.size * t // threads, b.size * (t + 1) // threads):
  x, y = b[i] - T(0.25), c[i] - T(0.5)
  v = x * x + y * y
  if v < least:
   least, place = v, i
 low[t], at[t] = least, place
out[()] = at[np.argmin(low)]""",
    "sum0": """
for t in prange(threads):
 j0, j1 = out.size * t // threads, out.size * (t + 1) // threads
 out[j0:j1] = 0
 for i in range(b.shape[0]):
  for j in range(j0, j1):
   out[j] += b[i, j]""",
    "sum1": """
for i in prange(b.shape[0]):
 s = T(0)
 for j in range(b.shape[1]):
  s += b[i, j]
 out[i] = s""",
    "softmax": """
for i in prange(b.shape[0]):
 top, s = b[i, 0], T(0)
 for j in range(b.shape[1]):
  top = max(top, b[i, j])
 for j in range(b.shape[1]):
  out[i, j] = exp(b[i, j] - top)
  s += out[i, j]
 for j in range(b.shape[1]):
  out[i, j] /= s""",
    "standardise": """
for t in prange(threads):
 j0, j1 = b.shape[1] * t // threads, b.shape[1] * (t + 1) // threads
 s, q = np.zeros(j1 - j0, b.dtype), np.zeros(j1 - j0, b.dtype)
 for i in range(b.shape[0]):
  for j in range(j0, j1):
   d = b[i, j] - b[0, j]
   s[j - j0] += d
   q[j - j0] += d * d
 for j in range(j1 - j0):
  s[j] /= T(b.shape[0])
  q[j] = T(1) / sqrt(q[j] / T(b.shape[0]) - s[j] * s[j])
  s[j] += b[0, j + j0]
 for i in range(b.shape[0]):
  for j in range(j0, j1):
   out[i, j] = (b[i, j] - s[j - j0]) * q[j - j0]""",
    "transpose": """
m = out.shape[0] // 16
for k in prange(m):
 for l in range(m):
  for i in range(16 * k, 16 * k + 16):
   for j in range(16 * l, 16 * l + 16):
    out[i, j] = b[j, i] + c[i, j]""",
    "jacobi": """
for i in prange(out.shape[0]):
 for j in range(out.shape[1]):
  out[i, j] = T(0.25) * ((b[i, j + 1] + b[i + 2, j + 1]) + (b[i + 1, j] + b[i + 1, j + 2]))""",
}


def numba_(row, inputs, out):
    import math
    import numba
    parallel = arguments.threads > 1 and inputs["b"].size >= 32768
    jit = numba.njit(parallel=parallel, fastmath=True)
    kind, letters = row["kind"], ", ".join(inputs)
    T = inputs["b"].dtype.type
    names = {name: getattr(math, name) for name in MATH if hasattr(math, name)}
    names |= {"prange": numba.prange, "T": T, "np": np, "arctan2": math.atan2}
    names["threads"] = arguments.threads if parallel else 1
    names["where"] = numba.njit(lambda condition, yes, no: yes if condition else no)
    formula = with_typed_constants(row["formula"], r"T(\1)").replace("/2)", "/T(2))")
    if kind == "map":
        formula = re.sub(r"\b([abcd])\b", r"\1[i]", formula)
        body = f"for i in prange(out.size):\n  out[i] = {formula}"
    else:
        body = NUMBA_LOOPS[kind].strip().replace("\n", "\n ")
    exec(f"def loop({letters}, out):\n {body}\n", names)
    loop = jit(names["loop"])
    values = list(inputs.values())

    def call():
        loop(*values, out)
        return out
    return call


def jax_(row, inputs, out):
    import jax
    jax.config.update("jax_enable_x64", True)
    names = namespace(jax.numpy, softmax=jax.nn.softmax)
    letters = list(inputs)
    exec(f"def f({', '.join(letters)}):\n return {row['formula']}\n", names)
    f = jax.jit(names["f"])
    values = [jax.numpy.asarray(v) for v in inputs.values()]
    return lambda: f(*values).block_until_ready()


def torch_(row, inputs, out):
    import torch
    torch.set_num_threads(arguments.threads)
    names = namespace(torch, softmax=torch.softmax, cumsum=lambda x: torch.cumsum(x, 0))
    names |= {name: functools.partial(getattr(torch, name), correction=0) for name in ("var", "std")}
    letters = list(inputs)
    exec(f"def f({', '.join(letters)}):\n return {row['formula']}\n", names)
    f = torch.compile(names["f"])
    values = [torch.from_numpy(v) for v in inputs.values()]

    def call():
        with torch.inference_mode():
            return f(*values)
    return call


def drjit_(row, inputs, out):
    import drjit
    from drjit import llvm
    if row["kind"] != "map":
        raise NotImplementedError("maps only")
    Float = llvm.Float64 if out.dtype == np.float64 else llvm.Float
    names = {name: getattr(drjit, name) for name in MATH if hasattr(drjit, name)} | {"where": drjit.select}
    names |= {name: Float(value) for name, value in inputs.items()}
    code = compile(row["formula"], row["name"], "eval")

    def call():
        result = eval(code, names)
        drjit.eval(result)
        drjit.sync_thread()
        return result
    return call


PEERS = {"numpy": numpy_, "numexpr": numexpr_, "numba": numba_, "jax": jax_, "torch": torch_, "drjit": drjit_}

# ---- Measuring ----------------------------------------------------------------------------------------------------

FIELDS = ("name", "kind", "inputs", "low", "high", "dims", "columns", "formula")
listing = subprocess.run([arguments.bench, "list"], check=True, capture_output=True, text=True).stdout
ROWS = {line.split("\t")[0]: dict(zip(FIELDS, line.split("\t"))) for line in listing.splitlines()}


def data(row, dtype, n):
    rng = np.random.default_rng(1)
    columns = int(row["columns"]) or round(n ** 0.5)
    shape = (n,) if row["dims"] == "1" else (n // columns, columns)
    low, high = float(row["low"]), float(row["high"])
    inputs = {letter: (low + (high - low) * rng.random(shape)).astype(dtype) for letter in row["inputs"]}
    out_shape = {"sum": (), "meanvar": (), "argmin": (), "sum0": shape[1:], "sum1": shape[:1],
                 "jacobi": (columns - 2, columns - 2)}.get(row["kind"], shape)
    return inputs, np.zeros(out_shape, np.int64 if row["kind"] == "argmin" else dtype)


def accepted(row):
    """The error in ULPs of max(|exact|, 1); long sums of floats are off by more, a place by nothing."""
    if row["kind"] == "argmin":
        return 0
    return 64 if row["kind"] in ("map", "transpose", "jacobi", "softmax") else 1e4


def seconds(call):
    """Best of at least 7 samples, and of as many as fit into a moment."""
    call()
    start = time.perf_counter()
    call()
    once = time.perf_counter() - start
    repeats = max(1, int(5e-4 / max(once, 1e-9)))
    best, samples, until = once, 0, time.perf_counter() + 0.05
    while samples < 7 or (time.perf_counter() < until and samples < 1000):
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        best = min(best, (time.perf_counter() - start) / repeats)
        samples += 1
    return best


def show(value):
    if value is None:
        return "-"
    if value < 1e-6:
        return f"{value * 1e9:.0f} ns"
    return f"{value * 1e6:.2f} us" if value < 1e-3 else f"{value * 1e3:.2f} ms"


def version(name):
    import importlib.metadata
    return importlib.metadata.version(name)


peers = []
for name in arguments.peers.split(","):
    try:
        peers.append(name)
        label = f"{name} {version(name)}"
    except Exception:
        peers.remove(name)
        label = f"{name} is not installed and left out"
    print(label)
print(f"\n{'row':<11} {'type':<4} {'n':>7} {'t':>2}  {'hand':>10} {'onepass':>10} "
      + " ".join(f"{name:>10}" for name in peers) + "   best peer / onepass")

notes, inputs, made_for = set(), None, None
with open(arguments.tsv) as file:
    for line in file:
        name, dtype, n, threads, _, *times = line.rstrip("\n").split("\t")
        if int(threads) != arguments.threads:
            continue
        row, n = ROWS[name], int(n)
        own = {key: float(value) for key, value in (t.split("=") for t in times)}
        inputs, out = data(row, {"f64": np.float64, "f32": np.float32}[dtype], n)
        exact = eval(row["formula"], namespace(np, softmax=softmax, **{k: v.astype(np.float64) for k, v in inputs.items()}))
        eps = np.finfo(inputs["b"].dtype).eps
        found = {}
        for peer in peers:
            try:
                call = PEERS[peer](row, inputs, out)
                error = np.max(np.abs(np.asarray(call(), np.float64) - exact) / np.maximum(np.abs(exact), 1)) / eps
                if not error <= accepted(row):
                    raise ValueError(f"off by {error:.3g} ULP")
                found[peer] = seconds(call)
            except Exception as error:
                notes.add(f"{peer} without {name}: {str(error).strip().splitlines()[0] if str(error) else type(error).__name__}")
                found[peer] = None
        best = min((value for value in found.values() if value), default=None)
        print(f"{name:<11} {dtype:<4} {n:>7.3g} {threads:>2}  {show(own['hand']):>10} {show(own['onepass']):>10} "
              + " ".join(f"{show(found[peer]):>10}" for peer in peers)
              + (f" {best / own['onepass']:>9.2f}" if best else ""), flush=True)
for note in sorted(notes):
    print(note)
print()
