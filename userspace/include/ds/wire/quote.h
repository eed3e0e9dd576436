/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TDX quotes, versions 4 and 5, byte by byte (spec/dcap 1.1-1.6). Pure: bytes in, fields out; no
 * allocation. The spans of struct ds_quote borrow the caller's buffer, so that the bytes verified
 * are the bytes that were parsed.
 */
#ifndef DS_WIRE_QUOTE_H
#define DS_WIRE_QUOTE_H

#include <ds/base/base.h>

#define DS_MR_SIZE	    48
#define DS_REPORT_DATA_SIZE 64
#define DS_QE_REPORT_SIZE   384

/* The TD's half of a quote or TDREPORT (spec/dcap 1.3); byte order as on the wire. */
struct ds_td_body {
	uint8_t tee_tcb_svn[16];
	uint8_t mr_seam[48];
	uint8_t mr_signer_seam[48];
	uint8_t seam_attributes[8];
	uint8_t td_attributes[8];
	uint8_t xfam[8];
	uint8_t mr_td[48];
	uint8_t mr_config_id[48];
	uint8_t mr_owner[48];
	uint8_t mr_owner_config[48];
	uint8_t rt_mr[4][48];
	uint8_t report_data[64];
	/* TD 1.5 and later; zero and has_svn2 false otherwise */
	uint8_t tee_tcb_svn2[16];
	uint8_t mr_service_td[48];
	bool has_svn2;
};

/* Body types of version 5; version 4 counts as TD10. */
enum ds_quote_body { DS_QUOTE_TD10 = 2, DS_QUOTE_TD15 = 3, DS_QUOTE_TD15_EXT = 4 };

/* Certification data types (spec/dcap 1.5). */
enum ds_quote_cert { DS_QUOTE_CERT_PCK_CHAIN = 5, DS_QUOTE_CERT_QE_REPORT = 6 };

struct ds_quote {
	uint16_t version;
	uint8_t user_data[20];
	enum ds_quote_body body_type;
	struct ds_td_body body;
	struct ds_span
		signed_part;	   /* header, descriptor and body: what the attestation key signs */
	struct ds_span signature;  /* 64, r || s */
	struct ds_span attest_key; /* 64, x || y */
	struct ds_span qe_report;  /* 384 */
	struct ds_span qe_report_sig; /* 64, r || s */
	struct ds_span qe_auth;	      /* QE authentication data, may be empty */
	struct ds_span ext;	      /* 237 bytes of body type 4, else empty */
	uint16_t cert_type;	      /* inner certification data: 1-5 or 7 */
	struct ds_span cert_data;
	size_t used; /* bytes of the quote proper; only zeros follow */
};

/* Why a quote did not parse; names and order of spec/dcap 7, rows 1-6. */
enum ds_quote_fault {
	DS_QUOTE_OK = 0,
	DS_QUOTE_F_SIZE,      /* larger than DS_MAX_QUOTE */
	DS_QUOTE_F_TRUNCATED, /* a field lies outside the buffer */
	DS_QUOTE_F_VERSION,
	DS_QUOTE_F_KEY_TYPE,
	DS_QUOTE_F_TEE_TYPE,
	DS_QUOTE_F_VENDOR,
	DS_QUOTE_F_BODY,      /* version 5: type and size disagree, or not a TD */
	DS_QUOTE_F_AUTH_LEN,  /* nested lengths do not fit exactly */
	DS_QUOTE_F_CERT_TYPE, /* outer type not 6, or inner type not 1-5, 7 */
	DS_QUOTE_F_TRAILING,  /* something other than zeros behind the quote */
};

/* 0, or -EBADMSG with err (may be NULL) saying where and what. */
DS_MUST int ds_quote_parse(struct ds_span in, struct ds_quote *ret, struct ds_err *err);
/* The same, and the fault for callers that need a stable reason; ret_fault is always written. */
DS_MUST int ds_quote_parse_fault(struct ds_span in, struct ds_quote *ret,
				 enum ds_quote_fault *ret_fault, struct ds_err *err);

#endif
