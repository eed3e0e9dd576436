/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite with our settings: one file of mode 0600, WAL, a schema that migrates itself, statements
 * with bound values only. Several processes may share a file; inside one process a handle belongs to
 * one thread. Never for keys.
 */
#ifndef DS_STORE_DB_H
#define DS_STORE_DB_H

#include <ds/base/base.h>

struct ds_db;

/*
 * migrations[i] brings a file of version i to version i + 1, each in a transaction. -EBADMSG: the
 * file is damaged; -EILSEQ: it is no database; -ESTALE: it is of a later version than this program
 * knows. A file that is not there is made with mode 0600.
 */
DS_MUST int ds_db_open(const char *path, const char *const *migrations, size_t n_migrations,
		       struct ds_db **ret, struct ds_err *err);
struct ds_db *ds_db_free(struct ds_db *db);
/* Remove a database and the files beside it. 0 also when there is none. */
DS_MUST int ds_db_remove(const char *path);

struct ds_db_value {
	enum { DS_DB_INT, DS_DB_TEXT, DS_DB_BLOB } kind;
	int64_t i;
	struct ds_span s;
};

#define DS_DB_I(v) ((struct ds_db_value){ .kind = DS_DB_INT, .i = (v) })
#define DS_DB_T(v) ((struct ds_db_value){ .kind = DS_DB_TEXT, .s = DS_SPAN_STR(v) })
#define DS_DB_B(v) ((struct ds_db_value){ .kind = DS_DB_BLOB, .s = (v) })

/* One row; columns are of the kinds that SQLite reports, spans are valid during the call. */
typedef int (*ds_db_row_fn)(void *ctx, const struct ds_db_value *col, size_t n);

/*
 * One statement. fn (may be NULL) sees each row and stops the run by returning non-zero, which is
 * returned. -EBUSY: another process kept the file locked for five seconds; -EBADMSG: damaged.
 */
DS_MUST int ds_db_run(struct ds_db *db, const char *sql, const struct ds_db_value *bind, size_t n,
		      ds_db_row_fn fn, void *ctx, struct ds_err *err);

#endif
