// SPDX-License-Identifier: Apache-2.0
/* Tests of the guest's half of the KMS protocol, with certificates made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/text.h>
#include <ds/net/kms.h>
#include <ds/net/prpc.h>
#include <ds/x509/cert.h>

#define NOW INT64_C(1790000000)

static struct ds_p256 *root_key, *other_key, *ca_key, *leaf_key;
static uint8_t root_spki[DS_P256_SPKI_SIZE], leaf_spki[DS_P256_SPKI_SIZE];
static struct ds_buf root_der, other_der, ca_der;

static void issue(struct ds_cert_spec spec, const struct ds_p256 *key, const struct ds_p256 *issuer,
		  struct ds_span issuer_cert, struct ds_buf *ret)
{
	uint8_t spki[DS_P256_SPKI_SIZE];
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_p256_spki(key, spki), 0);
	spec.spki = DS_SPAN_ARRAY(spki);
	if (!spec.not_after) {
		spec.not_before = DS_CERT_DEFAULT_NOT_BEFORE;
		spec.not_after = NOW + DS_CERT_DEFAULT_LIFETIME;
	}
	if (ds_cert_issue(&spec, issuer, issuer_cert, ret, &err))
		fail_msg("%s", err.msg);
}

static const struct ds_cert_spec root_spec = {
	.subject = "Dstack KMS CA", .org = "Dstack", .is_ca = true, .pathlen = 1
};

static int setup(void **state)
{
	struct ds_cert_spec ca = { .subject = "Dstack App CA", .org = "Dstack", .is_ca = true };

	if (ds_p256_generate(&root_key) || ds_p256_generate(&other_key) ||
	    ds_p256_generate(&ca_key) || ds_p256_generate(&leaf_key) ||
	    ds_p256_spki(root_key, root_spki) || ds_p256_spki(leaf_key, leaf_spki))
		return -1;
	issue(root_spec, root_key, root_key, DS_SPAN_NULL, &root_der);
	issue(root_spec, other_key, other_key, DS_SPAN_NULL, &other_der);
	issue(ca, ca_key, root_key, ds_buf_span(&root_der), &ca_der);
	return 0;
}

static int teardown(void **state)
{
	ds_p256_free(root_key);
	ds_p256_free(other_key);
	ds_p256_free(ca_key);
	ds_p256_free(leaf_key);
	ds_buf_done(&root_der);
	ds_buf_done(&other_der);
	ds_buf_done(&ca_der);
	return 0;
}

static json_t *pem_json(const struct ds_buf *der)
{
	DS_BUF struct ds_buf pem = DS_BUF_NULL;

	assert_int_equal(ds_cert_pem(ds_buf_span(der), &pem), 0);
	return json_string(ds_buf_cstr(&pem));
}

static json_t *key_json(const struct ds_p256 *key)
{
	DS_SECRET struct ds_secret *pem = NULL;

	assert_int_equal(ds_p256_pkcs8_pem(key, &pem), 0);
	return json_stringn((const char *)pem->p, pem->n);
}

static struct ds_buf dump(json_t *take)
{
	struct ds_buf b = DS_BUF_NULL;
	char *s = json_dumps(take, JSON_COMPACT);

	assert_non_null(s);
	assert_int_equal(ds_buf_add_span(&b, DS_SPAN_STR(s)), 0);
	free(s);
	json_decref(take);
	return b;
}

static void urls_and_errors(void **state)
{
	DS_BUF struct ds_buf url = DS_BUF_NULL;
	char text[40];

	assert_int_equal(ds_kms_url("https://k:8000//", "GetAppKey", &url), 0);
	assert_string_equal(ds_buf_cstr(&url), "https://k:8000/prpc/GetAppKey?json");
	assert_string_equal(
		ds_kms_error(400, DS_SPAN_LIT("{\"error\":\"no\\nway\"}"), text, sizeof(text)),
		"no\\x0away");
	assert_string_equal(ds_kms_error(502, DS_SPAN_LIT("<html>"), text, sizeof(text)),
			    "HTTP status 502");
	assert_string_equal(ds_kms_error(400, DS_SPAN_LIT("{\"error\":7}"), text, sizeof(text)),
			    "HTTP status 400");
}

static struct ds_buf temp_ca_reply(const struct ds_p256 *key, const struct ds_buf *root)
{
	return dump(json_pack("{s:o,s:o,s:o}", "temp_ca_cert", pem_json(&ca_der), "temp_ca_key",
			      key_json(key), "ca_cert", pem_json(root)));
}

static struct ds_buf two_roots_reply(void)
{
	DS_BUF struct ds_buf pem = DS_BUF_NULL;

	assert_int_equal(ds_cert_pem(ds_buf_span(&root_der), &pem), 0);
	assert_int_equal(ds_cert_pem(ds_buf_span(&other_der), &pem), 0);
	return dump(json_pack("{s:o,s:o,s:s}", "temp_ca_cert", pem_json(&ca_der), "temp_ca_key",
			      key_json(ca_key), "ca_cert", ds_buf_cstr(&pem)));
}

/* A lost connection is worth another call, an answer is not; and it ends. */
static void patience(void **unused)
{
	static const int final[] = { 0, -EPERM, -EBADMSG, -ECONNREFUSED, -EKEYREJECTED, -EPROTO };
	unsigned most = 0, seen = 0;

	for (size_t i = 0; i < DS_ARRAY_SIZE(final); i++)
		assert_int_equal(ds_kms_again(final[i], 1), 0);
	for (unsigned tried = 1; tried < 10; tried++) {
		unsigned full = tried < 6 ? 250u << (tried - 1) : 8000;
		unsigned ms = ds_kms_again(tried & 1 ? -ECONNRESET : -EPIPE, tried);

		assert_in_range(ms, full / 2, full);
		most += full;
	}
	assert_in_range(most, 30000, 45000);
	assert_int_equal(ds_kms_again(-ECONNRESET, 10), 0);
	assert_int_not_equal(ds_kms_again(-ETIMEDOUT, 2), 0);
	assert_int_equal(ds_kms_again(-ETIMEDOUT, 3), 0);
	/* those who came together do not come back together */
	for (int i = 0; i < 64; i++)
		seen |= ds_kms_again(-ECONNRESET, 6) ^ ds_kms_again(-ECONNRESET, 6);
	assert_int_not_equal(seen, 0);
}

