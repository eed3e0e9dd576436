// SPDX-License-Identifier: Apache-2.0
/*
 * SignCert: a certificate for an app's key (spec/kms 2.6). Nothing of the request reaches the
 * certificate unchecked: who it is for comes from the evidence, names and lifetime are bounded, the
 * usage is always app:custom.
 */
#include "bootinfo.h"
#include "keys.h"
#include "names.h"
#include "net.h"

#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/wire/appinfo.h>
#include <ds/wire/csr.h>
#include <ds/x509/cert.h>
#include <time.h>

#define OP	  "SignCert"
#define CLOCK_LAG 300 /* a verifier's clock may be behind ours */

static bool is_gateway(const struct kms_subject *s)
{
	uint8_t gw[20];

	return !ds_hex_decode_exact(s->gateway_app_id, gw, sizeof(gw)) &&
	       !memcmp(gw, s->id.app_id, sizeof(gw));
}

static int check_names(const struct kms_net *net, const struct ds_csr *csr,
		       const struct kms_subject *s, struct kms_refusal *why)
{
	struct kms_name_rules rules = {
		.domain = net->domain,
		.own = net->conf->alt_names,
		.n_own = net->conf->n_alt_names,
		.nodes = net->policy->node,
		.n_nodes = net->policy->n_node,
		.reserved = net->policy->reserved,
		.n_reserved = net->policy->n_reserved,
		.id = &s->id,
		.gateway = is_gateway(s),
	};

	return kms_names_check(&rules, csr->subject, csr->org, csr->alt_names, csr->n_alt_names,
			       why);
}

static int decode(json_t *args, struct ds_csr *csr, struct ds_buf *bytes, const char **vm_config,
		  uint32_t *epoch, struct kms_refusal *why)
{
	DS_BUF struct ds_buf sig = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	uint64_t version = 0;

	if (ds_json_u64(args, "api_version", UINT32_MAX, &version, &err) ||
	    ds_json_hex(args, "csr", DS_MAX_CERT_PEM, bytes, &err) ||
	    ds_json_hex(args, "signature", 80, &sig, &err) ||
	    ds_json_str(args, "vm_config", DS_MAX_SYS_CONFIG, vm_config, &err))
		return kms_refuse(why, "bad-request", "%s", err.msg);
	if (version != 1 && version != 2)
		return kms_refuse(why, "api-version", "Unsupported API version: %llu",
				  (unsigned long long)version);
	DS_TRY(kms_epoch_arg(args, epoch, why));
	if ((version == 1 ? ds_csr_decode_v1 : ds_csr_decode)(ds_buf_span(bytes), csr, &err))
		return kms_refuse(why, "csr-format", "certificate request: %s", err.msg);
	/* over the bytes as they came, not over what we understood */
	if (ds_p256_verify(ds_buf_span(&csr->spki), ds_buf_span(bytes), ds_buf_span(&sig)))
		return kms_refuse(why, "csr-signature",
				  "certificate request: signature is not of the key inside");
	return 0;
}

/*
 * The session belongs to whom the certificate is for: the client's key is the one to be certified,
 * or its certificate carries evidence of the same app instance.
 */
static int check_session(struct kms_net *net, struct ds_req *req, const struct ds_csr *csr,
			 const char *vm_config, const struct kms_subject *s,
			 struct kms_refusal *why)
{
	DS_CERT_INFO struct ds_cert_info cert = DS_CERT_INFO_NULL;
	struct kms_subject peer = { .id = DS_IDENTITY_NULL };
	struct ds_err err = DS_ERR_NULL;
	int r;

