// SPDX-License-Identifier: Apache-2.0
/* A certificate from the KMS (spec/guest-api 6.2): fresh key, quote for it, signed request, checked
 * chain. */
#include <ds/x509/cert.h>
#include <time.h>

#include "agent.h"

struct issue {
	struct agent *a;
	struct cert_wish wish;
	struct ds_p256 *key;
	uint8_t spki[DS_P256_SPKI_SIZE];
	uint8_t report_data[64];
	struct ds_buf body;
	issue_fn cb;
	void *arg;
};

void cert_wish_done(struct cert_wish *w)
{
	for (size_t i = 0; i < w->n_alt_names; i++)
		free(w->alt_names[i]);
	free(w->alt_names);
	free(w->subject);
	*w = (struct cert_wish){ 0 };
}

static void issue_free(struct issue *is)
{
	cert_wish_done(&is->wish);
	ds_p256_free(is->key);
	ds_buf_done(&is->body);
	free(is);
}

static void finish(struct issue *is, int r, struct ds_kms_chain *chain, const struct ds_err *err)
{
	is->cb(is->arg, r, &is->key, chain, err);
	issue_free(is);
}

static void on_reply(void *arg, int r, int status, struct ds_span body, const struct ds_err *err)
{
	DS_KMS_CHAIN struct ds_kms_chain chain = { .n = 0 };
	struct ds_err e = err ? *err : DS_ERR_NULL;
	struct issue *is = arg;
	char why[120];

	if (!r && status != 200)
		r = ds_err_set(&e, -EPERM, "kms", 0, "SignCert refused: %s",
			       ds_kms_error(status, body, why, sizeof(why)));
	if (!r)
		r = ds_kms_chain_parse(body, ds_buf_span(&is->a->cfg.pin), DS_SPAN_ARRAY(is->spki),
				       time(NULL), &chain, &e);
	if (r)
		kms_session_drop(is->a);
	finish(is, r, &chain, &e);
}

static void on_session(void *arg, int r, const struct ds_client_cfg *cfg, const struct ds_err *err)
{
	DS_BUF struct ds_buf url = DS_BUF_NULL;
	struct ds_err e = err ? *err : DS_ERR_NULL;
	struct issue *is = arg;
	struct ds_call *call;

	if (!r)
		r = ds_kms_url(is->a->cfg.kms_url, "SignCert", &url);
	if (!r)
		r = ds_call_start(is->a->base, cfg, ds_buf_cstr(&url), ds_buf_span(&is->body),
				  on_reply, is, &call, &e);
	if (r)
		finish(is, r, NULL, &e);
}

/* The wish as a request; evidence is moved in. */
static int make_request(struct issue *is, struct ds_attestation *take_att)
{
	DS_CSR struct ds_csr csr = DS_CSR_NULL;
	struct cert_wish *w = &is->wish;

	csr.att = *take_att;
	*take_att = DS_ATTESTATION_NULL;
	DS_TRY(ds_buf_add(&csr.spki, is->spki, sizeof(is->spki)));
	csr.subject = w->subject;
	csr.alt_names = w->alt_names;
	csr.n_alt_names = w->n_alt_names;
	w->subject = NULL;
	w->alt_names = NULL;
	w->n_alt_names = 0;
	csr.server_auth = w->server_auth;
	csr.client_auth = w->client_auth;
	csr.ext_quote = w->ra_tls;
	csr.ext_app_info = w->app_info;
	csr.has_not_before = w->has_not_before;
	csr.has_not_after = w->has_not_after;
	csr.not_before = w->not_before;
	csr.not_after = w->not_after;
	return ds_kms_sign_cert_request(&csr, is->key, ds_buf_cstr(&is->a->cfg.vm_config),
					&is->body);
}

static void on_quote(void *arg, int r, struct ds_buf *quote, struct ds_eventlog *log,
		     const struct ds_err *err)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	struct ds_err e = err ? *err : DS_ERR_NULL;
	struct issue *is = arg;

	if (!r)
		r = ds_kernel_attestation(quote, log, is->report_data,
					  ds_buf_span(&is->a->cfg.vm_config), &att);
	if (!r)
		r = make_request(is, &att);
	if (!r)
		r = kms_session_get(is->a, on_session, is, &e);
	if (r)
		finish(is, r, NULL, &e);
}

static int start(struct issue *is, struct ds_err *err)
{
	if (!*is->a->cfg.kms_url)
		return ds_err_set(err, -EOPNOTSUPP, "kms", 0,
				  "this app has no KMS (key_provider none)");
	DS_TRY(ds_p256_generate(&is->key));
	DS_TRY(ds_p256_spki(is->key, is->spki));
	DS_TRY(ds_ratls_report_data(DS_SPAN_ARRAY(is->spki), is->report_data));
	return evidence_start(is->a, is->report_data, on_quote, is, err);
}

int issue_start(struct agent *a, struct cert_wish *take_wish, issue_fn cb, void *arg,
		struct ds_err *err)
{
	struct issue *is = calloc(1, sizeof(*is));
	int r;

	if (!is) {
		cert_wish_done(take_wish);
		return -ENOMEM;
	}
	*is = (struct issue){ .a = a, .wish = *take_wish, .cb = cb, .arg = arg };
	*take_wish = (struct cert_wish){ 0 };
	r = start(is, err);
	if (r)
		issue_free(is);
	return r;
}
