/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control process: internal types of ctl_proc.c (start, signals, reload), ctl_push.c (workers'
 * tables), ctl_tls.c (own certificate), ctl_register.c (RegisterCvm) and ctl_wg.c (tunnels). One
 * process, one thread, one libevent loop; it alone holds keys. A registration is durable
 * (store.h), then in the kernel, then with the workers, then answered.
 */
#ifndef DS_GATEWAY_CTL_H
#define DS_GATEWAY_CTL_H

#include <ds/attest/cache.h>
#include <ds/attest/verify.h>
#include <ds/net/client.h>
#include <ds/net/loop.h>
#include <ds/net/prpc.h>
#include <ds/net/server.h>
#include <ds/net/wg.h>

#include "conf.h"
#include "ids.h"
#include "store.h"

#define CTL_WORKERS_MAX 64

struct event;
struct ctl;

/* Where a worker's table stands. */
struct ctl_worker {
	struct ctl *ctl;
	int fd;
	struct event *readable, *writable;
	enum { CTL_PUSH_IDLE, CTL_PUSH_BEGIN, CTL_PUSH_RECORDS, CTL_PUSH_END } stage;
	size_t next; /* record to send in CTL_PUSH_RECORDS */
};

struct ctl {
	const struct ds_gw_conf *conf; /* of the start: sockets, addresses, tunnels */
	struct ds_gw_conf live;	       /* of the last reload: status and [attest] */
	const char *conf_path;
	struct ds_loop *loop;
	struct ds_store *store;
	struct ds_gw_log_limit refusals;
	struct ds_attest_cache *attested; /* signatures proven before */
	struct ctl_worker workers[CTL_WORKERS_MAX];
	unsigned int n_workers;
	/* ctl_tls.c */
	int rpc_fd; /* until the server takes it */
	struct ds_server *server;
	struct ds_prpc_service service;
	struct event *renew;
	struct ds_call *agent_call;
	struct ds_buf kms_root; /* PEM */
	/* ctl_wg.c; NULL when wireguard is off */
	struct ds_wg *wg;
	struct event *wg_poll;
	uint8_t wg_public[DS_WG_KEY_LEN];
};

/* ctl_push.c */
DS_MUST int ctl_push_start(struct ctl *c, const int *fds, unsigned int n);
void ctl_push_record(struct ctl *c, const struct ds_gw_record *rec);
void ctl_push_stop(struct ctl *c);

/* ctl_tls.c: get the certificate (at once or from the agent), then serve. */
DS_MUST int ctl_tls_start(struct ctl *c, struct ds_err *err);
void ctl_tls_stop(struct ctl *c);

/* ctl_wg.c */
DS_MUST int ctl_wg_start(struct ctl *c, struct ds_err *err);
/* The kernel's peer for this record; old_key (zero: none) goes away. */
DS_MUST int ctl_wg_set(struct ctl *c, struct ds_gw_record *rec,
		       const uint8_t old_key[DS_WG_KEY_LEN]);
void ctl_wg_stop(struct ctl *c);

/* ctl_register.c */
extern const struct ds_prpc_method ctl_methods[];
extern const size_t ctl_n_methods;
void ctl_health(void *ctx, struct ds_req *req);

/* ctl_identity.c: who is asking? 0, or -EPERM with the text for the caller. */
DS_MUST int ctl_identify(struct ctl *c, struct ds_span peer_cert, struct ds_gw_request *ret,
			 struct ds_err *err);

#endif
