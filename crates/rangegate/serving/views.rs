//! From what the line hands on to what clients see: one thread, behind the taps.

use super::{Live, unix_s};
use crate::maps::axes;
use crate::plan::Plan;
use crate::watch::{MapPart, Part, Wanted, Watching};
use rangegate_core::{Detection, Timestamp};
use rangegate_dsp::chain::{Chain, Overview};
use rangegate_dsp::cw::CwPlan;
use rangegate_dsp::pulse_doppler::PulseDopplerPlan;
use rangegate_sinks::detection_log::Line;
use rangegate_web::backend::Playing;
use rangegate_web::frame::{self, Axis, Map, Moment};
use rangegate_web::{Backend, Hub, View, replay_text};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the line is listened to before what it does not speak of is looked at.
const IDLE: Duration = Duration::from_millis(4);
/// How long rows, detections and tracks are gathered before they are told.
const GATHER: Duration = Duration::from_millis(40);
/// From picture to picture where a recording runs as fast as it goes: there each costs it speed, and the eye cannot follow.
const AT_FULL_SPEED: Duration = Duration::from_millis(100);
/// Rows of one frame of a waterfall, and detections of one message, at most.
const MAX_ROWS: usize = 64;
const MAX_ITEMS: usize = 1_000;

/// Shows a run until the line closes its taps.
pub fn show(plan: &Plan, live: &Live, hub: &Hub, mut watching: Watching) {
    rangegate_web::give_way();
    live.recent().begin_round();
    let mut show = Show::new(plan, live, hub);
    show.tell_replay();
    let mut is_open = true;
    while is_open {
        show.say_what_is_wanted();
        match watching.parts.recv_until(Instant::now() + IDLE) {
            Ok(Some(part)) => show.part(&part),
            Ok(None) => is_open = false,
            Err(_) => {}
        }
        while let Some(part) = watching.maps.as_mut().and_then(|maps| maps.try_recv()) {
            show.map(&part);
        }
        while let Some(detection) = watching.detections.try_recv() {
            if let Some((number, detection)) = detection.as_ref() {
                show.detection(*number, detection);
            }
        }
        while let Some(line) = watching.tracks.try_recv() {
            show.track(&line);
        }
        show.tell_gathered(!is_open);
    }
}

struct Show<'a> {
    plan: &'a Plan,
    live: &'a Live,
    hub: &'a Hub,
    start_s: f64,
    rate_hz: f64,
    radar: Option<RadarAxes>,
    rows: Vec<(Moment, Vec<f32>)>,
    row_step_s: Option<f64>,
    detections: Vec<String>,
    tracks: BTreeMap<u64, Value>,
    /// Tracks of the scan that comes and the one before, and the scan that comes.
    alive: BTreeMap<u64, (u64, Value)>,
    scan: Option<u64>,
    truth: Vec<Value>,
    next_truth: usize,
    gathered: Instant,
    state: Option<Playing>,
}

/// The axes of a radar's maps.
struct RadarAxes {
    radar: Arc<PulseDopplerPlan>,
    bins: Vec<usize>,
    range: Axis,
    rate: Axis,
    in_notch: Vec<bool>,
}

impl RadarAxes {
    fn new(radar: &Arc<PulseDopplerPlan>) -> Self {
        let (bins, axes) = axes(radar);
        let range = Axis { name: "range", unit: "m", start: axes.range_first_m, step: axes.range_step_m };
        let rates = &axes.range_rate_mps;
        let n = rates.len().max(2);
        let (first, last) = (rates.first().copied().unwrap_or(0.0), rates.last().copied().unwrap_or(0.0));
        let rate =
            Axis { name: "range_rate", unit: "m/s", start: first, step: (last - first) / (n - 1) as f64 };
        Self { radar: Arc::clone(radar), bins, range, rate, in_notch: axes.in_notch }
    }
}

