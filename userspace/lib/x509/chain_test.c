// SPDX-License-Identifier: Apache-2.0
/* Chains: verification, PEM text, host names, and certificates of the reference. */
#include "fixture_test.h"

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/crypto/pem.h>

/* root (path length 1) -> app CA (path length 0) -> leaf, as a KMS makes them */
struct tree {
	struct party root, other, ca, leaf, sub_ca, deep;
};

static void tree_new(struct tree *t)
{
	party_new(&t->root, "root", true, 1, NULL);
	party_new(&t->other, "root", true, 1, NULL);
	party_new(&t->ca, "app ca", true, 0, &t->root);
	party_new(&t->leaf, "leaf", false, 0, &t->ca);
	party_new(&t->sub_ca, "sub ca", true, -1, &t->ca);
	party_new(&t->deep, "deep", false, 0, &t->sub_ca);
}

static void tree_done(struct tree *t)
{
	party_done(&t->root);
	party_done(&t->other);
	party_done(&t->ca);
	party_done(&t->leaf);
	party_done(&t->sub_ca);
	party_done(&t->deep);
}

static int verify(const struct party *const *parties, size_t n, const struct party *root,
		  int64_t time, struct ds_err *err)
{
	struct ds_span chain[12];

	for (size_t i = 0; i < n; i++)
		chain[i] = ds_buf_span(&parties[i]->cert);
	return ds_cert_verify_chain(chain, n, ds_buf_span(&root->cert), time, err);
}

static void chains(void **state)
{
	struct tree t;
	const struct {
		const struct party *chain[4];
		size_t n;
		const struct party *root;
		int64_t time;
		int want;
		const char *why;
	} rows[] = {
		{ { &t.leaf, &t.ca }, 2, &t.root, T0, 0, "" },
		{ { &t.leaf, &t.ca, &t.root }, 3, &t.root, T0, 0, "" },
		{ { &t.leaf, &t.root, &t.ca }, 3, &t.root, T0, 0, "" },
		{ { &t.ca }, 1, &t.root, T0, 0, "" },
		/* an anchor need not sign itself */
		{ { &t.leaf }, 1, &t.ca, T0, 0, "" },
		{ { &t.leaf, &t.ca }, 2, &t.root, T0 - 1000, 0, "" },
		{ { &t.leaf, &t.ca }, 2, &t.root, T0 + 999, 0, "" },
		{ { &t.leaf, &t.ca }, 2, &t.root, T0 - 1001, -EKEYREJECTED, "not yet valid" },
		{ { &t.leaf, &t.ca }, 2, &t.root, T0 + 1000, -EKEYREJECTED, "has expired" },
		/* no way up, or up to another root; a root that comes with the chain is not trusted
		 */
		{ { &t.leaf }, 1, &t.root, T0, -EKEYREJECTED, "unable to get local issuer" },
		{ { &t.leaf, &t.ca }, 2, &t.other, T0, -EKEYREJECTED, "" },
		{ { &t.leaf, &t.ca, &t.root }, 3, &t.other, T0, -EKEYREJECTED, "" },
		{ { &t.root }, 1, &t.other, T0, -EKEYREJECTED, "" },
		/* path length 0 allows no CA below */
		{ { &t.deep, &t.sub_ca, &t.ca }, 3, &t.root, T0, -EKEYREJECTED, "path length" },
		{ { NULL }, 0, &t.root, T0, -EKEYREJECTED, "chain of 0 certificates" },
	};

	tree_new(&t);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_err err = DS_ERR_NULL;
		int got = verify(rows[i].chain, rows[i].n, rows[i].root, rows[i].time, &err);

		if (got != rows[i].want)
			fail_msg("row %zu: %d (%s), expected %d", i, got, err.msg, rows[i].want);
		if (!strstr(err.msg, rows[i].why))
			fail_msg("row %zu: \"%s\" lacks \"%s\"", i, err.msg, rows[i].why);
	}
	tree_done(&t);
}

