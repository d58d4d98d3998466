/* fmod on the lanes whose quotient is large. C's fmod is exact, so every machine gives the same bits. */
#include <math.h>

#include "math/rare.h"

double op_rare_f64_fmod(double x, double y)
{
    return fmod(x, y);
}

float op_rare_f32_fmod(float x, float y)
{
    return fmodf(x, y);
}
