// SPDX-License-Identifier: Apache-2.0
/*
 * bench_verify RECORDS cold|warm THREADS SECONDS [COUNT]: verifications per second over the records
 * of a file (tests/differential/README.md), then peak RSS and the growth of the heap between the
 * first tenth and the end. COUNT ends after that many verifications in place of SECONDS.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include <ds/attest/cache.h>
#include <ds/attest/verify.h>
#include <ds/base/file.h>

#include "../differential/record.h"

static struct ds_buf file;
static struct record records[64];
static size_t n_records;
static struct ds_attest_cache *cache;
static double seconds;
static unsigned long long count;
static atomic_ullong done, refused;

static double now(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *worker(void *arg)
{
	double end = now(CLOCK_MONOTONIC) + seconds;
	struct ds_verdict v;

	for (size_t i = 0; count ? atomic_load(&done) < count : now(CLOCK_MONOTONIC) < end; i++) {
		const struct record *r = &records[i % n_records];
		const struct ds_verify_opts opts = { .time = r->time, .cache = cache };

		if (ds_attest_quote(r->quote, r->collateral, &opts, &v) || !v.accepted)
			atomic_fetch_add(&refused, 1);
		atomic_fetch_add(&done, 1);
	}
	return NULL;
}

static unsigned long long run(int threads)
{
	pthread_t t[8];

	atomic_store(&done, 0);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&t[i], NULL, worker, NULL))
			exit(2);
	for (int i = 0; i < threads; i++)
		(void)pthread_join(t[i], NULL);
	return atomic_load(&done);
}

static int read_records(const char *path)
{
	struct ds_rd rd;

	if (ds_read_file(AT_FDCWD, path, 16u << 20, &file))
		return -1;
	rd = ds_rd_init(ds_buf_span(&file));
	while (ds_rd_left(&rd) && n_records < DS_ARRAY_SIZE(records))
		if (record_next(&rd, &records[n_records++]))
			return -1;
	return n_records ? 0 : -1;
}

int main(int argc, char **argv)
{
	int threads = argc > 3 ? atoi(argv[3]) : 0;
	struct rusage ru;
	size_t before, after;
	double start, took, cpu;
	unsigned long long n;

	if (argc < 5 || threads < 1 || threads > 8 || read_records(argv[1])) {
		fprintf(stderr, "usage: bench_verify RECORDS cold|warm THREADS SECONDS [COUNT]\n");
		return 2;
	}
	if (!strcmp(argv[2], "warm") && ds_attest_cache_new(&cache))
		return 2;
	seconds = 0.2; /* warm up: caches of the CPU, of OpenSSL and ours */
	(void)run(threads);
	seconds = atof(argv[4]);
	count = argc > 5 ? strtoull(argv[5], NULL, 10) / 10 : 0;
	if (count)
		(void)run(threads);
	before = mallinfo2().uordblks;
	count *= 9;
	start = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	n = run(threads);
	took = now(CLOCK_MONOTONIC) - start;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	after = mallinfo2().uordblks;
	(void)getrusage(RUSAGE_SELF, &ru);
	printf("%.2f us of CPU, %.1f per second, %llu in %.2f s, %llu refused, peak RSS %ld KiB, "
	       "heap growth %ld bytes\n",
	       cpu * 1e6 / (double)n, (double)n / took, n, took, atomic_load(&refused),
	       ru.ru_maxrss, (long)after - (long)before);
	ds_attest_cache_free(cache);
	ds_buf_done(&file);
	return atomic_load(&refused) ? 1 : 0;
}
