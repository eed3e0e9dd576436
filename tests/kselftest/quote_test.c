// SPDX-License-Identifier: Apache-2.0
/*
 * Quotes through /dev/dstack, with an honest, a busy, a lying and a silent host. Needs qe_echo, whose
 * quotes are a tag and the report that was quoted.
 */
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>

#include "ktap.h"
#include "qe_echo.h"
#include "quote_util.h"
#include "rtmr_util.h"


static const void *const nowhere = (void *)8;

static void honest_host(void)
{
	struct dstack_quote_info info;
	struct qe_echo_quote quote;
	uint8_t replayed[48], rest;
	struct rt_log log;
	int fd;

	KT_CHECK(!rt_event("app-before", "quote"));
	fd = qt_ask(0x31, 0);
	KT_CHECK(fd >= 0);
	/* Measured after the report was taken: not covered by this quote. */
	KT_CHECK(!rt_event("app-after", "quote"));
	KT_CHECK(qt_ready(fd, QT_DEADLINE_MS) == POLLIN);
	KT_CHECK(!ioctl(fd, DSTACK_IOC_QUOTE_INFO, &info));
	KT_CHECK(info.state == DSTACK_QUOTE_DONE && info.quote_len == sizeof(quote));
	KT_CHECK(info.log_events == 1);
	/* In two pieces, then the end. */
	KT_CHECK(read(fd, &quote, 100) == 100);
	KT_CHECK(read(fd, (uint8_t *)&quote + 100, 8192) == sizeof(quote) - 100);
	KT_CHECK(read(fd, &rest, 1) == 0);
	close(fd);
	KT_CHECK(rt_log_load(&log) && log.n == 2);
	KT_CHECK(rt_log_replay(&log, info.log_len, 3, replayed));
	KT_CHECK(!memcmp(replayed, quote.tdreport + TDREPORT_RTMR(3), 48));
	rt_log_free(&log);
}

static void one_file_one_request(void)
{
	struct dstack_quote_info info;
	uint8_t data[65] = { 0 };
	int fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);

	KT_CHECK(fd >= 0);
	KT_ERRNO(read(fd, data, 1), ENODATA);
	KT_ERRNO(lseek(fd, 0, SEEK_SET), ESPIPE);
	KT_ERRNO(pread(fd, data, 1, 0), ESPIPE);
	KT_ERRNO(pwrite(fd, data, sizeof(data), 0), ESPIPE);
	KT_ERRNO(write(fd, data, 63), EINVAL);
	KT_ERRNO(write(fd, data, 65), EINVAL);
	KT_ERRNO(write(fd, nowhere, 64), EFAULT);
	KT_CHECK(!ioctl(fd, DSTACK_IOC_QUOTE_INFO, &info));
	KT_CHECK(info.state == DSTACK_QUOTE_NEW && !info.log_len && !info.quote_len);
	KT_ERRNO(ioctl(fd, DSTACK_IOC_QUOTE_INFO, nowhere), EFAULT);
	KT_CHECK(!qt_fault("hold"));
	KT_CHECK(write(fd, data, 64) == 64);
	KT_ERRNO(write(fd, data, 64), EBUSY);
	KT_CHECK(!fcntl(fd, F_SETFL, O_NONBLOCK));
	KT_ERRNO(read(fd, data, 1), EAGAIN);
	KT_CHECK(!ioctl(fd, DSTACK_IOC_QUOTE_INFO, &info));
	KT_CHECK(info.state == DSTACK_QUOTE_WAITING && info.log_len && !info.quote_len);
	KT_CHECK(!qt_fault("none"));
	KT_CHECK(qt_ready(fd, QT_DEADLINE_MS) == POLLIN);
	KT_ERRNO(read(fd, (void *)nowhere, 1), EFAULT);
	KT_CHECK(qt_answered(fd, 0));
	KT_ERRNO(write(fd, data, 64), EBUSY);
	close(fd);
}

