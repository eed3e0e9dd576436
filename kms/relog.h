/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Release log: one JSON line per decision, append-only, each line carrying the SHA-256 of the line
 * before it. A line is on disk before the reply that it describes leaves. Whoever cuts or edits the
 * file breaks the chain; whoever truncates its end is found by comparing with a head hash noted
 * elsewhere (it is logged at every start and stop).
 */
#ifndef KMS_RELOG_H
#define KMS_RELOG_H

#include <ds/base/base.h>
#include <jansson.h>

struct kms_relog;

/*
 * Opens or creates (mode 0600) and checks the whole chain, however long: -EBADMSG names the first
 * bad line. An incomplete last line was never acknowledged: it is removed, loudly, and a record says
 * so.
 */
DS_MUST int kms_relog_open(const char *path, struct kms_relog **ret, struct ds_err *err);
struct kms_relog *kms_relog_close(struct kms_relog *log);
/* Adds seq, time and prev to entry (borrowed, modified); after a failure the log refuses
 * everything. */
DS_MUST int kms_relog_add(struct kms_relog *log, json_t *entry, int64_t now);
/*
 * The same in two steps: what was written is on record when the sync after it succeeded, for any
 * number of lines at once. Nothing of it may be told before.
 */
DS_MUST int kms_relog_write(struct kms_relog *log, json_t *entry, int64_t now);
DS_MUST int kms_relog_sync(struct kms_relog *log);
/* Hash of the last line, 64 hex characters. */
const char *kms_relog_head(const struct kms_relog *log);
uint64_t kms_relog_count(const struct kms_relog *log);

/* The latest time on record, 0 for none: the clock was there once. */
int64_t kms_relog_latest(const struct kms_relog *log);

/* ret_n lines from fd to its end chain up, ret_head is the hash of the last one. */
DS_MUST int kms_relog_check(int fd, uint64_t *ret_n, char ret_head[65], struct ds_err *err);

#endif
