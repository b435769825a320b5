package transfer

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"scout/downloads/faultserver"
	"scout/downloads/web"
)

// Data comes over HTTP/1.1, where each connection is one of its own and no
// GOAWAY or silent PING of one ends all, even from servers that offer HTTP/2.
func TestOnlyHTTP1(t *testing.T) { // 31
	a := newAuthority(t)
	content := faultserver.Content{Seed: 3, Size: 3*testPiece + 5}
	var mu sync.Mutex
	protocols := map[string]int{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		protocols[r.Proto]++
		mu.Unlock()
		http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(content, 0, content.Size))
	}))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{a.sign(t, "127.0.0.1", time.Now().Add(time.Hour))}}
	s.StartTLS()
	defer s.Close()
	client, err := web.New(web.Options{CAFile: a.file, Trusted: []string{"127.0.0.1"}, Environment: noEnvironment})
	if err != nil {
		t.Fatal(err)
	}
	source := &faultserver.Source{Client: client, URL: s.URL}
	f := NewFetcher(openRoot(t), client)
	if err := f.Start(t.Context(), Blob{SHA256: content.SHA256(), Size: content.Size}, source, Options{}).Wait(); err != nil {
		t.Fatal(err)
	}
	if len(protocols) != 1 || protocols["HTTP/1.1"] == 0 {
		t.Errorf("requests came as %v, want HTTP/1.1 alone", protocols)
	}
}

// names is a name server for one program, which knows every name: under an
// address of version 6 where nobody is (2001:db8::/32 is for documentation,
// RFC 3849), and one of version 4 that is this machine.
type names struct{}

// Dial is for net.Resolver. What it gives speaks DNS as over TCP (RFC 1035,
// 4.2.2): each message behind two bytes of its length.
func (names) Dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		for {
			var length [2]byte
			if _, err := io.ReadFull(theirs, length[:]); err != nil {
				return
			}
			query := make([]byte, binary.BigEndian.Uint16(length[:]))
			if _, err := io.ReadFull(theirs, query); err != nil {
				return
			}
			reply := answerName(query)
			if _, err := theirs.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
				return
			}
		}
	}()
	return ours, nil
}

// answerName answers a query of one question (RFC 1035, 4.1).
func answerName(query []byte) []byte {
	const header, typeA, typeAAAA = 12, 1, 28
	end := header
	for end < len(query) && query[end] != 0 {
		end += 1 + int(query[end])
	}
	question := query[header : end+5] // the name, its type and its class
	address := netip.MustParseAddr("127.0.0.1").AsSlice()
	kind := binary.BigEndian.Uint16(question[len(question)-4:])
	if kind == typeAAAA {
		address = netip.MustParseAddr("2001:db8::1").AsSlice()
	}
	answers := uint16(1)
	if kind != typeA && kind != typeAAAA {
		answers = 0
	}
	reply := append([]byte{query[0], query[1], 0x81, 0x80}, 0, 1) // an answer, no error
	reply = binary.BigEndian.AppendUint16(reply, answers)
	reply = append(append(reply, 0, 0, 0, 0), question...)
	if answers == 0 {
		return reply
	}
	reply = append(reply, 0xc0, header) // the name of the question
	reply = append(reply, question[len(question)-4:]...)
	reply = append(reply, 0, 0, 0, 60)
	return append(binary.BigEndian.AppendUint16(reply, uint16(len(address))), address...)
}

// A host whose address of version 6 is dead, and whose address of version 4
// works, is reached by the second: at once where nothing leads to the first,
// after 300 ms where it is silent (net.Dialer, RFC 6555).
func TestDeadIPv6(t *testing.T) { // 25
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: names{}.Dial}
	defer func() { net.DefaultResolver = before }()
	found, err := net.DefaultResolver.LookupIPAddr(t.Context(), "files.test")
	if err != nil || len(found) != 2 {
		t.Fatalf("files.test is at %v, %v, want two addresses", found, err)
	}
	a := newAuthority(t)
	content := faultserver.Content{Seed: 3, Size: 3*testPiece + 5}
	url := secureStore(t, a.sign(t, "files.test", time.Now().Add(time.Hour)), content)
	_, port, _ := strings.Cut(strings.TrimPrefix(url, "https://"), ":")
	client, err := web.New(web.Options{CAFile: a.file, Trusted: []string{"files.test"}, Environment: noEnvironment})
	if err != nil {
		t.Fatal(err)
	}
	source := &faultserver.Source{Client: client, URL: "https://" + net.JoinHostPort("files.test", port)}
	f := NewFetcher(openRoot(t), client)
	if err := f.Start(t.Context(), Blob{SHA256: content.SHA256(), Size: content.Size}, source, Options{}).Wait(); err != nil {
		t.Fatal(err)
	}
}
