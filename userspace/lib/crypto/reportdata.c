// SPDX-License-Identifier: Apache-2.0
/* report_data of spec/guest-api 6.1, see ds/crypto/hash.h. */
#include <ds/crypto/hash.h>

#include "internal.h"

struct alg {
	const char *name;
	const char *md; /* NULL: our own Keccak */
	size_t n;
};

static const struct alg algs[] = {
	{ "sha256", "SHA256", 32 },	{ "sha384", "SHA384", 48 },
	{ "sha512", "SHA512", 64 },	{ "sha3-256", "SHA3-256", 32 },
	{ "sha3-384", "SHA3-384", 48 }, { "sha3-512", "SHA3-512", 64 },
	{ "keccak256", NULL, 32 },	{ "keccak384", NULL, 48 },
	{ "keccak512", NULL, 64 },
};

static const struct alg *find(const char *name)
{
	for (size_t i = 0; i < DS_ARRAY_SIZE(algs); i++)
		if (!strcmp(name, algs[i].name))
			return &algs[i];
	return NULL;
}

int ds_report_data(const char *alg, struct ds_span tag, struct ds_span content,
		   uint8_t ret[DS_REPORT_DATA_SIZE], struct ds_err *err)
{
	const struct ds_span parts[] = { tag, DS_SPAN_LIT(":"), content };
	uint8_t out[DS_REPORT_DATA_SIZE] = { 0 };
	const struct alg *a;

	if (!strcmp(alg, "raw")) {
		if (content.n != DS_REPORT_DATA_SIZE)
			return ds_err_set(err, -EINVAL, "report-data", 0, "invalid content length");
		memcpy(ret, content.p, DS_REPORT_DATA_SIZE);
		return 0;
	}
	a = find(*alg ? alg : "sha512");
	if (!a)
		return ds_err_set(err, -EINVAL, "report-data", 0, "invalid hash algorithm");
	if (a->md)
		DS_TRY(ds_md(a->md, parts, DS_ARRAY_SIZE(parts), out, a->n));
	else
		ds_keccak(parts, DS_ARRAY_SIZE(parts), out, a->n);
	memcpy(ret, out, sizeof(out));
	return 0;
}
