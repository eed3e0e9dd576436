// SPDX-License-Identifier: Apache-2.0
/*
 * WireGuard over generic netlink, see ds/net/wg.h; the protocol is described in
 * <linux/wireguard.h>.
 */
#include <arpa/inet.h>
#include <linux/time_types.h>
#include <linux/wireguard.h>
#include <net/if.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/socket.h>

#include <ds/net/wg.h>

#include "nl.h"

/* A peer of ours takes under 250 bytes, so this many fit into one page. */
#define PEERS_PER_MSG 12u
#define MAX_PEERS     65536u

struct ds_wg {
	struct nl_sock *sk;
	int family;
};

int ds_wg_open(struct ds_wg **ret)
{
	struct ds_wg *wg = calloc(1, sizeof(*wg));
	int r;

	if (!wg)
		return -ENOMEM;
	r = ds_nl_open(NETLINK_GENERIC, &wg->sk);
	if (r) {
		free(wg);
		return r;
	}
	wg->family = genl_ctrl_resolve(wg->sk, WG_GENL_NAME);
	if (wg->family < 0) {
		ds_wg_close(wg);
		return -EOPNOTSUPP;
	}
	*ret = wg;
	return 0;
}

struct ds_wg *ds_wg_close(struct ds_wg *wg)
{
	if (!wg)
		return NULL;
	nl_socket_free(wg->sk);
	free(wg);
	return NULL;
}

/* A request that names the device; NULL without memory. */
static struct nl_msg *new_msg(struct ds_wg *wg, const char *ifname, uint8_t cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg)
		return NULL;
	if (!genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, wg->family, 0, flags, cmd,
			 WG_GENL_VERSION) ||
	    nla_put_string(msg, WGDEVICE_A_IFNAME, ifname) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int talk(struct ds_wg *wg, struct nl_msg **msg, ds_nl_fn fn, void *arg)
{
	struct nl_msg *take = *msg;

	*msg = NULL;
	return ds_nl_talk(wg->sk, take, fn, arg);
}

static bool name_ok(const char *ifname)
{
	size_t n = strlen(ifname);

	return n > 0 && n < IFNAMSIZ;
}

int ds_wg_set_device(struct ds_wg *wg, const char *ifname, const struct ds_secret *private_key,
		     int listen_port)
{
	DS_NL_MSG struct nl_msg *msg = NULL;

	if (!name_ok(ifname) || listen_port > 65535 ||
	    (private_key && private_key->n != DS_WG_KEY_LEN))
		return -EINVAL;
	msg = new_msg(wg, ifname, WG_CMD_SET_DEVICE, 0);
	if (!msg)
		return -ENOMEM;
	if (private_key && nla_put(msg, WGDEVICE_A_PRIVATE_KEY, DS_WG_KEY_LEN, private_key->p) < 0)
		return -ENOMEM;
	if (listen_port >= 0 && nla_put_u16(msg, WGDEVICE_A_LISTEN_PORT, (uint16_t)listen_port) < 0)
		return -ENOMEM;
	return talk(wg, &msg, NULL, NULL);
}

static int put_allowed(struct nl_msg *msg, const struct ds_wg_peer *peer)
{
	struct nlattr *list = nla_nest_start(msg, WGPEER_A_ALLOWEDIPS);

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < peer->n_allowed; i++) {
		struct ds_ip4net net = peer->allowed[i];
		uint32_t be = htonl(net.addr & ds_ip4net_mask(net));
		struct nlattr *item = nla_nest_start(msg, 0);

		if (!item || nla_put_u16(msg, WGALLOWEDIP_A_FAMILY, AF_INET) < 0 ||
		    nla_put(msg, WGALLOWEDIP_A_IPADDR, sizeof(be), &be) < 0 ||
		    nla_put_u8(msg, WGALLOWEDIP_A_CIDR_MASK, net.prefix) < 0)
			return -ENOMEM;
		nla_nest_end(msg, item);
	}
	nla_nest_end(msg, list);
	return 0;
}

