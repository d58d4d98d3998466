"""A thin ctypes binding, for the tests only: engines, graphs, builders by name, the verbs.

Expressions are plain addresses. A builder that fails returns None, and the graph keeps the error.
The library is $ONEPASS_LIBRARY, or the one of the release build."""

import ctypes as C
import os
import struct
import sys

try:
    import numpy as np
except ImportError:
    np = None
if np is None or np.lib.NumpyVersion(np.__version__) < "2.1.0":
    print("skipped: there is no NumPy 2.1 or newer here")
    sys.exit(77)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBRARY = os.environ.get("ONEPASS_LIBRARY") or os.path.join(ROOT, "build/release/lib/libonepass.so")

DTYPE_NAMES = {"bool": 1, "i8": 2, "i16": 3, "i32": 4, "i64": 5, "u8": 6, "u16": 7, "u32": 8, "u64": 9,
               "f16": 10, "bf16": 11, "f32": 12, "f64": 13, "c64": 14, "c128": 15}
NUMPY_CODES = {"?": 1, "b": 2, "h": 3, "i": 4, "l": 5, "q": 5, "B": 6, "H": 7, "I": 8, "L": 9, "Q": 9,
               "e": 10, "f": 12, "d": 13, "F": 14, "D": 15}
TO_NUMPY = {1: np.dtype("?"), 2: np.dtype("i1"), 3: np.dtype("i2"), 4: np.dtype("i4"), 5: np.dtype("i8"),
            6: np.dtype("u1"), 7: np.dtype("u2"), 8: np.dtype("u4"), 9: np.dtype("u8"), 10: np.dtype("f2"),
            12: np.dtype("f4"), 13: np.dtype("f8"), 14: np.dtype("c8"), 15: np.dtype("c16")}
NAME_OF = {number: name for name, number in DTYPE_NAMES.items()}

OK, INVALID, DTYPE, SHAPE, MEMORY, PARSE, NAME, IO, FORMAT, OVERLAP, RANGE, UNSUPPORTED = range(12)
OP_END = 2**63 - 1
INTERPRET = 2
VERIFY = 4


class View(C.Structure):
    _fields_ = [("data", C.c_void_p), ("dtype", C.c_int), ("ndim", C.c_int),
                ("shape", C.c_int64 * 64), ("strides", C.c_int64 * 64)]


class Axes(C.Structure):
    _fields_ = [("count", C.c_int), ("axis", C.c_byte * 64)]


class Options(C.Structure):
    _fields_ = [("alloc", C.c_void_p), ("free", C.c_void_p), ("alloc_ctx", C.c_void_p), ("parallel_for", C.c_void_p),
                ("parallel_ctx", C.c_void_p), ("log", C.c_void_p), ("log_ctx", C.c_void_p), ("cache_dir", C.c_char_p),
                ("threads", C.c_int), ("isa", C.c_char_p), ("flags", C.c_uint), ("reserved", C.c_uint64 * 16)]


class ReduceOptions(C.Structure):
    _fields_ = [("flags", C.c_int), ("dtype", C.c_int), ("where", C.c_void_p), ("initial", C.c_void_p),
                ("ddof", C.c_double), ("compensated", C.c_int), ("reserved", C.c_uint64 * 16)]


class CountOptions(C.Structure):
    _fields_ = [("where", C.c_void_p), ("weights", C.c_void_p), ("reserved", C.c_uint64 * 16)]


class Error(C.Structure):
    _fields_ = [("code", C.c_int), ("message", C.c_char * 512), ("op", C.c_char_p), ("operand", C.c_int),
                ("begin", C.c_int64), ("end", C.c_int64)]


class Launch(C.Structure):
    _fields_ = [("signature", C.c_uint64), ("passes", C.c_int), ("kernels", C.c_int), ("compiles", C.c_int),
                ("hits_memory", C.c_int), ("hits_disk", C.c_int), ("threads", C.c_int), ("interpreted", C.c_int),
                ("isa", C.c_char_p), ("miss", C.c_char_p), ("compile_seconds", C.c_double), ("run_seconds", C.c_double),
                ("bytes", C.c_int64), ("scratch_bytes", C.c_int64), ("reserved", C.c_uint64 * 16)]


class OnepassError(Exception):
    """A verb failed."""

    def __init__(self, error):
        self.code = error.code
        super().__init__(error.message.decode(errors="replace"))


lib = C.CDLL(LIBRARY)
_P, _I = C.c_void_p, C.c_int


def _declare(name, result, *arguments):
    function = getattr(lib, name)
    function.restype = result
    function.argtypes = arguments
    return function


