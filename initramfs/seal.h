/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two doors that lockdown leaves open to root: bpf(2), which reads all memory of the kernel, and
 * perf_event_open(2), which samples stack and registers of any process.
 */
#ifndef INITRAMFS_SEAL_H
#define INITRAMFS_SEAL_H

#include <ds/base/base.h>

#define SEAL_DOORS 2

/*
 * From here on both calls are EPERM for everybody, whatever its capabilities and namespaces: a
 * program on the kernel's own hook decides. It stays as long as its descriptor does, and these are
 * never to be closed. The kernel calls the hook through ftrace, which dstack_key.ko keeps enabled.
 * 0, or a negative errno with nothing changed: -ENOENT for a kernel without BTF or such a hook,
 * -EOPNOTSUPP for one that does not call it ("bpf" is not in lsm=).
 */
DS_MUST int seal_kernel(int ret_links[SEAL_DOORS]);

/* Pure: id of the type of this kind (BTF_KIND_*) and name; 0 if there is none or btf is malformed.
 */
DS_MUST uint32_t seal_btf_find(struct ds_span btf, unsigned kind, const char *name);

#endif
