"""Random expressions against NumPy, and against themselves.

Each tree grows operation by operation, over every row of the table, reductions, scans, every dtype, layout and
view. Of every tree
  - each node's value is compared with what NumPy makes of the same operand values (oracle.py);
  - no bit of a result differs between the interpreter evaluating all nodes at once, each node alone on the values
    of its operands, and the fused tree: by the interpreter and by compiled code at one instruction-set level, with
    two numbers of threads. Half of these runs write an output over memory of an input.
Levels, and the two of 1 to 8 threads, change from seed to seed so that each level meets each pair. Drawn by the
seed, for compiling is what takes the time:
  - one tree in 10 has each node alone as compiled code, another one all of them side by side in one kernel;
  - one in 20 is run at a second level, one in 5 as a prepared kernel;
  - one in three asks for its last node alone, another one for nodes beside what is made of them;
  - one in 25 is of arrays that several threads share.

    random_trees.py [--count N] [--seconds S] [--seed FIRST] [--jobs J] [-v]

One line for each failure, with the seed: --seed SEED --count 1 -v shows it alone. The last line is
"N passed, N failed"."""

import argparse
import collections
import multiprocessing
import os
import random
import sys
import time

from onepass_ctypes import *  # noqa: F403
import oracle

DTYPES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13]
NUMPY = TO_NUMPY
EXTENTS = [1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 31, 32, 33, 64, 65, 100, 127, 257, 1009]
THREADS = [1, 2, 3, 4, 5, 6, 7, 8]

# ---- leaves ------------------------------------------------------------------------------------------

SPECIAL_FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, 1e-3, 100.0, -7.25, np.pi, np.inf, -np.inf,
                  np.nan, 1e300, -1e300, 5e-324, 1e-310, 1e-40, 3.4e38, 2.0**31, 2.0**32, 2.0**53, 2.0**63, -(2.0**63),
                  2.0**64, 255.5, -128.9, 127.99, 65535.9, 709.8, -745.2, 88.8, -104.0]


def random_values(rng, np_rng, dtype, n):
    """n values: small, special, or any bits."""
    kind = NUMPY[dtype]
    wild = rng.random()
    if dtype == 1:
        return np_rng.integers(0, 2, n).astype(bool) if wild < 0.7 else np_rng.integers(0, 256, n, np.uint8).view(bool)
    if kind.kind in "iu":
        info = np.iinfo(kind)
        small = np_rng.integers(max(info.min, -9), 10, n).astype(kind)
        if wild < 0.4:
            return small
        bits = np.frombuffer(np_rng.bytes(n * kind.itemsize), kind)
        ends = np.array([info.min, info.max, info.min + 1, info.max - 1, 0, 1], kind)[np_rng.integers(0, 6, n)]
        return np.choose(np_rng.integers(0, 3, n), [small, bits, ends])
    tame = (np_rng.standard_normal(n) * rng.choice([1, 1, 10, 1000])).astype(kind)
    if wild < 0.4:
        return tame
    if wild < 0.5:
        return np.abs(tame)
    if wild < 0.6:
        return np_rng.integers(-20, 21, n).astype(kind)
    bits = np.frombuffer(np_rng.bytes(n * kind.itemsize), kind)
    with np.errstate(all="ignore"):
        special = np.array(SPECIAL_FLOATS, kind)[np_rng.integers(0, len(SPECIAL_FLOATS), n)]
    return np.choose(np_rng.integers(0, 3, n), [tame, bits, special])


def random_layout(rng, values, shape, dtype):
    """The values in memory: in C order, transposed, stepped, backwards, repeated, misaligned."""
    if not shape or rng.random() < 0.4:
        array = values.reshape(shape)
        if rng.random() < 0.3:
            raw = np.empty(array.nbytes + 8, np.uint8)
            at = rng.randrange(8)
            moved = raw[at:at + array.nbytes].view(array.dtype).reshape(shape)
            moved[...] = array
            return moved
        return array
    axes = list(range(len(shape)))
    if rng.random() < 0.5:
        rng.shuffle(axes)
    steps = [rng.choice([1, 1, 1, -1, 2, -2, 3]) for _ in shape]
    if rng.random() < 0.15:
        axis = rng.randrange(len(shape))
        few = values.reshape(shape).take([0], axis) if shape[axis] else values.reshape(shape)
        return np.broadcast_to(few, shape)
    extents = [shape[a] * abs(steps[a]) + rng.randrange(2) for a in axes]
    room = 1
    for extent in extents:
        room *= extent
    raw = np.empty(room * values.itemsize + 8, np.uint8)
    at = rng.choice([0, 0, 0, 1, 3])
    memory = raw[at:at + room * values.itemsize].view(values.dtype).reshape(extents)
    array = memory.transpose([axes.index(i) for i in range(len(shape))])
    array = array[tuple(slice(None, n * s, s) if s > 0 else slice(None, None, s) for n, s in zip(shape, steps))]
    array = array[tuple(slice(0, n) for n in shape)]
    array[...] = values.reshape(shape)
    return array


