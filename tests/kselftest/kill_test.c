// SPDX-License-Identifier: Apache-2.0
/*
 * kill -9 in every state a process can be in with our files, keys and the quoting enclave's device.
 * Each victim is killed when the kernel says that it sleeps in the call in question; whatever it
 * was, nothing is lost, leaked or held afterwards. Needs qe_echo.
 */
#include <linux/keyctl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "ktap.h"
#include "lock_util.h"
#include "quote_util.h"
#include "rtmr_util.h"
#include "uapi/tdx_emul.h"

#define RANDOM_ROUNDS 40
#define RING_FILE     "/sys/module/dstack_key/parameters/keyring"

/* Waits until the process sleeps in this call, as /proc tells. */
static bool sleeps_in(pid_t pid, long nr)
{
	char path[32], text[64];
	unsigned int tries;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	for (tries = 0; tries < 20000; tries++) {
		const struct timespec moment = { .tv_nsec = 1000000 };
		ssize_t n = kt_read_file(path, text, sizeof(text) - 1);

		/* "running", or the number of the call it sleeps in. */
		if (n > 0 && text[0] >= '0' && text[0] <= '9' && strtol(text, NULL, 10) == nr)
			return true;
		nanosleep(&moment, NULL);
	}
	printf("# pid %d never slept in call %ld\n", pid, nr);
	return false;
}

/* It dies at once, not when what it waits for comes. */
static bool dies(pid_t pid)
{
	int status;

	return !kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGKILL;
}

/* Nobody's request or buffer is left: there is room for as many as ever, and each is answered. */
static bool quotes_all_free(void)
{
	static int fds[QT_LIVE_MAX];
	bool ok = true;
	int i;

	for (i = 0; i < QT_LIVE_MAX; i++) {
		fds[i] = qt_ask((uint8_t)i, O_NONBLOCK);
		ok &= fds[i] >= 0;
	}
	for (i = 0; i < QT_LIVE_MAX; i++) {
		ok &= fds[i] >= 0 && qt_answered(fds[i], (uint8_t)i);
		close(fds[i]);
	}
	return ok;
}

/* For the call that waits for the lock, whichever of these it is. */
static bool sleeps_in_way(pid_t pid, unsigned int way)
{
	static const long nr[LK_WAYS] = {
		SYS_read,  SYS_read,  SYS_read,	 SYS_write, SYS_write,
		SYS_write, SYS_write, SYS_write, SYS_ioctl, SYS_ioctl,
	};

	return sleeps_in(pid, nr[way]);
}

static void waiting_for_lock(void)
{
	struct rt_log before, after;
	char phase[8] = "";
	unsigned int way;

	KT_CHECK(rt_log_load(&before));
	for (way = 0; way < LK_WAYS; way++) {
		pid_t holder = lk_hold(), victim;

		KT_CHECK(holder > 0);
		victim = fork();
		if (!victim)
			_exit(lk_wait(way) < 0);
		KT_CHECK(sleeps_in_way(victim, way) && dies(victim));
		/* The lock is still held, so it was not got. */
		KT_CHECK(waitpid(holder, NULL, WNOHANG) == 0 && !lk_release(holder));
	}
	KT_CHECK(rt_log_load(&after) && after.len == before.len);
	KT_CHECK(kt_read_file(DS_SYSFS("phase"), phase, 7) > 0 && !strcmp(phase, "boot\n"));
	rt_log_free(&before);
	rt_log_free(&after);
	KT_CHECK(rt_replay_matches(3) && quotes_all_free());
}

/* The holder of the lock, in the middle of its TDCALLs: no, it is not to be interrupted there. */
static void holding_lock(void)
{
	pid_t holder = lk_hold();

	KT_CHECK(holder > 0 && !kill(holder, SIGKILL));
	KT_CHECK(!lk_release(holder));
	KT_CHECK(!rt_event("app-after-holder", "x") && rt_replay_matches(3));
}

static _Noreturn void victim_read(void)
{
	int fd = qt_ask(0x51, 0);
	char byte;

	_exit(read(fd, &byte, 1) == 1);
}

static _Noreturn void victim_poll(void)
{
	_exit(qt_ready(qt_ask(0x52, 0), -1));
}

static _Noreturn void victim_done(void)
{
	int fd = qt_ask(0x53, 0);

	qt_ready(fd, -1);
	for (;;)
		pause();
}

static _Noreturn void victim_half_read(void)
{
	int fd = qt_ask(0x54, 0);
	char some[100];

	if (read(fd, some, sizeof(some)) == sizeof(some)) {
		for (;;)
			pause();
	}
	_exit(1);
}

static _Noreturn void victim_new(void)
{
	if (open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC) >= 0) {
		for (;;)
			pause();
	}
	_exit(1);
}

static _Noreturn void victim_log_poll(void)
{
	struct pollfd p = { .fd = open(DS_SYSFS("eventlog"), O_RDONLY | O_CLOEXEC),
			    .events = POLLPRI };
	char page[4096];

	while (read(p.fd, page, sizeof(page)) > 0)
		;
	_exit(poll(&p, 1, -1));
}

static void quote_states(void)
{
	static const struct {
		const char *fault;
		void (*run)(void);
		long nr;
	} states[] = {
		{ "hold", victim_read, SYS_read },  { "hold", victim_poll, SYS_poll },
		{ "none", victim_done, SYS_pause }, { "none", victim_half_read, SYS_pause },
		{ "none", victim_new, SYS_pause },  { "none", victim_log_poll, SYS_poll },
	};
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		pid_t pid;

		KT_CHECK(!qt_fault(states[i].fault));
		pid = fork();
		if (!pid)
			states[i].run();
		KT_CHECK(sleeps_in(pid, states[i].nr) && dies(pid));
		KT_CHECK(!qt_fault("none") && quotes_all_free());
	}
}

