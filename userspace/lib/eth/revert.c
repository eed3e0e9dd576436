// SPDX-License-Identifier: Apache-2.0
/* A selector of four bytes, then the arguments as the ABI encodes them. */
#include <ds/base/text.h>
#include <ds/eth/abi.h>
#include <ds/eth/revert.h>

#define DOM	 "revert"
#define SELECTOR 4u
#define WORD	 32u
#define LAST_DAY 253402300799u /* of year 9999 */

/*
 * args: a letter for each argument, whose value takes the place of the next % in words. a: address,
 * h: bytes32 of which the beginning will do, n: uint64, t: uint64 that is a time. kms/contracts/test
 * compares the signatures with what was compiled.
 */
static const struct custom {
	const char *signature, *args, *words;
} customs[] = {
	/* Governed.sol */
	{ "NeedsApproval()", "", "this takes approvals and execute, the owner's word is not enough" },
	{ "NotApprover(address)", "a", "% is not an approver" },
	{ "AlreadyApproved(bytes32,address)", "ha", "operation % has the approval of % already" },
	{ "NotApproved(bytes32)", "h", "operation % does not have the approval that this takes" },
	{ "NotReady(bytes32,uint64)", "ht", "operation % can be executed from % on" },
	{ "Lapsed(bytes32)", "h", "operation % was not executed in its time: approve it again" },
	{ "InvalidApprovers()", "", "not a list of different addresses with a threshold it can reach" },
	{ "InvalidDelay(uint64)", "n", "a delay of % seconds is too short or too long" },
	/* OpenZeppelin: OwnableUpgradeable, Initializable, UUPSUpgradeable, ERC1967Utils, Address, Errors */
	{ "OwnableUnauthorizedAccount(address)", "a", "% is not the owner" },
	{ "OwnableInvalidOwner(address)", "a", "% cannot be an owner" },
	{ "InvalidInitialization()", "", "it is initialized already" },
	{ "NotInitializing()", "", "it is not being initialized" },
	{ "UUPSUnauthorizedCallContext()", "", "not called through its proxy" },
	{ "UUPSUnsupportedProxiableUUID(bytes32)", "h", "the new code is for proxies of kind %" },
	{ "ERC1967InvalidImplementation(address)", "a", "there is no code for a proxy at %" },
	{ "ERC1967NonPayable()", "", "it takes no ether" },
	{ "AddressEmptyCode(address)", "a", "there is no contract at %" },
	{ "FailedCall()", "", "a call inside failed without a reason" },
};

/* The Solidity documentation, "Panic via assert and Error via require". */
static const struct panic {
	uint64_t code;
	const char *words;
} panics[] = {
	{ 0x00, "the compiler's own" },
	{ 0x01, "an assertion failed" },
	{ 0x11, "a number overflows" },
	{ 0x12, "division by zero" },
	{ 0x21, "not a value of the enumeration" },
	{ 0x22, "a storage array is encoded wrongly" },
	{ 0x31, "pop of an empty array" },
	{ 0x32, "index out of bounds" },
	{ 0x41, "too much memory" },
	{ 0x51, "call of no function" },
};

static int bad(struct ds_err *err, size_t at, const char *expected)
{
	return ds_err_set(err, -EBADMSG, DOM, at, "expected %s", expected);
}

static bool is(struct ds_span data, const char *signature)
{
	DS_BUF struct ds_buf want = DS_BUF_NULL;

	return !ds_eth_abi_call0(signature, &want) &&
	       ds_span_eq(DS_SPAN(data.p, SELECTOR), ds_buf_span(&want));
}

static bool number(const uint8_t word[WORD], uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < WORD; i++) {
		if (i < WORD - 8 && word[i])
			return false;
		v = v << 8 | word[i];
	}
	*ret = v;
	return true;
}

static int add_number(struct ds_buf *b, bool is_time, const uint8_t word[WORD], struct ds_err *err)
{
	char text[DS_TIME_SIZE];
	uint64_t v = 0;

	if (!number(word, &v))
		return bad(err, 0, "a number of 64 bits");
	if (is_time && v <= LAST_DAY)
		return ds_buf_addf(b, "%s", ds_time_format_rfc3339((int64_t)v, text));
	return ds_buf_addf(b, "%llu", (unsigned long long)v);
}

static int add_argument(struct ds_buf *b, char kind, const uint8_t word[WORD], struct ds_err *err)
{
	uint8_t address[20];
	char hex[41];

	switch (kind) {
	case 'a':
		DS_TRY(ds_eth_abi_address(DS_SPAN(word, WORD), address, err));
		return ds_buf_addf(b, "0x%s", ds_hex_encode(address, sizeof(address), hex));
	case 'h':
		return ds_buf_addf(b, "0x%s..", ds_hex_encode(word, 4, hex));
	default:
		return add_number(b, kind == 't', word, err);
	}
}

static int add_custom(struct ds_buf *b, const struct custom *c, struct ds_span args,
		      struct ds_err *err)
{
	size_t i = 0;

	if (args.n != strlen(c->args) * WORD)
		return bad(err, SELECTOR + args.n, "a word for each argument, and no more");
	DS_TRY(ds_buf_addf(b, "%.*s: ", (int)strcspn(c->signature, "("), c->signature));
	for (const char *w = c->words; *w; w++) {
		if (*w != '%')
			DS_TRY(ds_buf_add(b, w, 1));
		else
			DS_TRY(add_argument(b, c->args[i], args.p + i * WORD, err));
		i += *w == '%';
	}
	return 0;
}

static int add_error(struct ds_buf *b, struct ds_span args, struct ds_err *err)
{
	char text[DS_ETH_REVERT_MAX + 1];
	struct ds_span s;

	DS_TRY(ds_eth_abi_string(args, &s, err));
	return ds_buf_addf(b, "%s", ds_escape(s, text, sizeof(text)));
}

static int add_panic(struct ds_buf *b, struct ds_span args, struct ds_err *err)
{
	const char *words = "no reason that Solidity has";
	uint64_t code = 0;

	if (args.n != WORD || !number(args.p, &code))
		return bad(err, SELECTOR, "one number");
	for (size_t i = 0; i < DS_ARRAY_SIZE(panics); i++)
		if (panics[i].code == code)
			words = panics[i].words;
	return ds_buf_addf(b, "Panic: %s (0x%02llx)", words, (unsigned long long)code);
}

static int add_words(struct ds_buf *b, struct ds_span data, struct ds_err *err)
{
	struct ds_span args = DS_SPAN(data.p + SELECTOR, data.n - SELECTOR);
	char hex[2 * SELECTOR + 1];

	if (is(data, "Error(string)"))
		return add_error(b, args, err);
	if (is(data, "Panic(uint256)"))
		return add_panic(b, args, err);
	for (size_t i = 0; i < DS_ARRAY_SIZE(customs); i++)
		if (is(data, customs[i].signature))
			return add_custom(b, &customs[i], args, err);
	return ds_err_set(err, -ENOENT, DOM, 0, "0x%s is no error of our contracts",
			  ds_hex_encode(data.p, SELECTOR, hex));
}

int ds_eth_revert_words(struct ds_span data, struct ds_buf *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	if (data.n < SELECTOR)
		return bad(err, data.n, "a selector of 4 bytes");
	DS_TRY(add_words(&b, data, err));
	return ds_buf_add_span(ret, ds_buf_span(&b));
}
