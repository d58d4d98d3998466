/* A digest of the bits of a fixed battery of results: every operation and reduction of docs/ops.md on
 * awkward values of every dtype, views, and longer formulas, large enough for several threads. The same
 * on every machine, at every level, in the interpreter and compiled, with one thread and with two.
 *
 *     digest OPS.md DIGEST.txt [--update] [--interpreter]
 *
 * A line for each row, so that a difference has a name. A missing file is a failure. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onepass/onepass.h"

enum { MOST_LINES = 400, NAME = 80, SPECIALS = 56, N = SPECIALS * SPECIALS + 1000 };

static const op_dtype dtypes[] = {OP_BOOL, OP_I8,  OP_I16, OP_I32, OP_I64, OP_U8,
                                  OP_U16,  OP_U32, OP_U64, OP_F32, OP_F64};
enum { N_DTYPES = sizeof dtypes / sizeof dtypes[0] };

/* ---- operands ---- */

static uint64_t lcg_state;

static uint64_t random_bits(void)
{
    lcg_state = lcg_state * 6364136223846793005u + 1442695040888963407u;
    return lcg_state ^ lcg_state >> 29;
}

static const double special_floats[] = {0.0,
                                        1.0,
                                        1.5,
                                        2.0,
                                        2.5,
                                        3.0,
                                        0.5,
                                        0.1,
                                        0x1p-1074,
                                        0x1p-149,
                                        0x1p-1022,
                                        1e-310,
                                        0x1p-60,
                                        0x1.fffffffffffffp-1,
                                        0x1.0000000000001p0,
                                        0x1.000002p0,
                                        0x1.921fb54442d18p1,
                                        0x1.921fb54442d18p0,
                                        10.0,
                                        127.5,
                                        709.75,
                                        745.25,
                                        88.75,
                                        0x1p31,
                                        0x1p53,
                                        0x1.8p63,
                                        1e22,
                                        0x1.fffffep127};

static double special_float(int i)
{
    enum { HALF = sizeof special_floats / sizeof special_floats[0] };
    _Static_assert(2 * HALF <= SPECIALS, "room for both signs");
    if (i == 1)
        return NAN;
    if (i == 3)
        return INFINITY;
    if (i == 5)
        return -INFINITY;
    if (i == 7)
        return 0x1.fffffffffffffp1023;
    return i & 1 ? -special_floats[i / 2 % HALF] : special_floats[i / 2 % HALF];
}

static uint64_t special_integer(int i, int bits)
{
    uint64_t high = (uint64_t)1 << (bits - 1);
    switch (i % 4) {
    case 0:
        return (uint64_t)(i / 4);
    case 1:
        return 0 - (uint64_t)(i / 4);
    case 2:
        return high - (uint64_t)(i / 4);
    default:
        return high + (uint64_t)(i / 4);
    }
}

/* Value number i; specials first, then random ones. Little or big endian makes no difference. */
static void put_value(op_dtype dtype, unsigned char *to, int i, int special)
{
    uint64_t bits = random_bits();
    int small = (int)(bits % 4001) - 2000;
    double d = special ? special_float(i) : small / 128.0;
    uint64_t integer = special ? special_integer(i, (int)op_dtype_size(dtype) * 8) : bits >> 8;
    if (!special && i % 3 == 0 && (dtype == OP_F32 || dtype == OP_F64)) { /* any bits */
        float f;
        uint32_t half = (uint32_t)bits;
        memcpy(&f, &half, sizeof f);
        memcpy(&d, &bits, sizeof d);
        d = dtype == OP_F32 ? (double)f : d;
    }
    switch (dtype) {
    case OP_BOOL:
        *to = integer & 1;
        break;
    case OP_F32:
        *(float *)(void *)to = (float)d;
        break;
    case OP_F64:
        *(double *)(void *)to = d;
        break;
    case OP_I8:
    case OP_U8:
        *to = (unsigned char)integer;
        break;
    case OP_I16:
    case OP_U16:
        *(uint16_t *)(void *)to = (uint16_t)integer;
        break;
    case OP_I32:
    case OP_U32:
        *(uint32_t *)(void *)to = (uint32_t)integer;
        break;
    default:
        *(uint64_t *)(void *)to = integer;
    }
}

