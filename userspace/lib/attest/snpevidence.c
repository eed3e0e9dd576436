// SPDX-License-Identifier: Apache-2.0
/*
 * dstack evidence of SEV-SNP (spec/boot 8, spec/kms 4): there are no run-time registers. HOST_DATA
 * binds the MrConfigV3 document, which says who the app is; that the guest runs what the document
 * says is the word of the operating system, which MEASUREMENT stands for. Runtime events are not
 * measured, so nothing here looks at them.
 */
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/wire/attestation.h>
#include <ds/wire/mrconfig.h>

#include "snp.h"

/* The snp_* keys of a collateral file; all may be absent, others are not looked at. */
struct collateral {
	struct ds_buf vek, chain, crl;
};

static void collateral_done(struct collateral *c)
{
	ds_buf_done(&c->vek);
	ds_buf_done(&c->chain);
	ds_buf_done(&c->crl);
}

/* PEM as it is, or DER in hex. */
static int read_key(struct ds_verdict *v, const json_t *doc, const char *key, struct ds_buf *ret)
{
	const json_t *j = json_object_get(doc, key);
	const char *text = json_string_value(j);
	size_t n = json_string_length(j);
	int r;

	if (!j)
		return 0;
	if (text && !strncmp(text, "-----", 5))
		return ds_buf_add(ret, text, n);
	r = text && n ? ds_hex_decode_buf(text, n, DS_MAX_COLLATERAL, ret) : -EBADMSG;
	if (r == -ENOMEM)
		return r;
	return r ? ds_verdict_fail(v, DS_REASON_COLLATERAL_FORMAT,
				   "%s: expected PEM, or DER in hex", key)
		 : 0;
}

static int read_collateral(struct ds_verdict *v, struct ds_span json, struct collateral *c)
{
	json_t *doc;
	int r;

	if (!json.n)
		return 0;
	if (json.n > DS_MAX_COLLATERAL)
		return ds_verdict_fail(v, DS_REASON_COLLATERAL_FORMAT, "more than %u bytes",
				       DS_MAX_COLLATERAL);
	doc = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(doc)) {
		json_decref(doc);
		return ds_verdict_fail(v, DS_REASON_COLLATERAL_FORMAT, "not one JSON object");
	}
	r = read_key(v, doc, "snp_vek", &c->vek);
	if (!r)
		r = read_key(v, doc, "snp_chain", &c->chain);
	if (!r)
		r = read_key(v, doc, "snp_crl", &c->crl);
	json_decref(doc);
	return r;
}

/* The verifier's own certificates first; those of the blob come from the host and fill the gaps. */
static int judge_report(const struct ds_attestation *att, struct ds_span collateral_json,
			const struct ds_verify_opts *opts, struct ds_verdict *v)
{
	DS_CLEANUP(collateral_done) struct collateral c = { 0 };
	struct ds_snp_certs certs[2 + DS_ATTESTATION_MAX_CERTS] = { 0 };
	size_t n = 0;

	ds_verdict_init(v);
	v->tee = DS_TEE_SNP;
	DS_TRY(read_collateral(v, collateral_json, &c));
	certs[n++] = (struct ds_snp_certs){ ds_buf_span(&c.vek), "snp_vek", false };
	certs[n++] = (struct ds_snp_certs){ ds_buf_span(&c.chain), "snp_chain", false };
	for (size_t i = 0; i < att->n_cert; i++)
		certs[n++] = (struct ds_snp_certs){ ds_buf_span(&att->cert[i]),
						    "certificate of the evidence", true };
	return ds_judge_snp(ds_buf_span(&att->quote), certs, n, ds_buf_span(&c.crl), opts, v);
}

