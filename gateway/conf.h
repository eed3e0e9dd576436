/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway.conf: one struct, read once before any process is started (see dstack-gateway(8) for the
 * keys).
 */
#ifndef DS_GATEWAY_CONF_H
#define DS_GATEWAY_CONF_H

#include <ds/base/base.h>
#include <ds/net/ip4.h>
#include <ds/wire/clienthello.h>

struct ds_gw_conf {
	/* [gateway] */
	char base_domain[DS_HOST_MAX + 1];
	char *listen_addr;
	uint16_t listen_port;
	char *rpc_addr;
	uint16_t rpc_port;
	char rpc_domain[DS_HOST_MAX + 1]; /* "": no name of its own */
	uint16_t external_port;		  /* what clients connect to; default listen_port */
	unsigned int workers;		  /* 0: one per processor */
	unsigned int max_connections;	  /* all workers together */
	bool down;			  /* status = down: no registrations */
	char *state_dir;
	unsigned int handshake_ms, connect_ms, idle_ms;
	/* [wireguard] */
	bool wg_enabled;
	char *wg_interface;
	uint16_t wg_port;
	struct sockaddr_in wg_endpoint;
	struct ds_ip4net wg_ip;
	struct ds_ip4net client_range;
	/* [tls] */
	char *agent; /* socket; NULL: cert and key files */
	char *cert, *key;
	char *kms_root; /* PEM file; NULL: the last certificate of the agent's chain */
	/* [attest] */
	char *root_ca;	  /* NULL: Intel's */
	char *collateral; /* JSON file */
	char *tcb_policy; /* NULL: the defaults */
	bool allow_emulated;
	uint32_t tcb_status; /* 1 << enum ds_tcb_status */
};

/*
 * Reads and checks; err names file, line and what was expected. ret is zeroed first; free with
 * ds_gw_conf_done().
 */
DS_MUST int ds_gw_conf_load(const char *path, struct ds_gw_conf *ret, struct ds_err *err);
/* Pure form; name stands in messages. */
DS_MUST int ds_gw_conf_parse(struct ds_span text, const char *name, struct ds_gw_conf *ret,
			     struct ds_err *err);
void ds_gw_conf_done(struct ds_gw_conf *conf);
#define DS_GW_CONF DS_CLEANUP(ds_gw_conf_done)

#endif
