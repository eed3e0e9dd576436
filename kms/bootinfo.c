// SPDX-License-Identifier: Apache-2.0
/* What an authorization API is asked, and what its answer says. */
#include "bootinfo.h"

#include <ctype.h>
#include <ds/base/text.h>

#define DOM "auth"

static int set_hex(json_t *o, const char *key, const void *p, size_t n)
{
	DS_BUF struct ds_buf hex = DS_BUF_NULL;

	if (ds_buf_add_hex(&hex, DS_SPAN(p, n)))
		return -ENOMEM;
	return json_object_set_new(o, key, json_stringn((const char *)hex.p, hex.n));
}

static json_t *advisories(const struct ds_verdict *v)
{
	DS_JSON json_t *a = json_array();

	for (size_t i = 0; i < v->n_advisories; i++)
		if (json_array_append_new(a, json_string(v->advisories[i])))
			return NULL;
	return json_incref(a);
}

json_t *kms_boot_info(const struct ds_verdict *v, const struct kms_subject *s)
{
	const struct ds_identity *id = &s->id;
	DS_JSON json_t *o = json_pack("{s:s}", "teeVariant",
				      v->tee == DS_TEE_SNP ? "dstack-amd-sev-snp" : "dstack-tdx");

	/* the image is the one that was measured, whatever the caller says (spec/kms 4.4) */
	if (set_hex(o, "mrAggregated", id->mr_aggregated, 32) ||
	    set_hex(o, "osImageHash", s->os_image_hash, 32) ||
	    set_hex(o, "mrSystem", id->mr_system, 32) || set_hex(o, "appId", id->app_id, 20) ||
	    set_hex(o, "composeHash", id->compose_hash, 32) ||
	    set_hex(o, "instanceId", id->instance_id, id->instance_id_len) ||
	    set_hex(o, "deviceId", id->device_id, 32) ||
	    set_hex(o, "keyProviderInfo", id->key_provider.p, id->key_provider.n) ||
	    json_object_set_new(o, "tcbStatus", json_string(s->tcb_status)) ||
	    json_object_set_new(o, "advisoryIds", advisories(v)))
		return NULL;
	return json_incref(o);
}

bool kms_boot_info_same(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "teeVariant",  "osImageHash", "appId",
					    "composeHash", "instanceId",  "deviceId",
					    "tcbStatus",   "advisoryIds" };

	for (size_t i = 0; i < DS_ARRAY_SIZE(keys); i++) {
		const json_t *x = json_object_get(a, keys[i]);

		if (!x || !json_equal(x, json_object_get(b, keys[i])))
			return false;
	}
	return true;
}

static int bad(struct ds_err *err, const char *key, const char *expected)
{
	return ds_err_set(err, -EBADMSG, DOM, 0, "answer: %s: expected %s", key, expected);
}

/* A required string without NUL. */
static int get_str(const json_t *o, const char *key, const char **ret, struct ds_err *err)
{
	const json_t *s = json_object_get(o, key);

	if (!json_is_string(s) || strlen(json_string_value(s)) != json_string_length(s))
		return bad(err, key, "a string");
	*ret = json_string_value(s);
	return 0;
}

static int get_hex(const json_t *o, const char *key, uint8_t *ret, size_t n, const char *what,
		   struct ds_err *err)
{
	const char *s = NULL;

	DS_TRY(get_str(o, key, &s, err));
	if (ds_hex_decode_exact(strncmp(s, "0x", 2) ? s : s + 2, ret, n))
		return bad(err, key, what);
	return 0;
}

/* "any" and other words that would switch the guests' check off are refused (spec/kms 8, item 20). */
static int get_gateway(const json_t *o, char ret[41], struct ds_err *err)
{
	const char *s = NULL;
	uint8_t id[20];

	DS_TRY(get_str(o, "gatewayAppId", &s, err));
	ret[0] = 0;
	if (!*s)
		return 0;
	DS_TRY(get_hex(o, "gatewayAppId", id, 20, "an app id (40 hex digits), or nothing", err));
	ds_hex_encode(id, 20, ret);
	return 0;
}

