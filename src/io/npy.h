/* The header of NumPy's .npy files, versions 1.0 to 3.0. */
#ifndef ONEPASS_IO_NPY_H
#define ONEPASS_IO_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "onepass/onepass.h"

typedef struct op_npy {
    op_dtype dtype;
    int swapped; /* the other byte order than this machine's */
    int fortran; /* the first dimension is the fastest */
    int ndim;
    int64_t shape[OP_MAX_NDIM];
    int64_t data_bytes;
    size_t data_offset;
} op_npy;

/* Reads the header at the beginning of `bytes`, trusting nothing in it. The data need not be there.
 * `name` begins the message of an error. */
op_status op_npy_parse_header(const uint8_t *bytes, size_t size, const char *name, op_npy *npy);

enum { OP_NPY_HEADER_MAX = 2048 };

/* Writes the header that NumPy would write for an array in C order and returns its size, a multiple
 * of 64. The dtype must be one that NumPy has (op_npy_has_dtype). */
size_t op_npy_write_header(op_dtype dtype, int ndim, const int64_t *shape, uint8_t bytes[OP_NPY_HEADER_MAX]);
int op_npy_has_dtype(op_dtype dtype);

#endif
