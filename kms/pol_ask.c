// SPDX-License-Identifier: Apache-2.0
/*
 * One question to the contracts. A yes of the nodes is checked against the storage that it must come
 * from (docs/contracts.md), proven under the state root that they agreed on.
 */
#include "pol.h"

#include <ds/base/text.h>
#include <ds/crypto/hash.h>

#define DOM "ask"

struct ask {
	struct pol *p;
	bool kms;
	const struct pol_boot *boot;
	pol_ruling_fn fn;
	void *arg;
	struct ds_buf call;
	uint8_t question[32];
	struct pol_ruling ruling;
	uint8_t slot[4][32];
	size_t n_slot;
};

static void finish(struct ask *a, int r, const struct ds_err *err)
{
	static const struct ds_err late = { .code = -ESTALE,
					    .msg = "the lease ran out while the nodes were asked" };

	if (!r && !pol_head_fresh(a->p, &a->ruling.head)) {
		r = -ESTALE;
		err = &late;
	}
	a->fn(a->arg, r, r ? NULL : &a->ruling, err);
	ds_buf_done(&a->call);
	free(a);
}

/* --- answers at this head */

static const struct pol_answer *known(const struct pol *p, const uint8_t question[32])
{
	for (size_t i = 0; i < p->n_answer && i < POL_ANSWERS; i++)
		if (!memcmp(p->answer[i].question, question, 32))
			return &p->answer[i];
	return NULL;
}

static void remember(struct ask *a)
{
	struct pol *p = a->p;
	struct pol_answer *slot;

	/* a newer head may have come meanwhile: this is not its answer */
	if (memcmp(p->head.block.hash, a->ruling.head.block.hash, 32))
		return;
	slot = &p->answer[p->n_answer++ % POL_ANSWERS];
	memcpy(slot->question, a->question, 32);
	slot->allowed = a->ruling.allowed;
	memcpy(slot->reason, a->ruling.reason, sizeof(slot->reason));
}

static void finish_new(struct ask *a)
{
	struct ds_err err = DS_ERR_NULL;

	remember(a);
	finish(a, 0, &err);
}

/* --- proofs */

static bool is_one(const uint8_t word[32])
{
	static const uint8_t zero[31];

	return !memcmp(word, zero, 31) && word[31] == 1;
}

/* 1 byte: does the storage say yes? A proof is believed whoever brings it. */
static int take_kms_proof(void *arg, struct ds_span reply, struct ds_buf *ret, struct ds_err *err)
{
	struct ask *a = arg;
	struct ds_eth_account acc;
	uint8_t word[4][32], yes = 1;

	DS_TRY(ds_eth_take_proof(reply, a->ruling.head.block.state_root, a->p->conf->contract,
				 (const uint8_t(*)[32])a->slot, a->n_slot, &acc, word, err));
	for (size_t i = 0; i < a->n_slot; i++)
		yes &= is_one(word[i]);
	return ds_buf_add(ret, &yes, 1);
}

/* AppAuth: slot 0 compose hashes, slot 1 with the any-device switch in its second byte, slot 2 devices */
static int take_app_proof(void *arg, struct ds_span reply, struct ds_buf *ret, struct ds_err *err)
{
	struct ask *a = arg;
	struct ds_eth_account acc;
	uint8_t word[4][32], yes;

	DS_TRY(ds_eth_take_proof(reply, a->ruling.head.block.state_root, a->boot->boot.app_id,
				 (const uint8_t(*)[32])a->slot, a->n_slot, &acc, word, err));
	yes = is_one(word[0]) && (word[1][30] == 1 || is_one(word[2]));
	return ds_buf_add(ret, &yes, 1);
}

static void on_app_proof(void *arg, int r, struct ds_span answer, const struct ds_err *err);
static void on_kms_proof(void *arg, int r, struct ds_span answer, const struct ds_err *err);

static void ask_proof(struct ask *a, bool app)
{
	struct pol_round_spec spec = { .what = "eth_getProof", .need = 1, .judge = ds_eth_votes_first,
				       .take = app ? take_app_proof : take_kms_proof,
				       .done = app ? on_app_proof : on_kms_proof, .arg = a };
	struct ds_err err = DS_ERR_NULL;
	int r = ds_eth_ask_proof(app ? a->boot->boot.app_id : a->p->conf->contract,
				 (const uint8_t(*)[32])a->slot, a->n_slot, a->ruling.head.block.hash,
				 &spec.body);

	if (!r)
		r = pol_round_start(a->p, &spec, &err);
	if (r)
		finish(a, r, &err);
}

static void add_mapping(struct ask *a, const uint8_t *key, size_t n, uint64_t slot)
{
	uint8_t word[32] = { 0 };

	memcpy(word + 32 - n, key, n);
	ds_eth_mapping_slot(word, slot, a->slot[a->n_slot++]);
}

