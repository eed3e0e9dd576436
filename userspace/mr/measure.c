// SPDX-License-Identifier: Apache-2.0
/* MRTD and RTMR0-2 from firmware, kernel, initrd and command line (spec/boot.md 5.2 to 5.5). */
#include "mr.h"

#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/wire/linuxboot.h>
#include <ds/wire/pe.h>

#define VARIABLE_NAME_MAX 16u

/*
 * 8be4df61-93ca-11d2-aa0d-00e098032b8c and d719b2cb-3d3a-4596-a3bc-dad00e67656f, mixed endian as in
 * memory
 */
#define GUID_GLOBAL                                                                                \
	{                                                                                          \
		0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98,      \
			0x03, 0x2b, 0x8c                                                           \
	}
#define GUID_IMAGE_SECURITY                                                                        \
	{                                                                                          \
		0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e,      \
			0x67, 0x65, 0x6f                                                           \
	}

/*
 * Secure Boot variables in the order in which the firmware measures them; all empty in a dstack VM.
 */
static const struct {
	uint8_t guid[16];
	const char *name;
} variables[] = {
	{ GUID_GLOBAL, "SecureBoot" }, { GUID_GLOBAL, "PK" },	       { GUID_GLOBAL, "KEK" },
	{ GUID_IMAGE_SECURITY, "db" }, { GUID_IMAGE_SECURITY, "dbx" },
};

/*
 * Constants of the profile: digests that spec/boot.md 5.3 gives and that do not follow from the
 * firmware file.
 */
static const char cfv_digest[] = "344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d95e6"
				 "412af21c097d473155875ffd561d6790";
static const char boot0000_digest[] =
	"23ada07f5261f12f34a0bd8e46760962d6b4d576a416f1fea1c64bc656b1d28e"
	"acf7047ae6e967c58fd2a98bfa74c298";

int mr_replay(const uint8_t (*events)[MR_SIZE], size_t n, uint8_t ret[MR_SIZE])
{
	uint8_t reg[MR_SIZE] = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct ds_span parts[] = { DS_SPAN_ARRAY(reg), DS_SPAN(events[i], MR_SIZE) };

		DS_TRY(ds_sha384(parts, 2, reg));
	}
	memcpy(ret, reg, MR_SIZE);
	return 0;
}

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

static int add_utf16(struct ds_buf *buf, const char *ascii)
{
	for (; *ascii; ascii++)
		DS_TRY(ds_buf_add_u16le(buf, (uint8_t)*ascii));
	return 0;
}

/* UEFI_VARIABLE_DATA without content. */
static int variable_digest(const uint8_t guid[16], const char *name, uint8_t ret[MR_SIZE])
{
	DS_BUF struct ds_buf data = DS_BUF_NULL;

	DS_TRY(ds_buf_add(&data, guid, 16));
	DS_TRY(ds_buf_add_u64le(&data, strlen(name)));
	DS_TRY(ds_buf_add_u64le(&data, 0));
	DS_TRY(add_utf16(&data, name));
	return ds_sha384_1(ds_buf_span(&data), ret);
}

int mr_rtmr0_events(const struct ds_tdvf *tdvf, uint64_t memory,
		    uint8_t ret[MR_RTMR0_EVENTS][MR_SIZE], struct ds_err *err)
{
	static const uint8_t zero[4];
	DS_BUF struct ds_buf hob = DS_BUF_NULL;
	size_t n = 0;

	DS_TRY(ds_tdvf_hob(tdvf, memory, &hob, err));
	DS_TRY(ds_sha384_1(ds_buf_span(&hob), ret[n++]));
	DS_TRY(ds_hex_decode_exact(cfv_digest, ret[n++], MR_SIZE));
	for (size_t i = 0; i < DS_ARRAY_SIZE(variables); i++)
		DS_TRY(variable_digest(variables[i].guid, variables[i].name, ret[n++]));
	DS_TRY(ds_sha384_1(DS_SPAN(zero, 4), ret[n++])); /* separator */
	/*
	 * The three ACPI digests belong here on hardware; the emulated profile has none
	 * (docs/emulated-evidence.md).
	 */
	DS_TRY(ds_sha384_1(DS_SPAN(zero, 2), ret[n++])); /* BootOrder: 0000 */
	return ds_hex_decode_exact(boot0000_digest, ret[n], MR_SIZE);
}

