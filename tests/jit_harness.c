/* Tests the backend alone: every operation, cast, access class and level against plain C, bit by bit, with
 * buffers that end where readable memory ends. Arguments: the shared object; "speed" for timings. */
#pragma GCC diagnostic ignored "-Wtype-limits" /* a < 0 of an unsigned a, in the C columns of the op table */

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/dtype.h"
#include "math/functions.h"
#include "plan/abi.h"
#include "plan/backend.h"
#include "plan/program.h"

static const op_backend *backend;
static int failures, checks;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fatal(const char *reason)
{
    fprintf(stderr, "fatal: %s\n", reason);
    exit(1);
}

/* ---- The call table ---- */

#define RARE_1(type, name)                                                                                             \
    static void rare_##type##_##name(OP_RARE_CTYPE_##type *y, const OP_RARE_CTYPE_##type *x1,                          \
                                     const OP_RARE_CTYPE_##type *x2, const uint8_t *mask, int64_t n)                   \
    {                                                                                                                  \
        (void)x2;                                                                                                      \
        for (int64_t i = 0; i < n; i++)                                                                                \
            if (mask[i])                                                                                               \
                y[i] = op_rare_##type##_##name(x1[i]);                                                                 \
    }
#define RARE_2(type, name)                                                                                             \
    static void rare_##type##_##name(OP_RARE_CTYPE_##type *y, const OP_RARE_CTYPE_##type *x1,                          \
                                     const OP_RARE_CTYPE_##type *x2, const uint8_t *mask, int64_t n)                   \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++)                                                                                \
            if (mask[i])                                                                                               \
                y[i] = op_rare_##type##_##name(x1[i], x2[i]);                                                          \
    }
#define RARE(type, name, arity) RARE_##arity(type, name)
#include "math/rare.def"
#undef RARE

static void fma_f32(float *y, const float *a, const float *b, const float *c, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = fmaf(a[i], b[i], c[i]);
}

static void fma_f64(double *y, const double *a, const double *b, const double *c, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = fma(a[i], b[i], c[i]);
}

static const op_call_fn calls[OP_CALL_END] = {
#define RARE(type, name, arity) [OP_CALL_RARE_##type##_##name] = (op_call_fn)rare_##type##_##name,
#include "math/rare.def"
#undef RARE
    [OP_CALL_FMA_F32] = (op_call_fn)fma_f32,
    [OP_CALL_FMA_F64] = (op_call_fn)fma_f64,
};

/* ---- References: the C columns of the op table, a loop per operation and dtype ---- */

typedef void reference(void *y, const void *a, const void *b, const void *c, int64_t n);

#define E(...) (__VA_ARGS__)
#define NA 0
#define OUT_SAME(T) T
#define OUT_TO_BOOL(T) uint8_t
#define OUT_LOGIC(T) uint8_t
#define OUT_SELECT(T) T
#define OUT_DIVIDE(T) T
#define FIRST_SAME(T) T
#define FIRST_TO_BOOL(T) T
#define FIRST_LOGIC(T) T
#define FIRST_SELECT(T) uint8_t
#define FIRST_DIVIDE(T) T

static int64_t div_floor(int64_t a, int64_t b)
{
    if (b == 0)
        return 0;
    if (b == -1)
        return (int64_t)(0 - (uint64_t)a);
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}
static int64_t mod_floor(int64_t a, int64_t b)
{
    if (b == 0 || b == -1)
        return 0;
    int64_t r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static int64_t mod_trunc(int64_t a, int64_t b)
{
    return b == 0 || b == -1 ? 0 : a % b;
}
static uint64_t power_int(uint64_t a, uint64_t b, int is_signed_type)
{
    if (is_signed_type && (int64_t)b < 0)
        return a == 1 ? 1 : a == UINT64_MAX ? (b & 1 ? a : 1) : 0;
    uint64_t y = 1;
    for (; b; b >>= 1, a *= a)
        y = b & 1 ? y * a : y;
    return y;
}
#define SIGNED ((T)-1 < (T)1)
#define WIDTH (8 * (int)sizeof(T))
#define FLOOR_DIVIDE(a, b) (SIGNED ? (uint64_t)div_floor((int64_t)(a), (int64_t)(b)) : (b) == 0 ? 0 : A / B)
#define REMAINDER(a, b) (SIGNED ? (uint64_t)mod_floor((int64_t)(a), (int64_t)(b)) : (b) == 0 ? 0 : A % B)
#define FMOD(a, b) (SIGNED ? (uint64_t)mod_trunc((int64_t)(a), (int64_t)(b)) : (b) == 0 ? 0 : A % B)
#define POWER(a, b) power_int(A, B, SIGNED)
#define ABSOLUTE(a) (SIGNED && (int64_t)A < 0 ? 0 - A : A)
#define LEFT_SHIFT(a, b) (B >= (uint64_t)WIDTH ? 0 : A << B)
#define RIGHT_SHIFT(a, b)                                                                                              \
    (SIGNED ? (uint64_t)((int64_t)A >> (B >= (uint64_t)WIDTH ? 63 : (int)B)) : B >= (uint64_t)WIDTH ? 0 : A >> B)

#define LOOP(name, suffix, type, result, text, LOAD)                                                                   \
    static void ref_##name##_##suffix(void *y, const void *pa, const void *pb, const void *pc, int64_t n)              \
    {                                                                                                                  \
        typedef type T;                                                                                                \
        typedef FIRST_##result(T) T1;                                                                                  \
        typedef OUT_##result(T) R;                                                                                     \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            T1 a = LOAD(T1, pa);                                                                                       \
            T b = LOAD(T, pb), c = LOAD(T, pc);                                                                        \
            INTEGERS_##suffix;                                                                                         \
            (void)a, (void)b, (void)c;                                                                                 \
            ((R *)y)[i] = (R)(text);                                                                                   \
        }                                                                                                              \
    }
#define LOAD_PLAIN(T, p) (((const T *)(p))[i])
#define LOAD_BOOL(T, p) (((const T *)(p))[i] != 0)
#define ABC                                                                                                            \
    uint64_t A = (uint64_t)a, B = (uint64_t)b, C = (uint64_t)c;                                                        \
    (void)A, (void)B, (void)C
