// SPDX-License-Identifier: Apache-2.0
/*
 * Tests of a worker: a real one in a child process, the test plays control process, clients and
 * backends on loopback. Backends listen on 127.77.0.x, so that the instance table leads to them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "front_rig.h"

/*
 * By instance id and by app id, in upper case, byte by byte: the backend gets the very bytes that
 * were sent.
 */
static void replay(void **state)
{
	static const uint8_t ids[] = { 0x11, 0xaa };
	struct rig r;
	char name[100];
	uint8_t b[32768];

	rig_up(&r);
	for (size_t i = 0; i < DS_ARRAY_SIZE(ids); i++)
		for (int slow = 0; slow < 2; slow++) {
			size_t n;
			int c = dial(&r), s;

			backend_name(&r, ids[i], name);
			for (char *p = name; i && *p; p++)
				if (*p >= 'a' && *p <= 'z' && p[1] != '.')
					*p = (char)(*p - 32);
			n = make_hello(name, b, slow ? 0 : 16000);
			for (size_t k = 0; slow && k < n; k++)
				send_all(c, b + k, 1);
			if (!slow)
				send_all(c, b, n);
			s = take(r.backend);
			expect(s, b, n);
			send_all(s, "from backend", 12);
			expect(c, "from backend", 12);
			send_all(c, "from client", 11);
			expect(s, "from client", 11);
			close(c);
			expect_end(s);
			close(s);
		}
	rig_down(&r);
}

static void half_close_both_ways(void **state)
{
	struct rig r;
	char name[100];
	uint8_t b[1024];
	size_t n;
	int c, s;

	rig_up(&r);
	backend_name(&r, 0x11, name);
	n = make_hello(name, b, 0);
	/* the client ends first, even before the backend was reached: the answer still comes */
	c = dial(&r);
	send_all(c, b, n);
	assert_int_equal(shutdown(c, SHUT_WR), 0);
	s = take(r.backend);
	expect(s, b, n);
	expect_end(s);
	send_all(s, "late answer", 11);
	expect(c, "late answer", 11);
	close(s);
	expect_end(c);
	close(c);
	/* the backend ends first */
	c = dial(&r);
	send_all(c, b, n);
	s = take(r.backend);
	expect(s, b, n);
	assert_int_equal(shutdown(s, SHUT_WR), 0);
	expect_end(c);
	send_all(c, "still here", 10);
	expect(s, "still here", 10);
	close(c);
	expect_end(s);
	close(s);
	rig_down(&r);
}

/* A reset on one side is a reset on the other, not a clean end. */
static void reset_is_passed_on(void **state)
{
	struct linger hard = { .l_onoff = 1 };
	struct rig r;
	char name[100], x;
	uint8_t b[1024];
	size_t n;

	rig_up(&r);
	backend_name(&r, 0x11, name);
	n = make_hello(name, b, 0);
	for (int from_client = 0; from_client < 2; from_client++) {
		int c = dial(&r), s;

		send_all(c, b, n);
		s = take(r.backend);
		expect(s, b, n);
		assert_int_equal(
			setsockopt(from_client ? c : s, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)),
			0);
		close(from_client ? c : s);
		assert_int_equal(recv(from_client ? s : c, &x, 1, 0), -1);
		assert_int_equal(errno, ECONNRESET);
		close(from_client ? s : c);
	}
	rig_down(&r);
}

static uint8_t pattern(uint64_t at)
{
	return (uint8_t)((at * 2654435761u) >> 11);
}

/*
 * Both directions at once, enough to leave the copying path, with a reader that pauses: every byte
 * arrives in order.
 */
