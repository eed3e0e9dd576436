// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's parser of written events, compiled for userspace. What it accepts obeys the name
 * rules and has a preimage from which name and payload can be told again.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

typedef uint8_t u8;
#define __must_check __attribute__((warn_unused_result))

#include "../../kernel/rtmr/event.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The preimage is the head, then the payload: its first colon behind the type ends the name. */
static void check_preimage(const struct ds_event *event)
{
	u8 *pre = malloc(DS_EVENT_HEAD_MAX);
	const u8 *colon;
	size_t len;

	must(pre);
	len = ds_event_head(event, pre);
	must(len == 5 + event->name_len + 1);
	must(!memcmp(pre, "\x01\0\0\x08:", 5));
	colon = memchr(pre + 5, ':', len - 5);
	must(colon && (size_t)(colon - pre) == 5 + event->name_len);
	must(!memcmp(pre + 5, event->name, event->name_len));
	free(pre);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ds_event event;
	int ret = ds_event_parse(data, size, &event);
	size_t i;

	if (ret) {
		must(ret == -EINVAL || ret == -EFBIG);
		return 0;
	}
	must(event.name_len >= 1 && event.name_len <= 64 && event.payload_len <= 4000);
	must(event.name_len + 1 + event.payload_len == size);
	must((const u8 *)event.name == data && event.payload == data + event.name_len + 1);
	for (i = 0; i < event.name_len; i++)
		must(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-",
			    event.name[i]) && event.name[i]);
	must(!ds_event_is_ready(&event) || ds_event_is_launch(&event));
	check_preimage(&event);
	return 0;
}