static void host_errors(void)
{
	static const struct {
		const char *fault;
		int err;
	} bad[] = {
		{ "error", EIO },
		{ "unavailable", ENODEV },
		{ "status", EBADMSG },
		{ "zero", EBADMSG },
		{ "oversize", EBADMSG },
		{ "huge", EBADMSG },
	};
	struct dstack_quote_info info;
	uint8_t byte;
	size_t i;
	int fd;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		KT_CHECK(!qt_fault(bad[i].fault));
		fd = qt_ask(0x10, 0);
		KT_CHECK(fd >= 0);
		KT_CHECK(qt_ready(fd, QT_DEADLINE_MS) == (POLLIN | POLLERR));
		KT_ERRNO(read(fd, &byte, 1), bad[i].err);
		KT_CHECK(!ioctl(fd, DSTACK_IOC_QUOTE_INFO, &info));
		KT_CHECK(info.state == DSTACK_QUOTE_FAILED && !info.quote_len);
		close(fd);
	}
	KT_CHECK(!qt_fault("none"));
	fd = qt_ask(0x11, 0);
	KT_CHECK(fd >= 0 && qt_answered(fd, 0x11));
	close(fd);
}

/* The module does not look into quotes: it delivers what the host wrote, within bounds. */
static void host_garbage(void)
{
	struct qe_echo_quote quote;
	int fd;

	KT_CHECK(!qt_fault("short"));
	fd = qt_ask(0x20, 0);
	KT_CHECK(fd >= 0 && read(fd, &quote, sizeof(quote)) == sizeof(quote) / 2);
	close(fd);
	KT_CHECK(!qt_fault("garbage"));
	fd = qt_ask(0x21, 0);
	KT_CHECK(fd >= 0 && read(fd, &quote, sizeof(quote)) == sizeof(quote));
	KT_CHECK(memcmp(quote.tag, QE_ECHO_TAG, sizeof(quote.tag)));
	close(fd);
	KT_CHECK(!qt_fault("none"));
}

static void host_retry(void)
{
	int fd;

	KT_CHECK(!kt_write_text(DS_KNOB("quote_retry"), "20"));
	fd = qt_ask(0x22, 0);
	KT_CHECK(fd >= 0 && qt_answered(fd, 0x22));
	close(fd);
}

/* The file is as it was: it may ask again. */
static void no_report(void)
{
	static const struct {
		const char *knob;
		int err;
	} why[] = { { DS_KNOB("busy"), EBUSY }, { DS_KNOB("refuse"), EIO } };
	struct dstack_quote_info info;
	uint8_t data[64] = { 0 };
	size_t i;
	int fd;

	for (i = 0; i < sizeof(why) / sizeof(why[0]); i++) {
		fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);
		KT_CHECK(fd >= 0 && !kt_write_text(why[i].knob, "100000000"));
		KT_ERRNO(write(fd, data, sizeof(data)), why[i].err);
		KT_CHECK(!kt_write_text(why[i].knob, "0"));
		KT_CHECK(!ioctl(fd, DSTACK_IOC_QUOTE_INFO, &info));
		KT_CHECK(info.state == DSTACK_QUOTE_NEW && !info.log_len);
		KT_CHECK(write(fd, data, sizeof(data)) == sizeof(data) && qt_answered(fd, 0));
		close(fd);
	}
}

