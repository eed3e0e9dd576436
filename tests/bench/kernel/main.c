// SPDX-License-Identifier: Apache-2.0
/*
 * kernel-bench [ROUNDS [WHAT]]: what the modules cost beside what they replace, from 1 to 16
 * callers at once. Each comparison runs ours and the peer in turns, ROUNDS times (default 5), and
 * shows the median over the rounds of the median of a round; WHAT is how the comparisons to make
 * begin. The quoting enclave takes 4 ms for a quote. One row is "what | ours | peer | its number |
 * ratio"; a ratio above 1 is in our favour. Prints TAP: the only thing tested is that every
 * operation succeeded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define QUOTE_DELAY "/sys/kernel/debug/tdx_emul/quote_delay_us"
#define CALLERS_MAX 16
#define OPS_MAX	    512
#define ROUNDS_MAX  21

/* What the callers of one batch leave for the parent. */
struct shared {
	uint64_t start[CALLERS_MAX], end[CALLERS_MAX];
	uint64_t took[OPS_MAX];
};

struct figures {
	double us, per_s;
};

static struct shared *shared;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int call(const struct op *op, unsigned int me, unsigned int each, unsigned int warm,
		int ready, int go)
{
	unsigned int i;
	char byte;

	if (op->init())
		return -1;
	for (i = 0; i < warm; i++) {
		if (op->run())
			return -1;
	}
	/* The parent lets go of the other end when all are ready. */
	if (write(ready, "r", 1) != 1 || close(ready) || read(go, &byte, 1))
		return -1;
	shared->start[me] = now_ns();
	for (i = 0; i < each; i++) {
		uint64_t start = now_ns();

		if (op->run())
			return -1;
		shared->took[me * each + i] = now_ns() - start;
		if (op->elsewhere)
			shared->took[me * each + i] -= op->elsewhere();
	}
	shared->end[me] = now_ns();
	return 0;
}

static int cmp_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Not "any child": the agent and its key holder are children too. */
static bool reap(const pid_t *pid, unsigned int n)
{
	bool ok = true;
	int status;

	while (n--)
		ok &= waitpid(*pid++, &status, 0) > 0 && status == 0;
	return ok;
}

/* n callers, each times the operation in turn. */
static bool batch(const struct op *op, unsigned int n, unsigned int each, unsigned int warm,
		  struct figures *ret)
{
	int ready[2], go[2];
	uint64_t first = UINT64_MAX, last = 0;
	pid_t pid[CALLERS_MAX];
	unsigned int i, up = 0;
	bool ok;
	char byte;

	if (pipe(ready) || pipe(go))
		return false;
	for (i = 0; i < n; i++) {
		pid[i] = fork();
		if (pid[i])
			continue;
		close(ready[0]);
		close(go[1]);
		if (!call(op, i, each, warm, ready[1], go[0]))
			_exit(0);
		fprintf(stderr, "%s: %s\n", op->name, strerror(errno));
		_exit(1);
	}
	close(ready[1]);
	close(go[0]);
	while (up < n && read(ready[0], &byte, 1) == 1)
		up++;
	close(go[1]);
	ok = reap(pid, n) && up == n;
	close(ready[0]);
	for (i = 0; i < n; i++) {
		first = shared->start[i] < first ? shared->start[i] : first;
		last = shared->end[i] > last ? shared->end[i] : last;
	}
	qsort(shared->took, n * each, sizeof(*shared->took), cmp_u64);
	ret->us = (double)shared->took[n * each / 2] / 1000;
	ret->per_s = n * each / ((double)(last - first) / 1e9);
	return ok;
}

static double median(double *v, unsigned int n)
{
	qsort(v, n, sizeof(*v), cmp_double);
	return v[n / 2];
}

