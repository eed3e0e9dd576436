// SPDX-License-Identifier: Apache-2.0
/* Replies of GetKmsKey: both forms, and one refusal per rule; agents' replies to Attest. */
#include "nodekeys.h"
#include "self.h"

#include <ds/base/text.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct kms_new_ask ask;

static char *pem_text(void)
{
	DS_P256 struct ds_p256 *key = NULL;
	DS_SECRET struct ds_secret *pem = NULL;

	assert_int_equal(ds_p256_generate(&key), 0);
	assert_int_equal(ds_p256_pkcs8_pem(key, &pem), 0);
	return strndup((const char *)pem->p, pem->n);
}

/* fmt of json_pack for what follows temp_ca_key, taken from the arguments. */
static char *reply(json_t *more)
{
	DS_FREE char *pem = pem_text();
	json_t *o = json_pack("{s:s}", "temp_ca_key", pem);
	char *text;

	assert_int_equal(json_object_update(o, more), 0);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	json_decref(more);
	return text;
}

static int parse(const char *text, struct ds_err *err)
{
	*err = DS_ERR_NULL;
	return kms_node_keys_parse(DS_SPAN_STR(text), &ask, err);
}

static void hex_of(char *out, size_t bytes)
{
	memset(out, '7', 2 * bytes);
	out[2 * bytes] = '\0';
}

static void test_forms(void **state)
{
	DS_FREE char *ca = pem_text();
	char msg[2 * KMS_MESSAGE_SIZE + 1], k256[65];
	struct ds_err err;
	char *text;

	hex_of(msg, KMS_MESSAGE_SIZE);
	hex_of(k256, 32);
	text = reply(json_pack("{s:[],s:s,s:i}", "keys", "sealed_keys", msg, "key_epoch", 0));
	assert_int_equal(parse(text, &err), 0);
	assert_int_equal(ask.op, KMS_NEW_TAKE);
	assert_int_equal(ask.message[KMS_MESSAGE_SIZE - 1], 0x77);
	/* truncated anywhere it is none */
	for (size_t n = 0; n < strlen(text); n++)
		assert_int_equal(kms_node_keys_parse(DS_SPAN(text, n), &ask, &err), -EBADMSG);
	free(text);
	text = reply(json_pack("{s:[{s:s,s:s}]}", "keys", "ca_key", ca, "k256_key", k256));
	assert_int_equal(parse(text, &err), 0);
	assert_int_equal(ask.op, KMS_NEW_TAKE_STOCK);
	assert_int_equal(ask.message[KMS_MATERIAL_SIZE - 1], 0x77);
	free(text);
}

static void test_refused(void **state)
{
	DS_FREE char *ca = pem_text();
	char msg[2 * KMS_MESSAGE_SIZE + 1], k256[65];
	struct ds_err err;

	hex_of(msg, KMS_MESSAGE_SIZE);
	hex_of(k256, 32);
	const struct {
		json_t *more;
		int r;
		const char *error;
	} t[] = {
		{ json_pack("{s:[]}", "keys"), -EBADMSG, "keys: expected 1, got 0" },
		{ json_pack("{s:[{},{}]}", "keys"), -EBADMSG, "keys: expected 1, got 2" },
		{ json_pack("{s:[{}]}", "keys"), -EBADMSG, "expected ca_key and k256_key" },
		{ json_pack("{s:[s]}", "keys", "x"), -EBADMSG, "expected ca_key and k256_key" },
		{ json_pack("{s:[{s:s,s:s}]}", "keys", "ca_key", ca, "k256_key", k256 + 2), -EBADMSG,
		  "k256_key of 32 bytes" },
		{ json_pack("{s:[{s:s,s:s}]}", "keys", "ca_key", "no PEM", "k256_key", k256),
		  -EBADMSG, "" },
		{ json_pack("{s:s}", "sealed_keys", msg + 2), -EBADMSG, "expected 124 bytes" },
		{ json_pack("{s:s,s:i}", "sealed_keys", msg, "key_epoch", 1), -EOPNOTSUPP,
		  "expected key epoch 0, got 1" },
		{ json_pack("{s:s,s:s}", "sealed_keys", msg, "key_epoch", "0"), -EBADMSG, "" },
		{ json_pack("{s:s,s:s}", "sealed_keys", msg, "temp_ca_key", "x"), -EBADMSG, "" },
		{ json_pack("{s:s,s:n}", "sealed_keys", msg, "temp_ca_key"), -EBADMSG, "" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		DS_FREE char *text = reply(t[i].more);
		int r = parse(text, &err);

		if (r != t[i].r || !strstr(err.msg, t[i].error))
			fail_msg("%zu: got %d '%s'", i, r, err.msg);
	}
}

/* Evidence that is for something else than what was asked would make a certificate that proves nothing. */
static void test_attest(void **state)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL, got = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf blob = DS_BUF_NULL, text = DS_BUF_NULL, bad = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	uint8_t data[64] = { 5 };

	memcpy(att.report_data, data, 64);
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &blob), 0);
	assert_int_equal(ds_buf_addf(&text, "{\"attestation\":\""), 0);
	assert_int_equal(ds_buf_add_hex(&text, ds_buf_span(&blob)), 0);
	assert_int_equal(ds_buf_addf(&text, "\"}"), 0);
	assert_int_equal(kms_attest_reply(200, ds_buf_span(&text), data, &got, &err), 0);
	assert_memory_equal(got.report_data, data, 64);
	data[0] = 6;
	assert_int_equal(kms_attest_reply(200, ds_buf_span(&text), data, &got, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "for other report data"));
	assert_int_equal(kms_attest_reply(400, DS_SPAN_LIT("{\"error\":\"no\"}"), data, &got, &err),
			 -EPERM);
	assert_non_null(strstr(err.msg, "Attest refused: no"));
	assert_int_equal(kms_attest_reply(200, DS_SPAN_LIT("[]"), data, &got, &err), -EBADMSG);
	assert_int_equal(kms_attest_reply(200, DS_SPAN_LIT("{}"), data, &got, &err), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_attest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
