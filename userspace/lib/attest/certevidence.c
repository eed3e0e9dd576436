// SPDX-License-Identifier: Apache-2.0
/* Evidence in a certificate, in one piece or in two: a quote and a JSON log, as certificates of older
 * releases and GetQuote have it. */
#include <ds/attest/certevidence.h>
#include <ds/wire/attestation.h>
#include <ds/x509/cert.h>

int ds_attest_runtime_events(struct ds_attestation *att)
{
	for (size_t i = 0; i < att->log.n; i++) {
		const struct ds_event *ev = &att->log.ev[i];
		struct ds_event *copy;

		if (ev->imr != DS_EVENT_IMR)
			continue;
		DS_TRY(ds_eventlog_add(&att->runtime_events, ev->imr, ev->type,
				       ev->has_digest ? ev->digest : NULL, ev->name,
				       ds_buf_span(&ev->payload), &copy));
		copy->version = ev->version;
	}
	return 0;
}

int ds_attest_from_parts(struct ds_span quote, struct ds_span log, struct ds_attestation *att,
			 struct ds_verdict *v)
{
	struct ds_err err = DS_ERR_NULL;
	struct ds_quote q;

	if (ds_quote_parse(quote, &q, &err))
		return ds_verdict_fail(v, DS_REASON_EVIDENCE_FORMAT, "quote: %s", err.msg);
	memcpy(att->report_data, q.body.report_data, sizeof(att->report_data));
	DS_TRY(ds_buf_add_span(&att->quote, quote));
	if (ds_eventlog_parse_json(log, &att->log, &err))
		return ds_verdict_fail(v, DS_REASON_EVENT_LOG_FORMAT, "%s", err.msg);
	return ds_attest_runtime_events(att);
}

int ds_attest_from_cert(const struct ds_cert_info *leaf, struct ds_attestation *att,
			struct ds_verdict *v)
{
	struct ds_err err = DS_ERR_NULL;

	if (!leaf->attestation.n && (!leaf->quote.n || !leaf->event_log.n))
		return ds_verdict_fail(v, DS_REASON_EVIDENCE_MISSING,
				       "the certificate carries no attestation");
	if (!leaf->attestation.n)
		return ds_attest_from_parts(ds_buf_span(&leaf->quote),
					    ds_buf_span(&leaf->event_log), att, v);
	if (ds_attestation_decode(ds_buf_span(&leaf->attestation), att, &err))
		return ds_verdict_fail(v, DS_REASON_EVIDENCE_FORMAT, "%s", err.msg);
	/* both forms at once: a reader of the older one must not see other evidence */
	if (leaf->quote.n && !ds_span_eq(ds_buf_span(&leaf->quote), ds_buf_span(&att->quote)))
		return ds_verdict_fail(v, DS_REASON_EVIDENCE_FORMAT,
				       "extensions .1 and .8 hold different quotes");
	return 0;
}
