/* The table of rows.def. */
#include "bench.h"

#define COST(...)                                                                                                      \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define ROW(name, formula, inputs, low, high, expression, costs, ulp, wins)                                            \
    {#name, formula, inputs, low, high, MAP, costs, ulp, wins},
#define SPECIAL(name, formula, inputs, low, high, kind, costs, ulp, wins)                                              \
    {#name, formula, inputs, low, high, kind, costs, ulp, wins},
const row rows[] = {
#include "rows.def"
};

int row_count(void)
{
    return sizeof rows / sizeof rows[0];
}

const row *row_of_kind(enum row_kind kind)
{
    const row *r = rows;
    while (r->kind != kind)
        r++;
    return r;
}

const kind_facts kinds[] = {
    [MAP] = {"map", 1, 0, 1, SAME, ELEMENTS},
    [SUM] = {"sum", 1, 0, 1, SINGLE, ELEMENTS},
    [MEANVAR] = {"meanvar", 1, 0, 1, SINGLE, ELEMENTS},
    [CUMSUM] = {"cumsum", 1, 0, 1, SAME, ELEMENTS},
    [ARGMIN] = {"argmin", 1, 0, 1, SINGLE, ELEMENTS},
    [SUM0] = {"sum0", 2, 0, 1, PER_COLUMN, COLUMNS},
    [SUM1] = {"sum1", 2, 0, 1, PER_ROW, ROWS},
    [SOFTMAX] = {"softmax", 2, 1000, 1, SAME, ROWS},
    [STANDARDISE] = {"standardise", 2, 0, 2, SAME, COLUMNS},
    [TRANSPOSE] = {"transpose", 2, 0, 1, SAME, ROWS},
    [JACOBI] = {"jacobi", 2, 0, 1, INNER, ROWS},
};

void rows_list(FILE *file)
{
    for (int i = 0; i < row_count(); i++) {
        const kind_facts *k = &kinds[rows[i].kind];
        fprintf(file, "%s\t%s\t%s\t%g\t%g\t%d\t%lld\t%s\n", rows[i].name, k->name, rows[i].inputs, rows[i].low,
                rows[i].high, k->dims, (long long)k->columns, rows[i].formula);
    }
}
