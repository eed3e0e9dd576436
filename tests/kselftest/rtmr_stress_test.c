// SPDX-License-Identifier: Apache-2.0
/*
 * dstack_rtmr.ko under concurrency, kill -9 and a full log: the log and the register never part.
 * The tests run in this order in one VM; the full log comes last.
 */
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "ktap.h"
#include "lock_util.h"
#include "rtmr_util.h"

#define WRITERS		4
#define PER_WRITER	60
#define NOISE_EVENTS	2000
#define REPORTS		40
#define KILL_ROUNDS	60
#define KILL_STEPS	200

static unsigned int count_events(const struct rt_log *log, const char *name, const char *payload)
{
	unsigned int found = 0;
	size_t i;

	for (i = 0; i < log->n; i++)
		found += rt_event_is(&log->events[i], name, payload, strlen(payload));
	return found;
}

static int write_events(unsigned int writer)
{
	char name[32], payload[32];
	uint8_t digest[48];
	unsigned int i;

	snprintf(name, sizeof(name), "app-writer-%u", writer);
	for (i = 0; i < PER_WRITER; i++) {
		snprintf(payload, sizeof(payload), "%u", i);
		if (rt_event(name, payload))
			return 1;
		memset(digest, (int)(writer * PER_WRITER + i), sizeof(digest));
		if (i % 8 == 0 &&
		    kt_write_file(DS_SYSFS("measurements/rtmr3:sha384"), digest, sizeof(digest)))
			return 1;
		/* All writers measure this one; it must be there once. */
		if (rt_event_once("app-shared", payload))
			return 1;
	}
	return 0;
}

static bool reap_all_well(unsigned int n)
{
	bool ok = true;
	int status;

	while (n--)
		ok &= wait(&status) > 0 && status == 0;
	return ok;
}

static bool writer_in_order(const struct rt_log *log, unsigned int writer)
{
	char name[32], payload[32];
	unsigned int next = 0;
	size_t i;

	snprintf(name, sizeof(name), "app-writer-%u", writer);
	for (i = 0; i < log->n && next < PER_WRITER; i++) {
		snprintf(payload, sizeof(payload), "%u", next);
		next += rt_event_is(&log->events[i], name, payload, strlen(payload));
	}
	return next == PER_WRITER;
}

static void concurrent_writers(void)
{
	const size_t each = PER_WRITER + (PER_WRITER + 7) / 8;
	struct rt_log log;
	char payload[32];
	unsigned int i;

	for (i = 0; i < WRITERS; i++) {
		if (!fork())
			_exit(write_events(i));
	}
	KT_CHECK(reap_all_well(WRITERS));
	KT_CHECK(rt_replay_matches(3));
	KT_CHECK(rt_log_load(&log));
	KT_CHECK(log.n == WRITERS * each + PER_WRITER);
	for (i = 0; i < WRITERS; i++)
		KT_CHECK(writer_in_order(&log, i));
	for (i = 0; i < PER_WRITER; i++) {
		snprintf(payload, sizeof(payload), "%u", i);
		KT_CHECK(count_events(&log, "app-shared", payload) == 1);
	}
	rt_log_free(&log);
}

/* Every report must be explained by exactly the prefix of the log that came with it. */
static int check_reports(unsigned int n)
{
	int fd = open(DSTACK_DEVICE, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && n--) {
		struct dstack_report r = { 0 };
		struct rt_log log;
		uint8_t replayed[48];

		if (ioctl(fd, DSTACK_IOC_REPORT, &r) || !rt_log_load(&log))
			return 1;
		if (!rt_log_replay(&log, r.log_len, 3, replayed) ||
		    memcmp(replayed, r.tdreport + TDREPORT_RTMR(3), 48))
			return 2;
		rt_log_free(&log);
	}
	return fd < 0;
}

#define DOORS_EACH	150

/* What a report said, to be found again by replay. */
struct seen {
	uint64_t log_len;
	uint8_t rtmr[2][48];	/* 2 and 3, all zero if not known */
};

static int go_through_doors(unsigned int me, struct seen *seen)
{
	int fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);
	unsigned int i;

	for (i = 0; fd >= 0 && i < DOORS_EACH; i++, seen += 2) {
		struct dstack_extend ext = { .rtmr = 2 + i % 2, .digest = { (uint8_t)me, i & 0xff } };
		struct dstack_report report = { 0 };
		int err;

		switch (i % 5) {
		case 0:
			err = rt_event("app-door", "x");
			break;
		case 1:
			err = rt_event_once("app-door-once", i % 2 ? "a" : "b");
			break;
		case 2:
			err = kt_write_file(DS_SYSFS("measurements/rtmr2:sha384"), ext.digest, 48);
			break;
		case 3:
			err = kt_write_file(DS_SYSFS("measurements/rtmr3:sha384"), ext.digest, 48);
			break;
		default:
			err = ioctl(fd, DSTACK_IOC_EXTEND, &ext);
			seen[0].log_len = ext.log_len;
			memcpy(seen[0].rtmr[ext.rtmr - 2], ext.value, 48);
		}
		if (err || ioctl(fd, DSTACK_IOC_REPORT, &report))
			return 1;
		seen[1].log_len = report.log_len;
		memcpy(seen[1].rtmr, report.tdreport + TDREPORT_RTMR(2), sizeof(seen[1].rtmr));
	}
	close(fd);
	return fd < 0;
}

