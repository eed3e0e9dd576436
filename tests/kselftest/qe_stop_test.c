// SPDX-License-Identifier: Apache-2.0
/*
 * The quoting enclave's process stopped (SIGSTOP) with requests of both drivers pending, and
 * continued: before it took them, and with one in its hands. Needs qe_echo and the in-tree driver.
 */
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ktap.h"
#include "qe_echo.h"
#include "quote_util.h"
#include "rtmr_util.h"
#include "uapi/tdx_emul.h"

#define TSM_DIR	   "/sys/kernel/config/tsm/report/qe_stop"
#define MANY	   300
#define GIVEN_BACK 60

static pid_t qe;

static bool find_qe(void)
{
	for (qe = 2; qe < 32768; qe++) {
		char path[32], name[32] = "";

		snprintf(path, sizeof(path), "/proc/%d/comm", qe);
		if (kt_read_file(path, name, sizeof(name) - 1) > 0 && !strcmp(name, "qe_echo\n"))
			return true;
	}
	return false;
}

/* Sends the signal and waits until the kernel says that it has come to this. */
static bool signal_qe(int sig, const char *states)
{
	char path[32], text[128];
	unsigned int tries;

	snprintf(path, sizeof(path), "/proc/%d/stat", qe);
	if (kill(qe, sig))
		return false;
	for (tries = 0; tries < 20000; tries++, usleep(1000)) {
		ssize_t n = kt_read_file(path, text, sizeof(text) - 1);
		const char *state;

		text[n > 0 ? n : 0] = '\0';
		state = strrchr(text, ')');
		if (state && strchr(states, state[2]))
			return true;
	}
	return false;
}

/* 0: the genuine quote of the in-tree driver; else an errno. Its report directory is its own. */
static int ask_intree(uint8_t fill)
{
	struct qe_echo_quote quote;
	uint8_t reportdata[64];
	int err = EBADMSG;
	ssize_t n;

	memset(reportdata, fill, sizeof(reportdata));
	if (mkdir(TSM_DIR, 0700))
		return errno;
	n = kt_write_file(TSM_DIR "/inblob", reportdata, 64)
		    ? -1
		    : kt_read_file(TSM_DIR "/outblob", &quote, sizeof(quote));
	if (n < 0)
		err = errno;
	else if (n == sizeof(quote) &&
		 !memcmp(quote.tdreport + TDREPORT_REPORTDATA, reportdata, 64))
		err = 0;
	rmdir(TSM_DIR);
	return err;
}

static pid_t start_intree(uint8_t fill)
{
	pid_t pid = fork();

	if (!pid)
		_exit(ask_intree(fill));
	return pid;
}