#define INTEGERS_i8 ABC
#define INTEGERS_i16 ABC
#define INTEGERS_i32 ABC
#define INTEGERS_i64 ABC
#define INTEGERS_u8 ABC
#define INTEGERS_u16 ABC
#define INTEGERS_u32 ABC
#define INTEGERS_u64 ABC
#define INTEGERS_f32 (void)0
#define INTEGERS_f64 (void)0
#define INTEGERS_bool (void)0

#define OP(name, arity, accepts, result, flags, cost, cb, ci, cf, ...)                                                 \
    LOOP(name, i8, int8_t, result, ci, LOAD_PLAIN)                                                                     \
    LOOP(name, i16, int16_t, result, ci, LOAD_PLAIN)                                                                   \
    LOOP(name, i32, int32_t, result, ci, LOAD_PLAIN)                                                                   \
    LOOP(name, i64, int64_t, result, ci, LOAD_PLAIN)                                                                   \
    LOOP(name, u8, uint8_t, result, ci, LOAD_PLAIN)                                                                    \
    LOOP(name, u16, uint16_t, result, ci, LOAD_PLAIN)                                                                  \
    LOOP(name, u32, uint32_t, result, ci, LOAD_PLAIN)                                                                  \
    LOOP(name, u64, uint64_t, result, ci, LOAD_PLAIN)                                                                  \
    LOOP(name, bool, uint8_t, result, cb, LOAD_BOOL)
#include "expr/ops.def"
#undef OP
#define MATH(f) op_math_f64_##f
#define LIBM(f) f
#define OP(name, arity, accepts, result, flags, cost, cb, ci, cf, ...) LOOP(name, f64, double, result, cf, LOAD_PLAIN)
#include "expr/ops.def"
#undef OP
#undef MATH
#undef LIBM
#define MATH(f) op_math_f32_##f
#define LIBM(name) name##f
#define OP(name, arity, accepts, result, flags, cost, cb, ci, cf, ...) LOOP(name, f32, float, result, cf, LOAD_PLAIN)
#include "expr/ops.def"
#undef OP

#define OP(name, ...)                                                                                                  \
    [OP_CODE_##name] = {[OP_BOOL] = ref_##name##_bool, [OP_I8] = ref_##name##_i8,   [OP_I16] = ref_##name##_i16,       \
                        [OP_I32] = ref_##name##_i32,   [OP_I64] = ref_##name##_i64, [OP_U8] = ref_##name##_u8,         \
                        [OP_U16] = ref_##name##_u16,   [OP_U32] = ref_##name##_u32, [OP_U64] = ref_##name##_u64,       \
                        [OP_F32] = ref_##name##_f32,   [OP_F64] = ref_##name##_f64},
static reference *const references[OP_CODE_TABLE_END][OP_DTYPE_END] = {
#include "expr/ops.def"
};
#undef OP

static double double_of(op_dtype dtype, const void *p)
{
    return dtype == OP_F32 ? (double)*(const float *)p : *(const double *)p;
}

static int64_t int_of(op_dtype dtype, const void *p)
{
    switch (dtype) {
    case OP_BOOL: return *(const uint8_t *)p != 0;
    case OP_I8: return *(const int8_t *)p;
    case OP_I16: return *(const int16_t *)p;
    case OP_I32: return *(const int32_t *)p;
    case OP_U8: return *(const uint8_t *)p;
    case OP_U16: return *(const uint16_t *)p;
    case OP_U32: return *(const uint32_t *)p;
    default: return *(const int64_t *)p;
    }
}

/* The bounds of an integer dtype. */
static void bounds(op_dtype dtype, int64_t *lo, uint64_t *hi)
{
    int is_signed_type = op_dtype_kind(dtype) == OP_KIND_I, bits = 8 * op_dtypes[dtype].size;
    *hi = UINT64_MAX >> (64 - bits + is_signed_type);
    *lo = is_signed_type ? -(int64_t)*hi - 1 : 0;
}

static void cast_one(op_dtype from, op_dtype to, int saturate, const void *x, void *y)
{
    int from_float = op_dtype_kind(from) == OP_KIND_F;
    if (to == OP_BOOL) {
        *(uint8_t *)y = from_float ? double_of(from, x) != 0 : int_of(from, x) != 0;
    } else if (to == OP_F32) {
        float f = from_float       ? (float)double_of(from, x)
                  : from == OP_U64 ? (float)(uint64_t)int_of(from, x)
                                   : (float)int_of(from, x);
        *(float *)y = f;
    } else if (to == OP_F64) {
        double d = from_float       ? double_of(from, x)
                   : from == OP_U64 ? (double)(uint64_t)int_of(from, x)
                                    : (double)int_of(from, x);
        *(double *)y = d;
    } else {
        int64_t lo, v;
        uint64_t hi;
        bounds(to, &lo, &hi);
        if (from_float) {
            double d = double_of(from, x);
            v = d != d                            ? 0
                : d >= ldexp(1, hi == UINT64_MAX ? 64 : hi == INT64_MAX ? 63 : 0) && hi >= INT64_MAX ? (int64_t)hi
                : hi < INT64_MAX && d >= (double)hi ? (int64_t)hi
                : d <= (double)lo                 ? lo
                : d < 0x1p63                      ? (int64_t)d
                                                  : (int64_t)(uint64_t)d;
        } else {
            v = int_of(from, x);
            int negative = from != OP_U64 && v < 0;
            if (saturate && negative && v < lo)
                v = lo;
            if (saturate && !negative && (uint64_t)v > hi)
                v = (int64_t)hi;
        }
        memcpy(y, &v, op_dtypes[to].size);
    }
}

/* ---- Random data ---- */

static uint64_t random_state = 88172645463325252u;
static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1du;
}

static void random_element(op_dtype dtype, void *p)
{
    static const double special[] = {0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, 1e300, -1e300, 4.5e15, 9007199254740993.0,
                                     2147483647.0, 2147483648.0, -2147483649.0, 9.3e18, 1.9e19, -9.3e18, 255.5, 1e-310,
                                     INFINITY, -INFINITY, NAN, 0.49999999999999994, 8388609.0, 4503599627370497.5};
    uint64_t r = random_bits(), kind = random_bits() % 4;
    if (op_dtype_kind(dtype) == OP_KIND_F) {
        double d = kind == 0   ? special[r % (sizeof special / sizeof special[0])]
                   : kind == 1 ? (double)(int64_t)r * 0x1p-60
                               : (double)(int64_t)r * 0x1p-44;
        float f = (float)d;
        if (kind == 3) {
            memcpy(&d, &r, sizeof d);
            memcpy(&f, &r, sizeof f);
        }
        memcpy(p, dtype == OP_F32 ? (void *)&f : (void *)&d, op_dtypes[dtype].size);
        return;
    }
    int64_t lo;
    uint64_t hi, v = r;
    bounds(dtype, &lo, &hi);
    if (kind == 0)
        v = (uint64_t[]){0, 1, UINT64_MAX, hi, (uint64_t)lo, 2, 3, hi - 1}[r % 8];
    else if (kind == 1)
        v = (uint64_t)((int64_t)(r % 140) - 70);
    if (dtype == OP_BOOL)
        v = kind < 2 ? v & 1 : v;
    memcpy(p, &v, op_dtypes[dtype].size);
}

