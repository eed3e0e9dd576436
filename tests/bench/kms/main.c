// SPDX-License-Identifier: Apache-2.0
/*
 * kms_bench: load on a KMS that runs already, as tests/bench/kms/run starts one.
 *
 *   policy N                                       [app] sections for N guests
 *   load --url https://ADDR:PORT --keys DIR --bundle FILE --guests N --run C:R... [--pid PID]...
 *        R requests, C at once: a line of key=value for each run, with the memory of the processes
 *        after it; all by the same guests, whose quoting enclave has one report for all quotes
 *   floor --keys DIR --bundle FILE --log FILE --rounds R
 *
 * Times are microseconds.
 */
#include "load.h"

#include <ds/base/text.h>
#include <getopt.h>

#define MAX_RUNS 16

struct args {
	const char *url, *keys, *bundle, *log;
	size_t guests, rounds;
	struct load_cfg load;
	struct {
		size_t at_once, requests;
	} run[MAX_RUNS];
	size_t n_run;
	char host[64];
};

static int usage(void)
{
	fprintf(stderr, "usage: kms_bench policy N | load OPTION... | floor OPTION...\n");
	return 2;
}

static int policy(const char *count)
{
	unsigned long n = count ? strtoul(count, NULL, 10) : 0;
	uint8_t app[20], compose[32];
	char hex[41], hash[65];

	memset(compose, GUEST_COMPOSE, sizeof(compose));
	for (size_t i = 0; i < n; i++) {
		guest_app(i, app);
		printf("[app %s]\ncompose_hash = %s\ndevice = any\n",
		       ds_hex_encode(app, sizeof(app), hex),
		       ds_hex_encode(compose, sizeof(compose), hash));
	}
	return n ? 0 : usage();
}

static double us(const struct load_result *r, double part)
{
	return r->n ? 1e6 * r->took[(size_t)(part * (double)(r->n - 1))] : 0;
}

/* In KiB; 0 if there is no such process. */
static long memory(pid_t pid, const char *what)
{
	char path[64], line[128];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, what, strlen(what)))
			kib = atol(line + strlen(what));
	if (f)
		fclose(f);
	return kib;
}

static void show(const struct load_cfg *cfg, const struct load_result *r)
{
	double n = r->n ? (double)r->n : 1, cpu = 0;

	printf("released=%zu failed=%zu seconds=%.3f p50=%.0f p99=%.0f max=%.0f", r->n, r->failed,
	       r->seconds, us(r, 0.5), us(r, 0.99), us(r, 1));
	for (size_t i = 0; i < cfg->n_pid; i++) {
		printf(" cpu%zu=%.1f rss%zu=%ld heap%zu=%ld data%zu=%ld", i, 1e6 * r->cpu[i] / n, i,
		       memory(cfg->pid[i], "VmRSS:"), i, memory(cfg->pid[i], "RssAnon:"), i,
		       memory(cfg->pid[i], "VmData:"));
		cpu += r->cpu[i];
	}
	printf(" cpu=%.1f\n", 1e6 * cpu / n);
	fflush(stdout);
	if (r->failed)
		fprintf(stderr, "kms_bench: %zu failed; the first: %s\n", r->failed, r->why);
}

static int load(const struct args *a, const struct guests *gs, struct ds_err *err)
{
	struct load_cfg cfg = a->load;
	struct load_result r;
	size_t failed = 0;

	for (size_t i = 0; i < a->n_run; i++) {
		cfg.at_once = a->run[i].at_once;
		cfg.requests = a->run[i].requests;
		DS_TRY(load_run(&cfg, gs, &r, err));
		show(&cfg, &r);
		failed += r.failed;
		free(r.took);
	}
	return failed ? -EIO : 0;
}

static int show_floor(const struct args *a, const struct guests *gs, struct ds_err *err)
{
	struct floor f = { 0 };

	DS_TRY(floor_measure(gs, a->keys, a->log, a->rounds, &f, err));
	printf("handshake=%.1f quote=%.1f floor=%.1f derive=%.1f record=%.1f record_wall=%.1f\n",
	       1e6 * f.handshake, 1e6 * f.quote, 1e6 * (f.handshake + f.quote), 1e6 * f.derive,
	       1e6 * f.record_cpu, 1e6 * f.record_wall);
	return 0;
}

static int parse_url(struct args *a)
{
	unsigned port = 0;

	if (a->url && sscanf(a->url, "https://%63[0-9.]:%u", a->host, &port) != 2)
		return -EINVAL;
	a->load.host = a->host;
	a->load.port = (uint16_t)port;
	return 0;
}

static int add_run(struct args *a, const char *text)
{
	size_t i = a->n_run;

	if (i == MAX_RUNS ||
	    sscanf(text, "%zu:%zu", &a->run[i].at_once, &a->run[i].requests) != 2 ||
	    !a->run[i].at_once || !a->run[i].requests)
		return -EINVAL;
	a->n_run++;
	return 0;
}

static int parse(int argc, char **argv, struct args *a)
{
	static const struct option o[] = {
		{ "url", 1, NULL, 'u' },      { "keys", 1, NULL, 'k' },
		{ "bundle", 1, NULL, 'b' },   { "log", 1, NULL, 'l' },
		{ "guests", 1, NULL, 'g' },   { "run", 1, NULL, 'r' },
		{ "rounds", 1, NULL, 'n' },   { "pid", 1, NULL, 'p' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", o, NULL)) != -1) {
		if (c == 'u')
			a->url = optarg;
		else if (c == 'k')
			a->keys = optarg;
		else if (c == 'b')
			a->bundle = optarg;
		else if (c == 'l')
			a->log = optarg;
		else if (c == 'g')
			a->guests = strtoul(optarg, NULL, 10);
		else if (c == 'n')
			a->rounds = strtoul(optarg, NULL, 10);
		else if (c == 'r' && add_run(a, optarg))
			return -EINVAL;
		else if (c == 'p' && a->load.n_pid < LOAD_MAX_PIDS)
			a->load.pid[a->load.n_pid++] = atoi(optarg);
		else if (c != 'r')
			return -EINVAL;
	}
	return a->keys && a->bundle && a->guests && (a->log ? a->rounds : a->n_run) ? parse_url(a) : -EINVAL;
}

int main(int argc, char **argv)
{
	struct args a = { .guests = 16 };
	struct guests gs = GUESTS_NULL;
	struct ds_err err = DS_ERR_NULL;
	bool floor_only;
	int r;

	if (argc > 1 && !strcmp(argv[1], "policy"))
		return policy(argv[2]);
	floor_only = argc > 1 && !strcmp(argv[1], "floor");
	if (argc < 2 || (!floor_only && strcmp(argv[1], "load")) ||
	    parse(argc - 1, argv + 1, &a) || !(floor_only ? a.log : a.url))
		return usage();
	r = guests_make(a.keys, a.bundle, a.guests, &gs, &err);
	if (!r)
		r = floor_only ? show_floor(&a, &gs, &err) : load(&a, &gs, &err);
	guests_done(&gs);
	if (r)
		fprintf(stderr, "kms_bench: %s\n", err.code ? err.msg : strerror(-r));
	return r ? 1 : 0;
}
