//! The boundary to `shim.cpp`, and the only unsafe code: plain values in, plain values out, and no panic across.
//!
//! Functions that can fail return an error as text, or null. Whoever gets a text frees it with [`rangegate_text_free`].
//! What every function may rely on, because the shim keeps to it:
//!
//! * A `*const Radio` comes from [`rangegate_open`] and was not closed.
//! * A `*const c_char` points to text that ends with 0 and lives through the call.
//! * A pointer to be written to is null or points to room for one value, an array to as many as the length beside it
//!   says.
#![allow(unsafe_code)]

use crate::arguments::Pairs;
use crate::numbers::Number;
use crate::radio::{Radio, Refusal, find};
use crate::settings::{ANTENNAS, FREQUENCY_HZ, GAINS, SENSORS, Settings, Span, TIME_SOURCES};
use crate::stream::{MTU, Outcome};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

// As in SoapySDR's headers; shim.cpp asserts it.
const END_BURST: c_int = 2;
const HAS_TIME: c_int = 4;
const TIMEOUT: c_int = -1;
const STREAM_ERROR: c_int = -2;
const OVERFLOW: c_int = -4;
const NOT_SUPPORTED: c_int = -5;
const TIME_ERROR: c_int = -6;

/// SoapySDR's levels.
pub(crate) const LOG_ERROR: c_int = 3;
pub(crate) const LOG_WARNING: c_int = 4;

/// What is asked for; as in shim.cpp, in this order.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    HardwareInfo,
    Formats,
    NativeFormat,
    FullScale,
    NChannels,
    Mtu,
    Antennas,
    Antenna,
    Gains,
    Gain,
    Frequency,
    Rate,
    Bandwidth,
    TimeSources,
    TimeSource,
    HasTime,
    Sensors,
    Sensor,
}

impl What {
    const ALL: [Self; 18] = [
        Self::HardwareInfo,
        Self::Formats,
        Self::NativeFormat,
        Self::FullScale,
        Self::NChannels,
        Self::Mtu,
        Self::Antennas,
        Self::Antenna,
        Self::Gains,
        Self::Gain,
        Self::Frequency,
        Self::Rate,
        Self::Bandwidth,
        Self::TimeSources,
        Self::TimeSource,
        Self::HasTime,
        Self::Sensors,
        Self::Sensor,
    ];

    fn of(number: u32) -> Result<Self, String> {
        Self::ALL.get(number as usize).copied().ok_or_else(|| format!("nothing is numbered {number}"))
    }
}

/// A key and its value.
#[repr(C)]
pub struct Pair {
    key: *const c_char,
    value: *const c_char,
}

/// A range of a setting.
#[repr(C)]
pub struct Range {
    minimum: f64,
    maximum: f64,
    step: f64,
}

unsafe extern "C" {
    /// Of libSoapySDR.
    fn SoapySDR_log(level: c_int, message: *const c_char);
}

/// Writes to SoapySDR's log.
pub(crate) fn log(level: c_int, message: &str) {
    let message = c_text(message);
    // SAFETY: the message ends with 0 and lives through the call, which copies what it keeps.
    unsafe { SoapySDR_log(level, message.as_ptr()) }
}

fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "?")).unwrap_or_default()
}

fn to_c(text: &str) -> *mut c_char {
    c_text(text).into_raw()
}

/// Runs what may fail or panic; gives the error, or null.
fn guarded(body: impl FnOnce() -> Result<(), String>) -> *mut c_char {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => std::ptr::null_mut(),
        Ok(Err(error)) => to_c(&format!("rangegate: {error}")),
        Err(_) => to_c("rangegate: the simulated radio panicked; this is a bug"),
    }
}

/// Runs what gives a code of SoapySDR.
fn guarded_code(body: impl FnOnce() -> c_int) -> c_int {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(STREAM_ERROR)
}

/// # Safety
/// As the module says of text.
unsafe fn text_of(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, ends with 0 and lives through the call, as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// # Safety
/// As the module says of arrays and text.
unsafe fn pairs_of(pairs: *const Pair, n_pairs: usize) -> Pairs {
    if pairs.is_null() {
        return Pairs::new();
    }
    // SAFETY: points to `n_pairs` pairs that live through the call, as the caller promises.
    let pairs = unsafe { std::slice::from_raw_parts(pairs, n_pairs) };
    // SAFETY: both are text as the module describes it.
    pairs.iter().map(|pair| unsafe { (text_of(pair.key), text_of(pair.value)) }).collect()
}

/// # Safety
/// As the module says of radios.
unsafe fn radio_of<'a>(radio: *const Radio) -> Result<&'a Radio, String> {
    // SAFETY: from `rangegate_open` and not closed, so valid; all access is shared, and what changes is behind locks.
    unsafe { radio.as_ref() }.ok_or_else(|| "no radio".to_owned())
}

/// # Safety
/// As the module says of what is written to.
unsafe fn put<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: not null, so there is room for one value, as the caller promises. Nothing is dropped in its place.
        unsafe { place.write(value) }
    }
}

