/* The table of rows.def. */
#include "bench.h"

#include <string.h>

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

double row_bytes(const row *r, int64_t item)
{
    return (double)item * (double)(strlen(r->inputs) + (r->kind != SUM));
}

void rows_list(FILE *file)
{
    static const char *const kinds[] = {"map", "sum", "transpose", "jacobi"};
    for (int i = 0; i < row_count(); i++)
        fprintf(file, "%s\t%s\t%s\t%g\t%g\t%s\n", rows[i].name, kinds[rows[i].kind], rows[i].inputs, rows[i].low,
                rows[i].high, rows[i].formula);
}
