// SPDX-License-Identifier: Apache-2.0
/*
 * dstack-verify app --bundle: the parts of an evidence bundle. All of them are claims of whoever made
 * the bundle; what vouches is on the command line, and may be a hash of a part.
 */
#include "bundle.h"

#include <ds/attest/certevidence.h>
#include <ds/attest/eventlog.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/x509/cert.h>

#define MEASUREMENT "measurement.json"

int bundle_load(const struct options *o, struct ds_bundle *ret, struct ds_verdict *v)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	int r;

	if (!o->bundle)
		return 0;
	r = input_file(o->bundle, DS_MAX_BUNDLE, &buf);
	if (r == -EFBIG)
		return ds_verdict_fail(v, DS_REASON_BUNDLE_FORMAT, "more than %u bytes",
				       DS_MAX_BUNDLE);
	if (r)
		return -EIO;
	r = ds_bundle_parse(ds_buf_span(&buf), ret, &err);
	return r == -ENOMEM ? r : r ? ds_verdict_fail(v, DS_REASON_BUNDLE_FORMAT, "%s", err.msg) : 0;
}

/* --nonce, padded with zeros as the agent does (spec/guest-api 2.1), else the one of the bundle. */
static void nonce_wanted(const struct options *o, const struct ds_bundle *b, uint8_t ret[64])
{
	memcpy(ret, b->nonce, 64);
	if (!o->nonce)
		return;
	memset(ret, 0, 64);
	/* options.c has seen to the form */
	(void)!ds_hex_decode(o->nonce, strlen(o->nonce), ret, 64);
}

int bundle_evidence(const struct options *o, const struct ds_bundle *b, struct ds_attestation *att,
		    uint8_t ret_expect[64], struct ds_verdict *v)
{
	struct ds_err err = DS_ERR_NULL;

	nonce_wanted(o, b, ret_expect);
	memcpy(att->report_data, b->nonce, sizeof(att->report_data));
	DS_TRY(ds_buf_add_span(&att->quote, ds_buf_span(&b->quote)));
	DS_TRY(ds_buf_add_span(&att->config, ds_buf_span(&b->vm_config)));
	if (ds_eventlog_parse_json(ds_buf_span(&b->event_log), &att->log, &err))
		return ds_verdict_fail(v, DS_REASON_EVENT_LOG_FORMAT, "event_log: %s", err.msg);
	return ds_attest_runtime_events(att);
}

int bundle_image(const struct options *o, const struct ds_bundle *b, const struct ds_identity *id,
		 struct ds_verdict *v)
{
	struct ds_err err = DS_ERR_NULL;
	struct ds_image_mr mr;
	uint8_t want[32], hash[32];

	if (b->measurement.n) {
		if (ds_image_mr_parse(ds_buf_span(&b->measurement), &mr, &err))
			return ds_verdict_fail(v, DS_REASON_MEASUREMENT, "bundle: %s", err.msg);
		DS_TRY(ds_verify_image(v, &mr));
	}
	if (!o->image_hash)
		return 0;
	if (!b->sha256sum.n)
		return ds_verdict_fail(v, DS_REASON_EVIDENCE_MISSING,
				       "--image-hash: the bundle holds no sha256sum.txt");
	if (ds_hex_decode_exact(o->image_hash, want, sizeof(want)))
		return -EINVAL; /* options.c has seen to it */
	DS_TRY(ds_sha256_1(ds_buf_span(&b->sha256sum), hash));
	if (memcmp(hash, want, sizeof(hash)))
		return ds_verdict_fail_hex(v, DS_REASON_MEASUREMENT, "hash of the image's sha256sum.txt",
					   DS_SPAN_ARRAY(want), DS_SPAN_ARRAY(hash));
	DS_TRY(ds_sha256_1(ds_buf_span(&b->measurement), hash));
	if (!sha256sum_has(ds_buf_span(&b->sha256sum), MEASUREMENT, hash))
		return ds_verdict_fail(v, DS_REASON_MEASUREMENT,
				       "sha256sum.txt does not list this " MEASUREMENT " (once)");
	/* what the KMS said at boot is measured; it must be this image */
	if (id->os_image_hash_measured && memcmp(id->os_image_hash, want, sizeof(want)))
		return ds_verdict_fail_hex(v, DS_REASON_MEASUREMENT, "measured os-image-hash",
					   DS_SPAN_ARRAY(want), DS_SPAN_ARRAY(id->os_image_hash));
	ds_verdict_pass(v, "image-hash", "the measurements are those of the image you named");
	return 0;
}