static void waiting_for_room(void)
{
	static int fds[QT_LIVE_MAX];
	pid_t pid;
	int i;

	KT_CHECK(!qt_fault("hold"));
	for (i = 0; i < QT_LIVE_MAX; i++)
		fds[i] = qt_ask((uint8_t)i, 0);
	pid = fork();
	if (!pid)
		_exit(qt_ask(0x55, 0) >= 0);
	KT_CHECK(sleeps_in(pid, SYS_write) && dies(pid));
	for (i = 0; i < QT_LIVE_MAX; i++)
		close(fds[i]);
	KT_CHECK(!qt_fault("none") && quotes_all_free());
}

static pid_t find_qe(void)
{
	pid_t pid;

	for (pid = 2; pid < 32768; pid++) {
		char path[32], name[32] = "";

		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		if (kt_read_file(path, name, sizeof(name) - 1) > 0 && !strcmp(name, "qe_echo\n"))
			return pid;
	}
	return -1;
}

static pid_t start_qe(void)
{
	pid_t pid = fork();

	if (!pid) {
		execl("/t/qe_echo", "qe_echo", NULL);
		_exit(127);
	}
	return pid;
}

/* Takes one request, the second time, and keeps it. */
static _Noreturn void victim_enclave(void)
{
	struct tdx_emul_qe_request req;
	int fd = open(TDX_EMUL_QE_DEVICE, O_RDWR | O_CLOEXEC);

	/* One that cannot be delivered is not lost. */
	if (read(fd, (void *)8, sizeof(req)) != -1 || errno != EFAULT)
		_exit(2);
	if (read(fd, &req, sizeof(req)) == sizeof(req)) {
		for (;;)
			pause();
	}
	_exit(1);
}

/* The enclave: waiting for a request, and with one in its hands. */
static void enclave(void)
{
	pid_t pid = find_qe();
	int fd;

	KT_CHECK(pid > 0 && sleeps_in(pid, SYS_read) && !kill(pid, SIGKILL));
	/* Pid 1 reaps it. */
	while (!kill(pid, 0))
		usleep(1000);
	pid = fork();
	if (!pid)
		victim_enclave();
	fd = qt_ask(0x56, 0);
	KT_CHECK(fd >= 0 && sleeps_in(pid, SYS_pause) && qt_ready(fd, 0) == 0 && dies(pid));
	/* The next one gets what was in its hands. */
	pid = start_qe();
	KT_CHECK(pid > 0 && qt_answered(fd, 0x56));
	close(fd);
	KT_CHECK(quotes_all_free());
}

static _Noreturn void victim_opens(void)
{
	static const char *const files[] = {
		DSTACK_DEVICE,
		DS_SYSFS("eventlog"),
		DS_SYSFS("event"),
		DS_SYSFS("consistent"),
		DS_SYSFS("measurements/rtmr2:sha384"),
	};
	unsigned int i;

	for (i = 0;; i++) {
		static uint8_t digest[48];
		uint8_t page[4096];
		int fd = open(files[i % 5], i % 5 == 2 ? O_WRONLY : O_RDWR);

		if (fd < 0)
			fd = open(files[i % 5], O_RDONLY);
		if (i % 5 == 2)
			digest[0] = (uint8_t)write(fd, "app-killed\nx", 12);
		else if (i % 5 == 4)
			digest[0] = (uint8_t)write(fd, digest, 48);
		else if (i % 5)
			digest[0] = (uint8_t)read(fd, page, sizeof(page));
		close(fd);
	}
}

static _Noreturn void victim_keys(void)
{
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	for (;;) {
		long key = syscall(SYS_request_key, "dstack", "app:killed", "",
				   KEY_SPEC_SESSION_KEYRING);
		uint8_t bytes[32];

		if (key < 0 || syscall(SYS_keyctl, KEYCTL_READ, key, bytes, 32) != 32 ||
		    syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_SESSION_KEYRING))
			_exit(1);
	}
}

/* Anywhere: between and in the middle of opens, reads, writes and requests. */
static void anywhere(void)
{
	static const uint8_t root[32] = "kill_test's root: not a secret.";
	char text[16] = "";
	unsigned int i;

	KT_CHECK(kt_read_file(RING_FILE, text, sizeof(text) - 1) > 0);
	KT_CHECK(syscall(SYS_add_key, "dstack", "root:k256", root, 32, strtol(text, NULL, 10)) > 0);
	srandom(3);
	for (i = 0; i < RANDOM_ROUNDS; i++) {
		/* The moment of death is what is being varied, hence a time and not an event. */
		struct timespec life = { .tv_nsec = 1000 * (random() % 20000) };
		pid_t pid = fork();

		if (!pid && i % 2)
			victim_opens();
		if (!pid)
			victim_keys();
		nanosleep(&life, NULL);
		KT_CHECK(dies(pid));
	}
	KT_CHECK(rt_replay_matches(2) && rt_replay_matches(3) && quotes_all_free());
	KT_CHECK(syscall(SYS_request_key, "dstack", "app:alive", "", KEY_SPEC_SESSION_KEYRING) > 0);
}

static const struct kt_test tests[] = {
	{ "kill: waiting for the measurement lock, in each of its ways", waiting_for_lock },
	{ "kill: holding it", holding_lock },
	{ "kill: with a request that is new, with the host, done, half read; polling the log",
	  quote_states },
	{ "kill: waiting for room among the requests", waiting_for_room },
	{ "kill: the quoting enclave, waiting and with a request in its hands", enclave },
	{ "kill: anywhere, opening, reading, measuring, requesting keys", anywhere },
};

KT_MAIN(tests)
