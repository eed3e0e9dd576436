// SPDX-License-Identifier: Apache-2.0
/* Sealed roots: what goes in comes out for whom it is meant, and for nobody else. */
#include "seal.h"

#include <ds/crypto/x25519.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct ds_secret *filled(uint8_t with, size_t n)
{
	struct ds_secret *s = ds_secret_new(n);

	assert_non_null(s);
	memset(s->p, with, n);
	return s;
}

struct form {
	const char *magic;
	size_t n, head;
	uint8_t bytes[128];
	struct ds_secret *key;
	int (*open)(const struct ds_secret *key, struct ds_span in, struct ds_secret **ret,
		    struct ds_err *err);
};

static int open_it(const struct form *f, const struct ds_secret *key, size_t n)
{
	DS_SECRET struct ds_secret *out = NULL;
	DS_SECRET struct ds_secret *want = filled(0x5a, KMS_MATERIAL_SIZE);
	struct ds_err err = DS_ERR_NULL;
	int r = f->open(key, DS_SPAN(f->bytes, n), &out, &err);

	if (r) {
		assert_int_equal(err.code, r);
		assert_null(out);
	} else {
		assert_int_equal(out->n, want->n);
		assert_memory_equal(out->p, want->p, want->n);
	}
	return r;
}

static void try_form(struct form *f)
{
	DS_SECRET struct ds_secret *other = filled(0x22, 32);
	DS_SECRET struct ds_secret *material = filled(0x5a, KMS_MATERIAL_SIZE);

	assert_null(memmem(f->bytes, f->n, material->p, 8));
	assert_int_equal(open_it(f, f->key, f->n), 0);
	assert_int_equal(open_it(f, other, f->n), -EKEYREJECTED);
	for (size_t n = 0; n <= sizeof(f->bytes); n++)
		assert_int_equal(open_it(f, f->key, n), n == f->n ? 0 : -EBADMSG);
	for (size_t i = 0; i < f->n; i++) {
		int r;

		f->bytes[i] ^= 1;
		r = open_it(f, f->key, f->n);
		f->bytes[i] ^= 1;
		if (r != (i < 8 ? -EBADMSG : i < 12 ? -EOPNOTSUPP : -EKEYREJECTED))
			fail_msg("byte %zu: %d", i, r);
	}
	ds_secret_free(f->key);
}

static void test_record(void **state)
{
	DS_SECRET struct ds_secret *material = filled(0x5a, KMS_MATERIAL_SIZE);
	struct form f = { .n = KMS_RECORD_SIZE, .key = filled(0x11, 32), .open = kms_open_record };
	uint8_t again[KMS_RECORD_SIZE];

	assert_int_equal(kms_seal_record(f.key, material, f.bytes), 0);
	assert_int_equal(kms_seal_record(f.key, material, again), 0);
	assert_memory_not_equal(f.bytes, again, sizeof(again));
	try_form(&f);
}

static void test_message(void **state)
{
	static const uint8_t small_order[32] = { 1 };
	DS_SECRET struct ds_secret *material = filled(0x5a, KMS_MATERIAL_SIZE);
	struct form f = { .n = KMS_MESSAGE_SIZE, .open = kms_open_message };
	uint8_t pub[32];

	assert_int_equal(ds_x25519_keygen(&f.key, pub), 0);
	assert_int_equal(kms_seal_message(small_order, material, f.bytes), -EKEYREJECTED);
	assert_int_equal(kms_seal_message(pub, material, f.bytes), 0);
	try_form(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
