// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes of accepted evidence, changed one at a time: never accepted, but for the bytes that nothing
 * authenticates, which are the rows below and of docs/verify.md; then the verdict is the same. Two
 * worlds of our own and, when they are there, the accepted cases of $DSTACK_TESTDATA/dcap. A sample
 * of the bytes as a unit test; DS_MUTATION=N changes every byte N times (8: every bit), and
 * DS_MUTATION_ONLY="v4 r06" takes these and no others.
 */
#include <ctype.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>

#include "forge_rows.h"

#define SAMPLES	   24
#define INTEL_ROOT "roots/intel-sgx-root-ca.pem"

/* docs/verify.md, "Bytes that nothing authenticates" */
enum loose { CHAIN_END, HEX_CASE, UNUSED_CHAIN, LOOSE_COUNT, TIGHT = LOOSE_COUNT };
static const char *const loose_names[] = {
	[CHAIN_END] = "blank or NUL behind the last certificate of a chain",
	[HEX_CASE] = "case of a hex digit in the collateral file",
	[UNUSED_CHAIN] = "pck_crl_issuer_chain or pck_certificate_chain",
};
static unsigned long long seen[LOOSE_COUNT], made;

struct sample {
	const char *name;
	struct ds_buf quote, collateral, root;
	int64_t time;
	struct ds_verdict v; /* of the sample itself */
};

static bool blank(uint8_t b)
{
	return b == '\0' || b == ' ' || b == '\t' || b == '\r' || b == '\n';
}

/* Only blanks from at to the end of the chain, before and after. */
static enum loose quote_byte(const struct sample *s, size_t at, uint8_t was)
{
	struct ds_quote q;
	size_t from;

	if (ds_quote_parse(ds_buf_span(&s->quote), &q, NULL))
		return TIGHT;
	from = (size_t)(q.cert_data.p - s->quote.p);
	if (at < from || at >= from + q.cert_data.n || !blank(was))
		return TIGHT;
	for (size_t i = at; i < from + q.cert_data.n; i++)
		if (!blank(s->quote.p[i]))
			return TIGHT;
	return CHAIN_END;
}

/* The string value of a key in the text of the file: offsets of its first byte and closing quote.
 */
static bool value_of(const struct ds_buf *file, const char *key, size_t *ret_from, size_t *ret_to)
{
	char name[64];
	const uint8_t *p;
	size_t i;

	(void)snprintf(name, sizeof(name), "\"%s\"", key);
	p = memmem(file->p, file->n, name, strlen(name));
	if (!p)
		return false;
	i = (size_t)(p - file->p) + strlen(name);
	while (i < file->n && file->p[i] != '"')
		i++;
	*ret_from = ++i;
	while (i < file->n && file->p[i] != '"')
		i += file->p[i] == '\\' ? 2 : 1;
	*ret_to = i;
	return i < file->n;
}

/* What stands between at and the end of a chain in the file is white space, escaped or not. */
static bool chain_end(const struct ds_buf *file, size_t to, size_t at)
{
	const char *tail = "-----END CERTIFICATE-----";
	const uint8_t *last = NULL, *p = file->p;

	while ((p = memmem(p, (size_t)(file->p + to - p), tail, strlen(tail))))
		last = p++;
	return last && file->p + at >= last + strlen(tail);
}

static enum loose collateral_byte(const struct sample *s, const struct ds_buf *original, size_t at,
				  uint8_t was)
{
	static const char *const unused[] = { "pck_crl_issuer_chain", "pck_certificate_chain" };
	static const char *const hex[] = { "root_ca_crl", "pck_crl", "tcb_info_signature",
					   "qe_identity_signature" };
	static const char *const chains[] = { "tcb_info_issuer_chain", "qe_identity_issuer_chain" };
	uint8_t is = s->collateral.p[at];
	size_t from, to;

	for (size_t i = 0; i < 2; i++)
		if (value_of(original, unused[i], &from, &to) &&
		    at >= from - (i ? strlen(unused[1]) + 4 : 0) && at <= to)
			return UNUSED_CHAIN;
	for (size_t i = 0; i < 4; i++)
		if (value_of(original, hex[i], &from, &to) && at >= from && at < to &&
		    isxdigit(is) && tolower(is) == tolower(was))
			return HEX_CASE;
	for (size_t i = 0; i < 2; i++)
		if (value_of(original, chains[i], &from, &to) && at >= from && at < to &&
		    chain_end(original, to, at))
			return CHAIN_END;
	return TIGHT;
}

static void judge_sample(const struct sample *s, struct ds_verdict *v)
{
	const struct ds_verify_opts opts = { .root_ca = ds_buf_span(&s->root), .time = s->time };

	assert_int_equal(
		ds_attest_quote(ds_buf_span(&s->quote), ds_buf_span(&s->collateral), &opts, v), 0);
}

