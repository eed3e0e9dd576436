/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TDX firmware metadata (TDVF) and the two byte streams made from it: the one whose SHA-384 is MRTD
 * and the TD HOB list that the firmware measures into RTMR0. Pure: no hashing, no I/O. Section data
 * points into the caller's image.
 */
#ifndef DS_WIRE_TDVF_H
#define DS_WIRE_TDVF_H

#include <ds/base/base.h>

#define DS_TDVF_MAX_SECTIONS 32u
#define DS_TDVF_MAX_IMAGE    (64u << 20) /* bytes of firmware */
#define DS_TDVF_MAX_PAGES    16384u	 /* pages added to the TD before it runs, 64 MiB */
#define DS_TDVF_MAX_MEMORY   (1ull << 46)

/* Section types that matter here; others are only added and measured. */
#define DS_TDVF_TD_HOB	 2u
#define DS_TDVF_TEMP_MEM 3u
/* Attributes. */
#define DS_TDVF_MR_EXTEND 1u
#define DS_TDVF_PAGE_AUG  2u

struct ds_tdvf_section {
	uint64_t gpa;
	uint64_t mem_size; /* multiple of 4096, at least data.n */
	uint32_t type;
	uint32_t attr;
	struct ds_span data;
};

struct ds_tdvf {
	struct ds_tdvf_section s[DS_TDVF_MAX_SECTIONS];
	size_t n;
};

/* -EBADMSG when the image has no well-formed TDVF descriptor, -EFBIG above the limits. */
DS_MUST int ds_tdvf_parse(struct ds_span image, struct ds_tdvf *ret, struct ds_err *err);

/*
 * The table of GUIDs at the end of a firmware image, walked backwards from its footer: each entry
 * is data, u16 length, GUID; the length counts all three. ret: the entry's data. -ENOENT: no such
 * entry (err untouched); -EBADMSG: no table, or lengths that do not fit.
 */
DS_MUST int ds_tdvf_table(struct ds_span image, const uint8_t guid[16], struct ds_span *ret,
			  struct ds_err *err);
/* The same for an entry that ends with a u32 distance from the end of the image. */
DS_MUST int ds_tdvf_table_offset(struct ds_span image, const uint8_t guid[16], size_t *ret,
				 struct ds_err *err);

/* Receives the stream piece by piece; a non-zero return stops the walk and is passed up. */
typedef int (*ds_tdvf_sink)(void *ctx, struct ds_span piece);

/*
 * The stream of TDH.MEM.PAGE.ADD and TDH.MR.EXTEND records. two_pass: all ADDs of a section, then
 * its EXTENDs (older VMMs); otherwise page by page.
 */
DS_MUST int ds_tdvf_mrtd_stream(const struct ds_tdvf *tdvf, bool two_pass, ds_tdvf_sink sink,
				void *ctx);

/* The HOB list for a TD with this much memory, as measured: without its end-of-list entry. */
DS_MUST int ds_tdvf_hob(const struct ds_tdvf *tdvf, uint64_t memory, struct ds_buf *ret,
			struct ds_err *err);

#endif
