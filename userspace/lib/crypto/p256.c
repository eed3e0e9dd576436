// SPDX-License-Identifier: Apache-2.0
/* ECDSA on P-256, see ds/crypto/p256.h. */
#include <ds/crypto/p256.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <pthread.h>

#include <ds/crypto/hash.h>
#include <ds/crypto/ossl.h>
#include <ds/crypto/rand.h>

struct ds_p256 {
	EVP_PKEY *evp;
	uint8_t xy[DS_P256_XY_SIZE];
};

static const uint8_t spki_head[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
	0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
};
_Static_assert(sizeof(spki_head) + DS_P256_XY_SIZE == DS_P256_SPKI_SIZE, "SPKI layout");

struct ds_p256 *ds_p256_free(struct ds_p256 *key)
{
	if (key)
		EVP_PKEY_free(key->evp); /* clears the private part */
	free(key);
	return NULL;
}

struct evp_pkey_st *ds_p256_evp(const struct ds_p256 *key)
{
	return key->evp;
}

/* From an uncompressed point and, for a key pair, its scalar. -EBADMSG: not on the curve. */
static int import_key(const uint8_t point[1 + DS_P256_XY_SIZE], const BIGNUM *scalar,
		      EVP_PKEY **ret)
{
	int selection = scalar ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	int r = -EIO;

	if (!ctx || !bld ||
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1,
					    0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point,
					     1 + DS_P256_XY_SIZE) != 1 ||
	    (scalar && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, scalar) != 1))
		goto out;
	params = OSSL_PARAM_BLD_to_param(bld);
	if (params && EVP_PKEY_fromdata_init(ctx) == 1)
		r = EVP_PKEY_fromdata(ctx, &key, selection, params) == 1 ? 0 : -EBADMSG;
out:
	if (r)
		r = ds_ossl_err(NULL, r, "p256", "import");
	else
		*ret = key;
	if (params && scalar) {
		OSSL_PARAM *priv = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_PRIV_KEY);

		if (priv)
			ds_wipe(priv->data, priv->data_size);
	}
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return r;
}

static EC_GROUP *curve; /* read only: threads share it */
static pthread_once_t curve_once = PTHREAD_ONCE_INIT;

static void make_curve(void)
{
	curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
}

/* scalar * G as 04 X Y; -ERANGE when the scalar is not in 1..n-1. */
static int base_multiply(const BIGNUM *scalar, uint8_t ret_point[1 + DS_P256_XY_SIZE])
{
	EC_GROUP *group = pthread_once(&curve_once, make_curve) ? NULL : curve;
	EC_POINT *point = group ? EC_POINT_new(group) : NULL;
	int r = -EIO;

	if (point && (BN_is_zero(scalar) || BN_cmp(scalar, EC_GROUP_get0_order(group)) >= 0))
		r = -ERANGE;
	else if (point && EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) == 1 &&
		 EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, ret_point,
				    1 + DS_P256_XY_SIZE, NULL) == 1 + DS_P256_XY_SIZE)
		r = 0;
	EC_POINT_free(point);
	return r ? ds_ossl_err(NULL, r, "p256", "public key") : 0;
}

int ds_p256_public(const uint8_t scalar[DS_P256_SCALAR_SIZE], uint8_t ret[DS_P256_XY_SIZE])
{
	BIGNUM *bn = BN_bin2bn(scalar, DS_P256_SCALAR_SIZE, NULL);
	uint8_t point[1 + DS_P256_XY_SIZE];
	int r;

	if (!bn)
		return -ENOMEM;
	BN_set_flags(bn, BN_FLG_CONSTTIME);
	r = base_multiply(bn, point);
	BN_clear_free(bn);
	if (!r)
		memcpy(ret, point + 1, DS_P256_XY_SIZE);
	return r;
}

int ds_p256_from_scalar(const uint8_t scalar[DS_P256_SCALAR_SIZE], struct ds_p256 **ret)
{
	DS_P256 struct ds_p256 *key = calloc(1, sizeof(*key));
	BIGNUM *bn = BN_bin2bn(scalar, DS_P256_SCALAR_SIZE, NULL);
	uint8_t point[1 + DS_P256_XY_SIZE];
	int r = -ENOMEM;

	if (key && bn) {
		BN_set_flags(bn, BN_FLG_CONSTTIME);
		r = base_multiply(bn, point);
		if (!r)
			r = import_key(point, bn, &key->evp);
	}
	BN_clear_free(bn);
	if (r)
		return r;
	memcpy(key->xy, point + 1, sizeof(key->xy));
	*ret = key;
	key = NULL;
	return 0;
}

