// SPDX-License-Identifier: Apache-2.0
/* dstack-mr: what MRTD and RTMR0-2 must be. See dstack-mr(1). */
#include "mr.h"

#include <getopt.h>

#include <ds/base/file.h>
#include <ds/base/log.h>
#include <ds/base/text.h>

#define DEFAULT_FIRMWARE "/usr/share/ovmf/OVMF.fd"
#define DEFAULT_MEMORY	 (2ull << 30)
#define MAX_CPUS	 4096u

struct args {
	const char *firmware, *kernel, *initrd, *cmdline;
	struct mr_machine machine;
	bool two_pass, json, help;
};

static const char help_text[] =
	"usage: dstack-mr measure --kernel FILE --initrd FILE --cmdline TEXT [OPTION...]\n"
	"       dstack-mr image DIR [OPTION...]\n"
	"Expected measurements of a TD (emulated platform profile: see dstack-mr(1)).\n"
	"'image' measures DIR, writes its measurement.json and sha256sum.txt, prints the hash.\n\n"
	"  --firmware FILE   TDVF firmware (default " DEFAULT_FIRMWARE ")\n"
	"  --memory SIZE     bytes, or with suffix M or G (default 2G)\n"
	"  --cpus N          number of CPUs (default 1)\n"
	"  --two-pass        MRTD as VMMs before QEMU 9 build it (measure only)\n"
	"  --json            one JSON object\n";

enum {
	OPT_FIRMWARE = 256,
	OPT_KERNEL,
	OPT_INITRD,
	OPT_CMDLINE,
	OPT_MEMORY,
	OPT_CPUS,
	OPT_TWO_PASS,
	OPT_JSON,
	OPT_HELP
};

static const struct option opts[] = {
	{ "firmware", required_argument, NULL, OPT_FIRMWARE },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "cmdline", required_argument, NULL, OPT_CMDLINE },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "two-pass", no_argument, NULL, OPT_TWO_PASS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

static int parse_size(const char *s, uint64_t *ret)
{
	size_t n = strlen(s);
	unsigned int shift = 0;
	uint64_t v;

	if (n && (s[n - 1] == 'M' || s[n - 1] == 'G')) {
		shift = s[n - 1] == 'M' ? 20 : 30;
		n--;
	}
	DS_TRY(ds_parse_u64(s, n, DS_TDVF_MAX_MEMORY >> shift, &v));
	*ret = v << shift;
	return v ? 0 : -EINVAL;
}

static int take(int c, const char *arg, struct args *a)
{
	switch (c) {
	case OPT_FIRMWARE:
		a->firmware = arg;
		return 0;
	case OPT_KERNEL:
		a->kernel = arg;
		return 0;
	case OPT_INITRD:
		a->initrd = arg;
		return 0;
	case OPT_CMDLINE:
		a->cmdline = arg;
		return 0;
	case OPT_MEMORY:
		return parse_size(arg, &a->machine.memory);
	case OPT_CPUS:
		DS_TRY(ds_parse_u64(arg, strlen(arg), MAX_CPUS, &a->machine.cpus));
		return a->machine.cpus ? 0 : -EINVAL;
	case OPT_TWO_PASS:
		a->two_pass = true;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	default:
		a->help = true;
		return 0;
	}
}

static int load(const char *path, size_t max, struct ds_buf *ret)
{
	int r = ds_read_file(AT_FDCWD, path, max, ret);

	if (r)
		ds_log(DS_LOG_ERR, "%s: %s", path, strerror(-r));
	return r;
}

static int print(const struct args *a, const struct mr_result *mr, const uint8_t *image_hash)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	char hex[2 * MR_SIZE + 1];

	if (a->json) {
		DS_TRY(mr_json(mr, &a->machine, &out));
		if (image_hash) {
			out.n -= 2; /* "}\n" */
			DS_TRY(ds_buf_addf(&out, ",\"os_image_hash\":\"%s\"}\n",
					   ds_hex_encode(image_hash, 32, hex)));
		}
	} else {
		DS_TRY(ds_buf_addf(&out, "mrtd  %s\n", ds_hex_encode(mr->mrtd, MR_SIZE, hex)));
		for (int i = 0; i < 3; i++)
			DS_TRY(ds_buf_addf(&out, "rtmr%d %s\n", i,
					   ds_hex_encode(mr->rtmr[i], MR_SIZE, hex)));
		if (image_hash)
			DS_TRY(ds_buf_addf(&out, "os_image_hash %s\n",
					   ds_hex_encode(image_hash, 32, hex)));
	}
	return ds_write_full(STDOUT_FILENO, out.p, out.n);
}

static int fail(int r, const struct ds_err *err)
{
	if (err->code)
		ds_log(DS_LOG_ERR, "%s: %s", err->domain, err->msg);
	else
		ds_log(DS_LOG_ERR, "%s", strerror(-r));
	return 1;
}

static int run_measure(const struct args *a)
{
	DS_BUF struct ds_buf fw = DS_BUF_NULL, kernel = DS_BUF_NULL, initrd = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct mr_result mr;
	struct mr_input in = { .cmdline = a->cmdline,
			       .memory = a->machine.memory,
			       .two_pass = a->two_pass };
	int r;

	if (load(a->firmware, DS_TDVF_MAX_IMAGE, &fw) || load(a->kernel, MR_MAX_KERNEL, &kernel) ||
	    load(a->initrd, MR_MAX_INITRD, &initrd))
		return 1;
	in.firmware = ds_buf_span(&fw);
	in.kernel = ds_buf_span(&kernel);
	in.initrd = ds_buf_span(&initrd);
	r = mr_measure(&in, &mr, &err);
	if (!r)
		r = print(a, &mr, NULL);
	return r ? fail(r, &err) : 0;
}

static int run_image(const struct args *a, const char *path)
{
	struct ds_err err = DS_ERR_NULL;
	struct mr_result mr;
	uint8_t hash[32];
	DS_FD int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dir < 0) {
		ds_log(DS_LOG_ERR, "%s: %s", path, strerror(errno));
		return 1;
	}
	r = mr_image(dir, a->firmware, &a->machine, hash, &mr, &err);
	if (!r)
		r = print(a, &mr, hash);
	return r ? fail(r, &err) : 0;
}

int main(int argc, char **argv)
{
	struct args a = { .firmware = DEFAULT_FIRMWARE, .machine = { DEFAULT_MEMORY, 1 } };
	const char *command = argc > 1 ? argv[1] : "";
	int c, at = -1, extra;

	ds_log_init("dstack-mr");
	if (!strcmp(command, "--version")) {
		puts("dstack-mr " DS_VERSION);
		return 0;
	}
	while ((c = getopt_long(argc, argv, "h", opts, &at)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		if (c == 'h' || !take(c, optarg, &a)) {
			a.help |= c == 'h';
			continue;
		}
		fprintf(stderr, "dstack-mr: --%s: bad value '%s'\n", opts[at].name, optarg);
		return EXIT_USAGE;
	}
	if (a.help) {
		fputs(help_text, stdout);
		return 0;
	}
	extra = argc - optind;
	if (extra == 1 && !strcmp(argv[optind], "measure") && a.kernel && a.initrd && a.cmdline)
		return run_measure(&a);
	if (extra == 2 && !strcmp(argv[optind], "image") && !a.kernel && !a.initrd && !a.cmdline &&
	    !a.two_pass)
		return run_image(&a, argv[optind + 1]);
	fputs(help_text, stderr);
	return EXIT_USAGE;
}
