/* What the command needs of the parser beside the public calls. */
#ifndef ONEPASS_EXPR_PARSE_H
#define ONEPASS_EXPR_PARSE_H

#include "onepass/onepass.h"

/* Reads a formula without building it. Calls found once for each name that it uses and does not define
 * itself: known is the name's index in names, or -1; begin and end are its first use. A name in the
 * list shadows the constants and dtypes of the language. */
op_status op_formula_scan(const char *text, int n, const char *const *names,
                          void (*found)(void *ctx, const char *name, int known, int64_t begin, int64_t end),
                          void *ctx);

#endif
