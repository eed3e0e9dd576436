// SPDX-License-Identifier: Apache-2.0
/* Collateral from a service and from files: what is asked, what is judged, what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/file.h>

#include "../lib/attest/forge.h"
#include "fake_pcs.h"
#include "verify.h"
#include "world.h"

/* What is judged, in place of a command. */
static struct script {
	enum ds_reason reason[2]; /* DS_REASON_NONE: accepted */
	int r[2];
	unsigned int calls;
} script;

static int judge(void *ctx, struct ds_span collateral, struct ds_verdict *v)
{
	const unsigned int n = script.calls++;

	assert_true(ctx == &script && n < 2);
	assert_true(collateral.n > 0);
	ds_verdict_init(v);
	if (script.reason[n] != DS_REASON_NONE) {
		(void)ds_verdict_fail(v, script.reason[n], "scripted");
	} else {
		ds_verdict_pass(v, "test", "fine");
		ds_verdict_accept(v);
	}
	return script.r[n];
}

static void quote_and_root(const struct forge *f, struct options *o, struct ds_buf *quote)
{
	FORGED struct forged w = { 0 };

	forge(f, &w);
	world_put("quote", ds_buf_span(&w.quote));
	world_put("collateral.json", ds_buf_span(&w.collateral));
	world_put("root.pem", ds_buf_span(&w.root_pem));
	assert_int_equal(ds_buf_add_span(quote, ds_buf_span(&w.quote)), 0);
	assert_int_equal(ds_buf_add_span(&o->root_buf, ds_buf_span(&w.root_pem)), 0);
	o->verify.root_ca = ds_buf_span(&o->root_buf);
	o->verify.time = FORGE_TIME;
	o->fetch.url = "https://pcs.example.org";
}

#define OLD  DS_REASON_TCBINFO_EXPIRED
#define BUSY -ETIMEDOUT

