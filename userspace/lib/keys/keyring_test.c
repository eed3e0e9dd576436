// SPDX-License-Identifier: Apache-2.0
/* The keyring client with the kernel replaced by linker wraps; the real key type is tested in a VM.
 */
#include "../crypto/vec_test.h"

#include <keyutils.h>

#include <ds/base/file.h>
#include <ds/keys/keyring.h>

static struct {
	const char *serial; /* content of the module parameter, NULL: absent */
	int fail;	    /* errno of the call, 0: success */
	long read_n;	    /* what keyctl_read() reports */
	char desc[4096];
	char type[16];
	char callout[16];
	size_t payload_n;
	key_serial_t ring, unlinked;
} k;

int __wrap_ds_read_file(int dirfd, const char *path, size_t max, struct ds_buf *ret);
key_serial_t __wrap_add_key(const char *type, const char *desc, const void *p, size_t n,
			    key_serial_t ring);
key_serial_t __wrap_request_key(const char *type, const char *desc, const char *callout,
				key_serial_t ring);
long __wrap_keyctl_read(key_serial_t key, char *buf, size_t n);
long __wrap_keyctl_unlink(key_serial_t key, key_serial_t ring);

int __wrap_ds_read_file(int dirfd, const char *path, size_t max, struct ds_buf *ret)
{
	assert_string_equal(path, "/sys/module/dstack_key/parameters/keyring");
	return k.serial ? ds_buf_add_span(ret, DS_SPAN_STR(k.serial)) : -ENOENT;
}

key_serial_t __wrap_add_key(const char *type, const char *desc, const void *p, size_t n,
			    key_serial_t ring)
{
	snprintf(k.type, sizeof(k.type), "%s", type);
	snprintf(k.desc, sizeof(k.desc), "%s", desc);
	k.payload_n = n;
	k.ring = ring;
	errno = k.fail;
	return k.fail ? -1 : 7;
}

key_serial_t __wrap_request_key(const char *type, const char *desc, const char *callout,
				key_serial_t ring)
{
	snprintf(k.type, sizeof(k.type), "%s", type);
	snprintf(k.desc, sizeof(k.desc), "%s", desc);
	snprintf(k.callout, sizeof(k.callout), "%s", callout ? callout : "(null)");
	k.ring = ring;
	errno = k.fail;
	return k.fail ? -1 : 9;
}

long __wrap_keyctl_read(key_serial_t key, char *buf, size_t n)
{
	assert_int_equal(key, 9);
	memset(buf, 0x5a, n);
	errno = EACCES;
	return k.read_n;
}

long __wrap_keyctl_unlink(key_serial_t key, key_serial_t ring)
{
	k.unlinked = key;
	assert_int_equal(ring, KEY_SPEC_PROCESS_KEYRING);
	return 0;
}

static void descriptions(void **state)
{
	static const struct {
		struct ds_span path;
		const char *want;
	} rows[] = {
		{ DS_SPAN_LIT(""), "app:" },
		{ DS_SPAN_LIT("/demo"), "app:/demo" },
		{ DS_SPAN_LIT("a;b@c%d"), "app:a%3Bb%40c%25d" },
		{ DS_SPAN_LIT("\0\x1f\x20\x7e\x7f\xc3\xa9"), "app:%00%1F ~%7F\xc3\xa9" },
	};
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	static uint8_t big[DS_KEYRING_PATH_MAX + 1];

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		assert_int_equal(ds_keyring_app_desc(rows[i].path, &b), 0);
		assert_string_equal(ds_buf_cstr(&b), rows[i].want);
		b.n = 0;
	}
	memset(big, '@', sizeof(big));
	assert_int_equal(ds_keyring_app_desc(DS_SPAN(big, sizeof(big) - 1), &b), 0);
	assert_int_equal(b.n, 4 + 3 * DS_KEYRING_PATH_MAX);
	assert_int_equal(ds_keyring_app_desc(DS_SPAN_ARRAY(big), &b), -ENAMETOOLONG);
}

static void roots(void **state)
{
	static const struct {
		const char *serial;
		int want;
	} rows[] = {
		{ NULL, -ENODEV },
		{ "", -EBADMSG },
		{ "0\n", -EBADMSG },
		{ "-5\n", -EBADMSG },
		{ "2147483648\n", -EBADMSG },
		{ "12 \n", -EBADMSG },
		{ "123456\n", 0 },
	};
	DS_SECRET struct ds_secret *key = ds_secret_new(32);

	assert_non_null(key);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		memset(&k, 0, sizeof(k));
		k.serial = rows[i].serial;
		assert_int_equal(ds_keyring_add_root("k256", key), rows[i].want);
	}
	assert_string_equal(k.type, "dstack");
	assert_string_equal(k.desc, "root:k256");
	assert_int_equal(k.payload_n, 32);
	assert_int_equal(k.ring, 123456);
	k.fail = EEXIST;
	assert_int_equal(ds_keyring_add_root("disk", key), -EEXIST);
}

static void app_keys(void **state)
{
	DS_SECRET struct ds_secret *key = NULL, *none = NULL;

	memset(&k, 0, sizeof(k));
	k.read_n = 32;
	assert_int_equal(ds_keyring_app_key(DS_SPAN_LIT("/demo"), &key), 0);
	assert_int_equal(key->n, 32);
	assert_int_equal(key->p[31], 0x5a);
	assert_string_equal(k.type, "dstack");
	assert_string_equal(k.desc, "app:/demo");
	assert_string_equal(k.callout, "");
	assert_int_equal(k.ring, KEY_SPEC_PROCESS_KEYRING);
	assert_int_equal(k.unlinked, 9);
	/* a payload of another size is no key, and an unreadable one is an error; both are unlinked
	 */
	for (int i = 0; i < 3; i++) {
		k.unlinked = 0;
		k.read_n = (long[]){ 31, 33, -1 }[i];
		assert_int_equal(ds_keyring_app_key(DS_SPAN_LIT("/demo"), &none),
				 i == 2 ? -EACCES : -EBADMSG);
		assert_null(none);
		assert_int_equal(k.unlinked, 9);
	}
	k.fail = ENOKEY;
	assert_int_equal(ds_keyring_app_key(DS_SPAN_LIT("/demo"), &none), -ENOKEY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptions),
		cmocka_unit_test(roots),
		cmocka_unit_test(app_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
