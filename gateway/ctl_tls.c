// SPDX-License-Identifier: Apache-2.0
/*
 * The RPC server's certificate: from files, or from the agent (GetTlsKey with usage_ra_tls,
 * spec/gateway 2.2), renewed at half of its life. The KMS root that clients must chain to is a
 * file, or the end of the agent's chain.
 */
#include <event2/event.h>
#include <time.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/log.h>
#include <ds/x509/cert.h>

#include "ctl.h"

#define DOM	      "tls"
#define FIRST_RETRY_S 1 /* nobody is served yet: the agent may just be starting */
#define RETRY_S	      30
#define RENEW_MIN     5
#define RENEW_MAX     (30 * 86400)

/* Serve with this chain and key, now or from now on. */
static int use(struct ctl *c, struct ds_span chain, const struct ds_p256 *key, struct ds_err *err)
{
	struct ds_tls_cfg tls = { .cert_pem = chain,
				  .key = key,
				  .roots_pem = ds_buf_span(&c->kms_root),
				  .peer = DS_TLS_PEER_REQUEST };
	DS_TLS_CTX struct ds_tls_ctx *ctx = NULL;
	struct ds_server_cfg cfg = { .fd = c->rpc_fd };

	DS_TRY(ds_tls_server_new(&tls, &ctx, err));
	if (c->server) {
		ds_server_set_tls(c->server, ctx);
		ds_log(DS_LOG_NOTICE, "event=renewed");
		return 0;
	}
	cfg.tls = ctx;
	DS_TRY(ds_server_new(ds_loop_base(c->loop), &cfg, &c->server, err));
	c->rpc_fd = -1;
	c->service = (struct ds_prpc_service){ .name = "Tproxy",
					       .paths = DS_PRPC_PREFIX,
					       .methods = ctl_methods,
					       .n_methods = ctl_n_methods,
					       .ctx = c };
	DS_TRY(ds_server_route(c->server, "GET", "/health", ctl_health, c));
	DS_TRY(ds_prpc_mount(c->server, &c->service));
	ds_log(DS_LOG_NOTICE, "event=ready listen=%s:%u rpc=%s:%u base_domain=%s instances=%zu",
	       c->conf->listen_addr, c->conf->listen_port, c->conf->rpc_addr, c->conf->rpc_port,
	       c->conf->base_domain, ds_store_count(c->store));
	return ds_notify("READY=1");
}

static int read_file(const char *path, struct ds_buf *ret, struct ds_err *err)
{
	int r = ds_read_file(AT_FDCWD, path, DS_MAX_CERT_PEM, ret);

	return r ? ds_err_set(err, r, DOM, 0, "%s: %s", path, strerror(-r)) : 0;
}

static int from_files(struct ctl *c, struct ds_err *err)
{
	DS_BUF struct ds_buf chain = DS_BUF_NULL;
	DS_SECRET struct ds_secret *pem = NULL;
	DS_P256 struct ds_p256 *key = NULL;
	int r;

	DS_TRY(read_file(c->conf->cert, &chain, err));
	r = ds_read_file_secret(AT_FDCWD, c->conf->key, DS_MAX_CERT_PEM, &pem);
	if (r)
		return ds_err_set(err, r, DOM, 0, "%s: %s", c->conf->key, strerror(-r));
	DS_TRY(ds_p256_from_pem(DS_SPAN(pem->p, pem->n), &key, err));
	return use(c, ds_buf_span(&chain), key, err);
}

/* Seconds until a new certificate is wanted. */
static time_t renew_after(struct ds_span chain_pem, struct ds_err *err)
{
	DS_CERT_CHAIN struct ds_cert_chain chain = DS_CERT_CHAIN_NULL;
	DS_CERT_INFO struct ds_cert_info leaf = DS_CERT_INFO_NULL;
	int64_t left;

	if (ds_cert_chain_from_pem(chain_pem, &chain, err) ||
	    ds_cert_parse(ds_buf_span(&chain.der[0]), &leaf, err))
		return RENEW_MIN;
	left = (leaf.not_after - time(NULL)) / 2;
	return left < RENEW_MIN ? RENEW_MIN : left > RENEW_MAX ? RENEW_MAX : (time_t)left;
}

/*
 * {"key":PEM,"certificate_chain":[PEM,...]}; the JSON tree is freed through the wiping allocator.
 */
static int parse_reply(struct ds_span body, struct ds_p256 **ret_key, struct ds_buf *ret_chain,
		       struct ds_buf *ret_last, struct ds_err *err)
{
	DS_JSON json_t *o = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
	json_t *list = json_object_get(o, "certificate_chain"), *item;
	const char *key = json_string_value(json_object_get(o, "key"));
	size_t i;

