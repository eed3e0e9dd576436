// SPDX-License-Identifier: Apache-2.0
/* Command line of dstack-mr. */
#include "options.h"

#include <getopt.h>

#include <ds/base/text.h>

#define DEFAULT_MEMORY (2ull << 30)
#define MAX_CPUS       4096u
#define MAX_DEVICES    32u

const char options_help[] =
	"usage: dstack-mr COMMAND [OPTION...]\n"
	"Expected measurements of a confidential VM, see dstack-mr(1).\n\n"
	"  measure         registers MRTD and RTMR0 to RTMR2\n"
	"  compare         the same against a TD, differences explained\n"
	"  image DIR       measure DIR, write its measurement.json and sha256sum.txt\n"
	"  hash DIR        os_image_hash of DIR, listed files checked\n"
	"  material DIR    measurement.tdx.cbor of DIR to --output\n"
	"  snp             launch digest of an SEV-SNP guest\n"
	"  acpi            have QEMU make the ACPI tables of a VM, to --output\n\n"
	"What boots (measure, compare, snp):\n"
	"  --image DIR, or --material FILE (measurement.tdx.cbor, measurement.snp.cbor),\n"
	"  or --kernel FILE --initrd FILE --cmdline TEXT\n"
	"  --firmware FILE       default " DEFAULT_FIRMWARE "\n\n"
	"The VM:\n"
	"  --platform NAME       emulated (default) or qemu\n"
	"  --memory SIZE         bytes, or with suffix M or G (default 2G)\n"
	"  --cpus N              default 1\n"
	"  --qemu-version V      of the VMM: before 9 adds pages in two passes\n"
	"  --two-pass, --single-pass   page order, whatever the version\n"
	"  --acpi FILE           etc/acpi/tables (platform qemu)\n"
	"  --acpi-log LOG        or take the ACPI digests from an event log, unchecked\n"
	"  --vcpu-sig HEX, --guest-features N   snp (default EPYC-v4, 1)\n\n"
	"The TD to compare with:\n"
	"  --quote FILE, or --registers FILE (JSON: mrtd, rtmr0, rtmr1, rtmr2)\n"
	"  --event-log FILE      CCEL or dstack JSON: says which event differs\n\n"
	"Devices (acpi):\n"
	"  --qemu FILE           qemu-system-x86_64 of the VMM's version\n"
	"  --qemu-version V      make its tables those of a TDX branch of version V\n"
	"  --nics N (1), --verity-volumes N, --num-gpus N, --hotplug-off, --pic-off,\n"
	"  --share-disk (not 9p), --pci-hole64-size SIZE\n\n"
	"  --json  --help  --version\n";

enum {
	OPT_TEXT = 256, /* the argument itself; which field: opts_text */
	OPT_MEMORY = OPT_TEXT + 32,
	OPT_CPUS,
	OPT_PLATFORM,
	OPT_QEMU_VERSION,
	OPT_TWO,
	OPT_SINGLE,
	OPT_VCPU_SIG,
	OPT_FEATURES,
	OPT_NICS,
	OPT_VOLUMES,
	OPT_GPUS,
	OPT_HOLE64,
	OPT_HOTPLUG,
	OPT_PIC,
	OPT_SHARE,
	OPT_JSON,
	OPT_VERSION
};

/* Options whose argument is kept as it is; index = value - OPT_TEXT. */
static const size_t text_field[] = {
	offsetof(struct options, firmware),  offsetof(struct options, kernel),
	offsetof(struct options, initrd),    offsetof(struct options, cmdline),
	offsetof(struct options, image),     offsetof(struct options, material),
	offsetof(struct options, acpi),	     offsetof(struct options, acpi_log),
	offsetof(struct options, quote),     offsetof(struct options, registers),
	offsetof(struct options, event_log), offsetof(struct options, qemu),
	offsetof(struct options, output),
};

