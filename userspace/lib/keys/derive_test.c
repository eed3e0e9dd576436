// SPDX-License-Identifier: Apache-2.0
/* Every vector of spec/guest-api 5 and spec/kms 3.2 that is about keys; #n is the row of the
 * former. */
#include "../crypto/vec_test.h"

#include <ds/crypto/hash.h>
#include <ds/crypto/kdf.h>
#include <ds/crypto/x25519.h>
#include <ds/keys/derive.h>

#define KEY_A "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b"
#define KEY_S "d6e88992cdeeee35fe70b5db61ab66cdb191fb9b6ec9313757ef162dd7214d5d"
#define ROOT  "f57527cea4ab7ffb49af99b158cdc0e3ec06398f528349ea236b7d2afe19cec1"
#define K0    "4ecb7ec1f3ce195d22fdc6a626b0d6d93c64b3e27b5d4440949b2ff9dda6d9c4"
#define APP   "1111111111111111111111111111111111111111"
#define INST  "2222222222222222222222222222222222222222"

/* What GetKey answers: key, public key and signature_chain[0]. */
static const struct {
	const char *app_key, *path, *purpose;
	enum ds_key_alg alg;
	const char *key, *pub, *sig;
} get_key[] = {
	/* #2, #3, #5 */
	{ KEY_A, "vms", "signing", DS_KEY_ALG_ED25519,
	  "9db79b3fefe69f2a7b7efbc908c854bf845a629023361f2c9cb3db09fb99010f",
	  "e4f6eb7b50267f586ba765766db7ca9487f1a506f6a49026ae09a1c605681bdb",
	  "48fb33c6219be3732b90a69241f45e875d481a98e2d68353807a197c35f56ed0"
	  "7ef4629cc730667fa9b4eaad9091c4690ce390d8afd0f9e5c3ecc1ac206cda1100" },
	/* #4, #6 */
	{ KEY_A, "vms", "signing", DS_KEY_ALG_SECP256K1,
	  "9db79b3fefe69f2a7b7efbc908c854bf845a629023361f2c9cb3db09fb99010f",
	  "03ab7f25d56455d300a1c1f77f57f6d16193e89cdd9edc5c5e2994b446b1f3373d",
	  "96c843fc9a4970f206a4e478f6d2f909f680bd8252ea9813d3f5aabe654682f3"
	  "1333ff2a8e8f16ea1c88a704b4de4b0feb58527687be42ca1cf2f476a997401201" },
	/* #8, #9, #11 */
	{ KEY_S, "/test/path", "test-purpose", DS_KEY_ALG_SECP256K1,
	  "b9fbb7171185c421c58610a2acba8ceae93623ae47815618cbad1e98fc042cb7",
	  "02c1082e78670feed1c847db81dbd71be37e4d53200a746c0a89f0afa8173cf566",
	  "f50c51735a97072f0c98125ed61fc84e2fdb36e95990b9e57337dadc0e2a9712"
	  "227f04e07209faecb8891d59ec144a6c13e411dc90b3423f28071bd3fe11978d01" },
	/* #13, #14 */
	{ KEY_S, "", "", DS_KEY_ALG_SECP256K1,
	  "aa221ae548b5a8f52fcb8687cfd873712f6a1232b2717e5ee3d58ab74f21905b",
	  "027458ba47c31272b5076edebdc1ecdaedef806b10d76dd0a209cbd1fa14a3f9cf",
	  "64ce2f1b381d04f7404fda78bdc942c314d89b7069d97eea1897e51b249dd3b1"
	  "700995cbf7efe7ff04195dd6e31f153b702eeeeaffc5941510739dc39b9bd9cf01" },
	/* #15 */
	{ KEY_S, "", "", DS_KEY_ALG_ED25519,
	  "aa221ae548b5a8f52fcb8687cfd873712f6a1232b2717e5ee3d58ab74f21905b",
	  "c44343eb0e365d78ce908790834a24621e489af0e91cf2f123daf28cf74aed20",
	  "4210633c6792b54f99eda1b2a9c7e1f6507c02c01bcabf230d35dc4c00a6b090"
	  "2fccd45b383e8f3035c0fcdcba534b80f8849a5b5849257bc71d9f838620cd3e00" },
	/* #16, #17: the keys of Sign */
	{ KEY_S, "vms", "signing", DS_KEY_ALG_ED25519, NULL,
	  "698f56bd587d8ce3ca8db0e1c361ba9d190089f98dc4d9df800ff92ed073a65d",
	  "d61ff204728dae76ba4e29313003433d533d069f9c98ebb3382104145f1c664c"
	  "59fac4326a86420ec3f450303d3a675d595f546448076a464343bcc25143c4a300" },
	{ KEY_S, "vms", "signing", DS_KEY_ALG_SECP256K1, NULL,
	  "036105f01d1fd781568f7c208b087b1c4f522601410ed7e9c7870d573de7c46d54",
	  "51ec279eb0da3fb45335c2fd6badaf701905bf35f229912976c4ae3c9d649cf9"
	  "7f964473f2dce7118743bad84a6df707d11c9b5f0b38379204e14fd2c7baddba01" },
};

