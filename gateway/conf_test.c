// SPDX-License-Identifier: Apache-2.0
/* Tests of gateway.conf: a good file, and one message for each way to get it wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <ds/attest/verdict.h>

#include "conf.h"

static const char good[] = "[gateway]\n"
			   "base_domain = Apps.Test\n"
			   "listen = 127.0.0.1:8443\n"
			   "rpc_listen = 127.0.0.1:8000\n"
			   "state_dir = /tmp/x\n"
			   "idle_timeout = 2m\n"
			   "[wireguard]\n"
			   "endpoint = 203.0.113.5:51820\n"
			   "ip = 10.8.0.1/16\n"
			   "client_ip_range = 10.8.128.0/17\n"
			   "[tls]\n"
			   "agent = /var/run/dstack.sock\n"
			   "[attest]\n"
			   "collateral = /c.json\n"
			   "tcb_status = UpToDate, SWHardeningNeeded\n";

static void good_file(void **state)
{
	struct ds_err err = DS_ERR_NULL;
	struct ds_gw_conf c;

	assert_int_equal(ds_gw_conf_parse(DS_SPAN_STR(good), "t", &c, &err), 0);
	assert_string_equal(c.base_domain, "apps.test");
	assert_int_equal(c.listen_port, 8443);
	assert_int_equal(c.external_port, 8443);
	assert_int_equal(c.idle_ms, 120000);
	assert_int_equal(c.handshake_ms, 5000);
	assert_true(c.wg_enabled);
	assert_false(c.down);
	assert_false(c.allow_emulated);
	assert_string_equal(c.wg_interface, "wg-ds-gw");
	assert_int_equal(ntohs(c.wg_endpoint.sin_port), 51820);
	assert_int_equal(c.client_range.prefix, 17);
	assert_int_equal(c.tcb_status, 1u << DS_TCB_UP_TO_DATE | 1u << DS_TCB_SW_HARDENING);
	ds_gw_conf_done(&c);
}

/* One line of the good file replaced by another; the message must contain want. */
static void wrong(const char *line, const char *by, const char *want)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct ds_gw_conf c;
	const char *at = strstr(good, line);

	assert_non_null(at);
	assert_int_equal(ds_buf_add(&text, good, (size_t)(at - good)), 0);
	assert_int_equal(ds_buf_addf(&text, "%s%s", by, at + strlen(line)), 0);
	assert_true(ds_gw_conf_parse(ds_buf_span(&text), "gw.conf", &c, &err) < 0);
	if (!strstr(err.msg, want) || !strstr(err.msg, "gw.conf"))
		fail_msg("\"%s\" does not contain \"%s\" and the file's name", err.msg, want);
}

static void bad_files(void **state)
{
	static const struct {
		const char *line, *by, *want;
	} tab[] = {
		{ "base_domain = Apps.Test", "", "base_domain is missing" },
		{ "base_domain = Apps.Test", "base_domain = a b",
		  "gw.conf:2: base_domain: expected a domain name" },
		{ "listen = 127.0.0.1:8443\n", "\n", "listen is missing" },
		{ "rpc_listen = 127.0.0.1:8000", "", "rpc_listen is missing" },
		{ "state_dir = /tmp/x", "", "state_dir is missing" },
		{ "state_dir = /tmp/x", "statedir = /tmp/x", "gw.conf:5: unknown key 'statedir'" },
		{ "idle_timeout = 2m", "idle_timeout = 2", "expected a duration" },
		{ "idle_timeout = 2m", "idle_timeout = 0s", "expected a duration" },
		{ "idle_timeout = 2m", "idle_timeout = 25h", "expected a duration" },
		{ "idle_timeout = 2m", "status = maybe", "expected down or up" },
		{ "idle_timeout = 2m", "workers = 65", "expected a number from 0 to 64" },
		{ "idle_timeout = 2m", "max_connections = 0", "expected a number from 1" },
		{ "idle_timeout = 2m", "external_port = 65536",
		  "expected a number from 1 to 65535" },
		{ "[wireguard]", "[wireguard]\nenabled = on", "expected yes or no" },
		{ "[wireguard]", "[wireguard]\ninterface = averyveryverylongname",
		  "expected an interface name" },
		{ "endpoint = 203.0.113.5:51820", "endpoint = gw.test:51820",
		  "expected IPV4:PORT" },
		{ "endpoint = 203.0.113.5:51820", "", "endpoint and ip are required" },
		{ "ip = 10.8.0.1/16", "ip = 10.9.0.1/16", "not inside ip's network" },
		{ "client_ip_range = 10.8.128.0/17", "", "client_ip_range is missing" },
		{ "client_ip_range = 10.8.128.0/17", "client_ip_range = 10.8.128.1/17",
		  "host bits" },
		{ "client_ip_range = 10.8.128.0/17", "client_ip_range = 10.8.128.0/31",
		  "prefix is not 8 to 30" },
		{ "agent = /var/run/dstack.sock", "", "needs either agent, or cert and key" },
		{ "agent = /var/run/dstack.sock", "cert = /c",
		  "needs either agent, or cert and key" },
		{ "agent = /var/run/dstack.sock", "cert = /c\nkey = /k", "kms_root is required" },
		{ "tcb_status = UpToDate, SWHardeningNeeded",
		  "tcb_status = UpToDate\ntcb_policy = /p",
		  "tcb_status or tcb_policy" },
		{ "tcb_status = UpToDate, SWHardeningNeeded", "tcb_status = Revoked",
		  "Revoked cannot be allowed" },
		{ "tcb_status = UpToDate, SWHardeningNeeded", "tcb_status = Fine",
		  "expected TCB statuses" },
		{ "[attest]", "[attest]\nallow_emulated = no\nallow_emulated = yes",
		  "allow_emulated: given twice in [attest], first in line 14" },
		{ "[attest]", "[attested]", "attested" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(tab); i++)
		wrong(tab[i].line, tab[i].by, tab[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_file),
		cmocka_unit_test(bad_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