/* Abandoned requests leave their buffers with the host; the next ones still get their own answer. */
static void abandoned(void)
{
	int fds[2 * QT_SLOTS], i;

	KT_CHECK(!qt_fault("hold"));
	for (i = 0; i < QT_SLOTS; i++) {
		fds[i] = qt_ask((uint8_t)(0x40 + i), 0);
		KT_CHECK(fds[i] >= 0);
	}
	/* Long enough for all four to be with the host: nothing else tells from outside. */
	KT_CHECK(qt_ready(fds[0], 200) == 0);
	for (i = 0; i < QT_SLOTS; i++)
		close(fds[i]);
	for (i = 0; i < 2 * QT_SLOTS; i++) {
		fds[i] = qt_ask((uint8_t)(0x50 + i), 0);
		KT_CHECK(fds[i] >= 0);
	}
	KT_CHECK(qt_ready(fds[0], 300) == 0);
	KT_CHECK(!qt_fault("none"));
	for (i = 0; i < 2 * QT_SLOTS; i++) {
		KT_CHECK(qt_answered(fds[i], (uint8_t)(0x50 + i)));
		close(fds[i]);
	}
}

/* A process that sleeps until there is room, and says so; it holds none of these open. */
static pid_t poll_for_room(const int fds[QT_LIVE_MAX], int told)
{
	struct pollfd p = { .events = POLLOUT };
	pid_t pid = fork();
	int i;

	if (pid)
		return pid;
	for (i = 0; i < QT_LIVE_MAX; i++)
		close(fds[i]);
	p.fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);
	_exit(poll(&p, 1, -1) != 1 || p.revents != POLLOUT || write(told, "x", 1) != 1);
}

static void bounded_queue(void)
{
	struct pollfd p = { .events = POLLOUT };
	static int fds[QT_LIVE_MAX];
	int i, told[2], status;
	pid_t pid;

	KT_CHECK(!qt_fault("hold") && !pipe(told));
	for (i = 0; i < QT_LIVE_MAX; i++) {
		fds[i] = qt_ask((uint8_t)i, 0);
		KT_CHECK(fds[i] >= 0);
	}
	KT_ERRNO(qt_ask(0xff, O_NONBLOCK), EAGAIN);
	p.fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);
	KT_CHECK(p.fd >= 0);
	KT_CHECK(poll(&p, 1, 0) == 0);
	/* A queued one goes away: room at once, and the poller, who slept, is told. */
	pid = poll_for_room(fds, told[1]);
	KT_CHECK(qt_ready(told[0], 500) == 0);
	close(fds[QT_LIVE_MAX - 1]);
	KT_CHECK(qt_ready(told[0], QT_DEADLINE_MS) == POLLIN);
	KT_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	close(told[0]);
	close(told[1]);
	KT_CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	fds[QT_LIVE_MAX - 1] = qt_ask(QT_LIVE_MAX - 1, 0);
	KT_CHECK(!qt_fault("none"));
	/* Quotes are memory too, until their files are closed. */
	for (i = 0; i < QT_LIVE_MAX; i++)
		KT_CHECK(qt_ready(fds[i], QT_DEADLINE_MS) == POLLIN);
	KT_ERRNO(qt_ask(0xff, O_NONBLOCK), EAGAIN);
	KT_CHECK(poll(&p, 1, 0) == 0);
	for (i = 0; i < QT_LIVE_MAX; i++) {
		KT_CHECK(qt_answered(fds[i], (uint8_t)i));
		close(fds[i]);
		KT_CHECK(poll(&p, 1, QT_DEADLINE_MS) == 1 && p.revents == POLLOUT);
	}
	close(p.fd);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Without O_NONBLOCK the write waits for room, or for a signal. */
