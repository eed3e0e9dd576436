/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the pki_*.c files only: what the pretended platform is, and the pieces of the test PKI.
 * Numbers follow kernel/emul (CPUSVN 03 03 02 02 02 01 00 03, TEE_TCB_SVN 05 01 03), so that the
 * generated TCB info matches it.
 */
#ifndef DS_LIB_X509_PKI_INT_H
#define DS_LIB_X509_PKI_INT_H

#include <openssl/x509.h>

#include <ds/base/base.h>
#include <ds/crypto/p256.h>
#include <ds/x509/pki.h>

#define PKI_DOMAIN    "pki"
#define PKI_PCESVN    13u
#define PKI_QE_ISVSVN 6u
#define PKI_MOD_SVN   5u /* TEE_TCB_SVN[0]; [1] is 1: module TDX_01 */
#define PKI_TDX_SVN   3u /* TEE_TCB_SVN[2] */

extern const uint8_t pki_cpusvn[16];

/* Of the pretended quoting enclave: SHA-256 of texts that say what it is. */
#define PKI_QE_SIGNER_TEXT  "dstack-emul-qe: signer of the emulated quoting enclave, no security"
#define PKI_QE_ENCLAVE_TEXT "dstack-emul-qe: emulated quoting enclave, no security"
#define PKI_QE_MISCSELECT   "00000000"
#define PKI_QE_ISVPRODID    2u

struct pki_entity {
	struct ds_p256 *key;
	X509 *cert;
};

struct ds_pki {
	uint8_t fmspc[6];
	bool processor;
	uint8_t platform; /* 0: the first */
	int64_t not_before;
	struct pki_entity root, ca, pck, signer;
	struct ds_p256 *attest;
};

struct pki_cert_spec {
	const char *cn;
	bool is_ca;
	int pathlen;
	int64_t not_before, not_after;
	struct ds_span sgx_ext; /* n == 0: none */
};

static inline void pki_cleanup_x509(X509 **x)
{
	X509_free(*x);
}
#define PKI_X509 DS_CLEANUP(pki_cleanup_x509)

/* A new key and its certificate; issuer NULL: self-signed. */
DS_MUST int pki_entity_new(const struct pki_cert_spec *spec, const struct pki_entity *issuer,
			   struct pki_entity *ret, struct ds_err *err);
void pki_entity_done(struct pki_entity *e);
/*
 * The key identifier that both certificate and CRL name: 160 bits of SHA-256 over the point (RFC
 * 7093, method 1).
 */
DS_MUST int pki_key_id(const struct ds_p256 *key, uint8_t ret[20]);
/* An AKI extension for this issuer; the caller frees. NULL: out of memory. */
struct AUTHORITY_KEYID_st *pki_aki(const struct ds_p256 *issuer_key);
DS_MUST int pki_cert_pem(const X509 *x, struct ds_buf *buf);

/* revoked: one serial, or NULL. Appends DER. */
DS_MUST int pki_crl(const struct pki_entity *issuer, const X509 *revoked, int64_t issued,
		    int64_t next_update, struct ds_buf *buf, struct ds_err *err);
/* Extension 1.2.840.113741.1.13.1 (spec/dcap.md 3.2) of this platform. Appends DER. */
DS_MUST int pki_sgx_ext(const struct ds_pki *pki, struct ds_buf *buf);
/* Signed JSON of TCB info and QE identity. Append. */
DS_MUST int pki_tcb_info(const struct ds_pki *pki, const struct ds_pki_docs *docs,
			 struct ds_buf *buf);
DS_MUST int pki_qe_identity(const struct ds_pki_docs *docs, struct ds_buf *buf);
/* r || s. */
DS_MUST int pki_sign_raw(const struct ds_p256 *key, struct ds_span msg, uint8_t ret[64]);

#endif