ROW_SHAPES = [(9, 300), (40, 257), (8, 2, 150), (33, 1025)]  # for passes that go row by row
PIECE_SHAPES = [(17001,), (2, 9001), (33000,), (100003,), (317, 331), (31, 67, 53)]  # or by longer pieces


def random_shape(rng):
    kind = rng.random()
    if kind < 0.003:  # enough for eight threads
        return rng.choice([(300007,), (523, 577), (7, 43003), (43003, 7)])
    if kind < 0.04:  # enough for several
        return rng.choice([(100003,), (317, 331), (3, 40009), (40009, 3), (31, 67, 53)])
    if kind < 0.07:
        return rng.choice(ROW_SHAPES)
    if kind < 0.08:
        return rng.choice(PIECE_SHAPES)
    if kind < 0.15:  # several blocks of a scan, or chunks
        return rng.choice([(1025,), (4099,), (17001,), (2, 9001), (3, 1500), (1500, 3), (2500, 2), (2, 1030, 3)])
    ndim = rng.choice([0, 1, 1, 1, 2, 2, 2, 3, 3, 4])
    shape, room = [], rng.choice([50, 500, 5000])
    for _ in range(ndim):
        fitting = [e for e in EXTENTS if e <= room]
        extent = 0 if rng.random() < 0.03 else rng.choice(fitting or [1])
        shape.append(extent)
        room //= max(extent, 1)
    rng.shuffle(shape)
    return tuple(shape)


def random_weak(rng):
    kind = rng.random()
    if kind < 0.15:
        return rng.random() < 0.5
    if kind < 0.6:
        return rng.choice([0, 1, -1, 2, 3, 5, 7, -8, 100, 127, 128, 255, 256, -129, 40000, 2**31, 2**32, 2**63 - 1,
                           2**63, 2**64 - 1, -(2**63)])
    return rng.choice([0.0, -0.0, 1.0, 2.0, 0.5, -1.5, 2.5, 1e-3, 1e10, 1e300, -3.75, float("inf"), float("nan")])


# ---- trees --------------------------------------------------------------------------------------------

Node = collections.namedtuple("Node", "kind what args")
# kind     what                                args
# input    array                               ()
# const    (dtype, value)                      ()
# weak     number                              ()
# op       name                                operands
# cast     (dtype, saturate)                   (operand,)
# view     (kind, *arguments)                  (operand,)
# reduce   (name, axes, keepdims, dtype, ddof) (operand, mask or None, initial or None)
# scan     (name, axis)                        (operand,)
# count    (bins,) or (bins, lo, hi)           (operand, weights or None)


def build_node(graph, node, exprs):
    if node.kind == "input":
        return graph.input(node.what)
    if node.kind == "const":
        return graph.const(NAME_OF[node.what[0]], node.what[1])
    if node.kind == "weak":
        return graph.weak(node.what)
    args = [None if i is None else exprs[i] for i in node.args]
    if node.kind == "op":
        return graph.op(node.what, *args)
    if node.kind == "cast":
        return graph.cast(args[0], *node.what)
    if node.kind == "view":
        return graph.view(node.what[0], args[0], *node.what[1:])
    if node.kind == "scan":
        return graph.scan(node.what[0], args[0], node.what[1])
    if node.kind == "count":
        return graph.count(*args, *node.what)
    name, axes, keepdims, dtype, ddof = node.what
    if name == "compensated_sum":
        return graph.reduce("sum", args[0], axes, keepdims, dtype, args[1], args[2], compensated=True)
    return graph.reduce(name, args[0], axes, keepdims, dtype, args[1], args[2], ddof)


