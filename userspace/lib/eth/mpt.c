// SPDX-License-Identifier: Apache-2.0
/*
 * Merkle-Patricia proofs. A node is a list of 17 (a branch: a child for each nibble, and a value) or
 * of 2 (a piece of path, and the child or value behind it). A child is the Keccak-256 of a node, or
 * the node itself where that is shorter than a hash.
 */
#include <ds/crypto/hash.h>
#include <ds/eth/mpt.h>
#include <ds/eth/rlp.h>

#define DOM "proof"
#define NIBBLES 64u /* of a hashed key */

struct walk {
	uint8_t path[NIBBLES];
	size_t at; /* nibbles behind us */
	const struct ds_span *nodes;
	size_t n, next; /* the next node of the proof */
	struct ds_err *err;
};

static void keccak(struct ds_span s, uint8_t ret[32])
{
	ds_keccak256(&s, 1, ret);
}

static int bad(const struct walk *w, const char *what)
{
	return ds_err_set(w->err, -EBADMSG, DOM, w->next, "node %zu: %s", w->next, what);
}

/* The node with this hash is the next one of the proof. */
static int take(struct walk *w, const uint8_t hash[32], struct ds_rlp *ret)
{
	uint8_t is[32];

	if (w->next == w->n)
		return bad(w, "is missing");
	keccak(w->nodes[w->next], is);
	if (memcmp(is, hash, 32))
		return bad(w, "is not the one that its parent names");
	w->next++;
	return ds_rlp_single(w->nodes[w->next - 1], ret, w->err);
}

/* Hex-prefix form: flags in the first nibble, an odd nibble beside them. */
static int compact(const struct walk *w, struct ds_span enc, bool *ret_leaf,
		   uint8_t ret_nibbles[NIBBLES], size_t *ret_n)
{
	bool odd;
	size_t n = 0;

	if (!enc.n || enc.p[0] > 0x3f || (!(enc.p[0] & 0x10) && (enc.p[0] & 0x0f)))
		return bad(w, "bad path");
	odd = enc.p[0] & 0x10;
	if (2 * (enc.n - 1) + odd > NIBBLES)
		return bad(w, "path is too long");
	*ret_leaf = enc.p[0] & 0x20;
	if (odd)
		ret_nibbles[n++] = enc.p[0] & 0x0f;
	for (size_t i = 1; i < enc.n; i++) {
		ret_nibbles[n++] = enc.p[i] >> 4;
		ret_nibbles[n++] = enc.p[i] & 0x0f;
	}
	*ret_n = n;
	return 0;
}

/* 0: ret is the child's node, or the value of a leaf; absent: the path ends here. */
struct step {
	bool absent, leaf;
	struct ds_rlp item;
};

static int short_node(struct walk *w, const struct ds_rlp item[2], struct step *ret)
{
	uint8_t nibbles[NIBBLES];
	size_t n = 0;

	if (item[0].list)
		return bad(w, "path is a list");
	DS_TRY(compact(w, item[0].body, &ret->leaf, nibbles, &n));
	if (!n && !ret->leaf)
		return bad(w, "extension by nothing");
	if (ret->leaf ? n != NIBBLES - w->at : n >= NIBBLES - w->at)
		return bad(w, "path has another length than the key");
	ret->absent = memcmp(nibbles, w->path + w->at, n);
	if (ret->absent)
		return 0;
	w->at += n;
	if (ret->leaf && (item[1].list || !item[1].body.n))
		return bad(w, "leaf without a value");
	ret->item = item[1];
	return 0;
}

static int branch(struct walk *w, const struct ds_rlp item[17], struct step *ret)
{
	if (w->at >= NIBBLES)
		return bad(w, "branch behind the end of the key");
	/* all keys have one length, so none ends in a branch */
	if (item[16].list || item[16].body.n)
		return bad(w, "branch with a value");
	ret->item = item[w->path[w->at]];
	ret->absent = !ret->item.list && !ret->item.body.n;
	w->at++;
	return 0;
}

static int step(struct walk *w, const struct ds_rlp *node, struct step *ret)
{
	struct ds_rlp item[17];
	size_t n = 0;

	*ret = (struct step){ 0 };
	if (!node->list)
		return bad(w, "is no list");
	DS_TRY(ds_rlp_items(node->body, item, DS_ARRAY_SIZE(item), &n, w->err));
	if (n == 17)
		return branch(w, item, ret);
	return n == 2 ? short_node(w, item, ret) : bad(w, "has neither 2 nor 17 items");
}

