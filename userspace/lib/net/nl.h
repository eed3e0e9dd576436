/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internal to lib/net: one netlink request and its answers, with the kernel's errno and wiped
 * buffers.
 */
#ifndef DS_LIB_NET_NL_H
#define DS_LIB_NET_NL_H

#include <ds/base/base.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

/*
 * Sees each answer that is not an acknowledgement; a non-zero result ends the exchange and is
 * returned.
 */
typedef int (*ds_nl_fn)(struct nlmsghdr *msg, void *arg);

/* Connect a socket to this netlink protocol; 0 or negative errno. */
DS_MUST int ds_nl_open(int protocol, struct nl_sock **ret);
/*
 * Send msg (taken: wiped and freed whatever happens) and wait for its acknowledgement or, for a
 * dump, for its end. Returns 0, the kernel's negative errno, or what fn returned. -EAGAIN: a dump
 * was disturbed by a change, try again.
 */
DS_MUST int ds_nl_talk(struct nl_sock *sk, struct nl_msg *take_msg, ds_nl_fn fn, void *arg);
/* Wipe and free; takes NULL. */
void ds_nl_msg_free(struct nl_msg *msg);

static inline void ds_cleanup_nl_msg(struct nl_msg **msg)
{
	ds_nl_msg_free(*msg);
}
#define DS_NL_MSG DS_CLEANUP(ds_cleanup_nl_msg)

#endif
