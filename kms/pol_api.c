// SPDX-License-Identifier: Apache-2.0
/* The authorization API of spec/kms 4.5, with the block that an answer is of. */
#include "pol.h"

#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/net/prpc.h>

struct call {
	struct pol *p;
	struct ds_req *req;
	struct pol_boot boot;
};

static void reply(struct ds_req *req, int status, json_t *json)
{
	if (json)
		ds_req_reply_json(req, status, json);
	else
		ds_req_reply(req, 500, "text/plain", DS_SPAN_LIT("out of memory"));
	json_decref(json);
}

static void refuse(struct ds_req *req, int status, const char *reason)
{
	reply(req, status,
	      json_pack("{s:b,s:s,s:s}", "isAllowed", 0, "gatewayAppId", "", "reason", reason));
}

/* Closed: what is not known is refused, and not with status 2xx. */
static void unavailable(struct ds_req *req, int r, const struct ds_err *err)
{
	ds_log(DS_LOG_WARN, "event=unavailable error=\"%s\"",
	       err && err->code ? err->msg : strerror(-r));
	refuse(req, 503, "authorization backend unavailable");
}

/* What every answer says of where it comes from. */
static int add_head(const struct pol *p, const struct pol_head *head, json_t *o)
{
	char address[43] = "0x", hash[67] = "0x";

	ds_hex_encode(p->conf->contract, 20, address + 2);
	ds_hex_encode(head->block.hash, 32, hash + 2);
	return json_object_set_new(o, "chainId", json_integer((json_int_t)p->conf->chain_id)) ||
	       json_object_set_new(o, "kmsContractAddr", json_string(address)) ||
	       json_object_set_new(o, "blockNumber", json_integer((json_int_t)head->block.number)) ||
	       json_object_set_new(o, "blockHash", json_string(hash));
}

static void on_ruling(void *arg, int r, const struct pol_ruling *ruling, const struct ds_err *err)
{
	struct call *c = arg;
	json_t *o;

	if (r) {
		unavailable(c->req, r, err);
	} else {
		o = json_pack("{s:b,s:s,s:s}", "isAllowed", ruling->allowed, "gatewayAppId",
			      ruling->head.gateway_app_id, "reason", ruling->reason);
		if (add_head(c->p, &ruling->head, o)) {
			json_decref(o);
			o = NULL;
		}
		reply(c->req, 200, o);
	}
	pol_boot_done(&c->boot);
	free(c);
}

static void on_info(void *arg, int r, const struct pol_head *head, const struct ds_err *err)
{
	char address[43] = "0x", history[67] = "0x";
	struct call *c = arg;
	json_t *o;

	if (r) {
		unavailable(c->req, r, err);
		free(c);
		return;
	}
	ds_hex_encode(head->app_implementation, 20, address + 2);
	ds_hex_encode(head->history, 32, history + 2);
	o = json_pack("{s:s,s:s,s:s,s:s,s:I}", "status", "ok", "gatewayAppId", head->gateway_app_id,
		      "appImplementation", address, "historyHead", history, "blockTime",
		      (json_int_t)head->block.time);
	if (add_head(c->p, head, o)) {
		json_decref(o);
		o = NULL;
	}
	reply(c->req, 200, o);
	free(c);
}

static struct call *new_call(struct pol *p, struct ds_req *req)
{
	struct call *c = calloc(1, sizeof(*c));

	if (c) {
		c->p = p;
		c->req = req;
	} else {
		refuse(req, 503, "authorization backend unavailable");
	}
	return c;
}

static void boot_auth(struct pol *p, struct ds_req *req, bool kms)
{
	struct call *c = new_call(p, req);
	struct ds_err err = DS_ERR_NULL;

	if (!c)
		return;
	if (pol_boot_parse(req->body, &c->boot, &err)) {
		ds_log(DS_LOG_WARN, "event=bad-request error=\"%s\"", err.msg);
		refuse(req, 400, "invalid authorization request");
		free(c);
		return;
	}
	pol_ask(p, kms, &c->boot, on_ruling, c);
}

static void on_app(void *ctx, struct ds_req *req)
{
	boot_auth(ctx, req, false);
}

static void on_kms(void *ctx, struct ds_req *req)
{
	boot_auth(ctx, req, true);
}

static void on_root(void *ctx, struct ds_req *req)
{
	struct call *c = new_call(ctx, req);

	if (c)
		pol_head_get(c->p, on_info, c);
}

int pol_api_mount(struct pol *p)
{
	DS_TRY(ds_server_route(p->srv, "POST", "/bootAuth/app", on_app, p));
	DS_TRY(ds_server_route(p->srv, "POST", "/bootAuth/kms", on_kms, p));
	return ds_server_route(p->srv, "GET", "/", on_root, p);
}
