/* SPDX-License-Identifier: Apache-2.0 */
/* For tests that judge a table of forged worlds. Include after cmocka.h. */
#ifndef DS_ATTEST_FORGE_ROWS_H
#define DS_ATTEST_FORGE_ROWS_H

#include <ds/attest/verify.h>

#include "forge.h"

#define T	FORGE_TIME
#define R(name) DS_REASON_##name

struct row {
	const char *what;
	struct forge f;
	enum ds_reason want;
	const char *status; /* NULL: not looked at */
};

static inline int judge(const struct forged *w, int64_t t, const struct ds_tcb_policy *policy,
			struct ds_verdict *v)
{
	const struct ds_verify_opts opts = { .root_ca = ds_buf_span(&w->root_pem),
					     .time = t,
					     .policy = policy };

	return ds_attest_quote(ds_buf_span(&w->quote), ds_buf_span(&w->collateral), &opts, v);
}

static inline void run(const struct row *rows, size_t n)
{
	FORGED struct forged w = { 0 };
	struct ds_verdict v;

	for (size_t i = 0; i < n; i++) {
		forge(&rows[i].f, &w);
		assert_int_equal(judge(&w, T, NULL, &v), 0);
		if (v.reason != rows[i].want || v.accepted != (rows[i].want == DS_REASON_NONE))
			fail_msg("%s: expected '%s', got '%s' (%s)", rows[i].what,
				 ds_reason_name(rows[i].want), ds_reason_name(v.reason), v.detail);
		if (rows[i].status && strcmp(v.tcb_status, rows[i].status))
			fail_msg("%s: expected status '%s', got '%s'", rows[i].what, rows[i].status,
				 v.tcb_status);
		assert_int_equal(v.detail[0] != '\0', !v.accepted);
	}
}

#endif
