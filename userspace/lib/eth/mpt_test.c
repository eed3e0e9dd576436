// SPDX-License-Identifier: Apache-2.0
/* Proofs over tries built by hand: every shape of a node, and every way to be none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/crypto/hash.h>
#include <ds/eth/mpt.h>

#define MAX_NODES 4

/* A trie with one path to the key: nodes from the root on. */
struct trie {
	struct ds_buf node[MAX_NODES];
	struct ds_span span[MAX_NODES];
	size_t n;
	uint8_t root[32];
	uint8_t nibble[64]; /* of the hashed key */
};

static const uint8_t slot[32] = { [31] = 5 };

static void hash(struct ds_span s, uint8_t ret[32])
{
	ds_keccak256(&s, 1, ret);
}

static void put_string(struct ds_buf *b, const void *p, size_t n)
{
	assert_true(n < 56);
	if (n != 1 || *(const uint8_t *)p >= 0x80)
		assert_int_equal(ds_buf_add_u8(b, (uint8_t)(0x80 + n)), 0);
	assert_int_equal(ds_buf_add(b, p, n), 0);
}

static void put_list(struct ds_buf *b, struct ds_buf *items)
{
	if (items->n > 55)
		assert_int_equal(ds_buf_add_u8(b, items->n > 255 ? 0xf9 : 0xf8), 0);
	if (items->n > 255)
		assert_int_equal(ds_buf_add_u8(b, (uint8_t)(items->n >> 8)), 0);
	assert_int_equal(ds_buf_add_u8(b, (uint8_t)(items->n > 55 ? items->n : 0xc0 + items->n)), 0);
	assert_int_equal(ds_buf_add_span(b, ds_buf_span(items)), 0);
	ds_buf_done(items);
}

/* flags: 0x20 for a leaf */
static void put_path(struct ds_buf *b, unsigned flags, const uint8_t *nibble, size_t n)
{
	uint8_t enc[33];
	size_t k = 0;

	enc[k++] = (uint8_t)(flags | (n % 2 ? 0x10 | nibble[0] : 0));
	for (size_t i = n % 2; i < n; i += 2)
		enc[k++] = (uint8_t)(nibble[i] << 4 | nibble[i + 1]);
	put_string(b, enc, k);
}

static void start(struct trie *t)
{
	uint8_t h[32];

	memset(t, 0, sizeof(*t));
	hash(DS_SPAN_ARRAY(slot), h);
	for (size_t i = 0; i < 64; i++)
		t->nibble[i] = i % 2 ? h[i / 2] & 15 : h[i / 2] >> 4;
}

static void done(struct trie *t)
{
	for (size_t i = 0; i < MAX_NODES; i++)
		ds_buf_done(&t->node[i]);
}

/* A leaf for the rest of the path from nibble at on. */
static void leaf(struct trie *t, struct ds_buf *to, size_t at, const void *value, size_t n)
{
	struct ds_buf items = DS_BUF_NULL;

	put_path(&items, 0x20, t->nibble + at, 64 - at);
	put_string(&items, value, n);
	put_list(to, &items);
}

/* A reference to a node: its hash, or itself. */
static void put_child(struct ds_buf *b, struct ds_span node)
{
	uint8_t h[32];

	if (node.n < 32) {
		assert_int_equal(ds_buf_add_span(b, node), 0);
		return;
	}
	hash(node, h);
	put_string(b, h, 32);
}

static void branch(struct trie *t, struct ds_buf *to, size_t at, struct ds_span child, const char *value)
{
	struct ds_buf items = DS_BUF_NULL;

	for (unsigned i = 0; i < 16; i++)
		if (i == t->nibble[at])
			put_child(&items, child);
		else
			put_string(&items, "", 0);
	put_string(&items, value, strlen(value));
	put_list(to, &items);
}

