// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's parser of key descriptions, compiled for userspace. What it accepts must be the one
 * spelling of what it says: spelled again, it is the same text.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
#define __must_check __attribute__((warn_unused_result))

#include "../../kernel/keytype/desc.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_app(const struct ds_key_desc *desc, const char *text)
{
	u8 *path = malloc(desc->path_len ? desc->path_len : 1);	/* exact: ASan sees one byte more */
	char *again = malloc(5 + 3 * desc->path_len), *out;
	size_t i;

	must(path && again && desc->path_len <= DS_KEY_PATH_MAX);
	ds_key_desc_path(desc, path);
	out = stpcpy(again, "app:");
	for (i = 0; i < desc->path_len; i++)
		if (ds_must_escape(path[i]))
			out += sprintf(out, "%%%02X", path[i]);
		else
			*out++ = (char)path[i];
	must(!strncmp(again, text, (size_t)(out - again)));
	must(strchr(";@", text[out - again]));	/* or the end */
	free(path);
	free(again);
}

static void check_root(const struct ds_key_desc *desc, const char *text)
{
	char again[64];
	int n;

	must(desc->root < DS_ROOT_COUNT && !(desc->root == DS_ROOT_K256 && desc->take_once));
	n = snprintf(again, sizeof(again), "root:%s%s", ds_root_names[desc->root],
		     desc->take_once ? ";take-once" : "");
	must(!strncmp(again, text, (size_t)n));
	if (text[n]) {
		snprintf(again, sizeof(again), "@%" PRIu32, desc->epoch);
		must(!strcmp(again, text + n));
	} else {
		must(!desc->epoch);
	}
}

static void check_volume(const struct ds_key_desc *desc, const char *text)
{
	char again[128], whole[160];
	int n;

	must(desc->label_len && desc->label_len <= DS_KEY_LABEL_MAX);
	must(desc->size && desc->size <= DS_KEY_VOLUME_MAX);
	n = snprintf(again, sizeof(again), "volume:%.*s", (int)desc->label_len, desc->label);
	must(!strncmp(again, text, (size_t)n) && !strpbrk(again, " \t\n;@%\\"));
	if (desc->size != 64 || !strncmp(text + n, ";size=", 6))
		n += snprintf(again + n, sizeof(again) - (size_t)n, ";size=%u", desc->size);
	snprintf(whole, sizeof(whole), "%s@%" PRIu32, again, desc->epoch);
	must(!strcmp(text, whole) || (!desc->epoch && !strcmp(text, again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct ds_key_desc desc;
	int ret;

	must(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	ret = ds_key_desc_parse(text, &desc);
	if (!ret && desc.class == DS_KEY_APP)
		check_app(&desc, text);
	else if (!ret && desc.class == DS_KEY_VOLUME)
		check_volume(&desc, text);
	else if (!ret)
		check_root(&desc, text);
	else
		must(ret == -EINVAL || ret == -ENAMETOOLONG || ret == -EOPNOTSUPP);
	free(text);
	return 0;
}
