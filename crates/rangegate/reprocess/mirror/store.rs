//! A bucket of S3, through `object_store`. Its usual variables say where and with which key: `AWS_ENDPOINT_URL`,
//! `AWS_REGION`, `AWS_ACCESS_KEY_ID`, ….

use super::object::Object;
use anyhow::{Result, anyhow, bail};
use futures_util::StreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig};
use std::ops::Range;
use tokio::runtime::{Builder, Runtime};

/// How often a request is made again: with pauses that double, some seconds in all.
const RETRIES: usize = 6;
/// What servers say of a key that may not do something, also where the kind of the error does not tell.
const REFUSALS: [&str; 6] = [
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "NotSignedUp",
    "SignatureDoesNotMatch",
];

/// A bucket.
pub struct Store {
    name: String,
    bucket: AmazonS3,
    runtime: Runtime,
}

impl Store {
    /// The bucket of a name. Nobody is asked yet.
    ///
    /// # Errors
    /// The variables make no sense.
    pub fn open(name: &str) -> Result<Self> {
        // Who was first has set the same.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let retry = RetryConfig { max_retries: RETRIES, ..RetryConfig::default() };
        let builder = AmazonS3Builder::from_env().with_bucket_name(name).with_retry(retry);
        let bucket = builder.build().map_err(|error| explain(&format!("s3://{name}"), &error))?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { name: name.to_owned(), bucket, runtime })
    }

    /// The objects below a prefix.
    ///
    /// # Errors
    /// The server cannot be reached, refuses the key, or has no such bucket.
    pub fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let address = format!("s3://{}/{prefix}", self.name);
        let prefix = Path::parse(prefix).map_err(|error| anyhow!("{address} is no prefix: {error}"))?;
        let listed = self.runtime.block_on(async {
            let mut listed = Vec::new();
            let mut objects = self.bucket.list(Some(&prefix));
            while let Some(object) = objects.next().await {
                let object = object?;
                // Some servers list no tags.
                let has_tag = object.e_tag.is_some();
                listed.push(if has_tag { object } else { self.bucket.head(&object.location).await? });
            }
            Ok(listed)
        });
        let listed: Vec<ObjectMeta> = listed.map_err(|error| explain(&address, &error))?;
        Ok(listed.into_iter().map(object).collect())
    }

    /// An object; `None` where there is none.
    ///
    /// # Errors
    /// The server cannot be reached, or refuses the key.
    pub fn look(&self, key: &str) -> Result<Option<Object>> {
        let address = format!("s3://{}/{key}", self.name);
        let key = Path::parse(key).map_err(|error| anyhow!("{address} is no key: {error}"))?;
        match self.runtime.block_on(self.bucket.head(&key)) {
            Ok(found) => Ok(Some(object(found))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(explain(&address, &error)),
        }
    }

    /// Reads a range of an object, which must be the one that was listed, and hands on what comes.
    ///
    /// # Errors
    /// It is gone or another, the server cannot be reached, or `take` fails.
    pub fn read(
        &self,
        object: &Object,
        range: Range<u64>,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let address = format!("s3://{}/{}", self.name, object.key);
        let key = Path::parse(&object.key)?;
        let range_asked = Some(GetRange::Bounded(range.clone()));
        let options =
            GetOptions { if_match: object.e_tag.clone(), range: range_asked, ..GetOptions::default() };
        let failed = |error: Error| explain(&address, &error);
        self.runtime.block_on(async {
            let answer = self.bucket.get_opts(&key, options).await.map_err(failed)?;
            // Not every server looks at If-Match.
            if answer.meta.size != object.size || answer.meta.e_tag != object.e_tag || answer.range != range {
                bail!("{address} is not what it was when it was listed");
            }
            let (mut bytes, mut n_bytes) = (answer.into_stream(), 0);
            while let Some(some) = bytes.next().await {
                let some = some.map_err(failed)?;
                n_bytes += some.len() as u64;
                take(&some)?;
            }
            if n_bytes != range.end - range.start {
                bail!("{address}: the server gave {n_bytes} bytes, expected {}", range.end - range.start);
            }
            Ok(())
        })
    }
}

fn object(found: ObjectMeta) -> Object {
    Object { key: found.location.to_string(), size: found.size, e_tag: found.e_tag }
}

/// What went wrong, as a sentence.
fn explain(address: &str, error: &Error) -> anyhow::Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let cause = cause.to_string();
    // Servers answer in XML.
    let code =
        cause.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    let is_refused = matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. })
        || code.is_some_and(|code| REFUSALS.contains(&code));
    match (error, code) {
        (_, Some("NoSuchBucket")) => anyhow!("{address}: there is no such bucket"),
        (Error::NotFound { .. }, _) => anyhow!("{address} is not there any more"),
        (Error::Precondition { .. }, _) => anyhow!("{address} is not what it was when it was listed"),
        _ if is_refused => anyhow!(
            "{address}: the server refuses the key (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY): {}",
            code.unwrap_or("it may not do this")
        ),
        (_, Some(code)) => anyhow!("{address}: the server says {code}"),
        (_, None) if std::env::var_os("AWS_ACCESS_KEY_ID").is_none() => anyhow!(
            "{address}: no key is given (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), nor does this machine have one: {cause}"
        ),
        (_, None) => anyhow!("{address}: the server cannot be asked: {cause}"),
    }
}
