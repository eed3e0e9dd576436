// SPDX-License-Identifier: Apache-2.0
/*
 * Tests of the instance store: rules of registration, addresses, what survives a restart, files
 * that are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <sys/stat.h>

#include <ds/base/file.h>
#include <ds/base/text.h>

#include "store.h"

static char dir[64];
static const struct ds_ip4net range = { 0x0a080010, 29 }; /* .17 to .22 can be given out */
static const struct ds_ip4net own = { 0x0a080011, 16 };	  /* .17 is ours: five are left */

static int fresh_dir(void **state)
{
	strcpy(dir, "/tmp/ds-store-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char path[400];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/instances", dir);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/instances/%s", dir, e->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	snprintf(path, sizeof(path), "%s/instances", dir);
	rmdir(path);
	return rmdir(dir);
}

static struct ds_store *open_store(void)
{
	struct ds_err err = DS_ERR_NULL;
	struct ds_store *s = NULL;

	if (ds_store_open(dir, range, own, &s, &err))
		fail_msg("%s", err.msg);
	return s;
}

static struct ds_gw_request request(uint8_t instance, uint8_t app, uint8_t key)
{
	struct ds_gw_request q = { 0 };

	memset(q.instance_id, instance, DS_GW_ID_LEN);
	memset(q.app_id, app, DS_GW_ID_LEN);
	memset(q.public_key, key, DS_WG_KEY_LEN);
	return q;
}

static int reg(struct ds_store *s, const struct ds_gw_request *q, int64_t now,
	       struct ds_gw_record **rec)
{
	uint8_t old[DS_WG_KEY_LEN];
	bool changed;

	return ds_store_register(s, q, now, rec, old, &changed);
}

static void rules(void **state)
{
	struct ds_store *s = open_store();
	struct ds_gw_request q = request(1, 9, 100), other = request(2, 9, 100),
			     thief = request(1, 8, 101);
	struct ds_gw_record *rec = NULL, *again = NULL;
	uint8_t old[DS_WG_KEY_LEN], zero[DS_WG_KEY_LEN] = { 0 };
	bool changed = false;

	assert_int_equal(ds_store_register(s, &q, 1000, &rec, old, &changed), 0);
	assert_true(changed);
	assert_int_equal(rec->in.ip, 0x0a080012);
	assert_int_equal(rec->reg_time, 1000);
	assert_memory_equal(old, zero, sizeof(old));
	/* the same again: nothing to do */
	assert_int_equal(ds_store_register(s, &q, 2000, &again, old, &changed), 0);
	assert_ptr_equal(again, rec);
	assert_false(changed);
	assert_int_equal(rec->reg_time, 1000);
	assert_int_equal(reg(s, &other, 2000, &again), DS_STORE_E_OTHER_INSTANCE);
	assert_int_equal(reg(s, &thief, 2000, &again), DS_STORE_E_OTHER_APP);
	assert_int_equal(ds_store_count(s), 1);
	/* a new key: same address, old key named, free for others */
	memset(q.public_key, 102, DS_WG_KEY_LEN);
	assert_int_equal(ds_store_register(s, &q, 3000, &again, old, &changed), 0);
	assert_true(changed);
	assert_int_equal(old[0], 100);
	assert_int_equal(rec->in.ip, 0x0a080012);
	assert_int_equal(rec->reg_time, 3000);
	assert_int_equal(reg(s, &other, 3000, &again), 0);
	assert_int_equal(again->in.ip, 0x0a080013);
	assert_ptr_equal(ds_store_by_key(s, q.public_key), rec);
	ds_store_free(s);
}

static void pool(void **state)
{
	struct ds_store *s = open_store();
	struct ds_gw_record *rec = NULL;
	struct ds_gw_request q;

	for (uint8_t i = 0; i < 5; i++) {
		q = request((uint8_t)(10 + i), 9, (uint8_t)(200 + i));
		assert_int_equal(reg(s, &q, 1, &rec), 0);
		assert_int_equal(rec->in.ip, 0x0a080012 + i); /* never .16, .17 or .23 */
	}
	q = request(50, 9, 50);
	assert_int_equal(reg(s, &q, 1, &rec), DS_STORE_E_POOL);
	assert_int_equal(ds_store_count(s), 5);
	q = request(10, 9, 200);
	assert_int_equal(reg(s, &q, 1, &rec), 0); /* the known ones still can */
	ds_store_free(s);
}

static void restart_keeps_everything(void **state)
{
	struct ds_store *s = open_store();
	struct ds_gw_record *rec = NULL;
	struct ds_gw_request q = request(1, 9, 100), p = request(2, 9, 101);
	struct ds_err err = DS_ERR_NULL;
	struct ds_ip4net moved = { 0x0a090000, 24 };

	assert_int_equal(reg(s, &q, 1, &rec), 0);
	p.has_policy = p.restricted = true;
	p.n_ports = 2;
	p.ports[0] = 443;
	p.ports[1] = 8443;
	assert_int_equal(reg(s, &p, 7, &rec), 0);
	s = ds_store_free(s);
	s = open_store();
	assert_int_equal(ds_store_count(s), 2);
	rec = ds_store_by_instance(s, p.instance_id);
	assert_non_null(rec);
	assert_int_equal(rec->in.ip, 0x0a080013);
	assert_int_equal(rec->reg_time, 7);
	assert_true(rec->in.restricted);
	assert_int_equal(rec->in.n_ports, 2);
	assert_int_equal(rec->in.ports[1], 8443);
	/* a registration without a policy keeps the old one */
	p.has_policy = false;
	assert_int_equal(reg(s, &p, 8, &rec), 0);
	assert_int_equal(rec->in.n_ports, 2);
	s = ds_store_free(s);
	/* another range: known, but without an address until it registers again */
	assert_int_equal(ds_store_open(dir, moved, own, &s, &err), 0);
	rec = ds_store_by_instance(s, q.instance_id);
	assert_int_equal(rec->in.ip, 0);
	assert_int_equal(reg(s, &q, 9, &rec), 0);
	assert_int_equal(rec->in.ip, 0x0a090001);
	ds_store_free(s);
}

