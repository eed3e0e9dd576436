// SPDX-License-Identifier: Apache-2.0
/* No reply before its line is synced, and none at all if that fails. */
#include "metrics.h"
#include "net.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int sync_result, synced, replied, broken, counted;

int kms_relog_sync(struct kms_relog *log)
{
	assert_int_equal(replied, 0);
	synced++;
	return sync_result;
}

void ds_req_reply_secret(struct ds_req *req, int status, const char *content_type,
			 struct ds_secret **take, size_t n)
{
	assert_int_equal(synced, 1);
	assert_int_equal(status, 200);
	assert_int_equal(n, 3);
	*take = ds_secret_free(*take);
	replied++;
}

void kms_broken(struct ds_req *req, const char *op, int r)
{
	assert_int_equal(r, -EIO);
	broken++;
}

void kms_count(enum kms_counter what, const char *label)
{
	assert_int_equal(what, KMS_COUNT_RELEASE);
	counted++;
}

static void add(struct kms_net *net, struct ds_req *req)
{
	struct ds_secret *body = ds_secret_new(8);

	assert_int_equal(kms_due_add(net, req, "GetAppKey", "text/plain", &body, 3), 0);
	assert_null(body);
}

/* result of the sync; stop: the service ends before the loop turns */
static void check(int result, bool stop)
{
	struct kms_net net = { .base = event_base_new() };
	struct ds_req req[2] = { { .peer = "a" }, { .peer = "b" } };

	sync_result = result;
	synced = replied = broken = counted = 0;
	assert_int_equal(kms_due_start(&net), 0);
	for (int i = 0; i < 2; i++)
		add(&net, &req[i]);
	assert_int_equal(synced + replied + broken, 0);
	if (!stop)
		event_base_loop(net.base, EVLOOP_NONBLOCK);
	kms_due_stop(&net);
	assert_int_equal(synced, 1);
	assert_int_equal(replied, result ? 0 : 2);
	assert_int_equal(counted, replied);
	assert_int_equal(broken, result ? 2 : 0);
	event_base_free(net.base);
}

static void test_together(void **state)
{
	check(0, false);
	check(0, true);
}

static void test_not_on_record(void **state)
{
	check(-EIO, false);
	check(-EIO, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_not_on_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
