/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Part of the table in reason_text.c: quote, certificates, collateral, quoting enclave, platform and policy.
 * T(reason, what the check asks for, what its failure means, the usual cause, what to do)
 */
T(INTERNAL, "the judgement to come to its end",
  "The judgement could not be finished. That is no finding about the evidence, and nothing was accepted.",
  "The machine that verifies is out of memory, or an input is larger than the verifier allows.",
  "Try again with more memory. If it stays, report it with the inputs.")

/* the quote's bytes */
T(PARSE_SIZE, "a quote of at most 64 KiB", "The input is larger than any quote.",
  "Another file was given, or a quote with its log in one file.", "Give the raw quote or its hex digits alone.")
T(PARSE_TRUNCATED, "every field of the quote inside the input",
  "The quote ends before one of its fields does, so it cannot be read as a whole.",
  "The file was cut while it was copied, or its hex or base64 was decoded wrongly.",
  "Fetch the quote again and keep all of its bytes.")
T(PARSE_VERSION, "quote version 4 or 5", "The header does not name a version of TDX quotes.",
  "An SGX quote (version 3), an SNP report, or not a quote at all.",
  "Give a TDX quote; for AMD reports there is another subcommand.")
T(PARSE_KEY_TYPE, "attestation key type 2 (ECDSA P-256)", "The quote is signed with another kind of key.",
  "A quoting enclave that does not use ECDSA on P-256.", "Have the quote made by Intel's TDX quoting enclave.")
T(PARSE_TEE_TYPE, "TEE type 0x81 (TDX)", "The quote is about another kind of environment than a TD.",
  "A quote of an SGX enclave.", "Give a quote that was made inside a TD.")
T(QE_VENDOR, "the vendor id of Intel's quoting enclave",
  "The quote was made by somebody else's quoting scheme, whose rules are not known here.",
  "A quoting enclave of another vendor.", "Have the quote made by Intel's quoting enclave.")
T(PARSE_BODY, "a TD report body of the right type and size",
  "Type and size of the body do not go together, so its fields would be read from the wrong places.",
  "A damaged quote, or a version 5 quote about an enclave.", "Fetch the quote again; if it stays, refuse its maker.")
T(PARSE_AUTH_LENGTH, "nested lengths that agree to the byte",
  "The lengths inside the signature part contradict each other; two readers could see two quotes.",
  "A damaged or hand-made quote.", "Fetch the quote again; if it stays, refuse its maker.")
T(PARSE_CERT_TYPE, "certification data of a known type, nested as specified",
  "The part that should lead to the platform's certificate cannot be understood.",
  "A damaged or hand-made quote.", "Fetch the quote again; if it stays, refuse its maker.")
T(PARSE_TRAILING, "nothing or zero bytes behind the quote",
  "Something follows the quote that no signature covers.",
  "Two files were joined, or a fixed-size buffer was not cleared.", "Cut the input to the quote itself.")
T(CERT_DATA_UNSUPPORTED, "the PCK certificate chain inside the quote (type 5)",
  "The quote names the platform but does not carry its certificates, so it cannot be verified offline.",
  "The host's quote generation service has no PCK certificate in its cache.",
  "Let the host fetch its PCK certificate (PCCS, registration), then make a new quote.")

/* certificates */
T(PCK_CHAIN_FORMAT, "exactly three PEM certificates: PCK, CA, root",
  "The certificate chain in the quote cannot be read or has another length.",
  "A damaged quote or a host that delivers a wrong chain.", "Repair the host's PCK cache and make a new quote.")
T(ROOT_UNTRUSTED, "a chain that ends in the trusted root",
  "The certificates are not Intel's (or not those of the root you gave), so nothing they say counts.",
  "A quote of the emulator or of pre-production hardware, or a forged chain.",
  "Use real hardware. For tests name the test root with --root-ca.")
T(PCK_NAME, "the common names of Intel's PCK hierarchy",
  "A certificate stands in a role that it was not issued for.", "A forged or mixed-up chain.",
  "Refuse its maker; repair the host's PCK cache if the host is yours.")
T(PCK_CHAIN_ORDER, "each certificate issued by the next one",
  "The certificates do not form a chain.", "Chains of two CAs were mixed (Platform and Processor).",
  "Repair the host's PCK cache and make a new quote.")