/* Operand `which` (0, 1, 2): every special value meets every other one. */
static void fill(op_dtype dtype, unsigned char *to, int64_t n, int which)
{
    int64_t size = op_dtype_size(dtype);
    lcg_state = 88172645463325252u + (uint64_t)which;
    for (int64_t i = 0; i < n; i++) {
        int special = i < SPECIALS * SPECIALS;
        int64_t index = !special ? i : which == 0 ? i % SPECIALS : which == 1 ? i / SPECIALS : (i * 5 + 2) % SPECIALS;
        put_value(dtype, to + i * size, (int)index, special);
    }
}

/* ---- the digest: FNV-1a of the values' bits, least significant byte first, every NaN alike ---- */

static uint64_t add_bits(uint64_t hash, uint64_t bits, int bytes)
{
    for (int i = 0; i < bytes; i++)
        hash = (hash ^ (bits >> 8 * i & 255)) * 0x100000001b3u;
    return hash;
}

static uint64_t add_array(uint64_t hash, op_view view)
{
    int64_t n = 1, size = op_dtype_size(view.dtype);
    hash = add_bits(hash, view.dtype, 1);
    for (int d = 0; d < view.ndim; d++) {
        hash = add_bits(hash, (uint64_t)view.shape[d], 8);
        n *= view.shape[d];
    }
    const unsigned char *from = view.cdata;
    for (int64_t i = 0; i < n; i++, from += size) {
        uint64_t bits = 0;
        uint8_t b;
        uint16_t h;
        uint32_t w;
        if (size == 1)
            bits = (memcpy(&b, from, 1), b);
        else if (size == 2)
            bits = (memcpy(&h, from, 2), h);
        else if (size == 4)
            bits = (memcpy(&w, from, 4), w);
        else
            memcpy(&bits, from, 8);
        if (view.dtype == OP_F32 && (bits & 0x7fffffff) > 0x7f800000)
            bits = 0x7fc00000;
        if (view.dtype == OP_F64 && (bits & INT64_MAX) > 0x7ff0000000000000)
            bits = 0x7ff8000000000000;
        hash = add_bits(hash, bits, (int)size);
    }
    return hash;
}

/* ---- lines ---- */

typedef struct line {
    char name[NAME];
    uint64_t hash;
} line;

typedef struct battery {
    op_engine *engine;
    line lines[MOST_LINES];
    int n;
    int broken; /* something could not be evaluated */
} battery;

static void begin_line(battery *b, const char *name)
{
    if (b->n == MOST_LINES) {
        fprintf(stderr, "digest: more than %d lines\n", MOST_LINES);
        exit(2);
    }
    snprintf(b->lines[b->n].name, NAME, "%s", name);
    b->lines[b->n++].hash = 0xcbf29ce484222325u;
}

/* One formula of x, y, z; what is refused is part of the digest, too. */
static void add_formula(battery *b, const char *formula, const op_view *operands)
{
    static const char *const names[] = {"x", "y", "z"};
    uint64_t *hash = &b->lines[b->n - 1].hash;
    op_graph *graph = op_graph_new(b->engine);
    op_expr *inputs[3], *expr = NULL;
    for (int i = 0; i < 3; i++)
        inputs[i] = op_input(graph, operands[i]);
    op_status status = op_parse(graph, formula, 3, names, inputs, &expr);
    op_array *result = NULL;
    int refused = status == OP_ERR_DTYPE || status == OP_ERR_UNSUPPORTED || status == OP_ERR_SHAPE;
    if (status == OP_OK)
        status = op_compute(expr, &result);
    if (status != OP_OK && !refused) {
        fprintf(stderr, "digest: %s of %s: %s\n", formula, op_dtype_name(operands[0].dtype), op_last_error()->message);
        b->broken = 1;
    }
    *hash = status == OP_OK ? add_array(*hash, op_array_view(result)) : add_bits(*hash, 0xff, 1);
    op_array_free(result);
    op_graph_free(graph);
}

static unsigned char *values[N_DTYPES][3]; /* N elements each */

static void add_op(battery *b, const char *name, int arity)
{
    char formula[NAME + 16];
    snprintf(formula, sizeof formula, "%s(%s)", name, arity == 1 ? "x" : arity == 2 ? "x, y" : "x, y, z");
    begin_line(b, name);
    for (int d = 0; d < N_DTYPES; d++) {
        op_view operands[3];
        for (int i = 0; i < 3; i++)
            operands[i] = OP_VIEW_1D(dtypes[d], values[d][i], N);
        add_formula(b, formula, operands);
    }
}

