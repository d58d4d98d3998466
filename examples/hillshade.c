/* A shaded relief of the Jacksboro fault in Tennessee, from an elevation model to a picture in colour.
 *
 *     hillshade [ELEVATION.npz [PICTURE.png]]
 *
 * The picture is one formula with three results, red, green and blue, and is computed in one pass: slope
 * from the eight neighbours of each point (Horn 1981), light from the north-west at 45 degrees, colour
 * by height. Before that the model is enlarged, so that there is something to look at.
 *
 * The elevations are SRTM data of NASA and USGS; Matplotlib ships them as sample data (Debian:
 * python-matplotlib-data). */
#include <onepass/onepass.h>

#include <png.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#define DEM "/usr/share/matplotlib/mpl-data/sample_data/jacksboro_fault_dem.npz"
#define PI 3.14159265358979323846

/* A degree of longitude is 0.80 of a degree of latitude here: 5 rows and 4 columns for each that was
 * measured make the points of the picture square. */
enum { ROWS = 5, COLS = 4 };
#define STEEPER 1.8 /* heights count for more, as on most maps */

static const char *const relief =
    "north = z[:-2, :-2] + 2*z[:-2, 1:-1] + z[:-2, 2:]\n"
    "south = z[2:,  :-2] + 2*z[2:,  1:-1] + z[2:,  2:]\n"
    "west  = z[:-2, :-2] + 2*z[1:-1, :-2] + z[2:, :-2]\n"
    "east  = z[:-2,  2:] + 2*z[1:-1,  2:] + z[2:,  2:]\n"
    "p = (east - west) / (8*dx)\n" // rise towards the east and towards the north
    "q = (north - south) / (8*dy)\n"
    "light = maximum((up - right*p - ahead*q) / sqrt(p*p + q*q + 1), 0)\n"
    "h = z[1:-1, 1:-1]\n" // from valley green through straw and umber to pale rock
    "t1 = minimum(maximum((h - 240) / 140, 0), 1)\n"
    "t2 = minimum(maximum((h - 380) / 200, 0), 1)\n"
    "t3 = minimum(maximum((h - 580) / 220, 0), 1)\n"
    "t4 = minimum(maximum((h - 800) / 250, 0), 1)\n"
    "r = u8(minimum(( 98 +  64*t1 + 50*t2 - 36*t3 + 68*t4) * (0.22 + 1.12*light), 255))\n"
    "g = u8(minimum((138 +  34*t1 + 20*t2 - 46*t3 + 82*t4) * (0.26 + 1.06*light), 255))\n"
    "b = u8(minimum((112 +  22*t1 + 16*t2 - 30*t3 + 106*t4) * (0.38 + 0.88*light), 255))\n";
enum { NAMES = 16 }; // at most so many names in it

/* The same for one point, to compare with. */
static int green(const double *z, int64_t cols, double dx, double dy, const double *sun)
{
    const double *n = z - cols, *s = z + cols;
    double p = ((n[1] + 2 * z[1] + s[1]) - (n[-1] + 2 * z[-1] + s[-1])) / (8 * dx);
    double q = ((n[-1] + 2 * n[0] + n[1]) - (s[-1] + 2 * s[0] + s[1])) / (8 * dy);
    double light = fmax((sun[2] - sun[0] * p - sun[1] * q) / sqrt(p * p + q * q + 1), 0);
    double t1 = fmin(fmax((*z - 240) / 140, 0), 1), t2 = fmin(fmax((*z - 380) / 200, 0), 1);
    double t3 = fmin(fmax((*z - 580) / 220, 0), 1), t4 = fmin(fmax((*z - 800) / 250, 0), 1);
    return (int)fmin((138 + 34 * t1 + 20 * t2 - 46 * t3 + 82 * t4) * (0.26 + 1.06 * light), 255);
}

/* Makes `axis` k times finer with cubic B-splines: four neighbours decide each new point, and the slopes
 * have no kinks. Every k-th point is one evaluation into a strided view. Three points at the end go. */
static op_status refine(op_graph *g, op_view in, int axis, int k, op_view out)
{
    op_status status = OP_OK;
    for (int i = 0; i < k && status == OP_OK; i++) {
        double t = (double)i / k, u = 1 - t;
        double weight[] = {u * u * u / 6, 2. / 3 - t * t * (2 - t) / 2, 2. / 3 - u * u * (2 - u) / 2, t * t * t / 6};
        op_expr *z = op_input(g, in), *sum = NULL;
        for (int tap = 0; tap < 4; tap++) {
            op_expr *near = op_slice(z, axis, tap, tap == 3 ? OP_END : tap - 3, 1);
            op_expr *term = op_mul(near, op_const_f64(g, weight[tap]));
            sum = tap == 0 ? term : op_add(sum, term);
        }
        op_view phase = out;
        phase.data = (char *)out.data + i * out.strides[axis];
        phase.shape[axis] = out.shape[axis] / k;
        phase.strides[axis] = out.strides[axis] * k;
        status = op_eval(sum, phase);
    }
    return status;
}

