// SPDX-License-Identifier: Apache-2.0
/*
 * Keys of type "dstack_kms": the kernel's upcall through the real request-key(8) and the real
 * dstack-request-key, which talks to an agent that answers what the test wants.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "parts.h"

#define KMS	"dstack_kms"
#define SESSION KEY_SPEC_SESSION_KEYRING
#define SOCK	"/run/dstack.sock"

/* Shared with the process that plays the agent. */
static struct agent {
	char answer[65536]; /* bytes on the wire; none: never answer */
	size_t answer_len;
	char asked[512]; /* the last request */
	int requests;
} * agent;

static void serve(int listener)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		ssize_t n, len = 0;

		if (fd < 0)
			_exit(1);
		/* The body is the last thing that comes, and ends in "}". */
		while (len < (ssize_t)sizeof(agent->asked) - 1 &&
		       (n = read(fd, agent->asked + len, sizeof(agent->asked) - 1 - (size_t)len)) >
			       0) {
			len += n;
			agent->asked[len] = '\0';
			if (agent->asked[len - 1] == '}')
				break;
		}
		agent->requests++;
		if (agent->answer_len) {
			n = write(fd, agent->answer, agent->answer_len);
			close(fd);
		}
	}
}

static pid_t start_agent(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = SOCK };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	mkdir("/run", 0755);
	unlink(SOCK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 16))
		return -1;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_IGN);
		serve(fd);
	}
	close(fd);
	return pid;
}

static void answer(int status, const char *body)
{
	agent->answer_len = (size_t)snprintf(agent->answer, sizeof(agent->answer),
					     "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
					     "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
					     status, strlen(body), body);
}

/* 200 and n bytes, counting up from first. */
static void answer_bytes(uint8_t first, size_t n)
{
	static char body[40000];
	char *out = stpcpy(body, "{\"value\":\"");
	size_t i;

	for (i = 0; i < n; i++)
		out += sprintf(out, "%02x", (uint8_t)(first + i));
	strcpy(out, "\"}");
	answer(200, body);
}

static long ask(const char *name)
{
	return key_request(KMS, name, "", SESSION);
}

/* Into a keyring of its own: neither a key nor a refusal of another test is found there. */
static long ask_alone(const char *name, long *ret_ring)
{
	*ret_ring = key_ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
	return key_request(KMS, name, "", SESSION);
}

static void test_values(void)
{
	static const struct {
		const char *name;
		size_t size;
	} rows[] = { { "env-pub", 32 }, { "k256-pub", 33 }, { "root-ca", 1 }, { "app-ca", 8192 } };
	static uint8_t bytes[8192];
	char want[96], text[96];
	size_t i, k;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int before = agent->requests;
		bool good = true;
		long key;

		answer_bytes((uint8_t)i, rows[i].size);
		key = ask(rows[i].name);
		tap(key > 0, "request %s: %s", rows[i].name,
		    key < 0 ? strerror((int)-key) : "a key");
		snprintf(want, sizeof(want), "{\"name\":\"%s\"}", rows[i].name);
		tap(strstr(agent->asked, "POST /GetKmsItem ") && strstr(agent->asked, want),
		    "the agent is asked for it by name");
		tap_is(key_read(key, bytes, sizeof(bytes)), (long)rows[i].size, "its length");
		for (k = 0; k < rows[i].size; k++)
			good = good && bytes[k] == (uint8_t)(i + k);
		tap(good, "its bytes");
		snprintf(want, sizeof(want), "%s;0;0;3b010000;%s", KMS, rows[i].name);
		tap(!key_describe(key, text, sizeof(text)) && !strcmp(text, want), "described: %s",
		    text);
		tap_is(ask(rows[i].name), key, "asked for again, it is found");
		tap_is(agent->requests, before + 1, "without another upcall");
	}
}

