// SPDX-License-Identifier: Apache-2.0
/* OpenSSL errors, see ds/crypto/ossl.h. */
#include <ds/crypto/ossl.h>

#include <openssl/err.h>

int ds_ossl_err(struct ds_err *err, int code, const char *domain, const char *what)
{
	unsigned long first = ERR_peek_error(), e;
	const char *why = first ? ERR_reason_error_string(first) : NULL;

	while ((e = ERR_get_error()))
		if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
			code = -ENOMEM;
	if (why)
		return ds_err_set(err, code, domain, 0, "%s: %s", what, why);
	return ds_err_set(err, code, domain, 0, "%s", what);
}
