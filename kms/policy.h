/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets keys: an INI allow-list (man page dstack-kms(8)). Parsing is pure; a loaded policy is
 * immutable and replaced as a whole. What is not listed is refused.
 */
#ifndef KMS_POLICY_H
#define KMS_POLICY_H

#include <ds/attest/verify.h>
#include <ds/base/base.h>

#define KMS_MAX_NAME 32u /* of an image */

struct kms_image {
	char name[KMS_MAX_NAME + 1];
	struct ds_image_mr mr;
	uint8_t os_image_hash[32];
	unsigned seen; /* which keys the section had */
};

struct kms_app {
	uint8_t id[20];
	uint8_t (*compose)[32];
	size_t n_compose;
	bool any_device;
	uint8_t (*device)[32];
	size_t n_device;
	char (*image)[KMS_MAX_NAME + 1]; /* none: any image of the policy */
	size_t n_image;
};

struct kms_policy {
	uint32_t tcb_status; /* 1 << enum ds_tcb_status */
	bool tcb_given;
	bool allow_emulated;
	uint64_t min_tcb_evaluation; /* tcbEvaluationDataNumber of the TCB info */
	char *gateway_app_id;
	char **reserved; /* names for the gateway only, see kms_reserved_ok() */
	size_t n_reserved;
	char **node; /* names of the KMS's other nodes, see kms_node_name_ok() */
	size_t n_node;
	struct kms_image *image;
	size_t n_image;
	struct kms_app *app;
	size_t n_app;
	bool has_kms;
	struct kms_app kms; /* who else may be this KMS; compose: values of mr_aggregated */
};

DS_MUST int kms_policy_parse(struct ds_span text, const char *name, struct kms_policy **ret,
			     struct ds_err *err);
/* remote: another decides about apps, so what would be without effect here is an error. */
DS_MUST int kms_policy_load(const char *path, bool remote, struct kms_policy **ret,
			    struct ds_err *err);
struct kms_policy *kms_policy_free(struct kms_policy *p);

/* Stable codes of a refusal, for replies and the release log. */
enum kms_deny {
	KMS_ALLOW,
	KMS_DENY_EMULATED,
	KMS_DENY_ROOT,
	KMS_DENY_APP,
	KMS_DENY_COMPOSE,
	KMS_DENY_IMAGE,
	KMS_DENY_DEVICE,
	KMS_DENY_KMS_TCB,
	KMS_DENY_KMS_MR,
	KMS_DENY_KMS_DEVICE,
};
const char *kms_deny_code(enum kms_deny d);
/* The sentence that clients of the ecosystem know (spec/kms 4.9). */
const char *kms_deny_text(enum kms_deny d);

/*
 * v is an accepted verdict, id its identity; claimed is the os_image_hash that the caller
 * states, n 0 or 32. KMS_ALLOW fills ret_image.
 */
enum kms_deny kms_policy_decide(const struct kms_policy *p, const struct ds_verdict *v,
				const struct ds_identity *id, struct ds_span claimed,
				const struct kms_image **ret_image);

/* May it be a node of this KMS, and hold its roots? The same rules as isKmsAllowed (spec/kms 4.9). */
enum kms_deny kms_policy_decide_kms(const struct kms_policy *p, const struct ds_verdict *v,
				    const struct ds_identity *id, struct ds_span claimed,
				    const struct kms_image **ret_image);

/* The part of it that stays here when another decides about apps: evidence and image. */
enum kms_deny kms_policy_decide_image(const struct kms_policy *p, const struct ds_verdict *v,
				      struct ds_span claimed, const struct kms_image **ret_image);

#endif