class Tree:
    """nodes, and of each its expression, dtype, shape; a weak scalar has no dtype."""

    def __init__(self, seed, graph):
        self.rng = random.Random(seed)
        self.np_rng = np.random.Generator(np.random.SFC64(seed))
        self.graph = graph
        self.nodes, self.exprs, self.dtypes, self.shapes = [], [], [], []
        self.skipped = collections.Counter()
        self.failures = []

    def add(self, node):
        """The index of the node, or None if it was refused (a failure, unless NumPy refuses it, too)."""
        expr = build_node(self.graph, node, self.exprs)
        if not expr:
            self.refused(node, *self.graph.error())
            return None
        self.nodes.append(node)
        self.exprs.append(expr)
        self.dtypes.append(None if node.kind == "weak" else expr_dtype(expr))
        self.shapes.append(() if node.kind == "weak" else expr_shape(expr))
        return len(self.nodes) - 1

    def refused(self, node, code, message):
        if code == UNSUPPORTED:
            self.skipped["unsupported"] += 1
            return
        if node.kind == "op":
            operands = [self.nodes[i].what if self.dtypes[i] is None else np.zeros(1, NUMPY[self.dtypes[i]])
                        for i in node.args]
            if node.what == "power" and "negative" in message:  # NumPy says so of data only
                self.skipped["refused"] += 1
                return
            numpys = oracle.refuses(oracle.OPS[node.what], operands)
            if code == (RANGE if numpys == "OverflowError" else DTYPE) and numpys:
                self.skipped["refused"] += 1
                return
        if node.kind == "reduce" and code == DTYPE:
            if oracle.refuses_reduction(node.what[0], NUMPY[self.dtypes[node.args[0]]]):
                self.skipped["refused"] += 1
                return
        self.failures.append(f"refused: {message}: {self.describe(node)}")

    # -- choices

    def leaf(self, shape, dtype=None):
        rng = self.rng
        dtype = dtype or rng.choice(DTYPES + [12, 13, 13])
        if rng.random() < 0.12:
            value = random_values(rng, self.np_rng, dtype, 1)[0].item()
            return self.add(Node("const", (dtype, value), ()))
        n = 1
        for extent in shape:
            n *= extent
        values = random_values(rng, self.np_rng, dtype, n)
        return self.add(Node("input", random_layout(rng, values, shape, dtype), ()))

    def narrowed(self, shape):
        """A shape that broadcasts with this one."""
        rng = self.rng
        if rng.random() < 0.6:
            return shape
        shape = shape[rng.randint(0, len(shape)):]
        return tuple(1 if rng.random() < 0.25 else extent for extent in shape)

    def existing(self):
        n = len(self.nodes)
        return n - 1 - min(int(self.rng.expovariate(0.4)), n - 1)

    def operand(self, shape, room):
        """An operand that fits beside `shape`."""
        rng = self.rng
        if rng.random() < 0.15:
            return self.add(Node("weak", random_weak(rng), ()))
        if rng.random() < 0.6:
            for _ in range(3):
                i = self.existing()
                try:
                    both = np.broadcast_shapes(shape, self.shapes[i])
                except ValueError:
                    continue
                if np.prod(both) <= room:
                    return i
        return self.leaf(self.narrowed(shape))

    # -- steps

    def step_op(self, room):
        rng = self.rng
        row = oracle.OPS[rng.choice(OP_NAMES)]
        operands, shape = [], ()
        for k in range(row.arity):
            i = self.existing() if k == 0 else self.operand(shape, room)
            if i is None:
                return None
            operands.append(i)
            shape = np.broadcast_shapes(shape, self.shapes[i])
        rng.shuffle(operands)
        if all(self.dtypes[i] is None for i in operands):
            return None  # numbers alone are Python's
        return self.add(Node("op", row.name, tuple(operands)))

    def step_cast(self, room):
        i = self.existing()
        if self.dtypes[i] is None:
            return None
        return self.add(Node("cast", (self.rng.choice(DTYPES), self.rng.random() < 0.3), (i,)))

    def step_view(self, room):
        rng = self.rng
        i = self.existing()
        if self.dtypes[i] is None:
            return None
        shape = self.shapes[i]
        ndim = len(shape)
        kind = rng.choice(["slice", "slice", "slice", "index", "permute", "transpose", "newaxis", "squeeze", "flip",
                           "broadcast_to", "reshape"])
        axis = rng.randrange(-ndim, ndim) if ndim else 0
        if kind in ("slice", "flip") and ndim:
            bound = lambda: rng.choice([None, None, 0, 1, 2, -1, -2, rng.randint(-shape[axis] - 2, shape[axis] + 2)])
            arguments = (axis,) if kind == "flip" else (axis, bound(), bound(), rng.choice([None, 1, 1, 2, 3, -1, -2]))
        elif kind == "index" and ndim and shape[axis]:
            arguments = axis, rng.randrange(-shape[axis], shape[axis])
        elif kind == "permute":
            axes = list(range(ndim))
            rng.shuffle(axes)
            arguments = ([a - rng.choice([0, ndim]) for a in axes],)
        elif kind == "transpose":
            arguments = ()
        elif kind == "newaxis" and ndim < 5:
            arguments = (rng.randrange(-ndim - 1, ndim + 1),)
        elif kind == "squeeze" and 1 in shape:
            arguments = (shape.index(1),)
        elif kind == "broadcast_to":
            more = [rng.choice([1, 2, 3]) for _ in range(rng.choice([0, 0, 1]))]
            target = more + [rng.choice([1, 2, 5]) if e == 1 else e for e in shape]
            if np.prod(target) > room or len(target) > 5:
                return None
            arguments = (target,)
        elif kind == "reshape":
            n = int(np.prod(shape))
            target = []
            while n > 1 and len(target) < 4:
                divisors = [d for d in (2, 3, 4, 5, 7, n) if n % d == 0]
                target.append(rng.choice(divisors))
                n //= target[-1]
            target = [0, 3] if n == 0 else target + [n] * (n > 1) + [1] * rng.randrange(2)
            rng.shuffle(target)
            if n and target and rng.random() < 0.3:
                target[rng.randrange(len(target))] = -1
            arguments = (target,)
        else:
            return None
        return self.add(Node("view", (kind, *arguments), (i,)))

    def step_reduce(self, room):
        rng = self.rng
        i = self.existing()
        if self.dtypes[i] is None:
            return None
        shape, ndim = self.shapes[i], len(self.shapes[i])
        name = rng.choice(REDUCE_NAMES)
        fewest = 0 if rng.random() < 0.1 else min(1, ndim)
        axes = None if rng.random() < 0.3 else rng.sample(range(ndim), rng.randint(fewest, ndim))
        if name.startswith("arg") and axes is not None:
            axes = axes[:1] or None
        if axes is not None:
            axes = [a - rng.choice([0, ndim]) for a in axes]
        taken = oracle.reduced_axes(ndim, axes)
        dtype = rng.choice([0] * 6 + DTYPES[1:]) if name in ("sum", "prod") else 0
        initial = mask = None
        result = NUMPY[dtype or self.dtypes[i]]
        if rng.random() < 0.15 and name in ("sum", "prod", "max", "min"):
            kind = {"f": 13, "b": 1}.get(result.kind, 5 if result.kind == "i" else 9)
            kind = self.dtypes[i] if name in ("max", "min") else kind
            initial = self.add(Node("const", (kind, {"f": 0.25, "b": True}.get(NUMPY[kind].kind, 3)), ()))
        ddof = rng.choice([0, 0, 1, 2]) if name in ("var", "std", "nanvar", "nanstd") else 0
        may_mask = name in ("sum", "compensated_sum", "prod", "any", "all", "mean", "var", "std") or initial is not None
        if rng.random() < 0.15 and may_mask:
            mask = self.leaf(self.narrowed(shape), 1)
        if name in NEED_ELEMENTS and initial is None and any(shape[a] == 0 for a in taken):
            return None
        if name.startswith("arg") and ndim == 0:
            return None
        return self.add(Node("reduce", (name, axes, rng.random() < 0.4, dtype, ddof), (i, mask, initial)))

    def step_count(self, room):
        i = self.existing()
        if self.dtypes[i] is None:
            return None
        what = (self.rng.choice([1, 2, 3, 9, 10, 300, 5000]),)
        if NUMPY[self.dtypes[i]].kind == "f" or self.rng.random() < 0.4:
            what += self.rng.choice([(0.0, 1.0), (-3.0, 3.0), (-0.3, 0.1), (0.1, 100.7), (-128.0, 127.0), (-1e30, 1e30)])
        weights = self.leaf(self.narrowed(self.shapes[i])) if self.rng.random() < 0.5 else None
        return self.add(Node("count", what, (i, weights)))

    def step_row(self, room):
        """A reduction with a consumer of the same operand beside it, as in softmax or standardised rows."""
        rng = self.rng
        i = self.existing()
        if self.dtypes[i] is None or not self.shapes[i] or 0 in self.shapes[i]:
            return None
        r = self.reduce_beside(i)
        if r is None:
            return None
        return self.add(Node("op", rng.choice(ROW_CONSUMERS), (i, r)))

    def reduce_beside(self, i):
        """A reduction of i that broadcasts with it."""
        rng = self.rng
        ndim = len(self.shapes[i])
        axes = [ndim - 1] if rng.random() < 0.7 else rng.sample(range(ndim), rng.randint(1, ndim))
        name = rng.choice([n for n in REDUCE_NAMES if not n.startswith(("arg", "nan", "ptp"))])
        return self.add(Node("reduce", (name, axes, True, 0, 0), (i, None, None)))

    def scan(self, i):
        rng = self.rng
        shape, ndim = self.shapes[i], len(self.shapes[i])
        axis = rng.randrange(-ndim, ndim) if rng.random() < 0.5 else shape.index(max(shape))
        return self.add(Node("scan", (rng.choice(SCAN_NAMES), axis), (i,)))

    def step_scan(self, room):
        i = self.existing()
        if self.dtypes[i] is None:
            return None
        if len(self.shapes[i]) != 1 and self.rng.random() < 0.3:
            i = self.add(Node("view", ("reshape", [int(np.prod(self.shapes[i]))]), (i,)))
        return self.scan(i) if i is not None and self.shapes[i] else None

    def step_stages(self, room):
        """Stages that need each other: a scan or a reduction, its consumer, a scan or a reduction of that."""
        rng = self.rng
        i = self.existing()
        if self.dtypes[i] is None or not self.shapes[i] or 0 in self.shapes[i]:
            return None
        for _ in range(rng.choice([2, 2, 2, 3, 4])):
            stage = self.scan(i) if rng.random() < 0.5 else self.reduce_beside(i)
            if stage is None or 0 in self.shapes[stage]:
                return stage
            operands = [stage, i if self.shapes[stage] != self.shapes[i] or rng.random() < 0.5 else self.leaf(())]
            rng.shuffle(operands)
            try:
                np.broadcast_shapes(*(self.shapes[k] for k in operands))
            except ValueError:  # differences, which are one shorter
                operands = [stage, stage]
            i = self.add(Node("op", rng.choice(ROW_CONSUMERS), tuple(operands)))
            if i is None:
                return None
        return self.scan(i) if rng.random() < 0.3 else i

    def step_across(self, room):
        """Reductions of all elements of a node, or of some axes of it, and perhaps what needs one of them."""
        rng = self.rng
        i = self.existing()
        if self.dtypes[i] is None or not self.shapes[i] or 0 in self.shapes[i]:
            return None
        for _ in range(rng.choice([1, 1, 2, 3])):
            name = rng.choice([n for n in REDUCE_NAMES if not n.startswith("ptp")])
            axes = [len(self.shapes[i]) - 1] if rng.random() < 0.2 else None
            r = self.add(Node("reduce", (name, axes, rng.random() < 0.5, 0, 0), (i, None, None)))
        if r is not None and np.prod(self.shapes[r]) == 1 and rng.random() < 0.5:
            return self.add(Node("op", rng.choice(ROW_CONSUMERS), (i, r)))
        return r

    def grow(self):
        rng = self.rng
        shape = random_shape(rng)
        large = np.prod(shape) > 50000
        room = 300100 if large else 20000
        self.leaf(shape)
        wanted = rng.choice([2, 3, 5] if large else [1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 8, 10, 18])
        steps = [self.step_op, self.step_view, self.step_reduce, self.step_cast, self.step_row, self.step_scan,
                 self.step_stages, self.step_count, self.step_across]
        by_pieces = shape in ROW_SHAPES or shape in PIECE_SHAPES
        steps = rng.choices(steps, PIECE_STEP_WEIGHTS if by_pieces else STEP_WEIGHTS, k=wanted * 2)
        for step in steps:
            step(room)
            if sum(bool(node.args) for node in self.nodes) >= wanted:
                break

    # -- words

    def describe(self, node):
        args = ", ".join("-" if i is None else self.name(i) for i in node.args)
        if node.kind == "op":
            return f"{node.what}({args})"
        return f"{node.kind}{node.what}({args})"

    def name(self, i):
        node = self.nodes[i]
        if node.kind == "weak":
            return f"weak {node.what!r}"
        text = f"{NAME_OF[self.dtypes[i]]}{list(self.shapes[i])}"
        if node.kind == "const":
            return f"const {node.what[1]!r} {text}"
        if node.kind == "input":
            return f"input {text} strides {list(node.what.strides)}"
        return f"%{i} {text}"

    def line(self, i):
        node = self.nodes[i]
        return f"%{i} = {self.describe(node) if node.args else self.name(i)}"

    def listing(self):
        return "\n".join("    " + self.line(i) for i in range(len(self.nodes)))

    def below(self, root):
        """The nodes under root, root included, in order."""
        wanted = {root}
        for i in range(root, -1, -1):
            if i in wanted:
                wanted.update(a for a in self.nodes[i].args if a is not None)
        return sorted(wanted)


