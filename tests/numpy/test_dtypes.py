"""The dtype of every operation's result against NumPy's, for all pairs of dtypes and numbers among them.

Where NumPy computes in float16, which is not supported yet, the operation is refused as unsupported; where NumPy
refuses, it is refused. EXCEPTIONS is all else."""

import itertools
import sys
import warnings

from onepass_ctypes import *  # noqa: F403
import oracle

warnings.simplefilter("ignore")  # divisions by zero

ARRAYS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13]
NUMBERS = [True, 1, -1, 300, 2**40, 2.5]
LIKE = {1: np.sin, 2: np.hypot}  # what stands for functions that NumPy has no name for


def is_integer(operand):
    return operand.dtype.kind in "biu"


# name: (for which operands, what onepass gives instead)
EXCEPTIONS = {
    # NumPy's reciprocal of an integer is 1 / x without its fraction: 0 for nearly all
    "reciprocal": (is_integer, lambda operand: oracle.float_for(operand.dtype)),
}


def numpys(name, operands):
    """The dtype of NumPy's result; an exception's class where it refuses."""
    function = getattr(np, name, None) or LIKE[len(operands)]
    try:
        return np.asarray(function(*operands)).dtype
    except (TypeError, ValueError, OverflowError) as error:
        return type(error)


def complaint(graph, expr, want):
    """What is wrong about an expression that should have this dtype, or fail as NumPy's does."""
    refusal = {np.dtype("e"): UNSUPPORTED, OverflowError: RANGE}.get(want, DTYPE)
    if expr:
        got = TO_NUMPY[expr_dtype(expr)]
        return None if got == want else f"{got}, NumPy's is {want}"
    code, message = graph.error()
    refused = not isinstance(want, np.dtype) or want.char == "e"
    return None if refused and code == refusal else f"refused ({message}), NumPy's is {want}"


def operand_lists(name, arity):
    """Arrays of one element and numbers; numbers alone are Python's."""
    arrays = [np.ones(1, TO_NUMPY[d]) for d in ARRAYS]
    deciding = 2 if name == "where" else arity
    lists = itertools.product(arrays + NUMBERS, repeat=deciding)
    condition = (arrays[0],) if name == "where" else ()
    return [condition + operands for operands in lists if not all(map(oracle.is_weak, operands))]


def names_of(operands):
    return ", ".join(repr(x) if oracle.is_weak(x) else str(x.dtype) for x in operands)


def check_ops(graph):
    count, failures = 0, []
    for name, row in oracle.OPS.items():
        if row.arity == 3 and name != "where":
            continue  # fma is not NumPy's
        for operands in operand_lists(name, row.arity):
            want = numpys(name, operands)
            if name in EXCEPTIONS and EXCEPTIONS[name][0](*operands):
                want = EXCEPTIONS[name][1](*operands)
            exprs = [graph.weak(x) if oracle.is_weak(x) else graph.input(x) for x in operands]
            wrong = complaint(graph, graph.op(name, *exprs), want)
            failures += [f"{name}({names_of(operands)}): {wrong}"] if wrong else []
            count += 1
    return count, failures


def check_reductions_and_scans(graph):
    count, failures = 0, []
    for name in oracle.REDUCTIONS + list(oracle.SCANS):
        function = getattr(np, name, None)
        for x in (np.ones(2, TO_NUMPY[d]) for d in ARRAYS if function):
            expr = graph.input(x)
            expr = graph.scan(name, expr, 0) if name in oracle.SCANS else graph.reduce(name, expr, None)
            wrong = complaint(graph, expr, numpys(name, [x]))
            failures += [f"{name}({x.dtype}): {wrong}"] if wrong else []
            count += 1
    return count, failures


def main():
    with Graph(Engine(interpret=True)) as graph:
        results = [check_ops(graph), check_reductions_and_scans(graph)]
    failures = [line for _, lines in results for line in lines]
    print(*failures, sep="\n")
    print(f"{sum(n for n, _ in results)} dtypes, {len(failures)} wrong")
    return 1 if failures else 0


sys.exit(main())
