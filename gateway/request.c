// SPDX-License-Identifier: Apache-2.0
/* The fields of RegisterCvmRequest, see request.h and spec/gateway 2.2, 2.3. */
#include <ds/base/text.h>
#include <ds/crypto/x25519.h>
#include <ds/net/prpc.h>

#include "request.h"

#define DOM "register"

static int refuse(struct ds_err *err, const char *text)
{
	return ds_err_set(err, -EPERM, DOM, 0, "%s", text);
}

int ctl_request_machine(const struct ds_verdict *v, bool allow_emulated, struct ds_err *err)
{
	if (v->emulated && !allow_emulated)
		return refuse(err, "evidence refused: emulated: made by a software TDX module, and "
				   "allow_emulated is no");
	/* whoever holds the key of that root can vouch for any machine, real or not */
	if (v->custom_root && !allow_emulated)
		return refuse(err, "evidence refused: custom-root: judged under a root that is not "
				   "Intel's, and allow_emulated is no");
	return 0;
}

/* {"ports":[{"port":443,"pp":false},...],"restrict_mode":true} */
int ctl_request_policy(const json_t *args, struct ds_gw_request *q, struct ds_err *err)
{
	json_t *policy = json_object_get(args, "port_policy"), *ports, *item;
	size_t i;

	if (!policy || json_is_null(policy))
		return 0;
	if (!json_is_object(policy))
		return refuse(err, "port_policy: expected an object");
	q->has_policy = true;
	DS_TRY(ds_json_bool(policy, "restrict_mode", &q->restricted, err));
	ports = json_object_get(policy, "ports");
	if (!ports)
		return 0;
	if (!json_is_array(ports) || json_array_size(ports) > DS_GW_MAX_PORTS)
		return ds_err_set(err, -EPERM, DOM, 0,
				  "port_policy.ports: expected a list of at most %d",
				  DS_GW_MAX_PORTS);
	json_array_foreach (ports, i, item) {
		bool pp = false;
		uint64_t port = 0;

		if (!json_is_object(item) || ds_json_u64(item, "port", UINT32_MAX, &port, NULL) ||
		    !port || port > 65535)
			return refuse(err, "port_policy: port must be between 1 and 65535");
		DS_TRY(ds_json_bool(item, "pp", &pp, err));
		if (pp)
			return ds_err_set(err, -EPERM, DOM, 0,
					  "port_policy: port %ju asks for a PROXY header (pp), "
					  "which this gateway does not send",
					  (uintmax_t)port);
		q->ports[q->n_ports++] = (uint16_t)port;
	}
	return 0;
}

/* Standard base64 of 32 bytes that are a usable Curve25519 point and not our own key. */
int ctl_request_key(const json_t *args, const uint8_t *own_key, struct ds_gw_request *q,
		    struct ds_err *err)
{
	static const uint8_t probe[32] = {
		8, [31] = 64
	}; /* any clamped scalar: small-order points give zero */
	uint8_t shared[32];
	const char *text = NULL;
	size_t n = 0;

	if (ds_json_str(args, "client_public_key", 64, &text, NULL) || !text ||
	    ds_b64_decode(text, strlen(text), q->public_key, sizeof(q->public_key), &n) ||
	    n != DS_WG_KEY_LEN || ds_x25519(probe, q->public_key, shared) ||
	    (own_key && !memcmp(q->public_key, own_key, DS_WG_KEY_LEN)))
		return refuse(err, "invalid client public key");
	return 0;
}
