// SPDX-License-Identifier: Apache-2.0
/* ECDSA on P-384, see ds/crypto/p384.h. */
#include <ds/crypto/p384.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <ds/crypto/ossl.h>

#define HALF (DS_P384_RS_SIZE / 2)

static const uint8_t spki_head[] = {
	0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04,
};
_Static_assert(sizeof(spki_head) + 96 == DS_P384_SPKI_SIZE, "SPKI layout");

bool ds_p384_is_spki(struct ds_span spki)
{
	return spki.n == DS_P384_SPKI_SIZE && !memcmp(spki.p, spki_head, sizeof(spki_head));
}

/* DER of r || s; negative errno. */
static int to_der(const uint8_t rs[DS_P384_RS_SIZE], uint8_t **ret)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(rs, HALF, NULL), *s = BN_bin2bn(rs + HALF, HALF, NULL);
	int n = -ENOMEM;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = NULL;
		s = NULL;
		n = i2d_ECDSA_SIG(sig, ret);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return n > 0 ? n : ds_ossl_err(NULL, -ENOMEM, "p384", "signature");
}

int ds_p384_verify_raw(struct ds_span spki, struct ds_span msg, const uint8_t rs[DS_P384_RS_SIZE])
{
	const unsigned char *p = spki.p;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *key = NULL;
	uint8_t *der = NULL;
	int n = to_der(rs, &der), r = -EIO;

	if (ds_p384_is_spki(spki))
		key = d2i_PUBKEY(NULL, &p, (long)spki.n);
	if (n < 0)
		r = n;
	else if (!key)
		r = -EBADMSG;
	else if (ctx && EVP_DigestVerifyInit_ex(ctx, NULL, "SHA384", NULL, NULL, key, NULL) == 1)
		r = EVP_DigestVerify(ctx, der, (size_t)n, msg.p, msg.n) == 1 ? 0 : -EKEYREJECTED;
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	EVP_MD_CTX_free(ctx);
	return r ? ds_ossl_err(NULL, r, "p384", "verify") : 0;
}
