/* What a person would write for each row, and the loops of the roof. Compiled apart: see CMakeLists.txt. */
#ifndef BENCH_HAND_H
#define BENCH_HAND_H

#include <stdint.h>

enum { PART_LENGTH = 8 }; /* a cache line */

/* A thread's part of the work: elements, rows or columns [begin, end). in: the inputs a, b, c, d in these places,
 * arrays of rows x cols. */
typedef struct hand_part {
    const void *const *in;
    void *out;
    int64_t begin, end, rows, cols;
    int me, threads;
    double (*parts)[PART_LENGTH]; /* of each thread, for the others to read after wait() */
    void (*wait)(void);           /* until every thread is here */
} hand_part;
typedef void hand_loop(const hand_part *p);

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
