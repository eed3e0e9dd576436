// SPDX-License-Identifier: Apache-2.0
/* Tests of the kernel evidence client against files of our own; the real module is tested in a VM.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <ds/attest/eventlog.h>
#include <ds/attest/kernel.h>
#include <ds/base/file.h>

static char dir[] = "/tmp/kernel_test.XXXXXX";
static struct ds_kernel k = { .sysfs = dir, .device = "/dev/null/none" };

static void put(const char *name, struct ds_span s)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, s, 0600), 0);
}

static struct ds_buf get(const char *name)
{
	struct ds_buf b = DS_BUF_NULL;
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(ds_read_file(AT_FDCWD, path, 8192, &b), 0);
	return b;
}

static int setup(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "event", "event_once", "phase", "eventlog" };
	char path[96];

	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static void event_is_one_write(void **state)
{
	static uint8_t big[4001];
	struct ds_buf b;

	assert_int_equal(ds_kernel_event(&k, "x", DS_SPAN_NULL, false), -ENOENT);
	put("event", DS_SPAN_NULL);
	put("event_once", DS_SPAN_NULL);
	assert_int_equal(ds_kernel_event(&k, "app-id", DS_SPAN_LIT("a\nb"), false), 0);
	b = get("event");
	assert_true(ds_span_eq(ds_buf_span(&b), DS_SPAN_LIT("app-id\na\nb")));
	ds_buf_done(&b);
	assert_int_equal(ds_kernel_event(&k, "system-ready", DS_SPAN_NULL, true), 0);
	b = get("event_once");
	assert_true(ds_span_eq(ds_buf_span(&b), DS_SPAN_LIT("system-ready\n")));
	ds_buf_done(&b);
	assert_int_equal(ds_kernel_event(&k, "x", DS_SPAN_ARRAY(big), false), -EFBIG);
}

static void phase(void **state)
{
	bool runtime = true;

	put("phase", DS_SPAN_LIT("boot\n"));
	assert_int_equal(ds_kernel_is_runtime(&k, &runtime), 0);
	assert_false(runtime);
	put("phase", DS_SPAN_LIT("runtime\n"));
	assert_int_equal(ds_kernel_is_runtime(&k, &runtime), 0);
	assert_true(runtime);
	put("phase", DS_SPAN_LIT("runtimes\n"));
	assert_int_equal(ds_kernel_is_runtime(&k, &runtime), -EBADMSG);
}

/* Head of a crypto-agile log: the specification event, one algorithm, SHA-384. */
static void log_head(struct ds_buf *b)
{
	assert_int_equal(ds_buf_add_u32le(b, 0), 0);
	assert_int_equal(ds_buf_add_u32le(b, 3), 0);
	assert_int_equal(ds_buf_add_zero(b, 20), 0);
	assert_int_equal(ds_buf_add_u32le(b, 33), 0);
	assert_int_equal(ds_buf_add(b, "Spec ID Event03", 16), 0);
	assert_int_equal(ds_buf_add(b, "\0\0\0\0\0\x02\0\x02", 8), 0);
	assert_int_equal(ds_buf_add_u32le(b, 1), 0);
	assert_int_equal(ds_buf_add_u16le(b, 0x0c), 0);
	assert_int_equal(ds_buf_add_u16le(b, 48), 0);
	assert_int_equal(ds_buf_add_u8(b, 0), 0);
}

static void log_event(struct ds_buf *b, uint32_t pcr, uint32_t type, const char *data, size_t n)
{
	assert_int_equal(ds_buf_add_u32le(b, pcr), 0);
	assert_int_equal(ds_buf_add_u32le(b, type), 0);
	assert_int_equal(ds_buf_add_u32le(b, 1), 0);
	assert_int_equal(ds_buf_add_u16le(b, 0x0c), 0);
	assert_int_equal(ds_buf_add_zero(b, 48), 0);
	assert_int_equal(ds_buf_add_u32le(b, (uint32_t)n), 0);
	assert_int_equal(ds_buf_add(b, data, n), 0);
}

static void log_is_cut_and_merged(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL, fw = DS_BUF_NULL;
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	struct ds_buf quote = DS_BUF_NULL;
	struct ds_eventlog log = DS_EVENTLOG_NULL;
	uint8_t rd[64] = { 5 };
	size_t one;

	log_head(&b);
	log_event(&b, 4, DS_EV_RUNTIME, "\1\0\0\x08:a:xy", 9);
	one = b.n;
	log_event(&b, 4, DS_EV_RUNTIME, "\1\0\0\x08:b:", 7);
	put("eventlog", ds_buf_span(&b));
	assert_int_equal(ds_kernel_log(&k, SIZE_MAX, &log, NULL), 0);
	assert_int_equal(log.n, 2);
	ds_eventlog_done(&log);
	/* a quote that covers less than what is there now */
	assert_int_equal(ds_kernel_log(&k, one, &log, NULL), 0);
	assert_int_equal(log.n, 1);
	assert_string_equal(log.ev[0].name, "a");
	ds_eventlog_done(&log);
	assert_int_equal(ds_kernel_log(&k, b.n + 1, &log, NULL), -EIO);
	assert_int_equal(ds_kernel_log(&k, one - 1, &log, NULL), -EBADMSG);

	/* the firmware's events come first */
	log_head(&fw);
	log_event(&fw, 1, 4, "boot", 4);
	log_event(&fw, 4, DS_EV_RUNTIME, "\1\0\0\x08:a:xy", 9);
	log_event(&fw, 4, DS_EV_RUNTIME, "\1\0\0\x08:b:", 7);
	put("eventlog", ds_buf_span(&fw));
	assert_int_equal(ds_kernel_log(&k, fw.n, &log, NULL), 0);
	assert_int_equal(log.n, 3);
	assert_int_equal(log.ev[0].imr, 0);
	assert_int_equal(log.ev[2].imr, 3);
	assert_int_equal(ds_buf_add(&quote, "q", 1), 0);
	assert_int_equal(ds_kernel_attestation(&quote, &log, rd, DS_SPAN_LIT("{}"), &att), 0);
	assert_null(quote.p);
	assert_null(log.ev);
	assert_int_equal(att.log.n, 3);
	assert_int_equal(att.runtime_events.n, 2);
	assert_string_equal(att.runtime_events.ev[1].name, "b");
	assert_false(att.runtime_events.ev[0].has_digest);
	assert_int_equal(att.report_data[0], 5);
	put("eventlog", DS_SPAN_LIT("junk"));
	assert_int_equal(ds_kernel_log(&k, SIZE_MAX, &log, NULL), -EBADMSG);
}

static void no_device(void **state)
{
	uint8_t rd[64] = { 0 }, report[DS_KERNEL_REPORT_SIZE];
	struct ds_attestation att;
	struct ds_err err = DS_ERR_NULL;
	size_t n;

	assert_int_equal(ds_kernel_report(&k, rd, report, &n, &err), -ENOTDIR);
	assert_non_null(strstr(err.msg, "/dev/null/none"));
	assert_int_equal(ds_kernel_attest(&k, rd, DS_SPAN_NULL, 10, &att, &err), -ENOTDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_is_one_write),
		cmocka_unit_test(phase),
		cmocka_unit_test(log_is_cut_and_merged),
		cmocka_unit_test(no_device),
	};

	return cmocka_run_group_tests_name("kernel", tests, setup, teardown);
}
