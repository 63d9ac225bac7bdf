import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Apache Kafka's own Java client, told what to do by test/conformance/driver.ts: VERB JSON, answers one line each. */
public class Driver {
    static final ObjectMapper MAPPER = new ObjectMapper();
    static final Duration POLL = Duration.ofMillis(200);
    static final Map<String, Class<?>> ASSIGNORS = Map.of("cooperative-sticky", CooperativeStickyAssignor.class);

    final JsonNode task;
    final String topic;

    Driver(JsonNode task) {
        this.task = task;
        this.topic = task.get("topic").asText();
    }

    public static void main(String[] args) throws Exception {
        Driver driver = new Driver(MAPPER.readTree(args[1]));
        switch (args[0]) {
            case "write" -> driver.write();
            case "read" -> driver.read();
            case "create" -> driver.create();
            case "put" -> driver.put();
            case "member" -> driver.member();
            case "stream" -> driver.stream();
            case "make" -> driver.make();
            case "drop" -> driver.drop();
            case "transact" -> driver.transact();
            default -> throw new IllegalArgumentException(args[0]);
        }
        say(Map.of("done", true));
        System.exit(0);
    }

    static synchronized void say(Map<String, ?> line) throws Exception {
        System.out.println(MAPPER.writeValueAsString(line));
    }

    /** Completes when the harness says that the verb is to end. */
    static Thread untilEnd() {
        Thread thread = new Thread(() -> {
            try {
                System.in.transferTo(java.io.OutputStream.nullOutputStream());
            } catch (java.io.IOException broken) {
                // No more input comes: the same as its end.
            }
        });
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    Map<String, Object> config(Map<String, ?> more) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", task.get("bootstrap").asText()));
        config.putAll(more);
        return config;
    }

    KafkaProducer<String, String> producer(String codec) {
        Map<String, Object> config = config(Map.of(
            "acks", "all", "compression.type", codec, "enable.idempotence", task.get("idempotent").asBoolean(),
            "linger.ms", codec.equals("none") ? 0 : 20, "delivery.timeout.ms", 200_000));
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    KafkaConsumer<String, String> consumer(Map<String, ?> more) {
        Map<String, Object> config = config(Map.of("auto.offset.reset", "earliest", "enable.auto.commit", false));
        config.putAll(more);
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    void write() throws Exception {
        try (var producer = producer(task.get("codec").asText())) {
            List<Future<?>> sent = new ArrayList<>();
            for (int n = 0; n < task.get("count").asInt(); n++) {
                String value = task.get("prefix").asText() + "-" + n;
                sent.add(producer.send(new ProducerRecord<>(topic, 0, null, value)));
            }
            for (Future<?> each : sent) each.get();
        }
    }

    void read() throws Exception {
        TopicPartition partition = new TopicPartition(topic, 0);
        try (var consumer = consumer(Map.of())) {
            consumer.assign(List.of(partition));
            if (task.has("sinceMs")) {
                var found = consumer.offsetsForTimes(Map.of(partition, task.get("sinceMs").asLong()));
                consumer.seek(partition, found.get(partition).offset());
            } else {
                consumer.seekToBeginning(List.of(partition));
            }
            int left = task.get("count").asInt();
            while (left > 0) {
                for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
                    if (left-- > 0) say(pair(record));
                }
            }
        }
    }

    /** Both may be null, which Map.of does not take. */
    static Map<String, String> pair(ConsumerRecord<String, String> record) {
        Map<String, String> pair = new HashMap<>();
        pair.put("key", record.key());
        pair.put("value", record.value());
        return pair;
    }

    Map<String, Object> membership() {
        Map<String, Object> config = new HashMap<>(Map.of("group.id", task.get("group").asText()));
        if (task.has("instance")) config.put("group.instance.id", task.get("instance").asText());
        if (task.has("reset")) config.put("auto.offset.reset", task.get("reset").asText());
        if (task.has("commits")) config.put("enable.auto.commit", true);
        if (task.has("assignor")) {
            config.put("partition.assignment.strategy", List.of(ASSIGNORS.get(task.get("assignor").asText())));
        }
        return config;
    }

    void member() throws Exception {
        Thread open = untilEnd();
        try (var consumer = consumer(membership())) {
            TreeSet<Integer> owned = new TreeSet<>();
            consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                @Override
                public void onPartitionsRevoked(Collection<TopicPartition> gone) {
                    if (!task.has("commits")) consumer.commitSync();
                    gone.forEach(each -> owned.remove(each.partition()));
                    sayOwned();
                }

                @Override
                public void onPartitionsAssigned(Collection<TopicPartition> come) {
                    come.forEach(each -> owned.add(each.partition()));
                    sayOwned();
                }

                void sayOwned() {
                    try {
                        say(Map.of("owns", owned));
                    } catch (Exception broken) {
                        throw new RuntimeException(broken);
                    }
                }
            });
            while (open.isAlive()) {
                for (ConsumerRecord<String, String> record : consumer.poll(POLL)) say(Map.of("value", record.value()));
            }
            if (!task.has("commits")) consumer.commitSync();
        }
    }

    void stream() throws Exception {
        Thread open = untilEnd();
        try (var producer = producer("none")) {
            for (int acked = 0; open.isAlive();) {
                producer.send(new ProducerRecord<>(topic, 0, null, String.valueOf(acked))).get();
                say(Map.of("acked", ++acked));
            }
        }
    }

    void make() throws Exception {
        try (Admin admin = Admin.create(config(Map.of()))) {
            NewTopic wanted = new NewTopic(topic, 2, (short) 3).configs(Map.of("retention.ms", "3600000"));
            admin.createTopics(List.of(wanted)).all().get();
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(4))).all().get();
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            var set = new AlterConfigOp(new ConfigEntry("retention.ms", "7200000"), AlterConfigOp.OpType.SET);
            admin.incrementalAlterConfigs(Map.of(resource, List.of(set))).all().get();
            var described = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
            var configs = admin.describeConfigs(List.of(resource)).all().get().get(resource);
            boolean isListed = admin.listTopics().names().get().contains(topic);
            // In the order in which the harness compares it.
            Map<String, Object> seen = new java.util.LinkedHashMap<>();
            seen.put("isListed", isListed);
            seen.put("partitions", described.partitions().size());
            seen.put("retentionMs", configs.get("retention.ms").value());
            say(Map.of("seen", seen));
        }
    }

    @SuppressWarnings("unchecked")
    void create() throws Exception {
        try (Admin admin = Admin.create(config(Map.of()))) {
            Map<String, String> config = MAPPER.convertValue(task.get("config"), Map.class);
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 3).configs(config))).all().get();
        }
    }

    void put() throws Exception {
        Map<String, Object> config = config(Map.of("acks", "all"));
        try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            for (JsonNode pair : task.get("pairs")) {
                String value = pair.get(1).isNull() ? null : pair.get(1).asText();
                producer.send(new ProducerRecord<>(topic, 0, pair.get(0).asText(), value)).get();
            }
        }
    }

    void transact() throws Exception {
        Map<String, Object> config = config(Map.of("transactional.id", topic));
        try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, 0, null, "in a transaction"));
            producer.commitTransaction();
        } catch (KafkaException refused) {
            say(Map.of("refused", String.valueOf(refused)));
        }
    }

    void drop() throws Exception {
        try (Admin admin = Admin.create(config(Map.of()))) {
            admin.deleteTopics(List.of(topic)).all().get();
        }
    }
}
