// SPDX-License-Identifier: Apache-2.0
/*
 * Root keys: who may add what where, and that nobody gets them out again.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "parts.h"

static const uint8_t other[KEY_BYTES] = "another key, which must not win";

void test_before_roots(void)
{
	uint8_t bytes[KEY_BYTES];
	char text[128];

	tap(!key_describe(test_ring, text, sizeof(text)) &&
	    !strcmp(text, "keyring;0;0;00070000;.dstack"),
	    ".dstack is owned by root, who can view, list and add: %s", text);
	tap_is(key_derive("app:early", bytes), -ENOKEY, "nothing is derived without root:k256");
	tap_is(key_derive("app:early", bytes), -ENOKEY, "nor when asked again");
}

struct addition {
	const char *type;
	const char *desc;
	const void *payload;
	size_t len;
	long ring;
};

static long do_add(void *arg)
{
	const struct addition *a = arg;

	return key_add(a->type, a->desc, a->payload, a->len, a->ring ? a->ring : test_ring);
}

static void test_add_callers(void)
{
	static const struct {
		enum caller caller;
		long want;
	} rows[] = {
		{ CALLER_NO_SYS_ADMIN, -EPERM },
		{ CALLER_NO_CAPS, -EPERM },
		{ CALLER_UID_1000, -EACCES },
		{ CALLER_USERNS_ROOT, -EPERM },
		{ CALLER_USERNS_USER, -EACCES },
	};
	struct addition a = { KEY_TYPE, "root:k256", test_k256, KEY_BYTES, 0 };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tap_is(as_caller(rows[i].caller, do_add, &a), rows[i].want,
		       "add root:k256 as %s", caller_name[rows[i].caller]);
}

static void test_add_faults(void)
{
	tap_is(key_add(KEY_TYPE, "root:k256", nowhere, KEY_BYTES, test_ring), -EFAULT,
	       "add a payload that cannot be read");
	tap_is(key_add(nowhere, "root:k256", test_k256, KEY_BYTES, test_ring), -EFAULT,
	       "add a type that cannot be read");
	tap_is(key_add(KEY_TYPE, nowhere, test_k256, KEY_BYTES, test_ring), -EFAULT,
	       "add a description that cannot be read");
}

static void test_add_quota(void)
{
	char before[32];

	if (!tap(!file_read(ROOT_MAXKEYS, before, sizeof(before)) &&
		 !file_write(ROOT_MAXKEYS, "1"), "the quota of root is one key"))
		return;
	tap_is(key_add(KEY_TYPE, "root:k256", test_k256, KEY_BYTES, test_ring), -EDQUOT,
	       "add beyond the quota");
	tap_is(file_write(ROOT_MAXKEYS, before), 0, "the quota is put back");
}

void test_add_refused(void)
{
	static uint8_t large[1024 * 1024 - 1];
	const struct addition rows[] = {
		{ KEY_TYPE, "root:k256", test_k256, KEY_BYTES, KEY_SPEC_SESSION_KEYRING },
		{ KEY_TYPE, "root:k256", test_k256, KEY_BYTES, KEY_SPEC_USER_KEYRING },
		{ "user", "root:k256", test_k256, KEY_BYTES, 0 },
		{ KEY_TYPE, "app:x", test_k256, KEY_BYTES, 0 },
		{ KEY_TYPE, "app:x", NULL, 0, 0 },
	};
	static const size_t sizes[] = { 0, 1, 31, 33, 64, 4096, sizeof(large) };
	static const char *const bad[] = {
		"", "root", "root:", "root:K256", "root:k256 ", "root:k25", "root:k2566", "root:other",
		"root:k256;take-once", "root:disk;take-twice", "root:disk;take-once;take-once",
		"root:disk;", "root:disk@", "root:disk@x", "root:disk@00", "root:disk@-1",
		"root:disk@4294967296", "root:disk@0;take-once", "root:disk@0@0", "logon:x",
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tap_is(key_add(rows[i].type, rows[i].desc, rows[i].payload, rows[i].len,
			       rows[i].ring ? rows[i].ring : test_ring), -EPERM,
		       "add %s %s (%zu bytes) to keyring %ld", rows[i].type, rows[i].desc,
		       rows[i].len, rows[i].ring);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		tap_is(key_add(KEY_TYPE, "root:k256", large, sizes[i], test_ring), -EINVAL,
		       "add root:k256 of %zu bytes", sizes[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_is(key_add(KEY_TYPE, bad[i], test_k256, KEY_BYTES, test_ring), -EINVAL,
		       "add \"%s\"", bad[i]);
	tap_is(key_add(KEY_TYPE, "root:disk@1", test_k256, KEY_BYTES, test_ring), -EOPNOTSUPP,
	       "add a root key of epoch 1");
	test_add_callers();
	test_add_faults();
	test_add_quota();
	tap_is(key_add(KEY_TYPE, NULL, test_k256, KEY_BYTES, test_ring), -EINVAL,
	       "add without a description");
}

static long test_k256_serial;

void test_add_roots(void)
{
	static const char *const again[] = { "root:k256", "root:k256@0" };
	uint8_t bytes[KEY_BYTES], want[KEY_BYTES];
	char text[128] = "";
	size_t i;

	test_k256_serial = key_add(KEY_TYPE, "root:k256", test_k256, KEY_BYTES, test_ring);
	tap(test_k256_serial > 0, "add root:k256");
	tap(!key_describe(test_k256_serial, text, sizeof(text)) &&
	    !strcmp(text, "dstack;0;0;00010000;root:k256"), "its owner may only view it: %s", text);
	for (i = 0; i < sizeof(again) / sizeof(again[0]); i++)
		tap_is(key_add(KEY_TYPE, again[i], other, KEY_BYTES, test_ring), -EEXIST,
		       "add %s again with other bytes", again[i]);
	oracle(test_k256, "early", 5, want);
	tap(!key_derive("app:early", bytes) && !memcmp(bytes, want, KEY_BYTES),
	    "the first root:k256 is used, and an earlier refusal is not remembered");
}

/* A refused key leaves a keyring when the core's collector comes by. */
static void wait_for_one_key(void)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	int64_t end = now_ms() + 20000;

	while (key_ctl(KEYCTL_READ, test_ring, 0, 0, 0) != sizeof(int32_t) && now_ms() < end)
		nanosleep(&pause, NULL);
}

