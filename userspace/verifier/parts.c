// SPDX-License-Identifier: Apache-2.0
/* Evidence in two pieces, a quote and a JSON log: certificates of older releases and GetQuote have it
 * so. */
#include "bundle.h"
#include "verify.h"

#include <ds/wire/attestation.h>

int evidence_runtime_events(struct ds_attestation *att)
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

int attestation_from_parts(struct ds_span quote, struct ds_span log, struct ds_attestation *att,
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
	return evidence_runtime_events(att);
}
