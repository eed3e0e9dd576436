// SPDX-License-Identifier: Apache-2.0
/*
 * A cache changes no verdict: every field is the same with it, cold and warm; what differs in one
 * byte is judged anew; dates and policy count at every call; threads may share it.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/attest/cache.h>

#include "forge_rows.h"

static struct ds_attest_cache *cache;

static int setup(void **state)
{
	return ds_attest_cache_new(&cache);
}

static int teardown(void **state)
{
	cache = ds_attest_cache_free(cache);
	return 0;
}

static void judge_with(const struct forged *w, int64_t t, const struct ds_tcb_policy *policy,
		       struct ds_attest_cache *c, struct ds_verdict *v)
{
	const struct ds_verify_opts opts = {
		.root_ca = ds_buf_span(&w->root_pem), .time = t, .policy = policy, .cache = c
	};

	memset(v, 0xa5, sizeof(*v));
	assert_int_equal(
		ds_attest_quote(ds_buf_span(&w->quote), ds_buf_span(&w->collateral), &opts, v), 0);
}

/* The same as without a cache, twice; returns what it was. */
static enum ds_reason assert_same(const struct forged *w, int64_t t,
				  const struct ds_tcb_policy *policy, const char *what)
{
	static struct ds_verdict plain, cached;

	judge_with(w, t, policy, NULL, &plain);
	for (int i = 0; i < 2; i++) {
		judge_with(w, t, policy, cache, &cached);
		if (memcmp(&plain, &cached, sizeof(plain)))
			fail_msg("%s, round %d: '%s' without, '%s' with the cache", what, i,
				 ds_reason_name(plain.reason), ds_reason_name(cached.reason));
	}
	return plain.reason;
}

static void times_and_policy(void **state)
{
	static const uint8_t fmspc[][6] = { { 0x30, 0x60, 0x6a } };
	struct ds_tcb_policy policy = ds_tcb_policy_default;
	const struct forge f = { .v5 = true, .pck = { .to = T + 10 } };
	FORGED struct forged w = { 0 };

	forge(&f, &w);
	assert_int_equal(assert_same(&w, T, NULL, "good"), R(NONE));
	assert_int_equal(assert_same(&w, T + 10, NULL, "last second"), R(NONE));
	assert_int_equal(assert_same(&w, T + 11, NULL, "PCK ended"), R(CERT_EXPIRED));
	assert_int_equal(assert_same(&w, 1, NULL, "long ago"), R(CERT_NOT_YET_VALID));
	assert_int_equal(assert_same(&w, T, NULL, "good again"), R(NONE));
	policy.deny_fmspc = fmspc;
	policy.n_deny_fmspc = 1;
	assert_int_equal(assert_same(&w, T, &policy, "FMSPC denied"), R(PLATFORM_DENIED));
	policy.n_deny_fmspc = 0;
	policy.tcb_status = 0;
	assert_int_equal(assert_same(&w, T, &policy, "no status"), R(TCB_STATUS));
}

/* Each document ends at another time; all of them are looked at again when warm. */
static void every_date_is_judged_again(void **state)
{
	static const struct row rows[] = {
		{ "root", { .root = { .to = T + 5 } }, R(CERT_EXPIRED), NULL },
		{ "CA", { .ca = { .to = T + 5 } }, R(CERT_EXPIRED), NULL },
		{ "PCK", { .pck = { .to = T + 5 } }, R(CERT_EXPIRED), NULL },
		{ "signer", { .signer = { .to = T + 5 } }, R(CERT_EXPIRED), NULL },
		{ "root CRL", { .root_crl = { .to = T + 5 } }, R(CRL_EXPIRED), NULL },
		{ "PCK CRL", { .pck_crl = { .to = T + 5 } }, R(CRL_EXPIRED), NULL },
		{ "TCB info",
		  { .tcb = { { "2026-06-30", "2026-06-01" } } },
		  R(TCBINFO_EXPIRED),
		  NULL },
		{ "QE identity",
		  { .qe = { { "2026-06-30", "2026-06-01" } } },
		  R(QEID_EXPIRED),
		  NULL },
	};
	FORGED struct forged w = { 0 };
	static struct ds_verdict v;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		forge(&rows[i].f, &w);
		assert_int_equal(assert_same(&w, T, NULL, rows[i].what), R(NONE));
		judge_with(&w, T, NULL, cache, &v);
		assert_int_equal(assert_same(&w, v.expires + 1, NULL, rows[i].what), rows[i].want);
	}
}

