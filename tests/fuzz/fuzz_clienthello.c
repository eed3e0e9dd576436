// SPDX-License-Identifier: Apache-2.0
/*
 * Target: ds_hello_scan(), ds_host_normalize(), ds_route_parse(). What they accept must obey their
 * own promises.
 */
#include <assert.h>

#include <ds/wire/clienthello.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_host(const char *host)
{
	char again[DS_HOST_MAX + 1];
	struct ds_route route;
	const char *dot = strchr(host, '.');

	assert(ds_host_normalize(DS_SPAN_STR(host), again) == 0 && strcmp(host, again) == 0);
	if (dot && ds_route_parse(host, dot + 1, &route, NULL) == 0)
		assert(route.port && route.id[0] && strncmp(route.id, host, strlen(route.id)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char host[DS_HOST_MAX + 1];
	size_t need = 0;
	struct ds_err err = DS_ERR_NULL;
	int r = ds_hello_scan(DS_SPAN(p, n), host, &need, &err);

	if (r == 0)
		check_host(host);
	if (r == DS_HELLO_E_MORE)
		assert(need > n && need <= DS_HELLO_RAW_MAX + 16384);
	/* more input never turns an answer into "more" or into another one */
	if (r != DS_HELLO_E_MORE && n) {
		size_t cut = n - 1, need2 = 0;
		char host2[DS_HOST_MAX + 1];
		int r2 = ds_hello_scan(DS_SPAN(p, cut), host2, &need2, NULL);

		assert(r2 == r || r2 == DS_HELLO_E_MORE);
	}
	if (ds_host_normalize(DS_SPAN(p, n), host) == 0)
		check_host(host);
	return 0;
}
