/* The formula parser: a machine with two states and two stacks, so that nesting costs memory that is
 * limited and no stack that is not.
 *
 *   operand state    a value is to come: a number, a name, a prefix operator, an opening bracket
 *   operator state   a value is complete: an operator, a postfix, a comma, a closing bracket
 *
 * Complete values wait on one stack, operators and open brackets on the other. An operator that comes
 * first applies those before it that bind tighter. Precedences are Python's. */
#include "expr/formula.h"

enum { PREC_OR = 1, PREC_AND, PREC_NOT, PREC_COMPARE, PREC_BITOR, PREC_XOR, PREC_BITAND, PREC_SHIFT, PREC_SUM,
       PREC_PRODUCT, PREC_UNARY, PREC_POWER };

static const struct {
    int sign, operation, precedence;
} binary_signs[] = {
    {'+', OP_CODE_add, PREC_SUM},
    {'-', OP_CODE_subtract, PREC_SUM},
    {'*', OP_CODE_multiply, PREC_PRODUCT},
    {'/', OP_CODE_divide, PREC_PRODUCT},
    {OP_SIGN2('/', '/'), OP_CODE_floor_divide, PREC_PRODUCT},
    {'%', OP_CODE_remainder, PREC_PRODUCT},
    {'@', OP_OPERATION_MATMUL, PREC_PRODUCT},
    {OP_SIGN2('*', '*'), OP_LITERAL_POWER, PREC_POWER},
    {'<', OP_CODE_less, PREC_COMPARE},
    {OP_SIGN2('<', '='), OP_CODE_less_equal, PREC_COMPARE},
    {'>', OP_CODE_greater, PREC_COMPARE},
    {OP_SIGN2('>', '='), OP_CODE_greater_equal, PREC_COMPARE},
    {OP_SIGN2('=', '='), OP_CODE_equal, PREC_COMPARE},
    {OP_SIGN2('!', '='), OP_CODE_not_equal, PREC_COMPARE},
    {'|', OP_CODE_bitwise_or, PREC_BITOR},
    {'^', OP_CODE_bitwise_xor, PREC_XOR},
    {'&', OP_CODE_bitwise_and, PREC_BITAND},
    {OP_SIGN2('<', '<'), OP_CODE_left_shift, PREC_SHIFT},
    {OP_SIGN2('>', '>'), OP_CODE_right_shift, PREC_SHIFT},
};

static const char *const keys[OP_KEY_END] = {[OP_KEY_AXIS] = "axis", [OP_KEY_DTYPE] = "dtype",
                                             [OP_KEY_KEEPDIMS] = "keepdims", [OP_KEY_INITIAL] = "initial",
                                             [OP_KEY_DDOF] = "ddof", [OP_KEY_WHERE] = "where",
                                             [OP_KEY_COMPENSATED] = "compensated", [OP_KEY_WEIGHTS] = "weights",
                                             [OP_KEY_LOC] = "loc", [OP_KEY_SCALE] = "scale"};

enum state { FAILED, OPERAND, OPERATOR, FINISHED };

/* ---- Stacks and tokens ----------------------------------------------------------------------------- */

static int push_value(op_formula *f, const op_value *value)
{
    op_value *slot = OP_PUSH(f, &f->values, op_value);
    if (slot)
        *slot = *value;
    return slot != NULL;
}

static op_value *top_value(op_formula *f)
{
    return OP_AT(&f->values, op_value, f->values.used - 1);
}

static op_pending *top_pending(op_formula *f)
{
    return f->pending.used ? OP_AT(&f->pending, op_pending, f->pending.used - 1) : NULL;
}

static int is_bracket(const op_pending *pending)
{
    return pending && pending->kind >= OP_PENDING_PAREN;
}

static int push_pending(op_formula *f, op_pending pending)
{
    if (f->pending.used == OP_FORMULA_DEPTH)
        return op_formula_fail(f, OP_ERR_LIMIT, f->token.begin, f->token.end,
                               "the formula nests deeper than %d brackets and operators", OP_FORMULA_DEPTH);
    pending.value_base = f->values.used - (uint32_t)(pending.kind == OP_PENDING_INDEX || pending.method);
    pending.item_base = f->items.used;
    op_pending *slot = OP_PUSH(f, &f->pending, op_pending);
    if (!slot)
        return 0;
    *slot = pending;
    f->brackets += is_bracket(slot);
    return 1;
}

