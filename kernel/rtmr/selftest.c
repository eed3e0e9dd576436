// SPDX-License-Identifier: GPL-2.0-only
/* Digests, name rules and the write format against known answers. */
#include <linux/errno.h>
#include <linux/hex.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "event.h"
#include "measure.h"
#include "selftest.h"
#include "tcg2.h"
#include "uapi/dstack.h"
#include "../compat/sha384.h"

#define NAME_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* One event as it is written, its length (it may hold NUL), and the SHA-384 of its preimage. */
static const struct {
	const char *written;
	size_t len;
	const char *digest[2];
} known[] = {
	{ "system-preparing\n", 17,
	  { "f9974020ef507068183313d0ca808e0d1ca9b2d1ad0c61f5",
	    "784e7157c362c06536f5ddacdad4451693f48fcc72fff624" } },
	{ "boot-mr-done\n", 13,
	  { "98bd7e6bd3952720b65027fd494834045d06b4a714bf737a",
	    "06b874638b3ea00ff402f7f583e3e3b05e921c8570433ac6" } },
	{ "key-provider\n{\"name\":\"none\",\"id\":\"\"}", 36,
	  { "7f788209b6106d43ad4b0cef85797120c234f175a10b7cb6",
	    "09a73ec1f4285adfe7abca2e1e3d3bd2ba058c2b78d1771d" } },
	{ "storage-fs\nzfs", 14,
	  { "ba51104636900268b0e059fa3d266419d079d1e94aea26fb",
	    "9fcbb8d764bf4c89a67ac271b8a0d1a3989945132a111fc7" } },
	{ "system-ready\n", 13,
	  { "1a76b2a80a0be71eae59f80945d876351a7a3fb8e9fd1ff1",
	    "cede5734aa84ea11fd72b4edfbb6f04e5a85edd114c751bd" } },
};

static const struct {
	const char *written;
	size_t len;
	int err;
} refused[] = {
	{ "", 0, -EINVAL },
	{ "\n", 1, -EINVAL },
	{ "name", 4, -EINVAL },
	{ "na me\n", 6, -EINVAL },
	{ "na:me\n", 6, -EINVAL },
	{ "na/me\n", 6, -EINVAL },
	{ "na\0me\n", 6, -EINVAL },
	{ "na\xe9me\n", 6, -EINVAL },
	{ NAME_64 "x\n", 66, -EINVAL },
	{ NAME_64, 64, -EINVAL },
};

static bool digest_from_hex(const char *const halves[2], u8 ret[DS_TD_MR_SIZE])
{
	return !hex2bin(ret, halves[0], DS_TD_MR_SIZE / 2) &&
	       !hex2bin(ret + DS_TD_MR_SIZE / 2, halves[1], DS_TD_MR_SIZE / 2);
}

static bool known_ok(int i)
{
	u8 head[DS_EVENT_HEAD_MAX], digest[DS_TD_MR_SIZE], want[DS_TD_MR_SIZE];
	struct ds_event event;
	size_t head_len;

	if (ds_event_parse((const u8 *)known[i].written, known[i].len, &event) ||
	    !ds_event_is_launch(&event) || !digest_from_hex(known[i].digest, want))
		return false;
	head_len = ds_event_head(&event, head);
	ds_sha384_2(head, head_len, event.payload, event.payload_len, digest);
	return !memcmp(digest, want, sizeof(want));
}

/* No head of an event up to its newline is an event. */
static bool truncated_ok(int i)
{
	size_t head = strcspn(known[i].written, "\n"), len;
	struct ds_event event;

	for (len = 0; len <= head; len++) {
		if (ds_event_parse((const u8 *)known[i].written, len, &event) != -EINVAL)
			return false;
	}
	return true;
}

static bool refused_ok(int i)
{
	struct ds_event event;

	return ds_event_parse((const u8 *)refused[i].written, refused[i].len, &event) ==
	       refused[i].err;
}

static bool limits_ok(void)
{
	static u8 big[DSTACK_EVENT_WRITE_MAX + 1];
	struct ds_event event;

	memset(big, 'n', sizeof(big));
	big[DSTACK_EVENT_NAME_MAX] = '\n';
	if (ds_event_parse(big, DSTACK_EVENT_WRITE_MAX, &event) ||
	    event.name_len != DSTACK_EVENT_NAME_MAX ||
	    event.payload_len != DSTACK_EVENT_PAYLOAD_MAX || ds_event_is_launch(&event))
		return false;
	return ds_event_parse(big, DSTACK_EVENT_WRITE_MAX + 1, &event) == -EFBIG;
}

