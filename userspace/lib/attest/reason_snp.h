/* SPDX-License-Identifier: Apache-2.0 */
/* Part of the table in reason_text.c, see reason_quote.h: SEV-SNP reports, in the order of spec/dcap 9.3. */
T(SNP_LENGTH, "a report of exactly 1184 bytes", "The file is no SEV-SNP attestation report.",
  "A cut file, the certificate table of an extended report, or a header in front.",
  "Give the 1184 bytes of the report alone, raw or in hex.")
T(SNP_VERSION, "a report of version 2 to 5", "The layout of this report is not known here, so no field can be believed.",
  "Firmware that is newer than this verifier, or another kind of file.", "Update the verifier.")
T(SNP_SIG_ALGO, "signature algorithm 1, ECDSA P-384 with SHA-384", "Nothing known here signs in that way.",
  "An unsigned or edited report.", "Ask the guest for a report again; refuse it if it stays.")
T(SNP_SIGNING_KEY, "a report signed by a VCEK or VLEK, and the certificate of that kind of key",
  "The report says it is unsigned, or signed by a key of another kind than the one given.",
  "The VCEK's certificate for a report that a VLEK has signed, or the reverse; an unsigned report.",
  "Give the certificate that belongs to the report; cloud providers that use VLEKs hand theirs out.")
T(SNP_RESERVED, "zero in reserved flags and behind the signature",
  "Bytes that nobody signs, or flags without a meaning here, are set.",
  "Data added to the report, or firmware that is newer than this verifier.",
  "Fetch the report again; update the verifier if its version is newer.")
T(SNP_ROOT_UNTRUSTED, "the AMD root key certificate of the product, or the root you gave",
  "Somebody other than AMD vouches for this chip.", "A certificate chain made by somebody else, or the wrong --root-ca.",
  "Fetch cert_chain from AMD's key service; with --root-ca, give the root of that chain.")
T(SNP_CHAIN, "VCEK signed by the ASK or VLEK signed by the ASVK, that signed by the ARK",
  "The certificate of the signing key does not lead to AMD.",
  "A chain of another product or kind of key, a missing intermediate, or a forged certificate.",
  "Fetch the chain of the same product: /vcek/v1/PRODUCT/cert_chain, or /vlek/v1 for a VLEK.")
T(SNP_CERT_EXPIRED, "certificates that are in date", "AMD no longer stands by one of the certificates.",
  "A VLEK, which lives for a year, that was not renewed; a wrong clock.",
  "Fetch the current certificate; check the time that was judged at.")
T(SNP_CERT_NOT_YET_VALID, "certificates that are in date", "A certificate begins after the time that was judged at.",
  "A clock that is wrong or was set back, or a wrong --time.", "Check the time that was judged at.")
T(SNP_CRL, "a list of the ARK, signed by it, in date and as new as the policy asks, when one is given or required",
  "It is not known which keys AMD has revoked.",
  "A stale, foreign or damaged list, or none where the policy asks for one.",
  "Fetch the current crl of the product from AMD's key service.")
T(SNP_REVOKED, "an ASK or ASVK that is not in the list", "AMD has revoked the key that stands behind this chip's.",
  "A generation of keys that is lost.", "Do not trust the machine; ask its owner for certificates of a newer key.")
T(SNP_KEY_TYPE, "a VCEK or VLEK on the curve P-384", "The certificate holds no key that could sign reports.",
  "A certificate that AMD did not make for this.", "Fetch the certificate from AMD's key service again.")
T(SNP_SIGNATURE, "a report signed by the key of its certificate",
  "The report was edited, or was made by another chip or at another TCB than the certificate's.",
  "The certificate of another chip or of another reported TCB, or an edited report.",
  "Fetch the VCEK for chip id and reported TCB of this report; if it stays, refuse the report.")
T(SNP_EXT, "the product, patch levels and hardware id that AMD writes into a certificate",
  "It cannot be told for which chip and TCB the key is.",
  "A certificate of a newer form, or one that AMD did not make.", "Fetch the certificate again; update the verifier.")
T(SNP_PRODUCT, "one product line in ARK, certificate and processor",
  "Keys of one product line vouch for a processor of another.",
  "Certificates of another product, or a processor that is newer than this verifier.",
  "Fetch certificates of the processor's product; update the verifier if it is a new one.")
T(SNP_TCB_MISMATCH, "the patch levels of the certificate in the reported TCB",
  "The key was made for other firmware than the report speaks of.",
  "A certificate from before or after a firmware update.", "Fetch the VCEK for the reported TCB of this report.")
T(SNP_CHIP_ID, "the hardware id of the VCEK as chip id of the report", "The report comes from another chip than the key.",
  "A chip id that the host masks, or the certificate of another chip.",
  "Ask the host's owner not to mask chip ids, or to use a VLEK; fetch the right VCEK.")
T(SNP_POLICY, "a guest policy, and a platform, with only such bits as your policy allows",
  "The guest was launched with rights or on settings that are unknown or not wanted.",
  "Another launch policy, or features that are newer than this verifier.",
  "Launch the guest with a policy you accept, such as 0x30000, or name the bits in your policy file.")
T(SNP_DEBUG, "a guest that the host cannot debug", "The host can read and change the memory of this guest.",
  "A guest launched for debugging.", "Launch the guest without DEBUG; never send secrets to this one.")
T(SNP_MIGRATE, "a guest without a migration agent", "Another guest of the host's choice may export this one's state.",
  "A guest launched for migration.", "Launch the guest without MIGRATE_MA.")
T(SNP_VMPL, "a report of the most privileged layer, VMPL 0",
  "A less privileged layer of the guest asked for the report; what stands above it is not known.",
  "A guest under a paravisor or SVSM.", "Ask for a report at VMPL 0, or allow the layer in your policy file.")
T(SNP_TCB_STATUS, "one TCB version throughout, and no level below those of your policy",
  "Firmware was or is older than what is installed, or older than you accept; known weaknesses may apply.",
  "A firmware update without a restart of the guest, or a host that reports an older TCB.",
  "Ask the host's owner to commit the firmware and report its TCB, then restart the guest.")
T(SNP_HOST_DATA, "HOST_DATA that is the hash of the configuration document in the evidence",
  "The guest was not launched for the app that the evidence names.",
  "Evidence of another guest, an edited document, or a guest that is not dstack's.",
  "Ask the app itself for new evidence; refuse it if it stays.")
