/* .npy headers: magic, version, length, then a Python dict literal with exactly three keys:
 *
 *     {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
 */
#include "io/npy.h"

#include <string.h>

#include "base/dtype.h"
#include "base/status.h"

enum {
    MAGIC_SIZE = 8, /* \x93NUMPY, major, minor */
    ALIGNMENT = 64,
    GROWTH_DIGITS = 21, /* NumPy leaves room for the first extent to grow in place */
    DESCR_MAX = 32,
    BIG_ENDIAN_HOST = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
};

typedef struct cursor {
    const char *at, *end;
    const char *name; /* of the file */
} cursor;

static op_status bad(const cursor *c, const char *what)
{
    return op_fail(OP_ERR_FORMAT, "%s: the .npy header is damaged: %s", c->name, what);
}

static void skip_spaces(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t'))
        c->at++;
}

/* Takes the character if it is next. */
static int take(cursor *c, char character)
{
    skip_spaces(c);
    if (c->at >= c->end || *c->at != character)
        return 0;
    c->at++;
    return 1;
}

static int take_word(cursor *c, const char *word)
{
    size_t length = strlen(word);
    skip_spaces(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0)
        return 0;
    c->at += length;
    return 1;
}

/* A quoted text without escapes, cut to fit. */
static int take_text(cursor *c, char text[DESCR_MAX])
{
    skip_spaces(c);
    if (c->at >= c->end || (*c->at != '\'' && *c->at != '"'))
        return 0;
    char quote = *c->at++;
    size_t used = 0;
    for (; c->at < c->end && *c->at != quote; c->at++) {
        if (*c->at == '\\' || *c->at < ' ' || *c->at > '~')
            return 0;
        if (used + 1 < DESCR_MAX)
            text[used++] = *c->at;
    }
    text[used] = 0;
    return take(c, quote);
}

static op_status parse_descr(cursor *c, op_npy *npy)
{
    char descr[DESCR_MAX];
    skip_spaces(c);
    if (c->at < c->end && *c->at == '[')
        return op_fail(OP_ERR_UNSUPPORTED, "%s: an array of records (a structured dtype) is not supported", c->name);
    if (!take_text(c, descr))
        return bad(c, "'descr' is not a text");
    int known_order = descr[0] && strchr("<>|=", descr[0]) != NULL;
    for (int d = OP_BOOL; known_order && d < OP_DTYPE_END; d++)
        if (op_dtypes[d].npy[0] && !strcmp(descr + 1, op_dtypes[d].npy))
            npy->dtype = (op_dtype)d;
    if (!npy->dtype)
        return op_fail(OP_ERR_UNSUPPORTED, "%s: arrays of NumPy's dtype '%s' are not supported", c->name, descr);
    if (descr[0] == '|' && op_dtype_size(npy->dtype) > 1)
        return bad(c, "the dtype has no byte order");
    npy->swapped = descr[0] == (BIG_ENDIAN_HOST ? '<' : '>') && op_dtype_size(npy->dtype) > 1;
    return OP_OK;
}

static op_status parse_order(cursor *c, op_npy *npy)
{
    npy->fortran = take_word(c, "True");
    if (!npy->fortran && !take_word(c, "False"))
        return bad(c, "'fortran_order' is neither True nor False");
    return OP_OK;
}

static int take_extent(cursor *c, int64_t *extent)
{
    skip_spaces(c);
    const char *first = c->at;
    *extent = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
        if (__builtin_mul_overflow(*extent, 10, extent) || __builtin_add_overflow(*extent, *c->at - '0', extent))
            return 0;
    if (c->at == first)
        return 0;
    take(c, 'L'); /* Python 2 wrote 3L */
    return 1;
}

static op_status parse_shape(cursor *c, op_npy *npy)
{
    if (!take(c, '('))
        return bad(c, "'shape' is not a tuple");
    while (!take(c, ')')) {
        if (npy->ndim == OP_MAX_NDIM)
            return op_fail(OP_ERR_FORMAT, "%s: more than %d dimensions", c->name, OP_MAX_NDIM);
        if (!take_extent(c, &npy->shape[npy->ndim]))
            return bad(c, "an extent of 'shape' is not a number from 0 to 2^63 - 1");
        npy->ndim++;
        int comma = take(c, ',');
        if (!comma && (c->at >= c->end || *c->at != ')'))
            return bad(c, "'shape' does not end");
        if (!comma && npy->ndim == 1)
            return bad(c, "'shape' is a number, not a tuple");
    }
    return OP_OK;
}

