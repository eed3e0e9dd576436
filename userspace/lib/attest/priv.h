/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the verifier: one struct ds_judge per verification, handed from check to check in the
 * order of spec/dcap 7. Every check function returns 0, DS_ATTEST_REFUSED after recording why, or a
 * negative errno.
 *
 * What depends on nothing but bytes (signatures, names, formats) is proven once per struct ds_docs
 * (root and collateral) and struct ds_platform (the chain in the quote): a flag *_ok says that
 * every such check of its group has passed for exactly these bytes. What depends on time, policy or
 * the quote is looked at each time. The flags are what a cache keeps (cache.c).
 */
#ifndef DS_ATTEST_PRIV_H
#define DS_ATTEST_PRIV_H

#include <openssl/x509.h>
#include <stdatomic.h>

#include <ds/attest/cache.h>
#include <ds/attest/verify.h>
#include <ds/wire/jdoc.h>
#include <ds/wire/pckext.h>
#include <ds/wire/quote.h>

/* Common names of spec/dcap 3, and what lists are called. */
#define DS_CN_ROOT	"Intel SGX Root CA"
#define DS_CN_PLATFORM	"Intel SGX PCK Platform CA"
#define DS_CN_PROCESSOR "Intel SGX PCK Processor CA"
#define DS_CN_PCK	"Intel SGX PCK Certificate"
#define DS_CN_SIGNER	"Intel SGX TCB Signing"
#define DS_ROOT_CRL	"root CRL"
#define DS_PCK_CRL	"PCK CRL"

/* Both ends of a validity, included. */
struct ds_dates {
	int64_t from, to;
};

/* A certificate and the bytes it was read from. */
struct ds_acert {
	X509 *x; /* NULL in what ds_prove_quickly() has proven */
	struct ds_buf der;
	struct ds_dates dates; /* set by ds_read_cert_dates() */
};

/* The collateral file (spec/dcap 4.1), decoded; spans point into doc. */
struct ds_collateral {
	struct ds_jdoc doc;
	struct ds_buf root_crl, pck_crl; /* DER */
	struct ds_span tcb_chain, tcb_info;
	struct ds_span qe_chain, qe_identity;
	struct ds_buf tcb_sig, qe_sig; /* 64 bytes, or the signature does not verify */
};

struct ds_crl {
	X509_CRL *x;	  /* NULL as above */
	const char *what; /* DS_ROOT_CRL, DS_PCK_CRL */
	struct ds_dates dates;
	bool ok; /* format, issuer and signature */
};

/* One TCB level of TCB info (spec/dcap 4.4). advisories borrows from the document, NULL if absent.
 */
struct ds_tcb_level {
	uint8_t sgx[16];
	uint16_t pcesvn;
	uint8_t tdx[16];
	enum ds_tcb_status status;
	const struct ds_jnode *advisories;
};

/* A level of a TDX module or of the QE: one SVN. */
struct ds_svn_level {
	uint32_t isvsvn;
	enum ds_tcb_status status;
	const struct ds_jnode *advisories;
};

struct ds_tdx_module {
	char id[16]; /* "TDX_01"; "" for the entry without levels */
	uint8_t mrsigner[48];
	uint8_t attributes[8], mask[8];
	struct ds_svn_level *levels;
	size_t n_levels;
};

struct ds_tcb_info {
	struct ds_jdoc doc;
	int64_t issued, next_update;
	uint64_t evaluation;
	uint8_t fmspc[6], pceid[2];
	bool has_module;
	struct ds_tdx_module module; /* used when TEE_TCB_SVN[1] is 0 */
	struct ds_tdx_module *modules;
	size_t n_modules;
	struct ds_tcb_level *levels; /* sorted, highest first */
	size_t n_levels;
};

struct ds_qe_identity {
	struct ds_jdoc doc;
	int64_t issued, next_update;
	uint64_t evaluation;
	uint8_t miscselect[4], miscselect_mask[4];
	uint8_t attributes[16], attributes_mask[16];
	uint8_t mrsigner[32];
	uint32_t isvprodid;
	struct ds_svn_level *levels;
	size_t n_levels;
};

#define QE_ISVSVN	    258 /* in the QE report, spec/dcap 1.4 */
#define DS_PCK_CHAIN_LEN    3	/* leaf, CA, root */
#define DS_SIGNER_CHAIN_LEN 2	/* leaf, root */

/* The chain in the quote, under the root and collateral it was judged with. */
struct ds_platform {
	atomic_uint refs;
	bool shared;	   /* in a cache: read only from here on */
	struct ds_buf pem; /* the text of the chain, set when shared */
	struct ds_acert pck[DS_PCK_CHAIN_LEN];
	bool processor;		 /* the CA is the Processor CA */
	struct ds_p256_pub *key; /* of the PCK */
	bool chain_ok;		 /* checks 8-12 */
	struct ds_crl pck_crl;
	bool revocation_ok; /* checks 15 and 16, but for dates */
	struct ds_pck_ext ext;
	bool ext_ok; /* check 17 */
	/* S2 as it was verified: the QE report, its signature; and the attestation key */
	uint8_t qe_report[DS_QE_REPORT_SIZE], qe_report_sig[64];
	bool qe_report_ok;
	uint8_t attest_xy[64];
	struct ds_p256_pub *attest_key; /* NULL or attest_xy */
};

