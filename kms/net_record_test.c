// SPDX-License-Identifier: Apache-2.0
/* Nothing is recorded as released, and so nothing is released, that the policy did not allow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

static json_t *line;

int kms_relog_add(struct kms_relog *log, json_t *entry, int64_t now)
{
	json_decref(line);
	line = json_incref(entry);
	return 0;
}

/* never called here */
int kms_relog_write(struct kms_relog *log, json_t *entry, int64_t now)
{
	return -EIO;
}

static int lease;

int kms_lease_check(const struct kms_net *net, struct kms_refusal *why)
{
	return lease;
}

/* It ended while the policy was asked about the guest. */
static void test_lease(void **state)
{
	struct kms_subject s = { .id = DS_IDENTITY_NULL, .proven = true, .allowed = true };
	struct ds_req req = { .peer = "test" };
	struct kms_net net = { .lease = (struct kms_lease *)&lease };

	line = NULL;
	lease = DS_ATTEST_REFUSED;
	assert_int_equal(kms_record(&net, &req, "GetAppKey", &s, json_object()), -EPERM);
	assert_null(line);
	lease = 0;
	assert_int_equal(kms_record(&net, &req, "GetAppKey", &s, json_object()), 0);
	json_decref(line);
}

static void test_allowed(void **state)
{
	struct kms_subject s = { .id = DS_IDENTITY_NULL, .proven = true, .image = "demo" };
	struct ds_req req = { .peer = "test" };
	struct kms_net net = { 0 };

	s.ruling = json_pack("{s:i}", "block", 7);
	assert_int_equal(kms_record(&net, &req, "GetAppKey", &s, json_object()), -EPERM);
	assert_null(line);
	s.allowed = true;
	assert_int_equal(kms_record(&net, &req, "GetAppKey", &s, json_pack("{s:i}", "more", 1)), 0);
	assert_string_equal(json_string_value(json_object_get(line, "decision")), "release");
	assert_string_equal(json_string_value(json_object_get(line, "image")), "demo");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "ruling"), "block")),
			 7);
	assert_int_equal(json_integer_value(json_object_get(line, "more")), 1);
	json_decref(line);
	json_decref(s.ruling);
}

/* A machine that slept for a day: its leases are over. */
static void test_sleep(void **state)
{
	static const char offset[] = "boottime 86400 0\n";
	int64_t before = kms_now_ms();
	int fd, status = 0;
	pid_t pid;

	if (unshare(CLONE_NEWTIME))
		skip();
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, offset, sizeof(offset) - 1), sizeof(offset) - 1);
	close(fd);
	pid = fork();
	if (!pid)
		_exit(kms_now_ms() - before < 86400000);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_allowed),
					    cmocka_unit_test(test_lease),
					    cmocka_unit_test(test_sleep) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
