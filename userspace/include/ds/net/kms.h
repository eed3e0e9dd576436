/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest says to its KMS and how it judges the replies (spec/kms 1.8, 2.1, 2.6). Trust comes
 * from one thing: the root CA's public key, pinned in the measured compose file. Only ds_kms_ask()
 * opens a connection, for pid 1, which waits; the agent makes its calls on its loop.
 */
#ifndef DS_NET_KMS_H
#define DS_NET_KMS_H

#include <ds/base/base.h>
#include <ds/base/secret.h>
#include <ds/crypto/p256.h>
#include <ds/net/client.h>
#include <ds/wire/attestation.h>
#include <ds/wire/csr.h>

/* BASE/prpc/METHOD?json into ret, NUL-terminated. */
DS_MUST int ds_kms_url(const char *base, const char *method, struct ds_buf *ret);
/* The text of a {"error": "..."} reply, escaped and cut, or the status; returns out. */
char *ds_kms_error(int status, struct ds_span body, char *out, size_t cap);

/*
 * Ask again? A KMS with more callers than places closes connections that have no reply yet, so
 * -ECONNRESET and -EPIPE of call number tried (1: the first) are worth another one, up to ten, and
 * -ETIMEDOUT up to three: milliseconds to wait before it, random, because those who came together
 * must not come back together. 0: no; any other result is an answer, and all waiting together is
 * some 40 s.
 */
unsigned ds_kms_again(int r, unsigned tried);
/* Called before each wait; may be NULL. */
typedef void (*ds_kms_wait_fn)(void *arg, unsigned ms);
/*
 * One POST to base, waiting, as often as ds_kms_again() says. A status other than 200 is -EPERM with
 * the words of the KMS. err is required and that of the last call.
 */
DS_MUST int ds_kms_ask(const struct ds_client_cfg *cfg, const char *base, const char *method,
		       struct ds_span body, ds_kms_wait_fn waits, void *arg, struct ds_buf *ret,
		       struct ds_err *err);

/* Reply of GetTempCaCert. */
struct ds_kms_temp_ca {
	struct ds_buf cert_der;
	struct ds_p256 *key; /* public by design: everybody may ask for it */
	struct ds_buf root_pem;
	struct ds_buf root_spki;
};
#define DS_KMS_TEMP_CA_NULL ((struct ds_kms_temp_ca){ .key = NULL })
void ds_kms_temp_ca_done(struct ds_kms_temp_ca *ca);
#define DS_KMS_TEMP_CA DS_CLEANUP(ds_kms_temp_ca_done)

/*
 * pin: DER SubjectPublicKeyInfo that the KMS's root CA must have. -EPERM when it has another one,
 * -EBADMSG when the reply is malformed or key and certificate of the temporary CA do not belong
 * together.
 */
DS_MUST int ds_kms_temp_ca_parse(struct ds_span body, struct ds_span pin,
				 struct ds_kms_temp_ca *ret, struct ds_err *err);
/*
 * Server check of the very first call, whose reply is judged by the pin afterwards: any key will
 * do, because nothing secret is sent and nothing is believed yet.
 */
int ds_kms_check_any(void *arg, struct ds_span leaf, const struct ds_span *chain, size_t n_chain,
		     struct ds_err *err);
/* Server check of every other call, after the chain to the pinned root: the certificate is made for
 * kms:rpc. */
int ds_kms_check_rpc(void *arg, struct ds_span leaf, const struct ds_span *chain, size_t n_chain,
		     struct ds_err *err);

/*
 * What an app asks of its KMS beside the pin: evidence in the server certificate, for its key, of a
 * machine with one of these values. Spans are borrowed; collateral is anybody's word, believed as far
 * as its signatures go.
 */
struct ds_kms_wanted {
	const uint8_t (*mr_aggregated)[32]; /* as contracts know it: over the whole log */
	size_t n;
	struct ds_span quote_root; /* PEM or DER; n 0: the built-in roots */
	struct ds_span collateral;
	bool allow_emulated;
	int64_t time;
	struct ds_err why; /* of the last refusal, in full: TLS has less room for it */
};
/* The server check above, then all of that; arg: struct ds_kms_wanted. */
int ds_kms_check_attested(void *arg, struct ds_span leaf, const struct ds_span *chain,
			  size_t n_chain, struct ds_err *err);

/* The client certificate "RA-TLS TEMP Cert" for key, with the evidence in it; PEM is appended. */
DS_MUST int ds_kms_temp_cert(const struct ds_kms_temp_ca *ca, const struct ds_p256 *key,
			     const struct ds_attestation *att, int64_t now, struct ds_buf *ret_pem,
			     struct ds_err *err);

/* Reply of GetAppKey; disk, env and k256 are 32 bytes each. */
struct ds_kms_app_keys {
	struct ds_secret *disk, *env, *k256;
	uint8_t k256_signature[65];
	char gateway_app_id[128];
	struct ds_buf os_image_hash; /* 32 bytes, or empty */
};
#define DS_KMS_APP_KEYS_NULL ((struct ds_kms_app_keys){ .disk = NULL })
void ds_kms_app_keys_done(struct ds_kms_app_keys *keys);
#define DS_KMS_APP_KEYS DS_CLEANUP(ds_kms_app_keys_done)

DS_MUST int ds_kms_app_keys_parse(struct ds_span body, struct ds_span pin,
				  struct ds_kms_app_keys *ret, struct ds_err *err);

/* What a KMS tells anybody who asks it: names of the kernel's key type "dstack_kms" (docs/keyring.md). */
enum ds_kms_item { DS_KMS_ROOT_CA, DS_KMS_APP_CA, DS_KMS_K256_PUB, DS_KMS_ENV_PUB };
#define DS_KMS_ITEM_MAX 8192u /* bytes of its value: the kernel's limit */
/* -ENOENT: there is no such name. */
DS_MUST int ds_kms_item_find(const char *name, enum ds_kms_item *ret);
/* The method to call; NULL for the app CA, which comes with a certificate for the app. */
const char *ds_kms_item_method(enum ds_kms_item item);
DS_MUST int ds_kms_item_request(enum ds_kms_item item, const uint8_t app_id[20],
				struct ds_buf *ret);
/* Its value in the reply of that method: PEM, or the bytes of a public key. */
DS_MUST int ds_kms_item_parse(enum ds_kms_item item, struct ds_span body, struct ds_span pin,
			      struct ds_buf *ret, struct ds_err *err);

/* Body of GetAppKey. */
DS_MUST int ds_kms_app_key_request(const char *vm_config, struct ds_buf *ret);
/* Body of SignCert: the request is encoded, signed with key, and both are written as hex. csr->spki
 * must be key's. */
DS_MUST int ds_kms_sign_cert_request(const struct ds_csr *csr, const struct ds_p256 *key,
				     const char *vm_config, struct ds_buf *ret);
/*
 * Reply of SignCert: the chain as PEM blocks, leaf first, one buffer each. The leaf must be for
 * spki, and the chain must lead to the root with the pinned key and be valid at now.
 */
#define DS_KMS_MAX_CHAIN 4
struct ds_kms_chain {
	struct ds_buf pem[DS_KMS_MAX_CHAIN];
	size_t n;
};
void ds_kms_chain_done(struct ds_kms_chain *chain);
#define DS_KMS_CHAIN DS_CLEANUP(ds_kms_chain_done)
DS_MUST int ds_kms_chain_parse(struct ds_span body, struct ds_span pin, struct ds_span spki,
			       int64_t now, struct ds_kms_chain *ret, struct ds_err *err);

#endif
