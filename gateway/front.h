/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gateway worker: internal types of front_proc.c (loop, accepting, control messages),
 * front_conn.c (a connection from hello to relay) and front_relay.c (moving bytes). One process,
 * one thread, one epoll set; edge-triggered, so each side remembers whether it may still be read
 * or written. Nothing here blocks, and nothing is allocated per byte: bytes that cannot be passed
 * on at once wait in a chunk that the connection borrows, and bulk moves in the kernel.
 *
 * A connection owns its descriptors, chunks and pipes. Closing moves it to the dead list; its
 * memory is freed after the current batch of events, because a later event of the batch may still
 * name it.
 */
#ifndef DS_GATEWAY_FRONT_H
#define DS_GATEWAY_FRONT_H

#include <ds/base/base.h>
#include <ds/wire/clienthello.h>
#include <netinet/in.h>

#include "conf.h"
#include "ids.h"
#include "table.h"

#define FRONT_CHUNK	 32768u	      /* holds a whole hello and one read of the relay */
#define FRONT_FREE_MAX	 256u	      /* chunks kept for reuse */
#define FRONT_PIPES_MAX	 64u	      /* connections that splice at the same time */
#define FRONT_BULK_BYTES (256u << 10) /* one direction has moved this much: splice from now on */
#define FRONT_TRIES	 3u	      /* instances tried for one connection */
#define FRONT_TRY_MS	 1000u	      /* before the next one is tried */
#define FRONT_LINGER_MS	 2000u	      /* for the client to take an alert */

_Static_assert(FRONT_CHUNK >= DS_HELLO_RAW_MAX, "a hello must fit into a chunk");

struct front_conn;

enum front_tag { FRONT_TAG_LISTEN, FRONT_TAG_CONTROL, FRONT_TAG_SIDE };

/* What an epoll event points to. */
struct front_ev {
	enum front_tag tag;
};

/* One socket of a connection. */
struct front_side {
	struct front_ev ev;
	struct front_conn *conn;
	int fd;
	bool readable; /* until a read says EAGAIN */
	bool writable;
	bool broken; /* reset or error reported by epoll */
};

/* One direction. Bytes wait in the chunk or in the pipe, never in both. */
struct front_flow {
	struct front_side *src, *dst;
	uint8_t *chunk;
	size_t off, n;
	int pipe[2];
	size_t in_pipe;
	uint64_t moved;
	bool eof;  /* the source has finished */
	bool shut; /* and the destination knows */
};

/* One list each, and one constant time limit each, so that lists stay sorted at no cost. */
enum front_state {
	FRONT_SNIFF,   /* waits for the hello */
	FRONT_TRY,     /* connects, and there is another instance to try */
	FRONT_CONNECT, /* connects to the last candidate */
	FRONT_RELAY,
	FRONT_LINGER, /* refused: the client gets time to read the alert */
	FRONT_DEAD,
	FRONT_N_STATES
};

struct front_conn {
	enum front_state state;
	struct front_conn *prev, *next; /* list of its state, by deadline */
	struct front_conn *ready_next;
	bool ready; /* on the ready list: the pump stopped for fairness */
	uint64_t deadline;
	uint64_t touched; /* when the idle deadline was last moved */
	struct front_side client, server;
	struct front_flow up, down;
	size_t need; /* bytes of hello worth another look */
	uint32_t ips[FRONT_TRIES];
	size_t n_ips, ip_at;
	uint16_t port;
	size_t drained; /* bytes thrown away after an alert */
	struct sockaddr_in peer;
	char host[DS_HOST_MAX + 1];
};

struct front_list {
	struct front_conn *head, *tail;
};

/* Why a connection failed: a stable word for logs and counters. */
enum front_cause {
	FRONT_OK,
	FRONT_HELLO_TIMEOUT,
	FRONT_HELLO_CLOSED,
	FRONT_NOT_TLS,
	FRONT_HELLO_MALFORMED,
	FRONT_NO_NAME,
	FRONT_FOREIGN_NAME,
	FRONT_BAD_LABEL,
	FRONT_NO_TERMINATION,
	FRONT_UNKNOWN_ID,
	FRONT_PORT_DENIED,
	FRONT_UNREACHABLE,
	FRONT_IDLE,
	FRONT_RESET,
	FRONT_EVICTED,
	FRONT_NO_MEMORY,
	FRONT_N_CAUSES,
};

struct front {
	const struct ds_gw_conf *conf;
	int ep;
	int listen_fd, control_fd;
	struct front_ev listen_ev, control_ev;
	bool accepting;
	uint64_t accept_after; /* when descriptors or memory ran out */
	struct ds_table *table;
	struct front_list lists[FRONT_N_STATES];
	struct front_conn *ready, **ready_tail;
	size_t n_conns, max_conns;
	uint64_t now; /* milliseconds, monotonic, once per round */
	uint32_t seed;
	uint8_t *scratch; /* FRONT_CHUNK bytes */
	uint8_t *free_chunks[FRONT_FREE_MAX];
	size_t n_free_chunks;
	int free_pipes[FRONT_PIPES_MAX][2];
	size_t n_free_pipes, n_pipes;
	uint64_t count[FRONT_N_CAUSES];
	struct ds_gw_log_limit log_limit;
};

/* front_proc.c: body of a worker process; returns only when its set-up fails. */
int ds_front_run(const struct ds_gw_conf *conf, int listen_fd, int control_fd,
		 unsigned int n_workers);
/* front_jail.c: no system call but those of the loop, from now on. */
DS_MUST int ds_front_jail(void);
void front_log(struct front *f, const struct front_conn *c, enum front_cause cause, const char *fmt,
	       ...) DS_PRINTF(4, 5);

/* front_conn.c */
DS_MUST int front_conn_new(struct front *f, int fd, const struct sockaddr_in *peer);
void front_conn_event(struct front *f, struct front_side *side, uint32_t events);
void front_conn_expired(struct front *f, struct front_conn *c);
void front_conn_close(struct front *f, struct front_conn *c, enum front_cause cause);
/* Put c on the list of this state with this deadline. */
void front_conn_state(struct front *f, struct front_conn *c, enum front_state state,
		      uint64_t deadline);
void front_conn_free_dead(struct front *f);

/* front_relay.c */
void front_relay(struct front *f, struct front_conn *c);
uint8_t *front_chunk_get(struct front *f);
void front_flow_done(struct front *f, struct front_flow *flow);

#endif
