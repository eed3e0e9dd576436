// SPDX-License-Identifier: Apache-2.0
/* Private key formats of P-256 keys, see ds/crypto/p256.h. */
#include <ds/crypto/p256.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#include <ds/crypto/ossl.h>
#include <ds/crypto/pem.h>

#define MAX_KEY_DER 1024u

static const uint8_t pkcs8_head[] = {
	0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
	0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20,
};
static const uint8_t pkcs8_mid[] = { 0xa1, 0x44, 0x03, 0x42, 0x00, 0x04 };
_Static_assert(sizeof(pkcs8_head) + DS_P256_SCALAR_SIZE + sizeof(pkcs8_mid) + DS_P256_XY_SIZE ==
		       DS_P256_PKCS8_SIZE,
	       "PKCS#8 layout of spec/guest-api 4.3");

int ds_p256_scalar_pkcs8(const uint8_t scalar[DS_P256_SCALAR_SIZE], uint8_t out[DS_P256_PKCS8_SIZE])
{
	uint8_t xy[DS_P256_XY_SIZE];

	DS_TRY(ds_p256_public(scalar, xy));
	out = mempcpy(out, pkcs8_head, sizeof(pkcs8_head));
	out = mempcpy(out, scalar, DS_P256_SCALAR_SIZE);
	out = mempcpy(out, pkcs8_mid, sizeof(pkcs8_mid));
	memcpy(out, xy, sizeof(xy));
	return 0;
}

int ds_p256_pkcs8(const struct ds_p256 *key, uint8_t out[DS_P256_PKCS8_SIZE])
{
	DS_SECRET struct ds_secret *scalar = NULL;

	DS_TRY(ds_p256_scalar(key, &scalar));
	return ds_p256_scalar_pkcs8(scalar->p, out);
}

int ds_p256_pkcs8_pem(const struct ds_p256 *key, struct ds_secret **ret)
{
	size_t n = ds_pem_size("PRIVATE KEY", DS_P256_PKCS8_SIZE);
	DS_SECRET struct ds_secret *der = ds_secret_new(DS_P256_PKCS8_SIZE);
	DS_SECRET struct ds_secret *pem = ds_secret_new(n);

	if (!der || !pem)
		return -ENOMEM;
	DS_TRY(ds_p256_pkcs8(key, der->p));
	ds_pem_encode("PRIVATE KEY", der->p, der->n, pem->p);
	*ret = pem;
	pem = NULL;
	return 0;
}

/* evp must be a key pair of P-256 whose public half belongs to its private half. */
static int adopt(EVP_PKEY *evp, struct ds_p256 **ret, struct ds_err *err)
{
	DS_SECRET struct ds_secret *scalar = ds_secret_new(DS_P256_SCALAR_SIZE);
	DS_P256 struct ds_p256 *key = NULL;
	char group[64] = "";
	BIGNUM *bn = NULL;
	int r = -EIO;

	if (!scalar)
		return -ENOMEM;
	if (!EVP_PKEY_is_a(evp, "EC") ||
	    EVP_PKEY_get_group_name(evp, group, sizeof(group), NULL) != 1 ||
	    strcmp(group, SN_X9_62_prime256v1))
		return ds_ossl_err(err, -EBADMSG, "key", "private key: expected curve P-256");
	if (EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_PRIV_KEY, &bn) == 1 &&
	    BN_bn2binpad(bn, scalar->p, (int)scalar->n) == (int)scalar->n)
		r = ds_p256_from_scalar(scalar->p, &key);
	BN_clear_free(bn);
	if (r)
		return ds_ossl_err(err, -EBADMSG, "key", "private key: bad scalar");
	if (EVP_PKEY_eq(evp, ds_p256_evp(key)) != 1)
		return ds_ossl_err(err, -EBADMSG, "key", "private key: public half differs");
	*ret = key;
	key = NULL;
	return 0;
}

/* The body of the one block that pem holds, decoded. */
static int read_block(struct ds_span pem, struct ds_secret *der, size_t *ret_n, struct ds_err *err)
{
	struct ds_rd rd = ds_rd_init(pem);
	struct ds_span label, body;

	if (ds_pem_next(&rd, &label, &body))
		return ds_err_set(err, -EBADMSG, "key", 0, "private key: not PEM");
	if (!ds_span_eq(label, DS_SPAN_LIT("PRIVATE KEY")) &&
	    !ds_span_eq(label, DS_SPAN_LIT("EC PRIVATE KEY")))
		return ds_err_set(err, -EBADMSG, "key", 0,
				  "expected PEM block PRIVATE KEY or EC PRIVATE KEY");
	if (ds_pem_decode(body, der->p, der->n, ret_n))
		return ds_err_set(err, -EBADMSG, "key", 0, "private key: bad base64");
	if (ds_pem_next(&rd, &label, &body) != DS_PEM_E_END)
		return ds_err_set(err, -EBADMSG, "key", ds_rd_pos(&rd),
				  "private key: something follows the PEM block");
	return 0;
}

int ds_p256_from_pem(struct ds_span pem, struct ds_p256 **ret, struct ds_err *err)
{
	DS_SECRET struct ds_secret *der = ds_secret_new(MAX_KEY_DER);
	const unsigned char *p;
	EVP_PKEY *evp;
	size_t n;
	int r;

	if (!der)
		return -ENOMEM;
	DS_TRY(read_block(pem, der, &n, err));
	p = der->p;
	evp = d2i_AutoPrivateKey(NULL, &p, (long)n);
	if (!evp)
		return ds_ossl_err(err, -EBADMSG, "key", "private key");
	if (p != der->p + n)
		r = ds_err_set(err, -EBADMSG, "key", 0, "private key: bytes after the structure");
	else
		r = adopt(evp, ret, err);
	EVP_PKEY_free(evp);
	return r;
}
