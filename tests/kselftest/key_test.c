// SPDX-License-Identifier: Apache-2.0
/*
 * key_test PART: tests the key type "dstack" from userspace, as root, in a VM of its own: root keys
 * can be added once a boot, so each part has its own. The module is a DEBUG build.
 *
 *   main		the module is loaded, the phase is "boot"
 *   take		the same; take-once keys
 *   volume	the same, with dm-crypt and brd; volume keys
 *   kms	the same, with /sbin/request-key and dstack-request-key; keys of type "dstack_kms"
 *   tools	the same, with /bin/keyctl
 *   late MODULE	the module is not loaded, MODULE is its file; it is loaded in phase "runtime"
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "key/parts.h"

#define PHASE_FILE	"/sys/class/misc/dstack/phase"
#define RING_FILE	"/sys/module/dstack_key/parameters/keyring"
#define KEY_MODULE	"dstack_key"

const uint8_t test_k256[KEY_BYTES] = {
	0xd6, 0xe8, 0x89, 0x92, 0xcd, 0xee, 0xee, 0x35, 0xfe, 0x70, 0xb5, 0xdb, 0x61, 0xab, 0x66,
	0xcd, 0xb1, 0x91, 0xfb, 0x9b, 0x6e, 0xc9, 0x31, 0x37, 0x57, 0xef, 0x16, 0x2d, 0xd7, 0x21,
	0x4d, 0x5d,
};

const uint8_t test_disk[KEY_BYTES] = "0123456789abcdefghijklmnopqrstuv";

long test_ring;

static void find_ring(void)
{
	char text[32];

	test_ring = file_read(RING_FILE, text, sizeof(text)) ? 0 : atol(text);
	if (!tap(test_ring > 0, "sysfs tells the serial of .dstack"))
		exit(tap_done());
	tap(file_write(RING_FILE, "1") < 0, "and it cannot be written");
}

/* What keyctl(2) says about a root key that was wiped. */
static void test_wiped(long key)
{
	const struct {
		const char *name;
		int op;
		long a, b, want;
	} rows[] = {
		{ "revoke it", KEYCTL_REVOKE, 0, 0, -EKEYREVOKED },
		{ "invalidate it", KEYCTL_INVALIDATE, 0, 0, -EKEYREVOKED },
		{ "set its timeout", KEYCTL_SET_TIMEOUT, 1, 0, -EKEYREVOKED },
		{ "set its permissions", KEYCTL_SETPERM, 0x3f3f0000, 0, -EKEYREVOKED },
		{ "give it to uid 1000", KEYCTL_CHOWN, 1000, -1, -EKEYREVOKED },
		{ "link it to a session", KEYCTL_LINK, KEY_SPEC_SESSION_KEYRING, 0, -EKEYREVOKED },
		{ "move it to a session", KEYCTL_MOVE, test_ring, KEY_SPEC_SESSION_KEYRING,
		  -EKEYREVOKED },
		{ "unlink it", KEYCTL_UNLINK, test_ring, 0, -EACCES },
		{ "instantiate it", KEYCTL_INSTANTIATE, (long)test_disk, KEY_BYTES, -EPERM },
		{ "update it", KEYCTL_UPDATE, (long)test_disk, KEY_BYTES, -EKEYREVOKED },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tap_is(key_ctl(rows[i].op, key, rows[i].a, rows[i].b, 0), rows[i].want, "wiped: %s",
		       rows[i].name);
}

static void test_phase_change(void)
{
	/* One that could have been read, one that never could. */
	static const char *const names[] = { "root:disk;take-once", "root:env" };
	static const long before[] = { KEY_BYTES, -EACCES }, after[] = { -EKEYREVOKED, -EACCES };
	uint8_t bytes[KEY_BYTES], want[KEY_BYTES];
	char text[128] = "";
	long keys[2];
	int i;

	for (i = 0; i < 2; i++) {
		keys[i] = key_add(KEY_TYPE, names[i], test_disk, KEY_BYTES, test_ring);
		tap(keys[i] > 0, "phase boot: add %s", names[i]);
		tap_is(key_read(keys[i], NULL, 0), before[i], "phase boot: ask its length");
		tap_is(key_ctl(KEYCTL_LINK, keys[i], KEY_SPEC_SESSION_KEYRING, 0, 0), -EACCES,
		       "phase boot: it is not revoked");
	}
	tap_is(file_write(PHASE_FILE, "runtime"), 0, "the phase becomes runtime");
	for (i = 0; i < 2; i++) {
		tap_is(key_read(keys[i], bytes, KEY_BYTES), after[i], "runtime: read %s", names[i]);
		tap_is(key_read(keys[i], NULL, 0), after[i], "runtime: ask its length");
		tap_is(key_ctl(KEYCTL_LINK, keys[i], KEY_SPEC_SESSION_KEYRING, 0, 0), -EKEYREVOKED,
		       "runtime: it is revoked");
	}
	test_wiped(keys[1]);
	tap(!key_describe(test_ring, text, sizeof(text)) &&
	    !strcmp(text, "keyring;0;0;00030000;.dstack"),
	    "runtime: .dstack cannot be written: %s", text);
	tap_is(key_add(KEY_TYPE, "root:env", test_disk, KEY_BYTES, test_ring), -EACCES,
	       "runtime: no root key can be added");
	oracle(test_k256, "after", 5, want);
	tap(!key_derive("app:after", bytes) && !memcmp(bytes, want, KEY_BYTES),
	    "runtime: app keys are still derived");
}

/* The self-test ran at load, in this phase. */
static void check_selftest(const char *phase)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[8192], passed[64];
	bool found = false;
	ssize_t len;

	snprintf(passed, sizeof(passed), "dstack_key: selftest: passed, phase %s\n", phase);
	/* One record a read; EPIPE says that older ones were overwritten meanwhile. */
	while ((len = read(fd, record, sizeof(record) - 1)) > 0 || (len < 0 && errno == EPIPE)) {
		record[len > 0 ? len : 0] = '\0';
		found = found || strstr(record, passed);
	}
	close(fd);
	tap(found, "the self-tests have passed in phase %s", phase);
}