/* ---- Memory with nothing readable next to it ---- */

enum { PAGE = 4096 };

static char *guarded(size_t bytes)
{
    size_t inner = (bytes + 2 * PAGE - 1) / PAGE * PAGE;
    char *p = mmap(NULL, inner + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + PAGE, inner, PROT_READ | PROT_WRITE))
        fatal("no memory");
    return p + PAGE;
}

static void unguarded(char *p, size_t bytes)
{
    size_t inner = (bytes + 2 * PAGE - 1) / PAGE * PAGE;
    munmap(p - PAGE, inner + 2 * PAGE);
}

/* ---- Building and compiling ---- */

typedef struct builder {
    op_program program;
    op_operand_type operand[16];
    op_insn *insn;
    uint32_t store[4];
    op_insn small[64];
} builder;

static void begin_program(builder *b, uint32_t rank)
{
    memset(b, 0, sizeof *b);
    b->insn = b->small;
    b->program.rank = rank;
}

static void add_input(builder *b, op_dtype dtype, op_access access)
{
    b->operand[b->program.n_in++] = (op_operand_type){(uint8_t)dtype, (uint8_t)access};
}

static uint32_t add(builder *b, int code, op_dtype dtype, op_dtype result, uint32_t a0, uint32_t a1, uint32_t a2)
{
    b->insn[b->program.n_insn] = (op_insn){(uint16_t)code, (uint8_t)dtype, (uint8_t)result, {a0, a1, a2}};
    return b->program.n_insn++;
}

static void add_output(builder *b, op_dtype dtype, op_access access, uint32_t value)
{
    b->operand[b->program.n_in + b->program.n_out] = (op_operand_type){(uint8_t)dtype, (uint8_t)access};
    b->store[b->program.n_out++] = value;
}

static uint8_t *encode(builder *b, size_t *size)
{
    const char *why;
    b->program.operand = b->operand;
    b->program.insn = b->insn;
    b->program.store = b->store;
    if (!op_program_verify(&b->program, &why))
        fatal(why);
    *size = op_signature_encode(&b->program, NULL);
    uint8_t *bytes = malloc(*size);
    op_signature_encode(&b->program, bytes);
    return bytes;
}

typedef struct code {
    void *memory;
    size_t size, image_size;
    op_kernel_fn run;
} code;

static double compile_seconds;

static int try_compile(builder *b, op_isa isa, op_image *image, const char *what)
{
    char message[512] = "";
    size_t size;
    uint8_t *bytes = encode(b, &size);
    double start = now();
    op_status status = backend->compile(bytes, size, isa, OP_BACKEND_VERIFY, image, message, sizeof message);
    compile_seconds = now() - start;
    free(bytes);
    checks++;
    if (status == OP_OK)
        return 1;
    failures++;
    printf("FAIL compile %s for %s: %s\n", what, op_isa_rows[isa].name, message);
    return 0;
}

