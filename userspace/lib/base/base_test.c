// SPDX-License-Identifier: Apache-2.0
/* Tests of lib/base. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <ds/base/file.h>
#include <ds/base/rd.h>
#include <ds/base/secret.h>
#include <ds/base/text.h>

static void buf_grows_and_is_stolen(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_buf t;

	for (int i = 0; i < 1000; i++)
		assert_int_equal(ds_buf_add_u32le(&b, (uint32_t)i), 0);
	assert_int_equal(b.n, 4000);
	assert_int_equal(ds_get_u32le(b.p + 4 * 999), 999);
	assert_int_equal(ds_buf_reserve(&b, SIZE_MAX - 10), -ENOMEM);
	assert_int_equal(b.n, 4000);
	t = ds_buf_steal(&b);
	assert_null(b.p);
	ds_buf_done(&t);
	ds_buf_done(&t);
	assert_int_equal(ds_buf_addf(&b, "%s-%d", "x", 7), 0);
	assert_string_equal(ds_buf_cstr(&b), "x-7");
	assert_int_equal(b.n, 3);
}

static void rd_is_bounded(void **state)
{
	static const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct ds_rd rd = ds_rd_init(DS_SPAN_ARRAY(in)), sub;
	struct ds_span s;
	uint32_t v;
	uint64_t w;

	assert_int_equal(ds_rd_u64le(&rd, &w), 0);
	assert_true(w == 0x0807060504030201ull);
	assert_int_equal(ds_rd_end(&rd), 0);
	assert_int_equal(ds_rd_skip(&rd, 1), -EBADMSG);
	rd = ds_rd_init(DS_SPAN_ARRAY(in));
	assert_int_equal(ds_rd_u24be(&rd, &v), 0);
	assert_int_equal(v, 0x010203);
	assert_int_equal(ds_rd_span(&rd, SIZE_MAX, &s), -EBADMSG);
	assert_int_equal(ds_rd_block(&rd, 4, &sub), 0);
	assert_int_equal(ds_rd_u32be(&sub, &v), 0);
	assert_int_equal(v, 0x04050607);
	assert_int_equal(ds_rd_skip(&sub, 1), -EBADMSG);
	assert_int_equal(ds_rd_end(&rd), -EBADMSG);
	assert_int_equal(ds_rd_pos(&rd), 7);
	rd = ds_rd_init(DS_SPAN_NULL);
	assert_int_equal(ds_rd_span(&rd, 0, &s), 0);
	assert_int_equal(ds_rd_skip(&rd, 1), -EBADMSG);
}

/* One byte short, each reader leaves everything as it was. */
static void rd_numbers_are_whole(void **state)
{
	static const uint8_t in[7] = { 1, 1, 1, 1, 1, 1, 1 };

	for (size_t n = 0; n < 8; n++) {
		struct ds_rd rd = ds_rd_init(DS_SPAN(in, n));
		uint64_t v64 = 77;
		uint32_t v32 = 77;
		uint16_t v16 = 77;
		uint8_t v8 = 77;

		assert_int_equal(ds_rd_u64le(&rd, &v64), -EBADMSG);
		if (n < 4)
			assert_true(ds_rd_u32le(&rd, &v32) == -EBADMSG &&
				    ds_rd_u32be(&rd, &v32) == -EBADMSG);
		if (n < 3)
			assert_int_equal(ds_rd_u24be(&rd, &v32), -EBADMSG);
		if (n < 2)
			assert_true(ds_rd_u16le(&rd, &v16) == -EBADMSG &&
				    ds_rd_u16be(&rd, &v16) == -EBADMSG);
		if (n < 1)
			assert_int_equal(ds_rd_u8(&rd, &v8), -EBADMSG);
		assert_true(v64 == 77 && v32 == 77 && v16 == 77 && v8 == 77);
		assert_int_equal(ds_rd_pos(&rd), 0);
	}
}

static void hex_codes_every_byte(void **state)
{
	uint8_t all[256], back[256];
	char hex[513], ref[3];

	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	ds_hex_encode(all, 256, hex);
	for (int i = 0; i < 256; i++) {
		snprintf(ref, sizeof(ref), "%02x", i);
		assert_memory_equal(hex + 2 * i, ref, 2);
	}
	assert_int_equal(ds_hex_decode(hex, 512, back, 256), 0);
	assert_memory_equal(all, back, 256);
	assert_int_equal(ds_hex_decode(hex, 512, back, 255), -EFBIG);
	assert_int_equal(ds_hex_decode(hex, 511, back, 256), -EBADMSG);
	assert_int_equal(ds_hex_decode_exact("AbCd", back, 2), 0);
	assert_int_equal(back[0], 0xab);
	assert_int_equal(ds_hex_decode_exact("AbCd", back, 3), -EBADMSG);
	for (int c = 1; c < 256; c++) {
		char pair[2] = { (char)c, '0' }, riap[2] = { '0', (char)c };
		bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

		assert_int_equal(ds_hex_decode(pair, 2, back, 1), good ? 0 : -EBADMSG);
		assert_int_equal(ds_hex_decode(riap, 2, back, 1), good ? 0 : -EBADMSG);
	}
}

