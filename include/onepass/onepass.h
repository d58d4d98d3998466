/* onepass: array expressions, evaluated in one pass over memory.
 *
 *     op_engine *eng = op_engine_new(NULL);
 *     op_graph  *g   = op_graph_new(eng);
 *     op_expr   *B   = op_input(g, OP_VIEW_1D(OP_F64, b, n));
 *     op_expr   *C   = op_input(g, OP_VIEW_1D(OP_F64, c, n));
 *     op_expr   *A   = op_add(op_sin(B), C);                      // nothing is computed yet
 *     if (op_eval(A, OP_VIEW_1D(OP_F64, a, n)) != OP_OK)          // one fused, parallel loop
 *         fprintf(stderr, "%s\n", op_last_error()->message);
 *     op_graph_free(g);
 *     op_engine_free(eng);
 *
 * This header is the manual of the C interface; the builders of the operations (op_add, op_sin, ...)
 * are listed in ops.h, which is printed from the op table. sugar.h lets numbers stand where
 * expressions do.
 *
 * Threads: an engine may be used by any number of threads at once. A graph, and the expressions in
 * it, belong to one thread at a time. A compiled kernel (op_kernel) may be run by many threads at
 * once. Nothing in this library prints, exits, installs a signal handler, or changes the
 * floating-point state of the caller. */
#ifndef ONEPASS_H
#define ONEPASS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define OP_API __attribute__((visibility("default")))
#define OP_MUST_CHECK __attribute__((warn_unused_result))
#else
#define OP_API
#define OP_MUST_CHECK
#endif

/* ---- Version ---------------------------------------------------------------------------------- */

#define OP_VERSION_MAJOR 0
#define OP_VERSION_MINOR 1
#define OP_VERSION_PATCH 0
#define OP_VERSION (OP_VERSION_MAJOR * 10000 + OP_VERSION_MINOR * 100 + OP_VERSION_PATCH)

/* The version of the library that runs; equal to OP_VERSION unless header and library differ. */
OP_API int op_version(void);
/* The same as text, such as "0.1.0". Static storage. */
OP_API const char *op_version_text(void);

/* ---- Status and errors -------------------------------------------------------------------------- */

/* X(code, text): the one list of what can go wrong. Numbers are never reused. */
#define OP_STATUS_TABLE(X)                                                                         \
    X(OP_OK, 0, "success")                                                                         \
    X(OP_ERR_INVALID, 1, "invalid argument")                                                       \
    X(OP_ERR_DTYPE, 2, "dtype not accepted")                                                       \
    X(OP_ERR_SHAPE, 3, "shapes do not fit")                                                        \
    X(OP_ERR_MEMORY, 4, "out of memory")                                                           \
    X(OP_ERR_PARSE, 5, "formula not understood")                                                   \
    X(OP_ERR_NAME, 6, "unknown name")                                                              \
    X(OP_ERR_IO, 7, "input or output failed")                                                      \
    X(OP_ERR_FORMAT, 8, "file format not understood")                                              \
    X(OP_ERR_OVERLAP, 9, "outputs overlap")                                                        \
    X(OP_ERR_RANGE, 10, "value out of range")                                                      \
    X(OP_ERR_UNSUPPORTED, 11, "not supported")                                                     \
    X(OP_ERR_CANCELLED, 12, "cancelled")                                                           \
    X(OP_ERR_LIMIT, 13, "limit exceeded")                                                          \
    X(OP_ERR_BACKEND, 14, "compiler backend failed")                                               \
    X(OP_ERR_INTERNAL, 15, "internal error")

typedef enum op_status {
#define OP_STATUS_ENUM(code, number, text) code = number,
    OP_STATUS_TABLE(OP_STATUS_ENUM)
#undef OP_STATUS_ENUM
} op_status;

/* What went wrong, in one sentence. op: the operation's name or NULL; operand: which one, from 0, or
 * -1; begin, end: bytes of the formula that the error is about, equal when there is no such place. */
typedef struct op_error {
    op_status code;
    char message[512];
    const char *op;
    int operand;
    int64_t begin, end;
} op_error;

/* The text of a status code. Static storage; never NULL. */
OP_API const char *op_status_text(op_status status);
/* The last error of the calling thread; never NULL, and valid until the thread's next failing call. */
OP_API const op_error *op_last_error(void);