static void pop_pending(op_formula *f)
{
    f->brackets -= is_bracket(top_pending(f));
    f->pending.used--;
}

/* ---- Applying what waits ---------------------------------------------------------------------------- */

/* Takes the operator on top and its operands off, and puts the result there. */
static int apply_top(op_formula *f)
{
    op_pending *top = top_pending(f);
    op_value result;
    if (top->kind == OP_PENDING_PREFIX) {
        op_value *a = top_value(f);
        a->begin = top->begin;
        if (!op_apply_unary(f, top->operation, a, &result))
            return 0;
        *a = result;
        return pop_pending(f), 1;
    }
    op_value *b = top_value(f), *a = b - 1;
    if (!op_apply_binary(f, top->operation, a, b, &result))
        return 0;
    if (top->chained) {
        op_value last = result;
        if (!op_apply_binary(f, OP_CODE_logical_and, &top->chain, &last, &result))
            return 0;
    }
    *a = result;
    f->values.used--;
    return pop_pending(f), 1;
}

/* Applies the operators on top that bind at least so tightly, up to the innermost bracket. */
static int apply_down_to(op_formula *f, int precedence)
{
    for (op_pending *top = top_pending(f); top && !is_bracket(top) && top->precedence >= precedence;
         top = top_pending(f))
        if (!apply_top(f))
            return 0;
    return 1;
}

/* a < b < c, when the second sign comes: a < b is put aside and b stays for the next comparison. */
static int chain_comparison(op_formula *f, int operation)
{
    op_pending *top = top_pending(f);
    op_value *b = top_value(f), *a = b - 1, result;
    if (!op_apply_binary(f, top->operation, a, b, &result))
        return 0;
    op_value first = result;
    if (top->chained && !op_apply_binary(f, OP_CODE_logical_and, &top->chain, &first, &result))
        return 0;
    top->chain = result;
    top->chained = 1;
    top->operation = operation;
    *a = *b;
    f->values.used--;
    return 1;
}

/* ---- Operand state ---------------------------------------------------------------------------------- */

static enum state prefix(op_formula *f, int operation, int precedence)
{
    const op_pending *top = top_pending(f);
    if (precedence == PREC_NOT && top && !is_bracket(top) && top->precedence > PREC_NOT) {
        op_formula_unexpected(f, "an operand, or 'not' in parentheses,");
        return FAILED;
    }
    op_pending pending = {.kind = OP_PENDING_PREFIX, .operation = operation, .precedence = precedence,
                          .begin = f->token.begin, .end = f->token.end};
    return push_pending(f, pending) && op_formula_advance(f) ? OPERAND : FAILED;
}

/* name( opens a call; the token is the name, the one after it the parenthesis. */
static enum state open_call(op_formula *f, op_function function, int method)
{
    op_pending call = {.kind = OP_PENDING_CALL, .function = function, .method = method,
                       .begin = f->token.begin, .end = f->token.end};
    if (!push_pending(f, call) || !op_formula_advance(f) || !op_formula_advance(f))
        return FAILED;
    return OPERAND;
}

static enum state function_call(op_formula *f)
{
    const char *name = f->text + f->token.begin;
    size_t length = (size_t)(f->token.end - f->token.begin);
    op_function function = op_function_find(name, length);
    if (function.kind)
        return open_call(f, function, 0);
    char hint[OP_HINT_TEXT];
    op_formula_fail(f, OP_ERR_NAME, f->token.begin, f->token.end, "there is no function '%.*s' in this version%s",
                    length > 40 ? 40 : (int)length, name, op_function_hint(name, length, hint));
    return FAILED;
}

/* axis= and its kin; the token is the name, the one after it the sign. */
static enum state keyword(op_formula *f, op_pending *call)
{
    int key = OP_KEY_END - 1;
    while (key > OP_KEY_NONE && !op_token_is(f->text, &f->token, keys[key]))
        key--;
    if (!key) {
        op_formula_fail(f, OP_ERR_PARSE, f->token.begin, f->token.end,
                        "there is no such keyword here; reductions take axis, dtype, keepdims, initial and where, "
                        "sums compensated, var and std ddof, norm's functions loc and scale; "
                        "histogram(x, bins, lo, hi) and bincount(x, n) take none but where");
        return FAILED;
    }
    call->key = (op_key)key;
    call->comma = 0;
    return op_formula_advance(f) && op_formula_advance(f) ? OPERAND : FAILED;
}