impl<'a> Show<'a> {
    fn new(plan: &'a Plan, live: &'a Live, hub: &'a Hub) -> Self {
        let radar = match &plan.chain {
            Chain::PulseDoppler(radar) => Some(RadarAxes::new(radar)),
            _ => None,
        };
        let row_step_s = match &plan.chain {
            Chain::PulseDoppler(radar) => Some(radar.look_s()),
            Chain::Cw(tone) => Some(tone.hop() as f64 / tone.sample_rate().hz()),
            Chain::Stream(_) | Chain::Periodic(_) => None,
        };
        // Where a round begins behind the start, what lies before it is not told.
        let next_truth = live.truth.partition_point(|truth| truth.sample < plan.stream.first_sample);
        Self {
            plan,
            live,
            hub,
            start_s: live.about().start_time_s.unwrap_or(0.0),
            rate_hz: plan.stream.sample_rate.hz(),
            radar,
            rows: Vec::new(),
            row_step_s,
            detections: Vec::new(),
            tracks: BTreeMap::new(),
            alive: BTreeMap::new(),
            scan: None,
            truth: Vec::new(),
            next_truth,
            gathered: Instant::now(),
            state: None,
        }
    }

    fn tell_replay(&mut self) {
        if let Some(replay) = self.live.replay()
            && self.state != Some(replay.state)
        {
            self.state = Some(replay.state);
            self.hub.tell("replay", true, replay_text(&replay));
        }
    }

    /// Tells the line what somebody looks at.
    fn say_what_is_wanted(&self) {
        let is_seen = |view| self.live.has_view(view) && self.hub.is_watched(view);
        let mut wanted = 0;
        let (is_radar, is_tone) = (self.radar.is_some(), matches!(self.plan.chain, Chain::Cw(_)));
        if is_seen(View::RangeDoppler) || is_radar && is_seen(View::AScope) {
            wanted |= Wanted::Map as u32;
        }
        if is_seen(View::RangeTime) || is_tone && is_seen(View::AScope) {
            wanted |= Wanted::Rows as u32;
        }
        let by_overview = !is_radar && !is_tone;
        if is_seen(View::Spectrum) || by_overview && (is_seen(View::RangeTime) || is_seen(View::AScope)) {
            wanted |= Wanted::Overview as u32;
        }
        let is_at_full_speed = self.live.replay().is_some_and(|replay| replay.speed.is_none());
        let least = if is_at_full_speed { AT_FULL_SPEED } else { Duration::ZERO };
        self.live.shared.want(wanted, self.hub.interval().max(least));
    }

    fn time_s(&self, time: Option<Timestamp>, sample: u64) -> f64 {
        let origin = self.live.origin_sample;
        let since = || self.start_s + sample.saturating_sub(origin) as f64 / self.rate_hz;
        time.map_or_else(since, unix_s)
    }

    fn moment(&self, sample: u64, time: Option<Timestamp>) -> Moment {
        Moment { sample, time_s: self.time_s(time, sample), channel: 0 }
    }

    fn map(&self, part: &MapPart) {
        let Some(axes) = &self.radar else { return };
        let moment = self.moment(part.sample, part.time);
        let rows: Vec<&[f32]> =
            axes.bins.iter().filter(|bin| **bin < part.map.n_rows()).map(|bin| part.map.row(*bin)).collect();
        let noise = frame::noise(&rows);
        let map = Map {
            moment,
            rows: &rows,
            x: axes.range,
            y: axes.rate,
            reference: noise,
            quantity: "snr_db",
            times_s: None,
        };
        self.hub.publish(View::RangeDoppler, 0, |max_rows, max_cols| {
            frame::map(View::RangeDoppler, &map, max_rows, max_cols)
        });
        self.hub.publish(View::AScope, 0, |_, _| {
            let (powers, thresholds) = self.scope(axes, part);
            frame::a_scope(moment, axes.range, &powers, &thresholds, 1.0)
        });
    }

    /// Greatest power of each gate outside the notch, and the threshold of the cell that has it.
    fn scope(&self, axes: &RadarAxes, part: &MapPart) -> (Vec<f32>, Vec<f32>) {
        let n_gates = part.map.n_gates();
        let mut best = vec![(0.0_f32, 0_usize); n_gates];
        for (bin, _) in
            axes.bins.iter().zip(&axes.in_notch).filter(|(bin, is_in)| !**is_in && **bin < part.map.n_rows())
        {
            for (best, power) in best.iter_mut().zip(part.map.row(*bin)) {
                if *power > best.0 {
                    *best = (*power, *bin);
                }
            }
        }
        let plan = axes.radar.maps().next();
        // The threshold of a cell takes a while: of many gates, some.
        let step = n_gates.div_ceil(MAX_THRESHOLDS).max(1);
        let mut thresholds = vec![f32::NAN; n_gates];
        if let Some(plan) = plan {
            for gate in (0..n_gates).step_by(step) {
                let threshold = plan.threshold(&part.map, best[gate].1, gate).unwrap_or(f32::NAN);
                thresholds[gate..(gate + step).min(n_gates)].fill(threshold);
            }
        }
        (best.into_iter().map(|(power, _)| power).collect(), thresholds)
    }

