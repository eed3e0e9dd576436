// SPDX-License-Identifier: Apache-2.0
/*
 * kms_bench: load on a KMS that runs already, as tests/bench/kms/run starts one.
 *
 *   policy N                                       [app] sections for N guests
 *   load --url https://ADDR:PORT --keys DIR --bundle FILE --guests N --at-once C --requests R
 *        [--pid PID]...                            one line of key=value
 *   floor --keys DIR --bundle FILE --log FILE --requests R
 *
 * Times are microseconds.
 */
#include "load.h"

#include <ds/base/text.h>
#include <getopt.h>

struct args {
	const char *url, *keys, *bundle, *log;
	size_t guests;
	struct load_cfg load;
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

static int load(const struct args *a, const struct guests *gs, struct ds_err *err)
{
	struct load_result r;
	double cpu = 0;

	DS_TRY(load_run(&a->load, gs, &r, err));
	printf("released=%zu failed=%zu seconds=%.3f p50=%.0f p99=%.0f max=%.0f", r.n, r.failed,
	       r.seconds, us(&r, 0.5), us(&r, 0.99), us(&r, 1));
	for (size_t i = 0; i < a->load.n_pid; i++) {
		printf(" cpu%zu=%.1f", i, 1e6 * r.cpu[i] / (double)(r.n ? r.n : 1));
		cpu += r.cpu[i];
	}
	printf(" cpu=%.1f\n", 1e6 * cpu / (double)(r.n ? r.n : 1));
	if (r.failed)
		fprintf(stderr, "kms_bench: %zu failed; the first: %s\n", r.failed, r.why);
	free(r.took);
	return r.failed ? -EIO : 0;
}

static int show_floor(const struct args *a, const struct guests *gs, struct ds_err *err)
{
	struct floor f = { 0 };

	DS_TRY(floor_measure(gs, a->keys, a->log, a->load.requests, &f, err));
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

static int parse(int argc, char **argv, struct args *a)
{
	static const struct option o[] = {
		{ "url", 1, NULL, 'u' },      { "keys", 1, NULL, 'k' },
		{ "bundle", 1, NULL, 'b' },   { "log", 1, NULL, 'l' },
		{ "guests", 1, NULL, 'g' },   { "at-once", 1, NULL, 'c' },
		{ "requests", 1, NULL, 'r' }, { "pid", 1, NULL, 'p' },
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
		else if (c == 'c')
			a->load.at_once = strtoul(optarg, NULL, 10);
		else if (c == 'r')
			a->load.requests = strtoul(optarg, NULL, 10);
		else if (c == 'p' && a->load.n_pid < LOAD_MAX_PIDS)
			a->load.pid[a->load.n_pid++] = atoi(optarg);
		else
			return -EINVAL;
	}
	return a->keys && a->bundle && a->guests && a->load.requests ? parse_url(a) : -EINVAL;
}

int main(int argc, char **argv)
{
	struct args a = { .guests = 16, .load = { .at_once = 1 } };
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
