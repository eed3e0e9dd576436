// SPDX-License-Identifier: Apache-2.0
/* A request to dstack-verify serve, up to the evidence in it. */
#include <stdlib.h>

#include "../../userspace/verifier/serve_req.c"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct ds_verdict v;
	DS_CLEANUP(serve_request_done) struct serve_request r = { 0 };
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;

	if (serve_request_parse(DS_SPAN(p, n), &r, NULL))
		return 0;
	if (r.has_attestation ? !r.attestation.n : !r.quote.n)
		abort();
	ds_verdict_init(&v);
	if (serve_request_evidence(&r, &att, &v) < 0 || v.accepted)
		abort();
	return 0;
}
