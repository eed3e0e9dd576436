// SPDX-License-Identifier: Apache-2.0
/* Client of the kernel key type "dstack", see ds/keys/keyring.h. */
#include <ds/keys/keyring.h>

#include <keyutils.h>

#include <ds/base/file.h>
#include <ds/base/text.h>
#include <ds/keys/derive.h>

#define TYPE	 "dstack"
#define SERIAL	 "/sys/module/dstack_key/parameters/keyring"
#define MAX_LINE 32u

/* Serial number of the module's own keyring. */
static int roots_serial(key_serial_t *ret)
{
	DS_BUF struct ds_buf line = DS_BUF_NULL;
	uint64_t serial;
	int r = ds_read_file(AT_FDCWD, SERIAL, MAX_LINE, &line);

	if (r == -ENOENT)
		return -ENODEV;
	if (r)
		return r;
	if (line.n && line.p[line.n - 1] == '\n')
		line.n--;
	DS_TRY(ds_parse_u64((const char *)line.p, line.n, INT32_MAX, &serial));
	if (!serial)
		return -EBADMSG;
	*ret = (key_serial_t)serial;
	return 0;
}

int ds_keyring_add_root(const char *name, const struct ds_secret *key)
{
	DS_BUF struct ds_buf desc = DS_BUF_NULL;
	const char *text;
	key_serial_t ring;

	DS_TRY(roots_serial(&ring));
	DS_TRY(ds_buf_addf(&desc, "root:%s", name));
	text = ds_buf_cstr(&desc);
	if (!text)
		return -ENOMEM;
	return add_key(TYPE, text, key->p, key->n, ring) < 0 ? -errno : 0;
}

/* The kernel accepts one spelling only: these bytes as %XX in upper case, all others as they are.
 */
static bool must_escape(uint8_t c)
{
	return c < 0x20 || c == 0x7f || c == '%' || c == ';' || c == '@';
}

int ds_keyring_app_desc(struct ds_span path, struct ds_buf *ret)
{
	DS_BUF struct ds_buf desc = DS_BUF_NULL;

	if (path.n > DS_KEYRING_PATH_MAX)
		return -ENAMETOOLONG;
	DS_TRY(ds_buf_addf(&desc, "app:"));
	for (size_t i = 0; i < path.n; i++) {
		if (must_escape(path.p[i]))
			DS_TRY(ds_buf_addf(&desc, "%%%02X", path.p[i]));
		else
			DS_TRY(ds_buf_add_u8(&desc, path.p[i]));
	}
	return ds_buf_add_span(ret, ds_buf_span(&desc));
}

static int read_key(key_serial_t key, struct ds_secret **ret)
{
	DS_SECRET struct ds_secret *out = ds_secret_new(DS_KEY_SIZE);
	long n;

	if (!out)
		return -ENOMEM;
	n = keyctl_read(key, (char *)out->p, out->n);
	if (n < 0)
		return -errno;
	/* the kernel reports the payload's size, whatever fits */
	if (n != DS_KEY_SIZE)
		return -EBADMSG;
	*ret = out;
	out = NULL;
	return 0;
}

int ds_keyring_app_key(struct ds_span path, struct ds_secret **ret)
{
	DS_BUF struct ds_buf desc = DS_BUF_NULL;
	const char *text;
	key_serial_t key;
	int r;

	DS_TRY(ds_keyring_app_desc(path, &desc));
	text = ds_buf_cstr(&desc);
	if (!text)
		return -ENOMEM;
	/* without call-out information the kernel only searches and never derives */
	key = request_key(TYPE, text, "", KEY_SPEC_PROCESS_KEYRING);
	if (key < 0)
		return -errno;
	r = read_key(key, ret);
	/* an unlink that fails leaves a key behind, nothing worse: it dies with the process */
	(void)keyctl_unlink(key, KEY_SPEC_PROCESS_KEYRING);
	return r;
}
