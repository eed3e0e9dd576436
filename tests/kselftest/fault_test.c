// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation of an operation fails once: its first, its second, and so on until it needs no
 * more. It may then fail with ENOMEM and nothing else, must have changed nothing, and must work when
 * tried again. Needs a kernel with CONFIG_FAULT_INJECTION and CONFIG_FAILSLAB, both modules in phase
 * "boot", and qe_echo. What an error path forgot to free is kmemleak's to find afterwards.
 */
#include <keyutils.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "ktap.h"
#include "rtmr_util.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define FAILSLAB(name)	"/sys/kernel/debug/failslab/" name
#define RING_FILE	"/sys/module/dstack_key/parameters/keyring"
#define NTH_MAX		500
#define DEADLINE_MS	60000

static int nth_fd = -1;
static int nth_step = 1;
static key_serial_t ring;

/*
 * Runs op() with the nth allocation failing, for n from 1 until all of them succeed. op() returns 0
 * or -1 and errno; check(), if any, is told what op() returned and says whether the state is right.
 */
static void every_allocation(int (*op)(void), bool (*check)(int ret))
{
	int nth, ret, err, failures = 0;
	char left[16];
	ssize_t n;

	for (nth = 1; nth < NTH_MAX; nth += nth_step) {
		KT_CHECK(dprintf(nth_fd, "%d", nth) > 0);
		errno = 0;
		ret = op();
		err = errno;
		n = pread(nth_fd, left, sizeof(left) - 1, 0);
		KT_CHECK(write(nth_fd, "0", 1) == 1);
		KT_CHECK(n > 0);
		left[n] = '\0';
		errno = err;
		KT_CHECK(!ret || err == ENOMEM);
		KT_CHECK(!check || check(ret));
		if (atoi(left)) {	/* it was not needed */
			KT_CHECK(!ret);
			break;
		}
		failures += ret != 0;
	}
	printf("# up to %d allocations, %d of them mattered\n", nth - 1, failures);
	KT_CHECK(nth > 1 && nth < NTH_MAX);
}

static int event_fd = -1, dev_fd = -1;
static size_t events;

static bool log_grew_by(size_t want)
{
	struct rt_log log = { 0 };
	bool ok = rt_log_load(&log) && log.n == events + want && rt_replay_matches(3);

	events = log.n;
	rt_log_free(&log);
	return ok;
}

static bool logged_or_not(int ret)
{
	return log_grew_by(ret ? 0 : 1);
}

static int write_event(void)
{
	static const char text[] = "fault\npayload";

	return pwrite(event_fd, text, sizeof(text) - 1, 0) == sizeof(text) - 1 ? 0 : -1;
}

static void events_fail_whole(void)
{
	event_fd = open(DS_SYSFS("event"), O_WRONLY | O_CLOEXEC);
	KT_CHECK(event_fd >= 0);
	KT_CHECK(log_grew_by(0) || log_grew_by(0));	/* the first call counts what is there */
	every_allocation(write_event, logged_or_not);
}

static int open_device(void)
{
	int fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

static int make_report(void)
{
	struct dstack_report io = { .reportdata = { 1 } };

	return ioctl(dev_fd, DSTACK_IOC_REPORT, &io);
}

static void reports_fail_clean(void)
{
	dev_fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);
	KT_CHECK(dev_fd >= 0);
	every_allocation(open_device, NULL);
	every_allocation(make_report, NULL);
	close(dev_fd);
}

static int read_log(void)
{
	static uint8_t page[4096];
	int fd = open(DS_SYSFS("eventlog"), O_RDONLY | O_CLOEXEC), saved;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, page, sizeof(page));
	saved = errno;
	close(fd);
	errno = saved;
	return n > 0 ? 0 : -1;
}

static void log_reads_fail_clean(void)
{
	every_allocation(read_log, NULL);
}

