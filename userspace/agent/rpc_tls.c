// SPDX-License-Identifier: Apache-2.0
/* GetTlsKey (spec/guest-api 2.1, 6): a fresh key with a certificate chain from the KMS. */
#include <ds/base/log.h>

#include "agent.h"

#define MAX_NAMES 32u
#define MAX_NAME  255u

static int copy_names(const json_t *names, struct cert_wish *w)
{
	size_t n = json_array_size(names);

	if (!n)
		return 0;
	w->alt_names = calloc(n, sizeof(*w->alt_names));
	if (!w->alt_names)
		return -ENOMEM;
	for (; w->n_alt_names < n; w->n_alt_names++) {
		w->alt_names[w->n_alt_names] =
			strdup(json_string_value(json_array_get(names, w->n_alt_names)));
		if (!w->alt_names[w->n_alt_names])
			return -ENOMEM;
	}
	return 0;
}

static int parse_wish(json_t *args, struct cert_wish *w, struct ds_err *err)
{
	const json_t *names = NULL;
	const char *subject = NULL;

	DS_TRY(ds_json_str(args, "subject", MAX_NAME, &subject, err));
	DS_TRY(ds_json_strs(args, "alt_names", MAX_NAMES, &names, err));
	DS_TRY(ds_json_bool(args, "usage_ra_tls", &w->ra_tls, err));
	DS_TRY(ds_json_bool(args, "usage_server_auth", &w->server_auth, err));
	DS_TRY(ds_json_bool(args, "usage_client_auth", &w->client_auth, err));
	DS_TRY(ds_json_bool(args, "with_app_info", &w->app_info, err));
	DS_TRY(ds_json_opt_u64(args, "not_before", INT64_MAX, &w->has_not_before, &w->not_before,
			       err));
	DS_TRY(ds_json_opt_u64(args, "not_after", INT64_MAX, &w->has_not_after, &w->not_after,
			       err));
	if (w->has_not_before && w->has_not_after && w->not_before >= w->not_after)
		return ds_err_set(err, -EINVAL, "cert", 0,
				  "not_before must be earlier than not_after");
	w->subject = strdup(subject ? subject : "");
	return w->subject ? copy_names(names, w) : -ENOMEM;
}

static void on_issued(void *arg, int r, struct ds_p256 **key, struct ds_kms_chain *chain,
		      const struct ds_err *err)
{
	DS_SECRET struct ds_secret *pem = NULL;
	struct ds_req *req = arg;
	struct secret_json j;
	size_t size = 1024;

	if (!r)
		r = ds_p256_pkcs8_pem(*key, &pem);
	if (r) {
		ds_req_fail(req, 400, "certificate: %s",
			    err && err->msg[0] ? err->msg : strerror(-r));
		return;
	}
	for (size_t i = 0; i < chain->n; i++)
		size += 2 * chain->pem[i].n;
	sj_init(&j, size);
	sj_text(&j, "{\"key\":\"");
	sj_pem(&j, DS_SPAN(pem->p, pem->n));
	sj_text(&j, "\",\"certificate_chain\":[");
	for (size_t i = 0; i < chain->n; i++) {
		sj_text(&j, i ? ",\"" : "\"");
		sj_pem(&j, ds_buf_span(&chain->pem[i]));
		sj_text(&j, "\"");
	}
	sj_text(&j, "]}");
	sj_reply(&j, req);
}

void rpc_get_tls_key(void *ctx, struct ds_req *req, json_t *args)
{
	struct ds_err err = DS_ERR_NULL;
	struct cert_wish w = { 0 };
	int r = parse_wish(args, &w, &err);

	if (r)
		cert_wish_done(&w);
	else
		r = issue_start(ctx, &w, on_issued, req, &err);
	if (r)
		ds_req_fail(req, 400, "%s", err.msg[0] ? err.msg : strerror(-r));
}

static void on_app_cert(void *arg, int r, struct ds_p256 **key, struct ds_kms_chain *chain,
			const struct ds_err *err)
{
	struct agent *a = arg;

	a->app_cert_pending = false;
	for (size_t i = 0; !r && i < chain->n; i++)
		r = ds_buf_addf(&a->app_cert, "%s%.*s", i ? "\n" : "", (int)chain->pem[i].n,
				(const char *)chain->pem[i].p);
	if (r) {
		ds_buf_done(&a->app_cert);
		ds_log(DS_LOG_WARN, "what=app_cert error=\"%s\"",
		       err && err->msg[0] ? err->msg : strerror(-r));
	}
}

void app_cert_refresh(struct agent *a)
{
	struct cert_wish w = { .subject = strdup("demo-cert"),
			       .client_auth = true,
			       .ra_tls = true };
	struct ds_err err = DS_ERR_NULL;

	if (!w.subject || a->app_cert.n || a->app_cert_pending || !*a->cfg.kms_url) {
		cert_wish_done(&w);
		return;
	}
	a->app_cert_pending = !issue_start(a, &w, on_app_cert, a, &err);
	if (!a->app_cert_pending)
		ds_log(DS_LOG_WARN, "what=app_cert error=\"%s\"", err.msg);
}
