// SPDX-License-Identifier: GPL-2.0-only
/* Event names, the write format and the digest preimage. */
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>

#include "event.h"
#include "uapi/dstack.h"

#define READY_NAME	"system-ready"

/* A verifier trusts these by name, so an application must never be able to log one. */
static const char *const launch_names[] = {
	"system-preparing",
	"app-id",
	"compose-hash",
	"init-script-hash",
	"gpu-policy-hash",
	"gpu-attestation",
	"instance-id",
	"boot-mr-done",
	"mr-kms",
	"os-image-hash",
	"key-provider",
	"storage-fs",
	READY_NAME,
	/* Of releases before 0.5. Nobody measures them any more, so any would be the first. */
	"rootfs-hash",
	"ca-cert-hash",
	NULL
};

/* What every preimage starts with: the type, little-endian, and the first separator. */
static const u8 preimage_head[] = {
	DSTACK_EV_RUNTIME & 0xff, DSTACK_EV_RUNTIME >> 8 & 0xff,
	DSTACK_EV_RUNTIME >> 16 & 0xff, DSTACK_EV_RUNTIME >> 24, ':',
};

/*
 * Not isalnum(), which accepts Latin-1 letters. A ':' in a name would let two different events have
 * one preimage.
 */
static bool name_char_ok(u8 c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

int ds_event_parse(const u8 *data, size_t len, struct ds_event *ret_event)
{
	size_t n = 0;

	while (n < len && n <= DSTACK_EVENT_NAME_MAX && name_char_ok(data[n]))
		n++;
	if (n == 0 || n > DSTACK_EVENT_NAME_MAX || n == len || data[n] != '\n')
		return -EINVAL;
	if (len - n - 1 > DSTACK_EVENT_PAYLOAD_MAX)
		return -EFBIG;
	ret_event->name = (const char *)data;
	ret_event->name_len = n;
	ret_event->payload = data + n + 1;
	ret_event->payload_len = len - n - 1;
	return 0;
}

static bool name_is(const struct ds_event *event, const char *name)
{
	return strlen(name) == event->name_len && !memcmp(name, event->name, event->name_len);
}

bool ds_event_is_launch(const struct ds_event *event)
{
	int i;

	for (i = 0; launch_names[i]; i++) {
		if (name_is(event, launch_names[i]))
			return true;
	}
	return false;
}

bool ds_event_is_ready(const struct ds_event *event)
{
	return name_is(event, READY_NAME);
}

size_t ds_event_head(const struct ds_event *event, u8 ret_head[DS_EVENT_HEAD_MAX])
{
	u8 *p = ret_head;

	memcpy(p, preimage_head, sizeof(preimage_head));
	p += sizeof(preimage_head);
	memcpy(p, event->name, event->name_len);
	p += event->name_len;
	*p++ = ':';
	return p - ret_head;
}
