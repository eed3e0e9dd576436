// SPDX-License-Identifier: Apache-2.0
/* Server and client against each other: Unix socket, TLS with and without client certificates,
 * limits, deadlines. */
#include <ds/net/client.h>
#include <ds/net/loop.h>
#include <ds/net/prpc.h>
#include <ds/net/server.h>
#include <ds/x509/cert.h>
#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <cmocka.h>

struct pki {
	struct ds_p256 *root_key, *key;
	struct ds_buf root_der, root_pem, leaf_der, leaf_pem;
};

static void pki_make(struct pki *pki, const char *cn, const char *san)
{
	uint8_t spki[DS_P256_SPKI_SIZE];
	struct ds_cert_spec spec = { .subject = cn,
				     .is_ca = true,
				     .pathlen = 1,
				     .not_before = DS_CERT_DEFAULT_NOT_BEFORE,
				     .not_after = time(NULL) + 3600,
				     .spki = DS_SPAN_ARRAY(spki) };

	*pki = (struct pki){ 0 };
	assert_int_equal(ds_p256_generate(&pki->root_key), 0);
	assert_int_equal(ds_p256_spki(pki->root_key, spki), 0);
	assert_int_equal(ds_cert_issue(&spec, pki->root_key, DS_SPAN_NULL, &pki->root_der, NULL),
			 0);
	assert_int_equal(ds_cert_pem(ds_buf_span(&pki->root_der), &pki->root_pem), 0);
	assert_int_equal(ds_p256_generate(&pki->key), 0);
	assert_int_equal(ds_p256_spki(pki->key, spki), 0);
	spec.subject = "leaf"; /* one name for issuer and subject would read as self-signed */
	spec.is_ca = false;
	spec.alt_names = &san;
	spec.n_alt_names = 1;
	assert_int_equal(ds_cert_issue(&spec, pki->root_key, ds_buf_span(&pki->root_der),
				       &pki->leaf_der, NULL),
			 0);
	assert_int_equal(ds_cert_pem(ds_buf_span(&pki->leaf_der), &pki->leaf_pem), 0);
}

static void pki_done(struct pki *pki)
{
	ds_p256_free(pki->root_key);
	ds_p256_free(pki->key);
	ds_buf_done(&pki->root_der);
	ds_buf_done(&pki->root_pem);
	ds_buf_done(&pki->leaf_der);
	ds_buf_done(&pki->leaf_pem);
}

struct rig {
	struct ds_loop *loop;
	struct ds_server *srv;
	char dir[32], sock[64], url[96];
	struct ds_buf seen_cert;
	size_t seen_body;
	struct ds_req *held;
	/* result of a call */
	bool done;
	int r, status;
	struct ds_buf body;
	struct ds_err err;
};

static void echo(void *ctx, struct ds_req *req, json_t *args)
{
	struct rig *rig = ctx;

	rig->seen_body = req->body.n;
	ds_buf_done(&rig->seen_cert);
	assert_int_equal(ds_buf_add_span(&rig->seen_cert, req->peer_cert), 0);
	ds_req_reply_json(req, 200, args);
}

static void hold(void *ctx, struct ds_req *req, json_t *args)
{
	struct rig *rig = ctx;

	rig->held = req;
}

static void secret(void *ctx, struct ds_req *req, json_t *args)
{
	struct ds_secret *s = ds_secret_from("0123456789", 10);

	assert_non_null(s);
	ds_req_reply_secret(req, 200, "application/octet-stream", &s, 4);
	assert_null(s);
}

static const struct ds_prpc_method methods[] = {
	{ "Echo", echo, false },
	{ "Hold", hold, false },
	{ "Secret", secret, true },
};
static struct ds_prpc_service service = { .name = "Test",
					  .paths = DS_PRPC_ROOT | DS_PRPC_PREFIX,
					  .methods = methods,
					  .n_methods = DS_ARRAY_SIZE(methods) };

