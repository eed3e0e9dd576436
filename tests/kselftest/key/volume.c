// SPDX-License-Identifier: Apache-2.0
/*
 * Volume keys: a dm-crypt volume on a RAM disk, opened with a key that only the kernel has. What is
 * on the disk is decrypted here, by OpenSSL, with a key derived here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <openssl/evp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "parts.h"

#define SESSION	     KEY_SPEC_SESSION_KEYRING
#define DISK	     "/dev/ram0"
#define SECTOR	     512
#define SECTORS	     64
#define BYTES	     (SECTORS * SECTOR)
#define SIZE_MAX_KEY 96

/* O_DIRECT: what is read comes from the disk. */
static uint8_t plain[BYTES] __attribute__((aligned(4096)));
static uint8_t buffer[BYTES] __attribute__((aligned(4096)));
static uint8_t opened[BYTES] __attribute__((aligned(4096)));

static long lease_of(const char *desc)
{
	return key_request(KEY_TYPE, desc, "", SESSION);
}

static long find_logon(const char *label)
{
	char desc[96];

	snprintf(desc, sizeof(desc), "dstack:volume:%s", label);
	return key_request("logon", desc, NULL, 0);
}

/* One ioctl of the device mapper for the device "vol"; a table of one line goes along. */
static long dm(unsigned long command, unsigned int flags, const char *params, char *ret_status)
{
	static char room[4096] __attribute__((aligned(8)));
	struct dm_ioctl *head = (struct dm_ioctl *)room;
	struct dm_target_spec *spec = (struct dm_target_spec *)(head + 1);
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return -errno;
	memset(room, 0, sizeof(room));
	head->version[0] = DM_VERSION_MAJOR;
	head->data_size = sizeof(room);
	head->data_start = sizeof(*head);
	head->flags = flags;
	strcpy(head->name, "vol");
	if (params) {
		head->target_count = 1;
		spec->length = SECTORS;
		strcpy(spec->target_type, "crypt");
		strcpy((char *)(spec + 1), params);
		spec->next = (uint32_t)(sizeof(*spec) + ((strlen(params) + 8) & ~7UL));
	}
	ret = ioctl(fd, command, head) ? -errno : 0;
	if (!ret && ret_status)
		strcpy(ret_status, room + head->data_start + sizeof(*spec));
	close(fd);
	return ret;
}

static long volume_close(void)
{
	return dm(DM_DEV_REMOVE, 0, NULL, NULL);
}

/* As `dmsetup create` does it; the key is found by dm-crypt in our keyrings. */
static long volume_open(const char *label, int size)
{
	char params[256];
	long ret = dm(DM_DEV_CREATE, 0, NULL, NULL);

	if (ret)
		return ret;
	snprintf(params, sizeof(params), "aes-xts-plain64 :%d:logon:dstack:volume:%s 0 " DISK " 0",
		 size, label);
	ret = dm(DM_TABLE_LOAD, 0, params, NULL);
	if (!ret)
		ret = dm(DM_DEV_SUSPEND, 0, NULL, NULL); /* which resumes */
	if (ret)
		volume_close();
	return ret;
}

