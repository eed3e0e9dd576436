// SPDX-License-Identifier: Apache-2.0
/* See ds/attest/platform.h. */
#include <ds/attest/platform.h>

#include <ds/crypto/ossl.h>

#include "priv.h"

#define DOMAIN "quote"

static int read_pck(struct ds_acert chain[DS_PCK_CHAIN_LEN], struct ds_platform_id *ret,
		    struct ds_err *err)
{
	struct ds_err why = DS_ERR_NULL;
	struct ds_pck_ext ext;
	struct ds_span value;
	int r = ds_pck_sgx_extension(chain[0].x, &value);

	if (!r)
		r = ds_pck_ext_parse(value, &ext, &why);
	if (r)
		return r == -ENOMEM ? r
				    : ds_err_set(err, -EBADMSG, DOMAIN, 0, "SGX extension: %.120s",
						 why.code ? why.msg : "missing, or more than one");
	memcpy(ret->fmspc, ext.fmspc, sizeof(ret->fmspc));
	ret->processor = !ext.platform;
	return 0;
}

int ds_quote_platform(struct ds_span quote, struct ds_platform_id *ret, struct ds_err *err)
{
	struct ds_acert chain[DS_PCK_CHAIN_LEN] = { 0 };
	struct ds_quote q;
	int r;

	DS_TRY(ds_quote_parse(quote, &q, err));
	if (q.cert_type != DS_QUOTE_CERT_PCK_CHAIN)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0,
				  "certification data type: expected 5 (PCK chain), got %u",
				  q.cert_type);
	r = ds_acerts_from_pem(q.cert_data, chain, DS_PCK_CHAIN_LEN);
	if (r)
		r = ds_err_set(err, r, DOMAIN, 0, "PCK chain cannot be read");
	else
		r = read_pck(chain, ret, err);
	for (size_t i = 0; i < DS_PCK_CHAIN_LEN; i++)
		ds_acert_done(&chain[i]);
	return r;
}

int ds_crl_dates(struct ds_span der, int64_t *ret_from, int64_t *ret_to)
{
	const unsigned char *p = der.p;
	X509_CRL *crl = der.n <= INT32_MAX ? d2i_X509_CRL(NULL, &p, (long)der.n) : NULL;
	const ASN1_TIME *to = crl ? X509_CRL_get0_nextUpdate(crl) : NULL;
	int64_t from = 0, end = 0;
	int r = -EBADMSG;

	if (to && p == der.p + der.n)
		r = ds_asn1_time(X509_CRL_get0_lastUpdate(crl), &from);
	if (!r)
		r = ds_asn1_time(to, &end);
	X509_CRL_free(crl);
	(void)ds_ossl_err(NULL, 0, DOMAIN, "");
	if (r)
		return -EBADMSG;
	*ret_from = from;
	*ret_to = end;
	return 0;
}