/* The document is the one the guest was launched with. */
static int check_host_data(struct ds_verdict *v, struct ds_span document)
{
	/* the literal's terminator is hashed too */
	const struct ds_span parts[] = { DS_SPAN(DS_MR_CONFIG_TAG, sizeof(DS_MR_CONFIG_TAG)),
					 document };
	uint8_t want[32];

	DS_TRY(ds_sha256(parts, DS_ARRAY_SIZE(parts), want));
	if (!ds_ct_equal(want, v->snp.host_data, sizeof(want)))
		return ds_verdict_fail_hex(v, DS_REASON_SNP_HOST_DATA,
					   "hash of the configuration document and HOST_DATA",
					   DS_SPAN_ARRAY(want), DS_SPAN_ARRAY(v->snp.host_data));
	ds_verdict_pass(v, "host-data", "HOST_DATA binds the configuration document");
	return 0;
}

/* {"name":...,"id":hex}, as other platforms measure it. */
static int key_provider(const struct ds_mr_config *m, struct ds_buf *ret)
{
	char hex[2 * sizeof(m->key_provider_id) + 1];

	return ds_buf_addf(ret, "{\"name\":\"%s\",\"id\":\"%s\"}",
			   ds_key_provider_name(m->key_provider),
			   ds_hex_encode(m->key_provider_id, m->key_provider_id_len, hex));
}

static int read_document(struct ds_verdict *v, struct ds_span document, struct ds_identity *id)
{
	struct ds_err err = DS_ERR_NULL;
	struct ds_mr_config m;
	int r = ds_mr_config_parse(document, &m, &err);

	if (r == -ENOMEM)
		return r;
	if (r)
		return ds_verdict_fail(v, DS_REASON_EVIDENCE_FORMAT, "mr_config: %s", err.msg);
	if (!m.has_app_id)
		return ds_verdict_fail(v, DS_REASON_EVENT_MISSING,
				       "the configuration document has no app_id");
	memcpy(id->app_id, m.app_id, sizeof(id->app_id));
	memcpy(id->compose_hash, m.compose_hash, sizeof(id->compose_hash));
	memcpy(id->instance_id, m.instance_id, sizeof(id->instance_id));
	id->instance_id_len = m.has_instance_id ? sizeof(id->instance_id) : 0;
	DS_TRY(key_provider(&m, &id->key_provider));
	ds_verdict_pass(v, "identity", "app_id and compose_hash are those of the launch");
	return 0;
}

/* spec/kms 4.3. Everything is fixed at launch, so both moments of the boot have the same values. */
static int read_measurements(const struct ds_verdict *v, struct ds_identity *id)
{
	const struct ds_span all[] = { DS_SPAN_ARRAY(v->snp.measurement),
				       DS_SPAN_ARRAY(v->snp.host_data) };

	DS_TRY(ds_sha256(all, 1, id->mr_system));
	DS_TRY(ds_sha256(all, 2, id->mr_aggregated));
	memcpy(id->mr_system_boot, id->mr_system, sizeof(id->mr_system));
	memcpy(id->mr_aggregated_boot, id->mr_aggregated, sizeof(id->mr_aggregated));
	id->boot_mr_done = true;
	return ds_sha256_1(DS_SPAN_ARRAY(v->snp.chip_id), id->device_id);
}

int ds_snp_evidence(const struct ds_attestation *att, const uint8_t expect_report_data[64],
		    struct ds_span collateral_json, const struct ds_verify_opts *opts,
		    struct ds_verdict *ret, struct ds_identity *ret_id)
{
	DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
	struct ds_span document = ds_buf_span(&att->mr_config);
	int r = judge_report(att, collateral_json, opts, ret);

	if (!r)
		r = ds_check_report_data(ret, att, expect_report_data);
	if (!r)
		r = check_host_data(ret, document);
	if (!r)
		r = read_document(ret, document, &id);
	if (!r)
		r = ds_read_claimed_image(ret, att, &id);
	if (!r)
		r = read_measurements(ret, &id);
	if (r)
		return r < 0 ? r : 0;
	ds_verdict_accept(ret);
	ds_identity_done(ret_id);
	*ret_id = id;
	id.key_provider = DS_BUF_NULL;
	return 0;
}
