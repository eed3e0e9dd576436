/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why evidence was refused: the stable names of spec/dcap 7, used by the API, the command line, metrics and tests
 * alike. Names are never changed, only added; docs/verify.md lists them.
 */
#ifndef DS_ATTEST_REASON_H
#define DS_ATTEST_REASON_H

/* clang-format off */
#define DS_REASONS(X) \
	X(NONE, "") \
	X(INTERNAL, "internal") \
	/* the quote's bytes */ \
	X(PARSE_SIZE, "parse-size") \
	X(PARSE_TRUNCATED, "parse-truncated") \
	X(PARSE_VERSION, "parse-version") \
	X(PARSE_KEY_TYPE, "parse-key-type") \
	X(PARSE_TEE_TYPE, "parse-tee-type") \
	X(QE_VENDOR, "qe-vendor") \
	X(PARSE_BODY, "parse-body") \
	X(PARSE_AUTH_LENGTH, "parse-auth-length") \
	X(PARSE_CERT_TYPE, "parse-cert-type") \
	X(PARSE_TRAILING, "parse-trailing") \
	X(CERT_DATA_UNSUPPORTED, "cert-data-unsupported") \
	/* certificates */ \
	X(PCK_CHAIN_FORMAT, "pck-chain-format") \
	X(ROOT_UNTRUSTED, "root-untrusted") \
	X(PCK_NAME, "pck-name") \
	X(PCK_CHAIN_ORDER, "pck-chain-order") \
	X(PCK_CHAIN_CA, "pck-chain-ca") \
	X(PCK_CHAIN_SIGNATURE, "pck-chain-signature") \
	X(PCK_CHAIN_PROFILE, "pck-chain-profile") \
	X(CERT_EXPIRED, "cert-expired") \
	X(CERT_NOT_YET_VALID, "cert-not-yet-valid") \
	/* collateral */ \
	X(COLLATERAL_MISSING, "collateral-missing") \
	X(COLLATERAL_FORMAT, "collateral-format") \
	X(CRL_FORMAT, "crl-format") \
	X(CRL_ISSUER, "crl-issuer") \
	X(CRL_SIGNATURE, "crl-signature") \
	X(CRL_EXPIRED, "crl-expired") \
	X(CRL_NOT_YET_VALID, "crl-not-yet-valid") \
	X(PCK_CA_REVOKED, "pck-ca-revoked") \
	X(PCK_REVOKED, "pck-revoked") \
	X(PCK_EXT, "pck-ext") \
	X(TCB_SIGNER_CHAIN, "tcb-signer-chain") \
	X(TCB_SIGNER_NAME, "tcb-signer-name") \
	X(TCB_SIGNER_REVOKED, "tcb-signer-revoked") \
	X(TCBINFO_SIGNATURE, "tcbinfo-signature") \
	X(TCBINFO_FORMAT, "tcbinfo-format") \
	X(TCBINFO_KIND, "tcbinfo-kind") \
	X(TCBINFO_EXPIRED, "tcbinfo-expired") \
	X(TCBINFO_NOT_YET_VALID, "tcbinfo-not-yet-valid") \
	X(QEID_SIGNATURE, "qeid-signature") \
	X(QEID_FORMAT, "qeid-format") \
	X(QEID_KIND, "qeid-kind") \
	X(QEID_EXPIRED, "qeid-expired") \
	X(QEID_NOT_YET_VALID, "qeid-not-yet-valid") \
	X(FMSPC_MISMATCH, "fmspc-mismatch") \
	X(PCEID_MISMATCH, "pceid-mismatch") \
	/* quoting enclave and quote */ \
	X(QE_REPORT_SIGNATURE, "qe-report-signature") \
	X(QE_AUTH_BINDING, "qe-auth-binding") \
	X(QE_MISCSELECT, "qe-miscselect") \
	X(QE_DEBUG, "qe-debug") \
	X(QE_ATTRIBUTES, "qe-attributes") \
	X(QE_MRSIGNER, "qe-mrsigner") \
	X(QE_ISVPRODID, "qe-isvprodid") \
	X(QE_TCB_NO_LEVEL, "qe-tcb-no-level") \
	X(QUOTE_SIGNATURE, "quote-signature") \
	/* TDX module and platform */ \
	X(TDX_MODULE_UNKNOWN, "tdx-module-unknown") \
	X(SEAM_SIGNER, "seam-signer") \
	X(SEAM_ATTRIBUTES, "seam-attributes") \
	X(TDX_MODULE_NO_LEVEL, "tdx-module-no-level") \
	X(TCB_NO_LEVEL, "tcb-no-level") \
	/* policy */ \
	X(TD_DEBUG, "td-debug") \
	X(TD_MIGRATABLE, "td-migratable") \
	X(TD_ATTRIBUTES_RESERVED, "td-attributes-reserved") \
	X(TD_SEPT_VE, "td-sept-ve") \
	X(TD_SERVICE_TD, "td-service-td") \
	X(TCB_STATUS, "tcb-status") \
	X(TCB_EVALUATION, "tcb-evaluation") \
	X(CRL_TOO_OLD, "crl-too-old") \
	X(TCB_SVN, "tcb-svn") \
	X(ADVISORY, "advisory") \
	X(PLATFORM_DENIED, "platform-denied") \
	/* evidence around the quote */ \
	X(EVIDENCE_MISSING, "evidence-missing") \
	X(EVIDENCE_FORMAT, "evidence-format") \
	X(BUNDLE_FORMAT, "bundle-format") \
	X(REPORT_DATA, "report-data") \
	X(EVENT_LOG_FORMAT, "event-log-format") \
	X(EVENT_NAME, "event-name") \
	X(EVENT_PREIMAGE, "event-preimage") \
	X(EVENT_FOREIGN, "event-foreign") \
	X(EVENT_DUPLICATE, "event-duplicate") \
	X(EVENT_MISSING, "event-missing") \
	X(RTMR_REPLAY, "rtmr-replay") \
	X(COMPOSE_HASH, "compose-hash") \
	X(MEASUREMENT, "measurement") \
	X(CERT_FORMAT, "cert-format") \
	X(CERT_CHAIN, "cert-chain") \
	X(CERT_USAGE, "cert-usage") \
	X(CERT_IDENTITY, "cert-identity") \
	/* signature chains of keys */ \
	X(KEY_FORMAT, "key-format") \
	X(KEY_CHAIN, "key-chain") \
	X(KEY_ROOT, "key-root") \
	X(KEY_SIGNATURE, "key-signature") \
	X(KEY_STALE, "key-stale") \
	/* SEV-SNP (spec/dcap 9.3) */ \
	X(SNP_LENGTH, "snp-length") \
	X(SNP_VERSION, "snp-version") \
	X(SNP_SIG_ALGO, "snp-sig-algo") \
	X(SNP_SIGNING_KEY, "snp-signing-key") \
	X(SNP_RESERVED, "snp-reserved") \
	X(SNP_ROOT_UNTRUSTED, "snp-root-untrusted") \
	X(SNP_CHAIN, "snp-chain") \
	X(SNP_CERT_EXPIRED, "snp-cert-expired") \
	X(SNP_CERT_NOT_YET_VALID, "snp-cert-not-yet-valid") \
	X(SNP_CRL, "snp-crl") \
	X(SNP_REVOKED, "snp-revoked") \
	X(SNP_KEY_TYPE, "snp-key-type") \
	X(SNP_SIGNATURE, "snp-signature") \
	X(SNP_EXT, "snp-ext") \
	X(SNP_PRODUCT, "snp-product") \
	X(SNP_TCB_MISMATCH, "snp-tcb-mismatch") \
	X(SNP_CHIP_ID, "snp-chip-id") \
	X(SNP_POLICY, "snp-policy") \
	X(SNP_DEBUG, "snp-debug") \
	X(SNP_MIGRATE, "snp-migrate") \
	X(SNP_VMPL, "snp-vmpl") \
	X(SNP_TCB_STATUS, "snp-tcb-status") \
	X(SNP_HOST_DATA, "snp-host-data")
/* clang-format on */

enum ds_reason {
#define DS_REASON_ENUM(id, name) DS_REASON_##id,
	DS_REASONS(DS_REASON_ENUM)
#undef DS_REASON_ENUM
		DS_REASON_COUNT
};

/* "" for DS_REASON_NONE. */
const char *ds_reason_name(enum ds_reason reason);
/* 0, or -ENOENT for a word that is no reason. */
int ds_reason_parse(const char *name, enum ds_reason *ret) __attribute__((warn_unused_result));

/* For people who have to act on a refusal: short texts, plain ASCII. */
struct ds_reason_text {
	const char *expected; /* what the check asks for */
	const char *meaning;  /* of its failure */
	const char *cause;    /* the usual one */
	const char *action;   /* what to do */
};

/* NULL for DS_REASON_NONE; every other reason has a text (userspace/lib/attest/reason_*.h). */
const struct ds_reason_text *ds_reason_explain(enum ds_reason reason);

#endif
