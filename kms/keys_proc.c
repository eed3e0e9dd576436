// SPDX-License-Identifier: Apache-2.0
/* The keys process: roots in, derived values out, see proto.h. */
#include "consent.h"
#include "keys.h"
#include "store.h"

#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/crypto/k256.h>
#include <ds/crypto/x25519.h>
#include <ds/keys/derive.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

struct keeper {
	const struct kms_conf *conf;
	struct kms_roots roots;
	struct kms_consent consent; /* with replication = sealed */
};

static int app_keys(const struct kms_roots *roots, const struct kms_ask *ask,
		    struct kms_answer *ans)
{
	struct kms_app_keys *out = (struct kms_app_keys *)ans->data;
	uint8_t pub[DS_K256_PUB_SIZE];

	DS_TRY(ds_kms_disk_key(roots->ca_scalar->p, ask->app, DS_SPAN(ask->inst, ask->inst_n),
			       out->disk));
	DS_TRY(ds_kms_env_key(roots->ca_scalar->p, ask->app, out->env));
	DS_TRY(ds_kms_app_k256(roots->k256->p, ask->app, out->k256));
	DS_TRY(ds_k256_pub(out->k256, pub));
	DS_TRY(ds_kms_k256_signature(roots->k256->p, ask->app, pub, out->k256_signature));
	ans->n = sizeof(*out);
	return 0;
}

static int put(struct kms_answer *ans, const struct ds_buf *buf)
{
	if (buf->n > sizeof(ans->data))
		return -EFBIG;
	memcpy(ans->data, buf->p, buf->n);
	ans->n = (uint32_t)buf->n;
	return 0;
}

static int app_ca(const struct kms_roots *roots, const struct kms_ask *ask, struct kms_answer *ans)
{
	DS_BUF struct ds_buf der = DS_BUF_NULL;

	DS_TRY(kms_issue_app_ca(roots, ask->app, time(NULL), &der));
	return put(ans, &der);
}

static int app_sign(const struct kms_roots *roots, const struct kms_ask *ask,
		    struct kms_answer *ans)
{
	DS_P256 struct ds_p256 *key = NULL;
	DS_BUF struct ds_buf sig = DS_BUF_NULL;

	DS_TRY(ds_kms_app_ca(roots->ca_scalar->p, ask->app, &key));
	DS_TRY(ds_p256_sign_digest(key, ask->digest, &sig));
	return put(ans, &sig);
}

/* The secret half stays here. */
static int env_pub(const struct kms_roots *roots, const struct kms_ask *ask, struct kms_answer *ans)
{
	DS_SECRET struct ds_secret *sk = ds_secret_new(DS_KEY_SIZE);
	struct kms_env_pub out = { .timestamp = (uint64_t)time(NULL) };

	if (!sk)
		return -ENOMEM;
	DS_TRY(ds_kms_env_key(roots->ca_scalar->p, ask->app, sk->p));
	DS_TRY(ds_x25519_pub(sk->p, out.pub));
	DS_TRY(ds_kms_env_signature(roots->k256->p, ask->app, out.pub, out.signature));
	DS_TRY(ds_kms_env_signature_v1(roots->k256->p, ask->app, out.timestamp, out.pub,
				       out.signature_v1));
	memcpy(ans->data, &out, sizeof(out));
	ans->n = sizeof(out);
	return 0;
}

static int material(const struct kms_roots *roots, struct ds_secret **ret)
{
	DS_SECRET struct ds_secret *m = ds_secret_new(KMS_MATERIAL_SIZE);

	if (!m)
		return -ENOMEM;
	memcpy(m->p, roots->ca_scalar->p, 32);
	memcpy(m->p + 32, roots->k256->p, 32);
	*ret = m;
	m = NULL;
	return 0;
}

/* The recipient is the operator's to name: who asks may be taken over. */
static int consented(const struct keeper *k, const uint8_t key[32], const char *hex,
		     char ret_name[KMS_CONSENT_NAME + 1])
{
	struct kms_listing l = { 0 };
	struct ds_err err = DS_ERR_NULL;
	int r = kms_consent_read(&k->consent, key, &l, &err);

	if (r) {
		ds_log(DS_LOG_ERR, "process=keys event=export-refused recipient=%s error=\"%s\"", hex,
		       err.code ? err.msg : strerror(-r));
		return -EACCES;
	}
	if (!l.listed) {
		ds_log(DS_LOG_WARN,
		       "process=keys event=export-refused recipient=%s note=\"not in %s\"", hex,
		       k->consent.path);
		return -ENOKEY;
	}
	memcpy(ret_name, l.name, sizeof(l.name));
	return 0;
}

/*
 * What may leave was decided when this process was started, and by the file of recipients, not by
 * who asks now. A listed key may be asked for again: what is sealed for it opens for nobody else.
 */
static int export_sealed(const struct keeper *k, const struct kms_ask *ask, struct kms_answer *ans)
{
	DS_SECRET struct ds_secret *m = NULL;
	char hex[65], name[KMS_CONSENT_NAME + 1] = "";

	if (k->conf->replication < KMS_REPLICATION_SEALED)
		return -EPERM;
	ds_hex_encode(ask->digest, 32, hex);
	/* with stock there is nothing to consent to: net has the roots for the asking */
	if (k->conf->replication == KMS_REPLICATION_SEALED)
		DS_TRY(consented(k, ask->digest, hex, name));
	ds_log(DS_LOG_WARN,
	       "process=keys event=export form=sealed epoch=%u recipient=%s name=%s", KMS_EPOCH, hex,
	       name);
	DS_TRY(material(&k->roots, &m));
	DS_TRY(kms_seal_message(ask->digest, m, ans->data));
	ans->n = KMS_MESSAGE_SIZE;
	return 0;
}