/* x.sum(), x.T: what can follow a name and a dot where the name is an array's. */
static int is_attribute_of_array(const op_formula *f, const op_token *name)
{
    op_function function = op_function_find(f->text + name->begin, (size_t)(name->end - name->begin));
    return op_token_is(f->text, name, "T") || op_token_is(f->text, name, "astype") ||
           function.kind == OP_FUNCTION_REDUCE || function.kind == OP_FUNCTION_TRANSPOSE;
}

/* norm.isf(...), where nothing is called norm; the token is the name, the one after it the dot. Without
 * effect if this is about an array, which may still be unknown. */
static enum state normal_call(op_formula *f, int *is_array)
{
    op_token norm = f->token;
    if (!op_formula_advance(f) || !op_formula_advance(f))
        return FAILED;
    const char *name = f->text + f->token.begin;
    size_t length = (size_t)(f->token.end - f->token.begin);
    op_token next = op_formula_peek(f);
    op_function function = {.kind = OP_FUNCTION_NORMAL};
    if (f->token.kind == OP_TOKEN_NAME)
        function.normal = op_normal_from_name(name, length);
    *is_array = !function.normal && f->token.kind == OP_TOKEN_NAME && is_attribute_of_array(f, &f->token);
    if (*is_array) {
        f->token = norm;
        return OPERAND;
    }
    if (!function.normal)
        op_formula_fail(f, OP_ERR_NAME, f->token.begin, f->token.end,
                        "norm has no '.%.*s'; there are pdf, logpdf, cdf, logcdf, sf, logsf, ppf and isf",
                        length > 40 ? 40 : (int)length, name);
    else if (!op_token_is_sign(&next, '('))
        op_formula_fail(f, OP_ERR_NAME, norm.begin, f->token.end, "'norm.%.*s' is a function: write norm.%.*s(...)",
                        (int)length, name, (int)length, name);
    else if (open_call(f, function, 0))
        return top_pending(f)->begin = norm.begin, OPERAND;
    return FAILED;
}

static int is_known(op_formula *f, const op_token *name)
{
    const op_symbol *symbol = op_symbol_find(f, f->text + name->begin, (size_t)(name->end - name->begin));
    return symbol && symbol->known;
}

static enum state name_operand(op_formula *f)
{
    op_token next = op_formula_peek(f);
    op_pending *top = top_pending(f);
    op_value value;
    if (op_token_is(f->text, &f->token, "not"))
        return prefix(f, OP_CODE_logical_not, PREC_NOT);
    if (op_formula_reserved(f, &f->token)) {
        op_formula_unexpected(f, "a value");
        return FAILED;
    }
    if (op_token_is_sign(&next, '('))
        return function_call(f);
    if (op_token_is_sign(&next, '=') && top && top->kind == OP_PENDING_CALL && !top->key)
        return keyword(f, top);
    if (op_token_is_sign(&next, '.') && op_token_is(f->text, &f->token, "norm") && !is_known(f, &f->token)) {
        int is_array = 0;
        enum state state = normal_call(f, &is_array);
        if (!is_array)
            return state;
    }
    return op_symbol_value(f, &f->token, &value) && push_value(f, &value) && op_formula_advance(f) ? OPERATOR : FAILED;
}

static enum state number_operand(op_formula *f)
{
    op_value value = {.kind = OP_VALUE_LITERAL, .begin = f->token.begin, .end = f->token.end};
    value.literal.kind = f->token.kind == OP_TOKEN_INT ? OP_LITERAL_INT : OP_LITERAL_FLOAT;
    value.literal.integer = f->token.integer;
    value.literal.real = f->token.real;
    return push_value(f, &value) && op_formula_advance(f) ? OPERATOR : FAILED;
}

static enum state close_bracket(op_formula *f, int has_value);
static enum state separator(op_formula *f, int has_value);

