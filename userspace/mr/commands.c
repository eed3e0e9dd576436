// SPDX-License-Identifier: Apache-2.0
/* dstack-mr measure, compare, image, hash, material, snp. */
#include "command.h"
#include "compare.h"

#include <jansson.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/wire/quote.h>

#define MAX_LOG	      (4u << 20)
#define MAX_REGISTERS (64u << 10)
#define MAX_QUOTE_HEX (2 * DS_MAX_QUOTE + 2)

int mr_load(const char *path, size_t max, struct ds_buf *ret, struct ds_err *err)
{
	int r = ds_read_file(AT_FDCWD, path, max, ret);

	return r ? ds_err_set(err, r, "file", 0, "%s: %s", path, strerror(-r)) : 0;
}

static int open_dir(const char *path, int *ret, struct ds_err *err)
{
	*ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? ds_err_set(err, -errno, "file", 0, "%s: %s", path, strerror(errno)) : 0;
}

/* Files of --image, or those named one by one. */
static int load_input(const struct options *o, struct mr_files *f, struct mr_input *in,
		      struct ds_err *err)
{
	DS_FD int dir = -1;

	if (o->image) {
		DS_TRY(open_dir(o->image, &dir, err));
		return mr_files_load(dir, o->firmware, f, in, err);
	}
	DS_TRY(mr_load(o->firmware, DS_TDVF_MAX_IMAGE, &f->firmware, err));
	DS_TRY(mr_load(o->kernel, MR_MAX_KERNEL, &f->kernel, err));
	DS_TRY(mr_load(o->initrd, MR_MAX_INITRD, &f->initrd, err));
	*in = (struct mr_input){ .firmware = ds_buf_span(&f->firmware),
				 .kernel = ds_buf_span(&f->kernel),
				 .initrd = ds_buf_span(&f->initrd),
				 .cmdline = o->cmdline };
	return 0;
}

static int load_source(const struct options *o, struct mr_source *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf cbor = DS_BUF_NULL;
	MR_FILES struct mr_files f = MR_FILES_NULL;
	struct mr_input in;

	if (o->material) {
		DS_TRY(mr_load(o->material, DS_MATERIAL_MAX, &cbor, err));
		return mr_source_material(ds_buf_span(&cbor), o->machine.memory, ret, err);
	}
	DS_TRY(load_input(o, &f, &in, err));
	return mr_source_files(&in, o->machine.memory, ret, err);
}

static int load_log(const char *path, struct ds_eventlog *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf in = DS_BUF_NULL;

	DS_TRY(mr_load(path, MAX_LOG, &in, err));
	return ds_eventlog_parse(ds_buf_span(&in), ret, err);
}

static int acpi_from_log(const char *path, struct mr_machine *m, struct ds_err *err)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	size_t n = 0;

	DS_TRY(load_log(path, &log, err));
	for (size_t i = 0; i < log.n; i++) {
		if (log.ev[i].imr || log.ev[i].type != MR_EV_ACPI)
			continue;
		if (n == MR_ACPI_BLOBS || !log.ev[i].has_digest)
			return ds_err_set(err, -EBADMSG, "acpi", i,
					  "%s: entry %zu: a fourth ACPI event, or no digest", path,
					  i);
		memcpy(m->acpi[n++], log.ev[i].digest, MR_SIZE);
	}
	if (n != MR_ACPI_BLOBS)
		return ds_err_set(err, -EBADMSG, "acpi", 0, "%s: %zu ACPI events, expected %d",
				  path, n, MR_ACPI_BLOBS);
	m->acpi_from = MR_ACPI_LOG;
	return 0;
}

static int acpi_from_tables(const char *path, struct mr_machine *m, struct ds_err *err)
{
	DS_BUF struct ds_buf blob = DS_BUF_NULL;
	struct ds_acpi_madt madt = { .cpus = 0 };

	DS_TRY(mr_load(path, DS_ACPI_MAX_BLOB, &blob, err));
	DS_TRY(mr_acpi_digests(ds_buf_span(&blob), m->acpi, &madt, err));
	if (madt.cpus != m->cpus)
		return ds_err_set(err, -EBADMSG, "acpi", 0, "%s: tables of %u CPUs, --cpus is %llu",
				  path, madt.cpus, (unsigned long long)m->cpus);
	m->acpi_from = "tables";
	return 0;
}

static int load_machine(const struct options *o, struct mr_machine *m, struct ds_err *err)
{
	*m = o->machine;
	if (o->acpi)
		return acpi_from_tables(o->acpi, m, err);
	return o->acpi_log ? acpi_from_log(o->acpi_log, m, err) : 0;
}

