/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the net process counts since its start, and its text for Prometheus. Counters belong to the
 * process, which has one thread: they are counted where things end, down to failures that know
 * nothing but their name.
 */
#ifndef KMS_METRICS_H
#define KMS_METRICS_H

#include <ds/base/base.h>

enum kms_counter {
	KMS_COUNT_REQUEST, /* by method */
	KMS_COUNT_RELEASE, /* on record, by method */
	KMS_COUNT_DENIAL,  /* by reason */
	KMS_COUNT_FAILURE, /* of our own, by method */
	KMS_COUNT_RELOAD,  /* "ok", "failed" */
	KMS_COUNTERS,
};

/* name: of the program, never a caller's word. Beyond 64 names it is "other". */
void kms_count(enum kms_counter c, const char *name);

/* What is read when it is asked for. */
struct kms_gauges {
	uint64_t log_entries, log_unlogged;
	int64_t log_latest, started; /* Unix seconds */
	unsigned connections, max_connections;
	uint32_t key_epoch;
	bool self_allowed;
};

DS_MUST int kms_metrics_text(const struct kms_gauges *g, struct ds_buf *ret);

#endif
