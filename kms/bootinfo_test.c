// SPDX-License-Identifier: Apache-2.0
/* What the policy's API is asked, and which answers count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bootinfo.h"

#define ADDR "0x00000000000000000000000000000000000000aB"
#define HASH "0x0000000000000000000000000000000000000000000000000000000000000001"
#define CHAIN ",\"chainId\":7,\"kmsContractAddr\":\"" ADDR "\",\"blockNumber\":9,\"blockHash\":\"" HASH "\""
#define YES "\"isAllowed\":true,\"gatewayAppId\":\"\",\"reason\":\"\""

static void test_question(void **state)
{
	struct kms_subject s = { .id = DS_IDENTITY_NULL, .tcb_status = "UpToDate" };
	DS_FREE struct ds_verdict *v = calloc(1, sizeof(*v));
	json_t *o, *other;
	char *text;

	assert_non_null(v);
	memset(s.id.app_id, 0x11, 20);
	memset(s.id.compose_hash, 0x22, 32);
	memset(s.id.device_id, 0x33, 32);
	memset(s.id.mr_system, 0x44, 32);
	memset(s.id.mr_aggregated, 0x55, 32);
	memset(s.os_image_hash, 0x66, 32);
	s.id.os_image_hash[0] = 1; /* claimed only: not what is asked about */
	s.id.has_os_image_hash = true;
	snprintf(v->advisories[0], sizeof(v->advisories[0]), "INTEL-SA-1");
	v->n_advisories = 1;
	o = kms_boot_info(v, &s);
	text = json_dumps(o, JSON_COMPACT);
	assert_string_equal(
		text,
		"{\"teeVariant\":\"dstack-tdx\","
		"\"mrAggregated\":\"5555555555555555555555555555555555555555555555555555555555555555\","
		"\"osImageHash\":\"6666666666666666666666666666666666666666666666666666666666666666\","
		"\"mrSystem\":\"4444444444444444444444444444444444444444444444444444444444444444\","
		"\"appId\":\"1111111111111111111111111111111111111111\","
		"\"composeHash\":\"2222222222222222222222222222222222222222222222222222222222222222\","
		"\"instanceId\":\"\","
		"\"deviceId\":\"3333333333333333333333333333333333333333333333333333333333333333\","
		"\"keyProviderInfo\":\"\",\"tcbStatus\":\"UpToDate\",\"advisoryIds\":[\"INTEL-SA-1\"]}");
	free(text);
	/* further along in its launch, otherwise the same */
	s.id.mr_aggregated[0] = 0;
	other = kms_boot_info(v, &s);
	assert_true(kms_boot_info_same(o, other));
	json_decref(other);
	/* everything that a policy decides by */
	for (int i = 0; i < 7; i++) {
		struct kms_subject t = s;
		struct ds_verdict *w = malloc(sizeof(*w));

		assert_non_null(w);
		*w = *v;
		t.id.app_id[0] ^= i == 0;
		t.id.compose_hash[0] ^= i == 1;
		t.id.device_id[0] ^= i == 2;
		t.os_image_hash[0] ^= i == 3;
		t.tcb_status[0] ^= i == 4;
		w->n_advisories -= i == 5;
		w->tee = i == 6 ? DS_TEE_SNP : DS_TEE_TDX;
		other = kms_boot_info(w, &t);
		assert_false(kms_boot_info_same(o, other));
		json_decref(other);
		free(w);
	}
	assert_false(kms_boot_info_same(NULL, NULL));
	json_decref(o);
}

