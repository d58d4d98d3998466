/* What is the same for all public option structs. */
#include "base/options.h"

#include "base/status.h"

op_status op_options_known(const char *name, unsigned unknown_flags, const uint64_t *reserved)
{
    if (unknown_flags)
        return op_fail(OP_ERR_INVALID, "%s: flags has bits that this version does not know: 0x%x", name, unknown_flags);
    for (int i = 0; i < OP_RESERVED; i++)
        if (reserved[i])
            return op_fail(OP_ERR_INVALID, "%s: reserved[%d] is not zero; zero the whole struct before setting fields",
                           name, i);
    return OP_OK;
}

op_status op_run_options_known(const op_run_options *options)
{
    return options ? op_options_known("op_run_options", options->flags, options->reserved) : OP_OK;
}
