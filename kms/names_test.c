// SPDX-License-Identifier: Apache-2.0
/* Names of certificates: one refusal per rule, for subject and alternative names alike. */
#include "names.h"

#include <setjmp.h>
#include <cmocka.h>

#define H20(b)	b b b b b b b b b b b b b b b b b b b b
#define MINE	H20("11")
#define MY_INST H20("22")
#define OTHERS	H20("ab")

static char *own[] = { "127.0.0.1", "fd00::1", "kms2.test", "*.wild.test" };
static char *nodes[] = { "node2.example", "192.0.2.7" };
static char *reserved[] = { "gateway.apps.example", ".infra.example" };

static int check(const char *subject, const char *san, bool gateway, struct kms_refusal *why)
{
	struct ds_identity id = { .instance_id_len = 20 };
	struct kms_name_rules rules = { .domain = "kms.test",
					.own = own,
					.n_own = DS_ARRAY_SIZE(own),
					.nodes = nodes,
					.n_nodes = DS_ARRAY_SIZE(nodes),
					.reserved = reserved,
					.n_reserved = DS_ARRAY_SIZE(reserved),
					.id = &id,
					.gateway = gateway };
	char *names[] = { "first.example", (char *)(uintptr_t)san };

	memset(id.app_id, 0x11, 20);
	memset(id.instance_id, 0x22, 20);
	*why = (struct kms_refusal){ 0 };
	return kms_names_check(&rules, subject, NULL, names, san ? 2 : 0, why);
}

/* why: part of the refusal, NULL: granted; gw_why: the same when the gateway asks. */
static const struct {
	const char *name, *why, *gw_why;
} names[] = {
	{ "app.example", NULL, NULL },
	{ "10.0.0.9", NULL, NULL },
	{ "fd00::2", NULL, NULL },
	{ MINE "-8443s.apps.example", NULL, NULL },
	{ MY_INST ".apps.example", NULL, NULL },
	{ OTHERS "0.example", NULL, NULL },
	/* another app's */
	{ OTHERS "-8443s.apps.example", "is another app's", "is another app's" },
	{ H20("AB") ".apps.example", "is another app's", "is another app's" },
	{ OTHERS, "is another app's", "is another app's" },
	/* wildcards and reserved names */
	{ "*.apps.example", "only the gateway", NULL },
	{ "gateway.apps.example", "reserved for the gateway", NULL },
	{ "GATEWAY.apps.example", "reserved for the gateway", NULL },
	{ "gateway2.apps.example", NULL, NULL },
	{ "x.gateway.apps.example", NULL, NULL },
	{ "any.infra.example", "reserved for the gateway", NULL },
	{ "a.b.infra.example", "reserved for the gateway", NULL },
	{ MINE "-8443.infra.example", NULL, NULL },
	{ "infra.example", NULL, NULL },
	{ "notinfra.example", NULL, NULL },
	/* the KMS, in each spelling */
	{ "kms.test", "is the KMS's own", "is the KMS's own" },
	{ "KMS.Test", "is the KMS's own", "is the KMS's own" },
	{ "*.test", "is the KMS's own", "is the KMS's own" },
	{ "kms2.test", "is the KMS's own", "is the KMS's own" },
	{ "a.wild.test", "is the KMS's own", "is the KMS's own" },
	{ "127.0.0.1", "is the KMS's own", "is the KMS's own" },
	{ "::ffff:127.0.0.1", "is the KMS's own", "is the KMS's own" },
	{ "::ffff:7f00:1", "is the KMS's own", "is the KMS's own" },
	{ "fd00::1", "is the KMS's own", "is the KMS's own" },
	{ "fd00:0::1", "is the KMS's own", "is the KMS's own" },
	{ "FD00:0:0:0:0:0:0:1", "is the KMS's own", "is the KMS's own" },
	{ "fd00::0.0.0.1", "is the KMS's own", "is the KMS's own" },
	/* its other nodes */
	{ "Node2.example", "is the KMS's own", "is the KMS's own" },
	{ "*.example", "is the KMS's own", "is the KMS's own" },
	{ "192.0.2.7", "is the KMS's own", "is the KMS's own" },
	{ "::ffff:192.0.2.7", "is the KMS's own", "is the KMS's own" },
	{ "node3.example", NULL, NULL },
};

