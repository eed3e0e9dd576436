// SPDX-License-Identifier: Apache-2.0
/* dstack-verify app and cert: an RA-TLS certificate, the evidence inside it and what the evidence
 * says. */
#include "bundle.h"

#include <ds/attest/certevidence.h>
#include <ds/attest/eventlog.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/wire/appinfo.h>
#include <ds/wire/attestation.h>
#include <ds/x509/cert.h>

#define USAGE_APP                                                                                  \
	"app {--bundle FILE | --cert CHAIN --collateral FILE} {--image JSON | --image-hash HEX | " \
	"--kms-root PEM | --kms-root-hash HEX}... [--host NAME] [--app-id HEX] [--nonce HEX] "     \
	"[--compose FILE] [--event-log FILE] [OPTION...]"
#define USAGE_CERT                                                                                 \
	"cert --cert CHAIN --collateral FILE [--image JSON] [--kms-root PEM] [--host NAME] "       \
	"[--app-id HEX] [--compose FILE] [OPTION...]"

#define OPT_EXPECT (OPT_JUDGE | OPT_CERT | OPT_KMS_ROOT | OPT_IMAGE | OPT_APP_ID | OPT_HOST)

struct subject {
	struct ds_cert_chain chain;
	struct ds_cert_info leaf;
	struct ds_attestation att;
	struct ds_identity id;
	struct ds_bundle bundle;
	uint8_t expect[64]; /* REPORTDATA */
	const struct options *o;
	const struct ds_verify_opts *opts;
	bool is_app;
	bool of_kms;  /* the server certificate of the KMS at the end of the chain */
	bool no_cert; /* a bundle with nothing but a quote for a nonce */
};

static void subject_done(struct subject *s)
{
	ds_cert_chain_done(&s->chain);
	ds_cert_info_done(&s->leaf);
	ds_attestation_done(&s->att);
	ds_identity_done(&s->id);
	ds_bundle_done(&s->bundle);
}

static int load_chain(const struct options *o, struct subject *s, struct ds_verdict *v)
{
	DS_BUF struct ds_buf pem = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	int r;

	if (o->cert)
		DS_TRY(input_evidence(o->cert, DS_MAX_CERT_PEM, DS_REASON_CERT_FORMAT, &pem, v));
	else
		DS_TRY(ds_buf_add_span(&pem, ds_buf_span(&s->bundle.chain)));
	r = ds_cert_chain_from_pem(ds_buf_span(&pem), &s->chain, &err);
	if (!r)
		r = ds_cert_parse(ds_buf_span(&s->chain.der[0]), &s->leaf, &err);
	return r ? ds_verdict_fail(v, DS_REASON_CERT_FORMAT, "%s", err.msg) : 0;
}

static int check_validity(const struct subject *s, struct ds_verdict *v)
{
	DS_TRY(ds_verdict_dates(v, "RA-TLS certificate", s->leaf.not_before, s->leaf.not_after,
				DS_REASON_CERT_NOT_YET_VALID, DS_REASON_CERT_EXPIRED));
	ds_verdict_pass(v, "dates", "RA-TLS certificate is in date");
	return 0;
}

