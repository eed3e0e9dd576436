// SPDX-License-Identifier: Apache-2.0
/* Tests of a worker's instance table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/log.h>

#include "ids.h"
#include "table.h"

static struct ds_gw_msg msg_of(enum ds_gw_msg_kind kind, uint8_t instance, uint8_t app, uint32_t ip)
{
	struct ds_gw_msg m = { .kind = kind, .instance = { .ip = ip, .fresh = 1 } };

	memset(m.instance.instance_id, instance, DS_GW_ID_LEN);
	memset(m.instance.app_id, app, DS_GW_ID_LEN);
	return m;
}

static int apply(struct ds_table *t, enum ds_gw_msg_kind kind, uint8_t instance, uint8_t app,
		 uint32_t ip)
{
	struct ds_gw_msg m = msg_of(kind, instance, app, ip);

	return ds_table_apply(t, &m);
}

static int find(struct ds_table *t, uint8_t id, uint16_t port, uint32_t seed, uint32_t ips[8],
		size_t *n)
{
	uint8_t full[DS_GW_ID_LEN];

	memset(full, id, sizeof(full));
	*n = 0;
	return ds_table_candidates(t, full, port, seed, ips, 3, n);
}

static void snapshots_and_changes(void **state)
{
	struct ds_table *t = NULL;
	uint32_t ips[8];
	size_t n;

	assert_int_equal(ds_table_new(3, &t), 0);
	/* what a former control process left in the queue comes before any BEGIN and is ignored */
	assert_int_equal(apply(t, DS_GW_PUT, 1, 9, 101), 0);
	assert_int_equal(apply(t, DS_GW_END, 0, 0, 0), 0);
	assert_int_equal(ds_table_count(t), 0);
	assert_false(ds_table_ready(t));
	assert_int_equal(apply(t, DS_GW_BEGIN, 0, 0, 0), 0);
	assert_int_equal(apply(t, DS_GW_PUT, 1, 9, 101), 0);
	assert_int_equal(apply(t, DS_GW_PUT, 2, 9, 102), 0);
	assert_int_equal(apply(t, DS_GW_PUT, 3, 8, 103), 0);
	assert_int_equal(apply(t, DS_GW_PUT, 4, 8, 104), -ENOSPC);
	assert_false(ds_table_ready(t));
	assert_int_equal(apply(t, DS_GW_END, 0, 0, 0), 0);
	assert_true(ds_table_ready(t));
	assert_int_equal(find(t, 1, 443, 0, ips, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(ips[0], 101);
	assert_int_equal(find(t, 9, 443, 0, ips, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(find(t, 7, 443, 0, ips, &n), -ENOENT);
	/* a move to another app leaves no trace under the old one */
	assert_int_equal(apply(t, DS_GW_PUT, 2, 8, 112), 0);
	assert_int_equal(find(t, 9, 443, 0, ips, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(find(t, 2, 443, 0, ips, &n), 0);
	assert_int_equal(ips[0], 112);
	assert_int_equal(apply(t, DS_GW_DELETE, 1, 0, 0), 0);
	assert_int_equal(apply(t, DS_GW_DELETE, 1, 0, 0), 0);
	assert_int_equal(find(t, 9, 443, 0, ips, &n), -ENOENT);
	/* a second snapshot drops what it does not name, but only at its end */
	assert_int_equal(apply(t, DS_GW_BEGIN, 0, 0, 0), 0);
	assert_int_equal(apply(t, DS_GW_PUT, 3, 8, 103), 0);
	assert_int_equal(find(t, 2, 443, 0, ips, &n), 0);
	assert_int_equal(apply(t, DS_GW_END, 0, 0, 0), 0);
	assert_int_equal(find(t, 2, 443, 0, ips, &n), -ENOENT);
	assert_int_equal(ds_table_count(t), 1);
	assert_int_equal(apply(t, 99, 0, 0, 0), -EBADMSG);
	assert_int_equal(apply(t, DS_GW_PUT, 5, 5, 0), -EBADMSG);
	assert_null(ds_table_free(t));
}

static void fresh_first_and_spread(void **state)
{
	struct ds_table *t = NULL;
	unsigned int first[20] = { 0 };
	struct ds_gw_msg m;
	uint32_t ips[8];
	size_t n;

	assert_int_equal(ds_table_new(100, &t), 0);
	assert_int_equal(apply(t, DS_GW_BEGIN, 0, 0, 0), 0);
	for (uint8_t i = 1; i <= 10; i++) {
		m = msg_of(DS_GW_PUT, i, 99, i);
		m.instance.fresh = i <= 5;
		assert_int_equal(ds_table_apply(t, &m), 0);
	}
	for (uint32_t seed = 0; seed < 1000; seed++) {
		assert_int_equal(find(t, 99, 1, seed * 2654435761u, ips, &n), 0);
		assert_int_equal(n, 3);
		assert_true(ips[0] != ips[1] && ips[1] != ips[2] && ips[0] != ips[2]);
		assert_true(ips[0] <= 5 && ips[1] <= 5 && ips[2] <= 5);
		first[ips[0]]++;
	}
	for (int i = 1; i <= 5; i++)
		assert_true(first[i] > 50);
	/* with one fresh instance left the others still follow */
	for (uint8_t i = 2; i <= 5; i++)
		assert_int_equal(apply(t, DS_GW_DELETE, i, 0, 0), 0);
	assert_int_equal(find(t, 99, 1, 5, ips, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(ips[0], 1);
	assert_true(ips[1] > 5 && ips[2] > 5);
	assert_null(ds_table_free(t));
}

static void port_policy(void **state)
{
	struct ds_table *t = NULL;
	struct ds_gw_msg m = msg_of(DS_GW_PUT, 1, 9, 101);
	uint32_t ips[8];
	size_t n;

	assert_int_equal(ds_table_new(10, &t), 0);
	assert_int_equal(apply(t, DS_GW_BEGIN, 0, 0, 0), 0);
	m.instance.restricted = 1;
	m.instance.n_ports = 2;
	m.instance.ports[0] = 443;
	m.instance.ports[1] = 8443;
	assert_int_equal(ds_table_apply(t, &m), 0);
	assert_int_equal(find(t, 1, 8443, 0, ips, &n), 0);
	assert_int_equal(find(t, 9, 443, 0, ips, &n), 0);
	assert_int_equal(find(t, 1, 80, 0, ips, &n), -EACCES);
	assert_int_equal(find(t, 9, 80, 0, ips, &n), -EACCES);
	assert_int_equal(apply(t, DS_GW_PUT, 2, 9, 102), 0); /* an open instance of the same app */
	assert_int_equal(find(t, 9, 80, 0, ips, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(ips[0], 102);
	m.instance.n_ports = DS_GW_MAX_PORTS + 1;
	assert_int_equal(ds_table_apply(t, &m), -EBADMSG);
	assert_null(ds_table_free(t));
}

static void log_limit(void **state)
{
	struct ds_gw_log_limit l = { 0 };
	enum ds_log_level keep = ds_log_max;

	ds_log_max = DS_LOG_ERR;
	for (int i = 0; i < 5; i++)
		assert_int_equal(ds_gw_may_log(&l, 7, 3), i < 3);
	assert_int_equal(l.dropped, 2);
	assert_true(ds_gw_may_log(&l, 8, 3));
	assert_int_equal(l.dropped, 0);
	ds_log_max = keep;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshots_and_changes),
		cmocka_unit_test(fresh_first_and_spread),
		cmocka_unit_test(port_policy),
		cmocka_unit_test(log_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
