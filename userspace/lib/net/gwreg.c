// SPDX-License-Identifier: Apache-2.0
/* Reply of RegisterCvm and the gateway's identity. */
#include <ds/base/text.h>
#include <ds/net/gwreg.h>
#include <ds/net/prpc.h>
#include <ds/x509/cert.h>

#define DOM	  "gateway"
#define MAX_REPLY (256u << 10)
#define KEEPALIVE 25

static int want(const json_t *o, const char *key, const char **ret, struct ds_err *err)
{
	*ret = NULL;
	DS_TRY(ds_json_str(o, key, 64, ret, err));
	return *ret && **ret ? 0 : ds_err_set(err, -EBADMSG, DOM, 0, "reply: %s is missing", key);
}

static int parse_server(const json_t *o, struct ds_wg_peer *p, struct ds_err *err)
{
	const char *pk, *ip, *endpoint;
	struct ds_ip4net net;
	size_t n;

	if (!json_is_object(o))
		return ds_err_set(err, -EBADMSG, DOM, 0, "reply: wg.servers: objects expected");
	DS_TRY(want(o, "pk", &pk, err));
	DS_TRY(want(o, "ip", &ip, err));
	DS_TRY(want(o, "endpoint", &endpoint, err));
	if (ds_b64_decode(pk, strlen(pk), p->public_key, sizeof(p->public_key), &n) ||
	    n != sizeof(p->public_key))
		return ds_err_set(err, -EBADMSG, DOM, 0,
				  "reply: wg.servers: pk: 32 bytes in base64 expected");
	if (ds_ip4net_parse(ip, &net))
		return ds_err_set(err, -EBADMSG, DOM, 0,
				  "reply: wg.servers: ip: an IPv4 address with prefix expected");
	if (ds_ip4_endpoint_parse(endpoint, &p->endpoint))
		return ds_err_set(err, -EBADMSG, DOM, 0,
				  "reply: wg.servers: endpoint: ADDRESS:PORT expected");
	p->has_endpoint = true;
	p->keepalive = KEEPALIVE;
	/* The gateway itself, not the network behind it: nobody else reaches us through the tunnel.
	 */
	p->allowed[0] = (struct ds_ip4net){ net.addr, 32 };
	p->n_allowed = 1;
	return 0;
}

static int parse_wg(const json_t *wg, struct ds_gwreg *g, struct ds_err *err)
{
	const json_t *list = json_object_get(wg, "servers");
	const char *ip;

	if (!json_is_object(wg))
		return ds_err_set(err, -EBADMSG, DOM, 0, "reply: wg: an object expected");
	DS_TRY(want(wg, "client_ip", &ip, err));
	if (ds_ip4_parse(ip, &g->client_ip))
		return ds_err_set(err, -EBADMSG, DOM, 0,
				  "reply: wg.client_ip: an IPv4 address expected");
	if (!json_array_size(list) || json_array_size(list) > DS_GWREG_MAX_SERVERS)
		return ds_err_set(err, -EBADMSG, DOM, 0,
				  "reply: wg.servers: 1 to %d expected, found %zu",
				  DS_GWREG_MAX_SERVERS, json_array_size(list));
	for (g->n = 0; g->n < json_array_size(list); g->n++)
		DS_TRY(parse_server(json_array_get(list, g->n), &g->server[g->n], err));
	return 0;
}

int ds_gwreg_parse(struct ds_span body, struct ds_gwreg *ret, struct ds_err *err)
{
	struct ds_gwreg g = { 0 };
	DS_JSON json_t *o = NULL;

	if (body.n > MAX_REPLY)
		return ds_err_set(err, -EFBIG, DOM, 0, "reply: %zu bytes, at most %u expected",
				  body.n, MAX_REPLY);
	o = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(o))
		return ds_err_set(err, -EBADMSG, DOM, 0, "reply: a JSON object expected");
	DS_TRY(parse_wg(json_object_get(o, "wg"), &g, err));
	*ret = g;
	return 0;
}

int ds_gwreg_check_server(void *arg, struct ds_span leaf, const struct ds_span *chain,
			  size_t n_chain, struct ds_err *err)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	const char *want_id = arg;
	uint8_t id[20];
	char found[41];

	if (ds_hex_decode_exact(want_id, id, sizeof(id)))
		return ds_err_set(err, -EPERM, DOM, 0,
				  "the KMS named no gateway: an app id expected");
	DS_TRY(ds_cert_parse(leaf, &info, err));
	if (!info.has_app_id)
		return ds_err_set(err, -EPERM, DOM, 0,
				  "certificate: app id %s expected, found none", want_id);
	if (memcmp(info.app_id, id, sizeof(id)))
		return ds_err_set(err, -EPERM, DOM, 0, "certificate: app id %s expected, found %s",
				  want_id, ds_hex_encode(info.app_id, sizeof(info.app_id), found));
	return 0;
}
