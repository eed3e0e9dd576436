// SPDX-License-Identifier: Apache-2.0
/* dstack-verify key on the published vectors (spec/guest-api 5, spec/kms 3.2), and one fault at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/crypto/hash.h>

#include "verify.h"
#include "world.h"

#define APP "5bb4ff9a3837357f19dc176407a5709c62eb6c56"
#define ROOT "0321529e458424ab1f710a3a57ec4dad2fb195ddca572f7469242ba6c7563085b6"
#define LAST                                                                                       \
	"9e618603e72d01fedb82deff6daf2d62a572becf0059eec3f89c1ab40e1f2e594d2a283f843f34e8f39e4cc4" \
	"9a612496ce67223a12ac923f8efe330346dfc6c500"
#define KEY "b9fbb7171185c421c58610a2acba8ceae93623ae47815618cbad1e98fc042cb7"
#define PUB "02c1082e78670feed1c847db81dbd71be37e4d53200a746c0a89f0afa8173cf566"
#define SIG                                                                                        \
	"f50c51735a97072f0c98125ed61fc84e2fdb36e95990b9e57337dadc0e2a9712227f04e07209faecb8891d59" \
	"ec144a6c13e411dc90b3423f28071bd3fe11978d01"
/* Sign: rows 16 and 17 */
#define ED_PUB "698f56bd587d8ce3ca8db0e1c361ba9d190089f98dc4d9df800ff92ed073a65d"
#define ED_SIG                                                                                     \
	"5d1b901403e9a4a03b4f854d0895abd7289f68381cd1044212c0e0c779493fc4886bfd139e3b8e6bf214d38b" \
	"2ae15a32708f8f18805061a2079cca1c79288f04"
#define ED_LINK                                                                                    \
	"d61ff204728dae76ba4e29313003433d533d069f9c98ebb3382104145f1c664c59fac4326a86420ec3f45030" \
	"3d3a675d595f546448076a464343bcc25143c4a300"
#define K_PUB "036105f01d1fd781568f7c208b087b1c4f522601410ed7e9c7870d573de7c46d54"
#define K_SIG                                                                                      \
	"673932366ab5452967919dbb290a20b095e0a65ef35baa7bd47abcc23e37f0dc3f42c80fc1680af6ba57c9cb" \
	"5bcf08f5d89aa4b6f69c819ef28045b0e0134992"
#define K_LINK                                                                                     \
	"51ec279eb0da3fb45335c2fd6badaf701905bf35f229912976c4ae3c9d649cf97f964473f2dce7118743bad8" \
	"4a6df707d11c9b5f0b38379204e14fd2c7baddba01"
#define ENV_APP	 "1111111111111111111111111111111111111111"
#define ENV_ROOT "026b5e3727fa5a64b7cdc5580fd8d30ab1597771c347c4ef064e8b980d4f764215"
#define ENV_PUB	 "93cf259f68b24775d54290a8ea57cf93efc994d3ff28a7b8ba7a39e9f512302f"
#define ENV_SIG                                                                                    \
	"45671dbdd90b2d1af4db618de32294637ac1f7b126a3ff8599632480bc36c49037b08ef0caa4ae5601ba1002" \
	"4a57b05a17c2d8443b94797f429e0830a866d9af01"
#define ENV_V1                                                                                     \
	"ab266714f4c796f3b7da959de6b2d0981e6c7c5bc924dd28d1bff90079eb59f2311903de9ee8d6329c60d681" \
	"71626e66f15c89eda791f37dfec426995ad0381f01"
#define KMS_KEY "a4af174fcdadf33ea17a91178f0282f7e86a324e3b36c04abfc5cf92e8af4fcc"
#define KMS_SIG                                                                                    \
	"478387f8fcd64f0ba7190c53baa79db1b20e5c9493f24211b7a89e196649e1cd6a7ba16f34d82d45036be853" \
	"fa3ae09bbd1038019d70af4e168d6801eb95f64801"

#define GET_KEY "{\"key\":\"" KEY "\",\"signature_chain\":[\"" SIG "\",\"" LAST "\"]}"
#define PUBLIC "{\"public_key\":\"" PUB "\",\"signature_chain\":[\"" SIG "\",\"" LAST "\"]}"
#define SIGN(pub, sig, first, link)                                                                \
	"{\"signature\":\"" sig "\",\"signature_chain\":[\"" first "\",\"" link "\",\"" LAST       \
	"\"],\"public_key\":\"" pub "\"}"
#define ENV(more) "{\"public_key\":\"" ENV_PUB "\",\"signature\":\"" ENV_SIG "\"" more "}"
#define V1	  ",\"timestamp\":1700000000,\"signature_v1\":\"" ENV_V1 "\""

