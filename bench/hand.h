/* What a person would write for each row, and the loops of the roof. Compiled apart: see CMakeLists.txt. */
#ifndef BENCH_HAND_H
#define BENCH_HAND_H

#include <stdint.h>

/* A part of the work: elements [begin, end), or rows where the row is a matrix of side x side. in: the inputs
 * a, b, c, d in these places. A sum adds its part to *out. */
typedef void hand_loop(const void *const in[4], void *out, int64_t begin, int64_t end, int64_t side);

typedef struct hand_row {
    const char *name;
    hand_loop *f64, *f32;
} hand_row;

extern const hand_row hand_rows[]; /* as rows.def; ends with a NULL name */
extern double hand_zero;
extern const char hand_compiler[]; /* which compiler, with which flags */

/* Moves bytes: reads n_in arrays of `bytes` bytes and writes one (or none: out NULL). Bytes are rounded up to a
 * multiple of 64; arrays must have room, and be aligned, for that. stream: with non-temporal stores. */
void roof_move(int n_in, const void *const *in, void *out, int64_t bytes, int stream);

/* Seconds per element of an operation at its best throughput, on one core. */
typedef struct roof_speed {
    double simple, div, sqrt;
} roof_speed;
roof_speed roof_measure(int f32);

#endif
