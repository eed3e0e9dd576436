// SPDX-License-Identifier: Apache-2.0
/*
 * Authenticode coverage of a PE image, see ds/wire/pe.h; the rules are those of spec/boot.md 5.4.
 */
#include <ds/base/rd.h>
#include <ds/wire/pe.h>

#define DOMAIN	     "pe"
#define COFF_SIZE    24u /* "PE\0\0" and the COFF header */
#define OPT_CHECKSUM 64u
#define OPT_HEADERS  60u
#define DIR_SECURITY 4u
#define SECTION_SIZE 40u

struct layout {
	size_t checksum; /* u32, not hashed */
	size_t security; /* directory entry, not hashed; 0: the image has none */
	size_t headers;	 /* end of the headers */
	size_t sections; /* section table */
	size_t n_sections;
	size_t cert_size; /* bytes of the certificate table at the end of the file */
};

static int bad(struct ds_err *err, size_t at, const char *what)
{
	return ds_err_set(err, -EBADMSG, DOMAIN, at, "%s", what);
}

static int parse_headers(struct ds_span in, struct layout *l, struct ds_err *err)
{
	size_t pe, opt, opt_size, dirs, n_dirs_at;
	uint16_t magic;

	if (in.n < 64 || memcmp(in.p, "MZ", 2) != 0)
		return bad(err, 0, "no MZ header");
	pe = ds_get_u32le(in.p + 60);
	if (pe > in.n || in.n - pe < COFF_SIZE || memcmp(in.p + pe, "PE\0\0", 4) != 0)
		return bad(err, 60, "no PE header where the MZ header says");
	l->n_sections = ds_get_u16le(in.p + pe + 6);
	opt_size = ds_get_u16le(in.p + pe + 20);
	opt = pe + COFF_SIZE;
	if (opt_size > in.n - opt || opt_size < OPT_CHECKSUM + 4)
		return bad(err, pe + 20, "optional header does not fit");
	magic = ds_get_u16le(in.p + opt);
	if (magic != 0x10b && magic != 0x20b)
		return bad(err, opt, "neither PE32 nor PE32+");
	dirs = opt + (magic == 0x10b ? 96 : 112);
	n_dirs_at = dirs - 4;
	if (opt_size < dirs - opt)
		return bad(err, opt, "optional header without data directories");
	if (ds_get_u32le(in.p + n_dirs_at) > DIR_SECURITY) {
		l->security = dirs + 8 * DIR_SECURITY;
		if (opt_size < l->security + 8 - opt)
			return bad(err, n_dirs_at,
				   "data directories do not fit the optional header");
		l->cert_size = ds_get_u32le(in.p + l->security + 4);
	}
	l->checksum = opt + OPT_CHECKSUM;
	l->sections = opt + opt_size;
	l->headers = ds_get_u32le(in.p + opt + OPT_HEADERS);
	if (l->n_sections > DS_PE_MAX_SECTIONS || l->sections > in.n ||
	    l->n_sections * SECTION_SIZE > in.n - l->sections)
		return bad(err, pe + 6, "section table does not fit");
	if (l->headers > in.n || l->headers < l->sections + l->n_sections * SECTION_SIZE)
		return bad(err, opt + OPT_HEADERS, "size of headers is out of range");
	return 0;
}

static void add_part(struct ds_pe_parts *parts, struct ds_span in, size_t from, size_t to)
{
	if (to > from)
		parts->part[parts->n++] = DS_SPAN(in.p + from, to - from);
}

/* Sections with content, by file offset, cut at the end of the file. ret_hashed: bytes of them. */
static int add_sections(struct ds_span in, const struct layout *l, struct ds_pe_parts *parts,
			size_t *ret_hashed, struct ds_err *err)
{
	size_t first = parts->n, hashed = 0;

	for (size_t i = 0; i < l->n_sections; i++) {
		const uint8_t *s = in.p + l->sections + i * SECTION_SIZE;
		size_t size = ds_get_u32le(s + 16), off = ds_get_u32le(s + 20), k;

		if (!size)
			continue;
		if (off > in.n)
			return bad(err, l->sections + i * SECTION_SIZE,
				   "section starts behind the end of the file");
		if (size > in.n - off)
			size = in.n - off;
		hashed += size;
		for (k = parts->n; k > first && parts->part[k - 1].p > in.p + off; k--)
			parts->part[k] = parts->part[k - 1];
		parts->part[k] = DS_SPAN(in.p + off, size);
		parts->n++;
	}
	*ret_hashed = hashed;
	return 0;
}

int ds_pe_authenticode(struct ds_span in, struct ds_pe_parts *ret, struct ds_err *err)
{
	static const uint8_t zero[8];
	struct ds_pe_parts parts = { .n = 0 };
	struct layout l = { 0 };
	size_t hashed = 0;

	DS_TRY(parse_headers(in, &l, err));
	add_part(&parts, in, 0, l.checksum);
	add_part(&parts, in, l.checksum + 4, l.security ? l.security : l.headers);
	if (l.security)
		add_part(&parts, in, l.security + 8, l.headers);
	DS_TRY(add_sections(in, &l, &parts, &hashed, err));
	hashed += l.headers;
	if (l.cert_size && (l.cert_size > in.n || hashed > in.n - l.cert_size))
		return bad(err, l.security, "certificate table overlaps what is hashed");
	if (l.cert_size)
		add_part(&parts, in, hashed, in.n - l.cert_size);
	/*
	 * Without a certificate table the reference hashes nothing behind the sections, firmware
	 * would: an image that has such bytes cannot be measured alike by both.
	 */
	else if (hashed < in.n)
		return bad(err, hashed, "bytes behind the last section, but no certificate table");
	if (in.n % 8)
		parts.part[parts.n++] = DS_SPAN(zero, 8 - in.n % 8);
	*ret = parts;
	return 0;
}