static int get_number(const json_t *o, const char *key, uint64_t *ret, struct ds_err *err)
{
	const json_t *n = json_object_get(o, key);

	if (!json_is_integer(n) || json_integer_value(n) < 0)
		return bad(err, key, "a number");
	*ret = (uint64_t)json_integer_value(n);
	return 0;
}

static int get_chain(const json_t *o, struct kms_auth_chain *ret, struct ds_err *err)
{
	if (!json_object_get(o, "blockHash"))
		return 0;
	DS_TRY(get_number(o, "chainId", &ret->chain_id, err));
	DS_TRY(get_hex(o, "kmsContractAddr", ret->contract, 20, "an address", err));
	DS_TRY(get_number(o, "blockNumber", &ret->block, err));
	DS_TRY(get_hex(o, "blockHash", ret->block_hash, 32, "64 hex digits", err));
	ret->present = true;
	return 0;
}

static int parse_object(struct ds_span body, json_t **ret, struct ds_err *err)
{
	json_error_t at;
	json_t *o;

	if (body.n > KMS_MAX_AUTH_REPLY)
		return ds_err_set(err, -EFBIG, DOM, 0, "answer is longer than %u bytes",
				  KMS_MAX_AUTH_REPLY);
	o = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &at);
	if (!json_is_object(o)) {
		json_decref(o);
		return ds_err_set(err, -EBADMSG, DOM, 0, "answer is no JSON object");
	}
	*ret = o;
	return 0;
}

int kms_auth_reply_parse(struct ds_span body, struct kms_auth_reply *ret, struct ds_err *err)
{
	struct kms_auth_reply reply = { 0 };
	DS_JSON json_t *o = NULL;
	const char *reason = NULL;

	DS_TRY(parse_object(body, &o, err));
	if (!json_is_boolean(json_object_get(o, "isAllowed")))
		return bad(err, "isAllowed", "true or false");
	reply.allowed = json_is_true(json_object_get(o, "isAllowed"));
	DS_TRY(get_gateway(o, reply.gateway_app_id, err));
	DS_TRY(get_str(o, "reason", &reason, err));
	if (strlen(reason) > KMS_MAX_REASON)
		return bad(err, "reason", "at most 200 bytes");
	ds_escape(DS_SPAN_STR(reason), reply.reason, sizeof(reply.reason));
	DS_TRY(get_chain(o, &reply.chain, err));
	*ret = reply;
	return 0;
}

int kms_auth_chain_check(const struct kms_auth_conf *conf, const struct kms_auth_chain *chain,
			 struct ds_err *err)
{
	char want[41], got[41];

	if (!conf->has_contract && !conf->chain_id)
		return 0;
	if (!chain->present)
		return ds_err_set(err, -EPERM, DOM, 0,
				  "answer: expected one of a contract, with its block");
	if (conf->chain_id && chain->chain_id != conf->chain_id)
		return ds_err_set(err, -EPERM, DOM, 0, "answer: expected chain %llu, got %llu",
				  (unsigned long long)conf->chain_id,
				  (unsigned long long)chain->chain_id);
	if (conf->has_contract && memcmp(chain->contract, conf->contract, 20))
		return ds_err_set(err, -EPERM, DOM, 0, "answer: expected contract %s, got %s",
				  ds_hex_encode(conf->contract, 20, want),
				  ds_hex_encode(chain->contract, 20, got));
	return 0;
}

static int get_address(const json_t *o, const char *key, char ret[43], struct ds_err *err)
{
	uint8_t a[20];

	DS_TRY(get_hex(o, key, a, 20, "an address", err));
	memcpy(ret, "0x", 2);
	ds_hex_encode(a, 20, ret + 2);
	return 0;
}

int kms_auth_info_parse(struct ds_span body, struct kms_auth_info *ret, struct ds_err *err)
{
	struct kms_auth_info info = { 0 };
	DS_JSON json_t *o = NULL;
	const char *status = NULL;

	DS_TRY(parse_object(body, &o, err));
	DS_TRY(get_str(o, "status", &status, err));
	DS_TRY(get_gateway(o, info.gateway_app_id, err));
	DS_TRY(get_address(o, "kmsContractAddr", info.contract, err));
	DS_TRY(get_address(o, "appImplementation", info.app_implementation, err));
	DS_TRY(get_number(o, "chainId", &info.chain_id, err));
	*ret = info;
	return 0;
}