static void one_bit_breaks_the_signature(void **state)
{
	struct ds_err err = DS_ERR_NULL;
	struct ds_span chain[2];
	struct tree t;

	tree_new(&t);
	chain[0] = ds_buf_span(&t.leaf.cert);
	chain[1] = ds_buf_span(&t.ca.cert);
	for (size_t i = 0; i < t.leaf.cert.n; i += 3) {
		t.leaf.cert.p[i] ^= 0x10;
		assert_int_not_equal(
			ds_cert_verify_chain(chain, 2, ds_buf_span(&t.root.cert), T0, &err), 0);
		t.leaf.cert.p[i] ^= 0x10;
	}
	assert_int_equal(ds_cert_verify_chain(chain, 2, ds_buf_span(&t.root.cert), T0, &err), 0);
	tree_done(&t);
}

/* What is no certificate is malformed, not refused, wherever it stands. */
static void junk_is_malformed(void **state)
{
	struct ds_err err = DS_ERR_NULL;
	struct ds_span in[3];
	struct tree t;

	tree_new(&t);
	for (size_t i = 0; i < 3; i++) {
		in[0] = ds_buf_span(&t.leaf.cert);
		in[1] = ds_buf_span(&t.ca.cert);
		in[2] = ds_buf_span(&t.root.cert);
		in[i].n--;
		assert_int_equal(ds_cert_verify_chain(in, 2, in[2], T0, &err), -EBADMSG);
		assert_int_equal(ds_cert_check_host(in[i], "x", &err), -EBADMSG);
	}
	tree_done(&t);
}

/* A leaf that signs is no CA, whatever hints it carries. */
static void only_marked_cas_issue(void **state)
{
	static const struct raw_ext key_usage = { "2.5.29.15",
						  { (const uint8_t *)"\x03\x02\x01\x86", 4 },
						  true };
	static const struct raw_ext not_ca = { "2.5.29.19",
					       { (const uint8_t *)"\x30\x00", 2 },
					       true };
	static const struct raw_ext unknown = { "1.2.3.4",
						{ (const uint8_t *)"\x05\x00", 2 },
						true };
	DS_BUF struct ds_buf by_leaf = DS_BUF_NULL, half_ca = DS_BUF_NULL, critical = DS_BUF_NULL;
	DS_BUF struct ds_buf marked = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct party end;
	struct tree t;

	tree_new(&t);
	party_key(&end);
	/* end <- leaf <- app ca <- root */
	issue_raw(&by_leaf, "end", "leaf", &end, &t.leaf, NULL, 0);
	{
		const struct ds_span chain[] = { ds_buf_span(&by_leaf), ds_buf_span(&t.leaf.cert),
						 ds_buf_span(&t.ca.cert) };

		assert_int_equal(
			ds_cert_verify_chain(chain, 3, ds_buf_span(&t.root.cert), T0, &err),
			-EKEYREJECTED);
	}
	/* end <- half ca <- root, where half ca may sign certificates by its key usage only */
	issue_raw(&half_ca, "leaf", "root", &t.leaf, &t.root, &key_usage, 1);
	{
		const struct ds_span chain[] = { ds_buf_span(&by_leaf), ds_buf_span(&half_ca) };

		assert_int_equal(
			ds_cert_verify_chain(chain, 2, ds_buf_span(&t.root.cert), T0, &err),
			-EKEYREJECTED);
		/* as an anchor it is no better, though OpenSSL alone would take it */
		assert_int_equal(ds_cert_verify_chain(chain, 1, chain[1], T0, &err), -EKEYREJECTED);
		assert_non_null(strstr(err.msg, "not marked as a CA"));
	}
	issue_raw(&marked, "leaf", "root", &t.leaf, &t.root, &not_ca, 1);
	{
		const struct ds_span chain[] = { ds_buf_span(&by_leaf), ds_buf_span(&marked) };

		assert_int_equal(
			ds_cert_verify_chain(chain, 2, ds_buf_span(&t.root.cert), T0, &err),
			-EKEYREJECTED);
	}
	/* a critical extension that nobody knows */
	issue_raw(&critical, "end", "root", &end, &t.root, &unknown, 1);
	{
		const struct ds_span chain[] = { ds_buf_span(&critical) };

		assert_int_equal(
			ds_cert_verify_chain(chain, 1, ds_buf_span(&t.root.cert), T0, &err),
			-EKEYREJECTED);
	}
	party_done(&end);
	tree_done(&t);
}