_engine_new = _declare("op_engine_new", _P, C.POINTER(Options))
_engine_free = _declare("op_engine_free", None, _P)
_set_threads = _declare("op_engine_set_threads", _I, _P, _I)
_engine_isa = _declare("op_engine_isa", C.c_char_p, _P)
_isa_level = _declare("op_isa_level", C.c_char_p, _I)
_graph_new = _declare("op_graph_new", _P, _P)
_graph_free = _declare("op_graph_free", None, _P)
_graph_error = _declare("op_graph_error", C.POINTER(Error), _P)
_clear_error = _declare("op_graph_clear_error", None, _P)
_last_error = _declare("op_last_error", C.POINTER(Error))
_last_launch = _declare("op_last_launch", _I, _P, C.POINTER(Launch))
_input = _declare("op_input", _P, _P, View)
_param = _declare("op_param", _P, _P, _I, _I, _I)
_scalar = _declare("op_scalar", _P, _P, C.c_double)
_scalar_i64 = _declare("op_scalar_i64", _P, _P, C.c_int64)
_scalar_u64 = _declare("op_scalar_u64", _P, _P, C.c_uint64)
_scalar_bool = _declare("op_scalar_bool", _P, _P, _I)
_cast = _declare("op_cast", _P, _P, _I)
_histogram = _declare("op_histogram_opt", _P, _P, C.c_int64, C.c_double, C.c_double, C.POINTER(CountOptions))
_bincount = _declare("op_bincount_opt", _P, _P, C.c_int64, C.POINTER(CountOptions))
_cast_sat = _declare("op_cast_sat", _P, _P, _I)
_dtype = _declare("op_expr_dtype", _I, _P)
_ndim = _declare("op_expr_ndim", _I, _P)
_shape = _declare("op_expr_shape", _I, _P, C.POINTER(C.c_int64))
_slice = _declare("op_slice", _P, _P, _I, C.c_int64, C.c_int64, C.c_int64)
_index = _declare("op_index", _P, _P, _I, C.c_int64)
_permute = _declare("op_permute", _P, _P, C.POINTER(_I))
_broadcast_to = _declare("op_broadcast_to", _P, _P, _I, C.POINTER(C.c_int64))
_reshape = _declare("op_reshape", _P, _P, _I, C.POINTER(C.c_int64))
_eval = _declare("op_eval", _I, _P, View)
_eval_many = _declare("op_eval_many", _I, _P, _I, _P, _P)
_compile = _declare("op_compile", _I, _P, _I, _P, C.POINTER(_P))
_run = _declare("op_run", _I, _P, _I, _P, _I, _P, _P)
_kernel_free = _declare("op_kernel_free", None, _P)

_SIMPLE_VIEWS = {name: _declare("op_" + name, _P, *[_P] + [_I] * n)
                 for name, n in (("transpose", 0), ("newaxis", 1), ("squeeze", 1), ("flip", 1))}
_C_TYPES = {"bool": _I, "i8": C.c_int8, "i16": C.c_int16, "i32": C.c_int32, "i64": C.c_int64, "u8": C.c_uint8,
            "u16": C.c_uint16, "u32": C.c_uint32, "u64": C.c_uint64, "f32": C.c_float, "f64": C.c_double}
_CONSTANTS = {name: _declare("op_const_" + name, _P, _P, type_) for name, type_ in _C_TYPES.items()}
_BUILDERS = {}
_HEADS = {n: struct.Struct(f"<Qii{n}q") for n in range(65)}
_STRIDES = {n: struct.Struct(f"<{n}q") for n in range(65)}


def _builder(name, arity):
    function = _BUILDERS.get(name)
    if not function:
        function = _BUILDERS[name] = _declare("op_" + name, _P, *[_P] * arity)
    return function


def _fill(buffer, at, array):
    address = array.__array_interface__["data"][0]
    _HEADS[array.ndim].pack_into(buffer, at, address, NUMPY_CODES[array.dtype.char], array.ndim, *array.shape)
    _STRIDES[array.ndim].pack_into(buffer, at + View.strides.offset, *array.strides)


def view_of(array):
    view = View()
    _fill(view, 0, array)
    return view


def views_of(arrays):
    views = (View * max(len(arrays), 1))()
    for i, array in enumerate(arrays):
        _fill(views, i * C.sizeof(View), array)
    return views


def axes_of(axes):
    """None: all."""
    result = Axes(count=-1)
    if axes is not None:
        result.count = len(axes)
        for i, axis in enumerate(axes):
            result.axis[i] = axis
    return result


