// SPDX-License-Identifier: Apache-2.0
/*
 * RegisterCvm, Info and /health: spec/gateway 2.1 to 2.3. Checks stand in the order of 2.2, each
 * with its text.
 */
#include <time.h>

#include <ds/base/log.h>
#include <ds/base/text.h>

#include "ctl.h"
#include "request.h"

#define DOM	       "register"
#define LOG_PER_SECOND 20u
#define AGENT_PORT     8090 /* spec/gateway 2.2 */
#define ADDRESS_PREFIX "_dstack-app-address"

static int refuse(struct ds_err *err, const char *text)
{
	return ds_err_set(err, -EPERM, DOM, 0, "%s", text);
}

static int check_request(struct ctl *c, const json_t *args, struct ds_gw_request *q,
			 struct ds_err *err)
{
	DS_TRY(ctl_request_policy(args, q, err));
	if (c->live.down)
		return refuse(err, "this gateway node is marked as down");
	if (!q->has_instance)
		return refuse(err, "instance id is empty");
	return ctl_request_key(args, c->wg ? c->wg_public : NULL, q, err);
}

static int admit(struct ctl *c, const struct ds_gw_request *q, struct ds_gw_record **ret,
		 struct ds_err *err)
{
	uint8_t old_key[DS_WG_KEY_LEN];
	bool changed = false, was_ready;
	int r = ds_store_register(c->store, q, time(NULL), ret, old_key, &changed);

	switch (r) {
	case 0:
		break;
	case DS_STORE_E_OTHER_INSTANCE:
		return refuse(err, "client public key is already registered to another instance");
	case DS_STORE_E_OTHER_APP:
		return refuse(err, "instance is already registered to a different app");
	case DS_STORE_E_POOL:
		return refuse(err, "IP pool exhausted");
	default:
		ds_log(DS_LOG_ERR, "event=register error=\"state: %s\"", strerror(-r));
		return ds_err_set(err, r, DOM, 0, "the registration could not be stored");
	}
	was_ready = (*ret)->wg_ready;
	r = ctl_wg_set(c, *ret, old_key);
	if (r) {
		ds_log(DS_LOG_ERR, "event=register error=\"wireguard: %s\"", strerror(-r));
		return ds_err_set(err, r, DOM, 0, "the tunnel could not be configured");
	}
	if (changed || !was_ready)
		ctl_push_record(c, *ret);
	return 0;
}

static json_t *server_list(struct ctl *c, const char *url_ip)
{
	char key[DS_B64_SIZE(DS_WG_KEY_LEN)], endpoint[DS_IP4N_TEXT];

	if (!c->wg)
		return json_array();
	ds_b64_encode(c->wg_public, DS_WG_KEY_LEN, key);
	return json_pack("[{s:s,s:s,s:s}]", "pk", key, "ip", url_ip, "endpoint",
			 ds_ip4_endpoint_format(&c->conf->wg_endpoint, endpoint));
}

static json_t *gateway_list(struct ctl *c, const char *ip)
{
	char key[DS_B64_SIZE(DS_WG_KEY_LEN)], endpoint[DS_IP4N_TEXT], uuid[33],
		url[DS_HOST_MAX + 32];

	if (!c->wg)
		return json_array();
	ds_b64_encode(c->wg_public, DS_WG_KEY_LEN, key);
	ds_hex_encode(c->wg_public, 16, uuid); /* one node: its key is who it is */
	snprintf(url, sizeof(url), "https://%s:%u",
		 c->conf->rpc_domain[0] ? c->conf->rpc_domain : c->conf->rpc_addr,
		 c->conf->rpc_port);
	return json_pack("[{s:i,s:s,s:s,s:I,s:s,s:s,s:s}]", "id", 1, "uuid", uuid, "url", url,
			 "last_seen", (json_int_t)time(NULL), "wg_public_key", key, "wg_ip", ip,
			 "wg_endpoint", ds_ip4_endpoint_format(&c->conf->wg_endpoint, endpoint));
}

static void reply(struct ctl *c, struct ds_req *req, const struct ds_gw_record *rec)
{
	char client_ip[DS_IP4_TEXT], ip[DS_IP4N_TEXT];
	DS_JSON json_t *o = NULL;

	ds_ip4net_format(c->conf->wg_ip, ip);
	o = json_pack("{s:{s:s,s:o},s:{s:i,s:i,s:s,s:s},s:o}", "wg", "client_ip",
		      ds_ip4_format(rec->in.ip, client_ip), "servers", server_list(c, ip), "agent",
		      "external_port", (int)c->conf->external_port, "internal_port", AGENT_PORT,
		      "domain", c->conf->base_domain, "app_address_ns_prefix", ADDRESS_PREFIX,
		      "gateways", gateway_list(c, ip));
	if (o)
		ds_req_reply_json(req, 200, o);
	else
		ds_req_fail(req, 500, "out of memory");
}

static void register_cvm(void *ctx, struct ds_req *req, json_t *args)
{
	struct ctl *c = ctx;
	struct ds_err err = DS_ERR_NULL;
	struct ds_gw_request q = { 0 };
	struct ds_gw_record *rec = NULL;
	char app[2 * DS_GW_ID_LEN + 1], instance[2 * DS_GW_ID_LEN + 1], ip[DS_IP4_TEXT];
	int r = ctl_identify(c, req->peer_cert, &q, &err);

	if (!r)
		r = check_request(c, args, &q, &err);
	if (!r)
		r = admit(c, &q, &rec, &err);
	ds_hex_encode(q.app_id, DS_GW_ID_LEN, app);
	ds_hex_encode(q.instance_id, DS_GW_ID_LEN, instance);
	if (r) {
		if (ds_gw_may_log(&c->refusals, (uint64_t)time(NULL), LOG_PER_SECOND))
			ds_log(DS_LOG_NOTICE,
			       "event=register result=refused peer=%s app=%s instance=%s "
			       "reason=\"%s\"",
			       req->peer, app, instance, err.code ? err.msg : strerror(-r));
		ds_req_fail(req, 400, "%s", err.code ? err.msg : "internal error");
		return;
	}
	ds_log(DS_LOG_INFO, "event=register result=ok peer=%s app=%s instance=%s ip=%s", req->peer,
	       app, instance, ds_ip4_format(rec->in.ip, ip));
	reply(c, req, rec);
}

static void info(void *ctx, struct ds_req *req, json_t *args)
{
	struct ctl *c = ctx;
	DS_JSON json_t *o = json_pack("{s:s,s:i,s:s,s:s}", "base_domain", c->conf->base_domain,
				      "external_port", (int)c->conf->external_port,
				      "app_address_ns_prefix", ADDRESS_PREFIX, "version",
				      DS_VERSION);

	if (o)
		ds_req_reply_json(req, 200, o);
	else
		ds_req_fail(req, 500, "out of memory");
}

void ctl_health(void *ctx, struct ds_req *req)
{
	ds_req_reply(req, 200, "text/plain", DS_SPAN_LIT("OK"));
}

const struct ds_prpc_method ctl_methods[] = {
	{ .name = "RegisterCvm", .fn = register_cvm },
	{ .name = "Info", .fn = info, .no_args = true },
};
const size_t ctl_n_methods = DS_ARRAY_SIZE(ctl_methods);
