// SPDX-License-Identifier: Apache-2.0
/*
 * What a machine is given: host-input.bin for every guest, and for an emulated TD the register values that a real TDX
 * module would compute (tdx-emul.txt) and the key material of the test quoting enclave (emul-qe.key).
 */
#include <fcntl.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/secret.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/wire/hostinput.h>

#include "run.h"
#include "vm.h"

/* File names and member names that the image builder and dstack-mr write. */
static int image_json(const struct vm_spec *spec, const char *file, json_t **ret)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	char path[PATH_MAX];
	json_error_t e;

	snprintf(path, sizeof(path), "%s/%s", spec->image, file);
	int r = ds_read_file(AT_FDCWD, path, DS_MAX_CONFIG_FILE, &b);

	if (r) {
		failure("image file %s: %s", path, strerror(-r));
		return r;
	}
	*ret = json_loadb((const char *)b.p, b.n, JSON_REJECT_DUPLICATES, &e);
	if (!*ret) {
		failure("image file %s: line %d: %s", path, e.line, e.text);
		return -EBADMSG;
	}
	return 0;
}

/* os_image_hash = SHA-256 of sha256sum.txt (spec/boot 1.6). */
static int image_hash(const struct vm_spec *spec, char hex[65])
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	char path[PATH_MAX];
	uint8_t h[32];
	int r;

	snprintf(path, sizeof(path), "%s/sha256sum.txt", spec->image);
	r = ds_read_file(AT_FDCWD, path, DS_MAX_CONFIG_FILE, &b);
	if (r) {
		failure("image file %s: %s", path, strerror(-r));
		return r;
	}
	DS_TRY(ds_sha256_1(ds_buf_span(&b), h));
	ds_hex_encode(h, sizeof(h), hex);
	return 0;
}

static json_t *string_list(const char *const *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(v[i]));
	return list;
}

/* .sys-config.json (spec/boot 2.3) with our own part under "dstack_c". */
static int sys_config(const struct vm_spec *spec, const char *os_image_hash, char **ret)
{
	json_t *vm = json_pack("{s:i,s:s,s:i,s:I,s:i}", "spec_version", 1, "os_image_hash", os_image_hash, "cpu_count",
			       (int)spec->cpus, "memory_size", (json_int_t)spec->memory_mib << 20, "num_nics", 1);
	DS_FREE char *vm_text = json_dumps(vm, JSON_COMPACT);
	json_t *sys = json_pack("{s:o,s:o,s:s,s:{s:{s:s,s:s,s:s}}}", "kms_urls", string_list(spec->kms, spec->n_kms),
				"gateway_urls", string_list(spec->gateway, spec->n_gateway), "vm_config",
				vm_text ? vm_text : "", "dstack_c", "network", "address", "10.0.2.15/24", "gateway",
				"10.0.2.2", "dns", "10.0.2.3");

	*ret = json_dumps(sys, JSON_COMPACT);
	json_decref(vm);
	json_decref(sys);
	return vm_text && *ret ? 0 : -ENOMEM;
}

/* Keep the identity of an earlier start of this machine; --app-id replaces the stored app id. */
static int instance_info(const struct vm *vm, const struct vm_spec *spec, char **ret)
{
	json_t *info = NULL;
	int r = vm_load(vm, "instance_info.json", DS_MAX_INSTANCE_INFO, &info);

	if (r == -ENOENT)
		info = json_object();
	else if (r)
		return failure("%s/instance_info.json: %s", vm->path, strerror(-r)), r;
	if (spec->app_id)
		json_object_set_new(info, "app_id", json_string(spec->app_id));
	*ret = json_dumps(info, JSON_COMPACT);
	json_decref(info);
	return *ret ? 0 : -ENOMEM;
}

/* Expected registers of this image in this machine, from dstack-mr: the only place that computes them. */
static int measure(const struct vm_spec *spec, const char *cmdline, json_t **ret)
{
	char tool[PATH_MAX], kernel[PATH_MAX], initrd[PATH_MAX], memory[32], cpus[16];
	char *argv[] = { tool,	     "measure", "--json",   "--firmware", (char *)spec->firmware, "--kernel", kernel,
			 "--initrd", initrd,	"--memory", memory,	  "--cpus",		  cpus,	      "--cmdline",
			 (char *)cmdline, NULL };
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	int status;

	DS_TRY(sibling_path("dstack-mr", tool, sizeof(tool)));
	snprintf(kernel, sizeof(kernel), "%s/bzImage", spec->image);
	snprintf(initrd, sizeof(initrd), "%s/initramfs.cpio.gz", spec->image);
	snprintf(memory, sizeof(memory), "%llu", (unsigned long long)spec->memory_mib << 20);
	snprintf(cpus, sizeof(cpus), "%u", spec->cpus);
	DS_TRY(run_capture(argv, 65536, &out, &status));
	if (status) {
		failure("dstack-mr measure ended with status %d", status);
		return -EINVAL;
	}
	*ret = json_loadb((const char *)out.p, out.n, JSON_REJECT_DUPLICATES, NULL);
	return *ret ? 0 : -EBADMSG;
}

