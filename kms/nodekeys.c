// SPDX-License-Identifier: Apache-2.0
/* The reply of GetKmsKey, see nodekeys.h. */
#include "nodekeys.h"

#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/crypto/p256.h>
#include <ds/net/prpc.h>

#define DOM "kms"

/* key_epoch is ours; a stock node has only epoch 0 and does not say so. */
static int check_epoch(const json_t *o, struct ds_err *err)
{
	uint64_t epoch = 0;

	DS_TRY(ds_json_u64(o, "key_epoch", UINT32_MAX, &epoch, err));
	return epoch == KMS_EPOCH ? 0
				  : ds_err_set(err, -EOPNOTSUPP, DOM, 0,
					       "roots: expected key epoch %u, got %llu", KMS_EPOCH,
					       (unsigned long long)epoch);
}

static int temp_scalar(const json_t *o, uint8_t ret[32], struct ds_err *err)
{
	DS_P256 struct ds_p256 *key = NULL;
	DS_SECRET struct ds_secret *scalar = NULL;
	const char *pem = NULL;

	DS_TRY(ds_json_str(o, "temp_ca_key", DS_MAX_CERT_PEM, &pem, err));
	DS_TRY(ds_p256_from_pem(DS_SPAN_STR(pem ? pem : ""), &key, err));
	DS_TRY(ds_p256_scalar(key, &scalar));
	memcpy(ret, scalar->p, 32);
	return 0;
}

/* What a stock node sends: in the clear, so the text of it does not stay. */
static int take_stock(json_t *one, uint8_t ret[KMS_MATERIAL_SIZE], struct ds_err *err)
{
	const char *pem = json_string_value(json_object_get(one, "ca_key"));
	const char *hex = json_string_value(json_object_get(one, "k256_key"));
	DS_P256 struct ds_p256 *key = NULL;
	DS_SECRET struct ds_secret *scalar = NULL;
	int r;

	if (!pem || !hex || ds_hex_decode_exact(hex, ret + 32, 32))
		return ds_err_set(err, -EBADMSG, DOM, 0,
				  "keys: expected ca_key and k256_key of 32 bytes");
	r = ds_p256_from_pem(DS_SPAN_STR(pem), &key, err);
	if (!r)
		r = ds_p256_scalar(key, &scalar);
	if (!r)
		memcpy(ret, scalar->p, 32);
	ds_wipe((char *)(uintptr_t)pem, strlen(pem));
	ds_wipe((char *)(uintptr_t)hex, strlen(hex));
	return r;
}

static int fill(json_t *o, struct kms_new_ask *q, struct ds_err *err)
{
	const char *sealed = json_string_value(json_object_get(o, "sealed_keys"));
	json_t *keys = json_object_get(o, "keys");

	DS_TRY(check_epoch(o, err));
	DS_TRY(temp_scalar(o, q->tmp_scalar, err));
	if (sealed) {
		q->op = KMS_NEW_TAKE;
		return ds_hex_decode_exact(sealed, q->message, sizeof(q->message))
			       ? ds_err_set(err, -EBADMSG, DOM, 0,
					    "sealed_keys: expected %zu bytes in hex",
					    sizeof(q->message))
			       : 0;
	}
	if (json_array_size(keys) != 1)
		return ds_err_set(err, -EBADMSG, DOM, 0, "keys: expected 1, got %zu",
				  json_array_size(keys));
	q->op = KMS_NEW_TAKE_STOCK;
	return take_stock(json_array_get(keys, 0), q->message, err);
}

int kms_node_keys_parse(struct ds_span body, struct kms_new_ask *ret, struct ds_err *err)
{
	DS_JSON json_t *o = body.n > DS_MAX_CERT_PEM
				    ? NULL
				    : json_loadb((const char *)body.p, body.n,
						 JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(o))
		return ds_err_set(err, -EBADMSG, DOM, 0, "GetKmsKey: the reply is no JSON object");
	return fill(o, ret, err);
}