static void rig_start(struct rig *rig, struct ds_server_cfg *cfg)
{
	struct ds_err err = DS_ERR_NULL;

	*rig = (struct rig){ 0 };
	strcpy(rig->dir, "/tmp/ds-net-XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	snprintf(rig->sock, sizeof(rig->sock), "%s/s", rig->dir);
	if (!cfg->addr) {
		cfg->unix_path = rig->sock;
		cfg->unix_mode = 0600;
	}
	assert_int_equal(ds_loop_new(&rig->loop), 0);
	if (ds_server_new(ds_loop_base(rig->loop), cfg, &rig->srv, &err))
		fail_msg("%s", err.msg);
	service.ctx = rig;
	assert_int_equal(ds_prpc_mount(rig->srv, &service), 0);
}

static void rig_stop(struct rig *rig)
{
	ds_server_free(rig->srv);
	ds_loop_free(rig->loop);
	ds_buf_done(&rig->seen_cert);
	ds_buf_done(&rig->body);
	assert_int_equal(rmdir(rig->dir), 0);
}

static void on_done(void *arg, int r, int status, struct ds_span body, const struct ds_err *err)
{
	struct rig *rig = arg;

	rig->done = true;
	rig->r = r;
	rig->status = status;
	rig->err = *err;
	assert_int_equal(ds_buf_add_span(&rig->body, body), 0);
	ds_loop_stop(rig->loop, 0);
}

static void call(struct rig *rig, const struct ds_client_cfg *cfg, const char *url,
		 const char *body)
{
	struct ds_call *c;

	rig->done = false;
	ds_buf_done(&rig->body);
	rig->r = ds_call_start(ds_loop_base(rig->loop), cfg, url,
			       body ? DS_SPAN_STR(body) : DS_SPAN_NULL, on_done, rig, &c,
			       &rig->err);
	if (rig->r)
		return;
	ds_loop_run(rig->loop);
	assert_true(rig->done);
}

static const char *ucall(struct rig *rig, const char *path, const char *body)
{
	char url[160];

	snprintf(url, sizeof(url), "unix:%s:%s", rig->sock, path);
	call(rig, &(struct ds_client_cfg){ 0 }, url, body);
	return rig->r ? rig->err.msg : ds_buf_cstr(&rig->body);
}

static void test_unix(void **state)
{
	static const struct {
		const char *path, *body;
		int status;
		const char *want;
	} t[] = {
		{ "/Echo?json", "{\"b\":1,\"a\":\"\\u00e9\"}", 200, "{\"b\":1,\"a\":\"\\u00E9\"}" },
		{ "/prpc/Echo", "", 200, "{}" },
		{ "/prpc/Test.Echo", "{}", 200, "{}" },
		{ "/prpc/Test.Test.Echo", "{}", 200, "{}" },
		{ "/Echo", "[]", 400, "{\n  \"error\": \"expected a JSON object\"\n}" },
		{ "/Echo", "{\"a\":1,\"a\":2}", 400, NULL },
		{ "/Nope", "{}", 400, "{\n  \"error\": \"Service not found: Nope\"\n}" },
		{ "/prpc/Other.Echo", "{}", 400,
		  "{\n  \"error\": \"Service not found: Other.Echo\"\n}" },
		{ "/a/b", "{}", 404, NULL },
		{ "/Secret", "junk", 200, "0123" },
	};
	struct ds_server_cfg cfg = { 0 };
	struct rig rig;
	struct stat st;

	rig_start(&rig, &cfg);
	assert_int_equal(stat(rig.sock, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		const char *got = ucall(&rig, t[i].path, t[i].body);

		assert_int_equal(rig.r, 0);
		if (t[i].want)
			assert_string_equal(got, t[i].want);
		assert_int_equal(rig.status, t[i].status);
	}
	assert_null(strchr(ucall(&rig, "/Echo?path=a+b%2fc&n=3", NULL), '\n'));
	assert_non_null(strstr(ds_buf_cstr(&rig.body), "\"path\":\"a b/c\",\"n\":\"3\""));
	rig_stop(&rig);
}

/* Raw bytes in, the reply out; -1 when the server closed without one. */
static int raw(struct rig *rig, const char *bytes, size_t n, bool half_close, char *out, size_t cap)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	size_t got = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(sa.sun_path, rig->sock);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(write(fd, bytes, n), n);
	if (half_close)
		shutdown(fd, SHUT_WR);
	for (;;) {
		ssize_t k;

		event_base_loop(ds_loop_base(rig->loop), EVLOOP_ONCE);
		while ((k = read(fd, out + got, cap - 1 - got)) > 0)
			got += (size_t)k;
		if (!k || errno != EAGAIN)
			break;
		if (rig->held) {
			struct ds_req *req = rig->held;

			rig->held = NULL;
			ds_req_reply_json(req, 200, NULL);
		}
	}
	out[got] = '\0';
	close(fd);
	event_base_loop(ds_loop_base(rig->loop), EVLOOP_NONBLOCK);
	return got ? atoi(out + 9) : -1;
}

static void test_raw(void **state)
{
	static const struct {
		const char *in;
		int status;
		const char *has;
	} t[] = {
		{ "POST http://unix.socket/Echo?json HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 200,
		  "\r\n\r\n{}" },
		{ "POST /Echo HTTP/1.1\r\nContent-Type: application/json\r\nContent-Type: "
		  "application/json\r\n"
		  "Content-Length: 2\r\n\r\n{}trailing",
		  200, "Content-Length: 2\r\nConnection: close\r\n" },
		{ "POST /Echo HTTP/1.1\r\nContent-Type: application/json; "
		  "charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
		  200, "" },
		{ "POST /Echo HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400,
		  "protobuf bodies are not supported" },
		{ "POST /Hold?json HTTP/1.1\r\n\r\n", 200, "null" },
		{ "POST /Echo?json HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411,
		  "Content-Length" },
		{ "POST /Echo?json HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		  400, "two different" },
		{ "POST /Echo?json HTTP/1.1\r\nContent-Length: -2\r\n\r\n{}", 400,
		  "invalid content length" },
		{ "POST /Echo?json HTTP/1.1\r\nContent-Length : 2\r\n\r\n{}", 400, "header name" },
		{ "POST /Echo?json HTTP/1.1\nContent-Length: 2\n\n{}", 400, "CR LF" },
		{ "POST /Echo?json HTTP/2.0\r\n\r\n", 400, "HTTP/1.1" },
		{ "POST /Ec%00ho?json HTTP/1.1\r\n\r\n", 400, "bad request" },
		{ "POST /Echo?json HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", 400,
		  "payload too large" },
		{ "PUT /Echo?json HTTP/1.1\r\n\r\n", 404, "no such path" },
		{ "\x16\x03\x01 hello\r\n\r\n", 400, "" },
	};
	struct ds_server_cfg cfg = { .max_body = 1000 };
	struct rig rig;
	char out[4096];

	rig_start(&rig, &cfg);
	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++)
		for (int half = 0; half < 2; half++) {
			assert_int_equal(
				raw(&rig, t[i].in, strlen(t[i].in), half, out, sizeof(out)),
				t[i].status);
			assert_non_null(strstr(out, t[i].has));
		}
	rig_stop(&rig);
}

static void test_deadlines(void **state)
{
	static char big[17000];
	struct ds_server_cfg cfg = { .request_ms = 80 };
	struct rig rig;
	char out[4096], url[160];

	rig_start(&rig, &cfg);
	assert_int_equal(raw(&rig, "POST /Echo?js", 13, false, out, sizeof(out)), 408);
	assert_int_equal(raw(&rig, "POST /Echo?json HTTP/1.1\r\nContent-Length: 9\r\n\r\n{", 48,
			     false, out, sizeof(out)),
			 408);
	memset(big, 'x', sizeof(big));
	memcpy(big, "GET /", 5);
	assert_int_equal(raw(&rig, big, sizeof(big), false, out, sizeof(out)), 431);
	/* a server that never answers */
	snprintf(url, sizeof(url), "unix:%s:/Hold?json", rig.sock);
	call(&rig, &(struct ds_client_cfg){ .total_ms = 60 }, url, "{}");
	assert_int_equal(rig.r, -ETIMEDOUT);
	assert_non_null(rig.held);
	/* the server goes first, the request outlives it */
	ds_server_free(rig.srv);
	rig.srv = NULL;
	ds_req_reply_json(rig.held, 200, NULL);
	assert_non_null(strstr(ucall(&rig, "/Echo", "{}"), "No such file"));
	rig_stop(&rig);
}

static int accept_pin(void *arg, struct ds_span leaf, const struct ds_span *chain, size_t n,
		      struct ds_err *err)
{
	const struct ds_buf *want = arg;

	if (!ds_span_eq(leaf, ds_buf_span(want)))
		return ds_err_set(err, -EPERM, "test", 0, "not the pinned certificate");
	return 0;
}

static void test_tls(void **state)
{
	struct pki a, b;
	struct ds_tls_cfg tc = { .peer = DS_TLS_PEER_REQUEST };
	struct ds_server_cfg cfg = { .addr = "127.0.0.1" };
	struct ds_client_cfg cc = { 0 };
	DS_FREE char *big = malloc((1u << 20) + 64);
	struct rig rig;
	char url[64];

	pki_make(&a, "kms", "127.0.0.1");
	pki_make(&b, "stranger", "localhost");
	tc.cert_pem = ds_buf_span(&a.leaf_pem);
	tc.key = a.key;
	assert_int_equal(ds_tls_server_new(&tc, &cfg.tls, NULL), 0);
	rig_start(&rig, &cfg);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/Echo", ds_server_port(rig.srv));

	/* nobody to trust is an error of the caller */
	call(&rig, &cc, url, "{}");
	assert_int_equal(rig.r, -EINVAL);
	cc.roots_pem = ds_buf_span(&a.root_pem);
	call(&rig, &cc, url, "{}");
	assert_int_equal(rig.r, 0);
	assert_int_equal(rig.seen_cert.n, 0);
	/* a client certificate of any issuer reaches the handler */
	cc.cert_pem = ds_buf_span(&b.leaf_pem);
	cc.key = b.key;
	memset(big, ' ', (1u << 20) + 63);
	memcpy(big, "{\"x\":1}", 7);
	big[(1u << 20) + 63] = '\0';
	call(&rig, &cc, url, big);
	assert_int_equal(rig.r, 0);
	assert_int_equal(rig.status, 200);
	assert_int_equal(rig.seen_body, (1u << 20) + 63);
	assert_true(ds_span_eq(ds_buf_span(&rig.seen_cert), ds_buf_span(&b.leaf_der)));
	/* a certificate without its key is no certificate */
	cc.key = a.key;
	call(&rig, &cc, url, "{}");
	assert_int_equal(rig.r, -EKEYREJECTED);
	/* wrong root, wrong name, wrong pin: nothing is sent */
	rig.seen_body = 77;
	cc = (struct ds_client_cfg){ .roots_pem = ds_buf_span(&b.root_pem) };
	call(&rig, &cc, url, "{}");
	assert_int_equal(rig.r, -EKEYREJECTED);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/Echo", ds_server_port(rig.srv));
	cc = (struct ds_client_cfg){ .check = accept_pin, .check_arg = &b.leaf_der };
	call(&rig, &cc, url, "{}");
	assert_int_equal(rig.r, -EPERM);
	assert_non_null(strstr(rig.err.msg, "not the pinned certificate"));
	assert_int_equal(rig.seen_body, 77);
	cc.check_arg = &a.leaf_der;
	call(&rig, &cc, url, "{}");
	assert_int_equal(rig.r, 0);
	rig_stop(&rig);
	ds_tls_ctx_free(cfg.tls);
	pki_done(&a);
	pki_done(&b);
}

/* The name in the certificate must be the one called; a server that demands roots refuses
 * strangers. */
static void test_names_and_roots(void **state)
{
	struct pki a, b;
	struct ds_tls_cfg tc = { .peer = DS_TLS_PEER_REQUIRE };
	struct ds_server_cfg cfg = { .addr = "127.0.0.1" };
	struct ds_client_cfg cc = { 0 };
	struct rig rig;
	char url[64];

	pki_make(&a, "kms", "kms.example");
	pki_make(&b, "stranger", "localhost");
	tc.cert_pem = ds_buf_span(&a.leaf_pem);
	tc.roots_pem = ds_buf_span(&a.root_pem);
	tc.key = a.key;
	assert_int_equal(ds_tls_server_new(&tc, &cfg.tls, NULL), 0);
	rig_start(&rig, &cfg);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/Echo", ds_server_port(rig.srv));
	cc = (struct ds_client_cfg){ .roots_pem = ds_buf_span(&a.root_pem),
				     .cert_pem = ds_buf_span(&a.leaf_pem),
				     .key = a.key };
	call(&rig, &cc, url, "{}");
	assert_int_equal(rig.r, -EKEYREJECTED);
	cc.no_name_check = true;
	call(&rig, &cc, url, "{}");
	assert_int_equal(rig.r, 0);
	cc.cert_pem = ds_buf_span(&b.leaf_pem);
	cc.key = b.key;
	call(&rig, &cc, url, "{}");
	assert_true(rig.r < 0);
	cc.cert_pem = DS_SPAN_NULL;
	cc.key = NULL;
	call(&rig, &cc, url, "{}");
	assert_true(rig.r < 0);
	rig_stop(&rig);
	ds_tls_ctx_free(cfg.tls);
	pki_done(&a);
	pki_done(&b);
}

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
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_names_and_roots),
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_silent_dns),
		cmocka_unit_test(test_bad_replies),
	};

	if (ds_net_wipe_on_free())
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