static long whole(const char *device, uint8_t *bytes, bool write_it)
{
	int fd = open(device, (write_it ? O_WRONLY : O_RDONLY) | O_DIRECT | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write_it ? pwrite(fd, bytes, BYTES, 0) : pread(fd, bytes, BYTES, 0);
	close(fd);
	return n == BYTES ? 0 : n < 0 ? -errno : -EIO;
}

#define volume_write(b) whole("/dev/dm-0", b, true)
#define volume_read(b)	whole("/dev/dm-0", b, false)

/* The sectors of aes-xts-plain64: the tweak is the number of the sector. */
static bool decrypt(const char *label, int size, uint8_t *bytes)
{
	const EVP_CIPHER *cipher = size == 64 ? EVP_aes_256_xts() : EVP_aes_128_xts();
	uint8_t key[SIZE_MAX_KEY], tweak[16];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	char info[128];
	bool good = ctx;
	int i, n;

	snprintf(info, sizeof(info), "dstack-volume-key:%d:%s", size, label);
	oracle_bytes(test_disk, info, strlen(info), key, (size_t)size);
	for (i = 0; i < SECTORS && good; i++) {
		memset(tweak, 0, sizeof(tweak));
		tweak[0] = (uint8_t)i;
		good = EVP_DecryptInit_ex(ctx, cipher, NULL, key, tweak) == 1 &&
		       EVP_DecryptUpdate(ctx, bytes + i * SECTOR, &n, bytes + i * SECTOR, SECTOR) ==
			       1;
	}
	EVP_CIPHER_CTX_free(ctx);
	return good;
}

/* Open, write, close; look at the disk; open again with a key that is derived again. */
static void test_round(const char *label, int size)
{
	char desc[96], status[512] = "";
	long lease, again;
	int i;

	snprintf(desc, sizeof(desc), size == 64 ? "volume:%s" : "volume:%s;size=%d", label, size);
	for (i = 0; i < BYTES; i++)
		plain[i] = (uint8_t)(i * 7 + size);
	lease = lease_of(desc);
	tap(lease > 0, "%s: a lease", desc);
	tap_is(volume_open(label, size), 0, "%s: dm-crypt opens a volume with its key", desc);
	tap_is(volume_write(plain), 0, "%s: write", desc);
	tap(!dm(DM_TABLE_STATUS, DM_STATUS_TABLE_FLAG, NULL, status) &&
		    strstr(status, ":logon:dstack:volume:"),
	    "%s: the table names the key: %s", desc, status);
	tap_is(key_ctl(KEYCTL_REVOKE, lease, 0, 0, 0), 0, "%s: end the lease", desc);
	tap(find_logon(label) < 0, "%s: the logon key is gone", desc);
	tap(!volume_read(buffer) && !memcmp(buffer, plain, BYTES), "%s: the open volume stays",
	    desc);
	tap_is(volume_close(), 0, "%s: close", desc);
	tap(volume_open(label, size) < 0, "%s: without a lease it cannot be opened", desc);
	tap(!whole(DISK, buffer, false) && memcmp(buffer, plain, BYTES),
	    "%s: the disk has other bytes", desc);
	tap(decrypt(label, size, buffer) && !memcmp(buffer, plain, BYTES),
	    "%s: which OpenSSL decrypts with HKDF of the root key", desc);
	key_ctl(KEYCTL_UNLINK, lease, SESSION, 0, 0);
	again = lease_of(desc);
	tap(again > 0 && again != lease, "%s: another lease", desc);
	tap_is(volume_open(label, size), 0, "%s: open again", desc);
	tap(!volume_read(buffer) && !memcmp(buffer, plain, BYTES), "%s: the same data", desc);
	tap_is(volume_close(), 0, "%s: close", desc);
	key_ctl(KEYCTL_REVOKE, again, 0, 0, 0);
	key_ctl(KEYCTL_UNLINK, again, SESSION, 0, 0);
}

static void test_wrong_label(void)
{
	long lease = lease_of("volume:other");

	tap(lease > 0 && !volume_open("other", 64), "another label opens the same disk");
	tap(!volume_read(opened) && memcmp(opened, plain, BYTES), "but not its data");
	tap_is(volume_close(), 0, "close");
	tap_is(key_ctl(KEYCTL_UNLINK, lease, SESSION, 0, 0), 0, "unlink the lease");
}

/* Everything that could bring the bytes, or more time, to a process. */
static void test_logon(void)
{
	uint8_t bytes[SIZE_MAX_KEY];
	char text[128] = "";
	long lease = lease_of("volume:guarded;size=96"), logon = find_logon("guarded");
	long ring = key_add("keyring", "elsewhere", NULL, 0, SESSION);

	tap(!key_describe(lease, text, sizeof(text)) &&
		    !strcmp(text, "dstack;0;0;1d010000;volume:guarded;size=96"),
	    "the lease can be viewed, found, linked and revoked: %s", text);
	tap_is(key_read(lease, bytes, sizeof(bytes)), -EOPNOTSUPP, "it cannot be read");
	tap_is(key_ctl(KEYCTL_UPDATE, lease, (long)bytes, 96, 0), -EOPNOTSUPP, "nor updated");
	tap_is(key_ctl(KEYCTL_SET_TIMEOUT, lease, 1000, 0, 0), -EACCES, "nor made to last longer");
	tap_is(key_ctl(KEYCTL_SETPERM, lease, 0x3f3f0000, 0, 0), -EACCES, "nor given permissions");
	tap_is(key_ctl(KEYCTL_CHOWN, lease, 1000, -1, 0), -EACCES, "nor given away");
	tap(!key_describe(logon, text, sizeof(text)) &&
		    !strcmp(text, "logon;0;0;09010000;dstack:volume:guarded"),
	    "the logon key can be viewed and found: %s", text);
	tap_is(key_read(logon, bytes, sizeof(bytes)), -EOPNOTSUPP, "it cannot be read");
	tap_is(key_ctl(KEYCTL_UPDATE, logon, (long)bytes, 96, 0), -EACCES, "nor updated");
	tap_is(key_ctl(KEYCTL_SET_TIMEOUT, logon, 1000, 0, 0), -EACCES, "nor made to last longer");
	tap_is(key_ctl(KEYCTL_SETPERM, logon, 0x3f3f0000, 0, 0), -EACCES, "nor given permissions");
	tap_is(key_ctl(KEYCTL_LINK, logon, ring, 0, 0), -EACCES, "nor linked elsewhere");
	tap_is(key_ctl(KEYCTL_MOVE, logon, SESSION, ring, 0), -EACCES, "nor moved");
	tap(volume_open("guarded", 64) < 0, "dm-crypt does not take a part of it");
	tap_is(key_ctl(KEYCTL_INVALIDATE, lease, 0, 0, 0), 0, "invalidate the lease");
	key_ctl(KEYCTL_UNLINK, ring, SESSION, 0, 0);
}

/* Whoever could put a key of this name in the way would have the volume written with it. */
static void test_displaced(void)
{
	uint8_t fake[64] = "known to everybody";
	long logon = key_add("logon", "dstack:volume:data", fake, sizeof(fake), SESSION), lease;

	tap(logon > 0, "a logon key of our name, made by a process");
	lease = lease_of("volume:data");
	tap(lease > 0 && find_logon("data") != logon, "is displaced by the kernel's");
	tap(!volume_open("data", 64) && !volume_write(plain) && !volume_close(),
	    "open, write, close");
	tap(!whole(DISK, buffer, false) && decrypt("data", 64, buffer) &&
		    !memcmp(buffer, plain, BYTES),
	    "what is on the disk is under the kernel's key");
	key_ctl(KEYCTL_UNLINK, lease, SESSION, 0, 0);
}

static long until_gone(const char *label, int seconds)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	int64_t start = now_ms();

	while (find_logon(label) != -ENOKEY) {
		if (now_ms() - start > seconds * 1000)
			return -ETIME;
		nanosleep(&pause, NULL);
	}
	return now_ms() - start;
}

