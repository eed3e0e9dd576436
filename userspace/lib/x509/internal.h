/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside lib/x509: cleanup of OpenSSL objects and the names of our extensions. */
#ifndef DS_X509_INTERNAL_H
#define DS_X509_INTERNAL_H

#include <ds/base/base.h>
#include <openssl/x509.h>

/* spec/guest-api 6.3, spec/kms 1.5 */
#define DS_OID_QUOTE	   "1.3.6.1.4.1.62397.1.1"
#define DS_OID_EVENT_LOG   "1.3.6.1.4.1.62397.1.2"
#define DS_OID_APP_ID	   "1.3.6.1.4.1.62397.1.3"
#define DS_OID_USAGE	   "1.3.6.1.4.1.62397.1.4"
#define DS_OID_ATTESTATION "1.3.6.1.4.1.62397.1.8"
#define DS_OID_APP_INFO	   "1.3.6.1.4.1.62397.1.9"

#define DS_MAX_CHAIN 8u /* certificates */

static inline void ds_cleanup_x509(X509 **x)
{
	X509_free(*x);
}
#define DS_X509 DS_CLEANUP(ds_cleanup_x509)

/* Exactly one DER certificate. */
DS_MUST int ds_x509_from_der(struct ds_span der, X509 **ret, struct ds_err *err);
DS_MUST int ds_x509_to_der(X509 *x, struct ds_buf *buf);

#endif
