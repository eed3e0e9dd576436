/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translation of OpenSSL failures, for the layers that call OpenSSL themselves (x509, attest, net).
 * Any thread.
 */
#ifndef DS_CRYPTO_OSSL_H
#define DS_CRYPTO_OSSL_H

#include <ds/base/base.h>

/*
 * Drain the calling thread's OpenSSL error queue and return code, or -ENOMEM when the queue says
 * that memory ran out. err (may be NULL) is filled with "what: reason of the first entry".
 */
int ds_ossl_err(struct ds_err *err, int code, const char *domain, const char *what);

#endif