/* Everything that does not need the enclave. */
static bool others_go_on(void)
{
	struct dstack_report report = { 0 };
	int fd = open(DSTACK_DEVICE, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && !ioctl(fd, DSTACK_IOC_REPORT, &report) &&
		  !rt_event("app-stopped", "x") && rt_replay_matches(3);

	close(fd);
	return ok;
}

static void stopped_before(void)
{
	int fds[QT_SLOTS + 2], i, status;
	pid_t intree;

	KT_CHECK(find_qe() && signal_qe(SIGSTOP, "T"));
	intree = start_intree(0x60);
	for (i = 0; i < QT_SLOTS + 2; i++) {
		fds[i] = qt_ask((uint8_t)(0x61 + i), 0);
		KT_CHECK(fds[i] >= 0);
	}
	/* Longer than the in-tree driver's second, and nobody has been answered. */
	KT_CHECK(qt_ready(fds[0], 1500) == 0 && waitpid(intree, &status, WNOHANG) == 0);
	KT_CHECK(others_go_on());
	KT_CHECK(signal_qe(SIGCONT, "RSD"));
	for (i = 0; i < QT_SLOTS + 2; i++) {
		KT_CHECK(qt_answered(fds[i], (uint8_t)(0x61 + i)));
		close(fds[i]);
	}
	KT_CHECK(waitpid(intree, &status, 0) == intree && status == 0);
}

/* Ours ends with the timeout; what comes after that reaches nobody, and the next are served. */
static void stopped_too_long(void)
{
	char byte;
	int fd;

	KT_CHECK(!kt_write_text(DS_PARAM("quote_timeout_ms"), "500"));
	KT_CHECK(signal_qe(SIGSTOP, "T"));
	fd = qt_ask(0x70, 0);
	KT_CHECK(fd >= 0 && qt_ready(fd, QT_DEADLINE_MS) == (POLLIN | POLLERR));
	KT_ERRNO(read(fd, &byte, 1), ETIMEDOUT);
	close(fd);
	KT_CHECK(others_go_on());
	KT_CHECK(!kt_write_text(DS_PARAM("quote_timeout_ms"), "30000"));
	KT_CHECK(signal_qe(SIGCONT, "RSD"));
	fd = qt_ask(0x71, 0);
	KT_CHECK(fd >= 0 && qt_answered(fd, 0x71));
	close(fd);
	KT_CHECK(ask_intree(0x72) == 0);
}

/*
 * An enclave that takes a request, stops, and answers when continued: not through another file, not
 * with more than any guest's buffer holds, and once.
 */
static _Noreturn void stopping_enclave(void)
{
	static uint8_t big[sizeof(struct tdx_emul_qe_reply) + TDX_EMUL_QUOTE_MAX];
	struct tdx_emul_qe_request req;
	struct {
		struct tdx_emul_qe_reply head;
		struct qe_echo_quote quote;
	} reply = { .head.quote_len = sizeof(reply.quote) };
	int fd = open(TDX_EMUL_QE_DEVICE, O_RDWR | O_CLOEXEC);
	int other = open(TDX_EMUL_QE_DEVICE, O_RDWR | O_CLOEXEC);

	if (read(fd, &req, sizeof(req)) != sizeof(req) || raise(SIGSTOP))
		_exit(1);
	reply.head.id = req.id;
	memcpy(reply.quote.tag, QE_ECHO_TAG, sizeof(reply.quote.tag));
	memcpy(reply.quote.tdreport, req.tdreport, sizeof(req.tdreport));
	memcpy(big, &(struct tdx_emul_qe_reply){ .id = req.id, .quote_len = TDX_EMUL_QUOTE_MAX },
	       sizeof(struct tdx_emul_qe_reply));
	if (write(other, &reply, sizeof(reply)) != -1 || errno != ENOENT ||
	    write(fd, big, sizeof(big)) != -1 || errno != EMSGSIZE)
		_exit(2);
	if (write(fd, &reply, sizeof(reply)) != sizeof(reply))
		_exit(3);
	_exit(write(fd, &reply, sizeof(reply)) != -1 || errno != ENOENT);
}

static void stopped_in_hand(void)
{
	pid_t enclave, intree;
	int fd, status;

	/* qe_echo is not to take it: it stands still meanwhile. */
	KT_CHECK(signal_qe(SIGSTOP, "T"));
	enclave = fork();
	if (!enclave)
		stopping_enclave();
	fd = qt_ask(0x75, 0);
	KT_CHECK(fd >= 0);
	KT_CHECK(waitpid(enclave, &status, WUNTRACED) == enclave && WIFSTOPPED(status));
	KT_CHECK(qt_ready(fd, 0) == 0 && others_go_on());
	/* The other enclave serves whoever comes next, the in-tree driver too. */
	KT_CHECK(signal_qe(SIGCONT, "RSD"));
	KT_CHECK(ask_intree(0x76) == 0 && qt_ready(fd, 0) == 0);
	KT_CHECK(!kill(enclave, SIGCONT) && qt_answered(fd, 0x75));
	close(fd);
	KT_CHECK(waitpid(enclave, &status, 0) == enclave && status == 0);

	KT_CHECK(signal_qe(SIGSTOP, "T"));
	enclave = fork();
	if (!enclave)
		stopping_enclave();
	intree = start_intree(0x77);
	KT_CHECK(waitpid(enclave, &status, WUNTRACED) == enclave && WIFSTOPPED(status));
	KT_CHECK(signal_qe(SIGCONT, "RSD"));
	fd = qt_ask(0x78, 0);
	KT_CHECK(fd >= 0 && qt_answered(fd, 0x78));
	close(fd);
	KT_CHECK(waitpid(intree, &status, WNOHANG) == 0 && !kill(enclave, SIGCONT));
	KT_CHECK(waitpid(intree, &status, 0) == intree && status == 0);
	KT_CHECK(waitpid(enclave, &status, 0) == enclave && status == 0);
}

/* An answer is due while the emulator looks at its clock: none may be left lying. */
static void each_delay(void)
{
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		char us[16];
		int fd;

		snprintf(us, sizeof(us), "%u", 200 + 17 * i);
		KT_CHECK(!kt_write_text(DS_KNOB("quote_delay_us"), us));
		fd = qt_ask((uint8_t)i, 0);
		KT_CHECK(fd >= 0 && qt_answered(fd, (uint8_t)i));
		close(fd);
	}
	KT_CHECK(!kt_write_text(DS_KNOB("quote_delay_us"), "0"));
}

/* Takes requests into memory that is not there, and stays. */
static _Noreturn void faulty_enclave(int ready)
{
	int fd = open(TDX_EMUL_QE_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0 || write(ready, "r", 1) != 1)
		_exit(1);
	if (read(fd, (void *)8, sizeof(struct tdx_emul_qe_request)) == -1 && errno == EFAULT) {
		for (;;)
			pause();
	}
	_exit(1);
}

/* Which of two waiting enclaves gets a request is chance, hence many rounds. */
static void given_back(void)
{
	unsigned int i;

	for (i = 0; i < GIVEN_BACK; i++) {
		int ready[2], fd, status;
		pid_t pid;
		char byte;

		KT_CHECK(!pipe(ready));
		pid = fork();
		if (!pid)
			faulty_enclave(ready[1]);
		KT_CHECK(read(ready[0], &byte, 1) == 1);
		close(ready[0]);
		close(ready[1]);
		fd = qt_ask((uint8_t)i, 0);
		KT_CHECK(fd >= 0 && qt_answered(fd, (uint8_t)i));
		close(fd);
		KT_CHECK(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid &&
			 WIFSIGNALED(status));
	}
}

static const struct kt_test tests[] = {
	{ "stop: requests of both drivers wait for a stopped enclave, everything else goes on",
	  stopped_before },
	{ "stop: for longer than the timeout, then the next are served", stopped_too_long },
	{ "stop: with a request in its hands, of either driver", stopped_in_hand },
	{ "stop: a request that an enclave could not take goes to the other that waits",
	  given_back },
	{ "stop: an enclave of any delay answers every time", each_delay },
};

KT_MAIN(tests)
