// SPDX-License-Identifier: Apache-2.0
/* dstack-verify serve as it runs, with its jail and its other process, asked over a Unix socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <ds/base/file.h>
#include <ds/base/text.h>

#include "../lib/attest/forge.h"
#include "../lib/attest/snpforge.h"
#include "fake_pcs.h"
#include "serve.h"
#include "world.h"

static struct service {
	pid_t pid;
	int ready, end; /* it says READY=1 here; end of file here when it has ended */
} service;

static int unix_socket(int type, const char *path, bool listens)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (listens)
		(void)unlink(path);
	assert_int_equal((listens ? bind : connect)(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* The service in a process of its own; true once it is ready, false when it has ended. */
static bool start(const char *const *args)
{
	int end[2], n = 0;
	struct pollfd p[2];
	char *argv[24] = { NULL }, path[100];

	service.ready = unix_socket(SOCK_DGRAM, "notify", true);
	assert_non_null(getcwd(path, sizeof(path) - 10));
	assert_int_equal(setenv("NOTIFY_SOCKET", strcat(path, "/notify"), 1), 0);
	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	for (; args[n]; n++)
		argv[n] = strdup(args[n]);
	fflush(NULL);
	service.pid = fork();
	assert_true(service.pid >= 0);
	if (!service.pid) {
		int log = open("log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		/* a test that fails leaves nothing behind */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || dup2(log, STDOUT_FILENO) < 0 ||
		    dup2(log, STDERR_FILENO) < 0)
			_exit(99);
		_exit(cmd_serve(n, argv));
	}
	close(end[1]);
	service.end = end[0];
	while (n--)
		free(argv[n]);
	p[0] = (struct pollfd){ .fd = service.ready, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = service.end, .events = POLLIN };
	assert_true(poll(p, 2, 60000) > 0);
	return p[0].revents & POLLIN;
}

/* Its exit status; 128 and more: killed by a signal. */
static int end(int sig)
{
	int st;

	if (sig)
		assert_int_equal(kill(service.pid, sig), 0);
	assert_int_equal(waitpid(service.pid, &st, 0), service.pid);
	close(service.ready);
	close(service.end);
	service.pid = 0;
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

/* A test that failed leaves its service to nobody. */
static int teardown(void **state)
{
	if (service.pid > 0)
		(void)end(SIGKILL);
	return 0;
}

/* Status and body of the reply; 0: none. */
static int ask(const char *line, struct ds_span body, struct ds_buf *ret)
{
	DS_BUF struct ds_buf req = DS_BUF_NULL;
	int fd = unix_socket(SOCK_STREAM, "sock", false), status;
	const char *text;

	ret->n = 0;
	assert_int_equal(ds_buf_addf(&req,
				     "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
				     "Content-Length: %zu\r\n\r\n",
				     line, body.n),
			 0);
	assert_int_equal(ds_buf_add_span(&req, body) | ds_write_full(fd, req.p, req.n), 0);
	assert_int_equal(ds_read_fd(fd, 4u << 20, ret), 0);
	close(fd);
	text = ds_buf_cstr(ret);
	if (!text || sscanf(text, "HTTP/1.1 %d", &status) != 1)
		return 0;
	text = strstr(text, "\r\n\r\n");
	assert_non_null(text);
	ret->n -= (size_t)(text + 4 - (const char *)ret->p);
	memmove(ret->p, text + 4, ret->n + 1);
	return status;
}

/* is_valid and the first word of the reason, or the HTTP status, and what else the reply says. */
static void expect_reply(const char *name, struct ds_span body, const char *want, const char *says)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	int status = ask("POST /verify", body, &out);
	const char *reason;
	char got[40];
	json_t *doc = json_loadb((char *)out.p, out.n, 0, NULL);

	(void)snprintf(got, sizeof(got), "%d", status);
	if (status == 200) {
		reason = json_string_value(json_object_get(doc, "reason"));
		(void)snprintf(got, sizeof(got), "%.*s", reason ? (int)strcspn(reason, ":") : 5,
			       reason ? reason : "valid");
		assert_int_equal(json_is_true(json_object_get(doc, "is_valid")), !reason);
	}
	json_decref(doc);
	if (strcmp(got, want) || !strstr((char *)out.p, says))
		fail_msg("%s: expected %s, got %s: %.300s", name, want, got, (char *)out.p);
}

/* A counter of /metrics. */
static bool counts(const char *line)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;

	assert_int_equal(ask("GET /metrics", DS_SPAN_NULL, &out), 200);
	return strstr((char *)out.p, line);
}

/* {"quote": FILE, "event_log": log.json, "vm_config": config} */
static void request(const char *quote, const char *log, const char *config, struct ds_buf *ret)
{
	DS_BUF struct ds_buf raw = DS_BUF_NULL, hex = DS_BUF_NULL, text = DS_BUF_NULL;
	json_t *o;
	char *s;

	assert_int_equal(ds_read_file(AT_FDCWD, quote, 1u << 16, &raw) |
				 ds_buf_add_hex(&hex, ds_buf_span(&raw)),
			 0);
	if (log)
		assert_int_equal(ds_read_file(AT_FDCWD, log, 1u << 16, &text), 0);
	o = json_pack("{s:s, s:s, s:s}", "quote", ds_buf_cstr(&hex), "event_log", ds_buf_cstr(&text),
		      "vm_config", config);
	s = json_dumps(o, JSON_COMPACT);
	assert_non_null(s);
	ret->n = 0;
	assert_int_equal(ds_buf_add(ret, s, strlen(s)), 0);
	json_decref(o);
	free(s);
}

/* An image of the registers that every world has, with this hash. */
static void policy(void)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	static const uint8_t bytes[] = { 0xd1, 0xe0, 0xe1, 0xe2 };
	static const char *const names[] = { "mrtd", "rtmr0", "rtmr1", "rtmr2" };

	assert_int_equal(ds_buf_addf(&text, "[image app]\n"), 0);
	for (size_t i = 0; i < DS_ARRAY_SIZE(bytes); i++) {
		assert_int_equal(ds_buf_addf(&text, "%s = ", names[i]), 0);
		for (int k = 0; k < 48; k++)
			assert_int_equal(ds_buf_addf(&text, "%02x", bytes[i]), 0);
		assert_int_equal(ds_buf_addf(&text, "\n"), 0);
	}
	assert_int_equal(ds_buf_addf(&text, "os_image_hash = %064d\n", 5), 0);
	world_put("policy", ds_buf_span(&text));
	world_put("no-images", DS_SPAN_LIT("[policy]\n"));
}

