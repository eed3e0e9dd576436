// SPDX-License-Identifier: Apache-2.0
/*
 * ds_prove_quickly() proves what is in Intel's form, finds there what the checks by OpenSSL find,
 * and leaves everything else to them untouched; its parsers agree with OpenSSL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/x509/cert.h>

#include "agree.h"
#include "forge_rows.h"

static struct ds_verdict verdict;

static void start(const struct forged *w, struct ds_judge *ret)
{
	*ret = (struct ds_judge){ .time = T, .v = &verdict, .policy = &ds_tcb_policy_default };
	ds_verdict_init(&verdict);
	verdict.time = T;
	assert_int_equal(ds_docs_get(NULL, ds_buf_span(&w->root_pem), ds_buf_span(&w->collateral),
				     &ret->docs),
			 0);
	assert_int_equal(ds_root_load(ds_buf_span(&w->root_pem), &ret->docs->root_der), 0);
	assert_int_equal(ds_quote_parse(ds_buf_span(&w->quote), &ret->q, NULL), 0);
	assert_int_equal(ds_platform_get(NULL, ret->docs, ret->q.cert_data, &ret->plat), 0);
}

static void end(struct ds_judge *j)
{
	ds_platform_put(j->plat);
	ds_docs_put(j->docs);
}

/* What the checks by OpenSSL prove of a good world. */
static void prove_slowly(const struct forged *w, struct ds_judge *j)
{
	struct ds_docs *d = j->docs;
	struct ds_platform *p = j->plat;

	assert_int_equal(ds_check_pck_chain(j), 0);
	assert_int_equal(ds_collateral_parse(ds_buf_span(&w->collateral), &d->col, NULL), 0);
	assert_int_equal(ds_check_crl(j, ds_buf_span(&d->col.root_crl), p->pck[2].x, &d->root_crl,
				      DS_ROOT_CRL),
			 0);
	assert_int_equal(
		ds_check_crl(j, ds_buf_span(&d->col.pck_crl), p->pck[1].x, &p->pck_crl, DS_PCK_CRL),
		0);
	assert_int_equal(ds_check_pck_ext(j), 0);
	assert_int_equal(ds_check_signer(j, &d->tcb_signer, d->col.tcb_chain, "TCB info"), 0);
}

static void assert_same_dates(struct ds_dates a, struct ds_dates b)
{
	assert_true(a.from && a.from == b.from && a.to == b.to);
}

static void the_usual_form(void **state)
{
	static const struct forge worlds[] = {
		{ 0 },
		{ .v5 = true,
		  .pck = { .to = T + 1 },
		  .ca = { .from = T - 5 },
		  .root = { .to = T + 2 } },
		{ .processor = true, .signer = { .to = T + 3 }, .root_crl = { .to = T + 4 } },
		{ .pck_crl = { .from = T - 9 } },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(worlds); i++) {
		FORGED struct forged w = { 0 };
		struct ds_judge q, s;

		forge(&worlds[i], &w);
		start(&w, &q);
		start(&w, &s);
		assert_true(ds_prove_quickly(&q, ds_buf_span(&w.collateral)));
		assert_true(q.plat->chain_ok && q.plat->pck_crl.ok && q.plat->revocation_ok &&
			    q.plat->ext_ok && q.plat->key && q.docs->root_crl.ok &&
			    q.docs->tcb_signer.chain_ok && q.docs->tcb_signer.path_ok);
		assert_false(q.docs->tcb_ok || q.docs->qe_ok || q.plat->qe_report_ok);
		prove_slowly(&w, &s);
		for (size_t k = 0; k < DS_PCK_CHAIN_LEN; k++)
			assert_same_dates(q.plat->pck[k].dates, s.plat->pck[k].dates);
		for (size_t k = 0; k < DS_SIGNER_CHAIN_LEN; k++)
			assert_same_dates(q.docs->tcb_signer.cert[k].dates,
					  s.docs->tcb_signer.cert[k].dates);
		assert_same_dates(q.plat->pck_crl.dates, s.plat->pck_crl.dates);
		assert_same_dates(q.docs->root_crl.dates, s.docs->root_crl.dates);
		assert_memory_equal(&q.plat->ext, &s.plat->ext, sizeof(s.plat->ext));
		assert_int_equal(q.plat->processor, s.plat->processor);
		end(&q);
		end(&s);
	}
}

