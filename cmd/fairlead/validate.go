package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"fairlead.dev/config"
	"fairlead.dev/gateway"
	"fairlead.dev/limit"
	"fairlead.dev/queue"
)

// validator checks what the words in a file mean, and builds the library's
// configuration on the way. Every fault goes to its place in the file.
type validator struct {
	system *system
	*setup
	places *config.File
}

func (v *validator) fault(path, format string, args ...any) { v.places.Fault(path, format, args...) }

// all checks and builds everything.
func (v *validator) all() {
	v.client.Policies = v.rules("", v.file.Rules, v.file.Queue.SlotsOfAll)
	v.client.MaxBytes = int64(v.file.Queue.MaxBytes)
	if len(v.file.Providers) == 0 {
		v.fault("providers", "no provider: name at least one\nproviders: {anthropic: {dialect: anthropic, base_url: ..., api_keys: [...]}}")
	}
	for _, name := range v.places.Keys("providers") {
		v.provider(name, v.file.Providers[name])
	}
	if len(v.file.Models) == 0 {
		v.fault("models", "no model: name at least one\nmodels: {\"*\": {chain: [\"PROVIDER/*\"]}} takes any")
	}
	for _, name := range v.places.Keys("models") {
		v.model(name, v.file.Models[name])
	}
	v.keys()
	v.listeners()
	v.origins()
	v.certificate()
	if v.file.Drain == 0 {
		v.file.Drain = config.Duration(30 * time.Second)
	}
	v.gateway.Dialects = dialects()
	v.gateway.Origins, v.gateway.Hosts = v.file.Origins, v.file.Hosts
}

// listeners checks the addresses. What is open to the network needs keys.
func (v *validator) listeners() {
	if v.file.Listen == "" {
		v.file.Listen = "127.0.0.1:8080"
	}
	if v.file.Admin == "" {
		v.file.Admin = "127.0.0.1:8081"
	}
	if v.address("listen", v.file.Listen) && !gateway.Loopback(v.file.Listen) && len(v.file.Auth.Keys) == 0 {
		v.fault("listen", "an address beyond loopback needs keys: anyone could spend yours\nrun 'fairlead key new NAME' and put its line under auth.keys, or listen on 127.0.0.1")
	}
	if v.file.Admin == "off" || !v.address("admin", v.file.Admin) {
		return
	}
	if !gateway.Loopback(v.file.Admin) && len(v.file.Hosts) == 0 {
		v.fault("admin", "an address beyond loopback needs hosts: the names that it may be asked by\nlist them under hosts, or listen on 127.0.0.1")
	}
	if v.file.Admin == v.file.Listen && !strings.HasSuffix(v.file.Admin, ":0") {
		v.fault("admin", "is the address of listen: the two are apart on purpose")
	}
}

func (v *validator) address(path, addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	n, number := strconv.ParseUint(port, 10, 16)
	if err != nil || number != nil || n > 65535 {
		v.fault(path, "want an address such as 127.0.0.1:8080")
		return false
	}
	return true
}

// keys checks the clients' keys.
func (v *validator) keys() {
	names, sums := map[string]bool{}, map[string]bool{}
	for i, k := range v.file.Auth.Keys {
		at := func(field string) string { return config.Path("auth", "keys", i, field) }
		switch {
		case k.Name == "":
			v.fault(at("name"), "name is missing")
		case names[k.Name]:
			v.fault(at("name"), "the name %q is used twice", k.Name)
		}
		sum := v.sum(at("sha256"), k.SHA256)
		if sums[k.SHA256] && k.SHA256 != "" {
			v.fault(at("sha256"), "another entry has the same key")
		}
		class, err := queue.ParseClass(k.Class)
		if err != nil {
			v.fault(at("class"), "there is no class %q\nwant critical, high, normal, low or batch", k.Class)
		}
		names[k.Name], sums[k.SHA256] = true, true
		v.gateway.Keys = append(v.gateway.Keys, gateway.Key{
			Name: k.Name, SHA256: sum, Class: class, MaxInFlight: max(int(k.MaxInFlight), 0),
			Limits: limit.Limits{RPM: max(int(k.RPM), 0), ITPM: max(int(k.ITPM), 0), OTPM: max(int(k.OTPM), 0)},
		})
	}
}

