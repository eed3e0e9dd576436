// SPDX-License-Identifier: Apache-2.0
/* Tests of the pure parts of pid 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/btf.h>
#include <stdlib.h>

#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/crypto/x25519.h>
#include <ds/keys/envseal.h>

#include "ctx.h"

static const char compose_kms[] = "{\"manifest_version\":2,\"name\":\"n\",\"runner\":\"bash\","
				  "\"bash_script\":\"true\",\"key_provider\":\"kms\","
				  "\"key_provider_id\":\"3059\"}";

static void identities(void **state)
{
	static const uint8_t fresh[20] = { 9 };
	struct ds_instance_info info = { .seed = { 1 }, .has_seed = true, .app_id = { 7 } };
	struct ds_span text = DS_SPAN_STR(compose_kms);
	struct ds_compose c;
	struct identity id;
	uint8_t h[32], in[40] = { 0 };

	assert_int_equal(ds_compose_parse(text, &c, NULL), 0);
	assert_int_equal(identity_make(&c, text, &info, fresh, &id), 0);
	assert_int_equal(ds_sha256_1(text, h), 0);
	assert_memory_equal(id.compose_hash, h, 32);
	assert_memory_equal(id.app_id, h, 20);
	/* SHA-256(seed || app_id)[0..20] */
	in[0] = 1;
	memcpy(in + 20, h, 20);
	assert_int_equal(ds_sha256_1(DS_SPAN_ARRAY(in), h), 0);
	assert_memory_equal(id.instance_id, h, 20);
	assert_int_equal(id.instance_id_len, 20);
	info.has_app_id = true;
	info.has_seed = false;
	assert_int_equal(identity_make(&c, text, &info, fresh, &id), 0);
	assert_int_equal(id.app_id[0], 7);
	assert_int_equal(id.seed[0], 9);
	c.no_instance_id = true;
	assert_int_equal(identity_make(&c, text, &info, fresh, &id), 0);
	assert_int_equal(id.instance_id_len, 0);
	/* provider none: the host's seed does not count */
	c.key_provider = DS_KP_NONE;
	info.has_seed = true;
	assert_int_equal(identity_make(&c, text, &info, fresh, &id), 0);
	assert_int_equal(id.seed[0], 9);
	ds_compose_done(&c);
}

static void mrconfigid(void **state)
{
	struct identity id = { .compose_hash = { 1, 2, 3 }, .app_id = { 4 } };
	struct ds_err err = DS_ERR_NULL;
	uint8_t mr[48] = { 0 }, kind = 2;
	struct ds_compose c;
	struct ds_span parts[4];

	assert_int_equal(ds_compose_parse(DS_SPAN_STR(compose_kms), &c, NULL), 0);
	assert_int_equal(identity_check_mrconfigid(&id, &c, mr, &err), 0);
	mr[0] = 1;
	memcpy(mr + 1, id.compose_hash, 32);
	assert_int_equal(identity_check_mrconfigid(&id, &c, mr, &err), 0);
	mr[47] = 1;
	assert_int_equal(identity_check_mrconfigid(&id, &c, mr, &err), -EPERM);
	mr[47] = 0;
	mr[32] ^= 1;
	assert_int_equal(identity_check_mrconfigid(&id, &c, mr, &err), -EPERM);
	mr[0] = 2;
	parts[0] = DS_SPAN_ARRAY(id.compose_hash);
	parts[1] = DS_SPAN_ARRAY(id.app_id);
	parts[2] = DS_SPAN(&kind, 1);
	parts[3] = DS_SPAN_LIT("\x30\x59");
	ds_keccak256(parts, 4, mr + 1);
	assert_int_equal(identity_check_mrconfigid(&id, &c, mr, &err), 0);
	mr[0] = 3;
	assert_int_equal(identity_check_mrconfigid(&id, &c, mr, &err), -EOPNOTSUPP);
	ds_compose_done(&c);
}

