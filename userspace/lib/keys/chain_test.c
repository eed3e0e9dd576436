// SPDX-License-Identifier: Apache-2.0
/* Signature chains: rows 7-17 and 23 of spec/guest-api 5, spec/kms 3.2, and one fault at a time. */
#include "../crypto/vec_test.h"

#include <ds/keys/chain.h>

#define APP_S  "5bb4ff9a3837357f19dc176407a5709c62eb6c56"
#define KMS_S  "0321529e458424ab1f710a3a57ec4dad2fb195ddca572f7469242ba6c7563085b6"
#define PUB_S  "02818494263695e8839122dbd88e281d7380622999df4e60a14befa0f2d096fc7c"
#define LAST_S                                                                                     \
	"9e618603e72d01fedb82deff6daf2d62a572becf0059eec3f89c1ab40e1f2e594d2a283f843f34e8f39e4cc4" \
	"9a612496ce67223a12ac923f8efe330346dfc6c500"

static const struct {
	const char *purpose, *pub, *sig;
} rows[] = {
	{ "test-purpose", "02c1082e78670feed1c847db81dbd71be37e4d53200a746c0a89f0afa8173cf566",
	  "f50c51735a97072f0c98125ed61fc84e2fdb36e95990b9e57337dadc0e2a9712227f04e07209faecb8891d59"
	  "ec144a6c13e411dc90b3423f28071bd3fe11978d01" },
	{ "", "027458ba47c31272b5076edebdc1ecdaedef806b10d76dd0a209cbd1fa14a3f9cf",
	  "64ce2f1b381d04f7404fda78bdc942c314d89b7069d97eea1897e51b249dd3b1700995cbf7efe7ff04195dd6"
	  "e31f153b702eeeeaffc5941510739dc39b9bd9cf01" },
	{ "", "c44343eb0e365d78ce908790834a24621e489af0e91cf2f123daf28cf74aed20",
	  "4210633c6792b54f99eda1b2a9c7e1f6507c02c01bcabf230d35dc4c00a6b0902fccd45b383e8f3035c0fcdc"
	  "ba534b80f8849a5b5849257bc71d9f838620cd3e00" },
	{ "signing", "698f56bd587d8ce3ca8db0e1c361ba9d190089f98dc4d9df800ff92ed073a65d",
	  "d61ff204728dae76ba4e29313003433d533d069f9c98ebb3382104145f1c664c59fac4326a86420ec3f45030"
	  "3d3a675d595f546448076a464343bcc25143c4a300" },
	{ "signing", "036105f01d1fd781568f7c208b087b1c4f522601410ed7e9c7870d573de7c46d54",
	  "51ec279eb0da3fb45335c2fd6badaf701905bf35f229912976c4ae3c9d649cf97f964473f2dce7118743bad8"
	  "4a6df707d11c9b5f0b38379204e14fd2c7baddba01" },
};

static void published_chains(void **state)
{
	uint8_t pub[33], app_sig[65], kms_sig[65], app[20], root[33], want[33], got_app[33],
		got_root[33];

	assert_int_equal(ds_hex_decode_exact(APP_S, app, 20) |
				 ds_hex_decode_exact(KMS_S, root, 33) |
				 ds_hex_decode_exact(PUB_S, want, 33) |
				 ds_hex_decode_exact(LAST_S, kms_sig, 65),
			 0);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		size_t n = strlen(rows[i].pub) / 2;
		struct ds_key_chain c = { DS_SPAN_STR(rows[i].purpose), DS_SPAN(pub, n),
					  DS_SPAN_ARRAY(app_sig), DS_SPAN_ARRAY(kms_sig), app,
					  root };

		assert_int_equal(ds_hex_decode_exact(rows[i].pub, pub, n) |
					 ds_hex_decode_exact(rows[i].sig, app_sig, 65),
				 0);
		assert_int_equal(ds_key_chain_verify(&c, got_app, got_root), 0);
		assert_memory_equal(got_app, want, 33);
		assert_memory_equal(got_root, root, 33);
		/* another purpose, app, key or root */
		c.purpose = DS_SPAN_LIT("other");
		assert_int_equal(ds_key_chain_verify(&c, got_app, got_root), DS_KEYS_E_ROOT);
		c.purpose = DS_SPAN_STR(rows[i].purpose);
		for (size_t k = 0; k < 4; k++) {
			uint8_t *at[] = { &app[19], &pub[n - 1], &root[32], &kms_sig[40] };

			*at[k] ^= 1;
			assert_int_not_equal(ds_key_chain_verify(&c, got_app, got_root), 0);
			*at[k] ^= 1;
		}
		assert_int_equal(ds_key_chain_verify(&c, got_app, got_root), 0);
		/* lengths and ranges */
		c.app_sig.n = 64;
		assert_int_equal(ds_key_chain_verify(&c, got_app, got_root), DS_KEYS_E_APP_LINK);
		c.app_sig.n = 65;
		c.kms_sig.n = 0; /* an app without a KMS */
		assert_int_equal(ds_key_chain_verify(&c, got_app, got_root), DS_KEYS_E_KMS_LINK);
		c.kms_sig.n = 65;
		app_sig[64] = 4;
		assert_int_equal(ds_key_chain_verify(&c, got_app, got_root), DS_KEYS_E_APP_LINK);
		memset(app_sig, 0xff, 64);
		app_sig[64] = 0;
		assert_int_equal(ds_key_chain_verify(&c, got_app, got_root), DS_KEYS_E_APP_LINK);
		kms_sig[64] = 27; /* as other ecosystems count */
		assert_int_equal(ds_hex_decode_exact(rows[i].sig, app_sig, 65), 0);
		assert_int_equal(ds_key_chain_verify(&c, got_app, got_root), DS_KEYS_E_KMS_LINK);
		kms_sig[64] = 0;
		c.pub.n = 31;
		assert_int_equal(ds_key_chain_verify(&c, got_app, got_root), -EINVAL);
	}
	/* the app's own key */
	assert_int_equal(ds_app_key_verify(want, DS_SPAN_ARRAY(kms_sig), app, root, got_root), 0);
	want[5] ^= 1;
	assert_int_not_equal(
		ds_app_key_verify(want, DS_SPAN_ARRAY(kms_sig), app, root, got_root), 0);
}

