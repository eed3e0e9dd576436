// SPDX-License-Identifier: Apache-2.0
/* SEV metadata of OVMF (spec/boot.md 8), see ds_snp_firmware() in ds/wire/material.h. */
#include <ds/base/rd.h>
#include <ds/wire/material.h>

#define DOMAIN "sev"

/* dc886566-984a-4798-a75e-5585a7bf67cc, mixed endian as in memory */
static const uint8_t metadata_guid[16] = { 0x66, 0x65, 0x88, 0xdc, 0x4a, 0x98, 0x98, 0x47,
					   0xa7, 0x5e, 0x55, 0x85, 0xa7, 0xbf, 0x67, 0xcc };
/* 7255371f-3a3b-4b04-927b-1da6efa8d454 */
static const uint8_t hashes_guid[16] = { 0x1f, 0x37, 0x55, 0x72, 0x3b, 0x3a, 0x04, 0x4b,
					 0x92, 0x7b, 0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54 };
/* 00f771de-1a7e-4fcb-890e-68c77e2fb44e */
static const uint8_t reset_guid[16] = { 0xde, 0x71, 0xf7, 0x00, 0x7e, 0x1a, 0xcb, 0x4f,
					0x89, 0x0e, 0x68, 0xc7, 0x7e, 0x2f, 0xb4, 0x4e };

static int entry_u32(struct ds_span image, const uint8_t guid[16], const char *what, uint64_t *ret,
		     struct ds_err *err)
{
	struct ds_span data = DS_SPAN_NULL;
	int r = ds_tdvf_table(image, guid, &data, err);

	if (r == -ENOENT || (!r && data.n < 4))
		return ds_err_set(err, -EBADMSG, DOMAIN, 0,
				  "no %s in the GUID table: not a firmware for SEV-SNP", what);
	if (r)
		return r;
	*ret = ds_get_u32le(data.p);
	return 0;
}

static int parse_sections(struct ds_rd *rd, struct ds_snp_material *m, struct ds_err *err)
{
	uint32_t size, version, n, gpa, len;
	struct ds_span magic;

	DS_TRY(ds_rd_span(rd, 4, &magic));
	DS_TRY(ds_rd_u32le(rd, &size));
	DS_TRY(ds_rd_u32le(rd, &version));
	DS_TRY(ds_rd_u32le(rd, &n));
	if (!ds_span_eq(magic, DS_SPAN_LIT("ASEV")) || version != 1)
		return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(rd),
				  "metadata is not ASEV of version 1");
	if (!n || n > DS_SNP_SECTIONS || size != 16 + 12 * n)
		return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(rd),
				  "%u sections in metadata of %u bytes", n, size);
	for (uint32_t i = 0; i < n; i++) {
		DS_TRY(ds_rd_u32le(rd, &gpa));
		DS_TRY(ds_rd_u32le(rd, &len));
		DS_TRY(ds_rd_u32le(rd, &m->s[i].type));
		m->s[i].gpa = gpa;
		m->s[i].size = len;
	}
	m->n = n;
	return 0;
}

int ds_snp_firmware(struct ds_span image, struct ds_snp_material *ret, struct ds_err *err)
{
	struct ds_snp_material m = *ret;
	struct ds_rd rd;
	size_t off = 0;
	int r;

	if (image.n > DS_TDVF_MAX_IMAGE || image.n % 4096)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0,
				  "firmware of %zu bytes: whole pages up to %u", image.n,
				  DS_TDVF_MAX_IMAGE);
	r = ds_tdvf_table_offset(image, metadata_guid, &off, err);
	if (r == -ENOENT)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0,
				  "no SEV metadata in the GUID table: not a firmware for SEV-SNP");
	if (r)
		return r;
	DS_TRY(entry_u32(image, hashes_guid, "table for kernel hashes", &m.hashes_gpa, err));
	DS_TRY(entry_u32(image, reset_guid, "reset vector of further CPUs", &m.reset_eip, err));
	rd = ds_rd_init(DS_SPAN(image.p + off, image.n - off));
	r = parse_sections(&rd, &m, err);
	if (r == -EBADMSG && err && !err->code)
		return ds_err_set(err, r, DOMAIN, off + ds_rd_pos(&rd), "metadata ends early");
	if (r)
		return r;
	DS_TRY(ds_snp_material_check(&m, err));
	*ret = m;
	return 0;
}