/* Good or bad, it is not for the quick proof; when bad, the verdict says what the row says. */
static void the_rest(void **state)
{
	static const struct row rows[] = {
		{ "odd root", { .root = { .odd = true } }, R(NONE), NULL },
		{ "odd CA", { .ca = { .odd = true } }, R(NONE), NULL },
		{ "odd PCK", { .pck = { .odd = true } }, R(NONE), NULL },
		{ "odd signer", { .signer = { .odd = true } }, R(NONE), NULL },
		{ "critical", { .pck = { .critical = true } }, R(PCK_CHAIN_PROFILE), NULL },
		{ "root's name", { .root = { .cn = "Other" } }, R(PCK_NAME), NULL },
		{ "CA's name", { .ca = { .cn = "Other" } }, R(PCK_NAME), NULL },
		{ "name of a processor's CA",
		  { .processor = true, .ca = { .cn = "Other" } },
		  R(PCK_NAME),
		  NULL },
		{ "PCK's name", { .pck = { .cn = "Other" } }, R(PCK_NAME), NULL },
		{ "two names", { .pck = { .two_names = true } }, R(PCK_NAME), NULL },
		{ "PCK's issuer", { .pck = { .issuer_cn = "X" } }, R(PCK_CHAIN_ORDER), NULL },
		{ "CA's issuer", { .ca = { .issuer_cn = "X" } }, R(PCK_CHAIN_ORDER), NULL },
		{ "root's issuer", { .root = { .issuer_cn = "X" } }, R(PCK_CHAIN_PROFILE), NULL },
		{ "PCK names another key",
		  { .pck = { .other_aki = true } },
		  R(PCK_CHAIN_PROFILE),
		  NULL },
		{ "CA names another key",
		  { .ca = { .other_aki = true } },
		  R(PCK_CHAIN_PROFILE),
		  NULL },
		{ "root is no CA",
		  { .root = { .flip_ca = true, .usage = "critical,keyCertSign,cRLSign" } },
		  R(PCK_CHAIN_PROFILE),
		  NULL },
		{ "room for no CA", { .root = { .no_room = true } }, R(PCK_CHAIN_PROFILE), NULL },
		{ "PCK is a CA that signs nothing",
		  { .pck = { .flip_ca = true, .usage = "critical,digitalSignature" } },
		  R(PCK_CHAIN_CA),
		  NULL },
		{ "form of the PCK's key",
		  { .pck = { .hybrid_key = true } },
		  R(PCK_CHAIN_CA),
		  NULL },
		{ "PCK's key", { .pck = { .bad_key = true } }, R(PCK_CHAIN_CA), NULL },
		{ "CA's key", { .ca = { .bad_key = true } }, R(PCK_CHAIN_SIGNATURE), NULL },
		{ "PCK is a CA", { .pck = { .flip_ca = true } }, R(PCK_CHAIN_CA), NULL },
		{ "CA is none", { .ca = { .flip_ca = true } }, R(PCK_CHAIN_CA), NULL },
		{ "long path", { .ca = { .long_path = true } }, R(PCK_CHAIN_CA), NULL },
		{ "CA signs no lists",
		  { .ca = { .usage = "critical,keyCertSign" } },
		  R(CRL_ISSUER),
		  NULL },
		{ "CA signs lists only",
		  { .ca = { .usage = "critical,cRLSign" } },
		  R(PCK_CHAIN_CA),
		  NULL },
		{ "PCK signs certificates",
		  { .pck = { .usage = "critical,keyCertSign" } },
		  R(PCK_CHAIN_PROFILE),
		  NULL },
		{ "other root", { .chain_other_root = true }, R(ROOT_UNTRUSTED), NULL },
		{ "three more", { .chain_four = true }, R(PCK_CHAIN_FORMAT), NULL },
		{ "CA's signature", { .ca = { .signer = EVIL } }, R(PCK_CHAIN_SIGNATURE), NULL },
		{ "PCK's signature", { .pck = { .signer = EVIL } }, R(PCK_CHAIN_SIGNATURE), NULL },
		{ "other hash", { .pck = { .sha384 = true } }, R(PCK_CHAIN_SIGNATURE), NULL },
		{ "no SGX extension", { .no_ext = true }, R(PCK_EXT), NULL },
		{ "two of them", { .pck = { .two_sgx = true } }, R(PCK_EXT), NULL },
		{ "short FMSPC", { .short_fmspc = true }, R(PCK_EXT), NULL },
		{ "short FMSPC of a processor",
		  { .processor = true, .short_fmspc = true },
		  R(PCK_EXT),
		  NULL },
		{ "CA with an SGX extension", { .ca = { .sgx = true } }, R(NONE), NULL },
		{ "root with an SGX extension", { .root = { .sgx = true } }, R(NONE), NULL },
		{ "items of the other CA", { .ext_of_other_ca = true }, R(PCK_EXT), NULL },
		{ "root CRL's issuer", { .root_crl = { .issuer_cn = "X" } }, R(CRL_ISSUER), NULL },
		{ "PCK CRL's issuer", { .pck_crl = { .issuer_cn = "X" } }, R(CRL_ISSUER), NULL },
		{ "root CRL", { .root_crl = { .signer = EVIL } }, R(CRL_SIGNATURE), NULL },
		{ "PCK CRL", { .pck_crl = { .signer = EVIL } }, R(CRL_SIGNATURE), NULL },
		{ "no number", { .pck_crl = { .no_number = true } }, R(CRL_FORMAT), NULL },
		{ "no end", { .root_crl = { .no_next = true } }, R(CRL_FORMAT), NULL },
		{ "critical", { .root_crl = { .critical = true } }, R(CRL_FORMAT), NULL },
		{ "changes", { .pck_crl = { .delta = true } }, R(PCK_CHAIN_PROFILE), NULL },
		{ "no PCKs",
		  { .pck_crl = { .scope = "onlyCA:TRUE" } },
		  R(PCK_CHAIN_PROFILE),
		  NULL },
		{ "some reasons",
		  { .pck_crl = { .scope = "onlysomereasons:keyCompromise" } },
		  R(PCK_CHAIN_PROFILE),
		  NULL },
		{ "of other issuers",
		  { .pck_crl = { .scope = "indirectCRL:TRUE" } },
		  R(PCK_CHAIN_PROFILE),
		  NULL },
		{ "no CAs",
		  { .root_crl = { .scope = "onlyuser:TRUE" } },
		  R(PCK_CHAIN_PROFILE),
		  NULL },
		{ "root CRL names another key",
		  { .root_crl = { .other_aki = true } },
		  R(PCK_CHAIN_PROFILE),
		  NULL },
		{ "PCK CRL names another key",
		  { .pck_crl = { .other_aki = true } },
		  R(PCK_CHAIN_PROFILE),
		  NULL },
		{ "root revoked",
		  { .root_crl = { .revoke_issuer = true } },
		  R(PCK_CHAIN_PROFILE),
		  NULL },
		{ "CA revoked", { .root_crl = { .revoke_first = true } }, R(PCK_CA_REVOKED), NULL },
		{ "signer revoked",
		  { .root_crl = { .revoke_second = true } },
		  R(TCB_SIGNER_REVOKED),
		  NULL },
		{ "PCK revoked", { .pck_crl = { .revoke_first = true } }, R(PCK_REVOKED), NULL },
		{ "signer's name", { .signer = { .cn = "X" } }, R(TCB_SIGNER_NAME), NULL },
		{ "signer's issuer",
		  { .signer = { .issuer_cn = "X" } },
		  R(TCB_SIGNER_CHAIN),
		  NULL },
		{ "signer is a CA", { .signer = { .flip_ca = true } }, R(TCB_SIGNER_CHAIN), NULL },
		{ "signer", { .signer = { .signer = EVIL } }, R(TCB_SIGNER_CHAIN), NULL },
		{ "signer with an SGX extension", { .signer = { .sgx = true } }, R(NONE), NULL },
		{ "signer names another key",
		  { .signer = { .other_aki = true } },
		  R(TCB_SIGNER_CHAIN),
		  NULL },
		{ "signer's key", { .signer = { .bad_key = true } }, R(TCB_SIGNER_CHAIN), NULL },
		{ "signer's root", { .signer_other_root = true }, R(ROOT_UNTRUSTED), NULL },
		{ "signer alone", { .signer_chain_short = true }, R(TCB_SIGNER_CHAIN), NULL },
		{ "no chain", { .cert_type = 1 }, R(CERT_DATA_UNSUPPORTED), NULL },
		{ "collateral", { .drop = "pck_crl" }, R(COLLATERAL_FORMAT), NULL },
	};

	run(rows, DS_ARRAY_SIZE(rows));
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		FORGED struct forged w = { 0 };
		struct ds_judge j;

		forge(&rows[i].f, &w);
		start(&w, &j);
		if (ds_prove_quickly(&j, ds_buf_span(&w.collateral)))
			fail_msg("%s: proven", rows[i].what);
		assert_false(j.plat->chain_ok || j.plat->pck_crl.ok || j.plat->revocation_ok ||
			     j.plat->ext_ok || j.plat->key || j.docs->root_crl.ok ||
			     j.docs->tcb_signer.chain_ok || j.docs->tcb_signer.key);
		end(&j);
	}
}

