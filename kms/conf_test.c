// SPDX-License-Identifier: Apache-2.0
/* kms.conf: each wrong value by name. */
#include "conf.h"

#include <ds/base/file.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SEALED(how)                                                                                \
	"[kms]\ncert_dir = /c\nlisten = 127.0.0.1:8000\npolicy = /p\nrelease_log = /l\n"           \
	"seal = " how "\n[attest]\ncollateral = /a\ncollateral = /b\n"
#define GOOD SEALED("development")

#define WEBHOOK GOOD "[kms]\npolicy_backend = webhook\n[auth]\nurl = "

static char path[] = "/tmp/ds-kmsconf-XXXXXX";

static int load(const char *text, struct kms_conf *c, struct ds_err *err)
{
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, DS_SPAN_STR(text), 0600), 0);
	*err = DS_ERR_NULL;
	return kms_conf_load(path, c, err);
}

static void test_good(void **state)
{
	struct kms_conf c;
	struct ds_err err;

	assert_int_equal(load(GOOD "[kms]\nalt_names = a, b\nuser = nobody\nmax_cert_days = 7\n"
				   "sign_cert_client_cert = optional\n",
			      &c, &err),
			 0);
	assert_string_equal(c.addr, "127.0.0.1");
	assert_int_equal(c.port, 8000);
	assert_int_equal(c.n_collateral, 2);
	assert_string_equal(c.alt_names[1], "b");
	assert_int_equal(c.cert_days, 7);
	assert_int_equal(c.sign_cert_client, KMS_CLIENT_OPTIONAL);
	assert_null(c.root_ca);
	kms_conf_done(&c);
	/* the defaults are the strict ones */
	assert_int_equal(load(GOOD, &c, &err), 0);
	assert_int_equal(c.sign_cert_client, KMS_CLIENT_REQUIRED);
	assert_int_equal(c.cert_days, 90);
	assert_int_equal(c.replication, KMS_REPLICATION_OFF);
	assert_int_equal(c.lease_seconds, 60);
	kms_conf_done(&c);
	assert_int_equal(load(SEALED("kernel") "[kms]\nagent = /a\nreplication = sealed\n"
				   "replicate_to = /n\nonboard_listen = [::1]:9\nonboard_token = /t\n",
			      &c, &err),
			 0);
	assert_int_equal(c.seal, KMS_SEAL_KERNEL);
	assert_int_equal(c.replication, KMS_REPLICATION_SEALED);
	assert_string_equal(c.replicate_to, "/n");
	assert_string_equal(c.onboard_addr, "::1");
	kms_conf_done(&c);
}

