// CoreDNS with the few plugins that a cluster's own names need: nothing is forwarded, the cluster is an island.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
)

func main() {
	// The order in which a question passes the plugins, whatever the order in the Corefile.
	dnsserver.Directives = []string{"errors", "ready", "cache", "kubernetes", "template"}
	coremain.Run()
}
