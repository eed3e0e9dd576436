// SPDX-License-Identifier: GPL-2.0-only
/* The firmware's event log: is it one that ours can continue, and where does it end? */
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>

#include "tcg2.h"
#include "uapi/dstack.h"

#define SHA1_SIZE	20
#define SIGNATURE	"Spec ID Event03"	/* with its NUL */
/* The Spec ID event up to the vendor information: its size is the last byte of it. */
#define SPEC_ID_SIZE	33
#define HEADER_SIZE	(4 + 4 + SHA1_SIZE + 4)
/* TCG_PCR_EVENT2 up to its data. */
#define RECORD_SIZE	(4 + 4 + 4 + 2 + DSTACK_DIGEST_SIZE + 4)

static u32 le16(const u8 *p)
{
	return p[0] | (u32)p[1] << 8;
}

static u32 le32(const u8 *p)
{
	return le16(p) | le16(p + 2) << 16;
}

/* Length of the first record, 0 if it is not what we continue. */
static size_t header_len(const u8 *area, size_t size)
{
	const u8 *spec = area + HEADER_SIZE;

	if (size < HEADER_SIZE + SPEC_ID_SIZE || le32(area) != 0 ||
	    le32(area + 4) != DS_TCG2_EV_NO_ACTION)
		return 0;
	/* Signature, class, versions; then the number of algorithms, and the first one. */
	if (memcmp(spec, SIGNATURE, sizeof(SIGNATURE)) || le32(spec + 24) != 1 ||
	    le16(spec + 28) != DS_TCG2_ALG_SHA384 || le16(spec + 30) != DSTACK_DIGEST_SIZE)
		return 0;
	/* The vendor information and the event end at the same byte. */
	if (le32(area + HEADER_SIZE - 4) != SPEC_ID_SIZE + (u32)spec[SPEC_ID_SIZE - 1] ||
	    size < HEADER_SIZE + SPEC_ID_SIZE + (size_t)spec[SPEC_ID_SIZE - 1])
		return 0;
	return HEADER_SIZE + SPEC_ID_SIZE + spec[SPEC_ID_SIZE - 1];
}

/* Length of the record, 0 if it is not one we take. */
static size_t record_len(const u8 *rec, size_t size)
{
	u32 type, data_len;

	if (size < RECORD_SIZE)
		return 0;
	type = le32(rec + 4);
	if (le32(rec) >= DSTACK_LOG_PCR(DSTACK_EVENT_RTMR) || type == DSTACK_EV_RUNTIME ||
	    type == DSTACK_EV_DIGEST_ONLY)
		return 0;
	if (le32(rec + 8) != 1 || le16(rec + 12) != DS_TCG2_ALG_SHA384)
		return 0;
	data_len = le32(rec + RECORD_SIZE - 4);
	if (data_len > size - RECORD_SIZE)
		return 0;
	return RECORD_SIZE + (size_t)data_len;
}

static bool is_fill(const u8 *p, size_t len)
{
	if (*p != 0 && *p != 0xff)
		return false;
	return len == 1 || !memcmp(p, p + 1, len - 1);
}

int ds_tcg2_measure(const u8 *area, size_t size, struct ds_tcg2_extent *ret_extent)
{
	size_t at = header_len(area, size), len;
	u32 events = 0;

	if (!at)
		return -EBADMSG;
	while (at < size && !is_fill(area + at, size - at)) {
		len = record_len(area + at, size - at);
		if (!len)
			return -EBADMSG;
		at += len;
		events++;
	}
	ret_extent->len = at;
	ret_extent->events = events;
	return 0;
}
