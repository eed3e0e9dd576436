// SPDX-License-Identifier: Apache-2.0
/*
 * Keys when memory runs out.
 *
 * Out of memory before it asked the module, the core remembers a refusal for a minute, in the
 * keyring of the request: whoever failed clears it, as a caller would.
 */
#include <stdint.h>
#include <time.h>

#include "../ktap.h"
#include "fault.h"

#define RING_FILE	"/sys/module/dstack_key/parameters/keyring"
#define RESULT_FILE	"/tmp/instantiate"
#define PROCESS		KEY_SPEC_PROCESS_KEYRING
#define KEY_BYTES	32
#define GONE_SECONDS	60

static const char root_bytes[KEY_BYTES] = "the root key of a fault test....";
static const char *root_name;
static key_serial_t ring, taken;
static uint8_t first_bytes[KEY_BYTES];

/* With errno as it was. */
static int failed(void)
{
	int saved = errno;

	keyctl_clear(PROCESS);
	errno = saved;
	return -1;
}

static int add_root(void)
{
	taken = add_key("dstack", root_name, root_bytes, KEY_BYTES, ring);
	return taken < 0 ? -1 : 0;
}

/* A name whose key could not be made must not be used up. */
void root_keys_are_not_used_up(void)
{
	static const char *const names[] = { "root:k256", "root:disk", "root:env;take-once" };
	char text[32] = "";
	size_t i;

	KT_CHECK(kt_read_file(RING_FILE, text, sizeof(text) - 1) > 0);
	ring = (key_serial_t)strtol(text, NULL, 10);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		key_serial_t last;

		root_name = names[i];
		every_allocation_once(1, add_root, NULL);
		last = taken;
		KT_ERRNO(add_root(), EEXIST);
		taken = last;
	}
}

static int derive(void)
{
	uint8_t bytes[KEY_BYTES];
	key_serial_t key = request_key("dstack", "app:fault", "", PROCESS);
	long n;

	if (key < 0)
		return failed();
	n = keyctl_read(key, (char *)bytes, sizeof(bytes));
	/* Else the next request would find this one. */
	if (n < 0 || keyctl_unlink(key, PROCESS))
		return failed();
	errno = EBADMSG;
	return n == KEY_BYTES && !memcmp(bytes, first_bytes, KEY_BYTES) ? 0 : -1;
}

void app_keys_are_right_or_absent(void)
{
	key_serial_t key = request_key("dstack", "app:fault", "", PROCESS);

	KT_CHECK(key > 0 && keyctl_read(key, (char *)first_bytes, KEY_BYTES) == KEY_BYTES);
	KT_CHECK(!keyctl_unlink(key, PROCESS));
	every_allocation(derive, NULL);
}

static int lease_volume(void)
{
	return request_key("dstack", "volume:fault", "", PROCESS) < 0 ? -1 : 0;
}

/* A lease and its logon key, or neither; ends them. */
static bool volume_is(int ret)
{
	key_serial_t lease = request_key("dstack", "volume:fault", NULL, 0);
	key_serial_t logon = request_key("logon", "dstack:volume:fault", NULL, 0);
	bool there = lease > 0 && logon > 0 && !keyctl_revoke(lease) &&
		     request_key("logon", "dstack:volume:fault", NULL, 0) < 0;

	keyctl_clear(PROCESS);
	return ret ? lease < 0 && logon < 0 : there;
}

void volume_keys_are_whole_or_absent(void)
{
	every_allocation(lease_volume, volume_is);
}

static int take(void)
{
	char bytes[KEY_BYTES];
	long n = keyctl_read(taken, bytes, sizeof(bytes));

	if (n < 0)
		return -1;
	errno = EBADMSG;
	return n == KEY_BYTES && !memcmp(bytes, root_bytes, KEY_BYTES) ? 0 : -1;
}

void a_take_once_key_is_not_lost(void)
{
	every_allocation_once(1, take, NULL);
	KT_ERRNO(take(), EKEYREVOKED);
}

/* As the kernel's helper does it: what the KMS is said to have answered. */
static long instantiate(key_serial_t key)
{
	char bytes[KEY_BYTES];

	memset(bytes, 'k', sizeof(bytes));
	return keyctl_instantiate(key, bytes, sizeof(bytes), 0);
}

static int ask_kms(void)
{
	char bytes[KEY_BYTES + 1] = "";
	key_serial_t key = request_key("dstack_kms", "env-pub", "0", PROCESS);
	long n;

	if (key < 0)
		return failed();
	n = keyctl_read(key, bytes, KEY_BYTES);
	if (n < 0 || keyctl_unlink(key, PROCESS))
		return failed();
	errno = EBADMSG;
	return n == KEY_BYTES && strspn(bytes, "k") == KEY_BYTES ? 0 : -1;
}

void kms_keys_are_right_or_absent(void)
{
	every_allocation(ask_kms, NULL);
}

/* The callout text says which of the helper's allocations is to fail; none: "0". */
int upcall(key_serial_t key)
{
	int fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC), err;
	int result = open(RESULT_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char nth[16] = "", left[16] = "";
	long ret;

	if (fd < 0 || result < 0 || keyctl_assume_authority(key) < 0 ||
	    keyctl_read(KEY_SPEC_REQKEY_AUTH_KEY, nth, sizeof(nth) - 1) <= 0 ||
	    write(fd, nth, strlen(nth)) < 0)
		return 1;
	ret = instantiate(key);
	err = ret ? errno : 0;
	if (pread(fd, left, sizeof(left) - 1, 0) <= 0 || write(fd, "0", 1) != 1 ||
	    dprintf(result, "%d %d\n", atoi(left), err) < 0)
		return 1;
	return err && instantiate(key);
}

/* Ours never fails here, its helper's nth allocation does. */
void instantiation_can_be_repeated(void)
{
	int nth, left = 0, err, failures = 0;
	char text[32];

	for (nth = 1; nth < NTH_MAX && !left; nth++) {
		key_serial_t key;

		snprintf(text, sizeof(text), "%d", nth);
		key = request_key("dstack_kms", "env-pub", text, PROCESS);
		KT_CHECK(key > 0 && !keyctl_unlink(key, PROCESS));
		memset(text, 0, sizeof(text));
		KT_CHECK(kt_read_file(RESULT_FILE, text, sizeof(text) - 1) > 0);
		KT_CHECK(sscanf(text, "%d %d", &left, &err) == 2);
		KT_CHECK(!err || err == ENOMEM);
		KT_CHECK(!left || !err);
		failures += err != 0;
	}
	printf("# up to %d allocations, %d of them mattered\n", nth - 2, failures);
	KT_CHECK(left && failures);
}

/* Those that /proc/keys shows to root: keys on their way out as well. */
static int keys_left(void)
{
	char line[512];
	int n = 0;
	FILE *f = fopen("/proc/keys", "re");

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		n += strstr(line, ":fault") || strstr(line, "env-pub");
	fclose(f);
	return n;
}

/* A key that somebody forgot to put is no leak for kmemleak: the kernel's tree of keys has it. */
bool keys_are_well(void)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	int i;

	if (derive() || lease_volume() || !volume_is(0) || ask_kms())
		return false;
	/* The core collects them when it has time, and tells nobody. */
	for (i = 0; i < GONE_SECONDS * 100 && keys_left(); i++)
		nanosleep(&pause, NULL);
	printf("# %d keys are left\n", keys_left());
	return !keys_left();
}
