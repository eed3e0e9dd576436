// SPDX-License-Identifier: Apache-2.0
/*
 * Targets: the fields of RegisterCvm, and the text of a stored instance. What is taken must be
 * storable and readable.
 */
#include <assert.h>

#include "../../gateway/record.c"
#undef DOM
#include "../../gateway/request.c"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void call(struct ds_span body)
{
	struct ds_gw_record rec = { .in = { .ip = 1 } }, again;
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct ds_gw_request q = { 0 };
	DS_JSON json_t *args = NULL;

	if (ds_prpc_args(false, "json", "", body, NULL, &args, &err) ||
	    ctl_request_policy(args, &q, &err) || ctl_request_key(args, NULL, &q, &err))
		return;
	assert(q.n_ports <= DS_GW_MAX_PORTS && (q.has_policy || !q.n_ports));
	memcpy(rec.public_key, q.public_key, sizeof(rec.public_key));
	memcpy(rec.in.ports, q.ports, sizeof(q.ports));
	rec.in.n_ports = q.n_ports;
	rec.in.restricted = q.restricted;
	assert(ds_gw_record_encode(&rec, &text) == 0);
	assert(ds_gw_record_decode(ds_buf_span(&text), &again, &err) == 0);
	assert(memcmp(&again.in, &rec.in, sizeof(rec.in)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ds_gw_record rec;
	struct ds_err err = DS_ERR_NULL;

	call(DS_SPAN(p, n));
	if (ds_gw_record_decode(DS_SPAN(p, n), &rec, &err) == 0)
		assert(rec.in.n_ports <= DS_GW_MAX_PORTS);
	return 0;
}
