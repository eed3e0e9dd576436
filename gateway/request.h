/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a RegisterCvm call asks for: pure reading of its JSON, each wrong field refused (-EPERM) in
 * the words of the wire.
 */
#ifndef DS_GATEWAY_REQUEST_H
#define DS_GATEWAY_REQUEST_H

#include <jansson.h>

#include "store.h"

/* port_policy, which may be absent or null. */
DS_MUST int ctl_request_policy(const json_t *args, struct ds_gw_request *q, struct ds_err *err);
/* client_public_key; own_key (NULL: none) is ours and cannot be a client's. */
DS_MUST int ctl_request_key(const json_t *args, const uint8_t *own_key, struct ds_gw_request *q,
			    struct ds_err *err);

#endif
