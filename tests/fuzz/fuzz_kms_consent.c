// SPDX-License-Identifier: Apache-2.0
/*
 * The file of recipients of the roots. Whoever is listed stands there in 64 hex digits, as a whole
 * word; and without its last line a file never lists more.
 */
#include <stdlib.h>

#include "../../kms/consent.c"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool stands_there(const uint8_t *p, size_t n, const uint8_t key[32])
{
	uint8_t word[32];

	for (size_t i = 0; i + 64 <= n; i++)
		if (!ds_hex_decode((const char *)p + i, 64, word, sizeof(word)) &&
		    !memcmp(word, key, sizeof(word)) && (i + 64 == n || p[i + 64] <= ' '))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct kms_listing l, shorter;
	struct ds_err err = DS_ERR_NULL;
	uint8_t key[32];

	for (int b = 0; b < 2; b++) {
		memset(key, b ? 0xaa : 0x07, sizeof(key));
		if (kms_consent_parse(DS_SPAN(p, n), key, &l, &err))
			continue;
		if (l.listed && !stands_there(p, n, key))
			abort();
		if (l.listed && (!l.keys || strlen(l.name) > KMS_CONSENT_NAME))
			abort();
		while (n && p[n - 1] != '\n')
			n--;
		if (kms_consent_parse(DS_SPAN(p, n), key, &shorter, &err) ||
		    shorter.keys > l.keys || (shorter.listed && !l.listed))
			abort();
	}
	return 0;
}
