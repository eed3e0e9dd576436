// SPDX-License-Identifier: Apache-2.0
/* The client against servers that are odd: names, silence, replies that are not what they say. */
#include "rig_test.h"

#include <event2/dns.h>
#include <event2/dns_struct.h>

/* A name server that knows one name; the rest do not exist. */
static void answer_dns(struct evdns_server_request *q, void *arg)
{
	static const uint8_t loopback[4] = { 127, 0, 0, 1 };
	int code = DNS_ERR_NOTEXIST;

	for (int i = 0; i < q->nquestions; i++) {
		if (strcasecmp(q->questions[i]->name, "kms.example"))
			continue;
		code = 0;
		if (q->questions[i]->type == EVDNS_TYPE_A)
			assert_int_equal(evdns_server_request_add_a_reply(q, q->questions[i]->name,
									  1, loopback, 60),
					 0);
	}
	assert_int_equal(evdns_server_request_respond(q, code), 0);
}

static void test_dns(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct evdns_server_port *dns;
	struct ds_tls_cfg tc = { 0 };
	struct ds_server_cfg cfg = { .addr = "127.0.0.1" };
	struct ds_client_cfg cc = { .connect_ms = 3000 };
	char url[64], ns[32];
	socklen_t n = sizeof(in);
	struct rig rig;
	struct pki a;

	pki_make(&a, "kms", "kms.example");
	tc.cert_pem = ds_buf_span(&a.leaf_pem);
	tc.key = a.key;
	assert_int_equal(ds_tls_server_new(&tc, &cfg.tls, NULL), 0);
	rig_start(&rig, &cfg);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	dns = evdns_add_server_port_with_base(ds_loop_base(rig.loop), fd, 0, answer_dns, NULL);
	assert_non_null(dns);
	snprintf(ns, sizeof(ns), "127.0.0.1:%u", ntohs(in.sin_port));
	cc.nameserver = ns;
	cc.roots_pem = ds_buf_span(&a.root_pem);
	snprintf(url, sizeof(url), "https://kms.example:%u/Echo", ds_server_port(rig.srv));
	call(&rig, &cc, url, "{}");
	assert_int_equal(rig.r, 0);
	snprintf(url, sizeof(url), "https://other.example:%u/Echo", ds_server_port(rig.srv));
	call(&rig, &cc, url, "{}");
	assert_int_equal(rig.r, -EHOSTUNREACH);
	assert_non_null(strstr(rig.err.msg, "other.example: "));
	evdns_close_server_port(dns);
	rig_stop(&rig);
	ds_tls_ctx_free(cfg.tls);
	pki_done(&a);
}

/* A name server that says nothing: the deadline counts, and nothing is touched after it (for the
 * sanitizer). */
static void test_silent_dns(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct ds_client_cfg cc = { .connect_ms = 50 };
	struct ds_server_cfg cfg = { 0 };
	DS_BUF struct ds_buf body = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	socklen_t n = sizeof(in);
	struct ds_call *c;
	struct rig rig;
	char ns[32];
	int status;

	rig_start(&rig, &cfg);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	snprintf(ns, sizeof(ns), "127.0.0.1:%u", ntohs(in.sin_port));
	cc.nameserver = ns;
	call(&rig, &cc, "http://kms.example/x", NULL);
	assert_int_equal(rig.r, -ETIMEDOUT);
	assert_non_null(strstr(rig.err.msg, "kms.example: no connection in time"));
	event_base_loop(ds_loop_base(rig.loop), EVLOOP_NONBLOCK);
	assert_int_equal(ds_call(&cc, "http://kms.example/x", DS_SPAN_NULL, &body, &status, &err),
			 -ETIMEDOUT);
	/* cancelled while the name is being looked up */
	assert_int_equal(ds_call_start(ds_loop_base(rig.loop), &cc, "http://kms.example/x",
				       DS_SPAN_NULL, on_done, &rig, &c, &err),
			 0);
	event_base_loop(ds_loop_base(rig.loop), EVLOOP_NONBLOCK);
	assert_null(ds_call_cancel(c));
	event_base_loop(ds_loop_base(rig.loop), EVLOOP_NONBLOCK);
	close(fd);
	rig_stop(&rig);
}

/* Replies that are not what they say: refused, not believed. The server speaks without listening.
 */
struct script {
	const char *text;
	int fd;
};

static void serve_text(evutil_socket_t fd, short what, void *arg)
{
	struct script *s = arg;

	s->fd = accept(fd, NULL, NULL);
	assert_true(s->fd >= 0);
	assert_int_equal(write(s->fd, s->text, strlen(s->text)), strlen(s->text));
	shutdown(s->fd, SHUT_WR);
}

#define CODING "Transfer-Encoding: chunked\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\n" CODING "\r\n"
#define CHUNKED_TWICE "HTTP/1.1 200 OK\r\n" CODING CODING "\r\n"