static void temp_ca(void **state)
{
	struct ds_span pin = DS_SPAN_ARRAY(root_spki);
	DS_BUF struct ds_buf good = temp_ca_reply(ca_key, &root_der),
			     other = temp_ca_reply(ca_key, &other_der);
	DS_BUF struct ds_buf mixed = temp_ca_reply(leaf_key, &root_der),
			     no_ca = temp_ca_reply(ca_key, &ca_der);
	DS_BUF struct ds_buf two = two_roots_reply();
	DS_KMS_TEMP_CA struct ds_kms_temp_ca ca = DS_KMS_TEMP_CA_NULL;
	struct ds_kms_temp_ca bad;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_kms_temp_ca_parse(ds_buf_span(&good), pin, &ca, &err), 0);
	assert_true(ds_span_eq(ds_buf_span(&ca.root_spki), pin));
	/* the wrong KMS, and the same without a pin at all */
	assert_int_equal(ds_kms_temp_ca_parse(ds_buf_span(&other), pin, &bad, &err), -EPERM);
	assert_non_null(strstr(err.msg, "wrong KMS: root key ..."));
	assert_int_equal(ds_kms_temp_ca_parse(ds_buf_span(&good), DS_SPAN_NULL, &bad, &err),
			 -EPERM);
	assert_int_equal(
		ds_kms_temp_ca_parse(ds_buf_span(&good), DS_SPAN(root_spki, 90), &bad, &err),
		-EPERM);
	assert_int_equal(ds_kms_temp_ca_parse(ds_buf_span(&no_ca), pin, &bad, &err), -EPERM);
	/* a second certificate behind the right one must not become an anchor too */
	assert_int_equal(ds_kms_temp_ca_parse(ds_buf_span(&two), pin, &bad, &err), -EBADMSG);
	assert_int_equal(ds_kms_temp_ca_parse(ds_buf_span(&mixed), pin, &bad, &err), -EBADMSG);
	assert_string_equal(err.msg, "temporary CA: certificate and key do not match");
	for (size_t n = 0; n < good.n; n += n < 64 ? 1 : 37)
		assert_int_equal(ds_kms_temp_ca_parse(DS_SPAN(good.p, n), pin, &bad, &err),
				 -EBADMSG);
	assert_int_equal(
		ds_kms_temp_ca_parse(DS_SPAN_LIT("{\"temp_ca_cert\":\"x\"}"), pin, &bad, &err),
		-EBADMSG);
	assert_string_equal(err.msg, "reply: temp_ca_key is missing");
}