/* A second question is asked when documents from the cache were refused, and never a third. */
static void questions(void **state)
{
	static const struct {
		int open, get[2];
		unsigned int cached;
		struct script s;
		int want;
		unsigned int asked, judged;
		bool saved;
	} rows[] = {
		{ .asked = 1, .judged = 1, .saved = true },
		{ .open = -EINVAL, .want = -EINVAL },
		{ .get = { BUSY }, .want = BUSY, .asked = 1 },
		{ .s.r = { -ENOMEM }, .want = -ENOMEM, .asked = 1, .judged = 1 },
		{ .s.reason = { DS_REASON_TD_DEBUG }, .asked = 1, .judged = 1, .saved = true },
		{ .s.reason = { OLD }, .asked = 1, .judged = 1 },
		/* before TCB info and QE identity were looked at; the signer's certificate */
		{ .s.reason = { DS_REASON_PCK_REVOKED }, .asked = 1, .judged = 1 },
		{ .s.reason = { DS_REASON_CERT_EXPIRED }, .asked = 1, .judged = 1 },
		{ .s.reason = { DS_REASON_QE_REPORT_SIGNATURE }, .asked = 1, .judged = 1,
		  .saved = true },
		{ .cached = 4, .asked = 1, .judged = 1, .saved = true },
		{ .cached = 4, .s.reason = { DS_REASON_TD_DEBUG }, .asked = 1, .judged = 1,
		  .saved = true },
		{ .cached = 4, .s.reason = { OLD }, .asked = 2, .judged = 2, .saved = true },
		{ .cached = 4, .s.reason = { OLD, OLD }, .asked = 2, .judged = 2 },
		{ .cached = 4, .s.reason = { OLD }, .get = { 0, BUSY }, .want = BUSY, .asked = 2,
		  .judged = 1 },
		{ .cached = 4, .s.reason = { OLD }, .s.r = { 0, -ENOMEM }, .want = -ENOMEM,
		  .asked = 2, .judged = 2 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_FREE struct ds_verdict *v = calloc(1, sizeof(*v));
		DS_BUF struct ds_buf quote = DS_BUF_NULL;
		OPTIONS struct options o = { .fetch.save = "saved" };
		int r;

		(void)unlink("saved");
		quote_and_root(&(struct forge){ 0 }, &o, &quote);
		fake_pcs = (struct fake_pcs){ .open = rows[i].open, .cached = rows[i].cached };
		memcpy(fake_pcs.r, rows[i].get, sizeof(fake_pcs.r));
		script = rows[i].s;
		r = collateral_judge(&o, ds_buf_span(&quote), judge, &script, v);
		if (r != rows[i].want || fake_pcs.asked != rows[i].asked ||
		    script.calls != rows[i].judged)
			fail_msg("row %zu: got %d, asked %u times, judged %u times", i, r,
				 fake_pcs.asked, script.calls);
		assert_true(fake_pcs.asked < 1 || !fake_pcs.refresh[0]);
		assert_true(fake_pcs.asked < 2 || fake_pcs.refresh[1]);
		assert_int_equal(!access("saved", F_OK), rows[i].saved);
	}
}

/* Nobody is asked about a platform before its certificates have been found good. */
static void only_for_genuine_platforms(void **state)
{
	static const struct {
		bool intel; /* the root is not the forger's */
		struct forge f;
		const char *want;
	} rows[] = {
		{ .intel = true, .want = "root-untrusted" },
		{ .f.pck.signer = EVIL, .want = "pck-chain-signature" },
		{ .f.no_ext = true, .want = "pck-ext" },
		{ .f.cert_type = 1, .want = "cert-data-unsupported" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_FREE struct ds_verdict *v = calloc(1, sizeof(*v));
		DS_BUF struct ds_buf quote = DS_BUF_NULL;
		OPTIONS struct options o = { 0 };

		quote_and_root(&rows[i].f, &o, &quote);
		if (rows[i].intel)
			o.verify.root_ca = DS_SPAN_NULL;
		fake_pcs = (struct fake_pcs){ 0 };
		script = (struct script){ 0 };
		assert_int_equal(collateral_judge(&o, ds_buf_span(&quote), judge, &script, v), 0);
		assert_string_equal(ds_reason_name(v->reason), rows[i].want);
		assert_true(!fake_pcs.asked && !script.calls && !v->accepted);
	}
}

static void where_from(void **state)
{
	DS_FREE struct ds_verdict *v = calloc(1, sizeof(*v));
	DS_BUF struct ds_buf quote = DS_BUF_NULL;
	OPTIONS struct options o = { 0 };

	quote_and_root(&(struct forge){ 0 }, &o, &quote);
	fake_pcs = (struct fake_pcs){ 0 };
	script = (struct script){ 0 };
	o.collateral = "collateral.json";
	assert_int_equal(collateral_judge(&o, ds_buf_span(&quote), judge, &script, v), -EINVAL);
	o.fetch.url = NULL;
	o.fetch.save = "saved";
	assert_int_equal(collateral_judge(&o, ds_buf_span(&quote), judge, &script, v), -EINVAL);
	assert_int_equal(script.calls, 0);
	o.fetch.save = NULL;
	assert_int_equal(collateral_judge(&o, ds_buf_span(&quote), judge, &script, v), 0);
	assert_int_equal(script.calls, 1);
	assert_int_equal(fake_pcs.asked, 0);
}

/* Newer documents can change these refusals and no other. */
static void reasons(void **state)
{
	static const char *const begin[] = { "collateral-format", "crl-", "tcb-signer-", "tcbinfo-",
					     "qeid-", "fmspc-mismatch", "pceid-mismatch" };

	for (size_t i = 0; i < DS_REASON_COUNT; i++) {
		const char *name = ds_reason_name((enum ds_reason)i);
		bool want = false;

		for (size_t k = 0; k < DS_ARRAY_SIZE(begin); k++)
			want |= !strncmp(name, begin[k], strlen(begin[k]));
		/* how old a list may be is the caller's policy */
		want &= strcmp(name, "crl-too-old") != 0;
		if (is_collateral_reason((enum ds_reason)i) != want)
			fail_msg("%s", name);
	}
}

#define FETCH "collateral", "--collateral-url", "https://pcs.example.org"
#define SAVE  "--save-collateral", "saved"
#define FMSPC "--fmspc", "30606a000000"
#define ROOT  "--root-ca", "root.pem", "--time", "1780000000"

/* dstack-verify collateral: what it takes, and what it keeps. */
static void command(void **state)
{
	static const struct {
		const char *args[14];
		int get, want;
		unsigned int asked;
		bool processor, early;
	} rows[] = {
		{ { FETCH, SAVE, FMSPC }, 0, EXIT_ACCEPTED, 1, false, false },
		{ { FETCH, SAVE, FMSPC, "--pck-ca", "processor" }, 0, EXIT_ACCEPTED, 1, true, false },
		{ { FETCH, SAVE, FMSPC, "--update", "early" }, 0, EXIT_ACCEPTED, 1, false, true },
		{ { FETCH, SAVE, "--quote", "quote", ROOT }, 0, EXIT_ACCEPTED, 1, false, false },
		/* another root: what was fetched is not saved */
		{ { FETCH, SAVE, "--quote", "quote" }, 0, EXIT_REFUSED, 0, false, false },
		{ { FETCH, SAVE, "--quote", "collateral.json" }, 0, EXIT_REFUSED, 0, false, false },
		{ { FETCH, SAVE, "--quote", "no-such-file" }, 0, EXIT_USAGE, 0, false, false },
		{ { FETCH, SAVE, "--quote", "quote", ROOT }, BUSY, EXIT_USAGE, 1, false, false },
		{ { FETCH, SAVE, FMSPC }, BUSY, EXIT_USAGE, 1, false, false },
		{ { FETCH, SAVE, FMSPC, "--quote", "quote" }, 0, EXIT_USAGE, 0, false, false },
		{ { FETCH, SAVE }, 0, EXIT_USAGE, 0, false, false },
		{ { FETCH, FMSPC }, 0, EXIT_USAGE, 0, false, false },
		{ { "collateral", SAVE, FMSPC }, 0, EXIT_USAGE, 0, false, false },
		{ { FETCH, "--save-collateral", "/nowhere/saved", FMSPC }, 0, EXIT_USAGE, 1, false,
		  false },
		{ { FETCH, SAVE, "--fmspc", "30606a0000" }, 0, EXIT_USAGE, 0, false, false },
		{ { FETCH, SAVE, FMSPC, "--pck-ca", "other" }, 0, EXIT_USAGE, 0, false, false },
		{ { FETCH, SAVE, FMSPC, "--update", "late" }, 0, EXIT_USAGE, 0, false, false },
		{ { FETCH, SAVE, FMSPC, "--tcb-evaluation", "17" }, 0, EXIT_ACCEPTED, 1, false, false },
		{ { FETCH, SAVE, FMSPC, "--tcb-evaluation", "0" }, 0, EXIT_USAGE, 0, false, false },
		{ { FETCH, SAVE, FMSPC, "--tcb-evaluation", "17", "--tcb-evaluation", "x" }, 0,
		  EXIT_USAGE, 0, false, false },
		{ { FETCH, SAVE, FMSPC, "--fetch-timeout", "3600" }, 0, EXIT_ACCEPTED, 1, false, false },
		{ { FETCH, SAVE, FMSPC, "--fetch-timeout", "0" }, 0, EXIT_USAGE, 0, false, false },
		{ { FETCH, SAVE, FMSPC, "--fetch-timeout", "5", "--fetch-timeout", "3601" }, 0,
		  EXIT_USAGE, 0, false, false },
	};
	DS_BUF struct ds_buf quote = DS_BUF_NULL;
	OPTIONS struct options o = { 0 };

	quote_and_root(&(struct forge){ 0 }, &o, &quote);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		char reason[40];
		int rc;

		(void)unlink("saved");
		fake_pcs = (struct fake_pcs){ .r = { rows[i].get } };
		rc = run(cmd_collateral, reason, rows[i].args);
		if (rc != rows[i].want || fake_pcs.asked != rows[i].asked ||
		    fake_pcs.id.processor != rows[i].processor || fake_pcs.early != rows[i].early)
			fail_msg("row %zu: got %d, asked %u times", i, rc, fake_pcs.asked);
		assert_int_equal(!access("saved", F_OK), rc == EXIT_ACCEPTED);
	}
	/* also where it is not used */
	expect(cmd_quote, (const char *const[]){ "quote", COMMON, "--fmspc", "x", "quote", NULL },
	       EXIT_USAGE, NULL);
	fake_pcs = (struct fake_pcs){ .open = -EINVAL };
	expect(cmd_collateral, (const char *const[]){ FETCH, SAVE, FMSPC, NULL }, EXIT_USAGE, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions), cmocka_unit_test(only_for_genuine_platforms),
		cmocka_unit_test(where_from), cmocka_unit_test(reasons), cmocka_unit_test(command),
	};

	return cmocka_run_group_tests(tests, world_enter, world_leave);
}
