// SPDX-License-Identifier: Apache-2.0
/* Certificate extension .9, see ds/wire/appinfo.h. */
#include <ds/wire/appinfo.h>

#include <ds/base/rd.h>
#include <ds/wire/msgpack.h>

#define DOMAIN	    "app-info"
#define MAX_FIELD   64u
#define MAX_KP	    4096u
#define MAX_SCRIPTS 64u
#define N_BYTES	    8u /* the fields before init_script_hashes */
#define N_FIELDS    (N_BYTES + 1)

static const char *const names[N_FIELDS] = {
	"app_id",	 "compose_hash",  "instance_id",       "device_id",	    "mr_system",
	"mr_aggregated", "os_image_hash", "key_provider_info", "init_script_hashes"
};

/* Field i < N_BYTES, in the order on the wire. */
static struct ds_buf *byte_field(struct ds_app_info *info, size_t i)
{
	struct ds_buf *const fields[N_BYTES] = {
		&info->app_id,	      &info->compose_hash,	&info->instance_id,
		&info->device_id,     &info->mr_system,		&info->mr_aggregated,
		&info->os_image_hash, &info->key_provider_info,
	};

	return fields[i];
}

void ds_app_info_done(struct ds_app_info *info)
{
	for (size_t i = 0; i < N_BYTES; i++)
		ds_buf_done(byte_field(info, i));
	for (size_t i = 0; i < info->n_init_script_hashes; i++)
		ds_buf_done(&info->init_script_hashes[i]);
	free(info->init_script_hashes);
	*info = DS_APP_INFO_NULL;
}

int ds_app_info_encode(const struct ds_app_info *info, struct ds_buf *buf)
{
	struct ds_app_info view = *info; /* borrowed: byte_field() wants a mutable struct */
	DS_BUF struct ds_buf out = DS_BUF_NULL;

	if (info->n_init_script_hashes > MAX_SCRIPTS)
		return -EFBIG;
	DS_TRY(ds_mp_add_array(&out, N_FIELDS));
	for (size_t i = 0; i < N_BYTES; i++)
		DS_TRY(ds_mp_add_bin(&out, ds_buf_span(byte_field(&view, i))));
	if (!info->has_init_script_hashes) {
		DS_TRY(ds_mp_add_nil(&out));
	} else {
		DS_TRY(ds_mp_add_array(&out, (uint32_t)info->n_init_script_hashes));
		for (size_t i = 0; i < info->n_init_script_hashes; i++)
			DS_TRY(ds_mp_add_bin(&out, ds_buf_span(&info->init_script_hashes[i])));
	}
	return ds_buf_add_span(buf, ds_buf_span(&out));
}

static int read_scripts(struct ds_rd *rd, struct ds_app_info *info)
{
	struct ds_mp head;

	DS_TRY(ds_mp_rd(rd, &head));
	if (head.type == DS_MP_NIL)
		return 0;
	if (head.type != DS_MP_ARRAY)
		return -EBADMSG;
	if (head.num > MAX_SCRIPTS)
		return -EFBIG;
	info->has_init_script_hashes = true;
	info->init_script_hashes = calloc((size_t)head.num + 1, sizeof(*info->init_script_hashes));
	if (!info->init_script_hashes)
		return -ENOMEM;
	for (uint64_t i = 0; i < head.num; i++) {
		DS_TRY(ds_mp_rd_bytes(rd, MAX_FIELD, &info->init_script_hashes[i]));
		info->n_init_script_hashes++;
	}
	return 0;
}

static int read_field(struct ds_rd *rd, struct ds_app_info *info, size_t i)
{
	if (i == N_BYTES)
		return read_scripts(rd, info);
	return ds_mp_rd_bytes(rd, i == N_BYTES - 1 ? MAX_KP : MAX_FIELD, byte_field(info, i));
}

/* By position; the ninth is missing in older releases. */
static int read_array(struct ds_rd *rd, uint64_t n, struct ds_app_info *info, const char **field)
{
	if (n < N_BYTES || n > N_FIELDS)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		*field = names[i];
		DS_TRY(read_field(rd, info, i));
	}
	return 0;
}

static int read_by_name(struct ds_rd *rd, uint64_t n, struct ds_app_info *info, const char **field)
{
	bool seen[N_FIELDS] = { false };
	struct ds_mp key;
	size_t k;

	for (uint64_t i = 0; i < n; i++) {
		*field = "key";
		DS_TRY(ds_mp_rd(rd, &key));
		if (key.type != DS_MP_STR)
			return -EBADMSG;
		for (k = 0; k < N_FIELDS; k++)
			if (ds_span_eq(key.str, DS_SPAN_STR(names[k])))
				break;
		if (k == N_FIELDS) {
			DS_TRY(ds_mp_skip(rd));
			continue;
		}
		*field = names[k];
		if (seen[k])
			return -EBADMSG;
		seen[k] = true;
		DS_TRY(read_field(rd, info, k));
	}
	for (k = 0; k < N_BYTES; k++) {
		*field = names[k];
		if (!seen[k])
			return -EBADMSG;
	}
	return 0;
}

int ds_app_info_decode(struct ds_span in, struct ds_app_info *ret, struct ds_err *err)
{
	DS_APP_INFO struct ds_app_info info = DS_APP_INFO_NULL;
	struct ds_rd rd = ds_rd_init(in);
	const char *field = "head";
	struct ds_mp head;
	int r = ds_mp_rd(&rd, &head);

	if (!r && head.type == DS_MP_ARRAY)
		r = read_array(&rd, head.num, &info, &field);
	else if (!r && head.type == DS_MP_MAP)
		r = read_by_name(&rd, head.num, &info, &field);
	else if (!r)
		r = -EBADMSG;
	if (!r && ds_rd_end(&rd)) {
		field = "end";
		r = -EBADMSG;
	}
	if (r == -EBADMSG || r == -EFBIG)
		return ds_err_set(err, r, DOMAIN, ds_rd_pos(&rd), "%s: %s", field,
				  r == -EFBIG ? "too large" : "malformed, missing or twice");
	if (r)
		return r;
	*ret = info;
	info = DS_APP_INFO_NULL;
	return 0;
}
