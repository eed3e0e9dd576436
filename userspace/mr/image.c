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

/* An image that brings its firmware is measured with that one, and the list names it first. */
static int load_firmware(int dir, const char *path, struct ds_buf *ret, struct ds_buf *list,
			 struct ds_err *err)
{
	int r = ds_read_file(dir, FIRMWARE, DS_TDVF_MAX_IMAGE, ret);

	if (!r)
		return add_sum(list, FIRMWARE, ds_buf_span(ret));
	if (r != -ENOENT)
		return ds_err_set(err, r, "image", 0, FIRMWARE ": %s", strerror(-r));
	return load(AT_FDCWD, path, DS_TDVF_MAX_IMAGE, ret, err);
}

int mr_image(int dir, const char *firmware, const struct mr_machine *m, uint8_t ret_hash[32],
	     struct mr_result *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf fw = DS_BUF_NULL, kernel = DS_BUF_NULL, initrd = DS_BUF_NULL,
			     meta = DS_BUF_NULL;
	DS_BUF struct ds_buf cmdline = DS_BUF_NULL, json = DS_BUF_NULL, list = DS_BUF_NULL;
	struct mr_input in = { .memory = m->memory };
	struct mr_result mr;

	DS_TRY(load_firmware(dir, firmware, &fw, &list, err));
	DS_TRY(load(dir, KERNEL, MR_MAX_KERNEL, &kernel, err));
	DS_TRY(load(dir, INITRD, MR_MAX_INITRD, &initrd, err));
	DS_TRY(load(dir, METADATA, MAX_METADATA, &meta, err));
	DS_TRY(parse_metadata(ds_buf_span(&meta), &cmdline, err));
	in.firmware = ds_buf_span(&fw);
	in.kernel = ds_buf_span(&kernel);
	in.initrd = ds_buf_span(&initrd);
	in.cmdline = ds_buf_cstr(&cmdline);
	if (!in.cmdline)
		return -ENOMEM;
	DS_TRY(mr_measure(&in, &mr, err));
	DS_TRY(mr_json(&mr, m, &json));
	DS_TRY(add_sum(&list, KERNEL, in.kernel));
	DS_TRY(add_sum(&list, INITRD, in.initrd));
	DS_TRY(add_sum(&list, METADATA, ds_buf_span(&meta)));
	DS_TRY(add_sum(&list, MEASUREMENT, ds_buf_span(&json)));
	DS_TRY(save(dir, MEASUREMENT, &json, err));
	DS_TRY(save(dir, "sha256sum.txt", &list, err));
	DS_TRY(ds_sha256_1(ds_buf_span(&list), ret_hash));
	*ret = mr;
	return 0;
}