/* ---- Dtypes ------------------------------------------------------------------------------------- */

/* Zero is no dtype, so that a zeroed view is an error. In this version arrays are OP_BOOL, the
 * integers, OP_F32 and OP_F64; the others have their numbers and are refused with a sentence. */
typedef enum op_dtype {
    OP_BOOL = 1,
    OP_I8,
    OP_I16,
    OP_I32,
    OP_I64,
    OP_U8,
    OP_U16,
    OP_U32,
    OP_U64,
    OP_F16,
    OP_BF16,
    OP_F32,
    OP_F64,
    OP_C64,
    OP_C128
} op_dtype;

/* "f64", ...; "?" for what is no dtype. Static storage. */
OP_API const char *op_dtype_name(op_dtype dtype);
/* Bytes of one element; 0 for what is no dtype. */
OP_API int64_t op_dtype_size(op_dtype dtype);
/* The dtype of "f64", "float64", "<f8", "double", ...; 0 if there is none of that name. */
OP_API op_dtype op_dtype_from_name(const char *name);

/* ---- Views: where an array lies; a plain value --------------------------------------------------- */

enum { OP_MAX_NDIM = 64 };

typedef struct op_view {
    union {
        void *data;
        const void *cdata;
    };
    op_dtype dtype;
    int ndim;
    int64_t shape[OP_MAX_NDIM];   /* elements */
    int64_t strides[OP_MAX_NDIM]; /* bytes; may be 0 or negative */
} op_view;

/* An array of any layout; byte_strides NULL means C order. Only the first ndim entries are set.
 * A negative or too large ndim, or a C-order size past INT64_MAX bytes, gives a view that every
 * call refuses. */
static inline op_view op_view_nd(op_dtype dtype, const void *data, int ndim, const int64_t *shape,
                                 const int64_t *byte_strides)
{
    op_view view;
    view.cdata = data;
    view.dtype = dtype;
    view.ndim = ndim;
    int64_t stride = op_dtype_size(dtype);
    for (int i = ndim <= OP_MAX_NDIM ? ndim - 1 : -1; i >= 0; i--) {
        view.shape[i] = shape[i];
        view.strides[i] = byte_strides ? byte_strides[i] : stride;
        if (byte_strides || shape[i] <= 0)
            continue;
        if (stride > INT64_MAX / shape[i])
            view.ndim = -1;
        else
            stride *= shape[i];
    }
    return view;
}
/* One element, no dimension. */
static inline op_view op_view_0d(op_dtype dtype, const void *data)
{
    return op_view_nd(dtype, data, 0, NULL, NULL);
}
/* n elements, one after another. */
static inline op_view op_view_1d(op_dtype dtype, const void *data, int64_t n)
{
    return op_view_nd(dtype, data, 1, &n, NULL);
}
/* rows times cols elements in C order. */
static inline op_view op_view_2d(op_dtype dtype, const void *data, int64_t rows, int64_t cols)
{
    int64_t shape[2];
    shape[0] = rows;
    shape[1] = cols;
    return op_view_nd(dtype, data, 2, shape, NULL);
}
#define OP_VIEW_0D(dtype, data) op_view_0d(dtype, data)
#define OP_VIEW_1D(dtype, data, n) op_view_1d(dtype, data, n)
#define OP_VIEW_2D(dtype, data, rows, cols) op_view_2d(dtype, data, rows, cols)

/* ---- Engine --------------------------------------------------------------------------------------- */

typedef struct op_engine op_engine;
typedef struct op_graph op_graph;
typedef struct op_expr op_expr;
typedef struct op_kernel op_kernel;
typedef struct op_array op_array;

enum {
    OP_ENGINE_NO_ENV = 1,      /* read no environment variable */
    OP_ENGINE_INTERPRET = 2,   /* never compile: the interpreter runs everything */
    OP_ENGINE_VERIFY = 4,      /* check plans and emitted IR after every pass */
};

/* Zero everywhere means default, in this and in all option structs; flags that this version does not know and
 * reserved words that are not zero are errors. */
