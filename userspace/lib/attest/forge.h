/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: a whole DCAP world made from fresh keys, with faults on request. Everything is signed
 * after the fault was put in, so that only the check under test can notice it.
 */
#ifndef DS_ATTEST_FORGE_H
#define DS_ATTEST_FORGE_H

#include <ds/base/base.h>

#define FORGE_TIME  INT64_C(1780000000) /* 2026-05-28T20:26:40Z */
#define FORGE_FMSPC "30606a000000"

/* Whose key signs in place of the right one: 0 the right one. */
enum forge_key { RIGHT, EVIL };

struct forge_cert {
	const char *cn;	       /* NULL: the right name */
	const char *issuer_cn; /* NULL: the issuer's name */
	enum forge_key signer;
	int64_t from, to;	      /* 0: good */
	bool flip_ca;		      /* CA where it must not be, or the reverse */
	bool no_key_usage, long_path; /* of a CA */
	const char *usage;	      /* key usage; NULL: the right one */
	bool two_sgx;		      /* of the PCK: its SGX extension twice */
	bool critical;		      /* an unknown critical extension */
	bool odd;		      /* an unknown one that is not, which is fine */
	bool two_names;		      /* a second CN in front of the right one */
	bool p384;		      /* key on another curve */
	bool sha384;		      /* signed over another hash */
	bool bad_from, bad_to;	      /* what is no time */
	bool bad_key, hybrid_key;     /* a point off the curve, or in another form */
	bool other_aki;		      /* names another issuer's key */
	bool no_room;		      /* of the root: path length 0 */
	bool sgx;		      /* of others than the PCK: an SGX extension */
};

struct forge_crl {
	const char *issuer_cn;
	enum forge_key signer;
	int64_t from, to;
	bool revoke_first, revoke_second; /* root CRL: CA, signer; PCK CRL: PCK */
	bool sha384, bad_from, no_next;
	bool revoke_issuer, other_aki;
	bool no_number, two_numbers, critical, trailing, empty;
	bool delta;	   /* in an extension that is not critical */
	const char *scope; /* so the issuing distribution point */
};

/* Replace text in a signed document, before or after it is signed. */
struct forge_edit {
	const char *find, *put;
};

struct forge_poke {
	size_t at;
	uint8_t value;
	bool set;
};

struct forge {
	bool v5;
	uint16_t v5_type; /* 0: 3 with v5; 2 to 4 */
	bool processor;
	struct forge_cert root, ca, pck, signer;
	bool same_root; /* byte for byte the root of the world before */
	bool no_ext, short_fmspc, ext_of_other_ca;
	struct forge_crl root_crl, pck_crl;
	struct forge_edit tcb[4], qe[4];     /* before signing */
	struct forge_edit tcb_late, qe_late; /* after signing */
	enum forge_key tcb_signer, qe_signer;
	bool signer_chain_short, signer_chain_is_ca, signer_other_root;
	bool chain_short, chain_four, chain_other_root;
	struct forge_poke body[4];	/* TD report, before signing */
	struct forge_poke qe_report[3]; /* QE report, before signing */
	struct forge_poke late;		/* the finished quote */
	enum forge_key quote_signer, report_signer;
	bool foreign_key;	      /* attestation key that the QE report does not name */
	uint16_t cert_type;	      /* 0: 5 */
	bool bad_point;		      /* attestation key off the curve, and bound */
	bool unbound_auth;	      /* QE report data without the authentication data */
	const char *drop;	      /* leave this key out of the collateral */
	struct forge_edit collateral; /* in the finished file */
	const uint8_t *rt_mr3, *report_data, *mr_seam;
};

struct forged {
	struct ds_buf root_pem, quote, collateral;
};

void forged_done(struct forged *w);
#define FORGED DS_CLEANUP(forged_done)
/* Fails the test when it cannot. */
void forge(const struct forge *f, struct forged *ret);

#endif
