/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 addresses, networks and endpoints as text and numbers. Pure: no name service, no sockets.
 * The dstack overlay is IPv4 only (spec/gateway 2.2), so nothing here knows another family.
 */
#ifndef DS_NET_IP4_H
#define DS_NET_IP4_H

#include <ds/base/base.h>
#include <netinet/in.h>

/*
 * An address with its prefix length, both in host byte order; host bits may be set
 * ("10.8.0.1/16").
 */
struct ds_ip4net {
	uint32_t addr;
	uint8_t prefix;
};

#define DS_IP4_TEXT  16 /* "255.255.255.255" and NUL */
#define DS_IP4N_TEXT 24 /* the same with "/32", or with ":65535" */

/* Dotted quad without leading zeros, else -EBADMSG. */
DS_MUST int ds_ip4_parse(const char *s, uint32_t *ret);
/* "a.b.c.d/n"; the prefix length is required. */
DS_MUST int ds_ip4net_parse(const char *s, struct ds_ip4net *ret);
/* "a.b.c.d:port", port 1-65535. */
DS_MUST int ds_ip4_endpoint_parse(const char *s, struct sockaddr_in *ret);

char *ds_ip4_format(uint32_t addr, char out[DS_IP4_TEXT]);
char *ds_ip4net_format(struct ds_ip4net net, char out[DS_IP4N_TEXT]);
char *ds_ip4_endpoint_format(const struct sockaddr_in *sa, char out[DS_IP4N_TEXT]);

static inline uint32_t ds_ip4net_mask(struct ds_ip4net net)
{
	return net.prefix ? UINT32_MAX << (32 - net.prefix) : 0;
}

static inline bool ds_ip4net_contains(struct ds_ip4net net, uint32_t addr)
{
	return ((net.addr ^ addr) & ds_ip4net_mask(net)) == 0;
}

/* Is every address of inner in outer? */
static inline bool ds_ip4net_covers(struct ds_ip4net outer, struct ds_ip4net inner)
{
	return inner.prefix >= outer.prefix && ds_ip4net_contains(outer, inner.addr);
}

#endif