static void b64_is_canonical(void **state)
{
	static const struct {
		const char *raw, *text;
	} t[] = { { "", "" },	      { "f", "Zg==" },	     { "fo", "Zm8=" },	{ "foo", "Zm9v" },
		  { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "\xff\xef\xbe", "/+++" } };
	uint8_t back[16];
	char out[32];
	size_t n;

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		assert_string_equal(ds_b64_encode(t[i].raw, strlen(t[i].raw), out), t[i].text);
		assert_int_equal(ds_b64_decode(t[i].text, strlen(t[i].text), back, 16, &n), 0);
		assert_int_equal(n, strlen(t[i].raw));
		assert_memory_equal(back, t[i].raw, n);
	}
	assert_int_equal(ds_b64_decode("Zh==", 4, back, 16, &n), -EBADMSG); /* unused bits set */
	assert_int_equal(ds_b64_decode("Zg=", 3, back, 16, &n), -EBADMSG);
	assert_int_equal(ds_b64_decode("Z===", 4, back, 16, &n), -EBADMSG);
	assert_int_equal(ds_b64_decode("Zg==Zg==", 8, back, 16, &n), -EBADMSG);
	assert_int_equal(ds_b64_decode("Zm9v", 4, back, 2, &n), -EFBIG);
	for (int c = 1; c < 256; c++) {
		char four[4] = { 'A', (char)c, 'A', 'A' };
		bool good = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", c);

		assert_int_equal(ds_b64_decode(four, 4, back, 16, &n), good ? 0 : -EBADMSG);
	}
}

static void hex_has_a_bound(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	assert_int_equal(ds_hex_decode_buf("aabb", 4, 1, &b), -EFBIG);
	assert_int_equal(ds_hex_decode_buf("aabb", 4, 2, &b), 0);
	assert_int_equal(b.n, 2);
}

static void time_is_strict(void **state)
{
	static const char *bad[] = { "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01 00:00:00Z",
				     "2026-01-01T00:00:00+", "1969-12-31T23:59:59Z", "2026-13-01T00:00:00Z",
				     "2026-01-01T00:00:60Z", "2026-1-01T00:00:00ZZ" };
	char out[DS_TIME_SIZE];
	int64_t t;
	uint64_t u;

	assert_int_equal(ds_time_parse_rfc3339("2026-08-13T12:00:00Z", 20, &t), 0);
	assert_true(t == 1786622400);
	assert_string_equal(ds_time_format_rfc3339(t, out), "2026-08-13T12:00:00Z");
	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++)
		assert_int_equal(ds_time_parse_rfc3339(bad[i], strlen(bad[i]), &t), -EBADMSG);
	assert_int_equal(ds_parse_u64("65535", 5, 65535, &u), 0);
	assert_int_equal(ds_parse_u64("65536", 5, 65535, &u), -EBADMSG);
	assert_int_equal(ds_parse_u64("18446744073709551616", 20, UINT64_MAX, &u), -EBADMSG);
	assert_int_equal(ds_parse_u64("+1", 2, 9, &u), -EBADMSG);
	assert_int_equal(ds_parse_u64("", 0, 9, &u), -EBADMSG);
	assert_int_equal(ds_parse_u64("/", 1, UINT64_MAX, &u), -EBADMSG);
	assert_int_equal(ds_parse_u64(":", 1, 99, &u), -EBADMSG);
	assert_int_equal(ds_parse_u64("99999999999999999999", 20, UINT64_MAX, &u), -EBADMSG);
	assert_int_equal(ds_time_parse_rfc3339("2026-08-13T12:00:00Z", 21, &t), -EBADMSG);
	for (size_t i = 0; i < 19; i++) { /* below and above the digits, in each place */
		char text[] = "2026-08-13T12:00:00Z";

		if (text[i] < '0' || text[i] > '9')
			continue;
		text[i] = '/';
		assert_int_equal(ds_time_parse_rfc3339(text, 20, &t), -EBADMSG);
		text[i] = ':';
		assert_int_equal(ds_time_parse_rfc3339(text, 20, &t), -EBADMSG);
	}
}

static void escape_is_bounded(void **state)
{
	char out[12], big[64];

	assert_string_equal(ds_escape(DS_SPAN_LIT("ok"), out, sizeof(out)), "ok");
	assert_string_equal(ds_escape(DS_SPAN_LIT("a\nb"), out, sizeof(out)), "a\\x0ab");
	assert_string_equal(ds_escape(DS_SPAN_LIT("0123456789abcdef"), out, sizeof(out)), "01234567...");
	for (size_t cap = 1; cap < sizeof(big); cap++) {
		memset(big, 'Z', sizeof(big));
		ds_escape(DS_SPAN_LIT("\x01\x02 hello \xff\xfe world \\ \r\n"), big, cap);
		assert_true(strlen(big) < cap);
		assert_int_equal(big[cap], 'Z');
	}
}

