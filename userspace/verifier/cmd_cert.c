// SPDX-License-Identifier: Apache-2.0
/* dstack-verify app and cert: an RA-TLS certificate, the evidence inside it and what the evidence
 * says. */
#include "verify.h"

#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/wire/appinfo.h>
#include <ds/wire/attestation.h>
#include <ds/x509/cert.h>

#define USAGE_APP                                                                                  \
	"app --cert CHAIN --collateral FILE {--image JSON | --kms-root PEM}... [--host NAME] "     \
	"[--app-id HEX] [--compose FILE] [--event-log FILE] [OPTION...]"
#define USAGE_CERT                                                                                 \
	"cert --cert CHAIN --collateral FILE [--image JSON] [--kms-root PEM] [--host NAME] "       \
	"[--app-id HEX] [OPTION...]"

#define OPT_EXPECT (OPT_JUDGE | OPT_CERT | OPT_KMS_ROOT | OPT_IMAGE | OPT_APP_ID | OPT_HOST)

struct subject {
	struct ds_cert_chain chain;
	struct ds_cert_info leaf;
	struct ds_attestation att;
	struct ds_identity id;
	bool is_app;
};

static void subject_done(struct subject *s)
{
	ds_cert_chain_done(&s->chain);
	ds_cert_info_done(&s->leaf);
	ds_attestation_done(&s->att);
	ds_identity_done(&s->id);
}

/* An optional input file: 0, EXIT_USAGE after printing, or refused because it is too large. */
static int load(const char *path, size_t max, enum ds_reason reason, struct ds_buf *ret,
		struct ds_verdict *v)
{
	int r = input_file(path, max, ret);

	if (r == -EFBIG)
		return ds_verdict_fail(v, reason, "%s: more than %zu bytes", path, max);
	return r ? -EIO : 0;
}

static int load_chain(const struct options *o, struct subject *s, struct ds_verdict *v)
{
	DS_BUF struct ds_buf pem = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	int r;

	DS_TRY(load(o->cert, DS_MAX_CERT_PEM, DS_REASON_CERT_FORMAT, &pem, v));
	r = ds_cert_chain_from_pem(ds_buf_span(&pem), &s->chain, &err);
	if (!r)
		r = ds_cert_parse(ds_buf_span(&s->chain.der[0]), &s->leaf, &err);
	return r ? ds_verdict_fail(v, DS_REASON_CERT_FORMAT, "%s", err.msg) : 0;
}

/* Extensions .1 and .2 of older releases: the same evidence in two pieces. */
static int from_older_form(struct subject *s, struct ds_verdict *v)
{
	struct ds_err err = DS_ERR_NULL;
	struct ds_quote q;

	if (!s->leaf.quote.n || !s->leaf.event_log.n)
		return ds_verdict_fail(v, DS_REASON_EVIDENCE_MISSING,
				       "the certificate carries no attestation");
	if (ds_quote_parse(ds_buf_span(&s->leaf.quote), &q, &err))
		return ds_verdict_fail(v, DS_REASON_EVIDENCE_FORMAT, "quote: %s", err.msg);
	memcpy(s->att.report_data, q.body.report_data, sizeof(s->att.report_data));
	DS_TRY(ds_buf_add_span(&s->att.quote, ds_buf_span(&s->leaf.quote)));
	if (ds_eventlog_parse_json(ds_buf_span(&s->leaf.event_log), &s->att.log, &err))
		return ds_verdict_fail(v, DS_REASON_EVENT_LOG_FORMAT, "%s", err.msg);
	for (size_t i = 0; i < s->att.log.n; i++) {
		const struct ds_event *ev = &s->att.log.ev[i];
		struct ds_event *copy;

		if (ev->imr != DS_EVENT_IMR)
			continue;
		DS_TRY(ds_eventlog_add(&s->att.runtime_events, ev->imr, ev->type,
				       ev->has_digest ? ev->digest : NULL, ev->name,
				       ds_buf_span(&ev->payload), &copy));
		copy->version = ev->version;
	}
	return 0;
}