#define SERVE  "serve", "--listen", "unix:sock", "--root-ca", "root.pem"
#define TIME   "--time", "1780000000"
#define FILE_  "--collateral", "collateral.json"
#define URL    "--collateral-url", "https://pcs.example.org"
#define POLICY "--policy", "policy"
#define UNSAFE "--insecure-allow-emulated"
#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

#define HASH5 "0000000000000000000000000000000000000000000000000000000000000005"
#define HASH6 "0000000000000000000000000000000000000000000000000000000000000006"

static bool jailed(void)
{
#ifdef __SANITIZE_ADDRESS__
	return true; /* serve_jail.c says why there is none */
#endif
	DS_BUF struct ds_buf status = DS_BUF_NULL;
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)service.pid);
	assert_int_equal(ds_read_file(AT_FDCWD, path, 1u << 16, &status), 0);
	return strstr(ds_buf_cstr(&status), "\nSeccomp:\t2\n");
}

static void verifies(void **state)
{
	static const struct {
		const char *quote, *log, *config, *want, *says;
	} rows[] = {
		{ "quote", "log.json", "", "valid", "\"boot_info\"" },
		{ "quote", "log.json", "{\"os_image_hash\":\"" HASH5 "\"}", "valid", HASH5 },
		{ "quote", "log.json", "{\"os_image_hash\":\"" HASH6 "\"}", "measurement", "of this image" },
		{ "quote", NULL, "", "evidence-missing", "without its event_log" },
		{ "quote", "log-more.json", "", "rtmr-replay", "" },
		{ "log.json", "log.json", "", "evidence-format", "" },
	};
	DS_BUF struct ds_buf out = DS_BUF_NULL;

	world(&(struct fault){ .emulated = true });
	policy();
	assert_true(start(ARGS(SERVE, TIME, FILE_, POLICY, UNSAFE)));
	assert_int_equal(ask("GET /health", DS_SPAN_NULL, &out), 200);
	assert_true(jailed()); /* before it answers, not before it is ready */
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		request(rows[i].quote, rows[i].log, rows[i].config, &out);
		expect_reply(rows[i].want, ds_buf_span(&out), rows[i].want, rows[i].says);
	}
	expect_reply("malformed", DS_SPAN_LIT("{"), "400", "JSON: ");
	assert_true(counts("{outcome=\"malformed\"} 1\n"));
	assert_true(counts("{outcome=\"valid\"} 2\n"));
	assert_true(counts("{outcome=\"invalid\"} 4\n"));
	assert_int_equal(end(SIGTERM), EXIT_ACCEPTED);
}

/* Evidence without worth: the reader of is_valid sees none of our flags. */
static void worth(void **state)
{
	static const struct {
		bool emulated;
		const char *args[16], *want;
	} rows[] = {
		{ true, { SERVE, TIME, FILE_, POLICY }, "root-untrusted" },
		{ false, { SERVE, TIME, FILE_, POLICY }, "root-untrusted" },
		{ false, { SERVE, TIME, FILE_, POLICY, UNSAFE }, "valid" },
		{ false, { SERVE, TIME, FILE_, UNSAFE }, "measurement" },
		{ false, { SERVE, TIME, FILE_, UNSAFE, "--policy", "no-images" }, "measurement" },
		{ false, { SERVE, TIME, "--collateral", "no-such-file", POLICY, UNSAFE },
		  "collateral-missing" },
		{ false, { SERVE, TIME, URL, POLICY, UNSAFE }, "valid" },
	};
	DS_BUF struct ds_buf body = DS_BUF_NULL;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		world(&(struct fault){ .emulated = rows[i].emulated });
		policy();
		fake_pcs = (struct fake_pcs){ 0 };
		request("quote", "log.json", "", &body);
		assert_true(start(rows[i].args));
		expect_reply(rows[i].args[4], ds_buf_span(&body), rows[i].want,
			     strcmp(rows[i].want, "collateral-missing") ? "" : "no-such-file: No such");
		assert_int_equal(end(SIGINT), EXIT_ACCEPTED);
	}
}

