/* SPDX-License-Identifier: Apache-2.0 */
/* What replies of nodes are made of; rpc.c has the code. */
#ifndef DS_LIB_ETH_JSON_H
#define DS_LIB_ETH_JSON_H

#include <ds/base/base.h>
#include <jansson.h>

static inline void ds_eth_json_put(json_t **j)
{
	json_decref(*j);
}
#define DS_ETH_JSON DS_CLEANUP(ds_eth_json_put)

/* The result of a reply to our request, borrowed from *ret_reply. */
DS_MUST int ds_eth_json_result(struct ds_span body, json_t **ret_reply, const json_t **ret,
			       struct ds_err *err);
/* "0x" and exactly n bytes in hex. */
DS_MUST int ds_eth_json_bytes(const json_t *j, const char *what, uint8_t *ret, size_t n,
			      struct ds_err *err);
DS_MUST int ds_eth_json_quantity(const json_t *j, const char *what, uint64_t *ret,
				 struct ds_err *err);

#endif
