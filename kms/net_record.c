// SPDX-License-Identifier: Apache-2.0
/* What the release log says of a release or denial. */
#include "metrics.h"
#include "net.h"

#include <ds/base/log.h>
#include <ds/base/text.h>
#include <time.h>

static int set_hex(json_t *o, const char *key, const void *p, size_t n)
{
	char hex[65];

	return json_object_set_new(o, key, json_string(n <= 32 ? ds_hex_encode(p, n, hex) : ""));
}

static json_t *entry(struct ds_req *req, const char *op, const char *decision,
		     const struct kms_subject *s)
{
	json_t *o = json_pack("{s:s,s:s,s:s}", "op", op, "decision", decision, "peer", req->peer);
	const struct ds_identity *id = s ? &s->id : NULL;

	if (!o || !s || !s->proven)
		return o;
	if (set_hex(o, "app_id", id->app_id, 20) ||
	    set_hex(o, "instance_id", id->instance_id, id->instance_id_len) ||
	    set_hex(o, "compose_hash", id->compose_hash, 32) ||
	    set_hex(o, "device_id", id->device_id, 32) ||
	    set_hex(o, "mr_system", id->mr_system, 32) ||
	    set_hex(o, "mr_aggregated", id->mr_aggregated, 32) ||
	    json_object_set_new(o, "tcb_status", json_string(s->tcb_status)) ||
	    json_object_set_new(o, "emulated", json_boolean(s->emulated)) ||
	    json_object_set_new(o, "key_epoch", json_integer(s->epoch)) ||
	    (s->image[0] && json_object_set_new(o, "image", json_string(s->image))) ||
	    (s->ruling && json_object_set(o, "ruling", s->ruling))) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/* Denials that are on no line of their own are a number on the next line. */
static int add(struct kms_net *net, json_t *o, bool later)
{
	int r;

	if (net->deny_unlogged && json_object_set_new(o, "unlogged_denials_before",
						      json_integer((json_int_t)net->deny_unlogged)))
		return -ENOMEM;
	r = (later ? kms_relog_write : kms_relog_add)(net->relog, o, time(NULL));
	if (!r)
		net->deny_unlogged = 0;
	return r;
}

static int record(struct kms_net *net, struct ds_req *req, const char *op,
		  const struct kms_subject *s, json_t *detail, bool later)
{
	struct kms_refusal why;
	/* the policy may have taken its time, and our own lease may have ended meanwhile */
	bool may = s->allowed && (!net->lease || !kms_lease_check(net, &why));
	DS_JSON json_t *o = may ? entry(req, op, "release", s) : NULL;

	if (!may) {
		json_decref(detail);
		return -EPERM;
	}
	if (detail && o && json_object_update_new(o, detail))
		return -ENOMEM;
	return o ? add(net, o, later) : -ENOMEM;
}

int kms_record(struct kms_net *net, struct ds_req *req, const char *op, const struct kms_subject *s,
	       json_t *detail)
{
	DS_TRY(record(net, req, op, s, detail, false));
	kms_count(KMS_COUNT_RELEASE, op);
	return 0;
}

int kms_record_later(struct kms_net *net, struct ds_req *req, const char *op,
		     const struct kms_subject *s)
{
	return record(net, req, op, s, NULL, true);
}

static int record_denial(struct kms_net *net, struct ds_req *req, const char *op,
			 const struct kms_refusal *why, const char *detail,
			 const struct kms_subject *s)
{
	DS_JSON json_t *o = entry(req, op, "deny", s);

	if (!o || json_object_set_new(o, "reason", json_string(why->code)) ||
	    json_object_set_new(o, "detail", json_string(detail)) ||
	    (why->expected[0] && json_object_set_new(o, "expected", json_string(why->expected))) ||
	    (why->actual[0] && json_object_set_new(o, "actual", json_string(why->actual))))
		return -ENOMEM;
	return add(net, o, false);
}

int64_t kms_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * The release log is for good, and anybody can be refused: a line of its own has only a machine
 * that proved what it is, and at a rate that a disk outlives. The rest is counted.
 */
void kms_deny(struct kms_net *net, struct ds_req *req, const char *op,
	      const struct kms_refusal *why, const struct kms_subject *s)
{
	char clean[400];
	int r;

	kms_count(KMS_COUNT_DENIAL, why->code);
	ds_escape(DS_SPAN_STR(why->text), clean, sizeof(clean));
	if (kms_bucket_take(&net->deny_print, 20, 50, kms_now_ms()))
		ds_log(DS_LOG_NOTICE, "event=deny op=%s peer=%s reason=%s detail=\"%s\"", op,
		       req->peer, why->code, clean);
	if (!s || !s->proven || !kms_bucket_take(&net->deny_record, 100, 10000, kms_now_ms())) {
		net->deny_unlogged++;
	} else {
		r = record_denial(net, req, op, why, clean, s);
		if (r)
			ds_log(DS_LOG_ERR, "event=release-log-failed error=\"%s\"", strerror(-r));
	}
	ds_req_fail(req, 400, "%s", why->text);
}

void kms_broken(struct ds_req *req, const char *op, int r)
{
	kms_count(KMS_COUNT_FAILURE, op);
	ds_log(DS_LOG_ERR, "event=failed op=%s error=\"%s\"", op, strerror(-r));
	ds_req_fail(req, 400, "internal error: %s", strerror(-r));
}
