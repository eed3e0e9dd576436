// SPDX-License-Identifier: Apache-2.0
/* Tests of the reply of RegisterCvm and of the check of the gateway's certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/net/gwreg.h>
#include <ds/x509/cert.h>

#define PK     "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define SERVER "{\"pk\":\"" PK "\",\"ip\":\"10.8.0.1/16\",\"endpoint\":\"203.0.113.5:51820\"}"

static void good(void **state)
{
	static const char in[] = "{\"wg\":{\"client_ip\":\"10.8.0.9\",\"servers\":[" SERVER
				 "]},\"agent\":{},\"gateways\":[1]}";
	struct ds_gwreg g;

	assert_int_equal(ds_gwreg_parse(DS_SPAN_STR(in), &g, NULL), 0);
	assert_int_equal(g.client_ip, 0x0a080009);
	assert_int_equal(g.n, 1);
	assert_int_equal(g.server[0].public_key[31], 31);
	/* the gateway's address alone, never its whole network */
	assert_int_equal(g.server[0].n_allowed, 1);
	assert_int_equal(g.server[0].allowed[0].addr, 0x0a080001);
	assert_int_equal(g.server[0].allowed[0].prefix, 32);
	assert_int_equal(g.server[0].keepalive, 25);
	assert_int_equal(ntohs(g.server[0].endpoint.sin_port), 51820);
	for (size_t n = 0; n < sizeof(in) - 1; n++)
		assert_int_equal(ds_gwreg_parse(DS_SPAN(in, n), &g, NULL), -EBADMSG);
}

static void bad_replies_are_named(void **state)
{
	static const struct {
		const char *in, *msg;
	} rows[] = {
		{ "null", "a JSON object expected" },
		{ "{}", "wg: an object expected" },
		{ "{\"wg\":[]}", "wg: an object expected" },
		{ "{\"wg\":{\"servers\":[" SERVER "]}}", "client_ip is missing" },
		{ "{\"wg\":{\"client_ip\":\"10.8.0.9/32\",\"servers\":[" SERVER "]}}",
		  "client_ip: an IPv4 address" },
		{ "{\"wg\":{\"client_ip\":\"10.8.0.9\"}}", "servers: 1 to 16 expected, found 0" },
		{ "{\"wg\":{\"client_ip\":\"10.8.0.9\",\"servers\":[7]}}",
		  "servers: objects expected" },
		{ "{\"wg\":{\"client_ip\":\"10.8.0.9\",\"servers\":[{}]}}", "pk is missing" },
		{ "{\"wg\":{\"client_ip\":\"10.8.0.9\",\"servers\":[{\"pk\":\"AAAA\",\"ip\":\"10.8."
		  "0.1/16\",\"endpoint\":\"1.2.3.4:5\"}]}}",
		  "32 bytes in base64" },
		{ "{\"wg\":{\"client_ip\":\"10.8.0.9\",\"servers\":[{\"pk\":\"" PK
		  "\",\"ip\":\"10.8.0.1\",\"endpoint\":\"1.2.3.4:5\"}]}}",
		  "ip: an IPv4 address with prefix" },
		{ "{\"wg\":{\"client_ip\":\"10.8.0.9\",\"servers\":[{\"pk\":\"" PK
		  "\",\"ip\":\"10.8.0.1/8\",\"endpoint\":\"evil.example:5\"}]}}",
		  "endpoint: ADDRESS:PORT" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_err err = DS_ERR_NULL;
		struct ds_gwreg g;

		if (ds_gwreg_parse(DS_SPAN_STR(rows[i].in), &g, &err) != -EBADMSG ||
		    !strstr(err.msg, rows[i].msg))
			fail_msg("%s: %d %s", rows[i].in, err.code, err.msg);
	}
}

static void gateway_is_known_by_its_app_id(void **state)
{
	static char want[] = "1111111111111111111111111111111111111111";
	static const struct {
		const char *arg;
		const char *app_id;
		int r;
	} rows[] = {
		{ want,
		  "\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11"
		  "\x11",
		  0 },
		{ want,
		  "\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11"
		  "\x12",
		  -EPERM },
		{ want, NULL, -EPERM },
		{ "any",
		  "\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11"
		  "\x11",
		  -EPERM },
		{ "", NULL, -EPERM },
	};
	DS_P256 struct ds_p256 *key = NULL;
	uint8_t spki[DS_P256_SPKI_SIZE];

	assert_int_equal(ds_p256_generate(&key), 0);
	assert_int_equal(ds_p256_spki(key, spki), 0);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUF struct ds_buf der = DS_BUF_NULL;
		struct ds_err err = DS_ERR_NULL;
		struct ds_cert_spec spec = { .subject = "gw",
					     .not_before = 0,
					     .not_after = 4000000000,
					     .app_id = DS_SPAN(rows[i].app_id,
							       rows[i].app_id ? 20 : 0),
					     .spki = DS_SPAN_ARRAY(spki) };

		assert_int_equal(ds_cert_issue(&spec, key, DS_SPAN_NULL, &der, NULL), 0);
		assert_int_equal(ds_gwreg_check_server((void *)(uintptr_t)rows[i].arg,
						       ds_buf_span(&der), NULL, 0, &err),
				 rows[i].r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad_replies_are_named),
		cmocka_unit_test(gateway_is_known_by_its_app_id),
	};

	return cmocka_run_group_tests_name("gwreg", tests, NULL, NULL);
}