static const struct option opts[] = {
	{ "firmware", required_argument, NULL, OPT_TEXT },
	{ "kernel", required_argument, NULL, OPT_TEXT + 1 },
	{ "initrd", required_argument, NULL, OPT_TEXT + 2 },
	{ "cmdline", required_argument, NULL, OPT_TEXT + 3 },
	{ "image", required_argument, NULL, OPT_TEXT + 4 },
	{ "material", required_argument, NULL, OPT_TEXT + 5 },
	{ "acpi", required_argument, NULL, OPT_TEXT + 6 },
	{ "acpi-log", required_argument, NULL, OPT_TEXT + 7 },
	{ "quote", required_argument, NULL, OPT_TEXT + 8 },
	{ "registers", required_argument, NULL, OPT_TEXT + 9 },
	{ "event-log", required_argument, NULL, OPT_TEXT + 10 },
	{ "qemu", required_argument, NULL, OPT_TEXT + 11 },
	{ "output", required_argument, NULL, OPT_TEXT + 12 },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "platform", required_argument, NULL, OPT_PLATFORM },
	{ "qemu-version", required_argument, NULL, OPT_QEMU_VERSION },
	{ "two-pass", no_argument, NULL, OPT_TWO },
	{ "single-pass", no_argument, NULL, OPT_SINGLE },
	{ "vcpu-sig", required_argument, NULL, OPT_VCPU_SIG },
	{ "guest-features", required_argument, NULL, OPT_FEATURES },
	{ "nics", required_argument, NULL, OPT_NICS },
	{ "verity-volumes", required_argument, NULL, OPT_VOLUMES },
	{ "num-gpus", required_argument, NULL, OPT_GPUS },
	{ "pci-hole64-size", required_argument, NULL, OPT_HOLE64 },
	{ "hotplug-off", no_argument, NULL, OPT_HOTPLUG },
	{ "pic-off", no_argument, NULL, OPT_PIC },
	{ "share-disk", no_argument, NULL, OPT_SHARE },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 },
};

static int parse_size(const char *s, uint64_t max, uint64_t *ret)
{
	size_t n = strlen(s);
	unsigned int shift = 0;
	uint64_t v;

	if (n && (s[n - 1] == 'M' || s[n - 1] == 'G')) {
		shift = s[n - 1] == 'M' ? 20 : 30;
		n--;
	}
	DS_TRY(ds_parse_u64(s, n, max >> shift, &v));
	*ret = v << shift;
	return v ? 0 : -EINVAL;
}

static int parse_count(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v;

	DS_TRY(ds_parse_u64(s, strlen(s), max, &v));
	if (v < min)
		return -EINVAL;
	*ret = v;
	return 0;
}

/* MAJOR[.MINOR[...]]. The reference knows 8 and later; nothing depends on a third number. */
static int parse_qemu_version(const char *s, struct options *o)
{
	size_t n = strcspn(s, ".");
	uint64_t major, minor = 0;

	DS_TRY(ds_parse_u64(s, n, 99, &major));
	if (s[n])
		DS_TRY(ds_parse_u64(s + n + 1, strcspn(s + n + 1, "."), 99, &minor));
	if (major < 8)
		return -EINVAL;
	o->qemu_version = (unsigned int)(100 * major + minor);
	return 0;
}

static int parse_hex32(const char *s, uint32_t *ret)
{
	char *end;
	unsigned long v;

	if (!strncmp(s, "0x", 2))
		s += 2;
	if (!*s || strspn(s, "0123456789abcdefABCDEF") != strlen(s) || strlen(s) > 8)
		return -EINVAL;
	v = strtoul(s, &end, 16);
	*ret = (uint32_t)v;
	return 0;
}

static int parse_platform(const char *s, struct mr_machine *m)
{
	if (strcmp(s, "emulated") && strcmp(s, "qemu"))
		return -EINVAL;
	m->platform = strcmp(s, "qemu") ? MR_EMULATED : MR_QEMU;
	return 0;
}

static int take_flag(int c, struct options *o)
{
	switch (c) {
	case OPT_TWO:
		o->order = ORDER_TWO;
		break;
	case OPT_SINGLE:
		o->order = ORDER_SINGLE;
		break;
	case OPT_HOTPLUG:
		o->hotplug_off = true;
		break;
	case OPT_PIC:
		o->pic_off = true;
		break;
	case OPT_SHARE:
		o->share_disk = true;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_VERSION:
		o->version = true;
		break;
	default:
		o->help = true;
		break;
	}
	return 0;
}