static int load(builder *b, op_isa isa, code *c, const char *what)
{
    op_image image;
    if (!try_compile(b, isa, &image, what))
        return 0;
    c->image_size = image.size;
    c->size = (image.size + PAGE - 1) / PAGE * PAGE;
    c->memory = mmap(NULL, c->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(c->memory, image.bytes, image.size);
    mprotect(c->memory, c->size, PROT_READ | PROT_EXEC);
    c->run = (op_kernel_fn)(uintptr_t)((char *)c->memory + image.entry);
    free(image.bytes);
    return 1;
}

static void unload(code *c)
{
    munmap(c->memory, c->size);
}

/* ---- Running with every layout ---- */

typedef struct layout {
    op_access access;
    int64_t stride;  /* in elements, plus skew bytes */
    int skew;
} layout;

typedef struct array {
    char *memory;
    size_t bytes;
    char *data;
    int64_t stride;
} array;

/* n elements that end (or, for negative strides, start) at the end of readable memory. */
static array place(op_dtype dtype, layout how, int64_t n)
{
    int64_t size = op_dtypes[dtype].size;
    int64_t stride = how.access == OP_BROADCAST ? 0 : how.stride * size + how.skew;
    int64_t extent = (n ? n - 1 : 0) * llabs(stride) + (n ? size : 0);
    array a = {.bytes = (size_t)extent, .stride = stride};
    a.memory = guarded(a.bytes);
    size_t inner = (a.bytes + 2 * PAGE - 1) / PAGE * PAGE;
    memset(a.memory, 0x5a, inner);
    a.data = a.memory + inner - extent + (stride < 0 ? (n ? n - 1 : 0) * -stride : 0);
    return a;
}

static void release(array *a)
{
    unguarded(a->memory, a->bytes);
}

static int same(op_dtype dtype, const char *a, const char *b)
{
    if (op_dtype_kind(dtype) == OP_KIND_F && double_of(dtype, a) != double_of(dtype, a) &&
        double_of(dtype, b) != double_of(dtype, b))
        return 1;
    return !memcmp(a, b, op_dtypes[dtype].size);
}

static void hex(op_dtype dtype, const char *p)
{
    if (op_dtype_kind(dtype) == OP_KIND_F)
        printf(" %a", double_of(dtype, p));
    else
        printf(" %lld", (long long)int_of(dtype, p));
}

typedef struct test {
    const char *what;
    int n_in;
    op_dtype in[3], out;
    layout lin[3], lout;
    void (*expect)(const struct test *t, void *y, void *const *x, int64_t n);
    int code, saturate;
    op_dtype dtype;
} test;

static void compare(const test *t, op_isa isa, int64_t n, void *const *x, const char *want, const array *out, int stream)
{
    int64_t size = op_dtypes[t->out].size;
    int reported = 0;
    checks++;
    for (int64_t i = 0; i < n; i++) {
        const char *got = out->data + i * out->stride;
        char copy[8];
        memcpy(copy, got, (size_t)size);
        if (same(t->out, copy, want + i * size))
            continue;
        if (reported++ > 2)
            break;
        printf("FAIL %s %s %s n=%lld stream=%d access %d%d%d->%d element %lld:", t->what, op_dtypes[t->in[0]].name,
               op_isa_rows[isa].name, (long long)n, stream, t->lin[0].access, t->lin[1].access, t->lin[2].access,
               t->lout.access, (long long)i);
        for (int k = 0; k < t->n_in; k++)
            hex(t->in[k], (char *)x[k] + (t->lin[k].access == OP_BROADCAST ? 0 : i) * op_dtypes[t->in[k]].size);
        printf(" gave");
        hex(t->out, copy);
        printf(" want");
        hex(t->out, want + i * size);
        printf("\n");
    }
    failures += reported != 0;
}

/* Bytes between and before the outputs are untouched. */
static void check_untouched(const test *t, op_isa isa, int64_t n, array *out)
{
    size_t inner = (out->bytes + 2 * PAGE - 1) / PAGE * PAGE;
    for (int64_t i = 0; i < n; i++)
        memset(out->data + i * out->stride, 0x5a, op_dtypes[t->out].size);
    checks++;
    for (size_t i = 0; i < inner; i++)
        if (out->memory[i] != 0x5a) {
            printf("FAIL %s on %s wrote outside of its output, n=%lld\n", t->what, op_isa_rows[isa].name, (long long)n);
            failures++;
            return;
        }
}

static void run_size(const test *t, op_isa isa, const code *c, int64_t n, int stream)
{
    union {
        op_kernel_args args;
        char room[sizeof(op_kernel_args) + 8 * sizeof(op_operand)];
    } u;
    memset(&u, 0, sizeof u);
    u.args.calls = calls;
    u.args.n = -1;
    u.args.flags = stream ? OP_KERNEL_STREAM : 0;
    array in[3], out = place(t->out, t->lout, n);
    void *x[3] = {NULL, NULL, NULL};
    if (stream) { /* the caller's promise: aligned */
        int64_t shift = (out.data - (char *)0) & 63;
        if (out.data - shift < out.memory)
            return;
        out.data -= shift;
    }
    for (int k = 0; k < t->n_in; k++) {
        int64_t size = op_dtypes[t->in[k]].size;
        in[k] = place(t->in[k], t->lin[k], t->lin[k].access == OP_BROADCAST ? 1 : n);
        x[k] = malloc((size_t)(n * size) + 8);
        for (int64_t i = 0; i < n; i++) {
            char *p = (char *)x[k] + i * size;
            if (i && t->lin[k].access == OP_BROADCAST)
                memcpy(p, x[k], (size_t)size);
            else
                random_element(t->in[k], p);
            memcpy(in[k].data + i * in[k].stride, p, (size_t)size);
        }
        u.args.operand[k] = (op_operand){in[k].data, in[k].stride, 12345};
    }
    u.args.operand[t->n_in] = (op_operand){out.data, out.stride, 12345};
    char *want = malloc((size_t)n * 8 + 8);
    t->expect(t, want, x, n);
    if (stream || n < 100) {
        c->run(&u.args, 0, n);
    } else { /* in two pieces: begin is not always 0 */
        c->run(&u.args, 0, n / 3);
        c->run(&u.args, n / 3, n);
    }
    compare(t, isa, n, x, want, &out, stream);
    if (n < 5000)
        check_untouched(t, isa, n, &out);
    for (int k = 0; k < t->n_in; k++) {
        release(&in[k]);
        free(x[k]);
    }
    free(want);
    release(&out);
}

static const int64_t sizes[] = {0, 1, 2, 7, 8, 63, 64, 65, 130, 1000};

static void run_test(const test *t, op_isa isa)
{
    builder b;
    code c;
    uint32_t arg[3] = {0, 0, 0};
    begin_program(&b, 1);
    for (int k = 0; k < t->n_in; k++)
        add_input(&b, t->in[k], t->lin[k].access);
    for (int k = 0; k < t->n_in; k++)
        arg[k] = add(&b, OP_CODE_LOAD, t->in[k], t->in[k], (uint32_t)k, 0, 0);
    add_output(&b, t->out, t->lout.access, add(&b, t->code, t->dtype, t->out, arg[0], arg[1], arg[2]));
    if (!load(&b, isa, &c, t->what))
        return;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        run_size(t, isa, &c, sizes[i], 0);
    if (t->lout.access == OP_CONTIGUOUS)
        run_size(t, isa, &c, 1000, 1);
    unload(&c);
}

static const layout contiguous = {OP_CONTIGUOUS, 1, 0}, broadcast = {OP_BROADCAST, 0, 0}, strided = {OP_STRIDED, 3, 1},
                    reversed = {OP_STRIDED, -1, 0};

/* ---- Every operation, every cast ---- */

static void expect_op(const test *t, void *y, void *const *x, int64_t n)
{
    static const uint64_t zeros[2048];
    references[t->code][t->dtype](y, x[0], t->n_in > 1 ? x[1] : zeros, t->n_in > 2 ? x[2] : zeros, n);
}

static void expect_cast(const test *t, void *y, void *const *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        cast_one(t->dtype, t->out, t->saturate, (char *)x[0] + i * op_dtypes[t->dtype].size,
                 (char *)y + i * op_dtypes[t->out].size);
}

static void layouts(test *t, op_isa isa)
{
    t->lin[0] = t->lin[1] = t->lin[2] = t->lout = contiguous;
    run_test(t, isa);
    t->lin[0] = reversed;
    t->lin[1] = broadcast;
    t->lin[2] = contiguous;
    t->lout = strided;
    run_test(t, isa);
    t->lin[0] = broadcast;
    t->lin[1] = strided;
    t->lin[2] = broadcast;
    t->lout = contiguous;
    run_test(t, isa);
}

static void test_ops(op_isa isa)
{
    for (int c = OP_CODE_NONE + 1; c < OP_CODE_TABLE_END; c++)
        for (int d = OP_BOOL; d < OP_DTYPE_END; d++) {
            const op_row *row = &op_rows[c];
            op_dtype dtype = (op_dtype)d;
            if (!op_dtypes[d].works || !(row->accepts & op_dtype_kind(dtype)))
                continue;
            test t = {.what = row->name, .n_in = row->arity, .in = {dtype, dtype, dtype}, .out = dtype,
                      .expect = expect_op, .code = c, .dtype = dtype};
            if (row->rule == OP_RULE_TO_BOOL)
                t.out = OP_BOOL;
            if (row->rule == OP_RULE_SELECT)
                t.in[0] = OP_BOOL;
            layouts(&t, isa);
        }
}

static void test_casts(op_isa isa)
{
    for (int from = OP_BOOL; from < OP_DTYPE_END; from++)
        for (int to = OP_BOOL; to < OP_DTYPE_END; to++)
            for (int saturate = 0; saturate < 2; saturate++) {
                char what[64];
                if (!op_dtypes[from].works || !op_dtypes[to].works)
                    continue;
                snprintf(what, sizeof what, "cast%s to %s", saturate ? "_sat" : "", op_dtypes[to].name);
                test t = {.what = what, .n_in = 1, .in = {(op_dtype)from}, .out = (op_dtype)to, .expect = expect_cast,
                          .code = saturate ? OP_CODE_CAST_SAT : OP_CODE_CAST, .saturate = saturate,
                          .dtype = (op_dtype)from};
                t.lin[0] = t.lout = contiguous;
                run_test(&t, isa);
            }
}

static void compile_for_arm(void)
{
    for (int c = OP_CODE_NONE + 1; c < OP_CODE_TABLE_END; c++)
        for (int d = OP_BOOL; d < OP_DTYPE_END; d++) {
            const op_row *row = &op_rows[c];
            op_dtype dtype = (op_dtype)d, out = row->rule == OP_RULE_TO_BOOL ? OP_BOOL : dtype;
            if (!op_dtypes[d].works || !(row->accepts & op_dtype_kind(dtype)))
                continue;
            builder b;
            op_image image;
            uint32_t arg[3] = {0, 0, 0};
            begin_program(&b, 2);
            for (uint32_t k = 0; k < row->arity; k++)
                add_input(&b, row->rule == OP_RULE_SELECT && k == 0 ? OP_BOOL : dtype, OP_CONTIGUOUS);
            for (uint32_t k = 0; k < row->arity; k++) {
                op_dtype in = (op_dtype)b.operand[k].dtype;
                arg[k] = add(&b, OP_CODE_LOAD, in, in, k, 0, 0);
            }
            add_output(&b, out, OP_CONTIGUOUS, add(&b, c, dtype, out, arg[0], arg[1], arg[2]));
            if (try_compile(&b, OP_ISA_ARMV8_A, &image, row->name))
                free(image.bytes);
        }
}

/* ---- Rank 2: y = x * row + column + s, and a second output ---- */

static void test_rank_2(op_isa isa, int64_t rows, int64_t n)
{
    builder b;
    code c;
    begin_program(&b, 2);
    add_input(&b, OP_F64, OP_CONTIGUOUS);
    add_input(&b, OP_F32, OP_STRIDED);
    add_input(&b, OP_F64, OP_BROADCAST);
    b.program.n_scalar = 2;
    uint32_t x = add(&b, OP_CODE_LOAD, OP_F64, OP_F64, 0, 0, 0);
    uint32_t f = add(&b, OP_CODE_LOAD, OP_F32, OP_F32, 1, 0, 0);
    uint32_t z = add(&b, OP_CODE_LOAD, OP_F64, OP_F64, 2, 0, 0);
    uint32_t s = add(&b, OP_CODE_SCALAR, OP_F64, OP_F64, 1, 0, 0);
    uint32_t zs = add(&b, OP_CODE_add, OP_F64, OP_F64, z, s, 0);
    uint32_t w = add(&b, OP_CODE_CAST, OP_F32, OP_F64, f, 0, 0);
    uint32_t xw = add(&b, OP_CODE_multiply, OP_F64, OP_F64, x, w, 0);
    uint32_t y = add(&b, OP_CODE_add, OP_F64, OP_F64, xw, zs, 0);
    uint32_t m = add(&b, OP_CODE_less, OP_F64, OP_BOOL, y, x, 0);
    add_output(&b, OP_F64, OP_CONTIGUOUS, y);
    add_output(&b, OP_BOOL, OP_STRIDED, m);
    if (!load(&b, isa, &c, "rank 2"))
        return;
    int64_t pitch = n + 3;
    double *X = malloc((size_t)(rows * pitch) * 8 + 8), *Z = malloc((size_t)rows * 8 + 8);
    double *Y = malloc((size_t)(rows * pitch) * 8 + 8);
    float *F = malloc((size_t)(rows * pitch) * 4 + 8);
    uint8_t *mask = malloc((size_t)(rows * pitch) * 2 + 8);
    for (int64_t i = 0; i < rows * pitch; i++) {
        X[i] = (double)(int64_t)random_bits() * 0x1p-60;
        F[i] = (float)(int64_t)random_bits() * 0x1p-60f;
        Y[i] = -1;
    }
    memset(mask, 7, (size_t)(rows * pitch) * 2 + 8);
    for (int64_t i = 0; i < rows; i++)
        Z[i] = (double)i;
    uint64_t scalars[2] = {0, 0};
    double scalar = 0.25;
    memcpy(&scalars[1], &scalar, 8);
    union {
        op_kernel_args args;
        char room[sizeof(op_kernel_args) + 8 * sizeof(op_operand)];
    } u;
    u.args = (op_kernel_args){.calls = calls, .scalars = scalars, .n = n, .flags = 0};
    u.args.operand[0] = (op_operand){(char *)X, 8, pitch * 8};
    u.args.operand[1] = (op_operand){(char *)F, 4 * rows, 4}; /* a transposed matrix */
    u.args.operand[2] = (op_operand){(char *)Z, 0, 8};
    u.args.operand[3] = (op_operand){(char *)Y, 8, pitch * 8};
    u.args.operand[4] = (op_operand){(char *)mask, 2, pitch * 2};
    if (rows > 3) {
        c.run(&u.args, 0, 2);
        c.run(&u.args, 2, rows);
    } else {
        c.run(&u.args, 0, rows);
    }
    int wrong = 0;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < pitch; j++) {
            double product = X[i * pitch + j] * (double)(j < n ? F[j * rows + i] : 0);
            double want = j < n ? product + (Z[i] + 0.25) : -1;
            wrong += Y[i * pitch + j] != want;
            wrong += mask[(i * pitch + j) * 2] != (j < n ? want < X[i * pitch + j] : 7);
            wrong += mask[(i * pitch + j) * 2 + 1] != 7;
        }
    checks++;
    if (wrong) {
        failures++;
        printf("FAIL rank 2 %s %lld x %lld: %d wrong\n", op_isa_rows[isa].name, (long long)rows, (long long)n, wrong);
    }
    free(X), free(Z), free(Y), free(F), free(mask);
    unload(&c);
}

