// SPDX-License-Identifier: Apache-2.0
/* The ABI against what ethers encodes (vectors_test.h), and answers that are not canonical. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vectors_test.h"

#include <ds/base/text.h>
#include <ds/eth/abi.h>

static const char *const two[] = { "INTEL-SA-1", "INTEL-SA-00837-and-a-name-that-is-longer-than-a-word" };

static struct ds_eth_boot boot(void)
{
	struct ds_eth_boot b = { .tcb_status = "UpToDate", .advisory = two, .n_advisory = 2 };

	memcpy(b.app_id, vec_app, 20);
	b.compose_hash[31] = 10;
	b.device_id[31] = 9;
	b.mr_aggregated[31] = 8;
	b.mr_system[31] = 11;
	b.os_image_hash[31] = 7;
	return b;
}

static void check(enum ds_eth_question q, const uint8_t *want, size_t n)
{
	struct ds_eth_boot b = boot();
	DS_BUF struct ds_buf got = DS_BUF_NULL;

	assert_int_equal(ds_eth_abi_question(q, &b, "dstack-tdx", &got), 0);
	assert_int_equal(got.n, n);
	assert_memory_equal(got.p, want, n);
}

static void questions(void **state)
{
	static const char *const one[] = { "A1" };
	struct ds_eth_boot b = boot();
	DS_BUF struct ds_buf got = DS_BUF_NULL, call = DS_BUF_NULL;

	check(DS_ETH_IS_KMS_ALLOWED, vec_ask_kms, sizeof(vec_ask_kms));
	check(DS_ETH_IS_APP_ALLOWED, vec_ask_app, sizeof(vec_ask_app));
	check(DS_ETH_IS_APP_ALLOWED_ON, vec_ask_app_on, sizeof(vec_ask_app_on));
	/* spec/kms 4.7 */
	b.advisory = one;
	b.n_advisory = 1;
	assert_int_equal(ds_eth_abi_question(DS_ETH_IS_APP_ALLOWED, &b, NULL, &got), 0);
	assert_int_equal(got.n, 516);
	assert_memory_equal(got.p, "\x1e\x07\x91\x98", 4);
	/* no advisories */
	got.n = 0;
	b.n_advisory = 0;
	assert_int_equal(ds_eth_abi_question(DS_ETH_IS_APP_ALLOWED, &b, NULL, &got), 0);
	assert_int_equal(got.n, 516 - 3 * 32);
	assert_int_equal(ds_eth_abi_call0("gatewayAppId()", &call), 0);
	assert_memory_equal(call.p, "\x95\xf5\x19\x31", 4);
}

#define Z	"00000000000000000000000000000000000000000000000000000000000000"
#define YES	Z "01" Z "40" Z "00"
#define ANSWER	Z "00" Z "40" Z "03" "6e6f21" "0000000000000000000000000000000000000000000000000000000000"

static int ruling(const char *hex, size_t cut, bool *allowed, struct ds_span *reason, struct ds_err *err)
{
	static uint8_t in[300];
	size_t n = strlen(hex) / 2;

	assert_int_equal(ds_hex_decode_exact(hex, in, n), 0);
	return ds_eth_abi_ruling(DS_SPAN(in, n - cut), allowed, reason, err);
}

static void rulings(void **state)
{
	static const struct {
		const char *hex, *error;
	} t[] = {
		{ Z "02" Z "40" Z "00", "truth" },
		{ "01" Z Z "40" Z "00", "too large" },
		{ Z "01" Z "20" Z "00", "not where it belongs" },
		{ Z "01" Z "60" Z "00" Z "00", "not where it belongs" },
		{ Z "01" Z "40" Z "01", "string of 1 bytes" },
		{ Z "01" Z "40" "000000000000000000000000000000000000000000000000ffffffffffffffff", "string of" },
		{ Z "01" Z "40" Z "00" Z "00", "string of 0 bytes, 32" },
		{ Z "01" Z "40" Z "01" Z "01", "padding" },
	};
	struct ds_err err = DS_ERR_NULL;
	struct ds_span reason;
	bool allowed = false;

	assert_int_equal(ruling(YES, 0, &allowed, &reason, &err), 0);
	assert_true(allowed);
	assert_int_equal(reason.n, 0);
	assert_int_equal(ruling(ANSWER, 0, &allowed, &reason, &err), 0);
	assert_false(allowed);
	assert_true(ds_span_eq(reason, DS_SPAN_LIT("no!")));
	for (size_t cut = 1; cut <= strlen(ANSWER) / 2; cut++)
		assert_int_equal(ruling(ANSWER, cut, &allowed, &reason, &err), -EBADMSG);
	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		allowed = false;
		assert_int_equal(ruling(t[i].hex, 0, &allowed, &reason, &err), -EBADMSG);
		if (!strstr(err.msg, t[i].error))
			fail_msg("%zu: %s", i, err.msg);
		assert_false(allowed);
	}
}

static void changes(void **state)
{
	static const uint8_t word[32] = { [31] = 77 };
	DS_BUF struct ds_buf call = DS_BUF_NULL, approve = DS_BUF_NULL;

	assert_int_equal(ds_eth_abi_call_word("addComposeHash(bytes32)", word, &call), 0);
	assert_int_equal(call.n, sizeof(vec_ask_compose));
	assert_memory_equal(call.p, vec_ask_compose, call.n);
	assert_int_equal(ds_eth_abi_call_bytes("approve(bytes)", ds_buf_span(&call), &approve), 0);
	assert_int_equal(approve.n, sizeof(vec_ask_approve));
	assert_memory_equal(approve.p, vec_ask_approve, approve.n);
}

static void addresses(void **state)
{
	struct ds_err err = DS_ERR_NULL;
	uint8_t in[33] = { [12] = 1, [31] = 2 }, a[20];

	assert_int_equal(ds_eth_abi_address(DS_SPAN(in, 32), a, &err), 0);
	assert_int_equal(a[0] + a[19], 3);
	for (size_t n = 0; n < 34; n++)
		assert_int_equal(ds_eth_abi_address(DS_SPAN(in, n), a, &err), n == 32 ? 0 : -EBADMSG);
	in[11] = 1;
	assert_int_equal(ds_eth_abi_address(DS_SPAN(in, 32), a, &err), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions),
		cmocka_unit_test(changes),
		cmocka_unit_test(rulings),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
