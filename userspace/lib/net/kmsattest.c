// SPDX-License-Identifier: Apache-2.0
/* Is the KMS what the app's compose file says it has to be? Judged inside the TLS handshake. */
#include <ds/attest/certevidence.h>
#include <ds/attest/verify.h>
#include <ds/base/text.h>
#include <ds/net/kms.h>
#include <ds/x509/cert.h>

/* The host brings the collateral: a list that it leaves out must not be a way around it. */
static struct ds_tcb_policy policy(void)
{
	struct ds_tcb_policy p = ds_tcb_policy_default;

	p.snp.require_crl = true;
	return p;
}

static int refused(const struct ds_verdict *v, struct ds_err *err)
{
	return ds_err_set(err, -EPERM, "kms", 0, "server not attested: %s: %s",
			  ds_reason_name(v->reason), v->detail);
}

/* What was found is shown whole: it is what goes into the list if it is right. */
static int check_mr(const struct ds_kms_wanted *w, const struct ds_identity *id, struct ds_err *err)
{
	char want[17] = "", got[65];

	for (size_t i = 0; i < w->n; i++)
		if (ds_ct_equal(w->mr_aggregated[i], id->mr_aggregated, 32))
			return 0;
	if (w->n)
		ds_hex_encode(w->mr_aggregated[0], 8, want);
	return ds_err_set(err, -EPERM, "kms", 0,
			  "server not attested: mr_aggregated: %s... expected (1 of %zu), found %s",
			  want, w->n, ds_hex_encode(id->mr_aggregated, 32, got));
}

static int judge(const struct ds_kms_wanted *w, const struct ds_cert_info *leaf,
		 struct ds_verdict *v, struct ds_err *err)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
	const struct ds_tcb_policy tcb = policy();
	const struct ds_verify_opts opts = { .root_ca = w->quote_root,
					     .time = w->time,
					     .policy = &tcb };
	uint8_t expect[64];
	int r;

	ds_verdict_init(v);
	r = ds_attest_from_cert(leaf, &att, v);
	if (r)
		return r < 0 ? r : refused(v, err);
	DS_TRY(ds_ratls_report_data(ds_buf_span(&leaf->spki), expect));
	DS_TRY(ds_attest_evidence(&att, expect, w->collateral, &opts, v, &id));
	if (!v->accepted)
		return refused(v, err);
	if (v->emulated && !w->allow_emulated)
		return ds_err_set(err, -EPERM, "kms", 0,
				  "server not attested: emulated: a trust domain expected, found "
				  "an emulated one (allow_emulated is false)");
	return check_mr(w, &id, err);
}

int ds_kms_check_attested(void *arg, struct ds_span leaf, const struct ds_span *chain,
			  size_t n_chain, struct ds_err *err)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	DS_FREE struct ds_verdict *v = calloc(1, sizeof(*v));
	struct ds_kms_wanted *w = arg;
	int r;

	if (!v)
		return -ENOMEM;
	DS_TRY(ds_kms_check_rpc(NULL, leaf, chain, n_chain, err));
	DS_TRY(ds_cert_parse(leaf, &info, err));
	w->why = DS_ERR_NULL;
	r = judge(w, &info, v, &w->why);
	if (r && err)
		*err = w->why;
	return r;
}
