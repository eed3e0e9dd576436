// SPDX-License-Identifier: Apache-2.0
/* Server and client against each other: Unix socket, TLS with and without client certificates,
 * limits, deadlines. */
#include "rig_test.h"

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
	assert_int_equal(strspn(ucall(&rig, "/FullSecret", "{}"), "x"), sysconf(_SC_PAGESIZE));
	assert_int_equal(rig.body.n, sysconf(_SC_PAGESIZE));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_names_and_roots),
	};

	if (ds_net_wipe_on_free())
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