static int put_peer(struct nl_msg *msg, const struct ds_wg_peer *peer)
{
	struct nlattr *item = nla_nest_start(msg, 0);

	if (!item || nla_put(msg, WGPEER_A_PUBLIC_KEY, DS_WG_KEY_LEN, peer->public_key) < 0 ||
	    nla_put_u32(msg, WGPEER_A_FLAGS, WGPEER_F_REPLACE_ALLOWEDIPS) < 0 ||
	    nla_put_u16(msg, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, peer->keepalive) < 0)
		return -ENOMEM;
	if (peer->has_endpoint &&
	    nla_put(msg, WGPEER_A_ENDPOINT, sizeof(peer->endpoint), &peer->endpoint) < 0)
		return -ENOMEM;
	DS_TRY(put_allowed(msg, peer));
	nla_nest_end(msg, item);
	return 0;
}

static int set_some(struct ds_wg *wg, const char *ifname, const struct ds_wg_peer *peers, size_t n,
		    bool replace)
{
	DS_NL_MSG struct nl_msg *msg = new_msg(wg, ifname, WG_CMD_SET_DEVICE, 0);
	struct nlattr *list;

	if (!msg || (replace && nla_put_u32(msg, WGDEVICE_A_FLAGS, WGDEVICE_F_REPLACE_PEERS) < 0))
		return -ENOMEM;
	list = nla_nest_start(msg, WGDEVICE_A_PEERS);
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		DS_TRY(put_peer(msg, &peers[i]));
	nla_nest_end(msg, list);
	return talk(wg, &msg, NULL, NULL);
}

int ds_wg_set_peers(struct ds_wg *wg, const char *ifname, const struct ds_wg_peer *peers, size_t n,
		    bool replace_all)
{
	size_t done = 0;

	if (!name_ok(ifname))
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (peers[i].n_allowed > DS_WG_MAX_ALLOWED)
			return -EINVAL;
	do {
		size_t some = n - done < PEERS_PER_MSG ? n - done : PEERS_PER_MSG;

		DS_TRY(set_some(wg, ifname, peers + done, some, replace_all && !done));
		done += some;
	} while (done < n);
	return 0;
}

int ds_wg_remove_peer(struct ds_wg *wg, const char *ifname, const uint8_t public_key[DS_WG_KEY_LEN])
{
	DS_NL_MSG struct nl_msg *msg = NULL;
	struct nlattr *list, *item;

	if (!name_ok(ifname))
		return -EINVAL;
	msg = new_msg(wg, ifname, WG_CMD_SET_DEVICE, 0);
	list = msg ? nla_nest_start(msg, WGDEVICE_A_PEERS) : NULL;
	item = list ? nla_nest_start(msg, 0) : NULL;
	if (!item || nla_put(msg, WGPEER_A_PUBLIC_KEY, DS_WG_KEY_LEN, public_key) < 0 ||
	    nla_put_u32(msg, WGPEER_A_FLAGS, WGPEER_F_REMOVE_ME) < 0)
		return -ENOMEM;
	nla_nest_end(msg, item);
	nla_nest_end(msg, list);
	return talk(wg, &msg, NULL, NULL);
}

/* Copy an attribute of exactly n bytes; an absent one leaves ret alone. */
static int get_exact(struct nlattr *a, void *ret, size_t n)
{
	if (!a)
		return 0;
	if ((size_t)nla_len(a) < n)
		return -EBADMSG;
	memcpy(ret, nla_data(a), n);
	return 0;
}

static int get_allowed(struct nlattr *list, struct ds_wg_peer *peer)
{
	struct nlattr *item;
	int left;

	nla_for_each_nested(item, list, left)
	{
		struct nlattr *a[WGALLOWEDIP_A_MAX + 1];
		struct ds_ip4net net = { 0 };
		uint32_t be = 0;
		uint16_t family = 0;

		if (nla_parse_nested(a, WGALLOWEDIP_A_MAX, item, NULL) < 0)
			return -EBADMSG;
		DS_TRY(get_exact(a[WGALLOWEDIP_A_FAMILY], &family, sizeof(family)));
		if (family != AF_INET || peer->n_allowed == DS_WG_MAX_ALLOWED)
			continue;
		DS_TRY(get_exact(a[WGALLOWEDIP_A_IPADDR], &be, sizeof(be)));
		DS_TRY(get_exact(a[WGALLOWEDIP_A_CIDR_MASK], &net.prefix, sizeof(net.prefix)));
		net.addr = ntohl(be);
		peer->allowed[peer->n_allowed++] = net;
	}
	return 0;
}

