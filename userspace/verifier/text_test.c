// SPDX-License-Identifier: Apache-2.0
/* What people and programs read: 80 columns, and an explanation with every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/file.h>

#include "verify.h"
#include "world.h"

#define FILES "--time", "1780000000", "--collateral", "collateral.json", "--root-ca", "root.pem"

/* The output of a command, with a NUL behind it. */
static void output(int (*cmd)(int, char **), int want_rc, const char *const *args,
		   struct ds_buf *ret)
{
	char reason[40];

	assert_int_equal(run(cmd, reason, args), want_rc);
	ds_buf_done(ret);
	assert_int_equal(ds_read_file(AT_FDCWD, "out", 1u << 20, ret), 0);
	assert_non_null(ds_buf_cstr(ret));
}

static void assert_fits(const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (n > 80)
			fail_msg("%zu columns: %.*s", n, (int)n, text);
		text += n + !!text[n];
	}
}

static void lines_fit(void **state)
{
	static const char *const app[] = { "app",	"--cert",	"chain.pem",  "--kms-root",
					   "kms-root.pem", "--compose", "compose.json", FILES,
					   NULL };
	static const char *const other[] = { "app", "--cert", "chain.pem", "--compose",
					     "compose-other.json", FILES, NULL };
	static const char *const log[] = { "log", "--event-log", "log.json", "--quote", "quote",
					   NULL };
	DS_BUF struct ds_buf out = DS_BUF_NULL;

	world(&(struct fault){ 0 });
	output(cmd_app, EXIT_ACCEPTED, app, &out);
	assert_fits((char *)out.p);
	assert_non_null(strstr((char *)out.p, "\naccepted: TCB UpToDate, good until "));
	output(cmd_app, EXIT_REFUSED, other, &out);
	assert_fits((char *)out.p);
	output(cmd_log, EXIT_ACCEPTED, log, &out);
	assert_fits((char *)out.p);
	older_world(false, true);
	output(cmd_log, EXIT_ACCEPTED, log, &out);
	assert_fits((char *)out.p);
	world_put("log.json", DS_SPAN_LIT("[]"));
	output(cmd_log, EXIT_REFUSED, log, &out);
	assert_fits((char *)out.p);
}

/* Check, expected, actual, what it means and what to do; the verdict is the last line. */
static void refusals_explain_themselves(void **state)
{
	static const char *const words[] = { "check                  report-data\n",
					     "expected               ",
					     "actual                 ",
					     "what it means          ",
					     "usual cause            ",
					     "what to do             ",
					     "\nrefused: report-data: " };
	static const char *const args[] = { "app", "--cert", "chain.pem", FILES, NULL };
	static const char *const json[] = { "app", "--json", "--cert", "chain.pem", FILES, NULL };
	static const char *const keys[] = { "expected", "actual", "meaning", "cause", "action" };
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	const char *at;
	json_t *doc;

	world(&(struct fault){ .other_key = true });
	output(cmd_app, EXIT_REFUSED, args, &out);
	at = (char *)out.p;
	for (size_t i = 0; i < DS_ARRAY_SIZE(words); i++) {
		at = strstr(at, words[i]);
		if (!at)
			fail_msg("no '%s' in its place", words[i]);
	}
	output(cmd_app, EXIT_REFUSED, json, &out);
	doc = json_loadb((char *)out.p, out.n, 0, NULL);
	for (size_t i = 0; i < DS_ARRAY_SIZE(keys); i++)
		if (!json_string_length(json_object_get(doc, keys[i])))
			fail_msg("no %s", keys[i]);
	json_decref(doc);
	/* a failure without values is told in words */
	world(&(struct fault){ .no_evidence = true });
	output(cmd_app, EXIT_REFUSED, json, &out);
	doc = json_loadb((char *)out.p, out.n, 0, NULL);
	for (size_t i = 0; i < DS_ARRAY_SIZE(keys); i++)
		if (!json_string_length(json_object_get(doc, keys[i])))
			fail_msg("no %s", keys[i]);
	json_decref(doc);
}

