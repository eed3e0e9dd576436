// SPDX-License-Identifier: Apache-2.0
/* One instance as JSON text, see store.h. */
#include <jansson.h>

#include <ds/base/text.h>
#include <ds/net/prpc.h>

#include "store.h"

#define DOM	"state"
#define VERSION 1

static json_t *hex(const uint8_t *p, size_t n)
{
	char text[129];

	return json_string(ds_hex_encode(p, n, text));
}

static json_t *ports(const struct ds_gw_instance *in)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < in->n_ports; i++)
		if (json_array_append_new(a, json_integer(in->ports[i]))) {
			json_decref(a);
			return NULL;
		}
	return a;
}

int ds_gw_record_encode(const struct ds_gw_record *rec, struct ds_buf *ret)
{
	char ip[DS_IP4_TEXT], key[DS_B64_SIZE(DS_WG_KEY_LEN)];
	DS_FREE char *text = NULL;
	DS_JSON json_t *o = NULL;

	ds_b64_encode(rec->public_key, sizeof(rec->public_key), key);
	o = json_pack("{s:i,s:o,s:o,s:o,s:s,s:s,s:I,s:b,s:o}", "version", VERSION, "instance_id",
		      hex(rec->in.instance_id, DS_GW_ID_LEN), "app_id",
		      hex(rec->in.app_id, DS_GW_ID_LEN), "compose_hash", hex(rec->compose_hash, 32),
		      "public_key", key, "ip", ds_ip4_format(rec->in.ip, ip), "reg_time",
		      (json_int_t)rec->reg_time, "restrict_mode", rec->in.restricted, "ports",
		      ports(&rec->in));
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	return text ? ds_buf_addf(ret, "%s\n", text) : -ENOMEM;
}

static int get_hex(const char *text, const char *what, uint8_t *out, size_t n, struct ds_err *err)
{
	if (ds_hex_decode_exact(text, out, n))
		return ds_err_set(err, -EBADMSG, DOM, 0, "%s is not %zu bytes of hex", what, n);
	return 0;
}

static int get_ports(json_t *list, struct ds_gw_instance *in, struct ds_err *err)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > DS_GW_MAX_PORTS)
		return ds_err_set(err, -EBADMSG, DOM, 0, "ports is not a list of at most %d",
				  DS_GW_MAX_PORTS);
	for (size_t i = 0; i < n; i++) {
		json_int_t v = json_integer_value(json_array_get(list, i));

		if (v < 1 || v > 65535)
			return ds_err_set(err, -EBADMSG, DOM, 0,
					  "ports has something else than 1-65535");
		in->ports[i] = (uint16_t)v;
	}
	in->n_ports = (uint16_t)n;
	return 0;
}

int ds_gw_record_decode(struct ds_span text, struct ds_gw_record *ret, struct ds_err *err)
{
	const char *instance, *app, *compose, *key, *ip;
	struct ds_gw_record rec = { 0 };
	DS_JSON json_t *o = NULL;
	json_error_t je;
	json_int_t when;
	json_t *list;
	size_t key_n;
	int version, restricted;

	o = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &je);
	if (!o || json_unpack_ex(o, &je, 0, "{s:i,s:s,s:s,s:s,s:s,s:s,s:I,s:b,s:o!}", "version",
				 &version, "instance_id", &instance, "app_id", &app, "compose_hash",
				 &compose, "public_key", &key, "ip", &ip, "reg_time", &when,
				 "restrict_mode", &restricted, "ports", &list))
		return ds_err_set(err, -EBADMSG, DOM, 0, "%s", je.text);
	if (version != VERSION)
		return ds_err_set(err, -EBADMSG, DOM, 0, "version %d, expected %d", version,
				  VERSION);
	DS_TRY(get_hex(instance, "instance_id", rec.in.instance_id, DS_GW_ID_LEN, err));
	DS_TRY(get_hex(app, "app_id", rec.in.app_id, DS_GW_ID_LEN, err));
	DS_TRY(get_hex(compose, "compose_hash", rec.compose_hash, 32, err));
	if (ds_b64_decode(key, strlen(key), rec.public_key, sizeof(rec.public_key), &key_n) ||
	    key_n != DS_WG_KEY_LEN)
		return ds_err_set(err, -EBADMSG, DOM, 0, "public_key is not base64 of 32 bytes");
	if (ds_ip4_parse(ip, &rec.in.ip))
		return ds_err_set(err, -EBADMSG, DOM, 0, "ip is not an IPv4 address");
	DS_TRY(get_ports(list, &rec.in, err));
	rec.in.restricted = restricted != 0;
	rec.reg_time = when;
	*ret = rec;
	return 0;
}
