// SPDX-License-Identifier: Apache-2.0
/*
 * {"attestation": hex} or {"quote": hex, "event_log": text, "vm_config": text}, as the replies of
 * Attest and GetQuote are, so that those can be sent as they came; other members are ignored.
 */
#include "serve.h"

#include <ds/attest/certevidence.h>
#include <ds/base/text.h>
#include <ds/wire/jbounds.h>

#define DOM	   "request"
#define MAX_DEPTH  64u
#define MAX_VALUES 4096u

void serve_request_done(struct serve_request *r)
{
	ds_buf_done(&r->attestation);
	ds_buf_done(&r->quote);
	ds_buf_done(&r->log);
	ds_buf_done(&r->config);
}

static int bad(struct ds_err *err, const char *key, const char *what)
{
	return ds_err_set(err, -EBADMSG, DOM, 0, "%s: %s", key, what);
}

/* Absent and null are the same. */
static int text(const json_t *doc, const char *key, struct ds_span *ret, struct ds_err *err)
{
	const json_t *v = json_object_get(doc, key);

	*ret = DS_SPAN_NULL;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return bad(err, key, "expected a string");
	*ret = DS_SPAN(json_string_value(v), json_string_length(v));
	return 0;
}

static int unhex(struct ds_span s, size_t max, const char *key, struct ds_buf *ret,
		 struct ds_err *err)
{
	int r;

	if (s.n >= 2 && s.p[0] == '0' && s.p[1] == 'x')
		s = DS_SPAN(s.p + 2, s.n - 2);
	r = ds_hex_decode_buf((const char *)s.p, s.n, max, ret);
	if (r == -EFBIG)
		return ds_err_set(err, -EBADMSG, DOM, 0, "%s: more than %zu bytes", key, max);
	return r == -ENOMEM ? r : r ? bad(err, key, "expected hex") : 0;
}

static int hex(const json_t *doc, const char *key, size_t max, struct ds_buf *ret,
	       struct ds_err *err)
{
	struct ds_span s;

	DS_TRY(text(doc, key, &s, err));
	return unhex(s, max, key, ret, err);
}

/* The log is JSON text; the reference's manual calls it hex, so that is read too. */
static int log_text(const json_t *doc, struct ds_buf *ret, struct ds_err *err)
{
	struct ds_span s;

	DS_TRY(text(doc, "event_log", &s, err));
	if (s.n && s.p[0] != '[' && s.p[0] != ' ')
		return unhex(s, DS_MAX_EVENT_LOG, "event_log", ret, err);
	return ds_buf_add_span(ret, s);
}

static int fields(const json_t *doc, struct serve_request *r, struct ds_err *err)
{
	struct ds_span config;

	DS_TRY(hex(doc, "attestation", DS_MAX_ATTESTATION, &r->attestation, err));
	r->has_attestation = r->attestation.n > 0;
	if (r->has_attestation)
		return 0;
	DS_TRY(hex(doc, "quote", DS_MAX_QUOTE, &r->quote, err));
	if (!r->quote.n)
		return ds_err_set(err, -EBADMSG, DOM, 0,
				  "expected attestation, or quote and event_log");
	DS_TRY(log_text(doc, &r->log, err));
	DS_TRY(text(doc, "vm_config", &config, err));
	return ds_buf_add_span(&r->config, config);
}

int serve_request_parse(struct ds_span body, struct serve_request *ret, struct ds_err *err)
{
	struct serve_request r = { 0 };
	json_error_t je;
	json_t *doc;
	int rc;

	if (ds_json_bounds(body, MAX_DEPTH, MAX_VALUES, err))
		return -EBADMSG;
	doc = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &je);
	if (!doc)
		return ds_err_set(err, -EBADMSG, DOM, 0, "JSON: %s", je.text);
	rc = json_is_object(doc) ? fields(doc, &r, err)
				 : ds_err_set(err, -EBADMSG, DOM, 0, "not a JSON object");
	json_decref(doc);
	if (rc) {
		serve_request_done(&r);
		return rc;
	}
	*ret = r;
	return 0;
}

int serve_request_evidence(const struct serve_request *r, struct ds_attestation *att,
			   struct ds_verdict *v)
{
	struct ds_err err = DS_ERR_NULL;
	int rc;

	if (r->has_attestation) {
		rc = ds_attestation_decode(ds_buf_span(&r->attestation), att, &err);
		return !rc || rc == -ENOMEM ? rc
					    : ds_verdict_fail(v, DS_REASON_EVIDENCE_FORMAT, "%s",
							      err.msg);
	}
	if (!r->log.n)
		return ds_verdict_fail(v, DS_REASON_EVIDENCE_MISSING,
				       "a quote without its event_log says nothing about an app");
	DS_TRY(ds_attest_from_parts(ds_buf_span(&r->quote), ds_buf_span(&r->log), att, v));
	return ds_buf_add_span(&att->config, ds_buf_span(&r->config));
}
