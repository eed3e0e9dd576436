// SPDX-License-Identifier: Apache-2.0
/* Release log. */
#include "relog.h"

#include <ds/base/file.h>
#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define DOM	 "release-log"
#define MAX_LINE 16384u

struct kms_relog {
	int fd;
	bool broken, unsynced;
	struct chain {
		uint64_t n;
		int64_t latest; /* of all times on record */
		char head[65];
	} chain, synced;
};

#define GENESIS "0000000000000000000000000000000000000000000000000000000000000000"

static const struct chain empty = { .head = GENESIS };

static int check_entry(struct ds_span line, uint64_t seq, const char *prev, int64_t *ret_time,
		       struct ds_err *err)
{
	json_t *j = line.n >= MAX_LINE ? NULL
				       : json_loadb((const char *)line.p, line.n,
						    JSON_REJECT_DUPLICATES, NULL);
	json_int_t got = json_integer_value(json_object_get(j, "seq"));
	const char *s = json_string_value(json_object_get(j, "prev"));
	const char *when = json_string_value(json_object_get(j, "time"));
	int r = 0;

	if (!j)
		r = ds_err_set(err, -EBADMSG, DOM, 0, "line %llu is not a JSON object",
			       (unsigned long long)seq);
	else if (got != (json_int_t)seq)
		r = ds_err_set(err, -EBADMSG, DOM, 0, "line %llu: expected seq %llu, got %lld",
			       (unsigned long long)seq, (unsigned long long)seq, (long long)got);
	else if (!s || strcmp(s, prev))
		r = ds_err_set(err, -EBADMSG, DOM, 0,
			       "line %llu: prev is not the hash of the line before it",
			       (unsigned long long)seq);
	else if (!when || ds_time_parse_rfc3339(when, strlen(when), ret_time))
		r = ds_err_set(err, -EBADMSG, DOM, 0, "line %llu: time is none",
			       (unsigned long long)seq);
	json_decref(j);
	return r;
}

static int check_line(struct chain *c, struct ds_span line, struct ds_err *err)
{
	uint8_t hash[DS_SHA256_SIZE];
	int64_t when = 0;

	DS_TRY(check_entry(line, c->n + 1, c->head, &when, err));
	DS_TRY(ds_sha256_1(line, hash));
	ds_hex_encode(hash, sizeof(hash), c->head);
	c->n++;
	if (when > c->latest)
		c->latest = when;
	return 0;
}

/* The whole lines of text; ret_used: their bytes. */
static int check_lines(struct chain *c, struct ds_span text, size_t *ret_used, struct ds_err *err)
{
	size_t pos = 0;

	for (const uint8_t *nl; (nl = memchr(text.p + pos, '\n', text.n - pos));) {
		size_t n = (size_t)(nl - text.p) - pos;

		DS_TRY(check_line(c, DS_SPAN(text.p + pos, n), err));
		pos += n + 1;
	}
	/* longer than any line of ours: not one that was interrupted */
	if (text.n - pos >= MAX_LINE)
		return ds_err_set(err, -EBADMSG, DOM, 0, "line %llu is longer than %u bytes",
				  (unsigned long long)c->n + 1, MAX_LINE);
	*ret_used = pos;
	return 0;
}

/* However long the log is, one buffer of it is in memory. tail (MAX_LINE): what follows the last
 * whole line. */
