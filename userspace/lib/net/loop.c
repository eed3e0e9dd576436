// SPDX-License-Identifier: Apache-2.0
/* Event loop, signals, service notification, wiping allocators. */
#include <ds/net/loop.h>

#include <event2/event.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MAX_SIGNALS 8

struct sig_slot {
	struct event *ev;
	void (*cb)(void *arg);
	void *arg;
};

struct ds_loop {
	struct event_base *base;
	struct sig_slot sigs[MAX_SIGNALS];
	size_t n_sigs;
	int ret;
};

static void wiping_free(void *p)
{
	if (!p)
		return;
	explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

static void *wiping_realloc(void *p, size_t n)
{
	size_t old = p ? malloc_usable_size(p) : 0;
	void *q;

	if (!n) {
		wiping_free(p);
		return NULL;
	}
	q = malloc(n);
	if (q && p) {
		memcpy(q, p, old < n ? old : n);
		wiping_free(p);
	}
	return q;
}

static void *ossl_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return n ? malloc(n) : NULL;
}

static void *ossl_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return wiping_realloc(p, n);
}

static void ossl_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	wiping_free(p);
}

int ds_net_wipe_on_free(void)
{
	if (!CRYPTO_set_mem_functions(ossl_malloc, ossl_realloc, ossl_free))
		return -ESTALE;
	event_set_mem_functions(malloc, wiping_realloc, wiping_free);
	return 0;
}

/* What is wanted of a descriptor changes several times in a turn: the kernel hears of it once. */
static struct event_base *base_new(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base = NULL;

	if (cfg && !event_config_set_flag(cfg, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST))
		base = event_base_new_with_config(cfg);
	if (cfg)
		event_config_free(cfg);
	return base;
}

int ds_loop_new(struct ds_loop **ret)
{
	struct ds_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->base = base_new();
	if (!loop->base) {
		free(loop);
		return -ENOMEM;
	}
	signal(SIGPIPE, SIG_IGN);
	*ret = loop;
	return 0;
}

struct ds_loop *ds_loop_free(struct ds_loop *loop)
{
	if (!loop)
		return NULL;
	for (size_t i = 0; i < loop->n_sigs; i++)
		event_free(loop->sigs[i].ev);
	event_base_free(loop->base);
	free(loop);
	return NULL;
}

struct event_base *ds_loop_base(struct ds_loop *loop)
{
	return loop->base;
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct sig_slot *slot = arg;

	(void)signo;
	(void)what;
	slot->cb(slot->arg);
}

int ds_loop_on_signal(struct ds_loop *loop, int signo, void (*cb)(void *arg), void *arg)
{
	struct sig_slot *slot;

	if (loop->n_sigs == MAX_SIGNALS)
		return -ENOSPC;
	slot = &loop->sigs[loop->n_sigs];
	slot->cb = cb;
	slot->arg = arg;
	slot->ev = evsignal_new(loop->base, signo, on_signal, slot);
	if (!slot->ev)
		return -ENOMEM;
	if (event_add(slot->ev, NULL)) {
		event_free(slot->ev);
		return -EINVAL;
	}
	loop->n_sigs++;
	return 0;
}

int ds_loop_run(struct ds_loop *loop)
{
	loop->ret = 0;
	if (event_base_dispatch(loop->base) < 0)
		return -EIO;
	return loop->ret;
}

void ds_loop_stop(struct ds_loop *loop, int ret)
{
	loop->ret = ret;
	event_base_loopbreak(loop->base);
}

int ds_notify(const char *state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const char *path = secure_getenv("NOTIFY_SOCKET");
	size_t n = path ? strlen(path) : 0;
	socklen_t len;
	ssize_t r;
	int fd;

	if (!n)
		return 0;
	if ((path[0] != '/' && path[0] != '@') || n >= sizeof(sa.sun_path))
		return -EINVAL;
	memcpy(sa.sun_path, path, n);
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&sa, len);
	if (r < 0)
		r = -errno;
	close(fd);
	return r < 0 ? (int)r : 0;
}
