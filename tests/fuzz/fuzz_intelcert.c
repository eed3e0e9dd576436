// SPDX-License-Identifier: Apache-2.0
/*
 * ds_icert_parse() and ds_icrl_parse(): what they accept OpenSSL reads as the same, and no byte of
 * it can be left off.
 */
#include <stdlib.h>

#include "../../userspace/lib/attest/agree.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	int cert = agree_cert(DS_SPAN(p, n)), crl = agree_crl(DS_SPAN(p, n));

	if (cert < 0 || crl < 0 || (!cert && !crl))
		abort();
	if (!cert && agree_cert(DS_SPAN(p, n - 1)) != 1)
		abort();
	if (!crl && agree_crl(DS_SPAN(p, n - 1)) != 1)
		abort();
	return 0;
}
