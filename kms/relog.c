// SPDX-License-Identifier: Apache-2.0
/* Release log. */
#include "relog.h"

#include <ds/base/file.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define DOM	 "release-log"
#define MAX_LOG	 (256u << 20)
#define MAX_LINE 16384u

struct kms_relog {
	int fd;
	bool broken;
	uint64_t n;
	char head[65];
};

static const char genesis[] = "0000000000000000000000000000000000000000000000000000000000000000";

static int check_entry(struct ds_span line, uint64_t seq, const char *prev, struct ds_err *err)
{
	json_t *j = line.n > MAX_LINE ? NULL
				      : json_loadb((const char *)line.p, line.n,
						   JSON_REJECT_DUPLICATES, NULL);
	json_int_t got = json_integer_value(json_object_get(j, "seq"));
	const char *s = json_string_value(json_object_get(j, "prev"));
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
	json_decref(j);
	return r;
}

int kms_relog_check(struct ds_span text, uint64_t *ret_n, char ret_head[65], struct ds_err *err)
{
	uint8_t hash[DS_SHA256_SIZE];
	uint64_t seq = 0;
	char head[65];

	memcpy(head, genesis, sizeof(head));
	for (size_t pos = 0; pos < text.n;) {
		const uint8_t *nl = memchr(text.p + pos, '\n', text.n - pos);
		struct ds_span line =
			DS_SPAN(text.p + pos, nl ? (size_t)(nl - text.p) - pos : text.n - pos);

		seq++;
		if (!nl)
			return ds_err_set(err, -EBADMSG, DOM, pos, "line %llu is cut off",
					  (unsigned long long)seq);
		DS_TRY(check_entry(line, seq, head, err));
		DS_TRY(ds_sha256_1(line, hash));
		ds_hex_encode(hash, sizeof(hash), head);
		pos += line.n + 1;
	}
	*ret_n = seq;
	memcpy(ret_head, head, sizeof(head));
	return 0;
}

static int open_checked(const char *path, struct kms_relog *log, struct ds_err *err)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	struct stat st;
	int r;

	log->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (log->fd < 0 || fstat(log->fd, &st))
		return ds_err_set(err, -errno, DOM, 0, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return ds_err_set(err, -EINVAL, DOM, 0, "%s is not a regular file", path);
	if (flock(log->fd, LOCK_EX | LOCK_NB))
		return ds_err_set(err, -EBUSY, DOM, 0, "%s: another process writes it", path);
	r = ds_read_fd(log->fd, MAX_LOG, &text);
	if (r)
		return ds_err_set(err, r, DOM, 0, "%s: %s", path, strerror(-r));
	return kms_relog_check(ds_buf_span(&text), &log->n, log->head, err);
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
	if (fdatasync(log->fd))
		return -errno;
	ds_hex_encode(hash, sizeof(hash), log->head);
	log->n++;
	return 0;
}

int kms_relog_add(struct kms_relog *log, json_t *entry, int64_t now)
{
	char when[DS_TIME_SIZE];
	DS_FREE char *line = NULL;
	size_t n;
	int r;

	if (log->broken)
		return -EIO;
	ds_time_format_rfc3339(now, when);
	if (json_object_set_new(entry, "seq", json_integer((json_int_t)log->n + 1)) ||
	    json_object_set_new(entry, "time", json_string(when)) ||
	    json_object_set_new(entry, "prev", json_string(log->head)))
		return -ENOMEM;
	line = json_dumps(entry, JSON_COMPACT | JSON_ENSURE_ASCII);
	n = line ? strlen(line) : 0;
	if (!line || n >= MAX_LINE)
		return line ? -EFBIG : -ENOMEM;
	/* the newline takes the terminator's place */
	r = append(log, line, n);
	/* half a line may be on disk now: nothing can be appended to that */
	log->broken = r != 0;
	return r;
}

const char *kms_relog_head(const struct kms_relog *log)
{
	return log->n ? log->head : genesis;
}

uint64_t kms_relog_count(const struct kms_relog *log)
{
	return log->n;
}
