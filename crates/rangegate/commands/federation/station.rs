//! `station`: a running radar that gives what it sees, and shows what comes back beside it.

use super::args::StationArgs;
use super::outputs::{Archives, Lines, detection_of, shown_number};
use super::tail::Tail;
use super::{boot, secret};
use crate::Outcome;
use crate::assemble::{self, Destination};
use crate::commands::run::stop_on_interrupt;
use crate::plan::Plan;
use anyhow::{Context, Result, bail};
use rangegate_contract::PublicKey;
use rangegate_core::{Detection, Timestamp};
use rangegate_exchange::asterix::fused::SystemTrack;
use rangegate_exchange::asterix::report::{Kind as Report, Station as Reporting, TargetReport};
use rangegate_federation::config::StationConfig;
use rangegate_federation::mailbox::Post;
use rangegate_federation::message::{Heard, Kind, Voice};
use rangegate_federation::outbox::Outbox;
use rangegate_federation::plots::{self, Pace, Seen};
use rangegate_federation::station::{Listener, Speaker};
use rangegate_pipeline::Stop;
use rangegate_scene::plots::PlotScene;
use rangegate_tracking::{Measurement, TrackState};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Runs a station until its radar ends or it is interrupted.
///
/// # Errors
/// The configuration cannot be, the mailbox or the disk cannot be used, or the radar's.
pub fn station(args: &StationArgs, quiet: bool) -> Result<Outcome> {
    let config = StationConfig::load(&args.config)?;
    let stop = stop_on_interrupt();
    std::fs::create_dir_all(&config.folder)
        .with_context(|| format!("cannot create {}", config.folder.display()))?;
    let key = secret(&config.exchange.key)?;
    let centre = PublicKey::parse(&config.centre_key).context("centre_key")?;
    let post = Post::new(&config.exchange.at, config.exchange.ca.as_deref())?;
    let open = || post.open(&config.site.name, config.exchange.login(), false);
    let outbox = match post.is_remote() {
        true => Outbox::stored(&config.folder.join("outbox.sqlite"))?,
        false => Outbox::Direct(open()?),
    };
    let outbox = Arc::new(outbox);
    let voice = Voice::new(&config.site.name, key, boot(), 0);
    let speaker = Speaker::new(config.site.clone(), config.share.clone(), voice, Arc::clone(&outbox));
    let shown = Shown::start(args, &config, quiet)?;
    // Draining and hearing end after the radar did.
    let rest = Stop::new();
    std::thread::scope(|scope| {
        let draining = scope.spawn(|| {
            outbox.drain(open, &rest, |away| match away {
                Some(error) => tracing::warn!("the mailbox does not answer: {error}"),
                None => tracing::warn!("the mailbox answers again"),
            })
        });
        let hearing = scope.spawn(|| hear(&config, open, &centre, &shown, &rest));
        let ran = see(&config, speaker, &shown, &stop, quiet);
        rest.set();
        let drained = draining.join().map_err(|_| anyhow::anyhow!("the outbox panicked"))?;
        let heard = hearing.join().map_err(|_| anyhow::anyhow!("the mailbox's reader panicked"))?;
        ran?;
        drained?;
        heard
    })?;
    Ok(Outcome::Done)
}

/// What the station shows, where it has a web view.
struct Shown {
    #[cfg(feature = "web")]
    view: Option<(Arc<crate::serving::Federated>, rangegate_web::Server)>,
}

impl Shown {
    #[cfg(feature = "web")]
    fn start(args: &StationArgs, config: &StationConfig, quiet: bool) -> Result<Self> {
        let Some(address) = args.serve.or(config.serve) else { return Ok(Self { view: None }) };
        let place = &config.site.position;
        let station = rangegate_web::Station {
            name: config.site.name.clone(),
            latitude_deg: place.latitude_deg,
            longitude_deg: place.longitude_deg,
            height_m: place.height_m,
        };
        let hub = Arc::new(rangegate_web::Hub::new());
        let configuration = json!({ "site": config.site, "share": config.share });
        let (far_m, archive) =
            (config.site.coverage.range_m[1].min(super::FAR_M), config.folder.join("archive"));
        let view = crate::serving::Federated::new(Some(station), Some(far_m), configuration, &archive, &hub);
        view.site(&config.site.name, &config.site.owner, place.latitude_deg, place.longitude_deg);
        let view = Arc::new(view);
        let web = super::web_args(&args.web, config.coverage_file.as_deref());
        let server = crate::serving::start(&web, Some(address), Arc::clone(&view) as _, &hub, quiet)?;
        Ok(Self { view: Some((view, server)) })
    }

