// SPDX-License-Identifier: Apache-2.0
/*
 * dstack-emul-qe quote and tdreport: evidence of an emulated TD without a VM, for host-side tests.
 */
#include "emul_qe.h"

#include <getopt.h>

#include <ds/base/file.h>
#include <ds/base/log.h>
#include <ds/base/text.h>

static const char quote_help[] =
	"usage: dstack-emul-qe quote (--key FILE | --key-fd N) --tdreport FILE --out FILE [--v5]\n"
	"Sign one TDREPORT of an emulated TD. Version 4 by default; - is stdin or stdout.\n";

static const char tdreport_help[] =
	"usage: dstack-emul-qe tdreport --out FILE [--REGISTER HEX...]\n"
	"Make up a TDREPORT of an emulated TD; - is stdout. What is not given is zero.\n\n"
	"  --mrtd --mrconfigid --mrowner --mrownerconfig --rtmr0 ... --rtmr3   48 bytes\n"
	"  --report-data                                                       64 bytes\n"
	"  --td-attributes --xfam   16 digits, most significant first (default: as tdx_emul.ko)\n";

static int write_out(const char *path, struct ds_span data)
{
	int r = strcmp(path, "-") ? ds_write_file_atomic(AT_FDCWD, path, data, 0644)
				  : ds_write_full(STDOUT_FILENO, data.p, data.n);

	if (r)
		ds_log(DS_LOG_ERR, "%s: %s", path, strerror(-r));
	return r;
}

static int read_report(const char *path, struct ds_buf *ret)
{
	int r = strcmp(path, "-") ? ds_read_file(AT_FDCWD, path, DS_TDREPORT_SIZE, ret)
				  : ds_read_fd(STDIN_FILENO, DS_TDREPORT_SIZE, ret);

	if (r)
		ds_log(DS_LOG_ERR, "%s: %s", path,
		       r == -EFBIG ? "longer than a TDREPORT (1024 bytes)" : strerror(-r));
	return r;
}

static int make_quote(const char *key, int key_fd, const char *report, const char *out,
		      unsigned int version)
{
	DS_EMUL_QE struct ds_emul_qe *qe = NULL;
	DS_BUF struct ds_buf in = DS_BUF_NULL, quote = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	int r;

	if (qe_open(key, key_fd, &qe) || read_report(report, &in))
		return 1;
	r = ds_emul_qe_quote(qe, ds_buf_span(&in), version, &quote, &err);
	if (r) {
		ds_log(DS_LOG_ERR, "%s: %s", report, err.code ? err.msg : strerror(-r));
		return 1;
	}
	return write_out(out, ds_buf_span(&quote)) ? 1 : 0;
}

int cmd_quote(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "key-fd", required_argument, NULL, 'f' },
		{ "tdreport", required_argument, NULL, 't' },
		{ "out", required_argument, NULL, 'o' },
		{ "v5", no_argument, NULL, '5' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *key = NULL, *report = NULL, *out = NULL;
	unsigned int version = 4;
	int c, key_fd = -1;

	while ((c = getopt_long(argc, argv, "h", opts, NULL)) != -1) {
		if (c == 'h') {
			fputs(quote_help, stdout);
			return 0;
		} else if (c == 'k') {
			key = optarg;
		} else if (c == 't') {
			report = optarg;
		} else if (c == 'o') {
			out = optarg;
		} else if (c == '5') {
			version = 5;
		} else if (c != 'f' || parse_fd(optarg, &key_fd)) {
			fputs(quote_help, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind != argc || !report || !out || (key != NULL) == (key_fd >= 0)) {
		fputs(quote_help, stderr);
		return EXIT_USAGE;
	}
	return make_quote(key, key_fd, report, out, version);
}

/* A 64-bit register printed as a number, stored little-endian. */
static int parse_register(const char *hex, uint8_t ret[8])
{
	uint8_t be[8];

	DS_TRY(ds_hex_decode_exact(hex, be, sizeof(be)));
	for (int i = 0; i < 8; i++)
		ret[i] = be[7 - i];
	return 0;
}

int cmd_tdreport(int argc, char **argv)
{
	struct ds_emul_td td;
	const struct {
		const char *name;
		uint8_t *field;
		size_t n; /* 8: a register */
	} f[] = {
		{ "mrtd", td.mr_td, 48 },
		{ "mrconfigid", td.mr_config_id, 48 },
		{ "mrowner", td.mr_owner, 48 },
		{ "mrownerconfig", td.mr_owner_config, 48 },
		{ "rtmr0", td.rt_mr[0], 48 },
		{ "rtmr1", td.rt_mr[1], 48 },
		{ "rtmr2", td.rt_mr[2], 48 },
		{ "rtmr3", td.rt_mr[3], 48 },
		{ "report-data", td.report_data, 64 },
		{ "td-attributes", td.td_attributes, 8 },
		{ "xfam", td.xfam, 8 },
	};
	struct option opts[DS_ARRAY_SIZE(f) + 3] = { 0 };
	uint8_t report[DS_TDREPORT_SIZE];
	const char *out = NULL;
	int c, at = -1, r;

	ds_emul_td_init(&td);
	for (size_t i = 0; i < DS_ARRAY_SIZE(f); i++)
		opts[i] = (struct option){ f[i].name, required_argument, NULL, 1 };
	opts[DS_ARRAY_SIZE(f)] = (struct option){ "out", required_argument, NULL, 'o' };
	opts[DS_ARRAY_SIZE(f) + 1] = (struct option){ "help", no_argument, NULL, 'h' };
	while ((c = getopt_long(argc, argv, "h", opts, &at)) != -1) {
		if (c == 'h') {
			fputs(tdreport_help, stdout);
			return 0;
		}
		if (c == 'o') {
			out = optarg;
			continue;
		}
		if (c != 1) {
			fputs(tdreport_help, stderr);
			return EXIT_USAGE;
		}
		r = f[at].n == 8 ? parse_register(optarg, f[at].field)
				 : ds_hex_decode_exact(optarg, f[at].field, f[at].n);
		if (r) {
			fprintf(stderr, "dstack-emul-qe tdreport: --%s: expected %zu hex digits\n",
				f[at].name, 2 * f[at].n);
			return EXIT_USAGE;
		}
	}
	if (optind != argc || !out) {
		fputs(tdreport_help, stderr);
		return EXIT_USAGE;
	}
	r = ds_emul_tdreport(&td, report);
	if (r) {
		ds_log(DS_LOG_ERR, "%s", strerror(-r));
		return 1;
	}
	return write_out(out, DS_SPAN_ARRAY(report)) ? 1 : 0;
}
