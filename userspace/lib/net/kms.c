// SPDX-License-Identifier: Apache-2.0
/* The guest's half of the KMS protocol: requests to bytes, replies to checked values. */
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/net/kms.h>
#include <ds/net/prpc.h>
#include <ds/x509/cert.h>

#include "kms_secret.h"

int ds_kms_url(const char *base, const char *method, struct ds_buf *ret)
{
	size_t n = strlen(base);

	while (n && base[n - 1] == '/')
		n--;
	DS_TRY(ds_buf_addf(ret, "%.*s/prpc/%s?json", (int)n, base, method));
	return ds_buf_cstr(ret) ? 0 : -ENOMEM;
}

static int load(struct ds_span body, json_t **ret, struct ds_err *err)
{
	json_error_t je;
	json_t *j = body.n > DS_MAX_RPC_BODY
			    ? NULL
			    : json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &je);

	if (!json_is_object(j)) {
		json_decref(j);
		return ds_err_set(
			err, -EBADMSG, "kms", 0,
			"reply: a JSON object expected, found %zu bytes of something else", body.n);
	}
	*ret = j;
	return 0;
}

char *ds_kms_error(int status, struct ds_span body, char *out, size_t cap)
{
	DS_JSON json_t *j = NULL;
	const char *text = NULL;

	if (!load(body, &j, NULL))
		text = json_string_value(json_object_get(j, "error"));
	if (text)
		return ds_escape(DS_SPAN_STR(text), out, cap);
	snprintf(out, cap, "HTTP status %d", status);
	return out;
}

static int want_str(const json_t *o, const char *key, size_t max, struct ds_span *ret,
		    struct ds_err *err)
{
	const char *s = NULL;

	DS_TRY(ds_json_str(o, key, max, &s, err));
	if (!s || !*s)
		return ds_err_set(err, -EBADMSG, "kms", 0, "reply: %s is missing", key);
	*ret = DS_SPAN_STR(s);
	return 0;
}

void ds_kms_temp_ca_done(struct ds_kms_temp_ca *ca)
{
	ds_buf_done(&ca->cert_der);
	ca->key = ds_p256_free(ca->key);
	ds_buf_done(&ca->root_pem);
	ds_buf_done(&ca->root_spki);
}

/* ret_root (may be NULL): the certificate that was judged, and nothing else of the text. */
static int check_pin(struct ds_span pem, struct ds_span pin, struct ds_kms_temp_ca *ret_root,
		     struct ds_err *err)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	DS_BUF struct ds_buf der = DS_BUF_NULL;
	char want[33], got[33];

	DS_TRY(ds_cert_pem_to_der(pem, &der, err));
	DS_TRY(ds_cert_parse(ds_buf_span(&der), &info, err));
	if (!pin.n || !ds_span_eq(ds_buf_span(&info.spki), pin)) {
		/* The last bytes tell two keys apart: the first are the same in all P-256 keys. */
		size_t w = pin.n < 16 ? pin.n : 16, g = info.spki.n < 16 ? info.spki.n : 16;

		return ds_err_set(
			err, -EPERM, "kms", 0,
			"wrong KMS: root key ...%s expected (key_provider_id), found ...%s",
			ds_hex_encode(pin.p + pin.n - w, w, want),
			ds_hex_encode(info.spki.p + info.spki.n - g, g, got));
	}
	if (!info.is_ca)
		return ds_err_set(err, -EBADMSG, "kms", 0, "root certificate: not a CA");
	if (!ret_root)
		return 0;
	ret_root->root_spki = ds_buf_steal(&info.spki);
	return ds_cert_pem(ds_buf_span(&der), &ret_root->root_pem);
}

static int temp_ca_fields(const json_t *o, struct ds_span pin, struct ds_kms_temp_ca *ca,
			  struct ds_err *err)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	uint8_t spki[DS_P256_SPKI_SIZE];
	struct ds_span cert, key, root;

	DS_TRY(want_str(o, "temp_ca_cert", DS_MAX_CERT_PEM, &cert, err));
	DS_TRY(want_str(o, "temp_ca_key", DS_MAX_CERT_PEM, &key, err));
	DS_TRY(want_str(o, "ca_cert", DS_MAX_CERT_PEM, &root, err));
	DS_TRY(check_pin(root, pin, ca, err));
	DS_TRY(ds_cert_pem_to_der(cert, &ca->cert_der, err));
	DS_TRY(ds_p256_from_pem(key, &ca->key, err));
	DS_TRY(ds_cert_parse(ds_buf_span(&ca->cert_der), &info, err));
	DS_TRY(ds_p256_spki(ca->key, spki));
	if (!ds_span_eq(ds_buf_span(&info.spki), DS_SPAN_ARRAY(spki)))
		return ds_err_set(err, -EBADMSG, "kms", 0,
				  "temporary CA: certificate and key do not match");
	return 0;
}

