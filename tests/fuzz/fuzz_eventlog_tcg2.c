// SPDX-License-Identifier: Apache-2.0
/*
 * ds_eventlog_parse_tcg2(), behind a header that is repaired: entries keep their limits, and fill
 * bytes at the end change nothing.
 */
#include <stdlib.h>

#include <ds/attest/eventlog.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const uint8_t header[] = { 0,   0,   0,	 0,   3,   0,	0,   0,	  0,   0,   0,	 0,   0,
				  0,   0,   0,	 0,   0,   0,	0,   0,	  0,   0,   0,	 0,   0,
				  0,   0,   33,	 0,   0,   0,	'S', 'p', 'e', 'c', ' ', 'I', 'D',
				  ' ', 'E', 'v', 'e', 'n', 't', '0', '3', 0,   0,   0,	 0,   0,
				  0,   2,   0,	 2,   1,   0,	0,   0,	  12,  0,   48,	 0,   0 };

static void run(struct ds_span in)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL, again = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	uint8_t x[4][48];
	struct ds_err err;

	if (ds_eventlog_parse_tcg2(in, &log, &err))
		return;
	for (size_t i = 0; i < log.n; i++)
		if (log.ev[i].imr > 3 || !log.ev[i].has_digest)
			abort();
	(void)!ds_eventlog_replay(&log, x, &err);
	if (ds_buf_add_span(&b, in) || ds_buf_reserve(&b, 8))
		return;
	if (in.n && in.p[in.n - 1] != 0 && in.p[in.n - 1] != 0xff) {
		memset(b.p + b.n, 0xff, 8);
		b.n += 8;
		if (ds_eventlog_parse_tcg2(ds_buf_span(&b), &again, &err) || again.n != log.n)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	run(DS_SPAN(p, n));
	if (!ds_buf_add(&b, header, sizeof(header)) && !ds_buf_add(&b, p, n))
		run(ds_buf_span(&b));
	return 0;
}
