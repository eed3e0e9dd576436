// SPDX-License-Identifier: Apache-2.0
/* TDVF metadata: footer GUID table, section list, MRTD stream, see ds/wire/tdvf.h. */
#include <ds/base/rd.h>
#include <ds/wire/tdvf.h>

#define DOMAIN	     "tdvf"
#define PAGE	     4096u
#define CHUNK	     256u /* bytes per TDH.MR.EXTEND */
#define RECORD	     128u /* bytes that ADD and EXTEND put into the stream first */
#define RESET_VECTOR 32u  /* bytes between the footer GUID and the end of the image */
#define TRAILER	     18u  /* u16 length and GUID behind each table entry */

/* 96b582de-1fb2-45f7-baea-a366c55a082d, mixed endian as in memory */
static const uint8_t footer_guid[16] = { 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
					 0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d };
/* e47a6535-984a-4798-865e-4685a7bf8ec2 */
static const uint8_t metadata_guid[16] = { 0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47,
					   0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2 };

int ds_tdvf_table(struct ds_span image, const uint8_t guid[16], struct ds_span *ret,
		  struct ds_err *err)
{
	const uint8_t *p = image.p;
	size_t start, end, len;

	if (image.n < RESET_VECTOR + TRAILER ||
	    memcmp(p + image.n - RESET_VECTOR - 16, footer_guid, 16) != 0)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0,
				  "no GUID table at the end of the image (%zu bytes)", image.n);
	end = image.n - RESET_VECTOR;
	len = ds_get_u16le(p + end - TRAILER);
	if (len < TRAILER || len > end)
		return ds_err_set(err, -EBADMSG, DOMAIN, end - TRAILER,
				  "GUID table of %zu bytes does not fit", len);
	start = end - len;
	end -= TRAILER;
	while (end - start >= TRAILER) {
		len = ds_get_u16le(p + end - TRAILER);
		if (len < TRAILER || len > end - start)
			return ds_err_set(err, -EBADMSG, DOMAIN, end - TRAILER,
					  "GUID table entry of %zu bytes, %zu left", len,
					  end - start);
		if (memcmp(p + end - 16, guid, 16) == 0) {
			*ret = DS_SPAN(p + end - len, len - TRAILER);
			return 0;
		}
		end -= len;
	}
	return -ENOENT;
}

int ds_tdvf_table_offset(struct ds_span image, const uint8_t guid[16], size_t *ret,
			 struct ds_err *err)
{
	struct ds_span data = DS_SPAN_NULL;
	uint32_t back;

	DS_TRY(ds_tdvf_table(image, guid, &data, err));
	if (data.n < 4)
		return ds_err_set(err, -EBADMSG, DOMAIN, (size_t)(data.p - image.p),
				  "metadata entry without offset");
	back = ds_get_u32le(data.p + data.n - 4);
	if (back > image.n)
		return ds_err_set(err, -EBADMSG, DOMAIN, (size_t)(data.p - image.p),
				  "metadata %u bytes before the end of a %zu byte image", back,
				  image.n);
	*ret = image.n - back;
	return 0;
}

static int parse_section(struct ds_rd *rd, struct ds_span image, struct ds_tdvf_section *ret,
			 struct ds_err *err)
{
	size_t at = ds_rd_pos(rd);
	uint32_t off, raw;
	uint64_t end;

	DS_TRY(ds_rd_u32le(rd, &off));
	DS_TRY(ds_rd_u32le(rd, &raw));
	DS_TRY(ds_rd_u64le(rd, &ret->gpa));
	DS_TRY(ds_rd_u64le(rd, &ret->mem_size));
	DS_TRY(ds_rd_u32le(rd, &ret->type));
	DS_TRY(ds_rd_u32le(rd, &ret->attr));
	if (off > image.n || raw > image.n - off)
		return ds_err_set(err, -EBADMSG, DOMAIN, at, "section data %u+%u outside the image",
				  off, raw);
	if (ret->gpa % PAGE || ret->mem_size % PAGE || ret->mem_size < raw ||
	    __builtin_add_overflow(ret->gpa, ret->mem_size, &end))
		return ds_err_set(err, -EBADMSG, DOMAIN, at,
				  "section memory 0x%llx+0x%llx for %u bytes of data",
				  (unsigned long long)ret->gpa, (unsigned long long)ret->mem_size,
				  raw);
	ret->data = DS_SPAN(image.p + off, raw);
	return 0;
}

static int parse_sections(struct ds_rd *rd, struct ds_span image, struct ds_tdvf *ret,
			  struct ds_err *err)
{
	struct ds_span magic;
	uint32_t len, version, n;
	uint64_t pages = 0;

