// SPDX-License-Identifier: Apache-2.0
/* Which host names begin with the id of an app or an instance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "verify.h"
#include "world.h"

static char *page; /* nothing can be read behind it */
static size_t page_size;

static int map(void **state)
{
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	page = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page == MAP_FAILED || mprotect(page + page_size, page_size, PROT_NONE);
}

static int unmap(void **state)
{
	return munmap(page, 2 * page_size);
}

/* Nobody but an image vouches: an app that is named in the host is then the host's choice. */
static bool names_id(const char *host)
{
	const size_t n = strlen(host) + 1;
	const struct options o = { .host = memcpy(page + page_size - n, host, n), .image = "" };
	const struct ds_identity id = { .app_id = { 1 } };
	struct ds_verdict v;

	ds_verdict_init(&v);
	assert_int_equal(expect_judge(&o, DS_SPAN_NULL, &id, true, false, &v), 0);
	assert_int_equal(v.reason, DS_REASON_CERT_IDENTITY);
	return !!strstr(v.detail, "chose this app id");
}

static void ids_in_hosts(void **state)
{
	static const struct {
		const char *host;
		bool want;
	} rows[] = {
		{ APP_HEX, true },
		{ APP_HEX ".", true },
		{ APP_HEX ".example.org", true },
		{ APP_HEX "-", true },
		{ APP_HEX "-8443s.example.org", true },
		{ X10("AbCd") ".example.org", true },
		{ X10("0189"), true },
		{ "app.example.org", false },
		{ "g" APP_HEX ".example.org", false },
		{ APP_HEX "a.example.org", false },
		{ APP_HEX "_.example.org", false },
		{ X10("aaag") ".example.org", false },
		{ "-" APP_HEX, false },
	};
	char cut[] = APP_HEX;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++)
		if (names_id(rows[i].host) != rows[i].want)
			fail_msg("%s", rows[i].host);
	for (size_t n = sizeof(cut) - 1; n--;) {
		cut[n] = '\0';
		if (names_id(cut))
			fail_msg("%zu digits", n);
	}
}

/* Without a certificate nothing names a host; an app id that is none is no verdict. */
static void nothing_to_compare(void **state)
{
	const struct options host = { .host = "app.example.org", .image = "" };
	const struct options app = { .app_id = APP_HEX "a", .kms_root = "" };
	const struct ds_identity id = DS_IDENTITY_NULL;
	struct ds_verdict v;

	ds_verdict_init(&v);
	assert_int_equal(expect_judge(&host, DS_SPAN_NULL, &id, false, false, &v), 0);
	assert_int_equal(v.reason, DS_REASON_CERT_IDENTITY);
	assert_non_null(strstr(v.detail, "no certificate"));
	ds_verdict_init(&v);
	assert_int_equal(expect_judge(&app, DS_SPAN_NULL, &id, false, false, &v), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_in_hosts),
		cmocka_unit_test(nothing_to_compare),
	};

	return cmocka_run_group_tests(tests, map, unmap);
}
