/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC of Ethereum nodes: bodies of the requests we make, and what their replies say. Pure; the
 * replies come from nodes that nobody has to believe.
 */
#ifndef DS_ETH_RPC_H
#define DS_ETH_RPC_H

#include <ds/base/base.h>
#include <ds/eth/mpt.h>

#define DS_ETH_MAX_REPLY (1u << 20)
#define DS_ETH_MAX_CALL	 (64u << 10) /* bytes that a call returns */
#define DS_ETH_MAX_NODES 65u	     /* of one proof: a path has 64 nibbles */
#define DS_ETH_MAX_NODE	 1024u
#define DS_ETH_MAX_SLOTS 8u

struct ds_eth_block {
	uint64_t number;
	uint64_t time; /* Unix seconds */
	uint8_t hash[32];
	uint8_t state_root[32];
	uint64_t base_fee; /* wei for one unit of gas; 0 before EIP-1559 */
};

struct ds_eth_receipt {
	bool success;
	uint64_t block;
};

/* Bodies. tag: "finalized" or another name of a block. Appended to ret. */
DS_MUST int ds_eth_ask_chain_id(struct ds_buf *ret);
DS_MUST int ds_eth_ask_block(const char *tag, struct ds_buf *ret);
DS_MUST int ds_eth_ask_block_number(uint64_t number, struct ds_buf *ret);
/* At the block with this hash and no other (EIP-1898). */
DS_MUST int ds_eth_ask_call(const uint8_t to[20], struct ds_span data, const uint8_t block[32],
			    struct ds_buf *ret);
DS_MUST int ds_eth_ask_proof(const uint8_t address[20], const uint8_t (*slot)[32], size_t n_slot,
			     const uint8_t block[32], struct ds_buf *ret);

/* For who sends transactions. */
DS_MUST int ds_eth_ask_nonce(const uint8_t address[20], struct ds_buf *ret);
DS_MUST int ds_eth_ask_gas(const uint8_t from[20], const uint8_t to[20], struct ds_span data,
			   struct ds_buf *ret);
DS_MUST int ds_eth_ask_send(struct ds_span tx, struct ds_buf *ret);
DS_MUST int ds_eth_ask_receipt(const uint8_t hash[32], struct ds_buf *ret);

/*
 * Replies. -EBADMSG: malformed; -EPROTO: the node reports an error, its words are in err, or
 * those of the contract (ds/eth/revert.h); -EFBIG.
 */
DS_MUST int ds_eth_take_chain_id(struct ds_span body, uint64_t *ret, struct ds_err *err);
/* Nonce, gas. */
DS_MUST int ds_eth_take_number(struct ds_span body, uint64_t *ret, struct ds_err *err);
DS_MUST int ds_eth_take_sent(struct ds_span body, uint8_t ret_hash[32], struct ds_err *err);
/* *ret_done false: it is in no block yet. */
DS_MUST int ds_eth_take_receipt(struct ds_span body, bool *ret_done, struct ds_eth_receipt *ret,
				struct ds_err *err);
DS_MUST int ds_eth_take_block(struct ds_span body, struct ds_eth_block *ret, struct ds_err *err);
DS_MUST int ds_eth_take_call(struct ds_span body, struct ds_buf *ret, struct ds_err *err);
/*
 * The proof is checked against state_root, and what it says is returned: account and one word for
 * each slot asked for, in that order. What the node claims beside the proof is not looked at.
 */
DS_MUST int ds_eth_take_proof(struct ds_span body, const uint8_t state_root[32],
			      const uint8_t address[20], const uint8_t (*slot)[32], size_t n_slot,
			      struct ds_eth_account *ret_account, uint8_t (*ret_word)[32],
			      struct ds_err *err);

#endif