    #[cfg(not(feature = "web"))]
    fn start(args: &StationArgs, config: &StationConfig, _quiet: bool) -> Result<Self> {
        if args.serve.or(config.serve).is_some() {
            bail!(crate::commands::NO_WEB);
        }
        Ok(Self {})
    }

    fn tracks(&self, time: Timestamp, lines: Vec<Map<String, Value>>) {
        #[cfg(feature = "web")]
        if let Some((view, _)) = &self.view {
            view.tracks(time, lines);
            return;
        }
        let _ = (time, lines);
    }

    /// What its radar found.
    fn found<'a>(&self, config: &StationConfig, time: Timestamp, found: impl Iterator<Item = &'a Detection>) {
        let site = &config.site;
        self.detections(time, found.map(|of| marked(json!(of), &site.owner, &site.name)).collect());
    }

    /// Where another station says that it stands.
    fn site(&self, name: &str, owner: &str, position: &Value) {
        #[cfg(feature = "web")]
        if let (Some((view, _)), Some(latitude_deg), Some(longitude_deg)) =
            (&self.view, position["latitude_deg"].as_f64(), position["longitude_deg"].as_f64())
        {
            view.site(name, owner, latitude_deg, longitude_deg);
            return;
        }
        let _ = (name, owner, position);
    }

    fn alert(&self, alert: &Value) {
        #[cfg(feature = "web")]
        if let Some((view, _)) = &self.view {
            view.alert(alert);
            return;
        }
        let _ = alert;
    }

    fn detections(&self, time: Timestamp, items: Vec<Map<String, Value>>) {
        #[cfg(feature = "web")]
        if let Some((view, _)) = &self.view {
            view.detections(time, items);
            return;
        }
        let _ = (time, items);
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// An item with whose it is.
fn marked(item: Value, owner: &str, station: &str) -> Map<String, Value> {
    let mut item = object(item);
    item.insert("owner".to_owned(), owner.into());
    item.insert("station".to_owned(), station.into());
    item
}

/// Runs the radar, and says what it sees.
fn see(config: &StationConfig, speaker: Speaker, shown: &Shown, stop: &Stop, quiet: bool) -> Result<()> {
    match (&config.radar.plots, &config.radar.run) {
        (Some(scene), _) => see_plots(config, scene, speaker, shown, stop),
        (None, Some(run)) => see_run(config, run, speaker, shown, stop, quiet),
        (None, None) => bail!("[radar] needs one of run and plots"),
    }
}

fn see_plots(
    config: &StationConfig,
    scene: &Path,
    mut speaker: Speaker,
    shown: &Shown,
    stop: &Stop,
) -> Result<()> {
    let text = std::fs::read_to_string(scene).with_context(|| scene.display().to_string())?;
    let scene = PlotScene::from_toml(&text).with_context(|| scene.display().to_string())?;
    let start = config.radar.start_time.context("radar.start_time")?;
    let tracking = config.tracking.as_ref().context("[tracking]")?;
    let pace = Pace { start, speed: config.radar.speed, duration_s: config.radar.duration_s };
    let file = |name: &str| Lines::create(&config.folder.join(name));
    let (mut detections, mut tracks, mut picture) =
        (file("detections.jsonl")?, file("tracks.jsonl")?, file("picture.jsonl")?);
    let mut archive = Archives::new(&config.folder.join("archive"));
    let owner = config.site.owner.as_str();
    let mut last = start;
    let each = |seen: &Seen<'_>| -> Result<()> {
        last = seen.time;
        let found: Vec<Detection> =
            seen.found.iter().map(|(_, of)| detection_of(seen.scan, seen.time, of)).collect();
        for detection in &found {
            detections.write(detection)?;
            archive.detection(owner, &config.site.name, detection)?;
        }
        let lines: Vec<Map<String, Value>> =
            seen.tracks.iter().map(|track| track_line(config, seen.scan, seen.time, track)).collect();
        for line in &lines {
            tracks.write(line)?;
            archive.track(owner, &config.site.name, seen.time, line)?;
        }
        for (second, places) in seen.seconds {
            picture.write(&json!({ "second": second, "tracks": places }))?;
        }
        speaker.scan(seen.time, seen.found)?;
        speaker.tracks(seen.time, seen.tracks)?;
        shown.found(config, seen.time, found.iter());
        shown.tracks(seen.time, lines);
        Ok(())
    };
    let mut each = each;
    let mut failed = None;
    plots::play(&scene, &config.site.name, tracking, pace, stop, |seen| {
        each(seen).map_err(|error| {
            let text = format!("{error:#}");
            failed = Some(error);
            rangegate_federation::Error::Other(text)
        })
    })
    .map_err(|error| failed.take().unwrap_or_else(|| error.into()))?;
    speaker.end(last)?;
    for file in [&mut detections, &mut tracks, &mut picture] {
        file.flush()?;
    }
    archive.finish()
}

