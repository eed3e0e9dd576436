// SPDX-License-Identifier: Apache-2.0
/* Links, addresses and routes, see ds/net/link.h. */
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/socket.h>

#include <ds/net/link.h>

#include "nl.h"

struct ds_link {
	struct nl_sock *sk;
};

int ds_link_open(struct ds_link **ret)
{
	struct ds_link *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	r = ds_nl_open(NETLINK_ROUTE, &l->sk);
	if (r) {
		free(l);
		return r;
	}
	*ret = l;
	return 0;
}

struct ds_link *ds_link_close(struct ds_link *l)
{
	if (!l)
		return NULL;
	nl_socket_free(l->sk);
	free(l);
	return NULL;
}

static int link_index(const char *name, int *ret)
{
	unsigned int i = if_nametoindex(name);

	if (!i)
		return errno ? -errno : -ENODEV;
	*ret = (int)i;
	return 0;
}

/* A message with its fixed header in place; NULL without memory. */
static struct nl_msg *new_msg(int type, int flags, const void *hdr, size_t hdr_n)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (msg && nlmsg_append(msg, (void *)hdr, hdr_n, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* Hand the message over to ds_nl_talk(), which frees it. */
static int talk(struct ds_link *l, struct nl_msg **msg)
{
	struct nl_msg *take = *msg;

	*msg = NULL;
	return ds_nl_talk(l->sk, take, NULL, NULL);
}

int ds_link_create(struct ds_link *l, const char *name, const char *kind)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	DS_NL_MSG struct nl_msg *msg =
		new_msg(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	struct nlattr *info;

	if (!msg || nla_put_string(msg, IFLA_IFNAME, name) < 0)
		return -ENOMEM;
	info = nla_nest_start(msg, IFLA_LINKINFO);
	if (!info || nla_put_string(msg, IFLA_INFO_KIND, kind) < 0)
		return -ENOMEM;
	nla_nest_end(msg, info);
	return talk(l, &msg);
}

int ds_link_delete(struct ds_link *l, const char *name)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	DS_NL_MSG struct nl_msg *msg = NULL;

	DS_TRY(link_index(name, &ifi.ifi_index));
	msg = new_msg(RTM_DELLINK, 0, &ifi, sizeof(ifi));
	return msg ? talk(l, &msg) : -ENOMEM;
}

int ds_link_up(struct ds_link *l, const char *name, uint32_t mtu)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC,
				 .ifi_flags = IFF_UP,
				 .ifi_change = IFF_UP };
	DS_NL_MSG struct nl_msg *msg = NULL;

	DS_TRY(link_index(name, &ifi.ifi_index));
	msg = new_msg(RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	if (!msg || (mtu && nla_put_u32(msg, IFLA_MTU, mtu) < 0))
		return -ENOMEM;
	return talk(l, &msg);
}

int ds_link_add_address(struct ds_link *l, const char *name, struct ds_ip4net addr)
{
	struct ifaddrmsg ifa = { .ifa_family = AF_INET,
				 .ifa_prefixlen = addr.prefix,
				 .ifa_scope = RT_SCOPE_UNIVERSE };
	DS_NL_MSG struct nl_msg *msg = NULL;
	uint32_t be = htonl(addr.addr);
	int index, r;

	DS_TRY(link_index(name, &index));
	ifa.ifa_index = (unsigned int)index;
	msg = new_msg(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &ifa, sizeof(ifa));
	if (!msg || nla_put(msg, IFA_LOCAL, sizeof(be), &be) < 0 ||
	    nla_put(msg, IFA_ADDRESS, sizeof(be), &be) < 0)
		return -ENOMEM;
	r = talk(l, &msg);
	return r == -EEXIST ? 0 : r;
}

int ds_link_set_route(struct ds_link *l, const char *name, struct ds_ip4net dst, uint32_t gateway)
{
	struct rtmsg rt = { .rtm_family = AF_INET,
			    .rtm_dst_len = dst.prefix,
			    .rtm_table = RT_TABLE_MAIN,
			    .rtm_protocol = RTPROT_STATIC,
			    .rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
			    .rtm_type = RTN_UNICAST };
	DS_NL_MSG struct nl_msg *msg = NULL;
	uint32_t be_dst = htonl(dst.addr & ds_ip4net_mask(dst)), be_gw = htonl(gateway);
	int index;

	DS_TRY(link_index(name, &index));
	msg = new_msg(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &rt, sizeof(rt));
	if (!msg || nla_put_u32(msg, RTA_OIF, (uint32_t)index) < 0)
		return -ENOMEM;
	if (dst.prefix && nla_put(msg, RTA_DST, sizeof(be_dst), &be_dst) < 0)
		return -ENOMEM;
	if (gateway && nla_put(msg, RTA_GATEWAY, sizeof(be_gw), &be_gw) < 0)
		return -ENOMEM;
	return talk(l, &msg);
}