OP_NAMES = [name for name in oracle.OPS if hasattr(lib, "op_" + name)]
REDUCE_NAMES = [name for name in oracle.REDUCTIONS if hasattr(lib, "op_" + name)] + ["compensated_sum"]
NEED_ELEMENTS = {"max", "min", "nanmax", "nanmin", "ptp", "argmax", "argmin", "norm_inf", "logsumexp", "softmax"}
SCAN_NAMES = [name for name in oracle.SCANS if hasattr(lib, "op_" + name)]
ROW_CONSUMERS = ["subtract", "divide", "multiply", "less", "maximum"]
STEP_WEIGHTS = [10, 3, 2, 2, 1, 2, 1, 1, 1]  # op, view, reduce, cast, row, scan, stages, count, across
PIECE_STEP_WEIGHTS = [6, 1, 0, 1, 4, 1, 4, 0, 5]

# ---- checks ---------------------------------------------------------------------------------------------


def numpy_view(x, what):
    kind, arguments = what[0], what[1:]
    if kind == "slice":
        axis, start, stop, step = arguments
        return x[(slice(None),) * (axis % x.ndim) + (slice(start, stop, step),)]
    if kind == "index":
        return x.take(arguments[1], arguments[0])
    if kind == "newaxis":
        return np.expand_dims(x, arguments[0])
    return {"permute": np.transpose, "transpose": np.transpose, "squeeze": np.squeeze, "flip": np.flip,
            "broadcast_to": np.broadcast_to, "reshape": np.reshape}[kind](x, *arguments)