// sum reads the hash of a key.
func (v *validator) sum(path, text string) (sum [32]byte) {
	raw, err := hex.DecodeString(text)
	switch {
	case text == "":
		v.fault(path, "sha256 is missing\n'fairlead key new NAME' makes a key and its line")
	case err != nil || len(raw) != len(sum):
		v.fault(path, "want the 64 hex digits of a SHA-256\n'fairlead key new NAME' makes a key and its line")
	case sha256.Sum256(nil) == [32]byte(raw):
		v.fault(path, "this is the hash of nothing: everyone has that key\n'fairlead key new NAME' makes a key and its line")
	default:
		sum = [32]byte(raw)
	}
	return sum
}

func (v *validator) origins() {
	for i, o := range v.file.Origins {
		if u, err := url.Parse(o); err != nil || u.Host == "" || o != u.Scheme+"://"+u.Host {
			v.fault(config.Path("origins", i), "write it as a browser does: https://name or https://name:port")
		}
	}
	for i, h := range v.file.Hosts {
		if h == "" || strings.ContainsAny(h, "/: ") {
			v.fault(config.Path("hosts", i), "want a host name without scheme and port")
		}
	}
}

func (v *validator) certificate() {
	t := v.file.TLS
	switch {
	case t == tlsBlock{}:
	case t.Cert == "":
		v.fault("tls.cert", "cert is missing: TLS needs both files")
	case t.Key == "":
		v.fault("tls.key", "key is missing: TLS needs both files")
	default:
		c, err := v.system.certificate(t)
		if err != nil {
			v.fault("tls", "cannot use the certificate: %v", err)
		}
		v.tls = c
	}
}

// model checks one chain.
func (v *validator) model(name string, m model) {
	path := config.Path("models", name)
	chain := config.Path("models", name, "chain")
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		v.fault(path, "a model needs a name")
	}
	if len(m.Chain) == 0 {
		v.fault(chain, "the chain is empty: name at least one target as provider/model")
	}
	var targets, equal []string
	for i, e := range m.Chain {
		at := fmt.Sprintf("%s[%d]", chain, i)
		v.entry(at, e, m)
		if slices.Contains(targets, e.Target) {
			v.fault(at, "%q is in the chain twice", e.Target)
		}
		targets = append(targets, e.Target)
		if e.Equal {
			equal = append(equal, e.Target)
		}
	}
	v.dialect(name, chain, m)
	v.client.Models = append(v.client.Models, v.built(path, name, targets, equal, m))
}

// entry checks one target.
func (v *validator) entry(at string, e entry, m model) {
	pname, model, ok := strings.Cut(e.Target, "/")
	_, known := v.file.Providers[pname]
	switch {
	case e.Target == "":
		v.fault(at, "an entry needs a target: provider/model")
	case !ok || pname == "" || model == "":
		v.fault(at, "%q is no target: write provider/model", e.Target)
	case !known:
		v.fault(at, "there is no provider %q\n%s", pname, v.providersKnown(pname))
	}
}

func (v *validator) providersKnown(name string) string {
	known := v.places.Keys("providers")
	if guess := config.Nearest(name, known); guess != "" {
		return fmt.Sprintf("did you mean %q?", guess)
	}
	return "known here: " + strings.Join(known, ", ")
}

// dialect refuses a chain that would need translation.
func (v *validator) dialect(name, chain string, m model) {
	first, open := "", name == "*"
	for _, e := range m.Chain {
		open = open && strings.HasSuffix(e.Target, "/*")
	}
	for i, e := range m.Chain {
		pname, _, _ := strings.Cut(e.Target, "/")
		d := v.file.Providers[pname].Dialect
		if first == "" {
			first = d
		}
		if d != "" && d != first && !open {
			v.fault(fmt.Sprintf("%s[%d]", chain, i), "%s speaks %s, but the chain begins with %s\na chain keeps one dialect; only a \"*\" chain of \"provider/*\" entries may mix them", e.Target, d, first)
		}
	}
}
