package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// place is where events come from, as it stands on each line.
type place struct {
	Function  string `json:"function"`
	Version   string `json:"version"`
	Region    string `json:"region"`
	LogGroup  string `json:"log_group"`
	LogStream string `json:"log_stream,omitempty"`
}

func newPlace(function, version string) *place {
	return &place{Function: function, Version: version, Region: os.Getenv("AWS_REGION"), LogGroup: "/aws/lambda/" + function}
}

// look reads log group and log stream from the environment of the function's runtime, as Lambda tells them to no other process.
func (here *place) look() {
	if here.LogStream != "" {
		return
	}
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range environments {
		content, _ := os.ReadFile(file)
		found := map[string]string{}
		for _, variable := range strings.Split(string(content), "\x00") {
			name, value, _ := strings.Cut(variable, "=")
			found[name] = value
		}
		if stream := found["AWS_LAMBDA_LOG_STREAM_NAME"]; stream != "" && found["AWS_LAMBDA_FUNCTION_NAME"] == here.Function {
			here.LogGroup, here.LogStream = found["AWS_LAMBDA_LOG_GROUP_NAME"], stream
			return
		}
	}
}

// lines writes a line an event, and one more that says how many could not be kept.
func lines(events []event, dropped int, here *place) []byte {
	here.look()
	if dropped > 0 {
		record, _ := json.Marshal(map[string]any{"droppedRecords": dropped, "reason": "the tap took less than the function sent"})
		events = append(events, event{time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "tapmesh.dropped", record})
	}
	written := bytes.Buffer{}
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	for _, one := range events {
		encoder.Encode(struct {
			event
			*place
		}{one, here})
	}
	return written.Bytes()
}
