// SPDX-License-Identifier: Apache-2.0
/*
 * abi_fuzz [SECONDS]: random calls on every file, ioctl and key of the modules, by several workers
 * at once, which are killed in the middle, under a host that misbehaves as it likes. The variable
 * abi_fuzz_seconds=N of the kernel command line overrides SECONDS.
 *
 * What may come back is anything; what must hold is that the kernel does not complain (tests/vm/run
 * reads its log) and that log and register have not parted. Needs qe_echo. Installed as
 * /sbin/request-key as well, it answers the kernel's upcalls as badly.
 */
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "abi_fuzz/rnd.h"
#include "ktap.h"
#include "rtmr_util.h"
#include "uapi/tdx_emul.h"

#define WORKERS		4
#define FDS		48
#define CHECK_SECONDS	5
#define TSM		"/sys/kernel/config/tsm/report/"

static const char *const files[] = {
	DSTACK_DEVICE, DSTACK_DEVICE, DSTACK_DEVICE, TDX_EMUL_QE_DEVICE, "/dev/tdx_guest",
	DS_SYSFS("event"), DS_SYSFS("event_once"), DS_SYSFS("eventlog"), DS_SYSFS("phase"),
	DS_SYSFS("consistent"), DS_SYSFS("measurements/mrtd:sha384"),
	DS_SYSFS("measurements/mrconfigid"), DS_SYSFS("measurements/mrowner"),
	DS_SYSFS("measurements/mrownerconfig"), DS_SYSFS("measurements/rtmr0:sha384"),
	DS_SYSFS("measurements/rtmr1:sha384"), "/sys/module/dstack_key/parameters/keyring",
	DS_SYSFS("measurements/rtmr2:sha384"), DS_SYSFS("measurements/rtmr3:sha384"),
	DS_PARAM("quote_timeout_ms"), DS_PARAM("quote_poll_min_us"), DS_PARAM("quote_poll_max_us"),
	DS_KNOB("quote_fault"), DS_KNOB("quote_delay_us"), DS_KNOB("report_key"),
	TSM "a/inblob", TSM "a/outblob", TSM "a/provider", TSM "b/inblob", TSM "b/outblob",
};

/* In memory shared by all: what was called, and how often something came of it. */
static struct {
	uint64_t calls, succeeded;
} *count;

static int fds[FDS];
static unsigned int seconds;
static long half_time;	/* until then the phase stays "boot", in which there are more calls */
static uint64_t seed;

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void tally(long ret)
{
	__atomic_fetch_add(&count->calls, 1, __ATOMIC_RELAXED);
	if (ret >= 0)
		__atomic_fetch_add(&count->succeeded, 1, __ATOMIC_RELAXED);
}

static int *some_fd(void)
{
	return &fds[rnd_below(FDS)];
}

static void reopen(void)
{
	static const int modes[] = { O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_NONBLOCK };
	int *fd = some_fd();

	if (*fd >= 0)
		close(*fd);
	*fd = open(ONE_OF(files), ONE_OF(modes) | O_CLOEXEC);
	tally(*fd);
}

/*
 * Something that the file may take: an event, REPORTDATA, a digest, a reply, a word. Not "hold" and
 * "flap": after four of the latter the host has all buffers for good (host_test).
 */
static size_t sensible(uint8_t *to, size_t size)
{
	static const char *const words[] = {
		"runtime", "none", "error", "short", "race", "early", "garbage", "huge", "100", "0",
		"250000", "app-id\n", "app-x\n", "app-y\npayload", "system-ready\n", "key-provider\n{}",
	};
	struct tdx_emul_qe_reply reply = { .id = rnd_below(64), .status = rnd_below(4) };
	const char *word = ONE_OF(words);

	if ((!strcmp(word, "runtime") || !strcmp(word, "system-ready\n")) && now_ms() < half_time)
		word = "none";
	switch (rnd_below(4)) {
	case 0:
		rnd_fill(to, 64);
		return 64;
	case 1:
		rnd_fill(to, 48);
		return 48;
	case 2:
		reply.quote_len = reply.status ? 0 : rnd_below(2048);
		memcpy(to, &reply, sizeof(reply));
		return sizeof(reply) + reply.quote_len;
	default:
		memcpy(to, word, strlen(word));
		return strlen(word) + (rnd_below(8) ? 0 : rnd_below((uint32_t)size / 2));
	}
}

