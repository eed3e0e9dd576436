// SPDX-License-Identifier: Apache-2.0
/* MRTD and RTMR0-2 of a VM, event by event (spec/boot.md 5.2 to 5.5). */
#include "mr.h"

#include <ds/base/text.h>
#include <ds/crypto/hash.h>

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
	const char *event;
} variables[] = {
	{ GUID_GLOBAL, "SecureBoot", "secure-boot" },
	{ GUID_GLOBAL, "PK", "pk" },
	{ GUID_GLOBAL, "KEK", "kek" },
	{ GUID_IMAGE_SECURITY, "db", "db" },
	{ GUID_IMAGE_SECURITY, "dbx", "dbx" },
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

int mr_fold(uint8_t reg[MR_SIZE], const uint8_t digest[MR_SIZE])
{
	const struct ds_span parts[] = { DS_SPAN(reg, MR_SIZE), DS_SPAN(digest, MR_SIZE) };

	return ds_sha384(parts, 2, reg);
}

int mr_replay(const struct mr_events *events, uint8_t ret[MR_SIZE])
{
	uint8_t reg[MR_SIZE] = { 0 };

	for (size_t i = 0; i < events->n; i++)
		DS_TRY(mr_fold(reg, events->ev[i].digest));
	memcpy(ret, reg, MR_SIZE);
	return 0;
}

static uint8_t *next(struct mr_events *e, const char *name)
{
	e->ev[e->n].name = name;
	return e->ev[e->n++].digest;
}

/* UEFI_VARIABLE_DATA without content. */
static int variable_digest(const uint8_t guid[16], const char *name, uint8_t ret[MR_SIZE])
{
	DS_BUF struct ds_buf data = DS_BUF_NULL;

	DS_TRY(ds_buf_add(&data, guid, 16));
	DS_TRY(ds_buf_add_u64le(&data, strlen(name)));
	DS_TRY(ds_buf_add_u64le(&data, 0));
	for (; *name; name++)
		DS_TRY(ds_buf_add_u16le(&data, (uint8_t)*name));
	return ds_sha384_1(ds_buf_span(&data), ret);
}

int mr_hob_digest(const struct ds_tdvf *tdvf, uint64_t memory, uint8_t ret[MR_SIZE],
		  struct ds_err *err)
{
	DS_BUF struct ds_buf hob = DS_BUF_NULL;

	DS_TRY(ds_tdvf_hob(tdvf, memory, &hob, err));
	return ds_sha384_1(ds_buf_span(&hob), ret);
}

int mr_acpi_digests(struct ds_span blob, uint8_t ret[MR_ACPI_BLOBS][MR_SIZE],
		    struct ds_acpi_madt *ret_madt, struct ds_err *err)
{
	DS_BUF struct ds_buf loader = DS_BUF_NULL, rsdp = DS_BUF_NULL;
	struct ds_acpi_madt madt = { .cpus = 0 };
	struct ds_acpi acpi = { .n = 0 };

	DS_TRY(ds_acpi_parse(blob, &acpi, err));
	DS_TRY(ds_acpi_madt(blob, &acpi, &madt, err));
	DS_TRY(ds_acpi_loader(&acpi, &loader));
	DS_TRY(ds_acpi_rsdp(&acpi, &rsdp));
	DS_TRY(ds_sha384_1(ds_buf_span(&loader), ret[0]));
	DS_TRY(ds_sha384_1(ds_buf_span(&rsdp), ret[1]));
	DS_TRY(ds_sha384_1(blob, ret[2]));
	if (ret_madt)
		*ret_madt = madt;
	return 0;
}

static int rtmr0_events(const struct mr_source *src, const struct mr_machine *m,
			struct mr_events *e, struct ds_err *err)
{
	static const char *const acpi[MR_ACPI_BLOBS] = { "acpi-loader", "acpi-rsdp",
							 "acpi-tables" };
	static const uint8_t zero[4];

	DS_TRY(mr_hob_digest(&src->tdvf, m->memory, next(e, "td-hob"), err));
	DS_TRY(ds_hex_decode_exact(cfv_digest, next(e, "cfv"), MR_SIZE));
	for (size_t i = 0; i < DS_ARRAY_SIZE(variables); i++)
		DS_TRY(variable_digest(variables[i].guid, variables[i].name,
				       next(e, variables[i].event)));
	DS_TRY(ds_sha384_1(DS_SPAN(zero, 4), next(e, "separator")));
	/* The emulated platform has no ACPI tables that a VMM made (docs/emulated-evidence.md). */
	for (size_t i = 0; m->platform == MR_QEMU && i < MR_ACPI_BLOBS; i++)
		memcpy(next(e, acpi[i]), m->acpi[i], MR_SIZE);
	DS_TRY(ds_sha384_1(DS_SPAN(zero, 2), next(e, "boot-order"))); /* 0000 */
	return ds_hex_decode_exact(boot0000_digest, next(e, "boot0000"), MR_SIZE);
}

static int rtmr1_events(const struct mr_source *src, struct mr_events *e)
{
	static const uint8_t zero[4];

	memcpy(next(e, "kernel"), src->kernel, MR_SIZE);
	DS_TRY(ds_sha384_1(DS_SPAN_LIT("Calling EFI Application from Boot Option"),
			   next(e, "boot-option")));
	DS_TRY(ds_sha384_1(DS_SPAN_ARRAY(zero), next(e, "separator")));
	DS_TRY(ds_sha384_1(DS_SPAN_LIT("Exit Boot Services Invocation"),
			   next(e, "exit-boot-services")));
	return ds_sha384_1(DS_SPAN_LIT("Exit Boot Services Returned with Success"),
			   next(e, "exit-boot-services-done"));
}

int mr_measure(const struct mr_source *src, const struct mr_machine *m, struct mr_result *ret,
	       struct ds_err *err)
{
	struct mr_result mr = { .events = { { .n = 0 } } };

	memcpy(mr.mrtd, src->mrtd[m->two_pass], MR_SIZE);
	DS_TRY(rtmr0_events(src, m, &mr.events[0], err));
	DS_TRY(rtmr1_events(src, &mr.events[1]));
	memcpy(next(&mr.events[2], "cmdline"), src->cmdline, MR_SIZE);
	memcpy(next(&mr.events[2], "initrd"), src->initrd, MR_SIZE);
	for (size_t i = 0; i < 3; i++)
		DS_TRY(mr_replay(&mr.events[i], mr.rtmr[i]));
	*ret = mr;
	return 0;
}

static int events_json(const struct mr_events *e, size_t index, struct ds_buf *buf)
{
	DS_TRY(ds_buf_addf(buf, "%s\"rtmr%zu\":[", index ? "," : "", index));
	for (size_t i = 0; i < e->n; i++) {
		DS_TRY(ds_buf_addf(buf, "%s{\"name\":\"%s\",\"digest\":\"", i ? "," : "",
				   e->ev[i].name));
		DS_TRY(ds_buf_add_hex(buf, DS_SPAN_ARRAY(e->ev[i].digest)));
		DS_TRY(ds_buf_addf(buf, "\"}"));
	}
	return ds_buf_addf(buf, "]");
}

int mr_json(const struct mr_result *mr, const struct mr_machine *m, struct ds_buf *buf)
{
	bool qemu = m->platform == MR_QEMU;

	DS_TRY(ds_buf_addf(
		buf, "{\"profile\":\"%s\",\"cpu_count\":%llu,\"memory_size\":%llu,\"mrtd\":\"",
		qemu ? "qemu" : "emulated", (unsigned long long)m->cpus,
		(unsigned long long)m->memory));
	DS_TRY(ds_buf_add_hex(buf, DS_SPAN_ARRAY(mr->mrtd)));
	for (int i = 0; i < 3; i++) {
		DS_TRY(ds_buf_addf(buf, "\",\"rtmr%d\":\"", i));
		DS_TRY(ds_buf_add_hex(buf, DS_SPAN_ARRAY(mr->rtmr[i])));
	}
	if (!qemu)
		return ds_buf_addf(buf, "\"}\n");
	DS_TRY(ds_buf_addf(buf, "\",\"page_order\":\"%s\",\"acpi\":\"%s\",\"events\":{",
			   m->two_pass ? "two-pass" : "single-pass", m->acpi_from));
	for (size_t i = 0; i < 3; i++)
		DS_TRY(events_json(&mr->events[i], i, buf));
	return ds_buf_addf(buf, "}}\n");
}
