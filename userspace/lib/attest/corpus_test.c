// SPDX-License-Identifier: Apache-2.0
/*
 * The published evidence of $DSTACK_TESTDATA/dcap: every case gives its verdict, reason, TCB
 * status, advisories and expiry. The accepted rows of manifest.tsv again, cut at every length.
 * Changed bytes: mutation_test.c. Says so and passes when the data is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include <ds/attest/verify.h>
#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>

#define INTEL_ROOT "roots/intel-sgx-root-ca.pem"

static const char *data_dir(void)
{
	const char *dir = getenv("DSTACK_TESTDATA");

	return dir ? dir : "../shared/testdata";
}

static int load(const char *name, struct ds_buf *ret)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/dcap/%s", data_dir(), name);
	return ds_read_file(AT_FDCWD, path, DS_MAX_COLLATERAL, ret);
}

static const char *str(const json_t *c, const char *key)
{
	const char *s = json_string_value(json_object_get(c, key));

	return s ? s : "";
}

/* "-" stands for no file. */
static void load_all(const char *quote, const char *coll, const char *root, struct ds_buf ret[3])
{
	assert_int_equal(load(quote, &ret[0]), 0);
	if (*coll && strcmp(coll, "-"))
		assert_int_equal(load(coll, &ret[1]), 0);
	if (*root && strcmp(root, INTEL_ROOT))
		assert_int_equal(load(root, &ret[2]), 0);
}

static void judge_files(const char *quote, const char *coll, const char *root, int64_t t,
			struct ds_verdict *v)
{
	struct ds_buf in[3] = { DS_BUF_NULL, DS_BUF_NULL, DS_BUF_NULL };
	struct ds_verify_opts opts = { .time = t };

	load_all(quote, coll, root, in);
	opts.root_ca = ds_buf_span(&in[2]);
	assert_int_equal(ds_attest_quote(ds_buf_span(&in[0]), ds_buf_span(&in[1]), &opts, v), 0);
	for (size_t i = 0; i < 3; i++)
		ds_buf_done(&in[i]);
}

/* The stated reason, or one of those that the data calls also right. */
static bool reason_is_right(const json_t *c, const struct ds_verdict *v)
{
	const json_t *also = json_object_get(c, "reason_also_right");
	const char *got = ds_reason_name(v->reason);
	bool right = !strcmp(got, str(c, "reason"));

	for (size_t i = 0; i < json_array_size(also); i++)
		right |= !strcmp(got, json_string_value(json_array_get(also, i)));
	return right;
}

static void assert_advisories(const char *id, const json_t *want, const struct ds_verdict *v)
{
	if (v->n_advisories != json_array_size(want))
		fail_msg("%s: expected %zu advisories, got %zu", id, json_array_size(want),
			 v->n_advisories);
	for (size_t i = 0; i < v->n_advisories; i++)
		if (strcmp(v->advisories[i], json_string_value(json_array_get(want, i))))
			fail_msg("%s: advisory %zu is %s", id, i, v->advisories[i]);
}

static void assert_case(const json_t *c, const struct ds_verdict *v)
{
	const char *id = str(c, "id"), *status = str(c, "tcb_status");
	const json_t *advisories = json_object_get(c, "advisory_ids");
	char expires[DS_TIME_SIZE] = "";

	if (v->accepted != !strcmp(str(c, "verdict"), "accepted"))
		fail_msg("%s: expected %s, got the reason '%s' (%s)", id, str(c, "verdict"),
			 ds_reason_name(v->reason), v->detail);
	if (!reason_is_right(c, v))
		fail_msg("%s: expected '%s', got '%s' (%s)", id, str(c, "reason"),
			 ds_reason_name(v->reason), v->detail);
	if (*status && strcmp(v->tcb_status, status))
		fail_msg("%s: expected status %s, got '%s'", id, status, v->tcb_status);
	if (v->accepted || json_array_size(advisories))
		assert_advisories(id, advisories, v);
	if (v->accepted)
		ds_time_format_rfc3339(v->expires, expires);
	if (strcmp(expires, str(c, "expires")))
		fail_msg("%s: expected the end %s, got '%s'", id, str(c, "expires"), expires);
}

