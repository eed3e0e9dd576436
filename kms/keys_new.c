// SPDX-License-Identifier: Apache-2.0
/* The keys process of a KMS that has no roots yet: makes or takes them, writes the directory. */
#include "keys.h"
#include "store.h"

#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/crypto/x25519.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

struct fresh {
	const struct kms_conf *conf;
	struct ds_secret *seal_key;
	/* what the message is sealed for: made once, for one message, wiped when that was opened */
	struct ds_secret *sk;
	uint8_t recipient[32];
	struct kms_fresh roots;
};

static int public_part(const struct fresh *f, struct kms_new_answer *ans)
{
	return kms_fresh_public(&f->roots, ans->spki, ans->k256_pub);
}

static int make(struct fresh *f, struct kms_new_answer *ans)
{
	kms_fresh_done(&f->roots);
	DS_TRY(kms_fresh_make(&f->roots));
	return public_part(f, ans);
}

static int used(struct ds_err *err)
{
	return ds_err_set(err, -ESTALE, "kms", 0,
			  "seal_to has opened its one message: start again for another");
}

static int recipient(const struct fresh *f, struct kms_new_answer *ans, struct ds_err *err)
{
	if (!f->sk)
		return used(err);
	memcpy(ans->recipient, f->recipient, sizeof(ans->recipient));
	return 0;
}

static int take(struct fresh *f, const struct kms_new_ask *ask, struct kms_new_answer *ans,
		struct ds_err *err)
{
	DS_SECRET struct ds_secret *m = NULL;

	kms_fresh_done(&f->roots);
	if (ask->op == KMS_NEW_TAKE_STOCK) {
		if (f->conf->replication != KMS_REPLICATION_STOCK)
			return ds_err_set(err, -EPERM, "kms", 0,
					  "roots came in the clear: expected replication = stock "
					  "in the configuration for that");
		m = ds_secret_from(ask->message, KMS_MATERIAL_SIZE);
		if (!m)
			return -ENOMEM;
	} else {
		if (!f->sk)
			return used(err);
		DS_TRY(kms_open_message(f->sk, DS_SPAN_ARRAY(ask->message), &m, err));
		f->sk = ds_secret_free(f->sk);
	}
	DS_TRY(kms_fresh_take(&m, ask->tmp_scalar, &f->roots));
	return public_part(f, ans);
}

static int commit(struct fresh *f, const struct kms_new_ask *ask, struct kms_new_answer *ans,
		  struct ds_err *err)
{
	if (!f->roots.material || ask->evidence_n > sizeof(ask->evidence) ||
	    !memchr(ask->domain, '\0', sizeof(ask->domain)))
		return -EINVAL;
	DS_TRY(public_part(f, ans));
	DS_TRY(kms_store_write(f->conf->cert_dir, ask->domain, &f->roots, f->seal_key,
			       DS_SPAN(ask->evidence, ask->evidence_n), time(NULL), err));
	kms_fresh_done(&f->roots);
	return 0;
}

static int answer(struct fresh *f, const struct kms_new_ask *ask, struct kms_new_answer *ans,
		  struct ds_err *err)
{
	switch (ask->op) {
	case KMS_NEW_MAKE:
		return make(f, ans);
	case KMS_NEW_RECIPIENT:
		return recipient(f, ans, err);
	case KMS_NEW_TAKE:
	case KMS_NEW_TAKE_STOCK:
		return take(f, ask, ans, err);
	case KMS_NEW_COMMIT:
		return commit(f, ask, ans, err);
	default:
		return -EBADMSG;
	}
}

static int serve(int sock, struct fresh *f)
{
	DS_SECRET struct ds_secret *room = ds_secret_new(sizeof(struct kms_new_ask));
	struct kms_new_ask *ask = room ? (struct kms_new_ask *)room->p : NULL;
	ssize_t n;

	if (!ask)
		return -ENOMEM;
	for (;;) {
		struct kms_new_answer ans = { .status = 0 };
		struct ds_err err = DS_ERR_NULL;

		n = recv(sock, ask, sizeof(*ask), MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		if (n != sizeof(*ask))
			return -EBADMSG;
		ans.status = answer(f, ask, &ans, &err);
		ds_wipe(ask, sizeof(*ask));
		snprintf(ans.error, sizeof(ans.error), "%s", err.msg);
		if (send(sock, &ans, sizeof(ans), MSG_NOSIGNAL) != sizeof(ans))
			return -EPIPE;
	}
}

/* The operator of the node that has the roots puts it into replicate_to there. */
static int make_recipient(struct fresh *f)
{
	char hex[65];

	DS_TRY(ds_x25519_keygen(&f->sk, f->recipient));
	ds_log(DS_LOG_NOTICE, "process=keys event=recipient seal_to=%s",
	       ds_hex_encode(f->recipient, sizeof(f->recipient), hex));
	return 0;
}

static int start(struct fresh *f, struct ds_err *err)
{
	DS_TRY(ds_secret_harden_process());
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (prctl(PR_SET_NAME, "dstack-kms-keys") || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	DS_TRY(kms_store_sweep(f->conf->cert_dir, err));
	/* now, so that a seal that cannot be is not found out after roots were made */
	DS_TRY(kms_seal_key(f->conf->seal, &f->seal_key, err));
	DS_TRY(make_recipient(f));
	return kms_keys_new_jail();
}

int kms_keys_new_main(int sock, const struct kms_conf *conf)
{
	struct fresh f = { .conf = conf };
	struct ds_err err = DS_ERR_NULL;
	int r = start(&f, &err);

	if (!r)
		r = serve(sock, &f);
	if (r)
		ds_log(DS_LOG_ERR, "process=keys error=\"%s\"", err.code ? err.msg : strerror(-r));
	kms_fresh_done(&f.roots);
	ds_secret_free(f.sk);
	ds_secret_free(f.seal_key);
	close(sock);
	return r ? 1 : 0;
}
