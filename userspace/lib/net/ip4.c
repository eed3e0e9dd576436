// SPDX-License-Identifier: Apache-2.0
/* IPv4 text, see ds/net/ip4.h. */
#include <arpa/inet.h>

#include <ds/base/text.h>
#include <ds/net/ip4.h>

int ds_ip4_parse(const char *s, uint32_t *ret)
{
	struct in_addr a;

	if (inet_pton(AF_INET, s, &a) != 1)
		return -EBADMSG;
	*ret = ntohl(a.s_addr);
	return 0;
}

/* "ADDRESS<sep>NUMBER" with the number in 0..max. */
static int split(const char *s, char sep, uint64_t max, uint32_t *ret_addr, uint64_t *ret_num)
{
	const char *at = strchr(s, sep);
	char addr[DS_IP4_TEXT];
	size_t n;

	if (!at)
		return -EBADMSG;
	n = (size_t)(at - s);
	if (n >= sizeof(addr))
		return -EBADMSG;
	memcpy(addr, s, n);
	addr[n] = '\0';
	DS_TRY(ds_parse_u64(at + 1, strlen(at + 1), max, ret_num));
	return ds_ip4_parse(addr, ret_addr);
}

int ds_ip4net_parse(const char *s, struct ds_ip4net *ret)
{
	uint32_t addr;
	uint64_t prefix;

	DS_TRY(split(s, '/', 32, &addr, &prefix));
	*ret = (struct ds_ip4net){ addr, (uint8_t)prefix };
	return 0;
}

int ds_ip4_endpoint_parse(const char *s, struct sockaddr_in *ret)
{
	uint32_t addr;
	uint64_t port;

	DS_TRY(split(s, ':', 65535, &addr, &port));
	if (!port)
		return -EBADMSG;
	*ret = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(addr) };
	return 0;
}

char *ds_ip4_format(uint32_t addr, char out[DS_IP4_TEXT])
{
	snprintf(out, DS_IP4_TEXT, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255,
		 addr & 255);
	return out;
}

char *ds_ip4net_format(struct ds_ip4net net, char out[DS_IP4N_TEXT])
{
	char a[DS_IP4_TEXT];

	snprintf(out, DS_IP4N_TEXT, "%s/%u", ds_ip4_format(net.addr, a), net.prefix);
	return out;
}

char *ds_ip4_endpoint_format(const struct sockaddr_in *sa, char out[DS_IP4N_TEXT])
{
	char a[DS_IP4_TEXT];

	snprintf(out, DS_IP4N_TEXT, "%s:%u", ds_ip4_format(ntohl(sa->sin_addr.s_addr), a),
		 ntohs(sa->sin_port));
	return out;
}
