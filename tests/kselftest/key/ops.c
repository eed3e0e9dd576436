// SPDX-License-Identifier: Apache-2.0
/*
 * The life of app keys: what their possessor can do with them, what they cost, that a path has one,
 * and what a container sees of them.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "parts.h"

#define SESSION KEY_SPEC_SESSION_KEYRING
#define MANY	16
#define ROUNDS	50

static long request(const char *desc)
{
	return key_request(KEY_TYPE, desc, "", SESSION);
}

static const struct timespec moment = { .tv_nsec = 20 * 1000 * 1000 };

/* Until the key of before is out of the way: it takes the core's collector a moment. */
static long request_afresh(const char *desc)
{
	int64_t end = now_ms() + 20000;
	long key;

	while ((key = request(desc)) == -EKEYREVOKED && now_ms() < end)
		nanosleep(&moment, NULL);
	return key;
}

/* The seconds by which the core says whether a key has expired. */
static time_t key_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return now.tv_sec;
}

static void test_timeout(void)
{
	uint8_t first[KEY_BYTES], second[KEY_BYTES];
	long key = request("app:timeout"), next;
	int64_t end = now_ms() + 20000;
	char text[64] = "";
	time_t expiry;

	tap(key > 0 && key_read(key, first, KEY_BYTES) == KEY_BYTES, "timeout: request a key");
	tap_is(key_ctl(KEYCTL_SET_TIMEOUT, key, 1, 0, 0), 0,
	       "timeout: its possessor sets one second");
	expiry = key_seconds() + 1;
	while (key_seconds() < expiry)
		nanosleep(&moment, NULL);
	next = request("app:timeout");
	tap(next > 0 && next != key, "timeout: from then on a request makes another");
	tap(key_read(next, second, KEY_BYTES) == KEY_BYTES && !memcmp(first, second, KEY_BYTES),
	    "timeout: with the same bytes");
	while (key_describe(key, text, sizeof(text)) == 0 && now_ms() < end)
		nanosleep(&moment, NULL);
	tap(key_describe(key, text, sizeof(text)) < 0, "timeout: nothing is left of the first");
}

/*
 * The time of a revocation is stored where that of expiry is, so the collector takes a revoked key of
 * this type out of all keyrings at its next pass, which any key's end brings about.
 */
static bool refused_or_another(long key)
{
	long got = request("app:revoke");

	return got == -EKEYREVOKED || (got > 0 && got != key);
}

static void unlink_or_collected(long key, long ring, const char *what)
{
	long ret = key_ctl(KEYCTL_UNLINK, key, ring, 0, 0);

	tap(!ret || ret == -ENOENT || ret == -ENOKEY, "%s (%ld)", what, ret);
}

static void test_revoke(void)
{
	long ring = key_add("keyring", "revoke", NULL, 0, SESSION), key = request("app:revoke");
	uint8_t bytes[KEY_BYTES];
	long next;

	tap_is(key_ctl(KEYCTL_LINK, key, ring, 0, 0), 0,
	       "revoke: link the key to a second keyring");
	tap_is(key_ctl(KEYCTL_REVOKE, key, 0, 0, 0), 0, "revoke: its possessor revokes it");
	tap_is(key_read(key, bytes, KEY_BYTES), -EKEYREVOKED, "revoke: it cannot be read");
	tap(refused_or_another(key), "revoke: nor requested");
	unlink_or_collected(key, SESSION, "revoke: unlink it from one keyring");
	tap(refused_or_another(key), "revoke: nor then, when the other may have it");
	unlink_or_collected(key, ring, "revoke: unlink it from both");
	next = request("app:revoke");
	tap(next > 0 && next != key, "revoke: it can be requested afresh");
	key_ctl(KEYCTL_UNLINK, ring, SESSION, 0, 0);
}

static void test_invalidate(void)
{
	long key = request("app:invalidate"), next;
	uint8_t bytes[KEY_BYTES];
	long ret;

	tap_is(key_ctl(KEYCTL_INVALIDATE, key, 0, 0, 0), 0, "invalidate: its possessor does");
	/* EACCES: the collector has taken it out of the keyring, but not yet away. */
	ret = key_read(key, bytes, KEY_BYTES);
	tap(ret == -ENOKEY || ret == -EACCES, "invalidate: it is gone at once (%ld)", ret);
	next = request_afresh("app:invalidate");
	tap(next > 0 && next != key, "invalidate: a request makes another");
}

static long read_it(void *arg)
{
	uint8_t bytes[KEY_BYTES];

	return key_read(*(long *)arg, bytes, sizeof(bytes));
}

