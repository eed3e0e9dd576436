// SPDX-License-Identifier: Apache-2.0
/* Who is calling, and may it have keys: evidence first, policy second, everything on record. */
#include "bootinfo.h"
#include "clock.h"
#include "net.h"

#include <ds/base/limits.h>
#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/wire/vmconfig.h>
#include <ds/x509/cert.h>
#include <time.h>

#define SNP_CRL "\"snp_crl\"" /* key of a collateral file */

void kms_subject_done(struct kms_subject *s)
{
	ds_identity_done(&s->id);
	json_decref(s->question);
	json_decref(s->ruling);
	*s = (struct kms_subject){ .id = DS_IDENTITY_NULL };
}

static int refuse_verdict(struct kms_refusal *why, const struct ds_verdict *v)
{
	const char *code = ds_reason_name(v->reason);

	snprintf(why->expected, sizeof(why->expected), "%s", v->expected);
	snprintf(why->actual, sizeof(why->actual), "%s", v->actual);
	return kms_refuse(why, code, "invalid quote: %s: %.240s", code, v->detail);
}

/* Both files have to agree: what one of them does not accept is refused. */
static struct ds_tcb_policy tcb_policy(const struct kms_net *net)
{
	const struct kms_policy *p = net->policy;
	struct ds_tcb_policy tcb = net->tcb ? *ds_tcb_policy_get(net->tcb) : ds_tcb_policy_default;

	if (!net->tcb)
		tcb.tcb_status = p->tcb_status;
	else if (p->tcb_given)
		tcb.tcb_status &= p->tcb_status;
	if (p->min_tcb_evaluation > tcb.min_evaluation)
		tcb.min_evaluation = p->min_tcb_evaluation;
	/*
	 * The caller's certificates fill what a set lacks, and may make a set that has a list fail:
	 * one without must not be the way around it.
	 */
	for (size_t i = 0; i < net->conf->n_collateral; i++)
		if (memmem(net->collateral[i].data.p, net->collateral[i].data.n, SNP_CRL,
			   strlen(SNP_CRL)))
			tcb.snp.require_crl = true;
	return tcb;
}

/*
 * Could a set for another machine do better? Those of SEV-SNP hold certificates of one product, those
 * of TDX the TCB info of one FMSPC and the list of one of Intel's two PCK CAs.
 */
static bool other_machine(const struct ds_verdict *v)
{
	if (v->tee == DS_TEE_SNP)
		return v->reason == DS_REASON_COLLATERAL_MISSING ||
		       v->reason == DS_REASON_SNP_CHAIN || v->reason == DS_REASON_SNP_SIGNATURE;
	return v->reason == DS_REASON_FMSPC_MISMATCH || v->reason == DS_REASON_CRL_ISSUER;
}

/* Against each collateral set until one knows the platform; several sets serve several kinds of
 * machine. */
static int verify(struct kms_net *net, const struct ds_attestation *att, const uint8_t expect[64],
		  int64_t now, struct ds_verdict *v, struct ds_identity *id)
{
	struct ds_tcb_policy tcb = tcb_policy(net);
	struct ds_verify_opts opts = { .root_ca = ds_buf_span(&net->root_ca.data),
				       .time = now,
				       .policy = &tcb,
				       .cache = net->attested };

	for (size_t i = 0; i < net->conf->n_collateral; i++) {
		ds_identity_done(id);
		*id = DS_IDENTITY_NULL;
		DS_TRY(ds_attest_evidence(att, expect, ds_buf_span(&net->collateral[i].data), &opts,
					  v, id));
		if (v->accepted || !other_machine(v))
			break;
	}
	return 0;
}

