/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collateral from a PCS or PCCS-shaped HTTPS service (spec/dcap 4.2), with a cache. The service and
 * the cache are not trusted: whatever comes from them is judged by ds/attest like a file, dates
 * included. What they can do is hold back newer documents, for as long as the old ones last.
 *
 * Stale-while-error: a document is served from the cache for max_age_s. Then the service is asked;
 * when that fails, the cached document goes on being used until its own nextUpdate and not longer,
 * and the service is asked again every retry_s. Without a usable document there is an error.
 *
 * Calls block, each request for at most total_ms. One object belongs to one thread; several
 * processes may share a cache file.
 */
#ifndef DS_PCS_PCS_H
#define DS_PCS_PCS_H

#include <ds/attest/platform.h>
#include <ds/base/base.h>

struct ds_pcs;

struct ds_pcs_cfg {
	const char *url;	  /* https://HOST[:PORT][/PREFIX] */
	const char *root_crl_url; /* NULL: where services of this kind have it */
	const char *ca_file;	  /* PEM of the TLS anchors; NULL: the system's */
	const char *cache;	  /* SQLite file, made when absent; NULL: none */
	bool early;		  /* update=early instead of standard */
	uint64_t evaluation;	  /* ask for this tcbEvaluationDataNumber; 0: the current one */
	bool insecure_http;	  /* http:// to a loopback address is fine */
	/* 0 takes the default */
	unsigned int connect_ms; /* 5000 */
	unsigned int total_ms;	 /* 15000 */
	unsigned int max_age_s;	 /* 14400 */
	unsigned int retry_s;	 /* 300 */
	/* what an operator wants to know although the call succeeds; may be NULL */
	void (*note)(void *arg, const char *text);
	void *note_arg;
};

/* Strings are copied. Nothing is fetched yet. */
DS_MUST int ds_pcs_new(const struct ds_pcs_cfg *cfg, struct ds_pcs **ret, struct ds_err *err);
struct ds_pcs *ds_pcs_free(struct ds_pcs *pcs);

static inline void ds_cleanup_pcs(struct ds_pcs **pcs)
{
	*pcs = ds_pcs_free(*pcs);
}
#define DS_PCS DS_CLEANUP(ds_cleanup_pcs)

struct ds_pcs_info {
	unsigned int fetched, cached, stale; /* documents */
	int64_t fresh_until;		     /* no request is due before */
};

/*
 * The four documents for this platform as the JSON of spec/dcap 4.1. now is the real time: it rules
 * the cache and nothing else. refresh: the cached documents were refused, so ask again if retry_s
 * have passed. -ENOENT: the service does not know the platform; -ETIMEDOUT, -ECONNREFUSED, -EPERM
 * (TLS), -EFBIG, -EBADMSG (not what it should be), -EPROTO (HTTP status) and others, with the URL
 * in err.
 */
DS_MUST int ds_pcs_collateral(struct ds_pcs *pcs, const struct ds_platform_id *id, int64_t now,
			      bool refresh, struct ds_buf *ret_json, struct ds_pcs_info *ret_info,
			      struct ds_err *err);

#endif
