// SPDX-License-Identifier: Apache-2.0
/* Revocation lists: checks 15 and 16 of spec/dcap 7. An absent list is a refusal, never "not
 * revoked". */
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <ds/crypto/ossl.h>

#include "priv.h"

/* spec/dcap 3.1: no critical extension is known here; the number is required. */
static const char *bad_extensions(const X509_CRL *x)
{
	bool number = false;

	for (int i = 0; i < X509_CRL_get_ext_count(x); i++) {
		X509_EXTENSION *ext = X509_CRL_get_ext(x, i);

		if (X509_EXTENSION_get_critical(ext))
			return "unknown critical extension";
		if (OBJ_obj2nid(X509_EXTENSION_get_object(ext)) == NID_crl_number) {
			if (number)
				return "more than one CRL number";
			number = true;
		}
	}
	return number ? NULL : "no CRL number";
}

static int check_format(struct ds_judge *j, struct ds_span der, struct ds_crl *crl)
{
	const unsigned char *p = der.p;
	const char *why;

	if (der.n)
		crl->x = d2i_X509_CRL(NULL, &p, (long)der.n);
	if (!crl->x || p != der.p + der.n) {
		(void)ds_ossl_err(NULL, 0, "crl", "DER");
		return ds_verdict_fail(j->v, DS_REASON_CRL_FORMAT,
				       "%s: %zu bytes are not exactly one DER list", crl->what,
				       der.n);
	}
	why = bad_extensions(crl->x);
	if (why)
		return ds_verdict_fail(j->v, DS_REASON_CRL_FORMAT, "%s: %s", crl->what, why);
	return 0;
}

/* Everything but the dates against the clock. */
static int prove(struct ds_judge *j, struct ds_span der, X509 *issuer, struct ds_crl *crl)
{
	DS_TRY(check_format(j, der, crl));
	if (X509_NAME_cmp(X509_CRL_get_issuer(crl->x), X509_get_subject_name(issuer)))
		return ds_verdict_fail(j->v, DS_REASON_CRL_ISSUER,
				       "%s: issuer is not the subject of the CA it is used for",
				       crl->what);
	if (!(X509_get_key_usage(issuer) & KU_CRL_SIGN))
		return ds_verdict_fail(j->v, DS_REASON_CRL_ISSUER,
				       "%s: the CA it is used for may not sign lists", crl->what);
	if (X509_CRL_get_signature_nid(crl->x) != NID_ecdsa_with_SHA256 ||
	    X509_CRL_verify(crl->x, X509_get0_pubkey(issuer)) != 1) {
		(void)ds_ossl_err(NULL, 0, "crl", "signature");
		return ds_verdict_fail(j->v, DS_REASON_CRL_SIGNATURE,
				       "%s: signature is not that of its CA", crl->what);
	}
	if (ds_asn1_time(X509_CRL_get0_lastUpdate(crl->x), &crl->dates.from) ||
	    ds_asn1_time(X509_CRL_get0_nextUpdate(crl->x), &crl->dates.to))
		return ds_verdict_fail(j->v, DS_REASON_CRL_FORMAT, "%s: dates are missing",
				       crl->what);
	crl->ok = true;
	return 0;
}

int ds_check_crl(struct ds_judge *j, struct ds_span der, X509 *issuer, struct ds_crl *crl,
		 const char *what)
{
	if (!crl->ok) {
		crl->what = what;
		DS_TRY(prove(j, der, issuer, crl));
	}
	DS_TRY(ds_verdict_dates(j->v, crl->what, crl->dates.from, crl->dates.to,
				DS_REASON_CRL_NOT_YET_VALID, DS_REASON_CRL_EXPIRED));
	ds_verdict_pass(j->v, "crl", "%s: issuer, signature and dates", crl->what);
	return 0;
}

int ds_check_not_revoked(struct ds_judge *j, const struct ds_crl *crl, X509 *x,
			 enum ds_reason reason, const char *what)
{
	X509_REVOKED *entry;

	/* "removed from CRL" is for delta lists, which we do not use: any entry counts */
	if (X509_CRL_get0_by_serial(crl->x, &entry, X509_get_serialNumber(x)))
		return ds_verdict_fail(j->v, reason, "%s: its serial is in the %s", what,
				       crl->what);
	return 0;
}
