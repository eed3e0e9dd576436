/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate request of SignCert (spec/guest-api 6.2, spec/kms 2.6). Pure: the
 * signature over the bytes and the evidence inside are for the caller to check. A decoded struct
 * owns copies.
 */
#ifndef DS_WIRE_CSR_H
#define DS_WIRE_CSR_H

#include <ds/wire/attestation.h>

struct ds_csr {
	struct ds_buf spki; /* DER SubjectPublicKeyInfo */
	char *org;          /* NULL: none */
	char *subject;      /* common name, may be "" */
	char **alt_names;
	size_t n_alt_names;
	bool server_auth, client_auth;
	bool ext_quote, ext_app_info;
	bool has_not_before, has_not_after;
	uint64_t not_before, not_after; /* Unix seconds */
	struct ds_attestation att;
};

#define DS_CSR_NULL ((struct ds_csr){ 0 })

/* Append; subject NULL counts as "". */
DS_MUST int ds_csr_encode(const struct ds_csr *csr, enum ds_attestation_form form,
			  struct ds_buf *buf);
/*
 * The whole of in. Every field has one encoding: with V0 evidence, encoding the result (FULL) gives
 * the same bytes. A version 1 request has no mark of its own (api_version says it) and no evidence
 * where version 2 has it, so it is -EBADMSG here. -EOPNOTSUPP: evidence of another platform.
 */
DS_MUST int ds_csr_decode(struct ds_span in, struct ds_csr *ret, struct ds_err *err);
/*
 * Version 1, of guests before 0.5.6: neither application info nor times, and the evidence is a TDX
 * quote and the JSON of its event log. The report data that att claims is what the quote has.
 */
DS_MUST int ds_csr_decode_v1(struct ds_span in, struct ds_csr *ret, struct ds_err *err);
void ds_csr_done(struct ds_csr *csr);
#define DS_CSR DS_CLEANUP(ds_csr_done)

#endif
