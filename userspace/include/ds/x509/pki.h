/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test public key infrastructure in the shape of Intel's (spec/dcap.md 3, 4, 10) and the quoting
 * enclave that goes with it. For emulated TDs only: every TDREPORT that is signed here must carry
 * the emulator's MRSEAM, which each verifier of ours reports as "emulated", and no key of this PKI
 * is known to anybody by default.
 *
 * The certificate authority's keys live in struct ds_pki and are never written out; the quoting
 * enclave's two keys leave it as one secret bundle.
 */
#ifndef DS_X509_PKI_H
#define DS_X509_PKI_H

#include <ds/base/base.h>
#include <ds/base/secret.h>

#define DS_TDREPORT_SIZE 1024u
/* Limits on the bundle file: two keys and three certificates in PEM. */
#define DS_EMUL_BUNDLE_MAX (16u << 10)

struct ds_pki_opts {
	uint8_t fmspc[6];
	bool processor;	    /* the PCK comes from the Processor CA instead of the Platform CA */
	int64_t not_before; /* Unix seconds; start of all certificates */
};

struct ds_pki;

DS_MUST int ds_pki_new(const struct ds_pki_opts *opts, struct ds_pki **ret, struct ds_err *err);
struct ds_pki *ds_pki_free(struct ds_pki *pki);

static inline void ds_cleanup_pki(struct ds_pki **pki)
{
	*pki = ds_pki_free(*pki);
}
#define DS_PKI DS_CLEANUP(ds_cleanup_pki)

/*
 * Another machine of the same kind under the same authorities: the PCK is new and has another PPID
 * and instance id. From now on the bundle and revoke_pck are about this one.
 */
DS_MUST int ds_pki_next_platform(struct ds_pki *pki, struct ds_err *err);

/* What one set of collateral says. Status words are letters only; NULL means UpToDate. */
struct ds_pki_docs {
	int64_t issued; /* TCB info, QE identity, CRLs */
	int64_t next_update;
	const char *tcb_status;	   /* of the platform level that the emulator matches */
	const char *module_status; /* of the TDX module level */
	const char *qe_status;	   /* of the quoting enclave's level */
	bool revoke_pck;
	bool revoke_ca;
	bool revoke_signer;
};

/* The root certificate in PEM. Appends. */
DS_MUST int ds_pki_root_pem(const struct ds_pki *pki, struct ds_buf *buf);
/* The JSON file of spec/dcap.md 4.1, one line. Appends. */
DS_MUST int ds_pki_collateral(const struct ds_pki *pki, const struct ds_pki_docs *docs,
			      struct ds_buf *buf, struct ds_err *err);
/* The quoting enclave's secret: PEM text of the PCK key, the attestation key, and the PCK chain. */
DS_MUST int ds_pki_bundle(const struct ds_pki *pki, struct ds_secret **ret);

/* The quoting enclave. */
struct ds_emul_qe;

/* -EBADMSG: not a bundle, or a key that does not belong to its certificate. */
DS_MUST int ds_emul_qe_load(struct ds_span bundle, struct ds_emul_qe **ret, struct ds_err *err);
struct ds_emul_qe *ds_emul_qe_free(struct ds_emul_qe *qe);

static inline void ds_cleanup_emul_qe(struct ds_emul_qe **qe)
{
	*qe = ds_emul_qe_free(*qe);
}
#define DS_EMUL_QE DS_CLEANUP(ds_cleanup_emul_qe)

/*
 * Sign. version is 4, or 5 (body type 3). Refused with -EBADMSG when the report is not a TDREPORT
 * of the emulator or its two hashes do not cover its content; the REPORTMAC is the caller's
 * business (only the emulator knows that key).
 */
DS_MUST int ds_emul_qe_quote(const struct ds_emul_qe *qe, struct ds_span tdreport,
			     unsigned int version, struct ds_buf *ret, struct ds_err *err);

/*
 * A TD as the emulator would report it. td_attributes and xfam are little-endian, as in the report.
 */
struct ds_emul_td {
	uint8_t td_attributes[8];
	uint8_t xfam[8];
	uint8_t mr_td[48];
	uint8_t mr_config_id[48];
	uint8_t mr_owner[48];
	uint8_t mr_owner_config[48];
	uint8_t rt_mr[4][48];
	uint8_t report_data[64];
};

/* SEPT_VE_DISABLE, XFAM 0x602e7, all else zero: the emulator's defaults. */
void ds_emul_td_init(struct ds_emul_td *ret);
/* A TDREPORT with both hashes and a zero REPORTMAC, for host-side tests. */
DS_MUST int ds_emul_tdreport(const struct ds_emul_td *td, uint8_t ret[DS_TDREPORT_SIZE]);

#endif