static int export_stock(const struct keeper *k, struct kms_answer *ans)
{
	DS_SECRET struct ds_secret *m = NULL;

	if (k->conf->replication != KMS_REPLICATION_STOCK)
		return -EPERM;
	ds_log(DS_LOG_WARN, "process=keys event=export form=stock epoch=%u recipient=", KMS_EPOCH);
	DS_TRY(material(&k->roots, &m));
	memcpy(ans->data, m->p, KMS_MATERIAL_SIZE);
	ans->n = KMS_MATERIAL_SIZE;
	return 0;
}

/* Negative status in the answer; a negative return ends the process. */
static int answer(const struct keeper *k, const struct kms_ask *ask, struct kms_answer *ans)
{
	const struct kms_roots *roots = &k->roots;
	int r;

	if (ask->inst_n != 0 && ask->inst_n != sizeof(ask->inst))
		return -EBADMSG;
	if (ask->epoch != KMS_EPOCH) {
		ans->status = -ENOENT;
		return 0;
	}
	switch (ask->op) {
	case KMS_OP_HELLO:
		r = ds_k256_pub(roots->k256->p, ans->data);
		ans->n = DS_K256_PUB_SIZE;
		break;
	case KMS_OP_APP_KEYS:
		r = app_keys(roots, ask, ans);
		break;
	case KMS_OP_APP_CA:
		r = app_ca(roots, ask, ans);
		break;
	case KMS_OP_APP_SIGN:
		r = app_sign(roots, ask, ans);
		break;
	case KMS_OP_ENV_PUB:
		r = env_pub(roots, ask, ans);
		break;
	case KMS_OP_EXPORT:
		r = export_sealed(k, ask, ans);
		break;
	case KMS_OP_EXPORT_STOCK:
		r = export_stock(k, ans);
		break;
	default:
		return -EBADMSG;
	}
	if (r) {
		ds_wipe(ans, sizeof(*ans));
		ans->status = r;
	}
	return 0;
}

static int serve(int sock, const struct keeper *k)
{
	DS_SECRET struct ds_secret *room = ds_secret_new(sizeof(struct kms_answer));
	struct kms_answer *ans = room ? (struct kms_answer *)room->p : NULL;
	struct kms_ask ask;
	ssize_t n;

	if (!ans)
		return -ENOMEM;
	for (;;) {
		n = recv(sock, &ask, sizeof(ask), MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		if (n != sizeof(ask))
			return -EBADMSG;
		ds_wipe(ans, sizeof(*ans));
		DS_TRY(answer(k, &ask, ans));
		if (send(sock, ans, sizeof(*ans), MSG_NOSIGNAL) != sizeof(*ans))
			return -EPIPE;
		ds_wipe(ans, sizeof(*ans));
	}
}

static int load(struct keeper *k, const struct kms_self *self, struct ds_err *err)
{
	const struct kms_conf *conf = k->conf;
	const struct kms_rpc_spec rpc = { .spki = DS_SPAN_ARRAY(self->spki),
					  .attestation = ds_buf_span(&self->stripped),
					  .names = conf->alt_names,
					  .n_names = conf->n_alt_names };
	DS_SECRET struct ds_secret *seal_key = NULL;

	DS_TRY(kms_store_sweep(conf->cert_dir, err));
	DS_TRY(kms_seal_key(conf->seal, &seal_key, err));
	return kms_roots_load(conf->cert_dir, seal_key, &rpc, time(NULL), &k->roots, err);
}

/* Now, so that a file that cannot be is not found out when a node joins. */
static int open_consent(struct keeper *k, struct ds_err *err)
{
	struct kms_listing l;

	if (k->conf->replication != KMS_REPLICATION_SEALED)
		return 0;
	DS_TRY(kms_consent_open(k->conf, &k->consent, err));
	DS_TRY(kms_consent_read(&k->consent, NULL, &l, err));
	ds_log(DS_LOG_NOTICE, "process=keys event=replication form=sealed file=%s keys=%zu",
	       k->consent.path, l.keys);
	return 0;
}

static int start(struct keeper *k, const struct kms_self *self, struct ds_err *err)
{
	DS_TRY(ds_secret_harden_process());
	/* a terminal's interrupt goes to the parent, whose end of the socket then ends us */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (prctl(PR_SET_NAME, "dstack-kms-keys"))
		return -errno;
	DS_TRY(open_consent(k, err));
	DS_TRY(load(k, self, err));
	return kms_keys_jail(k->consent.dirfd);
}

int kms_keys_main(int sock, const struct kms_conf *conf, const struct kms_self *self)
{
	struct keeper k = { .conf = conf, .consent = KMS_CONSENT_NULL };
	struct ds_err err = DS_ERR_NULL;
	int r = start(&k, self, &err);

	if (r) {
		ds_log(DS_LOG_ERR, "process=keys error=\"%s\"", err.code ? err.msg : strerror(-r));
		return 1;
	}
	r = serve(sock, &k);
	kms_roots_done(&k.roots);
	kms_consent_close(&k.consent);
	if (r)
		ds_log(DS_LOG_ERR, "process=keys error=\"%s\"", strerror(-r));
	return r ? 1 : 0;
}