/* Replaces all; the same length. */
static struct ds_span replaced(struct ds_span in, const char *find, const char *put,
			       struct ds_buf *ret)
{
	char *at;

	assert_int_equal(ds_buf_add(ret, in.p, in.n), 0);
	at = (char *)ds_buf_cstr(ret);
	while ((at = strstr(at, find)))
		memcpy(at, put, strlen(put));
	return ds_buf_span(ret);
}

/* PEM that ds_acerts_from_pem() does not take either. */
static void chains_of_another_form(void **state)
{
	static const struct {
		const char *what, *find, *put, *behind;
		bool ok;
	} rows[] = {
		{ "same", "", "", "", true },
		{ "blank lines", "", "", "\n \n", true },
		{ "label", "CERTIFICATE", "CERTIFICATF", "", false },
		{ "base 64", "MII", "M!I", "", false },
		{ "text behind", "", "", "x", false },
		{ "one more", "", "", NULL, false },
	};
	const struct forge plain = { 0 };
	FORGED struct forged w = { 0 };

	forge(&plain, &w);
	for (size_t i = 0; i < 3 * DS_ARRAY_SIZE(rows); i++) {
		size_t row = i / 3, n = i % 3 ? DS_SIGNER_CHAIN_LEN : DS_PCK_CHAIN_LEN;
		DS_BUF struct ds_buf text = DS_BUF_NULL;
		struct ds_acert read[DS_PCK_CHAIN_LEN] = { 0 };
		struct ds_span *chain;
		struct ds_judge j;

		start(&w, &j);
		assert_int_equal(
			ds_collateral_parse(ds_buf_span(&w.collateral), &j.docs->col, NULL), 0);
		chain = i % 3 == 0   ? &j.q.cert_data
			: i % 3 == 1 ? &j.docs->col.tcb_chain
				     : &j.docs->col.qe_chain;
		*chain = replaced(*chain, rows[row].find[0] ? rows[row].find : "no such text",
				  rows[row].put, &text);
		assert_int_equal(
			ds_buf_addf(&text, "%s",
				    rows[row].behind ? rows[row].behind : ds_buf_cstr(&w.root_pem)),
			0);
		*chain = ds_buf_span(&text);
		if (!ds_acerts_from_pem(*chain, read, n) != rows[row].ok ||
		    ds_prove_quickly(&j, ds_buf_span(&w.collateral)) != rows[row].ok)
			fail_msg("%s %zu", rows[row].what, i % 3);
		for (size_t k = 0; k < n; k++)
			ds_acert_done(&read[k]);
		end(&j);
	}
}

