// SPDX-License-Identifier: Apache-2.0
/* What dstackctl kms allow|deny makes of a policy file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "allow.h"

#define A "app 00aa"

static int edit(const char *text, const char *section, const char *key, const char *value,
		bool allow, struct ds_buf *ret)
{
	const struct allow_edit e = { section, key, value, allow };
	struct ds_err err = DS_ERR_NULL;

	ds_buf_done(ret);
	return allow_edit(DS_SPAN_STR(text), "policy", &e, ret, &err);
}

static void lines(void **state)
{
	static const struct {
		const char *before, *section, *key, *value;
		bool allow;
		const char *after; /* NULL: an error */
		int r;
	} rows[] = {
		/* a section of its own, also behind a last line without an end */
		{ "", A, "device", "any", true, "[app 00aa]\ndevice = any\n", 0 },
		{ "[policy]\nallow_emulated = no", A, "device", "any", true,
		  "[policy]\nallow_emulated = no\n\n[app 00aa]\ndevice = any\n", 0 },
		/* behind what the section says, before the blank line and the comment */
		{ "[app 00aa]\ncompose_hash = 11\n\n# next\n[app 00bb]\ndevice = any\n", A,
		  "compose_hash", "22", true,
		  "[app 00aa]\ncompose_hash = 11\ncompose_hash = 22\n\n# next\n[app 00bb]\ndevice "
		  "= any\n",
		  0 },
		/* the hex of section and value in any case, blanks, commas, both separators */
		{ "[app 00AA]\ncompose_hash: 11, 2b\n", A, "compose_hash", "2B", true, NULL,
		  -EEXIST },
		{ "[app 00AA]\ncompose_hash: 11, 2b\t33\n", A, "compose_hash", "2B", false,
		  "[app 00AA]\ncompose_hash = 11, 33\n", 0 },
		/* every line that has it, in every section of the name; the others stay as they are
		 */
		{ "[app 00aa]\r\ncompose_hash=11\n[app 00bb]\ncompose_hash=11\n[app 00aa]\n"
		  "  device =  any\ncompose_hash=11\n",
		  A, "compose_hash", "11", false,
		  "[app 00aa]\r\n[app 00bb]\ncompose_hash=11\n[app 00aa]\n  device =  any\n", 0 },
		/* another key, another section, a comment: nothing to take away */
		{ "[app 00aa]\ndevice = 11\n# compose_hash = 11\n;compose_hash = 11\n[app "
		  "00bb]\ncompose_hash = 11\n",
		  A, "compose_hash", "11", false, NULL, -ENOENT },
		{ "[kms]\nmr_aggregated = 11\n", "kms", "mr_aggregated", "1", false, NULL,
		  -ENOENT },
		{ "[kms]\nmr_aggregated = 11\n", "kms", "mr_aggregated", "1", true,
		  "[kms]\nmr_aggregated = 11\nmr_aggregated = 1\n", 0 },
		{ "[app 00aa\n", A, "device", "any", true, NULL, -EBADMSG },
		{ "device\n", A, "device", "any", true, NULL, -EBADMSG },
	};
	DS_BUF struct ds_buf out = DS_BUF_NULL;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		int r = edit(rows[i].before, rows[i].section, rows[i].key, rows[i].value,
			     rows[i].allow, &out);

		if (r != rows[i].r || (rows[i].after && strcmp(ds_buf_cstr(&out), rows[i].after)))
			fail_msg("row %zu: %d, '%s'", i, r, out.n ? ds_buf_cstr(&out) : "");
	}
}

/* Added and taken away, a file is what it was; cut anywhere, what was added is found again. */
static void back_and_forth(void **state)
{
	static const char text[] = "# mine\n[policy]\ntcb_status = UpToDate\n\n[app "
				   "00aa]\ncompose_hash = 11\ndevice = any\n";
	DS_BUF struct ds_buf one = DS_BUF_NULL, two = DS_BUF_NULL;

	assert_int_equal(edit(text, A, "compose_hash", "22", true, &one), 0);
	assert_int_equal(edit(ds_buf_cstr(&one), A, "compose_hash", "22", true, &two), -EEXIST);
	assert_int_equal(edit(ds_buf_cstr(&one), A, "compose_hash", "22", false, &two), 0);
	assert_string_equal(ds_buf_cstr(&two), text);
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		const struct allow_edit e = { A, "compose_hash", "22", true };
		struct ds_err err = DS_ERR_NULL;

		ds_buf_done(&one);
		if (!allow_edit(DS_SPAN(text, n), "policy", &e, &one, &err))
			assert_int_equal(
				edit(ds_buf_cstr(&one), e.section, e.key, e.value, true, &two),
				-EEXIST);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(back_and_forth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