static int kernel_digest(const struct mr_input *in, uint8_t ret[MR_SIZE], struct ds_err *err)
{
	DS_BUF struct ds_buf kernel = DS_BUF_NULL;
	struct ds_pe_parts parts;

	DS_TRY(ds_buf_add_span(&kernel, in->kernel));
	DS_TRY(ds_linux_patch(kernel.p, kernel.n, in->initrd.n, in->memory, err));
	DS_TRY(ds_pe_authenticode(ds_buf_span(&kernel), &parts, err));
	return ds_sha384(parts.part, parts.n, ret);
}

int mr_rtmr1_events(const struct mr_input *in, uint8_t ret[5][MR_SIZE], struct ds_err *err)
{
	static const uint8_t zero[4];

	DS_TRY(kernel_digest(in, ret[0], err));
	DS_TRY(ds_sha384_1(DS_SPAN_LIT("Calling EFI Application from Boot Option"), ret[1]));
	DS_TRY(ds_sha384_1(DS_SPAN_ARRAY(zero), ret[2]));
	DS_TRY(ds_sha384_1(DS_SPAN_LIT("Exit Boot Services Invocation"), ret[3]));
	return ds_sha384_1(DS_SPAN_LIT("Exit Boot Services Returned with Success"), ret[4]);
}

int mr_rtmr2_events(const struct mr_input *in, uint8_t ret[2][MR_SIZE], struct ds_err *err)
{
	DS_BUF struct ds_buf options = DS_BUF_NULL;
	size_t n = strlen(in->cmdline);

	if (n > MR_MAX_CMDLINE)
		return ds_err_set(err, -EFBIG, "cmdline", 0, "%zu characters, at most %u", n,
				  MR_MAX_CMDLINE);
	for (size_t i = 0; i < n; i++)
		if (in->cmdline[i] < 0x20 || in->cmdline[i] > 0x7e)
			return ds_err_set(err, -EBADMSG, "cmdline", i,
					  "character 0x%02x is not printable ASCII",
					  (unsigned char)in->cmdline[i]);
	DS_TRY(add_utf16(&options, in->cmdline));
	DS_TRY(add_utf16(&options, " initrd=initrd"));
	DS_TRY(ds_buf_add_zero(&options, 2));
	DS_TRY(ds_sha384_1(ds_buf_span(&options), ret[0]));
	return ds_sha384_1(in->initrd, ret[1]);
}

int mr_measure(const struct mr_input *in, struct mr_result *ret, struct ds_err *err)
{
	uint8_t e0[MR_RTMR0_EVENTS][MR_SIZE], e1[5][MR_SIZE], e2[2][MR_SIZE];
	struct mr_result mr;
	struct ds_tdvf tdvf;

	DS_TRY(ds_tdvf_parse(in->firmware, &tdvf, err));
	DS_TRY(mrtd(&tdvf, in->two_pass, mr.mrtd));
	DS_TRY(mr_rtmr0_events(&tdvf, in->memory, e0, err));
	DS_TRY(mr_rtmr1_events(in, e1, err));
	DS_TRY(mr_rtmr2_events(in, e2, err));
	DS_TRY(mr_replay(e0, DS_ARRAY_SIZE(e0), mr.rtmr[0]));
	DS_TRY(mr_replay(e1, DS_ARRAY_SIZE(e1), mr.rtmr[1]));
	DS_TRY(mr_replay(e2, DS_ARRAY_SIZE(e2), mr.rtmr[2]));
	*ret = mr;
	return 0;
}

int mr_json(const struct mr_result *mr, const struct mr_machine *m, struct ds_buf *buf)
{
	DS_TRY(ds_buf_addf(
		buf,
		"{\"profile\":\"emulated\",\"cpu_count\":%llu,\"memory_size\":%llu,\"mrtd\":\"",
		(unsigned long long)m->cpus, (unsigned long long)m->memory));
	DS_TRY(ds_buf_add_hex(buf, DS_SPAN_ARRAY(mr->mrtd)));
	for (int i = 0; i < 3; i++) {
		DS_TRY(ds_buf_addf(buf, "\",\"rtmr%d\":\"", i));
		DS_TRY(ds_buf_add_hex(buf, DS_SPAN_ARRAY(mr->rtmr[i])));
	}
	return ds_buf_addf(buf, "\"}\n");
}
