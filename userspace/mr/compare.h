/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expected registers against those of a TD: which differ, and with the TD's event log which
 * event. The comparison owns nothing but its texts.
 */
#ifndef DSTACK_MR_COMPARE_H
#define DSTACK_MR_COMPARE_H

#include <ds/wire/eventlog.h>

#include "mr.h"

#define MR_CAUSE 240u

struct mr_registers {
	uint8_t mrtd[MR_SIZE];
	uint8_t rtmr[3][MR_SIZE];
};

struct mr_diff_event {
	const char *name; /* "" for an event that was not expected */
	bool expected, actual, equal;
	uint8_t want[MR_SIZE], got[MR_SIZE];
	char cause[MR_CAUSE]; /* "" when equal */
};

#define MR_MAX_DIFF 64u

struct mr_diff_register {
	bool equal;
	bool log_replays; /* the log's events give the actual value: only then they prove anything
			   */
	char cause[MR_CAUSE];
	struct mr_diff_event ev[MR_MAX_DIFF];
	size_t n; /* 0 without a log */
};

struct mr_diff {
	bool equal;
	const char *acpi_from; /* of struct mr_machine; NULL: no ACPI tables */
	bool has_log;
	bool mrtd_equal;
	char mrtd_cause[MR_CAUSE];
	struct mr_diff_register rtmr[3];
	/* What the log's ACPI digests say about the machine; cpus 0: nothing. */
	struct ds_acpi_layout layout;
	uint32_t cpus;
	bool layout_old; /* interrupt overrides as TDX branches of QEMU before 9.2 */
};

/* log may be NULL. */
DS_MUST int mr_compare(const struct mr_source *src, const struct mr_machine *m,
		       const struct mr_result *want, const struct mr_registers *got,
		       const struct ds_eventlog *log, struct mr_diff *ret);
DS_MUST int mr_diff_text(const struct mr_diff *d, const struct mr_result *want,
			 const struct mr_registers *got, struct ds_buf *buf);
DS_MUST int mr_diff_json(const struct mr_diff *d, const struct mr_result *want,
			 const struct mr_registers *got, struct ds_buf *buf);

/*
 * The digests of loader and RSDP say how large each table is: search the sizes that give them.
 * false: not the six tables of a dstack VM.
 */
bool mr_acpi_layout(const uint8_t loader[MR_SIZE], const uint8_t rsdp[MR_SIZE],
		    struct ds_acpi_layout *ret, uint32_t *ret_cpus, bool *ret_old);

#endif
