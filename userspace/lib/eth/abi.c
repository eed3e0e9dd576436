// SPDX-License-Identifier: Apache-2.0
/* Words of 32 bytes: fixed parts in order, offsets to what has no fixed size. */
#include <ds/crypto/hash.h>
#include <ds/eth/abi.h>

#define DOM  "abi"
#define WORD 32u
#define BOOT "(address,bytes32,address,bytes32,bytes32,bytes32,bytes32,string,string[])"

static int add_number(struct ds_buf *b, uint64_t v)
{
	uint8_t word[WORD] = { 0 };

	for (int i = 0; i < 8; i++)
		word[WORD - 1 - i] = (uint8_t)(v >> 8 * i);
	return ds_buf_add(b, word, WORD);
}

static int add_address(struct ds_buf *b, const uint8_t a[20])
{
	DS_TRY(ds_buf_add_zero(b, 12));
	return ds_buf_add(b, a, 20);
}

static size_t padded(size_t n)
{
	return (n + WORD - 1) / WORD * WORD;
}

static int add_string(struct ds_buf *b, const char *s)
{
	size_t n = strlen(s);

	DS_TRY(add_number(b, n));
	DS_TRY(ds_buf_add(b, s, n));
	return ds_buf_add_zero(b, padded(n) - n);
}

static int add_strings(struct ds_buf *b, const char *const *list, size_t n)
{
	size_t at = n * WORD;

	DS_TRY(add_number(b, n));
	for (size_t i = 0; i < n; i++) { /* offsets from behind the count */
		DS_TRY(add_number(b, at));
		at += WORD + padded(strlen(list[i]));
	}
	for (size_t i = 0; i < n; i++)
		DS_TRY(add_string(b, list[i]));
	return 0;
}

static int add_boot(struct ds_buf *b, const struct ds_eth_boot *boot)
{
	const size_t head = 9 * WORD;

	DS_TRY(add_address(b, boot->app_id));
	DS_TRY(ds_buf_add(b, boot->compose_hash, WORD));
	DS_TRY(add_address(b, boot->instance_id));
	DS_TRY(ds_buf_add(b, boot->device_id, WORD));
	DS_TRY(ds_buf_add(b, boot->mr_aggregated, WORD));
	DS_TRY(ds_buf_add(b, boot->mr_system, WORD));
	DS_TRY(ds_buf_add(b, boot->os_image_hash, WORD));
	DS_TRY(add_number(b, head));
	DS_TRY(add_number(b, head + WORD + padded(strlen(boot->tcb_status))));
	DS_TRY(add_string(b, boot->tcb_status));
	return add_strings(b, boot->advisory, boot->n_advisory);
}

static int add_selector(struct ds_buf *b, const char *signature)
{
	struct ds_span s = DS_SPAN_STR(signature);
	uint8_t hash[32];

	ds_keccak256(&s, 1, hash);
	return ds_buf_add(b, hash, 4);
}

int ds_eth_abi_call0(const char *signature, struct ds_buf *ret)
{
	return add_selector(ret, signature);
}

int ds_eth_abi_call_word(const char *signature, const uint8_t word[32], struct ds_buf *ret)
{
	DS_TRY(add_selector(ret, signature));
	return ds_buf_add(ret, word, WORD);
}

int ds_eth_abi_call_bytes(const char *signature, struct ds_span bytes, struct ds_buf *ret)
{
	DS_TRY(add_selector(ret, signature));
	DS_TRY(add_number(ret, WORD));
	DS_TRY(add_number(ret, bytes.n));
	DS_TRY(ds_buf_add_span(ret, bytes));
	return ds_buf_add_zero(ret, padded(bytes.n) - bytes.n);
}

int ds_eth_abi_question(enum ds_eth_question q, const struct ds_eth_boot *boot, const char *tee,
			struct ds_buf *ret)
{
	static const char *const signature[] = {
		[DS_ETH_IS_KMS_ALLOWED] = "isKmsAllowed(" BOOT ")",
		[DS_ETH_IS_APP_ALLOWED] = "isAppAllowed(" BOOT ")",
		[DS_ETH_IS_APP_ALLOWED_ON] = "isAppAllowedOn(" BOOT ",string)",
	};
	DS_BUF struct ds_buf tuple = DS_BUF_NULL;
	bool with_tee = q == DS_ETH_IS_APP_ALLOWED_ON;

	DS_TRY(add_boot(&tuple, boot));
	DS_TRY(add_selector(ret, signature[q]));
	DS_TRY(add_number(ret, (1 + with_tee) * WORD));
	if (with_tee)
		DS_TRY(add_number(ret, 2 * WORD + tuple.n));
	DS_TRY(ds_buf_add_span(ret, ds_buf_span(&tuple)));
	return with_tee ? add_string(ret, tee) : 0;
}

/* The word at index i as a number that fits. */
static int number(struct ds_span in, size_t i, uint64_t *ret, struct ds_err *err)
{
	uint64_t v = 0;

	if (in.n / WORD <= i)
		return ds_err_set(err, -EBADMSG, DOM, in.n, "expected word %zu, got the end", i);
	for (size_t k = 0; k < WORD; k++) {
		uint8_t byte = in.p[i * WORD + k];

		if (k < WORD - 8 && byte)
			return ds_err_set(err, -EBADMSG, DOM, i * WORD, "word %zu is too large", i);
		v = v << 8 | byte;
	}
	*ret = v;
	return 0;
}

/* The string that ends in; its offset is the word at index i, and must be what comes next. */
static int last_string(struct ds_span in, size_t i, struct ds_span *ret, struct ds_err *err)
{
	uint64_t offset = 0, n = 0;
	size_t start = (i + 2) * WORD;

	DS_TRY(number(in, i, &offset, err));
	if (offset != (i + 1) * WORD)
		return ds_err_set(err, -EBADMSG, DOM, i * WORD, "string is not where it belongs");
	DS_TRY(number(in, i + 1, &n, err));
	if (n > in.n || start + padded((size_t)n) != in.n)
		return ds_err_set(err, -EBADMSG, DOM, (i + 1) * WORD,
				  "string of %llu bytes, %zu are there", (unsigned long long)n,
				  in.n - start);
	for (size_t k = start + (size_t)n; k < in.n; k++)
		if (in.p[k])
			return ds_err_set(err, -EBADMSG, DOM, k, "string's padding is not zero");
	*ret = DS_SPAN(in.p + start, (size_t)n);
	return 0;
}

int ds_eth_abi_ruling(struct ds_span in, bool *ret_allowed, struct ds_span *ret_reason,
		      struct ds_err *err)
{
	uint64_t allowed = 0;

	DS_TRY(number(in, 0, &allowed, err));
	if (allowed > 1)
		return ds_err_set(err, -EBADMSG, DOM, 0, "expected a truth value");
	DS_TRY(last_string(in, 1, ret_reason, err));
	*ret_allowed = allowed;
	return 0;
}

int ds_eth_abi_string(struct ds_span in, struct ds_span *ret, struct ds_err *err)
{
	return last_string(in, 0, ret, err);
}

int ds_eth_abi_address(struct ds_span in, uint8_t ret[20], struct ds_err *err)
{
	static const uint8_t zero[12];

	if (in.n != WORD || memcmp(in.p, zero, sizeof(zero)))
		return ds_err_set(err, -EBADMSG, DOM, 0, "expected an address");
	memcpy(ret, in.p + 12, 20);
	return 0;
}
