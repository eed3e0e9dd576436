// SPDX-License-Identifier: Apache-2.0
/* ds_db: values come back, versions migrate, damage is told from trouble. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <ds/base/file.h>
#include <ds/store/db.h>

static char dir[] = "/tmp/dstack-db-test-XXXXXX";
static const char *const schema[] = {
	"CREATE TABLE t(k TEXT PRIMARY KEY, v BLOB NOT NULL, n INTEGER NOT NULL) STRICT",
	"ALTER TABLE t ADD COLUMN extra INTEGER NOT NULL DEFAULT 7",
};

static int one_row(void *ctx, const struct ds_db_value *col, size_t n)
{
	int *rows = ctx;

	assert_int_equal(n, 4);
	assert_int_equal(col[0].kind, DS_DB_TEXT);
	assert_true(ds_span_eq(col[0].s, DS_SPAN_LIT("it's")));
	assert_int_equal(col[1].kind, DS_DB_BLOB);
	assert_true(ds_span_eq(col[1].s, DS_SPAN("a\0b", 3)));
	assert_int_equal(col[2].i, INT64_MAX);
	assert_int_equal(col[3].i, 7);
	++*rows;
	return 0;
}

static struct ds_db *open_ok(size_t n)
{
	struct ds_err err = DS_ERR_NULL;
	struct ds_db *db = NULL;

	if (ds_db_open("db", schema, n, &db, &err))
		fail_msg("%s", err.msg);
	return db;
}

static void values_and_versions(void **state)
{
	const struct ds_db_value row[] = { DS_DB_T("it's"), DS_DB_B(DS_SPAN("a\0b", 3)),
					   DS_DB_I(INT64_MAX) };
	struct ds_db *db = open_ok(1), *other;
	struct ds_err err = DS_ERR_NULL;
	struct stat st;
	int rows = 0;

	assert_int_equal(ds_db_run(db, "INSERT INTO t VALUES(?, ?, ?)", row, 3, NULL, NULL, &err), 0);
	assert_int_equal(ds_db_run(db, "INSERT INTO t VALUES(?, ?, ?)", row, 3, NULL, NULL, &err),
			 -EIO); /* the key is there */
	assert_int_equal(stat("db", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat("db-wal", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* a second handle migrates, the first one sees it */
	other = open_ok(2);
	assert_int_equal(ds_db_run(db, "SELECT * FROM t", NULL, 0, one_row, &rows, &err), 0);
	assert_int_equal(rows, 1);
	ds_db_free(other);
	ds_db_free(db);
	/* an older program keeps its hands off */
	assert_int_equal(ds_db_open("db", schema, 1, &db, &err), -ESTALE);
	assert_int_equal(ds_db_remove("db"), 0);
	assert_int_equal(ds_db_remove("db"), 0);
}

static int stop(void *ctx, const struct ds_db_value *col, size_t n)
{
	return 42;
}

static void failures(void **state)
{
	DS_BUF struct ds_buf junk = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct ds_db *db = NULL;

	assert_int_equal(ds_db_open("no/such/dir", schema, 2, &db, &err), -ENOENT);
	assert_int_equal(symlink("/etc/passwd", "link"), 0);
	assert_int_equal(ds_db_open("link", schema, 2, &db, &err), -ELOOP);
	unlink("link");
	for (int i = 0; i < 500; i++)
		assert_int_equal(ds_buf_addf(&junk, "this is not a database\n"), 0);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, "db", ds_buf_span(&junk), 0600), 0);
	assert_int_equal(ds_db_open("db", schema, 2, &db, &err), -EILSEQ);
	assert_int_equal(ds_db_remove("db"), 0);
	/* one that is damaged: the root of its tables is gone */
	ds_db_free(open_ok(2));
	DS_FD int fd = open("db", O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, junk.p, 1000, 100), 1000);
	assert_int_equal(ds_db_open("db", schema, 2, &db, &err), -EBADMSG);
	assert_int_equal(ds_db_remove("db"), 0);
	db = open_ok(2);
	assert_int_equal(ds_db_run(db, "SELECT 1", NULL, 0, stop, NULL, &err), 42);
	assert_int_equal(ds_db_run(db, "SELEC 1", NULL, 0, NULL, NULL, &err), -EIO);
	assert_int_equal(ds_db_run(db, "SELECT \"t\" FROM t WHERE k = \"x\"", NULL, 0, NULL, NULL, &err),
			 -EIO); /* no such column, not a string */
	ds_db_free(db);
	assert_int_equal(ds_db_remove("db"), 0);
}

#define PROCESSES 8
#define ROUNDS	  20

/*
 * Processes that open the file, and close it again, when gate is closed. They are made first: SQLite
 * takes the handles that it had before a fork for its own.
 */
static void start(int n, int *ret_gate)
{
	int gate[2];

	assert_int_equal(pipe(gate), 0);
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			struct ds_db *db = NULL;
			char c;
			int r;

			close(gate[1]);
			r = read(gate[0], &c, 1) || ds_db_open("db", schema, 2, &db, NULL);
			if (!r)
				ds_db_free(db);
			_exit(r);
		}
	}
	close(gate[0]);
	*ret_gate = gate[1];
}

static void all_can(int n, int gate)
{
	int status, bad = 0;

	close(gate);
	for (int i = 0; i < n; i++) {
		assert_true(wait(&status) > 0);
		bad += status != 0;
	}
	assert_int_equal(bad, 0);
}

static void made_by_several(void **state)
{
	int gate;

	for (int i = 0; i < ROUNDS; i++) {
		start(PROCESSES, &gate);
		all_can(PROCESSES, gate);
		assert_int_equal(ds_db_remove("db"), 0);
	}
}

/* Who closes a file last takes its log away: nobody who comes and goes while we have it. */
static void locks_stay(void **state)
{
	struct ds_db *db, *second;
	struct stat st;
	int gate;

	start(1, &gate);
	db = open_ok(2);
	second = open_ok(2);
	all_can(1, gate);
	assert_int_equal(stat("db-wal", &st), 0);
	ds_db_free(second);
	ds_db_free(db);
	assert_int_equal(ds_db_remove("db"), 0);
}

static int setup(void **state)
{
	return mkdtemp(dir) && !chdir(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	return chdir("/") || rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_and_versions),
		cmocka_unit_test(failures),
		cmocka_unit_test(made_by_several),
		cmocka_unit_test(locks_stay),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