static int load_evidence(struct subject *s, struct ds_verdict *v)
{
	struct ds_err err = DS_ERR_NULL;

	if (!s->leaf.attestation.n)
		return from_older_form(s, v);
	if (ds_attestation_decode(ds_buf_span(&s->leaf.attestation), &s->att, &err))
		return ds_verdict_fail(v, DS_REASON_EVIDENCE_FORMAT, "%s", err.msg);
	return 0;
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

static int check_chain(const struct options *o, const struct subject *s, struct ds_verdict *v)
{
	DS_BUF struct ds_buf pem = DS_BUF_NULL;
	DS_BUF struct ds_buf root = DS_BUF_NULL;
	struct ds_span *ders;
	struct ds_err err = DS_ERR_NULL;
	int r;

	if (!o->kms_root)
		return 0;
	DS_TRY(load(o->kms_root, DS_MAX_CERT_PEM, DS_REASON_CERT_CHAIN, &pem, v));
	if (ds_cert_pem_to_der(ds_buf_span(&pem), &root, &err))
		return ds_verdict_fail(v, DS_REASON_CERT_CHAIN, "--kms-root: %s", err.msg);
	ders = calloc(s->chain.n, sizeof(*ders));
	if (!ders)
		return -ENOMEM;
	for (size_t i = 0; i < s->chain.n; i++)
		ders[i] = ds_buf_span(&s->chain.der[i]);
	r = ds_cert_verify_chain(ders, s->chain.n, ds_buf_span(&root), o->time, &err);
	free(ders);
	if (r)
		return ds_verdict_fail(v, DS_REASON_CERT_CHAIN, "%s", err.msg);
	ds_verdict_pass(v, "cert-chain", "the chain of %zu ends in the KMS root", s->chain.n);
	return 0;
}

static bool same(const struct ds_buf *got, const void *want, size_t n)
{
	return ds_span_eq(ds_buf_span(got), DS_SPAN(want, n));
}

/* Extension .9 repeats what is measured; it must not say anything else. */
static int check_app_info(const struct subject *s, struct ds_verdict *v)
{
	DS_APP_INFO struct ds_app_info info = DS_APP_INFO_NULL;
	struct ds_err err = DS_ERR_NULL;

	if (!s->leaf.app_info.n)
		return 0;
	if (ds_app_info_decode(ds_buf_span(&s->leaf.app_info), &info, &err))
		return ds_verdict_fail(v, DS_REASON_CERT_FORMAT, "app info: %s", err.msg);
	if (!same(&info.app_id, s->id.app_id, sizeof(s->id.app_id)) ||
	    !same(&info.compose_hash, s->id.compose_hash, sizeof(s->id.compose_hash)) ||
	    !same(&info.instance_id, s->id.instance_id, s->id.instance_id_len))
		return ds_verdict_fail(
			v, DS_REASON_CERT_IDENTITY,
			"app info of the certificate differs from what was measured");
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
	if ((s->is_app || expect_identity(o)) && o->kms_root && !c->has_app_id)
		return ds_verdict_fail(v, DS_REASON_CERT_IDENTITY, "the certificate has no app id");
	DS_TRY(check_app_info(s, v));
	ds_verdict_pass(v, "cert-usage", "usage %s%s", c->usage[0] ? c->usage : "(none)",
			c->has_app_id ? ", app id is the measured one" : "");
	return o->kms_root ? check_app_ca(o, s, v) : 0;
}

static int check_compose(const struct options *o, const struct subject *s, struct ds_verdict *v)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL;

	if (!o->compose)
		return 0;
	DS_TRY(load(o->compose, DS_MAX_APP_COMPOSE, DS_REASON_COMPOSE_HASH, &buf, v));
	return ds_verify_compose(v, &s->id, ds_buf_span(&buf));
}