int ds_kms_temp_ca_parse(struct ds_span body, struct ds_span pin, struct ds_kms_temp_ca *ret,
			 struct ds_err *err)
{
	struct ds_kms_temp_ca ca = DS_KMS_TEMP_CA_NULL;
	DS_JSON json_t *o = NULL;
	int r;

	DS_TRY(load(body, &o, err));
	r = temp_ca_fields(o, pin, &ca, err);
	if (r)
		ds_kms_temp_ca_done(&ca);
	else
		*ret = ca;
	return r;
}

int ds_kms_check_any(void *arg, struct ds_span leaf, const struct ds_span *chain, size_t n_chain,
		     struct ds_err *err)
{
	return 0;
}

int ds_kms_check_rpc(void *arg, struct ds_span leaf, const struct ds_span *chain, size_t n_chain,
		     struct ds_err *err)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	char shown[64];

	DS_TRY(ds_cert_parse(leaf, &info, err));
	if (strcmp(info.usage, DS_USAGE_KMS_RPC))
		return ds_err_set(err, -EPERM, "kms", 0,
				  "server certificate: usage %s expected, found \"%s\"",
				  DS_USAGE_KMS_RPC,
				  ds_escape(DS_SPAN_STR(info.usage), shown, sizeof(shown)));
	return 0;
}

int ds_kms_temp_cert(const struct ds_kms_temp_ca *ca, const struct ds_p256 *key,
		     const struct ds_attestation *att, int64_t now, struct ds_buf *ret_pem,
		     struct ds_err *err)
{
	DS_BUF struct ds_buf blob = DS_BUF_NULL, der = DS_BUF_NULL;
	uint8_t spki[DS_P256_SPKI_SIZE];
	struct ds_cert_spec spec = {
		.subject = "RA-TLS TEMP Cert",
		.not_before = DS_CERT_DEFAULT_NOT_BEFORE,
		.not_after = now + DS_CERT_DEFAULT_LIFETIME,
	};

	DS_TRY(ds_attestation_encode(att, DS_ATTESTATION_STRIPPED, &blob));
	DS_TRY(ds_p256_spki(key, spki));
	spec.spki = DS_SPAN_ARRAY(spki);
	spec.attestation = ds_buf_span(&blob);
	DS_TRY(ds_cert_issue(&spec, ca->key, ds_buf_span(&ca->cert_der), &der, err));
	return ds_cert_pem(ds_buf_span(&der), ret_pem);
}

void ds_kms_app_keys_done(struct ds_kms_app_keys *keys)
{
	keys->disk = ds_secret_free(keys->disk);
	keys->env = ds_secret_free(keys->env);
	keys->k256 = ds_secret_free(keys->k256);
	ds_buf_done(&keys->os_image_hash);
}

/* Both readers of the reply must have meant the same member: after the first, it is all zeros. */
static int check_blank(const json_t *o, const char *key, struct ds_err *err)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (s && strlen(s) == 64 && strspn(s, "0") == 64)
		return 0;
	return ds_err_set(err, -EBADMSG, "kms", 0, "reply: %s: ambiguous", key);
}

static int take_secrets(struct ds_secret *text, struct ds_kms_app_keys *k, struct ds_err *err)
{
	DS_TRY(ds_kms_take_hex(text, "disk_crypt_key", &k->disk, err));
	DS_TRY(ds_kms_take_hex(text, "env_crypt_key", &k->env, err));
	return ds_kms_take_hex(text, "k256_key", &k->k256, err);
}

static int app_key_fields(const json_t *o, struct ds_span pin, struct ds_kms_app_keys *k,
			  struct ds_err *err)
{
	const char *ca = NULL, *gw = NULL;
	struct ds_span sig;

	DS_TRY(check_blank(o, "disk_crypt_key", err));
	DS_TRY(check_blank(o, "env_crypt_key", err));
	DS_TRY(check_blank(o, "k256_key", err));
	DS_TRY(want_str(o, "k256_signature", 130, &sig, err));
	if (ds_hex_decode_exact((const char *)sig.p, k->k256_signature, sizeof(k->k256_signature)))
		return ds_err_set(
			err, -EBADMSG, "kms", 0,
			"reply: k256_signature: 65 bytes in hex expected, found %zu characters",
			sig.n);
	DS_TRY(ds_json_str(o, "gateway_app_id", sizeof(k->gateway_app_id) - 1, &gw, err));
	snprintf(k->gateway_app_id, sizeof(k->gateway_app_id), "%s", gw ? gw : "");
	DS_TRY(ds_json_hex(o, "os_image_hash", 32, &k->os_image_hash, err));
	if (k->os_image_hash.n && k->os_image_hash.n != 32)
		return ds_err_set(err, -EBADMSG, "kms", 0,
				  "reply: os_image_hash: 32 bytes expected, found %zu",
				  k->os_image_hash.n);
	DS_TRY(ds_json_str(o, "ca_cert", DS_MAX_CERT_PEM, &ca, err));
	return ca && *ca ? check_pin(DS_SPAN_STR(ca), pin, NULL, err) : 0;
}

