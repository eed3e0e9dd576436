/* SPDX-License-Identifier: Apache-2.0 */
/* Between tcbpolicy.c and tcbpolicy_snp.c: the file is one, its keys are two families. */
#ifndef DS_NET_TCBPOLICY_PRIV_H
#define DS_NET_TCBPOLICY_PRIV_H

#include <ds/attest/verdict.h>

/* 16 hex digits, most significant first. */
DS_MUST int ds_tcb_policy_mask(const char *value, uint64_t *ret, struct ds_err *err);
/* RFC 3339, after 1970. */
DS_MUST int ds_tcb_policy_time(const char *value, int64_t *ret, struct ds_err *err);
/* One key; DS_CONF_E_UNKNOWN if it is none of SEV-SNP's. Lists of chips are in tcbpolicy.c. */
DS_MUST int ds_tcb_policy_snp_key(struct ds_snp_policy *p, const char *key, const char *value,
				  struct ds_err *err);

#endif
