// SPDX-License-Identifier: Apache-2.0
/* Roots on disk and on their way, see seal.h. */
#include "seal.h"

#include <ds/crypto/aead.h>
#include <ds/crypto/kdf.h>
#include <ds/crypto/rand.h>
#include <ds/crypto/x25519.h>

#define DOM	     "seal"
#define MAGIC	     8u
#define RECORD_HEAD  (MAGIC + 4 + 4 + DS_AEAD_NONCE_SIZE)
#define MESSAGE_HEAD (MAGIC + 4 + 32)

static const char record_magic[] = "dskroots", message_magic[] = "dskrepl1";

_Static_assert(RECORD_HEAD + KMS_MATERIAL_SIZE + DS_AEAD_TAG_SIZE == KMS_RECORD_SIZE, "record");
_Static_assert(MESSAGE_HEAD + KMS_MATERIAL_SIZE + DS_AEAD_TAG_SIZE == KMS_MESSAGE_SIZE, "message");

static void put_head(uint8_t *p, const char *magic)
{
	memcpy(p, magic, MAGIC);
	for (unsigned i = 0; i < 4; i++)
		p[MAGIC + i] = (uint8_t)(KMS_EPOCH >> 8 * i);
}

static int check_head(struct ds_span in, const char *magic, size_t size, struct ds_err *err)
{
	uint32_t epoch = 0;

	if (in.n != size || memcmp(in.p, magic, MAGIC))
		return ds_err_set(err, -EBADMSG, DOM, 0,
				  "sealed roots: expected %zu bytes that begin with %s, got %zu bytes",
				  size, magic, in.n);
	for (unsigned i = 0; i < 4; i++)
		epoch |= (uint32_t)in.p[MAGIC + i] << 8 * i;
	if (epoch != KMS_EPOCH)
		return ds_err_set(err, -EOPNOTSUPP, DOM, MAGIC,
				  "sealed roots: expected key epoch %u, got %u", KMS_EPOCH, epoch);
	return 0;
}

/* The ciphertext behind head under key, which is secret. */
static int open_body(const uint8_t *key, const uint8_t *nonce, struct ds_span in, size_t head,
		     struct ds_secret **ret, struct ds_err *err)
{
	DS_SECRET struct ds_secret *m = ds_secret_new(KMS_MATERIAL_SIZE);
	int r;

	if (!m)
		return -ENOMEM;
	r = ds_aead_open(key, nonce, DS_SPAN(in.p, head), DS_SPAN(in.p + head, in.n - head), m->p);
	if (r == -EKEYREJECTED)
		return ds_err_set(err, r, DOM, head,
				  "sealed roots: sealed for somebody else, or changed");
	if (r)
		return r;
	*ret = m;
	m = NULL;
	return 0;
}

/* Never the key itself: what else is derived from it stays apart. */
static int record_key(const struct ds_secret *key, struct ds_secret **ret)
{
	static const struct ds_span label = DS_SPAN_LIT("dstack-kms-roots-record");
	DS_SECRET struct ds_secret *k = ds_secret_new(DS_AEAD_KEY_SIZE);

	if (!k)
		return -ENOMEM;
	if (key->n != 32)
		return -EINVAL;
	DS_TRY(ds_kdf_ratls(DS_SPAN(key->p, key->n), &label, 1, k->p, k->n));
	*ret = k;
	k = NULL;
	return 0;
}

int kms_seal_domain(const struct ds_secret *key, struct ds_span domain, struct ds_secret **ret)
{
	const struct ds_span ctx[] = { DS_SPAN_LIT("dstack-kms-roots-domain"), domain };
	DS_SECRET struct ds_secret *k = ds_secret_new(key->n);

	if (!k)
		return -ENOMEM;
	DS_TRY(ds_kdf_ratls(DS_SPAN(key->p, key->n), ctx, DS_ARRAY_SIZE(ctx), k->p, k->n));
	*ret = k;
	k = NULL;
	return 0;
}

