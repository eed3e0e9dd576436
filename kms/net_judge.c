// SPDX-License-Identifier: Apache-2.0
/* Who is calling, and may it have keys: evidence first, policy second, everything on record. */
#include "net.h"

#include <ds/base/limits.h>
#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/wire/vmconfig.h>
#include <ds/x509/cert.h>
#include <time.h>

#define DENIALS_PER_SECOND 20u

void kms_subject_done(struct kms_subject *s)
{
	ds_identity_done(&s->id);
}

static int refuse_verdict(struct kms_refusal *why, const struct ds_verdict *v)
{
	const char *code = ds_reason_name(v->reason);

	snprintf(why->expected, sizeof(why->expected), "%s", v->expected);
	snprintf(why->actual, sizeof(why->actual), "%s", v->actual);
	return kms_refuse(why, code, "invalid quote: %s: %.240s", code, v->detail);
}

/* Against each collateral set until one knows the platform; several sets serve several kinds of
 * machine. */
static int verify(struct kms_net *net, const struct ds_attestation *att, const uint8_t expect[64],
		  struct ds_verdict *v, struct ds_identity *id)
{
	struct ds_tcb_policy tcb = ds_tcb_policy_default;
	struct ds_verify_opts opts = { .root_ca = ds_buf_span(&net->root_ca.data),
				       .time = time(NULL),
				       .policy = &tcb };

	tcb.tcb_status = net->policy->tcb_status;
	for (size_t i = 0; i < net->conf->n_collateral; i++) {
		ds_identity_done(id);
		*id = DS_IDENTITY_NULL;
		DS_TRY(ds_attest_evidence(att, expect, ds_buf_span(&net->collateral[i].data), &opts,
					  v, id));
		if (v->accepted || v->reason != DS_REASON_FMSPC_MISMATCH)
			break;
	}
	return 0;
}

/*
 * The image that the caller says it runs, n 0 when it says nothing. The request's word and the
 * attestation's must agree: what is released and what is written into certificates is the policy's
 * value for the measured image either way.
 */
static int claimed_image(const struct ds_attestation *att, const char *vm_config, uint8_t ret[32],
			 size_t *ret_n, struct kms_refusal *why)
{
	struct ds_vm_config asked = { 0 }, inside = { 0 };
	struct ds_err err = DS_ERR_NULL;

	if (ds_vm_config_parse(DS_SPAN_STR(vm_config), &asked, &err))
		return kms_refuse(why, "vm-config", "vm_config of the request: %s", err.msg);
	if (ds_vm_config_parse(ds_buf_span(&att->config), &inside, &err))
		return kms_refuse(why, "vm-config", "vm_config of the attestation: %s", err.msg);
	if (asked.has_os_image_hash && inside.has_os_image_hash &&
	    memcmp(asked.os_image_hash, inside.os_image_hash, 32))
		return kms_refuse(why, "vm-config",
				  "os_image_hash of the request is not the attestation's");
	*ret_n = 0;
	if (asked.has_os_image_hash || inside.has_os_image_hash) {
		memcpy(ret, asked.has_os_image_hash ? asked.os_image_hash : inside.os_image_hash,
		       32);
		*ret_n = 32;
	}
	return 0;
}

static int decide(struct kms_net *net, const struct ds_verdict *v, struct ds_span claimed,
		  struct kms_subject *s, struct kms_refusal *why)
{
	enum kms_deny d =
		kms_policy_decide(net->policy, &v->body, v->emulated, &s->id, claimed, &s->image);
	char hex[65] = "";

	switch (d) {
	case KMS_ALLOW:
		return 0;
	case KMS_DENY_APP:
		ds_hex_encode(s->id.app_id, 20, hex);
		break;
	case KMS_DENY_COMPOSE:
		ds_hex_encode(s->id.compose_hash, 32, hex);
		break;
	case KMS_DENY_DEVICE:
		ds_hex_encode(s->id.device_id, 32, hex);
		break;
	case KMS_DENY_IMAGE:
		/* a prefix of MRTD tells images apart */
		ds_hex_encode(v->body.mr_td, 32, hex);
		break;
	case KMS_DENY_EMULATED:
		break;
	}
	return kms_refuse(why, kms_deny_code(d), "App not allowed: Boot denied: %s (%s%s%s)",
			  kms_deny_text(d), kms_deny_code(d), *hex ? " " : "", hex);
}

int kms_judge(struct kms_net *net, const struct ds_attestation *att, struct ds_span spki,
	      const char *vm_config, struct kms_subject *ret, struct kms_refusal *why)
{
	struct ds_verdict *v = calloc(1, sizeof(*v));
	uint8_t expect[64], claimed[32];
	size_t claimed_n;
	int r;

	*ret = (struct kms_subject){ .id = DS_IDENTITY_NULL };
	if (!v)
		return -ENOMEM;
	kms_file_refresh(&net->root_ca, DS_MAX_CERT_PEM);
	for (size_t i = 0; i < net->conf->n_collateral; i++)
		kms_file_refresh(&net->collateral[i], DS_MAX_COLLATERAL);
	r = ds_ratls_report_data(spki, expect);
	if (!r)
		r = verify(net, att, expect, v, &ret->id);
	if (!r && !v->accepted)
		r = refuse_verdict(why, v);
	if (!r) {
		snprintf(ret->tcb_status, sizeof(ret->tcb_status), "%s", v->tcb_status);
		ret->emulated = v->emulated;
		r = claimed_image(att, vm_config, claimed, &claimed_n, why);
	}
	if (!r && !ret->id.boot_mr_done)
		r = kms_refuse(why, "boot-stage",
			       "the launch is not measured to its end: no boot-mr-done event");
	if (!r)
		r = decide(net, v, DS_SPAN(claimed, claimed_n), ret, why);
	free(v);
	return r;
}

