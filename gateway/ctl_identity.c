// SPDX-License-Identifier: Apache-2.0
/*
 * Attested registration: a caller is whoever its evidence says, not whoever its certificate says.
 * The TLS handshake has proven that the caller holds the certificate's key and that the chain ends
 * in the KMS root; here the evidence in extension .8 must be bound to that key and be good, and
 * everything else the certificate claims must agree with it.
 */
#include <time.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/log.h>
#include <ds/net/tcbpolicy.h>
#include <ds/wire/appinfo.h>
#include <ds/wire/attestation.h>
#include <ds/x509/cert.h>

#include "ctl.h"
#include "request.h"

#define DOM "register"

static int refuse(struct ds_err *err, const char *text)
{
	return ds_err_set(err, -EPERM, DOM, 0, "%s", text);
}

/*
 * The files may be replaced at any time (collateral expires), so they are read for each judgement.
 */
static int read_anchor(const char *path, size_t max, struct ds_buf *ret, struct ds_err *err)
{
	int r = path ? ds_read_file(AT_FDCWD, path, max, ret) : 0;

	if (r)
		ds_log(DS_LOG_ERR, "event=attest file=%s error=\"%s\"", path, strerror(-r));
	return r ? ds_err_set(err, r, DOM, 0,
			      "the gateway's own verification material cannot be read")
		 : 0;
}

static int read_policy(const char *path, struct ds_tcb_policy_file **ret, struct ds_err *err)
{
	struct ds_err why = DS_ERR_NULL;
	int r = path ? ds_tcb_policy_load(path, ret, &why) : 0;

	if (r)
		ds_log(DS_LOG_ERR, "event=attest error=\"%s\"", why.msg);
	return r ? ds_err_set(err, r, DOM, 0,
			      "the gateway's own verification material cannot be read")
		 : 0;
}

static void policy_done(struct ds_tcb_policy_file **file)
{
	ds_tcb_policy_free(*file);
}

static int judge(struct ctl *c, const struct ds_cert_info *cert, struct ds_verdict *v,
		 struct ds_identity *id, struct ds_err *err)
{
	DS_BUF struct ds_buf root = DS_BUF_NULL, collateral = DS_BUF_NULL;
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	DS_CLEANUP(policy_done) struct ds_tcb_policy_file *file = NULL;
	struct ds_tcb_policy policy = ds_tcb_policy_default;
	struct ds_verify_opts opts = { .time = time(NULL),
				       .policy = &policy,
				       .cache = c->attested };
	struct ds_err why = DS_ERR_NULL;
	uint8_t want[64];

	policy.tcb_status = c->live.tcb_status;
	DS_TRY(read_policy(c->live.tcb_policy, &file, err));
	if (file)
		opts.policy = ds_tcb_policy_get(file);
	DS_TRY(read_anchor(c->live.root_ca, DS_MAX_CERT_PEM, &root, err));
	DS_TRY(read_anchor(c->live.collateral, DS_MAX_COLLATERAL, &collateral, err));
	opts.root_ca = ds_buf_span(&root);
	DS_TRY(ds_ratls_report_data(ds_buf_span(&cert->spki), want));
	if (ds_attestation_decode(ds_buf_span(&cert->attestation), &att, &why))
		return ds_err_set(err, -EPERM, DOM, 0, "evidence refused: %s: %.120s",
				  ds_reason_name(DS_REASON_EVIDENCE_FORMAT), why.msg);
	DS_TRY(ds_attest_evidence(&att, want, ds_buf_span(&collateral), &opts, v, id));
	if (!v->accepted)
		return ds_err_set(err, -EPERM, DOM, 0, "evidence refused: %s: %.120s",
				  ds_reason_name(v->reason), v->detail);
	DS_TRY(ctl_request_machine(v, c->live.allow_emulated, err));
	if (!id->boot_mr_done)
		return refuse(err,
			      "evidence refused: event-missing: boot-mr-done was not measured");
	return 0;
}

/*
 * .9 is signed by the KMS and convenient for others; it must not tell another story than the
 * evidence.
 */
static int agree_app_info(const struct ds_cert_info *cert, const struct ds_identity *id,
			  struct ds_err *err)
{
	DS_APP_INFO struct ds_app_info info = DS_APP_INFO_NULL;
	struct ds_err why = DS_ERR_NULL;

	if (!cert->app_info.n)
		return 0;
	if (ds_app_info_decode(ds_buf_span(&cert->app_info), &info, &why))
		return ds_err_set(err, -EPERM, DOM, 0, "cert-identity: app info: %.120s", why.msg);
	if (!ds_span_eq(ds_buf_span(&info.app_id), DS_SPAN_ARRAY(id->app_id)) ||
	    !ds_span_eq(ds_buf_span(&info.instance_id),
			DS_SPAN(id->instance_id, id->instance_id_len)) ||
	    !ds_span_eq(ds_buf_span(&info.compose_hash), DS_SPAN_ARRAY(id->compose_hash)))
		return refuse(
			err,
			"cert-identity: app info of the certificate differs from the evidence");
	return 0;
}

int ctl_identify(struct ctl *c, struct ds_span peer_cert, struct ds_gw_request *ret,
		 struct ds_err *err)
{
	DS_CERT_INFO struct ds_cert_info cert = DS_CERT_INFO_NULL;
	DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
	DS_FREE struct ds_verdict *v = calloc(1, sizeof(*v));
	struct ds_err why = DS_ERR_NULL;

	if (!v)
		return -ENOMEM;
	/*
	 * this text must not contain "no attestation provided": guests take that for a reason to
	 * retry (spec 2.2)
	 */
	if (!peer_cert.n)
		return refuse(err, "neither app-info nor attestation provided");
	if (ds_cert_parse(peer_cert, &cert, &why))
		return ds_err_set(err, -EPERM, DOM, 0, "cert-format: %.140s", why.msg);
	if (!cert.attestation.n)
		return refuse(err, "evidence required: the client certificate has no extension "
				   "1.3.6.1.4.1.62397.1.8");
	DS_TRY(judge(c, &cert, v, &id, err));
	if (cert.has_app_id && memcmp(cert.app_id, id.app_id, sizeof(id.app_id)) != 0)
		return refuse(err,
			      "cert-identity: app id of the certificate differs from the evidence");
	DS_TRY(agree_app_info(&cert, &id, err));
	ret->has_instance = id.instance_id_len == DS_GW_ID_LEN;
	memcpy(ret->app_id, id.app_id, sizeof(ret->app_id));
	memcpy(ret->instance_id, id.instance_id, sizeof(ret->instance_id));
	memcpy(ret->compose_hash, id.compose_hash, sizeof(ret->compose_hash));
	return 0;
}
