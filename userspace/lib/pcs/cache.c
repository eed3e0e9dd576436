// SPDX-License-Identifier: Apache-2.0
/*
 * Documents by the URL they came from. What is in the file is believed no more than what a service
 * says, so damage costs requests and nothing else: such a file is made anew. A file
 * that is no database at all is somebody's, and stays.
 */
#include "pcs_int.h"

#define DOM "cache"

struct ds_pcs_cache {
	struct ds_db *db;
	const struct ds_pcs_cfg *cfg;
};

static const char *const schema[] = {
	"CREATE TABLE doc(url TEXT PRIMARY KEY, body BLOB NOT NULL, chain TEXT NOT NULL, "
	"fetched INTEGER NOT NULL, tried INTEGER NOT NULL) STRICT, WITHOUT ROWID",
};

struct ds_pcs_cache *ds_pcs_cache_open(const char *path, const struct ds_pcs_cfg *cfg)
{
	struct ds_pcs_cache *c = calloc(1, sizeof(*c));
	struct ds_err err = DS_ERR_NULL;
	int r;

	if (!c)
		return NULL;
	c->cfg = cfg;
	r = ds_db_open(path, schema, DS_ARRAY_SIZE(schema), &c->db, &err);
	if (r == -EBADMSG) {
		ds_pcs_note(cfg, "cache %s is damaged (%s) and is made anew", path, err.msg);
		r = ds_db_remove(path);
		if (!r)
			r = ds_db_open(path, schema, DS_ARRAY_SIZE(schema), &c->db, &err);
	}
	if (r) {
		ds_pcs_note(cfg, "cache %s is not used: %s", path,
			    err.code ? err.msg : strerror(-r));
		return ds_pcs_cache_close(c);
	}
	return c;
}

struct ds_pcs_cache *ds_pcs_cache_close(struct ds_pcs_cache *c)
{
	if (c)
		ds_db_free(c->db);
	free(c);
	return NULL;
}

struct found {
	struct ds_pcs_doc *doc;
	bool any;
};

static int take_row(void *ctx, const struct ds_db_value *col, size_t n)
{
	struct found *f = ctx;

	if (n != 4 || col[0].s.n > DS_PCS_MAX_BODY || col[1].s.n > DS_PCS_MAX_HEADER)
		return -EBADMSG;
	DS_TRY(ds_buf_add_span(&f->doc->body, col[0].s));
	DS_TRY(ds_buf_add_span(&f->doc->chain, col[1].s));
	f->doc->fetched = col[2].i;
	f->doc->tried = col[3].i;
	f->any = true;
	return 0;
}

bool ds_pcs_cache_get(struct ds_pcs_cache *c, const char *url, struct ds_pcs_doc *ret)
{
	const struct ds_db_value key = DS_DB_T(url);
	struct ds_err err = DS_ERR_NULL;
	struct ds_pcs_doc doc = { 0 };
	struct found f = { &doc, false };
	int r;

	if (!c)
		return false;
	r = ds_db_run(c->db, "SELECT body, chain, fetched, tried FROM doc WHERE url = ?", &key, 1,
		      take_row, &f, &err);
	if (r)
		ds_pcs_note(c->cfg, "cache: %s", err.code ? err.msg : strerror(-r));
	if (r || !f.any) {
		ds_pcs_doc_done(&doc);
		return false;
	}
	*ret = doc;
	return true;
}

void ds_pcs_cache_put(struct ds_pcs_cache *c, const char *url, const struct ds_pcs_doc *doc)
{
	const struct ds_db_value row[] = {
		DS_DB_T(url),
		DS_DB_B(ds_buf_span(&doc->body)),
		{ .kind = DS_DB_TEXT, .s = ds_buf_span(&doc->chain) },
		DS_DB_I(doc->fetched),
		DS_DB_I(doc->tried),
	};
	struct ds_err err = DS_ERR_NULL;

	if (c && ds_db_run(c->db, "INSERT OR REPLACE INTO doc VALUES(?, ?, ?, ?, ?)", row,
			   DS_ARRAY_SIZE(row), NULL, NULL, &err))
		ds_pcs_note(c->cfg, "cache: %s", err.msg);
}

void ds_pcs_cache_tried(struct ds_pcs_cache *c, const char *url, int64_t now)
{
	const struct ds_db_value row[] = { DS_DB_I(now), DS_DB_T(url) };
	struct ds_err err = DS_ERR_NULL;

	if (c && ds_db_run(c->db, "UPDATE doc SET tried = ? WHERE url = ?", row,
			   DS_ARRAY_SIZE(row), NULL, NULL, &err))
		ds_pcs_note(c->cfg, "cache: %s", err.msg);
}
