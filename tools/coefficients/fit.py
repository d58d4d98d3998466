"""Near-minimax polynomials and rationals on a finite set of points, in multiple precision.

Lawson's reweighting (C. L. Lawson 1961) of the linearised rational problem (Sanathanan and Koerner
1963): enough for errors within a few per cent of the best. mpmath is faster with gmpy2 installed.
"""
import mpmath as mp

mp.mp.prec = 220


def chebyshev_points(a, b, n):
    a, b = mp.mpf(a), mp.mpf(b)
    return [(a + b) / 2 + (b - a) / 2 * mp.cos(mp.pi * (2 * k + 1) / (2 * n)) for k in range(n)]


def horner(c, x):
    s = mp.mpf(0)
    for k in reversed(c):
        s = s * x + k
    return s


def least_squares(rows, rhs):
    n = len(rows[0])
    a = mp.zeros(n, n)
    b = mp.zeros(n, 1)
    for i in range(n):
        for j in range(i, n):
            a[i, j] = a[j, i] = mp.fdot([r[i] for r in rows], [r[j] for r in rows])
        b[i] = mp.fdot([r[i] for r in rows], rhs)
    return list(mp.lu_solve(a, b))


def rational(x, g, w, m, n, rounds=40):
    """p (degree m) and q (degree n, q[0] = 1) with w*|g - p/q| small at the points x."""
    lawson = [mp.mpf(1)] * len(x)
    den = [mp.mpf(1)] * len(x)
    best = None
    scale = max(abs(v) for v in x)
    y = [v / scale for v in x]
    for turn in range(rounds):
        rows, rhs = [], []
        for xi, gi, wi, li, di in zip(y, g, w, lawson, den):
            k = wi * mp.sqrt(li) / di
            powers = [k]
            for _ in range(max(m, n)):
                powers.append(powers[-1] * xi)
            rows.append(powers[: m + 1] + [-gi * v for v in powers[1 : n + 1]])
            rhs.append(k * gi)
        c = least_squares(rows, rhs)
        p, q = c[: m + 1], [mp.mpf(1)] + c[m + 1 :]
        den = [horner(q, v) for v in y]
        err = [abs(wi * (gi - horner(p, v) / d)) for v, gi, wi, d in zip(y, g, w, den)]
        worst = max(err)
        if best is None or worst < best[0]:
            best = (worst, p, q)
        if turn >= 2:
            lawson = [li * e for li, e in zip(lawson, err)]
            total = mp.fsum(lawson)
            lawson = [li / total + mp.mpf(10) ** -12 / len(y) for li in lawson]
    worst, p, q = best
    return worst, [v / scale**k for k, v in enumerate(p)], [v / scale**k for k, v in enumerate(q)]
