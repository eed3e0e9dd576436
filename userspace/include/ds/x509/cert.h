/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RA-TLS certificates: make, read, check (spec/guest-api 6.3, spec/kms 1.5, 1.9). What we issue is
 * ECDSA P-256 with SHA-256. Issuing borrows everything; a parsed struct owns copies. No network, no
 * clock: the caller gives the time.
 */
#ifndef DS_X509_CERT_H
#define DS_X509_CERT_H

#include <ds/base/base.h>
#include <ds/crypto/p256.h>

#define DS_X509_SERIAL_SIZE 20

/* 1975-01-01T00:00:00Z, and the default lifetime after now. */
#define DS_CERT_DEFAULT_NOT_BEFORE INT64_C(157766400)
#define DS_CERT_DEFAULT_LIFETIME   (INT64_C(3650) * 86400)

#define DS_USAGE_KMS_RPC    "kms:rpc"
#define DS_USAGE_APP_CA     "app:ca"
#define DS_USAGE_APP_CUSTOM "app:custom"

struct ds_cert_spec {
	const char *subject; /* common name, NULL or "": present but empty */
	const char *org;     /* NULL: none */
	const char *const *alt_names; /* an IP literal becomes iPAddress, the rest dNSName */
	size_t n_alt_names;
	bool is_ca;
	int pathlen; /* of a CA; negative: no limit */
	bool server_auth, client_auth;
	int64_t not_before, not_after; /* Unix seconds, both required (see the defaults above) */
	struct ds_span app_id;	       /* .3; n == 0: absent, like all below */
	struct ds_span app_info;       /* .9 */
	const char *usage;	       /* .4; NULL: absent */
	struct ds_span attestation;    /* .8 */
	struct ds_span spki;	       /* of the subject key; must be a P-256 key */
};

/*
 * issuer_cert: DER of the issuer, whose key must be issuer_key; n == 0: self-signed (spec->spki
 * must be issuer_key's). -EINVAL: the specification is contradictory or a name is not acceptable;
 * -EKEYREJECTED: keys do not match.
 */
DS_MUST int ds_cert_issue(const struct ds_cert_spec *spec, const struct ds_p256 *issuer_key,
			  struct ds_span issuer_cert, struct ds_buf *ret_der, struct ds_err *err);

/*
 * The same when the issuer's key lives in another process: sign returns a DER ECDSA signature over
 * the digest, and the result is checked against issuer_cert.
 */
typedef int (*ds_cert_sign_fn)(void *arg, const uint8_t digest[32], struct ds_buf *ret_sig_der);
DS_MUST int ds_cert_issue_by(const struct ds_cert_spec *spec, struct ds_span issuer_cert,
			     ds_cert_sign_fn sign, void *arg, struct ds_buf *ret_der,
			     struct ds_err *err);

struct ds_cert_info {
	struct ds_buf spki; /* DER SubjectPublicKeyInfo, any key type */
	bool is_p256;
	char cn[256];	    /* first common name, "" if none */
	char org[256];
	char **alt_names;   /* DNS names and IP addresses as text; other kinds are left out */
	size_t n_alt_names;
	bool is_ca;
	bool has_eku, server_auth, client_auth; /* no EKU at all means any use */
	char usage[64];	    /* .4, "" if absent */
	bool has_app_id;
	uint8_t app_id[20]; /* .3 */
	struct ds_buf attestation; /* .8, n == 0 if absent */
	struct ds_buf app_info;	   /* .9 */
	struct ds_buf quote;	   /* .1, older form */
	struct ds_buf event_log;   /* .2, older form */
	int64_t not_before, not_after;
};

#define DS_CERT_INFO_NULL ((struct ds_cert_info){ 0 })

/*
 * One DER certificate, nothing after it. An extension of ours that appears twice or is not doubly
 * wrapped is -EBADMSG.
 */
DS_MUST int ds_cert_parse(struct ds_span der, struct ds_cert_info *ret, struct ds_err *err);
/* For net/ only: a certificate that OpenSSL has read already, borrowed. */
struct x509_st;
DS_MUST int ds_cert_parse_x509(struct x509_st *x, struct ds_cert_info *ret, struct ds_err *err);
void ds_cert_info_done(struct ds_cert_info *info);
#define DS_CERT_INFO DS_CLEANUP(ds_cert_info_done)

/* A certificate chain, leaf first, each element DER. */
struct ds_cert_chain {
	struct ds_buf *der;
	size_t n;
};
#define DS_CERT_CHAIN_NULL ((struct ds_cert_chain){ NULL, 0 })
void ds_cert_chain_done(struct ds_cert_chain *chain);
#define DS_CERT_CHAIN DS_CLEANUP(ds_cert_chain_done)

/*
 * 1 to 8 PEM certificates in up to DS_MAX_CERT_PEM bytes; other PEM blocks and text between blocks
 * are refused.
 */
DS_MUST int ds_cert_chain_from_pem(struct ds_span pem, struct ds_cert_chain *ret,
				   struct ds_err *err);
/* Append one PEM block, 64 columns, LF, final LF. */
DS_MUST int ds_cert_pem(struct ds_span der, struct ds_buf *buf);
/* Append PEM to DER of the one certificate in pem. */
DS_MUST int ds_cert_pem_to_der(struct ds_span pem, struct ds_buf *buf, struct ds_err *err);

/*
 * Signatures, names, CA flags, path lengths and validity at time from leaf up to root, which is
 * trusted as given (it need not be self-signed by a known authority, but its validity counts).
 * chain[0] is the leaf, the rest are intermediates in any order; the root may be repeated there.
 * The last second of validity is out already, as OpenSSL has it. -EKEYREJECTED with the reason in
 * err when the chain is refused. Keys and
 * digests below 112 bits of strength are refused. Purpose and host name are not judged here.
 */
DS_MUST int ds_cert_verify_chain(const struct ds_span *chain, size_t n_chain, struct ds_span root,
				 int64_t time, struct ds_err *err);
/*
 * Does the leaf carry this host (dNSName with wildcards of one label, or iPAddress)? 0 or
 * -EKEYREJECTED.
 */
DS_MUST int ds_cert_check_host(struct ds_span der, const char *host, struct ds_err *err);

/* SHA-512("ratls-cert:" || spki): what a quote for this TLS key must carry. */
DS_MUST int ds_ratls_report_data(struct ds_span spki, uint8_t ret[64]);

#endif
