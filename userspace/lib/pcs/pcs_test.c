// SPDX-License-Identifier: Apache-2.0
/*
 * The rules of the cache, without a network: the service's address is a port where nobody listens, so
 * every request fails at once, and what comes back came from the cache.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <sys/stat.h>

#include <ds/base/file.h>
#include <ds/base/text.h>
#include <ds/x509/pki.h>

#include "pcs_int.h"

#define T   INT64_C(1790000000)
#define DAY INT64_C(86400)
#define URL "http://127.0.0.1:9" /* discard: nobody */
#define CA  "/sgx/certification/v4/pckcrl?ca="

static char dir[] = "/tmp/dstack-pcs-test-XXXXXX";
static struct ds_buf collateral;
static const struct ds_platform_id platform = { .fmspc = { 0x30, 0x60, 0x6a } };
static char notes[4096];

static void on_note(void *arg, const char *text)
{
	size_t n = strlen(notes);

	(void)snprintf(notes + n, sizeof(notes) - n, "%s\n", text);
}

static struct ds_pcs_cfg cfg(void)
{
	return (struct ds_pcs_cfg){ .url = URL "/",
				    .cache = "cache.db",
				    .insecure_http = true,
				    .max_age_s = 100,
				    .retry_s = 10,
				    .note = on_note };
}

static void encode(const char *text, struct ds_buf *out)
{
	for (; *text; text++)
		assert_int_equal(*text == '\n' || *text == ' ' ? ds_buf_addf(out, "%%%02X", *text)
							       : ds_buf_add_u8(out, (uint8_t)*text),
				 0);
}

static void store(struct ds_pcs_cache *c, const char *path, struct ds_span body, const char *chain,
		  int64_t fetched)
{
	struct ds_pcs_doc doc = { .fetched = fetched, .tried = fetched };
	char url[256];

	(void)snprintf(url, sizeof(url), URL "%s", path);
	assert_int_equal(ds_buf_add_span(&doc.body, body), 0);
	encode(chain, &doc.chain);
	ds_pcs_cache_put(c, url, &doc);
	ds_pcs_doc_done(&doc);
}

static void store_signed(struct ds_pcs_cache *c, const char *path, const json_t *set,
			 const char *name, const char *key, int64_t fetched)
{
	DS_BUF struct ds_buf body = DS_BUF_NULL;
	char sig[64], chain[64];

	(void)snprintf(sig, sizeof(sig), "%s_signature", name);
	(void)snprintf(chain, sizeof(chain), "%s_issuer_chain", name);
	assert_int_equal(
		ds_buf_addf(&body, "{\"%s\":%s,\"signature\":\"%s\"}", key,
			    json_string_value(json_object_get(set, name)),
			    json_string_value(json_object_get(set, sig))),
		0);
	store(c, path, ds_buf_span(&body), json_string_value(json_object_get(set, chain)), fetched);
}

/* What a service would have sent at that time. */
static void fill_cache(int64_t fetched)
{
	const struct ds_pcs_cfg quiet = { 0 };
	struct ds_pcs_cache *c = ds_pcs_cache_open("cache.db", &quiet);
	json_t *set = json_loadb((const char *)collateral.p, collateral.n, JSON_ALLOW_NUL, NULL);
	DS_BUF struct ds_buf crl = DS_BUF_NULL;
	const char *hex = json_string_value(json_object_get(set, "pck_crl"));

	assert_non_null(c);
	assert_non_null(hex);
	assert_int_equal(ds_hex_decode_buf(hex, strlen(hex), 1u << 20, &crl), 0);
	store(c, CA "platform&encoding=der", ds_buf_span(&crl),
	      json_string_value(json_object_get(set, "pck_crl_issuer_chain")), fetched);
	hex = json_string_value(json_object_get(set, "root_ca_crl"));
	store(c, "/sgx/certification/v4/rootcacrl", DS_SPAN_STR(hex), "", fetched);
	store_signed(c, "/tdx/certification/v4/tcb?fmspc=30606a000000", set, "tcb_info", "tcbInfo",
		     fetched);
	store_signed(c, "/tdx/certification/v4/qe/identity", set, "qe_identity", "enclaveIdentity",
		     fetched);
	json_decref(set);
	ds_pcs_cache_close(c);
}

