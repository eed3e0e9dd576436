// SPDX-License-Identifier: Apache-2.0
/* Tests of the attested server check: worlds of the forger in certificates made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <uapi/tdx_emul.h>

#include <ds/attest/eventlog.h>
#include <ds/attest/verify.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/crypto/p256.h>
#include <ds/net/kms.h>
#include <ds/x509/cert.h>

#include "../attest/forge.h"
#include "../attest/snpforge.h"

static struct ds_p256 *root_key, *leaf_key, *other_key;
static struct ds_buf root_der;

static void issue(struct ds_cert_spec spec, const struct ds_p256 *key, struct ds_buf *ret)
{
	const struct ds_span issuer = spec.is_ca ? DS_SPAN_NULL : ds_buf_span(&root_der);
	uint8_t spki[DS_P256_SPKI_SIZE];

	assert_int_equal(ds_p256_spki(key, spki), 0);
	spec.spki = DS_SPAN_ARRAY(spki);
	spec.not_before = DS_CERT_DEFAULT_NOT_BEFORE;
	spec.not_after = FORGE_TIME + DS_CERT_DEFAULT_LIFETIME;
	assert_int_equal(ds_cert_issue(&spec, root_key, issuer, ret, NULL), 0);
}

static int setup(void **state)
{
	if (ds_p256_generate(&root_key) || ds_p256_generate(&leaf_key) ||
	    ds_p256_generate(&other_key))
		return -1;
	issue((struct ds_cert_spec){ .subject = "Dstack KMS CA", .is_ca = true }, root_key,
	      &root_der);
	return 0;
}

static int teardown(void **state)
{
	ds_p256_free(root_key);
	ds_p256_free(leaf_key);
	ds_p256_free(other_key);
	ds_buf_done(&root_der);
	return 0;
}

static void measure(struct ds_eventlog *log, const char *name, uint8_t byte, size_t n)
{
	uint8_t payload[32];

	memset(payload, byte, sizeof(payload));
	assert_int_equal(
		ds_eventlog_add(log, 3, DS_EV_RUNTIME, NULL, name, DS_SPAN(payload, n), NULL), 0);
	log->ev[log->n - 1].version = 1;
}

/* A server of the KMS: its certificate, and what a good guest wants of it. */
struct server {
	struct forged w;
	struct ds_buf der, bare; /* bare: the same without evidence */
	uint8_t mr[2][32];	 /* of nobody, and its own */
	struct ds_kms_wanted want;
};

static void server_done(struct server *s)
{
	forged_done(&s->w);
	ds_buf_done(&s->der);
	ds_buf_done(&s->bare);
}
#define SERVER DS_CLEANUP(server_done)

static void evidence(struct forge f, const struct ds_p256 *bound, struct server *s,
		     struct ds_attestation *att)
{
	DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
	uint8_t spki[DS_P256_SPKI_SIZE], rtmr3[48];
	struct ds_verify_opts opts = { .time = FORGE_TIME };
	struct ds_verdict v;

	measure(&att->runtime_events, "app-id", 0xa0, 20);
	measure(&att->runtime_events, "compose-hash", 0xc0, 32);
	measure(&att->runtime_events, "instance-id", 0, 0);
	measure(&att->runtime_events, "boot-mr-done", 0, 0);
	measure(&att->runtime_events, "system-ready", 0, 0);
	assert_int_equal(ds_eventlog_replay_rtmr3(&att->runtime_events, NULL, rtmr3, NULL), 0);
	assert_int_equal(ds_p256_spki(bound, spki), 0);
	assert_int_equal(ds_ratls_report_data(DS_SPAN_ARRAY(spki), att->report_data), 0);
	f.rt_mr3 = rtmr3;
	f.report_data = att->report_data;
	forge(&f, &s->w);
	assert_int_equal(ds_buf_add_span(&att->quote, ds_buf_span(&s->w.quote)), 0);
	opts.root_ca = ds_buf_span(&s->w.root_pem);
	assert_int_equal(ds_attest_evidence(att, att->report_data, ds_buf_span(&s->w.collateral),
					    &opts, &v, &id),
			 0);
	/* of a refused one there is no identity: zeros, which no test looks for */
	memcpy(s->mr[1], id.mr_aggregated, 32);
	memset(s->mr[0], 0x5a, 32);
}

/* bound: the key that the evidence is for. */
static void make(struct forge f, const struct ds_p256 *bound, struct server *s)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf blob = DS_BUF_NULL;
	struct ds_cert_spec spec = { .subject = "kms", .usage = DS_USAGE_KMS_RPC };

	evidence(f, bound, s, &att);
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_STRIPPED, &blob), 0);
	issue(spec, leaf_key, &s->bare);
	spec.attestation = ds_buf_span(&blob);
	issue(spec, leaf_key, &s->der);
	s->want = (struct ds_kms_wanted){ .mr_aggregated = s->mr,
					  .n = 2,
					  .quote_root = ds_buf_span(&s->w.root_pem),
					  .collateral = ds_buf_span(&s->w.collateral),
					  .time = FORGE_TIME };
}