static long load(const char *module, const char *params)
{
	int fd = open(module, O_RDONLY | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return ret;
}

static void test_stays_loaded(void)
{
	tap_is(syscall(SYS_delete_module, KEY_MODULE, O_NONBLOCK) ? -errno : 0, -EBUSY,
	       "the module cannot be removed");
}

/* The phase was "runtime" before there was a keyring: it is born closed and stays so. */
static void test_late(const char *module)
{
	uint8_t bytes[KEY_BYTES];
	char text[128] = "";

	tap_is(file_write(PHASE_FILE, "runtime"), 0, "late: the phase becomes runtime");
	tap_is(key_request(KEY_TYPE, "app:late", "", KEY_SPEC_SESSION_KEYRING), -ENOKEY,
	       "late: there is no such type");
	tap_is(load(module, "keyring=1"), -EPERM, "late: the serial is not a parameter to set");
	tap_is(load(module, ""), 0, "late: the module is loaded");
	check_selftest("runtime");
	find_ring();
	tap(!key_describe(test_ring, text, sizeof(text)) &&
	    !strcmp(text, "keyring;0;0;00030000;.dstack"),
	    "late: .dstack cannot be written: %s", text);
	tap_is(key_add(KEY_TYPE, "root:k256", test_k256, KEY_BYTES, test_ring), -EACCES,
	       "late: no root key can be added");
	tap_is(key_derive("app:late", bytes), -ENOKEY, "late: nothing can be derived");
}

static void test_main(void)
{
	check_selftest("boot");
	find_ring();
	test_before_roots();
	test_add_refused();
	test_add_roots();
	test_root_operations();
	test_vectors();
	test_random_paths();
	test_descriptions();
	test_app_callers();
	test_app_operations();
	test_lifecycle();
	test_accounting();
	test_namespaces();
	test_together();
	test_one_key();
	test_against_userspace();
	test_stays_loaded();
	test_phase_change();
}

int main(int argc, char **argv)
{
	const char *part = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Keys in a session keyring of our own are possessed by us and our children. */
	if (key_ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) < 0) {
		fprintf(stderr, "key_test: no session keyring\n");
		return 1;
	}
	if (argc == 2 && !strcmp(part, "main")) {
		test_main();
	} else if (argc == 2 && !strcmp(part, "take")) {
		find_ring();
		test_take_once();
	} else if (argc == 2 && !strcmp(part, "volume")) {
		find_ring();
		test_volumes();
	} else if (argc == 2 && !strcmp(part, "kms")) {
		find_ring();
		test_kms();
	} else if (argc == 2 && !strcmp(part, "wait")) {
		find_ring();
		test_wait();
	} else if (argc == 2 && !strcmp(part, "tools")) {
		find_ring();
		test_tools();
	} else if (argc == 3 && !strcmp(part, "late")) {
		test_late(argv[2]);
	} else {
		fprintf(stderr, "usage: key_test main|take|volume|kms|wait|tools\n       key_test late MODULE\n");
		return 2;
	}
	return tap_done();
}
