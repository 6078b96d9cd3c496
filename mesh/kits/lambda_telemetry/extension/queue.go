package main

import (
	"sync"
	"time"
)

const (
	mostBytes   = 8 << 20   // of events that wait: the memory is the function's
	batchBytes  = 512 << 10 // of records in one batch, under any tap's limit
	batchEvents = 5000
	eventBytes  = 200 // of an event beside its record: time, type, and what Go needs to keep them
)

// queue holds events until they are sent. A full one takes no more and counts what it did not take, to be told in the lake.
type queue struct {
	lock    sync.Mutex
	events  []event
	bytes   int
	under   int // events that were taken and are not done with
	dropped int
	last    time.Time
	some    chan struct{}
}

// size is what an event holds of the memory: an empty line is not nothing.
func size(one event) int {
	return eventBytes + len(one.Record)
}

func newQueue() *queue {
	return &queue{some: make(chan struct{}, 1)}
}

func (waiting *queue) add(events []event) {
	waiting.lock.Lock()
	defer waiting.lock.Unlock()
	waiting.last = time.Now()
	for _, one := range events {
		if waiting.bytes+size(one) > mostBytes {
			waiting.dropped++
			continue
		}
		waiting.events = append(waiting.events, one)
		waiting.bytes += size(one)
	}
	select {
	case waiting.some <- struct{}{}:
	default:
	}
}

// take gives the oldest events, one batch at most, and how many were dropped since it was last asked.
func (waiting *queue) take() ([]event, int) {
	waiting.lock.Lock()
	defer waiting.lock.Unlock()
	taken, bytes := 0, 0
	for taken < len(waiting.events) && taken < batchEvents && (taken == 0 || bytes+size(waiting.events[taken]) <= batchBytes) {
		bytes += size(waiting.events[taken])
		taken++
	}
	batch, dropped := waiting.events[:taken:taken], waiting.dropped
	waiting.events, waiting.bytes = waiting.events[taken:], waiting.bytes-bytes
	waiting.under, waiting.dropped = taken, 0
	return batch, dropped
}

// done says that the tap has what was taken.
func (waiting *queue) done() {
	waiting.lock.Lock()
	defer waiting.lock.Unlock()
	waiting.under = 0
}

// state is how many events are not sent yet, and when the last ones came.
func (waiting *queue) state() (int, time.Time) {
	waiting.lock.Lock()
	defer waiting.lock.Unlock()
	return len(waiting.events) + waiting.under, waiting.last
}
