// SPDX-License-Identifier: Apache-2.0

// go-tdx-guest on the records of ../record.h: "judge RECORDS" prints one line each, "bench RECORDS cold|warm
// THREADS SECONDS" measures. Its verifier asks a service for collateral, so the set is handed over in the shape of
// one; cold starts from the collateral file, warm from the answers made of it.
package main

import (
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/go-tdx-guest/verify"
)

type record struct {
	quote, collateral, root []byte
	label                   string
	time                    int64
}

func records(path string) []record {
	b, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	part := func() []byte {
		n := binary.LittleEndian.Uint32(b)
		p := b[4 : 4+n]
		b = b[4+n:]
		return p
	}
	var all []record
	for len(b) > 0 {
		r := record{quote: part(), collateral: part(), root: part(), label: string(part())}
		r.time = int64(binary.LittleEndian.Uint64(b))
		b = b[8:]
		all = append(all, r)
	}
	return all
}

type answer struct {
	header map[string][]string
	body   []byte
}

// A service that knows one set.
type service struct{ crl, tcb, qe, root answer }

func (s *service) Get(u string) (map[string][]string, []byte, error) {
	a := &s.root
	switch {
	case strings.Contains(u, "/pckcrl?"):
		a = &s.crl
	case strings.Contains(u, "/tcb?"):
		a = &s.tcb
	case strings.Contains(u, "/qe/identity"):
		a = &s.qe
	}
	return a.header, a.body, nil
}

func makeService(collateral []byte) (*service, error) {
	var c map[string]string
	if err := json.Unmarshal(collateral, &c); err != nil {
		return nil, err
	}
	chain := func(name, key string) map[string][]string {
		return map[string][]string{name: {url.QueryEscape(strings.TrimRight(c[key], "\x00"))}}
	}
	unhex := func(key string) ([]byte, error) { return hex.DecodeString(strings.TrimPrefix(c[key], "0x")) }
	crl, err := unhex("pck_crl")
	if err != nil {
		return nil, err
	}
	root, err := unhex("root_ca_crl")
	if err != nil {
		return nil, err
	}
	doc := func(name, key string) []byte {
		return []byte(`{"` + name + `":` + c[key] + `,"signature":"` + c[key+"_signature"] + `"}`)
	}
	return &service{
		crl:  answer{chain("Sgx-Pck-Crl-Issuer-Chain", "pck_crl_issuer_chain"), crl},
		tcb:  answer{chain("Tcb-Info-Issuer-Chain", "tcb_info_issuer_chain"), doc("tcbInfo", "tcb_info")},
		qe:   answer{chain("Sgx-Enclave-Identity-Issuer-Chain", "qe_identity_issuer_chain"), doc("enclaveIdentity", "qe_identity")},
		root: answer{nil, root},
	}, nil
}

func roots(r *record) *x509.CertPool {
	if len(r.root) == 0 {
		return nil
	}
	cert, err := x509.ParseCertificate(r.root)
	if err != nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool
}

func check(r *record, s *service, pool *x509.CertPool) error {
	return verify.RawTdxQuote(r.quote, &verify.Options{
		CheckRevocations: true, GetCollateral: true, Getter: s, Now: time.Unix(r.time, 0), TrustedRoots: pool})
}

func judge(r *record) (line string) {
	defer func() {
		if p := recover(); p != nil {
			line = "panic\t-\t"
		}
	}()
	s, err := makeService(r.collateral)
	if err == nil {
		err = check(r, s, roots(r))
	}
	if err != nil {
		return "refused\t-\t" + strings.NewReplacer("\n", " ", "\t", " ").Replace(err.Error())
	}
	return "ok\tUpToDate\t"
}

func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e3
}

func bench(all []record, warm bool, threads int, seconds float64) {
	runtime.GOMAXPROCS(threads)
	var ready []*service
	var pools []*x509.CertPool
	for i := range all {
		s, err := makeService(all[i].collateral)
		if err != nil {
			panic(err)
		}
		ready, pools = append(ready, s), append(pools, roots(&all[i]))
	}
	var wg sync.WaitGroup
	counts := make([]int, threads)
	start, before := time.Now(), cpu()
	for t := 0; t < threads; t++ {
		wg.Add(1)
		go func(t int) {
			defer wg.Done()
			for i := 0; time.Since(start).Seconds() < seconds; i++ {
				k := i % len(all)
				s := ready[k]
				if !warm {
					s, _ = makeService(all[k].collateral)
				}
				if err := check(&all[k], s, pools[k]); err != nil {
					panic(err)
				}
				counts[t]++
			}
		}(t)
	}
	wg.Wait()
	n := 0
	for _, c := range counts {
		n += c
	}
	fmt.Printf("%.2f us of CPU, %.1f per second\n", (cpu()-before)/float64(n), float64(n)/time.Since(start).Seconds())
}

func main() {
	all := records(os.Args[2])
	if os.Args[1] == "judge" {
		for i := range all {
			fmt.Printf("%s\t%s\n", all[i].label, judge(&all[i]))
		}
		return
	}
	threads, _ := strconv.Atoi(os.Args[4])
	seconds, _ := strconv.ParseFloat(os.Args[5], 64)
	bench(all, os.Args[3] == "warm", threads, seconds)
}
