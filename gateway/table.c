// SPDX-License-Identifier: Apache-2.0
/* A worker's instance table, see table.h. */
#include <sys/random.h>

#include "table.h"

struct entry {
	struct ds_gw_instance in;
	uint32_t generation;
	struct entry *next_instance; /* chain of a bucket */
	struct entry *next_app;
};

struct ds_table {
	struct entry **by_instance;
	struct entry **by_app;
	size_t n_buckets; /* a power of two */
	size_t n;
	size_t max;
	uint64_t salt; /* ids can be chosen by grinding, buckets cannot */
	uint32_t generation;
	bool live;  /* BEGIN was seen */
	bool whole; /* between BEGIN and END */
	bool ready; /* a whole table has come */
};

int ds_table_new(size_t max, struct ds_table **ret)
{
	struct ds_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->max = max;
	for (t->n_buckets = 64; t->n_buckets < max; t->n_buckets *= 2)
		;
	t->by_instance = calloc(t->n_buckets, sizeof(struct entry *));
	t->by_app = calloc(t->n_buckets, sizeof(struct entry *));
	if (!t->by_instance || !t->by_app ||
	    getrandom(&t->salt, sizeof(t->salt), 0) != (ssize_t)sizeof(t->salt)) {
		ds_table_free(t);
		return -ENOMEM;
	}
	t->salt |= 1;
	*ret = t;
	return 0;
}

static size_t bucket(const struct ds_table *t, const uint8_t id[DS_GW_ID_LEN])
{
	uint64_t w[2];

	memcpy(w, id, sizeof(w));
	return (size_t)(((w[0] ^ w[1] * t->salt) * t->salt) >> 32) & (t->n_buckets - 1);
}

static struct entry **instance_slot(const struct ds_table *t, const uint8_t id[DS_GW_ID_LEN])
{
	struct entry **p = &t->by_instance[bucket(t, id)];

	while (*p && memcmp((*p)->in.instance_id, id, DS_GW_ID_LEN) != 0)
		p = &(*p)->next_instance;
	return p;
}

static void unlink_app(struct ds_table *t, struct entry *e)
{
	struct entry **p = &t->by_app[bucket(t, e->in.app_id)];

	while (*p != e)
		p = &(*p)->next_app;
	*p = e->next_app;
}

static void link_app(struct ds_table *t, struct entry *e)
{
	struct entry **p = &t->by_app[bucket(t, e->in.app_id)];

	e->next_app = *p;
	*p = e;
}

/* p points to the entry's place in its instance chain. */
static void drop(struct ds_table *t, struct entry **p)
{
	struct entry *e = *p;

	unlink_app(t, e);
	*p = e->next_instance;
	t->n--;
	free(e);
}

struct ds_table *ds_table_free(struct ds_table *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; t->by_instance && i < t->n_buckets; i++)
		while (t->by_instance[i] && t->by_app)
			drop(t, &t->by_instance[i]);
	free(t->by_instance);
	free(t->by_app);
	free(t);
	return NULL;
}

static int put(struct ds_table *t, const struct ds_gw_instance *in)
{
	struct entry **p = instance_slot(t, in->instance_id), *e = *p;

	if (in->n_ports > DS_GW_MAX_PORTS || !in->ip)
		return -EBADMSG;
	if (e) {
		unlink_app(t, e);
	} else {
		if (t->n == t->max)
			return -ENOSPC;
		e = calloc(1, sizeof(*e));
		if (!e)
			return -ENOMEM;
		*p = e;
		t->n++;
	}
	e->in = *in;
	e->generation = t->generation;
	link_app(t, e);
	return 0;
}

/* Whatever the whole table did not name is gone. */
static void sweep(struct ds_table *t)
{
	for (size_t i = 0; i < t->n_buckets; i++) {
		struct entry **p = &t->by_instance[i];

		while (*p) {
			if ((*p)->generation != t->generation)
				drop(t, p);
			else
				p = &(*p)->next_instance;
		}
	}
}

int ds_table_apply(struct ds_table *t, const struct ds_gw_msg *msg)
{
	struct entry **p;

	switch (msg->kind) {
	case DS_GW_BEGIN:
		t->live = t->whole = true;
		t->generation++;
		return 0;
	case DS_GW_PUT:
		return t->live ? put(t, &msg->instance) : 0;
	case DS_GW_DELETE:
		p = instance_slot(t, msg->instance.instance_id);
		if (t->live && *p)
			drop(t, p);
		return 0;
	case DS_GW_END:
		if (t->whole) {
			sweep(t);
			t->ready = true;
		}
		t->whole = false;
		return 0;
	default:
		return -EBADMSG;
	}
}

bool ds_table_ready(const struct ds_table *t)
{
	return t->ready;
}

size_t ds_table_count(const struct ds_table *t)
{
	return t->n;
}

static bool port_open(const struct ds_gw_instance *in, uint16_t port)
{
	if (!in->restricted)
		return true;
	for (size_t i = 0; i < in->n_ports; i++)
		if (in->ports[i] == port)
			return true;
	return false;
}

/*
 * A set of candidates of one kind, kept by reservoir so that any number of instances needs no
 * memory.
 */
struct group {
	uint32_t ips[8];
	size_t seen;
};

static void group_add(struct group *g, uint32_t ip, size_t max, uint32_t *seed)
{
	size_t at = g->seen++;

	*seed = *seed * 1664525u + 1013904223u;
	if (at < max) {
		size_t swap = (*seed >> 8) % (at + 1);

		g->ips[at] = g->ips[swap];
		g->ips[swap] = ip;
		return;
	}
	at = (*seed >> 8) % g->seen;
	if (at < max)
		g->ips[at] = ip;
}

int ds_table_candidates(const struct ds_table *t, const uint8_t id[DS_GW_ID_LEN], uint16_t port,
			uint32_t seed, uint32_t *ret_ips, size_t max, size_t *ret_n)
{
	const struct entry *one = *instance_slot(t, id);
	struct group g[2] = { 0 };
	bool known = false;
	size_t n = 0;

	if (max > DS_ARRAY_SIZE(g[0].ips))
		max = DS_ARRAY_SIZE(g[0].ips);
	if (one) {
		if (!port_open(&one->in, port))
			return -EACCES;
		ret_ips[0] = one->in.ip;
		*ret_n = 1;
		return 0;
	}
	for (const struct entry *e = t->by_app[bucket(t, id)]; e; e = e->next_app) {
		if (memcmp(e->in.app_id, id, DS_GW_ID_LEN) != 0)
			continue;
		known = true;
		if (port_open(&e->in, port))
			group_add(&g[e->in.fresh ? 0 : 1], e->in.ip, max, &seed);
	}
	if (!known)
		return -ENOENT;
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < g[k].seen && i < max && n < max; i++)
			ret_ips[n++] = g[k].ips[i];
	if (!n)
		return -EACCES;
	*ret_n = n;
	return 0;
}