static int take(int c, const char *arg, struct options *o)
{
	switch (c) {
	case OPT_MEMORY:
		return parse_size(arg, DS_TDVF_MAX_MEMORY, &o->machine.memory);
	case OPT_CPUS:
		return parse_count(arg, 1, MAX_CPUS, &o->machine.cpus);
	case OPT_PLATFORM:
		return parse_platform(arg, &o->machine);
	case OPT_QEMU_VERSION:
		return parse_qemu_version(arg, o);
	case OPT_VCPU_SIG:
		return parse_hex32(arg, &o->snp.vcpu_sig);
	case OPT_FEATURES:
		return parse_count(arg, 0, UINT64_MAX, &o->snp.features);
	case OPT_NICS:
		return parse_count(arg, 0, MAX_DEVICES, &o->nics);
	case OPT_VOLUMES:
		return parse_count(arg, 0, MAX_DEVICES, &o->volumes);
	case OPT_GPUS:
		return parse_count(arg, 0, MAX_DEVICES, &o->gpus);
	case OPT_HOLE64:
		return parse_size(arg, DS_TDVF_MAX_MEMORY, &o->hole64);
	default:
		return take_flag(c, o);
	}
}

static bool has_input(const struct options *o, bool snp)
{
	unsigned int files = !!o->kernel + !!o->initrd + !!o->cmdline;

	if (o->image || o->material)
		return !files && !(o->image && o->material);
	return files == 3 && (!snp || o->firmware);
}

/* Each command has what it needs and nothing that it would ignore. */
static bool complete(const struct options *o)
{
	const char *c = o->command;
	bool acpi = o->acpi || o->acpi_log, td = o->quote || o->registers;
	bool dir = !strcmp(c, "image") || !strcmp(c, "hash") || !strcmp(c, "material");

	if (!o->operand != !dir || (o->acpi && o->acpi_log) || (o->quote && o->registers))
		return false;
	if (!strcmp(c, "measure") || !strcmp(c, "compare"))
		return has_input(o, false) && (o->machine.platform == MR_QEMU) == acpi &&
		       td == !strcmp(c, "compare") && (td || !o->event_log);
	if (!strcmp(c, "image"))
		return !o->kernel && !o->initrd && !o->cmdline && o->order == ORDER_DEFAULT &&
		       o->machine.platform == MR_EMULATED && !acpi;
	if (!strcmp(c, "snp"))
		return has_input(o, true);
	if (!strcmp(c, "acpi"))
		return o->qemu && o->output;
	if (!strcmp(c, "material"))
		return o->output;
	return !strcmp(c, "hash");
}

static void set_defaults(struct options *o)
{
	o->machine.two_pass = o->order == ORDER_TWO ||
			      (o->order == ORDER_DEFAULT && o->qemu_version && o->qemu_version < 900);
	o->snp.vcpus = (uint32_t)o->machine.cpus;
	if (!o->firmware && strcmp(o->command, "snp"))
		o->firmware = DEFAULT_FIRMWARE;
}

int options_parse(int argc, char **argv, struct options *ret)
{
	struct options o = { .machine = { .memory = DEFAULT_MEMORY, .cpus = 1 },
			     .snp = { .vcpu_sig = MR_SNP_EPYC_V4, .features = 1 },
			     .nics = 1 };
	int c, at = -1;

	while ((c = getopt_long(argc, argv, "h", opts, &at)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		if (c >= OPT_TEXT && c < OPT_TEXT + (int)DS_ARRAY_SIZE(text_field)) {
			*(const char **)((char *)&o + text_field[c - OPT_TEXT]) = optarg;
			continue;
		}
		if (!take(c, optarg, &o))
			continue;
		fprintf(stderr, "dstack-mr: --%s: bad value '%s'\n", opts[at].name, optarg);
		return EXIT_USAGE;
	}
	o.command = optind < argc ? argv[optind] : "";
	o.operand = optind + 1 < argc ? argv[optind + 1] : NULL;
	if (!o.help && !o.version && (argc - optind > 2 || !complete(&o))) {
		fputs(options_help, stderr);
		return EXIT_USAGE;
	}
	set_defaults(&o);
	*ret = o;
	return 0;
}
