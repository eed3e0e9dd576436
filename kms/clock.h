/* SPDX-License-Identifier: Apache-2.0 */
/* Time as the KMS uses it: how often, and not before when. Pure. */
#ifndef KMS_CLOCK_H
#define KMS_CLOCK_H

#include <ds/base/base.h>

/* A token bucket. Zeroed, it is full. */
struct kms_bucket {
	bool used;
	int64_t since; /* ms */
	unsigned left;
};

/* One of size tokens; one comes back every each_ms. now: ms of a clock that only goes forward. */
bool kms_bucket_take(struct kms_bucket *b, unsigned size, unsigned each_ms, int64_t now);

/*
 * The earliest time to judge evidence at: when this was built, or the latest time on record less a
 * minute for a clock that was corrected. A clock set back would make what has expired or been
 * revoked good again.
 */
int64_t kms_clock_floor(int64_t latest_record);

/* The latest wall time that was seen, and when. Zeroed, there is none yet. */
struct kms_clock {
	bool used;
	int64_t wall; /* s */
	int64_t at;   /* ms */
};

/*
 * The same between records: what the wall clock must show by now, less that minute, because it
 * showed something before and at has gone on. at: ms of a clock that only goes forward, and goes on
 * while the machine sleeps.
 */
int64_t kms_clock_due(struct kms_clock *c, int64_t wall, int64_t at);

#endif
