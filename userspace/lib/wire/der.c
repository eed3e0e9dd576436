// SPDX-License-Identifier: Apache-2.0
/* DER elements, see der.h. */
#include "der.h"

int ds_der_rd(struct ds_rd *rd, uint8_t tag, struct ds_rd *ret)
{
	struct ds_rd look = *rd;
	uint16_t wide;
	uint8_t t, len;
	size_t n;

	DS_TRY(ds_rd_u8(&look, &t));
	DS_TRY(ds_rd_u8(&look, &len));
	n = len;
	if (t != tag)
		return -EBADMSG;
	if (len == 0x81) {
		DS_TRY(ds_rd_u8(&look, &len));
		n = len;
		if (n < 0x80)
			return -EBADMSG;
	} else if (len == 0x82) {
		DS_TRY(ds_rd_u16be(&look, &wide));
		n = wide;
		if (n < 0x100)
			return -EBADMSG;
	} else if (len & 0x80) {
		return -EBADMSG;
	}
	DS_TRY(ds_rd_block(&look, n, ret));
	*rd = look;
	return 0;
}

int ds_der_rd_u32(struct ds_rd *rd, uint8_t tag, uint32_t max, uint32_t *ret)
{
	uint32_t v = 0;
	struct ds_rd in;
	uint8_t b, first;
	size_t n;

	DS_TRY(ds_der_rd(rd, tag, &in));
	n = ds_rd_left(&in);
	if (n < 1 || n > 4)
		return -EBADMSG;
	first = *in.p;
	if (first & 0x80 || (n > 1 && !first && !(in.p[1] & 0x80)))
		return -EBADMSG;
	while (ds_rd_left(&in)) {
		DS_TRY(ds_rd_u8(&in, &b));
		v = v << 8 | b;
	}
	if (v > max)
		return -EBADMSG;
	*ret = v;
	return 0;
}

int ds_der_rd_bool(struct ds_rd *rd, bool *ret)
{
	struct ds_rd v;
	uint8_t b;

	DS_TRY(ds_der_rd(rd, DS_DER_BOOLEAN, &v));
	DS_TRY(ds_rd_u8(&v, &b));
	if (b != 0 && b != 0xff)
		return -EBADMSG;
	*ret = b != 0;
	return ds_rd_end(&v);
}