static enum state sign_operand(op_formula *f)
{
    op_pending *top = top_pending(f);
    int in_index = top && top->kind == OP_PENDING_INDEX;
    switch (f->token.sign) {
    case '-':
        return prefix(f, OP_CODE_negative, PREC_UNARY);
    case '+':
        return prefix(f, OP_CODE_positive, PREC_UNARY);
    case '~':
        return prefix(f, OP_CODE_invert, PREC_UNARY);
    case '(': {
        op_pending paren = {.kind = OP_PENDING_PAREN, .begin = f->token.begin, .end = f->token.end};
        return push_pending(f, paren) && op_formula_advance(f) ? OPERAND : FAILED;
    }
    case OP_SIGN3('.', '.', '.'): {
        op_value value = {.kind = OP_VALUE_ELLIPSIS, .begin = f->token.begin, .end = f->token.end};
        return push_value(f, &value) && op_formula_advance(f) ? OPERATOR : FAILED;
    }
    case ':':
    case ',':
        if (in_index)
            return separator(f, 0);
        break;
    case ')':
    case ']':
        if (is_bracket(top))
            return close_bracket(f, 0);
        break;
    default:
        break;
    }
    op_formula_unexpected(f, "a value");
    return FAILED;
}

static enum state operand(op_formula *f)
{
    switch (f->token.kind) {
    case OP_TOKEN_INT:
    case OP_TOKEN_FLOAT:
        return number_operand(f);
    case OP_TOKEN_NAME:
        return name_operand(f);
    case OP_TOKEN_SIGN:
        return sign_operand(f);
    case OP_TOKEN_STATEMENT: /* a line that ends in an operator goes on in the next one */
        if (f->pending.used && f->text[f->token.begin] == '\n')
            return op_formula_advance(f) ? OPERAND : FAILED;
        break;
    default:
        break;
    }
    op_formula_unexpected(f, "a value");
    return FAILED;
}

/* ---- Brackets --------------------------------------------------------------------------------------- */

/* One bound of a slice, or an index that is one by itself: the value on top. */
static int take_bound(op_formula *f, op_pending *index)
{
    op_value value = *top_value(f);
    op_item *item = &index->item;
    f->values.used--;
    if (value.kind == OP_VALUE_NONE && item->colons) /* a[None:5] */
        return 1;
    if (value.kind == OP_VALUE_NONE || value.kind == OP_VALUE_ELLIPSIS) {
        item->kind = value.kind == OP_VALUE_NONE ? OP_ITEM_NEWAXIS : OP_ITEM_ELLIPSIS;
        return 1;
    }
    if (value.kind != OP_VALUE_LITERAL || value.literal.kind != OP_LITERAL_INT)
        return op_formula_fail(f, OP_ERR_PARSE, value.begin, value.end,
                               "an index is an integer, a slice, None or '...', not an array or a float");
    if (value.literal.integer < INT64_MIN || value.literal.integer > INT64_MAX)
        return op_formula_fail(f, OP_ERR_RANGE, value.begin, value.end, "this index does not fit 64 bits");
    item->has[item->colons] = 1;
    item->bound[item->colons] = (int64_t)value.literal.integer;
    return 1;
}

/* At a colon. The value before it is a bound even if it is None. */
static int slice_colon(op_formula *f, op_pending *index, int has_value)
{
    op_item *item = &index->item;
    if (item->colons == 2)
        return op_formula_unexpected(f, "',' or ']'");
    if (has_value && !take_bound(f, index))
        return 0;
    if (item->kind == OP_ITEM_ELLIPSIS)
        return op_formula_unexpected(f, "',' or ']'");
    item->kind = OP_ITEM_SLICE; /* a[None:5] too */
    item->colons++;
    return 1;
}

/* At a comma or the closing bracket. */
static int finish_item(op_formula *f, op_pending *index, int has_value)
{
    if (has_value && !take_bound(f, index))
        return 0;
    if (!has_value && !index->item.colons)
        return op_formula_unexpected(f, "an index");
    if (f->items.used - index->item_base >= OP_FORMULA_ITEMS)
        return op_formula_fail(f, OP_ERR_LIMIT, f->token.begin, f->token.end, "more than %d indices",
                               OP_FORMULA_ITEMS);
    op_item *slot = OP_PUSH(f, &f->items, op_item);
    if (!slot)
        return 0;
    *slot = index->item;
    index->item = (op_item){0};
    return 1;
}

/* An argument or a part of a tuple is complete. */
static int finish_argument(op_formula *f, op_pending *bracket)
{
    op_value *value = top_value(f);
    uint32_t n = f->values.used - bracket->value_base;
    if (n > 1 && !bracket->key && bracket->kind == OP_PENDING_CALL && value[-1].key)
        return op_formula_fail(f, OP_ERR_PARSE, value->begin, value->end, "a keyword comes after all that have none");
    if (n > OP_FORMULA_ITEMS)
        return op_formula_fail(f, OP_ERR_LIMIT, value->begin, value->end, "more than %d parts in one pair of brackets",
                               OP_FORMULA_ITEMS);
    value->key = bracket->key;
    bracket->key = OP_KEY_NONE;
    return 1;
}

