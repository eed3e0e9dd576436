// SPDX-License-Identifier: Apache-2.0
/*
 * reload_test RTMR KEY EMUL: our modules (their files) loaded, unloaded and loaded again under
 * load. They cannot be unloaded: the log, the phase, the root keys and the emulated registers must
 * not start over. What is tested is that nobody who tries gets anywhere, and that nobody else
 * notices. Needs qe_echo; the first two modules are loaded here.
 */
#include <linux/keyctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ktap.h"
#include "quote_util.h"
#include "rtmr_util.h"

#define LOADERS	  4
#define EAGER	  4
#define TRIES	  300
#define RING_FILE "/sys/module/dstack_key/parameters/keyring"

static const char *file[3];
static const char *const name[3] = { "dstack_rtmr", "dstack_key", "tdx_emul" };

static int load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 || syscall(SYS_finit_module, fd, "", 0) ? errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

static unsigned int count(const char *event);

/* Uses the device as soon as it is there, and logs when nobody has the other end of the gate. */
static int use_at_once(uint8_t me, int gate)
{
	char payload[16], byte;
	int fd;

	while ((fd = qt_ask(me, 0)) < 0) {
		if (errno != ENOENT)
			return 1;
	}
	if (!qt_answered(fd, me))
		return 2;
	if (read(gate, &byte, 1) != 0)
		return 3;
	snprintf(payload, sizeof(payload), "%u", me);
	if (rt_event("app-eager", payload))
		return 4;
	return rt_event_once("app-eager-once", "x") ? 5 : 0;
}

static int open_at_once(const char *path, int flags)
{
	int fd;

	while ((fd = open(path, flags | O_CLOEXEC)) < 0 && errno == ENOENT)
		;
	return fd;
}

/*
 * The first event is logged as soon as the log can be read, while the device is still being made.
 * Who polls must be told of it, and nothing else is logged that could wake it.
 */
static int watch_at_once(void)
{
	static const char first[] = "app-first\nx";
	int event = open_at_once(DS_SYSFS("event"), O_WRONLY);
	struct pollfd p = { .fd = open_at_once(DS_SYSFS("eventlog"), O_RDONLY), .events = POLLPRI };
	char byte;

	if (pread(p.fd, &byte, 1, 0) != 1 || write(event, first, 11) != 11)
		return 1;
	if (poll(&p, 1, 20000) != 1)
		return 2;
	return count("app-first") != 1;
}

static bool all_well(const pid_t *pid, unsigned int n)
{
	bool ok = true;
	int status;

	while (n--) {
		if (waitpid(*pid++, &status, 0) > 0 && status == 0)
			continue;
		printf("# child %u: status %#x\n", n, status);
		ok = false;
	}
	return ok;
}

static unsigned int count(const char *event)
{
	unsigned int found = 0;
	struct rt_log log;
	size_t i, len = strlen(event);

	if (!rt_log_load(&log))
		return 0;
	for (i = 0; i < log.n; i++)
		found += log.events[i].data_len > 5 + len &&
			 !memcmp(log.events[i].data + 5, event, len) &&
			 log.events[i].data[5 + len] == ':';
	rt_log_free(&log);
	return found;
}

/* The kernel makes one load of loads of one file at once, so more than one may be told of success.
 */
static void load_at_once(void)
{
	static const struct sched_param none;
	pid_t pid[LOADERS + EAGER + 1];
	unsigned int i;
	int gate[2];

	KT_CHECK(!pipe(gate));
	KT_CHECK(access(DSTACK_DEVICE, F_OK) && access(DS_SYSFS("event"), F_OK));
	for (i = 0; i < EAGER; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			close(gate[1]);
			_exit(use_at_once((uint8_t)(i + 1), gate[0]));
		}
	}
	/* The watcher is ready before there is something to watch. */
	pid[i] = fork();
	if (!pid[i])
		_exit(watch_at_once());
	for (i++; i < EAGER + 1 + LOADERS; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			int err;

			/* Whenever it has to wait, those who spin above go on first. */
			sched_setscheduler(0, SCHED_IDLE, &none);
			err = load(file[0]);
			_exit(err && err != EEXIST ? err : 0);
		}
	}
	/* The watcher and the loaders have the other end, until they are done. */
	close(gate[1]);
	KT_CHECK(all_well(pid, EAGER + LOADERS + 1));
	close(gate[0]);
	KT_CHECK(count("app-first") == 1 && count("app-eager") == EAGER);
	KT_CHECK(count("app-eager-once") == 1);
	KT_CHECK(rt_replay_matches(3));
	KT_CHECK(load(file[1]) == 0);
}

