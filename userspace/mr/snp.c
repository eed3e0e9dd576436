// SPDX-License-Identifier: Apache-2.0
/* Launch digest of an SEV-SNP guest that QEMU starts with kernel hashes (spec/boot.md 8). */
#include "mr.h"

#include <ds/base/rd.h>
#include <ds/crypto/hash.h>

#define PAGE	  4096u
#define VMSA_GPA  0xfffffffff000ull
#define RESET_EIP 0xfffffff0u /* of the first CPU */

enum page { PAGE_NORMAL = 1, PAGE_VMSA = 2, PAGE_ZERO = 3, PAGE_SECRETS = 5, PAGE_CPUID = 6 };

/* Kernel hash table: GUIDs mixed endian as in memory. */
static const uint8_t table_guid[16] = { 0x06, 0xd6, 0x38, 0x94, 0x22, 0x4f, 0xc9, 0x4c,
					0xb4, 0x79, 0xa7, 0x93, 0xd4, 0x11, 0xfd, 0x21 };
static const uint8_t cmdline_guid[16] = { 0xd8, 0x2d, 0xd0, 0x97, 0x20, 0xbd, 0x94, 0x4c,
					  0xaa, 0x78, 0xe7, 0x71, 0x4d, 0x36, 0xab, 0x2a };
static const uint8_t initrd_guid[16] = { 0x31, 0xf7, 0xba, 0x44, 0x2f, 0x3a, 0xd7, 0x4b,
					 0x9a, 0xf1, 0x41, 0xe2, 0x91, 0x69, 0x78, 0x1d };
static const uint8_t kernel_guid[16] = { 0x37, 0x94, 0xe7, 0x4d, 0xd2, 0xab, 0x7f, 0x42,
					 0xb8, 0x35, 0xd5, 0xb1, 0x72, 0xd2, 0x04, 0x5b };

/* PAGE_INFO: digest so far, digest of the content, length, page type, address. */
static int extend(uint8_t ld[MR_SIZE], enum page type, uint64_t gpa, const uint8_t *content)
{
	uint8_t info[0x70] = { 0 };

	memcpy(info, ld, MR_SIZE);
	if (content)
		DS_TRY(ds_sha384_1(DS_SPAN(content, PAGE), info + 48));
	ds_put_u16le(info + 96, sizeof(info));
	info[98] = (uint8_t)type;
	ds_put_u64le(info + 104, gpa);
	return ds_sha384_1(DS_SPAN_ARRAY(info), ld);
}

static int add_entry(struct ds_buf *t, const uint8_t guid[16], const uint8_t hash[32])
{
	DS_TRY(ds_buf_add(t, guid, 16));
	DS_TRY(ds_buf_add_u16le(t, 16 + 2 + 32));
	return ds_buf_add(t, hash, 32);
}

static int hashes_page(const struct ds_snp_material *m, uint8_t page[PAGE])
{
	const struct ds_span cmdline[] = { m->cmdline, DS_SPAN("", 1) };
	DS_BUF struct ds_buf t = DS_BUF_NULL;
	uint8_t hash[DS_SHA256_SIZE];
	size_t off = m->hashes_gpa % PAGE;

	DS_TRY(ds_sha256(cmdline, 2, hash));
	DS_TRY(ds_buf_add(&t, table_guid, 16));
	DS_TRY(ds_buf_add_u16le(&t, 16 + 2 + 3 * 50));
	DS_TRY(add_entry(&t, cmdline_guid, hash));
	DS_TRY(add_entry(&t, initrd_guid, m->initrd));
	DS_TRY(add_entry(&t, kernel_guid, m->kernel));
	if (t.n > PAGE - off)
		return -EBADMSG;
	memset(page, 0, PAGE);
	memcpy(page + off, t.p, t.n);
	return 0;
}

static int extend_section(uint8_t ld[MR_SIZE], const struct ds_snp_material *m,
			  const struct ds_snp_section *s)
{
	uint8_t page[PAGE];
	enum page type = s->type == DS_SNP_SECRETS ? PAGE_SECRETS
			 : s->type == DS_SNP_CPUID ? PAGE_CPUID
						   : PAGE_ZERO;

	if (s->type == DS_SNP_KERNEL_HASHES) {
		DS_TRY(hashes_page(m, page));
		return extend(ld, PAGE_NORMAL, s->gpa, page);
	}
	for (uint64_t off = 0; off < s->size; off += PAGE)
		DS_TRY(extend(ld, type, s->gpa + off, NULL));
	return 0;
}

