//! rskafka, told what to do by test/conformance/driver.ts.

use std::error::Error;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

const FETCH_BYTES: std::ops::Range<i32> = 1..1_000_000;
const FETCH_WAIT_MS: i32 = 500;

fn text<'a>(task: &'a Value, field: &str) -> &'a str {
    task[field].as_str().unwrap_or_default()
}

async fn client_of(task: &Value) -> Outcome<Client> {
    let brokers = text(task, "bootstrap")
        .split(',')
        .map(str::to_owned)
        .collect();
    Ok(ClientBuilder::new(brokers).build().await?)
}

async fn partition_of(task: &Value) -> Outcome<PartitionClient> {
    let client = client_of(task).await?;
    Ok(client
        .partition_client(text(task, "topic"), 0, UnknownTopicHandling::Retry)
        .await?)
}

fn record(value: String) -> Record {
    Record {
        key: None,
        value: Some(value.into_bytes()),
        headers: Default::default(),
        timestamp: Utc::now(),
    }
}

fn codec_of(task: &Value) -> Compression {
    match text(task, "codec") {
        "gzip" => Compression::Gzip,
        "snappy" => Compression::Snappy,
        "lz4" => Compression::Lz4,
        "zstd" => Compression::Zstd,
        _ => Compression::NoCompression,
    }
}

async fn write(task: &Value) -> Outcome<()> {
    let count = task["count"].as_u64().unwrap_or_default();
    let records = (0..count)
        .map(|n| record(format!("{}-{n}", text(task, "prefix"))))
        .collect();
    partition_of(task)
        .await?
        .produce(records, codec_of(task))
        .await?;
    Ok(())
}

async fn read(task: &Value) -> Outcome<()> {
    let partition = partition_of(task).await?;
    let since = task["sinceMs"]
        .as_i64()
        .and_then(DateTime::from_timestamp_millis);
    let at = since.map_or(OffsetAt::Earliest, OffsetAt::Timestamp);
    let mut offset = partition.get_offset(at).await?;
    let mut left = task["count"].as_u64().unwrap_or_default();
    while left > 0 {
        let (records, _) = partition
            .fetch_records(offset, FETCH_BYTES, FETCH_WAIT_MS)
            .await?;
        for each in records {
            offset = each.offset + 1;
            if left > 0 {
                let value = String::from_utf8(each.record.value.unwrap_or_default())?;
                println!("{}", json!({ "value": value }));
                left -= 1;
            }
        }
    }
    Ok(())
}

async fn stream(task: &Value) -> Outcome<()> {
    let is_over = Arc::new(AtomicBool::new(false));
    let told = is_over.clone();
    std::thread::spawn(move || {
        // Whatever ends the input: the verb is to end.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        told.store(true, Ordering::Relaxed);
    });
    let partition = partition_of(task).await?;
    let mut acked = 0;
    while !is_over.load(Ordering::Relaxed) {
        partition
            .produce(vec![record(format!("{acked}"))], Compression::NoCompression)
            .await?;
        acked += 1;
        println!("{}", json!({ "acked": acked }));
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().collect();
    let task = serde_json::from_str(&args[2])?;
    match args[1].as_str() {
        "write" => write(&task).await?,
        "read" => read(&task).await?,
        "stream" => stream(&task).await?,
        other => return Err(format!("{other} is not a verb of this driver").into()),
    }
    println!("{}", json!({ "done": true }));
    Ok(())
}
