// SPDX-License-Identifier: Apache-2.0
/* RLP: one byte of head tells kind and length, or how long the length is. */
#include <ds/eth/rlp.h>

#define DOM	   "rlp"
#define STR	   0x80u /* a string of 0 to 55 bytes; below it a byte stands for itself */
#define LIST	   0xc0u
#define SHORT_MAX  55u
#define LEN_OF_LEN 3u /* nothing that we read is longer than 16 MiB */

/* Length of the body behind an item's head of ret_head bytes. */
static int head(struct ds_span in, unsigned base, size_t *ret_head, size_t *ret_body,
		struct ds_err *err)
{
	size_t code = in.p[0] - base, n = 0;

	if (code <= SHORT_MAX) {
		*ret_head = 1;
		*ret_body = code;
		return 0;
	}
	code -= SHORT_MAX; /* bytes of the length */
	if (code > LEN_OF_LEN)
		return ds_err_set(err, -EFBIG, DOM, 0, "item has a length of %zu bytes", code);
	if (in.n < 1 + code)
		return ds_err_set(err, -EBADMSG, DOM, 0, "length is cut short");
	for (size_t i = 1; i <= code; i++)
		n = n << 8 | in.p[i];
	if (!in.p[1] || n <= SHORT_MAX)
		return ds_err_set(err, -EBADMSG, DOM, 0, "length is not written the shortest way");
	*ret_head = 1 + code;
	*ret_body = n;
	return 0;
}

int ds_rlp_next(struct ds_span *in, struct ds_rlp *ret, struct ds_err *err)
{
	struct ds_rlp item = { 0 };
	size_t head_n = 0, n = 1;

	if (!in->n)
		return ds_err_set(err, -EBADMSG, DOM, 0, "expected an item, got the end");
	item.list = in->p[0] >= LIST;
	if (in->p[0] >= STR)
		DS_TRY(head(*in, item.list ? LIST : STR, &head_n, &n, err));
	if (in->n - head_n < n)
		return ds_err_set(err, -EBADMSG, DOM, 0, "item of %zu bytes, %zu are there", n,
				  in->n - head_n);
	item.body = DS_SPAN(in->p + head_n, n);
	item.whole = DS_SPAN(in->p, head_n + n);
	if (!item.list && head_n && n == 1 && item.body.p[0] < STR)
		return ds_err_set(err, -EBADMSG, DOM, 0, "byte is not written the shortest way");
	*in = DS_SPAN(in->p + head_n + n, in->n - head_n - n);
	*ret = item;
	return 0;
}

int ds_rlp_single(struct ds_span in, struct ds_rlp *ret, struct ds_err *err)
{
	struct ds_rlp item;

	DS_TRY(ds_rlp_next(&in, &item, err));
	if (in.n)
		return ds_err_set(err, -EBADMSG, DOM, item.whole.n, "%zu bytes behind the item",
				  in.n);
	*ret = item;
	return 0;
}

int ds_rlp_items(struct ds_span list_body, struct ds_rlp *ret, size_t cap, size_t *ret_n,
		 struct ds_err *err)
{
	size_t n = 0;

	while (list_body.n) {
		if (n == cap)
			return ds_err_set(err, -EBADMSG, DOM, 0, "more than %zu items", cap);
		DS_TRY(ds_rlp_next(&list_body, &ret[n++], err));
	}
	*ret_n = n;
	return 0;
}