static long join_and_read(void *arg)
{
	key_ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
	return read_it(arg);
}

static void test_link(void)
{
	static const uint32_t readable = 0x3b030000; /* and the user id may read */
	long key = request("app:link"), ring = key_add("keyring", "linked", NULL, 0, SESSION);
	char text[96] = "";

	tap_is(key_ctl(KEYCTL_LINK, key, ring, 0, 0), 0, "link: to a second keyring");
	tap_is(key_ctl(KEYCTL_UNLINK, key, SESSION, 0, 0), 0, "link: out of the first");
	tap_is(read_it(&key), KEY_BYTES,
	       "link: it is possessed through the keyring in the keyring");
	tap_is(key_request(KEY_TYPE, "app:link", NULL, 0), key, "link: and found through it");
	tap_is(as_caller(CALLER_OTHER_SESSION, read_it, &key), -EACCES,
	       "link: another session cannot read it");
	tap_is(key_ctl(KEYCTL_SETPERM, key, readable, 0, 0), 0,
	       "link: its possessor lets the user id read");
	tap_is(as_caller(CALLER_OTHER_SESSION, read_it, &key), 0, "link: then another session can");
	tap_is(as_caller(CALLER_UID_1000, join_and_read, &key), -EACCES,
	       "link: another user id cannot");
	tap_is(key_ctl(KEYCTL_CHOWN, key, 1000, -1, 0), 0, "link: root gives it away");
	tap(!key_describe(key, text, sizeof(text)) &&
		    !strcmp(text, "dstack;1000;0;3b030000;app:link"),
	    "link: it is uid 1000's: %s", text);
	tap_is(as_caller(CALLER_UID_1000, join_and_read, &key), 0, "link: who can read it now");
	tap_is(key_ctl(KEYCTL_UNLINK, ring, SESSION, 0, 0), 0, "link: unlink the keyring");
}

void test_lifecycle(void)
{
	test_timeout();
	test_revoke();
	test_invalidate();
	test_link();
}

/* The steps of a key and what each costs; false if it is not that. */
static bool costs(void)
{
	static const long desc = sizeof("app:accounting"), link = 4;
	long keys0, bytes0, keys, bytes, key, freed;
	bool good;

	quota_settle(&keys0, &bytes0);
	key = request("app:accounting");
	good = quota_read(&keys, &bytes) && keys == keys0 + 1 &&
	       bytes == bytes0 + desc + link + KEY_BYTES;
	key_ctl(KEYCTL_REVOKE, key, 0, 0, 0);
	good = good && quota_read(&keys, &freed) && keys == keys0 + 1 && freed == bytes0 + desc + link;
	key_ctl(KEYCTL_UNLINK, key, SESSION, 0, 0);
	quota_settle(&keys, &bytes);
	return good && keys == keys0 && bytes == bytes0;
}

void test_accounting(void)
{
	long keys0 = 0, bytes0 = 0;
	char before[32], limit[32];
	int tries = 1;

	/* Should the collector find something else of root's meanwhile, there is another try. */
	while (!costs() && ++tries <= 5)
		;
	tap(tries <= 5, "quota: description, payload and link are charged, and given back (try %d)",
	    tries);
	quota_settle(&keys0, &bytes0);
	snprintf(limit, sizeof(limit), "%ld", bytes0 + 40);
	if (!tap(!file_read("/proc/sys/kernel/keys/root_maxbytes", before, sizeof(before)) &&
			 !file_write("/proc/sys/kernel/keys/root_maxbytes", limit),
		 "quota: root may have 40 bytes more"))
		return;
	tap_is(request("app:accounting"), -EDQUOT, "quota: that is too little");
	tap_is(file_write("/proc/sys/kernel/keys/root_maxbytes", before), 0, "quota: put back");
	tap(request("app:accounting") > 0, "quota: the refusal is not remembered");
}

struct race {
	pthread_barrier_t gate;
	char desc[32];
	long serial[MANY];
};

static void *ask(void *arg)
{
	struct race *race = arg;
	static _Atomic int next;
	int i = next++ % MANY;

	pthread_barrier_wait(&race->gate);
	race->serial[i] = request(race->desc);
	return NULL;
}

/* All the same and a key: then 0. */
static long judge(const struct race *race)
{
	int i;

	for (i = 0; i < MANY; i++) {
		if (race->serial[i] <= 0)
			return race->serial[i] ? race->serial[i] : -EBADMSG;
		if (race->serial[i] != race->serial[0])
			return -ENOTUNIQ;
	}
	return 0;
}

