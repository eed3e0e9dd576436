// SPDX-License-Identifier: Apache-2.0
/* Replies about keys: each kind, what is none, and truncation at every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/wire/keyreply.h>

#define B8(s)  s s s s s s s s
#define HEX32  B8("00010203")
#define HEX33  "02" HEX32
#define HEX64  HEX32 HEX32
#define HEX65  HEX64 "01"

#define KEY  "{\"key\":\"" HEX32 "\",\"signature_chain\":[\"" HEX65 "\",\"" HEX65 "\"]}"
#define SIGN                                                                                       \
	"{\"signature\":\"" HEX64 "\",\"signature_chain\":[\"" HEX64 "\",\"" HEX65 "\",\"" HEX65   \
	"\"],\"public_key\":\"" HEX33 "\"}"
#define ENV                                                                                        \
	"{\"public_key\":\"" HEX32 "\",\"signature\":\"" HEX65                                     \
	"\",\"timestamp\":1700000000,\"signature_v1\":\"" HEX65 "\"}"
#define APP "{\"k256_key\":\"" HEX32 "\",\"k256_signature\":\"" HEX65 "\",\"ca_cert\":\"x\"}"

static void kinds(void **state)
{
	static const struct {
		const char *text;
		enum ds_key_reply_kind kind;
		size_t n_chain, last;
		bool has_key;
	} rows[] = {
		{ KEY, DS_KEY_REPLY_KEY, 2, 65, true },
		{ "{\"k256_key\":\"" HEX32 "\",\"k256_signature_chain\":[\"" HEX65 "\",\"" HEX65
		  "\"]}",
		  DS_KEY_REPLY_KEY, 2, 65, true },
		/* an app without a KMS; and the secret left out */
		{ "{\"key\":\"" HEX32 "\",\"signature_chain\":[\"" HEX65 "\",\"\"]}",
		  DS_KEY_REPLY_KEY, 2, 0, true },
		{ "{\"public_key\":\"" HEX33 "\",\"signature_chain\":[\"" HEX65 "\",\"" HEX65 "\"]}",
		  DS_KEY_REPLY_KEY, 2, 65, false },
		{ SIGN, DS_KEY_REPLY_SIGN, 3, 65, false },
		{ ENV, DS_KEY_REPLY_ENV, 0, 0, false },
		{ "{\"public_key\":\"" HEX32 "\",\"signature\":\"" HEX65 "\"}", DS_KEY_REPLY_ENV, 0,
		  0, false },
		{ APP, DS_KEY_REPLY_APP, 1, 65, true },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_KEY_REPLY struct ds_key_reply r = DS_KEY_REPLY_NULL;
		struct ds_err err = DS_ERR_NULL;

		if (ds_key_reply_parse(DS_SPAN_STR(rows[i].text), &r, &err))
			fail_msg("%s: %s", rows[i].text, err.msg);
		assert_int_equal(r.kind, rows[i].kind);
		assert_int_equal(r.n_chain, rows[i].n_chain);
		assert_int_equal(r.has_key, rows[i].has_key);
		assert_true(!r.has_key || (r.key[1] == 1 && r.key[31] == 3));
		if (r.n_chain)
			assert_int_equal(r.chain[r.n_chain - 1].n, rows[i].last);
		assert_true(rows[i].kind != DS_KEY_REPLY_ENV || r.public_key.n == 32);
	}
}

