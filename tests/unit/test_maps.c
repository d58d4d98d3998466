/* Code pages: /proc/self/maps never shows a page that is writable and executable, not even for a moment
 * while kernels are compiled. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onepass/onepass.h"

typedef struct pages {
    int open;      /* writable and executable */
    int anonymous; /* executable, and of no file */
    char line[256];
} pages;

static pages look(void)
{
    pages seen = {0};
    char line[512], permissions[8], path[256];
    FILE *maps = fopen("/proc/self/maps", "r");
    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps)) {
        path[0] = 0;
        if (sscanf(line, "%*s %7s %*s %*s %*s %255s", permissions, path) < 1)
            continue;
        if (permissions[1] == 'w' && permissions[2] == 'x') {
            seen.open++;
            memcpy(seen.line, line, sizeof seen.line - 1);
        }
        seen.anonymous += permissions[2] == 'x' && !path[0];
    }
    fclose(maps);
    return seen;
}

static _Atomic int watching;
static pages worst;

static void *watch(void *unused)
{
    (void)unused;
    while (watching) {
        pages now = look();
        if (now.open)
            worst = now;
    }
    return NULL;
}

/* A kernel that no other number has. */
static op_expr *chain(op_graph *graph, op_view view, int number)
{
    op_expr *x = op_input(graph, view), *y = x;
    for (int bit = 0; bit < 7; bit++)
        y = number >> bit & 1 ? op_add(op_sin(y), x) : op_multiply(y, y);
    return y;
}

START_TEST(no_page_is_writable_and_executable)
{
    if (look().open) /* an emulator or a tool under which this runs */
        return;
    pthread_t watcher;
    watching = 1;
    ck_assert_int_eq(pthread_create(&watcher, NULL, watch, NULL), 0);
    double x[100] = {0.5}, y[100];
    int compiles = 0, most = 0;
    for (int level = 0; op_isa_level(level); level++) {
        op_options options = {.isa = op_isa_level(level), .flags = OP_ENGINE_NO_ENV};
        op_engine *engine = op_engine_new(&options);
        op_graph *graph = op_graph_new(engine);
        for (int i = 0; i < 24; i++) {
            ck_assert_int_eq(op_eval(chain(graph, OP_VIEW_1D(OP_F64, x, 100), i), OP_VIEW_1D(OP_F64, y, 100)), OP_OK);
            op_launch launch;
            ck_assert_int_eq(op_last_launch(graph, &launch), OP_OK);
            compiles += launch.compiles;
            pages now = look();
            ck_assert_msg(!now.open, "writable and executable: %s", now.line);
            most = now.anonymous > most ? now.anonymous : most;
        }
        op_graph_free(graph);
        op_engine_free(engine);
    }
    watching = 0;
    pthread_join(watcher, NULL);
    ck_assert_msg(!worst.open, "writable and executable for a moment: %s", worst.line);
    ck_assert_msg(!compiles || most > 0, "kernels were compiled, but no executable pages were seen");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("maps");
    TCase *tests = tcase_create("maps");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, no_page_is_writable_and_executable);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