/* ---- A program that carries: states of columns, over rows from the last to the first ---- */

typedef struct carried {
    double *x, *z, *sum;
    float *f, *most;
    uint8_t *any;
} carried;

static void *edge(char **memory, size_t bytes)
{
    *memory = guarded(bytes);
    return *memory + (bytes + 2 * PAGE - 1) / PAGE * PAGE - bytes;
}

/* `extra` pairs of instructions change nothing, but make the program larger. */
static void carrying_program(builder *b, int extra)
{
    begin_program(b, 2);
    add_input(b, OP_F64, OP_CONTIGUOUS);
    add_input(b, OP_F32, OP_STRIDED);
    add_input(b, OP_F64, OP_BROADCAST);
    add_input(b, OP_F64, OP_CONTIGUOUS);
    add_input(b, OP_F32, OP_CONTIGUOUS);
    add_input(b, OP_BOOL, OP_CONTIGUOUS);
    b->program.carries = 1;
    uint32_t x = add(b, OP_CODE_LOAD, OP_F64, OP_F64, 0, 0, 0), f = add(b, OP_CODE_LOAD, OP_F32, OP_F32, 1, 0, 0);
    uint32_t z = add(b, OP_CODE_LOAD, OP_F64, OP_F64, 2, 0, 0), w = add(b, OP_CODE_CAST, OP_F32, OP_F64, f, 0, 0);
    uint32_t less = add(b, OP_CODE_less, OP_F64, OP_BOOL, x, z, 0);
    uint32_t y = add(b, OP_CODE_multiply, OP_F64, OP_F64, x, w, 0);
    for (int i = 0; i < 2 * extra; i++)
        y = add(b, OP_CODE_negative, OP_F64, OP_F64, y, 0, 0);
    uint32_t sum = add(b, OP_CODE_LOAD, OP_F64, OP_F64, 3, 0, 0), most = add(b, OP_CODE_LOAD, OP_F32, OP_F32, 4, 0, 0);
    uint32_t any = add(b, OP_CODE_LOAD, OP_BOOL, OP_BOOL, 5, 0, 0);
    add_output(b, OP_F64, OP_CONTIGUOUS, add(b, OP_CODE_add, OP_F64, OP_F64, sum, y, 0));
    add_output(b, OP_F32, OP_CONTIGUOUS, add(b, OP_CODE_maximum, OP_F32, OP_F32, most, f, 0));
    add_output(b, OP_BOOL, OP_CONTIGUOUS, add(b, OP_CODE_logical_or, OP_BOOL, OP_BOOL, any, less, 0));
}

