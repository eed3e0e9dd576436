// SPDX-License-Identifier: Apache-2.0
//! dcap-qvl on the records of ../record.h: `judge RECORDS` prints one line each,
//! `bench RECORDS cold|warm THREADS SECONDS` measures. Cold starts from the collateral file, warm from the
//! parsed set: the library keeps nothing else between calls.
use dcap_qvl::verify::QuoteVerifier;
use dcap_qvl::QuoteCollateralV3;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

struct Record<'a> {
    quote: &'a [u8],
    collateral: &'a [u8],
    root: &'a [u8],
    label: String,
    time: u64,
}

fn take<'a>(at: &mut &'a [u8], n: usize) -> &'a [u8] {
    let (head, rest) = at.split_at(n);
    *at = rest;
    head
}

fn part<'a>(at: &mut &'a [u8]) -> &'a [u8] {
    let n = u32::from_le_bytes(take(at, 4).try_into().unwrap());
    take(at, n as usize)
}

fn records(mut file: &[u8]) -> Vec<Record<'_>> {
    let mut all = Vec::new();
    while !file.is_empty() {
        all.push(Record {
            quote: part(&mut file),
            collateral: part(&mut file),
            root: part(&mut file),
            label: String::from_utf8_lossy(part(&mut file)).into_owned(),
            time: u64::from_le_bytes(take(&mut file, 8).try_into().unwrap()),
        });
    }
    all
}

fn unhex(s: &str) -> Option<Vec<u8>> {
    let s = s.strip_prefix("0x").unwrap_or(s).as_bytes();
    if s.len() % 2 != 0 {
        return None;
    }
    s.chunks(2)
        .map(|p| u8::from_str_radix(std::str::from_utf8(p).ok()?, 16).ok())
        .collect()
}

fn collateral(json: &[u8]) -> Result<QuoteCollateralV3, String> {
    let doc: serde_json::Value = serde_json::from_slice(json).map_err(|e| e.to_string())?;
    let text = |key: &str| doc[key].as_str().map(str::to_owned).ok_or(format!("no {key}"));
    let hex = |key: &str| unhex(&text(key)?).ok_or(format!("{key}: not hex"));
    Ok(QuoteCollateralV3 {
        pck_crl_issuer_chain: text("pck_crl_issuer_chain")?,
        root_ca_crl: hex("root_ca_crl")?,
        pck_crl: hex("pck_crl")?,
        tcb_info_issuer_chain: text("tcb_info_issuer_chain")?,
        tcb_info: text("tcb_info")?,
        tcb_info_signature: hex("tcb_info_signature")?,
        qe_identity_issuer_chain: text("qe_identity_issuer_chain")?,
        qe_identity: text("qe_identity")?,
        qe_identity_signature: hex("qe_identity_signature")?,
        // the chain in the quote counts; a set that carries another platform's would refuse good quotes
        pck_certificate_chain: None,
    })
}

fn verifier(r: &Record) -> QuoteVerifier {
    if r.root.is_empty() {
        QuoteVerifier::new_prod()
    } else {
        QuoteVerifier::new(r.root.to_vec())
    }
}

fn judge(r: &Record) -> Result<(String, Vec<String>), String> {
    let c = collateral(r.collateral)?;
    verifier(r)
        .verify(r.quote, &c, r.time)
        .map(|v| (v.status, v.advisory_ids))
        .map_err(|e| format!("{e:#}"))
}

fn judge_all(all: &[Record]) {
    std::panic::set_hook(Box::new(|_| {}));
    for r in all {
        match std::panic::catch_unwind(|| judge(r)) {
            Ok(Ok((status, mut ids))) => {
                ids.sort();
                println!("{}\tok\t{}\t{}", r.label, status, ids.join(","));
            }
            Ok(Err(e)) => println!("{}\trefused\t-\t{}", r.label, e.replace(['\n', '\t'], " ")),
            Err(_) => println!("{}\tpanic\t-\t", r.label),
        }
    }
}

/// CPU time of the calling thread in microseconds.
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    s.split(' ').next().and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1000.0
}

fn bench(all: &[Record], warm: bool, threads: usize, seconds: f64) {
    let parsed: Vec<_> = all.iter().map(|r| collateral(r.collateral).unwrap()).collect();
    let verifiers: Vec<_> = all.iter().map(verifier).collect();
    let done = AtomicU64::new(0);
    let used = std::sync::Mutex::new(0.0);
    let start = Instant::now();
    std::thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                let before = cpu();
                let mut i = 0;
                while start.elapsed() < Duration::from_secs_f64(seconds) {
                    let k = i % all.len();
                    let fresh;
                    let c = if warm {
                        &parsed[k]
                    } else {
                        fresh = collateral(all[k].collateral).unwrap();
                        &fresh
                    };
                    verifiers[k].verify(all[k].quote, c, all[k].time).unwrap();
                    i += 1;
                }
                done.fetch_add(i as u64, Ordering::Relaxed);
                *used.lock().unwrap() += cpu() - before;
            });
        }
    });
    let n = done.load(Ordering::Relaxed) as f64;
    let wall = start.elapsed().as_secs_f64();
    println!("{:.2} us of CPU, {:.1} per second", *used.lock().unwrap() / n, n / wall);
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let file = std::fs::read(&args[2]).expect("records");
    let all = records(&file);
    match args[1].as_str() {
        "judge" => judge_all(&all),
        "bench" => bench(&all, args[3] == "warm", args[4].parse().unwrap(), args[5].parse().unwrap()),
        _ => panic!("usage: judge RECORDS | bench RECORDS cold|warm THREADS SECONDS"),
    }
}
