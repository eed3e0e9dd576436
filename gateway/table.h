/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's copy of the instance table: found by instance id or by app id. Filled by the messages
 * of msg.h; nothing outside keeps pointers into it. One process, one thread.
 */
#ifndef DS_GATEWAY_TABLE_H
#define DS_GATEWAY_TABLE_H

#include "msg.h"

struct ds_table;

/* max: more instances than this are -ENOSPC. */
DS_MUST int ds_table_new(size_t max, struct ds_table **ret);
struct ds_table *ds_table_free(struct ds_table *t);
/* 0 also for a message that is out of place (see msg.h); -EBADMSG for one that cannot be ours. */
DS_MUST int ds_table_apply(struct ds_table *t, const struct ds_gw_msg *msg);
/* A whole table has been received. */
bool ds_table_ready(const struct ds_table *t);
size_t ds_table_count(const struct ds_table *t);

/*
 * Where may a connection for this id (an instance, else an app) and port go? Up to max addresses
 * in the order to try: fresh instances first, each group starting at a point that seed picks. 0;
 * -ENOENT: nobody has this id; -EACCES: the port is not open on any of them.
 */
DS_MUST int ds_table_candidates(const struct ds_table *t, const uint8_t id[DS_GW_ID_LEN],
				uint16_t port, uint32_t seed, uint32_t *ret_ips, size_t max,
				size_t *ret_n);

#endif