fn lines_of(pairs: &Pairs) -> String {
    let lines: Vec<String> =
        pairs.iter().map(|(key, value)| format!("{key}={}", value.replace('\n', " "))).collect();
    lines.join("\n")
}

/// Frees a text that was given.
///
/// # Safety
/// `text` is null or was given by a function of this module, and is freed once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_text_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: made by `CString::into_raw` in `to_c`, the one place that gives text.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// The radio that is meant, a `key=value` a line; nothing where it is not there.
///
/// # Safety
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_find(
    pairs: *const Pair,
    n_pairs: usize,
    found: *mut *mut c_char,
) -> *mut c_char {
    guarded(|| {
        // SAFETY: as the module says of arrays and of what is written to.
        unsafe {
            let radio = find(&pairs_of(pairs, n_pairs)).unwrap_or_default();
            put(found, to_c(&lines_of(&radio)));
        }
        Ok(())
    })
}

/// Opens a radio.
///
/// # Safety
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_open(
    pairs: *const Pair,
    n_pairs: usize,
    opened: *mut *mut Radio,
) -> *mut c_char {
    guarded(|| {
        // SAFETY: as the module says of arrays and of what is written to.
        unsafe {
            let radio = Radio::open(&pairs_of(pairs, n_pairs))?;
            put(opened, Box::into_raw(Box::new(radio)));
        }
        Ok(())
    })
}

/// Closes a radio.
///
/// # Safety
/// `radio` is null or from [`rangegate_open`], is closed once, and nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_close(radio: *mut Radio) {
    let error = guarded(|| {
        if !radio.is_null() {
            // SAFETY: made by `Box::into_raw` in `rangegate_open`, and nobody else has it.
            drop(unsafe { Box::from_raw(radio) });
        }
        Ok(())
    });
    // SAFETY: given by `guarded`, freed here only.
    unsafe { rangegate_text_free(error) }
}

/// A setting that is text; lists have a line each.
///
/// # Safety
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_text(
    radio: *const Radio,
    what: u32,
    channel: usize,
    name: *const c_char,
    text: *mut *mut c_char,
) -> *mut c_char {
    guarded(|| {
        // SAFETY: as the module says of radios and text.
        let (radio, name) = unsafe { (radio_of(radio)?, text_of(name)) };
        let found = text_setting(radio, What::of(what)?, channel, &name)?;
        // SAFETY: as the module says of what is written to.
        unsafe { put(text, to_c(&found)) };
        Ok(())
    })
}

fn text_setting(radio: &Radio, what: What, channel: usize, name: &str) -> Result<String, String> {
    let shared = &radio.shared;
    Ok(match what {
        What::HardwareInfo => lines_of(&radio.info()),
        What::Formats => {
            let mut formats = Number::ALL;
            formats.sort_by_key(|format| *format != radio.native);
            formats.map(Number::name).join("\n")
        }
        What::NativeFormat => radio.native.name().to_owned(),
        What::Antennas => ANTENNAS.join("\n"),
        What::Antenna => shared.settings().antenna(channel)?.to_owned(),
        What::Gains => GAINS.map(|gain| gain.name).join("\n"),
        What::TimeSources => TIME_SOURCES.join("\n"),
        What::TimeSource => shared.settings().time_source().to_owned(),
        What::Sensors => SENSORS.join("\n"),
        What::Sensor => match name {
            "lo_locked" => "true".to_owned(),
            "overflows" => shared.counts.overflows.load(Ordering::Relaxed).to_string(),
            "lost_samples" => shared.counts.lost_samples.load(Ordering::Relaxed).to_string(),
            _ => return Err(format!("sensor is '{name}', expected one of {}", SENSORS.join(", "))),
        },
        _ => return Err(format!("{what:?} is no text")),
    })
}

