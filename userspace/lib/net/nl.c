// SPDX-License-Identifier: Apache-2.0
/*
 * Netlink exchanges, see nl.h. libnl builds and sends the messages; answers are read here, because
 * libnl folds the kernel's errno into its own shorter list and frees receive buffers (which can
 * hold a WireGuard key) without wiping.
 */
#include <netlink/errno.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include <ds/base/secret.h>

#include "nl.h"

/*
 * The kernel never sends more than this in one datagram to a reader with a buffer of this size
 * (NLMSG_GOODSIZE cap).
 */
#define NL_BUF_SIZE 32768u

int ds_nl_open(int protocol, struct nl_sock **ret)
{
	struct nl_sock *sk = nl_socket_alloc();
	int r;

	if (!sk)
		return -ENOMEM;
	errno = 0;
	r = nl_connect(sk, protocol);
	if (r < 0) {
		r = errno ? -errno : -EIO;
		nl_socket_free(sk);
		return r;
	}
	*ret = sk;
	return 0;
}

void ds_nl_msg_free(struct nl_msg *msg)
{
	if (!msg)
		return;
	ds_wipe(nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	nlmsg_free(msg);
}

/*
 * The error number that ends an exchange: first field of NLMSG_ERROR (0 is an acknowledgement) and
 * of NLMSG_DONE.
 */
static int final_code(const struct nlmsghdr *msg, int *ret_code)
{
	if (nlmsg_datalen(msg) < (int)sizeof(int))
		return -EBADMSG;
	memcpy(ret_code, nlmsg_data(msg), sizeof(int));
	return 0;
}

/* Walk one datagram. ret_end: the exchange is over and the result is its outcome. */
static int walk(struct nlmsghdr *msg, int left, uint32_t seq, ds_nl_fn fn, void *arg,
		bool *disturbed, bool *ret_end)
{
	for (; nlmsg_ok(msg, left); msg = nlmsg_next(msg, &left)) {
		int r, code = 0;

		if (msg->nlmsg_seq != seq)
			continue;
		if (msg->nlmsg_flags & NLM_F_DUMP_INTR)
			*disturbed = true;
		if (msg->nlmsg_type == NLMSG_ERROR || msg->nlmsg_type == NLMSG_DONE) {
			*ret_end = true;
			r = final_code(msg, &code);
			if (r || code > 0)
				return -EBADMSG;
			return code ? code : *disturbed ? -EAGAIN : 0;
		}
		r = msg->nlmsg_type < NLMSG_MIN_TYPE || !fn ? 0 : fn(msg, arg);
		if (r) {
			*ret_end = true;
			return r;
		}
	}
	return 0;
}

static int receive(struct nl_sock *sk, uint32_t seq, ds_nl_fn fn, void *arg, uint8_t *buf)
{
	bool disturbed = false, end = false;
	int r = 0;

	while (!end) {
		struct sockaddr_nl from = { 0 };
		struct iovec iov = { buf, NL_BUF_SIZE };
		struct msghdr mh = { .msg_name = &from,
				     .msg_namelen = sizeof(from),
				     .msg_iov = &iov,
				     .msg_iovlen = 1 };
		ssize_t n = recvmsg(nl_socket_get_fd(sk), &mh, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (mh.msg_flags & MSG_TRUNC)
			return -EFBIG;
		if (from.nl_pid != 0) /* another process, not the kernel */
			continue;
		r = walk((struct nlmsghdr *)buf, (int)n, seq, fn, arg, &disturbed, &end);
	}
	return r;
}

int ds_nl_talk(struct nl_sock *sk, struct nl_msg *take_msg, ds_nl_fn fn, void *arg)
{
	DS_NL_MSG struct nl_msg *msg = take_msg;
	DS_FREE uint8_t *buf = malloc(NL_BUF_SIZE);
	int r;

	if (!buf)
		return -ENOMEM;
	errno = 0;
	r = nl_send_auto(sk, msg);
	if (r < 0)
		return errno ? -errno : -EIO;
	r = receive(sk, nlmsg_hdr(msg)->nlmsg_seq, fn, arg, buf);
	ds_wipe(buf, NL_BUF_SIZE);
	return r;
}
