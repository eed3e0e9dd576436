// SPDX-License-Identifier: Apache-2.0
/* Replies of an Ethereum node through every parser of them. */
#include <ds/eth/abi.h>
#include <ds/eth/history.h>
#include <ds/eth/revert.h>
#include <ds/eth/rpc.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* of the corpus */
static const uint8_t contract[20] = { 0x75, 0x53, 0x78, 0x28, 0xf2, 0xce, 0x51, 0xbe, 0x72, 0x89,
				      0x70, 0x96, 0x86, 0xa6, 0x9c, 0xbf, 0xdb, 0xb7, 0x14, 0xf1 };

static int in_order(void *arg, const struct ds_eth_change *c)
{
	uint64_t *last = arg;

	if (c->block < *last || c->block > 1000)
		abort();
	*last = c->block;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t zero[32], slots[2][32] = { { 1 }, { 2 } };
	DS_BUF struct ds_buf data = DS_BUF_NULL, words = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct ds_eth_account acc;
	struct ds_eth_block block;
	struct ds_span reason;
	uint8_t word[2][32];
	struct ds_eth_receipt receipt;
	bool allowed, done;
	uint64_t id, last = 0;

	(void)!ds_eth_take_chain_id(DS_SPAN(p, n), &id, &err);
	(void)!ds_eth_take_receipt(DS_SPAN(p, n), &done, &receipt, &err);
	(void)!ds_eth_take_changes(DS_SPAN(p, n), contract, 0, 1000, in_order, &last, &err);
	(void)!ds_eth_take_block(DS_SPAN(p, n), &block, &err);
	if (!ds_eth_take_call(DS_SPAN(p, n), &data, &err) &&
	    !ds_eth_abi_ruling(ds_buf_span(&data), &allowed, &reason, &err) && reason.n > data.n)
		abort();
	/* bytes of a revert as they are: in a reply they would have to be hex digits */
	if (!ds_eth_revert_words(DS_SPAN(p, n), &words, &err) && words.n > DS_ETH_REVERT_MAX)
		abort();
	/* nothing hashes to zero */
	if (!ds_eth_take_proof(DS_SPAN(p, n), zero, zero, slots, 2, &acc, word, &err))
		abort();
	return 0;
}