/* A root with the right key that is no CA must not become the anchor. */
static void root_must_be_a_ca(void **state)
{
	DS_BUF struct ds_buf der = DS_BUF_NULL, reply = DS_BUF_NULL;
	struct ds_kms_temp_ca bad;
	struct ds_err err = DS_ERR_NULL;

	issue((struct ds_cert_spec){ .subject = "x" }, root_key, root_key, DS_SPAN_NULL, &der);
	reply = temp_ca_reply(ca_key, &der);
	assert_int_equal(
		ds_kms_temp_ca_parse(ds_buf_span(&reply), DS_SPAN_ARRAY(root_spki), &bad, &err),
		-EBADMSG);
	assert_string_equal(err.msg, "root certificate: not a CA");
}

static void server_usage(void **state)
{
	static const struct {
		const char *usage;
		int r;
	} rows[] = { { DS_USAGE_KMS_RPC, 0 },
		     { DS_USAGE_APP_CUSTOM, -EPERM },
		     { "kms:rpc2", -EPERM },
		     { NULL, -EPERM } };
	struct ds_err err = DS_ERR_NULL;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUF struct ds_buf der = DS_BUF_NULL;

		issue((struct ds_cert_spec){ .subject = "k", .usage = rows[i].usage }, leaf_key,
		      root_key, ds_buf_span(&root_der), &der);
		assert_int_equal(ds_kms_check_rpc(NULL, ds_buf_span(&der), NULL, 0, &err),
				 rows[i].r);
	}
	assert_true(ds_kms_check_rpc(NULL, DS_SPAN_LIT("junk"), NULL, 0, &err) < 0);
}

static void client_certificate(void **state)
{
	DS_BUF struct ds_buf reply = temp_ca_reply(ca_key, &root_der), pem = DS_BUF_NULL,
			     der = DS_BUF_NULL;
	DS_KMS_TEMP_CA struct ds_kms_temp_ca ca = DS_KMS_TEMP_CA_NULL;
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL, back = DS_ATTESTATION_NULL;
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_buf_add(&att.quote, "quote", 5), 0);
	assert_int_equal(
		ds_kms_temp_ca_parse(ds_buf_span(&reply), DS_SPAN_ARRAY(root_spki), &ca, &err), 0);
	assert_int_equal(ds_kms_temp_cert(&ca, leaf_key, &att, NOW, &pem, &err), 0);
	assert_int_equal(ds_cert_pem_to_der(ds_buf_span(&pem), &der, &err), 0);
	assert_int_equal(ds_cert_parse(ds_buf_span(&der), &info, &err), 0);
	assert_string_equal(info.cn, "RA-TLS TEMP Cert");
	assert_true(ds_span_eq(ds_buf_span(&info.spki), DS_SPAN_ARRAY(leaf_spki)));
	assert_int_equal(ds_attestation_decode(ds_buf_span(&info.attestation), &back, &err), 0);
	assert_true(ds_span_eq(ds_buf_span(&back.quote), DS_SPAN_LIT("quote")));
}

static struct ds_buf app_keys_reply(const char *key, json_t *take_value)
{
	char hex[65], sig[131];
	json_t *o;

	memset(hex, 'a', 64);
	hex[64] = 0;
	memset(sig, '1', 130);
	sig[130] = 0;
	o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:n}", "disk_crypt_key", hex, "env_crypt_key", hex,
		      "k256_key", hex, "k256_signature", sig, "gateway_app_id", "00ff",
		      "os_image_hash", hex, "unknown");
	assert_non_null(o);
	if (key && take_value)
		assert_int_equal(json_object_set_new(o, key, take_value), 0);
	else if (key)
		assert_int_equal(json_object_del(o, key), 0);
	return dump(o);
}

static void app_keys(void **state)
{
	DS_BUF struct ds_buf good = app_keys_reply("ca_cert", pem_json(&root_der));
	DS_KMS_APP_KEYS struct ds_kms_app_keys k = DS_KMS_APP_KEYS_NULL;
	struct ds_span pin = DS_SPAN_ARRAY(root_spki);
	struct ds_kms_app_keys bad;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_kms_app_keys_parse(ds_buf_span(&good), pin, &k, &err), 0);
	assert_int_equal(k.disk->p[31], 0xaa);
	assert_int_equal(k.k256_signature[64], 0x11);
	assert_int_equal(k.os_image_hash.n, 32);
	assert_string_equal(k.gateway_app_id, "00ff");
	for (size_t n = 0; n < good.n; n++)
		assert_int_equal(ds_kms_app_keys_parse(DS_SPAN(good.p, n), pin, &bad, &err),
				 -EBADMSG);
}

