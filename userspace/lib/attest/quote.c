// SPDX-License-Identifier: Apache-2.0
/* A quote judged from its first byte to the policy, in the order of spec/dcap 7. */
#include <uapi/tdx_emul.h>

#include <ds/crypto/ossl.h>
#include <ds/crypto/p256.h>

#include "priv.h"

static const uint8_t emul_mrseam[48] = DSTACK_EMUL_MRSEAM;

enum ds_reason ds_quote_fault_reason(enum ds_quote_fault fault)
{
	static const enum ds_reason reasons[] = {
		[DS_QUOTE_OK] = DS_REASON_INTERNAL,
		[DS_QUOTE_F_SIZE] = DS_REASON_PARSE_SIZE,
		[DS_QUOTE_F_TRUNCATED] = DS_REASON_PARSE_TRUNCATED,
		[DS_QUOTE_F_VERSION] = DS_REASON_PARSE_VERSION,
		[DS_QUOTE_F_KEY_TYPE] = DS_REASON_PARSE_KEY_TYPE,
		[DS_QUOTE_F_TEE_TYPE] = DS_REASON_PARSE_TEE_TYPE,
		[DS_QUOTE_F_VENDOR] = DS_REASON_QE_VENDOR,
		[DS_QUOTE_F_BODY] = DS_REASON_PARSE_BODY,
		[DS_QUOTE_F_AUTH_LEN] = DS_REASON_PARSE_AUTH_LENGTH,
		[DS_QUOTE_F_CERT_TYPE] = DS_REASON_PARSE_CERT_TYPE,
		[DS_QUOTE_F_TRAILING] = DS_REASON_PARSE_TRAILING,
	};

	return (size_t)fault < DS_ARRAY_SIZE(reasons) ? reasons[fault] : DS_REASON_INTERNAL;
}

static int check_parse(struct ds_judge *j, struct ds_span quote)
{
	struct ds_err err = DS_ERR_NULL;
	enum ds_quote_fault fault;

	if (ds_quote_parse_fault(quote, &j->q, &fault, &err))
		return ds_verdict_fail(j->v, ds_quote_fault_reason(fault), "byte %zu: %s",
				       err.offset, err.msg);
	j->v->has_body = true;
	j->v->quote_version = j->q.version;
	j->v->body = j->q.body;
	j->v->emulated = !memcmp(j->q.body.mr_seam, emul_mrseam, sizeof(emul_mrseam));
	ds_verdict_pass(j->v, "quote", "quote version %u, body type %d, %zu bytes", j->q.version,
			j->q.body_type, j->q.used);
	return 0;
}

static int check_collateral(struct ds_judge *j, struct ds_span collateral)
{
	struct ds_err err = DS_ERR_NULL;
	int r = 0;

	if (!collateral.n)
		return ds_verdict_fail(
			j->v, DS_REASON_COLLATERAL_MISSING,
			"no collateral was given; without it nothing says what is revoked");
	if (!j->docs->col.doc.root)
		r = ds_collateral_parse(collateral, &j->docs->col, &err);
	if (r == -EBADMSG)
		return ds_verdict_fail(j->v, DS_REASON_COLLATERAL_FORMAT, "%s", err.msg);
	if (r)
		return r;
	ds_verdict_pass(j->v, "collateral", "collateral is complete");
	return 0;
}

static int prove_revocation(struct ds_judge *j)
{
	struct ds_platform *p = j->plat;
	const struct ds_crl *root_crl = &j->docs->root_crl;
	X509 *leaf = p->pck[0].x, *ca = p->pck[1].x, *root = p->pck[2].x;

	DS_TRY(ds_check_not_revoked(j, root_crl, ca, DS_REASON_PCK_CA_REVOKED, "PCK CA"));
	DS_TRY(ds_check_not_revoked(j, &p->pck_crl, leaf, DS_REASON_PCK_REVOKED, "PCK"));
	DS_TRY(ds_check_path(j, leaf, ca, root, p->pck_crl.x, DS_REASON_PCK_CHAIN_PROFILE));
	p->revocation_ok = true;
	return 0;
}

static int check_revocation(struct ds_judge *j)
{
	struct ds_platform *p = j->plat;
	struct ds_docs *d = j->docs;

	DS_TRY(ds_check_crl(j, ds_buf_span(&d->col.root_crl), p->pck[2].x, &d->root_crl,
			    DS_ROOT_CRL));
	DS_TRY(ds_check_crl(j, ds_buf_span(&d->col.pck_crl), p->pck[1].x, &p->pck_crl, DS_PCK_CRL));
	if (!p->revocation_ok)
		DS_TRY(prove_revocation(j));
	j->v->revocation_checked = true;
	ds_verdict_pass(j->v, "revocation", "PCK CA is not in the root CRL");
	ds_verdict_pass(j->v, "revocation", "PCK is not in the PCK CRL");
	return 0;
}

