// SPDX-License-Identifier: Apache-2.0
/* What the judging process asks the other one, what it believes of its answers, and what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <event2/event.h>
#include <poll.h>
#include <sys/resource.h>

#include "fake_pcs.h"
#include "serve_fetch.c"
#include "world.h"

static const struct ds_platform_id platform = { .fmspc = { 0x30, 0x60, 0x6a } };

static struct seen {
	struct event_base *base;
	unsigned int calls, gone;
	int r;
	size_t n;
	bool old;
	char why[160];
} seen;

static void on_gone_(void *arg)
{
	seen.gone++;
	event_base_loopbreak(seen.base);
}

static void on_fetched(void *arg, int r, struct ds_span collateral, bool old, const char *why)
{
	assert_ptr_equal(arg, &seen);
	seen.calls++;
	seen.r = r;
	seen.n = collateral.n;
	seen.old = old;
	(void)snprintf(seen.why, sizeof(seen.why), "%s", why);
	event_base_loopbreak(seen.base);
}

/* A fetcher whose other end is the test. */
static struct fetcher *open_pair(int *ret_fd)
{
	struct fetcher *f = calloc(1, sizeof(*f));
	int sv[2];

	assert_non_null(f);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv), 0);
	seen = (struct seen){ .base = event_base_new() };
	f->fd = sv[0];
	*ret_fd = sv[1];
	assert_int_equal(fetcher_attach(f, seen.base, on_gone_, NULL), 0);
	return f;
}

static void close_pair(struct fetcher *f, int fd)
{
	fetcher_free(f);
	event_base_free(seen.base);
	close(fd);
}

static void turn(void)
{
	(void)event_base_loop(seen.base, EVLOOP_NONBLOCK);
}

static struct ask question(int fd)
{
	struct ask a;

	turn();
	assert_int_equal(read(fd, &a, sizeof(a)), sizeof(a));
	return a;
}

static bool asked(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	turn();
	return poll(&p, 1, 0) == 1;
}

