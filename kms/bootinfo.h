/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Question and answer of a policy that is asked over HTTP (spec/kms 4.5). Pure: no network here,
 * see authorize.c.
 */
#ifndef KMS_BOOTINFO_H
#define KMS_BOOTINFO_H

#include "net.h"

#define KMS_MAX_REASON	   200u
#define KMS_MAX_AUTH_REPLY (64u << 10)

/* The body of POST bootAuth/app and bootAuth/kms; NULL: out of memory. v is the accepted verdict about s. */
json_t *kms_boot_info(const struct ds_verdict *v, const struct kms_subject *s);
/* Would a policy say the same of both? What only shows how far the launch got does not count. */
bool kms_boot_info_same(const json_t *a, const json_t *b);

/* Which block a contract answered for; extra keys of our own dstack-kms-policy(8). */
struct kms_auth_chain {
	bool present;
	uint64_t chain_id;
	uint8_t contract[20];
	uint64_t block;
	uint8_t block_hash[32];
};

struct kms_auth_reply {
	bool allowed;
	char gateway_app_id[41];	     /* lower case, without 0x; "": none */
	char reason[KMS_MAX_REASON * 4 + 1]; /* escaped: printable ASCII */
	struct kms_auth_chain chain;
};
/* -EBADMSG names what is wrong: then nothing is allowed. */
DS_MUST int kms_auth_reply_parse(struct ds_span body, struct kms_auth_reply *ret,
				 struct ds_err *err);
/* -EPERM: the answer is not of the contract that the configuration names. */
DS_MUST int kms_auth_chain_check(const struct kms_auth_conf *conf,
				 const struct kms_auth_chain *chain, struct ds_err *err);

/* GET of the API itself. */
struct kms_auth_info {
	char gateway_app_id[41], contract[43], app_implementation[43];
	uint64_t chain_id;
};
DS_MUST int kms_auth_info_parse(struct ds_span body, struct kms_auth_info *ret, struct ds_err *err);

#endif
