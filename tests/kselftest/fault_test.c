// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation of an operation fails once: its first, its second, and so on until it needs no
 * more. It may then fail with ENOMEM and nothing else, must have changed nothing, and must work when
 * tried again. Needs a kernel with CONFIG_FAULT_INJECTION and CONFIG_FAILSLAB, both modules in phase
 * "boot", qe_echo, and itself as /sbin/request-key. What an error path forgot to free is kmemleak's
 * to find afterwards.
 *
 * fault_test load EMUL RTMR: the operation is the loading of these modules.
 */
#include <dirent.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "fault/fault.h"
#include "ktap.h"
#include "rtmr_util.h"

#define FAILSLAB(name)	"/sys/kernel/debug/failslab/" name
#define DEADLINE_MS	60000

static int nth_fd = -1;

static void every_from(int nth, int (*op)(void), bool (*check)(int ret))
{
	int first = nth, ret, err, failures = 0;
	char left[16];
	ssize_t n;

	for (; nth < first + NTH_MAX; nth++) {
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
	printf("# up to %d allocations, %d of them mattered\n", nth - first, failures);
	KT_CHECK(nth > first && nth < first + NTH_MAX);
}

void every_allocation(int (*op)(void), bool (*check)(int ret))
{
	every_from(1, op, check);
}

static int (*once)(void);
static bool done;

static int not_again(void)
{
	int ret = done ? 0 : once();

	done = done || !ret;
	return ret;
}

void every_allocation_once(int nth, int (*op)(void), bool (*check)(int ret))
{
	once = op;
	done = false;
	every_from(nth, not_again, check);
	KT_CHECK(done);
}

int count_allocations(int (*op)(void))
{
	char left[16] = "";

	if (dprintf(nth_fd, "%d", NTH_MANY) < 0)
		return -1;
	op();
	if (pread(nth_fd, left, sizeof(left) - 1, 0) <= 0 || write(nth_fd, "0", 1) != 1)
		return -1;
	return NTH_MANY - atoi(left);
}

static int event_fd = -1, dev_fd = -1;
static size_t events;

static bool log_grew_by(size_t want)
{
	struct rt_log log = { 0 };
	bool ok = rt_log_load(&log) && log.n == events + want && rt_replay_matches(2) &&
		  rt_replay_matches(3);

	events = log.n;
	rt_log_free(&log);
	return ok;
}

static bool logged_or_not(int ret)
{
	return log_grew_by(ret ? 0 : 1);
}

static int write_all(int fd, const void *data, size_t len)
{
	ssize_t n = pwrite(fd, data, len, 0);

	if (n >= 0 && (size_t)n != len)
		errno = EIO;
	return n == (ssize_t)len ? 0 : -1;
}

static int write_event(void)
{
	static const char text[] = "fault\npayload";

	return write_all(event_fd, text, sizeof(text) - 1);
}

static void events_fail_whole(void)
{
	event_fd = open(DS_SYSFS("event"), O_WRONLY | O_CLOEXEC);
	KT_CHECK(event_fd >= 0);
	KT_CHECK(log_grew_by(0) || log_grew_by(0));	/* the first call counts what is there */
	every_allocation(write_event, logged_or_not);
	close(event_fd);
}

static unsigned int once_number;

static int write_once(void)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "fault-once\n%u", once_number);

	return write_all(event_fd, text, (size_t)n);
}

/* The one that failed is tried again, after a success comes another. */
static bool once_logged_or_not(int ret)
{
	once_number += !ret;
	return logged_or_not(ret);
}

static bool nothing_logged(int ret)
{
	(void)ret;
	return log_grew_by(0);
}

static void once_events_fail_whole(void)
{
	event_fd = open(DS_SYSFS("event_once"), O_WRONLY | O_CLOEXEC);
	KT_CHECK(event_fd >= 0);
	every_allocation(write_once, once_logged_or_not);
	once_number = 0;
	every_allocation(write_once, nothing_logged);
	close(event_fd);
}

static int write_digest(void)
{
	static const uint8_t digest[48] = { 3 };

	return write_all(event_fd, digest, sizeof(digest));
}

static void digests_fail_whole(void)
{
	static const char *const files[] = {
		DS_SYSFS("measurements/rtmr2:sha384"), DS_SYSFS("measurements/rtmr3:sha384"),
	};
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		event_fd = open(files[i], O_WRONLY | O_CLOEXEC);
		KT_CHECK(event_fd >= 0);
		every_allocation(write_digest, logged_or_not);
		close(event_fd);
	}
}

/* By itself the call needs no memory, opening the device does. */
static int extend(void)
{
	struct dstack_extend io = { .rtmr = 3, .digest = { 4 } };
	int fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC), ret;

	if (fd < 0)
		return -1;
	ret = ioctl(fd, DSTACK_IOC_EXTEND, &io);
	close(fd);
	return ret;
}

static int make_report(void)
{
	struct dstack_report io = { .reportdata = { 1 } };

	return ioctl(dev_fd, DSTACK_IOC_REPORT, &io);
}

static void ioctls_fail_clean(void)
{
	dev_fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);
	KT_CHECK(dev_fd >= 0);
	every_allocation(make_report, nothing_logged);
	every_allocation(extend, logged_or_not);
	close(dev_fd);
}

static const char *read_path;

static int read_file(void)
{
	static uint8_t page[4096];

	return kt_read_file(read_path, page, sizeof(page)) > 0 ? 0 : -1;
}

