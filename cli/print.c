/* Arrays as NumPy prints them: at most 8 digits after the point, the fewest that tell the elements
 * apart, one form for all; more than 1000 elements are cut to three at each end of each dimension. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dtype.h"
#include "base/view.h"
#include "cli/cli.h"

enum { THRESHOLD = 1000, EDGE = 3, LINE = 75, PRECISION = 8, ELEMENT_TEXT = 400 };

/* How all elements are written. */
typedef struct layout {
    const op_view *view;
    int cut;          /* leave out the middles */
    int scientific;
    int width;        /* of the text before the point, or of all of an integer */
    int digits;       /* after the point */
    int exponent;     /* "e+05" */
    int widest_odd;   /* of nan and inf */
    double largest, smallest; /* absolute, of the finite ones that are not 0 */
} layout;

static double real_at(const op_view *view, const char *element)
{
    if (view->dtype == OP_F32)
        return *(const float *)(const void *)element;
    return *(const double *)(const void *)element;
}

static int is_float(op_dtype dtype)
{
    return dtype == OP_F32 || dtype == OP_F64;
}

static int integer_text(op_dtype dtype, const char *element, char text[ELEMENT_TEXT])
{
    uint64_t bits = 0;
    int size = (int)op_dtype_size(dtype);
    memcpy(&bits, element, (size_t)size); /* little-endian, as all targets are */
    if (dtype == OP_BOOL)
        return snprintf(text, ELEMENT_TEXT, "%s", bits ? "True" : "False");
    if (op_dtype_kind(dtype) == OP_KIND_U)
        return snprintf(text, ELEMENT_TEXT, "%llu", (unsigned long long)bits);
    long long value = (long long)(bits << (64 - 8 * size)) >> (64 - 8 * size);
    return snprintf(text, ELEMENT_TEXT, "%lld", value);
}

