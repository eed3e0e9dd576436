// SPDX-License-Identifier: Apache-2.0
/*
 * Replies that wait until they are on record. A disk takes as long for one line as for many, so the
 * lines of one turn of the loop are synced together; whoever is alone waits for nobody.
 */
#include "metrics.h"
#include "net.h"

#include <event2/event.h>

struct kms_due {
	struct kms_due *next;
	struct ds_req *req;
	const char *op, *type;
	struct ds_secret *body;
	size_t n;
};

static void answer(struct kms_due *d, int r)
{
	if (r) {
		kms_broken(d->req, d->op, r);
		ds_secret_free(d->body);
	} else {
		kms_count(KMS_COUNT_RELEASE, d->op);
		ds_req_reply_secret(d->req, 200, d->type, &d->body, d->n);
	}
	free(d);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	struct kms_net *net = arg;
	struct kms_due *d = net->due;
	int r = kms_relog_sync(net->relog);

	(void)fd;
	(void)what;
	net->due = NULL;
	net->due_end = &net->due;
	while (d) {
		struct kms_due *next = d->next;

		answer(d, r);
		d = next;
	}
}

int kms_due_start(struct kms_net *net)
{
	net->due_end = &net->due;
	net->due_event = event_new(net->base, -1, 0, on_due, net);
	return net->due_event ? 0 : -ENOMEM;
}

void kms_due_stop(struct kms_net *net)
{
	if (net->due)
		on_due(-1, 0, net);
	if (net->due_event)
		event_free(net->due_event);
	net->due_event = NULL;
}

int kms_due_add(struct kms_net *net, struct ds_req *req, const char *op, const char *type,
		struct ds_secret **take, size_t n)
{
	struct kms_due *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	*d = (struct kms_due){ .req = req, .op = op, .type = type, .body = *take, .n = n };
	*take = NULL;
	*net->due_end = d;
	net->due_end = &d->next;
	/* runs after what is ready now, which may write more lines */
	event_active(net->due_event, 0, 0);
	return 0;
}
