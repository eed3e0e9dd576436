// SPDX-License-Identifier: Apache-2.0
/*
 * Pid 1 of a kernel test VM. Reads /vmtest, one step a line, and runs the steps in order:
 *
 *   module FILE [PARAMETERS]         load it; failure fails the run
 *   refuse ERRNO FILE [PARAMETERS]   loading must fail with this error number
 *   service PROGRAM [ARGUMENTS]      start it and go on
 *   test PROGRAM [ARGUMENTS]         run it; its standard output is TAP
 *   run PROGRAM [ARGUMENTS]          run it; its standard output is bytes
 *   seconds N                        from here on a test may take so long
 *   faulty                           the kernel is being broken on purpose: expect that to be found
 *
 * A kernel with kmemleak or lockdep is asked at the end: no leak, and lockdep awake (it goes to
 * sleep after any report, or when its tables are full). With "faulty", the opposite of both.
 * TAP and "# begin"/"# end" marks go to the second serial port, the bytes to the third, everything
 * else to the console.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define SCRIPT		"/vmtest"
#define RESULT_TTY	"/dev/ttyS1"
#define OUTPUT_TTY	"/dev/ttyS2"
#define ARGS_MAX	16
#define TEST_SECONDS	3600	/* the runner has a limit of its own */
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define LEAK_MIN_AGE	6	/* kmemleak does not report what is younger than 5 s */

static int result = -1;
static long test_seconds = TEST_SECONDS;
static bool faulty;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdprintf(result, fmt, ap);
	va_end(ap);
}

/* A restart ends QEMU (-no-reboot), and a small kernel knows how to where it cannot power off. */
static _Noreturn void end_vm(void)
{
	tcdrain(result);
	sync();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static void mount_all(void)
{
	static const struct {
		const char *type, *at;
		int required;
	} fs[] = {
		{ "devtmpfs", "/dev", 1 },
		{ "proc", "/proc", 1 },
		{ "sysfs", "/sys", 1 },
		{ "tmpfs", "/tmp", 1 },
		{ "debugfs", "/sys/kernel/debug", 0 },
		{ "configfs", "/sys/kernel/config", 0 },	/* again once its module is there */
	};
	size_t i;

	for (i = 0; i < sizeof(fs) / sizeof(fs[0]); i++) {
		mkdir(fs[i].at, 0755);
		if (mount("none", fs[i].at, fs[i].type, 0, NULL) && fs[i].required && errno != EBUSY)
			fprintf(stderr, "init: mount %s: %s\n", fs[i].at, strerror(errno));
	}
}

static int open_tty(const char *path)
{
	struct termios tio;
	int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &tio))
		return -1;
	cfmakeraw(&tio);
	cfsetspeed(&tio, B115200);
	if (tcsetattr(fd, TCSANOW, &tio))
		return -1;
	return fd;
}

/* Returns 0 or the error number. */
static int load(const char *file, const char *params)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno;
	if (syscall(SYS_finit_module, fd, params, 0))
		err = errno;
	close(fd);
	if (!err && !access("/sys/kernel/config", F_OK))
		mount("none", "/sys/kernel/config", "configfs", 0, NULL);
	return err;
}

static void step_module(const char *file, const char *params)
{
	int err = load(file, params);

	if (err)
		say("not ok - load %s: %s\n", file, strerror(err));
	else
		say("ok - load %s\n", file);
}

static void step_refuse(char *rest)
{
	char *file, *params;
	int want = (int)strtol(rest, &file, 10), err;

	file += strspn(file, " ");
	params = file + strcspn(file, " ");
	if (*params)
		*params++ = '\0';
	err = load(file, params);
	if (err == want)
		say("ok - %s %s refused: %s\n", file, params, strerror(err));
	else
		say("not ok - %s %s: expected %s, got %s\n", file, params, strerror(want),
		    err ? strerror(err) : "loaded");
}

