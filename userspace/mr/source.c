// SPDX-License-Identifier: Apache-2.0
/* What the registers are made from: the files of an image, or material about it. */
#include "mr.h"

#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/wire/linuxboot.h>
#include <ds/wire/pe.h>

#define GIB	(1ull << 30)
#define LOW_TOP 0xB0000000ull

static int collect(void *ctx, struct ds_span piece)
{
	return ds_buf_add_span(ctx, piece);
}

static int mrtd(const struct ds_tdvf *tdvf, bool two_pass, uint8_t ret[MR_SIZE])
{
	DS_BUF struct ds_buf stream = DS_BUF_NULL;

	DS_TRY(ds_tdvf_mrtd_stream(tdvf, two_pass, collect, &stream));
	return ds_sha384_1(ds_buf_span(&stream), ret);
}

static int kernel_digest(const struct mr_input *in, uint64_t memory, uint8_t ret[MR_SIZE],
			 struct ds_err *err)
{
	DS_BUF struct ds_buf kernel = DS_BUF_NULL;
	struct ds_pe_parts parts;

	DS_TRY(ds_buf_add_span(&kernel, in->kernel));
	DS_TRY(ds_linux_patch(kernel.p, kernel.n, in->initrd.n, memory, err));
	DS_TRY(ds_pe_authenticode(ds_buf_span(&kernel), &parts, err));
	return ds_sha384(parts.part, parts.n, ret);
}

/* The load options in UTF-16 with the firmware's addition and a terminator. */
static int cmdline_digest(const char *cmdline, uint8_t ret[MR_SIZE], struct ds_err *err)
{
	DS_BUF struct ds_buf options = DS_BUF_NULL;
	size_t n = strlen(cmdline);

	if (n > MR_MAX_CMDLINE)
		return ds_err_set(err, -EFBIG, "cmdline", 0, "%zu characters, at most %u", n,
				  MR_MAX_CMDLINE);
	for (size_t i = 0; i < n; i++) {
		if (cmdline[i] < 0x20 || cmdline[i] > 0x7e)
			return ds_err_set(err, -EBADMSG, "cmdline", i,
					  "character 0x%02x is not printable ASCII",
					  (unsigned char)cmdline[i]);
		DS_TRY(ds_buf_add_u16le(&options, (uint8_t)cmdline[i]));
	}
	for (const char *p = " initrd=initrd"; *p; p++)
		DS_TRY(ds_buf_add_u16le(&options, (uint8_t)*p));
	DS_TRY(ds_buf_add_zero(&options, 2));
	return ds_sha384_1(ds_buf_span(&options), ret);
}

int mr_source_files(const struct mr_input *in, uint64_t memory, struct mr_source *ret,
		    struct ds_err *err)
{
	struct mr_source src;

	DS_TRY(ds_tdvf_parse(in->firmware, &src.tdvf, err));
	DS_TRY(mrtd(&src.tdvf, false, src.mrtd[0]));
	DS_TRY(mrtd(&src.tdvf, true, src.mrtd[1]));
	DS_TRY(kernel_digest(in, memory, src.kernel, err));
	DS_TRY(cmdline_digest(in->cmdline, src.cmdline, err));
	DS_TRY(ds_sha384_1(in->initrd, src.initrd));
	*ret = src;
	return 0;
}

int mr_source_material(struct ds_span cbor, uint64_t memory, struct mr_source *ret,
		       struct ds_err *err)
{
	struct ds_tdx_material m;

	DS_TRY(ds_tdx_material_parse(cbor, &m, err));
	if (memory != 2 * GIB && memory < LOW_TOP)
		return ds_err_set(err, -EBADMSG, "material", 0,
				  "the kernel's digest is known for 2048 MiB or at least 2816 MiB, "
				  "not for %llu MiB: use the image itself",
				  (unsigned long long)memory >> 20);
	memcpy(ret->mrtd, m.mrtd, sizeof(ret->mrtd));
	ret->tdvf = m.hob;
	memcpy(ret->kernel, m.kernel, MR_SIZE);
	memcpy(ret->cmdline, m.cmdline, MR_SIZE);
	memcpy(ret->initrd, m.initrd, MR_SIZE);
	return 0;
}

int mr_material(const struct mr_input *in, struct ds_buf *ret, struct ds_err *err)
{
	struct ds_tdx_material m;
	struct mr_source src;

	DS_TRY(mr_source_files(in, 2 * GIB, &src, err));
	memcpy(m.mrtd, src.mrtd, sizeof(m.mrtd));
	m.hob = src.tdvf;
	memcpy(m.kernel, src.kernel, MR_SIZE);
	memcpy(m.cmdline, src.cmdline, MR_SIZE);
	memcpy(m.initrd, src.initrd, MR_SIZE);
	return ds_tdx_material_add(ret, &m);
}