static void bulk(void **state)
{
	enum { TOTAL = 24 << 20, PIECE = 60000 };
	static uint8_t out[PIECE], in[PIECE];
	struct rig r;
	char name[100];
	uint8_t b[1024];
	uint64_t sent[2] = { 0 }, got[2] = { 0 };
	int fd[2];
	size_t n;

	rig_up(&r);
	backend_name(&r, 0x11, name);
	n = make_hello(name, b, 0);
	fd[0] = dial(&r);
	send_all(fd[0], b, n);
	fd[1] = take(r.backend);
	expect(fd[1], b, n);
	for (unsigned int round = 0; got[0] < TOTAL || got[1] < TOTAL; round++) {
		struct pollfd p[2];

		for (int i = 0; i < 2; i++) {
			bool pause = i == 1 && round % 64 < 32 && sent[0] < TOTAL;

			p[i] = (struct pollfd){ .fd = fd[i] };
			p[i].events = (short)((sent[i] < TOTAL ? POLLOUT : 0) |
					      (pause || got[i] == TOTAL ? 0 : POLLIN));
		}
		assert_true(poll(p, 2, round % 64 < 32 ? 5 : 10000) >= 0);
		for (int i = 0; i < 2; i++) {
			if (p[i].revents & POLLOUT) {
				size_t want = TOTAL - sent[i] < PIECE ? (size_t)(TOTAL - sent[i])
								      : PIECE;
				ssize_t k;

				for (size_t j = 0; j < want; j++)
					out[j] = pattern(sent[i] + j + (uint64_t)i);
				k = send(fd[i], out, want, MSG_DONTWAIT | MSG_NOSIGNAL);
				assert_true(k > 0);
				sent[i] += (uint64_t)k;
			}
			if (p[i].revents & POLLIN) {
				ssize_t k = recv(fd[i], in, sizeof(in), MSG_DONTWAIT);

				assert_true(k > 0);
				for (ssize_t j = 0; j < k; j++)
					assert_int_equal(in[j], pattern(got[i] + (uint64_t)j +
									(uint64_t)!i));
				got[i] += (uint64_t)k;
			}
		}
	}
	close(fd[0]);
	expect_end(fd[1]);
	close(fd[1]);
	rig_down(&r);
}

/*
 * A reader that goes away in the middle of bulk, when bytes already move in the kernel: the worker
 * lives on.
 */
static void reset_in_bulk(void **state)
{
	static uint8_t piece[100000];
	struct rig r;
	char name[100];
	uint8_t b[1024];
	size_t n;

	rig_up(&r);
	backend_name(&r, 0x11, name);
	n = make_hello(name, b, 0);
	for (int round = 0; round < 5; round++) {
		int c = dial(&r), s;
		size_t got = 0;

		send_all(c, b, n);
		s = take(r.backend);
		expect(s, b, n);
		while (got < 1 << 20) {
			ssize_t k = send(c, piece, sizeof(piece), MSG_DONTWAIT | MSG_NOSIGNAL);

			assert_true(k > 0 || errno == EAGAIN);
			k = recv(s, piece, sizeof(piece), 0);
			assert_true(k > 0);
			got += (size_t)k;
		}
		close(s); /* with unread bytes: a reset */
		while (send(c, piece, sizeof(piece), MSG_NOSIGNAL) > 0)
			;
		assert_true(errno == EPIPE || errno == ECONNRESET);
		close(c);
	}
	rig_down(&r);
}

/* Each refusal has its alert, and the reason is not a timeout. */
static void refusals(void **state)
{
	static const struct {
		uint8_t id;
		const char *rest;
		uint8_t alert;
	} tab[] = {
		{ 0x22, "-443s", 112 }, /* nobody has this id */
		{ 0x11, "", 112 },	/* termination: not yet */
		{ 0x11, "-8080", 112 },	    { 0x11, "-8080g", 112 },
		{ 0x11, "-1-2", 112 },	    /* outside the grammar */
		{ 0x11, "-443s.sub", 112 }, /* two labels */
		{ 0x11, "-1s", 80 },	    /* nothing listens there */
	};
	uint8_t b[1024];
	struct rig r;
	char name[100];
	size_t n;
	int c;

	rig_up(&r);
	for (size_t i = 0; i < DS_ARRAY_SIZE(tab); i++) {
		id_name(name, sizeof(name), tab[i].id, tab[i].rest);
		c = dial(&r);
		hello_to(c, name);
		expect_alert(c, tab[i].alert);
	}
	c = dial(&r);
	hello_to(c, "short-443s.apps.test");
	expect_alert(c, 112);
	c = dial(&r);
	hello_to(c, "www.example.com");
	expect_alert(c, 112);
	c = dial(&r);
	n = make_hello("bad name.apps.test", b, 0);
	send_all(c, b, n);
	expect_alert(c, 50);
	/* not TLS at all: no alert, just the end */
	c = dial(&r);
	send_all(c, "GET / HTTP/1.1\r\n\r\n", 18);
	assert_true(recv(c, b, sizeof(b), 0) <= 0);
	close(c);
	rig_down(&r);
}

static void port_policy(void **state)
{
	struct ds_gw_msg m = { .kind = DS_GW_PUT,
			       .instance = { .ip = IP1, .restricted = 1, .n_ports = 1 } };
	struct rig r;
	char name[100];
	int c, s;

	rig_up(&r);
	memset(m.instance.instance_id, 0x33, DS_GW_ID_LEN);
	memset(m.instance.app_id, 0xbb, DS_GW_ID_LEN);
	m.instance.ports[0] = r.backend_port;
	assert_int_equal(send(r.control, &m, sizeof(m), 0), sizeof(m));
	id_name(name, sizeof(name), 0x33, "-9s");
	c = dial(&r);
	hello_to(c, name);
	expect_alert(c, 49);
	backend_name(&r, 0x33, name);
	c = dial(&r);
	hello_to(c, name);
	s = take(r.backend);
	close(s);
	close(c);
	rig_down(&r);
}