	if (!key || !json_array_size(list))
		return ds_err_set(err, -EBADMSG, DOM, 0,
				  "the agent's GetTlsKey reply has no key or no certificate_chain");
	json_array_foreach (list, i, item) {
		const char *pem = json_string_value(item);

		if (!pem)
			return ds_err_set(err, -EBADMSG, DOM, 0,
					  "certificate_chain has something else than text");
		DS_TRY(ds_buf_add_span(ret_chain, DS_SPAN_STR(pem)));
		ret_last->n = 0;
		DS_TRY(ds_buf_add_span(ret_last, DS_SPAN_STR(pem)));
	}
	return ds_p256_from_pem(DS_SPAN_STR(key), ret_key, err);
}

static int take_reply(struct ctl *c, struct ds_span body, time_t *ret_again, struct ds_err *err)
{
	DS_BUF struct ds_buf chain = DS_BUF_NULL, last = DS_BUF_NULL;
	DS_P256 struct ds_p256 *key = NULL;

	DS_TRY(parse_reply(body, &key, &chain, &last, err));
	if (!c->conf->kms_root) {
		ds_buf_done(&c->kms_root);
		c->kms_root = ds_buf_steal(&last);
	}
	DS_TRY(use(c, ds_buf_span(&chain), key, err));
	*ret_again = renew_after(ds_buf_span(&chain), err);
	return 0;
}

static void on_agent(void *arg, int r, int status, struct ds_span body,
		     const struct ds_err *call_err)
{
	struct ctl *c = arg;
	struct ds_err err = DS_ERR_NULL;
	int retry = c->server ? RETRY_S : FIRST_RETRY_S;
	struct timeval again = { .tv_sec = retry };
	time_t after = 0;

	c->agent_call = NULL;
	if (!r && status != 200)
		r = ds_err_set(&err, -EPROTO, DOM, 0, "the agent answered GetTlsKey with status %d",
			       status);
	else if (!r)
		r = take_reply(c, body, &after, &err);
	if (r)
		ds_log(DS_LOG_ERR, "event=certificate agent=%s error=\"%s\" retry_s=%d",
		       c->conf->agent,
		       err.code	  ? err.msg
		       : call_err ? call_err->msg
				  : strerror(-r),
		       retry);
	else
		again.tv_sec = after;
	if (event_add(c->renew, &again)) {
		ds_log(DS_LOG_ERR, "event=certificate error=\"no timer\"");
		ds_loop_stop(c->loop, 1);
	}
}

static int ask_agent(struct ctl *c, struct ds_err *err)
{
	DS_JSON json_t *o = json_pack("{s:s,s:[],s:b,s:b,s:b,s:b}", "subject", "dstack-gateway",
				      "alt_names", "usage_ra_tls", 1, "usage_server_auth", 1,
				      "usage_client_auth", 1, "with_app_info", 1);
	DS_FREE char *text = NULL, *url = NULL;
	struct ds_client_cfg cfg = { 0 };

	if (o && c->conf->rpc_domain[0])
		json_array_append_new(json_object_get(o, "alt_names"),
				      json_string(c->conf->rpc_domain));
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	if (!text || asprintf(&url, "unix:%s:/GetTlsKey", c->conf->agent) < 0) {
		url = NULL;
		return -ENOMEM;
	}
	return ds_call_start(ds_loop_base(c->loop), &cfg, url, DS_SPAN_STR(text), on_agent, c,
			     &c->agent_call, err);
}

static void on_renew(evutil_socket_t fd, short what, void *arg)
{
	struct ctl *c = arg;
	struct ds_err err = DS_ERR_NULL;
	int r = ask_agent(c, &err);

	if (r)
		on_agent(c, r, 0, DS_SPAN_NULL, &err);
}

int ctl_tls_start(struct ctl *c, struct ds_err *err)
{
	struct timeval now = { 0 };

	DS_TRY(ds_attest_cache_new(&c->attested));
	if (c->conf->kms_root)
		DS_TRY(read_file(c->conf->kms_root, &c->kms_root, err));
	if (!c->conf->agent)
		return from_files(c, err);
	c->renew = event_new(ds_loop_base(c->loop), -1, 0, on_renew, c);
	return !c->renew || event_add(c->renew, &now) ? -ENOMEM : 0;
}

void ctl_tls_stop(struct ctl *c)
{
	c->agent_call = ds_call_cancel(c->agent_call);
	if (c->renew)
		event_free(c->renew);
	c->renew = NULL;
	c->server = ds_server_free(c->server);
	c->attested = ds_attest_cache_free(c->attested);
	ds_buf_done(&c->kms_root);
}
