// Package lookup has tests that ask a nameserver of their own: adotd fixture, which ends when its standard input is
// closed, so with the test binary at the latest.
package lookup

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
)

// nameserver is the line that adotd fixture prints.
type nameserver struct {
	Address string   `json:"address"`
	UDP     int      `json:"udp"`
	TCP     int      `json:"tcp"`
	TLS     int      `json:"tls"`
	CA      string   `json:"ca"`
	Pins    []string `json:"pins"`
}

func startNameserver(t *testing.T, zone, file string) nameserver {
	t.Helper()
	name := os.Getenv("ADOTD")
	if name == "" {
		name = "adotd"
	}
	command := exec.Command(name, "fixture", "--zone", zone+"="+file)
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
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var server nameserver
	if err := json.Unmarshal(line, &server); err != nil {
		t.Fatal(err)
	}
	return server
}

// resolver asks the nameserver, whatever the system is configured to ask.
func (server nameserver) resolver() *net.Resolver {
	return &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, net.JoinHostPort(server.Address, fmt.Sprint(server.UDP)))
		},
	}
}

func TestLookup(t *testing.T) {
	resolver := startNameserver(t, "example.test", "example.test.zone").resolver()

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