bool sha256sum_has(struct ds_span list, const char *name, const uint8_t hash[32])
{
	const char *p = (const char *)list.p, *end = p + list.n;
	const size_t n = strlen(name);
	uint8_t got[32];
	size_t seen = 0;
	bool same = false;

	/* coreutils: 64 hex digits, two blanks, the name, a line feed */
	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		const size_t len = (size_t)((lf ? lf : end) - p);

		if (len == 66 + n && !memcmp(p + 66, name, n) && p[64] == ' ' && p[65] == ' ' &&
		    !ds_hex_decode(p, 64, got, sizeof(got))) {
			seen++;
			same = !memcmp(got, hash, sizeof(got));
		}
		p += len + !!lf;
	}
	return seen == 1 && same;
}

int bundle_root(const struct options *o, const struct ds_bundle *b, struct ds_buf *ret_der,
		struct ds_verdict *v)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	DS_BUF struct ds_buf der = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	uint8_t want[32], hash[32];

	if (!b->kms_root.n)
		return ds_verdict_fail(v, DS_REASON_EVIDENCE_MISSING,
				       "--kms-root-hash: the bundle holds no KMS root");
	if (ds_hex_decode_exact(o->kms_root_hash, want, sizeof(want)))
		return -EINVAL; /* options.c has seen to it */
	if (ds_cert_pem_to_der(ds_buf_span(&b->kms_root), &der, &err) ||
	    ds_cert_parse(ds_buf_span(&der), &info, &err))
		return ds_verdict_fail(v, DS_REASON_CERT_CHAIN, "root of the bundle: %s", err.msg);
	DS_TRY(ds_sha256_1(ds_buf_span(&info.spki), hash));
	if (memcmp(hash, want, sizeof(hash)))
		return ds_verdict_fail_hex(v, DS_REASON_CERT_CHAIN, "hash of the KMS root's key",
					   DS_SPAN_ARRAY(want), DS_SPAN_ARRAY(hash));
	return ds_buf_add_span(ret_der, ds_buf_span(&der));
}

/* The launch that a says is how that of b begins: a may have been written on the way. */
static bool launch_begins(const struct ds_eventlog *a, const struct ds_eventlog *b)
{
	const size_t n = ds_eventlog_launch(a, NULL);

	if (n > ds_eventlog_launch(b, NULL))
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(a->ev[i].name, b->ev[i].name) ||
		    !ds_span_eq(ds_buf_span(&a->ev[i].payload), ds_buf_span(&b->ev[i].payload)))
			return false;
	return true;
}

/* App, compose file, instance and key provider are events of the launch. */
static bool same_td(const struct ds_td_body *a, const struct ds_td_body *b)
{
	return !memcmp(a->td_attributes, b->td_attributes, sizeof(a->td_attributes)) &&
	       !memcmp(a->xfam, b->xfam, sizeof(a->xfam)) &&
	       !memcmp(a->mr_td, b->mr_td, sizeof(a->mr_td)) &&
	       !memcmp(a->mr_config_id, b->mr_config_id, sizeof(a->mr_config_id)) &&
	       !memcmp(a->mr_owner, b->mr_owner, sizeof(a->mr_owner)) &&
	       !memcmp(a->mr_owner_config, b->mr_owner_config, sizeof(a->mr_owner_config)) &&
	       !memcmp(a->rt_mr, b->rt_mr, 3 * sizeof(a->rt_mr[0]));
}

int bundle_fresh(const struct options *o, const struct ds_bundle *b, struct ds_span collateral,
		 const struct ds_eventlog *events, struct ds_verdict *v)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	DS_IDENTITY struct ds_identity fresh = DS_IDENTITY_NULL;
	DS_FREE struct ds_verdict *f = NULL;
	uint8_t expect[64];

	if (!b->quote.n && o->nonce)
		return ds_verdict_fail(v, DS_REASON_EVIDENCE_MISSING,
				       "--nonce: no quote was made for a nonce");
	if (!b->quote.n)
		return 0;
	f = malloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	DS_TRY(bundle_evidence(o, b, &att, expect, v));
	DS_TRY(ds_attest_evidence(&att, expect, collateral, &o->verify, f, &fresh));
	if (!f->accepted)
		return ds_verdict_fail(v, f->reason, "quote for the nonce: %s", f->detail);
	DS_TRY(ds_verify_log(v, &att.log, f->body.rt_mr, true));
	if (!same_td(&v->body, &f->body) || memcmp(v->ppid, f->ppid, sizeof(v->ppid)) ||
	    !launch_begins(events, &att.runtime_events))
		return ds_verdict_fail(v, DS_REASON_CERT_IDENTITY,
				       "the quote for the nonce is another TD's than the certificate");
	ds_verdict_until(v, f->expires);
	ds_verdict_pass(v, "nonce", "the same TD made a quote for %s",
			o->nonce ? "your nonce" : "a nonce (give yours with --nonce)");
	return 0;
}
