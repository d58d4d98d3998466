/* .npy headers, .npz archives, whole-or-nothing outputs. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/load.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/store.h"

/* ---- Headers ------------------------------------------------------------------------------------------ */

/* A header of the given version around a dict; returns its size. */
static size_t make_header(uint8_t *bytes, int major, const char *dict)
{
    size_t length = strlen(dict), length_bytes = major == 1 ? 2 : 4;
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (uint8_t)major;
    bytes[7] = 0;
    for (size_t i = 0; i < length_bytes; i++)
        bytes[8 + i] = (uint8_t)(length >> 8 * i);
    memcpy(bytes + 8 + length_bytes, dict, length);
    return 8 + length_bytes + length;
}

static op_status parse(int major, const char *dict, op_npy *npy)
{
    uint8_t bytes[4096];
    size_t size = make_header(bytes, major, dict);
    return op_npy_parse_header(bytes, size, "x.npy", npy);
}

START_TEST(headers_that_are_fine)
{
    static const struct {
        int major;
        const char *dict;
        op_dtype dtype;
        int swapped, fortran, ndim;
        int64_t first, bytes;
    } cases[] = {
        {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }\n", OP_F64, 0, 0, 2, 3, 96},
        {2, "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 4)}", OP_F32, 0, 1, 2, 3, 48},
        {3, "{'shape': (7,), 'fortran_order': False, 'descr': '>i4'}   \n", OP_I32, 1, 0, 1, 7, 28},
        {1, "{\"descr\": \"|b1\", \"fortran_order\": False, \"shape\": ()}", OP_BOOL, 0, 0, 0, -1, 1},
        {1, "{'descr':'|u1','fortran_order':False,'shape':(5L,)}", OP_U8, 0, 0, 1, 5, 5},
        {1, "{'descr':'>i1','fortran_order':False,'shape':(5,)}", OP_I8, 0, 0, 1, 5, 5},
        {1, "{'descr':'=u8','fortran_order':False,'shape':(1,2,3,)}", OP_U64, 0, 0, 3, 1, 48},
        {1, "{'descr':'<f2','fortran_order':False,'shape':(2,)}", OP_F16, 0, 0, 1, 2, 4},
        {1, "{'descr':'<c8','fortran_order':False,'shape':(2,)}", OP_C64, 0, 0, 1, 2, 16},
        {1, "{'descr':'>c16','fortran_order':False,'shape':(2,)}", OP_C128, 1, 0, 1, 2, 32},
        {1, "{'descr':'<f8','fortran_order':False,'shape':(9223372036854775807,0,9223372036854775807)}", OP_F64, 0, 0,
         3, INT64_MAX, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        op_npy npy;
        ck_assert_msg(parse(cases[i].major, cases[i].dict, &npy) == OP_OK, "%s: %s", cases[i].dict,
                      op_last_error()->message);
        ck_assert_int_eq(npy.dtype, cases[i].dtype);
        ck_assert_int_eq(npy.swapped, cases[i].swapped);
        ck_assert_int_eq(npy.fortran, cases[i].fortran);
        ck_assert_int_eq(npy.ndim, cases[i].ndim);
        ck_assert(npy.ndim == 0 || npy.shape[0] == cases[i].first);
        ck_assert_int_eq(npy.data_bytes, cases[i].bytes);
    }
}
END_TEST

START_TEST(headers_that_are_not)
{
    static const struct {
        const char *dict;
        op_status status;
    } cases[] = {
        {"", OP_ERR_FORMAT},
        {"{}", OP_ERR_FORMAT},
        {"{'descr': '<f8', 'fortran_order': False}", OP_ERR_FORMAT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3)}", OP_ERR_FORMAT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3,}", OP_ERR_FORMAT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}", OP_ERR_FORMAT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (,)}", OP_ERR_FORMAT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775808,)}", OP_ERR_FORMAT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", OP_ERR_FORMAT},
        {"{'descr': '<f8', 'fortran_order': 0, 'shape': (3,)}", OP_ERR_FORMAT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'shape': (3,)}", OP_ERR_FORMAT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'more': 1}", OP_ERR_FORMAT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} x", OP_ERR_FORMAT},
        {"{'descr': '<f8\\n', 'fortran_order': False, 'shape': (3,)}", OP_ERR_FORMAT},
        {"{'descr': '|f8', 'fortran_order': False, 'shape': (3,)}", OP_ERR_FORMAT},
        {"{'descr': '<f16', 'fortran_order': False, 'shape': (3,)}", OP_ERR_UNSUPPORTED},
        {"{'descr': '<U5', 'fortran_order': False, 'shape': (3,)}", OP_ERR_UNSUPPORTED},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", OP_ERR_UNSUPPORTED},
        {"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,)}", OP_ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        op_npy npy;
        ck_assert_msg(parse(1, cases[i].dict, &npy) == cases[i].status, "%s: %s", cases[i].dict,
                      op_last_error()->message);
        ck_assert(strstr(op_last_error()->message, "x.npy") != NULL);
    }
}
END_TEST