/* The kernel may continue a peer in the next message: the same key again means the same peer. */
static int peer_slot(struct ds_wg_status *st, const uint8_t key[DS_WG_KEY_LEN],
		     struct ds_wg_peer **ret)
{
	struct ds_wg_peer *p;

	if (st->n_peers && !memcmp(st->peers[st->n_peers - 1].public_key, key, DS_WG_KEY_LEN)) {
		*ret = &st->peers[st->n_peers - 1];
		return 0;
	}
	if (st->n_peers == MAX_PEERS)
		return -EFBIG;
	p = reallocarray(st->peers, st->n_peers + 1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	st->peers = p;
	*ret = &p[st->n_peers++];
	**ret = (struct ds_wg_peer){ 0 };
	memcpy((*ret)->public_key, key, DS_WG_KEY_LEN);
	return 0;
}

static int get_peer(struct nlattr *item, struct ds_wg_status *st)
{
	struct nlattr *a[WGPEER_A_MAX + 1];
	uint8_t key[DS_WG_KEY_LEN];
	struct __kernel_timespec ts = { 0 };
	struct sockaddr_in sin = { 0 };
	struct ds_wg_peer *peer;

	if (nla_parse_nested(a, WGPEER_A_MAX, item, NULL) < 0 || !a[WGPEER_A_PUBLIC_KEY])
		return -EBADMSG;
	DS_TRY(get_exact(a[WGPEER_A_PUBLIC_KEY], key, sizeof(key)));
	DS_TRY(peer_slot(st, key, &peer));
	DS_TRY(get_exact(a[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL], &peer->keepalive,
			 sizeof(peer->keepalive)));
	DS_TRY(get_exact(a[WGPEER_A_RX_BYTES], &peer->rx_bytes, sizeof(peer->rx_bytes)));
	DS_TRY(get_exact(a[WGPEER_A_TX_BYTES], &peer->tx_bytes, sizeof(peer->tx_bytes)));
	if (a[WGPEER_A_LAST_HANDSHAKE_TIME]) {
		DS_TRY(get_exact(a[WGPEER_A_LAST_HANDSHAKE_TIME], &ts, sizeof(ts)));
		peer->last_handshake = ts.tv_sec;
	}
	if (a[WGPEER_A_ENDPOINT]) {
		DS_TRY(get_exact(a[WGPEER_A_ENDPOINT], &sin, sizeof(sin)));
		peer->has_endpoint = sin.sin_family == AF_INET;
		peer->endpoint = sin;
	}
	return a[WGPEER_A_ALLOWEDIPS] ? get_allowed(a[WGPEER_A_ALLOWEDIPS], peer) : 0;
}

static int get_device(struct nlmsghdr *msg, void *arg)
{
	struct ds_wg_status *st = arg;
	struct nlattr *a[WGDEVICE_A_MAX + 1], *item;
	int left;

	if (genlmsg_parse(msg, 0, a, WGDEVICE_A_MAX, NULL) < 0)
		return -EBADMSG;
	DS_TRY(get_exact(a[WGDEVICE_A_PUBLIC_KEY], st->public_key, sizeof(st->public_key)));
	DS_TRY(get_exact(a[WGDEVICE_A_LISTEN_PORT], &st->listen_port, sizeof(st->listen_port)));
	if (a[WGDEVICE_A_PEERS])
		nla_for_each_nested(item, a[WGDEVICE_A_PEERS], left) DS_TRY(get_peer(item, st));
	return 0;
}

int ds_wg_get(struct ds_wg *wg, const char *ifname, struct ds_wg_status *ret)
{
	int r = -EAGAIN;

	if (!name_ok(ifname))
		return -EINVAL;
	for (int tries = 0; tries < 8 && r == -EAGAIN; tries++) {
		struct ds_wg_status st = { 0 };
		struct nl_msg *msg = new_msg(wg, ifname, WG_CMD_GET_DEVICE, NLM_F_DUMP);

		if (!msg)
			return -ENOMEM;
		r = talk(wg, &msg, get_device, &st);
		if (!r) {
			*ret = st;
			return 0;
		}
		ds_wg_status_done(&st);
	}
	return r;
}

void ds_wg_status_done(struct ds_wg_status *st)
{
	free(st->peers);
	*st = (struct ds_wg_status){ 0 };
}
