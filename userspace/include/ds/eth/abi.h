/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract ABI, as far as the policy contracts need it (spec/kms 4.7): calldata of the questions
 * and the forms of their answers. Decoding takes the canonical encoding only. Pure.
 */
#ifndef DS_ETH_ABI_H
#define DS_ETH_ABI_H

#include <ds/base/base.h>

/* Who wants to boot. Shorter values are padded by the caller; strings are borrowed. */
struct ds_eth_boot {
	uint8_t app_id[20];
	uint8_t compose_hash[32];
	uint8_t instance_id[20];
	uint8_t device_id[32];
	uint8_t mr_aggregated[32];
	uint8_t mr_system[32];
	uint8_t os_image_hash[32];
	const char *tcb_status;
	const char *const *advisory;
	size_t n_advisory;
};

enum ds_eth_question {
	DS_ETH_IS_KMS_ALLOWED,
	DS_ETH_IS_APP_ALLOWED,
	DS_ETH_IS_APP_ALLOWED_ON, /* with the kind of TEE */
};

/* tee: "dstack-tdx", for DS_ETH_IS_APP_ALLOWED_ON. Appended to ret. */
DS_MUST int ds_eth_abi_question(enum ds_eth_question q, const struct ds_eth_boot *boot,
				const char *tee, struct ds_buf *ret);
/* A call without arguments; signature as in "gatewayAppId()". */
DS_MUST int ds_eth_abi_call0(const char *signature, struct ds_buf *ret);

/* With one argument: a word, or bytes. */
DS_MUST int ds_eth_abi_call_word(const char *signature, const uint8_t word[32], struct ds_buf *ret);
DS_MUST int ds_eth_abi_call_bytes(const char *signature, struct ds_span bytes, struct ds_buf *ret);

/* (bool, string) */
DS_MUST int ds_eth_abi_ruling(struct ds_span in, bool *ret_allowed, struct ds_span *ret_reason,
			      struct ds_err *err);
/* (string), borrowed from in */
DS_MUST int ds_eth_abi_string(struct ds_span in, struct ds_span *ret, struct ds_err *err);
/* (address) */
DS_MUST int ds_eth_abi_address(struct ds_span in, uint8_t ret[20], struct ds_err *err);

#endif