/* A warm cache, then one byte changed anywhere: the same refusal as without it. */
static void one_byte_makes_another_key(void **state)
{
	const struct forge f = { 0 };
	FORGED struct forged w = { 0 };

	forge(&f, &w);
	assert_int_equal(assert_same(&w, T, NULL, "good"), R(NONE));
	for (size_t at = 0; at < w.quote.n; at += 61) {
		w.quote.p[at] ^= 1;
		(void)assert_same(&w, T, NULL, "quote");
		w.quote.p[at] ^= 1;
	}
	for (size_t at = 0; at < w.collateral.n; at += 97) {
		w.collateral.p[at] ^= 1;
		(void)assert_same(&w, T, NULL, "collateral");
		w.collateral.p[at] ^= 1;
	}
	w.root_pem.p[w.root_pem.n / 2] ^= 1;
	assert_int_equal(assert_same(&w, T, NULL, "root"), R(ROOT_UNTRUSTED));
	w.root_pem.p[w.root_pem.n / 2] ^= 1;
	assert_int_equal(assert_same(&w, T, NULL, "good again"), R(NONE));
}

/* Nothing unproven enters: a world with one fault stays refused after a good one, and the reverse.
 */
static void refusals_are_not_kept(void **state)
{
	static const struct row rows[] = {
		{ "PCK revoked", { .pck_crl = { .revoke_first = true } }, R(PCK_REVOKED), NULL },
		{ "CA revoked", { .root_crl = { .revoke_first = true } }, R(PCK_CA_REVOKED), NULL },
		{ "TCB info by another key", { .tcb_signer = EVIL }, R(TCBINFO_SIGNATURE), NULL },
		{ "QE identity by another key", { .qe_signer = EVIL }, R(QEID_SIGNATURE), NULL },
		{ "QE report by another key",
		  { .report_signer = EVIL },
		  R(QE_REPORT_SIGNATURE),
		  NULL },
		{ "quote by another key", { .quote_signer = EVIL }, R(QUOTE_SIGNATURE), NULL },
		{ "PCK by another key",
		  { .pck = { .signer = EVIL } },
		  R(PCK_CHAIN_SIGNATURE),
		  NULL },
		{ "no extension", { .no_ext = true }, R(PCK_EXT), NULL },
		{ "good", { 0 }, R(NONE), NULL },
	};
	FORGED struct forged w = { 0 };

	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
			forge(&rows[i].f, &w);
			assert_int_equal(assert_same(&w, T, NULL, rows[i].what), rows[i].want);
		}
	}
}

/* Parts of two good worlds under one warm cache: the PCK CA of one with the lists of the other. */
static void worlds_do_not_mix(void **state)
{
	const struct forge fa = { 0 }, fb = { .processor = true };
	FORGED struct forged a = { 0 }, b = { 0 };

	forge(&fa, &a);
	forge(&fb, &b);
	assert_int_equal(assert_same(&a, T, NULL, "a"), R(NONE));
	assert_int_equal(assert_same(&b, T, NULL, "b"), R(NONE));
	ds_buf_done(&b.root_pem);
	assert_int_equal(ds_buf_add_span(&b.root_pem, ds_buf_span(&a.root_pem)), 0);
	assert_int_not_equal(assert_same(&b, T, NULL, "root of another"), R(NONE));
	ds_buf_done(&b.collateral);
	assert_int_equal(ds_buf_add_span(&b.collateral, ds_buf_span(&a.collateral)), 0);
	assert_int_not_equal(assert_same(&b, T, NULL, "chain of another"), R(NONE));
}