static op_status parse_dict(cursor *c, op_npy *npy)
{
    static const struct {
        const char *key;
        op_status (*parse)(cursor *, op_npy *);
    } keys[] = {{"descr", parse_descr}, {"fortran_order", parse_order}, {"shape", parse_shape}};
    enum { N_KEYS = sizeof keys / sizeof keys[0] };
    int seen[N_KEYS] = {0};

    if (!take(c, '{'))
        return bad(c, "it is not a dict");
    while (!take(c, '}')) {
        char key[DESCR_MAX];
        if (!take_text(c, key) || !take(c, ':'))
            return bad(c, "a key is missing");
        int k = 0;
        while (k < N_KEYS && strcmp(key, keys[k].key) != 0)
            k++;
        if (k == N_KEYS || seen[k]++)
            return bad(c, "a key is unknown or there twice");
        op_status status = keys[k].parse(c, npy);
        if (status != OP_OK)
            return status;
        if (!take(c, ',') && (c->at >= c->end || *c->at != '}'))
            return bad(c, "it does not end");
    }
    for (int k = 0; k < N_KEYS; k++)
        if (!seen[k])
            return bad(c, "one of 'descr', 'fortran_order' and 'shape' is missing");
    skip_spaces(c);
    return c->at == c->end ? OP_OK : bad(c, "something follows the dict");
}

static op_status count_bytes(const char *name, op_npy *npy)
{
    int64_t bytes = op_dtype_size(npy->dtype);
    for (int i = 0; i < npy->ndim; i++)
        if (npy->shape[i] == 0)
            return npy->data_bytes = 0, OP_OK;
    for (int i = 0; i < npy->ndim; i++)
        if (__builtin_mul_overflow(bytes, npy->shape[i], &bytes))
            return op_fail(OP_ERR_FORMAT, "%s: the shape in the header is larger than any file", name);
    npy->data_bytes = bytes;
    return OP_OK;
}

op_status op_npy_parse_header(const uint8_t *bytes, size_t size, const char *name, op_npy *npy)
{
    *npy = (op_npy){0};
    if (size == 0)
        return op_fail(OP_ERR_FORMAT, "%s is empty", name);
    if (memcmp(bytes, "\x93NUMPY", size < 6 ? size : 6) != 0)
        return op_fail(OP_ERR_FORMAT, "%s is not a .npy file", name);
    if (size < MAGIC_SIZE + 4)
        return op_fail(OP_ERR_FORMAT, "%s is cut short: it ends inside the .npy header", name);
    int major = bytes[6], minor = bytes[7];
    if (major < 1 || major > 3 || minor != 0)
        return op_fail(OP_ERR_FORMAT, "%s: .npy version %d.%d is not known", name, major, minor);

    size_t length_bytes = major == 1 ? 2 : 4, length = 0;
    for (size_t i = 0; i < length_bytes; i++)
        length |= (size_t)bytes[MAGIC_SIZE + i] << 8 * i;
    npy->data_offset = MAGIC_SIZE + length_bytes + length; /* below 2^33: no overflow */
    if (npy->data_offset > size)
        return op_fail(OP_ERR_FORMAT, "%s is cut short: it ends inside the .npy header", name);

    cursor c = {(const char *)bytes + MAGIC_SIZE + length_bytes, (const char *)bytes + npy->data_offset, name};
    op_status status = parse_dict(&c, npy);
    return status == OP_OK ? count_bytes(name, npy) : status;
}

int op_npy_has_dtype(op_dtype dtype)
{
    return op_dtype_valid(dtype) && op_dtypes[dtype].npy[0];
}

size_t op_npy_write_header(op_dtype dtype, int ndim, const int64_t *shape, uint8_t bytes[OP_NPY_HEADER_MAX])
{
    char *text = (char *)bytes;
    size_t at = MAGIC_SIZE + 2;
    char order = op_dtype_size(dtype) == 1 ? '|' : BIG_ENDIAN_HOST ? '>' : '<';
    at += (size_t)snprintf(text + at, OP_NPY_HEADER_MAX - at, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                           order, op_dtypes[dtype].npy);
    size_t digits = 0;
    for (int i = 0; i < ndim; i++) {
        size_t n = (size_t)snprintf(text + at, OP_NPY_HEADER_MAX - at, "%lld", (long long)shape[i]);
        at += n;
        if (i == 0)
            digits = n;
        if (i + 1 < ndim || ndim == 1)
            text[at++] = ',';
        if (i + 1 < ndim)
            text[at++] = ' ';
    }
    at += (size_t)snprintf(text + at, OP_NPY_HEADER_MAX - at, "), }");
    for (size_t i = digits; ndim > 0 && i < GROWTH_DIGITS; i++)
        text[at++] = ' ';
    while ((at + 1) % ALIGNMENT)
        text[at++] = ' ';
    text[at++] = '\n';
    memcpy(bytes, "\x93NUMPY\x01\x00", MAGIC_SIZE);
    size_t length = at - MAGIC_SIZE - 2;
    bytes[MAGIC_SIZE] = (uint8_t)(length & 255);
    bytes[MAGIC_SIZE + 1] = (uint8_t)(length >> 8);
    return at;
}
