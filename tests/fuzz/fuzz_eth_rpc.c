// SPDX-License-Identifier: Apache-2.0
/* Replies of an Ethereum node through every parser of them. */
#include <ds/eth/abi.h>
#include <ds/eth/rpc.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t zero[32], slots[2][32] = { { 1 }, { 2 } };
	DS_BUF struct ds_buf data = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct ds_eth_account acc;
	struct ds_eth_block block;
	struct ds_span reason;
	uint8_t word[2][32];
	bool allowed;
	uint64_t id;

	(void)!ds_eth_take_chain_id(DS_SPAN(p, n), &id, &err);
	(void)!ds_eth_take_block(DS_SPAN(p, n), &block, &err);
	if (!ds_eth_take_call(DS_SPAN(p, n), &data, &err) &&
	    !ds_eth_abi_ruling(ds_buf_span(&data), &allowed, &reason, &err) && reason.n > data.n)
		abort();
	/* nothing hashes to zero */
	if (!ds_eth_take_proof(DS_SPAN(p, n), zero, zero, slots, 2, &acc, word, &err))
		abort();
	return 0;
}