#define PURPOSE "--purpose", "test-purpose"
#define ZERO	"0000000000000000000000000000000000000000000000000000000000000000"

static const struct {
	const char *reply, *app, *root, *args[6], *want;
} rows[] = {
	{ GET_KEY, APP, ROOT, { PURPOSE }, "" },
	{ PUBLIC, APP, ROOT, { PURPOSE }, "" },
	{ GET_KEY, APP, ROOT, { NULL }, "key-root" },
	{ GET_KEY, APP, ROOT, { "--purpose", "test-purpose:" }, "key-root" },
	{ GET_KEY, ENV_APP, ROOT, { PURPOSE }, "key-root" },
	{ GET_KEY, APP, ENV_ROOT, { PURPOSE }, "key-root" },
	{ GET_KEY, APP, ROOT, { PURPOSE, "--algorithm", "ed25519" }, "key-root" },
	{ PUBLIC, APP, ROOT, { PURPOSE, "--algorithm", "ed25519" }, "key-format" },
	{ "{\"key\":\"" KEY "\",\"public_key\":\"" K_PUB "\",\"signature_chain\":[\"" SIG
	  "\",\"" LAST "\"]}",
	  APP, ROOT, { PURPOSE }, "key-chain" },
	{ "{\"public_key\":\"" PUB "\",\"signature_chain\":[\"" SIG "\",\"\"]}", APP, ROOT,
	  { PURPOSE }, "key-chain" },
	{ "{\"public_key\":\"" PUB "\",\"signature_chain\":[\"00\",\"" LAST "\"]}", APP, ROOT,
	  { PURPOSE }, "key-chain" },
	{ "{\"key\":\"" ZERO "\",\"signature_chain\":[\"" SIG "\",\"" LAST "\"]}", APP, ROOT,
	  { PURPOSE }, "key-format" },
	{ "{\"signature_chain\":[]}", APP, ROOT, { PURPOSE }, "key-format" },
	{ SIGN(ED_PUB, ED_SIG, ED_SIG, ED_LINK), APP, ROOT,
	  { "--algorithm", "ed25519", "--data", "data" }, "" },
	{ SIGN(K_PUB, K_SIG, K_SIG, K_LINK), APP, ROOT, { "--data", "data" }, "" },
	/* the purpose of Sign is its own */
	{ SIGN(K_PUB, K_SIG, K_SIG, K_LINK), APP, ROOT, { "--data", "data", "--purpose", "x" }, "" },
	{ SIGN(K_PUB, K_SIG, K_SIG, K_LINK), APP, ROOT, { "--data", "other" }, "key-signature" },
	{ SIGN(K_PUB, K_SIG, ED_SIG, K_LINK), APP, ROOT, { "--data", "data" }, "key-signature" },
	{ SIGN(K_PUB, K_SIG, K_SIG, ED_LINK), APP, ROOT, { "--data", "data" }, "key-root" },
	/* no point of the curve */
	{ SIGN("02" ZERO, K_SIG, K_SIG, K_LINK), APP, ROOT, { "--data", "data" }, "key-format" },
	{ SIGN(PUB, K_SIG, K_SIG, K_LINK), APP, ROOT, { "--data", "data" }, "key-signature" },
	{ SIGN(K_PUB, K_SIG, K_SIG, K_LINK), APP, ROOT,
	  { "--data", "data", "--algorithm", "secp256k1_prehashed" }, "key-signature" },
	{ SIGN(K_PUB, K_SIG, K_SIG, K_LINK), APP, ROOT,
	  { "--data", "digest", "--algorithm", "secp256k1_prehashed" }, "" },
	/* nothing behind the digest is signed */
	{ SIGN(K_PUB, K_SIG, K_SIG, K_LINK), APP, ROOT,
	  { "--data", "longer", "--algorithm", "secp256k1_prehashed" }, "key-signature" },
	{ ENV(V1), ENV_APP, ENV_ROOT, { "--time", "1700000100" }, "" },
	{ ENV(V1), ENV_APP, ENV_ROOT, { "--time", "1700001000" }, "key-stale" },
	{ ENV(V1), ENV_APP, ENV_ROOT, { "--time", "1700001000", "--max-age", "1000" }, "" },
	{ ENV(V1), ENV_APP, ENV_ROOT, { "--time", "1700001000", "--max-age", "900" }, "key-stale" },
	{ ENV(V1), ENV_APP, ENV_ROOT, { "--time", "1600000000" }, "key-stale" },
	{ ENV(V1), ENV_APP, ENV_ROOT, { "--max-age", "any" }, "" },
	{ ENV(""), ENV_APP, ENV_ROOT, { "--time", "1700000100" }, "key-stale" },
	{ ENV(""), ENV_APP, ENV_ROOT, { "--max-age", "any" }, "" },
	{ ENV(V1), APP, ENV_ROOT, { "--time", "1700000100" }, "key-root" },
	{ ENV(V1), ENV_APP, ROOT, { "--time", "1700000100" }, "key-root" },
	{ ENV(",\"timestamp\":1700000001,\"signature_v1\":\"" ENV_V1 "\""), ENV_APP, ENV_ROOT,
	  { "--time", "1700000100" }, "key-root" },
	{ "{\"k256_key\":\"" KMS_KEY "\",\"k256_signature\":\"" KMS_SIG "\"}", ENV_APP, ENV_ROOT,
	  { NULL }, "" },
	{ "{\"k256_key\":\"" KEY "\",\"k256_signature\":\"" KMS_SIG "\"}", ENV_APP, ENV_ROOT,
	  { NULL }, "key-root" },
	{ "{\"k256_key\":\"" KMS_KEY "\",\"k256_signature\":\"" KMS_SIG "\"}", ENV_APP, ENV_ROOT,
	  { "--algorithm", "ed25519" }, "key-format" },
};