static void write_waits_for_room(void)
{
	struct sigaction act = { .sa_handler = on_alarm };
	static int fds[QT_LIVE_MAX];
	int i, status, ready[2], fd;
	uint8_t data[64] = { 0 };
	char byte;
	pid_t pid;

	KT_CHECK(!qt_fault("hold") && !pipe(ready) && !sigaction(SIGALRM, &act, NULL));
	for (i = 0; i < QT_LIVE_MAX; i++) {
		fds[i] = qt_ask((uint8_t)i, 0);
		KT_CHECK(fds[i] >= 0);
	}
	pid = fork();
	if (!pid) {
		uint8_t reportdata[64] = { 0xee };

		for (i = 0; i < QT_LIVE_MAX; i++)
			close(fds[i]);
		i = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);
		_exit(write(i, reportdata, 64) != 64 || write(ready[1], "x", 1) != 1);
	}
	/* Half a second of nothing: it waits. */
	KT_CHECK(qt_ready(ready[0], 500) == 0);
	close(fds[QT_LIVE_MAX - 1]);
	KT_CHECK(qt_ready(ready[0], QT_DEADLINE_MS) == POLLIN && read(ready[0], &byte, 1) == 1);
	KT_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	fds[QT_LIVE_MAX - 1] = qt_ask(0xef, 0);
	KT_CHECK(fds[QT_LIVE_MAX - 1] >= 0);
	pid = fork();
	if (!pid)
		_exit(qt_ask(0xee, 0) >= 0);
	KT_CHECK(qt_ready(ready[0], 200) == 0);
	KT_CHECK(!kill(pid, SIGKILL));
	KT_CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);
	alarm(1);
	KT_ERRNO(write(fd, data, sizeof(data)), EINTR);
	close(fds[QT_LIVE_MAX - 1]);
	KT_CHECK(write(fd, data, sizeof(data)) == sizeof(data));
	KT_CHECK(!qt_fault("none") && qt_answered(fd, 0));
	fds[QT_LIVE_MAX - 1] = fd;
	for (i = 0; i < QT_LIVE_MAX; i++) {
		if (i < QT_LIVE_MAX - 1)
			KT_CHECK(qt_answered(fds[i], (uint8_t)i));
		close(fds[i]);
	}
	close(ready[0]);
	close(ready[1]);
}