def judge_node(tree, values, i):
    node = tree.nodes[i]
    got = values[i]
    args = [None if a is None else values[a] for a in node.args]
    if node.kind == "input":
        want = node.what.view(np.uint8) != 0 if node.what.dtype == bool else node.what
        return oracle.judge_exact(got, np.asarray(want))
    if node.kind == "const":
        return oracle.judge_exact(got, np.asarray(node.what[1], NUMPY[node.what[0]]))
    if node.kind == "op":
        return oracle.judge(oracle.OPS[node.what], got, args)
    if node.kind == "cast":
        return oracle.judge_exact(got, oracle.cast(args[0], NUMPY[node.what[0]], node.what[1]))
    if node.kind == "view":
        return oracle.judge_exact(got, numpy_view(args[0], node.what))
    if node.kind == "scan":
        return oracle.judge_scan(node.what[0], got, args[0], node.what[1])
    if node.kind == "count":
        return oracle.judge_count(got, *args, *node.what)
    name, axes, keepdims, dtype, ddof = node.what
    if name not in oracle.COMBINE and name not in ("max", "min", "any", "all"):
        return oracle.judge_derived(name, got, args[0], axes, keepdims, args[1], ddof)
    want = oracle.reduce(name, args[0], axes, keepdims, NUMPY[dtype] if dtype else None, args[1], args[2])[0]
    return oracle.judge_exact(got, want, name in oracle.ZEROS_ARE_EQUAL)


