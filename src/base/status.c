/* Status texts and the calling thread's last error. */
#include "base/status.h"

#include <string.h>

static _Thread_local op_error last_error = {.operand = -1};

const op_error *op_last_error(void)
{
    return &last_error;
}

const char *op_status_text(op_status status)
{
    switch (status) {
#define OP_STATUS_CASE(code, number, text)                                                                             \
    case code:                                                                                                         \
        return text;
        OP_STATUS_TABLE(OP_STATUS_CASE)
#undef OP_STATUS_CASE
    }
    return "unknown status";
}

void op_error_vset(op_error *error, op_status code, const char *op, int operand, const char *format, va_list args)
{
    error->code = code;
    error->op = op;
    error->operand = operand;
    error->begin = error->end = 0;
    vsnprintf(error->message, sizeof error->message, format, args);
}

void op_error_set(op_error *error, op_status code, const char *op, int operand, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    op_error_vset(error, code, op, operand, format, args);
    va_end(args);
}

op_status op_fail(op_status code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    op_error_vset(&last_error, code, NULL, -1, format, args);
    va_end(args);
    return code;
}

op_status op_fail_at(op_status code, int64_t begin, int64_t end, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    op_error_vset(&last_error, code, NULL, -1, format, args);
    va_end(args);
    last_error.begin = begin;
    last_error.end = end;
    return code;
}

op_status op_fail_with(const op_error *error)
{
    if (error != &last_error)
        last_error = *error;
    return error->code;
}
