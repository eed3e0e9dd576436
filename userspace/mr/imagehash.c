// SPDX-License-Identifier: Apache-2.0
/* os_image_hash of an image directory and the files behind it (spec/boot.md 1.6). */
#include "mr.h"

#include <ds/base/file.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>

#define MAX_LIST   (64u << 10)
#define MAX_FILE   MR_MAX_INITRD
#define MAX_LINES  64u
#define LIST	   "sha256sum.txt"
#define DIGEST	   "digest.txt"
#define HEX	   (2 * DS_SHA256_SIZE)
#define NAME_BYTES 128u

/* A name in the list is a file of the directory itself, or somebody wants another file hashed. */
static bool plain_name(const char *p, size_t n)
{
	if (!n || n >= NAME_BYTES || p[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] > '~' || p[i] == '/')
			return false;
	return true;
}

static int check_file(int dir, const char *name, const uint8_t listed[32], mr_file_report report,
		      void *ctx, struct ds_err *err)
{
	DS_BUF struct ds_buf content = DS_BUF_NULL;
	uint8_t actual[DS_SHA256_SIZE] = { 0 };
	int r = ds_read_file(dir, name, MAX_FILE, &content);

	if (r == -ENOENT)
		return report(ctx, name, MR_FILE_ABSENT, listed, actual);
	if (r)
		return ds_err_set(err, r, "image", 0, "%s: %s", name, strerror(-r));
	DS_TRY(ds_sha256_1(ds_buf_span(&content), actual));
	return report(ctx, name,
		      memcmp(actual, listed, sizeof(actual)) ? MR_FILE_DIFFERS : MR_FILE_OK, listed,
		      actual);
}

/* "HEX  NAME\\n", as sha256sum prints it. */
static int check_line(int dir, const char *line, size_t n, size_t number, mr_file_report report,
		      void *ctx, struct ds_err *err)
{
	uint8_t listed[DS_SHA256_SIZE];
	char name[NAME_BYTES];

	if (n < HEX + 3 || memcmp(line + HEX, "  ", 2) ||
	    ds_hex_decode(line, HEX, listed, sizeof(listed)) ||
	    !plain_name(line + HEX + 2, n - HEX - 2))
		return ds_err_set(err, -EBADMSG, "image", number,
				  LIST ", line %zu: not a hash, two spaces and a file name",
				  number);
	memcpy(name, line + HEX + 2, n - HEX - 2);
	name[n - HEX - 2] = '\0';
	return check_file(dir, name, listed, report, ctx, err);
}

static int check_list(int dir, const struct ds_buf *list, mr_file_report report, void *ctx,
		      struct ds_err *err)
{
	const char *p = (const char *)list->p, *end = p + list->n, *eol;
	size_t number = 0;

	if (!list->n || end[-1] != '\n')
		return ds_err_set(err, -EBADMSG, "image", 0, LIST " does not end in a line feed");
	for (; p < end; p = eol + 1) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (++number > MAX_LINES)
			return ds_err_set(err, -EFBIG, "image", number,
					  LIST " has more than %u lines", MAX_LINES);
		DS_TRY(check_line(dir, p, (size_t)(eol - p), number, report, ctx, err));
	}
	return 0;
}

/* digest.txt holds what os_image_hash has to be. */
static int check_digest(int dir, const uint8_t hash[32], mr_file_report report, void *ctx,
			struct ds_err *err)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	uint8_t named[DS_SHA256_SIZE];
	int r = ds_read_file(dir, DIGEST, HEX + 1, &text);

	if (r == -ENOENT)
		return 0;
	if (r)
		return ds_err_set(err, r, "image", 0, DIGEST ": %s", strerror(-r));
	if (text.n < HEX || (text.n == HEX + 1 && text.p[HEX] != '\n') ||
	    ds_hex_decode((const char *)text.p, HEX, named, sizeof(named)))
		return ds_err_set(err, -EBADMSG, "image", 0, DIGEST " is not 64 digits of hex");
	return report(ctx, DIGEST,
		      memcmp(named, hash, sizeof(named)) ? MR_FILE_DIFFERS : MR_FILE_OK, named,
		      hash);
}

int mr_image_hash(int dir, mr_file_report report, void *ctx, uint8_t ret[32], struct ds_err *err)
{
	DS_BUF struct ds_buf list = DS_BUF_NULL;
	uint8_t hash[DS_SHA256_SIZE];
	int r = ds_read_file(dir, LIST, MAX_LIST, &list);

	if (r)
		return ds_err_set(err, r, "image", 0, LIST ": %s", strerror(-r));
	DS_TRY(ds_sha256_1(ds_buf_span(&list), hash));
	DS_TRY(check_list(dir, &list, report, ctx, err));
	DS_TRY(check_digest(dir, hash, report, ctx, err));
	memcpy(ret, hash, sizeof(hash));
	return 0;
}