/* SHA-1 is good enough for nobody. */
static void weak_digests_are_refused(void **state)
{
	DS_BUF struct ds_buf weak = DS_BUF_NULL, strong = DS_BUF_NULL;
	DS_CLEANUP(party_done) struct party root, leaf;
	struct ds_err err = DS_ERR_NULL;
	struct ds_span chain;

	party_new(&root, "root", true, -1, NULL);
	party_key(&leaf);
	issue_raw_md(&weak, "leaf", "root", &leaf, &root, NULL, 0, EVP_sha1());
	issue_raw_md(&strong, "leaf", "root", &leaf, &root, NULL, 0, EVP_sha384());
	chain = ds_buf_span(&strong);
	assert_int_equal(ds_cert_verify_chain(&chain, 1, ds_buf_span(&root.cert), T0, &err), 0);
	chain = ds_buf_span(&weak);
	assert_int_equal(ds_cert_verify_chain(&chain, 1, ds_buf_span(&root.cert), T0, &err),
			 -EKEYREJECTED);
}

static void chain_length_is_bounded(void **state)
{
	const struct party *parties[9];
	struct ds_err err = DS_ERR_NULL;
	struct tree t;

	tree_new(&t);
	parties[0] = &t.leaf;
	for (size_t i = 1; i < 9; i++)
		parties[i] = &t.ca;
	assert_int_equal(verify(parties, 8, &t.root, T0, &err), 0);
	assert_int_equal(verify(parties, 9, &t.root, T0, &err), -EKEYREJECTED);
	tree_done(&t);
}

