// SPDX-License-Identifier: Apache-2.0
/* Stage network: loopback, the one virtio link, its address and default route, the name server. */
#include <ds/base/file.h>
#include <ds/net/link.h>

#include "ctx.h"

#define LINK_NAME "eth0"

static int failed(struct ctx *c, int r, const char *what)
{
	return ds_err_set(&c->err, r, "", 0, "%s: %s", what, strerror(-r));
}

static int bad(struct ctx *c, const char *key, const char *want)
{
	return ds_err_set(&c->err, -EBADMSG, ".sys-config.json", 0,
			  "dstack_c.network.%s: %s expected", key, want);
}

static int write_resolver(struct ctx *c)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	uint32_t dns;

	if (!c->sys.net_dns)
		return 0;
	if (ds_ip4_parse(c->sys.net_dns, &dns))
		return bad(c, "dns", "an IPv4 address");
	DS_TRY(ds_buf_addf(&b, "nameserver %s\n", c->sys.net_dns));
	return ds_write_file_atomic(AT_FDCWD, "/etc/resolv.conf", ds_buf_span(&b), 0644);
}

int stage_network(struct ctx *c)
{
	DS_LINK struct ds_link *l = NULL;
	struct ds_ip4net addr, any = { 0, 0 };
	uint32_t gw = 0;
	int r = ds_link_open(&l);

	if (!r)
		r = ds_link_up(l, "lo", 0);
	if (r)
		return failed(c, r, "lo");
	if (!c->sys.net_address)
		return 0;
	if (ds_ip4net_parse(c->sys.net_address, &addr))
		return bad(c, "address", "an IPv4 address with prefix length");
	if (c->sys.net_gateway && ds_ip4_parse(c->sys.net_gateway, &gw))
		return bad(c, "gateway", "an IPv4 address");
	r = ds_link_up(l, LINK_NAME, 0);
	if (!r)
		r = ds_link_add_address(l, LINK_NAME, addr);
	if (!r && gw)
		r = ds_link_set_route(l, LINK_NAME, any, gw);
	if (r)
		return failed(c, r, LINK_NAME);
	return write_resolver(c);
}