	if (!req->peer_cert.n) {
		if (net->conf->sign_cert_client == KMS_CLIENT_OPTIONAL)
			return 0;
		return kms_refuse(why, "session",
				  "SignCert needs a client certificate (mutual TLS)");
	}
	if (ds_req_peer_info(req, &cert, &err))
		return kms_refuse(why, "cert-format", "client certificate: %s", err.msg);
	if (ds_span_eq(ds_buf_span(&cert.spki), ds_buf_span(&csr->spki)))
		return 0;
	r = kms_judge_peer(net, KMS_ROLE_APP, req, vm_config, &peer, why);
	if (!r && (memcmp(peer.id.app_id, s->id.app_id, 20) ||
		   peer.id.instance_id_len != s->id.instance_id_len ||
		   memcmp(peer.id.instance_id, s->id.instance_id, s->id.instance_id_len)))
		r = kms_refuse(why, "session",
			       "the client certificate is another instance's than the request");
	/* only one of the two is asked about, so the answer must be good for both */
	if (!r && s->question && !kms_boot_info_same(peer.question, s->question))
		r = kms_refuse(why, "session",
			       "the client certificate's evidence is not the request's");
	kms_subject_done(&peer);
	return r;
}

static int app_info(const struct kms_subject *s, struct ds_buf *ret)
{
	const struct ds_identity *id = &s->id;
	DS_APP_INFO struct ds_app_info info = DS_APP_INFO_NULL;

	DS_TRY(ds_buf_add(&info.app_id, id->app_id, 20));
	DS_TRY(ds_buf_add(&info.compose_hash, id->compose_hash, 32));
	DS_TRY(ds_buf_add(&info.instance_id, id->instance_id, id->instance_id_len));
	DS_TRY(ds_buf_add(&info.device_id, id->device_id, 32));
	DS_TRY(ds_buf_add(&info.mr_system, id->mr_system, 32));
	DS_TRY(ds_buf_add(&info.mr_aggregated, id->mr_aggregated, 32));
	DS_TRY(ds_buf_add(&info.os_image_hash, s->os_image_hash, 32));
	DS_TRY(ds_buf_add_span(&info.key_provider_info, ds_buf_span(&id->key_provider)));
	return ds_app_info_encode(&info, ret);
}

static int lifetime(const struct kms_net *net, const struct ds_csr *csr, struct ds_cert_spec *spec,
		    struct kms_refusal *why)
{
	int64_t now = time(NULL), cap = now + (int64_t)net->conf->cert_days * 86400;

	spec->not_before = csr->has_not_before && csr->not_before <= (uint64_t)cap
				   ? (int64_t)csr->not_before
				   : now - CLOCK_LAG;
	spec->not_after = csr->has_not_after && csr->not_after <= (uint64_t)cap
				  ? (int64_t)csr->not_after
				  : cap;
	if (spec->not_before < now - CLOCK_LAG)
		spec->not_before = now - CLOCK_LAG;
	if (spec->not_before >= spec->not_after || spec->not_after <= now)
		return kms_refuse(why, "csr-lifetime",
				  "not_before must be earlier than not_after, and not_after ahead");
	return 0;
}

struct signer {
	struct kms_net *net;
	const struct kms_subject *s;
};

static int sign(void *arg, const uint8_t digest[32], struct ds_buf *ret_sig)
{
	struct signer *sg = arg;

	return kms_keys_app_sign(sg->net->keys, sg->s->epoch, sg->s->id.app_id, digest, ret_sig);
}

static int issue(struct kms_net *net, const struct ds_csr *csr, const struct kms_subject *s,
		 struct ds_buf *ret_leaf, struct ds_buf *ret_ca, struct kms_refusal *why)
{
	DS_BUF struct ds_buf att = DS_BUF_NULL, info = DS_BUF_NULL, leaf = DS_BUF_NULL,
			     ca = DS_BUF_NULL;
	struct ds_cert_spec spec = {
		.subject = csr->subject,
		.org = csr->org,
		.alt_names = (const char *const *)csr->alt_names,
		.n_alt_names = csr->n_alt_names,
		.server_auth = csr->server_auth,
		.client_auth = csr->client_auth,
		.app_id = DS_SPAN(s->id.app_id, 20),
		.usage = DS_USAGE_APP_CUSTOM,
		.spki = ds_buf_span(&csr->spki),
	};
	struct signer sg = { net, s };
	struct ds_err err = DS_ERR_NULL;
	int r;