static int follow(struct walk *w, const struct ds_rlp *child, struct ds_rlp *ret)
{
	if (child->list && child->whole.n < 32) {
		*ret = *child;
		return 0;
	}
	if (child->list || child->body.n != 32)
		return bad(w, "child is neither a hash nor a short node");
	return take(w, child->body.p, ret);
}

int ds_mpt_get(const uint8_t root[32], struct ds_span key, const struct ds_span *nodes, size_t n,
	       struct ds_span *ret, struct ds_err *err)
{
	struct walk w = { .nodes = nodes, .n = n, .err = err };
	struct ds_rlp node = { 0 };
	struct step s = { 0 };
	uint8_t hash[32];

	keccak(key, hash);
	for (size_t i = 0; i < NIBBLES; i++)
		w.path[i] = i % 2 ? hash[i / 2] & 0x0f : hash[i / 2] >> 4;
	keccak(DS_SPAN_LIT("\x80"), hash); /* the trie of nothing */
	if (!memcmp(hash, root, 32)) {
		*ret = DS_SPAN_NULL;
		return 0;
	}
	DS_TRY(take(&w, root, &node));
	for (;;) { /* each turn is further along the path, or the end */
		DS_TRY(step(&w, &node, &s));
		if (s.absent || s.leaf)
			break;
		DS_TRY(follow(&w, &s.item, &node));
	}
	*ret = s.absent ? DS_SPAN_NULL : s.item.body;
	return 0;
}

int ds_eth_account_proof(const uint8_t state_root[32], const uint8_t address[20],
			 const struct ds_span *nodes, size_t n, struct ds_eth_account *ret,
			 struct ds_err *err)
{
	struct ds_eth_account acc = { 0 };
	struct ds_span value = DS_SPAN_NULL;
	struct ds_rlp all, item[4]; /* nonce, balance, storage root, code hash */
	size_t n_item = 0;

	DS_TRY(ds_mpt_get(state_root, DS_SPAN(address, 20), nodes, n, &value, err));
	if (!value.n) {
		keccak(DS_SPAN_LIT("\x80"), acc.storage_root);
		keccak(DS_SPAN_NULL, acc.code_hash);
		*ret = acc;
		return 0;
	}
	DS_TRY(ds_rlp_single(value, &all, err));
	if (!all.list)
		return ds_err_set(err, -EBADMSG, DOM, 0, "account is no list");
	DS_TRY(ds_rlp_items(all.body, item, DS_ARRAY_SIZE(item), &n_item, err));
	if (n_item != 4 || item[2].list || item[2].body.n != 32 || item[3].list ||
	    item[3].body.n != 32)
		return ds_err_set(err, -EBADMSG, DOM, 0,
				  "account: expected nonce, balance, storage root, code hash");
	acc.exists = true;
	memcpy(acc.storage_root, item[2].body.p, 32);
	memcpy(acc.code_hash, item[3].body.p, 32);
	*ret = acc;
	return 0;
}

int ds_eth_storage_proof(const uint8_t storage_root[32], const uint8_t slot[32],
			 const struct ds_span *nodes, size_t n, uint8_t ret[32],
			 struct ds_err *err)
{
	struct ds_span value = DS_SPAN_NULL;
	struct ds_rlp word = { 0 };

	DS_TRY(ds_mpt_get(storage_root, DS_SPAN(slot, 32), nodes, n, &value, err));
	if (value.n) {
		DS_TRY(ds_rlp_single(value, &word, err));
		/* nodes for development keep words that were set to zero, as empty numbers */
		if (word.list || word.body.n > 32 || (word.body.n && !word.body.p[0]))
			return ds_err_set(err, -EBADMSG, DOM, 0,
					  "storage: expected a number of up to 32 bytes");
	}
	memset(ret, 0, 32);
	if (word.body.n)
		memcpy(ret + 32 - word.body.n, word.body.p, word.body.n);
	return 0;
}

void ds_eth_mapping_slot(const uint8_t key[32], uint64_t slot, uint8_t ret[32])
{
	uint8_t word[32] = { 0 };
	const struct ds_span parts[] = { DS_SPAN(key, 32), DS_SPAN_ARRAY(word) };

	for (int i = 0; i < 8; i++)
		word[31 - i] = (uint8_t)(slot >> 8 * i);
	ds_keccak256(parts, 2, ret);
}