static void test_end(void)
{
	char text[64];
	long lease = lease_of("volume:brief"), logon = find_logon("brief"), ms;

	tap(lease > 0 && logon > 0 && lease_of("volume:brief") == lease,
	    "a request finds the lease that is there");
	tap_is(key_ctl(KEYCTL_UNLINK, lease, SESSION, 0, 0), 0, "unlink it");
	ms = until_gone("brief", 30);
	tap(ms >= 0, "the logon key goes with it (%ld ms)", ms);
	lease = lease_of("volume:brief");
	logon = find_logon("brief");
	tap(lease > 0 && logon > 0, "another lease, left alone");
	ms = until_gone("brief", 60);
	tap(ms >= 8000 && ms < 60000, "after 10 seconds the logon key is gone (%ld ms)", ms);
	tap(key_describe(logon, text, sizeof(text)) < 0 ||
		    key_ctl(KEYCTL_REVOKE, logon, 0, 0, 0) < 0,
	    "and cannot be used by its number");
	tap(lease_of("volume:brief") > 0, "there can be another lease");
}

static long request_it(void *arg)
{
	long lease = lease_of(arg);

	return lease < 0 ? lease : 0;
}

static void test_callers(void)
{
	static const struct {
		enum caller caller;
		long want;
	} rows[] = {
		{ CALLER_SAME, 0 },
		{ CALLER_NO_SYS_ADMIN, -EPERM },
		{ CALLER_NO_CAPS, -EPERM },
		{ CALLER_UID_1000, -EPERM },
		{ CALLER_USERNS_ROOT, -EPERM },
		{ CALLER_USERNS_USER, -EPERM },
	};
	uint8_t bytes[32] = "";
	long ring, other;
	char desc[32];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(desc, sizeof(desc), "volume:caller-%zu", i);
		tap_is(as_caller(rows[i].caller, request_it, desc), rows[i].want,
		       "request a volume key as %s", caller_name[rows[i].caller]);
		snprintf(desc, sizeof(desc), "caller-%zu", i);
		tap((find_logon(desc) > 0) == !rows[i].want, "there is %s logon key",
		    rows[i].want ? "no" : "a");
	}
	other = find_logon("caller-0");
	tap(other > 0 && as_caller(CALLER_OTHER_SESSION, request_it, (void *)"volume:x-") == 0,
	    "another session asks for itself");
	tap_is(find_logon("x-"), -ENOKEY, "and has it for itself");
	tap_is(key_add(KEY_TYPE, "volume:added", bytes, 32, SESSION), -EPERM, "none can be added");
	tap_is(key_add(KEY_TYPE, "volume:added", NULL, 0, SESSION), -EPERM, "nor added empty");
	tap_is(key_request(KEY_TYPE, "volume:callout", "text", SESSION), -EINVAL, "callout text");
	ring = key_add("keyring", "restricted", NULL, 0, SESSION);
	tap_is(key_ctl(KEYCTL_RESTRICT_KEYRING, ring, 0, 0, 0), 0,
	       "a keyring that lets nothing in");
	tap_is(key_request(KEY_TYPE, "volume:restricted", "", ring), -EPERM,
	       "lets no volume key in");
	tap_is(find_logon("restricted"), -ENOKEY, "there is none");
	key_ctl(KEYCTL_UNLINK, ring, SESSION, 0, 0);
}

