/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key holder: one process that keeps the app's secp256k1 key for the one thing the kernel cannot do with it, the
 * first signature of a signature chain (spec/guest-api 4.4). It speaks fixed structs over SOCK_SEQPACKET and has no
 * message that gives the key away; what it signs is always purpose ":" hex(public key), never a digest of the
 * caller's choice.
 *
 * Two kinds of sockets: the control socket of its parent (load the key once, hand over a client socket), whose end of
 * life ends the holder, and the socket of the one current client.
 */
#ifndef DS_KEYS_HOLDER_H
#define DS_KEYS_HOLDER_H

#include <ds/base/base.h>
#include <ds/base/secret.h>

#define DS_HOLDER_PURPOSE_MAX 1024u

/* The holder's main function, in the process forked for it: returns when the control socket closes. */
DS_MUST int ds_holder_serve(int control_fd);

/* Parent side. A second key is -EALREADY. */
DS_MUST int ds_holder_load(int control_fd, const struct ds_secret *key);
/* A fresh client socket; the previous client, if any, is cut off. */
DS_MUST int ds_holder_connect(int control_fd, int *ret_client_fd);

/*
 * Client side: sign purpose ":" hex(pub); pub is 33 (secp256k1) or 32 (Ed25519) bytes. Waits for the holder, which
 * answers within a signature's time, 2 seconds at most. -EFBIG: the purpose is too long; -ENOKEY: no key loaded;
 * -EPIPE: the holder is gone.
 */
DS_MUST int ds_holder_sign(int client_fd, struct ds_span purpose, struct ds_span pub, uint8_t ret_sig[65]);

#endif
