// SPDX-License-Identifier: Apache-2.0
/* More callers than places: silence loses its place, a request does not, an address has its share.
 */
#include "rig_test.h"
#include "server_priv.h"

#include <event2/bufferevent.h>
#include <fcntl.h>
#include <netinet/in.h>

#define HOLD "POST /Hold?json HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
#define ECHO "POST /Echo?json HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
#define HALF "POST /Echo?json HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"

static void turn(struct rig *rig)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(ds_loop_base(rig->loop), EVLOOP_NONBLOCK);
}

static void say(struct rig *rig, int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	turn(rig);
}

static int dial_unix(struct rig *rig)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", rig->sock);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	turn(rig);
	return fd;
}

/* From 127.0.0.LAST. */
static int dial_tcp(struct rig *rig, uint8_t last)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr = { htonl(0x7f000000u | last) } };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr = { htonl(INADDR_LOOPBACK) },
				  .sin_port = htons(ds_server_port(rig->srv)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	turn(rig);
	return fd;
}

/* 'o'pen and silent, 'c'losed, or the first digit of a reply's status. */
static char state(int fd)
{
	char buf[256] = "";
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);

	if (n > 9)
		return buf[9];
	return n < 0 && errno == EAGAIN ? 'o' : 'c';
}

static void close_all(struct rig *rig, int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fd[i]);
	turn(rig);
}

static void test_silence(void **unused)
{
	struct ds_server_cfg cfg = { .max_conns = 4 };
	struct rig rig;
	int fd[10], last;

	rig_start(&rig, &cfg);
	rig.srv->grace_ms = 0;
	for (size_t i = 0; i < DS_ARRAY_SIZE(fd); i++)
		fd[i] = dial_unix(&rig);
	for (size_t i = 0; i < DS_ARRAY_SIZE(fd); i++)
		assert_int_equal(state(fd[i]), i < 6 ? 'c' : 'o');
	last = dial_unix(&rig);
	say(&rig, last, ECHO);
	assert_int_equal(state(last), '2');
	assert_int_equal(state(fd[6]), 'c');
	assert_int_equal(state(fd[7]), 'o');
	close(last);
	close_all(&rig, fd, DS_ARRAY_SIZE(fd));
	rig_stop(&rig);
}

/* Who has begun with its body goes after those who have said nothing, however old. */
static void test_body(void **unused)
{
	struct ds_server_cfg cfg = { .max_conns = 3 };
	struct rig rig;
	int fd[5];

	rig_start(&rig, &cfg);
	rig.srv->grace_ms = 0;
	fd[0] = dial_unix(&rig);
	say(&rig, fd[0], HALF);
	fd[1] = dial_unix(&rig);
	say(&rig, fd[1], HALF);
	fd[2] = dial_unix(&rig);
	fd[3] = dial_unix(&rig);
	assert_int_equal(state(fd[2]), 'c');
	say(&rig, fd[3], HALF);
	fd[4] = dial_unix(&rig);
	assert_int_equal(state(fd[0]), 'c');
	assert_int_equal(state(fd[1]), 'o');
	say(&rig, fd[4], ECHO);
	assert_int_equal(state(fd[4]), '2');
	close_all(&rig, fd, DS_ARRAY_SIZE(fd));
	rig_stop(&rig);
}

/* A place is kept for a moment, then the queue moves by itself. */
static void test_grace(void **unused)
{
	struct ds_server_cfg cfg = { .max_conns = 2 };
	struct rig rig;
	int fd[4];
	char got;

	rig_start(&rig, &cfg);
	rig.srv->grace_ms = 60000;
	for (size_t i = 0; i < 3; i++)
		fd[i] = dial_unix(&rig);
	say(&rig, fd[2], ECHO);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(state(fd[i]), 'o');
	/* one place is free again, and the next who waits have but a moment */
	rig.srv->grace_ms = 30;
	close(fd[0]);
	turn(&rig);
	assert_int_equal(state(fd[2]), '2');
	close(fd[2]);
	fd[2] = dial_unix(&rig);
	fd[3] = dial_unix(&rig);
	say(&rig, fd[3], ECHO);
	for (got = 'o'; got == 'o'; got = state(fd[3]))
		event_base_loop(ds_loop_base(rig.loop), EVLOOP_ONCE);
	assert_int_equal(got, '2');
	assert_int_equal(state(fd[1]), 'c');
	close_all(&rig, fd + 1, 3);
	rig_stop(&rig);
}

/* Complete requests stay; the next caller waits and is served when one is answered. */
static void test_requests_stay(void **unused)
{
	struct ds_server_cfg cfg = { .max_conns = 3 };
	struct ds_req *held[3];
	struct rig rig;
	int fd[3], late[2];

	rig_start(&rig, &cfg);
	for (size_t i = 0; i < 3; i++) {
		fd[i] = dial_unix(&rig);
		say(&rig, fd[i], HOLD);
		assert_non_null(rig.held);
		held[i] = rig.held;
		rig.held = NULL;
	}
	for (size_t i = 0; i < 2; i++) {
		late[i] = dial_unix(&rig);
		say(&rig, late[i], ECHO);
		assert_int_equal(state(late[i]), 'o');
	}
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(state(fd[i]), 'o');
	ds_req_reply_json(held[1], 200, NULL);
	turn(&rig);
	assert_int_equal(state(fd[1]), '2');
	close(fd[1]);
	turn(&rig);
	assert_int_equal(state(late[0]), '2');
	close(late[0]);
	turn(&rig);
	assert_int_equal(state(late[1]), '2');
	ds_req_reply_json(held[0], 200, NULL);
	ds_req_reply_json(held[2], 200, NULL);
	turn(&rig);
	assert_int_equal(state(fd[0]), '2');
	assert_int_equal(state(fd[2]), '2');
	close(fd[0]);
	close(fd[2]);
	close_all(&rig, &late[1], 1);
	rig_stop(&rig);
}