/* A comma, or a colon in a subscript. */
static enum state separator(op_formula *f, int has_value)
{
    if (!apply_down_to(f, 0))
        return FAILED;
    op_pending *top = top_pending(f);
    int ok;
    if (top && top->kind == OP_PENDING_INDEX)
        ok = f->token.sign == ':' ? slice_colon(f, top, has_value) : finish_item(f, top, has_value);
    else if (top && f->token.sign == ',')
        ok = finish_argument(f, top);
    else
        ok = op_formula_unexpected(f, "an operator");
    if (!ok)
        return FAILED;
    top->comma = f->token.sign == ',';
    return op_formula_advance(f) ? OPERAND : FAILED;
}

static int make_tuple(op_formula *f, const op_pending *paren, op_value *result)
{
    uint32_t n = f->values.used - paren->value_base;
    int axes[OP_MAX_NDIM];
    for (uint32_t i = 0; i < n; i++) {
        const op_value *part = OP_AT(&f->values, op_value, paren->value_base + i);
        if (i == OP_MAX_NDIM || part->kind != OP_VALUE_LITERAL || part->literal.kind != OP_LITERAL_INT ||
            part->literal.integer < -OP_MAX_NDIM || part->literal.integer >= OP_MAX_NDIM)
            return op_formula_fail(f, OP_ERR_PARSE, paren->begin, f->token.end,
                                   "a tuple can only be a list of axes, as in axis=(0, 1)");
        axes[i] = (int)part->literal.integer;
    }
    *result = (op_value){.kind = OP_VALUE_TUPLE, .tuple = f->tuples.used};
    op_axes *slot = OP_PUSH(f, &f->tuples, op_axes);
    if (slot)
        *slot = op_axes_of((int)n, axes);
    return slot != NULL;
}

/* What the innermost bracket and all in it mean. */
static int bracket_value(op_formula *f, op_pending *top, int has_value, op_value *result)
{
    uint32_t n = f->values.used - top->value_base;
    op_value *first = n ? OP_AT(&f->values, op_value, top->value_base) : NULL;
    if (top->kind == OP_PENDING_INDEX) {
        if ((has_value || !top->comma || top->item.colons) && !finish_item(f, top, has_value))
            return 0;
        int items = (int)(f->items.used - top->item_base);
        f->items.used = top->item_base;
        return op_apply_items(f, first, items, OP_AT(&f->items, op_item, top->item_base), result);
    }
    if (has_value ? !finish_argument(f, top) : (!top->comma && (top->kind == OP_PENDING_PAREN || top->key)))
        return has_value ? 0 : op_formula_unexpected(f, "a value");
    if (top->kind == OP_PENDING_CALL)
        return op_apply_call(f, top, (int)n, first, result);
    if (top->comma || n > 1)
        return make_tuple(f, top, result);
    *result = *first;
    return 1;
}

static enum state close_bracket(op_formula *f, int has_value)
{
    if (!apply_down_to(f, 0))
        return FAILED;
    op_pending *top = top_pending(f);
    int closes = f->token.sign == ']' ? OP_PENDING_INDEX : OP_PENDING_PAREN;
    if (!top || (top->kind == OP_PENDING_INDEX) != (closes == OP_PENDING_INDEX)) {
        op_formula_unexpected(f, top ? (closes == OP_PENDING_INDEX ? "')'" : "']'") : "an operator");
        return FAILED;
    }
    op_value result;
    if (!bracket_value(f, top, has_value, &result))
        return FAILED;
    int64_t begin = top->kind == OP_PENDING_PAREN ? top->begin : result.begin;
    f->values.used = top->value_base;
    pop_pending(f);
    result.begin = begin;
    result.end = f->token.end;
    return push_value(f, &result) && op_formula_advance(f) ? OPERATOR : FAILED;
}

/* ---- Operator state --------------------------------------------------------------------------------- */

