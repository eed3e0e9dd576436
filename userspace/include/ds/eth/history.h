/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history of a policy contract (docs/contracts.md): events that a node lists, and the one storage
 * word that tells whether the list is whole. Pure.
 */
#ifndef DS_ETH_HISTORY_H
#define DS_ETH_HISTORY_H

#include <ds/base/base.h>

/* PolicyChanged(address indexed actor, bytes32 indexed policy, bytes32 indexed value, bool enabled) */
struct ds_eth_change {
	uint64_t block;
	uint8_t actor[20];
	uint8_t policy[32]; /* Keccak-256 of its name */
	uint8_t value[32];
	bool enabled;
};

/* Slots of Governed.sol: how many changes there were, and their chain of hashes. */
extern const uint8_t ds_eth_history_slots[2][32];

/* The request for changes from one block to another. */
DS_MUST int ds_eth_ask_changes(const uint8_t contract[20], uint64_t from, uint64_t to,
			       struct ds_buf *ret);
/* Calls fn for each, in the order of the chain; a result of fn other than 0 ends it. */
DS_MUST int ds_eth_take_changes(struct ds_span reply, const uint8_t contract[20], uint64_t from, uint64_t to,
				int (*fn)(void *arg, const struct ds_eth_change *c), void *arg,
				struct ds_err *err);
/* head becomes that behind c; it starts as zeros. */
void ds_eth_history_fold(uint8_t head[32], const struct ds_eth_change *c);
/* "compose-hash", or NULL. */
const char *ds_eth_policy_name(const uint8_t policy[32]);

#endif