/* The CA that signed an app's leaf is for that app alone. Others may be signed by the root. */
static int check_app_ca(const struct options *o, const struct subject *s, struct ds_verdict *v)
{
	DS_CERT_INFO struct ds_cert_info ca = DS_CERT_INFO_NULL;
	const struct ds_span leaf = ds_buf_span(&s->chain.der[0]);
	struct ds_err err = DS_ERR_NULL;

	if (s->chain.n < 2 && !s->is_app)
		return 0;
	if (s->chain.n < 2)
		return ds_verdict_fail(v, DS_REASON_CERT_CHAIN,
				       "the app CA is missing from the chain");
	if (ds_cert_parse(ds_buf_span(&s->chain.der[1]), &ca, &err))
		return ds_verdict_fail(v, DS_REASON_CERT_FORMAT, "app CA: %s", err.msg);
	/* intermediates may stand in any order, but this is about the one that signed */
	if (ds_cert_verify_chain(&leaf, 1, ds_buf_span(&s->chain.der[1]), o->time, &err))
		return ds_verdict_fail(v, DS_REASON_CERT_CHAIN,
				       "the certificate behind the leaf is not its issuer: %s",
				       err.msg);
	if (!s->is_app && !ca.has_app_id)
		return 0;
	if (s->is_app && strcmp(ca.usage, DS_USAGE_APP_CA))
		return ds_verdict_fail_text(v, DS_REASON_CERT_USAGE, "usage of the app CA",
					    DS_USAGE_APP_CA, ca.usage);
	if (!ca.has_app_id || memcmp(ca.app_id, s->id.app_id, sizeof(ca.app_id)))
		return ds_verdict_fail_hex(
			v, DS_REASON_CERT_IDENTITY, "app id of the app CA",
			DS_SPAN_ARRAY(s->id.app_id),
			DS_SPAN(ca.app_id, ca.has_app_id ? sizeof(ca.app_id) : 0));
	ds_verdict_pass(v, "cert-chain", "the app CA is that of this app");
	return 0;
}

/* The measured key provider is the KMS at the end of the chain, when the boot says which it was. */
static int check_key_provider(const struct subject *s, struct ds_span root, struct ds_verdict *v)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	DS_BUF struct ds_buf want = DS_BUF_NULL;
	const struct ds_buf *kp = &s->id.key_provider;
	struct ds_err err = DS_ERR_NULL;
	json_t *doc;
	const char *name, *id;
	int r = 0;

	if (!kp->n)
		return 0;
	if (ds_cert_parse(root, &info, &err))
		return ds_verdict_fail(v, DS_REASON_CERT_CHAIN, "--kms-root: %s", err.msg);
	DS_TRY(ds_buf_add_hex(&want, ds_buf_span(&info.spki)));
	if (!ds_buf_cstr(&want))
		return -ENOMEM;
	doc = json_loadb((const char *)kp->p, kp->n, JSON_REJECT_DUPLICATES, NULL);
	name = json_string_value(json_object_get(doc, "name"));
	id = json_string_value(json_object_get(doc, "id"));
	if (!name || strcmp(name, "kms"))
		r = ds_verdict_fail_text(v, DS_REASON_CERT_IDENTITY, "measured key provider", "kms",
					 name ? name : "(unreadable)");
	else if (id && *id && strcmp(id, ds_buf_cstr(&want)))
		r = ds_verdict_fail_text(v, DS_REASON_CERT_IDENTITY,
					 "key of the KMS that was measured", ds_buf_cstr(&want), id);
	else if (id && *id)
		ds_verdict_pass(v, "key-provider", "the measured key provider is this KMS");
	json_decref(doc);
	return r;
}

static int load_root(const struct options *o, const struct subject *s, struct ds_buf *ret,
		     struct ds_verdict *v)
{
	DS_BUF struct ds_buf pem = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	if (!o->kms_root)
		return bundle_root(o, &s->bundle, ret, v);
	DS_TRY(input_evidence(o->kms_root, DS_MAX_CERT_PEM, DS_REASON_CERT_CHAIN, &pem, v));
	if (ds_cert_pem_to_der(ds_buf_span(&pem), ret, &err))
		return ds_verdict_fail(v, DS_REASON_CERT_CHAIN, "--kms-root: %s", err.msg);
	return 0;
}

/*
 * The root has signed it for the KMS itself. That says whose key and name these are, and nothing of
 * what runs in the KMS's own VM: a KMS does not judge itself, and its VM's keys may be another's.
 */
static bool is_of_kms(const struct options *o, const struct subject *s, struct ds_span root)
{
	const struct ds_span leaf = ds_buf_span(&s->chain.der[0]);

	return !strcmp(s->leaf.usage, DS_USAGE_KMS_RPC) &&
	       !ds_cert_verify_chain(&leaf, 1, root, o->time, NULL);
}

static bool by_kms(const struct options *o, const struct subject *s)
{
	return expect_kms(o) && !s->of_kms;
}