typedef struct op_options {
    /* Memory for arrays and internal tables: alloc returns `bytes` bytes at a multiple of 64, or NULL.
     * Both or neither. */
    void *(*alloc)(size_t bytes, void *ctx);
    void (*free)(void *memory, void *ctx);
    void *alloc_ctx;
    /* The host's own pool: call chunk(chunk_ctx, i) once for each 0 <= i < n, in any order, on any
     * threads, and return when all are done. NULL: OpenMP. */
    void (*parallel_for)(void *ctx, int64_t n, void (*chunk)(void *chunk_ctx, int64_t i), void *chunk_ctx);
    void *parallel_ctx;
    /* Receives the text of the debug letters (environment variable ONEPASS_DEBUG), a line at a time.
     * NULL: standard error, and only if ONEPASS_DEBUG asks for it. */
    void (*log)(const char *line, void *ctx);
    void *log_ctx;
    const char *cache_dir; /* reserved for kernels on disk */
    int threads;           /* at most so many; 0: one per core that the process may use */
    const char *isa;       /* "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "armv8-a"; NULL: the
                              best that this machine runs. $ONEPASS_ISA is the same. */
    unsigned flags;        /* OP_ENGINE_... */
    uint64_t reserved[16];
} op_options;

/* A new engine: the thread budget and the cache of compiled kernels. options may be NULL and is
 * copied. Returns NULL on error (op_last_error says why). Free with op_engine_free. Cheap: no thread
 * is started and no compiler loaded until they are needed. */
OP_API op_engine *op_engine_new(const op_options *options);
/* Gives the caller's reference back; the engine ends when its graphs, kernels and arrays have ended
 * too. NULL is fine. */
OP_API void op_engine_free(op_engine *engine);
/* At most n threads from now on; 0: one per core. Any thread. */
OP_API op_status op_engine_set_threads(op_engine *engine, int n) OP_MUST_CHECK;
/* Stops what is in flight: those calls return OP_ERR_CANCELLED and their outputs' content is
 * unspecified. Async-signal-safe. */
OP_API void op_cancel(op_engine *engine);
/* The name of the instruction-set level that this engine compiles for. Static storage. */
OP_API const char *op_engine_isa(const op_engine *engine);
/* The i-th instruction-set level that this machine can run, from the poorest; NULL past the last. */
OP_API const char *op_isa_level(int i);

/* Counters since the engine was made. */
typedef struct op_stats {
    int64_t compiles;        /* kernels compiled */
    int64_t hits_memory;     /* kernels found in memory */
    int64_t hits_disk;       /* kernels found on disk */
    int64_t interpreted;     /* launches that the interpreter ran */
    int64_t launches;        /* kernels run */
    double compile_seconds;
    double run_seconds;
    int64_t bytes;           /* read and written by launches */
    uint64_t reserved[16];
} op_stats;
OP_API op_status op_engine_stats(op_engine *engine, op_stats *stats) OP_MUST_CHECK;

/* ---- Graph and leaves ----------------------------------------------------------------------------- */

/* A new, empty graph; it holds a reference to its engine. NULL on error. Free with op_graph_free,
 * which frees every expression in it. */
OP_API op_graph *op_graph_new(op_engine *engine);
OP_API void op_graph_free(op_graph *graph);
/* The first error since the graph was made or cleared; never NULL, code OP_OK if there is none. */
OP_API const op_error *op_graph_error(const op_graph *graph);
OP_API void op_graph_clear_error(op_graph *graph);
/* For loops that build expressions: release drops every node made since the mark. */
OP_API int64_t op_graph_mark(op_graph *graph);
OP_API void op_graph_release(op_graph *graph, int64_t mark);

/* Builders return NULL on error and accept NULL operands (a failed operand), so calls nest without
 * checks; the first error stays in the graph and op_eval returns it. Expressions are immutable, live
 * as long as their graph, and are freed with it. */

/* An array. The view is copied, the data borrowed: it must be valid during each evaluation, and is
 * never written. */
OP_API op_expr *op_input(op_graph *graph, op_view view);
/* Gives an input or any expression the name that dumps show. The text is copied. Returns expr. */
OP_API op_expr *op_named(op_expr *expr, const char *name);

