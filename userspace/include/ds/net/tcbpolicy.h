/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file form of struct ds_tcb_policy: an INI file, the same for dstack-verify (--policy), the
 * KMS and the gateway ([attest] tcb_policy). What is left out keeps its safe default; the keys are in
 * dstack-verify(1). A loaded file owns everything that its policy points to.
 */
#ifndef DS_NET_TCBPOLICY_H
#define DS_NET_TCBPOLICY_H

#include <ds/attest/verify.h>

struct ds_tcb_policy_file;

/* err names file and line, or the file and what is missing. */
DS_MUST int ds_tcb_policy_load(const char *path, struct ds_tcb_policy_file **ret,
			       struct ds_err *err);
/* Pure, but for the image files that it names; name stands in messages. */
DS_MUST int ds_tcb_policy_parse(struct ds_span text, const char *name,
				struct ds_tcb_policy_file **ret, struct ds_err *err);
/* NULL is fine; returns NULL. */
struct ds_tcb_policy_file *ds_tcb_policy_free(struct ds_tcb_policy_file *file);
/* Borrowed from file. */
const struct ds_tcb_policy *ds_tcb_policy_get(const struct ds_tcb_policy_file *file);
/* os_image_hash that goes with image i of the policy; NULL: not given. */
const uint8_t *ds_tcb_policy_image_hash(const struct ds_tcb_policy_file *file, size_t i);

#endif
