// SPDX-License-Identifier: Apache-2.0
/* The bucket gives what it has and no more, the floor only rises. */
#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static unsigned drain(struct kms_bucket *b, int64_t now)
{
	unsigned n = 0;

	while (kms_bucket_take(b, 5, 1000, now))
		n++;
	return n;
}

static void test_bucket(void **state)
{
	struct kms_bucket b = { 0 };

	assert_int_equal(drain(&b, 10), 5);
	assert_int_equal(drain(&b, 10), 0);
	assert_int_equal(drain(&b, 1009), 0);
	assert_int_equal(drain(&b, 1010), 1);
	/* half a second is not forgotten */
	assert_int_equal(drain(&b, 2510), 1);
	assert_int_equal(drain(&b, 3010), 1);
	assert_int_equal(drain(&b, 5010), 2);
	/* nor does an hour give more than it holds */
	assert_int_equal(drain(&b, 3600000), 5);
	assert_int_equal(drain(&b, 3600000), 0);
	assert_int_equal(drain(&b, 3600999), 0);
	assert_int_equal(drain(&b, 3601000), 1);
}

static void test_floor(void **state)
{
	assert_true(KMS_TIME_FLOOR > 1700000000);
	assert_int_equal(kms_clock_floor(0), KMS_TIME_FLOOR);
	assert_int_equal(kms_clock_floor(KMS_TIME_FLOOR - 1000), KMS_TIME_FLOOR);
	assert_int_equal(kms_clock_floor(KMS_TIME_FLOOR + 1000), KMS_TIME_FLOOR + 940);
}

static void test_due(void **state)
{
	struct kms_clock c = { 0 };

	assert_int_equal(kms_clock_due(&c, 5000, 100000), 4940);
	/* set back by an hour, a second later and a day later */
	assert_int_equal(kms_clock_due(&c, 1400, 101000), 4941);
	assert_int_equal(kms_clock_due(&c, 87800, 86501000), 91341);
	/* set forward: that counts from now on */
	assert_int_equal(kms_clock_due(&c, 100000, 86502000), 91342);
	assert_int_equal(kms_clock_due(&c, 100000, 86503000), 99941);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