/* Under one warm root and collateral: what is refused for one platform is not kept for it. */
static void platforms_after(const struct forge *f)
{
	static const struct row rows[] = {
		{ "no extension", { .same_root = true, .no_ext = true }, R(PCK_EXT), NULL },
		{ "critical",
		  { .same_root = true, .pck = { .critical = true } },
		  R(PCK_CHAIN_PROFILE),
		  NULL },
		{ "ended", { .same_root = true, .pck = { .to = T - 1 } }, R(CERT_EXPIRED), NULL },
		{ "good", { .same_root = true }, R(NONE), NULL },
	};
	FORGED struct forged first = { 0 }, w = { 0 };

	forge(f, &first);
	assert_int_equal(assert_same(&first, T, NULL, "good"), R(NONE));
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		forge(&rows[i].f, &w);
		assert_true(ds_span_eq(ds_buf_span(&w.root_pem), ds_buf_span(&first.root_pem)));
		ds_buf_done(&w.collateral);
		assert_int_equal(ds_buf_add_span(&w.collateral, ds_buf_span(&first.collateral)), 0);
		assert_int_equal(assert_same(&w, T, NULL, rows[i].what), rows[i].want);
		assert_int_equal(assert_same(&first, T, NULL, "good"), R(NONE));
	}
}

static void platforms_of_one_world(void **state)
{
	platforms_after(&(struct forge){ 0 });
	/* whose collateral OpenSSL has read, and nobody reads again */
	platforms_after(&(struct forge){ .pck = { .odd = true } });
}

/* More worlds and platforms than there is room for. */
static void bounded(void **state)
{
	const struct forge f = { 0 };

	for (int i = 0; i < 20; i++) {
		FORGED struct forged w = { 0 };

		forge(&f, &w);
		assert_int_equal(assert_same(&w, T, NULL, "one of many"), R(NONE));
		/* the same platform under another text: blanks behind the chain do not count */
		for (int k = 0; k < 3 && !i; k++) {
			assert_int_equal(ds_buf_add_u8(&w.root_pem, '\n'), 0);
			assert_int_equal(assert_same(&w, T, NULL, "another spelling"), R(NONE));
		}
	}
}

struct work {
	const struct forged *w;
	int accepted;
};

static void *worker(void *arg)
{
	struct work *k = arg;
	struct ds_verdict v;

	for (int i = 0; i < 60; i++) {
		const struct forged *w = &k->w[i % 3];
		const struct ds_verify_opts opts = { .root_ca = ds_buf_span(&w->root_pem),
						     .time = T,
						     .cache = cache };

		if (!ds_attest_quote(ds_buf_span(&w->quote), ds_buf_span(&w->collateral), &opts,
				     &v))
			k->accepted += v.accepted;
	}
	return NULL;
}

static void shared_by_threads(void **state)
{
	static const struct forge f[] = { { 0 }, { .v5 = true }, { .quote_signer = EVIL } };
	struct forged w[3] = { 0 };
	struct work k[4];
	pthread_t t[4];

	for (size_t i = 0; i < 3; i++)
		forge(&f[i], &w[i]);
	for (size_t i = 0; i < 4; i++) {
		k[i] = (struct work){ w, 0 };
		assert_int_equal(pthread_create(&t[i], NULL, worker, &k[i]), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(t[i], NULL), 0);
		assert_int_equal(k[i].accepted, 40);
	}
	for (size_t i = 0; i < 3; i++)
		forged_done(&w[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(times_and_policy, setup, teardown),
		cmocka_unit_test_setup_teardown(every_date_is_judged_again, setup, teardown),
		cmocka_unit_test_setup_teardown(one_byte_makes_another_key, setup, teardown),
		cmocka_unit_test_setup_teardown(refusals_are_not_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(worlds_do_not_mix, setup, teardown),
		cmocka_unit_test_setup_teardown(platforms_of_one_world, setup, teardown),
		cmocka_unit_test_setup_teardown(bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(shared_by_threads, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
