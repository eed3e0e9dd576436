// SPDX-License-Identifier: Apache-2.0
/* The net process's end of the keys process. */
#include "keys.h"

#include <sys/socket.h>

/*
 * An answer that comes after all would be taken for that of the next question, which may be another
 * app's. Whoever holds up the other process, and a host can, must not get that far: nothing goes
 * through this socket any more, and the loop sees its end.
 */
static int give_up(int sock)
{
	(void)shutdown(sock, SHUT_RDWR);
	return -EPIPE;
}

/* The answer in secret memory: it may carry keys. */
static int ask(int sock, const struct kms_ask *q, struct ds_secret **ret)
{
	DS_SECRET struct ds_secret *room = ds_secret_new(sizeof(struct kms_answer));
	struct kms_answer *ans = room ? (struct kms_answer *)room->p : NULL;
	ssize_t n;

	if (!ans)
		return -ENOMEM;
	if (send(sock, q, sizeof(*q), MSG_NOSIGNAL) != sizeof(*q))
		return give_up(sock);
	do {
		n = recv(sock, ans, sizeof(*ans), MSG_TRUNC);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(*ans) || ans->n > sizeof(ans->data) || ans->status > 0)
		return give_up(sock);
	if (ans->status)
		return ans->status;
	*ret = room;
	room = NULL;
	return 0;
}

static int ask_buf(int sock, const struct kms_ask *q, struct ds_buf *ret)
{
	DS_SECRET struct ds_secret *room = NULL;
	const struct kms_answer *ans;

	DS_TRY(ask(sock, q, &room));
	ans = (const struct kms_answer *)room->p;
	return ds_buf_add(ret, ans->data, ans->n);
}

int kms_keys_hello(int sock, uint8_t ret_k256_pub[33])
{
	struct kms_ask q = { .op = KMS_OP_HELLO };
	DS_BUF struct ds_buf pub = DS_BUF_NULL;

	DS_TRY(ask_buf(sock, &q, &pub));
	if (pub.n != 33)
		return -EPIPE;
	memcpy(ret_k256_pub, pub.p, 33);
	return 0;
}

int kms_keys_app(int sock, uint32_t epoch, const uint8_t app[20], struct ds_span inst,
		 struct ds_secret **ret)
{
	struct kms_ask q = { .op = KMS_OP_APP_KEYS,
			     .epoch = epoch,
			     .inst_n = (uint32_t)inst.n };
	DS_SECRET struct ds_secret *room = NULL;
	const struct kms_answer *ans;

	if (inst.n && inst.n != sizeof(q.inst))
		return -EINVAL;
	memcpy(q.app, app, sizeof(q.app));
	if (inst.n)
		memcpy(q.inst, inst.p, inst.n);
	DS_TRY(ask(sock, &q, &room));
	ans = (const struct kms_answer *)room->p;
	if (ans->n != sizeof(struct kms_app_keys))
		return -EPIPE;
	/* to its beginning; what is left behind is wiped with the rest */
	memmove(room->p, ans->data, sizeof(struct kms_app_keys));
	*ret = room;
	room = NULL;
	return 0;
}

int kms_keys_app_ca(int sock, uint32_t epoch, const uint8_t app[20], struct ds_buf *ret_der)
{
	struct kms_ask q = { .op = KMS_OP_APP_CA, .epoch = epoch };

	memcpy(q.app, app, sizeof(q.app));
	return ask_buf(sock, &q, ret_der);
}

int kms_keys_app_sign(int sock, uint32_t epoch, const uint8_t app[20], const uint8_t digest[32],
		      struct ds_buf *ret_sig)
{
	struct kms_ask q = { .op = KMS_OP_APP_SIGN, .epoch = epoch };

	memcpy(q.app, app, sizeof(q.app));
	memcpy(q.digest, digest, sizeof(q.digest));
	return ask_buf(sock, &q, ret_sig);
}

int kms_keys_env_pub(int sock, uint32_t epoch, const uint8_t app[20], struct kms_env_pub *ret)
{
	struct kms_ask q = { .op = KMS_OP_ENV_PUB, .epoch = epoch };
	DS_SECRET struct ds_secret *room = NULL;
	const struct kms_answer *ans;

	memcpy(q.app, app, sizeof(q.app));
	DS_TRY(ask(sock, &q, &room));
	ans = (const struct kms_answer *)room->p;
	if (ans->n != sizeof(*ret))
		return -EPIPE;
	memcpy(ret, ans->data, sizeof(*ret));
	return 0;
}

int kms_keys_export(int sock, const uint8_t recipient[32], uint8_t ret[KMS_MESSAGE_SIZE])
{
	struct kms_ask q = { .op = KMS_OP_EXPORT };
	DS_BUF struct ds_buf msg = DS_BUF_NULL;

	memcpy(q.digest, recipient, sizeof(q.digest));
	DS_TRY(ask_buf(sock, &q, &msg));
	if (msg.n != KMS_MESSAGE_SIZE)
		return -EPIPE;
	memcpy(ret, msg.p, KMS_MESSAGE_SIZE);
	return 0;
}

int kms_keys_export_stock(int sock, struct ds_secret **ret)
{
	struct kms_ask q = { .op = KMS_OP_EXPORT_STOCK };
	DS_SECRET struct ds_secret *room = NULL;
	const struct kms_answer *ans;

	DS_TRY(ask(sock, &q, &room));
	ans = (const struct kms_answer *)room->p;
	if (ans->n != KMS_MATERIAL_SIZE)
		return -EPIPE;
	*ret = ds_secret_from(ans->data, KMS_MATERIAL_SIZE);
	return *ret ? 0 : -ENOMEM;
}

int kms_keys_new(int sock, const struct kms_new_ask *q, struct kms_new_answer *ret,
		 struct ds_err *err)
{
	struct kms_new_answer ans;
	ssize_t n;

	if (send(sock, q, sizeof(*q), MSG_NOSIGNAL) != sizeof(*q))
		return give_up(sock);
	do {
		n = recv(sock, &ans, sizeof(ans), MSG_TRUNC);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(ans) || ans.status > 0)
		return give_up(sock);
	ans.error[sizeof(ans.error) - 1] = '\0';
	if (ans.status)
		return ds_err_set(err, ans.status, "kms", 0, "%s",
				  *ans.error ? ans.error : strerror(-ans.status));
	*ret = ans;
	return 0;
}
