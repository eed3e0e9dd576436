/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Userspace view of dstack_rtmr.ko for the kernel tests: an independent reading of the event log,
 * its replay, and shorthands for the files. Nothing here is shared with the module but its uapi.
 */
#ifndef RTMR_UTIL_H
#define RTMR_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "uapi/dstack.h"

#define DS_SYSFS(name)	DSTACK_SYSFS_DIR "/" name
#define DS_PARAM(name)	"/sys/module/dstack_rtmr/parameters/" name
#define DS_KNOB(name)	"/sys/kernel/debug/tdx_emul/" name

/* TDREPORT offsets, spec section 1.7. */
#define TDREPORT_REPORTDATA	128
#define TDREPORT_RTMR(n)	(720 + 48 * (n))

/* One record; data points into the parsed bytes. */
struct rt_event {
	uint32_t pcr, type;
	const uint8_t *digest;
	const uint8_t *data;
	uint32_t data_len;
};

struct rt_log {
	uint8_t *bytes;
	size_t len;
	struct rt_event *events;
	size_t n;
};

/* The whole live log. False if it cannot be read or is malformed. */
bool rt_log_load(struct rt_log *ret_log);
void rt_log_free(struct rt_log *log);

/*
 * Replays the events that lie in the first len bytes onto a register that started at zero. False if
 * len is not a record boundary, or an event's digest is not that of its data.
 */
bool rt_log_replay(const struct rt_log *log, size_t len, unsigned int rtmr, uint8_t ret[48]);

/* Does event i carry this name and payload? */
bool rt_event_is(const struct rt_event *event, const char *name, const void *payload, size_t len);

void rt_sha384(const void *data, size_t len, uint8_t ret[48]);

/* 0, or -1 with errno; one write of NAME '\n' PAYLOAD to the named file. */
int rt_event_write(const char *file, const char *name, const void *payload, size_t len);
int rt_event(const char *name, const char *payload);
int rt_event_once(const char *name, const char *payload);

bool rt_live_rtmr(unsigned int rtmr, uint8_t ret[48]);
/* Content of the "consistent" file, -1 on error. */
int rt_consistent(void);
/* The live register equals the replay of the whole log, and the kernel agrees. */
bool rt_replay_matches(unsigned int rtmr);

/* "# WHAT HEX", for a script that looks at what the test printed. */
void rt_show(const char *what, const uint8_t *data, size_t len);

#endif /* RTMR_UTIL_H */