int ds_p256_generate(struct ds_p256 **ret)
{
	DS_SECRET struct ds_secret *scalar = ds_secret_new(DS_P256_SCALAR_SIZE);
	int r = -ENOMEM;

	/* out of range happens about once in 2^32 draws: four in a row mean a broken source */
	for (int i = 0; scalar && i < 4; i++) {
		DS_TRY(ds_rand(scalar->p, scalar->n));
		r = ds_p256_from_scalar(scalar->p, ret);
		if (r != -ERANGE)
			break;
	}
	return r;
}

int ds_p256_scalar(const struct ds_p256 *key, struct ds_secret **ret)
{
	DS_SECRET struct ds_secret *out = ds_secret_new(DS_P256_SCALAR_SIZE);
	BIGNUM *bn = NULL;
	int ok;

	if (!out)
		return -ENOMEM;
	ok = EVP_PKEY_get_bn_param(key->evp, OSSL_PKEY_PARAM_PRIV_KEY, &bn) == 1 &&
	     BN_bn2binpad(bn, out->p, (int)out->n) == (int)out->n;
	BN_clear_free(bn);
	if (!ok)
		return ds_ossl_err(NULL, -EIO, "p256", "scalar");
	*ret = out;
	out = NULL;
	return 0;
}

int ds_p256_xy(const struct ds_p256 *key, uint8_t ret[DS_P256_XY_SIZE])
{
	memcpy(ret, key->xy, DS_P256_XY_SIZE);
	return 0;
}

void ds_p256_spki_from_xy(const uint8_t xy[DS_P256_XY_SIZE], uint8_t ret[DS_P256_SPKI_SIZE])
{
	memcpy(ret, spki_head, sizeof(spki_head));
	memcpy(ret + sizeof(spki_head), xy, DS_P256_XY_SIZE);
}

int ds_p256_spki(const struct ds_p256 *key, uint8_t ret[DS_P256_SPKI_SIZE])
{
	ds_p256_spki_from_xy(key->xy, ret);
	return 0;
}

int ds_p256_sign(const struct ds_p256 *key, struct ds_span msg, struct ds_buf *ret_der)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[80]; /* at most 72 */
	size_t n = sizeof(sig);
	int ok = ctx &&
		 EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key->evp, NULL) == 1 &&
		 EVP_DigestSign(ctx, sig, &n, msg.n ? msg.p : (const uint8_t *)"", msg.n) == 1;

	EVP_MD_CTX_free(ctx);
	if (!ok)
		return ds_ossl_err(NULL, -EIO, "p256", "sign");
	return ds_buf_add(ret_der, sig, n);
}

int ds_p256_sign_digest(const struct ds_p256 *key, const uint8_t digest[32], struct ds_buf *ret_der)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->evp, NULL);
	uint8_t sig[80]; /* at most 72 */
	size_t n = sizeof(sig);
	int ok = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
		 EVP_PKEY_sign(ctx, sig, &n, digest, 32) == 1;

	EVP_PKEY_CTX_free(ctx);
	if (!ok)
		return ds_ossl_err(NULL, -EIO, "p256", "sign");
	return ds_buf_add(ret_der, sig, n);
}

struct ds_p256_pub {
	EVP_PKEY *evp;
};

static EVP_PKEY *blank_key; /* any public key: the curve and a point to be replaced */
static pthread_once_t blank_once = PTHREAD_ONCE_INIT;

static void make_blank(void)
{
	const BIGNUM *one = BN_value_one();
	uint8_t point[1 + DS_P256_XY_SIZE];

	if (!base_multiply(one, point))
		(void)!import_key(point, NULL, &blank_key);
}

/* OpenSSL sets up the curve anew for each key it imports, which takes longer than to copy one. */
static int import_point(const uint8_t point[1 + DS_P256_XY_SIZE], EVP_PKEY **ret)
{
	EVP_PKEY *key;

	pthread_once(&blank_once, make_blank);
	key = blank_key ? EVP_PKEY_dup(blank_key) : NULL;
	if (!key)
		return ds_ossl_err(NULL, -ENOMEM, "p256", "import");
	if (EVP_PKEY_set1_encoded_public_key(key, point, 1 + DS_P256_XY_SIZE) != 1) {
		EVP_PKEY_free(key);
		return ds_ossl_err(NULL, -EBADMSG, "p256", "import");
	}
	*ret = key;
	return 0;
}