static void test_refusals(void)
{
	static const struct {
		int status;
		const char *body;
		long want;
		const char *what;
	} rows[] = {
		{ 400, "{\"error\":\"no\"}", -EINVAL, "an agent that does not know the name" },
		{ 403, "{\"error\":\"no\"}", -EKEYREJECTED, "a refusal" },
		{ 404, "{\"error\":\"no\"}", -ENOKEY, "no KMS" },
		{ 500, "{\"error\":\"no\"}", -EBADMSG, "a KMS that talks nonsense" },
		{ 502, "{\"error\":\"no\"}", -EHOSTUNREACH, "a KMS that is not there" },
		{ 504, "{\"error\":\"no\"}", -ETIMEDOUT, "a KMS that is silent" },
		{ 999, "{}", -EBADMSG, "a status nobody knows" },
		{ 200, "", -EBADMSG, "an empty body" },
		{ 200, "[1]", -EBADMSG, "another kind of JSON" },
		{ 200, "{\"value\":7}", -EBADMSG, "a value of another type" },
		{ 200, "{\"value\":\"\"}", -EBADMSG, "an empty value" },
		{ 200, "{\"value\":\"0g\"}", -EBADMSG, "a value that is not hex" },
		{ 200, "{\"value\":\"00\",\"value\":\"01\"}", -EBADMSG, "two values" },
		{ 200, "{\"value\":\"00112233445566778899aabbccddeeff\"}", -EBADMSG,
		  "16 bytes for a key of 32" },
	};
	size_t i;
	long ring;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int before = agent->requests;

		answer(rows[i].status, rows[i].body);
		tap_is(ask_alone("env-pub", &ring), rows[i].want, "%s", rows[i].what);
		answer_bytes(0, 32);
		tap_is(ask("env-pub"), rows[i].want, "and it is remembered");
		tap_is(agent->requests, before + 1, "without another upcall");
	}
	answer_bytes(0, 8193);
	tap_is(ask_alone("root-ca", &ring), -EBADMSG, "8193 bytes");
	answer_bytes(0, 19000);
	tap_is(ask_alone("root-ca", &ring), -EBADMSG, "19000 bytes, more than is read");
	memcpy(agent->answer, "no HTTP at all\r\n\r\n", agent->answer_len = 18);
	tap(ask_alone("env-pub", &ring) < 0, "an answer that is not HTTP");
}

static void test_forgetting(void)
{
	int64_t start = now_ms();
	long key, ring;

	answer(502, "{}");
	tap_is(ask_alone("env-pub", &ring), -EHOSTUNREACH, "a refusal");
	answer_bytes(0, 32);
	while ((key = ask("env-pub")) < 0 && now_ms() - start < 30000)
		usleep(50000);
	tap(key > 0 && now_ms() - start >= 4000, "is forgotten after 5 seconds (%lld ms)",
	    (long long)(now_ms() - start));
}

static void on_alarm(int sig)
{
}

/* Somebody else's request is under way: waiting for it can be interrupted. */
static void test_waiting(void)
{
	struct sigaction act = { .sa_handler = on_alarm };
	int before = agent->requests, i;
	long ring = key_ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
	pid_t pid;

	agent->answer_len = 0;
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(ask("env-pub") != -ETIMEDOUT);
	for (i = 0; i < 2000 && agent->requests == before; i++)
		usleep(10000);
	sigaction(SIGALRM, &act, NULL);
	alarm(1);
	tap_is(ask("env-pub"), -EINTR, "a signal ends the wait for a request of session %ld", ring);
	waitpid(pid, &i, 0);
	tap_is(i, 0, "but not the request");
}

static void test_no_answer(void)
{
	int64_t start = now_ms();
	long ring;

	agent->answer_len = 0;
	tap_is(ask_alone("env-pub", &ring), -ETIMEDOUT, "an agent that never answers");
	tap(now_ms() - start >= 29000 && now_ms() - start < 90000,
	    "is waited for, 30 seconds (%lld ms)", (long long)(now_ms() - start));
}

static long ask_it(void *arg)
{
	long key = ask(arg);

	return key < 0 ? key : 0;
}

static long read_it(void *arg)
{
	uint8_t bytes[64];
	long n = key_read(*(long *)arg, bytes, sizeof(bytes));

	return n < 0 ? n : 0;
}