/*
 * The file is written before the table changes: a store that cannot write refuses, and has not
 * changed.
 */
static void write_failure(void **state)
{
	struct ds_store *s = open_store();
	struct ds_gw_record *rec = NULL;
	struct ds_gw_request q = request(1, 9, 100), p = request(2, 9, 101);
	char path[128], aside[140];

	assert_int_equal(reg(s, &q, 1, &rec), 0);
	/* a directory where the file must go: works for root too */
	snprintf(path, sizeof(path), "%s/instances/0202020202020202020202020202020202020202.json",
		 dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(reg(s, &p, 1, &rec) < 0);
	assert_int_equal(ds_store_count(s), 1);
	assert_null(ds_store_by_key(s, p.public_key));
	assert_int_equal(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/instances/0101010101010101010101010101010101010101.json",
		 dir);
	snprintf(aside, sizeof(aside), "%s/instances/.aside", dir);
	assert_int_equal(rename(path, aside), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	memset(q.public_key, 103, DS_WG_KEY_LEN);
	assert_true(reg(s, &q, 2, &rec) < 0);
	rec = ds_store_by_instance(s, q.instance_id);
	assert_int_equal(rec->public_key[0], 100);
	assert_null(ds_store_by_key(s, q.public_key));
	assert_int_equal(rmdir(path), 0);
	ds_store_free(s);
}

static void put_file(const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/instances/%s", dir, name);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, DS_SPAN_STR(text), 0600), 0);
}

static void refuse_dir(const char *want)
{
	struct ds_err err = DS_ERR_NULL;
	struct ds_store *s = NULL;

	assert_true(ds_store_open(dir, range, own, &s, &err) < 0);
	if (!strstr(err.msg, want))
		fail_msg("\"%s\" does not contain \"%s\"", err.msg, want);
}

static void damaged_files(void **state)
{
	static const char name[] = "0101010101010101010101010101010101010101.json";
	struct ds_store *s = open_store();
	struct ds_gw_record *rec = NULL;
	struct ds_gw_request q = request(1, 9, 100);
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	char path[200];

	assert_int_equal(reg(s, &q, 1, &rec), 0);
	ds_store_free(s);
	snprintf(path, sizeof(path), "%s/instances/%s", dir, name);
	assert_int_equal(ds_read_file(AT_FDCWD, path, 10000, &text), 0);
	put_file("0202020202020202020202020202020202020202.json", ds_buf_cstr(&text));
	refuse_dir("0202020202020202020202020202020202020202.json: ");
	put_file("0202020202020202020202020202020202020202.json", "");
	refuse_dir("0202020202020202020202020202020202020202.json: ");
	snprintf(path, sizeof(path), "%s/instances/0202020202020202020202020202020202020202.json",
		 dir);
	assert_int_equal(unlink(path), 0);
	/* an interrupted write leaves a file of ours that is simply removed */
	put_file("0202020202020202020202020202020202020202.json.aabb.tmp", "{");
	s = open_store();
	assert_int_equal(ds_store_count(s), 1);
	ds_store_free(s);
	/* two instances with one key, then (another key) with one address */
	char *id = strstr((char *)text.p, "01010101"), *key = strstr((char *)text.p, "ZGRk");
	assert_non_null(id);
	assert_non_null(key);
	memset(id, '3', 2 * DS_GW_ID_LEN);
	put_file("3333333333333333333333333333333333333333.json", ds_buf_cstr(&text));
	refuse_dir("has the public_key of another instance");
	*key = 'A';
	put_file("3333333333333333333333333333333333333333.json", ds_buf_cstr(&text));
	refuse_dir("has the ip of another instance");
}

static void codec(void **state)
{
	struct ds_gw_record rec = { .in = { .ip = 0x0a080012, .n_ports = 1, .ports = { 443 } },
				    .reg_time = 5 },
			    got;
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_gw_record_encode(&rec, &text), 0);
	assert_int_equal(ds_gw_record_decode(ds_buf_span(&text), &got, &err), 0);
	assert_memory_equal(&got.in, &rec.in, sizeof(rec.in));
	for (size_t n = 0; n < text.n - 2; n++)
		assert_int_equal(ds_gw_record_decode(DS_SPAN(text.p, n), &got, &err), -EBADMSG);
	for (size_t i = 0; i < text.n; i++) {
		text.p[i] ^= 1;
		if (!ds_gw_record_decode(ds_buf_span(&text), &got, &err))
			assert_true(got.in.n_ports <= DS_GW_MAX_PORTS);
		text.p[i] ^= 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rules, fresh_dir, remove_dir),
		cmocka_unit_test_setup_teardown(pool, fresh_dir, remove_dir),
		cmocka_unit_test_setup_teardown(restart_keeps_everything, fresh_dir, remove_dir),
		cmocka_unit_test_setup_teardown(write_failure, fresh_dir, remove_dir),
		cmocka_unit_test_setup_teardown(damaged_files, fresh_dir, remove_dir),
		cmocka_unit_test(codec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