/* The other process talks to the network: what it says unasked ends the service. */
static void answers(void **state)
{
	static const struct {
		const char *name;
		bool other_platform, twice;
		int r;
		uint32_t n, sent;
		unsigned int gone, calls;
	} rows[] = {
		{ .name = "documents", .n = 5, .sent = 5, .calls = 1 },
		{ .name = "a failure", .r = -ENOENT, .calls = 1 },
		{ .name = "not all of it yet", .n = 5, .sent = 4 },
		{ .name = "another platform's", .other_platform = true, .n = 5, .sent = 5, .gone = 1 },
		{ .name = "not asked for", .twice = true, .n = 5, .sent = 5, .gone = 1, .calls = 1 },
		{ .name = "too large", .n = DS_MAX_COLLATERAL + 1, .sent = 5, .gone = 1 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct answer a = { .r = rows[i].r, .n = rows[i].n, .why = "said so" };
		int fd;
		struct fetcher *f = open_pair(&fd);

		assert_int_equal(fetcher_get(f, &platform, false, on_fetched, &seen), 0);
		a.ask = question(fd);
		a.ask.processor ^= rows[i].other_platform;
		for (int k = 0; k <= rows[i].twice; k++) {
			assert_int_equal(write(fd, &a, sizeof(a)), sizeof(a));
			assert_int_equal(write(fd, "12345", rows[i].sent), rows[i].sent);
			turn();
		}
		if (seen.gone != rows[i].gone || seen.calls != rows[i].calls)
			fail_msg("%s: gone %u, calls %u", rows[i].name, seen.gone, seen.calls);
		if (seen.calls)
			assert_true(seen.r == rows[i].r && seen.n == rows[i].sent);
		assert_int_equal(fetcher_stats(f).failed, rows[i].r != 0);
		close_pair(f, fd);
	}
}

/* What is known is given at once while it is new enough; otherwise one question for all who wait. */
static void what_is_kept(void **state)
{
	static const struct {
		const char *name;
		bool known, old, asking, refresh;
		int age, fresh; /* seconds since it was asked, and until it must be asked again */
		bool now;	/* answered without a question */
		int r;
	} rows[] = {
		{ "new", true, false, false, false, 1, 3000, true, 0 },
		{ "new, from a cache", true, true, false, false, 1, 3000, true, 0 },
		{ "no longer new", true, false, false, false, 1000, -1, false, 0 },
		{ "being asked for", true, false, true, false, 1, 3000, false, 0 },
		{ "refused, but just asked", true, false, false, true, 1, 3000, true, 0 },
		{ "refused, and from a cache", true, true, false, true, 1, 3000, false, 0 },
		{ "refused, asked long ago", true, false, false, true, 1000, 3000, false, 0 },
		{ "failed just now", false, false, false, false, 1, 3000, true, -EAGAIN },
		{ "failed just now, refresh", false, false, false, true, 1, 3000, true, -EAGAIN },
		{ "failed long ago", false, false, false, false, 1000, 3000, false, 0 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		const int64_t now = (int64_t)time(NULL);
		struct entry *e;
		int fd;
		struct fetcher *f = open_pair(&fd);

		e = &f->entries[f->n++];
		memcpy(e->key.fmspc, platform.fmspc, sizeof(platform.fmspc));
		if (rows[i].known)
			assert_int_equal(ds_buf_add(&e->json, "123", 3), 0);
		e->old = rows[i].old;
		e->asking = rows[i].asking;
		e->asked = now - rows[i].age;
		e->fresh_until = now + rows[i].fresh;
		assert_int_equal(fetcher_get(f, &platform, rows[i].refresh, on_fetched, &seen), 0);
		if (seen.calls != rows[i].now || seen.r != rows[i].r)
			fail_msg("%s: answered %u, %d", rows[i].name, seen.calls, seen.r);
		if (rows[i].now || rows[i].asking)
			assert_false(asked(fd));
		else
			assert_int_equal(question(fd).refresh, rows[i].refresh);
		close_pair(f, fd);
		/* who waits is told that nothing comes */
		assert_int_equal(seen.calls, 1);
	}
}

/* The real other process. */
static void ask_process(struct fetcher *f)
{
	seen.calls = 0;
	assert_int_equal(fetcher_get(f, &platform, true, on_fetched, &seen), 0);
	if (!seen.calls)
		(void)event_base_dispatch(seen.base);
}

static void processes(void **state)
{
	static const struct {
		const char *file, *url;
		int open, get;
		unsigned int gone;
		int r;
		size_t n;
		const char *why;
	} rows[] = {
		{ "file", NULL, 0, 0, 0, 0, 4, "" },
		{ "no-such-file", NULL, 0, 0, 0, -ENOENT, 0, "no-such-file: No such file" },
		{ NULL, "https://pcs.example.org", 0, 0, 0, 0, 7, "" },
		{ NULL, "https://pcs.example.org", 0, -ETIMEDOUT, 0, -ETIMEDOUT, 0, "told to fail" },
		{ NULL, "https://pcs.example.org", -EINVAL, 0, 1, 0, 0, "" },
	};

	world_put("file", DS_SPAN_LIT("file"));
	world_put("collateral.json", DS_SPAN_LIT("service"));
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		const struct options o = { .collateral = rows[i].file, .fetch.url = rows[i].url };
		struct fetcher *f = NULL;

		fake_pcs = (struct fake_pcs){ .open = rows[i].open,
					      .r = { rows[i].get, rows[i].get } };
		seen = (struct seen){ .base = event_base_new() };
		assert_int_equal(fetcher_start(&o, &f), 0);
		assert_int_equal(fetcher_attach(f, seen.base, on_gone_, NULL), 0);
		for (int k = 0; k < 2; k++) {
			f->n = 0; /* as another platform's */
			ask_process(f);
			assert_int_equal(seen.gone, rows[i].gone);
			if (seen.gone)
				break;
			assert_true(seen.r == rows[i].r && seen.n == rows[i].n);
			assert_non_null(strstr(seen.why, rows[i].why));
			ds_buf_done(&f->entries[0].json);
		}
		fetcher_free(f);
		event_base_free(seen.base);
	}
}

static void no_descriptors(void **state)
{
	const struct options o = { .collateral = "file" };
	struct rlimit was, none;
	struct fetcher *f = NULL;
	int r;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	r = fetcher_start(&o, &f);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(r, EXIT_USAGE);
}

/* More platforms than there is room for: the one unused for longest makes room. */
static void room(void **state)
{
	struct ds_platform_id id = platform;
	int fd;
	struct fetcher *f = open_pair(&fd);

	for (unsigned int i = 0; i < MAX_ENTRIES; i++) {
		id.fmspc[5] = (uint8_t)i;
		assert_int_equal(fetcher_get(f, &id, false, on_fetched, &seen), 0);
	}
	id.fmspc[5] = MAX_ENTRIES;
	assert_int_equal(fetcher_get(f, &id, false, on_fetched, &seen), -EBUSY);
	for (unsigned int i = 7; i <= 9; i += 2) {
		f->entries[i].asking = false;
		answer_all(&f->entries[i], -ENOENT, "");
	}
	f->entries[9].asked = 0;
	assert_int_equal(fetcher_get(f, &id, false, on_fetched, &seen), 0);
	assert_int_equal(f->entries[9].key.fmspc[5], MAX_ENTRIES);
	close_pair(f, fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),   cmocka_unit_test(what_is_kept),
		cmocka_unit_test(processes), cmocka_unit_test(no_descriptors),
		cmocka_unit_test(room),
	};

	alarm(300);
	signal(SIGPIPE, SIG_IGN); /* as ds_loop_new() does */
	return cmocka_run_group_tests(tests, world_enter, world_leave);
}