/// Sets what is text.
///
/// # Safety
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_set_text(
    radio: *const Radio,
    what: u32,
    channel: usize,
    text: *const c_char,
) -> *mut c_char {
    guarded(|| {
        // SAFETY: as the module says of radios and text.
        let (radio, text) = unsafe { (radio_of(radio)?, text_of(text)) };
        let mut settings = radio.shared.settings();
        match What::of(what)? {
            What::Antenna => settings.set_antenna(channel, &text),
            What::TimeSource => settings.set_time_source(&text),
            what => Err(format!("{what:?} cannot be set to text")),
        }
    })
}

/// A setting that is a number.
///
/// # Safety
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_number(
    radio: *const Radio,
    what: u32,
    channel: usize,
    name: *const c_char,
    number: *mut f64,
) -> *mut c_char {
    guarded(|| {
        // SAFETY: as the module says of radios and text.
        let (radio, name) = unsafe { (radio_of(radio)?, text_of(name)) };
        let settings = radio.shared.settings();
        let found = match What::of(what)? {
            What::FullScale => f64::from(radio.native.full_scale()),
            What::NChannels => settings.n_channels() as f64,
            What::Mtu => MTU as f64,
            What::Gain => settings.gain_db(channel, &name)?,
            What::Frequency => settings.channel(channel)?.frequency_hz,
            What::Rate => settings.rate_hz,
            What::Bandwidth => settings.channel(channel)?.bandwidth_hz,
            What::HasTime => f64::from(u8::from(radio.hardware_time)),
            what => return Err(format!("{what:?} is no number")),
        };
        // SAFETY: as the module says of what is written to.
        unsafe { put(number, found) };
        Ok(())
    })
}

/// Sets what is a number.
///
/// # Safety
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_set_number(
    radio: *const Radio,
    what: u32,
    channel: usize,
    name: *const c_char,
    number: f64,
) -> *mut c_char {
    guarded(|| {
        // SAFETY: as the module says of radios and text.
        let (radio, name) = unsafe { (radio_of(radio)?, text_of(name)) };
        let settings = || radio.shared.settings();
        match What::of(what)? {
            What::Gain => settings().set_gain(channel, &name, number),
            What::Frequency => settings().set_frequency(channel, number),
            What::Rate => radio.set_rate(number),
            What::Bandwidth => settings().set_bandwidth(channel, number),
            what => Err(format!("{what:?} cannot be set to a number")),
        }
    })
}

/// The ranges of a setting: writes up to `capacity` of them, and how many there are.
///
/// # Safety
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_ranges(
    radio: *const Radio,
    what: u32,
    channel: usize,
    name: *const c_char,
    ranges: *mut Range,
    capacity: usize,
    n_ranges: *mut usize,
) -> *mut c_char {
    guarded(|| {
        // SAFETY: as the module says of radios and text.
        let (radio, name) = unsafe { (radio_of(radio)?, text_of(name)) };
        let settings = radio.shared.settings();
        settings.channel(channel)?;
        let spans: Vec<Span> = match What::of(what)? {
            What::Gain => vec![Settings::gain_span(&name)?],
            What::Frequency => vec![(FREQUENCY_HZ.0, FREQUENCY_HZ.1, 0.0)],
            What::Rate => settings.rate_spans(),
            What::Bandwidth => {
                let (first, last) = settings.rates.ends();
                vec![(first, last, 0.0)]
            }
            what => return Err(format!("{what:?} has no ranges")),
        };
        // SAFETY: `put` writes nothing where the array is null, and below `capacity` there is room.
        unsafe {
            put(n_ranges, spans.len());
            for (place, &(minimum, maximum, step)) in spans.iter().take(capacity).enumerate() {
                if !ranges.is_null() {
                    put(ranges.add(place), Range { minimum, maximum, step });
                }
            }
        }
        Ok(())
    })
}

/// The hardware time, ns.
///
/// # Safety
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_time(radio: *const Radio, nanos: *mut i64) -> *mut c_char {
    guarded(|| {
        // SAFETY: as the module says of radios.
        let radio = unsafe { radio_of(radio)? };
        if !radio.hardware_time {
            return Err("this radio has no hardware time (hardware_time=false)".to_owned());
        }
        // SAFETY: as the module says of what is written to.
        unsafe { put(nanos, radio.time_ns()) };
        Ok(())
    })
}

/// Sets the hardware time, ns.
///
/// # Safety
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_set_time(radio: *const Radio, nanos: i64) -> *mut c_char {
    guarded(|| {
        // SAFETY: as the module says of radios.
        let radio = unsafe { radio_of(radio)? };
        if !radio.hardware_time {
            return Err("this radio has no hardware time (hardware_time=false)".to_owned());
        }
        radio.set_time_ns(nanos);
        Ok(())
    })
}

