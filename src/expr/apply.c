/* What operators, functions and subscripts of a formula do, in terms of the builders. Numbers alone
 * follow Python (literal.c) and become weak scalars when they meet an array. */
#include <string.h>

#include "expr/formula.h"

static op_value expr_value(op_expr *expr, int64_t begin, int64_t end)
{
    return (op_value){.kind = OP_VALUE_EXPR, .expr = expr, .begin = begin, .end = end};
}

/* Ends a builder's call: its expression becomes the result, its error the formula's. */
static int built(op_formula *f, op_expr *expr, int64_t begin, int64_t end, op_value *result)
{
    if (f->graph && !expr)
        return op_formula_fail_built(f, begin, end);
    *result = expr_value(expr, begin, end);
    return 1;
}

static int literal_expr(op_formula *f, op_value *value)
{
    const op_literal *literal = &value->literal;
    op_expr *expr = NULL;
    if (literal->kind == OP_LITERAL_INT && (literal->integer < INT64_MIN || literal->integer > (op_wide)UINT64_MAX))
        return op_formula_fail(f, OP_ERR_RANGE, value->begin, value->end, "this integer does not fit 64 bits");
    if (!f->graph)
        ; /* nothing to build */
    else if (literal->kind == OP_LITERAL_BOOL)
        expr = op_scalar_bool(f->graph, literal->integer != 0);
    else if (literal->kind == OP_LITERAL_FLOAT)
        expr = op_scalar(f->graph, literal->real);
    else if (literal->integer <= INT64_MAX)
        expr = op_scalar_i64(f->graph, (int64_t)literal->integer);
    else
        expr = op_scalar_u64(f->graph, (uint64_t)literal->integer);
    return built(f, expr, value->begin, value->end, value);
}

int op_value_expr(op_formula *f, op_value *value)
{
    static const char *const what[] = {
        [OP_VALUE_DTYPE] = "a dtype stands where a value should; f32(x) or x.astype(f32) converts",
        [OP_VALUE_NONE] = "None stands where a value should",
        [OP_VALUE_ELLIPSIS] = "'...' only has a meaning inside [ ]",
        [OP_VALUE_TUPLE] = "a tuple stands where a value should; it only has a meaning as axis=(0, 1)",
    };
    if (value->kind == OP_VALUE_EXPR)
        return 1;
    if (value->kind == OP_VALUE_LITERAL)
        return literal_expr(f, value);
    return op_formula_fail(f, OP_ERR_PARSE, value->begin, value->end, "%s", what[value->kind]);
}

/* An operation of the table on values that are made expressions first. */
static int build(op_formula *f, int code, int n, op_value *args, int64_t begin, int64_t end, op_value *result)
{
    op_expr *exprs[3] = {NULL};
    for (int i = 0; i < n; i++) {
        if (!op_value_expr(f, &args[i]))
            return 0;
        exprs[i] = args[i].expr;
    }
    return built(f, f->graph ? op_build(f->graph, (op_opcode)code, n, exprs) : NULL, begin, end, result);
}

/* ---- Operators ------------------------------------------------------------------------------------ */

int op_apply_unary(op_formula *f, int operation, const op_value *a, op_value *result)
{
    op_value operand = *a;
    if (a->kind != OP_VALUE_LITERAL)
        return build(f, operation, 1, &operand, a->begin, a->end, result);
    *result = operand;
    const char *why = op_literal_unary(operation, &operand.literal, &result->literal);
    return why ? op_formula_fail(f, OP_ERR_RANGE, a->begin, a->end, "%s", why) : 1;
}

