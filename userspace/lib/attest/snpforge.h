/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: a whole SEV-SNP world made from fresh keys, with faults on request. Everything is
 * signed after the fault was put in, so that only the check under test can notice it.
 */
#ifndef DS_ATTEST_SNPFORGE_H
#define DS_ATTEST_SNPFORGE_H

#include <ds/base/base.h>
#include <ds/wire/snpreport.h>

#define SNP_TIME INT64_C(1780000000) /* 2026-05-28T20:26:40Z */

/*
 * Each differs from the first in one thing; PSS_SHA256 leaves MGF1 as it is, MGF1 over SHA-1 is not
 * written down. The last two are named after signing: PSS without parameters, MGF1 without a hash.
 */
enum snp_scheme {
	PSS_SHA384,
	PSS_SHA256,
	PSS_SALT_32,
	PSS_MGF_SHA256,
	PSS_MGF_SHA1,
	PKCS1_SHA384,
	PSS_BARE,
	PSS_MGF_BARE
};

struct snp_cert {
	const char *cn, *issuer_cn; /* NULL: the right name */
	bool evil;		    /* signed by somebody else's key */
	enum snp_scheme scheme;
	int64_t from, to; /* 0: good */
	bool no_date;	  /* notAfter is no time at all */
	bool no_from;	  /* nor is notBefore */
	bool flip_ca;	  /* CA where it must not be, or the reverse */
	bool no_key_usage, crl_sign_only, long_path, critical;
	bool bad_point; /* of a VEK: its key is off the curve */
	bool other_key; /* of an intermediate: RSA-1024; of a VEK: P-256 */
};

struct snp_poke {
	size_t at;
	uint8_t value;
	bool set;
};

struct snp_forge {
	enum ds_snp_product product;
	bool vlek;
	struct snp_cert ark, issuer, vek;
	bool issuer_of_other_kind; /* ASVK for a VCEK, or ASK for a VLEK; it signs all the same */
	/* extensions of the VEK; an item is its last arc, 3x for SPL x */
	int drop, twice;
	const char *product_name;
	struct snp_poke spl; /* at: its arc */
	size_t hwid_len;     /* 0: the product's */
	bool hwid_wrapped;
	/* report */
	uint32_t version;	  /* 0: 3 */
	struct snp_poke body[24]; /* before signing */
	struct snp_poke late[2];  /* after signing */
	bool report_evil, report_sha256;
	bool negate_s; /* n - s, which verifies too */
	const uint8_t *report_data, *host_data;
	/* revocation list */
	bool crl, crl_evil, crl_other_issuer, crl_revoked, crl_critical, crl_trailing, crl_pem,
		crl_no_next, crl_no_from;
	bool crl_other_alg_inside; /* a salt of 32 in the signed part alone; signed over that */
	enum snp_scheme crl_scheme;
	int64_t crl_from, crl_to;
	/* what is handed over */
	bool no_vek, no_issuer, no_ark, other_ark, extra_issuer, stranger;
};

struct snp_forged {
	struct ds_buf root_pem, vek, chain, crl, report;
};

void snp_forged_done(struct snp_forged *w);
#define SNP_FORGED DS_CLEANUP(snp_forged_done)
/* Fails the test when it cannot. */
void snp_forge(const struct snp_forge *f, struct snp_forged *ret);

#endif
