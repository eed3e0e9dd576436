// SPDX-License-Identifier: Apache-2.0
/* Tests of app-compose.json, .sys-config.json and .instance_info. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/limits.h>
#include <ds/wire/compose.h>

#define HEAD  "{\"manifest_version\":2,\"name\":\"n\",\"runner\":\"bash\""
#define HEAD3 "{\"manifest_version\":\"3\",\"name\":\"n\",\"runner\":\"bash\""

#define KMS ",\"key_provider\":\"kms\",\"kms_attestation\":"
#define MR  "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

static void compose_fields(void **state)
{
	struct ds_compose c;
	static const char in[] = HEAD3
		",\"bash_script\":\"true\",\"key_provider\":\"kms\",\"key_provider_id\":\"AbCd\","
		"\"features\":[\"x\",\"tproxy-net\"],\"init_script\":[\"a\",\"b\"],\"unknown\":["
		"null],"
		"\"requirements\":{\"platforms\":[\"dstack-tdx\"],\"gpu_policy\":{\"rego\":"
		"\"a\\u0001\\\"\\n\",\"attest_gpu\":false}}}";

	assert_int_equal(ds_compose_parse(DS_SPAN_STR(in), &c, NULL), 0);
	assert_int_equal(c.manifest_version, 3);
	assert_string_equal(c.bash_script, "true");
	assert_int_equal(c.key_provider, DS_KP_KMS);
	assert_true(ds_span_eq(ds_buf_span(&c.key_provider_id), DS_SPAN_LIT("\xab\xcd")));
	assert_true(c.gateway_enabled && c.public_tcbinfo && c.secure_time && !c.public_logs);
	assert_int_equal(c.n_init_script, 2);
	assert_string_equal(c.init_script[1], "b");
	assert_int_equal(c.platforms, DS_PLATFORM_TDX);
	assert_int_equal(c.measure_acpi, -1);
	assert_int_equal(c.event_log_version, 1);
	assert_string_equal(ds_buf_cstr(&c.gpu_policy_jcs),
			    "{\"attest_gpu\":false,\"rego\":\"a\\u0001\\\"\\n\"}");
	ds_compose_done(&c);
	ds_compose_done(&c);
	assert_int_equal(ds_compose_parse(DS_SPAN_LIT(HEAD ",\"kms_enabled\":true}"), &c, NULL), 0);
	assert_int_equal(c.key_provider, DS_KP_KMS);
	assert_string_equal(ds_buf_cstr(&c.gpu_policy_jcs), "{}");
	assert_null(c.bash_script);
	assert_null(c.allowed_envs);
	ds_compose_done(&c);
	assert_int_equal(ds_compose_parse(DS_SPAN_LIT(HEAD ",\"allowed_envs\":[\"A\"]}"), &c, NULL),
			 0);
	assert_int_equal(json_array_size(c.allowed_envs), 1);
	ds_compose_done(&c);
}

static void kms_attestation(void **state)
{
	const struct ds_kms_wish *w;
	struct ds_compose c;

	assert_int_equal(ds_compose_parse(DS_SPAN_LIT(HEAD ",\"key_provider\":\"kms\"}"), &c, NULL),
			 0);
	assert_int_equal(c.kms_attestation.n, 0);
	ds_compose_done(&c);
	assert_int_equal(ds_compose_parse(DS_SPAN_LIT(HEAD KMS "{\"mr_aggregated\":[\"" MR "\",\"" MR
							       "\"]}}"),
					  &c, NULL),
			 0);
	w = &c.kms_attestation;
	assert_int_equal(w->n, 2);
	assert_int_equal(w->mr_aggregated[1][0], 0);
	assert_int_equal(w->mr_aggregated[1][31], 0x1f);
	assert_null(w->quote_root);
	assert_false(w->allow_emulated);
	ds_compose_done(&c);
	assert_int_equal(ds_compose_parse(DS_SPAN_LIT(HEAD KMS "{\"mr_aggregated\":[\"" MR
							       "\"],\"quote_root\":\"PEM\","
							       "\"allow_emulated\":true}}"),
					  &c, NULL),
			 0);
	assert_int_equal(c.kms_attestation.n, 1);
	assert_string_equal(c.kms_attestation.quote_root, "PEM");
	assert_true(c.kms_attestation.allow_emulated);
	ds_compose_done(&c);
}

static const struct {
	const char *in, *msg;
} bad_compose[] = {
	{ "", "JSON" },
	{ "[]", "an object expected, found an array" },
	{ "{}", "manifest_version" },
	{ HEAD ",\"allowed_envs\":{}}", "allowed_envs: an array expected" },
	{ HEAD ",\"allowed_envs\":[\"A\",1]}", "allowed_envs: strings expected" },
	{ HEAD ",\"name\":\"m\"}", "duplicate object key" },
	{ HEAD "} x", "end of file expected" },
	{ "{\"manifest_version\":3,\"name\":\"n\",\"runner\":\"bash\"}", "manifest_version" },
	{ "{\"manifest_version\":0,\"name\":\"n\",\"runner\":\"bash\"}", "manifest_version" },
	{ "{\"manifest_version\":\"03\",\"name\":\"n\",\"runner\":\"bash\"}", "manifest_version" },
	{ "{\"manifest_version\":\"4\",\"name\":\"n\",\"runner\":\"bash\"}", "manifest_version" },
	{ "{\"manifest_version\":true,\"name\":\"n\",\"runner\":\"bash\"}", "manifest_version" },
	{ "{\"manifest_version\":1,\"runner\":\"bash\"}", "name: missing" },
	{ "{\"manifest_version\":1,\"name\":\"n\"}", "runner: missing" },
	{ "{\"manifest_version\":1,\"name\":7,\"runner\":\"bash\"}",
	  "name: a string expected, found a number" },
	{ HEAD ",\"bash_script\":null}", "bash_script: a string expected, found null" },
	{ HEAD ",\"public_logs\":1}", "public_logs: a boolean expected" },
	{ HEAD ",\"features\":[1]}", "features: strings expected" },
	{ HEAD ",\"init_script\":[\"a\",\"b\"]}",
	  "\"3\" expected with several init scripts, found 2" },
	{ HEAD ",\"requirements\":{}}", "\"3\" expected with requirements" },
	{ HEAD3 ",\"init_script\":[\"\",\"\",\"\",\"\",\"\",\"\"]}", "6 items, at most 5" },
	{ HEAD3 ",\"requirements\":{\"os\":1}}", "requirements: unknown key os" },
	{ HEAD3 ",\"requirements\":{\"platforms\":[\"tdx\"]}}", "item 0 is no known platform" },
	{ HEAD3 ",\"requirements\":{\"gpu_policy\":{\"x\":1}}}", "gpu_policy: unknown key x" },
	{ HEAD3 ",\"requirements\":{\"gpu_policy\":{\"attest_gpu\":\"y\"}}}",
	  "attest_gpu: a boolean" },
	{ HEAD3 ",\"requirements\":{\"gpu_policy\":{\"rego\":null}}}", "rego: a string expected" },
	{ HEAD ",\"key_provider\":\"sgx\"}", "key_provider: none" },
	{ HEAD ",\"key_provider\":\"kms\",\"key_provider_id\":\"abc\"}",
	  "key_provider_id: at most" },
	{ HEAD ",\"key_provider\":\"none\",\"key_provider_id\":\"ab\"}",
	  "key_provider_id: empty expected" },
	{ HEAD ",\"event_log_version\":3}", "event_log_version" },
	{ HEAD KMS "[]}", "kms_attestation: an object expected, found an array" },
	{ HEAD KMS "null}", "kms_attestation: an object expected, found null" },
	{ HEAD KMS "{}}", "kms_attestation: mr_aggregated: at least one value expected" },
	{ HEAD KMS "{\"mr_aggregated\":[]}}", "mr_aggregated: at least one value expected" },
	{ HEAD KMS "{\"mr_aggregated\":\"" MR "\"}}", "mr_aggregated: an array expected" },
	{ HEAD KMS "{\"mr_aggregated\":[1]}}", "mr_aggregated: strings expected" },
	{ HEAD KMS "{\"mr_aggregated\":[\"" MR "\",\"" MR "0\"]}}",
	  "mr_aggregated: item 1: 32 bytes in hex expected, found 65 characters" },
	{ HEAD KMS "{\"mr_aggregated\":[\"zz\"]}}", "item 0: 32 bytes in hex expected" },
	{ HEAD KMS "{\"mr_aggregated\":[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\","
	       "\"\",\"\",\"\",\"\",\"\",\"\",\"\"]}}",
	  "17 items, at most 16 expected" },
	{ HEAD KMS "{\"mr_aggregated\":[\"" MR "\"],\"mr_system\":[]}}",
	  "kms_attestation: unknown key mr_system" },
	{ HEAD KMS "{\"mr_aggregated\":[\"" MR "\"],\"quote_root\":\"\"}}",
	  "quote_root: a PEM certificate expected, found an empty string" },
	{ HEAD KMS "{\"mr_aggregated\":[\"" MR "\"],\"quote_root\":1}}",
	  "quote_root: a string expected" },
	{ HEAD KMS "{\"mr_aggregated\":[\"" MR "\"],\"allow_emulated\":\"no\"}}",
	  "allow_emulated: a boolean expected" },
	{ HEAD ",\"kms_attestation\":{\"mr_aggregated\":[\"" MR "\"]}}",
	  "kms_attestation: key_provider kms expected, found none" },
};

static void bad_compose_is_named(void **state)
{
	for (size_t i = 0; i < DS_ARRAY_SIZE(bad_compose); i++) {
		struct ds_compose c;
		struct ds_err err = DS_ERR_NULL;

		if (!ds_compose_parse(DS_SPAN_STR(bad_compose[i].in), &c, &err) ||
		    !strstr(err.msg, bad_compose[i].msg))
			fail_msg("%s: %d %s", bad_compose[i].in, err.code, err.msg);
	}
}

static void compose_truncated(void **state)
{
	static const char in[] = HEAD ",\"bash_script\":\"\\u00e9\",\"allowed_envs\":[\"A\"]}";
	struct ds_compose c;

	for (size_t n = 0; n < sizeof(in) - 1; n++)
		assert_int_equal(ds_compose_parse(DS_SPAN(in, n), &c, NULL), -EBADMSG);
}

static void compose_limits(void **state)
{
	size_t n = DS_MAX_APP_COMPOSE + 1;
	char *big = malloc(n);
	struct ds_compose c;

	assert_non_null(big);
	memset(big, '[', n);
	assert_int_equal(ds_compose_parse(DS_SPAN(big, n), &c, NULL), -EFBIG);
	assert_int_equal(ds_compose_parse(DS_SPAN(big, n - 1), &c, NULL), -EBADMSG);
	free(big);
}

static void sysconfig_fields(void **state)
{
	struct ds_sysconfig c;
	static const char in[] = "{\"kms_urls\":[\"https://k:1\"],\"tproxy_urls\":[\"https://"
				 "g\"],\"vm_config\":\"{}\",\"pccs_url\":7,"
				 "\"dstack_c\":{\"notify\":\"ttyS1\",\"network\":{\"address\":\"10."
				 "0.2.15/24\",\"gateway\":\"10.0.2.2\"}}}";

	assert_int_equal(ds_sysconfig_parse(DS_SPAN_STR(in), &c, NULL), 0);
	assert_string_equal(c.kms_url[0], "https://k:1");
	assert_int_equal(c.n_gateway_url, 1);
	assert_string_equal(c.vm_config, "{}");
	assert_string_equal(c.net_address, "10.0.2.15/24");
	assert_null(c.net_dns);
	ds_sysconfig_done(&c);
}

static void bad_sysconfig_is_named(void **state)
{
	static const struct {
		const char *in, *msg;
	} bad[] = {
		{ "{}", "vm_config: missing" },
		{ "{\"vm_config\":{}}", "vm_config: a string expected, found an object" },
		{ "{\"vm_config\":\"\",\"kms_urls\":\"x\"}", "kms_urls: an array expected" },
		{ "{\"vm_config\":\"\",\"vm_config\":\"\"}", "duplicate" },
		{ "{\"vm_config\":\"\",\"dstack_c\":{\"notify\":\"/dev/sda\"}}",
		  "notify: ttyS1 expected" },
		{ "{\"vm_config\":\"\",\"dstack_c\":{\"network\":{\"dhcp\":true}}}",
		  "network: unknown key dhcp" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++) {
		struct ds_sysconfig c;
		struct ds_err err = DS_ERR_NULL;

		if (ds_sysconfig_parse(DS_SPAN_STR(bad[i].in), &c, &err) != -EBADMSG ||
		    !strstr(err.msg, bad[i].msg))
			fail_msg("%s: %d %s", bad[i].in, err.code, err.msg);
	}
}

static void instance_info(void **state)
{
	static const char full[] =
		"{\"instance_id_seed\":\"0000000000000000000000000000000000000001\","
		"\"instance_id\":\"\",\"app_id\":\"ff00000000000000000000000000000000000002\"}";
	struct ds_instance_info info;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_instance_info_parse(DS_SPAN_STR(full), &info, NULL), 0);
	assert_true(info.has_seed && info.has_app_id);
	assert_int_equal(info.seed[19], 1);
	assert_int_equal(info.app_id[0], 0xff);
	assert_int_equal(ds_instance_info_parse(DS_SPAN_LIT("{}"), &info, NULL), 0);
	assert_false(info.has_seed || info.has_app_id);
	assert_int_equal(ds_instance_info_parse(DS_SPAN_LIT("{\"app_id\":\"00\"}"), &info, &err),
			 -EBADMSG);
	assert_string_equal(err.msg, "app_id: 20 bytes in hex expected, found 2 characters");
	assert_int_equal(
		ds_instance_info_parse(DS_SPAN_LIT("{\"instance_id\":\"zz\"}"), &info, &err),
		-EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compose_fields),
		cmocka_unit_test(kms_attestation),    cmocka_unit_test(bad_compose_is_named),
		cmocka_unit_test(compose_truncated), cmocka_unit_test(compose_limits),
		cmocka_unit_test(sysconfig_fields),  cmocka_unit_test(bad_sysconfig_is_named),
		cmocka_unit_test(instance_info),
	};

	return cmocka_run_group_tests_name("compose", tests, NULL, NULL);
}
