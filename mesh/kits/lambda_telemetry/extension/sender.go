package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mrand "math/rand"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	age           = time.Second            // events wait this long for others
	attempt       = 10 * time.Second       // for one answer
	longestWait   = 20 * time.Second       // between two attempts
	lastChance    = 500 * time.Millisecond // at SHUTDOWN, for an answer that may have been waited for since a freeze
	quiet         = 250 * time.Millisecond // without a delivery: Lambda has no more to tell
	spare         = 100 * time.Millisecond // of the deadline, to end in
	betweenAtLast = 100 * time.Millisecond // at SHUTDOWN, between two attempts
	longestAnswer = 1 << 20                // bytes of it that are read: 100 reasons and a receipt are far less
)

// batch is what is sent, again and again under the same key until the tap has taken it.
type batch struct {
	body   []byte
	key    string
	events int
}

// sender posts one batch after the other.
type sender struct {
	url, token string
	client     *http.Client
	waiting    *queue
	here       *place
	ending     context.Context
	end        context.CancelFunc
	lock       sync.Mutex
	why        string // what the last failure was, "" when all is well
}

func newSender(url, token string, waiting *queue, here *place) *sender {
	ending, end := context.WithCancel(context.Background())
	// No redirect: it would be followed without the events, or with the token to another host.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &sender{url: url, token: token, client: client, waiting: waiting, here: here, ending: ending, end: end}
}

func (out *sender) run() {
	for range out.waiting.some {
		out.wait(age)
		for {
			events, dropped := out.waiting.take()
			if len(events) == 0 && dropped == 0 {
				break
			}
			out.deliver(packed(lines(events, dropped, out.here), len(events)))
			out.waiting.done()
		}
	}
}

func packed(lines []byte, events int) batch {
	body, key := bytes.Buffer{}, make([]byte, 16)
	writer, _ := gzip.NewWriterLevel(&body, gzip.BestSpeed)
	writer.Write(lines)
	writer.Close()
	rand.Read(key)
	return batch{body.Bytes(), hex.EncodeToString(key), events}
}

// deliver returns once the tap has taken the batch, or has said that it never will.
func (out *sender) deliver(one batch) {
	for tries := 1; ; tries++ {
		status, after, err := out.post(one)
		switch {
		case err == nil && status == http.StatusOK:
			out.report("")
			return
		case err != nil:
			out.report(err.Error())
		default:
			out.report(fmt.Sprintf("the tap answered %d", status))
			if status == 400 || status == 409 || status == 413 || status == 415 {
				say("%d events were given up: the tap answered %d to them", one.events, status)
				return
			}
		}
		longest := min(longestWait, 200*time.Millisecond<<min(tries, 10))
		out.wait(max(after, longest/2+time.Duration(mrand.Int63n(int64(longest/2)))))
	}
}

func (out *sender) post(one batch) (int, time.Duration, error) {
	limit, cancel := context.WithTimeout(context.Background(), attempt)
	defer cancel()
	if out.ending.Err() == nil {
		defer context.AfterFunc(out.ending, func() { time.AfterFunc(lastChance, cancel) })()
	}
	request, err := http.NewRequestWithContext(limit, "POST", out.url, bytes.NewReader(one.body))
	if err != nil {
		return 0, 0, err
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	request.Header.Set("Content-Encoding", "gzip")
	request.Header.Set("Idempotency-Key", one.key)
	if out.token != "" {
		request.Header.Set("X-Bd-Authorization", out.token)
	}
	answer, err := out.client.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, longestAnswer))
	if err != nil {
		return 0, 0, err
	}
	var receipt struct{ StatusCode int }
	if answer.StatusCode == http.StatusOK && (json.Unmarshal(said, &receipt) != nil || receipt.StatusCode != http.StatusOK) {
		return 0, 0, errors.New("TAPMESH_TELEMETRY_URL answered 200, but not as a tap does")
	}
	seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
	return answer.StatusCode, min(time.Duration(seconds)*time.Second, longestWait), nil
}

// wait sleeps, at SHUTDOWN not for long.
func (out *sender) wait(long time.Duration) {
	if out.ending.Err() != nil {
		time.Sleep(min(long, betweenAtLast))
		return
	}
	select {
	case <-out.ending.Done():
	case <-time.After(long):
	}
}

// finish sends what is left and what Lambda still tells; how many events it could not send.
func (out *sender) finish(deadline time.Time) int {
	asked := time.Now()
	out.end()
	out.client.CloseIdleConnections()
	for {
		left, last := out.waiting.state()
		if time.Until(deadline) < spare || left == 0 && time.Since(last) > quiet && time.Since(asked) > quiet {
			return left
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// report says a failure once, until it is over.
func (out *sender) report(why string) {
	out.lock.Lock()
	defer out.lock.Unlock()
	if why != "" && out.why == "" {
		say("%s; trying again until it is taken", why)
	}
	if why == "" && out.why != "" {
		say("the tap takes events again")
	}
	out.why = why
}

func (out *sender) trouble() string {
	out.lock.Lock()
	defer out.lock.Unlock()
	if out.why == "" {
		return "there was no time"
	}
	return out.why
}
