// SPDX-License-Identifier: Apache-2.0
/* Listening sockets of a server, and what it is told. */
#include "server_priv.h"

#include <arpa/inet.h>
#include <ds/base/limits.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define DOM "server"

static int unix_addr(const char *path, struct sockaddr_un *ret, struct ds_err *err)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return ds_err_set(err, -ENAMETOOLONG, DOM, 0,
				  "socket path longer than %zu bytes: %s",
				  sizeof(ret->sun_path) - 1, path);
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return 0;
}

/* A socket file that nobody answers on is left over from a crash; anything else is not ours to
 * remove. */
static int remove_stale(const char *path, const struct sockaddr_un *sa, struct ds_err *err)
{
	struct stat st;
	int fd, r;

	if (lstat(path, &st))
		return errno == ENOENT
			       ? 0
			       : ds_err_set(err, -errno, DOM, 0, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return ds_err_set(err, -EEXIST, DOM, 0, "%s exists and is not a socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) ? -errno : 0;
	close(fd);
	if (r != -ECONNREFUSED)
		return ds_err_set(err, -EADDRINUSE, DOM, 0, "%s: another process listens there",
				  path);
	if (unlink(path))
		return ds_err_set(err, -errno, DOM, 0, "%s: %s", path, strerror(errno));
	return 0;
}

static int listen_unix(const char *path, mode_t mode, int *ret, struct ds_err *err)
{
	struct sockaddr_un sa;
	mode_t old;
	int fd, r;

	DS_TRY(unix_addr(path, &sa, err));
	DS_TRY(remove_stale(path, &sa, err));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ds_err_set(err, -errno, DOM, 0, "socket: %s", strerror(errno));
	/* nobody may connect before the mode is the one asked for */
	old = umask(0777 & ~mode);
	r = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) ? -errno : 0;
	umask(old);
	if (r || listen(fd, 128)) {
		r = r ? r : -errno;
		close(fd);
		return ds_err_set(err, r, DOM, 0, "%s: %s", path, strerror(-r));
	}
	*ret = fd;
	return 0;
}

static int listen_tcp(const char *addr, uint16_t port, int *ret, struct ds_err *err)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	bool v4 = inet_pton(AF_INET, addr, &in.sin_addr) == 1;
	int one = 1, fd, r;

	if (!v4 && inet_pton(AF_INET6, addr, &in6.sin6_addr) != 1)
		return ds_err_set(err, -EINVAL, DOM, 0, "listen address is not numeric: %s", addr);
	fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ds_err_set(err, -errno, DOM, 0, "socket: %s", strerror(errno));
	/* accepted sockets inherit it: a reply never waits for the ACK of what went before */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
	    bind(fd, v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6,
		 v4 ? (socklen_t)sizeof(in) : (socklen_t)sizeof(in6)) ||
	    listen(fd, 128)) {
		r = -errno;
		close(fd);
		return ds_err_set(err, r, DOM, 0, "cannot listen on %s port %u: %s", addr, port,
				  strerror(-r));
	}
	*ret = fd;
	return 0;
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &n))
		return 0;
	if (ss.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&ss)->sin_port);
	if (ss.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&ss)->sin6_port);
	return 0;
}

static int open_listener(const struct ds_server_cfg *cfg, int *ret, struct ds_err *err)
{
	int flags;

	if (!!cfg->unix_path + !!cfg->addr + (cfg->fd > 0) != 1)
		return ds_err_set(err, -EINVAL, DOM, 0, "exactly one listening address is needed");
	if (cfg->unix_path)
		return listen_unix(cfg->unix_path, cfg->unix_mode, ret, err);
	if (cfg->addr)
		return listen_tcp(cfg->addr, cfg->port, ret, err);
	flags = fcntl(cfg->fd, F_GETFL);
	if (flags < 0 || fcntl(cfg->fd, F_SETFL, flags | O_NONBLOCK) ||
	    fcntl(cfg->fd, F_SETFD, FD_CLOEXEC))
		return ds_err_set(err, -errno, DOM, 0, "listening descriptor: %s", strerror(errno));
	*ret = cfg->fd;
	return 0;
}

int ds_server_new(struct event_base *base, const struct ds_server_cfg *cfg, struct ds_server **ret,
		  struct ds_err *err)
{
	struct ds_server *srv = calloc(1, sizeof(*srv));
	int fd = -1, r;

	if (!srv)
		return -ENOMEM;
	srv->base = base;
	srv->tls = cfg->tls ? ds_tls_ctx_ref(cfg->tls) : NULL;
	srv->max_body = cfg->max_body ? cfg->max_body : DS_MAX_RPC_BODY;
	srv->max_conns = cfg->max_conns ? cfg->max_conns : 256;
	srv->max_per_addr = cfg->max_per_addr ? cfg->max_per_addr : (srv->max_conns + 3) / 4;
	srv->grace_ms = DS_CONN_GRACE_MS;
	srv->request_ms = cfg->request_ms ? cfg->request_ms : 10000;
	srv->talk_ms = srv->request_ms / DS_CONN_TALK;
	srv->reply_ms = cfg->reply_ms ? cfg->reply_ms : 30000;
	r = open_listener(cfg, &fd, err);
	if (r) {
		ds_server_free(srv);
		return r;
	}
	srv->port = bound_port(fd);
	srv->unix_path = cfg->unix_path ? strdup(cfg->unix_path) : NULL;
	r = cfg->unix_path && !srv->unix_path ? -ENOMEM : ds_server_set_up(srv, fd);
	if (r) {
		if (!srv->listener)
			close(fd);
		ds_server_free(srv);
		return r;
	}
	*ret = srv;
	return 0;
}

unsigned ds_server_conns(const struct ds_server *srv)
{
	return srv->n_conns;
}

uint16_t ds_server_port(const struct ds_server *srv)
{
	return srv->port;
}

void ds_server_set_tls(struct ds_server *srv, struct ds_tls_ctx *tls)
{
	struct ds_tls_ctx *old = srv->tls;

	srv->tls = ds_tls_ctx_ref(tls);
	ds_tls_ctx_free(old);
}

int ds_server_route(struct ds_server *srv, const char *method, const char *path, ds_req_fn fn,
		    void *ctx)
{
	struct route *p = reallocarray(srv->routes, srv->n_routes + 1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	srv->routes = p;
	p[srv->n_routes++] = (struct route){ method, path, fn, ctx };
	return 0;
}
