/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reader of RLP, Ethereum's serialisation (yellow paper, appendix B): strings and lists. Canonical
 * input only, so that a value has one encoding. Pure; items are borrowed from the input.
 */
#ifndef DS_ETH_RLP_H
#define DS_ETH_RLP_H

#include <ds/base/base.h>

struct ds_rlp {
	bool list;
	struct ds_span body;  /* of the string, or the items of the list */
	struct ds_span whole; /* with its head */
};

/* Takes the next item off in. -EBADMSG: not canonical, or cut short; err has the offset in in. */
DS_MUST int ds_rlp_next(struct ds_span *in, struct ds_rlp *ret, struct ds_err *err);
/* The one item that in is; bytes behind it are an error. */
DS_MUST int ds_rlp_single(struct ds_span in, struct ds_rlp *ret, struct ds_err *err);
/* The items of a list, as many as ret has room for and no more; ret_n: how many. */
DS_MUST int ds_rlp_items(struct ds_span list_body, struct ds_rlp *ret, size_t cap, size_t *ret_n,
			 struct ds_err *err);

#endif
