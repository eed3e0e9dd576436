// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parser of key descriptions.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>

#include "desc.h"

static const char *const ds_root_names[DS_ROOT_COUNT] = {
	[DS_ROOT_K256] = "k256",
	[DS_ROOT_DISK] = "disk",
	[DS_ROOT_ENV] = "env",
};

static const struct {
	const char *text;
	unsigned int bytes;
} ds_sizes[] = { { "32", 32 }, { "64", 64 }, { "96", DS_KEY_VOLUME_MAX }, {} };

static const char *const ds_algs[] = { "secp256k1", "k256", "ed25519", NULL };

/* Step over @prefix if the text starts with it. */
static bool ds_take(const char **text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*text, prefix, len))
		return false;
	*text += len;
	return true;
}

/* Step over @word if it is all there is before the next delimiter. */
static bool ds_take_word(const char **text, const char *word)
{
	size_t len = strcspn(*text, ";@");

	if (len != strlen(word) || memcmp(*text, word, len))
		return false;
	*text += len;
	return true;
}

static int ds_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -EINVAL;
}

/* Bytes that delimit, or that would garble the lines of /proc/keys. */
static bool ds_must_escape(u8 byte)
{
	return byte < 0x20 || byte == 0x7f || byte == '%' || byte == ';' || byte == '@';
}

/* Decode one byte and step over it. Only the canonical spelling is accepted. */
static int ds_take_byte(const char **text, u8 *ret_byte)
{
	const char *s = *text;
	int high, low;
	u8 byte = *s;

	if (byte != '%') {
		if (ds_must_escape(byte))
			return -EINVAL;
		*text = s + 1;
		*ret_byte = byte;
		return 0;
	}
	high = ds_hex_digit(s[1]);
	if (high < 0)
		return high;
	low = ds_hex_digit(s[2]);
	if (low < 0)
		return low;
	byte = high << 4 | low;
	if (!ds_must_escape(byte))
		return -EINVAL;
	*text = s + 3;
	*ret_byte = byte;
	return 0;
}

/* Step over escaped text up to a delimiter or the end. */
static int ds_take_text(const char **text, size_t max, size_t *ret_len)
{
	const char *s = *text;
	size_t len;
	u8 byte;
	int ret;

	for (len = 0; *s && *s != ';' && *s != '@'; len++) {
		if (len == max)
			return -ENAMETOOLONG;
		ret = ds_take_byte(&s, &byte);
		if (ret)
			return ret;
	}
	*text = s;
	*ret_len = len;
	return 0;
}

/* The optional epoch, which is always last. */
static int ds_take_epoch(const char **text, u32 *ret_epoch)
{
	const char *s = *text;
	u64 epoch = 0;

	if (*s == '@') {
		s++;
		if (*s < '0' || *s > '9' || (*s == '0' && s[1]))
			return -EINVAL;
		for (; *s >= '0' && *s <= '9'; s++) {
			epoch = epoch * 10 + (*s - '0');
			if (epoch > 0xffffffffU)
				return -EINVAL;
		}
	}
	if (*s)
		return -EINVAL;
	*text = s;
	*ret_epoch = epoch;
	return 0;
}

static int ds_take_purpose(const char **text)
{
	size_t len;
	int ret;

	if (!ds_take(text, ";purpose="))
		return 0;
	ret = ds_take_text(text, DS_KEY_PURPOSE_MAX, &len);
	if (ret)
		return ret;
	return len ? 0 : -EINVAL;
}

static int ds_take_alg(const char **text)
{
	size_t i;

	if (!ds_take(text, ";alg="))
		return 0;
	if (!strcspn(*text, ";@"))
		return -EINVAL;
	for (i = 0; ds_algs[i]; i++)
		if (ds_take_word(text, ds_algs[i]))
			return 0;
	return -EOPNOTSUPP;
}

static int ds_parse_root(const char *text, struct ds_key_desc *desc)
{
	unsigned int i;

	desc->class = DS_KEY_ROOT;
	for (i = 0; i < DS_ROOT_COUNT; i++)
		if (ds_take_word(&text, ds_root_names[i]))
			break;
	if (i == DS_ROOT_COUNT)
		return -EINVAL;
	desc->root = i;
	desc->take_once = ds_take(&text, ";take-once");
	if (desc->take_once && desc->root == DS_ROOT_K256)
		return -EINVAL;		/* every app key hangs on it: never readable */
	return ds_take_epoch(&text, &desc->epoch);
}

static int ds_parse_app(const char *text, struct ds_key_desc *desc)
{
	int ret;

	desc->class = DS_KEY_APP;
	desc->path = text;
	ret = ds_take_text(&text, DS_KEY_PATH_MAX, &desc->path_len);
	if (ret)
		return ret;
	ret = ds_take_purpose(&text);
	if (ret)
		return ret;
	ret = ds_take_alg(&text);
	if (ret)
		return ret;
	return ds_take_epoch(&text, &desc->epoch);
}

/* A label is a word in the tables of the device mapper: nothing in it needs an escape. */
static bool ds_is_label(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

static int ds_take_size(const char **text, unsigned int *ret_size)
{
	size_t i;

	*ret_size = 64;
	if (!ds_take(text, ";size="))
		return 0;
	if (!strcspn(*text, ";@"))
		return -EINVAL;
	for (i = 0; ds_sizes[i].text; i++) {
		if (ds_take_word(text, ds_sizes[i].text)) {
			*ret_size = ds_sizes[i].bytes;
			return 0;
		}
	}
	return -EOPNOTSUPP;
}

static int ds_parse_volume(const char *text, struct ds_key_desc *desc)
{
	int ret;

	desc->class = DS_KEY_VOLUME;
	desc->label = text;
	while (ds_is_label(*text))
		text++;
	desc->label_len = text - desc->label;
	if (!desc->label_len)
		return -EINVAL;
	if (desc->label_len > DS_KEY_LABEL_MAX)
		return -ENAMETOOLONG;
	ret = ds_take_size(&text, &desc->size);
	if (ret)
		return ret;
	return ds_take_epoch(&text, &desc->epoch);
}

int ds_key_desc_parse(const char *text, struct ds_key_desc *ret_desc)
{
	struct ds_key_desc desc = {};
	int ret = -EINVAL;

	if (ds_take(&text, "root:"))
		ret = ds_parse_root(text, &desc);
	else if (ds_take(&text, "app:"))
		ret = ds_parse_app(text, &desc);
	else if (ds_take(&text, "volume:"))
		ret = ds_parse_volume(text, &desc);
	if (ret)
		return ret;
	*ret_desc = desc;
	return 0;
}

void ds_key_desc_path(const struct ds_key_desc *desc, u8 *ret_path)
{
	const char *s = desc->path;
	size_t i;

	for (i = 0; i < desc->path_len; i++)
		if (ds_take_byte(&s, &ret_path[i]))
			return;		/* cannot be: the parser has walked the same bytes */
}