static void one(struct sample *s, struct ds_buf *in, size_t at, unsigned int bit)
{
	bool is_quote = in == &s->quote;
	static struct ds_verdict v;
	uint8_t was = in->p[at];
	enum loose row = TIGHT;

	in->p[at] ^= (uint8_t)(1u << bit);
	made++;
	judge_sample(s, &v);
	if (v.accepted && is_quote) {
		row = quote_byte(s, at, was);
	} else if (v.accepted) {
		DS_BUF struct ds_buf original = DS_BUF_NULL;

		assert_int_equal(ds_buf_add_span(&original, ds_buf_span(in)), 0);
		original.p[at] = was;
		row = collateral_byte(s, &original, at, was);
	}
	if (v.accepted && row == TIGHT)
		fail_msg("%s: accepted with bit %u of byte %zu of the %s changed", s->name, bit, at,
			 is_quote ? "quote" : "collateral");
	if (v.accepted && memcmp(&v, &s->v, sizeof(v)))
		fail_msg("%s: another verdict with byte %zu changed (%s)", s->name, at,
			 loose_names[row]);
	if (v.accepted)
		seen[row]++;
	in->p[at] = was;
}

static void change(struct sample *s, struct ds_buf *in)
{
	const char *passes = getenv("DS_MUTATION");
	int n = passes ? (int)strtol(passes, NULL, 10) : 0;
	size_t step = in->n / SAMPLES | 1, from = (size_t)s->time % step;

	for (size_t at = from; !n && at < in->n; at += step)
		one(s, in, at, at % 8);
	for (int k = 0; k < n; k++)
		for (size_t at = 0; at < in->n; at++)
			one(s, in, at, (unsigned int)(at + (size_t)k) % 8);
}

static bool wanted(const char *name)
{
	const char *only = getenv("DS_MUTATION_ONLY");
	size_t n = strlen(name), k;

	for (const char *p = only; p && *p; p += k + strspn(p + k, " ")) {
		k = strcspn(p, " ");
		if (k == n && !memcmp(p, name, n))
			return true;
	}
	return !only;
}

static void run_sample(struct sample *s)
{
	unsigned long long before = made;

	judge_sample(s, &s->v);
	if (!s->v.accepted)
		fail_msg("%s: not accepted: %s", s->name, s->v.detail);
	change(s, &s->quote);
	change(s, &s->collateral);
	print_message("# %s: %llu changes\n", s->name, made - before);
	ds_buf_done(&s->quote);
	ds_buf_done(&s->collateral);
	ds_buf_done(&s->root);
}

static void own_worlds(void **state)
{
	static const struct forge worlds[] = { { 0 }, { .v5 = true, .processor = true } };

	for (size_t i = 0; i < DS_ARRAY_SIZE(worlds); i++) {
		struct forged w = { 0 };
		struct sample s = { .name = i ? "v5" : "v4", .time = T };

		if (!wanted(s.name))
			continue;
		forge(&worlds[i], &w);
		s.quote = w.quote;
		s.collateral = w.collateral;
		s.root = w.root_pem;
		run_sample(&s);
	}
}

/* Each loose byte on purpose: a row that nothing shows any more has to go. */
static void loose_bytes_are_loose(void **state)
{
	static const struct forge f = { .collateral = {
						"-----END CERTIFICATE-----\\n\",\"tcb_info\"",
						"-----END CERTIFICATE-----\\n\\u0000\","
						"\"tcb_info\"" } };
	struct sample s = { .name = "loose", .time = T };
	size_t from, to;
	struct forged w = { 0 };

	forge(&f, &w);
	s.quote = w.quote;
	s.collateral = w.collateral;
	s.root = w.root_pem;
	judge_sample(&s, &s.v);
	assert_true(s.v.accepted);
	memset(seen, 0, sizeof(seen));
	assert_true(value_of(&s.collateral, "pck_crl_issuer_chain", &from, &to));
	one(&s, &s.collateral, from + (to - from) / 2, 0);
	assert_true(value_of(&s.collateral, "root_ca_crl", &from, &to));
	while (from < to && !isalpha(s.collateral.p[from]))
		from++;
	one(&s, &s.collateral, from, 5);
	assert_true(value_of(&s.collateral, "tcb_info_issuer_chain", &from, &to));
	one(&s, &s.collateral, to - 2, 1); /* \u0000 to \u0020 */
	for (size_t i = 0; i < LOOSE_COUNT; i++)
		if (!seen[i])
			fail_msg("not shown to be loose: %s", loose_names[i]);
	forged_done(&w);
}

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

static void published(void **state)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	json_t *doc;

	if (load("cases.json", &text)) {
		print_message("# SKIP mutation: no %s/dcap (set DSTACK_TESTDATA)\n", data_dir());
		skip();
	}
	doc = json_loadb((const char *)text.p, text.n, 0, NULL);
	for (size_t i = 0; i < json_array_size(doc); i++) {
		const json_t *c = json_array_get(doc, i);
		struct sample s = { .name = str(c, "id") };

		if (strcmp(str(c, "verdict"), "accepted") || !wanted(s.name))
			continue;
		s.time = json_integer_value(json_object_get(c, "time"));
		assert_int_equal(load(str(c, "quote"), &s.quote), 0);
		assert_int_equal(load(str(c, "collateral"), &s.collateral), 0);
		if (strcmp(str(c, "root"), INTEL_ROOT))
			assert_int_equal(load(str(c, "root"), &s.root), 0);
		run_sample(&s);
	}
	json_decref(doc);
	for (size_t i = 0; i < LOOSE_COUNT; i++)
		print_message("# %llu accepted: %s\n", seen[i], loose_names[i]);
	print_message("# %llu changes in all\n", made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loose_bytes_are_loose),
		cmocka_unit_test(own_worlds),
		cmocka_unit_test(published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
