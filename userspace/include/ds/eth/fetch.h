/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST requests to JSON-RPC nodes, many at a time, by libcurl on the caller's event loop. One
 * thread. Every request has a time limit and a size limit; redirections are not followed.
 */
#ifndef DS_ETH_FETCH_H
#define DS_ETH_FETCH_H

#include <ds/base/base.h>

struct event_base;
struct ds_eth_fetch;
struct ds_eth_get;

struct ds_eth_node {
	const char *name; /* in messages: the URL may hold a key */
	const char *url;  /* https, or http to a loopback address */
	const char *ca;	  /* NULL: the system's roots */
	unsigned timeout_ms;
};

DS_MUST int ds_eth_fetch_new(struct event_base *base, struct ds_eth_fetch **ret);
/* All requests are ended already. Takes NULL, returns NULL. */
struct ds_eth_fetch *ds_eth_fetch_free(struct ds_eth_fetch *f);

/* Is this a URL for a node? */
DS_MUST int ds_eth_node_check(const struct ds_eth_node *node, struct ds_err *err);

/* Once, from the loop, unless the request is cancelled. r 0: body of a reply with status 200. */
typedef void (*ds_eth_got_fn)(void *arg, int r, struct ds_span body, const struct ds_err *err);

/* node and body must live until the end of it. */
DS_MUST int ds_eth_get_start(struct ds_eth_fetch *f, const struct ds_eth_node *node,
			     struct ds_span body, size_t max_reply, ds_eth_got_fn fn, void *arg,
			     struct ds_eth_get **ret, struct ds_err *err);
/* fn will not run. Takes NULL, returns NULL. */
struct ds_eth_get *ds_eth_get_cancel(struct ds_eth_get *get);

#endif
