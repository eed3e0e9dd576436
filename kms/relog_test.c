// SPDX-License-Identifier: Apache-2.0
/* The release log's chain: whatever is changed, the check says where. */
#include "relog.h"

#include <ds/base/file.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <cmocka.h>

static char dir[] = "/tmp/ds-relog-XXXXXX";
static char path[64];

static int add(struct kms_relog *log, const char *op)
{
	json_t *o = json_pack("{s:s}", "op", op);
	int r = kms_relog_add(log, o, 1700000000);

	json_decref(o);
	return r;
}

static void test_append(void **state)
{
	struct kms_relog *log = NULL, *second = NULL;
	struct ds_err err = DS_ERR_NULL;
	struct stat st;
	char head[65];

	assert_int_equal(kms_relog_open(path, &log, &err), 0);
	assert_int_equal(kms_relog_open(path, &second, &err), -EBUSY);
	assert_int_equal(add(log, "a"), 0);
	assert_int_equal(add(log, "b"), 0);
	strcpy(head, kms_relog_head(log));
	kms_relog_close(log);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(kms_relog_open(path, &log, &err), 0);
	assert_string_equal(kms_relog_head(log), head);
	assert_int_equal(kms_relog_count(log), 2);
	assert_int_equal(add(log, "c"), 0);
	kms_relog_close(log);
}

/* As a file, which is what the check reads. */
static int check_bytes(struct ds_span text, uint64_t *ret_n, char ret_head[65], struct ds_err *err)
{
	DS_FD int fd = memfd_create("log", MFD_CLOEXEC);

	assert_int_equal(ds_write_full(fd, text.p, text.n), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return kms_relog_check(fd, ret_n, ret_head, err);
}

static void test_spoiled(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	char head[65];
	uint64_t n = 0;
	size_t whole = 0;

	assert_int_equal(ds_read_file(AT_FDCWD, path, 65536, &b), 0);
	assert_int_equal(check_bytes(ds_buf_span(&b), &n, head, &err), 0);
	assert_int_equal(n, 3);
	/* cut anywhere but at a line's end */
	for (size_t i = 0; i < b.n; i++) {
		bool at_end = !i || b.p[i - 1] == '\n';

		assert_int_equal(check_bytes(DS_SPAN(b.p, i), &n, head, &err),
				 at_end ? 0 : -EBADMSG);
		whole += at_end;
	}
	assert_int_equal(whole, 3);
	/* any byte of any line but the last changed: the next line shows it */
	for (size_t i = 0; i < b.n; i++) {
		const uint8_t *rest = memchr(b.p + i, '\n', b.n - i);

		if (rest == b.p + b.n - 1)
			break;
		b.p[i] ^= 1;
		assert_int_equal(check_bytes(ds_buf_span(&b), &n, head, &err), -EBADMSG);
		b.p[i] ^= 1;
	}
}

static void append_bytes(const void *p, size_t n)
{
	DS_FD int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_int_equal(ds_write_full(fd, p, n), 0);
}

/* A line cut anywhere goes, a record says so, and the chain goes on. */
static void test_torn(void **state)
{
	static const char line[] = "{\"op\":\"GetAppKey\",\"seq\":4}";
	static char nothing[16384];
	DS_BUF struct ds_buf whole = DS_BUF_NULL;
	struct kms_relog *log = NULL;
	struct ds_err err = DS_ERR_NULL;
	char head[65];
	uint64_t n = 0;

	assert_int_equal(ds_read_file(AT_FDCWD, path, 65536, &whole), 0);
	for (size_t cut = 1; cut < sizeof(line); cut++) {
		DS_BUF struct ds_buf after = DS_BUF_NULL;

		append_bytes(line, cut);
		assert_int_equal(kms_relog_open(path, &log, &err), 0);
		assert_int_equal(kms_relog_count(log), 4);
		assert_int_equal(add(log, "x"), 0);
		kms_relog_close(log);
		assert_int_equal(ds_read_file(AT_FDCWD, path, 65536, &after), 0);
		assert_int_equal(check_bytes(ds_buf_span(&after), &n, head, &err), 0);
		assert_int_equal(n, 5);
		assert_non_null(strstr(ds_buf_cstr(&after), "\"decision\":\"repair\""));
		assert_memory_equal(after.p, whole.p, whole.n);
		assert_int_equal(truncate(path, (off_t)whole.n), 0);
	}
	/* a whole line that does not fit is no accident, nor is one longer than we write */
	append_bytes(line, sizeof(line) - 1);
	append_bytes("\n", 1);
	assert_int_equal(kms_relog_open(path, &log, &err), -EBADMSG);
	assert_int_equal(truncate(path, (off_t)whole.n), 0);
	append_bytes(nothing, sizeof(nothing));
	assert_int_equal(kms_relog_open(path, &log, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "line 4 is longer than"));
	assert_int_equal(truncate(path, (off_t)whole.n), 0);
}

/* Longer than any buffer; and the latest time counts, not the last. */
static void test_long(void **state)
{
	DS_FREE char *pad = malloc(15001);
	DS_FREE char *big = NULL;
	struct kms_relog *log = NULL;
	struct stat st;
	int64_t t = 1700000000;

	memset(pad, 'x', 15000);
	pad[15000] = '\0';
	assert_true(asprintf(&big, "%s.big", path) > 0);
	assert_int_equal(kms_relog_open(big, &log, NULL), 0);
	assert_int_equal(kms_relog_latest(log), 0);
	for (int i = 0; i < 40; i++) {
		json_t *o = json_pack("{s:s}", "pad", pad);

		assert_int_equal(kms_relog_add(log, o, i == 20 ? t + 500 : t), 0);
		json_decref(o);
	}
	assert_int_equal(kms_relog_latest(log), t + 500);
	kms_relog_close(log);
	assert_int_equal(stat(big, &st), 0);
	assert_true(st.st_size > 40 * 15000);
	assert_int_equal(kms_relog_open(big, &log, NULL), 0);
	assert_int_equal(kms_relog_count(log), 40);
	assert_int_equal(kms_relog_latest(log), t + 500);
	kms_relog_close(log);
	assert_int_equal(unlink(big), 0);
}

/* Only a regular file can be a log. */
static void test_paths(void **state)
{
	struct kms_relog *log = NULL;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(kms_relog_open("/dev/full", &log, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "not a regular file"));
	assert_int_equal(kms_relog_open("/nonexistent/x", &log, &err), -ENOENT);
}

static int fdatasync_result;
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	errno = EIO;
	return fdatasync_result;
}