/* Two extensions from zero, with digests of which the first and last byte are set. */
static bool fold_ok(void)
{
	static const char *const folded[2] = {
		"8c567167903ed0612e122fa2dc70d366b9cd680925653054",
		"585fadffa3f392521a62944844bf1470013d3f85d98e09ab",
	};
	u8 value[DS_TD_MR_SIZE] = {}, digest[DS_TD_MR_SIZE] = {}, want[DS_TD_MR_SIZE];

	digest[0] = 1;
	ds_rtmr_fold(value, digest);
	digest[DS_TD_MR_SIZE - 1] = 2;
	ds_rtmr_fold(value, digest);
	return digest_from_hex(folded, want) && !memcmp(value, want, sizeof(want));
}

/* A header, an event of RTMR2 with 3 bytes of data, and 5 bytes of fill. */
#define TCG2_HEADER	65
#define TCG2_END	(TCG2_HEADER + 66 + 3)

static const u8 tcg2_log[TCG2_END + 5] = {
	[4] = DS_TCG2_EV_NO_ACTION, [28] = 33,
	[32] = 'S', 'p', 'e', 'c', ' ', 'I', 'D', ' ', 'E', 'v', 'e', 'n', 't', '0', '3',
	[53] = 2, [55] = 2, [56] = 1, [60] = DS_TCG2_ALG_SHA384, [62] = DSTACK_DIGEST_SIZE,
	[TCG2_HEADER] = DSTACK_LOG_PCR(2),
	[TCG2_HEADER + 4] = 4, [TCG2_HEADER + 8] = 1, [TCG2_HEADER + 12] = DS_TCG2_ALG_SHA384,
	[TCG2_HEADER + 62] = 3, 0, 0, 0, 1, 2, 3,
	0xff, 0xff, 0xff, 0xff, 0xff,
};

/* One changed byte makes it a log that is not ours to continue. */
static const struct {
	size_t at;
	u8 value;
} tcg2_bad[] = {
	{ 0, 1 }, { 4, 4 }, { 28, 32 }, { 28, 34 }, { 32, 's' }, { 47, 1 }, { 56, 2 }, { 60, 11 },
	{ 62, 32 }, { 64, 1 },
	{ TCG2_HEADER, DSTACK_LOG_PCR(3) }, { TCG2_HEADER + 3, 1 }, { TCG2_HEADER + 8, 2 },
	{ TCG2_HEADER + 12, 11 }, { TCG2_HEADER + 62, 9 }, { TCG2_HEADER + 65, 1 },
	{ TCG2_END + 4, 0 },
};

static bool tcg2_bad_ok(const u8 *log)
{
	struct ds_tcg2_extent extent;
	u8 copy[sizeof(tcg2_log)];
	int i;

	for (i = 0; i < ARRAY_SIZE(tcg2_bad); i++) {
		memcpy(copy, log, sizeof(copy));
		copy[tcg2_bad[i].at] = tcg2_bad[i].value;
		if (ds_tcg2_measure(copy, sizeof(copy), &extent) != -EBADMSG) {
			pr_err("selftest: firmware log, byte %zu\n", tcg2_bad[i].at);
			return false;
		}
	}
	/* Our own event types. */
	for (i = DSTACK_EV_RUNTIME & 0xff; i <= (DSTACK_EV_DIGEST_ONLY & 0xff); i++) {
		memcpy(copy, log, sizeof(copy));
		copy[TCG2_HEADER + 4] = i;
		copy[TCG2_HEADER + 7] = DSTACK_EV_RUNTIME >> 24;
		if (ds_tcg2_measure(copy, sizeof(copy), &extent) != -EBADMSG)
			return false;
	}
	return true;
}

static bool tcg2_ok(void)
{
	struct ds_tcg2_extent extent;
	size_t len;
	int err;

	for (len = 0; len <= sizeof(tcg2_log); len++) {
		err = ds_tcg2_measure(tcg2_log, len, &extent);
		if (len == TCG2_HEADER)
			err |= extent.events || extent.len != len;
		else if (len >= TCG2_END)
			err |= extent.events != 1 || extent.len != TCG2_END;
		else
			err = err == -EBADMSG ? 0 : -EINVAL;
		if (err) {
			pr_err("selftest: firmware log of %zu bytes\n", len);
			return false;
		}
	}
	return tcg2_bad_ok(tcg2_log);
}

int ds_selftest(void)
{
	bool ok = limits_ok() && fold_ok() && tcg2_ok();
	int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (!known_ok(i) || !truncated_ok(i)) {
			pr_err("selftest: event %d\n", i);
			ok = false;
		}
	}
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		if (!refused_ok(i)) {
			pr_err("selftest: malformed event %d\n", i);
			ok = false;
		}
	}
	pr_info("selftest: %s\n", ok ? "pass" : "FAIL");
	return ok ? 0 : -ENOTRECOVERABLE;
}
