/* Error records: the calling thread's last error, in storage that cannot run out. */
#ifndef ONEPASS_BASE_STATUS_H
#define ONEPASS_BASE_STATUS_H

#include <stdarg.h>

#include "onepass/onepass.h"

#define OP_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Fills a record; the message is cut to what fits. */
void op_error_set(op_error *error, op_status code, const char *op, int operand, const char *format, ...)
    OP_PRINTF(5, 6);
void op_error_vset(op_error *error, op_status code, const char *op, int operand, const char *format, va_list args)
    OP_PRINTF(5, 0);

/* Records the calling thread's last error and returns its code. */
op_status op_fail(op_status code, const char *format, ...) OP_PRINTF(2, 3);
/* The same about bytes begin..end-1 of a formula. */
op_status op_fail_at(op_status code, int64_t begin, int64_t end, const char *format, ...) OP_PRINTF(4, 5);
/* Makes `error` the calling thread's last error and returns its code. */
op_status op_fail_with(const op_error *error);

#endif
