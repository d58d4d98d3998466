/* The loops of hand.c for one dtype T; included once for each, without a guard. */

#define COST(...)
#define ROW(name, formula, inputs, low, high, expression, costs, ulp, wins)                                            \
    static void NAME(name)(const hand_part *p)                                                                         \
    {                                                                                                                  \
        const T *restrict in_a = p->in[0], *restrict in_b = p->in[1], *restrict in_c = p->in[2];                       \
        const T *restrict in_d = p->in[3];                                                                             \
        T *restrict y = p->out;                                                                                        \
        const int64_t end = p->end;                                                                                    \
        for (int64_t i = p->begin; i < end; i++) {                                                                     \
            const T a = in_a[i], b = in_b[i], c = in_c[i], d = in_d[i];                                                \
            (void)a, (void)b, (void)c, (void)d;                                                                        \
            y[i] = expression;                                                                                         \
        }                                                                                                              \
    }
#define SPECIAL(name, formula, inputs, low, high, kind, costs, ulp, wins)
#include "rows.def"
#undef ROW
#undef SPECIAL

/* ---- Vectors ---- */

static T NAME(sum_of_part)(const hand_part *p)
{
    const T *restrict b = p->in[1], *restrict c = p->in[2];
    const int64_t end = p->end;
    T sum = 0;
    for (int64_t i = p->begin; i < end; i++)
        sum += b[i] * c[i];
    return sum;
}

static void NAME(sum)(const hand_part *p)
{
    p->parts[p->me][0] = NAME(sum_of_part)(p);
    p->wait();
    if (p->me == 0)
        *(T *)p->out = (T)total(p, p->threads, 0);
}

/* Around the first element, so that the squares do not cancel; blocks, so that floats do not pile up. */
static void NAME(meanvar)(const hand_part *p)
{
    const T *restrict b = p->in[1];
    const T near = b[0];
    double sum = 0, squares = 0;
    for (int64_t i0 = p->begin; i0 < p->end; i0 += 8192) {
        const int64_t end = i0 + 8192 < p->end ? i0 + 8192 : p->end;
        T s = 0, q = 0;
        for (int64_t i = i0; i < end; i++) {
            T d = b[i] - near;
            s += d;
            q += d * d;
        }
        sum += s;
        squares += q;
    }
    p->parts[p->me][0] = sum;
    p->parts[p->me][1] = squares;
    p->wait();
    if (p->me == 0) {
        double n = (double)p->cols, mean = total(p, p->threads, 0) / n;
        *(T *)p->out = (T)(near + mean + (total(p, p->threads, 1) / n - mean * mean));
    }
}

/* Several threads add up first what is before each of them. */
static void NAME(cumsum)(const hand_part *p)
{
    const T *restrict b = p->in[1], *restrict c = p->in[2];
    T *restrict y = p->out;
    const int64_t end = p->end;
    T sum = 0;
    if (p->threads > 1) {
        p->parts[p->me][0] = NAME(sum_of_part)(p);
        p->wait();
        sum = (T)total(p, p->me, 0);
    }
    for (int64_t i = p->begin; i < end; i++)
        y[i] = sum += b[i] * c[i];
}

/* The smallest of each block, which is looked for only if it is smaller than those before. */
static void NAME(argmin)(const hand_part *p)
{
    const T *restrict b = p->in[1], *restrict c = p->in[2];
    T least = (T)FLT_MAX, value[512];
    int64_t at = p->begin;
    for (int64_t i0 = p->begin; i0 < p->end; i0 += 512) {
        int64_t count = p->end - i0 < 512 ? p->end - i0 : 512, k = 0;
        T low = (T)FLT_MAX;
        for (int64_t i = 0; i < count; i++) {
            T x = b[i0 + i] - K(0.25), y = c[i0 + i] - K(0.5);
            value[i] = x * x + y * y;
            low = value[i] < low ? value[i] : low;
        }
        if (!(low < least))
            continue;
        while (value[k] != low)
            k++;
        least = low;
        at = i0 + k;
    }
    p->parts[p->me][0] = least;
    p->parts[p->me][1] = (double)at;
    p->wait();
    if (p->me == 0)
        *(int64_t *)p->out = place_of_least(p);
}

/* ---- Matrices ---- */

/* Columns, four rows at once. */
static void NAME(sum0)(const hand_part *p)
{
    const T *restrict b = p->in[1];
    T *restrict y = p->out;
    const int64_t rows = p->rows, cols = p->cols;
    for (int64_t j = p->begin; j < p->end; j++)
        y[j] = 0;
    for (int64_t i = 0; i < rows; i += 4) {
        const T *x = b + i * cols;
        if (i + 4 <= rows)
            for (int64_t j = p->begin; j < p->end; j++)
                y[j] += (x[j] + x[cols + j]) + (x[2 * cols + j] + x[3 * cols + j]);
        else
            for (int64_t k = i; k < rows; k++)
                for (int64_t j = p->begin; j < p->end; j++)
                    y[j] += b[k * cols + j];
    }
}