static void get_key_vectors(void **state)
{
	uint8_t key[32], pub[33], sig[65], back[33], own[33], digest[32];
	size_t n;

	for (size_t i = 0; i < DS_ARRAY_SIZE(get_key); i++) {
		struct ds_span k = hex(get_key[i].app_key);
		char text[67];
		struct ds_span msg[] = { DS_SPAN_STR(get_key[i].purpose), DS_SPAN_LIT(":"), { 0 } };

		assert_int_equal(ds_app_key(k.p, DS_SPAN_STR(get_key[i].path), key), 0);
		if (get_key[i].key)
			assert_hex(key, 32, get_key[i].key);
		assert_int_equal(ds_app_key_pub(get_key[i].alg, key, pub, &n), 0);
		assert_hex(pub, n, get_key[i].pub);
		assert_int_equal(ds_app_key_signature(k.p, msg[0], DS_SPAN(pub, n), sig), 0);
		assert_hex(sig, 65, get_key[i].sig);
		/* and it recovers to the app key's public half, which is how a client checks it */
		msg[2] = DS_SPAN_STR(ds_hex_encode(pub, n, text));
		ds_keccak256(msg, 3, digest);
		assert_int_equal(ds_k256_recover(sig, digest, back), 0);
		assert_int_equal(ds_k256_pub(k.p, own), 0);
		assert_memory_equal(back, own, 33);
	}
	/* longer than any public key of ours */
	assert_int_equal(ds_app_key_signature(key, DS_SPAN_NULL, DS_SPAN_ARRAY(sig), sig), -EINVAL);
	/* #7, #10 */
	assert_hex(own, 33, "02818494263695e8839122dbd88e281d7380622999df4e60a14befa0f2d096fc7c");
	{
		const struct ds_span msg = DS_SPAN_LIT(
			"test-purpose:"
			"02c1082e78670feed1c847db81dbd71be37e4d53200a746c0a89f0afa8173cf566");

		ds_keccak256(&msg, 1, digest);
		assert_hex(digest, 32,
			   "4603d281e7a23e79c1291881909fad310d0a86c87756fb98f1d6a3f3cc18dccc");
	}
}

/* #16, #17: the signatures themselves */
static void sign_vectors(void **state)
{
	const struct ds_span data = DS_SPAN_LIT("Test message for signing");
	uint8_t key[32], sig[64], digest[32];

	assert_int_equal(ds_app_key(hex(KEY_S).p, DS_SPAN_LIT("vms"), key), 0);
	assert_int_equal(ds_ed25519_sign(key, data, sig), 0);
	assert_hex(sig, 64,
		   "5d1b901403e9a4a03b4f854d0895abd7289f68381cd1044212c0e0c779493fc4"
		   "886bfd139e3b8e6bf214d38b2ae15a32708f8f18805061a2079cca1c79288f04");
	assert_int_equal(ds_sha256_1(data, digest), 0);
	assert_int_equal(ds_k256_sign(key, digest, sig), 0);
	assert_hex(sig, 64,
		   "673932366ab5452967919dbb290a20b095e0a65ef35baa7bd47abcc23e37f0dc"
		   "3f42c80fc1680af6ba57c9cb5bcf08f5d89aa4b6f69c819ef28045b0e0134992");
}