static void bad_app_keys_are_named(void **state)
{
	static const char *const missing[] = { "disk_crypt_key", "env_crypt_key", "k256_key",
					       "k256_signature" };
	static const char *const hex32[] = { "disk_crypt_key", "env_crypt_key", "k256_key",
					     "os_image_hash" };
	static const char *const values[] = { "", "aa", "zz" };
	struct ds_span pin = DS_SPAN_ARRAY(root_spki);
	struct ds_kms_app_keys bad;
	struct ds_err err = DS_ERR_NULL;

	for (size_t i = 0; i < DS_ARRAY_SIZE(missing); i++) {
		DS_BUF struct ds_buf b = app_keys_reply(missing[i], NULL);

		assert_int_equal(ds_kms_app_keys_parse(ds_buf_span(&b), pin, &bad, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, missing[i]));
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(hex32); i++)
		for (size_t j = strcmp(hex32[i], "os_image_hash") ? 0 : 1;
		     j < DS_ARRAY_SIZE(values); j++) {
			DS_BUF struct ds_buf b = app_keys_reply(hex32[i], json_string(values[j]));

			assert_int_equal(ds_kms_app_keys_parse(ds_buf_span(&b), pin, &bad, &err),
					 -EBADMSG);
			assert_non_null(strstr(err.msg, hex32[i]));
		}
	{
		DS_BUF struct ds_buf other = app_keys_reply("ca_cert", pem_json(&other_der));
		DS_BUF struct ds_buf null = app_keys_reply("k256_key", json_null());

		assert_int_equal(ds_kms_app_keys_parse(ds_buf_span(&other), pin, &bad, &err),
				 -EPERM);
		assert_int_equal(ds_kms_app_keys_parse(ds_buf_span(&null), pin, &bad, &err),
				 -EBADMSG);
	}
}

