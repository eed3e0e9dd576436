// SPDX-License-Identifier: Apache-2.0
/* The file of recipients: what is a line, cut anywhere it lists nobody new, and who may write it. */
#include "consent.h"

#include <ds/base/file.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "BBbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define N64 "1234567890123456789012345678901234567890123456789012345678901234"

static char dir[] = "/tmp/ds-consent-XXXXXX";
static char path[64], other[64];

static const uint8_t *key(uint8_t with)
{
	static uint8_t k[32];

	memset(k, with, sizeof(k));
	return k;
}

static void test_good(void **state)
{
	static const struct {
		const char *text;
		size_t keys;
		bool a, b;
		const char *name; /* of a */
	} t[] = {
		{ "", 0, false, false, "" },
		{ "\n\n  \t\n# " A "\n  #" A "\n", 0, false, false, "" },
		{ A, 1, true, false, "" },
		{ A "\n" B "\n", 2, true, true, "" },
		{ "\t " A "  \t kms2.example.com \n" B " b_1-x", 2, true, true, "kms2.example.com" },
		{ A " a # b # c\n", 1, true, false, "a" },
		{ A " # since autumn\n" A " again\n", 2, true, false, "" },
		{ A " " N64 "\n", 1, true, false, N64 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct kms_listing a, b;
		struct ds_err err = DS_ERR_NULL;
		struct ds_span text = DS_SPAN_STR(t[i].text);

		if (kms_consent_parse(text, key(0xaa), &a, &err) ||
		    kms_consent_parse(text, key(0xbb), &b, &err) || a.keys != t[i].keys ||
		    a.listed != t[i].a || b.listed != t[i].b || strcmp(a.name, t[i].name))
			fail_msg("%zu: %zu keys, a %d '%s', b %d %s", i, a.keys, a.listed, a.name,
				 b.listed, err.msg);
		assert_int_equal(kms_consent_parse(text, NULL, &a, &err), 0);
		assert_false(a.listed);
	}
}

/* One bad line and nobody is listed. */
static void test_bad(void **state)
{
	static const char zero[] = A " na\0me\n";
	static const struct {
		struct ds_span text;
		const char *error;
	} t[] = {
		{ DS_SPAN_LIT(A "\n# x\n" A "a\n"), "line 3: expected 64 hex digits" },
		{ DS_SPAN_LIT("x" A "\n" B "\n"), "line 1:" },
		{ DS_SPAN_LIT("0x" A "\n"), "line 1:" },
		{ DS_SPAN_LIT(B "\n\n" A A "\n"), "line 3:" },
		{ DS_SPAN_LIT(A ",b\n"), "line 1:" },
		{ DS_SPAN_LIT(A "#b\n"), "line 1:" },
		{ DS_SPAN_LIT(A " two names\n"), "line 1:" },
		{ DS_SPAN_LIT(A " na\"me\n"), "line 1:" },
		{ DS_SPAN_LIT(A " x" N64 "\n"), "line 1:" },
		{ DS_SPAN_LIT(A "\r\n"), "line 1:" },
		{ DS_SPAN_LIT("name " A "\n"), "line 1:" },
		{ { (const uint8_t *)zero, sizeof(zero) - 1 }, "line 1:" },
	};
	static uint8_t big[KMS_CONSENT_MAX + 1];
	struct kms_listing l;
	struct ds_err err;

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		err = DS_ERR_NULL;
		if (kms_consent_parse(t[i].text, key(0xaa), &l, &err) != -EBADMSG ||
		    !strstr(err.msg, t[i].error))
			fail_msg("%zu: '%s'", i, err.msg);
	}
	memset(big, '\n', sizeof(big));
	assert_int_equal(kms_consent_parse(DS_SPAN(big, KMS_CONSENT_MAX), NULL, &l, &err), 0);
	assert_int_equal(kms_consent_parse(DS_SPAN(big, sizeof(big)), NULL, &l, &err), -EFBIG);
}

static void test_cut(void **state)
{
	static const char text[] = "# nodes\n" A " a\n \n" B " b # last\n";
	struct kms_listing l;
	size_t refused = 0;

	for (size_t n = 0; n < sizeof(text); n++) {
		int r = kms_consent_parse(DS_SPAN(text, n), key(0xaa), &l, NULL);

		/* half a key is an error, never a shorter one */
		refused += r == -EBADMSG;
		if (!r)
			assert_int_equal(l.listed, n >= 8 + 64);
		else
			assert_int_equal(r, -EBADMSG);
	}
	assert_int_equal(refused, 2 * 63);
}

