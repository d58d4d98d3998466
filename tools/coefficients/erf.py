"""Coefficients of erf and of erfcx (src/math/erf.inc, src/math/erfc.inc): prints the tables.

erf(x) near n*WIDTH, d = x - n*WIDTH:                c + c_lo + d*(p1 + d*(p2 + ...))
(x + k) erfcx(x) near s = n/20.25,
s = 1/(x + k), d = 20.25 s - n:                       c + c_lo + d*(p1 + d*(p2 + ...))
n = 0..7, |d| at most half a step; each piece its own minimax polynomial, c being the exact value
in the middle.

    python3 tools/coefficients/erf.py                      all tables (a few seconds)
    python3 tools/coefficients/erf.py erfcx53 9            one, perhaps with another degree
"""
import sys
from fit import mp, chebyshev_points, rational, horner

ERF_WIDTH = {64: mp.mpf(203) / 256, 32: mp.mpf(17) / 32}


def erfcx(x):
    if x > 3000:
        t, b = 1 / (2 * x * x), mp.mpf(1)
        for k in range(31, 0, -2):
            b = 1 - b * t * k
        return b / (x * mp.sqrt(mp.pi))
    return mp.exp(x * x) * mp.erfc(x)


# Close to 2.75, with few bits, and so is sqrt(2) times it to 2^-60 (float32: 2^-30).
OFFSET = {53: mp.mpf(2865433) / 2**20, 24: mp.mpf(44425) / 2**14}


def scaled_erfcx(offset):
    def f(n):
        s = n / mp.mpf("20.25")
        return 1 / mp.sqrt(mp.pi) if s == 0 else erfcx(1 / s - offset) / s

    return f


def rounded(v, bits):
    m, e = mp.frexp(v)
    return mp.ldexp(mp.nint(m * 2**bits), e - bits)


def pieces(f, step, lo, hi, degree, bits, even_first=False):
    """Rows of c, c_lo, p1.. for n = 0..7 over [lo, hi]."""
    out = []
    worst = mp.mpf(0)
    # erf in float32 adds the low part of 2/sqrt(pi) to every p1, for the sake of small x
    p1_low = 2 / mp.sqrt(mp.pi)
    p1_low = p1_low - rounded(p1_low, bits) if even_first and bits == 24 else mp.mpf(0)
    for n in range(8):
        c0 = f(n * step)
        a = max(mp.mpf(lo), (n - mp.mpf("0.5")) * step) - n * step
        b = min(mp.mpf(hi), (n + mp.mpf("0.5")) * step) - n * step
        d = [v for v in chebyshev_points(a, b, 71) if v != 0]
        fs = [f(n * step + v) for v in d]
        g = [(y - c0) / v for y, v in zip(fs, d)]
        w = [abs(v / y) for y, v in zip(fs, d)]
        if n == 0 and even_first:  # an odd function: p1 + p3 d^2 + ...
            _, p2, _ = rational([v * v for v in d], g, w, (degree - 1) // 2, 0, 30)
            p = [mp.mpf(0)] * degree
            for k, v in enumerate(p2):
                p[2 * k] = v
        else:
            # p1 is rounded first, and the others make up for it as far as they can
            _, p, _ = rational(d, g, w, degree - 1, 0, 30)
            low = rounded(p1_low, bits)
            p[0] = rounded(p[0] - low, bits) + low
            left = [(y - p[0]) / v for y, v in zip(g, d)]
            weight = [u * abs(v) for u, v in zip(w, d)]
            p[1:] = rational(d, left, weight, degree - 2, 0, 30)[1]
        c = rounded(c0, bits)
        p[0] -= rounded(p1_low, bits)
        row = [c, rounded(c0 - c, bits)] + [rounded(v, bits) for v in p]
        p = [row[2] + rounded(p1_low, bits)] + row[3:]
        err = max(abs(row[0] + row[1] + v * horner(p, v) - y) / y for v, y in zip(d, fs))
        worst = max(worst, err)
        out.append(row)
    return out, mp.log(worst, 2)


def show(name, rows, bits, note):
    print("/* %s: relative error 2^%s */" % (note, mp.nstr(worst, 4)))
    labels = ["c", "c_lo"] + ["p%d" % (k + 1) for k in range(len(rows[0]) - 2)]
    for k, label in enumerate(labels):
        values = []
        for r in rows:
            h = float(r[k]).hex()
            values.append(h if bits == 53 else shorten(h))
        print("TABLE(%s_%s, 8) {\n    %s,\n    %s\n} ENDT" % (
            name, label, ", ".join(values[:4]), ", ".join(values[4:])))


def shorten(h):
    head, exponent = h.split("p")
    head = head.rstrip("0")
    return (head + "0" if head.endswith(".") else head) + "p" + exponent


JOBS = (("erf", 53, 16), ("erf", 24, 7), ("erfcx", 53, 10), ("erfcx", 24, 5))

if __name__ == "__main__":
    which = sys.argv[1:]
    for name, bits, degree in JOBS:
        if which and name + str(bits) != which[0]:
            continue
        if which and len(which) > 1:
            degree = int(which[1])
        if name == "erf":
            step = ERF_WIDTH[64 if bits == 53 else 32]
            rows, worst = pieces(mp.erf, step, 0, 7.5 * step, degree, bits, True)
        else:
            last = mp.mpf("20.25") / OFFSET[bits]
            rows, worst = pieces(scaled_erfcx(OFFSET[bits]), mp.mpf(1), 0, last, degree, bits)
        show(name, rows, bits, "%s, %d bits, degree %d" % (name, bits, degree))