/* #12: a signature_chain[1] of the reference */
static void kms_signature_recovers(void **state)
{
	struct ds_span sig =
		hex("9e618603e72d01fedb82deff6daf2d62a572becf0059eec3f89c1ab40e1f2e59"
		    "4d2a283f843f34e8f39e4cc49a612496ce67223a12ac923f8efe330346dfc6c500");
	struct ds_span app = hex("5bb4ff9a3837357f19dc176407a5709c62eb6c56");
	struct ds_span pub =
		hex("02818494263695e8839122dbd88e281d7380622999df4e60a14befa0f2d096fc7c");
	uint8_t kms[33], other[20];

	assert_int_equal(ds_kms_k256_recover(sig.p, app.p, pub.p, kms), 0);
	assert_hex(kms, 33, "0321529e458424ab1f710a3a57ec4dad2fb195ddca572f7469242ba6c7563085b6");
	/* for another app it recovers to another key: only the comparison proves something */
	memcpy(other, app.p, 20);
	other[0] ^= 1;
	if (!ds_kms_k256_recover(sig.p, other, pub.p, kms))
		assert_memory_not_equal(
			kms,
			hex("0321529e458424ab1f710a3a57ec4dad2fb195ddca572f7469242ba6"
			    "c7563085b6")
				.p,
			33);
}

/* #23: a signature over an environment key, made by the reference */
static void env_signature_recovers(void **state)
{
	uint8_t zero[20] = { 0 }, digest[32], pub[33];
	const struct ds_span msg[] = {
		DS_SPAN_LIT("dstack-env-encrypt-pubkey:"), DS_SPAN_ARRAY(zero),
		hex("e33a1832c6562067ff8f844a61e51ad051f1180b66ec2551fb0251735f3ee90a")
	};

	ds_keccak256(msg, 3, digest);
	assert_int_equal(
		ds_k256_recover(
			hex("8542c49081fbf4e03f62034f13fbf70630bdf256a53032e38465a27c36fd6bed"
			    "7a5e7111652004aef37f7fd92fbfc1285212c4ae6a6154203a48f5e16cad2cef"
			    "00")
				.p,
			digest, pub),
		0);
	assert_hex(pub, 33, "0217610d74cbd39b6143842c6d8bc310d79da1d82cc9d17f8876376221eda0c38f");
}

/* #18, #19 */
static void derive_key(void **state)
{
	DS_SECRET struct ds_secret *scalar = NULL;
	DS_P256 struct ds_p256 *key = NULL;
	uint8_t xy[64], same[32];

	assert_int_equal(ds_app_p256(hex(KEY_S).p, DS_SPAN_LIT("test"), &key), 0);
	assert_int_equal(ds_p256_scalar(key, &scalar), 0);
	assert_hex(scalar->p, 32,
		   "133e8ca6e532ead3e38f00347408771da296e9c70e8e3e362f485154e64ef4e8");
	assert_int_equal(ds_app_key(hex(KEY_S).p, DS_SPAN_LIT("test"), same), 0);
	assert_memory_equal(scalar->p, same, 32);
	assert_int_equal(ds_p256_xy(key, xy), 0);
	assert_hex(xy, 64,
		   "eae0e028e950f924c8981753232d9bf171e04706b17673d55649e81458358593"
		   "08456ec98d66006f076cf7c65970b61de1e5f619480c3a911a700234360d2857");
}

/* #20, #21, #22 */
static void seeds(void **state)
{
	const struct ds_span two[] = { DS_SPAN_LIT("context one"), DS_SPAN_LIT("context two") };
	DS_SECRET struct ds_secret *a = NULL, *b = NULL, *c = NULL;
	DS_P256 struct ds_p256 *k20 = NULL, *k21 = NULL, *ca = NULL;
	const struct ds_span none = DS_SPAN_NULL;
	uint8_t seed[32] = { 0 }, out[32];

	assert_int_equal(ds_derive_p256(hex(ROOT), two, 2, &k20), 0);
	assert_int_equal(ds_p256_scalar(k20, &a), 0);
	assert_hex(a->p, 32, "b60ac47b8fcfbdf96031b9e94f0b60cfe9de05eccb5a1dca41a26f757833c0e7");
	assert_int_equal(ds_derive_dh(hex(ROOT), two, 2, out), 0);
	assert_hex(out, 32, "663afd58820be8ad645f9c035e93199d114ab16f738db62393bc1d7d623e8813");
	assert_int_equal(ds_derive_p256(DS_SPAN_ARRAY(seed), &none, 1, &k21), 0);
	assert_int_equal(ds_p256_scalar(k21, &b), 0);
	assert_hex(b->p, 32, "69b9acd8f82d6aec392f524518b4d116ba1dcf9ea7746770148db9435e01a68e");
	for (uint8_t i = 0; i < 32; i++)
		seed[i] = i;
	assert_int_equal(ds_seed_app_ca(seed, &ca), 0);
	assert_int_equal(ds_p256_scalar(ca, &c), 0);
	assert_hex(c->p, 32, "0a6ae75425993b828ace490021809dcda469d5b531b018a27fdd28cd6d81115e");
	assert_int_equal(ds_seed_k256(seed, out), 0);
	assert_hex(out, 32, "091c9c36eb873f1aacde93e91631256e1610ce9940166b45f437d635d76ba95e");
	assert_int_equal(ds_seed_disk_key(seed, out), 0);
	assert_hex(out, 32, "16271dff935a2b916181f4c8a0a6666de98224ba51437c329171a11dd481a09a");
}