/* KmsAuth: slot 5 apps, 6 aggregated measurements, 7 devices of key servers, 8 images */
static void prove_kms(struct ask *a)
{
	const struct ds_eth_boot *b = &a->boot->boot;

	a->n_slot = 0;
	add_mapping(a, b->os_image_hash, 32, 8);
	if (a->kms) {
		add_mapping(a, b->mr_aggregated, 32, 6);
		add_mapping(a, b->device_id, 32, 7);
	} else {
		add_mapping(a, b->app_id, 20, 5);
	}
	ask_proof(a, false);
}

static void prove_app(struct ask *a)
{
	a->n_slot = 0;
	add_mapping(a, a->boot->boot.compose_hash, 32, 0);
	memset(a->slot[a->n_slot], 0, 32);
	a->slot[a->n_slot++][31] = 1;
	add_mapping(a, a->boot->boot.device_id, 32, 2);
	ask_proof(a, true);
}

static int check_proof(int r, struct ds_span answer, struct ds_err *err)
{
	if (r || answer.p[0])
		return r;
	return ds_err_set(err, -EPERM, DOM, 0,
			  "the endpoints say yes, but the contract's storage says no");
}

static void on_app_proof(void *arg, int r, struct ds_span answer, const struct ds_err *err)
{
	struct ds_err why = *err;
	struct ask *a = arg;

	r = check_proof(r, answer, &why);
	if (r)
		finish(a, r, &why);
	else
		finish_new(a);
}

static void on_kms_proof(void *arg, int r, struct ds_span answer, const struct ds_err *err)
{
	struct ds_err why = *err;
	struct ask *a = arg;

	r = check_proof(r, answer, &why);
	if (r)
		finish(a, r, &why);
	else if (a->p->conf->proofs == POL_PROOFS_ALL && !a->kms)
		prove_app(a);
	else
		finish_new(a);
}

/* --- the call */

static int take_call(void *arg, struct ds_span reply, struct ds_buf *ret, struct ds_err *err)
{
	(void)arg;
	return ds_eth_take_call(reply, ret, err);
}

static void on_call(void *arg, int r, struct ds_span answer, const struct ds_err *err)
{
	struct ds_span reason = DS_SPAN_NULL;
	struct ds_err why = *err;
	struct ask *a = arg;

	if (!r)
		r = ds_eth_abi_ruling(answer, &a->ruling.allowed, &reason, &why);
	if (r) {
		finish(a, r, &why);
		return;
	}
	ds_escape(reason, a->ruling.reason, sizeof(a->ruling.reason));
	if (a->ruling.allowed && a->p->conf->proofs != POL_PROOFS_OFF)
		prove_kms(a);
	else
		finish_new(a);
}

static void on_head(void *arg, int r, const struct pol_head *head, const struct ds_err *err)
{
	struct ask *a = arg;
	struct pol_round_spec spec = { .what = a->kms ? "isKmsAllowed" : "isAppAllowed",
				       .need = a->p->conf->quorum, .judge = ds_eth_votes_agree,
				       .take = take_call, .done = on_call, .arg = a };
	const struct pol_answer *old;
	struct ds_err why = *err;

	if (r) {
		finish(a, r, err);
		return;
	}
	a->ruling.head = *head;
	old = known(a->p, a->question);
	if (old) {
		a->ruling.allowed = old->allowed;
		memcpy(a->ruling.reason, old->reason, sizeof(old->reason));
		finish(a, 0, err);
		return;
	}
	r = ds_eth_ask_call(a->p->conf->contract, ds_buf_span(&a->call), head->block.hash,
			    &spec.body);
	if (!r)
		r = pol_round_start(a->p, &spec, &why);
	if (r)
		finish(a, r, &why);
}

void pol_ask(struct pol *p, bool kms, const struct pol_boot *boot, pol_ruling_fn fn, void *arg)
{
	struct ask *a = calloc(1, sizeof(*a));
	struct ds_err err = DS_ERR_NULL;
	struct ds_span call;

	if (!a) {
		fn(arg, -ENOMEM, NULL, &err);
		return;
	}
	*a = (struct ask){ .p = p, .kms = kms, .boot = boot, .fn = fn, .arg = arg };
	if (ds_eth_abi_question(kms		   ? DS_ETH_IS_KMS_ALLOWED :
				p->conf->ask_tee ? DS_ETH_IS_APP_ALLOWED_ON :
						   DS_ETH_IS_APP_ALLOWED,
				&boot->boot, boot->tee, &a->call)) {
		finish(a, -ENOMEM, &err);
		return;
	}
	call = ds_buf_span(&a->call);
	ds_keccak256(&call, 1, a->question);
	pol_head_get(p, on_head, a);
}