/* Only what the asking thread allocates: the kernel thread that serves it is not concerned. */
static int get_quote(void)
{
	static uint8_t quote[8192];
	struct pollfd p = { .events = POLLIN };
	uint8_t reportdata[64] = { 2 };
	int ret = -1, saved;

	p.fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);
	if (p.fd < 0)
		return -1;
	if (write(p.fd, reportdata, sizeof(reportdata)) == sizeof(reportdata) &&
	    poll(&p, 1, DEADLINE_MS) == 1 && read(p.fd, quote, sizeof(quote)) > 0)
		ret = 0;
	saved = errno;
	close(p.fd);
	errno = saved;
	return ret;
}

static void quotes_fail_clean(void)
{
	every_allocation(get_quote, NULL);
}

/* A name whose key could not be made must not be used up. */
static int add_root(void)
{
	static const char root[32] = "the root key of a fault test....";

	return add_key("dstack", "root:k256", root, sizeof(root), ring) < 0 ? -1 : 0;
}

static bool added_once;

static bool root_state(int ret)
{
	added_once = added_once || !ret;
	return true;
}

static int add_root_once(void)
{
	return added_once ? 0 : add_root();
}

static void root_keys_are_not_used_up(void)
{
	char text[32] = "";

	KT_CHECK(kt_read_file(RING_FILE, text, sizeof(text) - 1) > 0);
	ring = (key_serial_t)strtol(text, NULL, 10);
	/*
	 * The first success is the last. Every other allocation is kmemleak's own record, whose failure
	 * does no harm.
	 */
	nth_step = 2;
	every_allocation(add_root_once, root_state);
	nth_step = 1;
	KT_CHECK(added_once);
	KT_ERRNO(add_root(), EEXIST);
}

static uint8_t first_bytes[32];

static int derive(void)
{
	uint8_t bytes[32];
	key_serial_t key = request_key("dstack", "app:fault", "", KEY_SPEC_PROCESS_KEYRING);
	long n;
	int saved;

	if (key < 0) {
		/* Out of memory before it asked the module, the core remembers a refusal for a minute. */
		saved = errno;
		keyctl_clear(KEY_SPEC_PROCESS_KEYRING);
		errno = saved;
		return -1;
	}
	n = keyctl_read(key, (char *)bytes, sizeof(bytes));
	saved = errno;
	/* Else the next request would find this one. */
	if (keyctl_unlink(key, KEY_SPEC_PROCESS_KEYRING)) {
		saved = errno;
		n = -1;
		keyctl_clear(KEY_SPEC_PROCESS_KEYRING);
	}
	errno = saved;
	if (n < 0)
		return -1;
	errno = EBADMSG;
	return n == 32 && !memcmp(bytes, first_bytes, 32) ? 0 : -1;
}

static void app_keys_are_right_or_absent(void)
{
	key_serial_t key = request_key("dstack", "app:fault", "", KEY_SPEC_PROCESS_KEYRING);

	KT_CHECK(key > 0 && keyctl_read(key, (char *)first_bytes, 32) == 32);
	KT_CHECK(!keyctl_unlink(key, KEY_SPEC_PROCESS_KEYRING));
	every_allocation(derive, NULL);
}

static void all_is_well_afterwards(void)
{
	KT_CHECK(log_grew_by(0));
	KT_CHECK(!get_quote());
	KT_CHECK(!derive());
	KT_CHECK(rt_consistent() == 1);
}

static const struct kt_test tests[] = {
	{ "an event is logged and extended, or neither", events_fail_whole },
	{ "the log is read or ENOMEM", log_reads_fail_clean },
	{ "opening the device and a report: done or ENOMEM", reports_fail_clean },
	{ "a quote: done or ENOMEM", quotes_fail_clean },
	{ "a root key's name survives a failed add_key", root_keys_are_not_used_up },
	{ "an app key is right or absent", app_keys_are_right_or_absent },
	{ "afterwards everything works", all_is_well_afterwards },
};

int main(void)
{
	nth_fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	/* Sleeping allocations too, and without a trace for each. */
	if (nth_fd < 0 || kt_write_text(FAILSLAB("ignore-gfp-wait"), "N") ||
	    kt_write_text(FAILSLAB("verbose"), "0")) {
		printf("1..1\nnot ok 1 - this kernel injects faults: %s\n", strerror(errno));
		return 1;
	}
	return kt_main(tests, sizeof(tests) / sizeof(tests[0]));
}