    fn part(&mut self, part: &Part) {
        let moment = self.moment(part.sample, part.time);
        self.live.at_time(moment.time_s + part.n_samples as f64 / self.rate_hz);
        self.tell_replay();
        if part.is_look {
            while let Some(truth) =
                self.live.truth.get(self.next_truth).filter(|truth| truth.sample <= part.sample)
            {
                self.truth.push(truth.json.clone());
                self.next_truth += 1;
            }
        }
        if !part.spectrum.is_empty() {
            self.spectrum(part, moment);
        }
        match &self.plan.chain {
            Chain::PulseDoppler(_) if !part.range_profile.is_empty() => {
                self.rows.push((moment, part.range_profile.clone()));
            }
            Chain::Cw(tone) => {
                let tone = Arc::clone(tone);
                self.slices(&tone, part);
            }
            _ => {}
        }
        if self.rows.len() >= MAX_ROWS {
            self.tell_rows();
        }
    }

    fn spectrum(&mut self, part: &Part, moment: Moment) {
        let step = self.rate_hz / Overview::N_BINS as f64;
        let x = Axis { name: "frequency", unit: "Hz", start: -0.5 * self.rate_hz, step };
        self.hub.publish(View::Spectrum, 0, |_, _| frame::spectrum(moment, x, &part.spectrum));
        if let Chain::Stream(_) | Chain::Periodic(_) = &self.plan.chain {
            self.rows.push((moment, part.spectrum.clone()));
            let step = Overview::PART as f64 / self.rate_hz;
            let x = Axis { name: "time", unit: "s", start: 0.0, step };
            self.hub.publish(View::AScope, 0, |_, _| frame::a_scope(moment, x, &part.peaks, &[], 1.0));
        }
    }

    fn slices(&mut self, tone: &CwPlan, part: &Part) {
        let n_bins = tone.n_bins();
        for (sample, powers) in part.slice_samples.iter().zip(part.slice_powers.chunks_exact(n_bins)) {
            let since_s = sample.saturating_sub(part.sample) as f64 / self.rate_hz;
            let time_s = self.time_s(part.time, part.sample) + since_s;
            let moment = Moment { sample: *sample, time_s, channel: 0 };
            let powers = speeds(tone, powers);
            self.hub
                .publish(View::AScope, 0, |_, _| frame::a_scope(moment, speed_axis(tone), &powers, &[], 1.0));
            self.rows.push((moment, powers));
        }
    }

