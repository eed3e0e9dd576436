/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA on P-384 with SHA-384, verification only: AMD's keys (spec/dcap 9). Nothing is kept. Any
 * thread.
 */
#ifndef DS_CRYPTO_P384_H
#define DS_CRYPTO_P384_H

#include <ds/base/base.h>

#define DS_P384_SPKI_SIZE 120 /* DER SubjectPublicKeyInfo, named curve, uncompressed point */
#define DS_P384_RS_SIZE	  96

/* Is this a P-384 key in the form above? Whether the point is on the curve is checked in use. */
bool ds_p384_is_spki(struct ds_span spki);
/*
 * r || s, big-endian, over SHA-384(msg). 0: the signature is good. -EKEYREJECTED: it is not, or r
 * or s is not in 1..n-1. -EBADMSG: the key is not a point of P-384.
 */
DS_MUST int ds_p384_verify_raw(struct ds_span spki, struct ds_span msg,
			       const uint8_t rs[DS_P384_RS_SIZE]);

#endif
