// SPDX-License-Identifier: Apache-2.0
/* See ds/net/peer.h. */
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <ds/crypto/ossl.h>
#include <ds/net/peer.h>

static int numeric(const char *address, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*ret_len = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1)
		return -EINVAL;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	*ret_len = sizeof(*v6);
	return 0;
}

static int chain_pem(SSL *ssl, struct ds_buf *ret)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	BIO *mem = BIO_new(BIO_s_mem());
	char *text;
	long n;
	int r = -EPROTO;

	for (int i = 0; mem && i < sk_X509_num(chain); i++)
		if (!PEM_write_bio_X509(mem, sk_X509_value(chain, i)))
			goto out;
	n = mem ? BIO_get_mem_data(mem, &text) : 0;
	if (n > 0)
		r = ds_buf_add(ret, text, (size_t)n);
out:
	BIO_free(mem);
	return r;
}

static int handshake(SSL_CTX *ctx, int fd, const char *sni, struct ds_buf *ret_pem)
{
	SSL *ssl = SSL_new(ctx);
	int r = -EPROTO;

	if (ssl && SSL_set_fd(ssl, fd) == 1 && SSL_set_tlsext_host_name(ssl, sni) == 1 && SSL_connect(ssl) == 1)
		r = chain_pem(ssl, ret_pem);
	if (ssl)
		SSL_shutdown(ssl);
	SSL_free(ssl);
	return r;
}

int ds_tls_fetch_chain(const char *address, uint16_t port, const char *sni, unsigned int timeout_s,
		       struct ds_buf *ret_pem, struct ds_err *err)
{
	struct timeval limit = { .tv_sec = (time_t)timeout_s };
	struct sockaddr_storage sa;
	socklen_t len;
	SSL_CTX *ctx;
	int r;

	if (numeric(address, port, &sa, &len))
		return ds_err_set(err, -EINVAL, "peer", 0, "'%s' is not a numeric address", address);
	DS_FD int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		return ds_err_set(err, -errno, "peer", 0, "socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&sa, len)) {
		r = errno == EINPROGRESS ? -ETIMEDOUT : -errno;
		return ds_err_set(err, r, "peer", 0, "connect to %s port %u: %s", address, port, strerror(-r));
	}
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx)
		return ds_err_set(err, -ENOMEM, "peer", 0, "no TLS context");
	/* the chain is what we came for; whoever judges it does so from its evidence */
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	r = handshake(ctx, fd, sni, ret_pem);
	SSL_CTX_free(ctx);
	if (r)
		return ds_err_set(err, r, "peer", 0, "TLS handshake with %s port %u as %s failed", address, port, sni);
	return 0;
}