static void test_auth(void **state)
{
	static const uint8_t contract[20] = { [19] = 0xab };
	struct kms_conf c;
	struct ds_err err;

	assert_int_equal(load(WEBHOOK "http://localhost:3000//\n", &c, &err), 0);
	assert_int_equal(c.backend, KMS_BACKEND_WEBHOOK);
	assert_string_equal(c.auth.url, "http://localhost:3000");
	assert_int_equal(c.auth.timeout_ms, 5000);
	kms_conf_done(&c);
	assert_int_equal(load(WEBHOOK "http://auth:8000\ninsecure_http = yes\n", &c, &err), 0);
	kms_conf_done(&c);
	assert_int_equal(load(WEBHOOK "https://auth\nca = /x\n", &c, &err), 0);
	kms_conf_done(&c);
	assert_int_equal(load(GOOD "[kms]\npolicy_backend = contract\n[auth]\nurl = unix:/s:/\n"
				   "contract = 0x00000000000000000000000000000000000000ab\n"
				   "chain_id = 1\n",
			      &c, &err),
			 0);
	assert_memory_equal(c.auth.contract, contract, 20);
	assert_int_equal(c.auth.chain_id, 1);
	kms_conf_done(&c);
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *error;
	} t[] = {
		{ "", "cert_dir is missing" },
		{ "[kms]\ncert_dir = /c\n", "listen is missing" },
		{ "[kms]\ncert_dir = /c\nlisten = 1.2.3.4:1\npolicy = /p\nrelease_log = /l\n",
		  "collateral (section" },
		{ GOOD "[kms]\nlisten = localhost:1\n",
		  ":11: listen: expected a numeric ADDRESS:PORT" },
		{ GOOD "[kms]\nmax_cert_days = 0\n", ":11: max_cert_days: expected 1 to 3650" },
		{ GOOD "[kms]\nmax_connections = 9999\n",
		  ":11: max_connections: expected a number up to 4096" },
		{ "[kms]\ncert_dir = /c\nlisten = 1.2.3.4:1\npolicy = /p\nrelease_log = /l\n"
		  "[attest]\ncollateral = /a\n",
		  "seal is missing: kernel, or development" },
		{ SEALED("paper"), "expected development or kernel, got 'paper'" },
		{ GOOD "[kms]\nseal = kernel\n", ":11: seal: given twice in [kms], first in line 6" },
		{ WEBHOOK "unix:/a\nurl = unix:/b\n", "url: given twice in [auth], first in line 13" },
		{ GOOD "[kms]\nonboard_listen = 10.0.0.1:1\nonboard_token = /t\n",
		  "expected a loopback address" },
		{ GOOD "[kms]\nonboard_listen = 127.0.0.1:1\n", "go together" },
		{ GOOD "[kms]\nreplication = stock\n", "replication needs agent" },
		{ GOOD "[kms]\nagent = /a\nreplication = sealed\n",
		  "replication = sealed needs replicate_to" },
		{ GOOD "[kms]\nagent = /a\nreplication = stock\nreplicate_to = /n\n",
		  "replicate_to protects nothing with replication = stock" },
		{ GOOD "[kms]\nreplicate_to =\n", ":11: replicate_to: empty value" },
		{ GOOD "[kms]\nreplication = yes\n",
		  "expected off or sealed or stock, got 'yes'" },
		{ GOOD "[kms]\nlease_seconds = 0\n", ":11: lease_seconds: expected 1 to 3600" },
		{ GOOD "[kms]\nrequest_seconds = -1\n", ":11: request_seconds: expected a number" },
		{ GOOD "[kms]\nsign_cert_client_cert = never\n",
		  "expected required or optional, got 'never'" },
		{ GOOD "[kms]\ncert_dir =\n", ":11: cert_dir: empty value" },
		{ GOOD "[kms]\nroot_ca = /x\n", ":11: unknown key 'root_ca' in section [kms]" },
		{ GOOD "[attest]\nallow_emulated = yes\n",
		  "unknown key 'allow_emulated' in section [attest]" },
		{ GOOD "[kms]\nalt_names = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
		  "more than 16 values" },
		{ GOOD "[kms]\npolicy_backend = dev\n",
		  "expected file, webhook or contract, got 'dev'" },
		{ GOOD "[kms]\npolicy_backend = webhook\n", "url (section [auth]) is missing" },
		{ GOOD "[auth]\nurl = http://127.0.0.1:1\n", "needs policy_backend" },
		{ WEBHOOK "http://auth:8000\n", "expected https, or http to a loopback" },
		{ WEBHOOK "http://127.0.0.1.evil:8000\n", "expected https, or http to a loopback" },
		{ WEBHOOK "https://auth\n", "an https url needs ca" },
		{ WEBHOOK "http://[::1]\ntimeout_ms = 0\n", "expected 1 to 60000" },
		{ GOOD "[kms]\npolicy_backend = contract\n[auth]\nurl = unix:/s:/\n",
		  "needs contract and chain_id" },
		{ GOOD "[auth]\ncontract = 0x1234\n", ":11: contract: expected 40 hex" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct kms_conf c;
		struct ds_err err;

		if (!load(t[i].text, &c, &err) || !strstr(err.msg, t[i].error))
			fail_msg("%zu: '%s'", i, err.msg);
	}
}

static int set_up(void **state)
{
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
