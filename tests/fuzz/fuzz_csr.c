// SPDX-License-Identifier: Apache-2.0
/*
 * ds_csr_decode(): with V0 evidence, what decodes must encode to the same bytes. ds_csr_decode_v1():
 * what decodes is a request of version 2 as well, with the same evidence.
 */
#include <stdlib.h>

#include <ds/wire/csr.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Is the evidence, which ends the request, in the V0 form? Its first byte follows the two times. */
static bool v0_at_end(struct ds_span in, const struct ds_csr *csr)
{
	struct ds_csr head = *csr; /* borrowed */
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	size_t evidence;

	head.att = DS_ATTESTATION_NULL;
	if (ds_csr_encode(&head, DS_ATTESTATION_FULL, &b))
		abort();
	evidence = b.n - (2 + 3 + 64 + 1); /* an empty V0 blob */
	return in.p[evidence] == 0;
}

static void run(struct ds_span in)
{
	DS_CSR struct ds_csr csr = DS_CSR_NULL;
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	struct ds_err err;
	int r;

	if (ds_csr_decode(in, &csr, &err))
		return;
	r = ds_csr_encode(&csr, DS_ATTESTATION_FULL, &out);
	if (r && r != -EOPNOTSUPP)
		abort();
	/* MessagePack evidence comes back as V0: decoding that must give the same again */
	if (!r && !ds_span_eq(ds_buf_span(&out), in)) {
		DS_CSR struct ds_csr again = DS_CSR_NULL;
		DS_BUF struct ds_buf twice = DS_BUF_NULL;

		if (ds_csr_decode(ds_buf_span(&out), &again, &err) ||
		    ds_csr_encode(&again, DS_ATTESTATION_FULL, &twice) ||
		    !ds_span_eq(ds_buf_span(&out), ds_buf_span(&twice)) || v0_at_end(in, &csr))
			abort();
	}
}

static void run_v1(struct ds_span in)
{
	DS_CSR struct ds_csr csr = DS_CSR_NULL, again = DS_CSR_NULL;
	DS_BUF struct ds_buf out = DS_BUF_NULL, twice = DS_BUF_NULL;
	struct ds_err err;
	int r;

	if (ds_csr_decode_v1(in, &csr, &err))
		return;
	if (csr.ext_app_info || csr.has_not_before || csr.has_not_after || csr.att.config.n)
		abort();
	r = ds_csr_encode(&csr, DS_ATTESTATION_FULL, &out);
	if (r == -EOPNOTSUPP)
		return;
	if (r || ds_csr_decode(ds_buf_span(&out), &again, &err) ||
	    ds_csr_encode(&again, DS_ATTESTATION_FULL, &twice) ||
	    !ds_span_eq(ds_buf_span(&out), ds_buf_span(&twice)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	run(DS_SPAN(p, n));
	run_v1(DS_SPAN(p, n));
	/* and behind the confirmation, which random input hardly hits */
	if (ds_buf_add_span(&b, DS_SPAN_LIT("\x44please sign cert:")) || ds_buf_add(&b, p, n))
		return 0;
	run(ds_buf_span(&b));
	run_v1(ds_buf_span(&b));
	return 0;
}
