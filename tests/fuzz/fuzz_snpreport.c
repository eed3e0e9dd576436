// SPDX-License-Identifier: Apache-2.0
/* ds_snp_report_parse(): one length only, spans within the input, every byte that is not signed is
 * R, S or zero. */
#include <stdlib.h>

#include <ds/wire/snpreport.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	enum ds_snp_fault fault;
	struct ds_snp_report r;
	struct ds_snp_tcb t;
	int rc = ds_snp_report_parse(DS_SPAN(p, n), &r, &fault, NULL);

	if (!rc != (fault == DS_SNP_OK))
		abort();
	if (rc)
		return 0;
	if (n != DS_SNP_REPORT_SIZE || r.signed_part.p != p || r.r.p != p + r.signed_part.n ||
	    r.s.p != r.r.p + r.r.n)
		abort();
	for (const uint8_t *q = r.s.p + r.s.n; q < p + n; q++)
		if (*q)
			abort();
	for (int i = 0; i < DS_SNP_PRODUCTS; i++) {
		ds_snp_tcb_read(r.body.reported_tcb, (enum ds_snp_product)i, &t);
		if (t.microcode != r.body.reported_tcb[7] || t.has_fmc != (i == DS_SNP_TURIN))
			abort();
	}
	return 0;
}