	DS_TRY(ds_rd_span(rd, 4, &magic));
	if (!ds_span_eq(magic, DS_SPAN_LIT("TDVF")))
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "descriptor does not begin with TDVF");
	DS_TRY(ds_rd_u32le(rd, &len));
	DS_TRY(ds_rd_u32le(rd, &version));
	DS_TRY(ds_rd_u32le(rd, &n));
	if (version != 1)
		return ds_err_set(err, -EBADMSG, DOMAIN, 8, "descriptor version %u, expected 1",
				  version);
	if (!n || n > DS_TDVF_MAX_SECTIONS || len != 16 + 32 * n)
		return ds_err_set(err, -EBADMSG, DOMAIN, 4,
				  "%u sections in a descriptor of %u bytes", n, len);
	for (uint32_t i = 0; i < n; i++) {
		DS_TRY(parse_section(rd, image, &ret->s[i], err));
		/*
		 * What the firmware's own pages are is not told apart by attributes: count all but
		 * PAGE_AUG.
		 */
		pages += ret->s[i].attr & DS_TDVF_PAGE_AUG ? 0 : ret->s[i].mem_size / PAGE;
		if (pages > DS_TDVF_MAX_PAGES)
			return ds_err_set(err, -EFBIG, DOMAIN, ds_rd_pos(rd),
					  "more than %u pages to add", DS_TDVF_MAX_PAGES);
		if (ret->s[i].attr & DS_TDVF_MR_EXTEND &&
		    ret->s[i].mem_size / PAGE > DS_TDVF_MAX_PAGES)
			return ds_err_set(err, -EFBIG, DOMAIN, ds_rd_pos(rd),
					  "more than %u pages to measure", DS_TDVF_MAX_PAGES);
	}
	ret->n = n;
	return 0;
}

int ds_tdvf_parse(struct ds_span image, struct ds_tdvf *ret, struct ds_err *err)
{
	struct ds_tdvf tdvf = { .n = 0 };
	struct ds_rd rd;
	size_t off = 0;
	int r;

	if (image.n > DS_TDVF_MAX_IMAGE)
		return ds_err_set(err, -EFBIG, DOMAIN, 0, "image of %zu bytes, at most %u", image.n,
				  DS_TDVF_MAX_IMAGE);
	r = ds_tdvf_table_offset(image, metadata_guid, &off, err);
	if (r == -ENOENT)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0,
				  "no TDX metadata in the GUID table: not a TDX firmware");
	if (r)
		return r;
	rd = ds_rd_init(DS_SPAN(image.p + off, image.n - off));
	if (err)
		*err = DS_ERR_NULL;
	r = parse_sections(&rd, image, &tdvf, err);
	if (r && err && !err->code)
		return ds_err_set(err, r, DOMAIN, off + ds_rd_pos(&rd), "descriptor ends early");
	if (r)
		return r;
	*ret = tdvf;
	return 0;
}

static int add_page(uint64_t gpa, ds_tdvf_sink sink, void *ctx)
{
	uint8_t rec[RECORD] = "MEM.PAGE.ADD";

	ds_put_u64le(rec + 16, gpa);
	return sink(ctx, DS_SPAN_ARRAY(rec));
}

/* Memory behind the section's file data is zero. */
static int extend_page(const struct ds_tdvf_section *s, uint64_t off, ds_tdvf_sink sink, void *ctx)
{
	for (uint64_t at = off; at < off + PAGE; at += CHUNK) {
		uint8_t rec[RECORD] = "MR.EXTEND", chunk[CHUNK] = { 0 };
		size_t n = at < s->data.n ? (size_t)(s->data.n - at) : 0;

		ds_put_u64le(rec + 16, s->gpa + at);
		DS_TRY(sink(ctx, DS_SPAN_ARRAY(rec)));
		if (n)
			memcpy(chunk, s->data.p + at, n < CHUNK ? n : CHUNK);
		DS_TRY(sink(ctx, DS_SPAN_ARRAY(chunk)));
	}
	return 0;
}

int ds_tdvf_mrtd_stream(const struct ds_tdvf *tdvf, bool two_pass, ds_tdvf_sink sink, void *ctx)
{
	for (size_t i = 0; i < tdvf->n; i++) {
		const struct ds_tdvf_section *s = &tdvf->s[i];
		bool add = !(s->attr & DS_TDVF_PAGE_AUG), extend = s->attr & DS_TDVF_MR_EXTEND;

		if (!add && !extend)
			continue;
		for (uint64_t off = 0; off < s->mem_size; off += PAGE) {
			if (add)
				DS_TRY(add_page(s->gpa + off, sink, ctx));
			if (extend && !two_pass)
				DS_TRY(extend_page(s, off, sink, ctx));
		}
		for (uint64_t off = 0; extend && two_pass && off < s->mem_size; off += PAGE)
			DS_TRY(extend_page(s, off, sink, ctx));
	}
	return 0;
}