static void add_shapes(battery *b, const char *formula, int from_dtype, const char *name)
{
    static const int64_t shapes[][3] = {{1, 1, N},    {1, N, 1},   {1, 40, 100}, {13, 17, 19},
                                        {3, 1, 1361}, {32, 33, 4}, {1, 1, 0}};
    begin_line(b, name);
    for (int d = from_dtype; d < N_DTYPES; d++)
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
            op_view operands[3];
            for (int i = 0; i < 3; i++)
                operands[i] = op_view_nd(dtypes[d], values[d][i], 3, shapes[s], NULL);
            add_formula(b, formula, operands);
        }
}

static void add_reduction(battery *b, const char *name)
{
    static const char *const forms[] = {"%s(x)",
                                        "%s(x, axis=0)",
                                        "%s(x, axis=1)",
                                        "%s(x, axis=2)",
                                        "%s(x.T, axis=0, keepdims=True)",
                                        "%s(x[:, ::-1], axis=2)"};
    for (size_t k = 0; k < sizeof forms / sizeof forms[0]; k++) {
        char formula[NAME + 64];
        int n = (int)(strchr(forms[k], '(') - forms[k]);
        snprintf(formula, sizeof formula, "%s%s", name, forms[k] + n);
        add_shapes(b, formula, 0, formula);
    }
}

static const char *const view_formulas[] = {
    "x.T + y.T",
    "x[..., ::-1] * y",
    "x[:, 1:] - y[:, :-1]",
    "where(x < y, x, y)[:, ::2]",
    "x[:, None] == y[:, :, None]",
    "f64(x) * 0.1 + f32(y)",
    "i8(x) + u8(y)",
    "i64(f64(x) * 3.7)",
    "u16(f32(x) * 1e3)",
};

/* Large enough for several threads: 400 k elements. */
static const char *const large_formulas[] = {
    "sin(x) * y + exp(-x * x)",
    "sum(x * y)",
    "sum(x, axis=0)",
    "sum(y, axis=1)",
    "max(x - y, axis=0)",
    "prod(1 + x * 1e-7)",
    "x - sum(x * y, axis=1, keepdims=True)",
    "sum(x.T, axis=1)",
    "histogram(x, 100, -1, 1, weights=y)",
    "bincount(i32(x.T * 50), 40, weights=y.T)",
};

static void add_large(battery *b)
{
    enum { LARGE = 640 * 641 };
    static double memory[3 * LARGE];
    lcg_state = 1;
    for (int i = 0; i < 3 * LARGE; i++)
        memory[i] = (double)((int64_t)(random_bits() >> 20) - ((int64_t)1 << 43)) * 0x1p-42;
    for (size_t k = 0; k < sizeof large_formulas / sizeof large_formulas[0]; k++) {
        op_view operands[3];
        for (int i = 0; i < 3; i++)
            operands[i] = OP_VIEW_2D(OP_F64, memory + i * LARGE, 640, 641);
        char name[NAME];
        snprintf(name, sizeof name, "large %s", large_formulas[k]);
        begin_line(b, name);
        add_formula(b, large_formulas[k], operands);
    }
}

/* A row of a table in ops.md: the first name in back quotes, and the number after it (1 if it is none). */
static int table_row(const char *text, char *name, int *arity)
{
    const char *end = strncmp(text, "| `", 3) ? NULL : strchr(text + 3, '`');
    if (!end || end - text - 3 >= NAME)
        return 0;
    snprintf(name, NAME, "%.*s", (int)(end - text - 3), text + 3);
    const char *cell = strchr(end, '|');
    *arity = cell ? atoi(cell + 1) : 0;
    return 1;
}

/* Reductions that are made of those in the table. */
static const char *const derived[] = {"mean",     "var",       "std",    "ptp",    "count_nonzero", "nansum",
                                      "nanprod",  "nanmean",   "nanvar", "nanstd", "norm1",         "norm2",
                                      "norm_inf", "logsumexp", "argmax", "argmin"};

