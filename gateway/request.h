/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a RegisterCvm call comes from and what it asks for: pure, each wrong field refused (-EPERM)
 * in the words of the wire.
 */
#ifndef DS_GATEWAY_REQUEST_H
#define DS_GATEWAY_REQUEST_H

#include <ds/attest/verdict.h>
#include <jansson.h>

#include "store.h"

/* Is the machine of this accepted verdict a real one, or allow_emulated? */
DS_MUST int ctl_request_machine(const struct ds_verdict *v, bool allow_emulated,
				struct ds_err *err);
/* port_policy, which may be absent or null. */
DS_MUST int ctl_request_policy(const json_t *args, struct ds_gw_request *q, struct ds_err *err);
/* client_public_key; own_key (NULL: none) is ours and cannot be a client's. */
DS_MUST int ctl_request_key(const json_t *args, const uint8_t *own_key, struct ds_gw_request *q,
			    struct ds_err *err);

#endif