static int add_registers(const struct options *o, const struct mr_result *mr,
			 const struct mr_machine *m, const uint8_t *image_hash, struct ds_buf *out)
{
	char hex[2 * MR_SIZE + 1];

	if (o->json) {
		DS_TRY(mr_json(mr, m, out));
		if (!image_hash)
			return 0;
		out->n -= 2; /* "}\n" */
		return ds_buf_addf(out, ",\"os_image_hash\":\"%s\"}\n",
				   ds_hex_encode(image_hash, DS_SHA256_SIZE, hex));
	}
	DS_TRY(ds_buf_addf(out, "mrtd  %s\n", ds_hex_encode(mr->mrtd, MR_SIZE, hex)));
	for (int i = 0; i < 3; i++)
		DS_TRY(ds_buf_addf(out, "rtmr%d %s\n", i,
				   ds_hex_encode(mr->rtmr[i], MR_SIZE, hex)));
	if (m->acpi_from && !strcmp(m->acpi_from, MR_ACPI_LOG))
		DS_TRY(ds_buf_addf(out, MR_ACPI_NOTE));
	if (image_hash)
		DS_TRY(ds_buf_addf(out, "os_image_hash %s\n",
				   ds_hex_encode(image_hash, DS_SHA256_SIZE, hex)));
	return 0;
}

int run_measure(const struct options *o, struct ds_buf *out, struct ds_err *err)
{
	struct mr_machine m;
	struct mr_source src;
	struct mr_result mr;

	DS_TRY(load_machine(o, &m, err));
	DS_TRY(load_source(o, &src, err));
	DS_TRY(mr_measure(&src, &m, &mr, err));
	return add_registers(o, &mr, &m, NULL, out);
}

int run_image(const struct options *o, struct ds_buf *out, struct ds_err *err)
{
	uint8_t hash[DS_SHA256_SIZE];
	struct mr_result mr;
	DS_FD int dir = -1;

	DS_TRY(open_dir(o->operand, &dir, err));
	DS_TRY(mr_image(dir, o->firmware, &o->machine, hash, &mr, err));
	return add_registers(o, &mr, &o->machine, hash, out);
}

static void unref(json_t **j)
{
	json_decref(*j);
}

static int parse_registers(const char *path, struct mr_registers *ret, struct ds_err *err)
{
	static const char *const names[] = { "mrtd", "rtmr0", "rtmr1", "rtmr2" };
	DS_BUF struct ds_buf in = DS_BUF_NULL;
	DS_CLEANUP(unref)
	json_t *j = NULL;
	uint8_t *to[] = { ret->mrtd, ret->rtmr[0], ret->rtmr[1], ret->rtmr[2] };
	json_error_t je;

	DS_TRY(mr_load(path, MAX_REGISTERS, &in, err));
	j = json_loadb((const char *)in.p, in.n, JSON_REJECT_DUPLICATES, &je);
	if (!json_is_object(j))
		return ds_err_set(err, -EBADMSG, "registers", 0, "%s: %s", path,
				  j ? "not a JSON object" : je.text);
	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++) {
		const char *hex = json_string_value(json_object_get(j, names[i]));

		if (!hex || ds_hex_decode_exact(hex, to[i], MR_SIZE))
			return ds_err_set(err, -EBADMSG, "registers", 0,
					  "%s: no 96 digits of hex as '%s'", path, names[i]);
	}
	return 0;
}

/* Raw, or hex with an optional line feed. */
static int parse_quote(const char *path, struct mr_registers *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf in = DS_BUF_NULL, raw = DS_BUF_NULL;
	struct ds_span s;
	struct ds_quote q;

	DS_TRY(mr_load(path, MAX_QUOTE_HEX, &in, err));
	while (in.n && in.p[in.n - 1] == '\n')
		in.n--;
	s = ds_buf_span(&in);
	if (!ds_hex_decode_buf((const char *)in.p, in.n, DS_MAX_QUOTE, &raw))
		s = ds_buf_span(&raw);
	DS_TRY(ds_quote_parse(s, &q, err));
	memcpy(ret->mrtd, q.body.mr_td, MR_SIZE);
	memcpy(ret->rtmr, q.body.rt_mr, sizeof(ret->rtmr));
	return 0;
}

int run_compare(const struct options *o, struct ds_buf *out, struct ds_err *err)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	struct mr_machine m;
	struct mr_source src;
	struct mr_result want;
	struct mr_registers got;
	struct mr_diff d;

	DS_TRY(load_machine(o, &m, err));
	DS_TRY(load_source(o, &src, err));
	DS_TRY(mr_measure(&src, &m, &want, err));
	DS_TRY(o->quote ? parse_quote(o->quote, &got, err)
			: parse_registers(o->registers, &got, err));
	if (o->event_log)
		DS_TRY(load_log(o->event_log, &log, err));
	DS_TRY(mr_compare(&src, &m, &want, &got, o->event_log ? &log : NULL, &d));
	DS_TRY(o->json ? mr_diff_json(&d, &want, &got, out) : mr_diff_text(&d, &want, &got, out));
	return d.equal ? 0 : EXIT_DIFFERENT;
}

/* Lines of `hash`, and whether a listed file differs. */
struct hash_report {
	struct ds_buf *out;
	bool json, differs;
	size_t n;
};