static int poll_log(void)
{
	struct pollfd p = { .events = POLLPRI };
	uint8_t head[65];
	int ret = -1, saved;

	p.fd = open(DS_SYSFS("eventlog"), O_RDONLY | O_CLOEXEC);
	if (p.fd < 0)
		return -1;
	if (read(p.fd, head, sizeof(head)) == sizeof(head) && poll(&p, 1, 0) >= 0)
		ret = 0;
	saved = errno;
	close(p.fd);
	errno = saved;
	return ret;
}

static void reads_fail_clean(void)
{
	static const char *const files[] = {
		DS_SYSFS("eventlog"), DS_SYSFS("consistent"), DS_SYSFS("phase"),
		DS_SYSFS("measurements/mrtd:sha384"), DS_SYSFS("measurements/rtmr3:sha384"),
		DS_PARAM("quote_timeout_ms"),
	};
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		read_path = files[i];
		every_allocation(read_file, nothing_logged);
	}
	every_allocation(poll_log, nothing_logged);
}

static int get_quote(void)
{
	static uint8_t quote[8192];
	struct dstack_quote_info info;
	struct pollfd p = { .events = POLLIN };
	uint8_t reportdata[64] = { 2 };
	int ret = -1, saved;

	p.fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);
	if (p.fd < 0)
		return -1;
	if (write(p.fd, reportdata, sizeof(reportdata)) == sizeof(reportdata) &&
	    poll(&p, 1, DEADLINE_MS) == 1 && !ioctl(p.fd, DSTACK_IOC_QUOTE_INFO, &info) &&
	    read(p.fd, quote, sizeof(quote)) > 0)
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

/* Of the kernel thread that serves quotes. */
static int open_server(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int fd = -1;

	while (dir && fd < 0 && (entry = readdir(dir))) {
		char path[300], name[32] = "";

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (kt_read_file(path, name, sizeof(name) - 1) <= 0 ||
		    strcmp(name, "dstack_quote\n"))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/fail-nth", entry->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	if (dir)
		closedir(dir);
	return fd;
}

static void serving_fails_clean(void)
{
	int own = nth_fd;

	nth_fd = open_server();
	if (nth_fd >= 0)
		every_allocation(get_quote, NULL);
	close(nth_fd);
	KT_CHECK(nth_fd >= 0);
	nth_fd = own;
}

static void all_is_well(void)
{
	KT_CHECK(log_grew_by(0));
	KT_CHECK(!get_quote());
	KT_CHECK(keys_are_well());
	KT_CHECK(rt_consistent() == 1);
}

static int end_launch(void)
{
	return kt_write_text(DS_SYSFS("phase"), "runtime");
}

static bool phase_is(int ret)
{
	char text[16] = "";

	return kt_read_file(DS_SYSFS("phase"), text, sizeof(text) - 1) > 0 &&
	       !strcmp(text, ret ? "boot\n" : "runtime\n");
}

static void the_phase_changes_whole(void)
{
	every_allocation_once(1, end_launch, phase_is);
	KT_CHECK(log_grew_by(0));
	KT_CHECK(!get_quote());
}

static const struct kt_test tests[] = {
	{ "an event is logged and extended, or neither", events_fail_whole },
	{ "an event that is to be logged once: the same", once_events_fail_whole },
	{ "a digest: the same", digests_fail_whole },
	{ "the device's ioctls: done or ENOMEM", ioctls_fail_clean },
	{ "files are read, the log is polled, or ENOMEM", reads_fail_clean },
	{ "a quote: done or ENOMEM", quotes_fail_clean },
	{ "a quote that the kernel has no memory for: the same", serving_fails_clean },
	{ "a root key's name survives a failed add_key", root_keys_are_not_used_up },
	{ "an app key is right or absent", app_keys_are_right_or_absent },
	{ "a volume's key and its lease are there, or neither", volume_keys_are_whole_or_absent },
	{ "a take-once key that could not be read can still be taken", a_take_once_key_is_not_lost },
	{ "a key of the KMS is right or absent", kms_keys_are_right_or_absent },
	{ "who could not instantiate it can do so again", instantiation_can_be_repeated },
	{ "afterwards everything works, and no key is left", all_is_well },
	{ "the phase changes or does not", the_phase_changes_whole },
};

static const struct kt_test load_tests[] = {
	{ "modules that refuse to be loaded", loads_can_be_refused },
	{ "tdx_emul is loaded or not", emul_is_loaded_or_not },
	{ "dstack_rtmr is loaded or not", rtmr_is_loaded_or_not },
};

/*
 * Sleeping allocations too, without a trace for each; but none of kmemleak's own records, whose
 * failure does no harm and which would be every other one.
 */
static int prepare(void)
{
	DIR *dir = opendir("/sys/kernel/slab");
	struct dirent *entry;
	char path[300];

	nth_fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (!dir || nth_fd < 0 || kt_write_text(FAILSLAB("ignore-gfp-wait"), "N") ||
	    kt_write_text(FAILSLAB("verbose"), "0") || kt_write_text(FAILSLAB("cache-filter"), "Y"))
		return -1;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !strncmp(entry->d_name, "kmemleak", 8))
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/failslab", entry->d_name);
		if (kt_write_text(path, "1"))
			return -1;
	}
	closedir(dir);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "create"))
		return upcall((key_serial_t)strtol(argv[2], NULL, 10));
	if (prepare()) {
		printf("1..1\nnot ok 1 - this kernel injects faults: %s\n", strerror(errno));
		return 1;
	}
	if (argc > 3 && !strcmp(argv[1], "load")) {
		load_files = (const char *const *)argv + 2;
		return kt_main(load_tests, sizeof(load_tests) / sizeof(load_tests[0]));
	}
	return kt_main(tests, sizeof(tests) / sizeof(tests[0]));
}
