// SPDX-License-Identifier: Apache-2.0
/* DER elements, see der.h. */
#include "der.h"

int ds_der_rd(struct ds_rd *rd, uint8_t tag, struct ds_rd *ret)
{
	struct ds_rd look = *rd;
	struct ds_span head, len;
	size_t n;

	DS_TRY(ds_rd_span(&look, 2, &head));
	if (head.p[0] != tag)
		return -EBADMSG;
	n = head.p[1];
	if (n == 0x81 || n == 0x82) {
		DS_TRY(ds_rd_span(&look, n - 0x80, &len));
		n = len.n == 1 ? len.p[0] : (size_t)(len.p[0] << 8 | len.p[1]);
		if (n < (len.n == 1 ? 0x80 : 0x100))
			return -EBADMSG;
	} else if (n & 0x80) {
		return -EBADMSG;
	}
	DS_TRY(ds_rd_block(&look, n, ret));
	*rd = look;
	return 0;
}

int ds_der_rd_exact(struct ds_rd *rd, uint8_t tag, size_t n, const uint8_t **ret)
{
	struct ds_rd in;

	DS_TRY(ds_der_rd(rd, tag, &in));
	if (ds_rd_left(&in) != n)
		return -EBADMSG;
	*ret = in.p;
	return 0;
}

int ds_der_rd_u32(struct ds_rd *rd, uint8_t tag, uint32_t max, uint32_t *ret)
{
	uint32_t v = 0;
	struct ds_rd in;
	size_t n;

	DS_TRY(ds_der_rd(rd, tag, &in));
	n = ds_rd_left(&in);
	if (n < 1 || n > 4)
		return -EBADMSG;
	if (in.p[0] & 0x80 || (n > 1 && !in.p[0] && !(in.p[1] & 0x80)))
		return -EBADMSG;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | in.p[i];
	if (v > max)
		return -EBADMSG;
	*ret = v;
	return 0;
}

int ds_der_rd_bool(struct ds_rd *rd, bool *ret)
{
	const uint8_t *p;

	DS_TRY(ds_der_rd_exact(rd, DS_DER_BOOLEAN, 1, &p));
	if (*p != 0 && *p != 0xff)
		return -EBADMSG;
	*ret = *p != 0;
	return 0;
}
