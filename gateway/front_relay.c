// SPDX-License-Identifier: Apache-2.0
/* Moving bytes between the two sides of a connection, see front.h. */
#include <fcntl.h>
#include <sys/socket.h>

#include "front.h"

/* Rounds of one direction before other connections get their turn. */
#define ROUNDS_MAX 16
#define PIPE_SIZE  (256 << 10)

/* How far one step got. */
enum step {
	STEP_AGAIN, /* progress: try once more */
	STEP_WAIT,  /* nothing to do until epoll says so */
	STEP_FAIL,  /* the connection is broken */
};

uint8_t *front_chunk_get(struct front *f)
{
	if (f->n_free_chunks)
		return f->free_chunks[--f->n_free_chunks];
	return malloc(FRONT_CHUNK);
}

static void chunk_put(struct front *f, struct front_flow *flow)
{
	if (!flow->chunk)
		return;
	if (f->n_free_chunks < FRONT_FREE_MAX)
		f->free_chunks[f->n_free_chunks++] = flow->chunk;
	else
		free(flow->chunk);
	flow->chunk = NULL;
	flow->off = flow->n = 0;
}

/*
 * A pipe of our own for this direction; without one (all are taken, no descriptors) bytes are
 * copied as before.
 */
static void pipe_get(struct front *f, struct front_flow *flow)
{
	if (f->n_free_pipes) {
		memcpy(flow->pipe, f->free_pipes[--f->n_free_pipes], sizeof(flow->pipe));
		return;
	}
	if (f->n_pipes == FRONT_PIPES_MAX)
		return;
	if (pipe2(flow->pipe, O_NONBLOCK | O_CLOEXEC)) {
		flow->pipe[0] = flow->pipe[1] = -1;
		return;
	}
	f->n_pipes++;
	/* a smaller pipe works too, only with more system calls */
	if (fcntl(flow->pipe[1], F_SETPIPE_SZ, PIPE_SIZE) < 0)
		errno = 0;
}

static void pipe_put(struct front *f, struct front_flow *flow)
{
	if (flow->pipe[0] < 0)
		return;
	if (!flow->in_pipe) {
		memcpy(f->free_pipes[f->n_free_pipes++], flow->pipe, sizeof(flow->pipe));
	} else { /* holds bytes of this connection: never reused */
		close(flow->pipe[0]);
		close(flow->pipe[1]);
		f->n_pipes--;
	}
	flow->pipe[0] = flow->pipe[1] = -1;
	flow->in_pipe = 0;
}

void front_flow_done(struct front *f, struct front_flow *flow)
{
	chunk_put(f, flow);
	pipe_put(f, flow);
}

static enum step send_result(struct front_flow *flow, ssize_t n)
{
	if (n >= 0)
		return STEP_AGAIN;
	if (errno == EINTR)
		return STEP_AGAIN;
	if (errno != EAGAIN)
		return STEP_FAIL;
	flow->dst->writable = false;
	return STEP_WAIT;
}

/* Pass on what waits in the chunk or the pipe. */
static enum step flush(struct front *f, struct front_flow *flow)
{
	ssize_t n;

	if (!flow->dst->writable)
		return STEP_WAIT;
	if (flow->in_pipe) {
		n = splice(flow->pipe[0], NULL, flow->dst->fd, NULL, flow->in_pipe,
			   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		if (n > 0)
			flow->in_pipe -= (size_t)n;
		return send_result(flow, n);
	}
	n = send(flow->dst->fd, flow->chunk + flow->off, flow->n - flow->off,
		 MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		flow->off += (size_t)n;
	if (flow->off == flow->n)
		chunk_put(f, flow);
	return send_result(flow, n);
}

static enum step read_result(struct front_flow *flow, ssize_t n)
{
	if (n > 0) {
		flow->moved += (uint64_t)n;
		return STEP_AGAIN;
	}
	if (n == 0) {
		flow->eof = true;
		flow->src->readable = false;
		return STEP_AGAIN;
	}
	if (errno == EINTR)
		return STEP_AGAIN;
	if (errno != EAGAIN)
		return STEP_FAIL;
	flow->src->readable = false;
	return STEP_WAIT;
}

/*
 * Read into the worker's scratch buffer and send at once; only what does not fit into the socket
 * needs a chunk.
 */
static enum step copy(struct front *f, struct front_flow *flow)
{
	ssize_t n = recv(flow->src->fd, f->scratch, FRONT_CHUNK, MSG_DONTWAIT), put = 0;
	enum step s = read_result(flow, n);

	if (n <= 0)
		return s;
	if (flow->dst->writable) {
		put = send(flow->dst->fd, f->scratch, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
		s = send_result(flow, put);
		if (s == STEP_FAIL || put == n)
			return s;
		put = put < 0 ? 0 : put;
	}
	flow->chunk = front_chunk_get(f);
	if (!flow->chunk)
		return STEP_FAIL;
	flow->off = 0;
	flow->n = (size_t)(n - put);
	memcpy(flow->chunk, f->scratch + put, flow->n);
	return STEP_AGAIN;
}

/* The pipe is empty here, so EAGAIN can only mean that the source is. */
static enum step fill_pipe(struct front_flow *flow)
{
	ssize_t n = splice(flow->src->fd, NULL, flow->pipe[1], NULL, PIPE_SIZE,
			   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

	if (n > 0)
		flow->in_pipe = (size_t)n;
	return read_result(flow, n);
}

static enum step step(struct front *f, struct front_flow *flow)
{
	if (flow->in_pipe || flow->chunk)
		return flush(f, flow);
	if (flow->eof) {
		if (!flow->shut && shutdown(flow->dst->fd, SHUT_WR) && errno != ENOTCONN)
			return STEP_FAIL;
		flow->shut = true;
		return STEP_WAIT;
	}
	if (!flow->src->readable || !flow->dst->writable)
		return STEP_WAIT;
	if (flow->pipe[0] < 0 && flow->moved >= FRONT_BULK_BYTES)
		pipe_get(f, flow);
	return flow->pipe[0] >= 0 ? fill_pipe(flow) : copy(f, flow);
}

/* Run one direction until it has to wait, or for its share. true: there is more to do at once. */
static bool pump(struct front *f, struct front_flow *flow, bool *progress, bool *failed)
{
	for (int i = 0; i < ROUNDS_MAX; i++) {
		enum step s = step(f, flow);

		if (s == STEP_WAIT)
			return false;
		if (s == STEP_FAIL) {
			*failed = true;
			return false;
		}
		*progress = true;
	}
	return true;
}

void front_relay(struct front *f, struct front_conn *c)
{
	bool progress = false, failed = false, more;

	more = pump(f, &c->up, &progress, &failed);
	more |= pump(f, &c->down, &progress, &failed);
	if (failed) {
		front_conn_close(f, c, FRONT_RESET);
		return;
	}
	if (c->up.shut && c->down.shut) {
		front_conn_close(f, c, FRONT_OK);
		return;
	}
	if (progress && f->now - c->touched >= 250)
		front_conn_state(f, c, FRONT_RELAY, f->now + f->conf->idle_ms);
	if (more && !c->ready) {
		c->ready = true;
		c->ready_next = NULL;
		*f->ready_tail = c;
		f->ready_tail = &c->ready_next;
	}
}