static pid_t spawn(char *program, char *rest, int out)
{
	char *argv[ARGS_MAX + 1] = { program };
	sigset_t none;
	pid_t pid;
	int n = 1;

	for (rest = strtok(rest, " "); rest && n < ARGS_MAX; rest = strtok(NULL, " "))
		argv[n++] = rest;
	pid = fork();
	if (pid)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
	setsid();
	execv(program, argv);
	fprintf(stderr, "init: %s: %s\n", program, strerror(errno));
	_exit(127);
}

/* Waits for this child and reaps whatever else has ended. */
static int wait_for(pid_t pid)
{
	struct timespec limit = { .tv_sec = test_seconds };
	sigset_t set;
	int status;
	pid_t got;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		while ((got = waitpid(-1, &status, WNOHANG)) > 0) {
			if (got == pid)
				return status;
		}
		if (sigtimedwait(&set, NULL, &limit) < 0 && errno == EAGAIN) {
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			return status;
		}
	}
}

static void step_test(char *program, char *rest, int out)
{
	int status;
	pid_t pid;

	say("# begin %s\n", program);
	pid = spawn(program, rest, out);
	status = pid < 0 ? -1 : wait_for(pid);
	tcdrain(out);
	if (status && WIFSIGNALED(status))
		say("# end signal %d\n", WTERMSIG(status));
	else
		say("# end status %d\n", pid < 0 ? 126 : WEXITSTATUS(status));
}

static void run_step(char *line)
{
	char *arg, *rest;

	arg = line + strcspn(line, " ");
	if (*arg)
		*arg++ = '\0';
	if (!strcmp(line, "refuse")) {
		step_refuse(arg);
		return;
	}
	rest = arg + strcspn(arg, " ");
	if (*rest)
		*rest++ = '\0';
	if (!strcmp(line, "module"))
		step_module(arg, rest);
	else if (!strcmp(line, "test"))
		step_test(arg, rest, result);
	else if (!strcmp(line, "run"))
		step_test(arg, rest, open_tty(OUTPUT_TTY));
	else if (!strcmp(line, "service"))
		spawn(arg, rest, -1);
	else if (!strcmp(line, "seconds"))
		test_seconds = strtol(arg, NULL, 10);
	else if (!strcmp(line, "faulty"))
		faulty = true;
	else
		say("not ok - unknown step '%s'\n", line);
}

static int kmemleak_scan(void)
{
	int fd = open(KMEMLEAK, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, "scan", 4);

	if (fd >= 0)
		close(fd);
	return n == 4 ? 0 : -1;
}

/*
 * The first scan takes checksums, later ones report what nobody points to and nobody changed. The
 * reports go to the console.
 */
static void check_leaks(void)
{
	char line[512];
	long found = 0;
	FILE *f;

	if (access(KMEMLEAK, F_OK))
		return;
	sleep(LEAK_MIN_AGE);
	if (kmemleak_scan() || kmemleak_scan() || !(f = fopen(KMEMLEAK, "re"))) {
		say("not ok - kmemleak: %s\n", strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		found += !strncmp(line, "unreferenced object", 19);
		fputs(line, stderr);
	}
	fclose(f);
	say("%sok - kmemleak found %ld leaks, %s expected\n", (found > 0) == faulty ? "" : "not ", found,
	    faulty ? "some" : "none");
}

static void check_lockdep(void)
{
	FILE *f = fopen("/proc/lockdep_stats", "re");
	char line[256];
	int awake = -1;

	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		sscanf(line, " debug_locks: %d", &awake);
	fclose(f);
	say("%sok - lockdep is %s at the end\n", awake == !faulty ? "" : "not ",
	    awake == 1 ? "awake" : "asleep");
}

int main(void)
{
	char line[4096];
	sigset_t set;
	FILE *script;

	/* SIGCHLD is waited for, never delivered. */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	mount_all();
	result = open_tty(RESULT_TTY);
	if (result < 0) {
		fprintf(stderr, "init: %s: %s\n", RESULT_TTY, strerror(errno));
		end_vm();
	}
	script = fopen(SCRIPT, "re");
	while (script && fgets(line, sizeof(line), script)) {
		line[strcspn(line, "\n")] = '\0';
		if (*line && *line != '#')
			run_step(line);
	}
	check_lockdep();
	check_leaks();
	say("# vm done\n");
	end_vm();
}
