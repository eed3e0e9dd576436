// SPDX-License-Identifier: Apache-2.0
/*
 * ds_emul_qe_load(): whatever the bundle, it loads or is refused with a reason. Random bytes never
 * reach the certificates, so a second run writes them over a part of a good bundle made at start
 * (no key is kept in a corpus).
 */
#include <stdlib.h>

#include <ds/base/rd.h>
#include <ds/x509/pki.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct ds_secret *good;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct ds_pki_opts opts = { .not_before = 1790000000 };
	DS_PKI struct ds_pki *pki = NULL;

	if (ds_pki_new(&opts, &pki, NULL) || ds_pki_bundle(pki, &good))
		abort();
	return 0;
}

static void run(struct ds_span in)
{
	DS_EMUL_QE struct ds_emul_qe *qe = NULL;
	struct ds_err err = DS_ERR_NULL;
	int r = ds_emul_qe_load(in, &qe, &err);

	if (!r != !!qe || (r == -EBADMSG && !err.code))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	size_t at;

	run(DS_SPAN(p, n));
	if (n < 3 || n - 2 > good->n || ds_buf_add(&b, good->p, good->n))
		return 0;
	at = ds_get_u16le(p) % (good->n - (n - 2) + 1);
	memcpy(b.p + at, p + 2, n - 2);
	run(ds_buf_span(&b));
	return 0;
}