static void table(void **state)
{
	uint8_t digest[33] = { 0 };

	assert_int_equal(ds_sha256_1(DS_SPAN_LIT("Test message for signing"), digest), 0);
	world_put("digest", DS_SPAN(digest, 32));
	world_put("longer", DS_SPAN_ARRAY(digest));
	world_put("data", DS_SPAN_LIT("Test message for signing"));
	world_put("other", DS_SPAN_LIT("Test message for signing\n"));
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		const char *argv[16] = { "key",		   "--json",	    "--app-id", rows[i].app,
					 "--kms-root-key", rows[i].root };
		char reason[40];
		size_t n = 6;
		int rc;

		for (size_t k = 0; k < DS_ARRAY_SIZE(rows[i].args) && rows[i].args[k]; k++)
			argv[n++] = rows[i].args[k];
		argv[n] = "reply";
		world_put("reply", DS_SPAN_STR(rows[i].reply));
		rc = run(cmd_key, reason, argv);
		if (rc != (*rows[i].want ? EXIT_REFUSED : EXIT_ACCEPTED) ||
		    strcmp(reason, rows[i].want))
			fail_msg("row %zu: expected '%s', got %d '%s'", i, rows[i].want, rc, reason);
	}
}

#define GIVEN "key", "--kms-root-key", ROOT, "--app-id", APP

static void usage_is_2(void **state)
{
	static const char *const bad[][10] = {
		{ "key", "reply" },
		{ "key", "--app-id", APP, "reply" },
		{ "key", "--kms-root-key", ROOT, "reply" },
		{ "key", "--kms-root-key", APP, "--app-id", APP, "reply" },
		{ GIVEN },
		{ GIVEN, "no-such-file" },
		{ GIVEN, "." },
		{ GIVEN, "--algorithm", "rsa", "reply" },
		{ GIVEN, "--max-age", "old", "reply" },
		{ GIVEN, "--max-age", "old", "env" },
		/* a signature without what was signed says nothing */
		{ GIVEN, "sign" },
		{ GIVEN, "--data", "no-such-file", "sign" },
		{ GIVEN, "--data", ".", "sign" },
	};
	static const char *const good[] = { GIVEN, PURPOSE, "reply", NULL };

	world_put("reply", DS_SPAN_LIT(GET_KEY));
	world_put("sign", DS_SPAN_LIT(SIGN(K_PUB, K_SIG, K_SIG, K_LINK)));
	world_put("env", DS_SPAN_LIT(ENV("")));
	expect(cmd_key, good, EXIT_ACCEPTED, NULL);
	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++)
		expect(cmd_key, bad[i], EXIT_USAGE, NULL);
}

static void too_large(void **state)
{
	static const char *const reply[] = { GIVEN, "--json", "large", NULL };
	static const char *const data[] = { GIVEN, "--json", "--data", "large", "sign", NULL };

	world_put("sign", DS_SPAN_LIT(SIGN(K_PUB, K_SIG, K_SIG, K_LINK)));
	world_put("large", DS_SPAN_NULL);
	assert_int_equal(truncate("large", 17 << 20), 0);
	expect(cmd_key, reply, EXIT_REFUSED, "key-format");
	assert_true(said("more than 65536 bytes"));
	expect(cmd_key, data, EXIT_REFUSED, "key-format");
	assert_true(said("data: more than"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(usage_is_2),
		cmocka_unit_test(too_large),
	};

	return cmocka_run_group_tests(tests, world_enter, world_leave);
}
