// SPDX-License-Identifier: Apache-2.0
/*
 * The accepted rows of $DSTACK_TESTDATA/dcap/manifest.tsv again, damaged: cut at every length, bits
 * flipped in everything that is authenticated. Says so and passes when the data is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/attest/verify.h>
#include <ds/base/file.h>
#include <ds/base/limits.h>

#define FLIPS 16

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

/* Up to the PEM text, every bit counts (spec/dcap 7.1); steps are odd, so rows hit different
 * fields. */
static void flip_some(const char *name, struct ds_buf *quote, struct ds_span collateral, int64_t t,
		      size_t end)
{
	const struct ds_verify_opts opts = { .time = t };
	struct ds_verdict v;
	size_t step = end / FLIPS | 1;

	for (size_t at = (size_t)t % step; at < end; at += step) {
		quote->p[at] ^= 1u << at % 8;
		assert_int_equal(ds_attest_quote(ds_buf_span(quote), collateral, &opts, &v), 0);
		if (v.accepted)
			fail_msg("%s: bit of byte %zu is not authenticated", name, at);
		quote->p[at] ^= 1u << at % 8;
	}
	assert_int_equal(ds_attest_quote(ds_buf_span(quote), collateral, &opts, &v), 0);
	assert_true(v.accepted);
	assert_false(v.emulated);
}

static void row(const char *name, const char *coll_name, int64_t t)
{
	DS_BUF struct ds_buf quote = DS_BUF_NULL, collateral = DS_BUF_NULL;
	struct ds_quote q;

	assert_int_equal(load(name, &quote), 0);
	assert_int_equal(load(coll_name, &collateral), 0);
	assert_int_equal(ds_quote_parse(ds_buf_span(&quote), &q, NULL), 0);
	cut_everywhere(&quote, q.used);
	/* s of both signatures may become n - s, never by one bit */
	flip_some(name, &quote, ds_buf_span(&collateral), t, (size_t)(q.cert_data.p - quote.p));
}

static void accepted_rows_damaged(void **state)
{
	DS_BUF struct ds_buf manifest = DS_BUF_NULL;
	char quote[256], coll[256], verdict[32];
	long long t;
	char *save = NULL;
	int rows = 0;

	if (load("manifest.tsv", &manifest)) {
		print_message("# SKIP corpus: no %s/dcap (set DSTACK_TESTDATA)\n", data_dir());
		skip();
	}
	assert_non_null(ds_buf_cstr(&manifest));
	for (char *line = strtok_r((char *)manifest.p, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%255[^\t]\t%255[^\t]\t%lld\t%31[^\t]", quote, coll, &t,
			   verdict) != 4 ||
		    strcmp(verdict, "accepted"))
			continue;
		row(quote, coll, t);
		rows++;
	}
	assert_true(rows > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(accepted_rows_damaged) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
