package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
)

// event is one of the Telemetry API's: a line of a log has its text as record, unless it was logged as JSON.
type event struct {
	Time   string          `json:"time"`
	Type   string          `json:"type"`
	Record json.RawMessage `json:"record"`
}

// collect subscribes, and puts what Lambda delivers into the queue. Any free port will do: the sandbox is the function's own.
func collect(api *lambdaAPI, waiting *queue) error {
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		return err
	}
	go http.Serve(listener, http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		var events []event
		if err := json.NewDecoder(request.Body).Decode(&events); err != nil {
			http.Error(answer, fmt.Sprintf("not a list of events: %v", err), http.StatusBadRequest)
			return
		}
		waiting.add(events)
	}))
	return api.subscribe(listener.Addr().(*net.TCPAddr).Port)
}
