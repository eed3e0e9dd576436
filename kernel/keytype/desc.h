/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptions of keys of type "dstack", parsed.
 *
 * Pure functions over text that anybody may have written. A parsed description borrows the text it
 * came from and is valid as long as that is. The grammar is in
 * Documentation/ABI/testing/key-type-dstack.
 */
#ifndef DS_KEYTYPE_DESC_H
#define DS_KEYTYPE_DESC_H

#include <linux/types.h>

#define DS_KEY_PATH_MAX		1024	/* decoded bytes */
#define DS_KEY_PURPOSE_MAX	256	/* decoded bytes */
#define DS_KEY_LABEL_MAX	64
#define DS_KEY_VOLUME_MAX	96	/* bytes of a volume key */

enum ds_key_class { DS_KEY_ROOT, DS_KEY_APP, DS_KEY_VOLUME };

enum ds_root_name { DS_ROOT_K256, DS_ROOT_DISK, DS_ROOT_ENV, DS_ROOT_COUNT };

/**
 * struct ds_key_desc - what a description says
 * @class: which of the three grammars it follows
 * @epoch: generation of the root key, 0 if left out
 * @root: name of the root key (class root)
 * @take_once: the key may be read once (class root)
 * @path: the path as it is spelled, with escapes, not terminated (class app)
 * @path_len: bytes of the path once decoded (class app)
 * @label: name of the volume, not terminated (class volume)
 * @label_len: bytes of the label (class volume)
 * @size: bytes of the volume's key (class volume)
 */
struct ds_key_desc {
	enum ds_key_class class;
	u32 epoch;
	enum ds_root_name root;
	bool take_once;
	const char *path;
	size_t path_len;
	const char *label;
	size_t label_len;
	unsigned int size;
};

/*
 * 0, -EINVAL, -ENAMETOOLONG (path, purpose, label) or -EOPNOTSUPP (alg, size); @ret_desc is set on
 * success.
 */
int __must_check ds_key_desc_parse(const char *text, struct ds_key_desc *ret_desc);

/* Write the decoded path, exactly desc->path_len bytes. */
void ds_key_desc_path(const struct ds_key_desc *desc, u8 *ret_path);

#endif /* DS_KEYTYPE_DESC_H */
