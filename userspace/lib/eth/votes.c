// SPDX-License-Identifier: Apache-2.0
/* Counting answers. */
#include <ds/eth/votes.h>

void ds_eth_votes_done(struct ds_eth_votes *votes)
{
	for (size_t i = 0; i < votes->n; i++)
		ds_buf_done(&votes->v[i].answer);
	votes->n = 0;
}

static size_t count(const struct ds_eth_votes *votes, enum ds_eth_vote_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < votes->n; i++)
		n += votes->v[i].state == state;
	return n;
}

/* How many say what vote i says; 0 if it says nothing. */
static size_t with(const struct ds_eth_votes *votes, size_t i)
{
	struct ds_span s = ds_buf_span(&votes->v[i].answer);
	size_t n = 0;

	for (size_t k = 0; k < votes->n && votes->v[i].state == DS_ETH_ANSWERED; k++)
		n += votes->v[k].state == DS_ETH_ANSWERED &&
		     ds_span_eq(ds_buf_span(&votes->v[k].answer), s);
	return n;
}

int ds_eth_votes_agree(const struct ds_eth_votes *votes, size_t need, size_t *ret)
{
	size_t best = 0;

	for (size_t i = 0; i < votes->n; i++) {
		size_t n = with(votes, i);

		if (n >= need) {
			*ret = i;
			return 0;
		}
		best = n > best ? n : best;
	}
	return best + count(votes, DS_ETH_OPEN) >= need ? DS_ETH_E_OPEN : DS_ETH_E_NONE;
}

static bool less(struct ds_span a, struct ds_span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int r = n ? memcmp(a.p, b.p, n) : 0;

	return r ? r < 0 : a.n < b.n;
}

/* Answers above that of vote i; of equal ones the earlier is above. */
static size_t above(const struct ds_eth_votes *votes, size_t i)
{
	struct ds_span mine = ds_buf_span(&votes->v[i].answer);
	size_t n = 0;

	for (size_t k = 0; k < votes->n; k++) {
		struct ds_span s = ds_buf_span(&votes->v[k].answer);

		if (votes->v[k].state == DS_ETH_ANSWERED && k != i)
			n += less(mine, s) || (!less(s, mine) && k < i);
	}
	return n;
}

/* Are there need answers? DS_ETH_E_OPEN, DS_ETH_E_NONE. */
static int enough(const struct ds_eth_votes *votes, size_t need)
{
	size_t answered = count(votes, DS_ETH_ANSWERED);

	if (answered >= need)
		return 0;
	return answered + count(votes, DS_ETH_OPEN) < need ? DS_ETH_E_NONE : DS_ETH_E_OPEN;
}

int ds_eth_votes_common(const struct ds_eth_votes *votes, size_t need, size_t *ret)
{
	DS_TRY(enough(votes, need));
	for (size_t i = 0; i < votes->n; i++)
		if (votes->v[i].state == DS_ETH_OPEN && !votes->v[i].waived)
			return DS_ETH_E_OPEN;
	for (size_t i = 0; i < votes->n; i++)
		if (votes->v[i].state == DS_ETH_ANSWERED && above(votes, i) == need - 1) {
			*ret = i;
			return 0;
		}
	return DS_ETH_E_NONE;
}

int ds_eth_votes_first(const struct ds_eth_votes *votes, size_t need, size_t *ret)
{
	DS_TRY(enough(votes, need));
	for (size_t i = 0; i < votes->n; i++)
		if (votes->v[i].state == DS_ETH_ANSWERED) {
			*ret = i;
			return 0;
		}
	return DS_ETH_E_NONE;
}
