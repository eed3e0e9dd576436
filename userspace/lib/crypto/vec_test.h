/* SPDX-License-Identifier: Apache-2.0 */
/* For unit tests only: cmocka with what it needs, and vectors written as hex. */
#ifndef DS_CRYPTO_VEC_TEST_H
#define DS_CRYPTO_VEC_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/base.h>
#include <ds/base/text.h>

/* Bytes of a hex literal; up to eight results are alive at a time. */
static inline struct ds_span hex(const char *text)
{
	static uint8_t pool[8][512];
	static unsigned int next;
	uint8_t *out = pool[next++ % 8];
	size_t n = strlen(text);

	assert_int_equal(ds_hex_decode(text, n, out, sizeof(pool[0])), 0);
	return DS_SPAN(out, n / 2);
}

static inline void assert_hex(const void *got, size_t n, const char *want)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;

	assert_int_equal(ds_buf_add_hex(&text, DS_SPAN(got, n)), 0);
	assert_string_equal(ds_buf_cstr(&text), want);
}

#endif
