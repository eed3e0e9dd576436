// SPDX-License-Identifier: Apache-2.0
/*
 * One request to every node. A node has a voice only on the right chain, so each is asked for its
 * chain first, once for every head.
 */
#include "pol.h"

#include <ds/base/log.h>
#include <time.h>

#define DOM	"quorum"
#define SLOW_MS 300000

struct member {
	struct pol_round *round;
	size_t i;
	struct ds_eth_get *get;
	bool asked_chain;
};

struct pol_round {
	struct pol *p;
	struct pol_round *next, **link;
	struct pol_round_spec spec;
	struct ds_buf chain_body;
	struct ds_eth_votes votes;
	struct member m[DS_ETH_MAX_NODES_ASKED];
	struct ds_err why; /* of the node that failed last */
};

int64_t pol_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void say(struct pol *p, size_t i, const char *event, const char *what, const char *text)
{
	if (kms_bucket_take(&p->print[i], 10, 10000, pol_now()))
		ds_log(DS_LOG_WARN, "event=%s name=%s op=%s error=\"%s\"", event,
		       p->conf->node[i].name, what, text);
}

static void failed(struct pol_round *round, size_t i, const struct ds_err *err)
{
	round->votes.v[i].state = DS_ETH_FAILED;
	round->p->chain_ok[i] = false;
	if (err->code == -ETIMEDOUT)
		round->p->slow_until[i] = pol_now() + SLOW_MS;
	round->why = *err;
	say(round->p, i, "endpoint-failed", round->spec.what, err->msg);
}

static void free_round(struct pol_round *round)
{
	for (size_t i = 0; i < round->votes.n; i++)
		ds_eth_get_cancel(round->m[i].get);
	ds_eth_votes_done(&round->votes);
	ds_buf_done(&round->spec.body);
	ds_buf_done(&round->chain_body);
	free(round);
}

static void end(struct pol_round *round, int r, struct ds_span answer, const struct ds_err *err)
{
	*round->link = round->next;
	if (round->next)
		round->next->link = round->link;
	for (size_t i = 0; i < round->votes.n; i++)
		round->m[i].get = ds_eth_get_cancel(round->m[i].get);
	round->spec.done(round->spec.arg, r, answer, err);
	free_round(round);
}

static void dissenters(struct pol_round *round, struct ds_span answer)
{
	if (round->spec.judge != ds_eth_votes_agree)
		return;
	for (size_t i = 0; i < round->votes.n; i++)
		if (round->votes.v[i].state == DS_ETH_ANSWERED &&
		    !ds_span_eq(ds_buf_span(&round->votes.v[i].answer), answer))
			say(round->p, i, "endpoint-disagrees", round->spec.what,
			    "its answer is not that of the quorum");
}

static void check(struct pol_round *round)
{
	struct ds_err err = DS_ERR_NULL;
	struct ds_span answer;
	size_t i = 0;
	int r = round->spec.judge(&round->votes, round->spec.need, &i);

	if (r == DS_ETH_E_OPEN)
		return;
	if (!r) {
		answer = ds_buf_span(&round->votes.v[i].answer);
		dissenters(round, answer);
		end(round, 0, answer, &err);
		return;
	}
	ds_err_set(&err, -EPROTO, DOM, 0, "%s: expected %zu of %zu endpoints to agree%s%.90s",
		   round->spec.what, round->spec.need, round->votes.n, *round->why.msg ? "; " : "",
		   round->why.msg);
	end(round, -EPROTO, DS_SPAN_NULL, &err);
}

static void on_reply(void *arg, int r, struct ds_span body, const struct ds_err *err);

static int ask(struct member *m)
{
	struct pol_round *round = m->round;
	struct ds_err err = DS_ERR_NULL;
	int r;

	m->asked_chain = !round->p->chain_ok[m->i];
	r = ds_eth_get_start(round->p->fetch, &round->p->conf->node[m->i],
			     ds_buf_span(m->asked_chain ? &round->chain_body : &round->spec.body),
			     DS_ETH_MAX_REPLY, on_reply, m, &m->get, &err);
	if (r)
		failed(round, m->i, &err);
	return r;
}

static int take_chain(struct pol *p, struct ds_span body, struct ds_err *err)
{
	uint64_t id = 0;

	DS_TRY(ds_eth_take_chain_id(body, &id, err));
	return id == p->conf->chain_id ?
		       0 :
		       ds_err_set(err, -EPROTO, DOM, 0, "chain: expected %llu, got %llu",
				  (unsigned long long)p->conf->chain_id, (unsigned long long)id);
}

static void on_reply(void *arg, int r, struct ds_span body, const struct ds_err *err)
{
	struct ds_err why = *err;
	struct member *m = arg;
	struct pol_round *round = m->round;

	m->get = NULL;
	if (!r && m->asked_chain) {
		r = take_chain(round->p, body, &why);
		round->p->chain_ok[m->i] = !r;
		if (!r && !ask(m))
			return;
	} else if (!r) {
		r = round->spec.take(round->spec.arg, body, &round->votes.v[m->i].answer, &why);
		if (!r) {
			round->votes.v[m->i].state = DS_ETH_ANSWERED;
			round->p->slow_until[m->i] = 0;
		}
	}
	if (r)
		failed(round, m->i, &why);
	check(round);
}

int pol_round_start(struct pol *p, struct pol_round_spec *spec, struct ds_err *err)
{
	struct pol_round *round = calloc(1, sizeof(*round));

	if (!round || ds_eth_ask_chain_id(&round->chain_body)) {
		free(round);
		ds_buf_done(&spec->body);
		return ds_err_set(err, -ENOMEM, DOM, 0, "out of memory");
	}
	round->p = p;
	round->spec = *spec;
	spec->body = DS_BUF_NULL;
	round->next = p->rounds;
	round->link = &p->rounds;
	if (round->next)
		round->next->link = &round->next;
	p->rounds = round;
	round->votes.n = p->conf->n_node;
	for (size_t i = 0; i < round->votes.n; i++) {
		round->m[i].round = round;
		round->m[i].i = i;
		round->votes.v[i].waived = pol_now() < p->slow_until[i];
		if (ask(&round->m[i]))
			continue; /* its vote says so */
	}
	check(round);
	return 0;
}

void pol_rounds_stop(struct pol *p)
{
	static const struct ds_err gone = { .code = -ECANCELED, .msg = "the service ends" };

	while (p->rounds)
		end(p->rounds, -ECANCELED, DS_SPAN_NULL, &gone);
}
