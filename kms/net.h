/* SPDX-License-Identifier: Apache-2.0 */
/* The net process: state shared by its files. One thread, one loop. */
#ifndef KMS_NET_H
#define KMS_NET_H

#include "clock.h"
#include "conf.h"
#include "policy.h"
#include "refusal.h"
#include "relog.h"
#include "self.h"

#include <ds/net/prpc.h>
#include <ds/net/tcbpolicy.h>
#include <ds/attest/cache.h>
#include <ds/wire/attestation.h>
#include <sys/stat.h>

/* A file that is read again when it changes; the last good content stays in use until then. */
struct kms_file {
	const char *path;
	struct stat seen;
	struct ds_buf data;
};

struct ds_server;
struct event_base;
struct ds_loop;
struct kms_lease;
struct kms_query;

struct kms_net {
	const struct kms_conf *conf;
	const struct kms_self *self;
	struct ds_loop *loop;
	struct kms_lease *lease; /* the policy's word about ourselves */
	struct event_base *base;
	struct kms_query *queries; /* questions to the policy's API that are not answered yet */
	struct kms_file auth_ca;
	struct ds_buf auth_info; /* what the API said of itself, */
	int64_t auth_info_until; /* used until then: anybody may ask for it (kms_now_ms()) */
	int64_t auth_down_until; /* the same of a question that failed, */
	struct ds_err auth_down; /* for this reason */
	struct ds_server *srv;
	int64_t started;
	int keys; /* socket to the keys process */
	struct kms_policy *policy;
	struct ds_tcb_policy_file *tcb; /* NULL: the defaults */
	uint64_t policy_read; /* how often these two were replaced */
	struct kms_relog *relog;
	struct kms_due *due, **due_end; /* replies that wait for a sync of it */
	struct event *due_event;
	struct kms_clock clock; /* of all judgements */
	struct kms_file root_ca, collateral[KMS_MAX_COLLATERAL];
	struct ds_attest_cache *attested; /* signatures proven before */
	/* public parts of the key directory */
	struct ds_buf root_pem, tmp_pem, tmp_key_pem;
	char *domain;
	json_t *bootstrap_info;
	uint8_t k256_pub[33];
	/* denials: how many are printed, how many on record, how many were not since the last
	 * record */
	struct kms_bucket deny_print, deny_record;
	uint64_t deny_unlogged;
	struct kms_bucket auth_print; /* failures of the policy's API */
};

/* fresh: there are no roots, keys is a keys_new.c, and what is served is the onboarding. */
int kms_net_main(const struct kms_conf *conf, const struct kms_self *self, int keys, bool fresh);

/* net_rpc.c */
extern const struct ds_prpc_method kms_methods[];
extern const size_t kms_n_methods;

/* messages.c: what they look like on the wire */
extern const struct ds_prpc_messages kms_messages[];
extern const size_t kms_n_messages;

/* The epoch that a request asks for, 0 without one; refused when it does not exist. */
DS_MUST int kms_epoch_arg(const json_t *args, uint32_t *ret, struct kms_refusal *why);

/* net_sign.c */
void kms_rpc_sign_cert(void *ctx, struct ds_req *req, json_t *args);

/* What somebody is to be allowed: keys of an app, or to be a node of this KMS. */
enum kms_role { KMS_ROLE_APP, KMS_ROLE_KMS };

/* net_judge.c: one attested caller. */
struct kms_subject {
	struct ds_identity id;
	/* of the policy's image that was measured; "": none was found */
	char image[KMS_MAX_NAME + 1];
	uint8_t os_image_hash[32];
	char tcb_status[48];
	bool emulated;
	bool proven;	 /* the evidence was accepted: this is who it is, allowed or not */
	uint32_t epoch;	 /* of the keys it asks for */
	bool allowed;	 /* by the policy: without it there is no release */
	json_t *question; /* what the policy's API is to be asked; NULL: the policy is the file */
	json_t *ruling;	 /* for the record, what the API's answer is about; may be NULL */
	char gateway_app_id[41]; /* "": none */
};

/*
 * Evidence and image of one caller, and with a policy file its app, compose hash and device. Else
 * kms_authorize() comes next. spki: the key that the evidence must be bound to; vm_config: the
 * request's, "" when it has none. 0; DS_ATTEST_REFUSED with why filled; negative errno for failures
 * of our own. Done with kms_subject_done() in any case.
 */
DS_MUST int kms_judge(struct kms_net *net, enum kms_role role, const struct ds_attestation *att,
		      struct ds_span spki, const char *vm_config, struct kms_subject *ret, struct kms_refusal *why);