	DS_TRY(lifetime(net, csr, &spec, why));
	if (csr->ext_app_info)
		DS_TRY(app_info(s, &info));
	r = csr->ext_quote ? ds_attestation_encode(&csr->att, DS_ATTESTATION_STRIPPED, &att) : 0;
	if (r == -EOPNOTSUPP)
		return kms_refuse(why, "evidence-format",
				  "evidence with events of version 2 fits into no certificate: "
				  "expected ext_quote false");
	if (r)
		return r;
	spec.app_info = ds_buf_span(&info);
	spec.attestation = ds_buf_span(&att);
	DS_TRY(kms_keys_app_ca(net->keys, s->epoch, s->id.app_id, &ca));
	r = ds_cert_issue_by(&spec, ds_buf_span(&ca), sign, &sg, &leaf, &err);
	if (r == -EINVAL)
		return kms_refuse(why, "csr-names", "certificate request: %s", err.msg);
	if (r)
		return r;
	DS_TRY(ds_cert_pem(ds_buf_span(&leaf), ret_leaf));
	return ds_cert_pem(ds_buf_span(&ca), ret_ca);
}

static int reply(struct kms_net *net, struct ds_req *req, const struct ds_csr *csr,
		 const struct kms_subject *s, struct kms_refusal *why)
{
	DS_BUF struct ds_buf leaf = DS_BUF_NULL, ca = DS_BUF_NULL;
	DS_JSON json_t *o = NULL;
	uint8_t hash[32];
	char hex[65];

	DS_TRY(issue(net, csr, s, &leaf, &ca, why));
	DS_TRY(ds_sha256_1(ds_buf_span(&csr->spki), hash));
	o = json_pack("{s:[s%,s%,s%],s:i}", "certificate_chain", leaf.p, leaf.n, ca.p, ca.n,
		      net->root_pem.p, net->root_pem.n, "key_epoch", (int)s->epoch);
	if (!o)
		return -ENOMEM;
	DS_TRY(kms_record(net, req, OP, s,
			  json_pack("{s:s,s:s}", "spki_sha256", ds_hex_encode(hash, 32, hex),
				    "subject", csr->subject)));
	ds_req_reply_json(req, 200, o);
	return 0;
}

/* A call that waits for the policy. */
struct sign_call {
	struct kms_net *net;
	struct ds_req *req;
	json_t *args;
	struct ds_csr csr;
	struct kms_subject s;
};

static void end_sign(void *arg, int r, const struct kms_refusal *why)
{
	struct kms_refusal own = { .code = "bad-request" };
	struct sign_call *c = arg;

	if (!r) {
		why = &own;
		r = check_names(c->net, &c->csr, &c->s, &own);
	}
	if (!r)
		r = reply(c->net, c->req, &c->csr, &c->s, &own);
	if (r > 0)
		kms_deny(c->net, c->req, OP, why, &c->s);
	else if (r < 0)
		kms_broken(c->req, OP, r);
	kms_subject_done(&c->s);
	ds_csr_done(&c->csr);
	json_decref(c->args);
	free(c);
}

static int judge(void *arg, struct kms_refusal *why)
{
	DS_BUF struct ds_buf bytes = DS_BUF_NULL;
	const char *vm_config = "";
	struct sign_call *c = arg;
	uint32_t epoch = 0;

	ds_csr_done(&c->csr);
	DS_TRY(decode(c->args, &c->csr, &bytes, &vm_config, &epoch, why));
	DS_TRY(kms_judge(c->net, KMS_ROLE_APP, &c->csr.att, ds_buf_span(&c->csr.spki), vm_config,
			 &c->s, why));
	c->s.epoch = epoch;
	return check_session(c->net, c->req, &c->csr, vm_config, &c->s, why);
}

void kms_rpc_sign_cert(void *ctx, struct ds_req *req, json_t *args)
{
	struct sign_call *c = calloc(1, sizeof(*c));

	if (!c) {
		kms_broken(req, OP, -ENOMEM);
		return;
	}
	*c = (struct sign_call){ .net = ctx,
				 .req = req,
				 .args = json_incref(args),
				 .csr = DS_CSR_NULL,
				 .s = { .id = DS_IDENTITY_NULL } };
	kms_authorize(c->net, KMS_ROLE_APP, &c->s, judge, end_sign, c);
}
