// SPDX-License-Identifier: Apache-2.0
/*
 * What has been proven about exact bytes, see ds/attest/cache.h. An object is filled by the one
 * call that made it, then published and never written again; the lock covers the tables only.
 */
#include <pthread.h>

#include <ds/crypto/p256.h>

#include "priv.h"

#define DOCS 8

struct ds_attest_cache {
	pthread_mutex_t lock;
	struct ds_docs *docs[DOCS];
	size_t next; /* the slot to be reused */
};

static void platform_drop_certs(struct ds_platform *p)
{
	for (size_t i = 0; i < DS_PCK_CHAIN_LEN; i++)
		ds_acert_done(&p->pck[i]);
	X509_CRL_free(p->pck_crl.x);
	p->pck_crl.x = NULL;
}

void ds_platform_put(struct ds_platform *p)
{
	if (!p || atomic_fetch_sub(&p->refs, 1) > 1)
		return;
	platform_drop_certs(p);
	ds_p256_pub_free(p->key);
	ds_p256_pub_free(p->attest_key);
	ds_buf_done(&p->pem);
	free(p);
}

void ds_docs_put(struct ds_docs *d)
{
	if (!d || atomic_fetch_sub(&d->refs, 1) > 1)
		return;
	for (size_t i = 0; i < DS_CACHE_PLATFORMS; i++)
		ds_platform_put(d->platforms[i]);
	for (size_t i = 0; i < DS_SIGNER_CHAIN_LEN; i++) {
		ds_acert_done(&d->tcb_signer.cert[i]);
		ds_acert_done(&d->qe_signer.cert[i]);
	}
	ds_p256_pub_free(d->tcb_signer.key);
	ds_p256_pub_free(d->qe_signer.key);
	X509_CRL_free(d->root_crl.x);
	ds_tcb_info_done(&d->tcb);
	ds_qe_identity_done(&d->qe);
	ds_collateral_done(&d->col);
	ds_buf_done(&d->root_ca);
	ds_buf_done(&d->raw);
	ds_buf_done(&d->root_der);
	free(d);
}

/* Under the lock. */
static struct ds_docs *find_docs(const struct ds_attest_cache *c, struct ds_span root_ca,
				 struct ds_span raw)
{
	for (size_t i = 0; i < DOCS; i++) {
		struct ds_docs *d = c->docs[i];

		if (d && ds_span_eq(ds_buf_span(&d->root_ca), root_ca) &&
		    ds_span_eq(ds_buf_span(&d->raw), raw))
			return d;
	}
	return NULL;
}

static struct ds_platform *find_platform(const struct ds_docs *d, struct ds_span pem)
{
	for (size_t i = 0; i < DS_CACHE_PLATFORMS; i++) {
		struct ds_platform *p = d->platforms[i];

		if (p && ds_span_eq(ds_buf_span(&p->pem), pem))
			return p;
	}
	return NULL;
}

int ds_docs_get(struct ds_attest_cache *cache, struct ds_span root_ca, struct ds_span collateral,
		struct ds_docs **ret)
{
	struct ds_docs *d = NULL;

	if (cache) {
		pthread_mutex_lock(&cache->lock);
		d = find_docs(cache, root_ca, collateral);
		if (d)
			atomic_fetch_add(&d->refs, 1);
		pthread_mutex_unlock(&cache->lock);
	}
	if (!d) {
		d = calloc(1, sizeof(*d));
		if (!d)
			return -ENOMEM;
		atomic_init(&d->refs, 1);
	}
	*ret = d;
	return 0;
}

int ds_platform_get(struct ds_attest_cache *cache, struct ds_docs *docs, struct ds_span pem,
		    struct ds_platform **ret)
{
	struct ds_platform *p = NULL;

	if (cache && docs->shared) {
		pthread_mutex_lock(&cache->lock);
		p = find_platform(docs, pem);
		if (p)
			atomic_fetch_add(&p->refs, 1);
		pthread_mutex_unlock(&cache->lock);
	}
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return -ENOMEM;
		atomic_init(&p->refs, 1);
	}
	*ret = p;
	return 0;
}

static bool docs_proven(const struct ds_docs *d)
{
	const struct ds_signer *t = &d->tcb_signer, *q = &d->qe_signer;
	bool one_chain = d->col.doc.root && ds_span_eq(d->col.qe_chain, d->col.tcb_chain);

	return d->col.doc.root && d->root_crl.ok && t->chain_ok && t->path_ok &&
	       (one_chain || (q->chain_ok && q->path_ok)) && d->tcb_ok && d->qe_ok;
}

static bool platform_proven(const struct ds_platform *p)
{
	return p->chain_ok && p->pck_crl.ok && p->revocation_ok && p->ext_ok;
}

/* Under the lock. Takes a reference. */
static void publish_platform(struct ds_docs *d, struct ds_platform *p)
{
	struct ds_platform **slot = &d->platforms[d->next];

	atomic_fetch_add(&p->refs, 1);
	ds_platform_put(*slot);
	*slot = p;
	d->next = (d->next + 1) % DS_CACHE_PLATFORMS;
}

static void publish_docs(struct ds_attest_cache *c, struct ds_docs *d)
{
	struct ds_docs **slot = &c->docs[c->next];

	atomic_fetch_add(&d->refs, 1);
	ds_docs_put(*slot);
	*slot = d;
	c->next = (c->next + 1) % DOCS;
}

/* What an object is found by; without memory it just stays unknown. */
static bool name_docs(struct ds_docs *d, struct ds_span root_ca, struct ds_span raw)
{
	if (ds_buf_add_span(&d->root_ca, root_ca) || ds_buf_add_span(&d->raw, raw))
		return false;
	d->shared = true;
	return true;
}

static bool name_platform(struct ds_platform *p, struct ds_span pem)
{
	if (ds_buf_add_span(&p->pem, pem))
		return false;
	platform_drop_certs(p); /* nothing looks at them again */
	p->shared = true;
	return true;
}

void ds_cache_keep(struct ds_attest_cache *cache, struct ds_span root_ca, struct ds_span collateral,
		   struct ds_docs *docs, struct ds_span pem, struct ds_platform *plat)
{
	bool new_docs, new_plat;

	if (!cache || !docs_proven(docs) || !platform_proven(plat))
		return;
	new_docs = !docs->shared && name_docs(docs, root_ca, collateral);
	new_plat = docs->shared && !plat->shared && name_platform(plat, pem);
	if (!new_docs && !new_plat)
		return;
	pthread_mutex_lock(&cache->lock);
	if (new_docs && !find_docs(cache, root_ca, collateral))
		publish_docs(cache, docs);
	if (new_plat && !find_platform(docs, pem))
		publish_platform(docs, plat);
	pthread_mutex_unlock(&cache->lock);
}

int ds_attest_cache_new(struct ds_attest_cache **ret)
{
	struct ds_attest_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	*ret = c;
	return 0;
}

struct ds_attest_cache *ds_attest_cache_free(struct ds_attest_cache *cache)
{
	if (!cache)
		return NULL;
	for (size_t i = 0; i < DOCS; i++)
		ds_docs_put(cache->docs[i]);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
	return NULL;
}
