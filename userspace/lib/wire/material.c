// SPDX-License-Identifier: Apache-2.0
/* measurement.tdx.cbor and measurement.snp.cbor, see ds/wire/material.h. */
#include <ds/wire/cbor.h>
#include <ds/wire/material.h>

#define DOMAIN	     "material"
#define VERSION	     3u
#define PAGE	     4096u
#define OVMF_VARIANT "pre202505" /* the only firmware family that the calculator models */
#define HASHES_SIZE  168u

static int fault(struct ds_err *err, const struct ds_rd *rd, const char *what)
{
	return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(rd), "%s", what);
}

static int leb128(struct ds_rd *rd, uint64_t *ret)
{
	uint64_t v = 0;
	uint8_t b;

	for (unsigned int shift = 0; shift < 63; shift += 7) {
		DS_TRY(ds_rd_u8(rd, &b));
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*ret = v;
			return b || !shift ? 0 : -EBADMSG; /* no padding */
		}
	}
	return -EBADMSG;
}

static int add_leb128(struct ds_buf *buf, uint64_t v)
{
	for (; v > 0x7f; v >>= 7)
		DS_TRY(ds_buf_add_u8(buf, (uint8_t)(v | 0x80)));
	return ds_buf_add_u8(buf, (uint8_t)v);
}

/* Pages to a section; type TEMP_MEM unless it is the HOB's. */
static int put_range(struct ds_tdvf *t, uint64_t first, uint64_t pages, uint64_t hob)
{
	if (!pages || first > DS_TDVF_MAX_MEMORY / PAGE || pages > DS_TDVF_MAX_PAGES)
		return -EBADMSG;
	t->s[t->n++] = (struct ds_tdvf_section){ .gpa = first * PAGE,
						 .mem_size = pages * PAGE,
						 .type = first == hob ? DS_TDVF_TD_HOB
								      : DS_TDVF_TEMP_MEM };
	return 0;
}

/* base page, HOB page - base, count, then (start - base, pages) from 0, ascending and apart. */
static int parse_witness(struct ds_span in, struct ds_tdvf *ret)
{
	struct ds_rd rd = ds_rd_init(in);
	uint64_t base, hob, count, start, pages, end = 0;
	bool seen = false;

	DS_TRY(leb128(&rd, &base));
	DS_TRY(leb128(&rd, &hob));
	DS_TRY(leb128(&rd, &count));
	if (!count || count > DS_TDVF_MAX_SECTIONS || base > DS_TDVF_MAX_MEMORY / PAGE ||
	    hob > DS_TDVF_MAX_MEMORY / PAGE)
		return -EBADMSG;
	ret->n = 0;
	for (uint64_t i = 0; i < count; i++) {
		DS_TRY(leb128(&rd, &start));
		DS_TRY(leb128(&rd, &pages));
		if (start < end || (!i && start) || start > DS_TDVF_MAX_MEMORY / PAGE)
			return -EBADMSG;
		DS_TRY(put_range(ret, base + start, pages, base + hob));
		seen |= start == hob;
		end = start + pages;
	}
	return seen ? ds_rd_end(&rd) : -EBADMSG;
}

static int add_witness(struct ds_buf *buf, const struct ds_tdvf *t)
{
	DS_BUF struct ds_buf w = DS_BUF_NULL;
	struct ds_tdvf_section s[DS_TDVF_MAX_SECTIONS];
	uint64_t hob = 0;
	size_t n = 0, i;

	for (size_t k = 0; k < t->n; k++) {
		if (t->s[k].type != DS_TDVF_TD_HOB && t->s[k].type != DS_TDVF_TEMP_MEM)
			continue;
		if (t->s[k].type == DS_TDVF_TD_HOB)
			hob = t->s[k].gpa;
		for (i = n++; i > 0 && s[i - 1].gpa > t->s[k].gpa; i--)
			s[i] = s[i - 1];
		s[i] = t->s[k];
	}
	if (!n)
		return -EINVAL;
	DS_TRY(add_leb128(&w, s[0].gpa / PAGE));
	DS_TRY(add_leb128(&w, (hob - s[0].gpa) / PAGE));
	DS_TRY(add_leb128(&w, n));
	for (i = 0; i < n; i++) {
		DS_TRY(add_leb128(&w, (s[i].gpa - s[0].gpa) / PAGE));
		DS_TRY(add_leb128(&w, s[i].mem_size / PAGE));
	}
	return ds_cbor_add_bytes(buf, ds_buf_span(&w));
}

static int key_bytes(struct ds_rd *rd, const char *key, void *ret, size_t n)
{
	DS_TRY(ds_cbor_rd_key(rd, key));
	return ds_cbor_rd_bytes(rd, ret, n);
}

static int key_map(struct ds_rd *rd, const char *key, uint64_t n)
{
	DS_TRY(ds_cbor_rd_key(rd, key));
	return ds_cbor_rd_map(rd, n);
}