/* True if the text reads back as the element. */
static int reads_back(op_dtype dtype, const char *text, double value)
{
    return dtype == OP_F32 ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

/* The fewest digits after the point, up to 8, that read back; returns how many. */
static int real_text(op_dtype dtype, int scientific, double value, char text[ELEMENT_TEXT])
{
    int digits = 0;
    for (;; digits++) {
        snprintf(text, ELEMENT_TEXT, scientific ? "%.*e" : "%.*f", digits, value);
        if (digits == PRECISION || reads_back(dtype, text, value))
            break;
    }
    const char *mantissa_end = scientific ? strchr(text, 'e') : text + strlen(text);
    while (digits > 0 && mantissa_end[-1] == '0') /* only after a cut at 8 */
        mantissa_end--, digits--;
    if (digits < PRECISION)
        snprintf(text, ELEMENT_TEXT, scientific ? "%.*e" : "%.*f", digits, value);
    return digits;
}

/* ---- Walking over what is shown --------------------------------------------------------------------- */

typedef void visit(layout *l, const char *element);

/* The index that follows i, or the extent: past the middle if it is left out. */
static int64_t next_shown(const layout *l, int axis, int64_t i)
{
    int64_t extent = l->view->shape[axis];
    return l->cut && extent > 2 * EDGE && i == EDGE - 1 ? extent - EDGE : i + 1;
}

static void walk(layout *l, int axis, const char *element, visit *each) /* as deep as there are dimensions */
{
    if (axis == l->view->ndim) {
        each(l, element);
        return;
    }
    for (int64_t i = 0; i < l->view->shape[axis]; i = next_shown(l, axis, i))
        walk(l, axis + 1, element + i * l->view->strides[axis], each);
}

static void measure_range(layout *l, const char *element)
{
    double value = fabs(real_at(l->view, element));
    if (!isfinite(value) || value == 0)
        return;
    l->largest = value > l->largest ? value : l->largest;
    l->smallest = l->smallest == 0 || value < l->smallest ? value : l->smallest;
}

static void measure_text(layout *l, const char *element)
{
    char text[ELEMENT_TEXT];
    if (!is_float(l->view->dtype)) {
        int width = integer_text(l->view->dtype, element, text);
        l->width = width > l->width ? width : l->width;
        return;
    }
    double value = real_at(l->view, element);
    if (!isfinite(value)) {
        int odd = isnan(value) ? 3 : value < 0 ? 4 : 3;
        l->widest_odd = odd > l->widest_odd ? odd : l->widest_odd;
        return;
    }
    int digits = real_text(l->view->dtype, l->scientific, value, text);
    int width = (int)strcspn(text, ".e");
    int exponent = l->scientific ? (int)strlen(strchr(text, 'e')) : 0;
    l->digits = digits > l->digits ? digits : l->digits;
    l->width = width > l->width ? width : l->width;
    l->exponent = exponent > l->exponent ? exponent : l->exponent;
}

/* ---- Elements ----------------------------------------------------------------------------------------- */

/* The number, its point, zeros (scientific) or spaces up to the common digits, its exponent. */
static void finite_text(const layout *l, double value, char text[ELEMENT_TEXT])
{
    char digits[ELEMENT_TEXT];
    int n = real_text(l->view->dtype, l->scientific, value, digits);
    char *exponent = l->scientific ? strchr(digits, 'e') : digits + strlen(digits);
    int before = (int)strcspn(digits, ".e"), mantissa = (int)(exponent - digits), least = l->exponent - 2;
    int used = snprintf(text, ELEMENT_TEXT, "%*s%.*s%s", l->width - before, "", mantissa, digits, n ? "" : ".");
    for (int i = n; i < l->digits; i++)
        text[used++] = l->scientific ? '0' : ' ';
    if (l->scientific) /* as many digits in each exponent */
        snprintf(text + used, (size_t)(ELEMENT_TEXT - used), "e%c%0*d", exponent[1], least, atoi(exponent + 2));
    else
        text[used] = 0;
}

static void element_text(const layout *l, const char *element, char text[ELEMENT_TEXT])
{
    char plain[ELEMENT_TEXT];
    if (!is_float(l->view->dtype)) {
        integer_text(l->view->dtype, element, plain);
        snprintf(text, ELEMENT_TEXT, "%*.300s", l->width, plain);
        return;
    }
    double value = real_at(l->view, element);
    if (isfinite(value)) {
        finite_text(l, value, text);
        return;
    }
    snprintf(text, ELEMENT_TEXT, "%*s", l->width + 1 + l->digits + l->exponent,
             isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
}

/* One number by itself: as many digits as it takes. */
static void print_scalar(FILE *file, const op_view *view)
{
    char text[ELEMENT_TEXT];
    if (!is_float(view->dtype)) {
        integer_text(view->dtype, view->cdata, text);
        fprintf(file, "%s\n", text);
        return;
    }
    double value = real_at(view, view->cdata);
    if (isnan(value)) {
        fputs("nan\n", file);
        return;
    }
    int digits = 0;
    do
        snprintf(text, sizeof text, "%.*e", digits++, value);
    while (isfinite(value) && digits < 17 && !reads_back(view->dtype, text, value));
    const char *mark = strchr(text, 'e');
    int exponent = mark ? atoi(mark + 1) : 0;
    if (mark && exponent >= -4 && exponent < 16) {
        int after = digits - 1 - exponent;
        snprintf(text, sizeof text, "%.*f", after > 1 ? after : 1, value);
    }
    fprintf(file, "%s\n", text);
}

/* ---- Lines ---------------------------------------------------------------------------------------------- */

typedef struct line {
    FILE *file;
    int column, indent, width;
    int pending; /* spaces that belong before what comes next */
} line;

/* A word of the last dimension, on a new line if this one is full. Spaces at the end of a word are not
 * printed at the end of a line. */
static void print_word(line *to, int first, const char *word)
{
    int length = (int)strlen(word), space = !first, printed = length;
    while (printed > 0 && word[printed - 1] == ' ')
        printed--;
    if (to->column + space + length > to->width && to->column > to->indent) {
        fprintf(to->file, "\n%*s", to->indent, "");
        to->column = to->indent;
        to->pending = space = 0;
    }
    fprintf(to->file, "%*s%.*s", to->pending + space, "", printed, word);
    to->pending = length - printed;
    to->column += length + space;
}

static void print_row(const layout *l, FILE *file, const char *element)
{
    int axis = l->view->ndim - 1;
    line to = {file, axis + 1, axis + 1, LINE - axis - 1, 0};
    for (int64_t i = 0, next; i < l->view->shape[axis]; i = next) {
        char text[ELEMENT_TEXT];
        element_text(l, element + i * l->view->strides[axis], text);
        print_word(&to, i == 0, text);
        next = next_shown(l, axis, i);
        if (next > i + 1)
            print_word(&to, 0, "...");
    }
    fprintf(file, "%*s", to.pending, "");
}

static void print_axis(const layout *l, FILE *file, int axis, const char *element)
{
    fputc('[', file);
    if (axis == l->view->ndim - 1) {
        print_row(l, file, element);
    } else {
        for (int64_t i = 0, next; i < l->view->shape[axis]; i = next) {
            print_axis(l, file, axis + 1, element + i * l->view->strides[axis]);
            next = next_shown(l, axis, i);
            for (int part = 0; part < 1 + (next > i + 1) && next < l->view->shape[axis]; part++) {
                for (int k = l->view->ndim - 1; k > axis; k--)
                    fputc('\n', file);
                fprintf(file, "%*s%s", axis + 1, "", next > i + 1 && part == 0 ? "..." : "");
            }
        }
    }
    fputc(']', file);
}

void cli_print_array(FILE *file, const op_view *view)
{
    char shape[OP_SHAPE_TEXT];
    fprintf(file, "%s %s\n", view->dtype == OP_BOOL ? "bool" : op_dtypes[view->dtype].long_name,
            op_shape_text(view->ndim, view->shape, shape));
    int64_t size = op_shape_size(view->ndim, view->shape);
    if (view->ndim == 0) {
        print_scalar(file, view);
        return;
    }
    if (size == 0) {
        fputs("[]\n", file);
        return;
    }
    layout l = {.view = view, .cut = size > THRESHOLD};
    if (is_float(view->dtype)) {
        walk(&l, 0, view->cdata, measure_range);
        l.scientific = l.largest > 0 && (l.largest >= 1e8 || l.smallest < 1e-4 || l.largest / l.smallest > 1000);
    }
    walk(&l, 0, view->cdata, measure_text);
    int spare = l.widest_odd - 1 - l.digits - l.exponent; /* nan and inf are aligned at the right */
    l.width = spare > l.width ? spare : l.width;
    print_axis(&l, file, 0, view->cdata);
    fputc('\n', file);
}
