/* SPDX-License-Identifier: Apache-2.0 */
/* GetAppKey as often as a KMS can (load.c), and what cannot be done without (floor.c). */
#ifndef TESTS_BENCH_KMS_LOAD_H
#define TESTS_BENCH_KMS_LOAD_H

#include "guests.h"

#include <sys/types.h>

#define LOAD_MAX_PIDS 4

struct load_cfg {
	const char *host; /* IPv4 */
	uint16_t port;
	size_t at_once, requests;
	/* processes of the KMS, whose CPU time counts */
	pid_t pid[LOAD_MAX_PIDS];
	size_t n_pid;
};

struct load_result {
	double *took; /* of each good reply, in order of size; the caller frees it */
	size_t n, failed;
	double seconds, cpu[LOAD_MAX_PIDS];
	char why[160]; /* of the first failure */
};

double load_now(clockid_t clock);
DS_MUST int load_run(const struct load_cfg *cfg, const struct guests *gs, struct load_result *ret,
		     struct ds_err *err);

/* Seconds of CPU for one, measured here with the libraries that the KMS uses. */
struct floor {
	double handshake; /* the server's side, with a client's certificate */
	double quote;	  /* one signature over a quote, everything else known */
	double derive;	  /* the keys and the root's signature over one of them */
	double record_cpu, record_wall; /* a line and fdatasync, in the folder of path */
};
DS_MUST int floor_measure(const struct guests *gs, const char *dir, const char *path, size_t rounds,
			  struct floor *ret, struct ds_err *err);

#endif
