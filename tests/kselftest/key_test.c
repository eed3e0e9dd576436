// SPDX-License-Identifier: Apache-2.0
/*
 * key_test MODULE: tests the key type "dstack" from userspace, as root, in a VM of its own. The
 * module is loaded and the phase is "boot"; MODULE is its file, for loading it again.
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

static void test_phase_change(void)
{
	static const char *const names[] = { "root:disk;take-once", "root:env;take-once" };
	uint8_t bytes[KEY_BYTES], want[KEY_BYTES];
	char text[128] = "";
	long keys[2];
	int i;

	for (i = 0; i < 2; i++) {
		keys[i] = key_add(KEY_TYPE, names[i], test_disk, KEY_BYTES, test_ring);
		tap(keys[i] > 0, "phase boot: add %s", names[i]);
		tap_is(key_read(keys[i], NULL, 0), KEY_BYTES, "phase boot: it is there to be taken");
	}
	tap_is(file_write(PHASE_FILE, "runtime"), 0, "the phase becomes runtime");
	for (i = 0; i < 2; i++) {
		tap_is(key_read(keys[i], bytes, KEY_BYTES), -EKEYREVOKED,
		       "runtime: %s is wiped and revoked", names[i]);
		tap_is(key_read(keys[i], NULL, 0), -EKEYREVOKED, "runtime: even its length is gone");
	}
	tap(!key_describe(test_ring, text, sizeof(text)) &&
	    !strcmp(text, "keyring;0;0;00030000;.dstack"),
	    "runtime: .dstack cannot be written: %s", text);
	tap_is(key_add(KEY_TYPE, "root:env", test_disk, KEY_BYTES, test_ring), -EACCES,
	       "runtime: no root key can be added");
	oracle(test_k256, "after", 5, want);
	tap(!key_derive("app:after", bytes) && !memcmp(bytes, want, KEY_BYTES),
	    "runtime: app keys are still derived");
}

/* In DEBUG builds the self-test ran in phase runtime too, where it can see more. */
static void check_selftest(void)
{
	static const char passed[] = "dstack_key: selftest: passed, phase runtime";
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[8192];
	bool found = false;
	ssize_t len;

	/* One record a read; EPIPE says that older ones were overwritten meanwhile. */
	while ((len = read(fd, record, sizeof(record) - 1)) > 0 || (len < 0 && errno == EPIPE)) {
		record[len > 0 ? len : 0] = '\0';
		found = found || strstr(record, passed);
	}
	close(fd);
	tap(true, "reload: self-tests passed in phase runtime%s",
	    found ? "" : " # SKIP not a DEBUG build of the module");
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

/* In phase boot: every name is free again. */
static void start_afresh(const char *module)
{
	tap_is(syscall(SYS_delete_module, KEY_MODULE, O_NONBLOCK) ? -errno : 0, 0,
	       "the module is removed");
	tap_is(load(module, ""), 0, "and loaded again");
	find_ring();
}

/* Unloading kills every key of the type; what is loaded afterwards knows nothing and stays so. */
static void test_reload(const char *module)
{
	long key = key_request(KEY_TYPE, "app:reload", "", KEY_SPEC_SESSION_KEYRING);
	uint8_t bytes[KEY_BYTES];
	char text[128];

	tap(key > 0, "reload: an app key is held");
	tap_is(syscall(SYS_delete_module, KEY_MODULE, O_NONBLOCK) ? -errno : 0, 0,
	       "reload: the module is removed");
	tap(key_read(key, bytes, KEY_BYTES) < 0, "reload: the held key is dead");
	tap_is(key_request(KEY_TYPE, "app:reload", "", KEY_SPEC_SESSION_KEYRING), -ENOKEY,
	       "reload: the type is gone");
	tap_is(load(module, "keyring=1"), -EPERM, "reload: the serial is not a parameter to set");
	tap_is(load(module, ""), 0, "reload: loaded in phase runtime");
	check_selftest();
	if (!file_read(RING_FILE, text, sizeof(text)))
		test_ring = atol(text);
	tap(!key_describe(test_ring, text, sizeof(text)) &&
	    !strcmp(text, "keyring;0;0;00030000;.dstack"),
	    "reload: the new .dstack cannot be written: %s", text);
	tap_is(key_add(KEY_TYPE, "root:k256", test_k256, KEY_BYTES, test_ring), -EACCES,
	       "reload: no root key can be added");
	tap_is(key_derive("app:reload", bytes), -ENOKEY, "reload: nothing can be derived");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: key_test MODULE\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Keys in a session keyring of our own are possessed by us and our children. */
	if (key_ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) < 0) {
		fprintf(stderr, "key_test: no session keyring\n");
		return 1;
	}
	find_ring();
	test_take_once();
	start_afresh(argv[1]);
	test_before_roots();
	test_add_refused();
	test_add_roots();
	test_root_operations();
	test_vectors();
	test_random_paths();
	test_descriptions();
	test_app_callers();
	test_app_operations();
	test_together();
	test_phase_change();
	test_reload(argv[1]);
	return tap_done();
}
