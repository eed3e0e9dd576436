// SPDX-License-Identifier: Apache-2.0
/*
 * Places for connections. Whoever is silent must not keep others out, and one address must not keep
 * out all the others.
 */
#include "server_priv.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

int64_t ds_conn_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void ds_conn_who(const struct sockaddr *sa, uint8_t ret[8])
{
	const struct in6_addr *in6 = &((const struct sockaddr_in6 *)sa)->sin6_addr;

	memset(ret, 0, 8);
	if (sa->sa_family == AF_INET) {
		memcpy(ret + 4, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(in6)) {
		memcpy(ret + 4, in6->s6_addr + 12, 4);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(ret, in6->s6_addr, 8);
		/* ::1 and its like: apart from those who count for nobody */
		if (!memcmp(ret, (uint8_t[8]){ 0 }, 8))
			ret[0] = 0xff;
	}
}

/* Has it said anything, be it a part of a handshake that nobody has read yet? */
static bool heard(const struct conn *c)
{
	char byte;

	if (c->handshaken || evbuffer_get_length(bufferevent_get_input(c->bev)))
		return true;
	if (c->tls && BIO_number_read(SSL_get_rbio(bufferevent_openssl_get_ssl(c->bev))))
		return true;
	return recv(bufferevent_getfd(c->bev), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

#define SILENT 0
#define STAYS  4

/* Lower goes first. Requests that are complete stay, and replies that are on their way. */
static int rank(const struct conn *c)
{
	switch (c->state) {
	case CONN_HEAD:
		return heard(c) ? 1 : SILENT;
	case CONN_BODY:
		return 2;
	case CONN_LINGER:
		return 3;
	case CONN_HANDLER:
	case CONN_REPLY:
		break;
	}
	return STAYS;
}

/*
 * The oldest of the lowest rank; the list has the newest first. who NULL: of all, once they have had
 * the time for a request. Of one address the silent go at once: who fills its share makes its own
 * places. But many honest callers may come from one address together (a host's guests after a power
 * cut): who talks keeps its place for a while, or they would all throw each other out and none would
 * be served.
 */
static struct conn *find_victim(const struct ds_server *srv, const uint8_t who[8])
{
	int64_t until = ds_conn_now() - (who ? srv->talk_ms : srv->grace_ms);
	struct conn *victim = NULL;
	int lowest = STAYS;

	for (struct conn *c = srv->conns; c; c = c->next) {
		int r = !who || !memcmp(c->who, who, 8) ? rank(c) : STAYS;

		if (r == STAYS || r > lowest || (c->since > until && !(who && r == SILENT)))
			continue;
		victim = c;
		lowest = r;
	}
	return victim;
}

static unsigned count(const struct ds_server *srv, const uint8_t who[8])
{
	unsigned n = 0;

	for (const struct conn *c = srv->conns; c; c = c->next)
		n += !memcmp(c->who, who, 8);
	return n;
}

int ds_conn_admit(const struct ds_server *srv, const uint8_t who[8], struct conn **ret_victim)
{
	static const uint8_t nobody[8];
	struct conn *victim = NULL;

	if (memcmp(who, nobody, 8) && count(srv, who) >= srv->max_per_addr)
		victim = find_victim(srv, who);
	else if (srv->n_conns >= srv->max_conns)
		victim = find_victim(srv, NULL);
	else
		goto out;
	if (!victim)
		return -EBUSY;
out:
	*ret_victim = victim;
	return 0;
}

int ds_conn_wait(const struct ds_server *srv)
{
	int64_t now = ds_conn_now(), first = INT64_MAX;

	if (srv->n_conns < srv->max_conns)
		return 0;
	for (const struct conn *c = srv->conns; c; c = c->next)
		if (rank(c) < STAYS && c->since + srv->grace_ms < first)
			first = c->since + srv->grace_ms;
	if (first == INT64_MAX)
		return -1;
	return first > now ? (int)(first - now) : 0;
}
