// SPDX-License-Identifier: Apache-2.0
/*
 * Revocation lists as the verifier takes them: the input as it is, then the same list with the
 * issuer name and signature of a CA of ours, so that what lies behind the signature is reached. A
 * list that passes has a number and no critical extension; what it lists is found.
 */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "../../userspace/lib/attest/priv.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static EVP_PKEY *key;
static X509 *ca;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const usage = "critical,keyCertSign,cRLSign";
	X509_EXTENSION *ext;

	key = EVP_EC_gen("P-256");
	ca = X509_new();
	if (!key || !ca || !X509_set_pubkey(ca, key) || !X509_set_version(ca, 2) ||
	    !X509_NAME_add_entry_by_txt(X509_get_subject_name(ca), "CN", MBSTRING_ASC,
					(const unsigned char *)"CA", -1, -1, 0))
		abort();
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, usage);
	if (!ext || !X509_add_ext(ca, ext, -1) || !X509_gmtime_adj(X509_getm_notBefore(ca), 0) ||
	    !X509_gmtime_adj(X509_getm_notAfter(ca), 60) || !X509_sign(ca, key, EVP_sha256()))
		abort();
	X509_EXTENSION_free(ext);
	return 0;
}

static void judge_list(struct ds_span der)
{
	static struct ds_verdict v;
	struct ds_judge j = { .time = 1780000000, .v = &v };
	struct ds_crl crl = { 0 };

	ds_verdict_init(&v);
	v.time = j.time;
	if (!ds_check_crl(&j, der, ca, &crl, "list")) {
		STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl.x);
		X509_REVOKED *found;

		if (!crl.ok || v.expires < j.time)
			abort();
		for (int i = 0; i < sk_X509_REVOKED_num(all); i++)
			if (!X509_CRL_get0_by_serial(
				    crl.x, &found,
				    X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(all, i))))
				abort();
	} else if (v.accepted || v.reason == DS_REASON_NONE) {
		abort();
	}
	X509_CRL_free(crl.x);
	(void)ds_crl_dates(der, &j.time, &v.expires);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const unsigned char *at = p;
	unsigned char *der = NULL;
	X509_CRL *crl;
	int len;

	judge_list(DS_SPAN(p, n));
	crl = d2i_X509_CRL(NULL, &at, (long)n);
	if (crl && X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca)) &&
	    X509_CRL_sign(crl, key, EVP_sha256()) > 0) {
		len = i2d_X509_CRL(crl, &der);
		if (len > 0)
			judge_list(DS_SPAN(der, (size_t)len));
	}
	OPENSSL_free(der);
	X509_CRL_free(crl);
	return 0;
}
