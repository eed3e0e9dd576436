// SPDX-License-Identifier: Apache-2.0
/* The event log as a verifier would read it. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rtmr_util.h"

#define LOG_READ_MAX	(DSTACK_LOG_MAX + 4096)

/* TCG PFP 10.2.1.1: an old-style EV_NO_ACTION event that holds the Spec ID structure. */
static const uint8_t log_head[] = {
	0, 0, 0, 0,  3, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	33, 0, 0, 0,
	'S', 'p', 'e', 'c', ' ', 'I', 'D', ' ', 'E', 'v', 'e', 'n', 't', '0', '3', 0,
	0, 0, 0, 0,  0, 2, 0, 2,
	1, 0, 0, 0,  0x0c, 0, 48, 0,  0,
};

static uint32_t le32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

void rt_sha384(const void *data, size_t len, uint8_t ret[48])
{
	if (!EVP_Digest(data, len, ret, NULL, EVP_sha384(), NULL))
		abort();
}

static ssize_t read_all(const char *path, uint8_t *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -1;
	while (have < size && (n = read(fd, to + have, size - have)) > 0)
		have += (size_t)n;
	close(fd);
	return n < 0 ? -1 : (ssize_t)have;
}

static bool parse(struct rt_log *log)
{
	size_t at = sizeof(log_head);

	if (log->len < at || memcmp(log->bytes, log_head, at))
		return false;
	log->events = calloc(log->len / 66 + 1, sizeof(*log->events));
	while (at < log->len) {
		struct rt_event *e = &log->events[log->n++];
		const uint8_t *p = log->bytes + at;

		if (log->len - at < 66 || le32(p + 8) != 1 || p[12] != 0x0c || p[13])
			return false;
		e->pcr = le32(p);
		e->type = le32(p + 4);
		e->digest = p + 14;
		e->data_len = le32(p + 62);
		e->data = p + 66;
		if (e->data_len > log->len - at - 66)
			return false;
		at += 66 + e->data_len;
	}
	return true;
}

bool rt_log_load(struct rt_log *ret_log)
{
	struct rt_log log = { .bytes = malloc(LOG_READ_MAX) };
	ssize_t n = log.bytes ? read_all(DS_SYSFS("eventlog"), log.bytes, LOG_READ_MAX) : -1;

	if (n >= 0) {
		log.len = (size_t)n;
		if (parse(&log)) {
			*ret_log = log;
			return true;
		}
		errno = EBADMSG;
	}
	rt_log_free(&log);
	return false;
}

void rt_log_free(struct rt_log *log)
{
	free(log->bytes);
	free(log->events);
	memset(log, 0, sizeof(*log));
}

bool rt_log_replay(const struct rt_log *log, size_t len, unsigned int rtmr, uint8_t ret[48])
{
	size_t at = sizeof(log_head), i;
	uint8_t both[96] = { 0 };
	uint8_t digest[48];

	for (i = 0; i < log->n && at < len; i++) {
		const struct rt_event *e = &log->events[i];

		at += 66 + e->data_len;
		if (e->type == DSTACK_EV_RUNTIME) {
			rt_sha384(e->data, e->data_len, digest);
			if (memcmp(digest, e->digest, 48))
				return false;
		} else if (e->type == DSTACK_EV_DIGEST_ONLY ? e->data_len : e->pcr == 4) {
			return false;	/* what firmware logs is its own affair, but not in RTMR3 */
		}
		if (e->pcr != rtmr + 1)
			continue;
		memcpy(both + 48, e->digest, 48);
		rt_sha384(both, 96, both);
	}
	memcpy(ret, both, 48);
	return at == len;
}

bool rt_event_is(const struct rt_event *event, const char *name, const void *payload, size_t len)
{
	static const uint8_t type[5] = { 0x01, 0x00, 0x00, 0x08, ':' };
	size_t name_len = strlen(name);

	return event->type == DSTACK_EV_RUNTIME && event->pcr == 4 &&
	       event->data_len == 5 + name_len + 1 + len && !memcmp(event->data, type, 5) &&
	       !memcmp(event->data + 5, name, name_len) && event->data[5 + name_len] == ':' &&
	       !memcmp(event->data + 5 + name_len + 1, payload, len);
}

int rt_event_write(const char *file, const char *name, const void *payload, size_t len)
{
	size_t name_len = strlen(name);
	uint8_t buf[16384];
	ssize_t n;
	int fd, saved;

	if (name_len + 1 + len > sizeof(buf)) {
		errno = E2BIG;
		return -1;
	}
	memcpy(buf, name, name_len);
	buf[name_len] = '\n';
	memcpy(buf + name_len + 1, payload, len);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = write(fd, buf, name_len + 1 + len);
	saved = n >= 0 ? EIO : errno;
	close(fd);
	errno = saved;
	return n == (ssize_t)(name_len + 1 + len) ? 0 : -1;
}

int rt_event(const char *name, const char *payload)
{
	return rt_event_write(DS_SYSFS("event"), name, payload, strlen(payload));
}

int rt_event_once(const char *name, const char *payload)
{
	return rt_event_write(DS_SYSFS("event_once"), name, payload, strlen(payload));
}

bool rt_live_rtmr(unsigned int rtmr, uint8_t ret[48])
{
	char path[96];

	snprintf(path, sizeof(path), DS_SYSFS("measurements/rtmr%u:sha384"), rtmr);
	return read_all(path, ret, 48) == 48;
}

int rt_consistent(void)
{
	uint8_t text[4] = { 0 };

	if (read_all(DS_SYSFS("consistent"), text, sizeof(text)) != 2 || text[1] != '\n')
		return -1;
	return text[0] - '0';
}

bool rt_replay_matches(unsigned int rtmr)
{
	uint8_t live[48], replayed[48];
	struct rt_log log;
	bool ok;

	if (!rt_log_load(&log))
		return false;
	ok = rt_log_replay(&log, log.len, rtmr, replayed) && rt_live_rtmr(rtmr, live) &&
	     !memcmp(live, replayed, 48) && rt_consistent() == 1;
	rt_log_free(&log);
	return ok;
}

void rt_show(const char *what, const uint8_t *data, size_t len)
{
	printf("# %s ", what);
	while (len--)
		printf("%02x", *data++);
	putchar('\n');
}