/* spec/kms 3.2 */
static void kms_keys(void **state)
{
	DS_SECRET struct ds_secret *ca_scalar = NULL;
	DS_P256 struct ds_p256 *ca = NULL;
	struct ds_span root = hex(ROOT), app = hex(APP), inst = hex(INST);
	uint8_t out[32], pub[32], xy[64];
	const struct ds_span disk[] = { app, inst, DS_SPAN_LIT("app-disk-crypt-key") };
	const struct ds_span env[] = { app, DS_SPAN_LIT("env-encrypt-key") };

	assert_int_equal(ds_kdf_ratls(root, disk, 3, out, 32), 0);
	assert_hex(out, 32, "e9f3ad6ef70bf9e5fad103eee3caa8b1e78cf1d038b519743a219e9f1c16afdf");
	assert_int_equal(ds_kms_disk_key(root.p, app.p, inst, out), 0);
	assert_hex(out, 32, "a59c814e2c6d9353af59ce4fba7215e5ec3b62a2495b4dca48ea6f9804061f51");
	assert_int_equal(ds_kms_disk_key(root.p, app.p, DS_SPAN_NULL, out), 0);
	assert_hex(out, 32, "14de7a7fd8bddf8e641a55ca97f043cac4344d175419f743940840f3a348f049");
	for (size_t n = 1; n < 20; n++)
		assert_int_equal(ds_kms_disk_key(root.p, app.p, DS_SPAN(inst.p, n), out), -EINVAL);
	assert_int_equal(ds_kdf_ratls(root, env, 2, out, 32), 0);
	assert_hex(out, 32, "280c9250bf6963194a962b71f08facd4cb1736f9ffb894cc081358374f835575");
	assert_int_equal(ds_kms_env_key(root.p, app.p, out), 0);
	assert_hex(out, 32, "a7470db8cfdd0fe24134b461d60766afa7c078abe6dce9f2c8a5c44034ca400e");
	assert_int_equal(ds_x25519_pub(out, pub), 0);
	assert_hex(pub, 32, "93cf259f68b24775d54290a8ea57cf93efc994d3ff28a7b8ba7a39e9f512302f");
	assert_int_equal(ds_kms_app_ca(root.p, app.p, &ca), 0);
	assert_int_equal(ds_p256_scalar(ca, &ca_scalar), 0);
	assert_hex(ca_scalar->p, 32,
		   "5b779e0a9fe80b2e5866d94958daa1a4e29a183228b3f37acd7eae153e18a75f");
	assert_int_equal(ds_p256_xy(ca, xy), 0);
	assert_hex(xy, 64,
		   "0526af58f573724a2933a2b53506caa20343e6b98573fd89e32eee820eb5958f"
		   "e4797ce498fe8b86f114debf18daaf5e650ab48cec14927e95e71fac13af7697");
}