/* Whatever 127.0.0.1 does, 127.0.0.2 keeps its place. */
static void test_share(void **unused)
{
	struct ds_server_cfg cfg = { .addr = "127.0.0.1", .max_conns = 8 };
	struct ds_req *held[2];
	struct rig rig;
	int fd[12], hold[2], other, third;

	rig_start(&rig, &cfg);
	other = dial_tcp(&rig, 2);
	for (size_t i = 0; i < DS_ARRAY_SIZE(fd); i++)
		fd[i] = dial_tcp(&rig, 1);
	for (size_t i = 0; i < DS_ARRAY_SIZE(fd); i++)
		assert_int_equal(state(fd[i]), i < 10 ? 'c' : 'o');
	assert_int_equal(state(other), 'o');
	close_all(&rig, fd, DS_ARRAY_SIZE(fd));
	for (size_t i = 0; i < 2; i++) {
		hold[i] = dial_tcp(&rig, 1);
		say(&rig, hold[i], HOLD);
		held[i] = rig.held;
		rig.held = NULL;
	}
	third = dial_tcp(&rig, 1);
	assert_int_equal(state(third), 'c');
	say(&rig, other, ECHO);
	assert_int_equal(state(other), '2');
	for (size_t i = 0; i < 2; i++)
		ds_req_reply_json(held[i], 200, NULL);
	turn(&rig);
	assert_int_equal(state(hold[0]), '2');
	assert_int_equal(state(hold[1]), '2');
	close(other);
	close(third);
	close_all(&rig, hold, 2);
	rig_stop(&rig);
}

/* A herd from one address: who talks is not thrown out by who comes next, until its moment is over. */
static void test_herd(void **unused)
{
	struct ds_server_cfg cfg = { .addr = "127.0.0.1", .max_conns = 8 };
	struct rig rig;
	int fd[2], silent, late;

	rig_start(&rig, &cfg);
	rig.srv->talk_ms = 60000;
	for (size_t i = 0; i < 2; i++) {
		fd[i] = dial_tcp(&rig, 1);
		say(&rig, fd[i], i ? HALF : "POST ");
	}
	late = dial_tcp(&rig, 1);
	assert_int_equal(state(late), 'c');
	close(late);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(state(fd[i]), 'o');
	/* silence is no reason to wait, however new */
	close(fd[0]);
	turn(&rig);
	silent = dial_tcp(&rig, 1);
	late = dial_tcp(&rig, 1);
	assert_int_equal(state(silent), 'c');
	say(&rig, late, ECHO);
	assert_int_equal(state(late), '2');
	close(silent);
	close(late);
	turn(&rig);
	/* and talking is not for ever */
	fd[0] = dial_tcp(&rig, 1);
	say(&rig, fd[0], "POST ");
	rig.srv->talk_ms = 0;
	late = dial_tcp(&rig, 1);
	assert_int_equal(state(fd[0]), 'c');
	assert_int_equal(state(fd[1]), 'o');
	close(late);
	close_all(&rig, fd, 2);
	rig_stop(&rig);
}

static void test_who(void **unused)
{
	static const struct {
		const char *a, *b;
		bool same;
	} t[] = {
		{ "2001:db8::1", "2001:db8::ffff:1:2:3", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "::ffff:10.0.0.1", "::ffff:10.0.0.2", false },
		{ "::1", "::ffff:10.0.0.2", false },
	};
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr = { htonl(0x0a000001) } };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	uint8_t a[8], b[8], zero[8] = { 0 };

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct sockaddr_in6 x = { .sin6_family = AF_INET6 }, y = x;

		assert_int_equal(inet_pton(AF_INET6, t[i].a, &x.sin6_addr), 1);
		assert_int_equal(inet_pton(AF_INET6, t[i].b, &y.sin6_addr), 1);
		ds_conn_who((struct sockaddr *)&x, a);
		ds_conn_who((struct sockaddr *)&y, b);
		assert_int_equal(!memcmp(a, b, 8), t[i].same);
		assert_memory_not_equal(a, zero, 8);
		if (i == 2) {
			ds_conn_who((struct sockaddr *)&v4, b);
			assert_memory_equal(a, b, 8);
		}
	}
	ds_conn_who((struct sockaddr *)&un, a);
	assert_memory_equal(a, zero, 8);
}

/* A session that breaks while its request is served: the server ends, then the handler replies. */
static void test_broken_while_served(void **unused)
{
	struct ds_server_cfg cfg = { .max_conns = 4 };
	struct rig rig;
	int fd;

	rig_start(&rig, &cfg);
	fd = dial_unix(&rig);
	say(&rig, fd, HOLD);
	assert_non_null(rig.held);
	bufferevent_trigger_event(((struct conn *)rig.held)->bev,
				  BEV_EVENT_READING | BEV_EVENT_ERROR, 0);
	turn(&rig);
	assert_null(((struct conn *)rig.held)->bev);
	ds_server_free(rig.srv);
	rig.srv = NULL;
	ds_req_reply_json(rig.held, 200, NULL);
	close_all(&rig, &fd, 1);
	rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silence), cmocka_unit_test(test_body),
		cmocka_unit_test(test_grace),	cmocka_unit_test(test_requests_stay),
		cmocka_unit_test(test_share),	cmocka_unit_test(test_herd),
		cmocka_unit_test(test_who),	cmocka_unit_test(test_broken_while_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