int op_apply_binary(op_formula *f, int operation, op_value *a, op_value *b, op_value *result)
{
    op_value args[2] = {*a, *b};
    if (operation == OP_OPERATION_MATMUL)
        return op_formula_fail(f, OP_ERR_UNSUPPORTED, a->begin, b->end,
                               "the matrix product @ is not supported in this version");
    if (a->kind == OP_VALUE_LITERAL && b->kind == OP_VALUE_LITERAL) {
        *result = (op_value){.kind = OP_VALUE_LITERAL, .begin = a->begin, .end = b->end};
        const char *why = op_literal_binary(operation, &a->literal, &b->literal, &result->literal);
        return why ? op_formula_fail(f, OP_ERR_RANGE, a->begin, b->end, "%s", why) : 1;
    }
    if (operation == OP_LITERAL_POWER)
        operation = OP_CODE_power;
    return build(f, operation, 2, args, a->begin, b->end, result);
}

/* ---- Functions ------------------------------------------------------------------------------------ */

static int wrong_key(op_formula *f, const op_value *arg)
{
    return op_formula_fail(f, OP_ERR_PARSE, arg->begin, arg->end, "this function does not take such a keyword");
}

static int call_op(op_formula *f, const op_pending *call, int n, op_value *args, op_value *result)
{
    const op_row *row = &op_rows[call->function.code];
    int64_t end = f->token.end;
    for (int i = 0; i < n; i++)
        if (args[i].key)
            return wrong_key(f, &args[i]);
    if (n != row->arity)
        return op_formula_fail(f, OP_ERR_PARSE, call->begin, end, "%s takes %d operand%s, not %d", row->name,
                               row->arity, row->arity == 1 ? "" : "s", n);
    return build(f, call->function.code, n, args, call->begin, end, result);
}

/* A method's call begins with its receiver. */
static int64_t first_byte(const op_pending *call, const op_value *args)
{
    return args[0].begin < call->begin ? args[0].begin : call->begin;
}

static int call_cast(op_formula *f, const op_pending *call, int n, op_value *args, op_value *result)
{
    op_dtype dtype = (op_dtype)call->function.code;
    int is_method = call->function.kind == OP_FUNCTION_ASTYPE;
    if (n != 1 + is_method)
        return op_formula_fail(f, OP_ERR_PARSE, call->begin, f->token.end, "a conversion takes one %s",
                               is_method ? "dtype" : "operand");
    if (args[0].key)
        return wrong_key(f, &args[0]);
    if (is_method && (args[1].kind != OP_VALUE_DTYPE || (args[1].key && args[1].key != OP_KEY_DTYPE)))
        return op_formula_fail(f, OP_ERR_PARSE, args[1].begin, args[1].end, "astype takes a dtype, such as f32");
    if (is_method)
        dtype = args[1].dtype;
    if (!op_value_expr(f, &args[0]))
        return 0;
    op_expr *converted = f->graph ? op_cast(args[0].expr, dtype) : NULL;
    return built(f, converted, first_byte(call, args), f->token.end, result);
}

static int read_axes(op_formula *f, const op_value *arg, op_axes *axes)
{
    if (arg->kind == OP_VALUE_NONE) {
        *axes = OP_ALL;
    } else if (arg->kind == OP_VALUE_TUPLE) {
        *axes = *OP_AT(&f->tuples, op_axes, arg->tuple);
    } else if (arg->kind == OP_VALUE_LITERAL && arg->literal.kind == OP_LITERAL_INT &&
               arg->literal.integer >= -OP_MAX_NDIM && arg->literal.integer < OP_MAX_NDIM) {
        *axes = OP_AXIS((int)arg->literal.integer);
    } else {
        return op_formula_fail(f, OP_ERR_PARSE, arg->begin, arg->end,
                               "axis is an integer, a tuple of integers or None; "
                               "the larger of two values is maximum(a, b)");
    }
    return 1;
}