static int check_chain(const struct options *o, struct subject *s, struct ds_verdict *v)
{
	DS_BUF struct ds_buf root = DS_BUF_NULL;
	struct ds_span *ders;
	struct ds_err err = DS_ERR_NULL;
	int r;

	if (!expect_kms(o))
		return 0;
	if (s->no_cert)
		return ds_verdict_fail(v, DS_REASON_EVIDENCE_MISSING,
				       "the bundle holds no certificate chain that a KMS root could "
				       "vouch for");
	DS_TRY(load_root(o, s, &root, v));
	ders = calloc(s->chain.n, sizeof(*ders));
	if (!ders)
		return -ENOMEM;
	for (size_t i = 0; i < s->chain.n; i++)
		ders[i] = ds_buf_span(&s->chain.der[i]);
	r = ds_cert_verify_chain(ders, s->chain.n, ds_buf_span(&root), o->time, &err);
	/* the path need not run through the certificate that check_app_ca() believes */
	if (!r && s->chain.n > 1)
		r = ds_cert_verify_chain(ders + 1, s->chain.n - 1, ds_buf_span(&root), o->time, &err);
	free(ders);
	if (r)
		return ds_verdict_fail(v, DS_REASON_CERT_CHAIN, "%s", err.msg);
	ds_verdict_pass(v, "cert-chain", "the chain of %zu ends in the KMS root", s->chain.n);
	s->of_kms = is_of_kms(o, s, ds_buf_span(&root));
	if (s->of_kms)
		ds_verdict_pass(v, "cert-chain", "it is the KMS's own: key and names are its");
	return s->is_app ? check_key_provider(s, ds_buf_span(&root), v) : 0;
}

/* Absent, or one of two values; b may be NULL. */
static bool fits(const struct ds_buf *got, struct ds_span a, const uint8_t *b)
{
	return !got->n || ds_span_eq(ds_buf_span(got), a) ||
	       (b && ds_span_eq(ds_buf_span(got), DS_SPAN(b, a.n)));
}

static bool scripts_fit(const struct ds_app_info *info, const struct ds_eventlog *log)
{
	const size_t n = ds_eventlog_launch(log, NULL);
	size_t k = 0;

	if (!info->has_init_script_hashes)
		return true;
	for (size_t i = 0; i < n; i++) {
		const struct ds_event *ev = &log->ev[i];

		if (ev->imr != DS_EVENT_IMR || strcmp(ev->name, "init-script-hash"))
			continue;
		if (k == info->n_init_script_hashes ||
		    !ds_span_eq(ds_buf_span(&info->init_script_hashes[k]), ds_buf_span(&ev->payload)))
			return false;
		k++;
	}
	return k == info->n_init_script_hashes;
}

/*
 * The field of extension .9 that says something else than was measured, NULL: none. Aggregates may be
 * those of the launch alone (spec/kms 4.3); guests without a verified report at hand write the hash
 * of nothing as device id (spec/guest-api 8); the image hash is a claim unless it was measured.
 */
static const char *other_info(const struct ds_app_info *info, const struct subject *s)
{
	static const uint8_t no_device[32] = { 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
					       0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
					       0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
					       0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55 };
	const struct ds_identity *id = &s->id;

	if (!ds_span_eq(ds_buf_span(&info->app_id), DS_SPAN_ARRAY(id->app_id)))
		return "app id";
	if (!ds_span_eq(ds_buf_span(&info->compose_hash), DS_SPAN_ARRAY(id->compose_hash)))
		return "compose hash";
	if (!ds_span_eq(ds_buf_span(&info->instance_id),
			DS_SPAN(id->instance_id, id->instance_id_len)))
		return "instance id";
	if (!fits(&info->device_id, DS_SPAN_ARRAY(id->device_id), no_device))
		return "device id";
	if (!fits(&info->mr_system, DS_SPAN_ARRAY(id->mr_system), id->mr_system_boot))
		return "mr_system";
	if (!fits(&info->mr_aggregated, DS_SPAN_ARRAY(id->mr_aggregated), id->mr_aggregated_boot))
		return "mr_aggregated";
	if (id->os_image_hash_measured &&
	    !fits(&info->os_image_hash, DS_SPAN_ARRAY(id->os_image_hash), NULL))
		return "os_image_hash";
	if (!fits(&info->key_provider_info, ds_buf_span(&id->key_provider), NULL))
		return "key provider";
	return scripts_fit(info, &s->att.runtime_events) ? NULL : "init scripts";
}