/* What is asked of a service, and when again. */
static void asks_the_service(void **state)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf body = DS_BUF_NULL, blob = DS_BUF_NULL, snp = DS_BUF_NULL;
	SNP_FORGED struct snp_forged s = { 0 };
	FORGED struct forged w = { 0 };

	world(&(struct fault){ .emulated = true });
	policy();
	request("quote", "log.json", "", &body);
	snp_forge(&(struct snp_forge){ 0 }, &s);
	att.kind = DS_ATTESTATION_SNP;
	assert_int_equal(ds_buf_add_span(&att.quote, ds_buf_span(&s.report)), 0);
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &blob), 0);
	assert_int_equal(ds_buf_addf(&snp, "{\"attestation\":\""), 0);
	assert_int_equal(ds_buf_add_hex(&snp, ds_buf_span(&blob)) | ds_buf_addf(&snp, "\"}"), 0);
	/* documents of the cache that are refused are asked for once more */
	fake_pcs = (struct fake_pcs){ .cached = 4 };
	assert_true(start(ARGS(SERVE, "--time", "1900000000", URL, POLICY, UNSAFE)));
	expect_reply("out of date", ds_buf_span(&body), "crl-expired", "");
	assert_true(counts("{outcome=\"asked\"} 2\n"));
	/* of SEV-SNP nothing is asked, nor of a platform that is not genuine */
	expect_reply("SEV-SNP", ds_buf_span(&snp), "collateral-missing", "");
	forge(&(struct forge){ .no_ext = true }, &w);
	world_put("quote", ds_buf_span(&w.quote));
	request("quote", "log.json", "", &body);
	expect_reply("foreign", ds_buf_span(&body), "root-untrusted", "");
	assert_true(counts("{outcome=\"asked\"} 2\n"));
	assert_int_equal(end(SIGTERM), EXIT_ACCEPTED);
	/* a genuine certificate that does not say which platform */
	world_put("root.pem", ds_buf_span(&w.root_pem));
	assert_true(start(ARGS(SERVE, TIME, URL, POLICY, UNSAFE)));
	expect_reply("no platform", ds_buf_span(&body), "pck-ext", "");
	assert_true(counts("{outcome=\"asked\"} 0\n"));
	assert_int_equal(end(SIGTERM), EXIT_ACCEPTED);
	/* with a file there is nothing to ask: it is for whatever platform */
	assert_true(start(ARGS(SERVE, TIME, FILE_, POLICY, UNSAFE)));
	expect_reply("SEV-SNP", ds_buf_span(&snp), "collateral-missing", "");
	assert_true(counts("{outcome=\"asked\"} 1\n"));
	assert_int_equal(end(SIGTERM), EXIT_ACCEPTED);
}

/* What does not start says so and ends; without its other process it does not go on. */
static void ends(void **state)
{
	static const struct {
		const char *args[16], *says;
	} rows[] = {
		{ { "serve", TIME, FILE_ }, "--listen and one of" },
		{ { SERVE, TIME }, "--listen and one of" },
		{ { SERVE, TIME, FILE_, URL }, "--listen and one of" },
		{ { "serve", "--listen", "nowhere", TIME, FILE_ }, "expected ADDRESS:PORT" },
		{ { "serve", "--listen", "unix:no/such/folder", TIME, FILE_ }, "no/such/folder: " },
		{ { SERVE, "--policy", "no-such-file", TIME, FILE_ }, "no-such-file: " },
		{ { SERVE, TIME, FILE_, "operand" }, "expected 0 operands" },
	};

	world(&(struct fault){ 0 });
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUF struct ds_buf log = DS_BUF_NULL;

		if (start(rows[i].args))
			fail_msg("row %zu is ready", i);
		assert_int_equal(end(0), EXIT_USAGE);
		assert_int_equal(ds_read_file(AT_FDCWD, "log", 1u << 16, &log), 0);
		assert_non_null(strstr(ds_buf_cstr(&log), rows[i].says));
	}
	fake_pcs = (struct fake_pcs){ .open = -EINVAL };
	(void)start(ARGS(SERVE, TIME, URL));
	assert_int_equal(end(0), EXIT_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(verifies, teardown),
		cmocka_unit_test_teardown(worth, teardown),
		cmocka_unit_test_teardown(asks_the_service, teardown),
		cmocka_unit_test_teardown(ends, teardown),
	};

	alarm(300);
	return cmocka_run_group_tests(tests, world_enter, world_leave);
}
