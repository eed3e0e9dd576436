// SPDX-License-Identifier: Apache-2.0
/*
 * GetKmsItem, ours: what only the KMS can tell, asked for by dstack-request-key on behalf of the
 * kernel. The status says what went wrong, because its caller makes an error number of it.
 */
#include <ds/base/text.h>

#include "agent.h"

struct item_call {
	struct agent *a;
	struct ds_req *req;
	enum ds_kms_item item;
};

static int status_of(int r)
{
	static const struct {
		int r, status;
	} rows[] = {
		{ -ENOENT, 400 },     /* no such name */
		{ -EPERM, 403 },      /* refused, or not the KMS that was pinned */
		{ -EOPNOTSUPP, 404 }, /* this app has no KMS */
		{ -EBADMSG, 500 },    /* an answer that makes no sense */
		{ -ETIMEDOUT, 504 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++)
		if (rows[i].r == r)
			return rows[i].status;
	return 502;
}

static void fail(struct ds_req *req, int r, const struct ds_err *err)
{
	ds_req_fail(req, status_of(r), "%s", err && err->msg[0] ? err->msg : strerror(-r));
}

static void reply(struct ds_req *req, struct ds_span value)
{
	DS_BUF struct ds_buf hex = DS_BUF_NULL;
	DS_JSON json_t *o = NULL;

	if (!ds_buf_add_hex(&hex, value) && ds_buf_cstr(&hex))
		o = json_pack("{s:s}", "value", ds_buf_cstr(&hex));
	if (o)
		ds_req_reply_json(req, 200, o);
	else
		fail(req, -ENOMEM, NULL);
}

static void on_issued(void *arg, int r, struct ds_p256 **key, struct ds_kms_chain *chain,
		      const struct ds_err *err)
{
	struct item_call *ic = arg;

	if (!r && chain->pem[1].n > DS_KMS_ITEM_MAX)
		r = -EBADMSG;
	if (r)
		fail(ic->req, r, err);
	else
		reply(ic->req,
		      ds_buf_span(
			      &chain->pem[1])); /* who signed the leaf: a checked chain has two */
	free(ic);
}

static void on_reply(void *arg, int r, int status, struct ds_span body, const struct ds_err *err)
{
	DS_BUF struct ds_buf value = DS_BUF_NULL;
	struct ds_err e = err ? *err : DS_ERR_NULL;
	struct item_call *ic = arg;
	char why[120];

	if (!r && status != 200)
		r = ds_err_set(&e, -EPERM, "kms", 0, "%s refused: %s", ds_kms_item_method(ic->item),
			       ds_kms_error(status, body, why, sizeof(why)));
	if (!r)
		r = ds_kms_item_parse(ic->item, body, ds_buf_span(&ic->a->cfg.pin), &value, &e);
	if (r)
		fail(ic->req, r, &e);
	else
		reply(ic->req, ds_buf_span(&value));
	free(ic);
}

/* These are public: the KMS must prove who it is, we need not. */
static int call_kms(struct item_call *ic, struct ds_err *err)
{
	DS_BUF struct ds_buf url = DS_BUF_NULL, body = DS_BUF_NULL;
	struct agent *a = ic->a;
	struct ds_client_cfg cfg = { .roots_pem = ds_buf_span(&a->cfg.kms_root_pem),
				     .check = ds_kms_check_rpc,
				     .nameserver = a->cfg.nameserver };
	struct ds_call *call;

	DS_TRY(ds_kms_url(a->cfg.kms_url, ds_kms_item_method(ic->item), &url));
	DS_TRY(ds_kms_item_request(ic->item, a->cfg.app_id, &body));
	return ds_call_start(a->base, &cfg, ds_buf_cstr(&url), ds_buf_span(&body), on_reply, ic,
			     &call, err);
}

static int start(struct item_call *ic, struct ds_err *err)
{
	struct cert_wish w = { .subject = NULL };

	if (!*ic->a->cfg.kms_url)
		return ds_err_set(err, -EOPNOTSUPP, "kms", 0,
				  "this app has no KMS (key_provider none)");
	if (ds_kms_item_method(ic->item))
		return call_kms(ic, err);
	w.subject = strdup("app-ca");
	return w.subject ? issue_start(ic->a, &w, on_issued, ic, err) : -ENOMEM;
}

void rpc_get_kms_item(void *ctx, struct ds_req *req, json_t *args)
{
	struct item_call *ic = calloc(1, sizeof(*ic));
	struct ds_err err = DS_ERR_NULL;
	const char *name = NULL;
	int r = ic ? ds_json_str(args, "name", 64, &name, &err) : -ENOMEM;

	if (!r) {
		*ic = (struct item_call){ .a = ctx, .req = req };
		r = ds_kms_item_find(name ? name : "", &ic->item);
		if (r)
			ds_err_set(&err, r, "name", 0,
				   "name: root-ca, app-ca, k256-pub or env-pub expected");
	}
	if (!r)
		r = start(ic, &err);
	if (r) {
		free(ic);
		fail(req, r, &err);
	}
}