static void test_names(void)
{
	static const struct {
		const char *desc;
		long want;
	} rows[] = {
		{ "volume:", -EINVAL },
		{ "volume:a b", -EINVAL },
		{ "volume:a/b", -EINVAL },
		{ "volume:a:b", -EINVAL },
		{ "volume:%41", -EINVAL },
		{ "volume:x;size=", -EINVAL },
		{ "volume:x;size=63", -EOPNOTSUPP },
		{ "volume:x;size=064", -EOPNOTSUPP },
		{ "volume:x;size=64;", -EINVAL },
		{ "volume:x@1", -ENOKEY },
		{ "volume:x@01", -EINVAL },
		{ "volume:01234567890123456789012345678901234567890123456789012345678901234",
		  -ENAMETOOLONG },
		{ "volume:0123456789012345678901234567890123456789012345678901234567890.-_", 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tap_is(request_it((void *)rows[i].desc), rows[i].want, "%s", rows[i].desc);
}

/* One key more is the lease, two are what it takes. Leases of earlier tests must not end meanwhile. */
static void test_volume_quota(void)
{
	char before[32], limit[32];
	long keys = 0, bytes;

	tap_is(key_ctl(KEYCTL_CLEAR, SESSION, 0, 0, 0), 0, "end all leases");
	quota_settle(&keys, &bytes);
	snprintf(limit, sizeof(limit), "%ld", keys + 1);
	tap(keys > 0 && !file_read(ROOT_MAXKEYS, before, sizeof(before)) &&
		    !file_write(ROOT_MAXKEYS, limit),
	    "root may have one key more than %ld", keys);
	tap_is(request_it((void *)"volume:costly"), -EDQUOT, "a lease and its key are two");
	tap_is(file_write(ROOT_MAXKEYS, before), 0, "the quota is put back");
	tap_is(find_logon("costly"), -ENOKEY, "nothing is left");
	tap_is(request_it((void *)"volume:costly"), 0, "and the refusal is not remembered");
}

static long open_nth(void *arg, int i)
{
	long lease = lease_of("volume:together");

	return lease < 0 ? lease : find_logon("together") > 0 ? 0 : -ENOKEY;
}

static void test_volumes_together(void)
{
	long failed;

	tap_is(together(16, open_nth, NULL, &failed), 16, "16 processes ask for one volume");
	tap_is(failed, 0, "none of them fails");
}

#define RACERS	 4
#define WATCHERS 2
#define READERS	 4
#define CROWD	 10000

/* Shared with the watchers. */
struct watch {
	int made;  /* keys by the racers */
	int over;  /* the write that changed the phase has returned */
	int seen;  /* keys found since */
	int ended; /* so have the racers */
};

/*
 * A keyring that is read all the time by processes that get no time for it, see read_on(). Whoever
 * links a key into it waits for them; for a volume key that is after its derivation, and longer
 * than a change of the phase takes.
 */
static long crowded_ring(void)
{
	long ring = key_add("keyring", "crowd", NULL, 0, SESSION);
	char desc[16];
	int i;

	for (i = 0; i < CROWD; i++) {
		snprintf(desc, sizeof(desc), "%d", i);
		if (key_add("user", desc, "x", 1, ring) < 0)
			return -1;
	}
	return ring;
}

/* Makes and ends its own volume key until it may not: the phase has changed. */
static long race(int i, struct watch *w, long ring)
{
	/* Different leases, but one logon key: it has a single name to look for. */
	static const char *const descs[RACERS] = { "volume:race", "volume:race;size=64",
						   "volume:race;size=32", "volume:race;size=96" };
	char desc[48];
	long lease;
	int n;

	while ((lease = key_request(KEY_TYPE, descs[i], "", ring)) > 0) {
		key_ctl(KEYCTL_REVOKE, lease, 0, 0, 0);
		key_ctl(KEYCTL_UNLINK, lease, ring, 0, 0);
		__atomic_add_fetch(&w->made, 1, __ATOMIC_RELAXED);
	}
	/*
	 * Against the change itself a request may lose in another way: its key was made in time and
	 * is revoked already, or root:disk is wiped. Asking for another one must be refused for
	 * good.
	 */
	for (n = 0; n < 1000 && (lease == -EKEYREVOKED || lease == -ENOKEY); n++) {
		snprintf(desc, sizeof(desc), "volume:late-%d-%d", i, n);
		lease = key_request(KEY_TYPE, desc, "", ring);
	}
	return lease;
}

static _Noreturn void watch(struct watch *w)
{
	while (!__atomic_load_n(&w->ended, __ATOMIC_ACQUIRE)) {
		int over = __atomic_load_n(&w->over, __ATOMIC_ACQUIRE);

		if (find_logon("race") > 0 && over)
			__atomic_add_fetch(&w->seen, 1, __ATOMIC_RELAXED);
	}
	_exit(0);
}

/* Holds the semaphore of the keyring until it is its turn, which is after all others. */
static _Noreturn void read_on(const struct watch *w, long ring)
{
	static const struct sched_param none;
	static uint32_t serials[CROWD + 100];

	sched_setscheduler(0, SCHED_IDLE, &none);
	while (!__atomic_load_n(&w->ended, __ATOMIC_ACQUIRE))
		key_read(ring, serials, sizeof(serials));
	_exit(0);
}

/* Leaves no CPU idle. */
static _Noreturn void spin_on(const struct watch *w)
{
	nice(10);
	while (!__atomic_load_n(&w->ended, __ATOMIC_ACQUIRE))
		;
	_exit(0);
}

/* How many of them did not end well. */
static int failed(const pid_t *pid, int n)
{
	int i, status, bad = 0;

	for (i = 0; i < n; i++)
		bad += waitpid(pid[i], &status, 0) != pid[i] || status;
	return bad;
}

/* Until the racers are at it, or do not get on at all, for 10 seconds. */
static void start(pid_t racer[RACERS], pid_t *other, int others, struct watch *w, long ring)
{
	int i;

	fflush(stdout);
	for (i = 0; i < RACERS; i++) {
		racer[i] = fork();
		if (!racer[i])
			_exit(race(i, w, ring) != -EPERM);
	}
	for (i = 0; i < others; i++) {
		other[i] = fork();
		if (!other[i] && i < WATCHERS)
			watch(w);
		if (!other[i] && i < WATCHERS + READERS)
			read_on(w, ring);
		if (!other[i])
			spin_on(w);
	}
	for (i = 0; i < 1000 && __atomic_load_n(&w->made, __ATOMIC_RELAXED) < 2 * RACERS; i++)
		usleep(10000);
}

/* From the write that changes the phase on, whoever has a key or was making one has none. */
static void test_over(void)
{
	struct watch *w =
		mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int others = WATCHERS + READERS + (int)sysconf(_SC_NPROCESSORS_ONLN);
	pid_t racer[RACERS], *other = calloc((size_t)others, sizeof(*other));
	long ring = crowded_ring();

	tap(w != MAP_FAILED && other && ring > 0, "a keyring with %d keys", CROWD);
	start(racer, other, others, w, ring);
	tap(lease_of("volume:over") > 0 && !volume_open("over", 64) && !volume_close(),
	    "a lease that is good");
	tap_is(file_write("/sys/class/misc/dstack/phase", "runtime"), 0,
	       "the phase becomes runtime while %d processes make volume keys", RACERS);
	__atomic_store_n(&w->over, 1, __ATOMIC_RELEASE);
	tap(find_logon("race") < 0, "none of these keys is usable");
	/* Where the write took longer than its 10 seconds, the key is gone altogether. */
	tap(find_logon("over") < 0, "nor is the logon key of the lease");
	tap_is(failed(racer, RACERS), 0, "they were all told EPERM");
	__atomic_store_n(&w->ended, 1, __ATOMIC_RELEASE);
	tap_is(failed(other, others), 0, "others looked for keys all the time");
	tap_is(w->seen, 0, "and found none after the write had returned");
	free(other);
	tap(volume_open("over", 64) < 0, "dm-crypt cannot use the key of the lease");
	tap_is(request_it((void *)"volume:late"), -EPERM,
	       "no volume key can be requested any more");
	tap_is(find_logon("late"), -ENOKEY, "and there is none");
}

void test_volumes(void)
{
	tap_is(lease_of("volume:data"), -ENOKEY, "no volume key without root:disk");
	tap(key_add(KEY_TYPE, "root:disk", test_disk, KEY_BYTES, test_ring) > 0, "add root:disk");
	test_round("data", 64);
	test_round("A-z_0.9", 32);
	test_round("data", 64);
	test_wrong_label();
	test_logon();
	test_displaced();
	test_callers();
	test_names();
	test_volume_quota();
	test_volumes_together();
	test_end();
	test_over();
}