static void files_are_atomic_and_bounded(void **state)
{
	char dir[] = "/tmp/ds-base-XXXXXX", path[64];
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	DS_SECRET struct ds_secret *s = NULL;
	struct stat st;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/f", dir);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, DS_SPAN_LIT("one"), 0600), 0);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, DS_SPAN_LIT("two!"), 0640), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(ds_read_file(AT_FDCWD, path, 3, &b), -EFBIG);
	assert_int_equal(ds_read_file(AT_FDCWD, path, 4, &b), 0);
	assert_int_equal(b.n, 4);
	assert_int_equal(ds_read_file_secret(AT_FDCWD, path, 3, &s), -EFBIG);
	assert_int_equal(ds_read_file_secret(AT_FDCWD, path, 4, &s), 0);
	assert_memory_equal(s->p, "two!", 4);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	ds_buf_done(&b);
	assert_int_equal(ds_read_file(AT_FDCWD, path, 1 << 20, &b), -ELOOP);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0); /* no temporary file is left behind */
}

static void secrets_are_copied_and_compared(void **state)
{
	DS_SECRET struct ds_secret *a = ds_secret_from("0123456789abcdef", 16), *b = NULL;

	assert_non_null(a);
	b = ds_secret_dup(a);
	assert_non_null(b);
	assert_true(ds_ct_equal(a->p, b->p, 16));
	b->p[15] ^= 1;
	assert_false(ds_ct_equal(a->p, b->p, 16));
	assert_true(ds_ct_equal(a->p, b->p, 15));
}

/* So much of this process is locked. */
static bool locked(long kib)
{
	char line[128];
	long is = -1;
	FILE *f = fopen("/proc/self/status", "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmLck:", 6))
			is = atol(line + 6);
	fclose(f);
#ifdef __SANITIZE_ADDRESS__
	return is == 0; /* its mlock() does nothing */
#endif
	return is == kib;
}

static bool all_zero(const struct ds_secret *s)
{
	for (size_t i = 0; i < s->map; i++)
		if (s->p[i])
			return false;
	return true;
}

/* More than are kept, twice: each of them zero, locked and its owner's alone. */
static void secrets_begin_empty(void **state)
{
	struct ds_secret *s[40];

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < DS_ARRAY_SIZE(s); i++) {
			s[i] = ds_secret_new(32);
			assert_non_null(s[i]);
			assert_true(all_zero(s[i]));
			memset(s[i]->p, (int)i + 1, s[i]->map);
		}
		assert_true(locked(DS_ARRAY_SIZE(s) * 4));
		for (size_t i = 0; i < DS_ARRAY_SIZE(s); i++) {
			assert_int_equal(s[i]->p[s[i]->map - 1], i + 1);
			ds_secret_free(s[i]);
		}
	}
}

/* A child has no locks of its parent's and nothing of its secrets, and gets locked ones itself. */
static void secrets_of_a_child(void **state)
{
	DS_SECRET struct ds_secret *of_parent = ds_secret_from("secret", 6);
	struct ds_secret *s;
	int status = -1;
	pid_t pid;

	ds_secret_free(ds_secret_new(1)); /* leaves a page behind */
	pid = fork();
	if (!pid) {
		if (!all_zero(of_parent) || !locked(0))
			_exit(1);
		/* its page may be the next one's */
		of_parent = ds_secret_free(of_parent);
		for (int i = 1; i < 4; i++) {
			s = ds_secret_new(1);
			if (!s || !all_zero(s) || !locked(4 * i))
				_exit(1 + i);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_memory_equal(of_parent->p, "secret", 6);
}

/* What is kept is locked, but never stands in the way of what is needed. */
static void spares_yield_to_secrets(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const struct rlimit few = { 8 * page, 8 * page };
	struct ds_secret *s[8];
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		/* root may lock whatever it likes */
		if (setrlimit(RLIMIT_MEMLOCK, &few) || (!getuid() && setresuid(65534, 65534, 65534)))
			_exit(1);
		for (size_t i = 0; i < DS_ARRAY_SIZE(s); i++)
			if (!(s[i] = ds_secret_new(1)))
				_exit(2);
#ifndef __SANITIZE_ADDRESS__
		if (ds_secret_new(1))
			_exit(3); /* the limit is none */
#endif
		for (size_t i = 0; i < DS_ARRAY_SIZE(s); i++)
			ds_secret_free(s[i]);
		_exit(ds_secret_new(8 * page) ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_grows_and_is_stolen), cmocka_unit_test(rd_is_bounded), cmocka_unit_test(rd_numbers_are_whole),
		cmocka_unit_test(hex_codes_every_byte),	   cmocka_unit_test(b64_is_canonical),
		cmocka_unit_test(hex_has_a_bound),
		cmocka_unit_test(time_is_strict),	   cmocka_unit_test(escape_is_bounded),
		cmocka_unit_test(files_are_atomic_and_bounded),
		cmocka_unit_test(secrets_are_copied_and_compared),
		cmocka_unit_test(secrets_begin_empty), cmocka_unit_test(secrets_of_a_child),
		cmocka_unit_test(spares_yield_to_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
