"""Coefficients of the inverse normal and error functions (src/math/ndtri.inc).

x = erfcinv(Q) = factor * (c + d * P(d) / R(d)), d = u - centre, in eight pieces on either side:
    middle  Q >= SPLIT   u = 1 - z*z, factor = z = 1 - Q    the octaves of u from 2^-8 to 1
    tail    Q <  SPLIT   u = factor = sqrt(-log Q)          the halves of the octaves of u from 2 to 32
The variables are those of Giles (2010) and of Wichura's AS 241 (1988), the coefficients new.
Centres are searched so that c and sqrt(2)*c are floats to 6 more bits: c then needs no low part.

    python3 tools/coefficients/ndtri.py        prints the tables (15 seconds)
"""
import sys
from fit import mp, chebyshev_points, rational, horner

SPLIT = mp.mpf(2) ** -9 * mp.mpf("1.002")
R_MIN = mp.sqrt(-mp.log(SPLIT))
R_MAX = {53: mp.sqrt(mp.mpf(745)), 24: mp.sqrt(mp.mpf("103.4"))}
DEGREES = {("middle", 53): (5, 6), ("tail", 53): (4, 5), ("middle", 24): (2, 3), ("tail", 24): (2, 2)}
ROOT2 = mp.sqrt(2)
POINTS, ROUNDS = 70, 40


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


def middle(u):
    z = mp.sqrt(1 - u)
    return mp.erfinv(z) / z if z > 0 else mp.sqrt(mp.pi) / 2


def tail(u):
    return erfcinv(mp.exp(-u * u)) / u


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


def middle_pieces():
    """[2^(k-1), 2^k] is the piece that the low bits of its exponent, k - 1, name"""
    return {(k - 1 + 1023) % 8: (mp.mpf(2) ** (k - 1), mp.mpf(2) ** k) for k in range(-7, 1)}


def tail_pieces(r_max):
    """by the low two bits of the exponent and the first of the mantissa; those past r_max repeat the last"""
    pieces = {}
    for k in range(1, 5):
        for half in (0, 1):
            a = mp.mpf(2) ** k * (1 + mp.mpf(half) / 2)
            b = a + mp.mpf(2) ** (k - 1)
            if a < r_max:
                last = max(a, R_MIN), min(b, r_max)
            pieces[(k + 1023) % 4 * 2 + half] = last
    return pieces


def fit_piece(f, a, b, bits, degrees):
    bad, c, c0 = search_centre(f, (a + b) / 2, bits, 2**-6)
    u = chebyshev_points(a, b, POINTS)
    fs = [f(v) for v in u]
    d = [v - c for v in u]
    g = [(y - c0) / x for y, x in zip(fs, d)]
    w = [abs(x / y) for y, x in zip(fs, d)]
    err, p, q = rational(d, g, w, degrees[0], degrees[1], ROUNDS)
    print("/* u in [%s, %s], relative error 2^%s, c off by %s */" % (
        mp.nstr(a, 6), mp.nstr(b, 6), mp.nstr(mp.log(err, 2), 4), mp.nstr(bad, 2)))
    return {"centre": c, "c": c0, "p": p, "q": q[1:]}


def slope(a, b):
    """The derivative of sqrt(2) x to -log Q at the harmonic mean."""
    x = erfcinv(mp.exp(-((2 * a * b / (a + b)) ** 2)))
    return mp.mpf(mp.nstr(ROOT2 * mp.sqrt(mp.pi) / 2 * mp.exp(x * x) * mp.erfc(x), 3))


def show(name, values, bits):
    words = [rounded(v, bits) for v in values]
    print("TABLE(%s, 8) {\n    %s,\n    %s\n} ENDT" % (name, ", ".join(words[:4]), ", ".join(words[4:])))


def show_side(side, f, pieces, bits):
    fits = {}
    for piece in pieces.values():
        if piece not in fits:
            fits[piece] = fit_piece(f, *piece, bits, DEGREES[side, bits])
    table = [fits[pieces[k]] for k in range(8)]
    show(side + "_centre", [t["centre"] for t in table], bits)
    show(side + "_ndtri_c", [ROOT2 * t["c"] for t in table], bits)
    show(side + "_erfinv_c", [t["c"] for t in table], bits)
    for i in range(len(table[0]["p"])):
        show("%s_p%d" % (side, i), [ROOT2 * t["p"][i] for t in table], bits)
    for i in range(len(table[0]["q"])):
        show("%s_q%d" % (side, i + 1), [t["q"][i] for t in table], bits)
    if side == "tail":
        show("tail_slope", [slope(*pieces[k]) for k in range(8)], bits)


for bits in (53, 24):
    if len(sys.argv) < 2 or int(sys.argv[1]) == bits:
        show_side("middle", middle, middle_pieces(), bits)
        show_side("tail", tail, tail_pieces(R_MAX[bits]), bits)