/* The prepared key if it is the one the platform had before; a QE keeps its key for long. */
static int verify_with_attest_key(struct ds_judge *j)
{
	struct ds_platform *p = j->plat;
	struct ds_p256_pub *key;
	int r;

	if (p->attest_key && ds_span_eq(j->q.attest_key, DS_SPAN_ARRAY(p->attest_xy)))
		return ds_p256_pub_verify_raw(p->attest_key, j->q.signed_part, j->q.signature.p);
	DS_TRY(ds_p256_pub_new(j->q.attest_key.p, &key));
	r = ds_p256_pub_verify_raw(key, j->q.signed_part, j->q.signature.p);
	if (p->shared || p->attest_key) {
		ds_p256_pub_free(key);
	} else {
		memcpy(p->attest_xy, j->q.attest_key.p, sizeof(p->attest_xy));
		p->attest_key = key;
	}
	return r;
}

/* S1; the attestation key has been bound to the QE report by now. */
static int check_quote_signature(struct ds_judge *j)
{
	int r = verify_with_attest_key(j);

	if (r == -EKEYREJECTED || r == -EBADMSG)
		return ds_verdict_fail(j->v, DS_REASON_QUOTE_SIGNATURE,
				       "quote is not signed by its attestation key");
	if (r)
		return r;
	ds_verdict_pass(j->v, "signature", "quote is signed by the attestation key");
	return 0;
}

static int judge(struct ds_judge *j, struct ds_span collateral)
{
	DS_TRY(ds_check_pck_chain(j));
	DS_TRY(check_collateral(j, collateral));
	DS_TRY(check_revocation(j));
	DS_TRY(ds_check_pck_ext(j));
	DS_TRY(ds_check_tcb_info(j));
	DS_TRY(ds_check_qe_identity(j));
	DS_TRY(ds_check_platform_match(j));
	DS_TRY(ds_check_qe(j));
	DS_TRY(check_quote_signature(j));
	DS_TRY(ds_check_tcb(j));
	return ds_check_td(j);
}

static int load_docs(struct ds_judge *j, struct ds_span collateral,
		     const struct ds_verify_opts *opts, struct ds_attest_cache *cache)
{
	int r;

	DS_TRY(ds_docs_get(cache, opts->root_ca, collateral, &j->docs));
	if (!opts->root_ca.n || j->docs->root_der.n)
		return 0;
	r = ds_root_load(opts->root_ca, &j->docs->root_der);
	if (r == -EBADMSG)
		r = ds_verdict_fail(j->v, DS_REASON_ROOT_UNTRUSTED,
				    "the root CA given is not one certificate in PEM or DER");
	return r;
}

/* What was proven quickly leaves nothing for OpenSSL to read: who needs that starts from bytes. */
static int prepare(struct ds_judge *j, struct ds_span collateral, const struct ds_verify_opts *opts)
{
	if (j->plat->chain_ok || ds_prove_quickly(j, collateral) || !j->docs->shared ||
	    j->docs->root_crl.x)
		return 0;
	ds_docs_put(j->docs);
	j->docs = NULL;
	return load_docs(j, collateral, opts, NULL);
}

/* The chain is looked up by the text that the parser found, so parsing comes first. */
static int judge_parsed(struct ds_judge *j, struct ds_span collateral,
			const struct ds_verify_opts *opts)
{
	int r;

	DS_TRY(ds_platform_get(opts->cache, j->docs, j->q.cert_data, &j->plat));
	r = prepare(j, collateral, opts);
	if (!r)
		r = judge(j, collateral);
	if (r >= 0)
		ds_cache_keep(opts->cache, opts->root_ca, collateral, j->docs, j->q.cert_data,
			      j->plat);
	ds_platform_put(j->plat);
	return r;
}

int ds_judge_quote(struct ds_span quote, struct ds_span collateral,
		   const struct ds_verify_opts *opts, struct ds_verdict *v)
{
	struct ds_judge j = {
		.policy = opts->policy ? opts->policy : &ds_tcb_policy_default,
		.time = opts->time,
		.v = v,
	};
	int r;

	ds_verdict_init(v);
	v->time = opts->time;
	v->custom_root = opts->root_ca.n > 0;
	r = load_docs(&j, collateral, opts, opts->cache);
	if (!r)
		r = check_parse(&j, quote);
	if (!r)
		r = judge_parsed(&j, collateral, opts);
	ds_docs_put(j.docs);
	(void)ds_ossl_err(NULL, 0, "attest", "");
	return r;
}

int ds_attest_quote(struct ds_span quote, struct ds_span collateral_json,
		    const struct ds_verify_opts *opts, struct ds_verdict *ret)
{
	int r = ds_judge_quote(quote, collateral_json, opts, ret);

	if (r < 0)
		return r;
	if (!r)
		ds_verdict_accept(ret);
	return 0;
}