/* A line that may not be on disk is no line: the caller hears of it, and nothing can be added any
 * more. */
static void test_sync(void **state)
{
	struct kms_relog *log = NULL;

	assert_int_equal(kms_relog_open(path, &log, NULL), 0);
	fdatasync_result = -1;
	assert_int_equal(add(log, "d"), -EIO);
	fdatasync_result = 0;
	assert_int_equal(add(log, "e"), -EIO);
	assert_int_equal(kms_relog_count(log), 3);
	kms_relog_close(log);
}

/* Several lines, one sync: its failure is that of them all, and the end. */
static void test_together(void **state)
{
	json_t *o = json_pack("{s:s}", "op", "f");
	struct kms_relog *log = NULL;
	uint64_t n;

	assert_int_equal(kms_relog_open(path, &log, NULL), 0);
	n = kms_relog_count(log);
	fdatasync_result = -1;
	assert_int_equal(kms_relog_sync(log), 0); /* there is nothing to be synced */
	assert_int_equal(kms_relog_write(log, o, 1), 0);
	assert_int_equal(kms_relog_write(log, o, 1), 0);
	assert_int_equal(kms_relog_sync(log), -EIO);
	assert_int_equal(kms_relog_count(log), n);
	fdatasync_result = 0;
	assert_int_equal(kms_relog_sync(log), -EIO);
	assert_int_equal(kms_relog_write(log, o, 1), -EIO);
	json_decref(o);
	kms_relog_close(log);
}

static int fsync_result;
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	errno = EIO;
	return fsync_result;
}

/* A log whose name may be gone after a power cut takes no record. */
static void test_new(void **state)
{
	DS_FREE char *fresh = NULL;
	struct kms_relog *log = NULL;
	struct ds_err err = DS_ERR_NULL;

	assert_true(asprintf(&fresh, "%s.new", path) > 0);
	fsync_result = -1;
	assert_int_equal(kms_relog_open(fresh, &log, &err), -EIO);
	assert_non_null(strstr(err.msg, "cannot be synced"));
	fsync_result = 0;
	assert_int_equal(kms_relog_open(fresh, &log, &err), 0);
	kms_relog_close(log);
	assert_int_equal(unlink(fresh), 0);
}

static int set_up(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/log", dir);
	return 0;
}

static int tear_down(void **state)
{
	return unlink(path) || rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append), cmocka_unit_test(test_spoiled),
		cmocka_unit_test(test_torn),   cmocka_unit_test(test_long),
		cmocka_unit_test(test_paths),  cmocka_unit_test(test_new),
		cmocka_unit_test(test_sync),   cmocka_unit_test(test_together),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
