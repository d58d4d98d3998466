/* What each row's number is, in long double. */
#include "bench.h"

#include <math.h>

#define K(x) (x##L)
#define SIN sinl
#define COS cosl
#define EXP expl
#define LOG logl
#define LOG1P log1pl
#define SQRT sqrtl
#define TANH tanhl
#define POW powl
#define ATAN2 atan2l
#define ROW(name, formula, inputs, low, high, expression, costs, ulp, wins)                                            \
    static long double exact_##name(const long double *x)                                                              \
    {                                                                                                                  \
        const long double a = x[0], b = x[1], c = x[2], d = x[3];                                                      \
        (void)a, (void)b, (void)c, (void)d;                                                                            \
        return expression;                                                                                             \
    }
#define SPECIAL(name, formula, inputs, low, high, kind, costs, ulp, wins)
#include "rows.def"
#undef ROW
#undef SPECIAL

#define ROW(name, formula, inputs, low, high, expression, costs, ulp, wins) exact_##name,
#define SPECIAL(name, formula, inputs, low, high, kind, costs, ulp, wins) NULL,
static exact_function *const functions[] = {
#include "rows.def"
};

exact_function *exact_of(const row *r)
{
    return functions[r - rows];
}
