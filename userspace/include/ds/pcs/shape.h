/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of a PCS or PCCS (spec/dcap 4.2, 4.3), taken apart without believing or changing a
 * byte of what is signed. Pure.
 */
#ifndef DS_PCS_SHAPE_H
#define DS_PCS_SHAPE_H

#include <ds/base/base.h>

/* Larger answers than any of these services give, by a factor of ten and more. */
#define DS_PCS_MAX_BODY	  (512u << 10)
#define DS_PCS_MAX_HEADER (32u << 10)

/*
 * {"KEY":{...},"signature":"<128 hex digits>"}: the value of KEY as it stands in body (borrowed),
 * and the signature. Other members are passed over; one that is there twice, a key with an escape,
 * text behind the object or nesting deeper than 32 is -EBADMSG.
 */
DS_MUST int ds_pcs_cut(struct ds_span body, const char *key, struct ds_span *ret_doc,
		       uint8_t ret_sig[64], struct ds_err *err);
/* An issuer chain header to PEM: percent-decoding and nothing else, so '+' stays. Text only. */
DS_MUST int ds_pcs_chain_decode(struct ds_span header, struct ds_buf *ret, struct ds_err *err);
/* A CRL as services send it, DER or hex text, to DER. */
DS_MUST int ds_pcs_crl_decode(struct ds_span body, struct ds_buf *ret, struct ds_err *err);
/* issueDate and nextUpdate of a cut document. */
DS_MUST int ds_pcs_dates(struct ds_span doc, int64_t *ret_from, int64_t *ret_to);

#endif