START_TEST(every_truncation_is_an_error)
{
    uint8_t bytes[256];
    size_t size = make_header(bytes, 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }\n");
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1); /* exactly so large: a sanitizer sees a read past it */
        op_npy npy;
        memcpy(copy, bytes, cut);
        ck_assert(op_npy_parse_header(copy, cut, "x.npy", &npy) == OP_ERR_FORMAT);
        free(copy);
    }
}
END_TEST

START_TEST(every_flipped_bit_is_survived)
{
    uint8_t bytes[256];
    size_t size = make_header(bytes, 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }\n");
    for (size_t bit = 0; bit < 8 * size; bit++) {
        op_npy npy;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (op_npy_parse_header(bytes, size, "x.npy", &npy) == OP_OK)
            ck_assert(npy.ndim >= 0 && npy.ndim <= OP_MAX_NDIM && npy.data_bytes >= 0 && npy.data_offset <= size);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}
END_TEST

START_TEST(sixty_five_dimensions_are_too_many)
{
    char dict[1024] = "{'descr': '<f8', 'fortran_order': False, 'shape': (";
    op_npy npy;
    for (int i = 0; i < OP_MAX_NDIM; i++)
        strcat(dict, "1,");
    size_t length = strlen(dict);
    strcat(dict, ")}");
    ck_assert_int_eq(parse(1, dict, &npy), OP_OK);
    ck_assert_int_eq(npy.ndim, OP_MAX_NDIM);
    strcpy(dict + length, "1,)}");
    ck_assert_int_eq(parse(1, dict, &npy), OP_ERR_FORMAT);
}
END_TEST

START_TEST(what_is_written_reads_back)
{
    int64_t shape[OP_MAX_NDIM];
    for (int i = 0; i < OP_MAX_NDIM; i++)
        shape[i] = i % 2 ? 1 : INT64_MAX;
    for (int d = OP_BOOL; d <= OP_C128; d++)
        for (int ndim = 0; ndim <= OP_MAX_NDIM && op_npy_has_dtype((op_dtype)d); ndim += 3) {
            uint8_t bytes[OP_NPY_HEADER_MAX];
            shape[ndim / 2] = 0; /* else it would be too large */
            size_t size = op_npy_write_header((op_dtype)d, ndim, shape, bytes);
            op_npy npy;
            ck_assert_uint_eq(size % 64, 0);
            op_status status = op_npy_parse_header(bytes, size, "x.npy", &npy);
            ck_assert_msg(status == OP_OK, "%s", op_last_error()->message);
            ck_assert(npy.dtype == (op_dtype)d && npy.ndim == ndim && npy.data_offset == size && !npy.swapped);
            ck_assert(!memcmp(npy.shape, shape, (size_t)ndim * sizeof *shape));
        }
}
END_TEST

START_TEST(the_header_is_the_one_numpy_writes)
{
    static const char expected[] = "\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, "
                                   "'shape': (3, 4), }                                                          \n";
    const int64_t shape[] = {3, 4};
    uint8_t bytes[OP_NPY_HEADER_MAX];
    size_t size = op_npy_write_header(OP_F64, 2, shape, bytes);
    ck_assert_uint_eq(size, 128);
    ck_assert_uint_eq(size, sizeof expected - 1);
    ck_assert_mem_eq(bytes, expected, size);
}
END_TEST

/* ---- Files ---------------------------------------------------------------------------------------------- */

static char directory[] = "/tmp/onepass-test-XXXXXX";

static void enter(void)
{
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(chdir(directory), 0);
}

static void leave(void)
{
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(directory), 0); /* nothing is left behind */
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

START_TEST(store_and_load)
{
    const int64_t shape[] = {2, 3};
    op_store store;
    op_view view;
    enter();
    ck_assert_int_eq(op_store_open_npy(&store, "a.npy", -1, OP_I32, 2, shape, &view), OP_OK);
    for (int i = 0; i < 6; i++)
        ((int32_t *)view.data)[i] = i * i;
    ck_assert_int_ne(access("a.npy", F_OK), 0); /* not there before it is whole */
    ck_assert_int_eq(op_store_commit(&store), OP_OK);

    op_block block;
    ck_assert_int_eq(op_load_file("a.npy", &op_default_allocator, &block, &view), OP_OK);
    ck_assert(view.dtype == OP_I32 && view.ndim == 2 && view.shape[1] == 3 && view.strides[0] == 12);
    ck_assert_int_eq(((const int32_t *)view.cdata)[5], 25);
    op_block_release(&block);
    unlink("a.npy");
    leave();
}
END_TEST

START_TEST(a_discarded_store_changes_nothing)
{
    const int64_t shape[] = {4};
    op_store store;
    op_view view;
    char text[4] = "";
    enter();
    write_file("a.npy", "old", 3);
    ck_assert_int_eq(op_store_open_npy(&store, "a.npy", -1, OP_F64, 1, shape, &view), OP_OK);
    op_store_discard(&store);
    op_store_discard(&store);
    int fd = open("a.npy", O_RDONLY);
    ck_assert_int_eq(read(fd, text, 4), 3);
    close(fd);
    ck_assert_str_eq(text, "old");
    unlink("a.npy");
    leave();
}
END_TEST

START_TEST(stores_that_cannot_be)
{
    const int64_t shape[] = {4}, huge[] = {INT64_MAX / 32}, overflow[] = {INT64_MAX};
    op_store store;
    op_view view;
    enter();
    mkdir("d", 0777);
    ck_assert_int_eq(op_store_open_npy(&store, "d", -1, OP_F64, 1, shape, &view), OP_ERR_IO);
    ck_assert_int_eq(op_store_open_npy(&store, "none/a.npy", -1, OP_F64, 1, shape, &view), OP_ERR_IO);
    ck_assert_int_eq(op_store_open_npy(&store, "a.npy", -1, OP_F64, 1, huge, &view), OP_ERR_IO);
    ck_assert_int_eq(op_store_open_npy(&store, "a.npy", -1, OP_F64, 1, overflow, &view), OP_ERR_LIMIT);
    ck_assert_int_eq(op_store_open_npy(&store, "a.npy", -1, OP_BF16, 1, shape, &view), OP_ERR_UNSUPPORTED);
    rmdir("d");
    leave();
}
END_TEST

START_TEST(a_link_is_followed_and_a_mode_kept)
{
    const int64_t shape[] = {4};
    op_store store;
    op_view view;
    struct stat info;
    enter();
    write_file("a.npy", "old", 3);
    chmod("a.npy", 0640);
    ck_assert_int_eq(symlink("a.npy", "link.npy"), 0);
    ck_assert_int_eq(op_store_open_npy(&store, "link.npy", -1, OP_F64, 1, shape, &view), OP_OK);
    ck_assert_int_eq(op_store_commit(&store), OP_OK);
    ck_assert(lstat("link.npy", &info) == 0 && S_ISLNK(info.st_mode));
    ck_assert(stat("a.npy", &info) == 0 && (info.st_mode & 0777) == 0640);
    ck_assert_int_eq(info.st_size, 128 + 32);
    unlink("link.npy");
    unlink("a.npy");
    leave();
}
END_TEST

START_TEST(devices_are_written_and_not_replaced)
{
    const int64_t shape[] = {4};
    op_store store;
    op_view view;
    struct stat info;
    ck_assert_int_eq(op_store_open_npy(&store, "/dev/null", -1, OP_F64, 1, shape, &view), OP_OK);
    ck_assert_int_eq(op_store_commit(&store), OP_OK);
    ck_assert(stat("/dev/null", &info) == 0 && S_ISCHR(info.st_mode));
    if (access("/dev/full", W_OK) == 0) {
        ck_assert_int_eq(op_store_open_npy(&store, "/dev/full", -1, OP_F64, 1, shape, &view), OP_OK);
        ck_assert_int_eq(op_store_commit(&store), OP_ERR_IO);
    }
}
END_TEST

START_TEST(big_endian_and_fortran_order)
{
    uint8_t bytes[256];
    size_t size = make_header(bytes, 1, "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3)}");
    for (int i = 0; i < 6; i++) {
        bytes[size++] = 1;
        bytes[size++] = (uint8_t)i;
    }
    op_block block;
    op_view view;
    enter();
    write_file("a.npy", bytes, size);
    ck_assert_int_eq(op_load_file("a.npy", &op_default_allocator, &block, &view), OP_OK);
    ck_assert(view.strides[0] == 2 && view.strides[1] == 4);
    ck_assert_int_eq(((const int16_t *)view.cdata)[5], 256 + 5);
    op_block_release(&block);
    write_file("a.npy", bytes, size - 1);
    ck_assert_int_eq(op_load_file("a.npy", &op_default_allocator, &block, &view), OP_ERR_FORMAT);
    write_file("a.npy", bytes, 0);
    ck_assert_int_eq(op_load_file("a.npy", &op_default_allocator, &block, &view), OP_ERR_FORMAT);
    unlink("a.npy");
    leave();
}
END_TEST

/* An archive with one stored member, made by hand. */
static size_t make_archive(uint8_t *zip, const char *name)
{
    uint8_t member[256];
    size_t n = make_header(member, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,)}"), at = 0;
    memcpy(member + n, "abc", 3);
    n += 3;
    size_t length = strlen(name);
    memset(zip, 0, 30 + 46 + 22);
    memcpy(zip, "PK\3\4", 4);
    zip[26] = (uint8_t)length;
    memcpy(zip + 30, name, length);
    memcpy(zip + 30 + length, member, n);
    at = 30 + length + n;
    size_t directory_at = at;
    memset(zip + at, 0, 46 + 22 + length);
    memcpy(zip + at, "PK\1\2", 4);
    zip[at + 20] = zip[at + 24] = (uint8_t)n;
    zip[at + 28] = (uint8_t)length;
    memcpy(zip + at + 46, name, length);
    at += 46 + length;
    memcpy(zip + at, "PK\5\6", 4);
    zip[at + 8] = zip[at + 10] = 1;
    zip[at + 12] = (uint8_t)(46 + length);
    zip[at + 16] = (uint8_t)directory_at;
    return at + 22;
}