/* Extension .9 repeats what is measured; it must not say anything else. */
static int check_app_info(const struct subject *s, struct ds_verdict *v)
{
	DS_APP_INFO struct ds_app_info info = DS_APP_INFO_NULL;
	struct ds_err err = DS_ERR_NULL;
	const char *other;

	if (!s->leaf.app_info.n)
		return 0;
	if (ds_app_info_decode(ds_buf_span(&s->leaf.app_info), &info, &err))
		return ds_verdict_fail(v, DS_REASON_CERT_FORMAT, "app info: %s", err.msg);
	other = other_info(&info, s);
	if (other)
		return ds_verdict_fail(v, DS_REASON_CERT_IDENTITY,
				       "app info of the certificate: its %s is not what was measured",
				       other);
	ds_verdict_pass(v, "cert-identity", "app info is what was measured");
	return 0;
}

/* What the certificate says about itself against what was measured. */
static int check_identity(const struct options *o, const struct subject *s, struct ds_verdict *v)
{
	const struct ds_cert_info *c = &s->leaf;

	if (s->is_app && strcmp(c->usage, DS_USAGE_APP_CUSTOM))
		return ds_verdict_fail_text(v, DS_REASON_CERT_USAGE, "usage of the certificate",
					    DS_USAGE_APP_CUSTOM, c->usage);
	if (c->has_app_id && memcmp(c->app_id, s->id.app_id, sizeof(c->app_id)))
		return ds_verdict_fail_hex(v, DS_REASON_CERT_IDENTITY, "app id of the certificate",
					   DS_SPAN_ARRAY(s->id.app_id), DS_SPAN_ARRAY(c->app_id));
	if ((s->is_app || expect_identity(o)) && by_kms(o, s) && !c->has_app_id)
		return ds_verdict_fail(v, DS_REASON_CERT_IDENTITY, "the certificate has no app id");
	DS_TRY(check_app_info(s, v));
	ds_verdict_pass(v, "cert-usage", "usage %s%s", c->usage[0] ? c->usage : "(none)",
			c->has_app_id ? ", app id is the measured one" : "");
	return expect_kms(o) ? check_app_ca(o, s, v) : 0;
}

static int check_compose(const struct options *o, const struct subject *s, struct ds_verdict *v)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL;

	if (s->bundle.compose.n)
		DS_TRY(ds_verify_compose(v, &s->id, ds_buf_span(&s->bundle.compose)));
	if (!o->compose)
		return 0;
	DS_TRY(input_evidence(o->compose, DS_MAX_APP_COMPOSE, DS_REASON_COMPOSE_HASH, &buf, v));
	return ds_verify_compose(v, &s->id, ds_buf_span(&buf));
}

static int check_image(const struct options *o, const struct subject *s, struct ds_verdict *v)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct ds_image_mr mr;

	DS_TRY(bundle_image(o, &s->bundle, &s->id, v));
	if (!o->image)
		return 0;
	DS_TRY(input_evidence(o->image, DS_MAX_CONFIG_FILE, DS_REASON_MEASUREMENT, &buf, v));
	if (ds_image_mr_parse(ds_buf_span(&buf), &mr, &err))
		return ds_verdict_fail(v, DS_REASON_MEASUREMENT, "--image: %s", err.msg);
	return ds_verify_image(v, &mr);
}

static int check_one_log(struct ds_span text, const char *what, struct ds_verdict *v)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	struct ds_err err = DS_ERR_NULL;

	if (ds_eventlog_parse(text, &log, &err))
		return ds_verdict_fail(v, DS_REASON_EVENT_LOG_FORMAT, "%s: %s", what, err.msg);
	DS_TRY(ds_verify_launch(v, &log, what));
	DS_TRY(ds_verify_log(v, &log, v->body.rt_mr, true));
	return ds_verify_launch_events(v, &log, what);
}