/* A member that only one of two readers would find must not decide about a key. */
static void keys_are_found_once_and_at_the_top(void **state)
{
#define HEX64 "0101010101010101010101010101010101010101010101010101010101010101"
	static const struct {
		const char *in, *msg;
	} rows[] = {
		{ "{\"x\":{\"disk_crypt_key\":\"" HEX64 "\"}}", "disk_crypt_key is missing" },
		{ "[\"disk_crypt_key\",\"" HEX64 "\"]", "disk_crypt_key is missing" },
		{ "{\"disk_crypt_key\":[\"" HEX64 "\"]}", "disk_crypt_key is missing" },
		{ "{\"disk_crypt_ke\\u0079\":\"" HEX64 "\"}", "disk_crypt_key is missing" },
		{ "{\"a\":\"disk_crypt_key\",\"b\":1}", "disk_crypt_key is missing" },
		{ "{\"a\":\"\\\",\"disk_crypt_key\":\"" HEX64 "\"}", "disk_crypt_key is missing" },
		{ "{\"disk_crypt_key\":\"" HEX64 "\",\"disk_crypt_key\":\"" HEX64
		  "\",\"env_crypt_key\":\"" HEX64 "\",\"k256_key\":\"" HEX64 "\"}",
		  "a JSON object expected" },
		{ "{\"disk_crypt_key\":\"" HEX64 "\",\"disk_crypt_ke\\u0079\":\"" HEX64
		  "\",\"env_crypt_key\":\"" HEX64 "\",\"k256_key\":\"" HEX64 "\"}",
		  "a JSON object expected" },
		{ "x{\"disk_crypt_key\":\"" HEX64 "\",\"env_crypt_key\":\"" HEX64
		  "\",\"k256_key\":\"" HEX64 "\"}",
		  "a JSON object expected" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_err err = DS_ERR_NULL;
		struct ds_kms_app_keys k;

		if (ds_kms_app_keys_parse(DS_SPAN_STR(rows[i].in), DS_SPAN_ARRAY(root_spki), &k,
					  &err) != -EBADMSG ||
		    !strstr(err.msg, rows[i].msg))
			fail_msg("%s: %d %s", rows[i].in, err.code, err.msg);
	}
}

static int parse_chain(const struct ds_buf *leaf, const struct ds_buf *mid,
		       const struct ds_buf *root, struct ds_span spki, int64_t now,
		       struct ds_err *err)
{
	json_t *a = json_array();
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_kms_chain chain = { .n = 0 };
	int r;

	json_array_append_new(a, pem_json(leaf));
	if (mid)
		json_array_append_new(a, pem_json(mid));
	if (root)
		json_array_append_new(a, pem_json(root));
	b = dump(json_pack("{s:o}", "certificate_chain", a));
	r = ds_kms_chain_parse(ds_buf_span(&b), DS_SPAN_ARRAY(root_spki), spki, now, &chain, err);
	if (!r)
		ds_kms_chain_done(&chain);
	return r;
}

static void signed_chain(void **state)
{
	struct ds_cert_spec spec = { .subject = "app", .usage = DS_USAGE_APP_CUSTOM };
	DS_BUF struct ds_buf leaf = DS_BUF_NULL, short_leaf = DS_BUF_NULL, stray = DS_BUF_NULL;
	struct ds_span spki = DS_SPAN_ARRAY(leaf_spki);
	struct ds_err err = DS_ERR_NULL;

	issue(spec, leaf_key, ca_key, ds_buf_span(&ca_der), &leaf);
	assert_int_equal(parse_chain(&leaf, &ca_der, &root_der, spki, NOW, &err), 0);
	/* another key's certificate, another root, a missing link, one certificate only */
	assert_int_equal(
		parse_chain(&leaf, &ca_der, &root_der, DS_SPAN_ARRAY(root_spki), NOW, &err),
		-EBADMSG);
	assert_int_equal(parse_chain(&leaf, &ca_der, &other_der, spki, NOW, &err), -EPERM);
	assert_int_equal(parse_chain(&leaf, NULL, &root_der, spki, NOW, &err), -EKEYREJECTED);
	assert_int_equal(parse_chain(&leaf, NULL, NULL, spki, NOW, &err), -EBADMSG);
	/* signed by a stranger */
	issue(spec, leaf_key, other_key, ds_buf_span(&other_der), &stray);
	assert_int_equal(parse_chain(&stray, &ca_der, &root_der, spki, NOW, &err), -EKEYREJECTED);
	/* expired */
	spec.not_before = NOW - 100;
	spec.not_after = NOW - 1;
	issue(spec, leaf_key, ca_key, ds_buf_span(&ca_der), &short_leaf);
	assert_int_equal(parse_chain(&short_leaf, &ca_der, &root_der, spki, NOW, &err),
			 -EKEYREJECTED);
	assert_int_equal(parse_chain(&short_leaf, &ca_der, &root_der, spki, NOW - 50, &err), 0);
}

static void requests(void **state)
{
	DS_BUF struct ds_buf a = DS_BUF_NULL, b = DS_BUF_NULL, bytes = DS_BUF_NULL,
			     sig = DS_BUF_NULL;
	DS_CSR struct ds_csr csr = DS_CSR_NULL;
	DS_JSON json_t *o = NULL;

	assert_int_equal(ds_kms_app_key_request("{\"x\":1}", &a), 0);
	assert_string_equal(ds_buf_cstr(&a), "{\"api_version\":1,\"vm_config\":\"{\\\"x\\\":1}\"}");
	assert_int_equal(ds_buf_add(&csr.spki, leaf_spki, sizeof(leaf_spki)), 0);
	assert_int_equal(ds_kms_sign_cert_request(&csr, leaf_key, "{}", &b), 0);
	o = json_loadb((const char *)b.p, b.n, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(o, "api_version")), 2);
	assert_int_equal(ds_json_hex(o, "csr", 4096, &bytes, NULL), 0);
	assert_int_equal(ds_json_hex(o, "signature", 4096, &sig, NULL), 0);
	assert_int_equal(
		ds_p256_verify(DS_SPAN_ARRAY(leaf_spki), ds_buf_span(&bytes), ds_buf_span(&sig)),
		0);
}