/* s is empty afterwards. */
void kms_subject_done(struct kms_subject *s);
/* The evidence in the client certificate of req; the same results. */
DS_MUST int kms_judge_peer(struct kms_net *net, enum kms_role role, struct ds_req *req,
			   const char *vm_config, struct kms_subject *ret, struct kms_refusal *why);

/* authorize.c: does the policy allow it? */
/* r 0: s->allowed is set; DS_ATTEST_REFUSED with why filled; negative errno for failures of our own. */
typedef void (*kms_allowed_fn)(void *arg, int r, const struct kms_refusal *why);
/* kms_judge() and what else a request needs, into s, with the same results. */
typedef int (*kms_judge_fn)(void *arg, struct kms_refusal *why);
/*
 * Judges, and asks where another decides. fn runs once, before this returns or later. An answer that
 * comes after the policy was read again counts for nothing: all of it happens anew. So judge may run
 * until fn did, each time with an empty s.
 */
void kms_authorize(struct kms_net *net, enum kms_role role, struct kms_subject *s,
		   kms_judge_fn judge, kms_allowed_fn fn, void *arg);
/* GET of the policy's API; r 0: body is its answer. The same rules. */
typedef void (*kms_info_fn)(void *arg, int r, struct ds_span body, const struct ds_err *err);
void kms_ask_info(struct kms_net *net, kms_info_fn fn, void *arg);
/* Say that the API failed, not too often. */
void kms_auth_failed(struct kms_net *net, const char *text);
/* At the end: what is not answered yet fails with -ECANCELED. */
void kms_authorize_stop(struct kms_net *net);

/* net_lease.c: the policy is asked about this node itself, again and again. */
DS_MUST int kms_lease_start(struct kms_net *net);
void kms_lease_stop(struct kms_net *net);
/* Ask now: the policy has changed. */
void kms_lease_ask(struct kms_net *net);
/* 0: this node may serve. DS_ATTEST_REFUSED with why filled. */
DS_MUST int kms_lease_check(const struct kms_net *net, struct kms_refusal *why);

/* net_replicate.c: GetKmsKey */
void kms_rpc_get_kms_key(void *ctx, struct ds_req *req, json_t *args);

/* onboard.c: the methods of a KMS without roots. */
struct kms_onboard;
DS_MUST int kms_onboard_new(struct kms_net *net, struct kms_onboard **ret, struct ds_err *err);
struct kms_onboard *kms_onboard_free(struct kms_onboard *ob);
extern const struct ds_prpc_method kms_onboard_methods[];
extern const size_t kms_n_onboard_methods;
extern const struct ds_prpc_messages kms_onboard_messages[];
extern const size_t kms_n_onboard_messages;

/* net_record.c: record a release; only then may the reply go. detail (may be NULL) is taken over.
 * -EPERM: nobody allowed it, which is a mistake of the caller, or this node may not serve any more.
 */
DS_MUST int kms_record(struct kms_net *net, struct ds_req *req, const char *op,
		       const struct kms_subject *s, json_t *detail);
/* The same for many at once: the line is written, but the reply must go by kms_due_add(). */
DS_MUST int kms_record_later(struct kms_net *net, struct ds_req *req, const char *op,
			     const struct kms_subject *s);
/*
 * net_due.c: replies that go when the lines written before are synced, all those of one turn of the
 * loop by one sync. A failure of that is the failure of each. take: n bytes of it are the body; not
 * taken when this fails, and req is still to be answered.
 */
DS_MUST int kms_due_start(struct kms_net *net);
void kms_due_stop(struct kms_net *net);
DS_MUST int kms_due_add(struct kms_net *net, struct ds_req *req, const char *op, const char *type,
			struct ds_secret **take, size_t n);
/* Of a clock that only goes forward, and goes on while the machine sleeps: leases end in sleep, too. */
int64_t kms_now_ms(void);
/* Record or count a denial, and reply 400. */
void kms_deny(struct kms_net *net, struct ds_req *req, const char *op,
	      const struct kms_refusal *why, const struct kms_subject *s);
/* The same for a failure of our own. */
void kms_broken(struct ds_req *req, const char *op, int r);

/* net_jail.c: no keys of the kernel's, no other program, for good */
DS_MUST int kms_net_jail(void);

/* net_admin.c */
/* ret stays NULL when the configuration has no admin_socket. */
DS_MUST int kms_admin_start(struct kms_net *net, struct ds_server **ret, struct ds_err *err);
void kms_on_metrics(void *ctx, struct ds_req *req);
void kms_on_health(void *ctx, struct ds_req *req);

/* reload.c */
DS_MUST int kms_file_load(struct kms_file *f, const char *path, size_t max, struct ds_err *err);
void kms_file_refresh(struct kms_file *f, size_t max);

#endif
