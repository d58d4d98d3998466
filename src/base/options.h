/* Public option structs: zero everywhere means default, in every version. */
#ifndef ONEPASS_BASE_OPTIONS_H
#define ONEPASS_BASE_OPTIONS_H

#include "onepass/onepass.h"

enum { OP_RESERVED = 16 }; /* the words at their ends */

/* Whether a struct asks only for what this version knows: an error unless its unknown flags, and its reserved words,
 * which a later version may have given a meaning, are all zero. */
op_status op_options_known(const char *name, unsigned unknown_flags, const uint64_t *reserved);
/* The same of run options, which may be NULL. */
op_status op_run_options_known(const op_run_options *options);

#endif