/* spec/kms 3.2: both forms, and the SDK's vector (#23) of the older one. */
static void env_keys(void **state)
{
	uint8_t pub[32], sig[65], v1[65], app[20], root[33], got[33];
	struct ds_env_key k = { pub, DS_SPAN_ARRAY(sig), DS_SPAN_ARRAY(v1), 1700000000, app, root };
	const int64_t now = 1700000100;

	memset(app, 0x11, sizeof(app));
	assert_int_equal(
		ds_hex_decode_exact(
			"93cf259f68b24775d54290a8ea57cf93efc994d3ff28a7b8ba7a39e9f512302f", pub,
			32) |
			ds_hex_decode_exact("026b5e3727fa5a64b7cdc5580fd8d30ab1597771c347c4ef064e8"
					    "b980d4f764215",
					    root, 33) |
			ds_hex_decode_exact("45671dbdd90b2d1af4db618de32294637ac1f7b126a3ff8599632"
					    "480bc36c49037b08ef0caa4ae5601ba10024a57b05a17c2d8443b"
					    "94797f429e0830a866d9af01",
					    sig, 65) |
			ds_hex_decode_exact("ab266714f4c796f3b7da959de6b2d0981e6c7c5bc924dd28d1bff"
					    "90079eb59f2311903de9ee8d6329c60d68171626e66f15c89eda7"
					    "91f37dfec426995ad0381f01",
					    v1, 65),
		0);
	assert_int_equal(ds_env_key_verify(&k, now, 300, got), 0);
	assert_memory_equal(got, root, 33);
	/* either signature over something else */
	for (size_t i = 0; i < 5; i++) {
		uint8_t *at[] = { &app[0], &pub[0], &sig[40], &v1[40], &root[32] };

		*at[i] ^= 1;
		assert_int_not_equal(ds_env_key_verify(&k, now, 300, got), 0);
		assert_int_not_equal(ds_env_key_verify(&k, now, -1, got), 0);
		*at[i] ^= 1;
	}
	sig[64] = 4; /* no key at all can be recovered */
	assert_int_equal(ds_env_key_verify(&k, now, 300, got), DS_KEYS_E_KMS_LINK);
	sig[64] = 1;
	k.timestamp++;
	assert_int_equal(ds_env_key_verify(&k, now, -1, got), DS_KEYS_E_ROOT);
	k.timestamp--;
	/* age: 300 and the skew on both sides */
	assert_int_equal(ds_env_key_verify(&k, 1700000000 + 360, 300, got), 0);
	assert_int_equal(ds_env_key_verify(&k, 1700000000 + 361, 300, got), DS_KEYS_E_STALE);
	assert_int_equal(ds_env_key_verify(&k, 1700000000 - 60, 300, got), 0);
	assert_int_equal(ds_env_key_verify(&k, 1700000000 - 61, 300, got), DS_KEYS_E_STALE);
	assert_int_equal(ds_env_key_verify(&k, 1800000000, -1, got), 0);
	/* one form alone */
	k.sig.n = 0;
	assert_int_equal(ds_env_key_verify(&k, now, 300, got), 0);
	k.sig.n = 65;
	k.sig_v1.n = 0;
	assert_int_equal(ds_env_key_verify(&k, now, 300, got), DS_KEYS_E_STALE);
	assert_int_equal(ds_env_key_verify(&k, now, -1, got), 0);
	k.sig.n = 0;
	assert_int_equal(ds_env_key_verify(&k, now, -1, got), DS_KEYS_E_KMS_LINK);
	k.sig.n = 64;
	assert_int_equal(ds_env_key_verify(&k, now, -1, got), DS_KEYS_E_KMS_LINK);
}

static void published_env_key(void **state)
{
	uint8_t pub[32], sig[65], app[20] = { 0 }, root[33], got[33];
	const struct ds_env_key k = { pub, DS_SPAN_ARRAY(sig), DS_SPAN_NULL, 0, app, root };

	assert_int_equal(
		ds_hex_decode_exact(
			"e33a1832c6562067ff8f844a61e51ad051f1180b66ec2551fb0251735f3ee90a", pub,
			32) |
			ds_hex_decode_exact("0217610d74cbd39b6143842c6d8bc310d79da1d82cc9d17f8876"
					    "376221eda0c38f",
					    root, 33) |
			ds_hex_decode_exact("8542c49081fbf4e03f62034f13fbf70630bdf256a53032e38465a"
					    "27c36fd6bed7a5e7111652004aef37f7fd92fbfc1285212c4ae6a"
					    "6154203a48f5e16cad2cef00",
					    sig, 65),
		0);
	assert_int_equal(ds_env_key_verify(&k, 0, -1, got), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_chains),
		cmocka_unit_test(env_keys),
		cmocka_unit_test(published_env_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
