/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's side of RegisterCvm (spec/gateway 2.2): how the gateway is judged and what its reply
 * says. Pure.
 */
#ifndef DS_NET_GWREG_H
#define DS_NET_GWREG_H

#include <ds/base/base.h>
#include <ds/net/wg.h>

#define DS_GWREG_MAX_SERVERS 16

struct ds_gwreg {
	uint32_t client_ip; /* host byte order */
	struct ds_wg_peer
		server[DS_GWREG_MAX_SERVERS]; /* key, endpoint, one allowed address, keepalive 25 */
	size_t n;
};

/* Only the member "wg" is read. -EBADMSG names what is wrong. */
DS_MUST int ds_gwreg_parse(struct ds_span body, struct ds_gwreg *ret, struct ds_err *err);

/*
 * Server check of the call, after the chain to the KMS root: the certificate is of the app whose
 * id, 40 hex digits, is arg. Exactly that one: no prefix, no "any", no certificate without an app
 * id.
 */
int ds_gwreg_check_server(void *arg, struct ds_span leaf, const struct ds_span *chain,
			  size_t n_chain, struct ds_err *err);

#endif
