package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// lambdaAPI speaks to Lambda's Extensions API and Telemetry API; function and version are known once it is registered.
type lambdaAPI struct {
	address           string
	client            *http.Client
	identifier        string
	function, version string
}

func newLambdaAPI(address string) *lambdaAPI {
	// A transport of its own: no proxy the function is configured with, no timeout on an event that comes an hour later.
	return &lambdaAPI{address: address, client: &http.Client{Transport: &http.Transport{}}}
}

func (api *lambdaAPI) register(name string) error {
	headers := map[string]string{"Lambda-Extension-Name": name}
	answer, body, err := api.call("POST", "2020-01-01/extension/register", headers, map[string]any{"events": []string{"SHUTDOWN"}})
	if err != nil {
		return err
	}
	var registered struct{ FunctionName, FunctionVersion string }
	if err := json.Unmarshal(body, &registered); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	api.identifier = answer.Header.Get("Lambda-Extension-Identifier")
	api.function, api.version = registered.FunctionName, registered.FunctionVersion
	return nil
}

// subscribe asks for all three streams, in the smallest portions the API makes: the queue is what collects.
func (api *lambdaAPI) subscribe(port int) error {
	answer, body, err := api.call("PUT", "2022-07-01/telemetry", nil, map[string]any{
		"schemaVersion": "2022-12-13",
		"types":         []string{"platform", "function", "extension"},
		"buffering":     map[string]int{"maxItems": 1000, "maxBytes": 256 * 1024, "timeoutMs": 100},
		"destination":   map[string]string{"protocol": "HTTP", "URI": fmt.Sprintf("http://sandbox.localdomain:%d/", port)},
	})
	if err == nil && answer.StatusCode == http.StatusAccepted {
		return fmt.Errorf("the Telemetry API is not there: %s", bytes.TrimSpace(body))
	}
	return err
}

// untilShutdown asks for events until Lambda ends the environment; the time by which everything must be done.
func (api *lambdaAPI) untilShutdown() time.Time {
	for {
		_, body, err := api.call("GET", "2020-01-01/extension/event/next", nil, nil)
		if err != nil {
			say("%v", err)
			return time.Now().Add(time.Second)
		}
		var event struct {
			EventType  string
			DeadlineMs int64
		}
		if json.Unmarshal(body, &event) == nil && event.EventType == "SHUTDOWN" {
			return time.UnixMilli(event.DeadlineMs)
		}
	}
}

func (api *lambdaAPI) call(method, path string, headers map[string]string, content any) (*http.Response, []byte, error) {
	body := []byte{}
	if content != nil {
		body, _ = json.Marshal(content)
	}
	request, err := http.NewRequest(method, "http://"+api.address+"/"+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Lambda-Extension-Identifier", api.identifier)
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	answer, err := api.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 300 {
		err = fmt.Errorf("%s answered %d: %s", path, answer.StatusCode, bytes.TrimSpace(said))
	}
	return answer, said, err
}