static int scan(int fd, struct chain *c, uint8_t *tail, size_t *ret_tail, struct ds_err *err)
{
	DS_FREE uint8_t *buf = malloc(4 * MAX_LINE);
	size_t have = 0, used;
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	for (;;) {
		n = read(fd, buf + have, 4 * MAX_LINE - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ds_err_set(err, -errno, DOM, 0, "read: %s", strerror(errno));
		if (!n)
			break;
		have += (size_t)n;
		DS_TRY(check_lines(c, DS_SPAN(buf, have), &used, err));
		have -= used;
		memmove(buf, buf + used, have);
	}
	memcpy(tail, buf, have);
	*ret_tail = have;
	return 0;
}

int kms_relog_check(int fd, uint64_t *ret_n, char ret_head[65], struct ds_err *err)
{
	DS_FREE uint8_t *tail = malloc(MAX_LINE);
	struct chain c = empty;
	size_t left = 0;

	if (!tail)
		return -ENOMEM;
	DS_TRY(scan(fd, &c, tail, &left, err));
	if (left)
		return ds_err_set(err, -EBADMSG, DOM, 0, "line %llu is cut off",
				  (unsigned long long)c.n + 1);
	*ret_n = c.n;
	memcpy(ret_head, c.head, sizeof(c.head));
	return 0;
}

/*
 * A line that has no end was never acknowledged: its release was not sent. It goes, and what went
 * is on record.
 */
static int drop_tail(struct kms_relog *log, struct ds_span tail, struct ds_err *err)
{
	uint8_t hash[DS_SHA256_SIZE];
	char hex[65], shown[200];
	json_t *o;
	off_t end = lseek(log->fd, 0, SEEK_END);
	int r;

	DS_TRY(ds_sha256_1(tail, hash));
	ds_hex_encode(hash, sizeof(hash), hex);
	ds_escape(tail, shown, sizeof(shown));
	ds_log(DS_LOG_ERR,
	       "event=release-log-repaired line=%llu bytes=%zu sha256=%s note=\"the last line was "
	       "incomplete: no reply of it was sent; it is removed\" text=\"%s\"",
	       (unsigned long long)log->chain.n + 1, tail.n, hex, shown);
	if (end < (off_t)tail.n || ftruncate(log->fd, end - (off_t)tail.n) || fsync(log->fd))
		return ds_err_set(err, errno ? -errno : -EIO, DOM, 0, "cannot remove line %llu",
				  (unsigned long long)log->chain.n + 1);
	o = json_pack("{s:s,s:s,s:I,s:s}", "op", "Start", "decision", "repair", "removed_bytes",
		      (json_int_t)tail.n, "removed_sha256", hex);
	r = o ? kms_relog_add(log, o, time(NULL)) : -ENOMEM;
	json_decref(o);
	return r ? ds_err_set(err, r, DOM, 0, "cannot be written: %s", strerror(-r)) : 0;
}

static int open_checked(const char *path, struct kms_relog *log, struct ds_err *err)
{
	DS_FREE uint8_t *tail = malloc(MAX_LINE);
	struct stat st;
	size_t left = 0;

	log->chain = empty;
	log->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (log->fd < 0 || fstat(log->fd, &st))
		return ds_err_set(err, -errno, DOM, 0, "%s: %s", path, strerror(errno));
	if (!tail)
		return -ENOMEM;
	if (!S_ISREG(st.st_mode))
		return ds_err_set(err, -EINVAL, DOM, 0, "%s is not a regular file", path);
	if (flock(log->fd, LOCK_EX | LOCK_NB))
		return ds_err_set(err, -EBUSY, DOM, 0, "%s: another process writes it", path);
	/* a new file's name must last as long as the records in it */
	if (!st.st_size && ds_fsync_parent(path))
		return ds_err_set(err, -EIO, DOM, 0, "%s: its directory cannot be synced", path);
	DS_TRY(scan(log->fd, &log->chain, tail, &left, err));
	log->synced = log->chain;
	return left ? drop_tail(log, DS_SPAN(tail, left), err) : 0;
}

int kms_relog_open(const char *path, struct kms_relog **ret, struct ds_err *err)
{
	struct kms_relog *log = calloc(1, sizeof(*log));
	int r;

	if (!log)
		return -ENOMEM;
	r = open_checked(path, log, err);
	if (r) {
		kms_relog_close(log);
		return r;
	}
	*ret = log;
	return 0;
}

struct kms_relog *kms_relog_close(struct kms_relog *log)
{
	if (log && log->fd >= 0)
		close(log->fd);
	free(log);
	return NULL;
}

static int append(struct kms_relog *log, char *line, size_t n)
{
	uint8_t hash[DS_SHA256_SIZE];

	DS_TRY(ds_sha256_1(DS_SPAN(line, n), hash));
	line[n] = '\n';
	DS_TRY(ds_write_full(log->fd, line, n + 1));
	ds_hex_encode(hash, sizeof(hash), log->chain.head);
	log->chain.n++;
	return 0;
}

int kms_relog_write(struct kms_relog *log, json_t *entry, int64_t now)
{
	char when[DS_TIME_SIZE];
	DS_FREE char *line = NULL;
	size_t n;
	int r;

	if (log->broken)
		return -EIO;
	ds_time_format_rfc3339(now, when);
	if (json_object_set_new(entry, "seq", json_integer((json_int_t)log->chain.n + 1)) ||
	    json_object_set_new(entry, "time", json_string(when)) ||
	    json_object_set_new(entry, "prev", json_string(log->chain.head)))
		return -ENOMEM;
	line = json_dumps(entry, JSON_COMPACT | JSON_ENSURE_ASCII);
	n = line ? strlen(line) : 0;
	if (!line || n >= MAX_LINE)
		return line ? -EFBIG : -ENOMEM;
	/* the newline takes the terminator's place */
	r = append(log, line, n);
	/* half a line may be on disk now: nothing can be appended to that */
	log->broken = r != 0;
	log->unsynced = true;
	if (!r && now > log->chain.latest)
		log->chain.latest = now;
	return r;
}

int kms_relog_sync(struct kms_relog *log)
{
	if (log->broken)
		return -EIO;
	if (!log->unsynced)
		return 0;
	if (fdatasync(log->fd)) {
		/* what is on disk now nobody knows; on record is what was before */
		log->broken = true;
		log->chain = log->synced;
		return -errno;
	}
	log->unsynced = false;
	log->synced = log->chain;
	return 0;
}

int kms_relog_add(struct kms_relog *log, json_t *entry, int64_t now)
{
	DS_TRY(kms_relog_write(log, entry, now));
	return kms_relog_sync(log);
}

const char *kms_relog_head(const struct kms_relog *log)
{
	return log->chain.head;
}

uint64_t kms_relog_count(const struct kms_relog *log)
{
	return log->chain.n;
}

int64_t kms_relog_latest(const struct kms_relog *log)
{
	return log->chain.latest;
}