START_TEST(archives)
{
    uint8_t zip[1024];
    size_t size = make_archive(zip, "x.npy");
    op_block block;
    op_view view;
    enter();
    write_file("a.npz", zip, size);
    const char *paths[] = {"a.npz", "a.npz:x", "a.npz:x.npy"};
    for (int i = 0; i < 3; i++) {
        ck_assert_msg(op_load_file(paths[i], &op_default_allocator, &block, &view) == OP_OK, "%s",
                      op_last_error()->message);
        ck_assert(view.dtype == OP_U8 && view.shape[0] == 3 && block.map && !memcmp(view.cdata, "abc", 3));
        op_block_release(&block);
    }
    ck_assert_int_eq(op_load_file("a.npz:y", &op_default_allocator, &block, &view), OP_ERR_NAME);
    ck_assert_ptr_nonnull(strstr(op_last_error()->message, "it has x"));
    unlink("a.npz");
    leave();
}
END_TEST

START_TEST(damaged_archives)
{
    uint8_t zip[1024];
    size_t size = make_archive(zip, "x.npy");
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1); /* exactly so large: a sanitizer sees a read past it */
        memcpy(copy, zip, cut);
        op_block block = {.bytes = copy, .size = cut, .allocator = &op_default_allocator};
        ck_assert_int_eq(op_npz_select(&block, "a.npz", "x"), OP_ERR_FORMAT);
        free(copy);
    }
    for (size_t bit = 0; bit < 8 * size; bit++) { /* whatever it is then, it is no crash */
        zip[bit / 8] ^= (uint8_t)(1 << bit % 8);
        op_block block = {.bytes = zip, .size = size, .allocator = &op_default_allocator};
        if (op_npz_select(&block, "a.npz", NULL) == OP_OK)
            op_block_release(&block);
        zip[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}
END_TEST

START_TEST(inputs_that_are_no_files)
{
    op_block block;
    op_view view;
    ck_assert_int_eq(op_load_file("/nowhere/a.npy", &op_default_allocator, &block, &view), OP_ERR_IO);
    ck_assert_int_eq(op_load_file("/tmp", &op_default_allocator, &block, &view), OP_ERR_IO);
    ck_assert_int_eq(op_load_file("/dev/zero", &op_default_allocator, &block, &view), OP_ERR_IO);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npy");
    TCase *headers = tcase_create("headers"), *files = tcase_create("files");
    tcase_add_test(headers, headers_that_are_fine);
    tcase_add_test(headers, headers_that_are_not);
    tcase_add_test(headers, every_truncation_is_an_error);
    tcase_add_test(headers, every_flipped_bit_is_survived);
    tcase_add_test(headers, sixty_five_dimensions_are_too_many);
    tcase_add_test(headers, what_is_written_reads_back);
    tcase_add_test(headers, the_header_is_the_one_numpy_writes);
    tcase_add_test(files, store_and_load);
    tcase_add_test(files, a_discarded_store_changes_nothing);
    tcase_add_test(files, stores_that_cannot_be);
    tcase_add_test(files, a_link_is_followed_and_a_mode_kept);
    tcase_add_test(files, devices_are_written_and_not_replaced);
    tcase_add_test(files, big_endian_and_fortran_order);
    tcase_add_test(files, archives);
    tcase_add_test(files, damaged_archives);
    tcase_add_test(files, inputs_that_are_no_files);
    suite_add_tcase(suite, headers);
    suite_add_tcase(suite, files);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