static void pem_text(void **state)
{
	DS_CERT_CHAIN struct ds_cert_chain chain = DS_CERT_CHAIN_NULL, none = DS_CERT_CHAIN_NULL;
	DS_BUF struct ds_buf pem = DS_BUF_NULL, bad = DS_BUF_NULL, der = DS_BUF_NULL;
	DS_SECRET struct ds_secret *key = NULL;
	struct ds_err err = DS_ERR_NULL;
	struct tree t;

	tree_new(&t);
	assert_int_equal(ds_cert_pem(ds_buf_span(&t.leaf.cert), &pem), 0);
	assert_memory_equal(pem.p, "-----BEGIN CERTIFICATE-----\nMII", 31);
	assert_int_equal(ds_cert_pem_to_der(ds_buf_span(&pem), &der, &err), 0);
	assert_true(ds_span_eq(ds_buf_span(&der), ds_buf_span(&t.leaf.cert)));
	for (size_t n = 0; n < pem.n - 1; n++)
		assert_int_equal(ds_cert_chain_from_pem(DS_SPAN(pem.p, n), &none, &err), -EBADMSG);
	/* PEMs joined by a line end, as the reference joins them */
	assert_int_equal(ds_buf_add_u8(&pem, '\n'), 0);
	assert_int_equal(ds_cert_pem(ds_buf_span(&t.ca.cert), &pem), 0);
	assert_int_equal(ds_cert_chain_from_pem(ds_buf_span(&pem), &chain, &err), 0);
	assert_int_equal(chain.n, 2);
	assert_true(ds_span_eq(ds_buf_span(&chain.der[1]), ds_buf_span(&t.ca.cert)));
	assert_int_equal(ds_cert_pem_to_der(ds_buf_span(&pem), &der, &err), -EBADMSG);

	/* text around, a private key among the certificates, bytes after the DER, nine
	 * certificates, too big */
	assert_int_equal(ds_buf_addf(&bad, "subject=x\n"), 0);
	assert_int_equal(ds_buf_add_span(&bad, ds_buf_span(&pem)), 0);
	assert_int_equal(ds_cert_chain_from_pem(ds_buf_span(&bad), &none, &err), -EBADMSG);
	bad.n = 0;
	assert_int_equal(ds_p256_pkcs8_pem(t.leaf.key, &key), 0);
	assert_int_equal(ds_buf_add(&bad, key->p, key->n), 0);
	assert_int_equal(ds_cert_chain_from_pem(ds_buf_span(&bad), &none, &err), -EBADMSG);
	bad.n = 0;
	/* the right content under another label */
	assert_int_equal(ds_buf_reserve(&bad, ds_pem_size("X509 CRL", t.ca.cert.n)), 0);
	ds_pem_encode("X509 CRL", t.ca.cert.p, t.ca.cert.n, bad.p);
	bad.n = ds_pem_size("X509 CRL", t.ca.cert.n);
	assert_int_equal(ds_cert_chain_from_pem(ds_buf_span(&bad), &none, &err), -EBADMSG);
	bad.n = 0;
	der.n = 0;
	assert_int_equal(ds_buf_add_span(&der, ds_buf_span(&t.ca.cert)), 0);
	assert_int_equal(ds_buf_add_u8(&der, 0), 0);
	assert_int_equal(ds_cert_pem(ds_buf_span(&der), &bad), 0);
	assert_int_equal(ds_cert_chain_from_pem(ds_buf_span(&bad), &none, &err), -EBADMSG);
	bad.n = 0;
	for (int i = 0; i < 9; i++)
		assert_int_equal(ds_cert_pem(ds_buf_span(&t.ca.cert), &bad), 0);
	assert_int_equal(ds_cert_chain_from_pem(ds_buf_span(&bad), &none, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "more than 8 certificates"));
	bad.n = 0;
	assert_int_equal(ds_buf_add_zero(&bad, DS_MAX_CERT_PEM + 1), 0);
	assert_int_equal(ds_cert_chain_from_pem(ds_buf_span(&bad), &none, &err), -EFBIG);
	assert_int_equal(ds_cert_pem_to_der(ds_buf_span(&bad), &der, &err), -EFBIG);
	/* text behind, and a letter that is none of base64 */
	bad.n = 0;
	assert_int_equal(ds_cert_pem(ds_buf_span(&t.ca.cert), &bad), 0);
	assert_int_equal(ds_buf_addf(&bad, "text\n"), 0);
	assert_int_equal(ds_cert_chain_from_pem(ds_buf_span(&bad), &none, &err), -EBADMSG);
	bad.n -= 5;
	bad.p[40] = '!';
	assert_int_equal(ds_cert_chain_from_pem(ds_buf_span(&bad), &none, &err), -EBADMSG);
	assert_string_equal(err.msg, "certificate 1: bad base64");
	assert_int_equal(none.n, 0);
	tree_done(&t);
}

