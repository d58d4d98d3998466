/* The names of a formula: those passed in and assigned, the constants, the functions. */
#include <math.h>
#include <string.h>

#include "expr/formula.h"

enum { NAMES_MAX = 10000, NAME_TEXT = 64, FIRST_BUCKETS = 64 };

static const struct {
    const char *name;
    double value;
} constants[] = {{"pi", 0x1.921fb54442d18p+1}, {"e", 0x1.5bf0a8b145769p+1}, {"inf", INFINITY}, {"nan", NAN}};

static const char *const counts[] = {"bincount", "histogram"};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static int same(const char *text, size_t length, const char *name)
{
    return strlen(name) == length && !memcmp(text, name, length);
}

/* ---- Symbols -------------------------------------------------------------------------------------- */

static uint32_t hash_name(const char *name, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    return hash;
}

/* The bucket that holds the name, or where it would go. */
static uint32_t *find_bucket(op_formula *f, const char *name, size_t length, uint32_t hash)
{
    for (uint32_t i = hash;; i++) {
        uint32_t *bucket = &f->bucket[i & (f->n_bucket - 1)];
        if (!*bucket)
            return bucket;
        const op_symbol *symbol = OP_AT(&f->symbols, op_symbol, *bucket - 1);
        if (symbol->hash == hash && symbol->length == length && !memcmp(symbol->name, name, length))
            return bucket;
    }
}

static int grow_buckets(op_formula *f)
{
    if (f->bucket && f->symbols.used < f->n_bucket / 2)
        return 1;
    uint32_t n = f->n_bucket ? 2 * f->n_bucket : FIRST_BUCKETS;
    uint32_t *bucket = op_alloc_zero(f->allocator, n * sizeof *bucket);
    if (!bucket)
        return op_formula_fail(f, OP_ERR_MEMORY, 0, 0, "out of memory");
    op_release(f->allocator, f->bucket);
    f->bucket = bucket;
    f->n_bucket = n;
    for (uint32_t i = 0; i < f->symbols.used; i++) {
        const op_symbol *symbol = OP_AT(&f->symbols, op_symbol, i);
        *find_bucket(f, symbol->name, symbol->length, symbol->hash) = i + 1;
    }
    return 1;
}

op_symbol *op_symbol_find(op_formula *f, const char *name, size_t length)
{
    if (!f->bucket)
        return NULL;
    uint32_t index = *find_bucket(f, name, length, hash_name(name, length));
    return index ? OP_AT(&f->symbols, op_symbol, index - 1) : NULL;
}

op_symbol *op_symbol_add(op_formula *f, const char *name, size_t length)
{
    op_symbol *symbol = op_symbol_find(f, name, length);
    if (symbol || !grow_buckets(f))
        return symbol;
    if (f->symbols.used == NAMES_MAX) {
        op_formula_fail(f, OP_ERR_LIMIT, f->token.begin, f->token.end, "a formula has at most %d names", NAMES_MAX);
        return NULL;
    }
    uint32_t hash = hash_name(name, length);
    symbol = OP_PUSH(f, &f->symbols, op_symbol);
    if (!symbol)
        return NULL;
    *symbol = (op_symbol){.name = name, .length = length, .hash = hash};
    *find_bucket(f, name, length, hash) = f->symbols.used;
    return symbol;
}

/* ---- Close names ---------------------------------------------------------------------------------- */

/* Edits (a letter more, less or another) from a to b; 99 if one is too long to bother. */
static int distance(const char *a, size_t n, const char *b, size_t m)
{
    enum { LONGEST = 24 };
    int row[LONGEST + 1];
    if (n > LONGEST || m > LONGEST)
        return 99;
    for (size_t j = 0; j <= m; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            int least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = change < least ? change : least;
        }
    }
    return row[m];
}

typedef struct closest {
    const char *wanted, *name;
    size_t wanted_length, length;
    int distance, prefix; /* of the best so far: fewer edits, then more letters alike at the beginning */
} closest;

static void offer(closest *c, const char *name, size_t length)
{
    int d = distance(c->wanted, c->wanted_length, name, length), prefix = 0;
    while ((size_t)prefix < length && (size_t)prefix < c->wanted_length && name[prefix] == c->wanted[prefix])
        prefix++;
    if (d > c->distance || (d == c->distance && prefix <= c->prefix))
        return;
    *c = (closest){c->wanted, name, c->wanted_length, length, d, prefix};
}

static const char *hint_text(const closest *c, char hint[OP_HINT_TEXT])
{
    hint[0] = 0;
    if (c->name)
        snprintf(hint, OP_HINT_TEXT, "; did you mean '%.*s'?", (int)c->length, c->name);
    return hint;
}

/* One edit in a short name, two in a longer one. */
static closest closest_to(const char *name, size_t length)
{
    return (closest){.wanted = name, .wanted_length = length, .distance = length < 2 ? 0 : length < 5 ? 1 : 2,
                     .prefix = -1};
}