/* One pass over the log: each register value that was seen is the replay of the log up to there. */
static unsigned int count_explained(const struct rt_log *log, const struct seen *seen, size_t n)
{
	static const uint8_t unknown[48];
	uint8_t both[2][96] = { 0 };
	size_t at = log->n ? (size_t)(log->events[0].data - 66 - log->bytes) : 0, i, k, r;
	unsigned int ok = 0;

	for (i = 0; i < log->n; i++) {
		const struct rt_event *e = &log->events[i];

		at += 66 + e->data_len;
		r = e->pcr - 3;
		if (r > 1)
			return 0;
		memcpy(both[r] + 48, e->digest, 48);
		rt_sha384(both[r], 96, both[r]);
		for (k = 0; k < n; k++) {
			if (seen[k].log_len != at)
				continue;
			for (r = 0; r < 2; r++) {
				if (memcmp(seen[k].rtmr[r], unknown, 48) &&
				    memcmp(seen[k].rtmr[r], both[r], 48))
					return ok;
			}
			ok++;
		}
	}
	return ok;
}

static void all_doors(void)
{
	const size_t n = 2 * 2 * DOORS_EACH;
	struct seen *seen = mmap(NULL, n * sizeof(*seen), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int i, expected = 0;
	struct rt_log log;

	KT_CHECK(seen != MAP_FAILED);
	for (i = 0; i < 2; i++) {
		if (!fork())
			_exit(go_through_doors(i, seen + i * 2 * DOORS_EACH));
	}
	KT_CHECK(reap_all_well(2));
	for (i = 0; i < n; i++)
		expected += seen[i].log_len != 0;
	KT_CHECK(expected == 2 * (DOORS_EACH + DOORS_EACH / 5));
	KT_CHECK(rt_log_load(&log) && count_explained(&log, seen, n) == expected);
	printf("# %u register values seen, each the replay of the log up to it\n", expected);
	KT_CHECK(rt_replay_matches(2) && rt_replay_matches(3));
	rt_log_free(&log);
	munmap(seen, n * sizeof(*seen));
}

static int write_noise(void)
{
	char payload[32];
	unsigned int i;

	for (i = 0; i < NOISE_EVENTS; i++) {
		snprintf(payload, sizeof(payload), "%u", i);
		if (rt_event("app-noise", payload))
			return 1;
	}
	return 0;
}

static void report_and_log_agree(void)
{
	pid_t writer = fork(), reader;
	int status;

	if (!writer)
		_exit(write_noise());
	reader = fork();
	if (!reader)
		_exit(check_reports(REPORTS));
	KT_CHECK(waitpid(reader, &status, 0) == reader && status == 0);
	KT_CHECK(waitpid(writer, &status, 0) == writer && status == 0);
	KT_CHECK(rt_replay_matches(3));
}

/* A daemon that measures a sequence, is killed anywhere, and starts over. */
static int measure_sequence(void)
{
	char payload[32];
	unsigned int i;

	for (i = 0; i < KILL_STEPS; i++) {
		snprintf(payload, sizeof(payload), "step %u", i);
		if (rt_event_once("app-sequence", payload))
			return 1;
	}
	return 0;
}

static void killed_daemon(void)
{
	unsigned int round, i, killed = 0;
	struct rt_log log;
	char payload[32];
	pid_t pid;
	int status;

	srandom(1);
	for (round = 0; round < KILL_ROUNDS; round++) {
		/* The moment of death is what is being varied, hence a time and not an event. */
		struct timespec life = { .tv_nsec = 1000 * (random() % 30000) };

		pid = fork();
		if (!pid)
			_exit(measure_sequence());
		nanosleep(&life, NULL);
		kill(pid, SIGKILL);
		KT_CHECK(waitpid(pid, &status, 0) == pid);
		KT_CHECK(WIFSIGNALED(status) || status == 0);
		killed += WIFSIGNALED(status);
	}
	printf("# %u of %u lives ended by SIGKILL\n", killed, KILL_ROUNDS);
	KT_CHECK(killed > 0);
	KT_CHECK(measure_sequence() == 0);
	KT_CHECK(rt_replay_matches(3));
	KT_CHECK(rt_log_load(&log));
	for (i = 0; i < KILL_STEPS; i++) {
		snprintf(payload, sizeof(payload), "step %u", i);
		KT_CHECK(count_events(&log, "app-sequence", payload) == 1);
	}
	rt_log_free(&log);
}

static void on_alarm(int sig)
{
}

static void interrupted(void)
{
	/* Again and again: one may come before the call has begun. */
	const struct itimerval often = { { .tv_usec = 20000 }, { .tv_usec = 20000 } }, never = { 0 };
	struct sigaction act = { .sa_handler = on_alarm };
	struct rt_log before, after;
	char phase[8] = "";
	unsigned int way;

	KT_CHECK(rt_log_load(&before) && !sigaction(SIGALRM, &act, NULL));
	for (way = 0; way < LK_WAYS; way++) {
		pid_t holder = lk_hold();
		long ret;
		int err;

		KT_CHECK(holder > 0 && !setitimer(ITIMER_REAL, &often, NULL));
		ret = lk_wait(way);
		err = errno;
		KT_CHECK(!setitimer(ITIMER_REAL, &never, NULL) && !lk_release(holder));
		if (ret != -1 || err != EINTR)
			printf("# way %u: %ld, errno %d\n", way, ret, err);
		KT_CHECK(ret == -1 && err == EINTR);
	}
	KT_CHECK(rt_log_load(&after) && after.len == before.len);
	KT_CHECK(kt_read_file(DS_SYSFS("phase"), phase, 7) > 0 && !strcmp(phase, "boot\n"));
	rt_log_free(&before);
	rt_log_free(&after);
	KT_CHECK(rt_replay_matches(3));
}

/* What reading rather than mapping the log costs at worst; see docs/performance.md. */
static void read_time(void)
{
	struct timespec start, end;
	static uint8_t page[4096];
	unsigned int reads = 0;
	int fd = open(DS_SYSFS("eventlog"), O_RDONLY | O_CLOEXEC);

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (fd >= 0 && read(fd, page, sizeof(page)) > 0)
		reads++;
	clock_gettime(CLOCK_MONOTONIC, &end);
	close(fd);
	printf("# a full log is %u reads and %ld us\n", reads,
	       (end.tv_sec - start.tv_sec) * 1000000 + (end.tv_nsec - start.tv_nsec) / 1000);
}

static void full_log(void)
{
	static uint8_t payload[DSTACK_EVENT_PAYLOAD_MAX];
	uint8_t before[48], after[48], digest[48] = { 0 };
	struct rt_log log;
	unsigned int n;

	KT_CHECK(!rt_event_once("app-early", "e"));
	for (n = 0; !rt_event_write(DS_SYSFS("event"), "app-fill", payload, sizeof(payload)); n++)
		KT_CHECK(n < DSTACK_LOG_MAX / sizeof(payload) + 1);
	KT_CHECK(errno == ENOSPC);
	/* What is left is too little for the big event; fill it with the smallest. */
	for (n = 0; !kt_write_file(DS_SYSFS("measurements/rtmr3:sha384"), digest, 48); n++)
		KT_CHECK(n < 100);
	KT_CHECK(errno == ENOSPC);

	KT_CHECK(rt_live_rtmr(3, before));
	KT_ERRNO(rt_event("app-late", ""), ENOSPC);
	KT_ERRNO(rt_event_once("app-late", ""), ENOSPC);
	KT_CHECK(!rt_event_once("app-early", "e"));
	KT_CHECK(rt_live_rtmr(3, after) && !memcmp(before, after, 48));
	KT_CHECK(rt_log_load(&log));
	KT_CHECK(log.len <= DSTACK_LOG_MAX && log.len > DSTACK_LOG_MAX - 66);
	rt_log_free(&log);
	KT_CHECK(rt_replay_matches(3));
	read_time();
}

/* Last: nothing makes it consistent again. RTMR3 behind our back is in rtmr_test. */
static void rtmr2_behind_our_back(void)
{
	char line[2 + 96 + 1];

	KT_CHECK(rt_consistent() == 1);
	memset(line, 'b', sizeof(line) - 1);
	memcpy(line, "2 ", 2);
	line[sizeof(line) - 1] = '\0';
	KT_CHECK(!kt_write_text(DS_KNOB("extend"), line));
	KT_CHECK(rt_consistent() == 0);
}

static const struct kt_test tests[] = {
	{ "rtmr: concurrent writers keep their order, shared events are there once",
	  concurrent_writers },
	{ "rtmr: two processes through every door: log order is register order, every time",
	  all_doors },
	{ "rtmr: each report replays from the log prefix it names", report_and_log_agree },
	{ "rtmr: kill -9 neither loses nor repeats a measurement", killed_daemon },
	{ "rtmr: whoever waits for the lock can be interrupted, and has done nothing", interrupted },
	{ "rtmr: a full log refuses and stays true", full_log },
	{ "rtmr: an extension of RTMR2 behind our back is told", rtmr2_behind_our_back },
};

KT_MAIN(tests)