T(PCK_CHAIN_CA, "CA flags, key usage and path length of CAs on the CAs alone",
  "A certificate that may not issue certificates has done so.", "A forged chain.", "Refuse its maker.")
T(PCK_CHAIN_SIGNATURE, "valid signatures from the root down to the PCK certificate",
  "A certificate was edited or not issued by the CA it names, so platform and TCB in it are made up.",
  "A forged or damaged chain.", "Refuse its maker; fetch the quote again if it may be damaged.")
T(PCK_CHAIN_PROFILE, "a chain that also passes RFC 5280 path validation",
  "A general X.509 check refuses the chain although the specific ones did not.",
  "Certificates with unusual or unknown critical extensions.", "Report the chain; do not accept it.")
T(CERT_EXPIRED, "certificates that are in date at the time of judgement",
  "A certificate ended before the time at which the evidence is judged.",
  "Archived evidence judged at today's time, an app whose certificate was not renewed, or a wrong clock.",
  "Judge archived evidence with --time; otherwise get fresh evidence and check the clock.")
T(CERT_NOT_YET_VALID, "certificates that are in date at the time of judgement",
  "A certificate begins after the time at which the evidence is judged.",
  "A clock that is behind, or a --time before the evidence was made.", "Correct the clock or --time.")

/* collateral */
T(COLLATERAL_MISSING, "collateral for this quote",
  "Without revocation lists, TCB info and QE identity nobody knows whether the platform is still good.",
  "No collateral was given and none is in the bundle.", "Give --collateral with the set for this FMSPC.")
T(COLLATERAL_FORMAT, "a JSON object with all fields of the collateral set",
  "A document is missing or has the wrong type; a missing list may hide a revocation.",
  "A failed download that was saved, or a set of another tool's shape.", "Fetch the collateral again.")
T(CRL_FORMAT, "a DER revocation list and nothing behind it", "A revocation list cannot be read.",
  "PEM where DER is needed, or a damaged file.", "Fetch the collateral again.")
T(CRL_ISSUER, "a revocation list of the CA that it is used for",
  "The list is another CA's, so this CA's revocations are unknown.",
  "Platform and Processor lists were exchanged.", "Fetch the PCK CRL for the CA that issued this PCK certificate.")
T(CRL_SIGNATURE, "a revocation list signed by its CA", "The list was edited; entries may have been removed.",
  "A damaged or forged list.", "Fetch the collateral again from Intel or a cache you trust.")
T(CRL_EXPIRED, "a revocation list that is in date",
  "Newer revocations may exist that the list cannot show.", "Stored collateral that was not renewed.",
  "Fetch new collateral; judge archived evidence with --time.")
T(CRL_NOT_YET_VALID, "a revocation list that is in date", "The list was issued after the time of judgement.",
  "A clock that is behind, or newer collateral than --time.", "Correct the clock, or take collateral of that day.")
T(PCK_CA_REVOKED, "an intermediate CA that is not revoked",
  "Intel has withdrawn the CA; nothing that it issued counts any more.", "A CA key that was compromised.",
  "The platform needs a certificate of another CA; until then refuse it.")
T(PCK_REVOKED, "a platform certificate that is not revoked",
  "Intel has withdrawn this platform's certificate: its keys may be known to others.",
  "A compromised or re-registered platform.", "Move the workload to another machine; register the platform anew.")
T(PCK_EXT, "the complete SGX extension in the PCK certificate",
  "The platform's identity and TCB are missing from its certificate, and defaults are not assumed.",
  "A certificate that is no PCK certificate.", "Repair the host's PCK cache and make a new quote.")
T(TCB_SIGNER_CHAIN, "two certificates: TCB signer and root",
  "TCB info or QE identity cannot be traced to the root.", "An incomplete or wrong issuer chain in the collateral.",
  "Fetch the collateral again with its issuer chains.")
T(TCB_SIGNER_NAME, "a certificate for TCB signing",
  "The documents are signed by a certificate of another role.",
  "The issuer chain of another document was put in its place.", "Fetch the collateral again with its issuer chains.")
T(TCB_SIGNER_REVOKED, "a TCB signer that is not revoked",
  "Intel has withdrawn the signer; the documents it signed do not count.", "Old collateral.", "Fetch new collateral.")
