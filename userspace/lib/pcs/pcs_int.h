/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ds/pcs: one document on its way from the service through the cache to the caller. */
#ifndef DS_PCS_INT_H
#define DS_PCS_INT_H

#include <ds/base/base.h>
#include <ds/pcs/pcs.h>
#include <ds/pcs/shape.h>
#include <ds/store/db.h>

/* As received. */
struct ds_pcs_doc {
	struct ds_buf body, chain; /* chain: the header's value, empty for the root CRL */
	int64_t fetched, tried;	   /* tried: the last attempt, good or not */
};

#define PCS_DOC DS_CLEANUP(ds_pcs_doc_done)
void ds_pcs_doc_done(struct ds_pcs_doc *doc);

/* get.c */
struct ds_get {
	const char *ca_file;
	bool insecure_http;
	unsigned int connect_ms, total_ms;
	void *curl; /* CURL *, connections are kept */
};

DS_MUST int ds_get_init(struct ds_get *g);
void ds_get_done(struct ds_get *g);
/* Is this a base URL that we would ask? Refuses user names, queries, and http except as allowed. */
DS_MUST int ds_get_check_url(const char *url, bool insecure_http, struct ds_err *err);
/*
 * One GET: status 200 or an error. names: header fields of which the value goes into doc->chain,
 * NULL-terminated; NULL when there is none to expect.
 */
DS_MUST int ds_get(struct ds_get *g, const char *url, const char *const *names,
		   struct ds_pcs_doc *doc, struct ds_err *err);

/* cache.c: a cache that fails is no cache. */
struct ds_pcs_cache;
struct ds_pcs_cache *ds_pcs_cache_open(const char *path, const struct ds_pcs_cfg *cfg);
struct ds_pcs_cache *ds_pcs_cache_close(struct ds_pcs_cache *c);
bool ds_pcs_cache_get(struct ds_pcs_cache *c, const char *url, struct ds_pcs_doc *ret);
void ds_pcs_cache_put(struct ds_pcs_cache *c, const char *url, const struct ds_pcs_doc *doc);
void ds_pcs_cache_tried(struct ds_pcs_cache *c, const char *url, int64_t now);

void ds_pcs_note(const struct ds_pcs_cfg *cfg, const char *fmt, ...) DS_PRINTF(2, 3);

#endif