/* Wrong elements of what a kernel made of the rows, the last one first. */
static int64_t wrong_columns(const carried *c, const carried *out, int64_t rows, int64_t n)
{
    int64_t wrong = 0;
    for (int64_t j = 0; j < n; j++) {
        double sum = c->sum[j];
        float most = c->most[j];
        int any = c->any[j];
        for (int64_t i = rows - 1; i >= 0; i--) {
            float f = c->f[j * rows + i];
            sum += c->x[i * n + j] * (double)f;
            most = f > most ? f : most;
            any |= c->x[i * n + j] < c->z[i];
        }
        wrong += memcmp(&sum, &out->sum[j], 8) || memcmp(&most, &out->most[j], 4) || any != out->any[j];
    }
    return wrong;
}

static void run_carrying(const code *c, const carried *in, const carried *out, int64_t rows, int64_t n)
{
    union {
        op_kernel_args args;
        char room[sizeof(op_kernel_args) + 9 * sizeof(op_operand)];
    } u;
    int64_t last = rows - 1, first = rows > 3 ? 2 : rows;
    u.args = (op_kernel_args){.calls = calls, .n = n};
    u.args.operand[0] = (op_operand){(char *)(in->x + last * n), 8, -8 * n};
    u.args.operand[1] = (op_operand){(char *)(in->f + last), 4 * rows, -4}; /* a transposed matrix */
    u.args.operand[2] = (op_operand){(char *)(in->z + last), 0, -8};
    u.args.operand[3] = (op_operand){(char *)in->sum, 8, 0};
    u.args.operand[4] = (op_operand){(char *)in->most, 4, 0};
    u.args.operand[5] = (op_operand){(char *)in->any, 1, 0};
    u.args.operand[6] = (op_operand){(char *)out->sum, 8, 0};
    u.args.operand[7] = (op_operand){(char *)out->most, 4, 0};
    u.args.operand[8] = (op_operand){(char *)out->any, 1, 0};
    c->run(&u.args, 0, first);
    memcpy(&u.args.operand[3], &u.args.operand[6], 3 * sizeof(op_operand));
    c->run(&u.args, first, rows);
}

static void test_carries(op_isa isa, const code *c, int64_t rows, int64_t n)
{
    char *memory[9];
    size_t cells = (size_t)(rows * n), wide = (size_t)n;
    carried in = {edge(&memory[0], 8 * cells), edge(&memory[1], 8 * (size_t)rows), edge(&memory[2], 8 * wide),
                  edge(&memory[3], 4 * cells), edge(&memory[4], 4 * wide), edge(&memory[5], wide)};
    carried out = {.sum = edge(&memory[6], 8 * wide), .most = edge(&memory[7], 4 * wide), .any = edge(&memory[8], wide)};
    for (size_t i = 0; i < cells; i++) {
        in.x[i] = (double)(int64_t)random_bits() * 0x1p-60;
        in.f[i] = (float)(int64_t)random_bits() * 0x1p-60f;
    }
    for (int64_t i = 0; i < rows; i++)
        in.z[i] = -7;
    for (size_t j = 0; j < wide; j++)
        in.sum[j] = (double)j, in.most[j] = -(float)j, in.any[j] = j % 7 == 0;
    run_carrying(c, &in, &out, rows, n);
    int64_t wrong = wrong_columns(&in, &out, rows, n);
    checks++;
    if (wrong) {
        failures++;
        printf("FAIL carries %s %lld x %lld: %lld wrong\n", op_isa_rows[isa].name, (long long)rows, (long long)n,
               (long long)wrong);
    }
    size_t bytes[] = {8 * cells, 8 * (size_t)rows, 8 * wide, 4 * cells, 4 * wide, wide, 8 * wide, 4 * wide, wide};
    for (int i = 0; i < 9; i++)
        unguarded(memory[i], bytes[i]);
}

