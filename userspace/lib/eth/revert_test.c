// SPDX-License-Identifier: Apache-2.0
/* Reverts as ethers encodes those of the compiled contracts, cut, changed and lied about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/text.h>
#include <ds/eth/revert.h>

#define Z12  "000000000000000000000000"
#define Z24  Z12 Z12
#define ADDR "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define WHO  Z12 ADDR
#define HASH "0102030405eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
#define TIME Z24 "000000006b0e0e00"
#define TEXT(n) "08c379a0" Z24 "0000000000000020" Z24 "00000000000000" n

static const struct vec {
	const char *hex, *words;
} vecs[] = {
	{ "0e5feca1", "NeedsApproval: this takes approvals and execute, the owner's word is not enough" },
	{ "ec37f146" WHO, "NotApprover: 0x" ADDR " is not an approver" },
	{ "a72db787" HASH WHO, "AlreadyApproved: operation 0x01020304.. has the approval of 0x" ADDR " already" },
	{ "c5d89109" HASH, "NotApproved: operation 0x01020304.. does not have the approval that this takes" },
	{ "b70c20cf" HASH TIME, "NotReady: operation 0x01020304.. can be executed from 2026-12-01T00:00:00Z on" },
	{ "ed7cfcbc" HASH, "Lapsed: operation 0x01020304.. was not executed in its time: approve it again" },
	{ "5e0c8d92", "InvalidApprovers: not a list of different addresses with a threshold it can reach" },
	{ "2161f0ea" Z24 "000000000000003c", "InvalidDelay: a delay of 60 seconds is too short or too long" },
	{ "118cdaa7" WHO, "OwnableUnauthorizedAccount: 0x" ADDR " is not the owner" },
	{ "1e4fbdf7" WHO, "OwnableInvalidOwner: 0x" ADDR " cannot be an owner" },
	{ "f92ee8a9", "InvalidInitialization: it is initialized already" },
	{ "d7e6bcf8", "NotInitializing: it is not being initialized" },
	{ "e07c8dba", "UUPSUnauthorizedCallContext: not called through its proxy" },
	{ "aa1d49a4" HASH, "UUPSUnsupportedProxiableUUID: the new code is for proxies of kind 0x01020304.." },
	{ "4c9c8ce3" WHO, "ERC1967InvalidImplementation: there is no code for a proxy at 0x" ADDR },
	{ "b398979f", "ERC1967NonPayable: it takes no ether" },
	{ "9996b315" WHO, "AddressEmptyCode: there is no contract at 0x" ADDR },
	{ "d6bda275", "FailedCall: a call inside failed without a reason" },
	{ TEXT("21") "557067726164657320617265207065726d616e656e746c792064697361626c6564" Z24 "00000000000000",
	  "Upgrades are permanently disabled" },
	{ TEXT("00"), "" },
	{ TEXT("03") "1b5b41" Z24 "0000000000", "\\x1b[A" },
	{ "4e487b71" Z24 "0000000000000000", "Panic: the compiler's own (0x00)" },
	{ "4e487b71" Z24 "0000000000000001", "Panic: an assertion failed (0x01)" },
	{ "4e487b71" Z24 "0000000000000011", "Panic: a number overflows (0x11)" },
	{ "4e487b71" Z24 "0000000000000032", "Panic: index out of bounds (0x32)" },
	{ "4e487b71" Z24 "ffffffffffffffff", "Panic: no reason that Solidity has (0xffffffffffffffff)" },
	/* later than there are years */
	{ "b70c20cf" HASH Z24 "ffffffffffffffff",
	  "NotReady: operation 0x01020304.. can be executed from 18446744073709551615 on" },
};

static int words(struct ds_span data, char *ret, size_t cap)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	int r = ds_eth_revert_words(data, &out, &err);

	assert_true(r ? !out.n && err.code == r : out.n <= DS_ETH_REVERT_MAX && out.n < cap);
	memcpy(ret, out.n ? (char *)out.p : "", out.n);
	ret[out.n] = '\0';
	return r;
}

static struct ds_buf bytes(const char *hex)
{
	struct ds_buf b = DS_BUF_NULL;

	assert_int_equal(ds_hex_decode_buf(hex, strlen(hex), 1024, &b), 0);
	return b;
}

static void in_words(void **state)
{
	char text[200];

	for (size_t i = 0; i < DS_ARRAY_SIZE(vecs); i++) {
		DS_BUF struct ds_buf b = bytes(vecs[i].hex);

		assert_int_equal(words(ds_buf_span(&b), text, sizeof(text)), 0);
		assert_string_equal(text, vecs[i].words);
		for (size_t n = 0; n < b.n; n++)
			assert_int_equal(words(DS_SPAN(b.p, n), text, sizeof(text)), -EBADMSG);
		assert_int_equal(ds_buf_add(&b, "", 1), 0);
		assert_int_equal(words(ds_buf_span(&b), text, sizeof(text)), -EBADMSG);
		assert_int_equal(ds_buf_add_zero(&b, 31), 0);
		assert_int_equal(words(ds_buf_span(&b), text, sizeof(text)), -EBADMSG);
	}
}

static void malformed(void **state)
{
	static const struct {
		const char *hex;
		int r;
	} t[] = {
		{ "12345678", -ENOENT },
		{ "12345678" WHO, -ENOENT },
		{ "ec37f146" "000000000000000000000001" ADDR, -EBADMSG },
		{ "2161f0ea" "000000000000000000000000000000000000000000000001000000000000003c", -EBADMSG },
		{ "4e487b71" "0000000000000000000000000000000000000000000000010000000000000011", -EBADMSG },
		{ "08c379a0" Z24 "0000000000000040" Z24 "0000000000000000", -EBADMSG },
		{ TEXT("03") "1b5b41" Z24 "0000000001", -EBADMSG },
		{ TEXT("ff") "1b5b41" Z24 "0000000000", -EBADMSG },
	};
	char text[200];

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		DS_BUF struct ds_buf b = bytes(t[i].hex);

		assert_int_equal(words(ds_buf_span(&b), text, sizeof(text)), t[i].r);
	}
}

static void bounded(void **state)
{
	DS_BUF struct ds_buf b = bytes(TEXT("e0"));
	char text[200];

	for (size_t i = 0; i < 0xe0; i++)
		assert_int_equal(ds_buf_add(&b, "x", 1), 0);
	assert_int_equal(words(ds_buf_span(&b), text, sizeof(text)), 0);
	assert_int_equal(strlen(text), DS_ETH_REVERT_MAX);
	assert_string_equal(text + strlen(text) - 3, "...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_words),
		cmocka_unit_test(malformed),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
