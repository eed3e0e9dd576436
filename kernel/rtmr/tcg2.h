/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What firmware has to write for its log to become the beginning of ours. Pure functions over
 * bytes, no locks.
 */
#ifndef DS_RTMR_TCG2_H
#define DS_RTMR_TCG2_H

#include <linux/types.h>

#define DS_TCG2_EV_NO_ACTION	3
#define DS_TCG2_ALG_SHA384	0x000c

/**
 * struct ds_tcg2_extent - where the events of a log area end
 * @len: bytes of header and events, without the fill
 * @events: records after the header
 */
struct ds_tcg2_extent {
	size_t len;
	u32 events;
};

/*
 * A log area in TCG2 crypto-agile format (TCG PC Client Platform Firmware Profile, section 10):
 * SHA-384 alone, one digest for each event, registers RTMR0 to RTMR2 (or none: index 0), then
 * nothing but fill. Types of ours are refused, nobody can have logged them before us.
 * Return: 0, or -EBADMSG.
 */
int __must_check ds_tcg2_measure(const u8 *area, size_t size, struct ds_tcg2_extent *ret_extent);

#endif /* DS_RTMR_TCG2_H */
