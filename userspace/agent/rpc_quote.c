// SPDX-License-Identifier: Apache-2.0
/* GetQuote, Attest and EmitEvent (spec/guest-api 2.1, 2.4, 7). */
#include <ds/attest/eventlog.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>

#include "agent.h"

struct quote_req {
	struct agent *a;
	struct ds_req *req;
	uint8_t report_data[64];
	bool attest;
};

static int add_hex(json_t *o, const char *key, struct ds_span s)
{
	DS_BUF struct ds_buf hex = DS_BUF_NULL;

	DS_TRY(ds_buf_add_hex(&hex, s));
	if (!ds_buf_cstr(&hex) || json_object_set_new(o, key, json_string(ds_buf_cstr(&hex))))
		return -ENOMEM;
	return 0;
}

static int fill_quote(struct quote_req *q, json_t *o, struct ds_buf *quote, struct ds_eventlog *log)
{
	DS_BUF struct ds_buf json = DS_BUF_NULL;

	DS_TRY(ds_eventlog_to_json(log, &json));
	DS_TRY(add_hex(o, "quote", ds_buf_span(quote)));
	if (!ds_buf_cstr(&json) ||
	    json_object_set_new(o, "event_log", json_string(ds_buf_cstr(&json))))
		return -ENOMEM;
	DS_TRY(add_hex(o, "report_data", DS_SPAN_ARRAY(q->report_data)));
	return json_object_set_new(o, "vm_config", json_string(ds_buf_cstr(&q->a->cfg.vm_config)))
		       ? -ENOMEM
		       : 0;
}

static int fill_attest(struct quote_req *q, json_t *o, struct ds_buf *quote,
		       struct ds_eventlog *log)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf blob = DS_BUF_NULL;

	DS_TRY(ds_kernel_attestation(quote, log, q->report_data, ds_buf_span(&q->a->cfg.vm_config),
				     &att));
	DS_TRY(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &blob));
	return add_hex(o, "attestation", ds_buf_span(&blob));
}

static void on_quote(void *arg, int r, struct ds_buf *quote, struct ds_eventlog *log,
		     const struct ds_err *err)
{
	struct quote_req *q = arg;
	DS_JSON json_t *o = json_object();

	if (!r)
		r = !o		? -ENOMEM
		    : q->attest ? fill_attest(q, o, quote, log)
				: fill_quote(q, o, quote, log);
	if (r)
		ds_req_fail(q->req, 400, "quote: %s", err && err->msg[0] ? err->msg : strerror(-r));
	else
		ds_req_reply_json(q->req, 200, o);
	free(q);
}

static void start(struct agent *a, struct ds_req *req, json_t *args, bool attest)
{
	DS_BUF struct ds_buf data = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct quote_req *q;
	int r = ds_json_hex(args, "report_data", DS_MAX_RPC_BODY, &data, &err);

	if (r || data.n > 64) {
		ds_req_fail(req, 400, "%s", r ? err.msg : "Report data is too long");
		return;
	}
	q = calloc(1, sizeof(*q));
	if (!q) {
		ds_req_fail(req, 400, "not enough memory");
		return;
	}
	*q = (struct quote_req){ .a = a, .req = req, .attest = attest };
	if (data.n)
		memcpy(q->report_data, data.p, data.n);
	r = evidence_start(a, q->report_data, on_quote, q, &err);
	if (r) {
		ds_req_fail(req, 400, "quote: %s", err.msg[0] ? err.msg : strerror(-r));
		free(q);
	}
}

void rpc_get_quote(void *ctx, struct ds_req *req, json_t *args)
{
	start(ctx, req, args, false);
}

void rpc_attest(void *ctx, struct ds_req *req, json_t *args)
{
	start(ctx, req, args, true);
}

/*
 * One event is one write to the kernel, which answers when it is measured and logged; the reply
 * follows that answer, so what was acknowledged is in the log whatever happens to this process.
 * With "once" (ours, not in the baseline) an event that is in the log already counts as done: a
 * caller that saw no answer may ask again.
 */
void rpc_emit_event(void *ctx, struct ds_req *req, json_t *args)
{
	DS_BUF struct ds_buf payload = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	const char *name = NULL;
	bool once = false;
	int r;

	r = ds_json_str(args, "event", DS_MAX_EVENT_NAME, &name, &err);
	if (!r)
		r = ds_json_hex(args, "payload", DS_MAX_EVENT_DATA, &payload, &err);
	if (!r)
		r = ds_json_bool(args, "once", &once, &err);
	if (!r && (!name || !*name))
		r = ds_err_set(&err, -EBADMSG, "event", 0, "event: a name expected");
	if (!r) {
		r = ds_kernel_event(NULL, name, ds_buf_span(&payload), once);
		if (r)
			ds_err_set(&err, r, "event", 0, "event: %s",
				   r == -EPERM ? "this name belongs to the boot" : strerror(-r));
	}
	if (r)
		ds_req_fail(req, 400, "%s", err.msg);
	else
		ds_req_reply_json(req, 200, NULL);
}