/* Constants with a dtype of their own. */
OP_API op_expr *op_const_bool(op_graph *graph, int value);
OP_API op_expr *op_const_i8(op_graph *graph, int8_t value);
OP_API op_expr *op_const_i16(op_graph *graph, int16_t value);
OP_API op_expr *op_const_i32(op_graph *graph, int32_t value);
OP_API op_expr *op_const_i64(op_graph *graph, int64_t value);
OP_API op_expr *op_const_u8(op_graph *graph, uint8_t value);
OP_API op_expr *op_const_u16(op_graph *graph, uint16_t value);
OP_API op_expr *op_const_u32(op_graph *graph, uint32_t value);
OP_API op_expr *op_const_u64(op_graph *graph, uint64_t value);
OP_API op_expr *op_const_f32(op_graph *graph, float value);
OP_API op_expr *op_const_f64(op_graph *graph, double value);
/* Weak scalars: they take the dtype of what they meet, as Python's numbers do in NumPy 2. */
OP_API op_expr *op_scalar(op_graph *graph, double value);
OP_API op_expr *op_scalar_i64(op_graph *graph, int64_t value);
OP_API op_expr *op_scalar_u64(op_graph *graph, uint64_t value);
OP_API op_expr *op_scalar_bool(op_graph *graph, int value);
/* Holes, filled by op_run: `index` counts from 0 and is the place in ins[]. The shape is open. */
OP_API op_expr *op_param(op_graph *graph, int index, op_dtype dtype, int ndim);
OP_API op_expr *op_param_named(op_graph *graph, int index, const char *name, op_dtype dtype, int ndim);
/* A hole for one number that promotes like a weak scalar; filled by a 0-d view of this dtype. */
OP_API op_expr *op_param_weak(op_graph *graph, int index, op_dtype dtype);

/* What an expression is; 0, -1 and OP_ERR_INVALID for NULL. A hole leaves its extents at -1. */
OP_API op_dtype op_expr_dtype(const op_expr *expr);
OP_API int op_expr_ndim(const op_expr *expr);
OP_API op_status op_expr_shape(const op_expr *expr, int64_t *shape);

/* ---- Builders beside those of ops.h ----------------------------------------------------------------- */

/* An optional operand that is left out. */
#define OP_NONE op_none()
OP_API op_expr *op_none(void);

/* Another dtype: integers wrap, floats saturate into integers and NaN becomes 0, anything but zero
 * is true. op_cast_sat saturates integers too. */
OP_API op_expr *op_cast(op_expr *x, op_dtype dtype);
OP_API op_expr *op_cast_sat(op_expr *x, op_dtype dtype);

/* Views: no element moves. Axes may be negative, counted from the end. */
#define OP_END INT64_MAX /* a bound that is left out */
OP_API op_expr *op_slice(op_expr *x, int axis, int64_t start, int64_t stop, int64_t step);
OP_API op_expr *op_index(op_expr *x, int axis, int64_t i);       /* drops the axis */
OP_API op_expr *op_permute(op_expr *x, const int *axes);         /* axes: op_expr_ndim(x) of them */
OP_API op_expr *op_transpose(op_expr *x);                        /* reverses the axes */
OP_API op_expr *op_newaxis(op_expr *x, int axis);
OP_API op_expr *op_squeeze(op_expr *x, int axis);
OP_API op_expr *op_flip(op_expr *x, int axis);
OP_API op_expr *op_broadcast_to(op_expr *x, int ndim, const int64_t *shape);
/* C order of the elements is kept; one extent may be -1. */
OP_API op_expr *op_reshape(op_expr *x, int ndim, const int64_t *shape);

/* Which axes a reduction removes. */
typedef struct op_axes {
    int count; /* -1: all */
    signed char axis[OP_MAX_NDIM];
} op_axes;
OP_API op_axes op_axes_all(void);
OP_API op_axes op_axes_of(int count, const int *axes);
#define OP_ALL op_axes_all()
#ifdef __cplusplus
} /* extern "C" */
template <typename... Ints> inline op_axes op_axes_list(Ints... ints)
{
    const int list[] = {ints...};
    return op_axes_of(static_cast<int>(sizeof...(ints)), list);
}
extern "C" {
#define OP_AXES(...) op_axes_list(__VA_ARGS__)
#else
#define OP_AXES(...)                                                                               \
    op_axes_of((int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)), (const int[]){__VA_ARGS__})
#endif
#define OP_AXIS(a) OP_AXES(a)

