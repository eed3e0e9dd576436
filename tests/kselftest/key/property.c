// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel against userspace: ds_keyring_app_key(), which spells a path and has the kernel derive
 * its key, must give what ds_app_key() derives itself, for paths of all kinds.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ds/keys/derive.h>
#include <ds/keys/keyring.h>

#include "parts.h"

#define ROUNDS 2000

static uint64_t state = 0x9e3779b97f4a7c15;

static uint32_t rnd(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

/* The lengths at which a block of SHA-256 is full come up often; so do none and the most. */
static size_t some_length(void)
{
	static const size_t edges[] = { 0,  1,	 31,  32,  54,	55,  56,   62,	 63,  64,
					65, 118, 119, 120, 127, 128, 1022, 1023, 1024 };

	return rnd(3) ? rnd(PATH_BYTES_MAX + 1) : edges[rnd(sizeof(edges) / sizeof(edges[0]))];
}

static size_t put_utf8(uint8_t *out, size_t room)
{
	static const char *const signs[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x91",
					     "\xc2\x80", "\xef\xbf\xbf", "/",
					     "a" };
	const char *s = signs[rnd(sizeof(signs) / sizeof(signs[0]))];
	size_t n = strlen(s);

	if (n > room) {
		out[0] = '.';
		return 1;
	}
	memcpy(out, s, n);
	return n;
}

enum kind { ANY_BYTE, TEXT, UTF8, ESCAPES, SPELLED, KINDS };

/* SPELLED paths look like a description themselves: nothing in them may be taken for one. */
static void some_path(enum kind kind, uint8_t *path, size_t len)
{
	static const char special[] = "%;@=\n\t\x01\x1f\x7f ";
	static const char spelled[] = "app:;purpose=;alg=k256@0%3B%40%25root:";
	size_t i = 0;

	while (i < len) {
		switch (kind) {
		case TEXT:
			path[i++] = (uint8_t)(0x21 + rnd(94));
			break;
		case UTF8:
			i += put_utf8(path + i, len - i);
			break;
		case ESCAPES:
			path[i++] = (uint8_t)special[rnd(sizeof(special))];
			break;
		case SPELLED:
			path[i] = (uint8_t)spelled[(i + rnd(2)) % (sizeof(spelled) - 1)];
			i++;
			break;
		default:
			path[i++] = (uint8_t)rnd(256);
		}
	}
}

static int compare(const uint8_t *path, size_t len)
{
	DS_SECRET struct ds_secret *got = NULL;
	uint8_t want[DS_KEY_SIZE];

	DS_TRY(ds_keyring_app_key(DS_SPAN(path, len), &got));
	DS_TRY(ds_app_key(test_k256, DS_SPAN(path, len), want));
	return memcmp(got->p, want, sizeof(want)) ? -EBADMSG : 0;
}

void test_against_userspace(void)
{
	uint8_t path[PATH_BYTES_MAX + 1];
	int64_t start = now_ms();
	size_t len = 0;
	int n, ret = 0;

	for (n = 0; n < ROUNDS && !ret; n++) {
		len = some_length();
		some_path((enum kind)(n % KINDS), path, len);
		ret = compare(path, len);
	}
	tap_is(ret, 0, "%d random paths: the kernel derives what userspace does (last: %zu bytes)",
	       n, len);
	printf("# %d paths in %lld ms\n", n, (long long)(now_ms() - start));
	for (len = 0, ret = 0; len <= PATH_BYTES_MAX && !ret; len++) {
		some_path(ANY_BYTE, path, len);
		ret = compare(path, len);
	}
	tap_is(ret, 0, "and for a path of each length, 0 to %zu", len - 1);
	tap_is(compare(path, PATH_BYTES_MAX + 1), -ENAMETOOLONG,
	       "a longer path cannot be asked for");
}