static void assert_check(struct server *s, const struct ds_buf *der, const char *refusal)
{
	struct ds_err err = DS_ERR_NULL;
	int r = ds_kms_check_attested(&s->want, ds_buf_span(der), NULL, 0, &err);

	if (!refusal && !r && !s->want.why.code)
		return;
	if (!refusal || r != -EPERM || strncmp(err.msg, refusal, strlen(refusal)) ||
	    strcmp(err.domain, "kms") || strcmp(err.msg, s->want.why.msg))
		fail_msg("expected %s, found %d %s: %s", refusal ? refusal : "acceptance", r,
			 err.domain, err.msg);
}

#define NOT "server not attested: "

static void good_server(void **state)
{
	SERVER struct server s = { 0 };

	make((struct forge){ 0 }, leaf_key, &s);
	assert_check(&s, &s.der, NULL);
	s.want.mr_aggregated++;
	s.want.n = 1;
	assert_check(&s, &s.der, NULL);
	/* a refusal of before is not told again */
	s.want.why.code = -EPERM;
	assert_check(&s, &s.der, NULL);
}

static void no_evidence(void **state)
{
	SERVER struct server s = { 0 };

	make((struct forge){ 0 }, leaf_key, &s);
	assert_check(&s, &s.bare, NOT "evidence-missing: the certificate carries no attestation");
}

static void evidence_of_another_key(void **state)
{
	SERVER struct server s = { 0 };

	make((struct forge){ 0 }, other_key, &s);
	assert_check(&s, &s.der, NOT "report-data: ");
}

static void another_machine(void **state)
{
	SERVER struct server s = { 0 };
	char want[160], hex[65];

	make((struct forge){ 0 }, leaf_key, &s);
	ds_hex_encode(s.mr[1], 32, hex);
	snprintf(want, sizeof(want),
		 NOT "mr_aggregated: 5a5a5a5a5a5a5a5a... expected (1 of 1), found %s", hex);
	s.want.n = 1;
	assert_check(&s, &s.der, want);
	for (size_t i = 0; i < 32; i += 31) {
		s.want.n = 2;
		s.mr[1][i] ^= 1;
		assert_check(&s, &s.der, NOT "mr_aggregated: ");
		s.mr[1][i] ^= 1;
	}
	/* nothing that is wanted is nobody */
	s.want.n = 0;
	assert_check(&s, &s.der, NOT "mr_aggregated: ");
}

static void bad_collateral(void **state)
{
	SERVER struct server s = { 0 }, old = { 0 }, revoked = { 0 }, stale = { 0 };

	make((struct forge){ 0 }, leaf_key, &s);
	s.want.collateral = DS_SPAN_NULL;
	assert_check(&s, &s.der, NOT "collateral-missing: ");
	s.want.collateral = DS_SPAN_LIT("{}");
	assert_check(&s, &s.der, NOT);
	/* of another root than the compose file names, or none: then Intel's */
	s.want.collateral = ds_buf_span(&s.w.collateral);
	s.want.quote_root = DS_SPAN_NULL;
	assert_check(&s, &s.der, NOT "root-untrusted: ");
	make((struct forge){ .pck_crl = { .to = FORGE_TIME - 1 } }, leaf_key, &old);
	assert_check(&old, &old.der, NOT "crl-expired: ");
	make((struct forge){ .pck_crl = { .revoke_first = true } }, leaf_key, &revoked);
	assert_check(&revoked, &revoked.der, NOT "pck-revoked: ");
	/* what is good now is not for ever: the guest's clock counts */
	make((struct forge){ 0 }, leaf_key, &stale);
	stale.want.time = FORGE_TIME + INT64_C(3650) * 86400;
	assert_check(&stale, &stale.der, NOT);
}

/* Strict: what the default does not accept of a platform is not accepted here. */
static void platform_out_of_date(void **state)
{
	SERVER struct server s = { 0 };

	make((struct forge){ .tcb = { { "\"UpToDate\"", "\"OutOfDate\"" } } }, leaf_key, &s);
	assert_check(&s, &s.der, NOT "tcb-status: ");
}

static void emulated_machine(void **state)
{
	static const uint8_t seam[48] = DSTACK_EMUL_MRSEAM;
	SERVER struct server s = { 0 };

	make((struct forge){ .mr_seam = seam }, leaf_key, &s);
	assert_check(&s, &s.der, NOT "emulated: a trust domain expected, found an emulated one");
	s.want.allow_emulated = true;
	assert_check(&s, &s.der, NULL);
	s.want.n = 1;
	assert_check(&s, &s.der, NOT "mr_aggregated: ");
}

#define SNP_DOC                                                                                    \
	"{\"app_id\":\"0000000000000000000000000000000000000007\",\"compose_hash\":"               \
	"\"0000000000000000000000000000000000000000000000000000000000000007\","                    \
	"\"key_provider\":\"none\",\"version\":3}"

