// SPDX-License-Identifier: Apache-2.0
/* Modules that are loaded when memory runs out. */
#include <sys/syscall.h>

#include "../ktap.h"
#include "../rtmr_util.h"
#include "fault.h"
#include "uapi/tdx_emul.h"

/* Something to load, and how to have it refuse at once. */
struct target {
	const char *device, *folder, *params;
	int refusal;
};

static const struct target emul = { TDX_EMUL_QE_DEVICE, "/sys/module/tdx_emul", "mrtd=11", EINVAL };
static const struct target rtmr = { DSTACK_DEVICE, "/sys/module/dstack_rtmr", "", ENODEV };

const char *const *load_files;
static const struct target *target;
static const char *params;
static int rtmr_needs, emul_needs;

static int load(void)
{
	int fd = open(load_files[target == &rtmr], O_RDONLY | O_CLOEXEC), saved;
	long ret;

	if (fd < 0)
		return -1;
	ret = syscall(SYS_finit_module, fd, params, 0);
	saved = errno;
	close(fd);
	errno = saved;
	return ret ? -1 : 0;
}

static bool is_loaded(int ret)
{
	return !access(target->folder, F_OK) == !ret && !access(target->device, F_OK) == !ret;
}

static int count_refused(const struct target *of)
{
	int n;

	target = of;
	params = of->params;
	n = count_allocations(load);
	printf("# the loader makes %d allocations\n", n);
	return errno == of->refusal ? n : -1;
}

void loads_can_be_refused(void)
{
	rtmr_needs = count_refused(&rtmr);
	KT_CHECK(rtmr_needs > 0);
	emul_needs = count_refused(&emul);
	KT_CHECK(emul_needs > 0);
}

/*
 * From the loader's last allocation on, which is made just before the module's own code: to many of
 * the earlier ones it is indifferent, and what is loaded stays loaded.
 */
static void load_or_not(const struct target *of, int from)
{
	target = of;
	params = "";
	every_allocation_once(from, load, is_loaded);
}

void emul_is_loaded_or_not(void)
{
	load_or_not(&emul, emul_needs);
}

void rtmr_is_loaded_or_not(void)
{
	load_or_not(&rtmr, rtmr_needs);
	KT_CHECK(!rt_event("loaded", "at last"));
	KT_CHECK(rt_replay_matches(3));
}