static void refused(void **state)
{
	static const char *const rows[] = {
		"",
		"[]",
		"{}",
		KEY "x",
		"{\"key\":\"" HEX32 "\"}",
		"{\"key\":\"" HEX32 "\",\"signature_chain\":[\"" HEX65 "\"]}",
		"{\"key\":\"" HEX32 "00\",\"signature_chain\":[\"" HEX65 "\",\"" HEX65 "\"]}",
		"{\"key\":\"" HEX32 "\",\"key\":\"" HEX32 "\",\"signature_chain\":[\"\",\"\"]}",
		"{\"key\":1,\"signature_chain\":[\"" HEX65 "\",\"" HEX65 "\"]}",
		"{\"signature_chain\":[\"" HEX65 "00\",\"" HEX65 "\"]}",
		"{\"signature_chain\":[\"0\",\"" HEX65 "\"]}",
		"{\"signature_chain\":[\"xx\",\"" HEX65 "\"]}",
		"{\"signature_chain\":[1,2]}",
		"{\"signature_chain\":[\"\",\"\",\"\",\"\"],\"signature\":\"00\"}",
		"{\"signature\":\"" HEX64 "\",\"signature_chain\":[\"\",\"\",\"\"]}",
		"{\"public_key\":\"" HEX33 "\",\"signature\":\"" HEX65 "\"}",
		"{\"public_key\":\"" HEX32 "\",\"signature\":\"" HEX65 "\",\"timestamp\":\"1\"}",
		"{\"public_key\":\"" HEX32 "\",\"signature\":\"" HEX65 "\",\"timestamp\":-1}",
		"{\"public_key\":\"" HEX32 "\",\"signature\":null}",
		"{\"k256_key\":\"" HEX32 "\",\"k256_signature\":7}",
		"{\"public_key\":\"xx\",\"signature_chain\":[\"" HEX65 "\",\"" HEX65 "\"]}",
		"{\"signature\":\"xx\",\"signature_chain\":[\"" HEX65 "\",\"" HEX65 "\"]}",
		"{\"public_key\":\"" HEX32 "\",\"signature\":\"" HEX65
		"\",\"signature_v1\":\"xx\"}",
		"{\"public_key\":\"" HEX32 "\"}",
		"{\"signature_chain\":[\"" HEX64 "\",\"" HEX65 "\",\"" HEX65 "\"],\"public_key\":\"" HEX33
		"\"}",
		/* two replies in one */
		"{\"k256_signature\":\"" HEX65 "\",\"signature\":\"" HEX64 "\"}",
		"{\"signature\":\"" HEX64 "\",\"signature_chain\":[\"" HEX65 "\",\"" HEX65 "\"]}",
		"{\"k256_signature\":\"" HEX65 "\",\"signature\":\"" HEX64
		"\",\"signature_chain\":[\"" HEX64 "\",\"" HEX65 "\",\"" HEX65
		"\"],\"public_key\":\"" HEX33 "\"}",
		"{\"k256_signature\":\"" HEX65 "\",\"public_key\":\"" HEX32 "\",\"signature\":\"" HEX65
		"\"}",
		"{\"public_key\":\"" HEX32 "\",\"signature\":\"" HEX65 "\",\"signature_chain\":[\"" HEX65
		"\"]}",
		"{\"k256_signature\":\"" HEX65 "\",\"signature_chain\":[\"" HEX65 "\",\"" HEX65 "\"]}",
	};
	DS_BUF struct ds_buf big = DS_BUF_NULL;
	struct ds_key_reply r;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++)
		if (ds_key_reply_parse(DS_SPAN_STR(rows[i]), &r, NULL) != -EBADMSG)
			fail_msg("accepted: %s", rows[i]);
	assert_int_equal(ds_buf_add_zero(&big, DS_MAX_KEY_REPLY + 1), 0);
	assert_int_equal(ds_key_reply_parse(ds_buf_span(&big), &r, NULL), -EFBIG);
}

static void truncated(void **state)
{
	static const char *const rows[] = { KEY, SIGN, ENV, APP };

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		for (size_t n = 0; n < strlen(rows[i]); n++) {
			char *copy = malloc(n ? n : 1);
			struct ds_key_reply r;

			assert_non_null(copy);
			memcpy(copy, rows[i], n);
			assert_int_equal(ds_key_reply_parse(DS_SPAN(copy, n), &r, NULL), -EBADMSG);
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(refused),
		cmocka_unit_test(truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