/* Not with O_TRUNC, which takes the code away whatever runs in it: see
 * kernel/Documentation/overview.md. */
static bool refuse_all(void)
{
	unsigned int i, k;

	for (i = 0; i < 3; i++) {
		for (k = 0; k < 2; k++) {
			if (syscall(SYS_delete_module, name[i], k ? O_NONBLOCK : 0) != -1 ||
			    (errno != EBUSY && errno != EWOULDBLOCK)) {
				printf("# delete %s: errno %d\n", name[i], errno);
				return false;
			}
		}
		errno = load(file[i]);
		/* The emulator looks first whether this is a TD already, which it made it. */
		if (errno != EEXIST && !(i == 2 && errno == EPERM)) {
			printf("# load %s again: errno %d\n", name[i], errno);
			return false;
		}
	}
	return true;
}

static _Noreturn void measure_on(void)
{
	static const uint8_t digest[48] = { 7 };

	for (;;) {
		if (rt_event("app-load", "x") ||
		    kt_write_file(DS_SYSFS("measurements/rtmr2:sha384"), digest, 48))
			_exit(1);
	}
}

static _Noreturn void quote_on(void)
{
	for (;;) {
		int fd = qt_ask(0x33, 0);

		if (fd < 0 || !qt_answered(fd, 0x33))
			_exit(1);
		close(fd);
	}
}

static _Noreturn void keys_on(void)
{
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	for (;;) {
		long key = syscall(SYS_request_key, "dstack", "app:load", "",
				   KEY_SPEC_SESSION_KEYRING);

		if (key < 0 || syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_SESSION_KEYRING))
			_exit(1);
	}
}

static void unload_under_load(void)
{
	static void (*const work[])(void) = { measure_on, measure_on, quote_on,
					      quote_on,	  keys_on,    keys_on };
	static const uint8_t root[32] = "reload_test's root: not secret.";
	pid_t pid[6];
	unsigned int i;
	char ring[16] = "";
	bool ok = true;
	int status;

	KT_CHECK(kt_read_file(RING_FILE, ring, sizeof(ring) - 1) > 0);
	KT_CHECK(syscall(SYS_add_key, "dstack", "root:k256", root, 32, strtol(ring, NULL, 10)) > 0);
	for (i = 0; i < 6; i++) {
		pid[i] = fork();
		if (!pid[i])
			work[i]();
	}
	for (i = 0; i < TRIES && ok; i++)
		ok = refuse_all();
	for (i = 0; i < 6; i++) {
		/* Still at work: a worker that met an error has ended by itself. */
		ok &= waitpid(pid[i], &status, WNOHANG) == 0;
		kill(pid[i], SIGKILL);
		waitpid(pid[i], &status, 0);
	}
	KT_CHECK(ok);
	printf("# %u events while %u times nothing was unloaded\n", count("app-load"), 6 * TRIES);
	KT_CHECK(count("app-load") > 0 && count("app-eager") == EAGER);
	KT_CHECK(rt_replay_matches(2) && rt_replay_matches(3));
	i = (unsigned int)qt_ask(0x34, 0);
	KT_CHECK(qt_answered((int)i, 0x34));
}

/* What the guest's pid 1 does before the app starts: from then on not even by force. */
static void sealed(void)
{
	unsigned int i;

	KT_CHECK(!kt_write_text("/proc/sys/kernel/modules_disabled", "1"));
	for (i = 0; i < 3; i++) {
		KT_ERRNO(syscall(SYS_delete_module, name[i], O_NONBLOCK), EPERM);
		KT_ERRNO(syscall(SYS_delete_module, name[i], O_NONBLOCK | O_TRUNC), EPERM);
		KT_CHECK(load(file[i]) == EPERM);
	}
	KT_CHECK(!rt_event("app-sealed", "x") && rt_replay_matches(3));
}

static const struct kt_test tests[] = {
	{ "reload: loaded by many at once, who finds the files first is served", load_at_once },
	{ "reload: under load nothing is unloaded or loaded twice, the log goes on",
	  unload_under_load },
	{ "reload: with modules_disabled not even by force", sealed },
};

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: reload_test RTMR KEY EMUL\n");
		return 2;
	}
	memcpy(file, argv + 1, sizeof(file));
	return kt_main(tests, sizeof(tests) / sizeof(tests[0]));
}
