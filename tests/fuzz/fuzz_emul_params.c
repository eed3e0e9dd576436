// SPDX-License-Identifier: Apache-2.0
/* The emulator's parameters, as the host writes them. What comes out is a kernel command: words of known keys and hex. */
#include "../../initramfs/emulparams.c"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_err err;

	if (emul_params(DS_SPAN(p, n), &b, &err))
		return 0;
	if (strspn((const char *)b.p, "abcdefghijklmnopqrstuvwxyzABCDEF0123456789_= ") != b.n)
		abort();
	return 0;
}
