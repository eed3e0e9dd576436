// SPDX-License-Identifier: Apache-2.0
/* The key holder: server loop, control side and client side. See the header for the design. */
#include <ds/keys/derive.h>
#include <ds/keys/holder.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { CTL_LOAD = 1, CTL_CLIENT = 2 };

struct ctl_msg {
	uint32_t op;
	uint8_t key[DS_KEY_SIZE];
};

struct sign_req {
	uint64_t id;
	uint32_t purpose_len;
	uint32_t pub_len;
	uint8_t pub[40];
	uint8_t purpose[DS_HOLDER_PURPOSE_MAX];
};

struct sign_reply {
	uint64_t id;
	int32_t status;
	uint8_t sig[65];
	uint8_t zero[3];
};

struct holder {
	int control, client;
	struct ds_secret *key;
	struct ds_secret *msg; /* a control message on its way in: it may carry the key */
};

/* One packet of exactly n bytes. 0; -ENOTCONN at the end of the other side; -EBADMSG for another
 * size. */
static int recv_exact(int fd, void *p, size_t n, int *ret_fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} ctl;
	struct iovec iov = { p, n };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = ctl.buf,
			    .msg_controllen = sizeof(ctl.buf) };
	struct cmsghdr *cm;
	ssize_t got;

	do
		got = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	cm = CMSG_FIRSTHDR(&m);
	if (cm && cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_RIGHTS &&
	    cm->cmsg_len == CMSG_LEN(sizeof(int))) {
		int passed;

		memcpy(&passed, CMSG_DATA(cm), sizeof(passed));
		if (ret_fd)
			*ret_fd = passed;
		else
			close(passed);
	}
	if (!got)
		return -ENOTCONN;
	return (size_t)got == n && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ? 0 : -EBADMSG;
}

static int send_exact(int fd, const void *p, size_t n, int pass)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} ctl = { { 0 } };
	struct iovec iov = { (void *)(uintptr_t)p, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t put;

	if (pass >= 0) {
		struct cmsghdr *cm = &ctl.align;

		m.msg_control = ctl.buf;
		m.msg_controllen = sizeof(ctl.buf);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &pass, sizeof(pass));
	}
	do
		put = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		return -errno;
	return (size_t)put == n ? 0 : -EIO;
}

static int do_load(struct holder *h, const struct ctl_msg *m)
{
	if (h->key)
		return -EALREADY;
	h->key = ds_secret_from(m->key, sizeof(m->key));
	return h->key ? 0 : -ENOMEM;
}

static int on_control(struct holder *h)
{
	struct ctl_msg *m = (struct ctl_msg *)h->msg->p;
	int32_t status = -EBADMSG;
	int passed = -1;
	int r = recv_exact(h->control, m, sizeof(*m), &passed);

	if (!r && m->op == CTL_LOAD) {
		status = do_load(h, m);
	} else if (!r && m->op == CTL_CLIENT && passed >= 0) {
		if (h->client >= 0)
			close(h->client);
		h->client = passed;
		passed = -1;
		status = 0;
	}
	ds_wipe(m, sizeof(*m));
	if (passed >= 0)
		close(passed);
	/* The parent writes well-formed packets or is not our parent any more. */
	if (r)
		return r;
	return send_exact(h->control, &status, sizeof(status), -1);
}

static int32_t sign(struct holder *h, const struct sign_req *q, uint8_t sig[65])
{
	if (q->purpose_len > sizeof(q->purpose) || (q->pub_len != 32 && q->pub_len != 33))
		return -EINVAL;
	if (!h->key)
		return -ENOKEY;
	return ds_app_key_signature(h->key->p, DS_SPAN(q->purpose, q->purpose_len),
				    DS_SPAN(q->pub, q->pub_len), sig);
}

/* A client that speaks nonsense is cut off; its parent starts it again with a new socket. */
static void on_client(struct holder *h)
{
	struct sign_reply reply = { 0 };
	struct sign_req q;
	int r = recv_exact(h->client, &q, sizeof(q), NULL);

	if (!r) {
		reply.id = q.id;
		reply.status = sign(h, &q, reply.sig);
		if (reply.status)
			memset(reply.sig, 0, sizeof(reply.sig));
		r = send_exact(h->client, &reply, sizeof(reply), -1);
	}
	if (r) {
		close(h->client);
		h->client = -1;
	}
}

int ds_holder_serve(int control_fd)
{
	struct holder h = { .control = control_fd,
			    .client = -1,
			    .msg = ds_secret_new(sizeof(struct ctl_msg)) };
	int r = h.msg ? 0 : -ENOMEM;

	while (!r) {
		struct pollfd p[2] = { { .fd = h.control, .events = POLLIN },
				       { .fd = h.client, .events = POLLIN } };

		if (poll(p, 2, -1) < 0) {
			r = errno == EINTR ? 0 : -errno;
			continue;
		}
		if (p[0].revents)
			r = on_control(&h);
		else if (p[1].revents)
			on_client(&h);
	}
	if (h.client >= 0)
		close(h.client);
	h.msg = ds_secret_free(h.msg);
	h.key = ds_secret_free(h.key);
	return r == -ENOTCONN ? 0 : r;
}

static int control_call(int fd, const struct ctl_msg *m, int pass)
{
	int32_t status;

	DS_TRY(send_exact(fd, m, sizeof(*m), pass));
	DS_TRY(recv_exact(fd, &status, sizeof(status), NULL));
	return status;
}

int ds_holder_load(int control_fd, const struct ds_secret *key)
{
	DS_SECRET struct ds_secret *s = ds_secret_new(sizeof(struct ctl_msg));
	struct ctl_msg *m;

	if (!s)
		return -ENOMEM;
	if (key->n != DS_KEY_SIZE)
		return -EINVAL;
	m = (struct ctl_msg *)s->p;
	m->op = CTL_LOAD;
	memcpy(m->key, key->p, key->n);
	return control_call(control_fd, m, -1);
}

int ds_holder_connect(int control_fd, int *ret_client_fd)
{
	struct ctl_msg m = { .op = CTL_CLIENT };
	int sv[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return -errno;
	r = control_call(control_fd, &m, sv[1]);
	close(sv[1]);
	if (r) {
		close(sv[0]);
		return r;
	}
	*ret_client_fd = sv[0];
	return 0;
}

int ds_holder_sign(int client_fd, struct ds_span purpose, struct ds_span pub, uint8_t ret_sig[65])
{
	static uint64_t next_id;
	struct timeval tv = { .tv_sec = 2 };
	struct sign_req q = { .id = ++next_id,
			      .purpose_len = (uint32_t)purpose.n,
			      .pub_len = (uint32_t)pub.n };
	struct sign_reply reply;
	int r;

	if (purpose.n > sizeof(q.purpose) || pub.n > sizeof(q.pub))
		return -EFBIG;
	if (purpose.n)
		memcpy(q.purpose, purpose.p, purpose.n);
	memcpy(q.pub, pub.p, pub.n);
	if (setsockopt(client_fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)))
		return -errno;
	r = send_exact(client_fd, &q, sizeof(q), -1);
	/* An answer to an earlier request, given up by us, may still be in the socket. */
	do
		r = r ? r : recv_exact(client_fd, &reply, sizeof(reply), NULL);
	while (!r && reply.id != q.id);
	if (r)
		return r == -ENOTCONN ? -EPIPE : r;
	if (!reply.status)
		memcpy(ret_sig, reply.sig, sizeof(reply.sig));
	return reply.status;
}