/* The log of a bundle belongs to the quote for the nonce when there is one. */
static int check_log(const struct options *o, const struct subject *s, struct ds_verdict *v)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL;

	if (s->bundle.event_log.n && (!s->bundle.quote.n || s->no_cert))
		DS_TRY(check_one_log(ds_buf_span(&s->bundle.event_log), "event_log", v));
	/* beside the newer form nobody here needs it, but a reader of the older one believes it */
	if (s->leaf.attestation.n && s->leaf.event_log.n)
		DS_TRY(check_one_log(ds_buf_span(&s->leaf.event_log), "extension .2", v));
	if (!o->event_log)
		return 0;
	DS_TRY(input_evidence(o->event_log, DS_MAX_EVENT_LOG, DS_REASON_EVENT_LOG_FORMAT, &buf, v));
	return check_one_log(ds_buf_span(&buf), "--event-log", v);
}

/* Refusals are in the verdict; only failures of ours stop here. */
static int hard(int r)
{
	return r < 0 ? r : 0;
}

static int judge_evidence(void *ctx, struct ds_span collateral, struct ds_verdict *v)
{
	struct subject *s = ctx;

	ds_identity_done(&s->id);
	s->id = DS_IDENTITY_NULL;
	DS_TRY(ds_attest_evidence(&s->att, s->expect, collateral, s->opts, v, &s->id));
	if (!v->accepted)
		return 0;
	if (s->no_cert) {
		ds_verdict_pass(v, "nonce", "the quote was made for %s",
				s->o->nonce ? "your nonce"
					    : "the bundle's own nonce, so it may be old (give "
					      "yours with --nonce)");
		return 0;
	}
	/* beside a certificate, while the collateral is at hand */
	return hard(bundle_fresh(s->o, &s->bundle, collateral, &s->att.runtime_events, v));
}

static int load_subject(const struct options *o, struct subject *s, struct ds_verdict *v)
{
	DS_TRY(bundle_load(o, &s->bundle, v));
	s->no_cert = !o->cert && !s->bundle.chain.n;
	if (s->no_cert)
		return bundle_evidence(o, &s->bundle, &s->att, s->expect, v);
	DS_TRY(load_chain(o, s, v));
	DS_TRY(ds_attest_from_cert(&s->leaf, &s->att, v));
	return ds_ratls_report_data(ds_buf_span(&s->leaf.spki), s->expect);
}

static int judge(const struct options *o, struct subject *s, struct ds_verdict *v)
{
	const struct ds_buf *own = &s->bundle.collateral;

	s->o = o;
	s->opts = &o->verify;
	DS_TRY(load_subject(o, s, v));
	if (own->n && !o->collateral && !o->fetch.url)
		DS_TRY(judge_evidence(s, ds_buf_span(own), v));
	else
		/* of SEV-SNP there is nothing to fetch at Intel's */
		DS_TRY(collateral_judge(o,
					s->att.kind == DS_ATTESTATION_SNP
						? DS_SPAN_NULL
						: ds_buf_span(&s->att.quote),
					judge_evidence, s, v));
	if (!v->accepted)
		return 0;
	if (!s->no_cert)
		DS_TRY(hard(check_validity(s, v)));
	DS_TRY(hard(check_chain(o, s, v)));
	if (!s->no_cert)
		DS_TRY(hard(check_identity(o, s, v)));
	DS_TRY(hard(check_compose(o, s, v)));
	DS_TRY(hard(check_image(o, s, v)));
	DS_TRY(hard(check_log(o, s, v)));
	return expect_judge(o, s->no_cert ? DS_SPAN_NULL : ds_buf_span(&s->chain.der[0]), &s->id,
			    s->is_app, by_kms(o, s), v);
}