/* One time value for everything of one judgement. */
static int take_time(struct kms_net *net, int64_t *ret, struct kms_refusal *why)
{
	int64_t now = time(NULL), floor = kms_clock_floor(kms_relog_latest(net->relog));
	int64_t due = kms_clock_due(&net->clock, now, kms_now_ms());
	char is[DS_TIME_SIZE], was[DS_TIME_SIZE];

	if (floor < due)
		floor = due;
	if (now < floor) {
		ds_time_format_rfc3339(now, is);
		ds_time_format_rfc3339(floor, was);
		return kms_refuse(why, "clock",
				  "evidence cannot be judged: the KMS's clock says %s, but it is "
				  "%s or later",
				  is, was);
	}
	*ret = now;
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

/* Copies: the policy may be another one when the last question is answered. */
static int take_image(const struct kms_net *net, const struct ds_verdict *v,
		      const struct kms_image *im, struct kms_subject *s)
{
	const char *gw = net->policy->gateway_app_id;

	snprintf(s->image, sizeof(s->image), "%s", im->name);
	memcpy(s->os_image_hash, im->os_image_hash, sizeof(s->os_image_hash));
	if (net->conf->backend == KMS_BACKEND_FILE) {
		snprintf(s->gateway_app_id, sizeof(s->gateway_app_id), "%s", gw ? gw : "");
		s->allowed = true;
		return 0;
	}
	s->question = kms_boot_info(v, s);
	return s->question ? 0 : -ENOMEM;
}

static int decide(struct kms_net *net, enum kms_role role, const struct ds_verdict *v,
		  struct ds_span claimed, struct kms_subject *s, struct kms_refusal *why)
{
	bool remote = net->conf->backend != KMS_BACKEND_FILE;
	const struct kms_image *im = NULL;
	enum kms_deny d = remote ? kms_policy_decide_image(net->policy, v, claimed, &im) :
			  role == KMS_ROLE_KMS ?
				   kms_policy_decide_kms(net->policy, v, &s->id, claimed, &im) :
				   kms_policy_decide(net->policy, v, &s->id, claimed, &im);
	char hex[65] = "";

	switch (d) {
	case KMS_ALLOW:
		return take_image(net, v, im, s);
	case KMS_DENY_APP:
		ds_hex_encode(s->id.app_id, 20, hex);
		break;
	case KMS_DENY_COMPOSE:
		ds_hex_encode(s->id.compose_hash, 32, hex);
		break;
	case KMS_DENY_KMS_MR:
		ds_hex_encode(s->id.mr_aggregated, 32, hex);
		break;
	case KMS_DENY_DEVICE:
	case KMS_DENY_KMS_DEVICE:
		ds_hex_encode(s->id.device_id, 32, hex);
		break;
	case KMS_DENY_IMAGE:
		/* a prefix of MRTD or MEASUREMENT tells images apart */
		ds_hex_encode(v->tee == DS_TEE_SNP ? v->snp.measurement : v->body.mr_td,
			      32, hex);
		break;
	case KMS_DENY_KMS_TCB:
	case KMS_DENY_EMULATED:
	case KMS_DENY_ROOT:
		break;
	}
	return kms_refuse(why, kms_deny_code(d), "%sBoot denied: %s (%s%s%s)",
			  role == KMS_ROLE_APP ? "App not allowed: " : "", kms_deny_text(d), kms_deny_code(d), *hex ? " " : "", hex);
}

int kms_judge(struct kms_net *net, enum kms_role role, const struct ds_attestation *att, struct ds_span spki,
	      const char *vm_config, struct kms_subject *ret, struct kms_refusal *why)
{
	struct ds_verdict *v = calloc(1, sizeof(*v));
	uint8_t expect[64], claimed[32];
	size_t claimed_n;
	int64_t now = 0;
	int r;

	*ret = (struct kms_subject){ .id = DS_IDENTITY_NULL };
	if (!v)
		return -ENOMEM;
	kms_file_refresh(&net->root_ca, DS_MAX_CERT_PEM);
	for (size_t i = 0; i < net->conf->n_collateral; i++)
		kms_file_refresh(&net->collateral[i], DS_MAX_COLLATERAL);
	r = take_time(net, &now, why);
	if (!r)
		r = ds_ratls_report_data(spki, expect);
	if (!r)
		r = verify(net, att, expect, now, v, &ret->id);
	if (!r && !v->accepted)
		r = refuse_verdict(why, v);
	if (!r) {
		snprintf(ret->tcb_status, sizeof(ret->tcb_status), "%s", v->tcb_status);
		ret->emulated = v->emulated;
		ret->proven = true;
		r = claimed_image(att, vm_config, claimed, &claimed_n, why);
	}
	if (!r && !ret->id.boot_mr_done)
		r = kms_refuse(why, "boot-stage",
			       "the launch is not measured to its end: no boot-mr-done event");
	if (!r)
		r = decide(net, role, v, DS_SPAN(claimed, claimed_n), ret, why);
	free(v);
	return r;
}

int kms_judge_peer(struct kms_net *net, enum kms_role role, struct ds_req *req, const char *vm_config,
		   struct kms_subject *ret, struct kms_refusal *why)
{
	DS_CERT_INFO struct ds_cert_info cert = DS_CERT_INFO_NULL;
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	struct ds_err err = DS_ERR_NULL;

	*ret = (struct kms_subject){ .id = DS_IDENTITY_NULL };
	if (!req->peer_cert.n)
		return kms_refuse(why, "evidence-missing",
				  "No attestation provided: no client certificate");
	if (ds_req_peer_info(req, &cert, &err))
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
	return kms_judge(net, role, &att, ds_buf_span(&cert.spki), vm_config, ret, why);
}