int ds_p256_pub_new(const uint8_t xy[DS_P256_XY_SIZE], struct ds_p256_pub **ret)
{
	uint8_t point[1 + DS_P256_XY_SIZE] = { 0x04 };
	struct ds_p256_pub *key = calloc(1, sizeof(*key));
	int r;

	if (!key)
		return -ENOMEM;
	memcpy(point + 1, xy, DS_P256_XY_SIZE);
	r = import_point(point, &key->evp);
	if (r) {
		free(key);
		return r;
	}
	*ret = key;
	return 0;
}

struct ds_p256_pub *ds_p256_pub_free(struct ds_p256_pub *key)
{
	if (key)
		EVP_PKEY_free(key->evp);
	free(key);
	return NULL;
}

int ds_p256_pub_verify_der(const struct ds_p256_pub *key, struct ds_span msg, struct ds_span sig)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->evp, NULL);
	uint8_t digest[DS_SHA256_SIZE];
	int r = ds_sha256_1(msg, digest);

	if (!r && (!ctx || EVP_PKEY_verify_init(ctx) != 1))
		r = -EIO;
	if (!r && EVP_PKEY_verify(ctx, sig.p, sig.n, digest, sizeof(digest)) != 1)
		r = -EKEYREJECTED;
	EVP_PKEY_CTX_free(ctx);
	return r ? ds_ossl_err(NULL, r, "p256", "verify") : 0;
}

/* One signature, one encoding: what decodes must encode to the same bytes. */
static bool canonical_der(struct ds_span sig)
{
	const uint8_t *p = sig.p;
	uint8_t *again = NULL;
	ECDSA_SIG *parsed;
	bool ok = false;
	int n;

	if (sig.n < 8 || sig.n > 72)
		return false;
	parsed = d2i_ECDSA_SIG(NULL, &p, (long)sig.n);
	if (parsed) {
		n = i2d_ECDSA_SIG(parsed, &again);
		ok = n > 0 && (size_t)n == sig.n && !memcmp(again, sig.p, sig.n);
	}
	OPENSSL_free(again);
	ECDSA_SIG_free(parsed);
	if (!ok)
		(void)ds_ossl_err(NULL, 0, "p256", "signature");
	return ok;
}

int ds_p256_verify(struct ds_span spki, struct ds_span msg, struct ds_span sig_der)
{
	struct ds_p256_pub *key;
	int r;

	if (spki.n != DS_P256_SPKI_SIZE || memcmp(spki.p, spki_head, sizeof(spki_head)) ||
	    !canonical_der(sig_der))
		return -EBADMSG;
	DS_TRY(ds_p256_pub_new(spki.p + sizeof(spki_head), &key));
	r = ds_p256_pub_verify_der(key, msg, sig_der);
	ds_p256_pub_free(key);
	return r;
}

/* INTEGER of 32 bytes: no zeros in front but one before a high bit. */
static uint8_t *put_integer(uint8_t *out, const uint8_t v[32])
{
	size_t skip = 0, pad;

	while (skip < 31 && !v[skip])
		skip++;
	pad = v[skip] >> 7;
	*out++ = 0x02;
	*out++ = (uint8_t)(32 - skip + pad);
	if (pad)
		*out++ = 0;
	return mempcpy(out, v + skip, 32 - skip);
}

int ds_p256_pub_verify_raw(const struct ds_p256_pub *key, struct ds_span msg, const uint8_t rs[64])
{
	uint8_t der[72] = { 0x30 };
	uint8_t *end = put_integer(put_integer(der + 2, rs), rs + 32);

	der[1] = (uint8_t)(end - der - 2);
	return ds_p256_pub_verify_der(key, msg, DS_SPAN(der, (size_t)(end - der)));
}

int ds_p256_verify_raw(const uint8_t xy[DS_P256_XY_SIZE], struct ds_span msg, const uint8_t rs[64])
{
	struct ds_p256_pub *key;
	int r;

	DS_TRY(ds_p256_pub_new(xy, &key));
	r = ds_p256_pub_verify_raw(key, msg, rs);
	ds_p256_pub_free(key);
	return r;
}
