// SPDX-License-Identifier: Apache-2.0
/*
 * The TD HOB list that a VMM gives to TDX firmware (UEFI PI hand-off blocks), see ds/wire/tdvf.h.
 */
#include <ds/base/rd.h>
#include <ds/wire/tdvf.h>

#define DOMAIN	       "tdvf"
#define GIB	       (1ull << 30)
#define LOW_TOP	       0xB0000000ull /* up to here a VM's memory stays in one piece below 4 GiB */
#define LOW_SPLIT      (2 * GIB)     /* a larger one keeps this much there */
#define HOB_HANDOFF    1u
#define HOB_RESOURCE   3u
#define HANDOFF_SIZE   56u
#define RES_SIZE       48u
#define RES_ACCEPTED   0u /* EFI_RESOURCE_SYSTEM_MEMORY */
#define RES_UNACCEPTED 7u /* EFI_RESOURCE_MEMORY_UNACCEPTED */
#define RES_ATTR       7u /* present, initialised, tested */

struct range {
	uint64_t start;
	uint64_t len;
};

/*
 * The ranges that exist before the firmware accepts memory: HOB and temporary memory, ascending,
 * apart, inside memory.
 */
static int accepted_ranges(const struct ds_tdvf *tdvf, uint64_t memory, struct range *ret,
			   size_t *ret_n, uint64_t *ret_hob, struct ds_err *err)
{
	size_t n = 0, hobs = 0, i;

	for (size_t k = 0; k < tdvf->n; k++) {
		const struct ds_tdvf_section *s = &tdvf->s[k];

		if (s->type != DS_TDVF_TD_HOB && s->type != DS_TDVF_TEMP_MEM)
			continue;
		if (s->type == DS_TDVF_TD_HOB) {
			*ret_hob = s->gpa;
			hobs++;
		}
		for (i = n; i > 0 && ret[i - 1].start > s->gpa; i--)
			ret[i] = ret[i - 1];
		ret[i] = (struct range){ s->gpa, s->mem_size };
		n++;
	}
	if (hobs != 1)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "%zu TD HOB sections, expected 1",
				  hobs);
	for (i = 0; i < n; i++) {
		uint64_t end;

		if (__builtin_add_overflow(ret[i].start, ret[i].len, &end) || end > memory)
			return ds_err_set(err, -EBADMSG, DOMAIN, 0,
					  "section at 0x%llx lies above %llu bytes of memory",
					  (unsigned long long)ret[i].start,
					  (unsigned long long)memory);
		if (i + 1 < n && end > ret[i + 1].start)
			return ds_err_set(err, -EBADMSG, DOMAIN, 0,
					  "sections at 0x%llx and 0x%llx overlap",
					  (unsigned long long)ret[i].start,
					  (unsigned long long)ret[i + 1].start);
	}
	*ret_n = n;
	return 0;
}

static int add_resource(struct ds_buf *buf, uint32_t type, uint64_t start, uint64_t len)
{
	DS_TRY(ds_buf_add_u16le(buf, HOB_RESOURCE));
	DS_TRY(ds_buf_add_u16le(buf, RES_SIZE));
	DS_TRY(ds_buf_add_zero(buf, 4 + 16)); /* reserved, owner GUID */
	DS_TRY(ds_buf_add_u32le(buf, type));
	DS_TRY(ds_buf_add_u32le(buf, RES_ATTR));
	DS_TRY(ds_buf_add_u64le(buf, start));
	return ds_buf_add_u64le(buf, len);
}

/* Memory from start to the end, with the hole below 4 GiB that a VM of this size has. */
static int add_rest(struct ds_buf *buf, uint64_t start, uint64_t memory)
{
	if (memory < LOW_TOP)
		return add_resource(buf, RES_UNACCEPTED, start, memory - start);
	if (start < LOW_SPLIT)
		DS_TRY(add_resource(buf, RES_UNACCEPTED, start, LOW_SPLIT - start));
	if (memory > LOW_SPLIT)
		DS_TRY(add_resource(buf, RES_UNACCEPTED, 4 * GIB, memory - LOW_SPLIT));
	return 0;
}

static int add_handoff(struct ds_buf *buf)
{
	DS_TRY(ds_buf_add_u16le(buf, HOB_HANDOFF));
	DS_TRY(ds_buf_add_u16le(buf, HANDOFF_SIZE));
	DS_TRY(ds_buf_add_u32le(buf, 0));
	DS_TRY(ds_buf_add_u32le(buf, 9)); /* hand-off table version */
	return ds_buf_add_zero(buf, HANDOFF_SIZE - 12);
}

int ds_tdvf_hob(const struct ds_tdvf *tdvf, uint64_t memory, struct ds_buf *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL;
	struct range acc[DS_TDVF_MAX_SECTIONS];
	uint64_t hob = 0, at = 0;
	size_t n = 0;

	if (memory > DS_TDVF_MAX_MEMORY || memory % 4096)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0,
				  "memory of %llu bytes: whole pages up to %llu",
				  (unsigned long long)memory, DS_TDVF_MAX_MEMORY);
	DS_TRY(accepted_ranges(tdvf, memory, acc, &n, &hob, err));
	DS_TRY(add_handoff(&buf));
	for (size_t i = 0; i < n; i++) {
		if (at < acc[i].start)
			DS_TRY(add_resource(&buf, RES_UNACCEPTED, at, acc[i].start - at));
		DS_TRY(add_resource(&buf, RES_ACCEPTED, acc[i].start, acc[i].len));
		at = acc[i].start + acc[i].len;
	}
	DS_TRY(add_rest(&buf, at, memory));
	/* EfiEndOfHobList: just behind the end-of-list entry of 8 bytes. */
	ds_put_u64le(buf.p + HANDOFF_SIZE - 8, hob + buf.n + 8);
	*ret = ds_buf_steal(&buf);
	return 0;
}