def isa_levels():
    levels = []
    while (name := _isa_level(len(levels))):
        levels.append(name.decode())
    return levels


def check(status):
    if status:
        raise OnepassError(_last_error().contents)


class Engine:
    def __init__(self, isa=None, threads=0, interpret=False, flags=0):
        options = Options(threads=threads, flags=flags | (INTERPRET if interpret else 0),
                          isa=isa.encode() if isa else None)
        self.handle = _engine_new(C.byref(options))
        if not self.handle:
            raise OnepassError(_last_error().contents)
        self.name = "interpreter" if interpret else _engine_isa(self.handle).decode()

    def threads(self, n):
        check(_set_threads(self.handle, n))
        return self

    def close(self):
        _engine_free(self.handle)
        self.handle = None


class Graph:
    def __init__(self, engine):
        self.handle = _graph_new(engine.handle)
        if not self.handle:
            raise OnepassError(_last_error().contents)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _graph_free(self.handle)
        self.handle = None

    def error(self):
        """(code, message) of the first error, which is cleared."""
        error = _graph_error(self.handle).contents
        result = error.code, error.message.decode(errors="replace")
        _clear_error(self.handle)
        return result

    def input(self, array):
        return _input(self.handle, view_of(array))

    def param(self, index, dtype, ndim):
        return _param(self.handle, index, dtype, ndim)

    def const(self, name, value):
        return _CONSTANTS[name](self.handle, value)

    def weak(self, value):
        if isinstance(value, bool):
            return _scalar_bool(self.handle, value)
        if isinstance(value, float):
            return _scalar(self.handle, value)
        return _scalar_u64(self.handle, value) if value > 2**63 - 1 else _scalar_i64(self.handle, value)

    def op(self, name, *operands):
        return _builder(name, len(operands))(*operands)

    def cast(self, x, dtype, saturate=False):
        return (_cast_sat if saturate else _cast)(x, dtype)

    def view(self, kind, x, *arguments):
        if kind in _SIMPLE_VIEWS:
            return _SIMPLE_VIEWS[kind](x, *arguments)
        if kind == "slice":
            axis, start, stop, step = arguments
            return _slice(x, axis, OP_END if start is None else start, OP_END if stop is None else stop,
                          1 if step is None else step)
        if kind == "index":
            return _index(x, *arguments)
        numbers = arguments[0]
        if kind == "permute":
            return _permute(x, (_I * max(len(numbers), 1))(*numbers))
        extents = (C.c_int64 * max(len(numbers), 1))(*numbers)
        return (_broadcast_to if kind == "broadcast_to" else _reshape)(x, len(numbers), extents)

    def reduce(self, name, x, axes, keepdims=False, dtype=0, where=None, initial=None, ddof=0.0, compensated=False):
        options = ReduceOptions(flags=int(keepdims), dtype=dtype, where=where, initial=initial, ddof=ddof,
                                compensated=int(compensated))
        function = _BUILDERS.get(name + "_opt")
        if not function:
            function = _declare("op_" + name + "_opt", _P, _P, Axes, C.POINTER(ReduceOptions))
            _BUILDERS[name + "_opt"] = function
        return function(x, axes_of(axes), C.byref(options))

    def scan(self, name, x, axis):
        function = _BUILDERS.get(name)
        if not function:
            function = _BUILDERS[name] = _declare("op_" + name, _P, _P, _I)
        return function(x, axis)

    def count(self, x, weights, bins, *limits):
        options = C.byref(CountOptions(weights=weights))
        return _histogram(x, bins, *limits, options) if limits else _bincount(x, bins, options)

    def evaluate(self, exprs, outs):
        check(_eval_many(self.handle, len(exprs), (_P * len(exprs))(*exprs), views_of(outs)))

    def evaluate_one(self, expr, out):
        check(_eval(expr, view_of(out)))

    def compile(self, exprs):
        kernel = _P()
        check(_compile(self.handle, len(exprs), (_P * len(exprs))(*exprs), C.byref(kernel)))
        return Kernel(kernel)

    def launch(self):
        launch = Launch()
        check(_last_launch(self.handle, C.byref(launch)))
        return launch


class Kernel:
    def __init__(self, handle):
        self.handle = handle

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _kernel_free(self.handle)

    def run(self, ins, outs):
        check(_run(self.handle, len(ins), views_of(ins), len(outs), views_of(outs), None))


def expr_dtype(expr):
    return _dtype(expr)


def expr_shape(expr):
    ndim = _ndim(expr)
    extents = (C.c_int64 * max(ndim, 1))()
    check(_shape(expr, extents))
    return tuple(extents[:ndim])
