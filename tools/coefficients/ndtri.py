"""Coefficients of the inverse normal and error functions (src/math/ndtri.inc).

x = erfcinv(Q) in eight pieces, x = mult * (c + d * P(d) / R(d)), d = u - centre:
    Q >= 0.1082   u = 1 - z*z, mult = z = 1 - Q   pieces: the exponent of CENTRAL_A*u - CENTRAL_B
    Q <  0.1082   u = mult = sqrt(-log Q)         pieces: the exponent of TAIL_A*t - TAIL_B
where t is a rough square root of -log Q, made from its bits before the good one is there.
The variables are those of Giles (2010) and of Wichura's AS 241 (1988), the coefficients new.
Centres are searched so that c and sqrt(2)*c are doubles to 6 more bits: c then needs no low part.

    python3 tools/coefficients/ndtri.py        prints the tables (10 seconds)
"""
import sys
from fit import mp, chebyshev_points, rational, horner

SPLIT = mp.mpf("0.1082")
CENTRAL_A, CENTRAL_B = mp.mpf(1.1), mp.mpf(0.1001)
TAIL_A = {53: mp.mpf(1.1687), 24: mp.mpf(3.47)}
TAIL_B = {53: mp.mpf(0.818), 24: mp.mpf(4.397)}
R_MAX = {53: mp.sqrt(mp.mpf(745)), 24: mp.sqrt(mp.mpf("103.4"))}
ROOT2 = mp.sqrt(2)


def erfcinv(q):
    ell = -mp.log(q)
    x = mp.erfinv(1 - q) if q > 0.3 else mp.sqrt(ell - mp.log(mp.sqrt(mp.pi * ell)))
    for _ in range(60):
        f = mp.erfc(x)
        step = mp.log(f / q) * f * mp.sqrt(mp.pi) / 2 * mp.exp(x * x)
        x += step
        if abs(step) < abs(x) * mp.mpf(10) ** -55:
            return x
    raise ArithmeticError(q)


def ratio_central(u):
    z = mp.sqrt(1 - u)
    return mp.erfinv(z) / z if z > 0 else mp.sqrt(mp.pi) / 2


def ratio_tail(u):
    return erfcinv(mp.exp(-u * u)) / u


def from_rough_root(t):
    """sqrt(L) where t is L with its bits halved, which is linear between powers of two."""
    j = int(mp.floor(mp.log(t, 2)))
    m = t / 2**j
    ell = 4**j * (1 + 2 * (m - 1)) if m < 1.5 else 2 * 4**j * (1 + 2 * (m - mp.mpf("1.5")))
    return mp.sqrt(ell)


def off_grid(v, bits):
    """Distance of v from the nearest float, in units of the last place."""
    m, e = mp.frexp(v)
    s = m * 2**bits
    return abs(s - mp.nint(s))


def search_centre(f, c, bits, goal):
    """A float near c where f and sqrt(2) f are nearly floats."""
    h = mp.mpf(2) ** -16
    # values next to c from a local interpolation, seven points
    xs = [c + (k - 3) * h for k in range(7)]
    ys = [f(x) for x in xs]
    rows = mp.matrix([[((x - c) / h) ** j for j in range(7)] for x in xs])
    co = list(mp.lu_solve(rows, mp.matrix(ys)))
    best = (mp.mpf(9), None)
    m, e = mp.frexp(c)
    ulp = mp.mpf(2) ** (e - bits)
    base = mp.nint(c / ulp) * ulp
    stride = max(1, int(h / ulp / 40000)) | 1
    for k in range(20000):
        x = base + k * stride * ulp
        v = horner(co, (x - c) / h)
        bad = max(off_grid(v, bits), off_grid(v * ROOT2, bits))
        if bad < best[0]:
            best = (bad, x, v)
            if bad < goal:
                break
    return best


def rounded(v, bits):
    m, e = mp.frexp(v)
    digits, exponent = float(mp.ldexp(mp.nint(m * 2**bits), e - bits)).hex().split("p")
    if bits < 53 and "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return digits + "p" + exponent


def main(bits, degrees, points=70, rounds=40):
    pieces = []
    lo = 1 - (1 - SPLIT) ** 2
    edges = [(mp.mpf(g) + CENTRAL_B) / CENTRAL_A for g in (0.125, 0.25, 0.5)] + [mp.mpf(1)]
    for code, (a, b) in zip((4, 5, 6), zip(edges, edges[1:])):
        pieces.append((code, ratio_central, max(a, lo) if code == 4 else a, b))
    shifted = [mp.mpf(2) ** k for k in range(6)]
    edges = [from_rough_root((g + TAIL_B[bits]) / TAIL_A[bits]) for g in shifted]
    r_min = mp.sqrt(-mp.log(SPLIT))
    assert edges[0] < r_min and edges[5] > R_MAX[bits]
    edges[0], edges[5] = r_min, R_MAX[bits]
    for code, (a, b) in zip((7, 0, 1, 2, 3), zip(edges, edges[1:])):
        pieces.append((code, ratio_tail, a, b))
    table, slope = {}, {}
    for code, f, a, b in pieces:
        bad, c, c0 = search_centre(f, (a + b) / 2, bits, 2 ** -6)
        u = chebyshev_points(a, b, points)
        fs = [f(v) for v in u]
        d = [v - c for v in u]
        g = [(y - c0) / x for y, x in zip(fs, d)]
        w = [abs(x / y) for y, x in zip(fs, d)]
        err, p, q = rational(d, g, w, degrees[0], degrees[1], rounds)
        table[code] = (c, c0, p, q[1:])
        # the derivative of x to -log Q in the tails, at the harmonic mean
        x = erfcinv(mp.exp(-(2 * a * b / (a + b)) ** 2))
        slope[code] = mp.mpf(0)
        if f is ratio_tail:
            slope[code] = mp.sqrt(mp.pi) / 2 * mp.exp(x * x) * mp.erfc(x)
        print("/* piece %d: u in [%s, %s], relative error 2^%s, c off by %s */" % (
            code, mp.nstr(a, 6), mp.nstr(b, 6), mp.nstr(mp.log(err, 2), 4), mp.nstr(bad, 2)))

    def show(name, values):
        words = [rounded(v, bits) for v in values]
        print("TABLE(%s, 8) {\n    %s,\n    %s\n} ENDT" % (
            name, ", ".join(words[:4]), ", ".join(words[4:])))

    show("ndtri_centre", [table[k][0] for k in range(8)])
    show("ndtri_c", [ROOT2 * table[k][1] for k in range(8)])
    show("erfinv_c", [table[k][1] for k in range(8)])
    show("erfinv_slope", [mp.mpf(mp.nstr(slope[k], 3)) for k in range(8)])
    for i in range(degrees[0] + 1):
        show("ndtri_p%d" % i, [ROOT2 * table[k][2][i] for k in range(8)])
    for i in range(degrees[1]):
        show("ndtri_q%d" % (i + 1), [table[k][3][i] for k in range(8)])


if __name__ == "__main__":
    for bits, degrees in ((53, (5, 5)), (24, (2, 2))):
        if len(sys.argv) < 2 or int(sys.argv[1]) == bits:
            if len(sys.argv) > 3:
                degrees = int(sys.argv[2]), int(sys.argv[3])
            main(bits, degrees)
