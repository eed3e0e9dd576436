// SPDX-License-Identifier: Apache-2.0
/* Tests of IPv4 text and networks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <ds/net/ip4.h>

static void addresses(void **state)
{
	static const char *const bad[] = { "",	       "1.2.3",	   "1.2.3.4.5", "256.0.0.1",
					   "01.2.3.4", " 1.2.3.4", "1.2.3.4 ",	"1.2.3.-4",
					   "::1",      "a.b.c.d",  "1.2.3.4/8" };
	char text[DS_IP4_TEXT];
	uint32_t a;

	assert_int_equal(ds_ip4_parse("10.8.255.1", &a), 0);
	assert_true(a == 0x0a08ff01);
	assert_string_equal(ds_ip4_format(a, text), "10.8.255.1");
	assert_string_equal(ds_ip4_format(UINT32_MAX, text), "255.255.255.255");
	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++)
		assert_int_equal(ds_ip4_parse(bad[i], &a), -EBADMSG);
}

static void networks(void **state)
{
	static const char *const bad[] = { "",
					   "10.0.0.1",
					   "10.0.0.1/",
					   "10.0.0.1/33",
					   "10.0.0.1/-1",
					   "10.0.0.1/8 ",
					   "/8",
					   "1000000000000000.0.0.0/8" };
	struct ds_ip4net n, m, all = { 0, 0 };
	char text[DS_IP4N_TEXT];

	assert_int_equal(ds_ip4net_parse("10.8.1.2/16", &n), 0);
	assert_string_equal(ds_ip4net_format(n, text), "10.8.1.2/16");
	assert_true(ds_ip4net_contains(n, 0x0a08ffff));
	assert_false(ds_ip4net_contains(n, 0x0a090000));
	assert_true(ds_ip4net_contains(all, 0xffffffff));
	assert_int_equal(ds_ip4net_parse("10.8.4.0/24", &m), 0);
	assert_true(ds_ip4net_covers(n, m));
	assert_false(ds_ip4net_covers(m, n));
	assert_true(ds_ip4net_covers(all, n));
	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++)
		assert_int_equal(ds_ip4net_parse(bad[i], &n), -EBADMSG);
}

static void endpoints(void **state)
{
	static const char *const bad[] = { "",	     "10.0.0.1", "10.0.0.1:0", "10.0.0.1:65536",
					   "host:1", ":1",	 "10.0.0.1:1x" };
	struct sockaddr_in sa;
	char text[DS_IP4N_TEXT];

	assert_int_equal(ds_ip4_endpoint_parse("203.0.113.5:51820", &sa), 0);
	assert_int_equal(ntohs(sa.sin_port), 51820);
	assert_string_equal(ds_ip4_endpoint_format(&sa, text), "203.0.113.5:51820");
	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++)
		assert_int_equal(ds_ip4_endpoint_parse(bad[i], &sa), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(networks),
		cmocka_unit_test(endpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
