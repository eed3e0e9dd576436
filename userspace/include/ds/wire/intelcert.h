/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates and revocation lists in exactly the form that Intel's provisioning PKI gives them
 * (spec/dcap 3, RFC 5280): version 3, ECDSA with SHA-256, a P-256 key with named curve and
 * uncompressed point, names of one attribute a step, and the extensions below, each at most once.
 * Pure and allocation-free; DER only, nothing unknown, nothing left over. Whatever strays from the
 * form is -EBADMSG, which does not say that it is bad: OpenSSL reads the rest. No signature is
 * looked at. Spans point into the input.
 */
#ifndef DS_WIRE_INTELCERT_H
#define DS_WIRE_INTELCERT_H

#include <ds/base/base.h>
#include <ds/base/rd.h>

/* The first octet of keyUsage, RFC 5280 4.2.1.3. */
#define DS_ICERT_CERT_SIGN 0x04
#define DS_ICERT_CRL_SIGN  0x02

struct ds_icert {
	struct ds_span tbs, sig; /* what is signed; DER of r and s, as it came */
	struct ds_span serial;	 /* content of a positive INTEGER */
	struct ds_span issuer, subject;
	struct ds_span cn; /* the one common name of the subject, printable ASCII */
	int64_t from, to;  /* both included */
	const uint8_t *xy; /* 64 bytes; whether the point is on the curve is not looked at */
	struct ds_span aki, ski;
	uint8_t usage;	    /* critical, one octet */
	bool ca;	    /* basicConstraints, critical */
	int pathlen;	    /* -1: none */
	struct ds_span sgx; /* value of the SGX extension; n == 0: none */
};

struct ds_icrl {
	struct ds_span tbs, sig;
	struct ds_span issuer;
	int64_t from, to;
	struct ds_span aki;
	struct ds_rd entries;
};

DS_MUST int ds_icert_parse(struct ds_span der, struct ds_icert *ret);
DS_MUST int ds_icrl_parse(struct ds_span der, struct ds_icrl *ret);
/* Is this serial in the list? */
bool ds_icrl_lists(const struct ds_icrl *crl, struct ds_span serial);

#endif