static void test_kms_callers(void)
{
	static const struct {
		enum caller caller;
		long want;
	} rows[] = {
		{ CALLER_SAME, 0 },
		{ CALLER_NO_CAPS, 0 },
		{ CALLER_OTHER_SESSION, 0 },
		{ CALLER_UID_1000, -EPERM },
		{ CALLER_USERNS_ROOT, -EPERM },
		{ CALLER_USERNS_USER, -EPERM },
	};
	uint8_t bytes[33] = "";
	long ring, key;
	size_t i;

	answer_bytes(0, 33);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int before = agent->requests;

		ring = key_ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
		tap_is(as_caller(rows[i].caller, ask_it, (void *)"k256-pub"), rows[i].want,
		       "request as %s", caller_name[rows[i].caller]);
		tap_is(agent->requests - before, !rows[i].want, "upcalls");
	}
	key = ask_alone("k256-pub", &ring);
	tap_is(as_caller(CALLER_USERNS_USER, read_it, &key), 0,
	       "a possessor can read, whoever it is");
	tap_is(as_caller(CALLER_OTHER_SESSION, read_it, &key), -EACCES, "another session cannot");
	tap_is(key_add(KMS, "k256-pub", bytes, 33, SESSION), -EPERM, "none can be added");
	tap_is(key_add(KMS, "k256-pub", bytes, 32, SESSION), -EINVAL,
	       "nor one of the wrong length");
	tap_is(key_add(KMS, "other", bytes, 33, SESSION), -EINVAL, "nor one of another name");
	tap_is(ask("other"), -EINVAL, "nor requested");
	tap_is(ask(""), -EINVAL, "nor without a name");
	tap_is(key_request(KMS, "env-pub", NULL, SESSION), -ENOKEY,
	       "no callout text: only a search");
	tap_is(key_ctl(KEYCTL_INSTANTIATE, key, (long)bytes, 33, SESSION), -EPERM,
	       "a key that is there cannot be instantiated");
	tap_is(key_ctl(KEYCTL_UPDATE, key, (long)bytes, 33, 0), -EACCES, "nor updated");
	tap_is(key_ctl(KEYCTL_REVOKE, key, 0, 0, 0), 0, "it can be revoked");
	tap_is(key_read(key, bytes, 33), -EKEYREVOKED, "and is not read then");
}

static long ask_nth(void *arg, int i)
{
	return ask_it((void *)"env-pub");
}

static void test_kms_together(void)
{
	int before = agent->requests;
	long failed, ring = key_ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);

	answer_bytes(0, 32);
	tap_is(together(16, ask_nth, NULL, &failed), 16, "16 processes of session %ld ask at once",
	       ring);
	tap_is(failed, 0, "none of them fails");
	tap_is(agent->requests, before + 1, "one upcall serves them all");
}

/* Not by the kernel's hand: no authority, no key. */
static void test_by_hand(void)
{
	static const char program[] = "/sbin/dstack-request-key";
	char text[1024], id[32];
	long ring;
	long key = ask_alone("env-pub", &ring);

	snprintf(id, sizeof(id), "%ld", key);
	tap(run_tool(text, sizeof(text), program, id, NULL) == 1 && strstr(text, "what=authority"),
	    "started by hand it has no authority: %s", text);
	tap_is(run_tool(text, sizeof(text), program, "0", NULL), 2, "key 0 is a usage error");
	tap_is(run_tool(text, sizeof(text), program, "x", NULL), 2, "so is a word");
	tap_is(run_tool(text, sizeof(text), program, NULL), 2, "and nothing");
	tap(run_tool(text, sizeof(text), program, "--help", NULL) == 0 && strstr(text, "usage:"),
	    "--help");
}

void test_kms(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;
	long ring;

	if (fd < 0 && errno == EAFNOSUPPORT) {
		tap(true, "keys of type " KMS " # SKIP this kernel has no sockets");
		return;
	}
	close(fd);
	agent = mmap(NULL, sizeof(*agent), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	tap_is(ask_alone("env-pub", &ring), -EHOSTUNREACH, "no agent");
	pid = start_agent();
	if (!tap(pid > 0, "an agent"))
		return;
	ask_alone("env-pub", &ring);
	key_ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
	test_values();
	test_refusals();
	test_forgetting();
	test_kms_callers();
	test_kms_together();
	test_by_hand();
	test_waiting();
	test_no_answer();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	tap_is(ask_alone("env-pub", &ring), -EHOSTUNREACH, "an agent that is gone");
	tap_is(rename("/sbin/dstack-request-key", "/sbin/gone"), 0, "no program");
	tap_is(ask_alone("env-pub", &ring), -ENOKEY, "no key");
	tap_is(rename("/sbin/request-key", "/sbin/request-key.gone"), 0, "no request-key");
	tap_is(ask_alone("env-pub", &ring), -ENOENT, "no key");
	tap_is(ask("env-pub"), -ENOKEY, "and the kernel remembers that there is none");
}
