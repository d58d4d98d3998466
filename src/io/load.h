/* An array from a file: "x.npy", "x.npz" with one member, or "x.npz:member". */
#ifndef ONEPASS_IO_LOAD_H
#define ONEPASS_IO_LOAD_H

#include "io/block.h"

/* view's data lies in *block (to be released with op_block_release) and is in this machine's byte
 * order. Its dtype may be one that cannot be computed with in this version. */
op_status op_load_file(const char *path, const op_allocator *allocator, op_block *block, op_view *view);
/* The same from an open descriptor, such as standard input; `name` is for messages. */
op_status op_load_fd(int fd, const char *name, const op_allocator *allocator, op_block *block, op_view *view);

#endif