enum { OP_KEEPDIMS = 1 }; /* reduced axes stay, with extent 1 */

/* Zero everywhere means default. An option that has no meaning in a reduction is an error: argmax's dtype. */
typedef struct op_reduce_options {
    int flags;         /* OP_KEEPDIMS */
    op_dtype dtype;    /* of the accumulator and the result; 0: NumPy's choice */
    op_expr *where;    /* bool; elements where it is false are left out; NULL: all count */
    op_expr *initial;  /* the value that the reduction starts from; NULL: the identity */
    double ddof;       /* var and std divide by n - ddof */
    int compensated;   /* sums and means: carry the rounding errors along, so that the sum is right to 1 ULP unless
                        * terms cancel to some n * 2^-100 (f32: 2^-44) of their size. `initial` is added after it.
                        * Infinities and NaNs are those of the plain sum */
    uint64_t reserved[16];
} op_reduce_options;

/* Reductions made of those in ops.h. In C each has the form of op_sum: axes, and flags or options. */
/* Arithmetic mean; integers in f64. */
OP_API op_expr *op_mean(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_mean_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* Variance, dividing by n - ddof; in one pass, in f64. */
OP_API op_expr *op_var(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_var_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* Square root of the variance. */
OP_API op_expr *op_std(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_std_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* Largest minus smallest element. */
OP_API op_expr *op_ptp(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_ptp_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* How many elements are not zero, i64. */
OP_API op_expr *op_count_nonzero(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_count_nonzero_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* As sum, mean, ..., leaving the NaNs out. */
OP_API op_expr *op_nansum(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_nansum_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
OP_API op_expr *op_nanprod(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_nanprod_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
OP_API op_expr *op_nanmean(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_nanmean_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
OP_API op_expr *op_nanvar(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_nanvar_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
OP_API op_expr *op_nanstd(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_nanstd_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* Sum of magnitudes, root of the sum of squares, largest magnitude. */
OP_API op_expr *op_norm1(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_norm1_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
OP_API op_expr *op_norm2(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_norm2_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
OP_API op_expr *op_norm_inf(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_norm_inf_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* log(sum(exp(x))) without overflow. */
OP_API op_expr *op_logsumexp(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_logsumexp_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* exp(x) / sum(exp(x)) without overflow: exp(x - max(x)) times the reciprocal of its sum. The shape of x. */
OP_API op_expr *op_softmax(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_softmax_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* Index (i64) of the first largest or smallest element, or of the first NaN. */
OP_API op_expr *op_argmax(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_argmax_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
OP_API op_expr *op_argmin(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_argmin_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* sum(a * b) of two vectors; op_vdot: of arrays of any equal shape. Scalars multiply. */
OP_API op_expr *op_dot(op_expr *a, op_expr *b);
OP_API op_expr *op_inner(op_expr *a, op_expr *b);
OP_API op_expr *op_vdot(op_expr *a, op_expr *b);

/* The normal distribution with mean loc and standard deviation scale; OP_NONE leaves them at 0 and 1. A
 * scale that is not positive gives NaN. Integers in f64. */
/* Density, and its logarithm. */
OP_API op_expr *op_norm_pdf(op_expr *x, op_expr *loc, op_expr *scale);
OP_API op_expr *op_norm_logpdf(op_expr *x, op_expr *loc, op_expr *scale);
/* The probability of at most x, and its logarithm. */
OP_API op_expr *op_norm_cdf(op_expr *x, op_expr *loc, op_expr *scale);
OP_API op_expr *op_norm_logcdf(op_expr *x, op_expr *loc, op_expr *scale);
/* The probability of more than x, without cancellation, and its logarithm. */
OP_API op_expr *op_norm_sf(op_expr *x, op_expr *loc, op_expr *scale);
OP_API op_expr *op_norm_logsf(op_expr *x, op_expr *loc, op_expr *scale);
/* The inverses of cdf and of sf: NaN unless 0 <= p <= 1. */
OP_API op_expr *op_norm_ppf(op_expr *p, op_expr *loc, op_expr *scale);
OP_API op_expr *op_norm_isf(op_expr *p, op_expr *loc, op_expr *scale);

/* Scans along one axis (negative: from the end), of the shape of x: running sums, products and extremes.
 * Small integers accumulate in i64 or u64. The order of a running sum is fixed by the length alone:
 * blocks of 1024 elements are summed one after another, and so are their totals. */
OP_API op_expr *op_cumsum(op_expr *x, int axis);
OP_API op_expr *op_cumprod(op_expr *x, int axis);
OP_API op_expr *op_cummax(op_expr *x, int axis);
OP_API op_expr *op_cummin(op_expr *x, int axis);
/* x[i + 1] - x[i]: one element shorter along the axis; of bools: not equal. */
OP_API op_expr *op_diff(op_expr *x, int axis);

/* How many elements of x, of any shape, are 0, 1, ..., bins - 1: i64[bins]. As NumPy's bincount with
 * minlength, but that the shape of a result cannot depend on data: what is negative (an error there) or
 * larger than the last bin (there the result grows) is not counted. Integers and bools. To leave elements
 * out, give them the place -1: op_where(mask, x, -1), of a signed x (of another, -1 wraps). 1 to 2^24 bins. */
OP_API op_expr *op_bincount(op_expr *x, int64_t bins);
typedef struct op_count_options {
    op_expr *where;   /* bool; elements where it is false are left out; NULL: all count */
    op_expr *weights; /* a bin is the sum of its elements' weights, which broadcast to x; NULL: 1 each */
    uint64_t reserved[16];
} op_count_options;
/* The same with options, which may be NULL. Weights are added up in f64, in an order that the numbers of elements and
 * of bins alone decide (up to 8192 bins: 65536 elements one after another, and so their totals): f64[bins]. */
OP_API op_expr *op_bincount_opt(op_expr *x, int64_t bins, const op_count_options *options);
/* How many elements of x, of any shape, lie in each of `bins` bins of equal width between lo and hi: i64[bins],
 * as NumPy's histogram(x, bins, range=(lo, hi))[0] of two floats. A bin has its lower edge, the last one both;
 * what is outside, and NaN, is not counted. lo < hi, both finite; 1 to 2^24 bins, not so narrow that edges meet. */
OP_API op_expr *op_histogram(op_expr *x, int64_t bins, double lo, double hi);
/* The same with options, which may be NULL. The result has the dtype of the weights, as NumPy's: f32 is rounded from
 * the sum in f64; integers are exact and wrap, while NumPy adds them in f64. */
OP_API op_expr *op_histogram_opt(op_expr *x, int64_t bins, double lo, double hi, const op_count_options *options);

/* ---- Evaluation ------------------------------------------------------------------------------------- */

/* One result into the caller's view. The output may overlap the inputs: the result is as if every
 * input had been read first. Casting to the output's dtype follows NumPy's same_kind rule. An
 * element-wise result broadcasts into a larger output; a reduction's shape must match. */
OP_API op_status op_eval(op_expr *expr, op_view out) OP_MUST_CHECK;
/* Several results in one pass. Outputs must not overlap each other. */
OP_API op_status op_eval_many(op_graph *graph, int n, op_expr *const *exprs, const op_view *outs) OP_MUST_CHECK;
/* Allocates the result (64-byte aligned, C order); free it with op_array_free. An array holds a
 * reference to its engine. */
OP_API op_status op_compute(op_expr *expr, op_array **array) OP_MUST_CHECK;
OP_API op_view op_array_view(const op_array *array);
OP_API void op_array_free(op_array *array);

typedef struct op_run_options {
    int threads;          /* at most so many; 0: the engine's number */
    unsigned flags;       /* none yet */
    const int *cancel;    /* becomes non-zero: stop and return OP_ERR_CANCELLED */
    void (*progress)(void *ctx, double done); /* 0..1, from one thread at a time */
    void *ctx;
    uint64_t reserved[16];
} op_run_options;
/* For op_eval and its kin, which take none. NULL: defaults. Copied. */
OP_API op_status op_graph_set_run_options(op_graph *graph, const op_run_options *options) OP_MUST_CHECK;

/* Prepared kernels: the graph with its holes, planned and compiled once. The kernel owns a copy of
 * what it needs and outlives the graph; bound inputs stay bound. */
OP_API op_status op_compile(op_graph *graph, int n, op_expr *const *exprs, op_kernel **kernel) OP_MUST_CHECK;
/* ins[i] fills hole i, outs[k] receives the k-th result. Sizes and broadcasting are settled here; a
 * new access class (a strided view where a contiguous one was) may compile. options may be NULL.
 * Any number of threads at once. */
OP_API op_status op_run(const op_kernel *kernel, int n_in, const op_view *ins, int n_out, const op_view *outs,
                        const op_run_options *options) OP_MUST_CHECK;
OP_API void op_kernel_free(op_kernel *kernel);

/* ---- Formulas --------------------------------------------------------------------------------------- */

/* The formula language is described in docs/formula.md. names[i] stands for exprs[i]; a name that is
 * not in the list is an error. The expression belongs to the graph. A formula of several statements
 * gives its last one. */
OP_API op_status op_parse(op_graph *graph, const char *text, int n, const char *const *names, op_expr *const *exprs,
                          op_expr **expr) OP_MUST_CHECK;
/* `s = sin(b); y = s + c`: every assigned name is an output. *n_out: in, the room in out_names and
 * out_exprs; out, how many outputs there are. The names point into the graph. */
OP_API op_status op_parse_many(op_graph *graph, const char *text, int n, const char *const *names,
                               op_expr *const *exprs, int *n_out, const char **out_names,
                               op_expr **out_exprs) OP_MUST_CHECK;
/* Calls found(ctx, name) once for each name that the formula uses and does not define itself. */
OP_API op_status op_formula_names(const char *text, void (*found)(void *ctx, const char *name), void *ctx) OP_MUST_CHECK;

/* ---- Files ------------------------------------------------------------------------------------------ */

/* Reads an array from "x.npy", "x.npz" (one member) or "x.npz:member". Uncompressed data is mapped
 * read-only. Free with op_array_free. Needs the array's dtype to be one of ours. */
OP_API op_status op_load(op_engine *engine, const char *path, op_array **array) OP_MUST_CHECK;
/* Writes an array as .npy, whole or not at all (temporary file, then rename). */
OP_API op_status op_save(const char *path, op_view view) OP_MUST_CHECK;

/* ---- Looking in ------------------------------------------------------------------------------------- */

typedef enum op_dump_what {
    OP_DUMP_GRAPH = 1, /* the expression tree */
    OP_DUMP_PLAN,      /* stages, iteration space, access classes, bytes */
    OP_DUMP_SIGNATURE, /* the cache key in words */
    OP_DUMP_IR,        /* LLVM IR as emitted */
    OP_DUMP_IR_OPT,    /* LLVM IR as compiled */
    OP_DUMP_ASM,       /* assembly of the level in use */
    OP_DUMP_EXPLAIN    /* every pass over memory, its bytes, and why its kernel was or was not cached */
} op_dump_what;
/* Writes text about what evaluating expr would do; nothing is evaluated. An open extent is taken as
 * a large one. */
OP_API op_status op_dump(op_expr *expr, op_dump_what what, FILE *file) OP_MUST_CHECK;
OP_API op_status op_dump_to(op_expr *expr, op_dump_what what, void (*write)(void *ctx, const char *text, size_t n),
                            void *ctx) OP_MUST_CHECK;
/* The same of several expressions of one graph that are evaluated together, as by op_eval_many: they share passes. */
OP_API op_status op_dump_many(op_graph *graph, int n, op_expr *const *exprs, op_dump_what what,
                              FILE *file) OP_MUST_CHECK;

/* What the last evaluation of this graph did. */
typedef struct op_launch {
    uint64_t signature;      /* hash of the last kernel's key */
    int passes;              /* over memory: of more than scalars; stages that share rows or pieces in cache are one */
    int kernels;             /* kernels launched */
    int compiles;            /* of them, compiled now */
    int hits_memory;
    int hits_disk;
    int threads;             /* the most that one kernel used */
    int interpreted;         /* kernels that the interpreter ran */
    const char *isa;         /* static storage */
    const char *miss;        /* why the last lookup missed; "" if it did not; static storage */
    double compile_seconds;
    double run_seconds;
    int64_t bytes;
    int64_t scratch_bytes;   /* temporaries beyond inputs and outputs */
    uint64_t reserved[16];
} op_launch;
OP_API op_status op_last_launch(const op_graph *graph, op_launch *launch) OP_MUST_CHECK;

#include "onepass/ops.h"

#ifdef __cplusplus
}
#endif
#endif
