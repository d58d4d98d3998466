"""Tables of log, log2 and log10 in src/math/log.inc: for m in [1 + i/n, 1 + (i+1)/n) an inverse of few bits and
minus its logarithm in two words.      python3 tools/coefficients/log_pieces.py

The result is lead + (r + small), r = m * inverse - 1, where r and its sum with what is small are rounded. How much
that counts depends on where r, the sum and the result cross powers of two. So the inverse of a piece is the one,
of those with 10 bits or fewer and an r from -1/(2n) to 1/n, for which the worst sum of these roundings is least.
"""
import math
import re

import mpmath as mp

mp.mp.prec = 200
FUNCTIONS = [("log", mp.mpf(1)), ("log2", 1 / mp.log(2)), ("log10", 1 / mp.log(10))]


def half_ulp(x, digits):
    return 2.0 ** (math.frexp(x)[1] - digits - 1) if x else 0.0


def rounding_errors(i, n, inverse, bits, digits, c):
    """The worst on the piece, in units of the last place of the result."""
    k_log2 = -math.log(2) if i >= n // 2 else 0.0  # for larger k there is less to lose
    lead = k_log2 - math.log(inverse)
    if lead == 0:
        return 0.0
    worst = 0.0
    for j in range(400):
        r = (1 + (i + j / 400) / n) * inverse - 1
        result, total = c * (lead + math.log1p(r)), c * math.log1p(r)
        exact = 2 * half_ulp(r, digits) <= 2.0 ** (1 - digits - bits)
        error = (0 if exact else c * half_ulp(r, digits)) + half_ulp(total, digits)
        worst = max(worst, error / (2 * half_ulp(result, digits)))
    return worst


def inverse_of_piece(i, n, digits, c):
    if i == 0:
        return 1.0
    if i == n - 1:
        return 0.5
    best = None
    for bits in range(5, 11):
        for j in range(2 ** (bits - 1), 2**bits):
            inverse = j / 2**bits
            low, high = (1 + i / n) * inverse - 1, (1 + (i + 1) / n) * inverse - 1
            if (j % 2 or bits == 5) and low >= -0.5 / n and high <= 1 / n:
                key = (round(rounding_errors(i, n, inverse, bits, digits, c), 3), max(-low, high))
                if best is None or key < best[0]:
                    best = (key, inverse)
    return best[1]


def c_float(x, digits):
    x = mp.mpf(x)
    if x == 0:
        return "0"
    mantissa, exponent = mp.frexp(x)
    whole = int(mp.nint(mantissa * 2**digits))
    return re.sub(r"\.?0*p", "p", float.hex(math.ldexp(whole, int(exponent) - digits)))


def table(name, values):
    print(f"TABLE({name}, {len(values)}) {{")
    for i in range(0, len(values), 4):
        print("    " + ", ".join(values[i : i + 4]) + ("," if i + 4 < len(values) else ""))
    print("} ENDT")


def print_tables(n, digits, unit):
    for name, c in FUNCTIONS:
        inverses = [inverse_of_piece(i, n, digits, float(c)) for i in range(n)]
        logs = [-c * mp.log(mp.mpf(v)) for v in inverses]
        highs = [mp.floor(v / unit) * unit for v in logs]
        table(name + "_inverse", [c_float(v, digits) for v in inverses])
        table(name + "_hi", [c_float(v, digits) for v in highs])
        table(name + "_lo", [c_float(v - h, digits) for v, h in zip(logs, highs)])


if __name__ == "__main__":
    print("#ifdef OP_MATH_F64")
    print_tables(16, 53, mp.mpf(2) ** -42)
    print("#else")
    print_tables(32, 24, mp.mpf(2) ** -15)
    print("#endif")
