// SPDX-License-Identifier: Apache-2.0
/* The merge and relaunch tables of spec/dcap 5, all cells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "priv.h"

#define UP   DS_TCB_UP_TO_DATE
#define SW   DS_TCB_SW_HARDENING
#define CO   DS_TCB_CONFIG
#define CS   DS_TCB_CONFIG_SW_HARDENING
#define OLD  DS_TCB_OUT_OF_DATE
#define OLDC DS_TCB_OUT_OF_DATE_CONFIG
#define REV  DS_TCB_REVOKED
#define RE   DS_TCB_RELAUNCH
#define REC  DS_TCB_RELAUNCH_CONFIG

static void merge_table(void **state)
{
	static const enum ds_tcb_status rows[][4] = {
		/* platform, all up to date, one out of date, one revoked */
		{ UP, UP, OLD, REV },	{ SW, SW, OLD, REV },	{ CO, CO, OLDC, REV },
		{ CS, CS, OLDC, REV },	{ OLD, OLD, OLD, REV }, { OLDC, OLDC, OLDC, REV },
		{ REV, REV, REV, REV },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		assert_int_equal(ds_tcb_merge(rows[i][0], UP, UP), rows[i][1]);
		assert_int_equal(ds_tcb_merge(rows[i][0], OLD, UP), rows[i][2]);
		assert_int_equal(ds_tcb_merge(rows[i][0], UP, OLD), rows[i][2]);
		assert_int_equal(ds_tcb_merge(rows[i][0], OLD, OLD), rows[i][2]);
		assert_int_equal(ds_tcb_merge(rows[i][0], REV, UP), rows[i][3]);
		assert_int_equal(ds_tcb_merge(rows[i][0], OLD, REV), rows[i][3]);
	}
}

static void relaunch_table(void **state)
{
	static const struct {
		enum ds_tcb_status launch, now, want;
	} rows[] = {
		{ UP, UP, UP },
		{ OLD, UP, RE },
		{ OLD, SW, RE },
		{ OLD, CO, REC },
		{ OLD, CS, REC },
		{ OLDC, UP, REC },
		{ OLDC, SW, REC },
		{ OLDC, CO, REC },
		{ OLD, OLD, OLD },
		{ OLD, OLDC, OLDC },
		{ OLDC, OLD, OLDC },
		{ CO, UP, CO },
		{ CS, UP, CS },
		{ SW, UP, SW },
		{ REV, UP, REV },
		/* current worse than launch is not honest: the worse one counts */
		{ UP, OLD, OLD },
		{ UP, REV, REV },
		{ SW, OLDC, OLDC },
		{ OLD, REV, REV },
		{ UP, SW, SW },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++)
		assert_int_equal(ds_tcb_relaunch(rows[i].launch, rows[i].now), rows[i].want);
}

static void status_words(void **state)
{
	enum ds_tcb_status s;

	for (size_t i = 0; i < DS_TCB_COUNT; i++) {
		assert_int_equal(
			ds_tcb_status_parse(DS_SPAN_STR(ds_tcb_status_name((enum ds_tcb_status)i)),
					    &s),
			0);
		assert_int_equal(s, i);
	}
	assert_int_equal(ds_tcb_status_parse(DS_SPAN_LIT("Fine"), &s), -ENOENT);
	assert_int_equal(ds_tcb_status_parse(DS_SPAN_LIT("UpToDat"), &s), -ENOENT);
	assert_int_equal(ds_tcb_status_parse(DS_SPAN_LIT("UpToDate "), &s), -ENOENT);
	assert_int_equal(ds_tcb_status_parse(DS_SPAN_LIT("uptodate"), &s), -ENOENT);
}

static void svn_levels(void **state)
{
	static const struct ds_svn_level levels[] = {
		{ 2, OLD, NULL }, { 6, UP, NULL }, { 4, OLD, NULL },
		{ 6, REV, NULL }, { 9, UP, NULL },
	};

	assert_null(ds_svn_level_find(levels, DS_ARRAY_SIZE(levels), 1));
	assert_int_equal(ds_svn_level_find(levels, DS_ARRAY_SIZE(levels), 2)->isvsvn, 2);
	assert_int_equal(ds_svn_level_find(levels, DS_ARRAY_SIZE(levels), 5)->isvsvn, 4);
	/* of two that are equal the worse */
	assert_int_equal(ds_svn_level_find(levels, DS_ARRAY_SIZE(levels), 8)->status, REV);
	assert_int_equal(ds_svn_level_find(levels, DS_ARRAY_SIZE(levels), 65535)->isvsvn, 9);
	assert_null(ds_svn_level_find(levels, 0, 9));
}

/* A verdict starts refused, keeps its first reason and can be lost later, never won. */
static void verdicts(void **state)
{
	struct ds_verdict v;

	ds_verdict_init(&v);
	ds_verdict_accept(&v);
	assert_false(v.accepted); /* nothing was checked */
	ds_verdict_pass(&v, "x", "fine");
	ds_verdict_accept(&v);
	assert_true(v.accepted);
	assert_int_equal(v.reason, DS_REASON_NONE);
	assert_int_equal(ds_verdict_fail(&v, DS_REASON_TCB_STATUS, "a\n%s", "b"),
			 DS_ATTEST_REFUSED);
	assert_false(v.accepted);
	assert_int_equal(ds_verdict_fail_text(&v, DS_REASON_ADVISORY, "w", "e", "a"),
			 DS_ATTEST_REFUSED);
	assert_int_equal(v.reason, DS_REASON_TCB_STATUS);
	assert_null(strchr(v.detail, '\n'));
	ds_verdict_accept(&v);
	assert_false(v.accepted);
	for (int i = 0; i < 2 * DS_VERDICT_CHECKS; i++)
		ds_verdict_pass(&v, "x", "%d", i);
	assert_int_equal(v.n_checks, DS_VERDICT_CHECKS);
	ds_verdict_init(&v);
	for (int i = 0; i < DS_VERDICT_CHECKS; i++)
		ds_verdict_pass(&v, "x", "%d", i);
	assert_int_equal(ds_verdict_fail(&v, DS_REASON_TD_DEBUG, "late"), DS_ATTEST_REFUSED);
	ds_verdict_accept(&v);
	assert_false(v.accepted); /* a full table never hides a failure */
	assert_string_equal(ds_reason_name(v.reason), "td-debug");
	assert_string_equal(ds_reason_name(DS_REASON_COUNT), "internal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merge_table),	cmocka_unit_test(relaunch_table),
		cmocka_unit_test(status_words), cmocka_unit_test(svn_levels),
		cmocka_unit_test(verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