static void test_bad_replies(void **state)
{
	static const struct {
		const char *text;
		int r, status;
	} t[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0, 200 },
		{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 0,
		  503 },
		{ "HTTP/1.1 204 Nothing\r\n\r\n", 0, 204 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", -ECONNRESET, 0 },
		{ "HTTP/1.1 200 OK\r\n\r\nok", -EBADMSG, 0 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: x\r\n\r\nok",
		  -EBADMSG, 0 },
		{ CHUNKED "2\r\nok\r\n0\r\n\r\n", 0, 200 },
		{ CHUNKED "0\r\n\r\n", 0, 200 },
		{ CHUNKED "2\r\nok\r\n0\r\n", -ECONNRESET, 0 },
		{ CHUNKED "2\r\nok\r\n", -ECONNRESET, 0 },
		{ CHUNKED "", -ECONNRESET, 0 },
		{ CHUNKED "2\r\nokay0\r\n\r\n", -EBADMSG, 0 },
		{ CHUNKED "2;x=y\r\nok\r\n0\r\n\r\n", -EBADMSG, 0 },
		{ CHUNKED "2\r\nok\r\n0\r\nX: y\r\n\r\n", -EBADMSG, 0 },
		{ CHUNKED "65\r\nok", -EFBIG, 0 },
		{ CHUNKED "ffffffff\r\nok", -EFBIG, 0 },
		{ CHUNKED "100000002\r\nok", -EBADMSG, 0 },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", -EBADMSG, 0 },
		{ CHUNKED_TWICE "0\r\n\r\n", -EBADMSG, 0 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		  -EBADMSG, 0 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\nok", -EFBIG, 0 },
		{ "220 smtp\r\n", -EBADMSG, 0 },
		{ "", -ECONNRESET, 0 },
	};
	struct ds_client_cfg cc = { .max_reply = 100, .total_ms = 5000 };
	struct ds_server_cfg cfg = { 0 };
	struct rig rig;

	rig_start(&rig, &cfg);
	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct sockaddr_un sa = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		char url[160];
		struct script script = { t[i].text, -1 };
		struct event *ev;

		snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/bad", rig.dir);
		assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
		assert_int_equal(listen(fd, 1), 0);
		ev = event_new(ds_loop_base(rig.loop), fd, EV_READ, serve_text, &script);
		assert_int_equal(event_add(ev, NULL), 0);
		snprintf(url, sizeof(url), "unix:%s:/x", sa.sun_path);
		call(&rig, &cc, url, NULL);
		if (rig.r != t[i].r || (!rig.r && rig.status != t[i].status))
			fail_msg("%zu: got %d %s, status %d", i, rig.r, rig.err.msg, rig.status);
		event_free(ev);
		close(fd);
		close(script.fd);
		unlink(sa.sun_path);
	}
	rig_stop(&rig);
}

/* A reply in chunks of 1 to 19 bytes, each write of the server a few bytes of it. */
struct drip {
	struct ds_buf text;
	size_t at, step;
	int fd;
	struct event *ev;
};

static void drip_on(evutil_socket_t fd, short what, void *arg)
{
	struct drip *d = arg;
	size_t n = d->text.n - d->at < d->step ? d->text.n - d->at : d->step;

	assert_int_equal(write(fd, d->text.p + d->at, n), n);
	d->at += n;
	if (d->at == d->text.n)
		event_del(d->ev);
}

static void drip_accept(evutil_socket_t fd, short what, void *arg)
{
	struct drip *d = arg;

	d->fd = accept(fd, NULL, NULL);
	assert_true(d->fd >= 0);
	d->ev = event_new(event_get_base(d->ev), d->fd, EV_WRITE | EV_PERSIST, drip_on, d);
	assert_int_equal(event_add(d->ev, NULL), 0);
}

static void drip(struct rig *rig, struct drip *d)
{
	struct ds_client_cfg cc = { .max_reply = 100000, .total_ms = 5000 };
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct event *listener;
	char url[160];

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/drip", rig->dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	listener = d->ev = event_new(ds_loop_base(rig->loop), fd, EV_READ, drip_accept, d);
	assert_int_equal(event_add(listener, NULL), 0);
	snprintf(url, sizeof(url), "unix:%s:/x", sa.sun_path);
	call(rig, &cc, url, NULL);
	event_free(listener);
	event_free(d->ev);
	close(fd);
	close(d->fd);
	unlink(sa.sun_path);
}

static void test_chunks(void **state)
{
	static const size_t steps[] = { 1, 2, 3, 7, 64, 100000 };
	struct ds_server_cfg cfg = { 0 };
	struct rig rig;

	rig_start(&rig, &cfg);
	for (size_t i = 0; i < DS_ARRAY_SIZE(steps); i++) {
		DS_BUF struct ds_buf want = DS_BUF_NULL;
		struct drip d = { .text = DS_BUF_NULL, .step = steps[i], .fd = -1 };

		assert_int_equal(ds_buf_addf(&d.text, "%s", CHUNKED), 0);
		for (unsigned n = 1; n < 20; n++) {
			char piece[20];

			memset(piece, 'a' + (int)n, n);
			assert_int_equal(ds_buf_addf(&d.text, n & 1 ? "%x\r\n" : "00%X\r\n", n), 0);
			assert_int_equal(ds_buf_add(&d.text, piece, n), 0);
			assert_int_equal(ds_buf_add(&d.text, "\r\n", 2), 0);
			assert_int_equal(ds_buf_add(&want, piece, n), 0);
		}
		assert_int_equal(ds_buf_addf(&d.text, "0\r\n\r\n"), 0);
		drip(&rig, &d);
		assert_int_equal(rig.r, 0);
		assert_int_equal(rig.status, 200);
		assert_true(ds_span_eq(ds_buf_span(&rig.body), ds_buf_span(&want)));
		ds_buf_done(&d.text);
	}
	rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_silent_dns),
		cmocka_unit_test(test_bad_replies),
		cmocka_unit_test(test_chunks),
	};

	if (ds_net_wipe_on_free())
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
