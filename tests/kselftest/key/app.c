// SPDX-License-Identifier: Apache-2.0
/*
 * App keys: the right bytes for every path, for the callers meant, and never other bytes.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

#define SESSION KEY_SPEC_SESSION_KEYRING

static void to_hex(const uint8_t *bytes, size_t len, char *ret_hex)
{
	size_t i;

	for (i = 0; i < len; i++)
		sprintf(ret_hex + 2 * i, "%02x", bytes[i]);
}

/* Published values of GetKey for the same root key. */
void test_vectors(void)
{
	static const struct {
		const char *desc;
		const char *key;
	} rows[] = {
		{ "app:/test/path", "b9fbb7171185c421c58610a2acba8ceae93623ae47815618cbad1e98fc042cb7" },
		{ "app:/test/path;purpose=test-purpose;alg=secp256k1@0",
		  "b9fbb7171185c421c58610a2acba8ceae93623ae47815618cbad1e98fc042cb7" },
		{ "app:", "aa221ae548b5a8f52fcb8687cfd873712f6a1232b2717e5ee3d58ab74f21905b" },
		{ "app:test", "133e8ca6e532ead3e38f00347408771da296e9c70e8e3e362f485154e64ef4e8" },
	};
	char hex[2 * KEY_BYTES + 1];
	uint8_t key[KEY_BYTES];
	size_t i;
	long ret;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ret = key_derive(rows[i].desc, key);
		to_hex(key, KEY_BYTES, hex);
		tap(!ret && !strcmp(hex, rows[i].key), "vector %s: %s", rows[i].desc,
		    ret ? strerror((int)-ret) : hex);
	}
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Derive, compare with OpenSSL, and drop the key again. */
static int check_path(const uint8_t *path, size_t len)
{
	uint8_t want[KEY_BYTES], got[KEY_BYTES];
	char desc[DESC_MAX];
	long key;

	spell_path(path, len, desc);
	oracle(test_k256, path, len, want);
	key = key_request(KEY_TYPE, desc, "", SESSION);
	if (key < 0)
		return (int)key;
	if (key_read(key, got, KEY_BYTES) != KEY_BYTES || memcmp(got, want, KEY_BYTES))
		return -EBADMSG;
	return (int)key_ctl(KEYCTL_UNLINK, key, SESSION, 0, 0);
}

void test_random_paths(void)
{
	uint8_t path[PATH_BYTES_MAX + 1];
	uint32_t state = 0x6b2c91d5;
	size_t i, len;
	int n, ret = 0;

	for (n = 0; n < 200 && !ret; n++) {
		len = next_random(&state) % (PATH_BYTES_MAX + 1);
		/* Half of them with every byte, which makes many escapes, half of them text. */
		for (i = 0; i < len; i++)
			path[i] = n & 1 ? next_random(&state) : 'a' + next_random(&state) % 26;
		ret = check_path(path, len);
	}
	tap_is(ret, 0, "200 random paths are derived as OpenSSL does (%d tried)", n);
	for (len = 0, ret = 0; len < 256 && !ret; len++) {
		path[0] = len;
		ret = check_path(path, 1);
	}
	tap_is(ret, 0, "each byte is a path (%zu tried)", len);
	memset(path, ';', sizeof(path));
	tap_is(check_path(path, PATH_BYTES_MAX), 0, "a path of the greatest length, all escapes");
	tap_is(check_path(path, PATH_BYTES_MAX + 1), -ENAMETOOLONG, "one byte more");
}

static void test_truncated(const char *whole, const char *expect)
{
	char desc[64];
	size_t len;
	long ret, want;

	for (len = 0; len <= strlen(whole); len++) {
		memcpy(desc, whole, len);
		desc[len] = '\0';
		ret = key_request(KEY_TYPE, desc, "", SESSION);
		want = expect[len] == 'x' ? -EINVAL : expect[len] == 'n' ? -EOPNOTSUPP :
		       expect[len] == 'p' ? -EPERM : 0;
		tap_is(ret < 0 ? ret : 0, want, "truncated \"%s\"", desc);
	}
}

/* Where the key is to go, and whether one is to be made at all. */
static void test_destination(void)
{
	long ring = key_add("keyring", "closed", NULL, 0, SESSION);
	long user = key_add("user", "no keyring", "x", 1, SESSION);

	tap_is(key_ctl(KEYCTL_SETPERM, ring, 0x1b1b0000, 0, 0), 0, "a keyring without write");
	tap_is(key_request(KEY_TYPE, "app:closed", "", ring), -EACCES, "takes no key");
	tap_is(key_request(KEY_TYPE, "app:closed", "", user), -ENOTDIR, "nor does another key");
	tap_is(key_request(KEY_TYPE, "app:closed", "", INT32_MAX), -ENOKEY, "nor one that is not there");
	tap_is(key_request(KEY_TYPE, "app:closed", NULL, SESSION), -ENOKEY,
	       "no callout text: only a search, and nothing was made");
	key_ctl(KEYCTL_UNLINK, ring, SESSION, 0, 0);
	key_ctl(KEYCTL_UNLINK, user, SESSION, 0, 0);
}