/// A track of the station's own, as `tracks.jsonl` has it, with whose it is.
fn track_line(config: &StationConfig, cpi: u64, time: Timestamp, track: &TrackState) -> Map<String, Value> {
    let mut line = marked(json!(track), &config.site.owner, &config.site.name);
    line.insert("cpi".to_owned(), cpi.into());
    line.insert("time".to_owned(), format!("{time:.9}").into());
    line
}

/// Runs samples through the pipeline, and says what its logs say as they grow.
fn see_run(
    config: &StationConfig,
    run: &Path,
    mut speaker: Speaker,
    shown: &Shown,
    stop: &Stop,
    quiet: bool,
) -> Result<()> {
    let folder = config.folder.join("run");
    let (plan, source) = Plan::new(crate::config::load(run)?, stop)?;
    let destination = Destination::open(Some(&folder))?;
    // What an earlier run left is not this one's.
    let _ = std::fs::remove_file(folder.join(crate::tracks::TRACKS));
    let over = Stop::new();
    let (done, said) = std::thread::scope(|scope| {
        let saying = scope.spawn(|| follow(config, &folder, &mut speaker, shown, &over));
        let done = assemble::run(&plan, source, destination, None, stop, quiet);
        over.set();
        (done, saying.join())
    });
    said.map_err(|_| anyhow::anyhow!("the logs' reader panicked"))??;
    done?.warn();
    Ok(())
}

/// How long the logs are left alone when nothing new is in them.
const LOOK_EVERY: Duration = Duration::from_millis(20);