/* An app with a dead and a living instance is always reached. */
static void next_instance_is_tried(void **state)
{
	struct rig r;
	char name[100];

	rig_up(&r);
	tell(&r, DS_GW_PUT, 0x44, 0xaa, IP2); /* nothing listens on IP2 */
	backend_name(&r, 0xaa, name);
	for (int i = 0; i < 20; i++) {
		int c = dial(&r), s;

		hello_to(c, name);
		s = take(r.backend);
		send_all(s, "ok", 2);
		expect(c, "ok", 2);
		close(c);
		close(s);
	}
	tell(&r, DS_GW_DELETE, 0x11, 0, 0);
	int c = dial(&r);
	hello_to(c, name);
	expect_alert(c, 80);
	rig_down(&r);
}

static uint64_t ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A slow hello and a silent relay both end in time; what makes progress does not. */
static void deadlines(void **state)
{
	struct rig r;
	char name[100], x;
	uint8_t b[1024];
	uint64_t start;
	size_t n;
	int c, c2, s;

	conf.handshake_ms = 800;
	conf.idle_ms = 600;
	rig_up(&r);
	conf.handshake_ms = 20000;
	conf.idle_ms = 60000;
	backend_name(&r, 0x11, name);
	n = make_hello(name, b, 0);
	c = dial(&r);
	send_all(c, b, n);
	s = take(r.backend);
	expect(s, b, n);
	c2 = dial(&r);
	send_all(c2, b, n - 1);
	start = ms();
	while (ms() - start < 10000) { /* keeps c alive beyond its idle time */
		struct pollfd p = { .fd = c2, .events = POLLIN };

		send_all(c, "x", 1);
		expect(s, "x", 1);
		if (poll(&p, 1, 50) == 1)
			break;
	}
	assert_true(ms() - start >= 700 && ms() - start < 9000);
	assert_true(recv(c2, &x, 1, 0) <= 0);
	close(c2);
	start = ms();
	assert_int_equal(recv(c, &x, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_true(ms() - start >= 100 && ms() - start < 9000);
	close(c);
	close(s);
	rig_down(&r);
}

/* At the cap the oldest connection without a hello makes room; established ones are left alone. */
static void connection_cap(void **state)
{
	struct rig r;
	char name[100], x;
	int c[10], s, last;

	conf.max_connections = 10;
	rig_up(&r);
	backend_name(&r, 0x11, name);
	c[0] = dial(&r);
	hello_to(c[0], name);
	s = take(r.backend);
	send_all(s, "1", 1);
	expect(c[0], "1", 1);
	for (int i = 1; i < 10; i++)
		c[i] = dial(&r);
	last = dial(&r);
	assert_int_equal(recv(c[1], &x, 1, 0), 0); /* the oldest silent one */
	hello_to(last, name);
	int s2 = take(r.backend);
	send_all(s, "2", 1);
	expect(c[0], "2", 1);
	for (int i = 0; i < 10; i++)
		close(c[i]);
	close(last);
	close(s);
	close(s2);
	rig_down(&r);
	conf.max_connections = 100;
}

/* Established connections and routing go on without a control process. */
static void control_may_die(void **state)
{
	struct rig r;
	char name[100];
	int c, s;

	rig_up(&r);
	backend_name(&r, 0x11, name);
	c = dial(&r);
	hello_to(c, name);
	s = take(r.backend);
	close(r.control);
	send_all(s, "on", 2);
	expect(c, "on", 2);
	close(c);
	close(s);
	c = dial(&r);
	hello_to(c, name);
	s = take(r.backend);
	close(s);
	close(c);
	r.control = dup(0);
	rig_down(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replay),
		cmocka_unit_test(half_close_both_ways),
		cmocka_unit_test(reset_is_passed_on),
		cmocka_unit_test(bulk),
		cmocka_unit_test(reset_in_bulk),
		cmocka_unit_test(refusals),
		cmocka_unit_test(port_policy),
		cmocka_unit_test(next_instance_is_tried),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(connection_cap),
		cmocka_unit_test(control_may_die),
	};

	strcpy(conf.base_domain, "apps.test");
	conf.handshake_ms = 20000;
	conf.connect_ms = 1000;
	conf.idle_ms = 60000;
	conf.max_connections = 100;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