/* The emulated TDX module's start values. */
static int write_emulation(const struct vm *vm, const struct vm_spec *spec, const char *cmdline)
{
	static const char *const names[] = { "mrtd", "rtmr0", "rtmr1", "rtmr2" };
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	DS_SECRET struct ds_secret *key = NULL;
	char hex[97], path[PATH_MAX];
	json_t *m = NULL;
	int r;

	DS_TRY(measure(spec, cmdline, &m));
	r = vm_store(vm, "measurement.json", m);
	for (size_t i = 0; !r && i < DS_ARRAY_SIZE(names); i++) {
		const char *v = json_string_value(json_object_get(m, names[i]));

		r = v && strlen(v) == 96 ? ds_buf_addf(&text, "%s=%s\n", names[i], v) : -EBADMSG;
	}
	json_decref(m);
	if (r)
		return r;
	DS_TRY(ds_buf_addf(&text, "mrconfigid=%s\n", ds_hex_encode(spec->config_id, sizeof(spec->config_id), hex)));
	DS_TRY(ds_write_file_atomic(vm->dirfd, "tdx-emul.txt", ds_buf_span(&text), 0600));
	snprintf(path, sizeof(path), "%s/emul-qe.key", spec->pki);
	r = ds_read_file_secret(AT_FDCWD, path, 256u << 10, &key);
	if (r) {
		failure("%s: %s (made by: dstack-emul-qe pki --out DIR)", path, strerror(-r));
		return r;
	}
	return ds_write_file_atomic(vm->dirfd, "emul-qe.key", DS_SPAN(key->p, key->n), 0600);
}

static void give(struct ds_hostinput *in, enum ds_hostinput_kind kind, struct ds_span s)
{
	in->item[kind] = s;
	in->has[kind] = true;
}

static int optional(const char *what, const char *path, size_t max, struct ds_buf *ret)
{
	int r = path ? ds_read_file(AT_FDCWD, path, max, ret) : 0;

	if (r)
		failure("%s %s: %s", what, path, strerror(-r));
	return r;
}

int input_write(const struct vm *vm, struct vm_spec *spec, struct ds_buf *ret_cmdline)
{
	DS_BUF struct ds_buf compose = DS_BUF_NULL, user = DS_BUF_NULL, env = DS_BUF_NULL, col = DS_BUF_NULL,
			     blob = DS_BUF_NULL;
	DS_FREE char *sys = NULL, *info = NULL;
	struct ds_err err = DS_ERR_NULL;
	struct ds_hostinput in = { 0 };
	char os_image_hash[65];
	const char *cmdline;
	json_t *meta = NULL;
	int r;

	r = ds_read_file(AT_FDCWD, spec->compose, DS_MAX_APP_COMPOSE, &compose);
	if (r) {
		failure("compose file %s: %s", spec->compose, r == -EFBIG ? "larger than 1 MiB" : strerror(-r));
		return r;
	}
	DS_TRY(optional("user configuration", spec->user_config, DS_MAX_HOST_INPUT / 2, &user));
	DS_TRY(optional("encrypted environment", spec->encrypted_env, DS_MAX_ENCRYPTED_ENV, &env));
	DS_TRY(optional("collateral of the KMS", spec->kms_collateral, DS_MAX_COLLATERAL, &col));
	DS_TRY(image_hash(spec, os_image_hash));
	DS_TRY(image_json(spec, "metadata.json", &meta));
	cmdline = json_string_value(json_object_get(meta, "cmdline"));
	r = cmdline ? ds_buf_addf(ret_cmdline, "%s", cmdline) : -EBADMSG;
	json_decref(meta);
	if (r)
		return failure("%s/metadata.json has no string \"cmdline\"", spec->image), r;
	cmdline = ds_buf_cstr(ret_cmdline);
	if (!cmdline)
		return -ENOMEM;
	/* MRCONFIGID in form V1 of spec/boot 3.3: 01, compose hash, zeros; the guest checks it */
	memset(spec->config_id, 0, sizeof(spec->config_id));
	spec->config_id[0] = 1;
	DS_TRY(ds_sha256_1(ds_buf_span(&compose), spec->config_id + 1));
	if (!strcmp(spec->tee, "emulated"))
		DS_TRY(write_emulation(vm, spec, cmdline));
	DS_TRY(sys_config(spec, os_image_hash, &sys));
	DS_TRY(instance_info(vm, spec, &info));
	give(&in, DS_HI_APP_COMPOSE, ds_buf_span(&compose));
	give(&in, DS_HI_SYS_CONFIG, DS_SPAN_STR(sys));
	give(&in, DS_HI_INSTANCE_INFO, DS_SPAN_STR(info));
	if (spec->user_config)
		give(&in, DS_HI_USER_CONFIG, ds_buf_span(&user));
	if (spec->encrypted_env)
		give(&in, DS_HI_ENCRYPTED_ENV, ds_buf_span(&env));
	if (spec->kms_collateral)
		give(&in, DS_HI_KMS_COLLATERAL, ds_buf_span(&col));
	r = ds_hostinput_encode(&in, &blob, &err);
	if (r)
		return failure("host input: %s", err.msg), r;
	return ds_write_file_atomic(vm->dirfd, "host-input.bin", ds_buf_span(&blob), 0600);
}