/* One number of an archive. */
static double number(op_engine *eng, const char *file, const char *member)
{
    char path[4096];
    op_array *array = NULL;
    snprintf(path, sizeof path, "%s:%s", file, member);
    double value = NAN;
    if (op_load(eng, path, &array) == OP_OK && op_array_view(array).dtype == OP_F64)
        value = *(const double *)op_array_view(array).cdata;
    op_array_free(array);
    return value;
}

static int write_png(const char *path, const unsigned char *rgb, int64_t rows, int64_t cols)
{
    png_image image = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB};
    image.width = (png_uint_32)cols;
    image.height = (png_uint_32)rows;
    return png_image_write_to_file(&image, path, 0, rgb, 0, NULL);
}

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    const char *file = argc > 1 ? argv[1] : DEM, *picture = argc > 2 ? argv[2] : "hillshade.png";
    FILE *there = fopen(file, "rb");
    if (!there) {
        fprintf(stderr, "%s is not there (Debian: python-matplotlib-data)\n", file);
        return 77;
    }
    fclose(there);

    op_engine *eng = op_engine_new(NULL);
    op_graph *g = op_graph_new(eng);
    char path[4096];
    op_array *model = NULL;
    snprintf(path, sizeof path, "%s:elevation", file);
    if (op_load(eng, path, &model) != OP_OK) {
        fprintf(stderr, "%s\n", op_last_error()->message);
        return 1;
    }
    op_view z0 = op_array_view(model);

    // The size of a point in metres, on a sphere; and the heights, enlarged.
    double latitude = (number(eng, file, "ymin") + number(eng, file, "ymax")) / 2,
           degree = 6371008.8 * PI / 180 / STEEPER;
    double dx = number(eng, file, "dx") * degree * cos(latitude * PI / 180) / COLS;
    double dy = number(eng, file, "dy") * degree / ROWS;
    int64_t rows = (z0.shape[0] - 3) * ROWS, cols = (z0.shape[1] - 3) * COLS;
    double *tall = malloc((size_t)(rows * z0.shape[1]) * sizeof *tall), *z = malloc((size_t)(rows * cols) * sizeof *z);
    unsigned char *rgb = malloc((size_t)((rows - 2) * (cols - 2) * 3));
    if (!tall || !z || !rgb)
        return 1;
    op_view tall_view = OP_VIEW_2D(OP_F64, tall, rows, z0.shape[1]), z_view = OP_VIEW_2D(OP_F64, z, rows, cols);
    op_status status = refine(g, z0, 0, ROWS, tall_view);
    if (status == OP_OK)
        status = refine(g, tall_view, 1, COLS, z_view);

    // The formula: what it needs, and red, green and blue, which are its last three names.
    double azimuth = 315 * PI / 180, altitude = 45 * PI / 180;
    double sun[] = {sin(azimuth) * cos(altitude), cos(azimuth) * cos(altitude), sin(altitude)}; // east, north, up
    const char *names[] = {"z", "dx", "dy", "right", "ahead", "up"};
    op_expr *values[] = {op_input(g, z_view),     op_const_f64(g, dx),     op_const_f64(g, dy),
                         op_const_f64(g, sun[0]), op_const_f64(g, sun[1]), op_const_f64(g, sun[2])};
    const char *found[NAMES];
    op_expr *exprs[NAMES];
    int n = NAMES;
    if (status == OP_OK)
        status = op_parse_many(g, relief, 6, names, values, &n, found, exprs);

    // Three outputs lie interleaved in one picture: views with a stride of three bytes.
    op_view outs[3];
    for (int channel = 0; channel < 3; channel++) {
        int64_t shape[] = {rows - 2, cols - 2}, strides[] = {3 * (cols - 2), 3};
        outs[channel] = op_view_nd(OP_U8, rgb + channel, 2, shape, strides);
    }
    double first = 0, best = 1e30;
    for (int repeat = 0; repeat < 6 && status == OP_OK; repeat++) {
        double start = now();
        status = op_eval_many(g, 3, exprs + n - 3, outs);
        double seconds = now() - start;
        if (repeat == 0)
            first = seconds;
        else if (seconds < best)
            best = seconds;
    }

    int64_t wrong = 0;
    for (int64_t i = 0; status == OP_OK && i < rows - 2; i++)
        for (int64_t j = 0; j < cols - 2; j++)
            wrong += rgb[(i * (cols - 2) + j) * 3 + 1] != green(z + (i + 1) * cols + j + 1, cols, dx, dy, sun);
    if (status != OP_OK)
        fprintf(stderr, "%s\n", op_last_error()->message);
    else if (wrong)
        fprintf(stderr, "%lld points differ from what plain C gives\n", (long long)wrong);
    else if (!write_png(picture, rgb, rows - 2, cols - 2))
        fprintf(stderr, "%s cannot be written\n", picture);
    else
        printf("%s: %lld x %lld points of %.1f m, shaded in %.2f ms (%.1f ms the first time, with compilation), "
               "%.0f million points a second\n",
               picture, (long long)(cols - 2), (long long)(rows - 2), dy * STEEPER, 1e3 * best, 1e3 * first,
               1e-6 * (double)((rows - 2) * (cols - 2)) / best);
    int failed = status != OP_OK || wrong;

    free(tall), free(z), free(rgb);
    op_array_free(model);
    op_graph_free(g);
    op_engine_free(eng);
    return failed;
}
