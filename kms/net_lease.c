// SPDX-License-Identifier: Apache-2.0
/*
 * May this node still be one? Its own evidence is judged like that of any other, against today's
 * collateral, and its policy is asked; a yes holds for the lease. A no ends the service at once, a
 * policy that cannot be reached when the lease is over. Nothing is asked of a KMS without evidence.
 */
#include "net.h"

#include <ds/base/log.h>
#include <event2/event.h>

struct kms_lease {
	struct event *timer;
	struct kms_subject s; /* while busy */
	bool busy, said;
	int64_t until; /* kms_now_ms() */
	struct kms_refusal why;
};

static void say(struct kms_lease *l, bool ok)
{
	if (l->said == ok && ok)
		return;
	l->said = ok;
	if (ok)
		ds_log(DS_LOG_NOTICE, "event=self-authorized");
	else
		ds_log(DS_LOG_ERR, "event=self-refused reason=%s detail=\"%s\"", l->why.code,
		       l->why.text);
}

static void on_answer(void *arg, int r, const struct kms_refusal *why)
{
	struct kms_net *net = arg;
	struct kms_lease *l = net->lease;

	l->busy = false;
	kms_subject_done(&l->s);
	if (!r) {
		l->until = kms_now_ms() + (int64_t)net->conf->lease_seconds * 1000;
		say(l, true);
		return;
	}
	if (r > 0 && why)
		l->why = *why;
	else
		(void)kms_refuse(&l->why, "self", "cannot be judged: %s", strerror(-r));
	/* who cannot be asked has not said no */
	if (r > 0 && strcmp(l->why.code, "policy-unavailable"))
		l->until = 0;
	say(l, false);
}

static int judge(void *arg, struct kms_refusal *why)
{
	struct kms_net *net = arg;

	return kms_judge(net, KMS_ROLE_KMS, &net->self->att, DS_SPAN_ARRAY(net->self->spki), "",
			 &net->lease->s, why);
}

void kms_lease_ask(struct kms_net *net)
{
	struct kms_lease *l = net->lease;

	if (!l || l->busy)
		return;
	l->busy = true;
	kms_authorize(net, KMS_ROLE_KMS, &l->s, judge, on_answer, net);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	kms_lease_ask(arg);
}

int kms_lease_start(struct kms_net *net)
{
	/* twice per lease and once more: one answer may be late */
	int64_t ms = (int64_t)net->conf->lease_seconds * 1000 / 3;
	struct timeval every = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (!net->self->attested)
		return 0;
	net->lease = calloc(1, sizeof(*net->lease));
	if (!net->lease)
		return -ENOMEM;
	(void)kms_refuse(&net->lease->why, "self", "the policy was not asked yet");
	net->lease->timer = event_new(net->base, -1, EV_PERSIST, on_timer, net);
	if (!net->lease->timer || event_add(net->lease->timer, &every))
		return -ENOMEM;
	kms_lease_ask(net);
	return 0;
}

void kms_lease_stop(struct kms_net *net)
{
	if (net->lease && net->lease->timer)
		event_free(net->lease->timer);
	free(net->lease);
	net->lease = NULL;
}

int kms_lease_check(const struct kms_net *net, struct kms_refusal *why)
{
	const struct kms_lease *l = net->lease;

	if (!net->self->attested || (l && kms_now_ms() < l->until))
		return 0;
	return kms_refuse(why, "self", "KMS self authorization failed: %.300s",
			  l ? l->why.text : "");
}
