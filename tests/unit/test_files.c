/* op_load and op_save. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "onepass/onepass.h"

static op_engine *engine;
static char directory[] = "/tmp/onepass-test-XXXXXX";

static void setup(void)
{
    engine = op_engine_new(NULL);
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(chdir(directory), 0);
}

static void teardown(void)
{
    op_engine_free(engine);
    unlink("a.npy");
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(directory), 0); /* nothing else is left behind */
}

START_TEST(what_is_saved_is_loaded)
{
    const int32_t data[] = {1, 2, 3, 4, 5, 6};
    op_view view = OP_VIEW_2D(OP_I32, data, 2, 3), turned = view;
    turned.shape[0] = 3;
    turned.shape[1] = 2;
    turned.strides[0] = -4; /* columns, from the last one */
    turned.strides[1] = 12;
    turned.cdata = data + 2;
    errno = 77;
    ck_assert_int_eq(op_save("a.npy", turned), OP_OK);
    op_array *array;
    ck_assert_int_eq(op_load(engine, "a.npy", &array), OP_OK);
    ck_assert_int_eq(errno, 77);
    op_view loaded = op_array_view(array);
    const int32_t expected[] = {3, 6, 2, 5, 1, 4};
    ck_assert(loaded.dtype == OP_I32 && loaded.ndim == 2 && loaded.shape[0] == 3 && loaded.shape[1] == 2);
    ck_assert_mem_eq(loaded.cdata, expected, sizeof expected);
    op_engine_free(engine); /* the array keeps what it needs */
    op_array_free(array);
    engine = NULL;
}
END_TEST

START_TEST(bools_are_saved_as_one_or_zero)
{
    const uint8_t data[] = {0, 2, 255, 1}, expected[] = {0, 1, 1, 1};
    op_array *array;
    ck_assert_int_eq(op_save("a.npy", OP_VIEW_1D(OP_BOOL, data, 4)), OP_OK);
    ck_assert_int_eq(op_load(engine, "a.npy", &array), OP_OK);
    ck_assert_mem_eq(op_array_view(array).cdata, expected, 4);
    op_array_free(array);
}
END_TEST

START_TEST(no_elements_and_no_dimensions)
{
    const double one = 2.5;
    op_array *array;
    ck_assert_int_eq(op_save("a.npy", OP_VIEW_2D(OP_F64, NULL, 0, 3)), OP_OK);
    ck_assert_int_eq(op_load(engine, "a.npy", &array), OP_OK);
    ck_assert(op_array_view(array).ndim == 2 && op_array_view(array).shape[1] == 3);
    op_array_free(array);
    ck_assert_int_eq(op_save("a.npy", OP_VIEW_0D(OP_F64, &one)), OP_OK);
    ck_assert_int_eq(op_load(engine, "a.npy", &array), OP_OK);
    ck_assert(op_array_view(array).ndim == 0 && *(const double *)op_array_view(array).cdata == 2.5);
    op_array_free(array);
}
END_TEST

START_TEST(bad_arguments)
{
    const double one = 2.5;
    op_array *array = (op_array *)&array;
    op_view view = OP_VIEW_0D(OP_F64, &one), zeroed = {.ndim = 0};
    ck_assert_int_eq(op_load(NULL, "a.npy", &array), OP_ERR_INVALID);
    ck_assert_int_eq(op_load(engine, NULL, &array), OP_ERR_INVALID);
    ck_assert_int_eq(op_load(engine, "a.npy", NULL), OP_ERR_INVALID);
    ck_assert_int_eq(op_load(engine, "a.npy", &array), OP_ERR_IO);
    ck_assert_ptr_null(array);
    ck_assert_int_eq(op_save(NULL, view), OP_ERR_INVALID);
    ck_assert_int_eq(op_save("none/a.npy", view), OP_ERR_IO);
    ck_assert_int_eq(op_save("a.npy", zeroed), OP_ERR_DTYPE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("files");
    TCase *tests = tcase_create("files");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_saved_is_loaded);
    tcase_add_test(tests, bools_are_saved_as_one_or_zero);
    tcase_add_test(tests, no_elements_and_no_dimensions);
    tcase_add_test(tests, bad_arguments);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
