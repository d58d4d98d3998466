/* References that MPFR does not have as one call, in MPFR's calling convention. Each may use more
 * precision inside; the result is wanted to about 40 bits beyond the type's own. */
#ifndef ONEPASS_TESTS_REFERENCES_H
#define ONEPASS_TESTS_REFERENCES_H

#include <mpfr.h>

#endif