static void test_carrying(op_isa isa, int extra)
{
    static const int64_t extents[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 100, 129};
    builder b;
    code c;
    carrying_program(&b, extra);
    if (!load(&b, isa, &c, "carries"))
        return;
    for (int64_t rows = 1; rows < 20; rows += 1 + rows / 4)
        for (size_t i = 0; i < sizeof extents / sizeof *extents; i++)
            test_carries(isa, &c, rows, extents[i]);
    unload(&c);
}

/* ---- In place: b = b + c, where the last vector of a row reads what was stored before ---- */

static void test_in_place(op_isa isa, int64_t n)
{
    builder b;
    code c;
    begin_program(&b, 1);
    add_input(&b, OP_F32, OP_CONTIGUOUS);
    add_input(&b, OP_F32, OP_CONTIGUOUS);
    uint32_t x = add(&b, OP_CODE_LOAD, OP_F32, OP_F32, 0, 0, 0), y = add(&b, OP_CODE_LOAD, OP_F32, OP_F32, 1, 0, 0);
    add_output(&b, OP_F32, OP_CONTIGUOUS, add(&b, OP_CODE_add, OP_F32, OP_F32, x, y, 0));
    if (!load(&b, isa, &c, "in place"))
        return;
    float *B = malloc((size_t)n * 4 + 4), *C = malloc((size_t)n * 4 + 4);
    for (int64_t i = 0; i < n; i++) {
        B[i] = (float)i;
        C[i] = (float)(random_bits() >> 50);
    }
    union {
        op_kernel_args args;
        char room[sizeof(op_kernel_args) + 8 * sizeof(op_operand)];
    } u;
    u.args = (op_kernel_args){.calls = calls};
    u.args.operand[0] = u.args.operand[2] = (op_operand){(char *)B, 4, 0};
    u.args.operand[1] = (op_operand){(char *)C, 4, 0};
    c.run(&u.args, 0, n);
    int64_t wrong = 0;
    for (int64_t i = 0; i < n; i++)
        wrong += B[i] != (float)i + C[i];
    checks++;
    if (wrong) {
        failures++;
        printf("FAIL in place %s n=%lld: %lld wrong\n", op_isa_rows[isa].name, (long long)n, (long long)wrong);
    }
    free(B), free(C);
    unload(&c);
}

/* ---- Large programs, bad signatures ---- */

static double test_large(op_isa isa, uint32_t n, int wide)
{
    builder b;
    op_image image;
    begin_program(&b, 1);
    b.insn = malloc((n + 2) * sizeof *b.insn);
    add_input(&b, OP_F64, OP_CONTIGUOUS);
    add_input(&b, OP_F64, OP_CONTIGUOUS);
    uint32_t x = add(&b, OP_CODE_LOAD, OP_F64, OP_F64, 0, 0, 0), y = add(&b, OP_CODE_LOAD, OP_F64, OP_F64, 1, 0, 0);
    static const int codes[] = {OP_CODE_add, OP_CODE_multiply, OP_CODE_subtract, OP_CODE_maximum};
    for (uint32_t i = 0; i < n - 2; i++) {
        uint32_t other = wide && i > 20 ? i - (uint32_t)(random_bits() % 20) : i & 1 ? x : y;
        add(&b, codes[random_bits() % 4], OP_F64, OP_F64, b.program.n_insn - 1, other, 0);
    }
    add_output(&b, OP_F64, OP_CONTIGUOUS, b.program.n_insn - 1);
    int ok = try_compile(&b, isa, &image, "a large program");
    free(b.insn);
    if (ok)
        free(image.bytes);
    return compile_seconds;
}

static void test_bad(void)
{
    uint8_t bytes[64] = {0};
    char message[256];
    op_image image;
    checks++;
    if (backend->compile(bytes, sizeof bytes, OP_ISA_X86_64, 0, &image, message, sizeof message) == OP_OK)
        failures++;
}

/* ---- Timing ---- */

static void sample(builder *b, const char *formula, op_dtype t)
{
    begin_program(b, 1);
    add_input(b, t, OP_CONTIGUOUS);
    if (strchr(formula, 'c'))
        add_input(b, t, OP_CONTIGUOUS);
    uint32_t x = add(b, OP_CODE_LOAD, t, t, 0, 0, 0), c = 0, y;
    if (strchr(formula, 'c'))
        c = add(b, OP_CODE_LOAD, t, t, 1, 0, 0);
    if (!strncmp(formula, "sin(b)*sin(b)", 13)) {
        uint32_t s = add(b, OP_CODE_sin, t, t, x, 0, 0), k = add(b, OP_CODE_cos, t, t, x, 0, 0);
        uint32_t e = add(b, OP_CODE_exp, t, t, add(b, OP_CODE_negative, t, t, c, 0, 0), 0, 0);
        y = add(b, OP_CODE_add, t, t, add(b, OP_CODE_multiply, t, t, s, s, 0), add(b, OP_CODE_multiply, t, t, k, e, 0), 0);
        y = add(b, OP_CODE_add, t, t, y, add(b, OP_CODE_log, t, t, add(b, OP_CODE_square, t, t, c, 0, 0), 0, 0), 0);
        y = add(b, OP_CODE_sqrt, t, t, y, 0, 0);
    } else {
        y = !strncmp(formula, "sin", 3)   ? add(b, OP_CODE_sin, t, t, x, 0, 0)
            : !strncmp(formula, "exp", 3) ? add(b, OP_CODE_exp, t, t, x, 0, 0)
            : !strncmp(formula, "log", 3) ? add(b, OP_CODE_log, t, t, x, 0, 0)
            : formula[1] == '*'           ? add(b, OP_CODE_multiply, t, t, x, c, 0)
            : formula[1] == '%'           ? add(b, OP_CODE_remainder, t, t, x, c, 0)
                                          : x;
        if (strstr(formula, "+c"))
            y = add(b, OP_CODE_add, t, t, y, c, 0);
    }
    add_output(b, t, OP_CONTIGUOUS, y);
}

