/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one event is: name rules, the write format "NAME\nPAYLOAD", the digest preimage. Pure
 * functions over bytes, no state and no locks.
 */
#ifndef DS_RTMR_EVENT_H
#define DS_RTMR_EVENT_H

#include <linux/types.h>

#include "uapi/dstack.h"

/* Borrows from the written buffer. */
struct ds_event {
	const char *name;
	size_t name_len;
	const u8 *payload;
	size_t payload_len;
};

/* -EINVAL: no newline or a name outside the rules. -EFBIG: the payload is too long. */
int __must_check ds_event_parse(const u8 *data, size_t len, struct ds_event *ret_event);

/* Is this one of the names that only the launch may use, and is it the one that ends the launch? */
bool ds_event_is_launch(const struct ds_event *event);
bool ds_event_is_ready(const struct ds_event *event);

/*
 * The digest that is extended is SHA-384 of LE32(type) ':' name ':' payload. This is all of that
 * but the payload; returns how much of ret_head it is.
 */
#define DS_EVENT_HEAD_MAX	(sizeof(__le32) + 1 + DSTACK_EVENT_NAME_MAX + 1)
size_t ds_event_head(const struct ds_event *event, u8 ret_head[DS_EVENT_HEAD_MAX]);

#endif /* DS_RTMR_EVENT_H */
