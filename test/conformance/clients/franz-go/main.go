// franz-go, told what to do by test/conformance/driver.ts.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type task struct {
	Bootstrap  string `json:"bootstrap"`
	Topic      string `json:"topic"`
	Prefix     string `json:"prefix"`
	Count      int    `json:"count"`
	Codec      string `json:"codec"`
	Idempotent bool   `json:"idempotent"`
	SinceMs    *int64 `json:"sinceMs"`
	Group      string `json:"group"`
	Instance   string `json:"instance"`
	Assignor   string `json:"assignor"`
	Reset      string `json:"reset"`
	Commits    string `json:"commits"`

	Config map[string]*string `json:"config"`
	Pairs  [][2]*string       `json:"pairs"`
}

type line map[string]any

var (
	stdout sync.Mutex
	codecs = map[string]kgo.CompressionCodec{
		"":       kgo.NoCompression(),
		"none":   kgo.NoCompression(),
		"gzip":   kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(),
		"lz4":    kgo.Lz4Compression(),
		"zstd":   kgo.ZstdCompression(),
	}
	verbs = map[string]func(context.Context, task) error{
		"write": write, "read": read, "create": create, "put": put, "member": member, "stream": stream,
		"make": makeTopic, "drop": drop, "transact": transact,
	}
)

func say(l line) {
	stdout.Lock()
	defer stdout.Unlock()
	text, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}

// untilEnd is done when the harness says that the verb is to end.
func untilEnd() context.Context {
	ctx, end := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
	return ctx
}

func client(t task, more ...kgo.Opt) (*kgo.Client, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(t.Bootstrap, ",")...),
		kgo.DefaultProduceTopic(t.Topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codecs[t.Codec]),
		kgo.RequiredAcks(kgo.AllISRAcks()),
	}
	if !t.Idempotent {
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1))
	}
	return kgo.NewClient(append(opts, more...)...)
}

func write(ctx context.Context, t task) error {
	cl, err := client(t)
	if err != nil {
		return err
	}
	defer cl.Close()
	records := make([]*kgo.Record, t.Count)
	for n := range records {
		records[n] = &kgo.Record{Partition: 0, Value: fmt.Appendf(nil, "%s-%d", t.Prefix, n)}
	}
	return cl.ProduceSync(ctx, records...).FirstErr()
}

// text is nil of nothing: what a key may be, and a tombstone's value is.
func text(bytes []byte) any {
	if bytes == nil {
		return nil
	}
	return string(bytes)
}

func read(ctx context.Context, t task) error {
	from := kgo.NewOffset().AtStart()
	if t.SinceMs != nil {
		from = kgo.NewOffset().AfterMilli(*t.SinceMs)
	}
	cl, err := client(t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t.Topic: {0: from}}))
	if err != nil {
		return err
	}
	defer cl.Close()
	for left := t.Count; left > 0; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for _, record := range fetches.Records() {
			if left > 0 {
				say(line{"key": text(record.Key), "value": text(record.Value)})
				left--
			}
		}
	}
	return nil
}

// owned is what a member owns; its callbacks come one at a time.
type owned struct{ partitions []int32 }

func (o *owned) take(t task, came map[string][]int32) {
	o.partitions = append(o.partitions, came[t.Topic]...)
	slices.Sort(o.partitions)
	say(line{"owns": append([]int32{}, o.partitions...)})
}

func (o *owned) give(t task, gone map[string][]int32) {
	o.partitions = slices.DeleteFunc(o.partitions, func(p int32) bool { return slices.Contains(gone[t.Topic], p) })
	say(line{"owns": append([]int32{}, o.partitions...)})
}

func membership(t task) []kgo.Opt {
	opts := []kgo.Opt{kgo.ConsumerGroup(t.Group), kgo.ConsumeTopics(t.Topic)}
	if t.Instance != "" {
		opts = append(opts, kgo.InstanceID(t.Instance))
	}
	if t.Commits != "automatic" {
		opts = append(opts, kgo.DisableAutoCommit())
	}
	if t.Assignor == "cooperative-sticky" {
		opts = append(opts, kgo.Balancers(kgo.CooperativeStickyBalancer()))
	} else {
		opts = append(opts, kgo.Balancers(kgo.RangeBalancer()))
	}
	if t.Reset == "none" {
		return append(opts, kgo.ConsumeResetOffset(kgo.NewOffset().AtCommitted()))
	}
	return append(opts, kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
}

func member(ctx context.Context, t task) error {
	open := untilEnd()
	var own owned
	cl, err := client(t, append(membership(t),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, came map[string][]int32) { own.take(t, came) }),
		kgo.OnPartitionsRevoked(func(ctx context.Context, cl *kgo.Client, gone map[string][]int32) {
			if err := cl.CommitUncommittedOffsets(ctx); err != nil {
				fmt.Fprintln(os.Stderr, "commit when revoked:", err)
			}
			own.give(t, gone)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, gone map[string][]int32) { own.give(t, gone) }),
	)...)
	if err != nil {
		return err
	}
	defer cl.Close()
	for open.Err() == nil {
		fetches := cl.PollFetches(open)
		// When it is to end, the error is of that.
		if err := fetches.Err(); err != nil && open.Err() == nil {
			return err
		}
		fetches.EachRecord(func(record *kgo.Record) { say(line{"value": string(record.Value)}) })
	}
	return cl.CommitUncommittedOffsets(ctx)
}