static void extension(struct trie *t, struct ds_buf *to, size_t at, size_t n, struct ds_span child)
{
	struct ds_buf items = DS_BUF_NULL;

	put_path(&items, 0, t->nibble + at, n);
	put_child(&items, child);
	put_list(to, &items);
}

static int get(struct trie *t, uint8_t word[32], struct ds_err *err)
{
	size_t n = 0;

	*err = DS_ERR_NULL;
	while (n < MAX_NODES && t->node[n].n) {
		t->span[n] = ds_buf_span(&t->node[n]);
		n++;
	}
	t->n = n;
	if (n)
		hash(t->span[0], t->root);
	return ds_eth_storage_proof(t->root, slot, t->span, n, word, err);
}

static void is(struct trie *t, uint8_t want)
{
	uint8_t word[32], zero[31] = { 0 };
	struct ds_err err;

	if (get(t, word, &err))
		fail_msg("%s", err.msg);
	assert_memory_equal(word, zero, 31);
	assert_int_equal(word[31], want);
	/* no node may be missing, or be another */
	for (size_t i = 0; i < t->n; i++) {
		struct ds_span kept = t->span[i];

		assert_int_equal(ds_eth_storage_proof(t->root, slot, t->span, i, word, &err), -EBADMSG);
		t->span[i] = DS_SPAN_LIT("\xc0");
		assert_int_equal(ds_eth_storage_proof(t->root, slot, t->span, t->n, word, &err), -EBADMSG);
		t->span[i] = kept;
	}
	done(t);
}

static void refused(struct trie *t, const char *text)
{
	struct ds_err err;
	uint8_t word[32];

	assert_int_equal(get(t, word, &err), -EBADMSG);
	if (!strstr(err.msg, text))
		fail_msg("expected '%s', got '%s'", text, err.msg);
	done(t);
}

static void shapes(void **state)
{
	struct ds_buf short_leaf = DS_BUF_NULL;
	struct trie t;
	uint8_t word[32];
	struct ds_err err;

	start(&t);
	leaf(&t, &t.node[0], 0, "\x2a", 1);
	is(&t, 42);
	/* a branch, then a leaf */
	start(&t);
	leaf(&t, &t.node[1], 1, "\x2a", 1);
	branch(&t, &t.node[0], 0, ds_buf_span(&t.node[1]), "");
	is(&t, 42);
	/* extensions of an even and of an odd number of nibbles */
	for (size_t n = 2; n < 4; n++) {
		start(&t);
		leaf(&t, &t.node[2], n + 1, "\x2a", 1);
		branch(&t, &t.node[1], n, ds_buf_span(&t.node[2]), "");
		extension(&t, &t.node[0], 0, n, ds_buf_span(&t.node[1]));
		is(&t, 42);
	}
	/* a leaf so short that it is part of its parent */
	start(&t);
	leaf(&t, &short_leaf, 11, "\x2a", 1);
	assert_true(short_leaf.n < 32);
	branch(&t, &t.node[1], 10, ds_buf_span(&short_leaf), "");
	extension(&t, &t.node[0], 0, 10, ds_buf_span(&t.node[1]));
	is(&t, 42);
	ds_buf_done(&short_leaf);
	/* the trie of nothing */
	start(&t);
	hash(DS_SPAN_LIT("\x80"), t.root);
	memset(word, 1, 32);
	assert_int_equal(get(&t, word, &err), 0);
	assert_int_equal(word[0] + word[31], 0);
}

/* What is proven not to be there. */
static void absent(void **state)
{
	struct trie t;

	start(&t); /* another leaf */
	t.nibble[63] ^= 1;
	leaf(&t, &t.node[0], 0, "\x2a", 1);
	is(&t, 0);
	start(&t); /* another child of the branch */
	t.nibble[0] ^= 1;
	leaf(&t, &t.node[1], 1, "\x2a", 1);
	branch(&t, &t.node[0], 0, ds_buf_span(&t.node[1]), "");
	ds_buf_done(&t.node[1]);
	is(&t, 0);
	start(&t); /* another extension */
	t.nibble[1] ^= 1;
	branch(&t, &t.node[1], 2, DS_SPAN_LIT("\x80"), "");
	extension(&t, &t.node[0], 0, 2, ds_buf_span(&t.node[1]));
	ds_buf_done(&t.node[1]);
	is(&t, 0);
}