static enum state binary(op_formula *f, int operation, int precedence)
{
    if (!apply_down_to(f, precedence == PREC_POWER || precedence == PREC_COMPARE ? precedence + 1 : precedence))
        return FAILED;
    op_pending *top = top_pending(f);
    if (precedence == PREC_COMPARE && top && !is_bracket(top) && top->precedence == PREC_COMPARE)
        return chain_comparison(f, operation) && op_formula_advance(f) ? OPERAND : FAILED;
    op_pending pending = {.kind = OP_PENDING_BINARY, .operation = operation, .precedence = precedence,
                          .begin = f->token.begin, .end = f->token.end};
    return push_pending(f, pending) && op_formula_advance(f) ? OPERAND : FAILED;
}

/* x.T, x.sum(...), x.astype(...); the token is the dot. */
static enum state attribute(op_formula *f)
{
    if (!op_formula_advance(f))
        return FAILED;
    op_token next = op_formula_peek(f);
    const char *name = f->text + f->token.begin;
    size_t length = (size_t)(f->token.end - f->token.begin);
    if (f->token.kind != OP_TOKEN_NAME) {
        op_formula_unexpected(f, "a method");
        return FAILED;
    }
    op_value *x = top_value(f), result;
    if (op_token_is(f->text, &f->token, "T") && !op_token_is_sign(&next, '(')) {
        op_pending call = {.begin = x->begin, .function = {.kind = OP_FUNCTION_TRANSPOSE}};
        if (!op_apply_call(f, &call, 1, x, &result))
            return FAILED;
        *x = result;
        return op_formula_advance(f) ? OPERATOR : FAILED;
    }
    op_function function = op_function_find(name, length);
    if (op_token_is(f->text, &f->token, "astype"))
        function = (op_function){.kind = OP_FUNCTION_ASTYPE};
    else if (function.kind != OP_FUNCTION_REDUCE && function.kind != OP_FUNCTION_TRANSPOSE)
        function.kind = OP_FUNCTION_NONE;
    if (function.kind && op_token_is_sign(&next, '('))
        return open_call(f, function, 1);
    op_formula_fail(f, OP_ERR_NAME, f->token.begin, f->token.end,
                    "an array has no '.%.*s' here; there are .T, .astype(dtype), .transpose() and the reductions",
                    length > 40 ? 40 : (int)length, name);
    return FAILED;
}

static enum state sign_operator(op_formula *f)
{
    for (size_t i = 0; i < sizeof binary_signs / sizeof binary_signs[0]; i++)
        if (f->token.sign == binary_signs[i].sign)
            return binary(f, binary_signs[i].operation, binary_signs[i].precedence);
    switch (f->token.sign) {
    case '[': {
        op_pending index = {.kind = OP_PENDING_INDEX, .begin = f->token.begin, .end = f->token.end};
        return push_pending(f, index) && op_formula_advance(f) ? OPERAND : FAILED;
    }
    case '.':
        return attribute(f);
    case ',':
    case ':':
        return separator(f, 1);
    case ')':
    case ']':
        return close_bracket(f, 1);
    case '=':
        op_formula_unexpected(f, "an operator (== compares)");
        return FAILED;
    default:
        op_formula_unexpected(f, "an operator");
        return FAILED;
    }
}

static enum state finish_statement(op_formula *f)
{
    if (!apply_down_to(f, 0))
        return FAILED;
    const op_pending *top = top_pending(f);
    if (!top)
        return FINISHED;
    op_formula_fail(f, OP_ERR_PARSE, top->begin, top->end, "this bracket is never closed");
    return FAILED;
}

static enum state operator_(op_formula *f)
{
    switch (f->token.kind) {
    case OP_TOKEN_SIGN:
        return sign_operator(f);
    case OP_TOKEN_NAME:
        if (op_token_is(f->text, &f->token, "and"))
            return binary(f, OP_CODE_logical_and, PREC_AND);
        if (op_token_is(f->text, &f->token, "or"))
            return binary(f, OP_CODE_logical_or, PREC_OR);
        break;
    case OP_TOKEN_STATEMENT:
    case OP_TOKEN_END:
        return finish_statement(f);
    default:
        break;
    }
    op_formula_unexpected(f, "an operator");
    return FAILED;
}

/* ---- The machine --------------------------------------------------------------------------------------- */

int op_formula_expression(op_formula *f, op_value *value)
{
    enum state state = OPERAND;
    while (state == OPERAND || state == OPERATOR)
        state = state == OPERAND ? operand(f) : operator_(f);
    if (state == FAILED)
        return 0;
    *value = *top_value(f);
    f->values.used--;
    return 1;
}