T(TCBINFO_SIGNATURE, "TCB info exactly as it was signed",
  "The text differs from what Intel signed: levels, status or dates may have been changed.",
  "The JSON was formatted or re-ordered by a tool, or edited.", "Keep tcb_info as the string that came, byte for byte.")
T(TCBINFO_FORMAT, "TCB info that follows its schema", "The document is signed but cannot be used without guessing.",
  "A newer schema than this verifier knows.", "Fetch version 3 TCB info for TDX; update the verifier.")
T(TCBINFO_KIND, "TCB info of version 3 for TDX", "The document describes another environment.",
  "SGX TCB info in the place of TDX TCB info.", "Fetch it from the TDX path of the service.")
T(TCBINFO_EXPIRED, "TCB info that is in date",
  "Advisories published since are not in it; an old document makes an old platform look good.",
  "Stored collateral that was not renewed.", "Fetch new collateral; judge archived evidence with --time.")
T(TCBINFO_NOT_YET_VALID, "TCB info that is in date", "The document was issued after the time of judgement.",
  "A clock that is behind, or newer collateral than --time.", "Correct the clock, or take collateral of that day.")
T(QEID_SIGNATURE, "a QE identity exactly as it was signed",
  "The text differs from what Intel signed: another enclave may pass as quoting enclave.",
  "The JSON was formatted or re-ordered by a tool, or edited.",
  "Keep qe_identity as the string that came, byte for byte.")
T(QEID_FORMAT, "a QE identity that follows its schema", "The document is signed but cannot be used without guessing.",
  "A newer schema than this verifier knows.", "Fetch version 2 of the TD QE identity; update the verifier.")
T(QEID_KIND, "the identity of the TD quoting enclave", "The document describes another enclave.",
  "The SGX QE identity in the place of the TD one.", "Fetch it from the TDX path of the service.")
T(QEID_EXPIRED, "a QE identity that is in date", "Newer findings about the quoting enclave are not in it.",
  "Stored collateral that was not renewed.", "Fetch new collateral; judge archived evidence with --time.")
T(QEID_NOT_YET_VALID, "a QE identity that is in date", "The document was issued after the time of judgement.",
  "A clock that is behind, or newer collateral than --time.", "Correct the clock, or take collateral of that day.")
T(FMSPC_MISMATCH, "TCB info for this platform's FMSPC",
  "The TCB info is about another kind of machine, so its levels say nothing about this one.",
  "One collateral file is used for machines of several kinds.", "Fetch collateral for the FMSPC in the certificate.")
T(PCEID_MISMATCH, "TCB info for this platform's PCE id", "The TCB info is about another provisioning enclave.",
  "Collateral of another platform.", "Fetch collateral for this platform.")

/* quoting enclave and quote */
T(QE_REPORT_SIGNATURE, "a QE report signed by the platform's PCK key",
  "The platform does not vouch for the enclave that is said to have made the quote.",
  "An edited quote, or parts of two quotes.", "Refuse its maker; fetch the quote again if it may be damaged.")
T(QE_AUTH_BINDING, "an attestation key that the quoting enclave reported",
  "The key that signed the quote is not the quoting enclave's: anybody may have made it.",
  "A forged quote.", "Refuse its maker.")
T(QE_MISCSELECT, "the MISCSELECT of Intel's quoting enclave", "Another enclave acted as quoting enclave.",
  "A foreign enclave on a genuine platform.", "Refuse its maker; reinstall the quoting enclave if the host is yours.")
T(QE_DEBUG, "a quoting enclave that is not in debug mode", "The attestation key can be read out of the enclave.",
  "A development enclave on the host.", "Install Intel's production quoting enclave.")
T(QE_ATTRIBUTES, "the attributes of Intel's quoting enclave", "Another enclave acted as quoting enclave.",
  "A foreign enclave on a genuine platform.", "Refuse its maker; reinstall the quoting enclave if the host is yours.")
T(QE_MRSIGNER, "a quoting enclave signed by Intel", "Somebody else's enclave acted as quoting enclave.",
  "A foreign enclave on a genuine platform.", "Refuse its maker; reinstall the quoting enclave if the host is yours.")
T(QE_ISVPRODID, "the product id of the TD quoting enclave", "Another enclave of Intel's acted as quoting enclave.",
  "A foreign enclave on a genuine platform.", "Refuse its maker; reinstall the quoting enclave if the host is yours.")
