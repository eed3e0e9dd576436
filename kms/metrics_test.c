// SPDX-License-Identifier: Apache-2.0
/* Counters: what is counted under which name, and that no number of names grows the text. */
#include "metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static char *text(void)
{
	static const struct kms_gauges g = { .log_entries = 3,
					     .log_latest = 1700000000,
					     .log_unlogged = 5,
					     .connections = 1,
					     .max_connections = 128,
					     .self_allowed = true };
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	assert_int_equal(kms_metrics_text(&g, &b), 0);
	return strndup((const char *)b.p, b.n);
}

static void has(const char *line)
{
	char *t = text();

	if (!strstr(t, line))
		fail_msg("no '%s' in:\n%s", line, t);
	free(t);
}

static void counts(void **state)
{
	has("# TYPE dstack_kms_denials_total counter\n# HELP"); /* named before anything happened */
	kms_count(KMS_COUNT_REQUEST, "GetAppKey");
	kms_count(KMS_COUNT_REQUEST, "GetMeta");
	kms_count(KMS_COUNT_REQUEST, "GetAppKey");
	kms_count(KMS_COUNT_DENIAL, "os-image");
	has("\ndstack_kms_requests_total{method=\"GetAppKey\"} 2\n");
	has("\ndstack_kms_requests_total{method=\"GetMeta\"} 1\n");
	has("\ndstack_kms_denials_total{reason=\"os-image\"} 1\n");
	has("\n# TYPE dstack_kms_release_log_entries gauge\ndstack_kms_release_log_entries 3\n");
	has("\ndstack_kms_release_log_unlogged_denials 5\n");
	has("\ndstack_kms_key_epoch 0\n");
	has("\ndstack_kms_self_allowed 1\n");
	has("dstack_kms_info{version=\"" DS_VERSION "\"} 1\n");
}

static void bounded(void **state)
{
	char name[64];
	char *t;
	size_t lines = 0;

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "method-%d-with-a-name-that-is-longer-than-most", i);
		kms_count(KMS_COUNT_FAILURE, name);
	}
	t = text();
	for (const char *p = t; (p = strstr(p, "\ndstack_kms_failures_total{")); p++)
		lines++;
	free(t);
	assert_int_equal(lines, 65);
	has("\ndstack_kms_failures_total{method=\"method-0-with-a-name-that-is-longer-tha\"} 1\n");
	has("\ndstack_kms_failures_total{method=\"other\"} 936\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
