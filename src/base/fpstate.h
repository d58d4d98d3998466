/* The floating-point control register: kernels run with the defaults, callers keep what they had. */
#ifndef ONEPASS_BASE_FPSTATE_H
#define ONEPASS_BASE_FPSTATE_H

#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
static inline uint64_t op_fp_enter(void)
{
    unsigned state = _mm_getcsr();
    _mm_setcsr(0x1f80); /* round to nearest, subnormals kept, exceptions masked, no flags */
    return state;
}
static inline void op_fp_leave(uint64_t state)
{
    _mm_setcsr((unsigned)state);
}
#elif defined(__aarch64__)
/* FPCR alone decides results; FPSR holds the flags, which the caller gets back too. */
static inline uint64_t op_fp_enter(void)
{
    uint64_t control, status;
    __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(control), "=r"(status));
    __asm__ volatile("msr fpcr, xzr" ::: "memory");
    return control << 32 | (status & 0xffffffffu);
}
static inline void op_fp_leave(uint64_t state)
{
    __asm__ volatile("msr fpcr, %0\n\tmsr fpsr, %1" ::"r"(state >> 32), "r"(state & 0xffffffffu) : "memory");
}
#else
static inline uint64_t op_fp_enter(void)
{
    return 0;
}
static inline void op_fp_leave(uint64_t state)
{
    (void)state;
}
#endif

#endif