static void explain(void **state)
{
	static const char *const all[] = { "explain", NULL };
	static const char *const one[] = { "explain", "tcb-status", NULL };
	static const char *const json[] = { "explain", "--json", NULL };
	static const char *const json_one[] = { "explain", "--json", "tcb-status", NULL };
	static const char *const no[] = { "explain", "no-such-reason", NULL };
	static const char *const two[] = { "explain", "tcb-status", "td-debug", NULL };
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	json_t *doc;

	output(cmd_explain, EXIT_ACCEPTED, one, &out);
	assert_fits((char *)out.p);
	assert_int_equal(strncmp((char *)out.p, "tcb-status\n", 11), 0);
	assert_null(strstr((char *)out.p, "td-debug"));
	output(cmd_explain, EXIT_ACCEPTED, all, &out);
	assert_fits((char *)out.p);
	for (size_t i = DS_REASON_NONE + 1; i < DS_REASON_COUNT; i++)
		assert_non_null(strstr((char *)out.p, ds_reason_name((enum ds_reason)i)));
	output(cmd_explain, EXIT_ACCEPTED, json, &out);
	doc = json_loadb((char *)out.p, out.n, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(doc, "reasons")), DS_REASON_COUNT - 1);
	json_decref(doc);
	output(cmd_explain, EXIT_ACCEPTED, json_one, &out);
	doc = json_loadb((char *)out.p, out.n, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(doc, "reasons")), 1);
	json_decref(doc);
	output(cmd_explain, EXIT_USAGE, no, &out);
	output(cmd_explain, EXIT_USAGE, two, &out);
}

static void expect_root(const struct ds_verdict *v, const char *want)
{
	json_t *doc = output_verdict_json(v);

	assert_string_equal(json_string_value(json_object_get(doc, "root")), want);
	json_decref(doc);
}

/* Intel's name stands only over what was found to end in Intel's root. */
static void root_is_what_was_found(void **state)
{
	static const char *const log[] = { "log", "--event-log", "log.json", "--quote", "quote",
					   NULL };
	static const char *const json[] = { "log",	"--json", "--event-log", "log.json",
					    "--quote", "quote",	 NULL };
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	struct ds_verdict v;

	ds_verdict_init(&v);
	expect_root(&v, "none");
	ds_verdict_pass(&v, "roots", "another check");
	expect_root(&v, "none");
	(void)ds_verdict_fail(&v, DS_REASON_ROOT_UNTRUSTED, "another root");
	expect_root(&v, "none");
	ds_verdict_pass(&v, "root", "root is the pinned one");
	expect_root(&v, "intel");
	v.tee = DS_TEE_SNP;
	expect_root(&v, "amd");
	v.custom_root = true;
	expect_root(&v, "custom");
	/* a quote that was only read */
	world(&(struct fault){ 0 });
	output(cmd_log, EXIT_ACCEPTED, json, &out);
	assert_non_null(strstr((char *)out.p, "\"root\": \"none\""));
	output(cmd_log, EXIT_ACCEPTED, log, &out);
	assert_non_null(strstr((char *)out.p, "the quote was only read"));
}

/* Words longer than a line, and lines that are exactly full. */
static void long_words(void **state)
{
	char text[400] = "";
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	FILE *saved = stdout;

	for (size_t n = 1; n < sizeof(text) - 1; n++) {
		for (size_t i = 0; i < n; i++)
			text[i] = (i * 7 + n) % 61 ? 'x' : ' ';
		text[n] = '\0';
		stdout = fopen("out", "we");
		assert_non_null(stdout);
		output_field("ok", "label", text);
		output_field("FAIL", "a label that is longer than its column", text);
		output_linef("lead:", "%s", text);
		fclose(stdout);
		stdout = saved;
		ds_buf_done(&out);
		assert_int_equal(ds_read_file(AT_FDCWD, "out", 1u << 20, &out), 0);
		assert_fits(ds_buf_cstr(&out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_fit),
		cmocka_unit_test(refusals_explain_themselves),
		cmocka_unit_test(explain),
		cmocka_unit_test(root_is_what_was_found),
		cmocka_unit_test(long_words),
	};

	return cmocka_run_group_tests(tests, world_enter, world_leave);
}
