/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merkle-Patricia proofs (yellow paper, appendix D; EIP-1186): what an account or a storage word
 * is, or that there is none, under a state root. Whoever brings the nodes need not be believed.
 * Pure.
 */
#ifndef DS_ETH_MPT_H
#define DS_ETH_MPT_H

#include <ds/base/base.h>

/*
 * The value at keccak256(key) under root; the nodes begin at the root and follow the path. ret: borrowed
 * from the nodes; n 0: it is proven that there is no value. -EBADMSG: the nodes prove nothing.
 */
DS_MUST int ds_mpt_get(const uint8_t root[32], struct ds_span key, const struct ds_span *nodes,
		       size_t n, struct ds_span *ret, struct ds_err *err);

struct ds_eth_account {
	bool exists;
	uint8_t storage_root[32]; /* of the empty trie when there is no account */
	uint8_t code_hash[32];
};

DS_MUST int ds_eth_account_proof(const uint8_t state_root[32], const uint8_t address[20],
				 const struct ds_span *nodes, size_t n, struct ds_eth_account *ret,
				 struct ds_err *err);
/* A word that was never written is zero. */
DS_MUST int ds_eth_storage_proof(const uint8_t storage_root[32], const uint8_t slot[32],
				 const struct ds_span *nodes, size_t n, uint8_t ret[32],
				 struct ds_err *err);

/* Slot of mapping[key], where the mapping is declared at slot (Solidity's storage layout). */
void ds_eth_mapping_slot(const uint8_t key[32], uint64_t slot, uint8_t ret[32]);

#endif