static int check_version(struct ds_rd *rd, uint64_t pairs, struct ds_err *err)
{
	uint64_t version;

	if (ds_cbor_rd_map(rd, pairs) || ds_cbor_rd_key(rd, "version") ||
	    ds_cbor_rd_uint(rd, &version))
		return fault(err, rd, "not a CBOR map that begins with its version");
	if (version != VERSION)
		return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(rd), "version %llu, expected %u",
				  (unsigned long long)version, VERSION);
	return 0;
}

static int parse_tdvf(struct ds_rd *rd, struct ds_tdx_material *m, struct ds_err *err)
{
	struct ds_cbor c;

	if (key_map(rd, "tdvf", 3) || ds_cbor_rd_key(rd, "ovmf") || ds_cbor_rd(rd, &c) ||
	    c.type != DS_CBOR_TEXT)
		return fault(err, rd, "no 'tdvf' with its firmware family");
	if (!ds_span_eq(c.str, DS_SPAN_LIT(OVMF_VARIANT)))
		return fault(err, rd, "firmware family is not " OVMF_VARIANT);
	if (key_map(rd, "mrtd", 2) || key_bytes(rd, "single_pass", m->mrtd[0], 48) ||
	    key_bytes(rd, "two_pass", m->mrtd[1], 48))
		return fault(err, rd, "no 'mrtd' with both page orders");
	if (ds_cbor_rd_key(rd, "td_hob") || ds_cbor_rd(rd, &c) || c.type != DS_CBOR_BYTES ||
	    parse_witness(c.str, &m->hob))
		return fault(err, rd, "bad 'td_hob'");
	return 0;
}

int ds_tdx_material_parse(struct ds_span in, struct ds_tdx_material *ret, struct ds_err *err)
{
	struct ds_rd rd = ds_rd_init(in);
	struct ds_tdx_material m;

	if (in.n > DS_MATERIAL_MAX)
		return fault(err, &rd, "too long");
	DS_TRY(check_version(&rd, 3, err));
	if (key_map(&rd, "image", 3) || key_bytes(&rd, "cmdline_sha384", m.cmdline, 48) ||
	    key_bytes(&rd, "kernel_authenticode", m.kernel, 48) ||
	    key_bytes(&rd, "initrd_sha384", m.initrd, 48))
		return fault(err, &rd, "no 'image' with its three digests");
	DS_TRY(parse_tdvf(&rd, &m, err));
	if (ds_rd_end(&rd))
		return fault(err, &rd, "bytes behind the map");
	*ret = m;
	return 0;
}

static int add_digest(struct ds_buf *buf, const char *key, const uint8_t *p, size_t n)
{
	DS_TRY(ds_cbor_add_text(buf, key));
	return ds_cbor_add_bytes(buf, DS_SPAN(p, n));
}

static int add_map(struct ds_buf *buf, const char *key, uint64_t pairs)
{
	DS_TRY(ds_cbor_add_text(buf, key));
	return ds_cbor_add_head(buf, DS_CBOR_MAP, pairs);
}

static int add_uint(struct ds_buf *buf, const char *key, uint64_t v)
{
	DS_TRY(ds_cbor_add_text(buf, key));
	return ds_cbor_add_head(buf, DS_CBOR_UINT, v);
}

int ds_tdx_material_add(struct ds_buf *buf, const struct ds_tdx_material *m)
{
	DS_TRY(ds_cbor_add_head(buf, DS_CBOR_MAP, 3));
	DS_TRY(add_uint(buf, "version", VERSION));
	DS_TRY(add_map(buf, "image", 3));
	DS_TRY(add_digest(buf, "cmdline_sha384", m->cmdline, 48));
	DS_TRY(add_digest(buf, "kernel_authenticode", m->kernel, 48));
	DS_TRY(add_digest(buf, "initrd_sha384", m->initrd, 48));
	DS_TRY(add_map(buf, "tdvf", 3));
	DS_TRY(ds_cbor_add_text(buf, "ovmf"));
	DS_TRY(ds_cbor_add_text(buf, OVMF_VARIANT));
	DS_TRY(add_map(buf, "mrtd", 2));
	DS_TRY(add_digest(buf, "single_pass", m->mrtd[0], 48));
	DS_TRY(add_digest(buf, "two_pass", m->mrtd[1], 48));
	DS_TRY(ds_cbor_add_text(buf, "td_hob"));
	return add_witness(buf, &m->hob);
}

static int key_uint(struct ds_rd *rd, const char *key, uint64_t *ret)
{
	DS_TRY(ds_cbor_rd_key(rd, key));
	return ds_cbor_rd_uint(rd, ret);
}

static int parse_snp_sections(struct ds_rd *rd, struct ds_snp_material *m)
{
	struct ds_cbor c;
	uint64_t type;

	DS_TRY(ds_cbor_rd_key(rd, "ovmf_sections"));
	DS_TRY(ds_cbor_rd(rd, &c));
	if (c.type != DS_CBOR_ARRAY || c.num > DS_SNP_SECTIONS)
		return -EBADMSG;
	m->n = (size_t)c.num;
	for (size_t i = 0; i < m->n; i++) {
		DS_TRY(ds_cbor_rd_map(rd, 3));
		DS_TRY(key_uint(rd, "gpa", &m->s[i].gpa));
		DS_TRY(key_uint(rd, "size", &m->s[i].size));
		DS_TRY(key_uint(rd, "type", &type));
		if (type > UINT32_MAX)
			return -EBADMSG;
		m->s[i].type = (uint32_t)type;
	}
	return 0;
}