class Machines:
    """The engines, made once."""

    def __init__(self):
        self.interpreter = Engine(interpret=True)
        self.levels = [Engine(isa=level) for level in isa_levels()]

    def pick(self, seed):
        """(engine, threads) pairs for one tree: each level with each two numbers of threads in its turn."""
        n, turn = len(self.levels), seed // len(self.levels)
        first, step = turn % len(THREADS), turn // len(THREADS) % (len(THREADS) - 1) + 1
        a, b = THREADS[first], THREADS[(first + step) % len(THREADS)]
        return [(engine, threads) for engine in (self.levels[seed % n], self.interpreter) for threads in (a, b)]


def empty_like(tree, i, rng=None):
    dtype, shape = NUMPY[tree.dtypes[i]], tree.shapes[i]
    if rng is None or rng.random() < 0.7:
        return np.empty(shape, dtype)
    return random_layout(rng, np.zeros(int(np.prod(shape)), dtype), shape, tree.dtypes[i]).copy("K")


def move_over(tree, wanted, outs, rng):
    """One input in memory that it shares with one of the outputs, which is replaced: (its index, the array)."""
    inputs = [i for i in below(tree, wanted) if tree.nodes[i].kind == "input"]
    if not inputs:
        return None, None
    i, k = rng.choice(inputs), rng.randrange(len(wanted))
    values, out = tree.nodes[i].what, outs[k]
    at, shift = rng.choice([(0, 0), (0, 0), (0, 8), (8, 0), (0, values.nbytes // 2), (3, 0)])
    raw = np.empty(max(values.nbytes + at, out.nbytes + shift), np.uint8)
    moved = raw[at:at + values.nbytes].view(values.dtype).reshape(values.shape)
    if values.ndim and rng.random() < 0.3:
        moved = moved[::-1]
    moved[...] = values
    outs[k] = raw[shift:shift + out.nbytes].view(out.dtype).reshape(out.shape)
    return i, moved


def below(tree, wanted):
    return sorted(set().union(*(tree.below(w) for w in wanted)))


def run(tree, wanted, engine, threads, rng=None, totals=None):
    """The values of the wanted nodes, from one evaluation of a new graph."""
    outs = [empty_like(tree, i, rng) for i in wanted]
    at, moved = move_over(tree, wanted, outs, rng) if rng and rng.random() < 0.5 else (None, None)
    engine.threads(threads)
    with Graph(engine) as graph:
        exprs = {}
        for i in below(tree, wanted):
            exprs[i] = graph.input(moved) if i == at else build_node(graph, tree.nodes[i], exprs)
        graph.evaluate([exprs[i] for i in wanted], outs)
        if totals is not None:
            totals["parallel runs"] += graph.launch().threads > 1
    return outs


def run_apart(tree, values, wanted, engine, threads):
    """The wanted nodes from one evaluation, but each on the values of its operands."""
    outs = [empty_like(tree, i) for i in wanted]
    engine.threads(threads)
    with Graph(engine) as graph:
        exprs = []
        for i in wanted:
            args = {}
            for a in tree.nodes[i].args:
                if a is not None:
                    leaf = tree.nodes[a].kind in ("weak", "const")
                    args[a] = build_node(graph, tree.nodes[a], {}) if leaf else graph.input(values[a])
            exprs.append(build_node(graph, tree.nodes[i], args))
        graph.evaluate(exprs, outs)
    return outs


def run_prepared(tree, wanted, engine, threads):
    """As a kernel whose inputs come at the end; None if it cannot be one (an open shape in the way)."""
    inputs = [i for i in below(tree, wanted) if tree.nodes[i].kind == "input"]
    outs = [empty_like(tree, i) for i in wanted]
    engine.threads(threads)
    with Graph(engine) as graph:
        exprs = {}
        for i in below(tree, wanted):
            if i in inputs:
                exprs[i] = graph.param(inputs.index(i), tree.dtypes[i], len(tree.shapes[i]))
            else:
                exprs[i] = build_node(graph, tree.nodes[i], exprs)
            if not exprs[i]:
                return None
        with graph.compile([exprs[i] for i in wanted]) as kernel:
            kernel.run([tree.nodes[i].what for i in inputs], outs)
    return outs


def smallest_difference(tree, values, engine, threads, roots):
    """The first node that differs when it is the only result, in words."""
    for i in below(tree, roots):
        if tree.dtypes[i] is not None:
            got = run(tree, [i], engine, threads)[0]
            if not oracle.all_same(got, values[i]):
                detail = oracle.first_difference(oracle.same_bits(got, values[i]), got, values[i], ())
                return f"%{i} alone, {detail}; " + "; ".join(tree.line(j) for j in tree.below(i))
    return "no node alone differs"


def check_tree(seed, machines, totals, verbose=False):
    """Sentences about what is wrong."""
    failures = []
    with Graph(machines.interpreter) as graph:
        tree = Tree(seed, graph)
        tree.grow()
        if verbose:
            print(tree.listing())
        failures += tree.failures
        totals.update(tree.skipped)
        strong = [i for i in range(len(tree.nodes)) if tree.dtypes[i] is not None]
        used = {a for n in tree.nodes for a in n.args}
        roots = [i for i in strong if i not in used]
        values = [None if tree.dtypes[i] is not None else tree.nodes[i].what for i in range(len(tree.nodes))]
        machines.interpreter.threads(1)
        outs = [np.empty(tree.shapes[i], NUMPY[tree.dtypes[i]]) for i in strong]
        try:
            graph.evaluate([tree.exprs[i] for i in strong], outs)
        except OnepassError as error:
            return failures + [f"all nodes: {error}\n{tree.listing()}"]
    for i, out in zip(strong, outs):
        values[i] = out
    totals["nodes"] += len(strong)
    for i in strong:
        complaint = judge_node(tree, values, i)
        if complaint:
            failures.append(f"{tree.describe(tree.nodes[i])}: {complaint}")

    def compare(what, wanted, got, engine, threads):
        totals["runs"] += 1
        for i, result in zip(wanted, got):
            if not oracle.all_same(result, values[i]):
                failures.append(f"{what} ({engine.name}, {threads} threads) is not the interpreter's: "
                                + smallest_difference(tree, values, engine, threads, [i]))
                return

    def attempt(how, wanted, evaluate, engine, threads):
        try:
            compare(how, wanted, evaluate(), engine, threads)
        except OnepassError as error:
            failures.append(f"{how} ({engine.name}): {error}\n{tree.listing()}")

    rng = random.Random(f"the runs of {seed}")  # not the numbers that the tree was drawn with
    made = [i for i in strong if tree.nodes[i].args]
    if rng.random() < 0.3:
        roots = roots[-1:]
    elif rng.random() < 0.5:  # arrays beside what is made of them
        roots += rng.sample(made, rng.randint(0, min(3, len(made))))
    pairs = machines.pick(seed)
    engine, threads = pairs[1]
    for each, n in pairs:
        attempt("fused", roots, lambda: run(tree, roots, each, n, rng, totals), each, n)
    if rng.random() < 0.05:
        other = rng.choice(machines.levels)
        attempt("fused", roots, lambda: run(tree, roots, other, threads, rng, totals), other, threads)
    turn = rng.random()
    alone = engine if turn < 0.1 else machines.interpreter
    for i in made:
        attempt("alone", [i], lambda: run_apart(tree, values, [i], alone, threads), alone, threads)
    if 0.1 <= turn < 0.2:
        attempt("apart", made, lambda: run_apart(tree, values, made, engine, threads), engine, threads)
    if rng.random() < 0.2:
        failures += check_prepared(tree, roots, engine, threads, compare, totals)
    return failures


def check_prepared(tree, roots, engine, threads, compare, totals):
    try:
        got = run_prepared(tree, roots, engine, threads)
        if got is None:
            totals["open shapes"] += 1
        else:
            compare("prepared", roots, got, engine, threads)
    except OnepassError as error:
        if error.code != UNSUPPORTED:
            return [f"prepared ({engine.name}): {error}\n{tree.listing()}"]
        totals["open shapes"] += 1
    return []


# ---- the campaign ---------------------------------------------------------------------------------------


def worker(first, step, end, deadline, at, queue, verbose):
    machines = Machines()
    totals = collections.Counter()
    seed = first
    while seed < end and (deadline is None or time.monotonic() < deadline):
        at.value = seed
        try:
            failures = check_tree(seed, machines, totals, verbose)
        except Exception as error:  # a bug of the test: still a line and a count
            failures = [f"{type(error).__name__}: {error}"]
            if verbose:
                raise
        for failure in failures:
            queue.put(f"seed {seed}: {failure}")
        totals["failed" if failures else "passed"] += 1
        seed += step
    queue.put(totals)


def campaign(options):
    deadline = time.monotonic() + options.seconds if options.seconds else None
    end = options.seed + options.count if options.count else 2**62
    jobs = min(options.jobs, options.count or options.jobs)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    totals = collections.Counter()
    running = []

    def start(first):
        at = context.Value("q", first)
        process = context.Process(target=worker, args=(first, jobs, end, deadline, at, queue, options.verbose))
        process.start()
        running.append((process, at))

    def drain():
        while not queue.empty():
            item = queue.get()
            if isinstance(item, str):
                print(item, flush=True)
            else:
                totals.update(item)

    for j in range(jobs):
        start(options.seed + j)
    while running:
        time.sleep(0.05)
        drain()
        for process, at in list(running):
            if not process.is_alive():
                running.remove((process, at))
                process.join()
                if process.exitcode:
                    print(f"seed {at.value}: the process ended with status {process.exitcode}", flush=True)
                    totals["failed"] += 1
                    if at.value + jobs < end:
                        start(at.value + jobs)
    time.sleep(0.1)
    drain()
    return totals


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=0, help="trees; 0: as many as the seconds allow")
    parser.add_argument("--seconds", type=float, default=None, help="stop after so long (60 without --count)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("-v", "--verbose", action="store_true", help="print each tree")
    options = parser.parse_args()
    if not options.count and options.seconds is None:
        options.seconds = 60
    started = time.monotonic()
    totals = campaign(options)
    lacking = set(oracle.OPS) | set(oracle.REDUCTIONS) | set(oracle.SCANS)
    lacking -= set(OP_NAMES) | set(REDUCE_NAMES) | set(SCAN_NAMES)
    if lacking:
        print("not in this library:", *sorted(lacking))
    print(f"{totals['nodes']} nodes against NumPy, {totals['runs']} runs bit by bit, {totals['parallel runs']} of them "
          f"on several threads, {totals['refused']} operations refused as NumPy does, {totals['unsupported']} not "
          f"supported yet, {totals['open shapes']} not prepared, {time.monotonic() - started:.0f} s")
    print(f"{totals['passed']} passed, {totals['failed']} failed")
    return 1 if totals["failed"] or not totals["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