static void expect(const char *what, int i, int r, const struct kms_refusal *why, const char *want)
{
	if (!r != !want || (want && !strstr(why->text, want)))
		fail_msg("%s %s: expected '%s', got '%s'", what, names[i].name,
			 want ? want : "granted", why->text);
}

static void test_names(void **state)
{
	struct kms_refusal why;

	for (int i = 0; i < (int)DS_ARRAY_SIZE(names); i++)
		for (int gw = 0; gw < 2; gw++) {
			const char *want = gw ? names[i].gw_why : names[i].why;
			int r = check("app", names[i].name, gw, &why);

			expect("alternative name", i, r, &why, want);
			if (r)
				assert_string_equal(why.code, "csr-names");
			/* the same as subject, whether or not it is an alternative name too */
			if (strlen(names[i].name) > 64)
				continue;
			r = check(names[i].name, names[i].name, gw, &why);
			expect("subject and name", i, r, &why, want);
			if (want) {
				assert_string_equal(why.code, "csr-subject");
				r = check(names[i].name, NULL, gw, &why);
				expect("subject", i, r, &why, want);
			}
		}
}

/* A subject that a client could take for a host must be an alternative name. */
static void test_subject(void **state)
{
	static const char *const hosts[] = { "app.example", "10.0.0.9", "fd00::2", "a.b", "x*",
					     "app." };
	struct kms_refusal why;

	for (size_t i = 0; i < DS_ARRAY_SIZE(hosts); i++) {
		assert_int_equal(check(hosts[i], NULL, false, &why), DS_ATTEST_REFUSED);
		assert_non_null(strstr(why.text, "looks like a host name"));
		assert_int_equal(check(hosts[i], "other.example", true, &why), DS_ATTEST_REFUSED);
	}
	assert_int_equal(check("app.example", "APP.example", false, &why), 0);
	assert_int_equal(check("x*", "x*", true, &why), DS_ATTEST_REFUSED);
	assert_int_equal(check("", NULL, false, &why), 0);
	assert_int_equal(check("my app", "other.example", false, &why), 0);
	assert_int_equal(check("a\nb", NULL, false, &why), DS_ATTEST_REFUSED);
	assert_int_equal(check("KMS.test", NULL, false, &why), DS_ATTEST_REFUSED);
}

static void test_shape(void **state)
{
	static const char *const bad[] = { "",	 ".",	  "a..b",  "a b",   "-a.example", "a-.example",
					   "a.", "*",	  "a.*",   "*.*.a", "1.2.3",	  "127.1",
					   "1",	 "0x7f1", "a.0X1", "*.1",   "a\nb",	  "f*.example" };
	static const char *const reserved_bad[] = { "", ".", "*.a.example", "a b", "..a", "1.2" };
	struct kms_refusal why;

	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++)
		if (check("app", bad[i], true, &why) != DS_ATTEST_REFUSED ||
		    !strstr(why.text, "neither host name nor address"))
			fail_msg("'%s': '%s'", bad[i], why.text);
	for (size_t i = 0; i < DS_ARRAY_SIZE(reserved_bad); i++)
		assert_false(kms_reserved_ok(reserved_bad[i]));
	assert_true(kms_reserved_ok("a.example"));
	assert_true(kms_reserved_ok(".a.example"));
}

static void test_limits(void **state)
{
	struct ds_identity id = { 0 };
	struct kms_name_rules rules = { .domain = "kms.test", .id = &id };
	struct kms_refusal why;
	char *many[17];

	for (size_t i = 0; i < DS_ARRAY_SIZE(many); i++)
		many[i] = "a.example";
	assert_int_equal(kms_names_check(&rules, "app", NULL, many, 16, &why), 0);
	assert_int_equal(kms_names_check(&rules, "app", NULL, many, 17, &why), DS_ATTEST_REFUSED);
	assert_int_equal(kms_names_check(&rules, "app", "", many, 1, &why), DS_ATTEST_REFUSED);
	assert_int_equal(kms_names_check(&rules, "app", "Org", many, 1, &why), 0);
	/* no instance id: nobody's instance is its own */
	many[0] = MY_INST ".apps.example";
	assert_int_equal(kms_names_check(&rules, "app", NULL, many, 1, &why), DS_ATTEST_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
