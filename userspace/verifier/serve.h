/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside dstack-verify serve: two processes. This one answers HTTP and judges; once it is set up it
 * has no way to open a file or a connection. The other one gets collateral, from the file or the
 * service, and never sees evidence. Between them goes which platform is asked about, and the JSON.
 */
#ifndef DS_VERIFIER_SERVE_H
#define DS_VERIFIER_SERVE_H

#include <ds/attest/platform.h>
#include <ds/base/limits.h>
#include <ds/net/server.h>
#include <ds/wire/attestation.h>

#include "verify.h"

#define SERVE_MAX_BODY (4u << 20)

struct event_base;

/* serve_req.c: the request of the reference verifier. Pure. */
struct serve_request {
	bool has_attestation; /* else quote, log and config */
	struct ds_buf attestation, quote, log, config;
};
void serve_request_done(struct serve_request *r);
/* -EBADMSG with err for the caller: not such a request. */
DS_MUST int serve_request_parse(struct ds_span body, struct serve_request *ret, struct ds_err *err);
/* Fills att. 0, DS_ATTEST_REFUSED with the reason in v, or negative. */
DS_MUST int serve_request_evidence(const struct serve_request *r, struct ds_attestation *att,
				   struct ds_verdict *v);

/* serve_reply.c: os_image_hash of the policy's image that v is about; NULL: not known. */
const uint8_t *serve_image_hash(const struct ds_verdict *v,
				const struct ds_tcb_policy_file *policy);
/*
 * serve_reply.c: the reference's reply, and our verdict in full as "verdict". id: NULL unless the
 * evidence was good; image_hash: NULL unless it is that of the image that runs.
 */
json_t *serve_reply(const struct ds_verdict *v, const struct ds_identity *id,
		    const uint8_t *image_hash);

/* serve_fetch.c */
struct fetcher;
/*
 * r 0: collateral is valid during the call; old says that a request for newer documents could make
 * sense. Negative: why says what is missing.
 */
typedef void (*fetched_fn)(void *arg, int r, struct ds_span collateral, bool old, const char *why);
/* Forks. 0 or EXIT_USAGE after printing why. */
DS_MUST int fetcher_start(const struct options *o, struct fetcher **ret);
/* on_gone: the other process has ended. */
DS_MUST int fetcher_attach(struct fetcher *f, struct event_base *base, void (*on_gone)(void *arg),
			   void *arg);
/* fn is called once, now or later; negative: it will not be. */
DS_MUST int fetcher_get(struct fetcher *f, const struct ds_platform_id *id, bool refresh,
			fetched_fn fn, void *arg);
struct fetcher *fetcher_free(struct fetcher *f);
struct fetcher_stats {
	uint64_t asked, failed;
};
struct fetcher_stats fetcher_stats(const struct fetcher *f);

/* serve_jail.c: the last step before the first byte from outside. */
DS_MUST int serve_jail(void);

#endif
