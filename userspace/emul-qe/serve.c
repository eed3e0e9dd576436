// SPDX-License-Identifier: Apache-2.0
/* dstack-emul-qe serve: the device protocol of kernel/include/uapi/tdx_emul.h. */
#include "emul_qe.h"

#include <fcntl.h>
#include <getopt.h>
#include <poll.h>

#include <ds/base/log.h>
#include <uapi/tdx_emul.h>

static const char help[] =
	"usage: dstack-emul-qe serve (--key FILE | --key-fd N) [--device PATH]\n"
	"Sign the TDREPORTs that the emulated TDX module asks to have quoted.\n\n"
	"  --key FILE      bundle made by dstack-emul-qe pki\n"
	"  --key-fd N      the same, from an open descriptor\n"
	"  --device PATH   request device (default " TDX_EMUL_QE_DEVICE ")\n";

static int reply(int fd, uint64_t id, uint32_t status, struct ds_span quote)
{
	const struct tdx_emul_qe_reply head = { .id = id,
						.status = status,
						.quote_len = (uint32_t)quote.n };
	DS_BUF struct ds_buf msg = DS_BUF_NULL;
	ssize_t n;

	DS_TRY(ds_buf_add(&msg, &head, sizeof(head)));
	DS_TRY(ds_buf_add_span(&msg, quote));
	do
		n = write(fd, msg.p, msg.n); /* one write is one reply: never continued */
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)msg.n)
		return 0;
	return n < 0 ? -errno : -EIO;
}

int serve_one(int fd, const struct ds_emul_qe *qe)
{
	struct tdx_emul_qe_request req;
	DS_BUF struct ds_buf quote = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	ssize_t n = read(fd, &req, sizeof(req));
	int r;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n != (ssize_t)sizeof(req)) {
		ds_log(DS_LOG_ERR, "request of %zd bytes, expected %zu", n, sizeof(req));
		return n ? -EPROTO : -ENODEV;
	}
	r = ds_emul_qe_quote(qe, DS_SPAN_ARRAY(req.tdreport), 4, &quote, &err);
	if (r)
		ds_log(DS_LOG_WARN, "request %llu refused: %s", (unsigned long long)req.id,
		       err.code ? err.msg : strerror(-r));
	r = reply(fd, req.id, r ? TDX_EMUL_QE_ERROR : TDX_EMUL_QE_OK, ds_buf_span(&quote));
	if (r == -EMSGSIZE) {
		ds_log(DS_LOG_WARN, "request %llu: %zu bytes of quote do not fit its buffer",
		       (unsigned long long)req.id, quote.n);
		r = reply(fd, req.id, TDX_EMUL_QE_ERROR, DS_SPAN_NULL);
	}
	/* Taken back meanwhile: not a reason to stop serving. */
	if (r == -ENOENT) {
		ds_log(DS_LOG_INFO, "request %llu is gone", (unsigned long long)req.id);
		return 0;
	}
	return r;
}

static int serve(int fd, const struct ds_emul_qe *qe)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int r;

		if (poll(&p, 1, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!(p.revents & POLLIN))
			return -ENODEV;
		r = serve_one(fd, qe);
		if (r)
			return r;
	}
}

int cmd_serve(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "key-fd", required_argument, NULL, 'f' },
		{ "device", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *device = TDX_EMUL_QE_DEVICE, *key = NULL;
	DS_EMUL_QE struct ds_emul_qe *qe = NULL;
	DS_FD int fd = -1;
	int c, key_fd = -1, r;

	while ((c = getopt_long(argc, argv, "h", opts, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		} else if (c == 'k') {
			key = optarg;
		} else if (c == 'd') {
			device = optarg;
		} else if (c != 'f' || parse_fd(optarg, &key_fd)) {
			fprintf(stderr, "%s", help);
			return EXIT_USAGE;
		}
	}
	if (optind != argc || (key != NULL) == (key_fd >= 0)) {
		fprintf(stderr, "%s", help);
		return EXIT_USAGE;
	}
	if (qe_open(key, key_fd, &qe))
		return 1;
	if (key_fd >= 0)
		close(key_fd);
	fd = open(device, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		ds_log(DS_LOG_ERR, "%s: %s", device, strerror(errno));
		return 1;
	}
	ds_log(DS_LOG_NOTICE, "ready device=%s: test quotes, no security", device);
	r = serve(fd, qe);
	ds_log(DS_LOG_ERR, "%s: %s", device, strerror(-r));
	return 1;
}
