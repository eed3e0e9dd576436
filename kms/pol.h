/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dstack-kms-policy: what the policy contracts say, as several nodes of the chain agree on it. A
 * process of its own, because it talks to the Internet and the KMS's processes do not: it holds no
 * key and sees none. One thread, one loop.
 *
 *   pol_conf.c    the configuration        pol_seen.c   the newest block there was, on disk
 *   pol_boot.c    the API's question       pol_ask.c    one question to the contracts
 *   pol_round.c   one request to all nodes pol_api.c    the API
 *   pol_head.c    the block that counts now
 */
#ifndef KMS_POL_H
#define KMS_POL_H

#include "clock.h"

#include <ds/base/base.h>
#include <ds/eth/abi.h>
#include <ds/eth/fetch.h>
#include <ds/eth/rpc.h>
#include <ds/eth/votes.h>
#include <ds/net/server.h>

enum pol_proofs { POL_PROOFS_OFF, POL_PROOFS_KMS, POL_PROOFS_ALL };

struct pol_conf {
	char *socket, *addr; /* one of them: where the API is */
	uint16_t port;
	char *port_file;
	char *state;
	uint64_t chain_id;
	uint8_t contract[20];
	bool has_contract;
	uint64_t quorum;
	char *block; /* "finalized" */
	bool ask_tee;
	enum pol_proofs proofs;
	uint64_t lease_ms;
	uint64_t max_block_age; /* seconds */
	uint64_t timeout_ms;	/* of one request to one node */
	struct ds_eth_node node[DS_ETH_MAX_NODES_ASKED];
	size_t n_node;
};

DS_MUST int pol_conf_load(const char *path, struct pol_conf *ret, struct ds_err *err);
void pol_conf_done(struct pol_conf *c);

/* pol_seen.c: a block that was agreed on once. Older ones, and others of that height, are refused. */
struct pol_seen {
	uint64_t number;
	uint8_t hash[32];
};
/* Pure. -EBADMSG; -ESTALE: of another chain. */
DS_MUST int pol_seen_parse(struct ds_span text, uint64_t chain_id, struct pol_seen *ret,
			   struct ds_err *err);
/* No file: nothing was seen. */
DS_MUST int pol_seen_load(const char *path, uint64_t chain_id, struct pol_seen *ret,
			  struct ds_err *err);
DS_MUST int pol_seen_store(const char *path, uint64_t chain_id, const struct pol_seen *seen);

/* pol_boot.c: the question as it came; strings are borrowed from json. Pure. */
struct pol_boot {
	json_t *json;
	struct ds_eth_boot boot;
	const char *tee;
	const char *advisory[128];
};
DS_MUST int pol_boot_parse(struct ds_span body, struct pol_boot *ret, struct ds_err *err);
void pol_boot_done(struct pol_boot *b);

struct pol;

/* pol_round.c: the same request to every node, until enough of them have said the same. */
struct pol_round_spec {
	const char *what; /* for the log */
	struct ds_buf body; /* taken over */
	size_t need;
	int (*judge)(const struct ds_eth_votes *votes, size_t need, size_t *ret);
	/* The bytes to compare, from a reply. */
	int (*take)(void *arg, struct ds_span reply, struct ds_buf *ret, struct ds_err *err);
	/* Once; answer is valid during the call. */
	void (*done)(void *arg, int r, struct ds_span answer, const struct ds_err *err);
	void *arg;
};
DS_MUST int pol_round_start(struct pol *p, struct pol_round_spec *spec, struct ds_err *err);
void pol_rounds_stop(struct pol *p);

/* The block that counts now; what is asked at it holds until the lease is over. */
struct pol_head {
	bool valid;
	int64_t taken; /* ms of CLOCK_BOOTTIME, before the first node was asked */
	struct ds_eth_block block;
	char gateway_app_id[129];
	uint8_t app_implementation[20];
	uint8_t history[32]; /* proven; zero with proofs off */
};

typedef void (*pol_head_fn)(void *arg, int r, const struct pol_head *head, const struct ds_err *err);

/* pol_head.c: fn runs once, now or later. */
void pol_head_get(struct pol *p, pol_head_fn fn, void *arg);
bool pol_head_fresh(const struct pol *p, const struct pol_head *head);

/* pol_ask.c */
struct pol_ruling {
	bool allowed;
	char reason[201];
	struct pol_head head;
};
typedef void (*pol_ruling_fn)(void *arg, int r, const struct pol_ruling *ruling,
			      const struct ds_err *err);
/* kms: may it be a key server? boot is borrowed until fn ran: once, now or later. */
void pol_ask(struct pol *p, bool kms, const struct pol_boot *boot, pol_ruling_fn fn, void *arg);

/* pol_api.c */
DS_MUST int pol_api_mount(struct pol *p);

struct pol_answer {
	uint8_t question[32]; /* Keccak-256 of the calldata */
	bool allowed;
	char reason[201];
};
#define POL_ANSWERS 256u

struct pol_wait;
struct pol_round;

struct pol {
	const struct pol_conf *conf;
	struct event_base *base;
	struct ds_server *srv;
	struct ds_eth_fetch *fetch;
	struct pol_seen seen;
	struct pol_head head;
	struct pol_wait *waiting; /* for the next head */
	struct pol_head next;	  /* while it is made */
	bool refreshing;
	int64_t slow_until[DS_ETH_MAX_NODES_ASKED]; /* not waited for until then */
	bool chain_ok[DS_ETH_MAX_NODES_ASKED]; /* since the last refresh */
	struct kms_bucket print[DS_ETH_MAX_NODES_ASKED];
	struct pol_round *rounds;
	/* at this head */
	struct pol_answer answer[POL_ANSWERS];
	size_t n_answer;
};

/* ms of a clock that goes on while the machine sleeps. */
int64_t pol_now(void);

#endif