void test_descriptions(void)
{
	static const char *const bad[] = {
		"app", "App:x", "app/x", " app:x", "app:x;", "app:x;;", "app:x;purpose",
		"app:x;purpose=", "app:x;alg=", "app:x;foo=1", "app:x;take-once",
		"app:x;purpose=a;purpose=b", "app:x;alg=k256;alg=k256", "app:x;alg=k256;purpose=a",
		"app:x@", "app:x@-1", "app:x@+1", "app:x@01", "app:x@1 ", "app:x@4294967296",
		"app:x@99999999999999999999", "app:x@1@2", "app:x;@1", "app:x@0;alg=k256",
		"app:%", "app:%2", "app:%zz", "app:%41", "app:%3b", "app:%2F", "app:\n", "app:\177",
		"app:x;purpose=%41", "app:x;purpose=a=b\t",
	};
	char desc[DESC_MAX];
	uint8_t key[KEY_BYTES];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_is(key_request(KEY_TYPE, bad[i], "", SESSION), -EINVAL, "malformed %zu", i);
	tap_is(key_derive("app:x;alg=rsa", key), -EOPNOTSUPP, "an unknown algorithm");
	tap_is(key_derive("app:x;alg=k256x", key), -EOPNOTSUPP, "a known one and a letter");
	tap_is(key_derive("app:x@1", key), -ENOKEY, "an epoch without root key");
	tap_is(key_derive("app:x@4294967295", key), -ENOKEY, "the last epoch");
	tap_is(key_request(KEY_TYPE, "app:callout", "text", SESSION), -EINVAL, "callout text");
	tap_is(key_request(KEY_TYPE, nowhere, "", SESSION), -EFAULT,
	       "a description that cannot be read");
	tap_is(key_request(KEY_TYPE, "app:x", nowhere, SESSION), -EFAULT,
	       "callout text that cannot be read");
	tap_is(key_request(nowhere, "app:x", "", SESSION), -EFAULT, "a type that cannot be read");
	strcpy(desc, "app:x;purpose=");
	memset(desc + 14, 'p', 257);
	desc[14 + 257] = '\0';
	tap_is(key_derive(desc, key), -ENAMETOOLONG, "a purpose of 257 bytes");
	desc[14 + 256] = '\0';
	tap_is(key_derive(desc, key), 0, "a purpose of 256 bytes");
	test_truncated("app:p%3B;purpose=q;alg=ed25519@0", "xxxx..xx.xxxxxxxxx.xxxxxnnnnnn" ".x.");
	test_truncated("root:disk;take-once@0", "xxxxxxxxxp" "xxxxxxxxxp" "xp");
	test_destination();
}

static long do_request(void *arg)
{
	return key_request(KEY_TYPE, arg, "", SESSION);
}

static long do_read(void *arg)
{
	uint8_t bytes[KEY_BYTES];

	return key_read(*(long *)arg, bytes, sizeof(bytes));
}

void test_app_callers(void)
{
	static const struct {
		enum caller caller;
		long request, read;
	} rows[] = {
		{ CALLER_SAME, 0, 0 },
		{ CALLER_NO_CAPS, 0, 0 },
		{ CALLER_OTHER_SESSION, 0, -EACCES },
		{ CALLER_UID_1000, -EPERM, 0 },
		{ CALLER_USERNS_ROOT, -EPERM, 0 },
		{ CALLER_USERNS_USER, -EPERM, 0 },
	};
	long key = key_request(KEY_TYPE, "app:mine", "", SESSION);
	char desc[64];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(desc, sizeof(desc), "app:caller-%zu", i);
		tap_is(as_caller(rows[i].caller, do_request, desc), rows[i].request,
		       "request an app key as %s", caller_name[rows[i].caller]);
		tap_is(as_caller(rows[i].caller, do_read, &key), rows[i].read,
		       "read a key of our session as %s", caller_name[rows[i].caller]);
	}
	snprintf(desc, sizeof(desc), "app:caller-3");
	tap_is(as_caller(CALLER_SAME, do_request, desc), 0,
	       "a refusal of another caller is not remembered");
}

static void test_quota(void)
{
	char before[32];

	if (!tap(!file_read(ROOT_MAXKEYS, before, sizeof(before)) && !file_write(ROOT_MAXKEYS, "1"),
		 "the quota of root is one key"))
		return;
	tap_is(key_request(KEY_TYPE, "app:quota", "", SESSION), -EDQUOT, "app keys are charged");
	tap_is(file_write(ROOT_MAXKEYS, before), 0, "the quota is put back");
	tap(key_request(KEY_TYPE, "app:quota", "", SESSION) > 0, "and the key can be had");
}

