/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dstack attestation blob: a TDX quote with its event log or a SEV-SNP report with its
 * configuration, the runtime events to replay, the report data that it claims and the VM
 * configuration (spec/guest-api 9, spec/kms 1.6). V0 (SCALE)
 * is read and written; V1 (MessagePack) is read. Nothing here judges: see ds/attest/. Pure; a
 * decoded struct owns copies.
 */
#ifndef DS_WIRE_ATTESTATION_H
#define DS_WIRE_ATTESTATION_H

#include <ds/base/base.h>
#include <ds/wire/eventlog.h>

#define DS_ATTESTATION_MAX_CERTS 8

enum ds_attestation_kind { DS_ATTESTATION_TDX, DS_ATTESTATION_SNP };

struct ds_attestation {
	enum ds_attestation_kind kind;
	struct ds_buf quote; /* of SEV-SNP: the report */
	/* SEV-SNP only; as the host handed them out, each PEM or DER */
	struct ds_buf cert[DS_ATTESTATION_MAX_CERTS];
	size_t n_cert;
	struct ds_buf mr_config; /* the MrConfigV3 document behind HOST_DATA, its exact bytes */
	struct ds_eventlog log; /* firmware and runtime; a stripped digest: has_digest is false */
	/*
	 * What is replayed: name, payload (and version, preimage when V1 carries them); imr 3,
	 * DS_EV_RUNTIME, has_digest = false.
	 */
	struct ds_eventlog runtime_events;
	uint8_t report_data[64];
	struct ds_buf config; /* vm_config JSON; old blobs: the whole system configuration */
};

#define DS_ATTESTATION_NULL ((struct ds_attestation){ 0 })

enum ds_attestation_form {
	DS_ATTESTATION_FULL,
	/*
	 * For certificates: log keeps RTMR3 (digests emptied) and the ACPI DATA events of RTMR0
	 * only.
	 */
	DS_ATTESTATION_STRIPPED,
};

/*
 * Append V0. -EOPNOTSUPP: an event is version 2 (V0 cannot carry it); -EFBIG: more than
 * DS_MAX_ATTESTATION.
 */
DS_MUST int ds_attestation_encode(const struct ds_attestation *att, enum ds_attestation_form form,
				  struct ds_buf *buf);
/*
 * The whole of in, trailing bytes are an error. -EOPNOTSUPP: another platform than these, named in
 * err; -EFBIG, -EBADMSG.
 */
DS_MUST int ds_attestation_decode(struct ds_span in, struct ds_attestation *ret,
				  struct ds_err *err);
/* For evidence that comes without them: runtime_events are those of RTMR3 in log. */
DS_MUST int ds_attestation_take_runtime(struct ds_attestation *att);
void ds_attestation_done(struct ds_attestation *att);
#define DS_ATTESTATION DS_CLEANUP(ds_attestation_done)

#endif
