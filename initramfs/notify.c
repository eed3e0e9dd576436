// SPDX-License-Identifier: Apache-2.0
/* Events for the host: one JSON line each on the second serial port, and the same on the console.
 */
#include <ds/base/log.h>
#include <ds/base/text.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/time.h>
#include <termios.h>
#include <time.h>

#include "ctx.h"

#define NOTIFY_TTY     "/dev/ttyS1"
#define NOTIFY_WAIT_MS 1000

int notify_open(void)
{
	int fd = open(NOTIFY_TTY, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios t;

	if (fd < 0)
		return -errno;
	/* Fails with EIO when the machine has no such port. */
	if (tcgetattr(fd, &t)) {
		int r = -errno;

		close(fd);
		return r;
	}
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	t.c_cflag &= ~(tcflag_t)CRTSCTS;
	cfsetspeed(&t, B115200);
	if (tcsetattr(fd, TCSANOW, &t))
		ds_log(DS_LOG_WARN, "what=notify error=\"%s\"", strerror(errno));
	return fd;
}

int notify_format(const char *event, const char *payload, struct ds_buf *ret)
{
	json_t *o = json_pack("{s:s,s:s}", "event", event, "payload", payload);
	char *s = o ? json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	int r = s ? ds_buf_addf(ret, "%s\n", s) : -ENOMEM;

	free(s);
	json_decref(o);
	return r;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A host that does not read must not stop the boot: whatever did not go out in time is dropped,
 * whole lines or not. */
static void send_bytes(int fd, struct ds_span s)
{
	int64_t end = now_ms() + NOTIFY_WAIT_MS;

	while (s.n) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		int64_t left = end - now_ms();
		ssize_t n = write(fd, s.p, s.n);

		if (n > 0) {
			s.p += n;
			s.n -= (size_t)n;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			return;
		} else if (left <= 0 || poll(&p, 1, (int)left) < 0) {
			return;
		}
	}
}

void notify_send(struct ctx *c, const char *event, const char *payload)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	char shown[256];

	ds_log(strcmp(event, "boot.error") ? DS_LOG_INFO : DS_LOG_ERR, "event=%s payload=\"%s\"",
	       event, ds_escape(DS_SPAN_STR(payload), shown, sizeof(shown)));
	if (c->notify_fd < 0)
		return;
	if (notify_format(event, payload, &b)) {
		ds_log(DS_LOG_ERR,
		       "what=notify error=\"not enough memory, or text that is not UTF-8\"");
		return;
	}
	send_bytes(c->notify_fd, ds_buf_span(&b));
}

void notify_progress(struct ctx *c, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	notify_send(c, "boot.progress", text);
}

static void on_alarm(int signo)
{
	/* its arrival interrupts tcdrain() */
}

void notify_drain(struct ctx *c)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value = { .tv_usec = 900000 } };

	if (c->notify_fd < 0 || sigaction(SIGALRM, &sa, NULL) || setitimer(ITIMER_REAL, &it, NULL))
		return;
	if (tcdrain(c->notify_fd) || tcdrain(STDERR_FILENO))
		return;
}