fn follow(
    config: &StationConfig,
    folder: &Path,
    speaker: &mut Speaker,
    shown: &Shown,
    over: &Stop,
) -> Result<()> {
    let mut detections = Tail::new(&folder.join("detections.jsonl"));
    let mut tracks = Tail::new(&folder.join(crate::tracks::TRACKS));
    let mut archive = Archives::new(&config.folder.join("archive"));
    let (mut scan, mut states): (Vec<(u64, Detection)>, Vec<TrackState>) = (Vec::new(), Vec::new());
    let (mut number, mut latest, mut track_time) = (0, None, None);
    loop {
        let is_last = over.is_set();
        let mut is_idle = true;
        while let Some(line) = detections.next_line()? {
            is_idle = false;
            let detection: Detection = serde_json::from_str(&line)?;
            if scan.first().is_some_and(|first| first.1.cpi != detection.cpi || first.1.cpi.is_none()) {
                say_scan(config, speaker, shown, &mut archive, &mut scan, &mut latest)?;
            }
            scan.push((number, detection));
            number += 1;
        }
        // A segment's detections are flushed together: what waits here is whole.
        say_scan(config, speaker, shown, &mut archive, &mut scan, &mut latest)?;
        while let Some(line) = tracks.next_line()? {
            is_idle = false;
            let Some((time, state)) = read_track(&line)? else { continue };
            if track_time.is_some_and(|before| before != time) {
                say_tracks(config, speaker, shown, &mut archive, &mut states, track_time)?;
            }
            (track_time, latest) = (Some(time), latest.max(Some(time)));
            states.push(state);
        }
        if is_last {
            say_tracks(config, speaker, shown, &mut archive, &mut states, track_time)?;
            if let Some(latest) = latest {
                speaker.end(latest)?;
            }
            return archive.finish();
        }
        if is_idle {
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

fn say_scan(
    config: &StationConfig,
    speaker: &mut Speaker,
    shown: &Shown,
    archive: &mut Archives,
    scan: &mut Vec<(u64, Detection)>,
    latest: &mut Option<Timestamp>,
) -> Result<()> {
    let found = std::mem::take(scan);
    let Some((_, first)) = found.first() else { return Ok(()) };
    // Without a time nobody else can use it.
    let Some(edge) = first.time else { return Ok(()) };
    let delay = Duration::from_secs_f64(first.delay_s.unwrap_or(0.0).max(0.0));
    let time = edge.checked_sub(delay).unwrap_or(edge);
    *latest = (*latest).max(Some(time));
    let measured: Vec<(u64, Measurement)> = found
        .iter()
        .filter(|(_, of)| of.channel == 0 && of.range_m.is_some())
        .map(|(number, of)| (*number, crate::tracks::measurement(*number, of)))
        .collect();
    for (_, detection) in &found {
        archive.detection(&config.site.owner, &config.site.name, detection)?;
    }
    speaker.scan(time, &measured)?;
    shown.found(config, time, found.iter().map(|(_, of)| of));
    Ok(())
}

/// A line of `tracks.jsonl`; `None` where it has no time.
fn read_track(line: &str) -> Result<Option<(Timestamp, TrackState)>> {
    let mut fields: Map<String, Value> = serde_json::from_str(line)?;
    fields.remove("cpi");
    let Some(Value::String(time)) = fields.remove("time") else { return Ok(None) };
    Ok(Some((time.parse()?, serde_json::from_value(Value::Object(fields))?)))
}

fn say_tracks(
    config: &StationConfig,
    speaker: &mut Speaker,
    shown: &Shown,
    archive: &mut Archives,
    states: &mut Vec<TrackState>,
    time: Option<Timestamp>,
) -> Result<()> {
    let (states, Some(time)) = (std::mem::take(states), time) else { return Ok(()) };
    if states.is_empty() {
        return Ok(());
    }
    speaker.tracks(time, &states)?;
    let lines: Vec<Map<String, Value>> = states.iter().map(|of| track_line(config, 0, time, of)).collect();
    for line in &lines {
        archive.track(&config.site.owner, &config.site.name, time, line)?;
    }
    shown.tracks(time, lines);
    Ok(())
}

/// Keeps and shows what comes back, marked by whose it is. It never reaches the station's own tracker.
fn hear(
    config: &StationConfig,
    open: impl Fn() -> rangegate_federation::Result<Arc<dyn rangegate_engine::Exchange>>,
    centre: &PublicKey,
    shown: &Shown,
    stop: &Stop,
) -> Result<()> {
    let path = config.folder.join("shared.jsonl");
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    let out = std::io::BufWriter::new(file.with_context(|| path.display().to_string())?);
    let archive = Archives::new(&config.folder.join("archive"));
    let mut kept = Kept { out, archive, owners: BTreeMap::new() };
    let mut is_away = false;
    while !stop.is_set() {
        let heard = open().and_then(|mailbox| Listener::new(&mailbox, centre.clone()));
        let ended = heard.and_then(|mut listener| hear_on(&mut listener, &mut kept, shown, stop));
        match ended {
            Ok(()) => break,
            Err(error) if error.is_temporary() => {
                if !std::mem::replace(&mut is_away, true) {
                    tracing::warn!("the mailbox cannot be read: {error}");
                }
                std::thread::sleep(Duration::from_millis(500));
            }
            Err(error) => return Err(error.into()),
        }
    }
    kept.archive.finish()
}

/// Where what came back is kept.
struct Kept {
    out: std::io::BufWriter<std::fs::File>,
    archive: Archives,
    /// Whose each station is, as it said itself.
    owners: BTreeMap<String, String>,
}

impl Kept {
    /// Whose a station is; its name until it said so.
    fn owner<'a>(&'a self, station: &'a str) -> &'a str {
        self.owners.get(station).map_or(station, String::as_str)
    }

    /// Shows what was heard, with whose it is.
    fn show(&mut self, heard: &Heard, lines: Vec<Map<String, Value>>, shown: &Shown) {
        let document = lines.first().and_then(|line| line.get("document"));
        match (heard.kind, document) {
            (Kind::Coverage, Some(site)) => {
                let owner = site["owner"].as_str().unwrap_or(&heard.origin);
                shown.site(&heard.origin, owner, &site["position"]);
                self.owners.insert(heard.origin.clone(), owner.to_owned());
            }
            (Kind::Alerts, Some(alert)) => shown.alert(alert),
            (Kind::Detections, _) => {
                let (owner, time) = (self.owner(&heard.origin), heard.envelope.time);
                let found = detections_heard(heard).map(|of| marked(json!(of), owner, &heard.origin));
                shown.detections(time, found.collect());
            }
            _ => shown.tracks(heard.envelope.time, lines),
        }
    }

    fn keep(&mut self, heard: &Heard, lines: &[Map<String, Value>]) -> Result<()> {
        for line in lines {
            serde_json::to_writer(&mut self.out, line)?;
            self.out.write_all(b"\n").context("shared.jsonl")?;
            if line.contains_key("track") {
                let owner = line.get("owner").and_then(Value::as_str).unwrap_or(&heard.origin);
                self.archive.track(owner, &heard.origin, heard.envelope.time, line)?;
            }
        }
        for detection in detections_heard(heard) {
            self.archive.detection(
                self.owners.get(&heard.origin).unwrap_or(&heard.origin),
                &heard.origin,
                &detection,
            )?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.out.flush().context("shared.jsonl")?;
        self.archive.flush()
    }
}

fn hear_on(
    listener: &mut Listener,
    kept: &mut Kept,
    shown: &Shown,
    stop: &Stop,
) -> rangegate_federation::Result<()> {
    let failed = |error: anyhow::Error| rangegate_federation::Error::Other(format!("{error:#}"));
    loop {
        let is_last = stop.is_set();
        let (messages, sequence) = listener.next(256, Duration::from_millis(200))?;
        for heard in &messages {
            let lines = lines_of(heard, kept.owner(&heard.origin));
            kept.keep(heard, &lines).map_err(failed)?;
            kept.show(heard, lines, shown);
        }
        if let Some(sequence) = sequence {
            kept.flush().map_err(failed)?;
            listener.acknowledge(sequence)?;
        }
        if is_last && sequence.is_none() {
            return Ok(());
        }
    }
}

/// The detections of a message.
fn detections_heard(heard: &Heard) -> impl Iterator<Item = Detection> {
    let is_found = heard.kind == Kind::Detections;
    let reports = heard.records().filter(move |_| is_found);
    let reports = reports.filter_map(|record| TargetReport::from_record(record).ok());
    // Without the baseline of a bistatic radar its ranges say nothing here.
    reports.filter(|report| !report.is_multistatic).map(|report| Detection {
        template: heard.origin.as_str().into(),
        ..report.detection(&Reporting::default(), heard.envelope.time).rounded()
    })
}

/// What a message says, in lines for `shared.jsonl`, and for the web view where they are of tracks; `owner` is whose the
/// station is that says it.
fn lines_of(heard: &Heard, owner: &str) -> Vec<Map<String, Value>> {
    let envelope = &heard.envelope;
    let head = |kind: &str| {
        object(json!({
            "origin": heard.origin, "kind": kind, "boot": envelope.boot, "sequence": envelope.sequence,
            "contract_version": envelope.contract_version, "time": envelope.time,
        }))
    };
    if let Some(document) = &envelope.document {
        let mut line = head(heard.kind.name());
        line.insert("document".to_owned(), serde_json::from_str(document).unwrap_or_default());
        return vec![line];
    }
    let mut lines = Vec::new();
    for record in heard.records() {
        let mut line = head(heard.kind.name());
        let shown = match heard.kind {
            Kind::Fused => SystemTrack::from_record(record).ok().map(|track| fused_fields(&track)),
            Kind::Tracks => TargetReport::from_record(record).ok().and_then(|report| {
                let position = report.state.as_ref()?.position()?;
                let shown = shown_number(1, report.number?.into());
                Some(json!({
                    "track": shown, "position": position, "owner": owner, "station": heard.origin,
                    "number": report.number, "coasting": report.is_coasting, "ended": report.kind == Report::TrackEnd,
                }))
            }),
            _ => None,
        };
        line.insert("record".to_owned(), rangegate_exchange::asterix::record_to_json(record));
        line.extend(shown.map(object).unwrap_or_default());
        lines.push(line);
    }
    lines
}

fn fused_fields(track: &SystemTrack) -> Value {
    json!({
        "track": shown_number(2, track.number.into()),
        "position": {
            "latitude_deg": track.latitude_deg, "longitude_deg": track.longitude_deg, "height_m": track.height_m,
        },
        "owner": "centre",
        "fused": true,
        "number": track.number,
        "coasting": track.is_coasting,
        "ended": track.is_last,
    })
}