func stream(ctx context.Context, t task) error {
	open := untilEnd()
	cl, err := client(t)
	if err != nil {
		return err
	}
	defer cl.Close()
	for acked := 0; open.Err() == nil; {
		record := &kgo.Record{Partition: 0, Value: []byte(strconv.Itoa(acked))}
		if err := cl.ProduceSync(ctx, record).FirstErr(); err != nil {
			return err
		}
		acked++
		say(line{"acked": acked})
	}
	return nil
}

func makeTopic(ctx context.Context, t task) error {
	cl, err := client(t)
	if err != nil {
		return err
	}
	admin := kadm.NewClient(cl)
	defer admin.Close()
	first, then := "3600000", "7200000"
	if _, err := admin.CreateTopic(ctx, 2, 3, map[string]*string{"retention.ms": &first}, t.Topic); err != nil {
		return err
	}
	grown, err := admin.UpdatePartitions(ctx, 4, t.Topic)
	if err != nil {
		return err
	}
	if err := grown.Error(); err != nil {
		return err
	}
	set := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &then}}
	altered, err := admin.AlterTopicConfigs(ctx, set, t.Topic)
	if err != nil {
		return err
	}
	for _, each := range altered {
		if each.Err != nil {
			return each.Err
		}
	}
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return err
	}
	described, err := admin.DescribeTopicConfigs(ctx, t.Topic)
	if err != nil {
		return err
	}
	retention := ""
	_, err = described.On(t.Topic, func(resource *kadm.ResourceConfig) error {
		for _, config := range resource.Configs {
			if config.Key == "retention.ms" {
				retention = config.MaybeValue()
			}
		}
		return resource.Err
	})
	seen := line{"isListed": topics.Has(t.Topic), "partitions": len(topics[t.Topic].Partitions), "retentionMs": retention}
	say(line{"seen": seen})
	return err
}

func create(ctx context.Context, t task) error {
	cl, err := client(t)
	if err != nil {
		return err
	}
	admin := kadm.NewClient(cl)
	defer admin.Close()
	_, err = admin.CreateTopic(ctx, 1, 3, t.Config, t.Topic)
	return err
}

func put(ctx context.Context, t task) error {
	cl, err := client(t)
	if err != nil {
		return err
	}
	defer cl.Close()
	for _, pair := range t.Pairs {
		record := &kgo.Record{Partition: 0, Key: []byte(*pair[0])}
		if pair[1] != nil {
			record.Value = []byte(*pair[1])
		}
		if err := cl.ProduceSync(ctx, record).FirstErr(); err != nil {
			return err
		}
	}
	return nil
}

func transact(ctx context.Context, t task) error {
	cl, err := client(task{Bootstrap: t.Bootstrap, Topic: t.Topic, Idempotent: true}, kgo.TransactionalID(t.Topic))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		say(line{"refused": err.Error()})
		return nil
	}
	if err := cl.ProduceSync(ctx, &kgo.Record{Value: []byte("in a transaction")}).FirstErr(); err != nil {
		say(line{"refused": err.Error()})
		return nil
	}
	return cl.EndTransaction(ctx, kgo.TryCommit)
}

func drop(ctx context.Context, t task) error {
	cl, err := client(t)
	if err != nil {
		return err
	}
	admin := kadm.NewClient(cl)
	defer admin.Close()
	deleted, err := admin.DeleteTopics(ctx, t.Topic)
	if err != nil {
		return err
	}
	return deleted.Error()
}

func main() {
	var t task
	err := json.Unmarshal([]byte(os.Args[2]), &t)
	if err == nil {
		err = verbs[os.Args[1]](context.Background(), t)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	say(line{"done": true})
}