static void raw(struct trie *t, const char *items, size_t n)
{
	struct ds_buf b = DS_BUF_NULL;

	start(t);
	assert_int_equal(ds_buf_add(&b, items, n), 0);
	put_list(&t->node[0], &b);
}
#define RAW(t, lit) raw(t, lit, sizeof(lit) - 1)

static void malformed(void **state)
{
	struct ds_buf b = DS_BUF_NULL;
	struct trie t;

	RAW(&t, "");
	refused(&t, "neither 2 nor 17");
	RAW(&t, "\x01\x01\x01");
	refused(&t, "neither 2 nor 17");
	RAW(&t, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80");
	refused(&t, "more than 17");
	RAW(&t, "\xc0\x01");
	refused(&t, "path is a list");
	RAW(&t, "\x80\x01");
	refused(&t, "bad path");
	RAW(&t, "\x40\x01");
	refused(&t, "bad path");
	RAW(&t, "\x21\x01");
	refused(&t, "bad path");
	RAW(&t, "\x00\x01");
	refused(&t, "extension by nothing");
	RAW(&t, "\x20\x01");
	refused(&t, "another length");
	start(&t);
	assert_int_equal(ds_buf_add(&t.node[0], "\x83" "abc", 4), 0);
	refused(&t, "is no list");
	start(&t);
	extension(&t, &t.node[0], 0, 64, DS_SPAN_LIT("\xc0"));
	refused(&t, "another length");
	start(&t);
	leaf(&t, &t.node[0], 1, "\x2a", 1);
	refused(&t, "another length");
	start(&t);
	leaf(&t, &t.node[0], 0, "", 0);
	refused(&t, "leaf without a value");
	start(&t);
	branch(&t, &t.node[0], 0, DS_SPAN_LIT("\x80"), "v");
	refused(&t, "branch with a value");
	start(&t);
	branch(&t, &t.node[0], 0, DS_SPAN_LIT("\x82" "ab"), "");
	refused(&t, "neither a hash nor a short node");
	/* 65 nibbles */
	start(&t);
	{
		uint8_t path[34] = { 0x30 };

		put_string(&b, path, sizeof(path));
		put_string(&b, "\x2a", 1);
		put_list(&t.node[0], &b);
	}
	refused(&t, "path is too long");
	/* bytes behind the node */
	start(&t);
	leaf(&t, &t.node[0], 0, "\x2a", 1);
	assert_int_equal(ds_buf_add_u8(&t.node[0], 0), 0);
	refused(&t, "behind the item");
	/* words that are none */
	start(&t);
	leaf(&t, &t.node[0], 0, "\x82\x00\x2a", 3);
	refused(&t, "number of up to 32");
	start(&t);
	leaf(&t, &t.node[0], 0, "\xc0", 1);
	refused(&t, "number of up to 32");
	start(&t);
	leaf(&t, &t.node[0], 0, "\x80", 1);
	is(&t, 0);
	start(&t);
	leaf(&t, &t.node[0], 0, "\xa1" "123456789012345678901234567890123", 34);
	refused(&t, "number of up to 32");
}

/* keccak256(key || 0 … 5), a known one: registeredApps in the deployed layout */
static void mappings(void **state)
{
	uint8_t key[32] = { 0 }, cat[64] = { [63] = 5 }, want[32], got[32];

	key[31] = 0xaa;
	memcpy(cat, key, 32);
	hash(DS_SPAN_ARRAY(cat), want);
	ds_eth_mapping_slot(key, 5, got);
	assert_memory_equal(got, want, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),    cmocka_unit_test(absent),
		cmocka_unit_test(malformed), cmocka_unit_test(mappings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
