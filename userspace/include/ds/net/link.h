/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network links, IPv4 addresses and routes over rtnetlink: what pid 1 and the gateway need, no
 * more. Synchronous: each call is one request to the kernel and its acknowledgement. One object is
 * used by one thread. Errors are the kernel's own errno, -ENODEV for a link that does not exist.
 */
#ifndef DS_NET_LINK_H
#define DS_NET_LINK_H

#include <ds/net/ip4.h>

struct ds_link;

DS_MUST int ds_link_open(struct ds_link **ret);
/* Takes NULL, returns NULL. */
struct ds_link *ds_link_close(struct ds_link *l);

static inline void ds_cleanup_link(struct ds_link **l)
{
	*l = ds_link_close(*l);
}
#define DS_LINK DS_CLEANUP(ds_cleanup_link)

/*
 * A virtual link of this kind ("wireguard"); -EEXIST when the name is taken, -EOPNOTSUPP when the
 * kernel lacks the kind.
 */
DS_MUST int ds_link_create(struct ds_link *l, const char *name, const char *kind);
DS_MUST int ds_link_delete(struct ds_link *l, const char *name);
/* mtu 0 keeps the kernel's choice. */
DS_MUST int ds_link_up(struct ds_link *l, const char *name, uint32_t mtu);
/* Present already is success. */
DS_MUST int ds_link_add_address(struct ds_link *l, const char *name, struct ds_ip4net addr);
/*
 * dst with prefix 0 is the default route. gateway 0 means on-link. An equal destination is
 * replaced.
 */
DS_MUST int ds_link_set_route(struct ds_link *l, const char *name, struct ds_ip4net dst,
			      uint32_t gateway);

#endif
