/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a contract says when it refuses a call, in words: Error(string), Panic(uint256) and the errors
 * of our contracts (kms/contracts, and what they inherit). Pure; the bytes come from a node that
 * nobody has to believe.
 */
#ifndef DS_ETH_REVERT_H
#define DS_ETH_REVERT_H

#include <ds/base/base.h>

/*
 * Appended to ret: one line of printable ASCII, at most DS_ETH_REVERT_MAX characters, with a name
 * that docs/contracts.md has. -ENOENT: an error of no contract of ours, the selector is in err;
 * -EBADMSG: not in the canonical encoding. ret is unchanged then.
 */
#define DS_ETH_REVERT_MAX 140u
DS_MUST int ds_eth_revert_words(struct ds_span data, struct ds_buf *ret, struct ds_err *err);

#endif
