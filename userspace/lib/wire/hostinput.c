// SPDX-License-Identifier: Apache-2.0
/* Host input blob: encode and decode. See the header for the layout. */
#include <ds/base/limits.h>
#include <ds/base/rd.h>
#include <ds/wire/hostinput.h>

static const struct {
	const char *name;
	size_t max;
} kinds[DS_HI_KINDS] = {
	[DS_HI_APP_COMPOSE] = { "app-compose.json", DS_MAX_APP_COMPOSE },
	[DS_HI_SYS_CONFIG] = { ".sys-config.json", DS_MAX_SYS_CONFIG },
	[DS_HI_INSTANCE_INFO] = { ".instance_info", DS_MAX_INSTANCE_INFO },
	[DS_HI_ENCRYPTED_ENV] = { ".encrypted-env", DS_MAX_ENCRYPTED_ENV },
	[DS_HI_USER_CONFIG] = { ".user-config", DS_MAX_USER_CONFIG },
	[DS_HI_KMS_COLLATERAL] = { ".kms-collateral", DS_MAX_COLLATERAL },
};

const char *ds_hostinput_name(unsigned int kind)
{
	return kind < DS_HI_KINDS ? kinds[kind].name : NULL;
}

size_t ds_hostinput_max(unsigned int kind)
{
	return kind < DS_HI_KINDS ? kinds[kind].max : 0;
}

static int check_required(const struct ds_hostinput *hi, size_t pos, struct ds_err *err)
{
	for (unsigned int k = DS_HI_APP_COMPOSE; k <= DS_HI_SYS_CONFIG; k++)
		if (!hi->has[k] || !hi->item[k].n)
			return ds_err_set(err, -EBADMSG, "hostinput", pos, "%s is %s, expected it",
					  kinds[k].name, hi->has[k] ? "empty" : "missing");
	return 0;
}

static int read_head(struct ds_rd *rd, size_t total, uint32_t *ret_count, struct ds_err *err)
{
	uint8_t magic[8];
	uint32_t size, count;

	if (total > DS_MAX_HOST_INPUT)
		return ds_err_set(err, -EFBIG, "hostinput", 0,
				  "blob: %zu bytes, at most %u expected", total, DS_MAX_HOST_INPUT);
	if (ds_rd_copy(rd, magic, sizeof(magic)) || ds_rd_u32le(rd, &size) ||
	    ds_rd_u32le(rd, &count))
		return ds_err_set(err, -EBADMSG, "hostinput", ds_rd_pos(rd),
				  "blob: %zu bytes, at least %u expected", total,
				  DS_HOSTINPUT_HEAD);
	if (memcmp(magic, DS_HOSTINPUT_MAGIC, sizeof(magic)))
		return ds_err_set(err, -EBADMSG, "hostinput", 0, "magic: expected %s",
				  DS_HOSTINPUT_MAGIC);
	if (size != total)
		return ds_err_set(err, -EBADMSG, "hostinput", 8,
				  "total size: header says %u, blob has %zu", size, total);
	if (count >= DS_HI_KINDS)
		return ds_err_set(err, -EBADMSG, "hostinput", 12,
				  "item count: %u, at most %u expected", count, DS_HI_KINDS - 1);
	*ret_count = count;
	return 0;
}

static int read_item(struct ds_rd *rd, struct ds_hostinput *hi, struct ds_err *err)
{
	size_t at = ds_rd_pos(rd);
	uint32_t kind, len;
	struct ds_span s;

	if (ds_rd_u32le(rd, &kind) || ds_rd_u32le(rd, &len))
		return ds_err_set(err, -EBADMSG, "hostinput", at, "item: head is cut short");
	if (!ds_hostinput_name(kind))
		return ds_err_set(err, -EBADMSG, "hostinput", at, "item: unknown kind %u", kind);
	if (hi->has[kind])
		return ds_err_set(err, -EBADMSG, "hostinput", at, "%s: given twice",
				  kinds[kind].name);
	if (len > kinds[kind].max)
		return ds_err_set(err, -EFBIG, "hostinput", at,
				  "%s: %u bytes, at most %zu expected", kinds[kind].name, len,
				  kinds[kind].max);
	if (ds_rd_span(rd, len, &s))
		return ds_err_set(err, -EBADMSG, "hostinput", at, "%s: %u bytes declared, %zu left",
				  kinds[kind].name, len, ds_rd_left(rd));
	hi->has[kind] = true;
	hi->item[kind] = s;
	return 0;
}

int ds_hostinput_decode(struct ds_span in, struct ds_hostinput *ret, struct ds_err *err)
{
	struct ds_rd rd = ds_rd_init(in);
	struct ds_hostinput hi = { 0 };
	uint32_t count;

	DS_TRY(read_head(&rd, in.n, &count, err));
	for (uint32_t i = 0; i < count; i++)
		DS_TRY(read_item(&rd, &hi, err));
	if (ds_rd_end(&rd))
		return ds_err_set(err, -EBADMSG, "hostinput", ds_rd_pos(&rd),
				  "blob: %zu bytes after the last item", ds_rd_left(&rd));
	DS_TRY(check_required(&hi, in.n, err));
	*ret = hi;
	return 0;
}

int ds_hostinput_encode(const struct ds_hostinput *in, struct ds_buf *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf items = DS_BUF_NULL;
	uint32_t count = 0;

	DS_TRY(check_required(in, 0, err));
	for (unsigned int k = 0; k < DS_HI_KINDS; k++) {
		if (!in->has[k])
			continue;
		if (!kinds[k].name)
			return ds_err_set(err, -EINVAL, "hostinput", 0, "item: unknown kind %u", k);
		if (in->item[k].n > kinds[k].max)
			return ds_err_set(err, -EFBIG, "hostinput", 0,
					  "%s: %zu bytes, at most %zu expected", kinds[k].name,
					  in->item[k].n, kinds[k].max);
		DS_TRY(ds_buf_add_u32le(&items, k));
		DS_TRY(ds_buf_add_u32le(&items, (uint32_t)in->item[k].n));
		DS_TRY(ds_buf_add_span(&items, in->item[k]));
		count++;
	}
	if (items.n + DS_HOSTINPUT_HEAD > DS_MAX_HOST_INPUT)
		return ds_err_set(err, -EFBIG, "hostinput", 0,
				  "blob: %zu bytes, at most %u expected",
				  items.n + DS_HOSTINPUT_HEAD, DS_MAX_HOST_INPUT);
	DS_TRY(ds_buf_reserve(ret, items.n + DS_HOSTINPUT_HEAD));
	DS_TRY(ds_buf_add_span(ret, DS_SPAN_LIT(DS_HOSTINPUT_MAGIC)));
	DS_TRY(ds_buf_add_u32le(ret, (uint32_t)items.n + DS_HOSTINPUT_HEAD));
	DS_TRY(ds_buf_add_u32le(ret, count));
	return ds_buf_add_span(ret, ds_buf_span(&items));
}
