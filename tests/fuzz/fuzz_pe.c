// SPDX-License-Identifier: Apache-2.0
/*
 * ds_linux_patch() and ds_pe_authenticode(): parts stay inside the image and never cover more bytes
 * than there are.
 */
#include <stdlib.h>

#include <ds/base/rd.h>
#include <ds/wire/linuxboot.h>
#include <ds/wire/pe.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void run(struct ds_span in)
{
	struct ds_pe_parts parts;

	if (ds_pe_authenticode(in, &parts, NULL))
		return;
	if (!parts.n || parts.n > DS_PE_MAX_PARTS)
		abort();
	for (size_t i = 0; i < parts.n; i++) {
		const struct ds_span s = parts.part[i];
		bool pad = i == parts.n - 1 && s.n < 8 && in.n % 8;

		if (!pad && (s.p < in.p || s.n > in.n || (size_t)(s.p - in.p) > in.n - s.n))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	uint32_t pe;

	run(DS_SPAN(p, n));
	if (n < 64 || ds_buf_add(&b, p, n))
		return 0;
	if (n > 0x206)
		memcpy(b.p + 0x202, "HdrS", 4);
	if (!ds_linux_patch(b.p, b.n, n, (uint64_t)b.p[0] << 28, NULL) && b.p[0x210] != 0xb0)
		abort();
	memcpy(b.p, "MZ", 2);
	pe = ds_get_u32le(b.p + 60) % (uint32_t)n;
	ds_put_u32le(b.p + 60, pe);
	if (n - pe > 26) {
		memcpy(b.p + pe, "PE\0\0", 4);
		ds_put_u16le(b.p + pe + 24, n & 1 ? 0x10b : 0x20b);
	}
	run(ds_buf_span(&b));
	return 0;
}
