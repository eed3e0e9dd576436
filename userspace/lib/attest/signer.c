// SPDX-License-Identifier: Apache-2.0
/*
 * Who signed TCB info and QE identity: check 18, and the signatures of checks 19 and 22. The name
 * is a security check: without it any key certified under the same root could sign.
 */
#include <openssl/x509v3.h>

#include <ds/crypto/p256.h>

#include "priv.h"

#define CN_SIGNER "Intel SGX TCB Signing"

enum { LEAF, ROOT, CHAIN_LEN };

static int check_chain(struct ds_judge *j, struct ds_acert chain[CHAIN_LEN], const char *what)
{
	X509 *leaf = chain[LEAF].x;

	DS_TRY(ds_check_root(j, &chain[ROOT]));
	if (!ds_cert_cn_is(leaf, CN_SIGNER))
		return ds_verdict_fail(j->v, DS_REASON_TCB_SIGNER_NAME,
				       "%s: signer is not \"" CN_SIGNER "\"", what);
	if (!ds_cert_issued_by_name(leaf, chain[ROOT].x))
		return ds_verdict_fail(j->v, DS_REASON_TCB_SIGNER_CHAIN,
				       "%s: signer's issuer is not the root", what);
	if (ds_cert_has_ext_flag(leaf, EXFLAG_CA))
		return ds_verdict_fail(j->v, DS_REASON_TCB_SIGNER_CHAIN, "%s: signer is a CA",
				       what);
	if (!ds_cert_signed_by(leaf, chain[ROOT].x))
		return ds_verdict_fail(j->v, DS_REASON_TCB_SIGNER_CHAIN,
				       "%s: signer's certificate is not signed by the root", what);
	DS_TRY(ds_check_not_revoked(j, &j->root_crl, leaf, DS_REASON_TCB_SIGNER_REVOKED,
				    "TCB signing certificate"));
	DS_TRY(ds_check_cert_time(j, chain[ROOT].x, "root certificate"));
	DS_TRY(ds_check_cert_time(j, leaf, "TCB signing certificate"));
	return ds_check_path(j, leaf, NULL, chain[ROOT].x, DS_REASON_TCB_SIGNER_CHAIN);
}

static int check_signature(struct ds_judge *j, const X509 *leaf, struct ds_span text,
			   const uint8_t sig[64], enum ds_reason reason, const char *what)
{
	uint8_t xy[64];
	int r;

	if (ds_cert_xy(leaf, xy))
		return ds_verdict_fail(j->v, DS_REASON_TCB_SIGNER_CHAIN,
				       "%s: signer's key is not on P-256", what);
	r = ds_p256_verify_raw(xy, text, sig);
	if (r == -EKEYREJECTED || r == -EBADMSG)
		return ds_verdict_fail(j->v, reason, "%s: signature does not match its %zu bytes",
				       what, text.n);
	return r;
}

int ds_check_signed(struct ds_judge *j, struct ds_span chain_pem, struct ds_span text,
		    const uint8_t sig[64], enum ds_reason sig_reason, const char *what)
{
	struct ds_acert chain[CHAIN_LEN] = { 0 };
	int r;

	r = ds_acerts_from_pem(chain_pem, chain, CHAIN_LEN);
	if (r == -EBADMSG)
		r = ds_verdict_fail(j->v, DS_REASON_TCB_SIGNER_CHAIN,
				    "%s: expected exactly two PEM certificates", what);
	if (!r)
		r = check_chain(j, chain, what);
	if (!r)
		r = check_signature(j, chain[LEAF].x, text, sig, sig_reason, what);
	if (!r)
		ds_verdict_pass(j->v, "signer", "%s: signer and signature", what);
	for (size_t i = 0; i < CHAIN_LEN; i++)
		ds_acert_done(&chain[i]);
	return r;
}
