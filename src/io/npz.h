/* NumPy's .npz files: zip archives whose members are .npy files. */
#ifndef ONEPASS_IO_NPZ_H
#define ONEPASS_IO_NPZ_H

#include "io/block.h"

/* Turns a block that holds an archive into one that holds the .npy file of a member: a stored member
 * stays where it is, a deflated one is inflated into memory and its checksum verified. member: "x" or
 * "x.npy"; NULL for the only one that there is. On error the block is unchanged. */
op_status op_npz_select(op_block *block, const char *path, const char *member);

#endif