/* A report of SEV-SNP for this server, in its certificate. */
static void snp_make(struct snp_forged *w, struct ds_buf *der)
{
	const struct ds_span doc[] = { DS_SPAN_LIT("dstack-mr-config-v3:"), DS_SPAN_LIT("\0"),
				       DS_SPAN_LIT(SNP_DOC) };
	struct ds_cert_spec spec = { .subject = "kms", .usage = DS_USAGE_KMS_RPC };
	DS_ATTESTATION struct ds_attestation att = { .kind = DS_ATTESTATION_SNP };
	DS_BUF struct ds_buf blob = DS_BUF_NULL;
	uint8_t spki[DS_P256_SPKI_SIZE], host[32];

	assert_int_equal(ds_sha256(doc, 3, host), 0);
	assert_int_equal(ds_p256_spki(leaf_key, spki), 0);
	assert_int_equal(ds_ratls_report_data(DS_SPAN_ARRAY(spki), att.report_data), 0);
	snp_forge(&(struct snp_forge){ .report_data = att.report_data,
				       .host_data = host,
				       .crl = true },
		  w);
	assert_int_equal(ds_buf_add_span(&att.quote, ds_buf_span(&w->report)), 0);
	assert_int_equal(ds_buf_add_span(&att.cert[0], ds_buf_span(&w->vek)), 0);
	assert_int_equal(ds_buf_add_span(&att.cert[1], ds_buf_span(&w->chain)), 0);
	att.n_cert = 2;
	assert_int_equal(ds_buf_add_span(&att.mr_config, DS_SPAN_LIT(SNP_DOC)), 0);
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_STRIPPED, &blob), 0);
	spec.attestation = ds_buf_span(&blob);
	issue(spec, leaf_key, der);
}

/* The host brings the list, and must not get past it by leaving it out. */
static void snp_needs_a_list(void **state)
{
	DS_BUF struct ds_buf list = DS_BUF_NULL;
	SNP_FORGED struct snp_forged w = { 0 };
	SERVER struct server s = { 0 };

	snp_make(&w, &s.der);
	assert_int_equal(ds_buf_addf(&list, "{\"snp_crl\":\""), 0);
	assert_int_equal(ds_buf_add_hex(&list, ds_buf_span(&w.crl)), 0);
	assert_int_equal(ds_buf_addf(&list, "\"}"), 0);
	s.want = (struct ds_kms_wanted){ .mr_aggregated = s.mr,
					 .n = 2,
					 .quote_root = ds_buf_span(&w.root_pem),
					 .collateral = ds_buf_span(&list),
					 .time = SNP_TIME };
	assert_check(&s, &s.der, NOT "mr_aggregated: "); /* all else is good */
	s.want.collateral = DS_SPAN_LIT("{}");
	assert_check(&s, &s.der, NOT "snp-crl: ");
}

/* What is checked of every server is checked of this one. */
static void usage_still_counts(void **state)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	DS_BUF struct ds_buf der = DS_BUF_NULL;
	SERVER struct server s = { 0 };
	struct ds_err err = DS_ERR_NULL;

	make((struct forge){ 0 }, leaf_key, &s);
	assert_int_equal(ds_cert_parse(ds_buf_span(&s.der), &info, NULL), 0);
	issue((struct ds_cert_spec){ .subject = "app",
				     .usage = DS_USAGE_APP_CUSTOM,
				     .attestation = ds_buf_span(&info.attestation) },
	      leaf_key, &der);
	assert_int_equal(ds_kms_check_attested(&s.want, ds_buf_span(&der), NULL, 0, &err), -EPERM);
	assert_non_null(strstr(err.msg, "usage kms:rpc expected"));
}

static void junk(void **state)
{
	SERVER struct server s = { 0 };
	DS_BUF struct ds_buf der = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	make((struct forge){ 0 }, leaf_key, &s);
	assert_true(ds_kms_check_attested(&s.want, DS_SPAN_LIT("junk"), NULL, 0, &err) < 0);
	issue((struct ds_cert_spec){ .subject = "kms",
				     .usage = DS_USAGE_KMS_RPC,
				     .attestation = DS_SPAN_LIT("junk") },
	      leaf_key, &der);
	assert_check(&s, &der, NOT "evidence-format: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_server),
		cmocka_unit_test(no_evidence),
		cmocka_unit_test(evidence_of_another_key),
		cmocka_unit_test(another_machine),
		cmocka_unit_test(bad_collateral),
		cmocka_unit_test(platform_out_of_date),
		cmocka_unit_test(emulated_machine),
		cmocka_unit_test(snp_needs_a_list),
		cmocka_unit_test(usage_still_counts),
		cmocka_unit_test(junk),
	};

	return cmocka_run_group_tests_name("kmsattest", tests, setup, teardown);
}