static void test_answers(void **state)
{
	static const struct {
		const char *text, *error; /* error NULL: accepted */
	} t[] = {
		{ "{" YES "}", NULL },
		{ "{" YES ",\"more\":[1]}", NULL },
		{ "{" YES CHAIN "}", NULL },
		{ "{\"isAllowed\":true,\"gatewayAppId\":\"" ADDR "\",\"reason\":\"\"}", NULL },
		{ "", "no JSON object" },
		{ "true", "no JSON object" },
		{ "[" "]", "no JSON object" },
		{ "{" YES "} ", NULL },
		{ "{" YES "}x", "no JSON object" },
		{ "{" YES ",\"isAllowed\":true}", "no JSON object" },
		{ "{\"gatewayAppId\":\"\",\"reason\":\"\"}", "isAllowed: expected" },
		{ "{\"isAllowed\":1,\"gatewayAppId\":\"\",\"reason\":\"\"}", "isAllowed: expected" },
		{ "{\"isAllowed\":\"true\",\"gatewayAppId\":\"\",\"reason\":\"\"}", "isAllowed: expected" },
		{ "{\"isAllowed\":true,\"reason\":\"\"}", "gatewayAppId: expected a string" },
		{ "{\"isAllowed\":true,\"gatewayAppId\":null,\"reason\":\"\"}", "gatewayAppId: expected" },
		{ "{\"isAllowed\":true,\"gatewayAppId\":\"any\",\"reason\":\"\"}", "expected an app id" },
		{ "{\"isAllowed\":true,\"gatewayAppId\":\"\"}", "reason: expected a string" },
		{ "{\"isAllowed\":true,\"gatewayAppId\":\"\",\"reason\":\"a\\u0000b\"}", "no JSON object" },
		{ "{" YES ",\"blockHash\":\"" HASH "\"}", "chainId: expected a number" },
		{ "{" YES ",\"blockHash\":\"0x01\",\"chainId\":7,\"kmsContractAddr\":\"" ADDR
		  "\",\"blockNumber\":9}",
		  "blockHash: expected 64" },
		{ "{" YES ",\"blockHash\":\"" HASH "\",\"chainId\":-7}", "chainId: expected a number" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct kms_auth_reply reply = { 0 };
		struct ds_err err = DS_ERR_NULL;
		int r = kms_auth_reply_parse(DS_SPAN_STR(t[i].text), &reply, &err);

		if (t[i].error ? !r || !strstr(err.msg, t[i].error) : r != 0)
			fail_msg("%zu: %d '%s'", i, r, err.msg);
		assert_int_equal(reply.allowed, !t[i].error);
		/* and no shorter text is an answer */
		for (size_t n = 0; !t[i].error && n + 2 < strlen(t[i].text); n++)
			assert_int_equal(kms_auth_reply_parse(DS_SPAN(t[i].text, n), &reply, &err),
					 -EBADMSG);
	}
}

static void test_reason(void **state)
{
	struct kms_auth_reply reply;
	struct ds_err err = DS_ERR_NULL;
	char text[400];

	assert_int_equal(kms_auth_reply_parse(
				 DS_SPAN_LIT("{\"isAllowed\":false,\"gatewayAppId\":\"" ADDR "\","
					     "\"reason\":\"no\\n\xc3\xa9\"}"),
				 &reply, &err),
			 0);
	assert_false(reply.allowed);
	assert_string_equal(reply.reason, "no\\x0a\\xc3\\xa9");
	assert_string_equal(reply.gateway_app_id, "00000000000000000000000000000000000000ab");
	snprintf(text, sizeof(text),
		 "{\"isAllowed\":false,\"gatewayAppId\":\"\",\"reason\":\"%0201d\"}", 0);
	assert_int_equal(kms_auth_reply_parse(DS_SPAN_STR(text), &reply, &err), -EBADMSG);
	snprintf(text, sizeof(text),
		 "{\"isAllowed\":false,\"gatewayAppId\":\"\",\"reason\":\"%0200d\"}", 0);
	assert_int_equal(kms_auth_reply_parse(DS_SPAN_STR(text), &reply, &err), 0);
	assert_int_equal(strlen(reply.reason), 200);
}

static void test_too_long(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct kms_auth_reply reply;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_buf_addf(&b, "{" YES "}"), 0);
	while (b.n <= KMS_MAX_AUTH_REPLY)
		assert_int_equal(ds_buf_add(&b, " ", 1), 0);
	assert_int_equal(kms_auth_reply_parse(ds_buf_span(&b), &reply, &err), -EFBIG);
	b.n--;
	assert_int_equal(kms_auth_reply_parse(ds_buf_span(&b), &reply, &err), 0);
}

static void test_contract(void **state)
{
	struct kms_auth_conf conf = { .chain_id = 7, .has_contract = true,
				      .contract = { [19] = 0xab } };
	struct kms_auth_reply reply;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(kms_auth_reply_parse(DS_SPAN_LIT("{" YES CHAIN "}"), &reply, &err), 0);
	assert_int_equal(reply.chain.block, 9);
	assert_int_equal(kms_auth_chain_check(&conf, &reply.chain, &err), 0);
	conf.chain_id = 8;
	assert_int_equal(kms_auth_chain_check(&conf, &reply.chain, &err), -EPERM);
	assert_string_equal(err.msg, "answer: expected chain 8, got 7");
	conf.chain_id = 7;
	conf.contract[0] = 1;
	assert_int_equal(kms_auth_chain_check(&conf, &reply.chain, &err), -EPERM);
	/* another API that knows nothing of contracts */
	assert_int_equal(kms_auth_reply_parse(DS_SPAN_LIT("{" YES "}"), &reply, &err), 0);
	assert_int_equal(kms_auth_chain_check(&conf, &reply.chain, &err), -EPERM);
	assert_int_equal(kms_auth_chain_check(&(struct kms_auth_conf){ 0 }, &reply.chain, &err), 0);
}

static void test_info(void **state)
{
	static const char good[] = "{\"status\":\"ok\",\"kmsContractAddr\":\"" ADDR "\",\"gatewayAppId\":\"\","
				   "\"chainId\":1,\"appImplementation\":\"" ADDR "\",\"ethRpcUrl\":\"x\"}";
	struct kms_auth_info info;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(kms_auth_info_parse(DS_SPAN_STR(good), &info, &err), 0);
	assert_string_equal(info.contract, "0x00000000000000000000000000000000000000ab");
	assert_int_equal(info.chain_id, 1);
	for (size_t n = 0; n < strlen(good); n++)
		assert_int_equal(kms_auth_info_parse(DS_SPAN(good, n), &info, &err), -EBADMSG);
	for (const char *key = strstr(good, "\",\""); key; key = strstr(key + 3, "\",\"")) {
		DS_FREE char *text = strdup(good);

		if (!strncmp(key + 3, "ethRpcUrl", 9))
			continue;
		text[key + 3 - good] = 'X'; /* a key less */
		assert_int_equal(kms_auth_info_parse(DS_SPAN_STR(text), &info, &err), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question), cmocka_unit_test(test_answers),
		cmocka_unit_test(test_reason),	 cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_contract), cmocka_unit_test(test_info),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
