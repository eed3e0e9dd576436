// SPDX-License-Identifier: Apache-2.0
/*
 * The KMS's policy file through the strict INI reader. Whatever parses must refuse an app that the
 * text does not name, never accept Revoked, and hold only whole images.
 */
#include <stdlib.h>

#include "../../kms/names.c"
#include "../../kms/policy_file.c"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t nobody[20] = { 0xde, 0xad };
	struct ds_identity id = DS_IDENTITY_NULL;
	const struct kms_image *im = NULL;
	struct kms_policy *pol = NULL;
	struct ds_verdict v = { 0 };
	struct ds_err err = DS_ERR_NULL;

	if (kms_policy_parse(DS_SPAN(p, n), "fuzz", &pol, &err)) {
		if (pol)
			abort();
		return 0;
	}
	if (!pol->tcb_status || (pol->tcb_status & 1u << DS_TCB_REVOKED))
		abort();
	for (size_t i = 0; i < pol->n_image; i++)
		if ((pol->image[i].seen & SEEN_TDX) != SEEN_TDX &&
		    pol->image[i].seen != (SEEN_SNP | SEEN_OS))
			abort();
	for (size_t i = 0; i < pol->n_app; i++)
		if (!memcmp(pol->app[i].id, nobody, 20))
			goto out;
	memcpy(id.app_id, nobody, 20);
	if (kms_policy_decide(pol, &v, &id, DS_SPAN_NULL, &im) != KMS_DENY_APP || im)
		abort();
out:
	kms_policy_free(pol);
	return 0;
}