static const struct {
	const char *more, *msg;
} refused[] = {
	{ "\"runner\":\"docker-compose\"", "runner: bash expected, found \"docker-compose\"" },
	{ "\"runner\":\"bash\"", "bash_script: missing" },
	{ "\"runner\":\"bash\",\"bash_script\":\"\"", "bash_script: missing" },
	{ "\"runner\":\"bash\",\"bash_script\":\"x\",\"pre_launch_script\":\"y\"",
	  "pre_launch_script: not supported" },
	{ "\"runner\":\"bash\",\"bash_script\":\"x\",\"key_provider\":\"tpm\"",
	  "key_provider: kms or none expected" },
	{ "\"runner\":\"bash\",\"bash_script\":\"x\",\"key_provider\":\"local\"",
	  "key_provider: kms or none expected" },
	{ "\"runner\":\"bash\",\"bash_script\":\"x\",\"key_provider\":\"kms\"",
	  "key_provider_id: missing" },
	{ "\"runner\":\"bash\",\"bash_script\":\"x\",\"event_log_version\":2",
	  "event_log_version 2" },
	{ "\"runner\":\"bash\",\"bash_script\":\"x\",\"verity_volumes\":[{}]", "verity_volumes" },
	{ "\"runner\":\"bash\",\"bash_script\":\"x\",\"requirements\":{\"platforms\":[]}",
	  "dstack-tdx" },
	{ "\"runner\":\"bash\",\"bash_script\":\"x\",\"requirements\":{\"os_version\":\">=1\"}",
	  "os_version" },
	{ "\"runner\":\"bash\",\"bash_script\":\"x\",\"requirements\":{\"launch_token_hash\":\"\"}",
	  "launch_token_hash" },
	{ "\"runner\":\"bash\",\"bash_script\":\"x\",\"requirements\":{\"tdx_measure_acpi_tables\":"
	  "false}",
	  "acpi" },
};

static void unsupported_is_refused_by_name(void **state)
{
	struct ds_compose c;

	for (size_t i = 0; i < DS_ARRAY_SIZE(refused); i++) {
		char text[512];
		struct ds_err err = DS_ERR_NULL;

		snprintf(text, sizeof(text), "{\"manifest_version\":\"3\",\"name\":\"n\",%s}",
			 refused[i].more);
		assert_int_equal(ds_compose_parse(DS_SPAN_STR(text), &c, &err), 0);
		if (!compose_supported(&c, &err) || !strstr(err.msg, refused[i].msg))
			fail_msg("%s: %d %s", refused[i].more, err.code, err.msg);
		ds_compose_done(&c);
	}
	assert_int_equal(ds_compose_parse(DS_SPAN_STR(compose_kms), &c, NULL), 0);
	assert_int_equal(compose_supported(&c, NULL), 0);
	ds_compose_done(&c);
}

#define HEX16 "0000000010000000"

static void emulator_parameters(void **state)
{
	static const struct {
		const char *in;
		int r;
		const char *out;
	} rows[] = {
		{ "", 0, "" },
		{ "xfam=" HEX16 "\n", 0, "xfam=" HEX16 },
		{ "xfam=" HEX16 "\ntd_attributes=" HEX16 "\n", 0,
		  "xfam=" HEX16 " td_attributes=" HEX16 },
		{ "xfam=" HEX16, -EBADMSG, "lines of text" },
		{ "xfam=" HEX16 "\nxfam=" HEX16 "\n", -EBADMSG, "given twice" },
		{ "xfam=00000000\n", -EBADMSG, "16 hex digits expected, found 8" },
		{ "xfam=000000001000000 \n", -EBADMSG, "16 hex digits" },
		{ "xfam=" HEX16 " mrtd=1\n", -EBADMSG, "16 hex digits" },
		{ "mrtd=" HEX16 "\n", -EBADMSG, "96 hex digits expected, found 16" },
		{ "rtmr3=" HEX16 "\n", -EBADMSG, "known key=value" },
		{ "xfam\n", -EBADMSG, "known key=value" },
		{ "\n", -EBADMSG, "known key=value" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUF struct ds_buf b = DS_BUF_NULL;
		struct ds_err err = DS_ERR_NULL;
		int r = emul_params(DS_SPAN_STR(rows[i].in), &b, &err);

		if (r != rows[i].r ||
		    (r ? !strstr(err.msg, rows[i].out) : strcmp(ds_buf_cstr(&b), rows[i].out) != 0))
			fail_msg("%s: %d %s", rows[i].in, r, err.msg);
	}
}

static void module_list(void **state)
{
	struct ds_span list = DS_SPAN_LIT("base a.ko\nnet b_1.ko\nbase c-d.ko\n");
	static const char *const bad[] = { "base\n",	    "base a.ko", "base ../a.ko\n",
					   "base a/b.ko\n", "base \n",	 "base .ko\n",
					   "base a b\n",    "\n" };
	struct ds_err err;
	char f[64];
	size_t pos = 0;

	assert_int_equal(modlist_next(list, &pos, "base", f, &err), 0);
	assert_string_equal(f, "a.ko");
	assert_int_equal(modlist_next(list, &pos, "base", f, &err), 0);
	assert_string_equal(f, "c-d.ko");
	assert_int_equal(modlist_next(list, &pos, "base", f, &err), MODLIST_E_END);
	pos = 0;
	assert_int_equal(modlist_next(list, &pos, "ne", f, &err), MODLIST_E_END);
	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++) {
		pos = 0;
		assert_int_equal(modlist_next(DS_SPAN_STR(bad[i]), &pos, "base", f, &err),
				 -EBADMSG);
	}
}