static int read_reduce_key(op_formula *f, op_value *arg, op_axes *axes, op_reduce_options *options)
{
    int key;
    switch (arg->key) {
    case OP_KEY_KEEPDIMS:
    case OP_KEY_COMPENSATED:
        key = arg->key;
        if (arg->kind != OP_VALUE_LITERAL || arg->literal.kind == OP_LITERAL_FLOAT)
            return op_formula_fail(f, OP_ERR_PARSE, arg->begin, arg->end, "%s is True or False",
                                   key == OP_KEY_KEEPDIMS ? "keepdims" : "compensated");
        if (key == OP_KEY_COMPENSATED)
            options->compensated = arg->literal.integer != 0;
        else
            options->flags = arg->literal.integer ? OP_KEEPDIMS : 0;
        return 1;
    case OP_KEY_DTYPE:
        if (arg->kind != OP_VALUE_DTYPE)
            return op_formula_fail(f, OP_ERR_PARSE, arg->begin, arg->end, "dtype is a name such as f64");
        options->dtype = arg->dtype;
        return 1;
    case OP_KEY_DDOF:
        if (arg->kind != OP_VALUE_LITERAL)
            return op_formula_fail(f, OP_ERR_PARSE, arg->begin, arg->end, "ddof is a number");
        options->ddof = arg->literal.kind == OP_LITERAL_FLOAT ? arg->literal.real : (double)arg->literal.integer;
        return 1;
    case OP_KEY_INITIAL:
    case OP_KEY_WHERE:
        key = arg->key; /* the value replaces it */
        if (!op_value_expr(f, arg))
            return 0;
        *(key == OP_KEY_WHERE ? &options->where : &options->initial) = arg->expr;
        return 1;
    case OP_KEY_WEIGHTS:
    case OP_KEY_LOC:
    case OP_KEY_SCALE:
        return wrong_key(f, arg);
    default:
        return read_axes(f, arg, axes);
    }
}

static int call_reduce(op_formula *f, const op_pending *call, int n, op_value *args, op_value *result)
{
    op_axes axes = OP_ALL;
    op_reduce_options options = {0};
    int64_t end = f->token.end;
    int seen[OP_KEY_END] = {0};
    if (n == 0 || args[0].key)
        return op_formula_fail(f, OP_ERR_PARSE, call->begin, end, "a reduction takes a value first");
    if (!op_value_expr(f, &args[0]))
        return 0;
    for (int i = 1; i < n; i++) {
        if (seen[args[i].key ? args[i].key : OP_KEY_AXIS]++)
            return op_formula_fail(f, OP_ERR_PARSE, args[i].begin, args[i].end, "this argument is one too many");
        if (!read_reduce_key(f, &args[i], &axes, &options))
            return 0;
    }
    op_expr *reduced = NULL;
    if (f->graph)
        reduced = op_build_named_reduction(call->function.code, args[0].expr, axes, &options);
    return built(f, reduced, first_byte(call, args), end, result);
}

/* cumsum(x, axis=0); without an axis, as NumPy, over all elements in C order. */
static int call_scan(op_formula *f, const op_pending *call, int n, op_value *args, op_value *result)
{
    op_axes axes = OP_ALL;
    int64_t end = f->token.end;
    if (n == 0 || n > 2 || args[0].key || (n == 2 && args[1].key && args[1].key != OP_KEY_AXIS))
        return op_formula_fail(f, OP_ERR_PARSE, call->begin, end, "%s takes a value and an axis",
                               op_scan_names[call->function.code].name);
    if (!op_value_expr(f, &args[0]) || (n == 2 && !read_axes(f, &args[1], &axes)))
        return 0;
    if (axes.count > 1)
        return op_formula_fail(f, OP_ERR_PARSE, args[1].begin, args[1].end, "there can be one axis here");
    op_expr *x = args[0].expr;
    int flat = axes.count < 1 && strcmp(op_scan_names[call->function.code].name, "diff");
    if (f->graph && flat && op_expr_ndim(x) != 1)
        x = op_reshape(x, 1, (int64_t[]){-1});
    op_expr *scanned = f->graph ? op_scan_names[call->function.code].build(x, axes.count < 1 ? -1 : axes.axis[0]) : NULL;
    return built(f, scanned, first_byte(call, args), end, result);
}