static void skip_without_data(void)
{
	print_message("# SKIP corpus: no %s/dcap (set DSTACK_TESTDATA)\n", data_dir());
	skip();
}

static void cases(void **state)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	struct ds_verdict v;
	json_t *doc;

	if (load("cases.json", &text))
		skip_without_data();
	doc = json_loadb((const char *)text.p, text.n, 0, NULL);
	assert_true(json_array_size(doc) > 200);
	for (size_t i = 0; i < json_array_size(doc); i++) {
		const json_t *c = json_array_get(doc, i);

		judge_files(str(c, "quote"), str(c, "collateral"), str(c, "root"),
			    json_integer_value(json_object_get(c, "time")), &v);
		assert_case(c, &v);
	}
	json_decref(doc);
}

static int manifest_row(char *line)
{
	char quote[256], coll[256], verdict[32], status[64], root[256] = "";
	struct ds_verdict v;
	long long t;

	if (*line == '#' || sscanf(line, "%255[^\t]\t%255[^\t]\t%lld\t%31[^\t]\t%63[^\t]\t%255s",
				   quote, coll, &t, verdict, status, root) < 5)
		return 0;
	judge_files(quote, coll, root, t, &v);
	if (v.accepted != !strcmp(verdict, "accepted"))
		fail_msg("%s with %s at %lld: expected %s, got '%s'", quote, coll, t, verdict,
			 ds_reason_name(v.reason));
	if (strcmp(status, "-") && strcmp(status, v.tcb_status))
		fail_msg("%s with %s at %lld: expected %s, got '%s'", quote, coll, t, status,
			 v.tcb_status);
	return 1;
}

/* The tables for other programs say no less than cases.json: 134 rows and 93 under another root. */
static void manifests(void **state)
{
	static const char *const names[] = { "manifest.tsv", "manifest-root.tsv" };
	int rows = 0;

	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++) {
		DS_BUF struct ds_buf text = DS_BUF_NULL;
		char *save = NULL;

		if (load(names[i], &text))
			skip_without_data();
		assert_non_null(ds_buf_cstr(&text));
		for (char *line = strtok_r((char *)text.p, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			rows += manifest_row(line);
	}
	assert_true(rows > 200);
}

/* A copy of exact size each time, so that a sanitizer sees one byte too many. */
static void cut_everywhere(const struct ds_buf *quote, size_t used)
{
	struct ds_quote q;

	for (size_t n = 0; n < used; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, quote->p, n);
		assert_int_equal(ds_quote_parse(DS_SPAN(copy, n), &q, NULL), -EBADMSG);
		free(copy);
	}
}

static void row(const char *name)
{
	DS_BUF struct ds_buf quote = DS_BUF_NULL;
	struct ds_quote q;

	assert_int_equal(load(name, &quote), 0);
	assert_int_equal(ds_quote_parse(ds_buf_span(&quote), &q, NULL), 0);
	cut_everywhere(&quote, q.used);
}

static void accepted_rows_cut(void **state)
{
	DS_BUF struct ds_buf manifest = DS_BUF_NULL;
	char quote[256], coll[256], verdict[32];
	long long t;
	char *save = NULL;
	int rows = 0;

	if (load("manifest.tsv", &manifest))
		skip_without_data();
	assert_non_null(ds_buf_cstr(&manifest));
	for (char *line = strtok_r((char *)manifest.p, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%255[^\t]\t%255[^\t]\t%lld\t%31[^\t]", quote, coll, &t,
			   verdict) != 4 ||
		    strcmp(verdict, "accepted"))
			continue;
		row(quote);
		rows++;
	}
	assert_true(rows > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases),
		cmocka_unit_test(manifests),
		cmocka_unit_test(accepted_rows_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