/* The chain behind one of the signed documents. */
struct ds_signer {
	struct ds_acert cert[DS_SIGNER_CHAIN_LEN];
	struct ds_p256_pub *key; /* of the leaf, once it was needed */
	bool chain_ok;		 /* root, name, issuer, signature, revocation */
	bool path_ok;
};

#define DS_CACHE_PLATFORMS 32

/* Root and collateral, and what was read from them. */
struct ds_docs {
	atomic_uint refs;
	bool shared;		    /* in a cache: read only but for platforms, under its lock */
	struct ds_buf root_ca, raw; /* as the caller gave them, set when shared */
	struct ds_buf root_der;	    /* the caller's root; n == 0: pinned by hash */
	struct ds_collateral col;   /* col.doc.root: parsed */
	struct ds_crl root_crl;
	struct ds_signer tcb_signer, qe_signer;
	struct ds_tcb_info tcb;
	struct ds_qe_identity qe;
	bool tcb_ok, qe_ok; /* signature and content, but for dates */
	struct ds_platform *platforms[DS_CACHE_PLATFORMS];
	size_t next;
};

struct ds_judge {
	const struct ds_tcb_policy *policy;
	int64_t time;
	struct ds_verdict *v;
	struct ds_quote q;
	struct ds_docs *docs;
	struct ds_platform *plat;
	const struct ds_svn_level *qe_level;
};

/* certs.c */
void ds_acert_done(struct ds_acert *c);
/* Exactly n PEM certificates and nothing else but white space and final NULs. 0, -EBADMSG or
 * -ENOMEM. */
DS_MUST int ds_acerts_from_pem(struct ds_span pem, struct ds_acert *ret, size_t n);
/* 1 to max certificates in PEM, as above, or exactly one in DER. */
DS_MUST int ds_acerts_read(struct ds_span in, struct ds_acert *ret, size_t max, size_t *ret_n);
DS_MUST int ds_root_load(struct ds_span root_ca, struct ds_buf *ret_der);
bool ds_is_root(const struct ds_judge *j, struct ds_span der);
/* Is this the trusted root? 0, DS_ATTEST_REFUSED, negative. */
DS_MUST int ds_check_root(struct ds_judge *j, const struct ds_acert *root);
bool ds_cert_cn_is(const X509 *x, const char *cn);
bool ds_cert_issued_by_name(const X509 *x, const X509 *issuer);
/* The signature is ecdsa-with-SHA256 and verifies with the issuer's key. */
bool ds_cert_signed_by(X509 *x, const X509 *issuer);
bool ds_cert_has_ext_flag(X509 *x, uint32_t flag);
/* X || Y of a P-256 key with named curve and uncompressed point. -EBADMSG for other keys. */
DS_MUST int ds_cert_xy(const X509 *x, uint8_t ret[64]);
DS_MUST int ds_read_cert_dates(struct ds_judge *j, struct ds_acert *c, const char *what);
/* Both ends against the stated time; lowers the verdict's expiry. */
DS_MUST int ds_check_cert_time(struct ds_judge *j, const struct ds_acert *c, const char *what);
DS_MUST int ds_asn1_time(const ASN1_TIME *t, int64_t *ret);
/*
 * RFC 5280 path validation by OpenSSL, strict, with CRLs: the backstop behind the named checks,
 * which have verified every signature by then. ca and pck_crl may be NULL.
 */
DS_MUST int ds_check_path(struct ds_judge *j, X509 *leaf, X509 *ca, X509 *root, X509_CRL *pck_crl,
			  enum ds_reason reason);

/* White space and NULs behind the text taken off. */
struct ds_span ds_pem_trim(struct ds_span pem);

/*
 * quick.c: sets the flags of checks 7-13 and 15-18 and what they stand for when all of it is in
 * Intel's form and good; else changes nothing and is no verdict. Of a platform about which nothing
 * is known, under docs that are fresh or shared.
 */
bool ds_prove_quickly(struct ds_judge *j, struct ds_span collateral);

/* pckchain.c: checks 7-13 and 17 */
DS_MUST int ds_check_pck_chain(struct ds_judge *j);
DS_MUST int ds_check_pck_ext(struct ds_judge *j);
/* The value of the one SGX extension, borrowed from x. -EBADMSG: none, or several. */
DS_MUST int ds_pck_sgx_extension(const X509 *x, struct ds_span *ret);

/* collateral.c: check 14 */
DS_MUST int ds_collateral_parse(struct ds_span in, struct ds_collateral *ret, struct ds_err *err);
void ds_collateral_done(struct ds_collateral *col);

/* crl.c: checks 15 and 16 */
DS_MUST int ds_check_crl(struct ds_judge *j, struct ds_span der, X509 *issuer, struct ds_crl *crl,
			 const char *what);