static int ask(int64_t now, bool refresh, struct ds_buf *ret, struct ds_pcs_info *info)
{
	const struct ds_pcs_cfg c = cfg();
	struct ds_err err = DS_ERR_NULL;
	DS_PCS struct ds_pcs *p = NULL;

	notes[0] = '\0';
	if (ds_pcs_new(&c, &p, &err))
		fail_msg("%s", err.msg);
	return ds_pcs_collateral(p, &platform, now, refresh, ret, info, &err);
}

static void assert_same_set(const struct ds_buf *json)
{
	json_t *a = json_loadb((const char *)json->p, json->n, JSON_REJECT_DUPLICATES, NULL);
	json_t *b = json_loadb((const char *)collateral.p, collateral.n, JSON_ALLOW_NUL, NULL);
	const char *key;
	json_t *v;

	assert_int_equal(json_object_size(a), 9);
	json_object_foreach (a, key, v)
		if (!json_equal(v, json_object_get(b, key)))
			fail_msg("%s differs", key);
	json_decref(a);
	json_decref(b);
}

static void ages(void **state)
{
	DS_BUF struct ds_buf json = DS_BUF_NULL;
	struct ds_pcs_info info;

	assert_int_equal(ask(T, false, &json, &info), -ECONNREFUSED);
	fill_cache(T);
	/* fresh: nobody is asked */
	assert_int_equal(ask(T + 99, false, &json, &info), 0);
	assert_same_set(&json);
	assert_true(info.cached == 4 && !info.stale && !info.fetched);
	assert_int_equal(info.fresh_until, T + 100);
	assert_string_equal(notes, "");
	/* stale: asked in vain, and said so; the next one within retry_s does not ask */
	assert_int_equal(ask(T + 100, false, &json, &info), 0);
	assert_true(info.cached == 4 && info.stale == 4);
	assert_int_equal(info.fresh_until, T + 110);
	assert_non_null(strstr(notes, "TCB info from the cache, the service failed"));
	assert_int_equal(ask(T + 109, false, &json, &info), 0);
	assert_true(info.stale == 4);
	assert_string_equal(notes, "");
	assert_int_equal(ask(T + 110, false, &json, &info), 0);
	assert_non_null(strstr(notes, "TCB info from the cache"));
	/* to the last second of the documents, not longer */
	assert_int_equal(ask(T + 30 * DAY, false, &json, &info), 0);
	assert_same_set(&json);
	assert_int_equal(info.fresh_until, T + 30 * DAY + 1);
	assert_int_equal(ask(T + 30 * DAY + 1, false, &json, &info), -ECONNREFUSED);
	/* and not by a clock that went back */
	assert_int_equal(ask(T - 1, false, &json, &info), 0);
	assert_int_equal(info.stale, 4);
	assert_non_null(strstr(notes, "TCB info from the cache")); /* it was asked */
}

static void refused_documents(void **state)
{
	DS_BUF struct ds_buf json = DS_BUF_NULL;
	struct ds_pcs_info info;

	fill_cache(T);
	assert_int_equal(ask(T + 9, true, &json, &info), 0); /* asked a moment ago */
	assert_string_equal(notes, "");
	assert_int_equal(ask(T + 10, true, &json, &info), 0);
	assert_non_null(strstr(notes, "QE identity from the cache"));
	assert_int_equal(ask(T + 10, false, &json, &info), 0); /* still fresh for others */
	assert_int_equal(info.stale, 0);
}

