// SPDX-License-Identifier: Apache-2.0
/* Several sets of collateral: one that a caller can make fail must not be a way around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../userspace/lib/attest/forge.h"
#include "../userspace/lib/attest/snpforge.h"
#include "net.h"

#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/wire/mrconfig.h>
#include <ds/x509/cert.h>
#include <time.h>

#define X32(s) s s s s s s s s s s s s s s s s s s s s s s s s s s s s s s s s
#define DOC                                                                                        \
	"{\"app_id\":\"a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1\",\"compose_hash\":\"" X32("c0")     \
	"\",\"key_provider\":\"none\",\"version\":3}"
#define SPKI DS_SPAN_LIT("a key")

static time_t now;

time_t __wrap_time(time_t *ret);
time_t __wrap_time(time_t *ret)
{
	if (ret)
		*ret = now;
	return now;
}

int64_t kms_clock_floor(int64_t latest_record)
{
	return latest_record;
}

static int64_t due;

int64_t kms_clock_due(struct kms_clock *c, int64_t wall, int64_t at)
{
	return due;
}

int64_t kms_now_ms(void)
{
	return 0;
}

int64_t kms_relog_latest(const struct kms_relog *log)
{
	return 0;
}

void kms_file_refresh(struct kms_file *f, size_t max)
{
}

static void add_hex(struct ds_buf *b, const char *key, const struct ds_buf *der)
{
	assert_int_equal(ds_buf_addf(b, "%s\"%s\":\"", b->n ? "," : "{", key), 0);
	assert_int_equal(ds_buf_add_hex(b, ds_buf_span(der)), 0);
	assert_int_equal(ds_buf_add(b, "\"", 1), 0);
}

/* The caller brings all certificates; w is its machine. */
static void make(struct ds_attestation *att, struct snp_forged *w)
{
	const struct ds_span parts[] = { DS_SPAN(DS_MR_CONFIG_TAG, sizeof(DS_MR_CONFIG_TAG)),
					 DS_SPAN_LIT(DOC) };
	uint8_t host_data[32];
	struct snp_forge f = { .host_data = host_data,
			       .report_data = att->report_data,
			       .crl = true,
			       .crl_revoked = true };

	assert_int_equal(ds_sha256(parts, 2, host_data), 0);
	assert_int_equal(ds_ratls_report_data(SPKI, att->report_data), 0);
	snp_forge(&f, w);
	att->kind = DS_ATTESTATION_SNP;
	att->n_cert = 2;
	assert_int_equal(ds_buf_add_span(&att->quote, ds_buf_span(&w->report)), 0);
	assert_int_equal(ds_buf_add_span(&att->mr_config, DS_SPAN_LIT(DOC)), 0);
	assert_int_equal(ds_buf_add_span(&att->cert[0], ds_buf_span(&w->chain)), 0);
	assert_int_equal(ds_buf_add_span(&att->cert[1], ds_buf_span(&w->vek)), 0);
}

static void judge(struct kms_net *net, const struct ds_attestation *att, const char *want)
{
	struct kms_refusal why = { 0 };
	struct kms_subject s;

	assert_int_equal(kms_judge(net, KMS_ROLE_APP, att, SPKI, "", &s, &why), DS_ATTEST_REFUSED);
	if (strcmp(why.code, want))
		fail_msg("expected '%s', got '%s' (%s)", want, why.code, why.text);
	kms_subject_done(&s);
}

static void net_init(struct kms_net *net, time_t at)
{
	now = at;
	assert_int_equal(kms_policy_parse(DS_SPAN_LIT("[policy]\nallow_emulated = yes\n"), "p",
					  &net->policy, NULL),
			 0);
}

static void net_done(struct kms_net *net)
{
	kms_policy_free(net->policy);
	ds_buf_done(&net->root_ca.data);
	for (size_t i = 0; i < net->conf->n_collateral; i++)
		ds_buf_done(&net->collateral[i].data);
}

static void revocation(void **state)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	SNP_FORGED struct snp_forged w = { 0 }, other = { 0 };
	struct kms_conf conf = { .n_collateral = 2 };
	struct kms_net net = { .conf = &conf };
	struct ds_buf *first = &net.collateral[0].data, *second = &net.collateral[1].data;

	net_init(&net, SNP_TIME);
	make(&att, &w);
	snp_forge(&(struct snp_forge){ .vek = { .evil = true } }, &other);
	assert_int_equal(ds_buf_add_span(&net.root_ca.data, ds_buf_span(&w.root_pem)), 0);
	/* nobody has a list: the evidence is good, the app is not known */
	add_hex(first, "snp_vek", &w.vek);
	assert_int_equal(ds_buf_add(first, "}", 1), 0);
	assert_int_equal(ds_buf_add(second, "{}", 2), 0);
	judge(&net, &att, "app-unknown");
	/* the same evidence, by a clock that was set back since */
	due = SNP_TIME + 1;
	judge(&net, &att, "clock");
	due = 0;
	/* a set with a list, whose certificates are not this machine's, and one for other machines */
	first->n = 0;
	add_hex(first, "snp_vek", &other.vek);
	add_hex(first, "snp_crl", &w.crl);
	assert_int_equal(ds_buf_add(first, "}", 1), 0);
	judge(&net, &att, "snp-crl");
	second->n = 0;
	add_hex(second, "snp_crl", &w.crl);
	assert_int_equal(ds_buf_add(second, "}", 1), 0);
	judge(&net, &att, "snp-revoked");
	net_done(&net);
}

/* Machines with certificates of the Platform CA and of the Processor CA, each with a set of its own. */
static void two_authorities(void **state)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	FORGED struct forged platform = { 0 }, processor = { 0 };
	struct kms_conf conf = { .n_collateral = 2 };
	struct kms_net net = { .conf = &conf };
	struct ds_buf *first = &net.collateral[0].data, *second = &net.collateral[1].data;

	net_init(&net, FORGE_TIME);
	assert_int_equal(ds_ratls_report_data(SPKI, att.report_data), 0);
	forge(&(struct forge){ .report_data = att.report_data }, &platform);
	forge(&(struct forge){ .report_data = att.report_data, .same_root = true, .processor = true },
	      &processor);
	att.kind = DS_ATTESTATION_TDX;
	assert_int_equal(ds_buf_add_span(&net.root_ca.data, ds_buf_span(&platform.root_pem)), 0);
	assert_int_equal(ds_buf_add_span(first, ds_buf_span(&platform.collateral)), 0);
	assert_int_equal(ds_buf_add_span(second, ds_buf_span(&platform.collateral)), 0);
	assert_int_equal(ds_buf_add_span(&att.quote, ds_buf_span(&processor.quote)), 0);
	judge(&net, &att, "crl-issuer");
	/* the quote is good; what lacks is a launch */
	second->n = 0;
	assert_int_equal(ds_buf_add_span(second, ds_buf_span(&processor.collateral)), 0);
	judge(&net, &att, "event-missing");
	att.quote.n = 0;
	assert_int_equal(ds_buf_add_span(&att.quote, ds_buf_span(&platform.quote)), 0);
	judge(&net, &att, "event-missing");
	net_done(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(revocation),
					    cmocka_unit_test(two_authorities) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