static void NAME(sum1)(const hand_part *p)
{
    const T *restrict b = p->in[1];
    T *restrict y = p->out;
    for (int64_t i = p->begin; i < p->end; i++) {
        T sum = 0;
        for (int64_t j = 0; j < p->cols; j++)
            sum += b[i * p->cols + j];
        y[i] = sum;
    }
}

static void NAME(softmax)(const hand_part *p)
{
    const int64_t cols = p->cols;
    for (int64_t i = p->begin; i < p->end; i++) {
        const T *restrict x = (const T *)p->in[1] + i * cols;
        T *restrict y = (T *)p->out + i * cols;
        T top = x[0], sum = 0;
        for (int64_t j = 0; j < cols; j++)
            top = x[j] > top ? x[j] : top;
        for (int64_t j = 0; j < cols; j++)
            sum += y[j] = EXP(x[j] - top);
        const T factor = 1 / sum;
        for (int64_t j = 0; j < cols; j++)
            y[j] *= factor;
    }
}

/* Adds `at_once` rows of a block of columns to its sums; `near` is a row, so that the squares do not cancel. */
static inline __attribute__((always_inline)) void NAME(add_rows)(const T *restrict b, const T *restrict near,
                                                                 int64_t cols, int64_t count, int at_once,
                                                                 T *restrict sum, T *restrict squares)
{
    for (int64_t j = 0; j < count; j++) {
        T s = 0, q = 0;
        for (int k = 0; k < at_once; k++) {
            T d = b[k * cols + j] - near[j];
            s += d;
            q += d * d;
        }
        sum[j] += s;
        squares[j] += q;
    }
}

/* Blocks of columns, whose sums stay in the first cache. */
static void NAME(standardise)(const hand_part *p)
{
    enum { BLOCK = 512 };
    const int64_t rows = p->rows, cols = p->cols;
    for (int64_t j0 = p->begin; j0 < p->end; j0 += BLOCK) {
        const T *restrict b = (const T *)p->in[1] + j0;
        T *restrict y = (T *)p->out + j0, sum[BLOCK] = {0}, squares[BLOCK] = {0};
        const int64_t count = p->end - j0 < BLOCK ? p->end - j0 : BLOCK;
        int64_t i = 0;
        for (; i + 4 <= rows; i += 4)
            NAME(add_rows)(b + i * cols, b, cols, count, 4, sum, squares);
        for (; i < rows; i++)
            NAME(add_rows)(b + i * cols, b, cols, count, 1, sum, squares);
        for (int64_t j = 0; j < count; j++) {
            T mean = sum[j] / (T)rows;
            sum[j] = b[j] + mean;
            squares[j] = 1 / SQRT(squares[j] / (T)rows - mean * mean);
        }
        for (i = 0; i < rows; i++)
            for (int64_t j = 0; j < count; j++)
                y[i * cols + j] = (b[i * cols + j] - sum[j]) * squares[j];
    }
}

/* In blocks of 16 columns, so that a cache line of b serves several rows. */
static void NAME(transpose)(const hand_part *p)
{
    const T *restrict b = p->in[1], *restrict c = p->in[2];
    T *restrict y = p->out;
    const int64_t side = p->cols;
    for (int64_t i0 = p->begin; i0 < p->end; i0 += 16) {
        int64_t i1 = i0 + 16 < p->end ? i0 + 16 : p->end;
        for (int64_t j0 = 0; j0 < side; j0 += 16) {
            int64_t j1 = j0 + 16 < side ? j0 + 16 : side;
            for (int64_t i = i0; i < i1; i++)
                for (int64_t j = j0; j < j1; j++)
                    y[i * side + j] = b[j * side + i] + c[i * side + j];
        }
    }
}

/* Rows of the result, which has two rows and two columns less. */
static void NAME(jacobi)(const hand_part *p)
{
    const T *restrict b = p->in[1];
    T *restrict y = p->out;
    const int64_t side = p->cols, end = p->end;
    for (int64_t i = p->begin; i < end; i++)
        for (int64_t j = 0; j < side - 2; j++)
            y[i * (side - 2) + j] = K(0.25) * ((b[i * side + j + 1] + b[(i + 2) * side + j + 1]) +
                                               (b[(i + 1) * side + j] + b[(i + 1) * side + j + 2]));
}

#undef T
#undef K
#undef SIN
#undef COS
#undef EXP
#undef LOG
#undef LOG1P
#undef SQRT
#undef TANH
#undef POW
#undef ATAN2
#undef NAME
#undef COST
