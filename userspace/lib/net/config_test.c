// SPDX-License-Identifier: Apache-2.0
/* Strict INI: what is accepted, and the file and line of what is not. */
#include <ds/net/config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct seen {
	char text[512];
};

static int on_key(void *ctx, const char *section, const char *key, const char *value,
		  struct ds_err *err)
{
	struct seen *s = ctx;
	size_t n = strlen(s->text);

	if (!strcmp(key, "unknown"))
		return DS_CONF_E_UNKNOWN;
	if (!strcmp(key, "bad"))
		return ds_err_set(err, -EINVAL, "test", 0, "expected something else");
	snprintf(s->text + n, sizeof(s->text) - n, "%s|%s|%s;", section, key, value);
	return strcmp(key, "k") ? 0 : DS_CONF_MORE;
}

static void test_parse(void **state)
{
	static const struct {
		const char *in;
		int r;
		const char *want; /* what was seen, or part of the error */
	} t[] = {
		{ "", 0, "" },
		{ "# c\n; c\n\n[s]\nk = v\n", 0, "s|k|v;" },
		{ "[s]\nk=v\nk = w ; not a comment\n[t x]\nk=v", 0,
		  "s|k|v;s|k|w ; not a comment;t x|k|v;" },
		{ "[s]\r\nk = v\r\n", 0, "s|k|v;" },
		{ "[s]\none=1\n[t]\none=2\n[s]\ntwo=2\nk=v\n", 0, "s|one|1;t|one|2;s|two|2;s|k|v;" },
		{ "[s]\none = 1\n\none = 1\n", -EINVAL,
		  "f:4: one: given twice in [s], first in line 2" },
		{ "# c\n[s]\none=1\nk=v\n[t]\none=1\n[ s]\none=1\n[s]\none=2\n", -EINVAL,
		  "f:10: one: given twice in [s], first in line 3" },
		{ "[s]\nk =\n", 0, "s|k|;" },
		{ "[s]\nunknown = 1\n", -EINVAL, "f:2: unknown key 'unknown' in section [s]" },
		{ "[s]\nk = v\n\nbad = 1\nunknown = 2\n", -EINVAL,
		  "f:4: bad: expected something else" },
		{ "[s]\nno value\n", -EBADMSG, "f:2: expected [section] or key = value" },
		{ "[s\nk = v\n", -EBADMSG, "f:1: section without ']'" },
		{ "[s] k = v\n", -EBADMSG, "f:1: text after ']'" },
		{ "[s] # fine\nk = v\n", 0, "s|k|v;" },
		{ "[s]\nk = a\x01\n", -EBADMSG, "f:2: control character" },
		{ "[s]\nk = v\n  continued\n", -EBADMSG, "f:3: expected" },
		{ "[0123456789012345678901234567890123456789012345678x]\nk = v\n", -EFBIG,
		  "f:1: section or key name" },
		{ "[s]\n0123456789012345678901234567890123456789012345678x = v\n", -EFBIG,
		  "f:2: section or key name" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct ds_err err = DS_ERR_NULL;
		struct seen s = { "" };
		int r = ds_conf_parse(DS_SPAN_STR(t[i].in), "f", on_key, &s, &err);

		if (r != t[i].r || (r ? !strstr(err.msg, t[i].want) : strcmp(s.text, t[i].want)))
			fail_msg("%zu: got %d '%s' '%s'", i, r, s.text, err.msg);
	}
}

static int count(void *ctx, const char *section, const char *key, const char *value,
		 struct ds_err *err)
{
	*(size_t *)ctx = strlen(value);
	return 0;
}

/* A long line arrives whole or not at all: a split one would be two keys. */
static void test_long(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	size_t n = 0;

	assert_int_equal(ds_buf_addf(&b, "[s]\nk = "), 0);
	for (int i = 0; i < 16000; i++)
		assert_int_equal(ds_buf_add_u8(&b, 'x'), 0);
	assert_int_equal(ds_conf_parse(ds_buf_span(&b), "f", count, &n, &err), 0);
	assert_int_equal(n, 16000);
	for (int i = 0; i < 400; i++)
		assert_int_equal(ds_buf_add_u8(&b, 'x'), 0);
	assert_int_equal(ds_conf_parse(ds_buf_span(&b), "f", count, &n, &err), -EFBIG);
	assert_non_null(strstr(err.msg, "f:2: line is too long"));
}

static void test_load(void **state)
{
	struct ds_err err = DS_ERR_NULL;
	size_t n = 0;

	assert_int_equal(ds_conf_load("no-such-file", count, &n, &err), -ENOENT);
	assert_string_equal(err.msg, "no-such-file: No such file or directory");
}

static int item(void *ctx, const char *text, struct ds_err *err)
{
	strcat(strcat(ctx, text), "|");
	return 0;
}

static void test_values(void **state)
{
	DS_FREE char *addr = NULL;
	char list[64] = "";
	uint8_t hex[2];
	uint16_t port = 0;
	uint64_t u = 0;
	bool b = false;

	assert_int_equal(ds_conf_bool("yes", &b, NULL), 0);
	assert_true(b);
	assert_int_equal(ds_conf_bool("true", &b, NULL), -EINVAL);
	assert_int_equal(ds_conf_u64("10", 10, &u, NULL), 0);
	assert_int_equal(ds_conf_u64("11", 10, &u, NULL), -EINVAL);
	assert_int_equal(ds_conf_u64(" 1", 10, &u, NULL), -EINVAL);
	assert_int_equal(ds_conf_hex("0aFF", hex, 2, NULL), 0);
	assert_int_equal(ds_conf_hex("0aFF00", hex, 2, NULL), -EINVAL);
	assert_int_equal(ds_conf_addr("0.0.0.0:8000", &addr, &port, NULL), 0);
	assert_string_equal(addr, "0.0.0.0");
	assert_int_equal(port, 8000);
	assert_int_equal(ds_conf_addr("[::1]:1", &addr, &port, NULL), 0);
	assert_string_equal(addr, "::1");
	assert_int_equal(ds_conf_addr("::1:1", &addr, &port, NULL), -EINVAL);
	assert_int_equal(ds_conf_addr("localhost:1", &addr, &port, NULL), -EINVAL);
	assert_int_equal(ds_conf_addr("1.2.3.4", &addr, &port, NULL), -EINVAL);
	assert_int_equal(ds_conf_addr("[::1]", &addr, &port, NULL), -EINVAL);
	assert_int_equal(ds_conf_addr("[", &addr, &port, NULL), -EINVAL);
	assert_int_equal(ds_conf_addr("[:", &addr, &port, NULL), -EINVAL);
	assert_int_equal(ds_conf_addr("[::1:1", &addr, &port, NULL), -EINVAL);
	assert_int_equal(ds_conf_addr("1.2.3.4:x", &addr, &port, NULL), -EINVAL);
	assert_int_equal(ds_conf_addr("1.2.3.4:65536", &addr, &port, NULL), -EINVAL);
	assert_int_equal(ds_conf_str("", &addr, NULL), -EINVAL);
	assert_int_equal(ds_conf_list(" a, b,,c\td ", item, list, NULL), 0);
	assert_string_equal(list, "a|b|c|d|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
