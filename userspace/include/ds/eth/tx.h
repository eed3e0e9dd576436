/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions of type 2 (EIP-1559) that call a contract and send no money. Pure but for blinding. */
#ifndef DS_ETH_TX_H
#define DS_ETH_TX_H

#include <ds/base/base.h>

struct ds_eth_tx {
	uint64_t chain_id;
	uint64_t nonce;
	uint64_t priority_fee, max_fee; /* wei for one unit of gas */
	uint64_t gas;
	uint8_t to[20];
	struct ds_span data;
};

/* The signed transaction is appended to ret, ret_hash is its name on the chain. sk is borrowed. */
DS_MUST int ds_eth_tx_sign(const struct ds_eth_tx *tx, const uint8_t sk[32], struct ds_buf *ret,
			   uint8_t ret_hash[32]);
/* Of the key's owner. */
DS_MUST int ds_eth_address(const uint8_t sk[32], uint8_t ret[20]);

#endif