static int set_quote_delay(const char *us)
{
	int fd = open(QUOTE_DELAY, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, us, strlen(us));

	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

static const struct comparison {
	const char *what;
	const struct op *ours, *peer;
	unsigned int ours_ops, peer_ops; /* of all callers together, at least one of each */
	unsigned int warm;
	bool rate;
	bool alone; /* with one caller only */
} comparisons[] = {
	{ "extend", &op_event, &op_intree_rtmr, 240, 240, 5, false, false },
	{ "extend by digest", &op_rtmr, &op_intree_rtmr, 240, 240, 5, false, false },
	{ "extend by event", &op_event, &op_intree_event, 240, 240, 5, false, false },
	{ "quote", &op_quote, &op_tsm_quote, 64, 1, 0, true, false },
	{ "quote less host's time", &op_quote_wait, &op_tsm_quote_wait, 64, 3, 0, false, true },
	{ "key", &op_app_key, &op_user_key, 240, 240, 5, false, false },
	{ "key", &op_app_key, &op_get_key, 240, 64, 2, false, false },
};

static void number(char *text, size_t size, double us)
{
	if (us < 10000)
		snprintf(text, size, "%.1f us", us);
	else
		snprintf(text, size, "%.1f ms", us / 1000);
}

static void row(const struct comparison *c, unsigned int n, const char *unit, const char *ours,
		const char *peer, double ratio)
{
	char what[64];

	snprintf(what, sizeof(what), "%s%s, %u caller%s", c->what, unit, n, n > 1 ? "s" : "");
	printf("# %-32s | %11s | %-24s | %11s | %.2fx\n", what, ours, c->peer->name, peer, ratio);
}

static bool compare(const struct comparison *c, unsigned int n, unsigned int rounds)
{
	double ours_us[ROUNDS_MAX], peer_us[ROUNDS_MAX], ours_s[ROUNDS_MAX], peer_s[ROUNDS_MAX];
	unsigned int ours_each = c->ours_ops > n ? c->ours_ops / n : 1,
		     peer_each = c->peer_ops > n ? c->peer_ops / n : 1;
	char ours[32], peer[32];
	struct figures f;
	unsigned int i;

	for (i = 0; i < rounds; i++) {
		if (!batch(c->ours, n, ours_each, c->warm, &f))
			return false;
		ours_us[i] = f.us;
		ours_s[i] = f.per_s;
		if (!batch(c->peer, n, peer_each, c->warm, &f))
			return false;
		peer_us[i] = f.us;
		peer_s[i] = f.per_s;
	}
	number(ours, sizeof(ours), median(ours_us, rounds));
	number(peer, sizeof(peer), median(peer_us, rounds));
	row(c, n, "", ours, peer, median(peer_us, rounds) / median(ours_us, rounds));
	if (c->rate) {
		snprintf(ours, sizeof(ours), "%.1f/s", median(ours_s, rounds));
		snprintf(peer, sizeof(peer), "%.2f/s", median(peer_s, rounds));
		row(c, n, "s per second", ours, peer,
		    median(ours_s, rounds) / median(peer_s, rounds));
	}
	return true;
}

int main(int argc, char **argv)
{
	const size_t n_comparisons = sizeof(comparisons) / sizeof(comparisons[0]);
	unsigned int rounds = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 5, made = 0, n;
	int bad = 0;
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED || !rounds || rounds > ROUNDS_MAX || set_quote_delay("4000") ||
	    keys_prepare() || agent_start()) {
		fprintf(stderr, "kernel-bench: cannot start: %s\n", strerror(errno));
		return 1;
	}
	for (i = 0; i < n_comparisons; i++) {
		const struct comparison *c = &comparisons[i];
		bool ok = true;

		if (argc > 2 && strncmp(c->what, argv[2], strlen(argv[2])))
			continue;
		for (n = 1; ok && n <= (c->alone ? 1 : CALLERS_MAX); n *= 2)
			ok = compare(c, n, rounds);
		printf("%sok %u - bench: every %s through %s and %s succeeds\n", ok ? "" : "not ",
		       ++made, c->what, c->ours->name, c->peer->name);
		bad |= !ok;
	}
	printf("1..%u\n", made);
	return bad;
}
