//! One radio: its arguments, its settings, its clock, its stream.

use crate::arguments::{Arguments, FaultArguments, Pairs, serial};
use crate::clock::{Clock, utc_ns};
use crate::content::{About, Content};
use crate::numbers::{Digitiser, Number};
use crate::plugs;
use crate::settings::Settings;
use crate::stream::{Active, Setup, Stream};
use rangegate_core::SampleRate;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What was lost.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) overflows: AtomicU64,
    pub(crate) lost_samples: AtomicU64,
}

/// What settings and the stream both need.
pub(crate) struct Shared {
    pub(crate) serial: String,
    pub(crate) faults: FaultArguments,
    pub(crate) paced: bool,
    pub(crate) counts: Counts,
    clock: Mutex<Clock>,
    settings: Mutex<Settings>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic left behind is still a value; the stream that panicked reports an error.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Held for an instant only: the reader takes it too.
    pub(crate) fn clock(&self) -> MutexGuard<'_, Clock> {
        locked(&self.clock)
    }

    pub(crate) fn settings(&self) -> MutexGuard<'_, Settings> {
        locked(&self.settings)
    }
}

/// An open radio. Settings and stream may be used from different threads.
pub(crate) struct Radio {
    pub(crate) shared: Shared,
    pub(crate) native: Number,
    pub(crate) hardware_time: bool,
    about: About,
    what_is_played: String,
    start_ns: Option<i64>,
    buffer_s: f64,
    /// The clock was set, by hand or by a stream.
    clock_is_set: AtomicBool,
    streaming: AtomicBool,
    stream: Mutex<Stream>,
    /// Who waits to set the stream: readers, who come again and again, let them first.
    waiting: AtomicUsize,
}

/// A stream that cannot begin.
pub(crate) enum Refusal {
    NotSupported,
    /// The time to begin at has passed.
    Late,
    Error(String),
}

/// The radio that is meant, as `find` lists it; `None` where it is unplugged.
pub(crate) fn find(pairs: &Pairs) -> Option<Pairs> {
    let serial = serial(pairs);
    if !plugs::is_there(&serial) {
        return None;
    }
    let label = pairs.get("label").cloned().unwrap_or_else(|| format!("Rangegate simulated radio {serial}"));
    let pair = |key: &str, value: String| (key.to_owned(), value);
    Some([pair("driver", "rangegate".to_owned()), pair("serial", serial), pair("label", label)].into())
}

