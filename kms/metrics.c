// SPDX-License-Identifier: Apache-2.0
/* Counters and their text, see metrics.h. */
#include "metrics.h"

#define MAX_NAMES 64u
#define MAX_NAME  40u

struct row {
	char name[MAX_NAME];
	uint64_t n;
};

static struct {
	struct row row[MAX_NAMES + 1]; /* the last one: "other" */
	size_t n;
} counters[KMS_COUNTERS];

static const struct {
	const char *name, *label, *help;
} about[KMS_COUNTERS] = {
	[KMS_COUNT_REQUEST] = { "requests", "method", "Calls of a method that exists" },
	[KMS_COUNT_RELEASE] = { "releases", "method", "Keys and certificates given, each on record" },
	[KMS_COUNT_DENIAL] = { "denials", "reason", "Refused calls" },
	[KMS_COUNT_FAILURE] = { "failures", "method", "Calls that failed through no fault of the caller" },
	[KMS_COUNT_RELOAD] = { "policy_reloads", "result", "Policy files read again" },
};

void kms_count(enum kms_counter c, const char *name)
{
	struct row *row = counters[c].row;
	size_t i = 0;

	while (i < counters[c].n && strncmp(row[i].name, name, MAX_NAME - 1))
		i++;
	if (i == counters[c].n) {
		if (i < MAX_NAMES)
			counters[c].n++;
		snprintf(row[i].name, sizeof(row[i].name), "%s", i < MAX_NAMES ? name : "other");
	}
	row[i].n++;
}

static int counter_text(enum kms_counter c, struct ds_buf *ret)
{
	const struct row *row = counters[c].row;
	size_t n = counters[c].n + (row[MAX_NAMES].n > 0);

	DS_TRY(ds_buf_addf(ret, "# HELP dstack_kms_%s_total %s.\n# TYPE dstack_kms_%s_total counter\n",
			   about[c].name, about[c].help, about[c].name));
	for (size_t i = 0; i < n; i++)
		DS_TRY(ds_buf_addf(ret, "dstack_kms_%s_total{%s=\"%s\"} %llu\n", about[c].name,
				   about[c].label, row[i].name, (unsigned long long)row[i].n));
	return 0;
}

static int gauge_text(const char *name, const char *help, long long v, struct ds_buf *ret)
{
	return ds_buf_addf(ret, "# HELP dstack_kms_%s %s.\n# TYPE dstack_kms_%s gauge\ndstack_kms_%s %lld\n",
			   name, help, name, name, v);
}

int kms_metrics_text(const struct kms_gauges *g, struct ds_buf *ret)
{
	DS_TRY(ds_buf_addf(ret,
			   "# HELP dstack_kms_info Always 1.\n# TYPE dstack_kms_info gauge\n"
			   "dstack_kms_info{version=\"%s\"} 1\n",
			   DS_VERSION));
	for (int c = 0; c < KMS_COUNTERS; c++)
		DS_TRY(counter_text((enum kms_counter)c, ret));
	DS_TRY(gauge_text("release_log_entries", "Lines of the release log",
			  (long long)g->log_entries, ret));
	DS_TRY(gauge_text("release_log_latest_seconds", "Time of its last line, 0 without one",
			  g->log_latest, ret));
	DS_TRY(gauge_text("release_log_unlogged_denials", "Denials since then without a line",
			  (long long)g->log_unlogged, ret));
	DS_TRY(gauge_text("connections", "Open connections of the listener for guests",
			  g->connections, ret));
	DS_TRY(gauge_text("connections_max", "Places for them", g->max_connections, ret));
	DS_TRY(gauge_text("self_allowed", "Whether the policy lets this node serve", g->self_allowed,
			  ret));
	DS_TRY(gauge_text("key_epoch", "Epoch of keys for who names none", g->key_epoch, ret));
	return gauge_text("start_time_seconds", "When the process started", g->started, ret);
}