/* A writer that says who it is when it has got in, and stays until it is killed. */
static pid_t write_and_tell(const int fds[QT_LIVE_MAX], int told, uint8_t who)
{
	uint8_t data[64] = { 0 };
	pid_t pid = fork();
	int i, fd;

	if (pid)
		return pid;
	for (i = 0; i < QT_LIVE_MAX; i++)
		close(fds[i]);
	fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);
	if (write(fd, data, sizeof(data)) != sizeof(data) || write(told, &who, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void writers_in_line(void)
{
	static int fds[QT_LIVE_MAX];
	pid_t writer[8];
	int i, told[2];
	uint8_t who;

	KT_CHECK(!qt_fault("hold") && !pipe(told));
	for (i = 0; i < QT_LIVE_MAX; i++) {
		fds[i] = qt_ask((uint8_t)i, 0);
		KT_CHECK(fds[i] >= 0);
	}
	for (i = 0; i < 8; i++) {
		writer[i] = write_and_tell(fds, told[1], (uint8_t)i);
		/* Long enough for it to be in line: nothing else tells from outside. */
		KT_CHECK(writer[i] > 0 && qt_ready(told[0], 200) == 0);
	}
	/* The third gives up, and nobody waits for it. */
	KT_CHECK(!kill(writer[2], SIGKILL) && waitpid(writer[2], NULL, 0) == writer[2]);
	for (i = 0; i < 8; i++) {
		if (i == 2)
			continue;
		close(fds[i]);
		/* The place is not for who comes just now. */
		KT_ERRNO(qt_ask(0xff, O_NONBLOCK), EAGAIN);
		KT_CHECK(qt_ready(told[0], QT_DEADLINE_MS) == POLLIN && read(told[0], &who, 1) == 1);
		KT_CHECK(who == i);
	}
	KT_ERRNO(qt_ask(0xff, O_NONBLOCK), EAGAIN);
	for (i = 0; i < 8; i++) {
		if (i != 2)
			KT_CHECK(!kill(writer[i], SIGKILL) && waitpid(writer[i], NULL, 0) == writer[i]);
	}
	KT_CHECK(!qt_fault("none"));
	close(fds[2]);
	for (i = 8; i < QT_LIVE_MAX; i++) {
		KT_CHECK(qt_answered(fds[i], (uint8_t)i));
		close(fds[i]);
	}
	close(told[0]);
	close(told[1]);
}

/* A signal ends the wait of a reader, not the request. */
static void interrupted_reader(void)
{
	struct sigaction act = { .sa_handler = on_alarm };
	uint8_t byte;
	int fd;

	KT_CHECK(!sigaction(SIGALRM, &act, NULL));
	KT_CHECK(!qt_fault("hold"));
	fd = qt_ask(0x24, 0);
	KT_CHECK(fd >= 0);
	alarm(1);
	KT_ERRNO(read(fd, &byte, 1), EINTR);
	KT_CHECK(!qt_fault("none"));
	KT_CHECK(qt_answered(fd, 0x24));
	close(fd);
}

static long elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void parameters(void)
{
	static const struct {
		const char *name, *low, *high, *usual;
	} param[] = {
		{ DS_PARAM("quote_timeout_ms"), "0", "3600001", "30000" },
		{ DS_PARAM("quote_poll_min_us"), "9", "1000001", "100" },
		{ DS_PARAM("quote_poll_max_us"), "9", "1000001", "10000" },
	};
	struct timespec start;
	char text[16];
	ssize_t n;
	size_t i;
	int fd;

	for (i = 0; i < sizeof(param) / sizeof(param[0]); i++) {
		n = kt_read_file(param[i].name, text, sizeof(text));
		KT_CHECK(n == (ssize_t)strlen(param[i].usual) + 1);
		KT_CHECK(!memcmp(text, param[i].usual, (size_t)n - 1));
		KT_ERRNO(kt_write_text(param[i].name, param[i].low), EINVAL);
		KT_ERRNO(kt_write_text(param[i].name, param[i].high), EINVAL);
		KT_ERRNO(kt_write_text(param[i].name, "x"), EINVAL);
	}
	/* Rare looks, whichever bound asks for them; the quote is there within two of them. */
	KT_CHECK(!kt_write_text(DS_PARAM("quote_poll_max_us"), "700000"));
	KT_CHECK(!kt_write_text(DS_PARAM("quote_poll_min_us"), "700000"));
	clock_gettime(CLOCK_MONOTONIC, &start);
	fd = qt_ask(0x25, 0);
	KT_CHECK(fd >= 0 && qt_answered(fd, 0x25));
	close(fd);
	KT_CHECK(elapsed_ms(&start) >= 600);
	/* The wrong way round: the upper bound wins. */
	KT_CHECK(!kt_write_text(DS_PARAM("quote_poll_max_us"), "100"));
	clock_gettime(CLOCK_MONOTONIC, &start);
	fd = qt_ask(0x26, 0);
	KT_CHECK(fd >= 0 && qt_answered(fd, 0x26));
	close(fd);
	KT_CHECK(elapsed_ms(&start) < 600);
	KT_CHECK(!kt_write_text(DS_PARAM("quote_poll_min_us"), "100"));
	KT_CHECK(!kt_write_text(DS_PARAM("quote_poll_max_us"), "10000"));
}

static int ask_many(uint8_t fill, unsigned int n)
{
	while (n--) {
		int fd = qt_ask(fill, 0);

		if (fd < 0 || !qt_answered(fd, fill))
			return 1;
		close(fd);
	}
	return 0;
}

static void many_askers(void)
{
	unsigned int i;
	bool ok = true;
	int status;

	for (i = 0; i < 8; i++) {
		if (!fork())
			_exit(ask_many((uint8_t)(0x80 + i), 10));
	}
	for (i = 0; i < 8; i++)
		ok &= wait(&status) > 0 && status == 0;
	KT_CHECK(ok);
}

/* Askers that die at any moment take nobody else's quote with them. */
static void killed_askers(void)
{
	unsigned int round;
	pid_t pid;
	int fd;

	srandom(2);
	for (round = 0; round < 30; round++) {
		/* The moment of death is what is being varied, hence a time and not an event. */
		struct timespec life = { .tv_nsec = 1000 * (random() % 8000) };

		pid = fork();
		if (!pid)
			_exit(ask_many(0x66, 1000));
		nanosleep(&life, NULL);
		KT_CHECK(!kill(pid, SIGKILL) && waitpid(pid, NULL, 0) == pid);
	}
	fd = qt_ask(0x67, 0);
	KT_CHECK(fd >= 0 && qt_answered(fd, 0x67));
	close(fd);
}

/* All of them wait together: those with the host and those behind them. */
static void timeout(void)
{
	int fds[QT_SLOTS + 2], i;
	struct timespec start;
	uint8_t byte;

	KT_CHECK(!kt_write_text(DS_PARAM("quote_timeout_ms"), "1500"));
	KT_CHECK(!qt_fault("hold"));
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; i < QT_SLOTS + 2; i++) {
		fds[i] = qt_ask((uint8_t)i, 0);
		KT_CHECK(fds[i] >= 0);
	}
	for (i = 0; i < QT_SLOTS + 2; i++) {
		KT_CHECK(qt_ready(fds[i], QT_DEADLINE_MS) == (POLLIN | POLLERR));
		KT_CHECK(elapsed_ms(&start) >= 1500);
		KT_ERRNO(read(fds[i], &byte, 1), ETIMEDOUT);
		close(fds[i]);
	}
	KT_CHECK(!kt_write_text(DS_PARAM("quote_timeout_ms"), "30000"));
	KT_CHECK(!qt_fault("none"));
	i = qt_ask(0x70, 0);
	KT_CHECK(i >= 0 && qt_answered(i, 0x70));
	close(i);
}

/* A request has the timeout of its own time, whoever is in front of it. */
static void later_timeout(void)
{
	int fds[QT_SLOTS + 1], fd, i;
	uint8_t byte;

	KT_CHECK(!qt_fault("hold"));
	for (i = 0; i < QT_SLOTS + 1; i++) {
		fds[i] = qt_ask((uint8_t)i, 0);
		KT_CHECK(fds[i] >= 0);
	}
	KT_CHECK(!kt_write_text(DS_PARAM("quote_timeout_ms"), "300"));
	fd = qt_ask(0x71, 0);
	KT_CHECK(!kt_write_text(DS_PARAM("quote_timeout_ms"), "30000"));
	KT_CHECK(fd >= 0 && qt_ready(fd, 10000) == (POLLIN | POLLERR));
	KT_ERRNO(read(fd, &byte, 1), ETIMEDOUT);
	close(fd);
	KT_CHECK(!qt_fault("none"));
	for (i = 0; i < QT_SLOTS + 1; i++) {
		KT_CHECK(qt_answered(fds[i], (uint8_t)i));
		close(fds[i]);
	}
}

static const struct kt_test tests[] = {
	{ "quote: covers exactly the log up to its request", honest_host },
	{ "quote: one open file is one request", one_file_one_request },
	{ "quote: each failure of the host has its errno", host_errors },
	{ "quote: short and garbage quotes are delivered as written", host_garbage },
	{ "quote: a host that says retry is asked again", host_retry },
	{ "quote: no report, no request; the file may ask again", no_report },
	{ "quote: abandoned requests do not mix with later ones", abandoned },
	{ "quote: requests and unread quotes are bounded, poll says when there is room", bounded_queue },
	{ "quote: a write waits for room in the queue", write_waits_for_room },
	{ "quote: writes get in in the order in which they came", writers_in_line },
	{ "quote: a signal ends the wait of a reader, not the request", interrupted_reader },
	{ "quote: timeout and polling are parameters, within bounds", parameters },
	{ "quote: many askers each get their own", many_askers },
	{ "quote: killed askers harm nobody", killed_askers },
	{ "quote: a silent host is a timeout for all who wait", timeout },
	{ "quote: a request does not wait for the longer timeout of those in front", later_timeout },
};

KT_MAIN(tests)
