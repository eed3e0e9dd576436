// SPDX-License-Identifier: Apache-2.0
/* Helpers of front_test.c, see front_rig.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <ds/base/log.h>

#include "front_rig.h"

struct ds_gw_conf conf;

int listen_any(uint32_t ip, uint16_t *ret_port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(ip) };
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 100), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	*ret_port = ntohs(sa.sin_port);
	return fd;
}

void tell(struct rig *r, enum ds_gw_msg_kind kind, uint8_t instance, uint8_t app, uint32_t ip)
{
	struct ds_gw_msg m = { .kind = kind, .instance = { .ip = ip, .fresh = 1 } };

	memset(m.instance.instance_id, instance, DS_GW_ID_LEN);
	memset(m.instance.app_id, app, DS_GW_ID_LEN);
	assert_int_equal(send(r->control, &m, sizeof(m), 0), sizeof(m));
}

int dial(const struct rig *r)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(r->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval tv = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	return fd;
}

/* A hello for this name, in one record. */
size_t make_hello(const char *name, uint8_t *out, size_t filler)
{
	size_t nn = strlen(name), ext = (filler ? filler + 4 : 0) + nn + 9,
	       body = 2 + 32 + 1 + 4 + 2 + 2 + ext, at = 0;

#define B(v) (out[at++] = (uint8_t)(v))
#define W(v) (B((v) >> 8), B(v))
	B(0x16), W(0x0301), W(body + 4);
	B(1), B(0), W(body);
	W(0x0303);
	memset(out + at, 7, 32);
	at += 32;
	B(0), W(2), W(0x1301), B(1), B(0);
	W(ext);
	if (filler) {
		W(0xfafa), W(filler);
		memset(out + at, 9, filler);
		at += filler;
	}
	W(0), W(nn + 5), W(nn + 3), B(0), W(nn);
	memcpy(out + at, name, nn);
#undef B
#undef W
	return at + nn;
}

void send_all(int fd, const void *p, size_t n)
{
	assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

void hello_to(int fd, const char *name)
{
	uint8_t b[1024];

	send_all(fd, b, make_hello(name, b, 0));
}

/* A worker with one instance (id 11.., app aa..) at the backend. */
void rig_up(struct rig *r)
{
	struct ds_gw_msg hello = { 0 };
	int pair[2];

	r->listener = listen_any(INADDR_LOOPBACK, &r->port);
	assert_int_equal(fcntl(r->listener, F_SETFL, O_NONBLOCK), 0);
	r->backend = listen_any(IP1, &r->backend_port);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (!r->pid) {
		signal(SIGTERM, SIG_DFL);
		close(pair[0]);
		close(r->backend);
		ds_log_max = getenv("DS_TEST_VERBOSE") ? DS_LOG_DEBUG : DS_LOG_ERR;
		_exit(ds_front_run(&conf, r->listener, pair[1], 1) ? 1 : 0);
	}
	close(pair[1]);
	r->control = pair[0];
	assert_int_equal(recv(r->control, &hello, sizeof(hello), 0), sizeof(hello));
	assert_int_equal(hello.kind, DS_GW_HELLO);
	/* a client that comes too early is not refused, it waits */
	int early = dial(r);

	hello_to(early, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-s.apps.test");
	struct pollfd p = { .fd = early, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 5), 0);
	close(early);
	tell(r, DS_GW_BEGIN, 0, 0, 0);
	tell(r, DS_GW_PUT, 0x11, 0xaa, IP1);
	tell(r, DS_GW_END, 0, 0, 0);
}

void rig_down(struct rig *r)
{
	int st;

	kill(r->pid, SIGTERM);
	assert_int_equal(waitpid(r->pid, &st, 0), r->pid);
	assert_true(WIFSIGNALED(st) &&
		    WTERMSIG(st) == SIGTERM); /* alive until now: it did not crash */
	close(r->listener);
	close(r->control);
	close(r->backend);
}

int take(int listener)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	struct timeval tv = { .tv_sec = 10 };
	int fd;

	assert_int_equal(poll(&p, 1, 10000), 1);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	return fd;
}

void id_name(char *out, size_t n, uint8_t id, const char *rest)
{
	for (size_t i = 0; i < 20; i++)
		snprintf(out + 2 * i, n - 2 * i, "%02x", id);
	snprintf(out + 40, n - 40, "%s.apps.test", rest);
}

/* The name that leads to the backend. */
void backend_name(const struct rig *r, uint8_t id, char out[100])
{
	char rest[16];

	snprintf(rest, sizeof(rest), "-%us", r->backend_port);
	id_name(out, 100, id, rest);
}

void expect(int fd, const void *p, size_t n)
{
	uint8_t buf[32768];
	size_t at = 0;

	while (at < n) {
		ssize_t got = recv(fd, buf, n - at < sizeof(buf) ? n - at : sizeof(buf), 0);

		assert_true(got > 0);
		assert_memory_equal(buf, (const uint8_t *)p + at, (size_t)got);
		at += (size_t)got;
	}
}

void expect_end(int fd)
{
	char b;

	assert_int_equal(recv(fd, &b, 1, 0), 0);
}

/* A fatal alert of this number, then the end. */
void expect_alert(int fd, uint8_t number)
{
	uint8_t want[7] = { 0x15, 3, 3, 0, 2, 2, number };

	expect(fd, want, sizeof(want));
	expect_end(fd);
	close(fd);
}
