/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of a daemon: one process, one thread, one loop. Signals arrive as ordinary
 * callbacks; SIGPIPE is ignored. Owner: main(). Everything made on a loop is freed before it.
 */
#ifndef DS_NET_LOOP_H
#define DS_NET_LOOP_H

#include <ds/base/base.h>

struct event_base;
struct ds_loop;

/*
 * Memory that libevent and OpenSSL free is wiped first, because replies with keys pass through
 * both. First thing in main(), before either library is used; -ESTALE when it comes too late.
 */
DS_MUST int ds_net_wipe_on_free(void);

/*
 * A descriptor may be closed before the kernel hears that the loop has done with it, so it must be
 * the only one of its file: no dup(), and no child that lives on with a copy.
 */
DS_MUST int ds_loop_new(struct ds_loop **ret);
struct ds_loop *ds_loop_free(struct ds_loop *loop);
struct event_base *ds_loop_base(struct ds_loop *loop);
/* cb runs in the loop, never in signal context. One callback per signal. */
DS_MUST int ds_loop_on_signal(struct ds_loop *loop, int signo, void (*cb)(void *arg), void *arg);
/* Runs until ds_loop_stop(); returns the value given there. */
int ds_loop_run(struct ds_loop *loop);
void ds_loop_stop(struct ds_loop *loop, int ret);

/* Tell the service manager ("READY=1", "RELOADING=1", "STOPPING=1"); without $NOTIFY_SOCKET it does
 * nothing. */
DS_MUST int ds_notify(const char *state);

#endif