int ds_kms_app_keys_parse(struct ds_span body, struct ds_span pin, struct ds_kms_app_keys *ret,
			  struct ds_err *err)
{
	struct ds_kms_app_keys keys = DS_KMS_APP_KEYS_NULL;
	DS_SECRET struct ds_secret *text = NULL;
	DS_JSON json_t *o = NULL;
	int r;

	if (!body.n || body.n > DS_MAX_CERT_PEM)
		return ds_err_set(err, -EBADMSG, "kms", 0,
				  "reply: 1 to %u bytes expected, found %zu", DS_MAX_CERT_PEM,
				  body.n);
	text = ds_secret_from(body.p, body.n);
	if (!text)
		return -ENOMEM;
	r = take_secrets(text, &keys, err);
	if (!r)
		r = load(DS_SPAN(text->p, text->n), &o, err);
	if (!r)
		r = app_key_fields(o, pin, &keys, err);
	if (r)
		ds_kms_app_keys_done(&keys);
	else
		*ret = keys;
	return r;
}

static int dump(json_t *take_o, struct ds_buf *ret)
{
	char *s = take_o ? json_dumps(take_o, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	int r = s ? ds_buf_add(ret, s, strlen(s)) : -ENOMEM;

	free(s);
	json_decref(take_o);
	return r;
}

int ds_kms_app_key_request(const char *vm_config, struct ds_buf *ret)
{
	return dump(json_pack("{s:i,s:s}", "api_version", 1, "vm_config", vm_config), ret);
}

int ds_kms_sign_cert_request(const struct ds_csr *csr, const struct ds_p256 *key,
			     const char *vm_config, struct ds_buf *ret)
{
	DS_BUF struct ds_buf bytes = DS_BUF_NULL, sig = DS_BUF_NULL, hex = DS_BUF_NULL,
			     sig_hex = DS_BUF_NULL;

	DS_TRY(ds_csr_encode(csr, DS_ATTESTATION_FULL, &bytes));
	DS_TRY(ds_p256_sign(key, ds_buf_span(&bytes), &sig));
	DS_TRY(ds_buf_add_hex(&hex, ds_buf_span(&bytes)));
	DS_TRY(ds_buf_add_hex(&sig_hex, ds_buf_span(&sig)));
	if (!ds_buf_cstr(&hex) || !ds_buf_cstr(&sig_hex))
		return -ENOMEM;
	return dump(json_pack("{s:i,s:s,s:s,s:s}", "api_version", 2, "csr", ds_buf_cstr(&hex),
			      "signature", ds_buf_cstr(&sig_hex), "vm_config", vm_config),
		    ret);
}

void ds_kms_chain_done(struct ds_kms_chain *chain)
{
	for (size_t i = 0; i < DS_KMS_MAX_CHAIN; i++)
		ds_buf_done(&chain->pem[i]);
	chain->n = 0;
}

/* The chain ends in a certificate with the pinned key; that one is the trust anchor for the rest.
 */
static int check_chain(const struct ds_buf *der, size_t n, struct ds_span pin, struct ds_span spki,
		       int64_t now, struct ds_err *err)
{
	DS_CERT_INFO struct ds_cert_info leaf = DS_CERT_INFO_NULL, root = DS_CERT_INFO_NULL;
	struct ds_span chain[DS_KMS_MAX_CHAIN];

	DS_TRY(ds_cert_parse(ds_buf_span(&der[0]), &leaf, err));
	DS_TRY(ds_cert_parse(ds_buf_span(&der[n - 1]), &root, err));
	if (!ds_span_eq(ds_buf_span(&leaf.spki), spki))
		return ds_err_set(err, -EBADMSG, "kms", 0, "certificate: made for another key");
	if (!pin.n || !ds_span_eq(ds_buf_span(&root.spki), pin))
		return ds_err_set(err, -EPERM, "kms", 0,
				  "certificate chain: does not end in the pinned root key");
	for (size_t i = 0; i < n; i++)
		chain[i] = ds_buf_span(&der[i]);
	return ds_cert_verify_chain(chain, n, chain[n - 1], now, err);
}

static int chain_fields(const json_t *o, struct ds_span pin, struct ds_span spki, int64_t now,
			struct ds_kms_chain *c, struct ds_buf *der, struct ds_err *err)
{
	const json_t *a = NULL;
	size_t n;

	DS_TRY(ds_json_strs(o, "certificate_chain", DS_KMS_MAX_CHAIN, &a, err));
	n = json_array_size(a);
	if (n < 2)
		return ds_err_set(err, -EBADMSG, "kms", 0,
				  "certificate chain: 2 to %d certificates expected, found %zu",
				  DS_KMS_MAX_CHAIN, n);
	for (size_t i = 0; i < n; i++) {
		struct ds_span pem = DS_SPAN_STR(json_string_value(json_array_get(a, i)));

		DS_TRY(ds_cert_pem_to_der(pem, &der[i], err));
		DS_TRY(ds_buf_add_span(&c->pem[i], pem));
	}
	c->n = n;
	return check_chain(der, n, pin, spki, now, err);
}

int ds_kms_chain_parse(struct ds_span body, struct ds_span pin, struct ds_span spki, int64_t now,
		       struct ds_kms_chain *ret, struct ds_err *err)
{
	struct ds_buf der[DS_KMS_MAX_CHAIN] = { DS_BUF_NULL };
	struct ds_kms_chain chain = { .n = 0 };
	DS_JSON json_t *o = NULL;
	int r = load(body, &o, err);

	if (!r)
		r = chain_fields(o, pin, spki, now, &chain, der, err);
	for (size_t i = 0; i < DS_KMS_MAX_CHAIN; i++)
		ds_buf_done(&der[i]);
	if (r)
		ds_kms_chain_done(&chain);
	else
		*ret = chain;
	return r;
}

static const struct {
	const char *name, *method, *field;
	size_t size; /* 0: a certificate */
} items[] = {
	[DS_KMS_ROOT_CA] = { "root-ca", "GetMeta", "ca_cert", 0 },
	[DS_KMS_APP_CA] = { "app-ca", NULL, NULL, 0 },
	[DS_KMS_K256_PUB] = { "k256-pub", "GetMeta", "k256_pubkey", 33 },
	[DS_KMS_ENV_PUB] = { "env-pub", "GetAppEnvEncryptPubKey", "public_key", 32 },
};

int ds_kms_item_find(const char *name, enum ds_kms_item *ret)
{
	for (size_t i = 0; i < DS_ARRAY_SIZE(items); i++)
		if (!strcmp(name, items[i].name)) {
			*ret = (enum ds_kms_item)i;
			return 0;
		}
	return -ENOENT;
}

const char *ds_kms_item_method(enum ds_kms_item item)
{
	return items[item].method;
}

int ds_kms_item_request(enum ds_kms_item item, const uint8_t app_id[20], struct ds_buf *ret)
{
	char app[41];

	if (item != DS_KMS_ENV_PUB)
		return ds_buf_addf(ret, "{}");
	return ds_buf_addf(ret, "{\"app_id\":\"%s\"}", ds_hex_encode(app_id, 20, app));
}

/* The certificate as judged and written by us, not the text that came. */
static int item_cert(const json_t *o, const char *field, struct ds_span pin, struct ds_buf *ret,
		     struct ds_err *err)
{
	DS_KMS_TEMP_CA struct ds_kms_temp_ca root = DS_KMS_TEMP_CA_NULL;
	struct ds_span pem;

	DS_TRY(want_str(o, field, DS_KMS_ITEM_MAX, &pem, err));
	DS_TRY(check_pin(pem, pin, &root, err));
	return ds_buf_add_span(ret, ds_buf_span(&root.root_pem));
}

int ds_kms_item_parse(enum ds_kms_item item, struct ds_span body, struct ds_span pin,
		      struct ds_buf *ret, struct ds_err *err)
{
	const char *field = items[item].field;
	DS_BUF struct ds_buf value = DS_BUF_NULL;
	DS_JSON json_t *o = NULL;

	if (!field)
		return -EINVAL;
	DS_TRY(load(body, &o, err));
	if (!items[item].size)
		return item_cert(o, field, pin, ret, err);
	DS_TRY(ds_json_hex(o, field, items[item].size, &value, err));
	if (value.n != items[item].size)
		return ds_err_set(err, -EBADMSG, "kms", 0,
				  "reply: %s: %zu bytes expected, found %zu", field,
				  items[item].size, value.n);
	return ds_buf_add_span(ret, ds_buf_span(&value));
}