DS_MUST int ds_check_not_revoked(struct ds_judge *j, const struct ds_crl *crl, X509 *x,
				 enum ds_reason reason, const char *what);

/* signer.c: check 18 */
DS_MUST int ds_check_signer(struct ds_judge *j, struct ds_signer *s, struct ds_span chain_pem,
			    const char *what);
/* The signature of checks 19 and 22, under a signer that has passed. */
DS_MUST int ds_check_doc_signature(struct ds_judge *j, struct ds_signer *s, struct ds_span text,
				   struct ds_span sig, enum ds_reason reason, const char *what);

/* json.c */
DS_MUST int ds_json_get_hex(const struct ds_jnode *obj, const char *key, void *out, size_t n);
DS_MUST int ds_json_get_u64(const struct ds_jnode *obj, const char *key, uint64_t max,
			    uint64_t *ret);
DS_MUST int ds_json_get_time(const struct ds_jnode *obj, const char *key, int64_t *ret);
bool ds_json_is_text(const struct ds_jnode *v, const char *text);
/* tcbLevels of a module or the QE: isvsvn, tcbStatus (UpToDate, OutOfDate, Revoked), advisoryIDs.
 */
DS_MUST int ds_json_svn_levels(const struct ds_jnode *arr, struct ds_svn_level **ret,
			       size_t *ret_n);
/* tcbStatus and advisoryIDs of any level. */
DS_MUST int ds_json_level_status(const struct ds_jnode *level, enum ds_tcb_status *ret,
				 const struct ds_jnode **ret_advisories);

/* qeid.c: the highest level not above svn, NULL if none. */
const struct ds_svn_level *ds_svn_level_find(const struct ds_svn_level *levels, size_t n,
					     uint32_t svn);

/* tcbinfo.c: checks 20, 21, 23 */
#define DS_TCBINFO_E_KIND 1
DS_MUST int ds_tcb_info_parse(struct ds_span in, struct ds_tcb_info *ret, struct ds_err *err);
void ds_tcb_info_done(struct ds_tcb_info *t);
DS_MUST int ds_check_tcb_info(struct ds_judge *j);
DS_MUST int ds_check_platform_match(struct ds_judge *j);

/* qeid.c: checks 22, 24-27 */
#define DS_QEID_E_KIND 1
DS_MUST int ds_qe_identity_parse(struct ds_span in, struct ds_qe_identity *ret, struct ds_err *err);
void ds_qe_identity_done(struct ds_qe_identity *id);
DS_MUST int ds_check_qe_identity(struct ds_judge *j);
DS_MUST int ds_check_qe(struct ds_judge *j);

/* tcb.c: checks 29 and 30 (spec/dcap 5) */
DS_MUST int ds_check_tcb(struct ds_judge *j);
/* Platform status changed by the worse of module and QE. */
enum ds_tcb_status ds_tcb_merge(enum ds_tcb_status platform, enum ds_tcb_status module,
				enum ds_tcb_status qe);
/* Launch and current status of a TD whose module may have been updated under it. */
enum ds_tcb_status ds_tcb_relaunch(enum ds_tcb_status launch, enum ds_tcb_status current);

/* tdpolicy.c: checks 31-35; all are looked at, the first failure gives the reason. */
DS_MUST int ds_check_td(struct ds_judge *j);

/* cache.c */
void ds_platform_put(struct ds_platform *p);
void ds_docs_put(struct ds_docs *d);
/* What was proven about these bytes, or fresh ones about which nothing is known. 0 or -ENOMEM. */
DS_MUST int ds_docs_get(struct ds_attest_cache *cache, struct ds_span root_ca,
			struct ds_span collateral, struct ds_docs **ret);
DS_MUST int ds_platform_get(struct ds_attest_cache *cache, struct ds_docs *docs, struct ds_span pem,
			    struct ds_platform **ret);
/* Keep what has been proven; nothing but speed depends on it. */
void ds_cache_keep(struct ds_attest_cache *cache, struct ds_span root_ca, struct ds_span collateral,
		   struct ds_docs *docs, struct ds_span pem, struct ds_platform *plat);

/* evidence.c. All 64 bytes, in report and blob, constant time. */
DS_MUST int ds_check_report_data(struct ds_verdict *v, const struct ds_attestation *att,
				 const uint8_t expect[64]);
/* The os_image_hash that vm_config claims. */
DS_MUST int ds_read_claimed_image(struct ds_verdict *v, const struct ds_attestation *att,
				  struct ds_identity *id);
/* snpevidence.c: ds_attest_evidence() of SEV-SNP. */
DS_MUST int ds_snp_evidence(const struct ds_attestation *att, const uint8_t expect_report_data[64],
			    struct ds_span collateral_json, const struct ds_verify_opts *opts,
			    struct ds_verdict *ret, struct ds_identity *ret_id);

/* quote.c: everything above, without accepting; v is initialised here. */
DS_MUST int ds_judge_quote(struct ds_span quote, struct ds_span collateral,
			   const struct ds_verify_opts *opts, struct ds_verdict *v);

#endif
