/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of dstack-gateway say to each other: fixed structs over one SOCK_SEQPACKET
 * pair per worker.
 *
 *   supervisor (supervise.c)  opens the sockets, forks the others, restarts them; holds both ends
 *                             of every pair, so a new process finds the pair of its predecessor
 *   worker (front_proc.c)     accepts, reads the server name, relays; knows the instance table,
 *                             no key, no file
 *   control (ctl_proc.c)      registration, state, WireGuard; owns the truth about instances
 *
 *   worker  -> control        HELLO: I have just started, send everything
 *   control -> worker         BEGIN, PUT..., END: the whole table, replacing what the worker had
 *                             at END
 *                             PUT, DELETE: a change to it; ignored before the first BEGIN
 *
 * Both sides run from one binary on one machine, so the structs travel as they are in memory.
 */
#ifndef DS_GATEWAY_MSG_H
#define DS_GATEWAY_MSG_H

#include <ds/base/base.h>

#define DS_GW_ID_LEN	20
#define DS_GW_MAX_PORTS 32

enum ds_gw_msg_kind {
	DS_GW_HELLO = 1,
	DS_GW_BEGIN,
	DS_GW_PUT,
	DS_GW_DELETE,
	DS_GW_END,
};

struct ds_gw_instance {
	uint8_t instance_id[DS_GW_ID_LEN];
	uint8_t app_id[DS_GW_ID_LEN];
	uint32_t ip;   /* host byte order */
	uint8_t fresh; /* its tunnel had a handshake lately (or there are no tunnels): preferred */
	uint8_t restricted; /* only the listed ports may be reached */
	uint16_t n_ports;
	uint16_t ports[DS_GW_MAX_PORTS];
};

struct ds_gw_msg {
	uint32_t kind;			/* enum ds_gw_msg_kind */
	struct ds_gw_instance instance; /* PUT; DELETE looks at instance_id only */
};

#endif
