// SPDX-License-Identifier: Apache-2.0
/* See ds/store/db.h. */
#include <ds/store/db.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#define DOM	 "db"
#define BUSY_MS	 5000
#define RETRY_MS 5
#define MAX_COLS 16

struct ds_db {
	sqlite3 *db;
};

/* The one place that reads SQLite's codes. */
static int translate(struct ds_db *db, int rc, struct ds_err *err)
{
	int r;

	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_NOMEM:
		r = -ENOMEM;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		r = -EBUSY;
		break;
	case SQLITE_NOTADB:
		r = -EILSEQ;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_SCHEMA:
	case SQLITE_MISMATCH:
		r = -EBADMSG;
		break;
	case SQLITE_FULL:
		r = -ENOSPC;
		break;
	case SQLITE_TOOBIG:
		r = -EFBIG;
		break;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		r = -EACCES;
		break;
	default:
		r = -EIO;
	}
	return ds_err_set(err, r, DOM, 0, "%s", db->db ? sqlite3_errmsg(db->db) : sqlite3_errstr(rc));
}

static int bind_all(sqlite3_stmt *st, const struct ds_db_value *bind, size_t n)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
		const struct ds_db_value *v = &bind[i];
		const char *p = v->s.n ? (const char *)v->s.p : "";

		if (v->kind == DS_DB_INT)
			rc = sqlite3_bind_int64(st, (int)i + 1, v->i);
		else if (v->kind == DS_DB_TEXT)
			rc = sqlite3_bind_text64(st, (int)i + 1, p, v->s.n, SQLITE_STATIC,
						 SQLITE_UTF8);
		else
			rc = sqlite3_bind_blob64(st, (int)i + 1, p, v->s.n, SQLITE_STATIC);
	}
	return rc;
}

static size_t columns(sqlite3_stmt *st, struct ds_db_value col[MAX_COLS])
{
	int n = sqlite3_column_count(st);

	for (int i = 0; i < n && i < MAX_COLS; i++) {
		int type = sqlite3_column_type(st, i);
		const void *p;

		col[i] = (struct ds_db_value){ .kind = type == SQLITE_INTEGER ? DS_DB_INT
						       : type == SQLITE_TEXT  ? DS_DB_TEXT
									      : DS_DB_BLOB };
		if (type == SQLITE_INTEGER) {
			col[i].i = sqlite3_column_int64(st, i);
			continue;
		}
		p = type == SQLITE_TEXT ? (const void *)sqlite3_column_text(st, i)
					: sqlite3_column_blob(st, i);
		if (p)
			col[i].s = DS_SPAN(p, (size_t)sqlite3_column_bytes(st, i));
	}
	return n < MAX_COLS ? (size_t)n : MAX_COLS;
}

int ds_db_run(struct ds_db *db, const char *sql, const struct ds_db_value *bind, size_t n,
	      ds_db_row_fn fn, void *ctx, struct ds_err *err)
{
	struct ds_db_value col[MAX_COLS];
	sqlite3_stmt *st = NULL;
	int rc, r = 0;

	rc = sqlite3_prepare_v2(db->db, sql, -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = bind_all(st, bind, n);
	while (rc == SQLITE_OK && !r) {
		int step = sqlite3_step(st);

		if (step != SQLITE_ROW) {
			rc = step;
			break;
		}
		if (fn)
			r = fn(ctx, col, columns(st, col));
	}
	if (!r)
		r = translate(db, rc, err);
	sqlite3_finalize(st);
	return r;
}

static int run(struct ds_db *db, const char *sql, struct ds_err *err)
{
	return translate(db, sqlite3_exec(db->db, sql, NULL, NULL, NULL), err);
}

static int take_version(void *ctx, const struct ds_db_value *col, size_t n)
{
	*(int64_t *)ctx = n ? col[0].i : -1;
	return 0;
}

/* Under the write lock, so that of two processes one migrates and the other finds it done. */
static int migrate(struct ds_db *db, const char *const *migrations, size_t n, struct ds_err *err)
{
	int64_t have = -1;
	char sql[64];

	DS_TRY(ds_db_run(db, "PRAGMA user_version", NULL, 0, take_version, &have, err));
	if (have < 0 || (uint64_t)have > n)
		return ds_err_set(err, -ESTALE, DOM, 0, "version %lld, this program knows %zu",
				  (long long)have, n);
	for (size_t i = (size_t)have; i < n; i++) {
		DS_TRY(run(db, migrations[i], err));
		(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %zu", i + 1);
		DS_TRY(run(db, sql, err));
	}
	return 0;
}

/*
 * SQLite waits for every lock but the one that changes the mode: of processes that make a file together all but
 * one are told at once that it is busy.
 */
static int set_wal(struct ds_db *db, struct ds_err *err)
{
	int r, waited = 0;

	while ((r = run(db, "PRAGMA journal_mode = WAL", err)) == -EBUSY && waited < BUSY_MS)
		waited += sqlite3_sleep(RETRY_MS);
	return r;
}

static int prepare(struct ds_db *db, const char *const *migrations, size_t n, struct ds_err *err)
{
	int r;

	sqlite3_busy_timeout(db->db, BUSY_MS);
	/* names in double quotes are never strings, and a crafted file runs no code of its own */
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	DS_TRY(set_wal(db, err));
	DS_TRY(run(db, "PRAGMA synchronous = FULL; BEGIN IMMEDIATE", err));
	r = migrate(db, migrations, n, err);
	if (r) {
		(void)run(db, "ROLLBACK", NULL);
		return r;
	}
	return run(db, "COMMIT", err);
}

/*
 * Ours from birth: SQLite gives its other files the mode of this one. A file that is there is not opened: closing
 * it again would end the locks that this process has on it (POSIX), SQLite's.
 */
static int make_file(const char *path)
{
	DS_FD int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;

	if (fd >= 0)
		return 0;
	if (errno != EEXIST || lstat(path, &st))
		return -errno;
	return S_ISLNK(st.st_mode) ? -ELOOP : 0;
}

int ds_db_open(const char *path, const char *const *migrations, size_t n_migrations,
	       struct ds_db **ret, struct ds_err *err)
{
	struct ds_db *db;
	int rc, r;

	r = make_file(path);
	if (r)
		return ds_err_set(err, r, DOM, 0, "%s: %s", path, strerror(-r));
	db = calloc(1, sizeof(*db));
	if (!db)
		return -ENOMEM;
	rc = sqlite3_open_v2(path, &db->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	r = rc == SQLITE_OK ? prepare(db, migrations, n_migrations, err)
			    : translate(db, rc, err);
	if (r) {
		ds_db_free(db);
		return r;
	}
	*ret = db;
	return 0;
}

struct ds_db *ds_db_free(struct ds_db *db)
{
	if (db)
		sqlite3_close(db->db);
	free(db);
	return NULL;
}

int ds_db_remove(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };

	for (size_t i = 0; i < DS_ARRAY_SIZE(ends); i++) {
		DS_FREE char *name = NULL;

		if (asprintf(&name, "%s%s", path, ends[i]) < 0) {
			name = NULL;
			return -ENOMEM;
		}
		if (unlink(name) && errno != ENOENT)
			return -errno;
	}
	return 0;
}
