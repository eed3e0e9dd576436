// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's judgement of a firmware event log, compiled for userspace. What it accepts our own
 * reader of event logs must accept too, with the same events and the same end.
 */
#include <ds/wire/eventlog.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

typedef uint8_t u8;
typedef uint32_t u32;
#define __must_check __attribute__((warn_unused_result))

#include "../../kernel/rtmr/tcg2.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ds_eventlog log = DS_EVENTLOG_NULL;
	struct ds_tcg2_extent extent;
	u8 *area = malloc(size ? size : 1);	/* exact: ASan sees one byte more */
	size_t i;
	int ret;

	must(area);
	memcpy(area, data, size);
	ret = ds_tcg2_measure(area, size, &extent);
	if (ret) {
		must(ret == -EBADMSG);
		free(area);
		return 0;
	}
	must(extent.len <= size);
	ret = ds_eventlog_parse_tcg2(DS_SPAN(area, extent.len), &log, NULL);
	must(!ret);
	must(log.n <= extent.events);	/* index 0 is no register */
	for (i = 0; i < log.n; i++)
		must(log.ev[i].imr < 3);
	ds_eventlog_done(&log);
	free(area);
	return 0;
}