static int report_file(void *ctx, const char *name, enum mr_file_state state,
		       const uint8_t listed[32], const uint8_t actual[32])
{
	static const char *const words[] = { "ok", "differs", "absent" };
	struct hash_report *r = ctx;
	char a[2 * DS_SHA256_SIZE + 1], b[2 * DS_SHA256_SIZE + 1];
	size_t cut = r->json ? DS_SHA256_SIZE : 8;

	r->differs |= state == MR_FILE_DIFFERS;
	ds_hex_encode(listed, cut, a);
	ds_hex_encode(actual, cut, b);
	if (!r->json) {
		DS_TRY(ds_buf_addf(r->out, "%-26s %s", name, words[state]));
		if (state == MR_FILE_DIFFERS)
			DS_TRY(ds_buf_addf(r->out, "  listed %s..  is %s..", a, b));
		return ds_buf_addf(r->out, "\n");
	}
	/* the name is printable ASCII; '"' and '\' would need an escape */
	if (strpbrk(name, "\"\\"))
		return -EBADMSG;
	DS_TRY(ds_buf_addf(r->out, "%s{\"name\":\"%s\",\"state\":\"%s\",\"listed\":\"%s\"",
			   r->n++ ? "," : "", name, words[state], a));
	if (state != MR_FILE_ABSENT)
		DS_TRY(ds_buf_addf(r->out, ",\"actual\":\"%s\"", b));
	return ds_buf_addf(r->out, "}");
}

int run_hash(const struct options *o, struct ds_buf *out, struct ds_err *err)
{
	struct hash_report r = { .out = out, .json = o->json };
	char hex[2 * DS_SHA256_SIZE + 1];
	uint8_t hash[DS_SHA256_SIZE];
	DS_FD int dir = -1;

	DS_TRY(open_dir(o->operand, &dir, err));
	if (o->json)
		DS_TRY(ds_buf_addf(out, "{\"files\":["));
	DS_TRY(mr_image_hash(dir, report_file, &r, hash, err));
	ds_hex_encode(hash, sizeof(hash), hex);
	if (o->json)
		DS_TRY(ds_buf_addf(out, "],\"verdict\":\"%s\",\"os_image_hash\":\"%s\"}\n",
				   r.differs ? "different" : "equal", hex));
	else
		DS_TRY(ds_buf_addf(out, "os_image_hash %s\n", hex));
	return r.differs ? EXIT_DIFFERENT : 0;
}

int run_material(const struct options *o, struct ds_buf *out, struct ds_err *err)
{
	DS_BUF struct ds_buf cbor = DS_BUF_NULL;
	MR_FILES struct mr_files f = MR_FILES_NULL;
	struct mr_input in;
	DS_FD int dir = -1;
	int r;

	DS_TRY(open_dir(o->operand, &dir, err));
	DS_TRY(mr_files_load(dir, o->firmware, &f, &in, err));
	DS_TRY(mr_material(&in, &cbor, err));
	r = ds_write_file_atomic(AT_FDCWD, o->output, ds_buf_span(&cbor), 0644);
	if (r)
		return ds_err_set(err, r, "file", 0, "%s: %s", o->output, strerror(-r));
	return ds_buf_addf(out, "%s: %zu bytes\n", o->output, cbor.n);
}

/* Material from files: firmware for SNP is --firmware, or DIR/ovmf-sev.fd. */
static int snp_material(const struct options *o, struct mr_files *f, struct ds_snp_material *m,
			struct ds_err *err)
{
	char path[4096];
	struct options with = *o;
	struct mr_input in;

	if (!o->firmware) {
		if (snprintf(path, sizeof(path), "%s/ovmf-sev.fd", o->image) >= (int)sizeof(path))
			return -ENAMETOOLONG;
		with.firmware = path;
	}
	DS_TRY(load_input(&with, f, &in, err));
	ds_buf_done(&f->firmware); /* an image's ovmf.fd is the one for TDX */
	DS_TRY(mr_load(with.firmware, DS_TDVF_MAX_IMAGE, &f->firmware, err));
	DS_TRY(ds_snp_firmware(ds_buf_span(&f->firmware), m, err));
	DS_TRY(mr_snp_firmware(ds_buf_span(&f->firmware), m->ovmf, err));
	m->cmdline = DS_SPAN_STR(in.cmdline);
	DS_TRY(ds_sha256_1(in.kernel, m->kernel));
	return ds_sha256_1(in.initrd, m->initrd);
}

int run_snp(const struct options *o, struct ds_buf *out, struct ds_err *err)
{
	DS_BUF struct ds_buf cbor = DS_BUF_NULL;
	MR_FILES struct mr_files f = MR_FILES_NULL;
	struct ds_snp_material m = { .n = 0 };
	char hex[2 * MR_SIZE + 1];
	uint8_t ld[MR_SIZE];

	if (o->material) {
		DS_TRY(mr_load(o->material, DS_MATERIAL_MAX, &cbor, err));
		DS_TRY(ds_snp_material_parse(ds_buf_span(&cbor), &m, err));
	} else {
		DS_TRY(snp_material(o, &f, &m, err));
	}
	DS_TRY(mr_snp_launch(&m, &o->snp, ld, err));
	return ds_buf_addf(out, o->json ? "{\"measurement\":\"%s\"}\n" : "measurement %s\n",
			   ds_hex_encode(ld, sizeof(ld), hex));
}