/* A number that is known now: written, or passed in as a constant. */
static int read_number(op_formula *f, const op_value *arg, double *number)
{
    int is_constant = arg->kind == OP_VALUE_EXPR && (!f->graph || arg->expr->kind == OP_NODE_CONST);
    *number = 0;
    if (arg->kind == OP_VALUE_LITERAL) {
        *number = arg->literal.kind == OP_LITERAL_FLOAT ? arg->literal.real : (double)arg->literal.integer;
    } else if (is_constant && f->graph) {
        uint64_t bits = op_fold_cast((op_dtype)arg->expr->dtype, OP_F64, 0, arg->expr->bits);
        memcpy(number, &bits, sizeof bits);
    }
    if (arg->kind == OP_VALUE_LITERAL || is_constant)
        return 1;
    return op_formula_fail(f, OP_ERR_PARSE, arg->begin, arg->end, "this must be a number, not an array");
}

static int read_bins(op_formula *f, const op_value *arg, int64_t *bins)
{
    double number;
    if (!read_number(f, arg, &number))
        return 0;
    int fits = number >= 1 && number <= OP_MOST_BINS;
    *bins = fits ? (int64_t)number : 1;
    if (f->graph && (double)*bins != number)
        return op_formula_fail(f, OP_ERR_LIMIT, arg->begin, arg->end, "the number of bins is an integer from 1 to %d",
                               OP_MOST_BINS);
    return 1;
}

static int read_count_key(op_formula *f, op_value *arg, op_count_options *options)
{
    op_expr **place = arg->key == OP_KEY_WHERE     ? &options->where
                      : arg->key == OP_KEY_WEIGHTS ? &options->weights
                                                   : NULL;
    if (!place || *place)
        return wrong_key(f, arg);
    if (!op_value_expr(f, arg))
        return 0;
    *place = arg->expr;
    return 1;
}

/* bincount(x, n, where=mask, weights=w), histogram(x, bins, lo, hi, where=mask, weights=w) */
static int call_count(op_formula *f, const op_pending *call, int n, op_value *args, op_value *result)
{
    static const char *const forms[] = {"bincount takes a value and the number of bins",
                                        "histogram takes a value, the number of bins, and where they begin and end"};
    int64_t end = f->token.end, bins;
    int is_histogram = call->function.code;
    double lo = 0, hi = 0;
    op_count_options options = {0};
    op_expr *counts = NULL;
    while (n > 0 && args[n - 1].key)
        if (!read_count_key(f, &args[--n], &options))
            return 0;
    if (n != (is_histogram ? 4 : 2))
        return op_formula_fail(f, OP_ERR_PARSE, call->begin, end, "%s", forms[is_histogram]);
    if (!op_value_expr(f, &args[0]) || !read_bins(f, &args[1], &bins))
        return 0;
    if (is_histogram && (!read_number(f, &args[2], &lo) || !read_number(f, &args[3], &hi)))
        return 0;
    if (f->graph)
        counts = is_histogram ? op_histogram_opt(args[0].expr, bins, lo, hi, &options)
                              : op_bincount_opt(args[0].expr, bins, &options);
    return built(f, counts, call->begin, end, result);
}

static int call_transpose(op_formula *f, const op_pending *call, int n, op_value *args, op_value *result)
{
    if (n != 1 || args[0].key)
        return op_formula_fail(f, OP_ERR_PARSE, call->begin, f->token.end,
                               "transpose takes one operand, and reverses its axes");
    if (!op_value_expr(f, &args[0]))
        return 0;
    op_expr *turned = f->graph ? op_transpose(args[0].expr) : NULL;
    return built(f, turned, first_byte(call, args), f->token.end, result);
}

