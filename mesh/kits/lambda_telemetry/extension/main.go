// Command tapmesh-telemetry is an external Lambda extension that sends a function's telemetry to a tap:
// Telemetry API -> collector -> queue -> sender -> tap.
//
// It asks Lambda for SHUTDOWN alone. Lambda waits at the end of an invocation for extensions that asked for INVOKE,
// so this one can hold no function up: it works while the function runs, and in the two seconds of a shutdown.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	name := filepath.Base(os.Args[0])
	api := newLambdaAPI(os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err := api.register(name); err != nil {
		say("%v", err)
		os.Exit(1)
	}
	url, token := os.Getenv("TAPMESH_TELEMETRY_URL"), strings.TrimSpace(os.Getenv("TAPMESH_TELEMETRY_TOKEN"))
	if url == "" {
		// An extension that ends takes its function with it.
		say("TAPMESH_TELEMETRY_URL is not set, so nothing is sent; set it to the tap's URL, and TAPMESH_TELEMETRY_TOKEN to a token for it")
		api.untilShutdown()
		return
	}
	waiting := newQueue()
	if err := collect(api, waiting); err != nil {
		say("%v; nothing is sent", err)
	}
	sending := newSender(url, token, waiting, newPlace(api.function, api.version))
	go sending.run()
	deadline := api.untilShutdown()
	if left := sending.finish(deadline); left > 0 {
		say("%d events could not be sent before the end: %s", left, sending.trouble())
	}
}

// say writes a line to the function's log. What is said here comes back as an event, so only what changes is said.
func say(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "%s tapmesh-telemetry: %s\n", time.Now().UTC().Format(time.RFC3339), fmt.Sprintf(format, values...))
}
