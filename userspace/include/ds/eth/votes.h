/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What several nodes answer to one question, and whether enough of them say the same. Pure.
 */
#ifndef DS_ETH_VOTES_H
#define DS_ETH_VOTES_H

#include <ds/base/base.h>

#define DS_ETH_MAX_NODES_ASKED 16u

enum ds_eth_vote_state { DS_ETH_OPEN, DS_ETH_FAILED, DS_ETH_ANSWERED };

struct ds_eth_votes {
	size_t n;
	struct {
		enum ds_eth_vote_state state;
		bool waived; /* it was slow lately: ds_eth_votes_common() does not wait for it */
		struct ds_buf answer;
	} v[DS_ETH_MAX_NODES_ASKED];
};

void ds_eth_votes_done(struct ds_eth_votes *votes);

/* Not decided yet. */
#define DS_ETH_E_OPEN 1
/* Not to be decided any more: whatever the rest answers, there are not enough. */
#define DS_ETH_E_NONE 2

/*
 * 0: need of the answers are equal to the byte, ret is one of them. need must be more than half of n,
 * or two groups could agree on two answers.
 */
DS_MUST int ds_eth_votes_agree(const struct ds_eth_votes *votes, size_t need, size_t *ret);
/*
 * 0: everybody has answered or failed, but for who is waived; ret is the answer that is need-th from
 * above in byte order: need nodes are that far. Whoever lies cannot push it up beyond, or hold it
 * back behind, all who do not.
 */
DS_MUST int ds_eth_votes_common(const struct ds_eth_votes *votes, size_t need, size_t *ret);
/* 0: there are need answers, ret is the first: for answers that prove themselves, with need 1. */
DS_MUST int ds_eth_votes_first(const struct ds_eth_votes *votes, size_t need, size_t *ret);

#endif