static void notifications(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	assert_int_equal(notify_format("boot.error", "keys: \"x\"\n\xc3\xa9", &b), 0);
	assert_string_equal(
		ds_buf_cstr(&b),
		"{\"event\":\"boot.error\",\"payload\":\"keys: \\\"x\\\"\\n\\u00E9\"}\n");
}

/* What cannot be opened or is not understood ends the boot; with none there is nothing to do. */
static void environment(void **state)
{
	static const uint8_t junk[100] = { 9 };
	struct ctx c = { .compose = { .key_provider = DS_KP_NONE } };
	DS_BUF struct ds_buf blob = DS_BUF_NULL;
	uint8_t pub[32];

	assert_int_equal(env_wanted(&c, &c.err), 0);
	assert_int_equal(env_open(&c), 0);
	c.hi.item[DS_HI_ENCRYPTED_ENV] = DS_SPAN_ARRAY(junk);
	assert_int_equal(env_wanted(&c, &c.err), -EOPNOTSUPP);
	assert_non_null(strstr(c.err.msg, "key_provider kms"));
	c.compose.key_provider = DS_KP_KMS;
	assert_int_equal(env_wanted(&c, &c.err), 0);
	assert_int_equal(env_open(&c), -ENOKEY);
	c.keys.env = ds_secret_new(32);
	c.keys.env->p[0] = 7;
	assert_int_equal(env_open(&c), -EKEYREJECTED);
	assert_int_equal(ds_x25519_pub(c.keys.env->p, pub), 0);
	assert_int_equal(ds_env_seal(pub, DS_SPAN_LIT("{\"env\":1}"), &blob, NULL), 0);
	c.hi.item[DS_HI_ENCRYPTED_ENV] = ds_buf_span(&blob);
	assert_int_equal(env_open(&c), -EBADMSG);
	assert_string_equal(c.err.msg, "env: an array expected, found a number");
	ds_secret_free(c.keys.env);
}

/* An int, a structure of one member and a function; each name ends one string. */
static void btf_names(void **state)
{
	static const char strings[] = "\0int\0s\0m\0f";
	struct {
		struct btf_header h;
		struct btf_type num;
		uint32_t num_more;
		struct btf_type s;
		struct btf_member m;
		struct btf_type f;
		char strings[sizeof(strings)];
	} blob = {
		.h = { .magic = BTF_MAGIC,
		       .hdr_len = sizeof(blob.h),
		       .type_len = offsetof(typeof(blob), strings) - sizeof(blob.h),
		       .str_off = offsetof(typeof(blob), strings) - sizeof(blob.h),
		       .str_len = sizeof(strings) },
		.num = { .name_off = 1, .info = BTF_KIND_INT << 24 },
		.s = { .name_off = 5, .info = BTF_KIND_STRUCT << 24 | 1 },
		.m = { .name_off = 7, .type = 1 },
		.f = { .name_off = 9, .info = BTF_KIND_FUNC << 24 },
	};
	struct ds_span all = { (const uint8_t *)&blob,
			       offsetof(typeof(blob), strings) + sizeof(strings) };

	memcpy(blob.strings, strings, sizeof(strings));
	assert_int_equal(seal_btf_find(all, BTF_KIND_INT, "int"), 1);
	assert_int_equal(seal_btf_find(all, BTF_KIND_STRUCT, "s"), 2);
	assert_int_equal(seal_btf_find(all, BTF_KIND_FUNC, "f"), 3);
	assert_int_equal(seal_btf_find(all, BTF_KIND_FUNC, "s"), 0);
	assert_int_equal(seal_btf_find(all, BTF_KIND_FUNC, "in"), 0);
	for (size_t n = 0; n < all.n; n++) {
		uint8_t *part = malloc(n ? n : 1);

		assert_non_null(part);
		memcpy(part, &blob, n);
		assert_int_equal(seal_btf_find((struct ds_span){ part, n }, BTF_KIND_FUNC, "f"), 0);
		free(part);
	}
	blob.s.info = BTF_KIND_STRUCT << 24 | 0xffff;
	assert_int_equal(seal_btf_find(all, BTF_KIND_FUNC, "f"), 0);
	blob.s.info = (BTF_KIND_MAX + 1) << 24;
	assert_int_equal(seal_btf_find(all, BTF_KIND_FUNC, "f"), 0);
	blob.h.magic++;
	assert_int_equal(seal_btf_find(all, BTF_KIND_INT, "int"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identities),
		cmocka_unit_test(mrconfigid),
		cmocka_unit_test(unsupported_is_refused_by_name),
		cmocka_unit_test(emulator_parameters),
		cmocka_unit_test(module_list),
		cmocka_unit_test(notifications),
		cmocka_unit_test(environment),
		cmocka_unit_test(btf_names),
	};

	return cmocka_run_group_tests_name("init", tests, NULL, NULL);
}