static void do_write(void)
{
	static uint8_t data[4096];
	size_t size = rnd_size();
	int fd = *some_fd();

	if (rnd_below(2)) {
		size = sensible(data, sizeof(data));
		tally(rnd_below(4) ? pwrite(fd, data, size, 0) : write(fd, data, size));
		return;
	}
	if (rnd_below(2))
		tally(write(fd, rnd_buffer(size), size));
	else
		tally(pwrite(fd, rnd_buffer(size), size, rnd_offset()));
}

static void do_read(void)
{
	size_t size = rnd_size();

	if (rnd_below(2))
		tally(read(*some_fd(), rnd_buffer(size), size));
	else
		tally(pread(*some_fd(), rnd_buffer(size), size, rnd_offset()));
}

static void do_ioctl(void)
{
	static const unsigned long requests[] = {
		DSTACK_IOC_REPORT, DSTACK_IOC_EXTEND, DSTACK_IOC_QUOTE_INFO,
		_IOC(_IOC_READ | _IOC_WRITE, 'T', 1, 1088),
	};
	struct dstack_extend x = { .rtmr = rnd_below(5), .reserved = !rnd_below(8) };
	unsigned long request = ONE_OF(requests);

	if (!rnd_below(4))
		request ^= 1ul << rnd_below(32);
	if (request == DSTACK_IOC_EXTEND && rnd_below(2))
		tally(ioctl(*some_fd(), request, &x));
	else
		tally(ioctl(*some_fd(), request, rnd_buffer(sizeof(struct dstack_report))));
}

static void do_other(void)
{
	struct pollfd p[4];
	void *map;
	size_t i;
	int fd = *some_fd();

	switch (rnd_below(8)) {
	case 0:
		for (i = 0; i < 4; i++)
			p[i] = (struct pollfd){ .fd = *some_fd(), .events = (short)rnd() };
		tally(poll(p, 4, (int)rnd_below(3)));
		break;
	case 1:
		tally(lseek(fd, rnd_offset(), (int)rnd_below(5)));
		break;
	case 2:
		map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		tally(map == MAP_FAILED ? -1 : munmap(map, 4096));
		break;
	case 3:
		tally(fcntl(fd, F_SETFL, rnd_below(2) ? O_NONBLOCK : 0));
		break;
	case 4:
		tally(sendfile(*some_fd(), fd, NULL, rnd_size()));
		break;
	case 5:
		tally(mkdir(rnd_below(2) ? TSM "a" : TSM "b", 0700));
		break;
	case 6:
		tally(rmdir(rnd_below(2) ? TSM "a" : TSM "b"));
		break;
	default:
		tally(ftruncate(fd, rnd_offset()));
		break;
	}
}

static void ignore_signal(int sig)
{
	(void)sig;
}