static void items(void **state)
{
	static const char *const names[] = { "root-ca", "app-ca", "k256-pub", "env-pub" };
	uint8_t app[20] = { 0xab };
	enum ds_kms_item item;

	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++) {
		assert_int_equal(ds_kms_item_find(names[i], &item), 0);
		assert_int_equal(item, i);
	}
	assert_int_equal(ds_kms_item_find("", &item), -ENOENT);
	assert_int_equal(ds_kms_item_find("root-ca ", &item), -ENOENT);
	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++) {
		DS_BUF struct ds_buf body = DS_BUF_NULL;

		assert_int_equal(ds_kms_item_request((enum ds_kms_item)i, app, &body), 0);
		assert_string_equal(ds_buf_cstr(&body),
				    i == DS_KMS_ENV_PUB
					    ? "{\"app_id\":\"ab00000000000000000000000000000000000000\"}"
					    : "{}");
	}
	assert_string_equal(ds_kms_item_method(DS_KMS_ROOT_CA), "GetMeta");
	assert_string_equal(ds_kms_item_method(DS_KMS_ENV_PUB), "GetAppEnvEncryptPubKey");
	assert_null(ds_kms_item_method(DS_KMS_APP_CA));
}

/* want: bytes of the value, or what parsing says. The reply is tried at every length. */
static void check_item(enum ds_kms_item item, struct ds_span reply, struct ds_span pin, int want)
{
	DS_BUF struct ds_buf value = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_kms_item_parse(item, reply, pin, &value, &err), want < 0 ? want : 0);
	assert_int_equal(value.n, want < 0 ? 0 : want);
	for (size_t n = 0; n < reply.n; n++)
		assert_int_equal(ds_kms_item_parse(item, DS_SPAN(reply.p, n), pin, &value, &err),
				 -EBADMSG);
}

static void bad_items(void **state)
{
	static const char hex[] = "02abababababababababababababababababababababababababababababababab";
	struct ds_span pin = DS_SPAN_ARRAY(root_spki), none = DS_SPAN_NULL;
	DS_BUF struct ds_buf good = dump(json_pack("{s:o,s:s}", "ca_cert", pem_json(&root_der),
						   "k256_pubkey", hex));
	DS_BUF struct ds_buf other = dump(json_pack("{s:o}", "ca_cert", pem_json(&other_der)));
	DS_BUF struct ds_buf no_ca = dump(json_pack("{s:s}", "ca_cert", ""));
	DS_BUF struct ds_buf pem = DS_BUF_NULL;

	assert_int_equal(ds_cert_pem(ds_buf_span(&root_der), &pem), 0);
	check_item(DS_KMS_ROOT_CA, ds_buf_span(&good), pin, (int)pem.n);
	check_item(DS_KMS_K256_PUB, ds_buf_span(&good), pin, 33);
	check_item(DS_KMS_ENV_PUB, ds_buf_span(&good), pin, -EBADMSG);
	check_item(DS_KMS_APP_CA, none, pin, -EINVAL);
	check_item(DS_KMS_ROOT_CA, ds_buf_span(&good), none, -EPERM);
	check_item(DS_KMS_ROOT_CA, ds_buf_span(&other), pin, -EPERM);
	check_item(DS_KMS_ROOT_CA, ds_buf_span(&no_ca), pin, -EBADMSG);
	check_item(DS_KMS_K256_PUB, DS_SPAN_LIT("{\"k256_pubkey\":\"02ab\"}"), pin, -EBADMSG);
	check_item(DS_KMS_K256_PUB, DS_SPAN_LIT("{\"k256_pubkey\":7}"), pin, -EBADMSG);
	check_item(DS_KMS_K256_PUB, DS_SPAN_LIT("{\"k256_pubkey\":null}"), pin, -EBADMSG);
	check_item(DS_KMS_ENV_PUB, DS_SPAN_LIT("{\"public_key\":\"02\",\"public_key\":\"03\"}"),
		   pin, -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_and_errors),
		cmocka_unit_test(patience),
		cmocka_unit_test(temp_ca),
		cmocka_unit_test(root_must_be_a_ca),
		cmocka_unit_test(server_usage),
		cmocka_unit_test(client_certificate),
		cmocka_unit_test(app_keys),
		cmocka_unit_test(bad_app_keys_are_named),
		cmocka_unit_test(keys_are_found_once_and_at_the_top),
		cmocka_unit_test(signed_chain),
		cmocka_unit_test(requests),
		cmocka_unit_test(items),
		cmocka_unit_test(bad_items),
	};

	return cmocka_run_group_tests_name("kms client", tests, setup, teardown);
}
