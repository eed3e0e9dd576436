// SPDX-License-Identifier: Apache-2.0
/* ds_eventlog_parse_json(): what parses and replays is written and read back with the same
 * registers. */
#include <stdlib.h>

#include <ds/attest/eventlog.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL, again = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	uint8_t x[4][48], y[4][48];
	struct ds_err err;

	if (ds_eventlog_parse_json(DS_SPAN(p, n), &log, &err) || ds_eventlog_replay(&log, x, &err))
		return 0;
	(void)ds_eventlog_find(&log, "app-id");
	if (ds_eventlog_to_json(&log, &b))
		return 0;
	if (ds_eventlog_parse_json(ds_buf_span(&b), &again, &err) ||
	    ds_eventlog_replay(&again, y, &err) || memcmp(x, y, sizeof(x)))
		abort();
	return 0;
}
