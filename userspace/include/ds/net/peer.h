/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetch the certificate chain of a TLS server whose trust is judged afterwards, from its evidence. The handshake is
 * completed, so the server has proven that it holds the leaf's key; nothing is sent or read above TLS.
 */
#ifndef DS_NET_PEER_H
#define DS_NET_PEER_H

#include <ds/base/base.h>

/*
 * Connect to address (a numeric IPv4 or IPv6 address) and port, present sni, and append the chain as PEM, leaf first.
 * Blocking, at most timeout_s seconds per step. -ETIMEDOUT, -ECONNREFUSED, …; -EPROTO when the handshake fails.
 */
DS_MUST int ds_tls_fetch_chain(const char *address, uint16_t port, const char *sni, unsigned int timeout_s,
			       struct ds_buf *ret_pem, struct ds_err *err);

#endif