/* Of the collateral that others proved the root is not looked at again; the platform's is. */
static void known_collateral_of_another_root(void **state)
{
	const struct forge plain = { 0 };
	FORGED struct forged w = { 0 }, other = { 0 };

	forge(&plain, &w);
	forge(&plain, &other);
	for (int known = 0; known < 2; known++) {
		struct ds_judge j;

		start(&w, &j);
		assert_int_equal(
			ds_collateral_parse(ds_buf_span(&w.collateral), &j.docs->col, NULL), 0);
		if (!known) {
			ds_buf_done(&j.docs->root_der);
			assert_int_equal(
				ds_root_load(ds_buf_span(&other.root_pem), &j.docs->root_der), 0);
		}
		j.docs->shared = true;
		assert_int_equal(ds_prove_quickly(&j, ds_buf_span(&w.collateral)), known);
		j.docs->shared = false;
		end(&j);
	}
}

/* Collateral that was proven quickly and cached has nothing for OpenSSL; an odd platform needs it.
 */
static void odd_platform_under_known_collateral(void **state)
{
	const struct forge good = { 0 }, odd = { .same_root = true, .pck = { .odd = true } };
	FORGED struct forged a = { 0 }, b = { 0 };
	struct ds_verify_opts opts = { .time = T };
	static struct ds_verdict plain, cached;

	forge(&good, &a);
	forge(&odd, &b);
	opts.root_ca = ds_buf_span(&a.root_pem);
	assert_int_equal(
		ds_attest_quote(ds_buf_span(&b.quote), ds_buf_span(&a.collateral), &opts, &plain),
		0);
	assert_true(plain.accepted);
	assert_int_equal(ds_attest_cache_new(&opts.cache), 0);
	assert_int_equal(
		ds_attest_quote(ds_buf_span(&a.quote), ds_buf_span(&a.collateral), &opts, &cached),
		0);
	assert_true(cached.accepted);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ds_attest_quote(ds_buf_span(&b.quote), ds_buf_span(&a.collateral),
						 &opts, &cached),
				 0);
		assert_memory_equal(&plain, &cached, sizeof(plain));
	}
	ds_attest_cache_free(opts.cache);
}