static void hosts(void **state)
{
	static const char *const names[] = { "a.example", "*.b.example", "10.0.2.15", "::1" };
	static const struct {
		const char *host;
		int want;
	} rows[] = {
		{ "a.example", 0 },
		{ "A.Example", 0 },
		{ "x.b.example", 0 },
		{ "10.0.2.15", 0 },
		{ "::1", 0 },
		{ "0:0:0:0:0:0:0:1", 0 },
		{ "b.example", -EKEYREJECTED },
		{ "y.x.b.example", -EKEYREJECTED },
		{ "a.example.", -EKEYREJECTED },
		{ "10.0.2.16", -EKEYREJECTED },
		{ "::2", -EKEYREJECTED },
		{ "", -EKEYREJECTED },
		{ ".example", -EKEYREJECTED },
		/* the common name does not count */
		{ "only.cn", -EKEYREJECTED },
	};
	DS_CLEANUP(party_done) struct party p;
	struct ds_err err = DS_ERR_NULL;
	struct ds_cert_spec spec;

	party_key(&p);
	spec = spec_for(&p, "only.cn", false, 0);
	spec.alt_names = names;
	spec.n_alt_names = 4;
	assert_int_equal(ds_cert_issue(&spec, p.key, DS_SPAN_NULL, &p.cert, &err), 0);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++)
		assert_int_equal(ds_cert_check_host(ds_buf_span(&p.cert), rows[i].host, &err),
				 rows[i].want);
	/* without alternative names neither */
	spec.n_alt_names = 0;
	p.cert.n = 0;
	assert_int_equal(ds_cert_issue(&spec, p.key, DS_SPAN_NULL, &p.cert, &err), 0);
	assert_int_equal(ds_cert_check_host(ds_buf_span(&p.cert), "only.cn", &err), -EKEYREJECTED);
}

static int load(const char *name, struct ds_buf *ret)
{
	const char *dir = getenv("DSTACK_TESTDATA");
	DS_BUF struct ds_buf path = DS_BUF_NULL;
	int r;

	assert_int_equal(
		ds_buf_addf(&path, "%s/dcap/ratls/%s", dir ? dir : "../shared/testdata", name), 0);
	r = ds_read_file(AT_FDCWD, ds_buf_cstr(&path), DS_MAX_CERT_PEM, ret);
	if (r)
		print_message("# skipped: no test data at %s\n", ds_buf_cstr(&path));
	return r;
}

/* A certificate that the reference issued in 2025: extensions, the chain, and what binds its key to
 * its quote. */
static void reference_certificate(void **state)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL, ca_info = DS_CERT_INFO_NULL;
	DS_BUF struct ds_buf pem = DS_BUF_NULL, ca_pem = DS_BUF_NULL, der = DS_BUF_NULL,
			     ca = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	uint8_t report_data[64];
	struct ds_span chain;

	if (load("private-ml-sdk-leaf.pem", &pem) || load("private-ml-sdk-app-ca.pem", &ca_pem))
		skip();
	assert_int_equal(ds_cert_pem_to_der(ds_buf_span(&pem), &der, &err), 0);
	assert_int_equal(ds_cert_pem_to_der(ds_buf_span(&ca_pem), &ca, &err), 0);
	assert_int_equal(ds_cert_parse(ds_buf_span(&der), &info, &err), 0);
	assert_int_equal(ds_cert_parse(ds_buf_span(&ca), &ca_info, &err), 0);
	assert_string_equal(info.cn, "demo-cert");
	assert_true(info.has_app_id && ca_info.has_app_id && ca_info.is_ca);
	assert_memory_equal(info.app_id, ca_info.app_id, 20);
	assert_string_equal(ca_info.usage, "app:ca");
	assert_int_equal(info.quote.n, 5010);
	assert_true(info.event_log.n > 2 && info.event_log.p[0] == '[');
	assert_int_equal(ds_ratls_report_data(ds_buf_span(&info.spki), report_data), 0);
	assert_memory_equal(info.quote.p + 568, report_data, 64);
	chain = ds_buf_span(&der);
	assert_int_equal(
		ds_cert_verify_chain(&chain, 1, ds_buf_span(&ca), info.not_before + 1, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains),
		cmocka_unit_test(one_bit_breaks_the_signature),
		cmocka_unit_test(junk_is_malformed),
		cmocka_unit_test(only_marked_cas_issue),
		cmocka_unit_test(weak_digests_are_refused),
		cmocka_unit_test(chain_length_is_bounded),
		cmocka_unit_test(pem_text),
		cmocka_unit_test(hosts),
		cmocka_unit_test(reference_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