/* No line of /proc/keys may hold the bytes of a key, in hex or raw. */
static void test_proc_keys(const uint8_t key[KEY_BYTES])
{
	char line[DESC_MAX], hex[2 * KEY_BYTES + 1];
	bool listed = false, leaked = false;
	FILE *keys = fopen("/proc/keys", "re");

	to_hex(key, KEY_BYTES, hex);
	while (keys && fgets(line, sizeof(line), keys)) {
		listed = listed || strstr(line, "dstack    app:ops: 32\n");
		leaked = leaked || strstr(line, hex) || memmem(line, sizeof(line), key, KEY_BYTES);
	}
	tap(keys && listed && !leaked, "/proc/keys shows the description and the length");
	if (keys)
		fclose(keys);
}

void test_app_operations(void)
{
	uint8_t bytes[KEY_BYTES], again[KEY_BYTES];
	long key = key_request(KEY_TYPE, "app:ops", "", SESSION);
	char text[128] = "";

	tap(key > 0 && key_read(key, bytes, KEY_BYTES) == KEY_BYTES, "request and read app:ops");
	tap(!key_describe(key, text, sizeof(text)) && !strcmp(text, "dstack;0;0;3b010000;app:ops"),
	    "its possessor may view, read, search, link and set attributes: %s", text);
	tap_is(key_request(KEY_TYPE, "app:ops", "", SESSION), key, "a second request finds it");
	tap_is(key_request(KEY_TYPE, "app:ops", NULL, 0), key, "so does a search");
	memset(again, 0xee, sizeof(again));
	tap(key_read(key, again, KEY_BYTES - 1) == KEY_BYTES && again[0] == 0xee,
	    "a short buffer gets the length and no bytes");
	tap_is(key_read(key, (void *)nowhere, KEY_BYTES), -EFAULT,
	       "a buffer that cannot be written");
	test_proc_keys(bytes);
	tap_is(key_add(KEY_TYPE, "app:ops", test_disk, KEY_BYTES, SESSION), -EPERM,
	       "it cannot be overwritten");
	tap_is(key_add(KEY_TYPE, "app:ops", NULL, 0, SESSION), -EPERM, "nor added empty");
	tap_is(key_ctl(KEYCTL_UPDATE, key, (long)test_disk, KEY_BYTES, 0), -EACCES, "nor updated");
	tap_is(key_ctl(KEYCTL_SETPERM, key, 0x3f3f0000, 0, 0), 0, "its possessor may give rights");
	tap_is(key_ctl(KEYCTL_UPDATE, key, (long)test_disk, KEY_BYTES, 0), -EOPNOTSUPP,
	       "but not the right to update");
	tap_is(key_ctl(KEYCTL_INSTANTIATE, key, (long)test_disk, KEY_BYTES, 0), -EPERM,
	       "nor to instantiate");
	tap(key_read(key, again, KEY_BYTES) == KEY_BYTES && !memcmp(again, bytes, KEY_BYTES),
	    "its bytes are the same");
	tap_is(key_ctl(KEYCTL_REVOKE, key, 0, 0, 0), 0, "revoke it");
	tap_is(key_read(key, again, KEY_BYTES), -EKEYREVOKED, "it cannot be read");
	key_ctl(KEYCTL_UNLINK, key, SESSION, 0, 0);
	tap(!key_derive("app:ops", again) && !memcmp(again, bytes, KEY_BYTES),
	    "unlinked, it can be requested afresh and is the same");
	test_quota();
}

/* Children of one session: the key is the parent's if they are given the same one. */
static long same_path(void *arg, int i)
{
	uint8_t want[KEY_BYTES], got[KEY_BYTES];
	long ret = key_derive("app:together", got);

	oracle(test_k256, "together", 8, want);
	if (ret)
		return ret;
	return memcmp(want, got, KEY_BYTES) ? -EBADMSG : 0;
}

static long own_paths(void *arg, int i)
{
	uint8_t path[8];
	int n, ret;

	for (n = 0; n < 50; n++) {
		snprintf((char *)path, sizeof(path), "%d/%d", i, n);
		ret = check_path(path, strlen((char *)path));
		if (ret)
			return ret;
	}
	return 0;
}

void test_together(void)
{
	long first, failed;

	tap_is(together(16, same_path, NULL, &failed), 16, "16 processes request the same path");
	tap_is(failed, 0, "none of them fails");
	first = key_request(KEY_TYPE, "app:together", "", SESSION);
	tap_is(key_request(KEY_TYPE, "app:together", NULL, 0), first, "they made one key");
	tap_is(together(8, own_paths, NULL, &failed), 8, "8 processes request 50 paths each");
	tap_is(failed, 0, "none of them fails");
}