static void kms_signatures(void **state)
{
	struct ds_span k0 = hex(K0), app = hex(APP);
	struct ds_span env =
		hex("93cf259f68b24775d54290a8ea57cf93efc994d3ff28a7b8ba7a39e9f512302f");
	uint8_t pub[33], key[32], app_pub[33], sig[65], back[33];

	assert_int_equal(ds_k256_pub(k0.p, pub), 0);
	assert_hex(pub, 33, "026b5e3727fa5a64b7cdc5580fd8d30ab1597771c347c4ef064e8b980d4f764215");
	assert_int_equal(ds_kms_app_k256(k0.p, app.p, key), 0);
	assert_hex(key, 32, "a4af174fcdadf33ea17a91178f0282f7e86a324e3b36c04abfc5cf92e8af4fcc");
	assert_int_equal(ds_k256_pub(key, app_pub), 0);
	assert_hex(app_pub, 33,
		   "03ad5c7138d77a8446f23f85833de4907216e01fcc90e27916206a2b18de1ab70e");
	assert_int_equal(ds_kms_k256_signature(k0.p, app.p, app_pub, sig), 0);
	assert_hex(sig, 65,
		   "478387f8fcd64f0ba7190c53baa79db1b20e5c9493f24211b7a89e196649e1cd"
		   "6a7ba16f34d82d45036be853fa3ae09bbd1038019d70af4e168d6801eb95f64801");
	assert_int_equal(ds_kms_k256_recover(sig, app.p, app_pub, back), 0);
	assert_memory_equal(back, pub, 33);
	assert_int_equal(ds_kms_env_signature(k0.p, app.p, env.p, sig), 0);
	assert_hex(sig, 65,
		   "45671dbdd90b2d1af4db618de32294637ac1f7b126a3ff8599632480bc36c490"
		   "37b08ef0caa4ae5601ba10024a57b05a17c2d8443b94797f429e0830a866d9af01");
	assert_int_equal(ds_kms_env_signature_v1(k0.p, app.p, 1700000000, env.p, sig), 0);
	assert_hex(sig, 65,
		   "ab266714f4c796f3b7da959de6b2d0981e6c7c5bc924dd28d1bff90079eb59f2"
		   "311903de9ee8d6329c60d68171626e66f15c89eda791f37dfec426995ad0381f01");
}

/* k256_signature digest, bootstrap and RA-TLS report data of the root */
static void kms_report_data(void **state)
{
	DS_P256 struct ds_p256 *root = NULL;
	uint8_t spki[DS_P256_SPKI_SIZE], pub[33], out[64], zero[32] = { 0 }, digest[32];
	const struct ds_span issued[] = {
		DS_SPAN_LIT("dstack-kms-issued:"), hex(APP),
		hex("03ad5c7138d77a8446f23f85833de4907216e01fcc90e27916206a2b18de1ab70e")
	};

	ds_keccak256(issued, 3, digest);
	assert_hex(digest, 32, "7abf8e5f03473afe8d60511dd1037fecd77ecfe91c6814de89751877f3c40a99");
	assert_int_equal(ds_p256_from_scalar(hex(ROOT).p, &root), 0);
	assert_int_equal(ds_p256_spki(root, spki), 0);
	assert_hex(spki, sizeof(spki),
		   "3059301306072a8648ce3d020106082a8648ce3d0301070342000491f50522407ce2"
		   "9dce3ed7d31a15d80c1c42f13a23552d2b33a0ce09ee11e47bce95936f3e7f80d195"
		   "f879e28e1b144ef37ac9ab8e36a690cbf930b775897b27");
	assert_int_equal(ds_k256_pub(hex(K0).p, pub), 0);
	assert_int_equal(ds_kms_bootstrap_report_data(DS_SPAN_ARRAY(spki), pub, out), 0);
	assert_hex(out, 32, "b1cb6366e415562b51fff1e02e4e5c33d4b371366a12c99935c8218de927f4f2");
	assert_memory_equal(out + 32, zero, 32);
	assert_int_equal(
		ds_report_data("", DS_SPAN_LIT("ratls-cert"), DS_SPAN_ARRAY(spki), out, NULL), 0);
	assert_hex(out, 64,
		   "d224180bddf1a335755b07626fdc80ce18090be1ff37e7d6e1b53e780e27da0d"
		   "8fafe99fc41e90333fcb51949ae5a1fc95b7820e142e611256ff4a8dc8997506");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_key_vectors),
		cmocka_unit_test(sign_vectors),
		cmocka_unit_test(kms_signature_recovers),
		cmocka_unit_test(env_signature_recovers),
		cmocka_unit_test(derive_key),
		cmocka_unit_test(seeds),
		cmocka_unit_test(kms_keys),
		cmocka_unit_test(kms_signatures),
		cmocka_unit_test(kms_report_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
