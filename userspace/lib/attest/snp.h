/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the verifier of SEV-SNP reports: one struct ds_snp_judge per verification, handed from
 * check to check in the order of spec/dcap 9.3. Every check returns 0, DS_ATTEST_REFUSED after
 * recording why, or a negative errno.
 */
#ifndef DS_ATTEST_SNP_H
#define DS_ATTEST_SNP_H

#include "priv.h"

struct ds_snp_judge {
	const struct ds_tcb_policy *policy;
	struct ds_verdict *v;
	struct ds_buf root_der; /* the caller's root; n == 0: pinned by hash */
	struct ds_snp_report report;
	struct ds_acert vek, ask, asvk, ark; /* by name, as they were found */
	bool vlek;			     /* what vek is, by its name */
	struct ds_acert *issuer;	     /* ask or asvk: the one for vek */
	enum ds_snp_product product;	     /* of the ARK */
	X509_CRL *crl;
	struct ds_amd_ext ext;
};

/* Certificates, and whether they are only for places that are still empty. */
struct ds_snp_certs {
	struct ds_span in;
	const char *what;
	bool fill;
};

/* snpchain.c: rows 3 to 6. Certificates to their places; may be called again. */
DS_MUST int ds_snp_certs_add(struct ds_snp_judge *j, const struct ds_snp_certs *certs);
DS_MUST int ds_snp_check_chain(struct ds_snp_judge *j);
DS_MUST int ds_snp_check_crl(struct ds_snp_judge *j, struct ds_span crl);

/* snppolicy.c: rows 12 to 14 and what else a policy names; all are looked at. */
DS_MUST int ds_snp_check_policy(struct ds_snp_judge *j);

/* snp.c: everything above, without accepting; v is initialised here. */
DS_MUST int ds_judge_snp(struct ds_span report, const struct ds_snp_certs *certs, size_t n_certs,
			 struct ds_span crl, const struct ds_verify_opts *opts,
			 struct ds_verdict *v);

#endif