int kms_seal_record(const struct ds_secret *key, const struct ds_secret *material,
		    uint8_t ret[KMS_RECORD_SIZE])
{
	DS_SECRET struct ds_secret *k = NULL;
	uint8_t *nonce = ret + RECORD_HEAD - DS_AEAD_NONCE_SIZE;

	if (material->n != KMS_MATERIAL_SIZE)
		return -EINVAL;
	DS_TRY(record_key(key, &k));
	memset(ret, 0, RECORD_HEAD);
	put_head(ret, record_magic);
	DS_TRY(ds_rand(nonce, DS_AEAD_NONCE_SIZE));
	return ds_aead_seal(k->p, nonce, DS_SPAN(ret, RECORD_HEAD),
			    DS_SPAN(material->p, material->n), ret + RECORD_HEAD);
}

int kms_open_record(const struct ds_secret *key, struct ds_span record,
		    struct ds_secret **ret_material, struct ds_err *err)
{
	DS_SECRET struct ds_secret *k = NULL;

	DS_TRY(check_head(record, record_magic, KMS_RECORD_SIZE, err));
	DS_TRY(record_key(key, &k));
	return open_body(k->p, record.p + RECORD_HEAD - DS_AEAD_NONCE_SIZE, record, RECORD_HEAD,
			 ret_material, err);
}

/* Both public keys enter: a message fits one recipient and one sender's key. */
static int message_key(const uint8_t sk[32], const uint8_t peer[32], const uint8_t sender[32],
		       const uint8_t recipient[32], struct ds_secret **ret)
{
	const struct ds_span ctx[] = { DS_SPAN_LIT("dstack-kms-replication"), DS_SPAN(sender, 32),
				       DS_SPAN(recipient, 32) };
	DS_SECRET struct ds_secret *shared = ds_secret_new(32);
	DS_SECRET struct ds_secret *k = ds_secret_new(DS_AEAD_KEY_SIZE);

	if (!shared || !k)
		return -ENOMEM;
	DS_TRY(ds_x25519(sk, peer, shared->p));
	DS_TRY(ds_kdf_ratls(DS_SPAN(shared->p, 32), ctx, DS_ARRAY_SIZE(ctx), k->p, k->n));
	*ret = k;
	k = NULL;
	return 0;
}

/* The key is used once, so its nonce may be zero. */
static const uint8_t once[DS_AEAD_NONCE_SIZE];

int kms_seal_message(const uint8_t recipient[32], const struct ds_secret *material,
		     uint8_t ret[KMS_MESSAGE_SIZE])
{
	DS_SECRET struct ds_secret *sk = NULL, *k = NULL;
	uint8_t *sender = ret + MAGIC + 4;

	if (material->n != KMS_MATERIAL_SIZE)
		return -EINVAL;
	put_head(ret, message_magic);
	DS_TRY(ds_x25519_keygen(&sk, sender));
	DS_TRY(message_key(sk->p, recipient, sender, recipient, &k));
	return ds_aead_seal(k->p, once, DS_SPAN(ret, MESSAGE_HEAD),
			    DS_SPAN(material->p, material->n), ret + MESSAGE_HEAD);
}

int kms_open_message(const struct ds_secret *sk, struct ds_span message,
		     struct ds_secret **ret_material, struct ds_err *err)
{
	DS_SECRET struct ds_secret *k = NULL;
	uint8_t own[32];

	DS_TRY(check_head(message, message_magic, KMS_MESSAGE_SIZE, err));
	DS_TRY(ds_x25519_pub(sk->p, own));
	if (message_key(sk->p, message.p + MAGIC + 4, message.p + MAGIC + 4, own, &k))
		return ds_err_set(err, -EBADMSG, DOM, MAGIC + 4,
				  "sealed roots: the sender's key is none");
	return open_body(k->p, once, message, MESSAGE_HEAD, ret_material, err);
}
