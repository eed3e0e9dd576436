/* SPDX-License-Identifier: Apache-2.0 */
/* Part of the table in reason_text.c, see reason_quote.h: what stands around the quote, and what the caller expects. */
T(EVIDENCE_MISSING, "evidence for what is to be judged", "There is nothing that could prove anything.",
  "A plain TLS certificate, a CA certificate, or a bundle without that part.",
  "Ask the app for its RA-TLS certificate, or make the bundle again.")
T(EVIDENCE_FORMAT, "evidence in a form of dstack's",
  "The evidence cannot be read as a whole, so none of it is believed.",
  "A damaged file, a newer form, or evidence of another kind of platform.",
  "Fetch the evidence again; update the verifier if the form is newer.")
T(BUNDLE_FORMAT, "a dstack evidence bundle of version 1",
  "The bundle cannot be read as a whole, so none of it is believed.",
  "Another file, a cut file, or a bundle of a newer version.",
  "Make the bundle again with 'dstackctl evidence'; update the verifier if the version is newer.")
T(REPORT_DATA, "REPORTDATA made for this key or nonce",
  "The quote is genuine but was made for somebody or something else; it may be relayed.",
  "Another certificate's evidence, an old quote, or a man in the middle.",
  "Connect to the app itself and ask for new evidence; check the nonce you gave.")
T(EVENT_LOG_FORMAT, "an event log that can be read and says what was measured",
  "The log cannot be read, or hides launch events as bare digests, so it explains nothing.",
  "A damaged or cut log, or a log that was written to mislead.", "Fetch the log again together with the quote.")
T(EVENT_NAME, "event names without ':' and control characters",
  "Name and payload could be split in two ways with the same digest, so the name proves nothing.",
  "A log that was written to mislead.", "Refuse its maker.")
T(EVENT_PREIMAGE, "the canonical preimage of each version 2 event",
  "The text that is said to be hashed is not the one that name and payload give.",
  "A producer with another JSON form, or an edited log.", "Fetch the log again; report the producer.")
T(EVENT_FOREIGN, "only launch events of dstack before system-ready, all in RTMR3",
  "Something that is no part of dstack's launch was measured as if it were one.",
  "Another operating system, a changed one, or a newer release with events not known here.",
  "Check the image; update the verifier if the release is newer.")
T(EVENT_DUPLICATE, "each launch event once",
  "The launch says two things under one name, and readers differ in which of them they believe.",
  "An operating system that lets others measure during the launch.", "Refuse the image; use a release of dstack.")
T(EVENT_MISSING, "the launch events that identify an app", "The boot did not measure who the app is.",
  "Not a dstack guest, or evidence from before the identity was measured.",
  "Ask a dstack guest whose boot is complete.")
T(RTMR_REPLAY, "the registers of the quote from the replay of the log",
  "The log is not what was measured: an event was edited, dropped, added or moved.",
  "Log and quote of different moments or machines, or a log that lies.",
  "Fetch log and quote in one request; if it stays, refuse the log.")
T(COMPOSE_HASH, "the compose file that was measured",
  "The app runs another compose file than the one you hold, perhaps only by white space.",
  "Another edition of the file, or one that was formatted since.",
  "Take the file exactly as it was deployed; if it should be this one, do not trust the app.")
T(MEASUREMENT, "the measurements of an operating system you know",
  "Another firmware, kernel, command line or initrd runs, or nothing was given to compare with.",
  "Another image or VM shape (memory, CPUs), or a missing --image or --kms-root.",
  "Run dstack-mr on the image and shape that should run and compare field by field.")

/* certificates of apps and their key server */
T(CERT_FORMAT, "PEM certificates with well-formed extensions", "The certificate chain cannot be read.",
  "Another file, or text around the PEM blocks.", "Give the chain as PEM, the leaf first.")
T(CERT_CHAIN, "a certificate chain from the app to your KMS root",
  "No key server that you trust stands behind the certificate.",
  "An app of another KMS, a self-signed certificate, or the wrong root.",
  "Check which KMS the app uses and give its root certificate.")
T(CERT_USAGE, "certificates used for what they were issued for",
  "The certificate was issued for another role, such as a key server or a CA.",
  "The wrong certificate was served or given.", "Ask for the app's own certificate.")
T(CERT_IDENTITY, "the identity in the certificate and that which was measured to agree with what you expect",
  "The certificate names another app, host or key server than the one that was measured or asked for.",
  "Another app answers under this name, or the wrong id was given.",
  "Check --app-id and --host; if they are right, do not trust the peer.")

/* keys */
T(KEY_FORMAT, "keys and signatures of the right form and size", "A key or signature cannot be read.",
  "A reply of another call, or a cut one.", "Give the JSON reply of GetKey, Sign or GetAppEnvEncryptPubKey as it came.")
T(KEY_CHAIN, "a complete signature chain from the key to the KMS",
  "A link of the chain is missing or belongs to another key, app, purpose or path.",
  "The wrong purpose, app id or public key, or an app that runs without a KMS.",
  "Check --purpose, --app-id and --algorithm against the request that made the reply.")
T(KEY_ROOT, "a chain that ends in your KMS root key",
  "The chain was not made by the KMS that you trust, or a link of it was made for something else.",
  "An app of another KMS, or the wrong app id, purpose or key.",
  "Compare --kms-root-key with the k256_pubkey of the KMS; check --app-id and --purpose.")
T(KEY_SIGNATURE, "a signature of this key over this data", "The data or the signature is not what was signed.",
  "Other data, another algorithm, or a changed signature.", "Give exactly the bytes that were signed.")
T(KEY_STALE, "an encryption key that the KMS has signed recently",
  "The signed time is missing, too old or in the future, so the reply may be a replay.",
  "A stored reply, a KMS that only makes the older form, or a wrong clock.",
  "Ask the KMS again; to accept it regardless give --max-age any.")
