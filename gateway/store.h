/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which instances exist, and their addresses: the control process's truth, on disk before it is
 * used. One file per instance (<dir>/instances/<instance id>.json, mode 0600, replaced
 * atomically), so that a registration costs one small write. One process, one thread; records live
 * until ds_store_free().
 */
#ifndef DS_GATEWAY_STORE_H
#define DS_GATEWAY_STORE_H

#include <ds/net/ip4.h>
#include <ds/net/wg.h>

#include "msg.h"

struct ds_gw_record {
	struct ds_gw_instance in; /* ip 0: has none in today's range */
	uint8_t compose_hash[32];
	uint8_t public_key[DS_WG_KEY_LEN];
	int64_t reg_time; /* Unix seconds, when this key was first seen */
	/* not stored */
	bool wg_ready; /* the kernel has this peer */
	size_t index;  /* in the store's order */
};

/* What a registration brings: verified identity, wanted key, wanted policy. */
struct ds_gw_request {
	uint8_t app_id[DS_GW_ID_LEN];
	uint8_t instance_id[DS_GW_ID_LEN];
	bool has_instance; /* false: the app was started without an instance id */
	uint8_t compose_hash[32];
	uint8_t public_key[DS_WG_KEY_LEN];
	bool has_policy;
	bool restricted;
	uint16_t n_ports;
	uint16_t ports[DS_GW_MAX_PORTS];
};

struct ds_store;

/*
 * own (prefix 0: none) is never given out. A file that cannot be understood, or two that
 * contradict each other, are an error that names the file: nothing is guessed.
 */
DS_MUST int ds_store_open(const char *dir, struct ds_ip4net range, struct ds_ip4net own,
			  struct ds_store **ret, struct ds_err *err);
struct ds_store *ds_store_free(struct ds_store *s);
size_t ds_store_count(const struct ds_store *s);
struct ds_gw_record *ds_store_at(struct ds_store *s, size_t index);
/* NULL when there is none. */
struct ds_gw_record *ds_store_by_instance(struct ds_store *s, const uint8_t id[DS_GW_ID_LEN]);
struct ds_gw_record *ds_store_by_key(struct ds_store *s, const uint8_t key[DS_WG_KEY_LEN]);

/* Positive outcomes of ds_store_register(). */
#define DS_STORE_E_OTHER_INSTANCE 1 /* the key belongs to another instance */
#define DS_STORE_E_OTHER_APP	  2 /* the instance belongs to another app */
#define DS_STORE_E_POOL		  3 /* no address left */

/*
 * Create or update, durably. ret_old_key: the key this instance had before, when it is another one
 * (else zero). ret_changed: the record is not what it was. On failure nothing has changed.
 */
DS_MUST int ds_store_register(struct ds_store *s, const struct ds_gw_request *req, int64_t now,
			      struct ds_gw_record **ret, uint8_t ret_old_key[DS_WG_KEY_LEN],
			      bool *ret_changed);

/* Pure codec of one file. */
DS_MUST int ds_gw_record_encode(const struct ds_gw_record *rec, struct ds_buf *ret);
DS_MUST int ds_gw_record_decode(struct ds_span text, struct ds_gw_record *ret, struct ds_err *err);

#endif
