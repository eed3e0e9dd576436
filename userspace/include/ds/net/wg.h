/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WireGuard devices over generic netlink: keys, peers, handshake times. The link itself is made
 * with ds/net/link.h (kind "wireguard"). Synchronous; one object is used by one thread; needs
 * CAP_NET_ADMIN. Private keys are borrowed from secret memory, and every netlink buffer that held
 * one is wiped.
 */
#ifndef DS_NET_WG_H
#define DS_NET_WG_H

#include <ds/base/secret.h>
#include <ds/net/ip4.h>

#define DS_WG_KEY_LEN	  32
#define DS_WG_MAX_ALLOWED 4

struct ds_wg_peer {
	uint8_t public_key[DS_WG_KEY_LEN];
	bool has_endpoint;
	struct sockaddr_in endpoint;
	uint16_t keepalive; /* seconds, 0 is off */
	struct ds_ip4net allowed[DS_WG_MAX_ALLOWED];
	size_t n_allowed;
	/* only ds_wg_get() fills these */
	int64_t last_handshake; /* Unix seconds, 0 is never */
	uint64_t rx_bytes;
	uint64_t tx_bytes;
};

struct ds_wg_status {
	uint8_t public_key[DS_WG_KEY_LEN]; /* zero: the device has no key */
	uint16_t listen_port;
	struct ds_wg_peer *peers; /* more than DS_WG_MAX_ALLOWED networks of a peer are cut off */
	size_t n_peers;
};

struct ds_wg;

/* -EOPNOTSUPP: this kernel has no WireGuard (or its module is not loaded). */
DS_MUST int ds_wg_open(struct ds_wg **ret);
/* Takes NULL, returns NULL. */
struct ds_wg *ds_wg_close(struct ds_wg *wg);

static inline void ds_cleanup_wg(struct ds_wg **wg)
{
	*wg = ds_wg_close(*wg);
}
#define DS_WG DS_CLEANUP(ds_cleanup_wg)

/*
 * private_key: 32 bytes, or NULL to keep the present one; listen_port 0 lets the kernel choose,
 * negative keeps it.
 */
DS_MUST int ds_wg_set_device(struct ds_wg *wg, const char *ifname,
			     const struct ds_secret *private_key, int listen_port);
/*
 * Add these peers or replace their settings (allowed networks included). replace_all first drops
 * every other peer; without it the others and their sessions are untouched.
 */
DS_MUST int ds_wg_set_peers(struct ds_wg *wg, const char *ifname, const struct ds_wg_peer *peers,
			    size_t n, bool replace_all);
/* An unknown peer is success. */
DS_MUST int ds_wg_remove_peer(struct ds_wg *wg, const char *ifname,
			      const uint8_t public_key[DS_WG_KEY_LEN]);
/* On success release with ds_wg_status_done(). */
DS_MUST int ds_wg_get(struct ds_wg *wg, const char *ifname, struct ds_wg_status *ret);
void ds_wg_status_done(struct ds_wg_status *st);

#define DS_WG_STATUS DS_CLEANUP(ds_wg_status_done)

#endif