static void test_safe(void **state)
{
	static const struct {
		uid_t owner, keys, net;
		mode_t mode;
		bool ok;
		const char *error;
	} t[] = {
		{ 0, 0, 5, 0644, true, "" },
		{ 0, 0, 5, 0600, true, "" },
		{ 0, 7, 5, 0644, true, "" },
		{ 7, 7, 5, 0600, true, "" },
		{ 0, 5, 5, 0644, true, "" }, /* both are user 5, the file is root's */
		{ 5, 5, 5, 0600, false, "owner: expected user 0, got 5" },
		{ 5, 0, 5, 0600, false, "owner: expected user 0, got 5" },
		{ 6, 0, 5, 0400, false, "owner: expected user 0, got 6" },
		{ 5, 7, 5, 0600, false, "owner: expected user 7, got 5" },
		{ 0, 0, 5, 0664, false, "no write for group and others, got 0664" },
		{ 0, 0, 5, 0646, false, "no write for group and others, got 0646" },
		{ 0, 0, 5, 01777, false, "no write for group and others, got 1777" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct stat st = { .st_uid = t[i].owner, .st_mode = S_IFREG | t[i].mode };
		struct ds_err err = DS_ERR_NULL;
		int r = kms_consent_safe(&st, t[i].keys, t[i].net, &err);

		if (r != (t[i].ok ? 0 : -EPERM) || !strstr(err.msg, t[i].error))
			fail_msg("%zu: %d '%s'", i, r, err.msg);
	}
}

static struct kms_conf conf = { .replication = KMS_REPLICATION_SEALED, .replicate_to = path };

static void put(const char *text, mode_t mode)
{
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, DS_SPAN_STR(text), mode), 0);
}

static void refused(int want, const char *error)
{
	struct kms_consent c;
	struct ds_err err = DS_ERR_NULL;
	int r = kms_consent_open(&conf, &c, &err);

	if (r != want || !strstr(err.msg, error))
		fail_msg("expected %d '%s', got %d '%s'", want, error, r, err.msg);
}

static void test_open(void **state)
{
	unlink(path);
	refused(-ENOENT, path);
	put(A "\n", 0620);
	refused(-EPERM, "list: mode: expected no write");
	put(A "a\n", 0600);
	refused(-EBADMSG, "list: line 1: expected 64 hex digits");
	put(A "\n", 0600);
	assert_int_equal(chmod(dir, 0770), 0);
	refused(-EPERM, "list, its directory: mode: expected no write");
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	refused(-ELOOP, path);
	unlink(path);
	/* nobody is waited for */
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(-EPERM, "list: not a regular file");
	unlink(path);
	conf.replicate_to = dir;
	refused(-EPERM, dir);
	conf.replicate_to = "/nowhere/at/all";
	refused(-ENOENT, "replicate_to /nowhere/at/all: ");
	conf.replicate_to = path;
}

/* Who writes it is looked at against who net will be. */
static void test_user(void **state)
{
	put(A "\n", 0600);
	conf.user = (char *)(uintptr_t)"no-such-user-here";
	refused(-EINVAL, "user no-such-user-here: does not exist");
	conf.user = (char *)(uintptr_t)"root";
	refused(-EPERM, "replication = sealed needs user: a network process that is root");
	conf.user = NULL;
	if (geteuid())
		refused(-EPERM, ": owner: expected user 0");
	else
		refused(-EPERM, "replication = sealed needs user: a network process that is root");
	conf.user = (char *)(uintptr_t)"nobody";
	if (geteuid())
		return;
	assert_int_equal(chown(path, getpwnam("nobody")->pw_uid, 0), 0);
	refused(-EPERM, "list: owner: expected user 0");
	put(A "\n", 0600);
	assert_int_equal(chown(dir, getpwnam("nobody")->pw_uid, 0), 0);
	refused(-EPERM, "list, its directory: owner: expected user 0");
	assert_int_equal(chown(dir, 0, 0), 0);
}

/* The answer is that of the file as it is now, also when it is another file. */
static void test_now(void **state)
{
	struct kms_consent c;
	struct kms_listing l;
	struct ds_err err = DS_ERR_NULL;

	put(A " first\n", 0600);
	assert_int_equal(kms_consent_open(&conf, &c, &err), 0);
	assert_int_equal(kms_consent_read(&c, key(0xaa), &l, &err), 0);
	assert_true(l.listed);
	assert_string_equal(l.name, "first");
	assert_int_equal(kms_consent_read(&c, key(0xbb), &l, &err), 0);
	assert_false(l.listed);
	put(B "\n", 0600);
	assert_int_equal(kms_consent_read(&c, key(0xaa), &l, &err), 0);
	assert_false(l.listed);
	assert_int_equal(chmod(path, 0606), 0);
	assert_int_equal(kms_consent_read(&c, key(0xbb), &l, &err), -EPERM);
	unlink(path);
	assert_int_equal(kms_consent_read(&c, key(0xbb), &l, &err), -ENOENT);
	kms_consent_close(&c);
	kms_consent_close(&c);
}

static int set_up(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/list", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	conf.user = (char *)(uintptr_t)"nobody";
	return chmod(dir, 0755);
}

static int tear_down(void **state)
{
	unlink(path);
	unlink(other);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_bad),
		cmocka_unit_test(test_cut),  cmocka_unit_test(test_safe),
		cmocka_unit_test(test_open), cmocka_unit_test(test_user),
		cmocka_unit_test(test_now),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