/// Sets the stream up.
///
/// # Safety
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_setup(
    radio: *const Radio,
    format: *const c_char,
    channels: *const usize,
    n_channels: usize,
) -> *mut c_char {
    guarded(|| {
        // SAFETY: as the module says of radios and text.
        let (radio, format) = unsafe { (radio_of(radio)?, text_of(format)) };
        if channels.is_null() {
            return Err("no channels".to_owned());
        }
        // SAFETY: not null, and as long as the length beside it says.
        let channels = unsafe { std::slice::from_raw_parts(channels, n_channels) };
        radio.set_up(&format, channels)
    })
}

/// Closes the stream.
///
/// # Safety
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_close_stream(radio: *const Radio) {
    // SAFETY: as the module says of radios.
    let error = guarded(|| unsafe { radio_of(radio) }.map(Radio::close_stream));
    // SAFETY: given by `guarded`, freed here only.
    unsafe { rangegate_text_free(error) }
}

/// Activates the stream.
///
/// # Safety
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_activate(
    radio: *const Radio,
    flags: c_int,
    nanos: i64,
    n_samples: usize,
) -> c_int {
    guarded_code(|| {
        // SAFETY: as the module says of radios.
        let Ok(radio) = (unsafe { radio_of(radio) }) else { return STREAM_ERROR };
        if flags & !HAS_TIME != 0 {
            return NOT_SUPPORTED;
        }
        match radio.activate((flags & HAS_TIME != 0).then_some(nanos), n_samples) {
            Ok(()) => 0,
            Err(Refusal::NotSupported) => NOT_SUPPORTED,
            Err(Refusal::Late) => TIME_ERROR,
            Err(Refusal::Error(error)) => {
                log(LOG_ERROR, &format!("rangegate: {error}"));
                STREAM_ERROR
            }
        }
    })
}

/// Deactivates the stream.
///
/// # Safety
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_deactivate(radio: *const Radio) -> c_int {
    guarded_code(|| {
        // SAFETY: as the module says of radios.
        let Ok(radio) = (unsafe { radio_of(radio) }) else { return STREAM_ERROR };
        radio.deactivate();
        0
    })
}

/// Reads samples: their number, or a code of SoapySDR.
///
/// # Safety
/// As the module says; `buffers` has a pointer for each channel of the stream, each to room for `n_samples` samples of
/// its format that nothing else uses during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rangegate_read(
    radio: *const Radio,
    buffers: *const *mut c_void,
    n_samples: usize,
    flags: *mut c_int,
    nanos: *mut i64,
    timeout_us: i64,
) -> c_int {
    guarded_code(|| {
        // SAFETY: as the module says of radios.
        let Ok(radio) = (unsafe { radio_of(radio) }) else { return STREAM_ERROR };
        let mut stream = radio.stream_to_read();
        let Some(setup) = &stream.setup else { return STREAM_ERROR };
        let (n_channels, n_bytes) = (setup.channels.len(), n_samples.saturating_mul(setup.format.bytes()));
        if buffers.is_null() || n_bytes > isize::MAX as usize {
            return STREAM_ERROR;
        }
        // SAFETY: one pointer for each channel, as the caller promises.
        let pointers = unsafe { std::slice::from_raw_parts(buffers, n_channels) };
        if pointers.iter().any(|pointer| pointer.is_null()) {
            return STREAM_ERROR;
        }
        let mut slices: Vec<&mut [u8]> = pointers
            .iter()
            // SAFETY: not null, room for so many bytes, any bytes are bytes, and nothing else uses it during the call.
            .map(|pointer| unsafe { std::slice::from_raw_parts_mut(pointer.cast::<u8>(), n_bytes) })
            .collect();
        let timeout = Duration::from_micros(u64::try_from(timeout_us).unwrap_or(0));
        let (code, time_ns, set) = match stream.read(&radio.shared, &mut slices, n_samples, timeout) {
            Outcome::Samples { n, time_ns, last } => {
                let end = if last { END_BURST } else { 0 };
                let time = if radio.hardware_time { (time_ns, HAS_TIME) } else { (0, 0) };
                (n as c_int, Some(time.0), time.1 | end)
            }
            Outcome::Timeout => (TIMEOUT, None, 0),
            Outcome::Overflow => (OVERFLOW, None, 0),
            Outcome::Error => (STREAM_ERROR, None, 0),
        };
        // SAFETY: as the module says of what is written to.
        unsafe {
            put(flags, set);
            if let Some(time_ns) = time_ns {
                put(nanos, time_ns);
            }
        }
        code
    })
}
