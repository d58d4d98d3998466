"""What NumPy says about one node, given its operands' values, and how far a result may be from it.

judge(...) compares a result with the answer and returns a sentence, or None. Operands are arrays, or
Python numbers for weak scalars. Where NumPy's answer is undefined or not what we promise, the rule is
spelled out here."""

import ctypes
import ctypes.util
import math
import os
import re
import warnings

import numpy as np

np.seterr(all="ignore")
warnings.simplefilter("ignore")  # "mean of empty slice" and its kin

LONG = np.longdouble
LIBM = ctypes.CDLL(ctypes.util.find_library("m"))
LIBM.fma.restype = ctypes.c_double
LIBM.fma.argtypes = [ctypes.c_double] * 3

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LANES, LEAF_ROWS = 32, 16  # the order of reductions


class Row:
    """One row of the table of operations."""

    def __init__(self, name, arity, accepts, result, ulp):
        self.name, self.arity, self.accepts, self.result, self.ulp = name, arity, accepts, result, ulp


def read_table(path):
    """docs/ops.md: {name: Row} of the operations, and the names of the reductions."""
    ops, reductions, into_ops = {}, [], True
    with open(path) as file:
        for line in file:
            if line.startswith("## "):
                into_ops = False
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if not cells or not cells[0].startswith("`"):
                continue
            names = re.findall(r"`(\w+)`", cells[0])
            if into_ops:
                ops[names[0]] = Row(names[0], int(cells[1]), cells[2], cells[3], float(cells[4]))
            else:
                reductions.append(names[0])
    return ops, reductions + derived_reductions(os.path.join(ROOT, "include/onepass/onepass.h"), reductions)


def derived_reductions(path, known):
    """The names that the header declares in the form of op_sum_opt."""
    with open(path) as file:
        names = re.findall(r"op_(\w+)_opt\(op_expr \*x, op_axes", file.read())
    return [name for name in names if name not in known]


OPS, REDUCTIONS = read_table(os.path.join(ROOT, "docs/ops.md"))

# ---- element-wise operations ------------------------------------------------------------------------


def is_weak(x):
    return isinstance(x, (bool, int, float))


def float_for(dtype):
    """The float that NumPy computes a function of this dtype in."""
    if dtype.kind == "f":
        return dtype
    return np.dtype({1: "f2", 2: "f4"}.get(dtype.itemsize, "f8"))


def common_float(*operands):
    """The first float loop that holds each operand: u16 and i16 meet in f32, though in i32 as integers."""
    dtype = np.result_type(*operands)
    strong = [x.dtype for x in operands if not is_weak(x)]
    if dtype.kind == "i" and any(d.kind == "u" for d in strong):
        return np.result_type(*(float_for(d) for d in strong))
    return float_for(dtype)


