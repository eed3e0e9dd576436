// SPDX-License-Identifier: Apache-2.0
/* Tests of the RegisterCvm fields: tables of good and bad bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/net/prpc.h>

#include "request.h"

#define KEY "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

static const uint8_t ours[32] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
				  17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 };

static int run(const char *body, bool policy, const uint8_t *own, struct ds_gw_request *q,
	       struct ds_err *err)
{
	DS_JSON json_t *args = json_loads(body, 0, NULL);

	assert_non_null(args);
	*q = (struct ds_gw_request){ 0 };
	*err = DS_ERR_NULL;
	return policy ? ctl_request_policy(args, q, err) : ctl_request_key(args, own, q, err);
}

static void policies(void **state)
{
	static const struct {
		const char *body;
		int r;
		const char *text; /* of the error */
		unsigned int n_ports;
		bool has, restricted;
	} tab[] = {
		{ "{}", 0, NULL, 0, false, false },
		{ "{\"port_policy\":null}", 0, NULL, 0, false, false },
		{ "{\"port_policy\":{}}", 0, NULL, 0, true, false },
		{ "{\"port_policy\":{\"restrict_mode\":true}}", 0, NULL, 0, true, true },
		{ "{\"port_policy\":{\"restrict_mode\":true,\"ports\":[]}}", 0, NULL, 0, true,
		  true },
		{ "{\"port_policy\":{\"ports\":[{\"port\":1},{\"port\":65535,\"pp\":false}]}}", 0,
		  NULL, 2, true, false },
		{ "{\"port_policy\":[]}", -EPERM, "expected an object", 0, 0, 0 },
		{ "{\"port_policy\":{\"ports\":{}}}", -EPERM, "expected a list", 0, 0, 0 },
		{ "{\"port_policy\":{\"ports\":[443]}}", -EPERM, "port must be between 1 and 65535",
		  0, 0, 0 },
		{ "{\"port_policy\":{\"ports\":[{}]}}", -EPERM, "port must be between 1 and 65535",
		  0, 0, 0 },
		{ "{\"port_policy\":{\"ports\":[{\"port\":0}]}}", -EPERM,
		  "port must be between 1 and 65535", 0, 0, 0 },
		{ "{\"port_policy\":{\"ports\":[{\"port\":-1}]}}", -EPERM,
		  "port must be between 1 and 65535", 0, 0, 0 },
		{ "{\"port_policy\":{\"ports\":[{\"port\":65536}]}}", -EPERM,
		  "port must be between 1 and 65535", 0, 0, 0 },
		{ "{\"port_policy\":{\"ports\":[{\"port\":4294967739}]}}", -EPERM, "port must be",
		  0, 0, 0 },
		{ "{\"port_policy\":{\"ports\":[{\"port\":443.0}]}}", -EPERM,
		  "port must be between 1 and 65535", 0, 0, 0 },
		{ "{\"port_policy\":{\"ports\":[{\"port\":443,\"pp\":true}]}}", -EPERM,
		  "port 443 asks for a PROXY header", 0, 0, 0 },
		{ "{\"port_policy\":{\"ports\":[{\"port\":443,\"pp\":1}]}}", -EBADMSG, "pp", 0, 0,
		  0 },
		{ "{\"port_policy\":{\"restrict_mode\":\"yes\"}}", -EBADMSG, "restrict_mode", 0, 0,
		  0 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(tab); i++) {
		struct ds_gw_request q;
		struct ds_err err;

		assert_int_equal(run(tab[i].body, true, NULL, &q, &err), tab[i].r);
		if (tab[i].r) {
			if (!strstr(err.msg, tab[i].text))
				fail_msg("%s: \"%s\"", tab[i].body, err.msg);
			continue;
		}
		assert_int_equal(q.n_ports, tab[i].n_ports);
		assert_int_equal(q.has_policy, tab[i].has);
		assert_int_equal(q.restricted, tab[i].restricted);
	}
}

static void keys(void **state)
{
	static const char *const bad[] = {
		"",
		"AQID",
		"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==", /* 31 bytes */
		"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAh", /* 33 */
		"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",	/* no padding */
		"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyB=", /* stray bits */
		" AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
		"_QIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=", /* another alphabet */
		/* points of small order */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=",
		"X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc=",
		"7P///////////////////////////////////////38=",
	};
	static const char *const wrong[] = {
		"{}",
		"{\"client_public_key\":null}",
		"{\"client_public_key\":7}",
	};
	struct ds_gw_request q;
	struct ds_err err;
	char body[128];

	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++) {
		snprintf(body, sizeof(body), "{\"client_public_key\":\"%s\"}", bad[i]);
		if (run(body, false, NULL, &q, &err) != -EPERM)
			fail_msg("%s was taken", bad[i]);
		assert_string_equal(err.msg, "invalid client public key");
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(wrong); i++)
		assert_int_equal(run(wrong[i], false, NULL, &q, &err), -EPERM);
	assert_int_equal(run("{\"client_public_key\":\"" KEY "\"}", false, NULL, &q, &err), 0);
	assert_memory_equal(q.public_key, ours, 32);
	assert_int_equal(run("{\"client_public_key\":\"" KEY "\"}", false, ours, &q, &err), -EPERM);
}

/* A root of our own needs the switch as emulated evidence does: it may be a test's. */
static void machines(void **state)
{
	for (int i = 0; i < 8; i++) {
		struct ds_verdict v = { .accepted = true, .emulated = i & 1, .custom_root = i & 2 };
		struct ds_err err = DS_ERR_NULL;
		int r = ctl_request_machine(&v, i & 4, &err);

		assert_int_equal(r, !i || i & 4 ? 0 : -EPERM);
		if (r)
			assert_non_null(strstr(err.msg, i & 1 ? "refused: emulated:"
							      : "refused: custom-root:"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies),
		cmocka_unit_test(keys),
		cmocka_unit_test(machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
