// SPDX-License-Identifier: Apache-2.0
/*
 * The operator's listener: a Unix socket that only the user who started the service may open. Its
 * mode is the authentication, so there is no token that could leak (spec/kms 2.7).
 */
#include "metrics.h"
#include "net.h"
#include "proto.h"

#include <ds/base/log.h>
#include <ds/net/server.h>

#define MAX_BODY  (64u << 10)
#define MAX_CONNS 8u

void kms_on_metrics(void *ctx, struct ds_req *req)
{
	const struct kms_net *net = ctx;
	struct kms_refusal why;
	struct kms_gauges g = {
		.log_entries = kms_relog_count(net->relog),
		.log_latest = kms_relog_latest(net->relog),
		.log_unlogged = net->deny_unlogged,
		.connections = ds_server_conns(net->srv),
		.max_connections = (unsigned)net->conf->max_connections,
		.started = net->started,
		.key_epoch = KMS_EPOCH,
		.self_allowed = !kms_lease_check(net, &why),
	};
	DS_BUF struct ds_buf text = DS_BUF_NULL;

	if (kms_metrics_text(&g, &text))
		ds_req_fail(req, 503, "out of memory");
	else
		ds_req_reply(req, 200, "text/plain; version=0.0.4", ds_buf_span(&text));
}

void kms_on_health(void *ctx, struct ds_req *req)
{
	(void)ctx;
	ds_req_reply(req, 200, "text/plain", DS_SPAN_LIT("OK"));
}

/* "" none, "all", or hex. */
static int check_cache_key(const json_t *args, const char *name, struct ds_err *err)
{
	const char *s = "";

	DS_TRY(ds_json_str(args, name, 128, &s, err));
	if (strcmp(s, "all") && s[strspn(s, "0123456789abcdefABCDEF")])
		return ds_err_set(err, -EBADMSG, "admin", 0, "%s: invalid cache key", name);
	return 0;
}

/*
 * Images are lines of the policy here and nothing of them is fetched or kept: after this call none
 * is cached, as before it.
 */
static void clear_image_cache(void *ctx, struct ds_req *req, json_t *args)
{
	struct ds_err err = DS_ERR_NULL;

	(void)ctx;
	if (check_cache_key(args, "image_hash", &err) || check_cache_key(args, "config_hash", &err)) {
		ds_req_fail(req, 400, "%s", err.msg);
		return;
	}
	ds_log(DS_LOG_NOTICE, "event=admin op=ClearImageCache note=\"there is no image cache\"");
	ds_req_reply_json(req, 200, NULL);
}

static const struct ds_prpc_method methods[] = {
	{ "ClearImageCache", clear_image_cache, false },
};
static const struct ds_pb_field clear_request[] = {
	{ "image_hash", 1, DS_PB_STR, 0, NULL },
	{ "config_hash", 2, DS_PB_STR, 0, NULL },
	{ 0 },
};
static const struct ds_pb_field clear_reply[] = { { 0 } };
static const struct ds_prpc_messages messages[] = {
	{ "ClearImageCache", clear_request, clear_reply },
};
static const struct ds_prpc_service service = {
	.name = "Admin",
	.paths = DS_PRPC_PREFIX,
	.methods = methods,
	.n_methods = DS_ARRAY_SIZE(methods),
	.messages = messages,
	.n_messages = DS_ARRAY_SIZE(messages),
};

int kms_admin_start(struct kms_net *net, struct ds_server **ret, struct ds_err *err)
{
	struct ds_server_cfg cfg = {
		.unix_path = net->conf->admin_socket,
		.unix_mode = 0600,
		.max_body = MAX_BODY,
		.max_conns = MAX_CONNS,
		.request_ms = (unsigned)net->conf->request_seconds * 1000,
	};

	if (!net->conf->admin_socket)
		return 0;
	DS_TRY(ds_server_new(net->base, &cfg, ret, err));
	DS_TRY(ds_server_route(*ret, "GET", "/health", kms_on_health, NULL));
	DS_TRY(ds_server_route(*ret, "GET", "/metrics", kms_on_metrics, net));
	return ds_prpc_mount(*ret, &service);
}
