// SPDX-License-Identifier: Apache-2.0
/*
 * The block that counts: the nodes' newest final blocks give a number that enough of them have, then
 * enough must agree on the block of that number, and on what the contract says of itself there.
 */
#include "pol.h"

#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/eth/history.h>
#include <time.h>

#define DOM "head"

#define HISTORY_HEAD (ds_eth_history_slots + 1) /* of two */

struct pol_wait {
	struct pol_wait *next;
	pol_head_fn fn;
	void *arg;
};

bool pol_head_fresh(const struct pol *p, const struct pol_head *head)
{
	return head->valid && pol_now() - head->taken < (int64_t)p->conf->lease_ms;
}

/* Of the refresh; on success the new head replaces the old one and the answers that hung on it. */
static void finish(struct pol *p, int r, const struct ds_err *err)
{
	struct pol_wait *w = p->waiting, *next;

	p->refreshing = false;
	p->waiting = NULL;
	if (!r) {
		p->next.valid = true;
		p->head = p->next;
		p->n_answer = 0;
		if (!pol_head_fresh(p, &p->head)) {
			static const struct ds_err late = {
				.code = -ESTALE, .msg = "the lease ran out while the nodes were asked"
			};

			r = -ESTALE;
			err = &late;
		}
	}
	for (; w; w = next) {
		next = w->next;
		w->fn(w->arg, r, r ? NULL : &p->head, err);
		free(w);
	}
}

static void start(struct pol *p, struct pol_round_spec *spec)
{
	struct ds_err err = DS_ERR_NULL;
	int r = pol_round_start(p, spec, &err);

	if (r)
		finish(p, r, &err);
}