struct operation {
	const char *name;
	int op;
	long a, b, c, d;
	long want;
};

/* Everything keyctl(2) can do to a root key or to its keyring, by root with all capabilities. */
void test_root_operations(void)
{
	long k = test_k256_serial, r = test_ring, s = KEY_SPEC_SESSION_KEYRING;
	uint8_t bytes[KEY_BYTES];
	long user = key_add("user", "x", "x", 1, s);
	long app = key_request(KEY_TYPE, "app:link", "", s);
	const struct operation rows[] = {
		{ "read root:k256", KEYCTL_READ, k, (long)bytes, KEY_BYTES, 0, -EACCES },
		{ "ask its length", KEYCTL_READ, k, 0, 0, 0, -EACCES },
		{ "update it", KEYCTL_UPDATE, k, (long)other, KEY_BYTES, 0, -EACCES },
		{ "revoke it", KEYCTL_REVOKE, k, 0, 0, 0, -EACCES },
		{ "invalidate it", KEYCTL_INVALIDATE, k, 0, 0, 0, -EACCES },
		{ "set its timeout", KEYCTL_SET_TIMEOUT, k, 1, 0, 0, -EACCES },
		{ "set its permissions", KEYCTL_SETPERM, k, 0x3f3f0000, 0, 0, -EACCES },
		{ "give it to uid 1000", KEYCTL_CHOWN, k, 1000, -1, 0, -EACCES },
		{ "link it to a session", KEYCTL_LINK, k, s, 0, 0, -EACCES },
		{ "move it to a session", KEYCTL_MOVE, k, r, s, 0, -EACCES },
		{ "unlink it", KEYCTL_UNLINK, k, r, 0, 0, -EPERM },
		{ "assume its authority", KEYCTL_ASSUME_AUTHORITY, k, 0, 0, 0, -ENOKEY },
		{ "instantiate it", KEYCTL_INSTANTIATE, k, (long)other, KEY_BYTES, 0, -EPERM },
		{ "search .dstack", KEYCTL_SEARCH, r, (long)KEY_TYPE, (long)"root:k256", 0, -EACCES },
		{ "clear .dstack", KEYCTL_CLEAR, r, 0, 0, 0, -EPERM },
		{ "revoke .dstack", KEYCTL_REVOKE, r, 0, 0, 0, -EPERM },
		{ "invalidate .dstack", KEYCTL_INVALIDATE, r, 0, 0, 0, -EACCES },
		{ "set permissions of .dstack", KEYCTL_SETPERM, r, 0x3f3f0000, 0, 0, -EACCES },
		{ "lift the restriction", KEYCTL_RESTRICT_KEYRING, r, 0, 0, 0, -EACCES },
		{ "link .dstack to a session", KEYCTL_LINK, r, s, 0, 0, -EACCES },
		{ "link a user key to .dstack", KEYCTL_LINK, user, r, 0, 0, -EPERM },
		{ "link an app key to .dstack", KEYCTL_LINK, app, r, 0, 0, -EPERM },
		{ "move a user key to .dstack", KEYCTL_MOVE, user, s, r, 0, -EPERM },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tap_is(key_ctl(rows[i].op, rows[i].a, rows[i].b, rows[i].c, rows[i].d),
		       rows[i].want, "%s", rows[i].name);
	tap_is(key_request(KEY_TYPE, "root:k256", "", s), -EPERM, "request root:k256");
	tap_is(key_request(KEY_TYPE, "root:k256", NULL, s), -ENOKEY, "find root:k256");
	tap_is(key_request(KEY_TYPE, "root:env", "", s), -EPERM, "request a root key not added");
	tap_is(key_request(KEY_TYPE, "app:inside", "", r), -EPERM, "request an app key into .dstack");
	tap_is(key_request(KEY_TYPE, "volume:inside", "", r), -EPERM,
	       "request a volume key into .dstack");
	wait_for_one_key();
	tap(key_ctl(KEYCTL_READ, r, 0, 0, 0) == sizeof(int32_t),
	    "all the while .dstack holds one key");
}

static long take(void *arg)
{
	uint8_t bytes[KEY_BYTES];
	long len = key_read(*(long *)arg, bytes, sizeof(bytes));

	if (len < 0)
		return len;
	return len == KEY_BYTES && !memcmp(bytes, test_disk, KEY_BYTES) ? 0 : -EBADMSG;
}

static long take_nth(void *arg, int i)
{
	return take(arg);
}

/* Revocation follows the taking a moment later: a link says which of the two it meets. */
static long wait_revoked(long key)
{
	struct timespec start, now;
	long ret;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		ret = key_ctl(KEYCTL_LINK, key, KEY_SPEC_SESSION_KEYRING, 0, 0);
		sched_yield();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (ret == -EACCES && now.tv_sec - start.tv_sec < 10);
	return ret;
}

static long request_volume(const char *label)
{
	char desc[64];
	long lease;

	snprintf(desc, sizeof(desc), "volume:%s", label);
	lease = key_request(KEY_TYPE, desc, "", KEY_SPEC_SESSION_KEYRING);
	return lease < 0 ? lease : 0;
}

static void take_one(const char *name)
{
	uint8_t bytes[KEY_BYTES] = "untouched";
	char desc[64], want[96], text[96] = "";
	long key, failed;
	int good;

	snprintf(desc, sizeof(desc), "root:%s;take-once", name);
	snprintf(want, sizeof(want), "dstack;0;0;00030000;%s", desc);
	key = key_add(KEY_TYPE, desc, test_disk, KEY_BYTES, test_ring);
	tap(key > 0, "add %s", desc);
	tap(!key_describe(key, text, sizeof(text)) && !strcmp(text, want),
	    "its owner may view and read it: %s", text);
	tap_is(key_read(key, NULL, 0), KEY_BYTES, "ask its length");
	tap(key_read(key, bytes, KEY_BYTES - 1) == KEY_BYTES && !strcmp((char *)bytes, "untouched"),
	    "a short buffer gets the length and no bytes");
	tap_is(as_caller(CALLER_NO_SYS_ADMIN, take, &key), -EPERM, "take it as %s",
	       caller_name[CALLER_NO_SYS_ADMIN]);
	tap_is(as_caller(CALLER_USERNS_ROOT, take, &key), -EPERM, "take it as %s",
	       caller_name[CALLER_USERNS_ROOT]);
	tap_is(as_caller(CALLER_UID_1000, take, &key), -EACCES, "take it as uid 1000");
	tap_is(request_volume(name), 0, "before, a volume's key can be derived from it");
	good = together(16, take_nth, &key, &failed);
	tap_is(good, 1, "one of 16 readers at once takes it");
	tap_is(failed, -EKEYREVOKED, "the others find it gone");
	tap_is(request_volume("later"), -ENOKEY, "afterwards, none can");
	tap_is(key_read(key, NULL, 0), -EKEYREVOKED, "nothing is left of it");
	tap_is(wait_revoked(key), -EKEYREVOKED, "it is revoked");
	snprintf(desc, sizeof(desc), "root:%s", name);
	tap_is(key_add(KEY_TYPE, desc, other, KEY_BYTES, test_ring), -EEXIST,
	       "the name cannot be used again");
}

/* The bytes left the kernel's hands before the buffer was found bad: nobody gets them again. */
static void take_into_nothing(void)
{
	long key = key_add(KEY_TYPE, "root:env;take-once", test_disk, KEY_BYTES, test_ring);
	uint8_t bytes[KEY_BYTES];

	tap(key > 0, "add root:env;take-once");
	tap_is(key_read(key, (void *)nowhere, KEY_BYTES - 1), KEY_BYTES,
	       "ask its length with a buffer that is short and cannot be written");
	tap_is(key_read(key, (void *)nowhere, KEY_BYTES), -EFAULT,
	       "take it into a buffer that cannot be written");
	tap_is(key_read(key, bytes, KEY_BYTES), -EKEYREVOKED, "it is gone");
	tap_is(wait_revoked(key), -EKEYREVOKED, "it is revoked");
	tap_is(key_add(KEY_TYPE, "root:env", other, KEY_BYTES, test_ring), -EEXIST,
	       "the name cannot be used again");
}

void test_take_once(void)
{
	take_one("disk");
	take_into_nothing();
}