int kms_judge_peer(struct kms_net *net, struct ds_req *req, const char *vm_config,
		   struct kms_subject *ret, struct kms_refusal *why)
{
	DS_CERT_INFO struct ds_cert_info cert = DS_CERT_INFO_NULL;
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	struct ds_err err = DS_ERR_NULL;

	*ret = (struct kms_subject){ .id = DS_IDENTITY_NULL };
	if (!req->peer_cert.n)
		return kms_refuse(why, "evidence-missing",
				  "No attestation provided: no client certificate");
	if (ds_cert_parse(req->peer_cert, &cert, &err))
		return kms_refuse(why, "cert-format", "invalid quote: client certificate: %s",
				  err.msg);
	if (!cert.attestation.n)
		return kms_refuse(
			why, "evidence-missing",
			"No attestation provided: the client certificate has no extension "
			"1.3.6.1.4.1.62397.1.8");
	if (ds_attestation_decode(ds_buf_span(&cert.attestation), &att, &err))
		return kms_refuse(why, "evidence-format", "invalid quote: attestation: %s",
				  err.msg);
	return kms_judge(net, &att, ds_buf_span(&cert.spki), vm_config, ret, why);
}

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

	if (!o || !s || !s->tcb_status[0])
		return o;
	if (set_hex(o, "app_id", id->app_id, 20) ||
	    set_hex(o, "instance_id", id->instance_id, id->instance_id_len) ||
	    set_hex(o, "compose_hash", id->compose_hash, 32) ||
	    set_hex(o, "device_id", id->device_id, 32) ||
	    set_hex(o, "mr_system", id->mr_system, 32) ||
	    set_hex(o, "mr_aggregated", id->mr_aggregated, 32) ||
	    json_object_set_new(o, "tcb_status", json_string(s->tcb_status)) ||
	    json_object_set_new(o, "emulated", json_boolean(s->emulated)) ||
	    (s->image && json_object_set_new(o, "image", json_string(s->image->name)))) {
		json_decref(o);
		return NULL;
	}
	return o;
}

int kms_record(struct kms_net *net, struct ds_req *req, const char *op, const struct kms_subject *s,
	       json_t *detail)
{
	DS_JSON json_t *o = entry(req, op, "release", s);

	if (detail && o && json_object_update_new(o, detail))
		return -ENOMEM;
	return o ? kms_relog_add(net->relog, o, time(NULL)) : -ENOMEM;
}

static bool may_log_denial(struct kms_net *net)
{
	int64_t now = time(NULL);

	if (now != net->deny_second) {
		net->deny_second = now;
		net->deny_tokens = DENIALS_PER_SECOND;
	}
	if (!net->deny_tokens) {
		net->deny_unlogged++;
		return false;
	}
	net->deny_tokens--;
	return true;
}

void kms_deny(struct kms_net *net, struct ds_req *req, const char *op,
	      const struct kms_refusal *why, const struct kms_subject *s)
{
	DS_JSON json_t *o = NULL;
	char clean[400];
	int r = 0;

	if (may_log_denial(net)) {
		ds_escape(DS_SPAN_STR(why->text), clean, sizeof(clean));
		ds_log(DS_LOG_NOTICE, "event=deny op=%s peer=%s reason=%s detail=\"%s\"", op,
		       req->peer, why->code, clean);
		o = entry(req, op, "deny", s);
		if (!o || json_object_set_new(o, "reason", json_string(why->code)) ||
		    json_object_set_new(o, "detail", json_string(clean)) ||
		    (why->expected[0] &&
		     json_object_set_new(o, "expected", json_string(why->expected))) ||
		    (why->actual[0] &&
		     json_object_set_new(o, "actual", json_string(why->actual))) ||
		    (net->deny_unlogged &&
		     json_object_set_new(o, "unlogged_denials_before",
					 json_integer((json_int_t)net->deny_unlogged))))
			r = -ENOMEM;
		if (!r)
			r = kms_relog_add(net->relog, o, time(NULL));
		if (!r)
			net->deny_unlogged = 0;
		else
			ds_log(DS_LOG_ERR, "event=release-log-failed error=\"%s\"", strerror(-r));
	}
	ds_req_fail(req, 400, "%s", why->text);
}

void kms_broken(struct ds_req *req, const char *op, int r)
{
	ds_log(DS_LOG_ERR, "event=failed op=%s error=\"%s\"", op, strerror(-r));
	ds_req_fail(req, 400, "internal error: %s", strerror(-r));
}
