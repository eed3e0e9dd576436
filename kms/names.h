/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which names an application's certificate may carry. Pure: everyone who trusts this KMS's root
 * trusts what is written there, and clients look at the subject too when a certificate has no
 * alternative name, so one set of rules covers both.
 */
#ifndef KMS_NAMES_H
#define KMS_NAMES_H

#include "refusal.h"

#include <ds/attest/verify.h>

struct kms_name_rules {
	/* names and addresses of the KMS itself: nobody else's */
	const char *domain;
	char *const *own;
	size_t n_own;
	/* those of its other nodes, see kms_node_name_ok() */
	char *const *nodes;
	size_t n_nodes;
	/* host names of the policy, see kms_reserved_ok(): the gateway's */
	char *const *reserved;
	size_t n_reserved;
	/* who asks, from verified evidence */
	const struct ds_identity *id;
	bool gateway;
};

/* 0, or DS_ATTEST_REFUSED with why filled. org may be NULL. */
DS_MUST int kms_names_check(const struct kms_name_rules *rules, const char *subject,
			    const char *org, char *const *names, size_t n, struct kms_refusal *why);

/*
 * Can this stand in a policy's reserved_names? A host name reserves itself; with a leading dot, all
 * names below it, except those that begin with the asker's own app or instance id.
 */
bool kms_reserved_ok(const char *name);

/* Can this stand in a policy's node_names? A host name without wildcard, or an address. */
bool kms_node_name_ok(const char *name);

#endif