static json_t *identity_json(const struct options *o, const struct subject *s)
{
	const struct ds_identity *id = &s->id;
	json_t *out = json_object(), *c = json_object(), *kp;

	output_hex(out, "app_id", id->app_id, sizeof(id->app_id));
	output_hex(out, "compose_hash", id->compose_hash, sizeof(id->compose_hash));
	output_hex(out, "instance_id", id->instance_id, id->instance_id_len);
	output_hex(out, "device_id", id->device_id, sizeof(id->device_id));
	output_hex(out, "mr_system", id->mr_system, sizeof(id->mr_system));
	output_hex(out, "mr_aggregated", id->mr_aggregated, sizeof(id->mr_aggregated));
	output_hex(out, "os_image_hash", id->os_image_hash,
		   id->has_os_image_hash ? sizeof(id->os_image_hash) : 0);
	json_object_set_new(out, "os_image_hash_measured",
			    json_boolean(id->os_image_hash_measured));
	kp = json_stringn(id->key_provider.n ? (const char *)id->key_provider.p : "",
			  id->key_provider.n);
	json_object_set_new(out, "key_provider", kp ? kp : json_string("")); /* not UTF-8 */
	json_object_set_new(out, "boot_complete", json_boolean(id->boot_complete));
	json_object_set_new(out, "vouched_by", json_string(expect_source(o, by_kms(o, s))));
	if (s->bundle.quote.n)
		output_hex(out, "nonce", s->bundle.nonce, sizeof(s->bundle.nonce));
	json_object_set_new(c, "subject", json_string(s->leaf.cn));
	json_object_set_new(c, "usage", json_string(s->leaf.usage));
	json_object_set_new(out, "certificate", c);
	return json_pack("{s:o}", "identity", out);
}

static void print_identity(const struct options *o, const struct subject *s)
{
	char hex[65];

	output_field("", "app id", ds_hex_encode(s->id.app_id, sizeof(s->id.app_id), hex));
	output_field("", "instance id",
		     ds_hex_encode(s->id.instance_id, s->id.instance_id_len, hex));
	output_field("", "compose hash", ds_hex_encode(s->id.compose_hash, 32, hex));
	if (!by_kms(o, s) && !expect_image(o))
		output_linef("note", "the identity is the TD's own claim: give --image%s",
			     s->of_kms ? "" : " or --kms-root");
}

static int run(int argc, char **argv, unsigned int mask, const char *usage, bool is_app)
{
	DS_CLEANUP(subject_done) struct subject s = { .is_app = is_app };
	OPTIONS struct options o = { 0 };
	DS_FREE struct ds_verdict *v = NULL;
	json_t *extra = NULL;
	int r, first;

	r = options_parse(argc, argv, mask, 0, usage, &o, &first);
	if (!r)
		r = options_load(&o);
	if (r)
		return r == -ECANCELED ? EXIT_ACCEPTED : r;
	if ((!o.cert && !o.bundle) ||
	    ((o.nonce || o.kms_root_hash || o.image_hash) && !o.bundle)) {
		fprintf(stderr, "dstack-verify: --%s is needed\nusage: dstack-verify %s\n",
			is_app && (o.nonce || o.kms_root_hash || o.image_hash) ? "bundle" : "cert",
			usage);
		return EXIT_USAGE;
	}
	v = malloc(sizeof(*v));
	if (!v)
		return EXIT_USAGE;
	ds_verdict_init(v);
	if (judge(&o, &s, v) < 0)
		return EXIT_USAGE;
	if (v->accepted && o.json)
		extra = identity_json(&o, &s);
	else if (v->accepted)
		print_identity(&o, &s);
	r = output_verdict(&o, v, extra);
	json_decref(extra);
	return r;
}

int cmd_app(int argc, char **argv)
{
	return run(argc, argv, OPT_EXPECT | OPT_COMPOSE | OPT_EVENT_LOG | OPT_BUNDLE, USAGE_APP,
		   true);
}

int cmd_cert(int argc, char **argv)
{
	return run(argc, argv, OPT_EXPECT | OPT_COMPOSE, USAGE_CERT, false);
}
