// SPDX-License-Identifier: Apache-2.0
/*
 * dstack-mr image: measurement.json, sha256sum.txt and os_image_hash of an image directory
 * (spec/boot.md 1.6).
 */
#include "mr.h"

#include <jansson.h>

#include <ds/base/file.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>

#define MAX_METADATA (64u << 10)
#define KERNEL	     "bzImage"
#define INITRD	     "initramfs.cpio.gz"
#define METADATA     "metadata.json"
#define MEASUREMENT  "measurement.json"
#define FIRMWARE     "ovmf.fd"

static void unref(json_t **j)
{
	json_decref(*j);
}

static int load(int dir, const char *name, size_t max, struct ds_buf *ret, struct ds_err *err)
{
	int r = ds_read_file(dir, name, max, ret);

	return r ? ds_err_set(err, r, "image", 0, "%s: %s", name, strerror(-r)) : 0;
}

/* A name in metadata.json that we do not hash would be a file that nobody checks. */
static int check_name(json_t *meta, const char *key, const char *want, struct ds_err *err)
{
	const char *name = json_string_value(json_object_get(meta, key));

	if (name && strcmp(name, want))
		return ds_err_set(err, -EBADMSG, "image", 0, METADATA ": %s is '%s', expected '%s'",
				  key, name, want);
	return 0;
}

static int parse_metadata(struct ds_span in, struct ds_buf *ret_cmdline, struct ds_err *err)
{
	DS_CLEANUP(unref)
	json_t *meta = NULL;
	json_error_t je;
	const char *cmdline;

	meta = json_loadb((const char *)in.p, in.n, JSON_REJECT_DUPLICATES, &je);
	if (!json_is_object(meta))
		return ds_err_set(err, -EBADMSG, "image", 0, METADATA ": %s",
				  meta ? "not a JSON object" : je.text);
	DS_TRY(check_name(meta, "kernel", KERNEL, err));
	DS_TRY(check_name(meta, "initrd", INITRD, err));
	cmdline = json_string_value(json_object_get(meta, "cmdline"));
	if (!cmdline || strlen(cmdline) != json_string_length(json_object_get(meta, "cmdline")))
		return ds_err_set(err, -EBADMSG, "image", 0,
				  METADATA ": no usable string 'cmdline'");
	return ds_buf_addf(ret_cmdline, "%s", cmdline);
}

static int add_sum(struct ds_buf *list, const char *name, struct ds_span content)
{
	uint8_t hash[DS_SHA256_SIZE];

	DS_TRY(ds_sha256_1(content, hash));
	DS_TRY(ds_buf_add_hex(list, DS_SPAN_ARRAY(hash)));
	return ds_buf_addf(list, "  %s\n", name);
}

static int save(int dir, const char *name, const struct ds_buf *content, struct ds_err *err)
{
	int r = ds_write_file_atomic(dir, name, ds_buf_span(content), 0644);

	return r ? ds_err_set(err, r, "image", 0, "%s: %s", name, strerror(-r)) : 0;
}

void mr_files_done(struct mr_files *f)
{
	ds_buf_done(&f->firmware);
	ds_buf_done(&f->kernel);
	ds_buf_done(&f->initrd);
	ds_buf_done(&f->metadata);
	ds_buf_done(&f->cmdline);
}

/* An image that brings its firmware is measured with that one. */
static int load_firmware(int dir, const char *path, struct mr_files *f, struct ds_err *err)
{
	int r = ds_read_file(dir, FIRMWARE, DS_TDVF_MAX_IMAGE, &f->firmware);

	f->own_firmware = !r;
	if (!r)
		return 0;
	if (r != -ENOENT)
		return ds_err_set(err, r, "image", 0, FIRMWARE ": %s", strerror(-r));
	return load(AT_FDCWD, path, DS_TDVF_MAX_IMAGE, &f->firmware, err);
}

int mr_files_load(int dir, const char *firmware, struct mr_files *ret, struct mr_input *ret_in,
		  struct ds_err *err)
{
	DS_TRY(load_firmware(dir, firmware, ret, err));
	DS_TRY(load(dir, KERNEL, MR_MAX_KERNEL, &ret->kernel, err));
	DS_TRY(load(dir, INITRD, MR_MAX_INITRD, &ret->initrd, err));
	DS_TRY(load(dir, METADATA, MAX_METADATA, &ret->metadata, err));
	DS_TRY(parse_metadata(ds_buf_span(&ret->metadata), &ret->cmdline, err));
	ret_in->firmware = ds_buf_span(&ret->firmware);
	ret_in->kernel = ds_buf_span(&ret->kernel);
	ret_in->initrd = ds_buf_span(&ret->initrd);
	ret_in->cmdline = ds_buf_cstr(&ret->cmdline);
	return ret_in->cmdline ? 0 : -ENOMEM;
}

int mr_image(int dir, const char *firmware, const struct mr_machine *m, uint8_t ret_hash[32],
	     struct mr_result *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf json = DS_BUF_NULL, list = DS_BUF_NULL;
	MR_FILES struct mr_files f = MR_FILES_NULL;
	struct mr_source src;
	struct mr_input in;
	struct mr_result mr;

	DS_TRY(mr_files_load(dir, firmware, &f, &in, err));
	DS_TRY(mr_source_files(&in, m->memory, &src, err));
	DS_TRY(mr_measure(&src, m, &mr, err));
	DS_TRY(mr_json(&mr, m, &json));
	if (f.own_firmware)
		DS_TRY(add_sum(&list, FIRMWARE, in.firmware));
	DS_TRY(add_sum(&list, KERNEL, in.kernel));
	DS_TRY(add_sum(&list, INITRD, in.initrd));
	DS_TRY(add_sum(&list, METADATA, ds_buf_span(&f.metadata)));
	DS_TRY(add_sum(&list, MEASUREMENT, ds_buf_span(&json)));
	DS_TRY(save(dir, MEASUREMENT, &json, err));
	DS_TRY(save(dir, "sha256sum.txt", &list, err));
	DS_TRY(ds_sha256_1(ds_buf_span(&list), ret_hash));
	*ret = mr;
	return 0;
}
