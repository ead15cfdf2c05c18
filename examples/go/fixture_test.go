// Package lookup has tests with their own nameserver, adotd fixture. It ends when its standard input is closed, so at the
// latest with the test binary.
package lookup

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"reflect"
	"testing"
)

// nameserver is a running adotd fixture: address, ports and trust anchors from its first line, and its commands.
type nameserver struct {
	Address string   `json:"address"`
	UDP     int      `json:"udp"`
	TCP     int      `json:"tcp"`
	TLS     int      `json:"tls"`
	CA      string   `json:"ca"`
	Pins    []string `json:"pins"`

	t      *testing.T
	input  io.Writer
	output *bufio.Reader
}

// query holds some fields of a query that the nameserver received.
type query struct {
	Name      string   `json:"name"`
	Type      string   `json:"type"`
	Transport string   `json:"transport"`
	Rcode     string   `json:"rcode"`
	Faults    []string `json:"faults"`
}

// reply is the reply to a command.
type reply struct {
	OK    bool `json:"ok"`
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
	Queries []query `json:"queries"`
	Query   query   `json:"query"`
}

// object is a command, a rule of a fault, or what a query has to match.
type object map[string]any

func startNameserver(t *testing.T, words ...string) *nameserver {
	t.Helper()
	name := os.Getenv("ADOTD")
	if name == "" {
		name = "adotd"
	}
	command := exec.Command(name, append([]string{"fixture"}, words...)...)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
	})
	server := &nameserver{t: t, input: input, output: bufio.NewReader(output)}
	server.read(server)
	return server
}

// read takes one line of JSON.
func (server *nameserver) read(value any) {
	server.t.Helper()
	line, err := server.output.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, value)
	}
	if err != nil {
		server.t.Fatal(err)
	}
}

// ask sends any command of docs/testing.md and reads its reply. It is not safe for concurrent use.
func (server *nameserver) ask(command object) reply {
	server.t.Helper()
	line, err := json.Marshal(command)
	if err == nil {
		_, err = server.input.Write(append(line, '\n'))
	}
	if err != nil {
		server.t.Fatal(err)
	}
	var answer reply
	server.read(&answer)
	if !answer.OK {
		server.t.Fatal(answer.Error.Code, answer.Error.Message)
	}
	return answer
}

func (server *nameserver) setZone(zone, text string) {
	server.t.Helper()
	server.ask(object{"command": "set-zone", "zone": zone, "text": text})
}

func (server *nameserver) addFaults(faults ...object) {
	server.t.Helper()
	server.ask(object{"command": "add-faults", "faults": faults})
}

func (server *nameserver) queries() []query {
	server.t.Helper()
	return server.ask(object{"command": "queries"}).Queries
}

func (server *nameserver) waitForQuery(match object) query {
	server.t.Helper()
	return server.ask(object{"command": "wait-for-query", "match": match}).Query
}

// resolver asks the nameserver, whatever resolver the system is configured to use.
func (server *nameserver) resolver() *net.Resolver {
	return &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, net.JoinHostPort(server.Address, fmt.Sprint(server.UDP)))
		},
	}
}

func TestLookup(t *testing.T) {
	resolver := startNameserver(t, "--zone", "example.test=example.test.zone").resolver()

	addresses, err := resolver.LookupHost(context.Background(), "www.example.test.")
	if err != nil || len(addresses) != 1 || addresses[0] != "192.0.2.80" {
		t.Errorf("found %v, %v", addresses, err)
	}

	_, err = resolver.LookupHost(context.Background(), "nowhere.example.test.")
	var failure *net.DNSError
	if !errors.As(err, &failure) || !failure.IsNotFound {
		t.Errorf("found %v, expected that there is no such name", err)
	}
}

func TestLookupAsksOverTCPWhenTruncated(t *testing.T) {
	server := startNameserver(t)
	server.setZone("example.test", `www TXT "over TCP"`)
	server.addFaults(object{"fault": "truncate", "transport": "udp"})

	texts, err := server.resolver().LookupTXT(context.Background(), "www.example.test.")
	if err != nil || !reflect.DeepEqual(texts, []string{"over TCP"}) {
		t.Errorf("found %v, %v", texts, err)
	}

	expected := []query{
		{"www.example.test", "TXT", "udp", "NOERROR", []string{"truncate"}},
		{"www.example.test", "TXT", "tcp", "NOERROR", []string{}},
	}
	if found := server.queries(); !reflect.DeepEqual(found, expected) {
		t.Errorf("asked %v, expected %v", found, expected)
	}
	if found := server.waitForQuery(object{"transport": "tcp"}); found.Name != "www.example.test" {
		t.Errorf("asked %v", found)
	}
}