const char *op_function_hint(const char *name, size_t length, char hint[OP_HINT_TEXT])
{
    closest c = closest_to(name, length);
    for (int code = OP_CODE_NONE + 1; code < OP_CODE_TABLE_END; code++)
        offer(&c, op_rows[code].name, strlen(op_rows[code].name));
    for (int i = 0; i < op_alias_count; i++)
        offer(&c, op_aliases[i].name, strlen(op_aliases[i].name));
    for (int i = 0; i < op_scan_name_count; i++)
        offer(&c, op_scan_names[i].name, strlen(op_scan_names[i].name));
    for (int i = 0; i < op_reduce_name_count; i++)
        offer(&c, op_reduce_names[i].name, strlen(op_reduce_names[i].name));
    for (size_t i = 0; i < COUNT(counts); i++)
        offer(&c, counts[i], strlen(counts[i]));
    return hint_text(&c, hint);
}

static const char *symbol_hint(op_formula *f, const char *name, size_t length, char hint[OP_HINT_TEXT])
{
    closest c = closest_to(name, length);
    for (uint32_t i = 0; i < f->symbols.used; i++) {
        const op_symbol *symbol = OP_AT(&f->symbols, op_symbol, i);
        if (symbol->known)
            offer(&c, symbol->name, symbol->length);
    }
    return hint_text(&c, hint);
}

/* ---- Meaning of a name ---------------------------------------------------------------------------- */

static op_dtype dtype_of(const char *name, size_t length)
{
    char text[NAME_TEXT];
    if (length >= NAME_TEXT)
        return 0;
    memcpy(text, name, length);
    text[length] = 0;
    return op_dtype_from_name(text);
}

op_function op_function_find(const char *name, size_t length)
{
    op_opcode code = op_opcode_from_name(name, length);
    if (code)
        return (op_function){.kind = OP_FUNCTION_OP, .code = (int)code};
    int reduction = op_reduce_from_name(name, length);
    if (reduction >= 0)
        return (op_function){.kind = OP_FUNCTION_REDUCE, .code = reduction};
    int scan = op_scan_from_name(name, length);
    if (scan >= 0)
        return (op_function){.kind = OP_FUNCTION_SCAN, .code = scan};
    for (int i = 0; i < (int)COUNT(counts); i++)
        if (same(name, length, counts[i]))
            return (op_function){.kind = OP_FUNCTION_COUNT, .code = i};
    if (same(name, length, "transpose"))
        return (op_function){.kind = OP_FUNCTION_TRANSPOSE};
    op_dtype dtype = dtype_of(name, length);
    if (dtype)
        return (op_function){.kind = OP_FUNCTION_CAST, .code = (int)dtype};
    return (op_function){.kind = OP_FUNCTION_NONE};
}

/* pi, True, None, f32: what a name means that nobody has given another meaning. */
static int builtin(const char *name, size_t length, op_value *value)
{
    for (size_t i = 0; i < COUNT(constants); i++)
        if (same(name, length, constants[i].name)) {
            value->kind = OP_VALUE_LITERAL;
            value->literal = (op_literal){.kind = OP_LITERAL_FLOAT, .real = constants[i].value};
            return 1;
        }
    int is_true = same(name, length, "True");
    if (is_true || same(name, length, "False")) {
        value->kind = OP_VALUE_LITERAL;
        value->literal = (op_literal){.kind = OP_LITERAL_BOOL, .integer = is_true};
        return 1;
    }
    if (same(name, length, "None") || same(name, length, "newaxis")) {
        value->kind = OP_VALUE_NONE;
        return 1;
    }
    value->kind = OP_VALUE_DTYPE;
    value->dtype = dtype_of(name, length);
    return value->dtype != 0;
}

static int use_symbol(op_formula *f, op_symbol *symbol, op_value *value)
{
    int first = !symbol->used;
    symbol->used = 1;
    if (first && f->found && !symbol->assigned)
        f->found(f->found_ctx, f->text, symbol, value->begin, value->end);
    if (f->graph && symbol->value.kind == OP_VALUE_EXPR && !symbol->value.expr)
        return op_formula_fail(f, OP_ERR_INVALID, value->begin, value->end,
                               "the expression that was passed as '%.*s' is NULL", (int)symbol->length, symbol->name);
    int64_t begin = value->begin, end = value->end;
    *value = symbol->value;
    value->begin = begin;
    value->end = end;
    return 1;
}

int op_symbol_value(op_formula *f, const op_token *token, op_value *value)
{
    const char *name = f->text + token->begin;
    size_t length = (size_t)(token->end - token->begin);
    *value = (op_value){.begin = token->begin, .end = token->end};
    op_symbol *symbol = op_symbol_find(f, name, length);
    if (symbol && symbol->known)
        return use_symbol(f, symbol, value);
    if (builtin(name, length, value))
        return 1;
    int shown = length > NAME_TEXT ? NAME_TEXT : (int)length;
    if (op_function_find(name, length).kind)
        return op_formula_fail(f, OP_ERR_NAME, token->begin, token->end, "'%.*s' is a function: write %.*s(...)",
                               shown, name, shown, name);
    if (!f->graph) {
        value->kind = OP_VALUE_EXPR;
        symbol = op_symbol_add(f, name, length);
        return symbol ? use_symbol(f, symbol, value) : 0;
    }
    char hint[OP_HINT_TEXT];
    return op_formula_fail(f, OP_ERR_NAME, token->begin, token->end, "unknown name '%.*s'%s", shown, name,
                           symbol_hint(f, name, length, hint));
}