static void put_segment(uint8_t *p, uint16_t selector, uint16_t attributes, uint64_t base)
{
	ds_put_u16le(p, selector);
	ds_put_u16le(p + 2, attributes);
	ds_put_u32le(p + 4, 0xffff);
	ds_put_u64le(p + 8, base);
}

/* Save area of a CPU at reset as KVM and QEMU fill it (AMD APM volume 2, table B-4). */
static void make_vmsa(uint8_t page[PAGE], uint32_t eip, const struct mr_snp *vm)
{
	memset(page, 0, PAGE);
	for (size_t i = 0; i < 6; i++) /* ES CS SS DS FS GS */
		put_segment(page + 16 * i, 0, 0x93, 0);
	put_segment(page + 0x10, 0xf000, 0x9b, eip & 0xffff0000u);
	put_segment(page + 0x60, 0, 0, 0);	/* GDTR */
	put_segment(page + 0x70, 0, 0x82, 0);	/* LDTR */
	put_segment(page + 0x80, 0, 0, 0);	/* IDTR */
	put_segment(page + 0x90, 0, 0x8b, 0);	/* TR */
	ds_put_u64le(page + 0xd0, 0x1000);	/* EFER: SVME */
	ds_put_u64le(page + 0x148, 0x40);	/* CR4: MCE */
	ds_put_u64le(page + 0x158, 0x10);	/* CR0: ET */
	ds_put_u64le(page + 0x160, 0x400);	/* DR7 */
	ds_put_u64le(page + 0x168, 0xffff0ff0); /* DR6 */
	ds_put_u64le(page + 0x170, 2);		/* RFLAGS */
	ds_put_u64le(page + 0x178, eip & 0xffffu);
	ds_put_u64le(page + 0x268, 0x0007040600070406ull); /* PAT */
	ds_put_u64le(page + 0x310, vm->vcpu_sig);	   /* RDX */
	ds_put_u64le(page + 0x3b0, vm->features);
	ds_put_u64le(page + 0x3e8, 1);	    /* XCR0 */
	ds_put_u32le(page + 0x408, 0x1f80); /* MXCSR */
	ds_put_u16le(page + 0x410, 0x37f);  /* x87 control word */
}

int mr_snp_launch(const struct ds_snp_material *m, const struct mr_snp *vm, uint8_t ret[MR_SIZE],
		  struct ds_err *err)
{
	uint8_t ld[MR_SIZE], page[PAGE];

	if (!vm->vcpus || vm->vcpus > MR_SNP_MAX_VCPUS)
		return ds_err_set(err, -EINVAL, "snp", 0, "%u CPUs, expected 1 to %u", vm->vcpus,
				  MR_SNP_MAX_VCPUS);
	DS_TRY(ds_snp_material_check(m, err));
	memcpy(ld, m->ovmf, MR_SIZE);
	for (size_t i = 0; i < m->n; i++)
		DS_TRY(extend_section(ld, m, &m->s[i]));
	for (uint32_t i = 0; i < vm->vcpus; i++) {
		make_vmsa(page, i ? (uint32_t)m->reset_eip : RESET_EIP, vm);
		DS_TRY(extend(ld, PAGE_VMSA, VMSA_GPA, page));
	}
	memcpy(ret, ld, MR_SIZE);
	return 0;
}

int mr_snp_firmware(struct ds_span image, uint8_t ret[MR_SIZE], struct ds_err *err)
{
	uint8_t ld[MR_SIZE] = { 0 };

	if (!image.n || image.n % PAGE || image.n > DS_TDVF_MAX_IMAGE)
		return ds_err_set(err, -EBADMSG, "snp", 0,
				  "firmware of %zu bytes: whole pages up to %u", image.n,
				  DS_TDVF_MAX_IMAGE);
	for (size_t off = 0; off < image.n; off += PAGE)
		DS_TRY(extend(ld, PAGE_NORMAL, (1ull << 32) - image.n + off, image.p + off));
	memcpy(ret, ld, MR_SIZE);
	return 0;
}
