/* SPDX-License-Identifier: Apache-2.0 */
/* The net process: state shared by its files. One thread, one loop. */
#ifndef KMS_NET_H
#define KMS_NET_H

#include "clock.h"
#include "conf.h"
#include "policy.h"
#include "refusal.h"
#include "relog.h"

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

struct kms_net {
	const struct kms_conf *conf;
	int keys; /* socket to the keys process */
	struct kms_policy *policy;
	struct ds_tcb_policy_file *tcb; /* NULL: the defaults */
	struct kms_relog *relog;
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
};

int kms_net_main(const struct kms_conf *conf, int keys);

/* net_rpc.c */
extern const struct ds_prpc_method kms_methods[];
extern const size_t kms_n_methods;

/* net_sign.c */
void kms_rpc_sign_cert(void *ctx, struct ds_req *req, json_t *args);

/* net_judge.c: one attested caller. */
struct kms_subject {
	struct ds_identity id;
	const struct kms_image *image; /* of the policy at this moment */
	char tcb_status[48];
	bool emulated;
	bool proven; /* the evidence was accepted: this is who it is, allowed or not */
};

/*
 * Evidence, image, app, compose hash and device of one caller. expect: the report data that binds
 * the key in question; vm_config: the request's, "" when it has none. 0; DS_ATTEST_REFUSED with why
 * filled; negative errno for failures of our own. Done with kms_subject_done() in any case.
 */
DS_MUST int kms_judge(struct kms_net *net, const struct ds_attestation *att, struct ds_span spki,
		      const char *vm_config, struct kms_subject *ret, struct kms_refusal *why);
void kms_subject_done(struct kms_subject *s);
/* The evidence in the client certificate of req; the same results. */
DS_MUST int kms_judge_peer(struct kms_net *net, struct ds_req *req, const char *vm_config,
			   struct kms_subject *ret, struct kms_refusal *why);

/* net_record.c: record a release; only then may the reply go. detail (may be NULL) is taken over.
 */
DS_MUST int kms_record(struct kms_net *net, struct ds_req *req, const char *op,
		       const struct kms_subject *s, json_t *detail);
/* Record or count a denial, and reply 400. */
void kms_deny(struct kms_net *net, struct ds_req *req, const char *op,
	      const struct kms_refusal *why, const struct kms_subject *s);
/* The same for a failure of our own. */
void kms_broken(struct ds_req *req, const char *op, int r);

/* reload.c */
DS_MUST int kms_file_load(struct kms_file *f, const char *path, size_t max, struct ds_err *err);
void kms_file_refresh(struct kms_file *f, size_t max);

#endif