static void put64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[7 - i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static int check_age(const struct pol *p, const struct ds_eth_block *b, struct ds_err *err)
{
	int64_t age = time(NULL) - (int64_t)(b->time & INT64_MAX);

	if (b->number < p->seen.number)
		return ds_err_set(err, -ESTALE, DOM, 0, "block %llu is older than %llu, which was seen",
				  (unsigned long long)b->number,
				  (unsigned long long)p->seen.number);
	if (age > (int64_t)p->conf->max_block_age)
		return ds_err_set(err, -ESTALE, DOM, 0,
				  "block %llu is %lld seconds old, expected at most %llu",
				  (unsigned long long)b->number, (long long)age,
				  (unsigned long long)p->conf->max_block_age);
	return 0;
}

/* --- what the contract says of itself */

static int take_history(void *arg, struct ds_span reply, struct ds_buf *ret, struct ds_err *err)
{
	struct ds_eth_account acc;
	struct pol *p = arg;
	uint8_t word[1][32];

	DS_TRY(ds_eth_take_proof(reply, p->next.block.state_root, p->conf->contract, HISTORY_HEAD, 1,
				 &acc, word, err));
	if (!acc.exists)
		return ds_err_set(err, -EPROTO, DOM, 0, "there is no contract at the address");
	return ds_buf_add(ret, word, 32);
}

static void on_history(void *arg, int r, struct ds_span answer, const struct ds_err *err)
{
	struct pol *p = arg;

	if (!r)
		memcpy(p->next.history, answer.p, 32);
	finish(p, r, err);
}

static void ask_history(struct pol *p)
{
	struct ds_err err = DS_ERR_NULL;
	struct pol_round_spec spec = { .what = "eth_getProof", .need = 1, .judge = ds_eth_votes_first,
				       .take = take_history, .done = on_history, .arg = p };

	if (p->conf->proofs == POL_PROOFS_OFF)
		finish(p, 0, &err);
	else if (ds_eth_ask_proof(p->conf->contract, HISTORY_HEAD, 1, p->next.block.hash,
				  &spec.body))
		finish(p, -ENOMEM, &err);
	else
		start(p, &spec);
}

static int take_call(void *arg, struct ds_span reply, struct ds_buf *ret, struct ds_err *err)
{
	(void)arg;
	return ds_eth_take_call(reply, ret, err);
}

static void ask_call(struct pol *p, const char *signature,
		     void (*done)(void *, int, struct ds_span, const struct ds_err *))
{
	struct pol_round_spec spec = { .what = signature, .need = p->conf->quorum,
				       .judge = ds_eth_votes_agree, .take = take_call,
				       .done = done, .arg = p };
	DS_BUF struct ds_buf data = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	if (ds_eth_abi_call0(signature, &data) ||
	    ds_eth_ask_call(p->conf->contract, ds_buf_span(&data), p->next.block.hash, &spec.body)) {
		ds_buf_done(&spec.body);
		finish(p, -ENOMEM, &err);
		return;
	}
	start(p, &spec);
}

static void on_implementation(void *arg, int r, struct ds_span answer, const struct ds_err *err)
{
	struct ds_err why = *err;
	struct pol *p = arg;

	if (!r)
		r = ds_eth_abi_address(answer, p->next.app_implementation, &why);
	if (r)
		finish(p, r, &why);
	else
		ask_history(p);
}

static int take_gateway(struct pol_head *head, struct ds_span answer, struct ds_err *err)
{
	struct ds_span s;

	DS_TRY(ds_eth_abi_string(answer, &s, err));
	if (s.n >= sizeof(head->gateway_app_id))
		return ds_err_set(err, -EFBIG, DOM, 0, "gatewayAppId is longer than 128 bytes");
	ds_escape(s, head->gateway_app_id, sizeof(head->gateway_app_id));
	return 0;
}

static void on_gateway(void *arg, int r, struct ds_span answer, const struct ds_err *err)
{
	struct ds_err why = *err;
	struct pol *p = arg;

	if (!r)
		r = take_gateway(&p->next, answer, &why);
	if (r)
		finish(p, r, &why);
	else
		ask_call(p, "appImplementation()", on_implementation);
}

/* --- the block */

#define BLOCK 80u /* number, time, hash, state root */

static int take_block(void *arg, struct ds_span reply, struct ds_buf *ret, struct ds_err *err)
{
	struct pol *p = arg;
	struct ds_eth_block b;
	uint8_t bytes[BLOCK];

	DS_TRY(ds_eth_take_block(reply, &b, err));
	if (b.number != p->next.block.number)
		return ds_err_set(err, -EBADMSG, DOM, 0, "expected block %llu, got %llu",
				  (unsigned long long)p->next.block.number,
				  (unsigned long long)b.number);
	put64(bytes, b.number);
	put64(bytes + 8, b.time);
	memcpy(bytes + 16, b.hash, 32);
	memcpy(bytes + 48, b.state_root, 32);
	return ds_buf_add(ret, bytes, sizeof(bytes));
}

/* What was final once stays so. */
static int keep(struct pol *p, const struct ds_eth_block *b, struct ds_err *err)
{
	struct pol_seen seen = { .number = b->number };
	int r;

	DS_TRY(check_age(p, b, err));
	memcpy(seen.hash, b->hash, 32);
	if (p->seen.number && b->number == p->seen.number) {
		if (!memcmp(seen.hash, p->seen.hash, 32))
			return 0;
		return ds_err_set(err, -EPERM, DOM, 0,
				  "block %llu has another hash than the one that was seen",
				  (unsigned long long)b->number);
	}
	r = pol_seen_store(p->conf->state, p->conf->chain_id, &seen);
	if (r)
		return ds_err_set(err, r, DOM, 0, "%s: %s", p->conf->state, strerror(-r));
	p->seen = seen;
	return 0;
}

static void on_block(void *arg, int r, struct ds_span answer, const struct ds_err *err)
{
	struct ds_err why = *err;
	struct pol *p = arg;
	struct ds_eth_block *b = &p->next.block;

	if (!r) {
		b->time = get64(answer.p + 8);
		memcpy(b->hash, answer.p + 16, 32);
		memcpy(b->state_root, answer.p + 48, 32);
		r = keep(p, b, &why);
	}
	if (r)
		finish(p, r, &why);
	else
		ask_call(p, "gatewayAppId()", on_gateway);
}

/* --- its number */

static int take_number(void *arg, struct ds_span reply, struct ds_buf *ret, struct ds_err *err)
{
	struct ds_eth_block b;
	uint8_t bytes[8];

	DS_TRY(ds_eth_take_block(reply, &b, err));
	DS_TRY(check_age(arg, &b, err));
	put64(bytes, b.number);
	return ds_buf_add(ret, bytes, sizeof(bytes));
}

static void on_number(void *arg, int r, struct ds_span answer, const struct ds_err *err)
{
	struct pol *p = arg;
	struct pol_round_spec spec = { .what = "block", .need = p->conf->quorum,
				       .judge = ds_eth_votes_agree, .take = take_block,
				       .done = on_block, .arg = p };

	if (r) {
		finish(p, r, err);
		return;
	}
	p->next.block.number = get64(answer.p);
	if (ds_eth_ask_block_number(p->next.block.number, &spec.body))
		finish(p, -ENOMEM, err);
	else
		start(p, &spec);
}

static void refresh(struct pol *p)
{
	struct pol_round_spec spec = { .what = p->conf->block, .need = p->conf->quorum,
				       .judge = ds_eth_votes_common, .take = take_number,
				       .done = on_number, .arg = p };
	struct ds_err err = DS_ERR_NULL;

	p->refreshing = true;
	p->next = (struct pol_head){ .taken = pol_now() };
	memset(p->chain_ok, 0, sizeof(p->chain_ok));
	if (ds_eth_ask_block(p->conf->block, &spec.body))
		finish(p, -ENOMEM, &err);
	else
		start(p, &spec);
}

void pol_head_get(struct pol *p, pol_head_fn fn, void *arg)
{
	struct ds_err err = DS_ERR_NULL;
	struct pol_wait *w;

	if (pol_head_fresh(p, &p->head)) {
		fn(arg, 0, &p->head, &err);
		return;
	}
	w = malloc(sizeof(*w));
	if (!w) {
		fn(arg, -ENOMEM, NULL, &err);
		return;
	}
	*w = (struct pol_wait){ p->waiting, fn, arg };
	p->waiting = w;
	if (!p->refreshing)
		refresh(p);
}