impl Radio {
    pub(crate) fn open(pairs: &Pairs) -> Result<Self, String> {
        let arguments = Arguments::parse(pairs)?;
        if !plugs::is_there(&arguments.serial) {
            return Err(format!("no radio with serial '{}': it is unplugged", arguments.serial));
        }
        let (content, about) = Content::open(&arguments)?;
        let native = arguments.native.or_else(|| Number::of(about.format)).unwrap_or(Number::Cs16);
        let rate_hz = arguments.rates.nearest(arguments.rate_hz.unwrap_or(about.rate_hz))?;
        let settings = Settings::new(
            about.n_channels,
            arguments.rates,
            rate_hz,
            about.center_frequency_hz.unwrap_or(100e6),
        );
        let played = arguments.scene.as_ref().or(arguments.recording.as_ref());
        let start_ns = arguments.start_ns.map_or_else(utc_ns, i128::from);
        let speed = if arguments.paced { arguments.speed } else { 0.0 };
        Ok(Self {
            shared: Shared {
                serial: arguments.serial,
                faults: arguments.faults,
                paced: arguments.paced,
                counts: Counts::default(),
                clock: Mutex::new(Clock::new(start_ns, speed)),
                settings: Mutex::new(settings),
            },
            native,
            hardware_time: arguments.hardware_time,
            about,
            what_is_played: played.map_or("noise and tones".to_owned(), |path| path.display().to_string()),
            start_ns: arguments.start_ns,
            buffer_s: arguments.buffer_s,
            clock_is_set: AtomicBool::new(false),
            streaming: AtomicBool::new(false),
            stream: Mutex::new(Stream { content, setup: None, active: None, gone: false }),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Waits for a read that is under way.
    pub(crate) fn stream(&self) -> MutexGuard<'_, Stream> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let stream = locked(&self.stream);
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        stream
    }

    /// The stream, for a read.
    pub(crate) fn stream_to_read(&self) -> MutexGuard<'_, Stream> {
        while self.waiting.load(Ordering::Acquire) > 0 {
            std::thread::sleep(Duration::from_micros(100));
        }
        locked(&self.stream)
    }

    pub(crate) fn info(&self) -> Pairs {
        let pair = |key: &str, value: String| (key.to_owned(), value);
        [
            pair("serial", self.shared.serial.clone()),
            pair("plays", self.what_is_played.clone()),
            pair("stored_as", self.about.format.to_string()),
            pair("recorded_at_hz", self.about.rate_hz.to_string()),
            pair("nominal_gain_db", crate::NOMINAL_GAIN_DB.to_string()),
        ]
        .into()
    }

    pub(crate) fn set_rate(&self, hz: f64) -> Result<(), String> {
        let mut settings = self.shared.settings();
        if self.streaming.load(Ordering::Acquire)
            && settings.rates.nearest(hz)?.to_bits() != settings.rate_hz.to_bits()
        {
            return Err("the sample rate cannot be changed while a stream is active".to_owned());
        }
        settings.set_rate(hz)
    }

    pub(crate) fn time_ns(&self) -> i64 {
        self.shared.clock().now_ns() as i64
    }

    /// Sets the clock; the time stamps of a stream that is active follow it.
    pub(crate) fn set_time_ns(&self, ns: i64) {
        let mut stream = self.stream();
        let mut clock = self.shared.clock();
        let moved_ns = i128::from(ns) - clock.now_ns();
        clock.set(i128::from(ns));
        self.clock_is_set.store(true, Ordering::Release);
        if let Some(active) = &mut stream.active {
            active.shift(moved_ns);
        }
    }

    pub(crate) fn set_up(&self, format: &str, channels: &[usize]) -> Result<(), String> {
        let number = Number::ALL.into_iter().find(|number| number.name() == format).ok_or_else(|| {
            format!(
                "stream format is '{format}', expected one of {}",
                Number::ALL.map(Number::name).join(", ")
            )
        })?;
        let settings = self.shared.settings();
        for (place, &channel) in channels.iter().enumerate() {
            settings.channel(channel)?;
            if channels[..place].contains(&channel) {
                return Err(format!("channel {channel} is asked for twice"));
            }
        }
        let rate = sample_rate(settings.rate_hz)?;
        drop(settings);
        let mut stream = self.stream();
        if stream.setup.is_some() {
            return Err("the radio has one stream, and it is in use".to_owned());
        }
        let digitiser = Digitiser::new(self.about.format, self.native, rate)?;
        stream.setup = Some(Setup { format: number, channels: channels.to_vec(), digitiser });
        Ok(())
    }

    pub(crate) fn close_stream(&self) {
        self.deactivate();
        self.stream().setup = None;
    }

    pub(crate) fn activate(&self, at_ns: Option<i64>, n_samples: usize) -> Result<(), Refusal> {
        let mut stream = self.stream();
        if stream.setup.is_none() || n_samples != 0 || (at_ns.is_some() && !self.hardware_time) {
            return Err(Refusal::NotSupported);
        }
        if stream.gone {
            return Err(Refusal::Error("the radio is unplugged".to_owned()));
        }
        let rate = sample_rate(self.shared.settings().rate_hz).map_err(Refusal::Error)?;
        let buffer = (self.buffer_s * rate.hz()).ceil() as u64;
        stream.content.begin(buffer).map_err(Refusal::Error)?;
        let mut clock = self.shared.clock();
        let first = !self.clock_is_set.swap(true, Ordering::AcqRel);
        let start_ns = match at_ns {
            Some(at_ns) if i128::from(at_ns) < clock.now_ns() => return Err(Refusal::Late),
            Some(at_ns) => i128::from(at_ns),
            None if first => {
                let start_ns = self.start_ns.map_or_else(utc_ns, i128::from);
                clock.set(start_ns);
                start_ns
            }
            None => clock.now_ns(),
        };
        if !self.shared.paced {
            clock.set(start_ns);
        }
        drop(clock);
        let (faults, paced) = (&self.shared.faults, self.shared.paced);
        stream.active = Some(Active::new(rate, start_ns, buffer, faults, paced).map_err(Refusal::Error)?);
        self.streaming.store(true, Ordering::Release);
        Ok(())
    }

    pub(crate) fn deactivate(&self) {
        self.stream().active = None;
        self.streaming.store(false, Ordering::Release);
    }
}

fn sample_rate(hz: f64) -> Result<SampleRate, String> {
    SampleRate::from_hz(hz).map_err(|error| error.to_string())
}