    fn detection(&mut self, number: u64, detection: &Detection) {
        #[derive(Serialize)]
        struct Item<'a> {
            number: u64,
            time_s: f64,
            #[serde(flatten)]
            line: Line<'a>,
        }
        let time_s = self.time_s(detection.time, detection.sample);
        let rounded = detection.rounded();
        let item = Item { number, time_s, line: Line::from(&rounded) };
        let Ok(item) = serde_json::to_string(&item) else { return };
        self.live.recent().detection(time_s, rounded.snr_db, rounded.range_m, item.clone());
        // Those beyond are in the table, not on the pictures.
        if self.detections.len() < MAX_ITEMS {
            self.detections.push(item);
        }
    }

    fn track(&mut self, line: &str) {
        let Ok(Value::Object(mut item)) = serde_json::from_str(line) else { return };
        let Some(track) = item.get("track").and_then(Value::as_u64) else { return };
        super::places::place_of_track(&mut item);
        // A track's times count from the run's first sample.
        let own_s = item.get("time_s").and_then(Value::as_f64).unwrap_or(0.0);
        let first =
            self.plan.stream.first_sample.saturating_sub(self.live.origin_sample) as f64 / self.rate_hz;
        let time_s = self.start_s + first + own_s;
        item.insert("time_s".to_owned(), time_s.into());
        let range_m = item.get("range_m").and_then(Value::as_f64);
        let cpi = item.get("cpi").and_then(Value::as_u64).unwrap_or(0);
        let item = Value::Object(item);
        self.end_tracks_before(cpi);
        self.alive.insert(track, (cpi, item.clone()));
        self.live.recent().track(track, time_s, range_m, item.to_string());
        self.tracks.insert(track, item);
    }

    /// Tells of tracks that were not in the last whole scan before this one.
    fn end_tracks_before(&mut self, cpi: u64) {
        let Some(last) = self.scan.filter(|last| *last != cpi) else {
            self.scan = Some(cpi);
            return;
        };
        self.scan = Some(cpi);
        let is_ended = |of: &u64| *of < last;
        let ended: Vec<u64> =
            self.alive.iter().filter(|(_, (of, _))| is_ended(of)).map(|(track, _)| *track).collect();
        for track in ended {
            if let Some((_, mut item)) = self.alive.remove(&track) {
                item["ended"] = true.into();
                self.tracks.insert(track, item);
            }
        }
    }

    /// Tells what was gathered, if that is a while.
    fn tell_gathered(&mut self, is_last: bool) {
        if !is_last && self.gathered.elapsed() < GATHER {
            return;
        }
        self.gathered = Instant::now();
        self.tell_rows();
        if !self.detections.is_empty() {
            let text = format!("{{\"type\":\"detections\",\"items\":[{}]}}", self.detections.join(","));
            self.detections.clear();
            self.hub.tell("detections", false, text);
        }
        if !self.tracks.is_empty() {
            let items: Vec<Value> = std::mem::take(&mut self.tracks).into_values().collect();
            self.hub.tell("tracks", false, json!({"type": "tracks", "items": items}).to_string());
        }
        if !self.truth.is_empty() {
            let items = std::mem::take(&mut self.truth);
            self.hub.tell("truth", false, json!({"type": "truth", "items": items}).to_string());
        }
        self.tell_replay();
    }

    fn tell_rows(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let Some((first, _)) = rows.first() else { return };
        let powers: Vec<&[f32]> = rows.iter().map(|row| row.1.as_slice()).collect();
        let time0_s = first.time_s;
        let y = Axis { name: "time", unit: "s", start: time0_s, step: self.row_step_s.unwrap_or(0.0) };
        let (x, quantity, reference) = match &self.plan.chain {
            Chain::PulseDoppler(_) => match &self.radar {
                Some(axes) => (axes.range, "snr_db", frame::noise(&powers)),
                None => return,
            },
            Chain::Cw(tone) => (speed_axis(tone), "snr_db", frame::noise(&powers)),
            Chain::Stream(_) | Chain::Periodic(_) => {
                let step = self.rate_hz / Overview::N_BINS as f64;
                let x = Axis { name: "frequency", unit: "Hz", start: -0.5 * self.rate_hz, step };
                (x, "snr_db", frame::noise(&powers))
            }
        };
        let times_s = Some((time0_s, self.row_step_s));
        let map = Map { moment: *first, rows: &powers, x, y, reference, quantity, times_s };
        // Each row is a dwell: none is pooled with another.
        self.hub.publish(View::RangeTime, 0, |_, max_cols| {
            frame::map(View::RangeTime, &map, usize::MAX, max_cols)
        });
    }
}

/// Gates for which a threshold is worked out, of one picture.
const MAX_THRESHOLDS: usize = 512;

/// Speeds of a tone's bins, rising.
fn speed_axis(tone: &CwPlan) -> Axis {
    let speed = |bin: usize| tone.velocity_mps_from_doppler_hz(tone.doppler_hz_from_bin(bin as f64));
    let (first, last) = (speed(0), speed(tone.n_bins().saturating_sub(1)));
    let step = (last - first).abs() / (tone.n_bins().max(2) - 1) as f64;
    let name = if tone.is_signed() { "range_rate" } else { "speed" };
    // A real signal's speeds have no sign.
    let start = if tone.is_signed() { first.min(last) } else { 0.0 };
    Axis { name, unit: "m/s", start, step }
}

/// The powers of a slice in the order of [`speed_axis`].
fn speeds(tone: &CwPlan, powers: &[f32]) -> Vec<f32> {
    let mut powers = powers.to_vec();
    let speed = |bin: f64| tone.velocity_mps_from_doppler_hz(tone.doppler_hz_from_bin(bin));
    if tone.is_signed() && speed(1.0) < speed(0.0) {
        powers.reverse();
    }
    powers
}
