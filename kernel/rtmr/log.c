// SPDX-License-Identifier: GPL-2.0-only
/* The event log, TCG PC Client Platform Firmware Profile 10: crypto-agile format. */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "ccel.h"
#include "log.h"
#include "measure.h"
#include "tcg2.h"
#include "uapi/dstack.h"

#define LOG_FIRST_SIZE	(64 * 1024)

/* The first record, in the old SHA-1 format: it announces the algorithms of all that follow. */
struct spec_id_event {
	__le32 pcr;
	__le32 type;
	u8 sha1[20];
	__le32 size;
	struct spec_id {
		u8 signature[16];
		__le32 platform_class;
		u8 minor, major, errata, uintn_size;
		__le32 algorithms;
		__le16 alg_id;
		__le16 digest_size;
		u8 vendor_info_size;
	} __packed spec;
} __packed;

/* TCG_PCR_EVENT2 with exactly one digest; the event data follows. */
struct record {
	__le32 pcr;
	__le32 type;
	__le32 digest_count;
	__le16 alg_id;
	u8 digest[DS_TD_MR_SIZE];
	__le32 data_len;
	u8 data[];
} __packed;

static const struct spec_id_event spec_id_event = {
	.type = cpu_to_le32(DS_TCG2_EV_NO_ACTION),
	.size = cpu_to_le32(sizeof(struct spec_id)),
	.spec = {
		.signature = "Spec ID Event03",
		.major = 2,
		.uintn_size = 2,	/* 64-bit UINTN */
		.algorithms = cpu_to_le32(1),
		.alg_id = cpu_to_le16(DS_TCG2_ALG_SHA384),
		.digest_size = cpu_to_le16(DS_TD_MR_SIZE),
	},
};

/* The first own bytes are the header, and the firmware's events if it left any. */
static struct {
	u8 *buf;
	size_t own;
	size_t len;
	size_t size;
	u32 events;
} log;

static int grow(size_t need)
{
	size_t size = log.size;
	u8 *buf;

	while (size < need)
		size *= 2;
	if (size == log.size)
		return 0;
	buf = kvmalloc(size, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	memcpy(buf, log.buf, log.len);
	kvfree(log.buf);
	log.buf = buf;
	log.size = size;
	return 0;
}

int ds_log_reserve(size_t data_len)
{
	size_t need = log.len + sizeof(struct record) + data_len;

	lockdep_assert_held(&ds_measure_lock);
	if (need > DSTACK_LOG_MAX)
		return -ENOSPC;
	return grow(need);
}

void ds_log_commit(const struct ds_log_event *event)
{
	struct record *rec = (struct record *)(log.buf + log.len);
	size_t data_len = event->head_len + event->rest_len;

	lockdep_assert_held(&ds_measure_lock);
	rec->pcr = cpu_to_le32(DSTACK_LOG_PCR(event->rtmr));
	rec->type = cpu_to_le32(event->type);
	rec->digest_count = cpu_to_le32(1);
	rec->alg_id = cpu_to_le16(DS_TCG2_ALG_SHA384);
	memcpy(rec->digest, event->digest, sizeof(rec->digest));
	rec->data_len = cpu_to_le32(data_len);
	memcpy(rec->data, event->head, event->head_len);
	memcpy(rec->data + event->head_len, event->rest, event->rest_len);
	log.len += sizeof(*rec) + data_len;
	log.events++;
}

size_t ds_log_len(void)
{
	lockdep_assert_held(&ds_measure_lock);
	return log.len;
}

u32 ds_log_events(void)
{
	lockdep_assert_held(&ds_measure_lock);
	return log.events;
}

ssize_t ds_log_read(u8 *to, loff_t off, size_t count)
{
	lockdep_assert_held(&ds_measure_lock);
	if (off < 0)
		return -EINVAL;
	if (off >= log.len)
		return 0;
	count = min_t(size_t, count, log.len - off);
	memcpy(to, log.buf + off, count);
	return count;
}

bool ds_log_contains(u8 rtmr, u32 type, const u8 digest[DS_TD_MR_SIZE])
{
	size_t at = log.own;

	lockdep_assert_held(&ds_measure_lock);
	while (at < log.len) {
		const struct record *rec = (const struct record *)(log.buf + at);

		if (rec->pcr == cpu_to_le32(DSTACK_LOG_PCR(rtmr)) &&
		    rec->type == cpu_to_le32(type) &&
		    !memcmp(rec->digest, digest, sizeof(rec->digest)))
			return true;
		at += sizeof(*rec) + le32_to_cpu(rec->data_len);
	}
	return false;
}

bool ds_log_next(size_t *at, u8 *ret_rtmr, const u8 **ret_digest)
{
	const struct record *rec = (const struct record *)(log.buf + *at);

	lockdep_assert_held(&ds_measure_lock);
	if (*at >= log.len)
		return false;
	*ret_rtmr = le32_to_cpu(rec->pcr) - DSTACK_LOG_PCR(0);
	*ret_digest = rec->digest;
	*at += sizeof(*rec) + le32_to_cpu(rec->data_len);
	return true;
}

int ds_log_init(void)
{
	struct ds_tcg2_extent fw = { .len = sizeof(spec_id_event) };
	u8 *head;
	int err;

	static_assert(sizeof(struct spec_id_event) == 32 + 33);
	static_assert(sizeof(struct record) == 66);
	head = ds_ccel_copy(&fw);
	log.buf = kvmalloc(LOG_FIRST_SIZE, GFP_KERNEL);
	log.size = LOG_FIRST_SIZE;
	err = log.buf ? grow(fw.len) : -ENOMEM;
	if (err) {
		kvfree(head);
		kvfree(log.buf);
		return err;
	}
	memcpy(log.buf, head ?: (const u8 *)&spec_id_event, fw.len);
	kvfree(head);
	log.own = fw.len;
	log.len = fw.len;
	log.events = fw.events;
	return 0;
}

void ds_log_exit(void)
{
	kvfree(log.buf);
}
