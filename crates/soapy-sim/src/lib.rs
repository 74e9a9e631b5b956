//! A SoapySDR driver module, `driver=rangegate`, that plays a recording or a scene as a radio would: in real time, with
//! hardware time, with a buffer that overflows, and with faults on request.
//!
//! libSoapySDR loads it through `SOAPY_SDR_PLUGIN_PATH`; `scripts/soapy-module` builds it and prints that folder.
//!
//! # Arguments
//!
//! All are device arguments, `key=value`, separated by commas. Numbers take SI suffixes (`20M`); switches are `true` or
//! `false`. An argument that does not exist is refused with the list of those that do.
//!
//! | argument | default | meaning |
//! |---|---|---|
//! | `serial`, `label` | `sim0` | who it is; each serial is a radio of its own |
//! | `recording` | | a path that `rangegate_recording::open` reads; mapped where it can be |
//! | `format` | | of a recording that does not say it: `cs16@2.4M`, as `rangegate replay --format` |
//! | `scene` | | a TOML file; made ahead by a thread |
//! | | | neither: noise of −40 dB with tones of −20 dB at 0.1 of the rate and −35 dB at −0.23 of it |
//! | `loop` | `true` | begin again at the end; time and sample position go on |
//! | `channels` | 1 | of the built-in noise |
//! | `native` | as recorded, else `CS16` | `CS8` or `CS16`: what the converter of the radio gives |
//! | `rate` | as recorded, else `2M` | sample rate at the start. Another rate plays the same samples at another pace |
//! | `rate_min`, `rate_max` | `100k`, `100M` | sample rates that the radio has; a rate outside is refused |
//! | `rates` | | a list instead, `10M;20M`; a rate between them becomes the nearest |
//! | `start_time` | UTC of the host | hardware time of the first sample of the first stream, ns |
//! | `hardware_time` | `true` | `false`: no time stamps, as a HackRF |
//! | `buffer_s` | 0.1 | what the radio holds for a late reader |
//! | `speed` | 1 | the radio's clock runs so many times as fast |
//! | `paced` | `true` | `false`: samples as fast as they are read, nothing is ever lost by lateness |
//! | `overflow_every_s`, `overflow_samples` | | exactly so many samples are lost at each multiple of that time |
//! | `overflow_reported` | `true` | `false`: a loss shows in the time stamps alone |
//! | `timeout_at_s`, `timeout_for_s` | | no samples come for that long, though time goes on; what the buffer cannot hold is lost |
//! | `jump_at_s`, `jump_s` | | the hardware clock is moved by that much; no sample is lost |
//! | `error_at_s` | | one stream error, nothing lost |
//! | `unplug_at_s`, `unplug_for_s` | | the radio is gone, for good or for that long; once for each serial in a process |
//!
//! Times of faults are those of the stream since its activation, and hold to the sample: fault `t` comes before sample
//! `round(t·rate)`.
//!
//! # Behaviour
//!
//! * Sample `i` after activation has the hardware time `start + ⌊i·10⁹/rate⌋` ns, in integers.
//! * A reader that is later than `buffer_s` loses everything up to now: one `OVERFLOW`, then samples with their true,
//!   later time. The sensors `overflows` and `lost_samples` count.
//! * Gaps of a recording or a scene play as zeros.
//! * A scene that is made more slowly than it is played holds the hardware clock back, with a warning; nothing is lost.
//! * LNA (0 to 40 dB in steps of 8) and VGA (0 to 62 dB in steps of 2) together scale and saturate the samples relative
//!   to [`NOMINAL_GAIN_DB`], at which they are untouched; so they stand at first.
//! * Frequency, antenna and bandwidth are kept and read back, and change no sample. The sample rate cannot be changed
//!   while a stream is active.
//! * Full scale is 2^(bits − 1): 128 for CS8, 32768 for CS16; CF32 is ±1. What is not stored as the native format is
//!   rounded to it, as a converter does, whatever format is read.
#![deny(unsafe_code)]

mod arguments;
mod boundary;
mod clock;
mod content;
mod faults;
mod numbers;
mod plugs;
mod radio;
mod scene;
mod settings;
mod stream;

pub use settings::NOMINAL_GAIN_DB;