static void run_battery(battery *b, const char *ops_path)
{
    char text[1024], name[NAME];
    int arity, reductions = 0;
    FILE *file = fopen(ops_path, "r");
    if (!file) {
        fprintf(stderr, "digest: %s cannot be read\n", ops_path);
        exit(2);
    }
    b->n = 0;
    while (fgets(text, sizeof text, file)) {
        reductions |= !strncmp(text, "## ", 3);
        if (!table_row(text, name, &arity))
            continue;
        if (reductions)
            add_reduction(b, name);
        else
            add_op(b, name, arity);
    }
    fclose(file);
    for (size_t k = 0; k < sizeof derived / sizeof derived[0]; k++)
        add_reduction(b, derived[k]);
    for (size_t k = 0; k < sizeof view_formulas / sizeof view_formulas[0]; k++)
        add_shapes(b, view_formulas[k], 1, view_formulas[k]);
    add_large(b);
}

/* ---- comparison with the committed file ---- */

static int write_file(const battery *b, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return 0;
    for (int i = 0; i < b->n; i++)
        fprintf(file, "%016" PRIx64 " %s\n", b->lines[i].hash, b->lines[i].name);
    return fclose(file) == 0;
}

static int read_file(battery *b, const char *path)
{
    char text[256];
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    b->n = 0;
    while (fgets(text, sizeof text, file) && b->n < MOST_LINES) {
        char *rest;
        line *l = &b->lines[b->n++];
        l->hash = strtoull(text, &rest, 16);
        snprintf(l->name, NAME, "%.*s", (int)strcspn(rest + 1, "\n"), rest + 1);
    }
    fclose(file);
    return b->n > 0;
}

static int compare(const battery *b, const battery *committed, const char *what)
{
    int wrong = 0;
    for (int i = 0; i < b->n; i++) {
        int k = 0;
        while (k < committed->n && strcmp(b->lines[i].name, committed->lines[k].name))
            k++;
        if (k < committed->n && b->lines[i].hash == committed->lines[k].hash)
            continue;
        printf("%s: %s is %016" PRIx64 "%s\n", what, b->lines[i].name, b->lines[i].hash,
               k < committed->n ? ", not the committed value" : ", not in the committed file");
        wrong++;
    }
    if (b->n < committed->n)
        printf("%s: %d lines, %d committed\n", what, b->n, committed->n);
    return wrong + (b->n < committed->n);
}

int main(int argc, char **argv)
{
    static battery now, committed;
    int update = 0, interpreter = 0, failed = 0, passed = 0;
    for (int i = 3; i < argc; i++) {
        update |= !strcmp(argv[i], "--update");
        interpreter |= !strcmp(argv[i], "--interpreter");
    }
    if (argc < 3) {
        fprintf(stderr, "usage: digest OPS.md DIGEST.txt [--update] [--interpreter]\n");
        return 2;
    }
    for (int d = 0; d < N_DTYPES; d++)
        for (int i = 0; i < 3; i++) {
            values[d][i] = malloc(N * 8);
            fill(dtypes[d], values[d][i], N, i);
        }
    if (!update && !read_file(&committed, argv[2])) {
        printf("%s cannot be read: make it with --update\n", argv[2]);
        return 1;
    }
    for (int level = -1; level < 0 || (!interpreter && op_isa_level(level)); level++) {
        op_options options = {.flags = OP_ENGINE_NO_ENV | (level < 0 ? OP_ENGINE_INTERPRET : 0),
                              .threads = 1,
                              .isa = level < 0 ? NULL : op_isa_level(level)};
        now.engine = op_engine_new(&options);
        for (int threads = 1; threads <= 2; threads++) {
            char what[64];
            snprintf(what, sizeof what, "%s, %d thread%s", level < 0 ? "interpreter" : options.isa, threads,
                     threads > 1 ? "s" : "");
            if (!now.engine || op_engine_set_threads(now.engine, threads) != OP_OK)
                return 2;
            run_battery(&now, argv[1]);
            if (update && level < 0 && threads == 1) {
                if (!write_file(&now, argv[2])) {
                    fprintf(stderr, "digest: %s cannot be written\n", argv[2]);
                    return 2;
                }
                committed = now;
            }
            int wrong = compare(&now, &committed, what);
            printf("%s: %d lines, %d differ\n", what, now.n, wrong);
            failed += wrong || now.broken;
            passed += !wrong && !now.broken;
        }
        op_engine_free(now.engine);
    }
    for (int d = 0; d < N_DTYPES; d++)
        for (int i = 0; i < 3; i++)
            free(values[d][i]);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
