// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates and PEM: as DER, as PEM text, as the body of one PEM block, and as a private key. A
 * certificate that is read goes on to the host check and to a verification with itself as anchor.
 */
#include <stdlib.h>

#include <ds/base/limits.h>
#include <ds/x509/cert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void one(struct ds_span der)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	DS_BUF struct ds_buf pem = DS_BUF_NULL, back = DS_BUF_NULL;
	struct ds_err err;
	uint8_t report_data[64];

	if (der.n > DS_MAX_CERT_PEM / 2 || ds_cert_parse(der, &info, &err))
		return;
	if (ds_cert_pem(der, &pem) || ds_cert_pem_to_der(ds_buf_span(&pem), &back, &err) ||
	    !ds_span_eq(der, ds_buf_span(&back)))
		abort();
	if (ds_ratls_report_data(ds_buf_span(&info.spki), report_data))
		abort();
	(void)!ds_cert_check_host(der, "a.example", &err);
	(void)!ds_cert_check_host(der, "10.0.2.15", &err);
	(void)!ds_cert_verify_chain(&der, 1, der, 1700000000, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_CERT_CHAIN struct ds_cert_chain chain = DS_CERT_CHAIN_NULL;
	DS_P256 struct ds_p256 *key = NULL;
	struct ds_err err;

	one(DS_SPAN(p, n));
	if (!ds_cert_chain_from_pem(DS_SPAN(p, n), &chain, &err))
		for (size_t i = 0; i < chain.n; i++)
			one(ds_buf_span(&chain.der[i]));
	if (!ds_p256_from_pem(DS_SPAN(p, n), &key, &err) && !key)
		abort();
	return 0;
}
