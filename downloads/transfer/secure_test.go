package transfer

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scout/downloads/faultserver"
	"scout/downloads/web"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string // its certificate, as PEM
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, certificate: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Inspecting Proxy Root"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	der, err := x509.CreateCertificate(rand.Reader, a.certificate, a.certificate, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a.file = filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// sign makes a certificate for a host.
func (a *authority) sign(t *testing.T, host string, until time.Time) tls.Certificate {
	t.Helper()
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
	}
	if ip := net.ParseIP(host); ip != nil {
		leaf.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.certificate, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

// secureStore serves the file over TLS, at a hub of its own.
func secureStore(t *testing.T, certificate tls.Certificate, c faultserver.Content) (url string) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(c, 0, c.Size))
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func TestCertificates(t *testing.T) { // 26
	a := newAuthority(t)
	hour := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		certificate tls.Certificate
		ca          string
		want        []string // of the error; nil for none
	}{
		"unknown authority": {a.sign(t, "127.0.0.1", hour), "", []string{`signed by "CN=Inspecting Proxy Root"`, "--ca-cert FILE"}},
		"known with a file": {a.sign(t, "127.0.0.1", hour), a.file, nil},
		"expired":           {a.sign(t, "127.0.0.1", time.Now().Add(-time.Hour)), a.file, []string{"out of date", "clock"}},
		"another host":      {a.sign(t, "example.com", hour), a.file, []string{"is for another host"}},
	} {
		t.Run(name, func(t *testing.T) {
			content := faultserver.Content{Seed: 3, Size: 3*testPiece + 5}
			url := secureStore(t, c.certificate, content)
			client, err := web.New(web.Options{CAFile: c.ca, Trusted: []string{"127.0.0.1"}, Environment: noEnvironment})
			if err != nil {
				t.Fatal(err)
			}
			f := NewFetcher(openRoot(t), client)
			source := &faultserver.Source{Client: client, URL: url}
			err = f.Start(t.Context(), Blob{SHA256: content.SHA256(), Size: content.Size}, source, Options{}).Wait()
			if c.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			mustFail(t, err, append(c.want, "127.0.0.1")...)
		})
	}
}

func noEnvironment(string) string { return "" }

// proxy is an HTTP proxy for CONNECT that answers the first requests with a
// status, or drops them where that is 0, and then leads to target, which it
// takes for every name.
func proxy(t *testing.T, target string, first int, answer int) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go tunnel(conn, target, n < first, answer)
		}
	}()
	return l.Addr().String()
}

func tunnel(conn net.Conn, target string, refuse bool, answer int) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	if _, err := http.ReadRequest(r); err != nil {
		return
	}
	if refuse {
		if answer != 0 {
			fmt.Fprintf(conn, "HTTP/1.1 %d Refused\r\n\r\n", answer)
		}
		return
	}
	onward, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer onward.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n\r\n")
	go io.Copy(onward, r)
	io.Copy(conn, onward)
}

func TestProxies(t *testing.T) { // 27
	a := newAuthority(t)
	content := faultserver.Content{Seed: 3, Size: 3*testPiece + 5}
	url := secureStore(t, a.sign(t, "files.test", time.Now().Add(time.Hour)), content)
	_, port, _ := strings.Cut(strings.TrimPrefix(url, "https://"), ":")
	for name, c := range map[string]struct {
		first, answer int
		want          string
	}{
		"works":            {0, 0, ""},
		"refuses at first": {1, 502, ""},
		"drops at first":   {1, 0, ""},
		"wants a password": {99, 407, "wants a name and a password: put them into HTTPS_PROXY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // a second's wait before the second attempt is a real one
			address := proxy(t, "127.0.0.1:"+port, c.first, c.answer)
			// The name is found by the proxy alone: "files.test" is nowhere.
			url := "https://" + net.JoinHostPort("files.test", port)
			client, err := web.New(web.Options{CAFile: a.file, Environment: func(name string) string {
				if name == "ALL_PROXY" {
					return "http://" + address
				}
				return ""
			}})
			if err != nil {
				t.Fatal(err)
			}
			f := NewFetcher(openRoot(t), client)
			err = f.Start(t.Context(), Blob{SHA256: content.SHA256(), Size: content.Size}, &faultserver.Source{Client: client, URL: url}, Options{Connections: 1}).Wait()
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			mustFail(t, err, c.want, address)
		})
	}
}
