// SPDX-License-Identifier: Apache-2.0
/* ds_attestation_decode(): V0 that decodes must encode to the same bytes; V1 must survive the way
 * through V0. */
#include <stdlib.h>

#include <ds/wire/attestation.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool has_version_2(const struct ds_eventlog *log)
{
	for (size_t i = 0; i < log->n; i++)
		if (log->ev[i].version == 2)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL, again = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf full = DS_BUF_NULL, stripped = DS_BUF_NULL;
	struct ds_err err;

	if (ds_attestation_decode(DS_SPAN(p, n), &att, &err))
		return 0;
	if (has_version_2(&att.log) || has_version_2(&att.runtime_events)) {
		if (ds_attestation_encode(&att, DS_ATTESTATION_FULL, &full) != -EOPNOTSUPP)
			abort();
		return 0;
	}
	if (ds_attestation_encode(&att, DS_ATTESTATION_FULL, &full) ||
	    ds_attestation_encode(&att, DS_ATTESTATION_STRIPPED, &stripped))
		abort();
	if (!p[0] && !ds_span_eq(ds_buf_span(&full), DS_SPAN(p, n)))
		abort();
	if (stripped.n > full.n || ds_attestation_decode(ds_buf_span(&stripped), &again, &err))
		abort();
	return 0;
}