int ds_snp_material_parse(struct ds_span in, struct ds_snp_material *ret, struct ds_err *err)
{
	struct ds_rd rd = ds_rd_init(in);
	struct ds_snp_material m = { .n = 0 };
	struct ds_cbor c;

	if (in.n > DS_MATERIAL_MAX)
		return fault(err, &rd, "too long");
	DS_TRY(check_version(&rd, 8, err));
	if (ds_cbor_rd_key(&rd, "cmdline") || ds_cbor_rd(&rd, &c) || c.type != DS_CBOR_TEXT)
		return fault(err, &rd, "no text 'cmdline'");
	m.cmdline = c.str;
	if (key_bytes(&rd, "ovmf_hash", m.ovmf, 48) ||
	    key_bytes(&rd, "kernel_hash", m.kernel, 32) ||
	    key_bytes(&rd, "initrd_hash", m.initrd, 32))
		return fault(err, &rd, "no hashes of firmware, kernel and initrd");
	if (key_uint(&rd, "hashes_table_gpa", &m.hashes_gpa) ||
	    key_uint(&rd, "reset_eip", &m.reset_eip) || parse_snp_sections(&rd, &m))
		return fault(err, &rd, "bad firmware layout");
	if (ds_rd_end(&rd))
		return fault(err, &rd, "bytes behind the map");
	DS_TRY(ds_snp_material_check(&m, err));
	*ret = m;
	return 0;
}

int ds_snp_material_add(struct ds_buf *buf, const struct ds_snp_material *m)
{
	DS_TRY(ds_cbor_add_head(buf, DS_CBOR_MAP, 8));
	DS_TRY(add_uint(buf, "version", VERSION));
	DS_TRY(ds_cbor_add_text(buf, "cmdline"));
	DS_TRY(ds_cbor_add_head(buf, DS_CBOR_TEXT, m->cmdline.n));
	DS_TRY(ds_buf_add_span(buf, m->cmdline));
	DS_TRY(add_digest(buf, "ovmf_hash", m->ovmf, 48));
	DS_TRY(add_digest(buf, "kernel_hash", m->kernel, 32));
	DS_TRY(add_digest(buf, "initrd_hash", m->initrd, 32));
	DS_TRY(add_uint(buf, "hashes_table_gpa", m->hashes_gpa));
	DS_TRY(add_uint(buf, "reset_eip", m->reset_eip));
	DS_TRY(ds_cbor_add_text(buf, "ovmf_sections"));
	DS_TRY(ds_cbor_add_head(buf, DS_CBOR_ARRAY, m->n));
	for (size_t i = 0; i < m->n; i++) {
		DS_TRY(ds_cbor_add_head(buf, DS_CBOR_MAP, 3));
		DS_TRY(add_uint(buf, "gpa", m->s[i].gpa));
		DS_TRY(add_uint(buf, "size", m->s[i].size));
		DS_TRY(add_uint(buf, "type", m->s[i].type));
	}
	return 0;
}

static bool known_type(uint32_t type)
{
	return (type >= DS_SNP_SEC_MEMORY && type <= DS_SNP_SVSM_CAA) ||
	       type == DS_SNP_KERNEL_HASHES;
}

int ds_snp_material_check(const struct ds_snp_material *m, struct ds_err *err)
{
	uint64_t pages = 0;
	size_t hashes = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct ds_snp_section *s = &m->s[i];

		if (!known_type(s->type) || s->gpa % PAGE || s->size % PAGE || !s->size ||
		    s->gpa > DS_TDVF_MAX_MEMORY || s->size / PAGE > DS_SNP_PAGES - pages)
			return ds_err_set(err, -EBADMSG, DOMAIN, i,
					  "section %zu: type 0x%x, 0x%llx+0x%llx", i, s->type,
					  (unsigned long long)s->gpa, (unsigned long long)s->size);
		pages += s->size / PAGE;
		if (s->type != DS_SNP_KERNEL_HASHES)
			continue;
		hashes++;
		if (s->size != PAGE || m->hashes_gpa / PAGE != s->gpa / PAGE ||
		    m->hashes_gpa % PAGE > PAGE - HASHES_SIZE)
			return ds_err_set(err, -EBADMSG, DOMAIN, i,
					  "kernel hashes at 0x%llx, their page at 0x%llx",
					  (unsigned long long)m->hashes_gpa,
					  (unsigned long long)s->gpa);
	}
	if (hashes != 1)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0,
				  "%zu pages for kernel hashes, expected 1", hashes);
	if (m->reset_eip > UINT32_MAX)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "reset vector above 4 GiB");
	return 0;
}