static int check_image(const struct options *o, struct ds_verdict *v)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct ds_image_mr mr;

	if (!o->image)
		return 0;
	DS_TRY(load(o->image, DS_MAX_CONFIG_FILE, DS_REASON_MEASUREMENT, &buf, v));
	if (ds_image_mr_parse(ds_buf_span(&buf), &mr, &err))
		return ds_verdict_fail(v, DS_REASON_MEASUREMENT, "--image: %s", err.msg);
	return ds_verify_image(v, &mr);
}

static int check_log(const struct options *o, struct ds_verdict *v)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf buf = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	if (!o->event_log)
		return 0;
	DS_TRY(load(o->event_log, DS_MAX_EVENT_LOG, DS_REASON_EVENT_LOG_FORMAT, &buf, v));
	if (ds_eventlog_parse(ds_buf_span(&buf), &log, &err))
		return ds_verdict_fail(v, DS_REASON_EVENT_LOG_FORMAT, "--event-log: %s", err.msg);
	DS_TRY(ds_verify_launch(v, &log, "--event-log"));
	return ds_verify_log(v, &log, v->body.rt_mr, true);
}

/* Refusals are in the verdict; only failures of ours stop here. */
static int hard(int r)
{
	return r < 0 ? r : 0;
}

static int judge(const struct options *o, struct subject *s, struct ds_verdict *v)
{
	DS_BUF struct ds_buf collateral = DS_BUF_NULL;
	uint8_t expect[64];

	if (o->collateral)
		DS_TRY(load(o->collateral, DS_MAX_COLLATERAL, DS_REASON_COLLATERAL_FORMAT,
			    &collateral, v));
	DS_TRY(load_chain(o, s, v));
	DS_TRY(load_evidence(s, v));
	DS_TRY(ds_ratls_report_data(ds_buf_span(&s->leaf.spki), expect));
	DS_TRY(ds_attest_evidence(&s->att, expect, ds_buf_span(&collateral), &o->verify, v,
				  &s->id));
	if (!v->accepted)
		return 0;
	DS_TRY(hard(check_validity(s, v)));
	DS_TRY(hard(check_chain(o, s, v)));
	DS_TRY(hard(check_identity(o, s, v)));
	DS_TRY(hard(check_compose(o, s, v)));
	DS_TRY(hard(check_image(o, v)));
	DS_TRY(hard(check_log(o, v)));
	return expect_judge(o, ds_buf_span(&s->chain.der[0]), &s->id, s->is_app, v);
}

static json_t *identity_json(const struct options *o, const struct subject *s)
{
	const struct ds_identity *id = &s->id;
	json_t *out = json_object(), *c = json_object();

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
	json_object_set_new(out, "key_provider",
			    json_stringn((const char *)id->key_provider.p, id->key_provider.n));
	json_object_set_new(out, "boot_complete", json_boolean(id->boot_complete));
	json_object_set_new(out, "vouched_by", json_string(expect_source(o)));
	json_object_set_new(c, "subject", json_string(s->leaf.cn));
	json_object_set_new(c, "usage", json_string(s->leaf.usage));
	json_object_set_new(out, "certificate", c);
	return json_pack("{s:o}", "identity", out);
}

static void print_identity(const struct options *o, const struct subject *s)
{
	char hex[65];

	printf("     %-22s %s\n", "app id", ds_hex_encode(s->id.app_id, sizeof(s->id.app_id), hex));
	printf("     %-22s %s\n", "instance id",
	       ds_hex_encode(s->id.instance_id, s->id.instance_id_len, hex));
	printf("     %-22s %s\n", "compose hash", ds_hex_encode(s->id.compose_hash, 32, hex));
	if (!o->kms_root && !o->image)
		puts("note the identity is the TD's own claim: give --image or --kms-root");
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
	if (!o.cert) {
		fprintf(stderr, "dstack-verify: --cert is needed\nusage: dstack-verify %s\n",
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
	return run(argc, argv, OPT_EXPECT | OPT_COMPOSE | OPT_EVENT_LOG, USAGE_APP, true);
}

int cmd_cert(int argc, char **argv)
{
	return run(argc, argv, OPT_EXPECT, USAGE_CERT, false);
}
