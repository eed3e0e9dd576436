// SPDX-License-Identifier: Apache-2.0
/*
 * Who signed TCB info and QE identity: check 18, and the signatures of checks 19 and 22. The name
 * is a security check: without it any key certified under the same root could sign.
 */
#include <openssl/x509v3.h>

#include <ds/crypto/p256.h>

#include "priv.h"

enum { LEAF, ROOT };

static int prove_chain(struct ds_judge *j, struct ds_signer *s, struct ds_span pem,
		       const char *what)
{
	int r = ds_acerts_from_pem(pem, s->cert, DS_SIGNER_CHAIN_LEN);
	X509 *leaf = s->cert[LEAF].x, *root = s->cert[ROOT].x;

	if (r == -EBADMSG)
		return ds_verdict_fail(j->v, DS_REASON_TCB_SIGNER_CHAIN,
				       "%s: expected exactly two PEM certificates", what);
	if (r)
		return r;
	DS_TRY(ds_check_root(j, &s->cert[ROOT]));
	if (!ds_cert_cn_is(leaf, DS_CN_SIGNER))
		return ds_verdict_fail(j->v, DS_REASON_TCB_SIGNER_NAME,
				       "%s: signer is not \"" DS_CN_SIGNER "\"", what);
	if (!ds_cert_issued_by_name(leaf, root))
		return ds_verdict_fail(j->v, DS_REASON_TCB_SIGNER_CHAIN,
				       "%s: signer's issuer is not the root", what);
	if (ds_cert_has_ext_flag(leaf, EXFLAG_CA))
		return ds_verdict_fail(j->v, DS_REASON_TCB_SIGNER_CHAIN, "%s: signer is a CA",
				       what);
	if (!ds_cert_signed_by(leaf, root))
		return ds_verdict_fail(j->v, DS_REASON_TCB_SIGNER_CHAIN,
				       "%s: signer's certificate is not signed by the root", what);
	DS_TRY(ds_check_not_revoked(j, &j->docs->root_crl, leaf, DS_REASON_TCB_SIGNER_REVOKED,
				    "TCB signing certificate"));
	DS_TRY(ds_read_cert_dates(j, &s->cert[ROOT], "root certificate"));
	DS_TRY(ds_read_cert_dates(j, &s->cert[LEAF], "TCB signing certificate"));
	s->chain_ok = true;
	return 0;
}

int ds_check_signer(struct ds_judge *j, struct ds_signer *s, struct ds_span chain_pem,
		    const char *what)
{
	if (!s->chain_ok)
		DS_TRY(prove_chain(j, s, chain_pem, what));
	ds_verdict_pass(j->v, "revocation", "TCB signing certificate is not in the root CRL");
	DS_TRY(ds_check_cert_time(j, &s->cert[ROOT], "root certificate"));
	DS_TRY(ds_check_cert_time(j, &s->cert[LEAF], "TCB signing certificate"));
	if (s->path_ok)
		return 0;
	DS_TRY(ds_check_path(j, s->cert[LEAF].x, NULL, s->cert[ROOT].x, NULL,
			     DS_REASON_TCB_SIGNER_CHAIN));
	s->path_ok = true;
	return 0;
}

int ds_check_doc_signature(struct ds_judge *j, struct ds_signer *s, struct ds_span text,
			   struct ds_span sig, enum ds_reason reason, const char *what)
{
	uint8_t xy[64];
	int r = 0;

	if (!s->key)
		r = ds_cert_xy(s->cert[LEAF].x, xy);
	if (!r && !s->key)
		r = ds_p256_pub_new(xy, &s->key);
	if (r == -EBADMSG)
		return ds_verdict_fail(j->v, DS_REASON_TCB_SIGNER_CHAIN,
				       "%s: signer's key is not on P-256", what);
	if (r)
		return r;
	if (sig.n != 64)
		return ds_verdict_fail(j->v, reason, "%s: signature: expected 64 bytes, got %zu",
				       what, sig.n);
	r = ds_p256_pub_verify_raw(s->key, text, sig.p);
	if (r == -EKEYREJECTED)
		return ds_verdict_fail(j->v, reason, "%s: signature does not match its %zu bytes",
				       what, text.n);
	return r;
}
