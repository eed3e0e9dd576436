// SPDX-License-Identifier: Apache-2.0
/* Input files: bounded, from a path or standard input. */
#include "verify.h"

#include <ctype.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>

/* Hex doubles, and people wrap lines. */
#define MAX_QUOTE_TEXT (3u * DS_MAX_QUOTE)

int input_file(const char *path, size_t max, struct ds_buf *ret)
{
	int fd = -1, r;

	if (!strcmp(path, "-")) {
		r = ds_read_fd(STDIN_FILENO, max, ret);
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		r = fd < 0 ? -errno : ds_read_fd(fd, max, ret);
		if (fd >= 0)
			close(fd);
	}
	if (!r || r == -EFBIG)
		return r;
	fprintf(stderr, "dstack-verify: %s: %s\n", path, strerror(-r));
	return EXIT_USAGE;
}

static bool is_hex_text(const struct ds_buf *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (!isxdigit(b->p[i]) && !isspace(b->p[i]))
			return false;
	return b->n > 0;
}

int input_quote(const char *path, struct ds_buf *ret)
{
	DS_BUF struct ds_buf raw = DS_BUF_NULL;
	size_t n = 0;
	int r = input_file(path, MAX_QUOTE_TEXT, &raw);

	if (r)
		return r;
	if (!is_hex_text(&raw)) {
		*ret = ds_buf_steal(&raw);
		return 0;
	}
	for (size_t i = 0; i < raw.n; i++)
		if (!isspace(raw.p[i]))
			raw.p[n++] = raw.p[i];
	r = ds_hex_decode_buf((const char *)raw.p, n, MAX_QUOTE_TEXT, ret);
	if (r)
		fprintf(stderr, "dstack-verify: %s: odd number of hex digits\n", path);
	return r ? EXIT_USAGE : 0;
}

int input_evidence(const char *path, size_t max, enum ds_reason reason, struct ds_buf *ret,
		   struct ds_verdict *v)
{
	int r = path ? input_file(path, max, ret) : 0;

	if (r == -EFBIG)
		return ds_verdict_fail(v, reason, "%s: more than %zu bytes", path, max);
	return r ? -EIO : 0;
}