static void race_threads(struct race *race)
{
	pthread_t threads[MANY];
	int i;

	for (i = 0; i < MANY; i++)
		if (pthread_create(&threads[i], NULL, ask, race))
			abort();
	for (i = 0; i < MANY; i++)
		pthread_join(threads[i], NULL);
}

static void race_processes(struct race *race)
{
	int i;

	fflush(stdout);
	for (i = 0; i < MANY; i++) {
		if (fork())
			continue;
		pthread_barrier_wait(&race->gate);
		race->serial[i] = request(race->desc);
		_exit(0);
	}
	for (i = 0; i < MANY; i++)
		wait(NULL);
}

static void race_all(const char *name, void (*run)(struct race *race), bool shared)
{
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t attr;
	long ret = 0;
	int n;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr,
				       shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
	pthread_barrier_init(&race->gate, &attr, MANY);
	for (n = 0; n < ROUNDS && !ret; n++) {
		snprintf(race->desc, sizeof(race->desc), "app:%s/%d", name, n);
		memset(race->serial, 0, sizeof(race->serial));
		run(race);
		ret = judge(race);
	}
	tap_is(ret, 0, "%d %s ask for one path at once, %d times: one key each time", MANY, name,
	       n);
	munmap(race, sizeof(*race));
}

void test_one_key(void)
{
	race_all("threads", race_threads, false);
	race_all("processes", race_processes, true);
}

/* Does /proc/keys have this description? */
static long listed(void *arg)
{
	FILE *keys = fopen("/proc/keys", "re");
	char line[DESC_MAX];
	bool found = false;

	while (keys && fgets(line, sizeof(line), keys))
		found = found || strstr(line, arg);
	if (keys)
		fclose(keys);
	return found ? 0 : -ENOENT;
}

static long join_and_list(void *arg)
{
	key_ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
	return listed(arg);
}

static long find(void *arg)
{
	return key_request(KEY_TYPE, arg, NULL, 0);
}

static long join_and_find(void *arg)
{
	key_ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
	return find(arg);
}

static long join_named(void *arg)
{
	long ring = key_ctl(KEYCTL_JOIN_SESSION_KEYRING, (long)arg, 0, 0, 0);

	return ring < 0 ? ring : find("app:container");
}

static long view(void *arg)
{
	char text[96];

	key_ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
	return key_describe(*(long *)arg, text, sizeof(text));
}

/*
 * A container is what its runtime makes it. If it gives it a session keyring of its own, as it
 * should, nothing in it can be had; what can be seen depends on the user namespace.
 */
void test_namespaces(void)
{
	static const struct {
		enum caller caller;
		long list, view;
	} rows[] = {
		{ CALLER_SAME, 0, 0 },
		{ CALLER_USERNS_ROOT, 0, 0 },
		{ CALLER_USERNS_USER, -ENOENT, -EACCES },
		{ CALLER_UID_1000, -ENOENT, -EACCES },
	};
	char desc[] = "app:container", root[] = "root:k256", name[] = "dstack-test-session";
	long key = request(desc), ring;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum caller who = rows[i].caller;

		tap_is(as_caller(who, join_and_read, &key), -EACCES,
		       "own session: %s cannot read the key", caller_name[who]);
		tap_is(as_caller(who, join_and_find, desc), -ENOKEY,
		       "own session: %s does not find it", caller_name[who]);
		tap_is(as_caller(who, join_and_list, desc), rows[i].list,
		       "own session: is it in /proc/keys of %s", caller_name[who]);
		tap_is(as_caller(who, join_and_list, root), rows[i].list,
		       "own session: is root:k256 in /proc/keys of %s", caller_name[who]);
		tap_is(as_caller(who, view, &key), rows[i].view, "own session: describe it as %s",
		       caller_name[who]);
		tap_is(as_caller(who, find, desc), 0, "our session: %s finds it", caller_name[who]);
	}
	tap_is(as_caller(CALLER_USERNS_USER, listed, desc), -ENOENT,
	       "our session: a key of a user id that is not mapped is not in /proc/keys");
	ring = key_ctl(KEYCTL_JOIN_SESSION_KEYRING, (long)name, 0, 0, 0);
	tap(ring > 0 && request(desc) > 0, "a session keyring with a name, and a key in it");
	tap_is(as_caller(CALLER_USERNS_ROOT, join_named, name), -ENOKEY,
	       "the same name in another user namespace is another keyring");
}