T(QE_TCB_NO_LEVEL, "a quoting enclave at one of the listed versions",
  "The quoting enclave is older than every version that Intel still describes.",
  "DCAP software that was never updated.",
  "Update the host's DCAP packages and make a new quote.")
T(QUOTE_SIGNATURE, "a quote signed by its attestation key",
  "Header or body were changed after signing: no measurement in it can be believed.",
  "An edited or damaged quote.", "Refuse its maker; fetch the quote again if it may be damaged.")

/* TDX module and platform */
T(TDX_MODULE_UNKNOWN, "a TDX module that the TCB info describes", "Intel does not list the module that ran the TD.",
  "Collateral older than the module, or a foreign module.", "Fetch new collateral; if it stays, refuse the platform.")
T(SEAM_SIGNER, "a TDX module signed by Intel", "The code that isolates the TD is not Intel's.",
  "A foreign or development module.", "Refuse the platform.")
T(SEAM_ATTRIBUTES, "a production TDX module",
  "The module has attributes that Intel's release does not have, such as debug.",
  "A development module.", "Install the production TDX module and relaunch the TD.")
T(TDX_MODULE_NO_LEVEL, "a TDX module at one of the listed versions",
  "The module is older than every version that Intel still describes.", "A host that was never updated.",
  "Update the TDX module on the host and relaunch the TD.")
T(TCB_NO_LEVEL, "a platform at one of the listed TCB levels",
  "Firmware or microcode are older than every level that Intel still describes.", "A host that was never updated.",
  "Update BIOS and microcode on the host, then make a new quote.")

/* policy */
T(TD_DEBUG, "a TD that the host can neither debug nor profile",
  "The host can read and change the TD's memory: nothing inside it is confidential.",
  "The TD was started with a debug or profiling attribute.", "Relaunch the TD without it. For tests only: allow_debug.")
T(TD_MIGRATABLE, "a TD that cannot be migrated", "The TD's state can leave this machine by a migration TD.",
  "The host started the TD with the MIGRATABLE attribute.", "Relaunch the TD without it.")
T(TD_ATTRIBUTES_RESERVED, "only attribute and XFAM bits that the policy allows",
  "The TD has a property whose effect on its security is unknown here.", "A newer TDX module or a stricter policy.",
  "Relaunch the TD without it, or name the bit in the policy once you know what it does.")
T(TD_SEPT_VE, "SEPT_VE_DISABLE set", "The host can interrupt the TD's kernel with exceptions at chosen pages.",
  "A VMM that does not set the attribute.", "Relaunch the TD with sept-ve-disable.")
T(TD_SERVICE_TD, "no service TD, or one that the policy names",
  "Another TD is bound to this one and can act on its state.", "A migration TD was bound at launch.",
  "Relaunch the TD without it, or list its hash in the policy (service_td).")
T(TCB_STATUS, "a TCB status that the policy accepts",
  "Known weaknesses of the platform, the TDX module or the quoting enclave are not patched (see the advisories).",
  "Firmware, microcode or settings of the host are behind.",
  "Update the host as the advisories say and make a new quote; or accept this status in the policy (tcb_status).")
T(TCB_EVALUATION, "TCB info of a recent evaluation",
  "The TCB info is older than the policy asks for, so later advisories do not count in it.",
  "A cache that still serves the previous evaluation.", "Fetch collateral of the current evaluation.")
T(CRL_TOO_OLD, "revocation lists as new as the policy asks for",
  "The list is in date, but older than one that you know of, and its signer may have revoked keys since.",
  "Stored collateral, or a service that holds newer lists back.",
  "Fetch new collateral, from another service if it stays so.")
T(TCB_SVN, "SVNs of at least the policy's minimum", "A part of the platform is older than you have decided to accept.",
  "Firmware, microcode or TDX module of the host are behind.", "Update the host and relaunch the TD, or lower the minimum in the policy.")
T(ADVISORY, "no advisory that the policy denies or does not tolerate",
  "A weakness that you have excluded, or have not admitted by name, applies to the platform.",
  "Firmware or microcode of the host are behind.",
  "Update the host as the advisory says; or list it in the policy (tolerate_advisory) if it does not concern you.")
T(PLATFORM_DENIED, "a platform that the policy admits",
  "The machine is on a deny list, or not on the list of those that are allowed.",
  "A machine known to be compromised, or one of another fleet.", "Use another machine, or correct the policy's list.")