/* A signal every 20 ms, so that no call waits for long. */
static void be_interrupted(void)
{
	struct itimerval timer = { { 0, 20000 }, { 0, 20000 } };
	struct sigaction act = { .sa_handler = ignore_signal };

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static _Noreturn void work(uint64_t number)
{
	static void (*const calls[])(void) = {
		reopen, reopen, do_write, do_write, do_write, do_read, do_read, do_ioctl, do_other,
	};
	size_t i;

	rnd_seed(seed + number);
	if (rnd_buffers_init())
		_exit(1);
	for (i = 0; i < FDS; i++)
		fds[i] = -1;
	be_interrupted();
	for (;;) {
		if (rnd_below(8)) {
			ONE_OF(calls)();
		} else {
			fuzz_keys();
			tally(0);
		}
	}
}

static pid_t start_worker(void)
{
	static uint64_t number;
	pid_t pid;

	number++;
	pid = fork();
	if (!pid)
		work(number);
	return pid;
}

/* What the workers did to the knobs ends here, so that everybody gets on. */
static bool calm(void)
{
	return !kt_write_text(DS_KNOB("quote_fault"), "none") &&
	       !kt_write_text(DS_KNOB("quote_retry"), "0") &&
	       !kt_write_text(DS_KNOB("trick_ms"), "20") &&
	       !kt_write_text(DS_KNOB("refuse"), "0") &&
	       !kt_write_text(DS_KNOB("quote_delay_us"), "0") &&
	       !kt_write_text(DS_KNOB("busy"), "0") &&
	       !kt_write_text(DS_PARAM("quote_timeout_ms"), "2000");
}

/*
 * The knobs whose numbers have to be small, for the workers not to spend their time waiting. The one
 * that is left out for good is "extend": no log replays to a register that it has changed.
 */
static void turn_knob(void)
{
	static const struct {
		const char *knob, *some, *usual;
	} knobs[] = {
		{ DS_KNOB("busy"), "20", "0" },
		{ DS_KNOB("refuse"), "3", "0" },
		{ DS_KNOB("quote_retry"), "5", "0" },
		{ DS_KNOB("trick_ms"), "60", "1" },
	};
	size_t i = rnd_below(sizeof(knobs) / sizeof(knobs[0]));

	kt_write_text(knobs[i].knob, rnd_below(2) ? knobs[i].some : knobs[i].usual);
}

/* Kills one worker now and then; false if one ended otherwise. */
static bool supervise(pid_t worker[WORKERS], long until)
{
	const struct timespec beat = { .tv_nsec = 100000000 };
	unsigned int i;
	int status;

	while (now_ms() < until) {
		nanosleep(&beat, NULL);
		if (!rnd_below(2))
			turn_knob();
		if (!rnd_below(10) && !calm())
			return false;
		i = rnd_below(WORKERS);
		if (waitpid(worker[i], &status, WNOHANG)) {
			printf("# a worker ended by itself, status %#x\n", status);
			return false;
		}
		if (!rnd_below(3)) {
			kill(worker[i], SIGKILL);
			if (waitpid(worker[i], &status, 0) != worker[i])
				return false;
			worker[i] = start_worker();
		}
	}
	return true;
}

static void fuzz(void)
{
	long end = now_ms() + seconds * 1000L, next;
	pid_t worker[WORKERS];
	unsigned int i;
	bool ok = true;

	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	KT_CHECK(count != MAP_FAILED);
	rnd_seed(seed);
	KT_CHECK(!rnd_buffers_init());
	fuzz_keys_prepare();
	half_time = now_ms() + seconds * 500L;
	for (i = 0; i < WORKERS; i++)
		worker[i] = start_worker();
	while (ok && now_ms() < end) {
		next = now_ms() + CHECK_SECONDS * 1000;
		ok = supervise(worker, next < end ? next : end);
	}
	for (i = 0; i < WORKERS; i++)
		kill(worker[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	printf("# seed %llu: %llu calls in %u s, %llu of them successful\n",
	       (unsigned long long)seed, (unsigned long long)count->calls, seconds,
	       (unsigned long long)count->succeeded);
	KT_CHECK(ok);
	KT_CHECK(count->calls > 100 * seconds && count->succeeded > count->calls / 20);
}

static void still_true(void)
{
	struct rt_log log;

	KT_CHECK(calm());
	KT_CHECK(rt_log_load(&log));
	printf("# %zu events in %zu bytes\n", log.n, log.len);
	KT_CHECK(log.n > 0);
	rt_log_free(&log);
	KT_CHECK(rt_replay_matches(3));
	KT_CHECK(rt_replay_matches(2));
}

/* Whatever the workers left in flight, a new request is served. */
static void still_serving(void)
{
	uint8_t reportdata[64] = { 0x77 }, quote[4096];
	struct pollfd p = { .events = POLLIN };
	long start;

	/* Long, so that a slow machine is not taken for a lost request. */
	KT_CHECK(!kt_write_text(DS_PARAM("quote_timeout_ms"), "30000"));
	p.fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);
	KT_CHECK(p.fd >= 0);
	start = now_ms();
	KT_CHECK(write(p.fd, reportdata, sizeof(reportdata)) == sizeof(reportdata));
	KT_CHECK(poll(&p, 1, 60000) == 1);
	printf("# it took %ld ms\n", now_ms() - start);
	KT_CHECK(read(p.fd, quote, sizeof(quote)) > 1024);
	KT_CHECK(!memcmp(quote + 16 + TDREPORT_REPORTDATA, reportdata, 64));
	close(p.fd);
}

static const struct kt_test tests[] = {
	{ "fuzz: random calls by workers that are killed", fuzz },
	{ "fuzz: the log still replays to the registers", still_true },
	{ "fuzz: quotes are still served", still_serving },
};

int main(int argc, char **argv)
{
	const char *text = getenv("abi_fuzz_seconds");

	if (argc > 2 && !strcmp(argv[1], "create")) {
		rnd_seed((uint64_t)time(NULL) + (uint64_t)getpid());
		return rnd_buffers_init() ? 1 : fuzz_upcall((int32_t)strtol(argv[2], NULL, 10));
	}
	if (!text)
		text = argc > 1 ? argv[1] : "10";
	seconds = (unsigned int)strtoul(text, NULL, 10);
	text = getenv("abi_fuzz_seed");
	seed = text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
	return kt_main(tests, sizeof(tests) / sizeof(tests[0]));
}