/* norm.isf(p, loc=0, scale=1) */
static int call_normal(op_formula *f, const op_pending *call, int n, op_value *args, op_value *result)
{
    enum { LOC = 1, SCALE = 2, LAST = 3 };
    op_expr *operand[LAST] = {NULL, op_none(), op_none()};
    int seen[LAST] = {0};
    int64_t end = f->token.end;
    if (n == 0 || args[0].key)
        return op_formula_fail(f, OP_ERR_PARSE, call->begin, end, "norm's functions take a value first");
    for (int i = 0; i < n; i++) {
        int place = args[i].key == OP_KEY_LOC ? LOC : args[i].key == OP_KEY_SCALE ? SCALE : i;
        if (args[i].key && args[i].key != OP_KEY_LOC && args[i].key != OP_KEY_SCALE)
            return wrong_key(f, &args[i]);
        if (place >= LAST || seen[place]++)
            return op_formula_fail(f, OP_ERR_PARSE, args[i].begin, args[i].end,
                                   "this argument is one too many; norm's functions take a value, loc and scale");
        if (!op_value_expr(f, &args[i]))
            return 0;
        operand[place] = args[i].expr;
    }
    op_expr *expr = f->graph ? call->function.normal(operand[0], operand[LOC], operand[SCALE]) : NULL;
    return built(f, expr, call->begin, end, result);
}

int op_apply_call(op_formula *f, const op_pending *call, int n, op_value *args, op_value *result)
{
    switch (call->function.kind) {
    case OP_FUNCTION_OP:
        return call_op(f, call, n, args, result);
    case OP_FUNCTION_REDUCE:
        return call_reduce(f, call, n, args, result);
    case OP_FUNCTION_SCAN:
        return call_scan(f, call, n, args, result);
    case OP_FUNCTION_COUNT:
        return call_count(f, call, n, args, result);
    case OP_FUNCTION_TRANSPOSE:
        return call_transpose(f, call, n, args, result);
    case OP_FUNCTION_NORMAL:
        return call_normal(f, call, n, args, result);
    default:
        return call_cast(f, call, n, args, result);
    }
}

/* ---- Subscripts ----------------------------------------------------------------------------------- */

/* Applies one item at *axis of x, and moves *axis past what remains of it. */
static op_expr *apply_item(op_expr *x, const op_item *item, int *axis)
{
    switch (item->kind) {
    case OP_ITEM_INDEX:
        return op_index(x, *axis, item->bound[0]);
    case OP_ITEM_NEWAXIS:
        return op_newaxis(x, (*axis)++);
    default:
        if (!item->has[0] && !item->has[1] && !item->has[2])
            return (*axis)++, x;
        return op_slice(x, (*axis)++, item->has[0] ? item->bound[0] : OP_END, item->has[1] ? item->bound[1] : OP_END,
                        item->has[2] ? item->bound[2] : 1);
    }
}

int op_apply_items(op_formula *f, op_value *value, int n, const op_item *items, op_value *result)
{
    int used = 0, ellipses = 0, axis = 0;
    int64_t end = f->token.end;
    for (int i = 0; i < n; i++) {
        used += items[i].kind == OP_ITEM_INDEX || items[i].kind == OP_ITEM_SLICE;
        ellipses += items[i].kind == OP_ITEM_ELLIPSIS;
    }
    if (ellipses > 1)
        return op_formula_fail(f, OP_ERR_PARSE, value->begin, end, "'...' can be there once");
    if (!op_value_expr(f, value))
        return 0;
    op_expr *x = value->expr;
    if (f->graph && used > op_expr_ndim(x))
        return op_formula_fail(f, OP_ERR_SHAPE, value->begin, end, "%d indices for %d dimension%s", used,
                               op_expr_ndim(x), op_expr_ndim(x) == 1 ? "" : "s");
    int skipped = f->graph ? op_expr_ndim(x) - used : 0;
    for (int i = 0; i < n && f->graph && x; i++) {
        if (items[i].kind == OP_ITEM_ELLIPSIS)
            axis += skipped;
        else
            x = apply_item(x, &items[i], &axis);
    }
    return built(f, x, value->begin, end, result);
}