static void damage(void **state)
{
	struct stat st;
	const struct ds_pcs_cfg quiet = { 0 };
	DS_BUF struct ds_buf json = DS_BUF_NULL, junk = DS_BUF_NULL;
	struct ds_pcs_cache *c;
	struct ds_pcs_info info;

	/* one document that is none */
	fill_cache(T);
	c = ds_pcs_cache_open("cache.db", &quiet);
	store(c, "/tdx/certification/v4/qe/identity", DS_SPAN_LIT("{\"enclaveIdentity\":{}}"), "x",
	      T);
	ds_pcs_cache_close(c);
	assert_int_equal(ask(T, false, &json, &info), -ECONNREFUSED);
	assert_non_null(strstr(notes, "QE identity is not what it should be"));
	/* another platform's */
	fill_cache(T);
	assert_int_equal(ask(T, false, &json, &info), 0);
	/* no database at all: somebody's file, not ours to remove */
	assert_int_equal(ds_buf_add_zero(&junk, 8192), 0);
	memcpy(junk.p, "nonsense", 8);
	assert_int_equal(ds_db_remove("cache.db"), 0);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, "cache.db", ds_buf_span(&junk), 0600), 0);
	assert_int_equal(ask(T, false, &json, &info), -ECONNREFUSED);
	assert_non_null(strstr(notes, "is not used"));
	assert_int_equal(stat("cache.db", &st), 0);
	assert_int_equal(st.st_size, 8192);
	assert_int_equal(ds_db_remove("cache.db"), 0);
	/* a database that is damaged is made anew */
	fill_cache(T);
	DS_FD int fd = open("cache.db", O_RDWR | O_CLOEXEC);
	memset(junk.p, 0xff, 1000);
	assert_int_equal(pwrite(fd, junk.p, 1000, 100), 1000);
	assert_int_equal(ask(T, false, &json, &info), -ECONNREFUSED);
	assert_non_null(strstr(notes, "is damaged"));
	fill_cache(T);
	assert_int_equal(ask(T, false, &json, &info), 0);
	/* a folder cannot be a cache, and that is no reason to fail */
	assert_int_equal(ds_db_remove("cache.db"), 0);
	assert_int_equal(mkdir("cache.db", 0700), 0);
	assert_int_equal(ask(T, false, &json, &info), -ECONNREFUSED);
	assert_non_null(strstr(notes, "is not used"));
	assert_int_equal(rmdir("cache.db"), 0);
}

static void addresses(void **state)
{
	static const struct {
		const char *url;
		bool plain, good;
	} rows[] = {
		{ "https://api.trustedservices.intel.com", false, true },
		{ "https://pccs.example.org:8081/sgx/certification/v4/", false, true },
		{ "http://127.0.0.1:1", false, false },
		{ "http://127.0.0.1:1", true, true },
		{ "http://[::1]:1", true, true },
		{ "http://localhost", true, true },
		{ "http://127.0.0.1.example.org", true, false },
		{ "http://192.0.2.1", true, false },
		{ "ftp://127.0.0.1", true, false },
		{ "file:///etc/passwd", true, false },
		{ "https://user:pw@example.org", false, false },
		{ "https://user@example.org", false, false },
		{ "https://example.org/?x=1", false, false },
		{ "https://example.org/#x", false, false },
		{ "pccs.example.org", false, false },
		{ "", false, false },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_pcs_cfg c = { .url = rows[i].url, .insecure_http = rows[i].plain };
		DS_PCS struct ds_pcs *p = NULL;
		struct ds_err err = DS_ERR_NULL;
		int r = ds_pcs_new(&c, &p, &err);

		if (!r != rows[i].good)
			fail_msg("%s: %s", rows[i].url, r ? err.msg : "taken");
	}
	assert_int_equal(ds_pcs_new(&(struct ds_pcs_cfg){ .url = "https://a",
							  .early = true,
							  .evaluation = 18 },
				    &(struct ds_pcs *){ NULL }, NULL),
			 -EINVAL);
}

static int setup(void **state)
{
	const struct ds_pki_opts opts = { .fmspc = { 0x30, 0x60, 0x6a }, .not_before = T - DAY };
	const struct ds_pki_docs docs = { .issued = T - DAY, .next_update = T + 30 * DAY };
	DS_PKI struct ds_pki *pki = NULL;
	struct ds_err err;

	return !mkdtemp(dir) || chdir(dir) || ds_pki_new(&opts, &pki, &err) ||
	       ds_pki_collateral(pki, &docs, &collateral, &err);
}

static int teardown(void **state)
{
	ds_buf_done(&collateral);
	return ds_db_remove("cache.db") || chdir("/") || rmdir(dir);
}

static int fresh_cache(void **state)
{
	return ds_db_remove("cache.db");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ages, fresh_cache),
		cmocka_unit_test_setup(refused_documents, fresh_cache),
		cmocka_unit_test_setup(damage, fresh_cache),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
