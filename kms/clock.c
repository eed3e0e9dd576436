// SPDX-License-Identifier: Apache-2.0
/* Rates, and the floor under the clock. */
#include "clock.h"

#define CORRECTION 60

bool kms_bucket_take(struct kms_bucket *b, unsigned size, unsigned each_ms, int64_t now)
{
	int64_t back = b->used ? (now - b->since) / each_ms : size;

	if (back > 0) {
		b->since = back >= size ? now : b->since + back * each_ms;
		b->left = back >= size - b->left ? size : b->left + (unsigned)back;
		b->used = true;
	}
	if (!b->left)
		return false;
	b->left--;
	return true;
}

int64_t kms_clock_floor(int64_t latest_record)
{
	int64_t built = KMS_TIME_FLOOR;

	return latest_record - CORRECTION > built ? latest_record - CORRECTION : built;
}

int64_t kms_clock_due(struct kms_clock *c, int64_t wall, int64_t at)
{
	int64_t due = c->used ? c->wall + (at - c->at) / 1000 : wall;

	if (!c->used || wall > due)
		*c = (struct kms_clock){ true, wall, at };
	return due - CORRECTION;
}