def saturating_cast(x, dtype):
    """Float to integer: NaN is 0, what is out of range is the nearest end."""
    info = np.iinfo(dtype)
    result = np.zeros(x.shape, dtype)
    low, high = x <= info.min, x >= 2.0 * (info.max // 2 + 1)
    inside = ~(low | high | np.isnan(x))
    result[inside] = np.trunc(x[inside]).astype(dtype)
    result[low] = info.min
    result[high] = info.max
    return result


def cast(x, dtype, saturate=False):
    if x.dtype.kind == "f" and dtype.kind in "iu":
        return saturating_cast(x, dtype)
    if saturate and x.dtype.kind in "biu" and dtype.kind in "iu":
        info = np.iinfo(dtype)
        if x.dtype == np.uint64:
            return np.minimum(x, np.uint64(info.max)).astype(dtype)
        if x.dtype.kind == "b":
            return x.astype(dtype)
        low = max(info.min, np.iinfo(x.dtype).min)
        high = min(info.max, np.iinfo(x.dtype).max)
        return np.clip(x, x.dtype.type(low), x.dtype.type(high)).astype(dtype)
    return x.astype(dtype)


def fma(a, b, c):
    dtype = common_float(a, b, c)
    a, b, c = np.broadcast_arrays(*(np.asarray(x, dtype) for x in (a, b, c)))
    if dtype == np.float64:
        return np.array([LIBM.fma(*t) for t in zip(a.flat, b.flat, c.flat)], dtype).reshape(a.shape)
    product, c = a.astype(np.float64) * b, c.astype(np.float64)  # exact
    total = product + c
    back = total - product
    error = (product - (total - back)) + (c - back)
    bits = total.view(np.int64) if total.ndim else np.array(total).view(np.int64)
    inexact = (error != 0) & np.isfinite(total) & (bits & 1 == 0)  # to odd, so that the next rounding is right
    away = (error > 0) == (total > 0)
    odd = np.where(inexact, bits + np.where(away, 1, -1), bits).view(np.float64)
    return odd.astype(dtype)


def signbit(a):
    dtype = common_float(a)
    return np.signbit(np.asarray(a, dtype)) & ~np.isnan(np.asarray(a, dtype))


def copysign(a, b):
    dtype = common_float(a, b)
    b = np.asarray(b, dtype)
    return np.copysign(np.asarray(a, dtype), np.where(np.isnan(b), dtype.type(1), b))


def reciprocal(a):
    dtype = common_float(a)
    return np.reciprocal(np.asarray(a, dtype))


def where(a, b, c):
    if is_weak(b) and is_weak(c):
        b, c = np.asarray(b), np.asarray(c)  # two numbers: not every integer is an int64
    return np.where(np.asarray(a) != 0, b, c)


def integer_power(a, b):
    """Wraps; a negative exponent gives 1 / a rounded to zero, and 0 for a zero."""
    dtype = np.power(*(x if is_weak(x) else np.zeros(0, x.dtype) for x in (a, b))).dtype
    a, b = np.asarray(a, dtype), np.asarray(b, dtype)
    result = np.power(a, np.maximum(b, 0))
    if dtype.kind == "i":
        inverse = np.where(a == 1, 1, np.where(a == -1, np.where(b & 1, -1, 1), 0)).astype(dtype)
        result = np.where(b < 0, inverse, result)
    return result


def logical(function):
    """NumPy cannot say whether a number beyond int64 is true."""
    return lambda *operands: function(*(np.asarray(x if not is_weak(x) else x != 0, bool) for x in operands))


def of_quiet_nans(function):
    """After a signalling NaN the result of NumPy's fmax and fmin depends on strides: NaN, or the other operand."""
    def apply(*operands):
        return function(*(np.where(np.isnan(x), x.dtype.type(np.nan), x) if not is_weak(x) and x.dtype.kind == "f" else x
                          for x in operands))
    return apply


EXACT = {"fmax": of_quiet_nans(np.fmax), "fmin": of_quiet_nans(np.fmin),
         "fma": fma, "signbit": signbit, "copysign": copysign, "reciprocal": reciprocal, "where": where,
         "logical_and": logical(np.logical_and), "logical_or": logical(np.logical_or),
         "logical_xor": logical(np.logical_xor), "logical_not": logical(np.logical_not)}
ZEROS_ARE_EQUAL = {"maximum", "minimum", "fmax", "fmin", "max", "min", "nanmax", "nanmin"}

PI = LONG("3.14159265358979323846264338327950288")


def _parts(x):
    """x as k / 2 + r with |r| <= 1/4, exactly."""
    k = np.rint(x * 2)
    return np.fmod(k, 4), x - k / 2


def sinpi(x):
    k, r = _parts(x)
    s, c = np.sin(PI * r), np.cos(PI * r)
    value = np.choose(np.where(np.isfinite(k), k, 0).astype(int) % 4, [s, c, -s, -c])
    return np.where(np.isfinite(x), value, np.nan)


def cospi(x):
    k, r = _parts(x)
    s, c = np.sin(PI * r), np.cos(PI * r)
    value = np.choose(np.where(np.isfinite(k), k, 0).astype(int) % 4, [c, -s, -c, s])
    return np.where(np.isfinite(x), value, np.nan)


def tanpi(x):
    """The poles are infinities whose signs alternate: tanpi(1/2) = inf, tanpi(3/2) = -inf."""
    s, c = sinpi(x), cospi(x)
    return np.where(c == 0, np.where(s > 0, np.inf, -np.inf), s / c)


def power(x, y):
    """glibc's powl(-inf, -2^63) is inf; of an infinity float64 has the exact powers."""
    return np.where(np.isinf(x), np.power(np.float64(x), np.float64(y)), np.power(x, y))


# In extended precision, for what NumPy has no name for, or a wrong value.
LONG_FUNCTIONS = {
    "power": power,
    "sinpi": sinpi, "cospi": cospi, "tanpi": tanpi,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "exp10": lambda x: np.power(LONG(10), x),
    "expit": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(LONG(0), x),
    "degrees": lambda x: x * (180 / PI), "rad2deg": lambda x: x * (180 / PI),
    "radians": lambda x: x * (PI / 180), "deg2rad": lambda x: x * (PI / 180),
}
LOOSE = {"logaddexp", "logaddexp2", "softplus"}  # the reference cancels near zero


def reference(row, operands):
    """(what the result must look like, reference in extended precision or None, kind): kind is "exact",
    "ulp", or "none" where there is nothing to compare with."""
    function = EXACT.get(row.name) or getattr(np, row.name, None)
    if row.ulp == 0 and function:
        try:
            return np.asarray(function(*operands)), "exact"
        except OverflowError:  # a bool beside a number that int64 does not hold: NumPy cannot, any integer can
            operands = [x if is_weak(x) or x.dtype != bool else x.astype(np.int8) for x in operands]
            return np.asarray(function(*operands)), "exact"
    if row.name == "power" and np.result_type(*operands).kind in "biu":
        return integer_power(*operands), "exact"
    dtype = common_float(*operands)
    wide = [np.asarray(np.asarray(x, dtype), LONG) for x in operands]
    function = LONG_FUNCTIONS.get(row.name) or getattr(np, row.name, None)
    if function:
        return (np.asarray(function(*wide)), dtype), "ulp"
    shape = np.broadcast_shapes(*(x.shape for x in wide))
    return (np.zeros(shape, LONG), dtype), "none"


def refuses(row, operands):
    """Whether NumPy refuses these operands (and how)."""
    function = EXACT.get(row.name) or getattr(np, row.name, None)
    if not function:
        return None
    try:
        function(*(x if is_weak(x) else np.zeros((0,), x.dtype) for x in operands))
    except (TypeError, OverflowError, ValueError) as error:
        return type(error).__name__
    return None


def refuses_reduction(name, dtype):
    try:
        getattr(np, name)(np.zeros(2, dtype))
    except TypeError:
        return True
    except AttributeError:
        pass
    return False


# ---- reductions -----------------------------------------------------------------------------------------

COMBINE = {"sum": np.add, "prod": np.multiply}


def reduced_axes(ndim, axes):
    return tuple(range(ndim)) if axes is None else tuple(a % ndim for a in axes)


def tree(x, axes, name):
    """A float sum or product in the order that is promised: lanes, leaves, a binary tree over the leaves."""
    kept = [a for a in range(x.ndim) if a not in axes]
    long_axes = [a for a in range(x.ndim) if x.shape[a] != 1]
    lanes = LANES if not long_axes or long_axes[-1] in axes else 1
    combine, neutral = COMBINE[name], x.dtype.type(-0.0 if name == "sum" else 1)
    kept_shape = [x.shape[a] for a in kept]
    rows = x.transpose(kept + sorted(axes)).reshape(math.prod(kept_shape), -1)
    n = rows.shape[1]
    leaf = lanes * LEAF_ROWS
    leaves = -(-n // leaf)
    padded = np.full((rows.shape[0], leaves * leaf), neutral, x.dtype)
    padded[:, :n] = rows
    padded = padded.reshape(rows.shape[0], leaves, LEAF_ROWS, lanes)
    total = np.full((rows.shape[0], leaves, lanes), neutral, x.dtype)
    for r in range(LEAF_ROWS):
        total = combine(total, padded[:, :, r])
    while total.shape[1] > 1:
        pairs = combine(total[:, 0:-1:2], total[:, 1::2])
        total = np.concatenate([pairs, total[:, -1:]], 1) if total.shape[1] % 2 else pairs
    total = total[:, 0]
    while total.shape[1] > 1:
        half = total.shape[1] // 2
        total = combine(total[:, :half], total[:, half:])
    return total[:, 0].reshape(kept_shape)


def sum_bound(x, axes, keepdims):
    """The exact sum where it is finite, and the error bound of the order above."""
    wide = x.astype(LONG)
    exact = wide.sum(axis=axes, keepdims=keepdims)
    size = np.abs(wide).sum(axis=axes, keepdims=keepdims)
    n = math.prod(x.shape[a] for a in axes)
    steps = LEAF_ROWS + math.log2(n + 1) + 6
    return exact, steps * float(np.finfo(x.dtype).eps) / 2 * size


def reduce(name, x, axes, keepdims, dtype, mask, initial):
    """(the answer, "exact" or "close")."""
    axes = reduced_axes(x.ndim, axes)
    if name in COMBINE:
        if dtype is None:
            dtype = {"b": np.dtype("i8"), "i": np.dtype("i8"), "u": np.dtype("u8")}.get(x.dtype.kind, x.dtype)
        x = cast(x, dtype)
    elif dtype is not None:
        x = cast(x, dtype)
    arguments = {} if mask is None else {"where": mask}
    if initial is not None:
        arguments["initial"] = initial
    if name not in COMBINE or x.dtype.kind != "f" or 0 in x.shape:
        if name in COMBINE:
            arguments["dtype"] = x.dtype
        return np.asarray(getattr(np, name)(x, axis=axes, keepdims=keepdims, **arguments)), "exact"
    if mask is not None:
        x = np.where(mask, x, x.dtype.type(-0.0 if name == "sum" else 1))
    result = tree(x, axes, name)
    if initial is not None:
        result = COMBINE[name](np.asarray(initial).astype(x.dtype), result)
    if name == "sum" and initial is None:
        result = result + x.dtype.type(0)  # the sum of negative zeros is 0
        exact, bound = sum_bound(x, axes, False)
        wrong = np.isfinite(exact) & np.isfinite(result) & ~(np.abs(result - exact) <= bound)
        assert not wrong.any(), "the order of the sum is less accurate than it should be"
    if keepdims:
        result = np.asarray(result).reshape([1 if a in axes else x.shape[a] for a in range(x.ndim)])
    return np.asarray(result), "exact"


EXACT_REDUCTIONS = {"argmax", "argmin", "count_nonzero", "ptp", "nanmax", "nanmin"}


def weights(x, mask):
    return np.ones(x.shape, bool) if mask is None else np.broadcast_to(mask, x.shape)


def judge_compensated(got, x, axes, keepdims, mask):
    """A compensated sum is right to an ULP, as far as extended precision can tell; what is not finite is the
    plain sum's."""
    plain = reduce("sum", x, axes, keepdims, None, mask, None)[0]
    wrong = shape_complaint(got, plain.shape, plain.dtype)
    if wrong or plain.dtype.kind != "f":
        return wrong or judge_exact(got, plain)
    wide = np.where(weights(x, mask), x, 0).astype(LONG)
    exact, size = (f.sum(axis=reduced_axes(x.ndim, axes), keepdims=keepdims) for f in (wide, np.abs(wide)))
    eps = LONG(np.finfo(x.dtype).eps)
    bound = eps * np.abs(exact) + x.size * (LONG(np.finfo(LONG).eps) + x.size * eps * eps) * size
    huge = np.isfinite(plain) & (size > np.finfo(x.dtype).max / 4)
    close = np.abs(got - exact) <= bound + np.finfo(x.dtype).smallest_subnormal
    same = np.where(np.isfinite(plain), close | huge, (got == plain) | (np.isnan(got) & np.isnan(plain)))
    return None if same.all() else first_difference(same, got, exact, ()) + " (compensated sum)"


def places(x, bins, lo, hi):
    """The bin of each element as NumPy's histogram finds it, or as bincount's; what has none is -1."""
    if lo is None:
        return np.where((x >= 0) & (x < bins), x.astype(np.int64), -1)
    found = np.full(x.shape, -1)
    inside = (x >= lo) & (x <= hi)
    edges = np.histogram_bin_edges(x[:0], bins, (lo, hi)).astype(x.dtype if x.dtype == np.float32 else np.float64)
    found[inside] = np.minimum(np.searchsorted(edges, x[inside].astype(edges.dtype), "right") - 1, bins - 1)
    return found


def weigh(x, weights, bins, lo=None, hi=None):
    """The sums of weights by bin, in the order that is promised: chunk by chunk."""
    place, weights = places(x.ravel(), bins, lo, hi), np.broadcast_to(weights, x.shape).ravel()
    dtype = np.float64 if lo is None else weights.dtype
    chunk = 65536 if bins <= 8192 else 8 * bins
    wide = np.float64 if lo is None or dtype.kind == "f" else np.uint64 if dtype.kind == "u" else np.int64
    total = np.zeros(bins, wide)
    for first in range(0, len(place), chunk):
        table = np.zeros(bins + 1, wide)
        np.add.at(table, place[first:first + chunk], weights[first:first + chunk].astype(wide))  # in sequence
        total += table[:-1]
    return total.astype(dtype)


def judge_count(got, x, weights, bins, lo=None, hi=None):
    """What has no bin is not counted. A range makes it a histogram."""
    if weights is not None:
        return judge_exact(got, weigh(x, weights, bins, lo, hi))
    flat = x.ravel()
    if lo is not None:
        return judge_exact(got, np.histogram(flat, bins, range=(lo, hi))[0].astype(np.int64))
    return judge_exact(got, np.bincount(flat[(flat >= 0) & (flat < bins)].astype(np.int64), minlength=bins))


def judge_derived(name, got, x, axes, keepdims, mask, ddof):
    """For what is made of sums, maxima and so on; floats are compared with extended precision, within the
    bound of a sound algorithm."""
    axes = reduced_axes(x.ndim, axes)
    if name == "compensated_sum":
        return judge_compensated(got, x, axes, keepdims, mask)
    if name in EXACT_REDUCTIONS:
        if name.startswith("arg"):
            axes = None if len(axes) == x.ndim and x.ndim != 1 else axes[0]
        if name in ("nanmax", "nanmin"):  # after a signalling NaN NumPy forgets what came before it
            x = np.where(np.isnan(x), x.dtype.type(np.nan), x) if x.dtype.kind == "f" else x
        want = np.asarray(getattr(np, name)(x, axis=axes, keepdims=keepdims))
        return judge_exact(got, want, name in ZEROS_ARE_EQUAL)
    if name in ("nansum", "nanprod"):
        if x.dtype.kind == "f":
            x = np.where(np.isnan(x), x.dtype.type(name == "nanprod"), x)
        return judge_exact(got, reduce(name[3:], x, axes, keepdims, None, None, None)[0])
    numpys = getattr(np, name, None)
    if numpys:
        like = np.asarray(numpys(np.ones_like(x), axis=axes, keepdims=keepdims))
        wrong = shape_complaint(got, like.shape, like.dtype)
        if wrong:
            return wrong
    if got.dtype.kind != "f" or got.size == 0:
        return None
    used = weights(x, mask)
    wide = (x if x.dtype.kind == "f" else x.astype(np.float64)).astype(LONG)  # that is what NumPy subtracts
    if name.startswith("nan"):
        used = used & ~np.isnan(wide)
        name = name[3:]
    wide = np.where(used, wide, 0)
    how = {"axis": axes, "keepdims": True}
    n = LONG(1) * used.sum(**how)
    size, square = np.abs(wide).sum(**how), (wide * wide).sum(**how)
    mean = wide.sum(**how) / n
    eps, tiny = LONG(np.finfo(got.dtype).eps) * 40, LONG(np.finfo(got.dtype).tiny)
    fine = square < np.finfo(x.dtype if x.dtype.kind == "f" else float).max / 4
    value = got if keepdims or name == "softmax" else got.reshape(n.shape)
    if name == "mean":
        want, bound = mean, eps * size / n
    elif name in ("var", "std"):
        deviation = np.where(used, wide - mean, 0)
        squares = deviation * deviation
        squares = np.where(squares < LONG(np.finfo(np.float64).smallest_subnormal) / 2, 0, squares)  # 0 / 0 if all are
        want = squares.sum(**how) / np.maximum(n - ddof, 0)
        scale = n / np.maximum(n - ddof, 1)
        bound = eps * np.sqrt(want * square / n * scale) + eps * eps * square / n * scale + eps * want
        value = value.astype(LONG) ** 2 if name == "std" else value
    elif name == "norm1":
        want, bound = size, eps * size
    elif name == "norm2":
        want, bound = np.sqrt(square), eps * np.sqrt(square)
        fine &= square > np.finfo(got.dtype).tiny / np.finfo(got.dtype).eps
    elif name == "norm_inf":
        want, bound = np.abs(wide).max(**how), 0
    else:
        top = wide.max(**how)
        total = np.exp(wide - top).sum(**how)
        want = top + np.log(total) if name == "logsumexp" else np.exp(wide - top) / total
        bound = eps * (np.abs(top) + np.abs(want) + 4)
    close = np.abs(value - want) <= bound + tiny * np.maximum(n, 1)
    same = np.where(np.isfinite(want) & fine, close, (np.isnan(value) == np.isnan(want)) | ~fine)
    return None if same.all() else first_difference(same, np.broadcast_to(value, same.shape), want, ()) + f" ({name})"


# ---- scans ------------------------------------------------------------------------------------------------

SCANS = {"cumsum": np.add, "cumprod": np.multiply, "cummax": np.maximum, "cummin": np.minimum, "diff": None}
SCAN_BLOCK = 1024


def scan_blocks(x, combine):
    """x along its last axis in blocks, each scanned for itself: (..., blocks, SCAN_BLOCK), ones behind the end."""
    n = x.shape[-1]
    padded = np.ones((*x.shape[:-1], -(-n // SCAN_BLOCK) * SCAN_BLOCK), x.dtype)
    padded[..., :n] = x
    return combine.accumulate(padded.reshape(*x.shape[:-1], -1, SCAN_BLOCK), axis=-1)


def chain(x, combine):
    """A scan along the last axis in the order that is promised: the blocks one element after another, their
    totals one block after another, and each element after the total of the blocks before its own."""
    result = scan_blocks(x, combine)
    totals = combine.accumulate(result[..., -1], axis=-1)
    result[..., 1:, :] = combine(totals[..., :-1, None], result[..., 1:, :])
    return result.reshape(*x.shape[:-1], -1)[..., :x.shape[-1]]


def scan_is_far(name, x, result):
    """Whether the result is further from the scan in extended precision than its roundings explain."""
    n, info, wide = x.shape[-1], np.finfo(x.dtype), x.astype(LONG)
    i = np.arange(n)
    exact = SCANS[name].accumulate(wide, axis=-1)
    if name == "cumsum":
        size = np.add.accumulate(np.abs(wide), axis=-1)
        fine, steps = size < info.max / 4, np.minimum(i, SCAN_BLOCK) + i // SCAN_BLOCK
    else:  # nothing on the way may have overflowed, or lost bits at the lower end
        size, steps = np.abs(exact), i
        local = scan_blocks(wide, np.multiply).reshape(*x.shape[:-1], -1)[..., :n]
        least, most = np.minimum(size, np.abs(local)), np.maximum(size, np.abs(local))
        fine = np.logical_and.accumulate((least > info.tiny * 2) & (most < info.max / 2), axis=-1)
    bound = (steps + 2) * LONG(info.eps) / 2 * size * 1.01
    return bool((fine & ~(np.abs(result - exact) <= bound)).any())


def judge_scan(name, got, x, axis):
    """A complaint about a scan. Sums and products of floats have the bits of the order that is promised."""
    if name == "diff":
        return judge_exact(got, np.diff(x, axis=axis))
    if name in ("cummax", "cummin"):
        return judge_exact(got, SCANS[name].accumulate(x, axis=axis), True)
    if x.dtype.kind != "f" or x.size == 0:
        return judge_exact(got, getattr(np, name)(x, axis=axis))
    rows = np.moveaxis(x, axis, -1)
    result = chain(rows, SCANS[name])
    assert not scan_is_far(name, rows, result), f"the order of {name} is less accurate than it should be"
    return judge_exact(got, np.moveaxis(result, -1, axis))


# ---- comparison -------------------------------------------------------------------------------------------

BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def same_bits(a, b, zeros_are_equal=False):
    """Where two arrays of one dtype and shape agree; every NaN is like every other."""
    same = np.ascontiguousarray(a).view(BITS[a.itemsize]) == np.ascontiguousarray(b).view(BITS[a.itemsize])
    same = same.reshape(a.shape)
    if a.dtype.kind == "f":
        same |= np.isnan(a) & np.isnan(b)
        if zeros_are_equal:
            same |= (a == 0) & (b == 0)
    return same


def all_same(a, b):
    return a.tobytes() == b.tobytes() or bool(same_bits(a, b).all())


def ulp_error(got, want):
    """Distance of got from want in units in the last place of got's dtype; inf counts as 2^emax."""
    info = np.finfo(got.dtype)
    end = np.ldexp(LONG(1), info.maxexp)
    g = np.clip(got.astype(LONG), -end, end)
    w = np.clip(want, -end, end)
    _, exponent = np.frexp(np.abs(w))
    unit = np.ldexp(LONG(1), np.maximum(exponent - 1, info.minexp) - info.nmant)
    unit = np.minimum(unit, np.ldexp(LONG(1), info.maxexp - 1 - info.nmant))
    error = np.abs(g - w) / unit
    return np.where(np.isnan(g) | np.isnan(w), np.where(np.isnan(g) & np.isnan(w), 0, np.inf), error)


def first_difference(same, got, want, operands):
    place = tuple(np.argwhere(~same)[0].tolist())
    values = []
    for x in operands:
        values.append(repr(x) if is_weak(x) else repr(np.broadcast_to(x, same.shape)[place]))
    try:
        expected = want[place]
    except IndexError:
        expected = want
    return f"at {place}: got {got[place]!r}, expected {expected!r} for operands {', '.join(values)}"


def shape_complaint(got, shape, dtype):
    if got.dtype != dtype:
        return f"dtype {got.dtype}, NumPy's is {dtype}"
    if got.shape != tuple(shape):
        return f"shape {got.shape}, NumPy's is {tuple(shape)}"
    return None


def judge(row, got, operands):
    """A complaint about the result of one element-wise operation, or None."""
    answer, kind = reference(row, operands)
    if kind == "exact":
        wrong = shape_complaint(got, answer.shape, answer.dtype)
        if wrong or got.tobytes() == answer.tobytes():
            return wrong
        same = same_bits(got, answer, row.name in ZEROS_ARE_EQUAL)
        return None if same.all() else first_difference(same, got, answer, operands)
    want, dtype = answer
    wrong = shape_complaint(got, want.shape, dtype)
    if wrong or kind == "none":
        return wrong
    error = ulp_error(got, want)
    bound = row.ulp + 0.01
    if row.name in LOOSE:
        size = sum(np.abs(np.nan_to_num(np.asarray(x, LONG), posinf=0, neginf=0)) for x in operands)
        near = np.nan_to_num(np.abs(got), posinf=1)
        bound = bound + size * LONG(2) ** -62 / np.spacing(np.maximum(near, np.finfo(dtype).tiny)).astype(LONG)
    fine = error <= bound
    if fine.all():
        return None
    return first_difference(fine, got, want.astype(dtype), operands) + f" ({float(error[~fine][0]):.3g} ULP)"


def judge_exact(got, want, zeros_are_equal=False):
    """For views, casts and reductions."""
    wrong = shape_complaint(got, want.shape, want.dtype)
    if wrong or got.tobytes() == want.tobytes():
        return wrong
    same = same_bits(got, want, zeros_are_equal)
    return None if same.all() else first_difference(same, got, want, ())