static void fill_samples(op_dtype t, char *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double d = (double)(random_bits() >> 11) * 0x1p-50 + 0.01;
        float f = (float)d;
        uint64_t v = random_bits() >> (64 - 8 * op_dtypes[t].size + 1);
        memcpy(p + i * op_dtypes[t].size, t == OP_F64 ? (void *)&d : t == OP_F32 ? (void *)&f : (void *)&v,
               op_dtypes[t].size);
    }
}

static void time_one(const char *formula, op_dtype t, op_isa isa, int64_t n, int stream)
{
    builder b;
    code c;
    double best_compile = 1, best = 1e9;
    sample(&b, formula, t);
    for (int i = 0; i < 9; i++) {
        char message[512];
        op_image image;
        size_t size;
        uint8_t *bytes = encode(&b, &size);
        double start = now();
        if (backend->compile(bytes, size, isa, 0, &image, message, sizeof message) != OP_OK)
            return;
        double seconds = now() - start;
        best_compile = seconds < best_compile ? seconds : best_compile;
        free(image.bytes);
        free(bytes);
    }
    if (!load(&b, isa, &c, formula))
        return;
    union {
        op_kernel_args args;
        char room[sizeof(op_kernel_args) + 8 * sizeof(op_operand)];
    } u;
    u.args = (op_kernel_args){.calls = calls, .flags = stream ? OP_KERNEL_STREAM : 0};
    size_t bytes = ((size_t)n * op_dtypes[t].size + 4096) / 64 * 64;
    char *memory[4];
    for (int i = 0; i < 4; i++) {
        memory[i] = aligned_alloc(64, bytes);
        fill_samples(t, memory[i], n);
        u.args.operand[i] = (op_operand){memory[i], op_dtypes[t].size, 0};
    }
    int64_t inner = n < 100000 ? 2000000 / n : 1;
    for (int i = 0; i < 30; i++) {
        double start = now();
        for (int64_t k = 0; k < inner; k++)
            c.run(&u.args, 0, n);
        double seconds = (now() - start) / (double)inner;
        best = seconds < best ? seconds : best;
    }
    printf("%-10s %s %-10s n=%-9lld stream=%d: compile %.2f ms, %zu bytes, %.3f ns per element\n", formula,
           op_dtypes[t].name, op_isa_rows[isa].name, (long long)n, stream, best_compile * 1e3, c.image_size,
           best / (double)n * 1e9);
    for (int i = 0; i < 4; i++)
        free(memory[i]);
    unload(&c);
}

static void show(const char *formula, op_dtype t, op_isa isa, op_dump_what what)
{
    builder b;
    size_t size;
    char message[512] = "", *text = NULL;
    const char *const operands[] = {"B", "C", "A"};
    op_names names = {operands, "A = the sample\nin two lines"};
    sample(&b, formula, t);
    if (b.program.n_in == 1)
        names.operand = NULL;
    uint8_t *bytes = encode(&b, &size);
    if (backend->print(bytes, size, isa, OP_BACKEND_VERIFY, what, &names, &text, message, sizeof message) == OP_OK)
        fputs(text, stdout);
    else
        puts(message);
    free(text);
    free(bytes);
}

static void speed(void)
{
    static const char *const formulas[] = {"b", "b+c", "b*c+c", "sin(b)+c", "exp(b)", "log(b)", "sin(b)*sin(b)+...c"};
    for (size_t i = 0; i < sizeof formulas / sizeof formulas[0]; i++)
        for (op_isa isa = OP_ISA_X86_64; isa <= OP_ISA_X86_64_V4; isa++)
            if (op_isa_runs(isa)) {
                time_one(formulas[i], OP_F64, isa, 1000, 0);
                time_one(formulas[i], OP_F32, isa, 1000, 0);
            }
    time_one("b+c", OP_F64, op_isa_best(), 1007, 0);
    time_one("b+c", OP_F64, op_isa_best(), 7, 0);
    time_one("b+c", OP_F64, op_isa_best(), 8, 0);
    time_one("b+c", OP_U8, op_isa_best(), 1000, 0);
    time_one("b%c", OP_I64, op_isa_best(), 1000, 0);
    time_one("b%c", OP_I32, op_isa_best(), 1000, 0);
    time_one("b+c", OP_F64, op_isa_best(), 10000000, 0);
    time_one("b+c", OP_F64, op_isa_best(), 10000000, 1);
    for (uint32_t n = 10; n <= 10000; n *= 10)
        printf("%u instructions: chain %.1f ms, wide %.1f ms\n", n, test_large(op_isa_best(), n, 0) * 1e3,
               test_large(op_isa_best(), n, 1) * 1e3);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s libonepass-llvm.so [speed | ir FORMULA DTYPE LEVEL | opt ... | asm ...]\n", argv[0]);
        return 2;
    }
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    op_backend_get_fn get = (op_backend_get_fn)(uintptr_t)dlsym(library, OP_BACKEND_SYMBOL);
    backend = get();
    double start = now();
    backend->init(fatal);
    if (argc > 5) {
        op_dump_what what = argv[2][0] == 'i' ? OP_DUMP_IR : argv[2][0] == 'o' ? OP_DUMP_IR_OPT : OP_DUMP_ASM;
        show(argv[3], op_dtype_from_name(argv[4]), op_isa_from_name(argv[5]), what);
        return 0;
    }
    printf("%s, started in %.1f ms\n", backend->compiler, (now() - start) * 1e3);
    if (argc > 2) {
        speed();
        return 0;
    }
    for (op_isa isa = OP_ISA_X86_64; isa < OP_ISA_END; isa++) {
        if (!op_isa_runs(isa))
            continue;
        test_ops(isa);
        test_casts(isa);
        for (int64_t rows = 0; rows < 6; rows++)
            for (int64_t n = 0; n < 40; n += 1 + n / 4)
                test_rank_2(isa, rows, n);
        for (int extra = 0; extra < 16; extra += 4)
            test_carrying(isa, extra);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            test_in_place(isa, sizes[i]);
        test_in_place(isa, 1000003);
        test_large(isa, 1000, 1);
        printf("%s: %d checks, %d failures so far\n", op_isa_rows[isa].name, checks, failures);
    }
    compile_for_arm();
    test_bad();
    printf("%d checks, %d failures\n", checks, failures);
    return failures != 0;
}