/* Cut anywhere it is not in the form; changed in any bit it is not, or OpenSSL reads the same. */
static void assert_agrees(struct ds_span der, int (*agree)(struct ds_span))
{
	uint8_t *copy = malloc(der.n);

	assert_non_null(copy);
	assert_int_equal(agree(der), 0);
	memcpy(copy, der.p, der.n);
	for (size_t n = 0; n < der.n; n++)
		assert_int_equal(agree(DS_SPAN(copy, n)), 1);
	for (size_t i = 0; i < 8 * der.n; i++) {
		copy[i / 8] ^= (uint8_t)(1 << i % 8);
		if (agree(DS_SPAN(copy, der.n)) < 0)
			fail_msg("byte %zu of %zu, bit %zu", i / 8, der.n, i % 8);
		copy[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	free(copy);
}

static void assert_chain_agrees(struct ds_span pem)
{
	DS_CERT_CHAIN struct ds_cert_chain chain = DS_CERT_CHAIN_NULL;

	assert_int_equal(ds_cert_chain_from_pem(pem, &chain, NULL), 0);
	for (size_t i = 0; i < chain.n; i++)
		assert_agrees(ds_buf_span(&chain.der[i]), agree_cert);
}

static void parsers_agree_with_openssl(void **state)
{
	const struct forge f = { .root_crl = { .revoke_second = true },
				 .signer = { .to = 2600000000 } };
	FORGED struct forged w = { 0 };
	struct ds_collateral col = { 0 };
	struct ds_icrl crl;
	struct ds_judge j;

	forge(&f, &w);
	start(&w, &j);
	assert_int_equal(ds_collateral_parse(ds_buf_span(&w.collateral), &col, NULL), 0);
	assert_chain_agrees(j.q.cert_data);
	assert_chain_agrees(col.tcb_chain);
	assert_agrees(ds_buf_span(&col.root_crl), agree_crl);
	assert_agrees(ds_buf_span(&col.pck_crl), agree_crl);
	assert_int_equal(ds_icrl_parse(ds_buf_span(&col.root_crl), &crl), 0);
	assert_true(ds_icrl_lists(&crl, DS_SPAN_LIT("\x03\xe7")));
	assert_false(ds_icrl_lists(&crl, DS_SPAN_LIT("\x03\xe8")));
	assert_true(ds_icrl_lists(&crl, DS_SPAN_LIT("\x03")));
	assert_false(ds_icrl_lists(&crl, DS_SPAN_LIT("\x02")));
	ds_collateral_done(&col);
	end(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_usual_form),
		cmocka_unit_test(the_rest),
		cmocka_unit_test(chains_of_another_form),
		cmocka_unit_test(known_collateral_of_another_root),
		cmocka_unit_test(odd_platform_under_known_collateral),
		cmocka_unit_test(parsers_agree_with_openssl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
