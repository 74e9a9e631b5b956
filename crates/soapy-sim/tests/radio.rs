//! The module through libSoapySDR itself, as any program sees it.
//!
//! Recordings here say their own sample index: I is its low 15 bits, Q the next, so a sample out of place is seen.
//! Where the host's clock would matter, the radio is not paced; where it must, there is room for a machine under load.

use num_complex::Complex;
use rangegate_core::{
    BlockHeader, Complex32, IqBlock, SampleFormat, SampleRate, Scalar, Source, StreamInfo, ToBaseband,
};
use rangegate_recording::CreateOptions;
use rangegate_scene::{Scene, SceneSource};
use soapysdr::{Device, Direction::Rx, ErrorCode, RxStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

/// How long a read waits for samples that must come, µs: a busy machine makes them late.
const PATIENCE_US: i64 = 120_000_000;

type Cs16 = Complex<i16>;

/// Makes libSoapySDR find the module that was just built, and no other.
fn with_module() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let name =
            format!("{}rangegate_soapy_sim{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        let test = std::env::current_exe().expect("path of this test");
        let built =
            test.ancestors().skip(1).take(2).map(|folder| folder.join(&name)).filter(|path| path.exists());
        let age =
            |path: &PathBuf| path.metadata().and_then(|data| data.modified()).expect("age of the module");
        let module = built.max_by_key(age).expect("the module lies beside the test");
        let folder = tempfile::tempdir().expect("a folder").keep();
        std::fs::copy(&module, folder.join(&name)).expect("a copy of the module");
        // SAFETY: every test comes by here first and waits for it, so no other thread reads the environment meanwhile.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var("SOAPY_SDR_PLUGIN_PATH", &folder);
            std::env::set_var("SOAPY_SDR_ROOT", &folder); // where the system's modules are not
        }
        soapysdr::enumerate("driver=rangegate").expect("modules load");
        std::fs::remove_dir_all(folder).expect("the folder goes"); // a loaded module needs its file no more
    });
}

fn open(arguments: &str) -> Device {
    with_module();
    Device::new(format!("driver=rangegate,{arguments}").as_str())
        .unwrap_or_else(|error| panic!("{arguments}: {error}"))
}

fn refused(arguments: &str) -> String {
    with_module();
    match Device::new(format!("driver=rangegate,{arguments}").as_str()) {
        Ok(_) => panic!("{arguments}: expected a refusal"),
        Err(error) => error.message,
    }
}

fn started(device: &Device) -> RxStream<Cs16> {
    let mut stream = device.rx_stream(&[0]).expect("a stream");
    stream.activate(None).expect("active");
    stream
}

fn numbered(index: u64) -> Cs16 {
    Complex::new((index & 0x7fff) as i16, ((index >> 15) & 0x7fff) as i16)
}

fn index_of(sample: Cs16) -> u64 {
    sample.re as u64 | (sample.im as u64) << 15
}

/// Writes runs of numbered samples; channel `c` has its I negated where `c` is odd.
fn record(
    folder: &Path,
    name: &str,
    rate: SampleRate,
    n_channels: usize,
    runs: &[std::ops::Range<u64>],
) -> PathBuf {
    let path = folder.join(name);
    let format = SampleFormat::complex(Scalar::I16);
    let info = StreamInfo {
        sample_rate: rate,
        n_channels,
        format,
        to_baseband: ToBaseband::default(),
        center_frequency_hz: Some(433e6),
        first_sample: runs[0].start,
        anchor: None,
        n_samples: None,
        pulse_len: None,
    };
    let mut writer = rangegate_recording::create(&path, &info, &CreateOptions::default()).expect("a writer");
    for (number, run) in runs.iter().enumerate() {
        let header = BlockHeader {
            first_sample: run.start,
            after_gap: number > 0,
            center_frequency_hz: info.center_frequency_hz,
            ..BlockHeader::default()
        };
        let mut block = IqBlock::default();
        let bytes = block.fill(header, format, n_channels, (run.end - run.start) as usize);
        for (place, bytes) in bytes.chunks_exact_mut(4).enumerate() {
            let (index, channel) = (run.start + (place / n_channels) as u64, place % n_channels);
            let Complex { re, im } = numbered(index);
            bytes[..2].copy_from_slice(&if channel % 2 == 1 { -re } else { re }.to_le_bytes());
            bytes[2..].copy_from_slice(&im.to_le_bytes());
        }
        writer.write(&block).expect("written");
    }
    writer.finish().expect("finished");
    path
}

/// A recording of so many samples at 1 MHz.
fn one_run(folder: &Path, n_samples: u64) -> String {
    let rate = SampleRate::new(1_000_000, 1).unwrap();
    record(folder, "x.sigmf-meta", rate, 1, std::slice::from_ref(&(0..n_samples))).display().to_string()
}

#[test]
fn it_is_found_and_says_what_it_has() {
    with_module();
    let found = soapysdr::enumerate("driver=rangegate,serial=found").unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].get("serial"), Some("found"));

    let device = open("serial=found,rates=10M;20M,native=CS8,channels=2");
    assert_eq!(device.num_channels(Rx).unwrap(), 2);
    let (format, full_scale) = device.native_stream_format(Rx, 0).unwrap();
    assert_eq!((format.to_string().as_str(), full_scale as i32), ("CS8", 128));
    assert_eq!(device.antennas(Rx, 0).unwrap(), ["RX1", "RX2"]);
    assert_eq!(device.list_gains(Rx, 1).unwrap(), ["LNA", "VGA"]);
    device.set_sample_rate(Rx, 0, 14e6).unwrap();
    assert_eq!(device.sample_rate(Rx, 0).unwrap() as u64, 10_000_000);
    let error = device.set_sample_rate(Rx, 0, 61.44e6).unwrap_err().message;
    assert!(error.contains("sample rate is 61440000 Hz, expected one of 10000000, 20000000 Hz"), "{error}");
    let error = device.set_frequency(Rx, 0, 7e9, ()).unwrap_err().message;
    assert!(error.contains("expected 1000000 to 6000000000 Hz"), "{error}");
    device.set_gain_element(Rx, 1, "VGA", 31.0).unwrap();
    assert_eq!(device.gain_element(Rx, 1, "VGA").unwrap() as u64, 32);
    assert_eq!(device.gain_element(Rx, 0, "VGA").unwrap() as u64, 20, "each channel has its own");
    let error = device.set_antenna(Rx, 0, "TX").unwrap_err().message;
    assert!(error.contains("antenna is 'TX', expected one of RX1, RX2"), "{error}");
    assert!(
        device.sample_rate(Rx, 0).is_ok() && device.antenna(Rx, 2).is_err(),
        "a channel that is not there"
    );
    assert_eq!(device.list_sensors().unwrap(), ["lo_locked", "overflows", "lost_samples"]);
    assert_eq!(device.read_sensor("lo_locked").unwrap(), "true");
}

#[test]
fn wrong_arguments_are_named() {
    assert!(
        refused("serial=w,recoding=x").contains("unknown argument 'recoding': driver=rangegate knows driver")
    );
    assert!(refused("serial=w,recording=/nowhere.sigmf-meta").contains("/nowhere.sigmf-meta"));
    assert!(refused("serial=w,scene=/nowhere.toml").contains("/nowhere.toml"));
    assert!(refused("serial=w,rate=1k").contains("sample rate is 1000 Hz, expected 100000 to 100000000 Hz"));
}

#[test]
fn samples_and_times_are_those_of_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let rate = SampleRate::new(2_400_000, 7).unwrap();
    // A loop of 100,000 samples of which 10,000 were not recorded.
    let path = record(folder.path(), "x.sigmf-meta", rate, 2, &[0..50_000, 60_000..100_000]);
    let start: i64 = 1_800_000_000_123_456_789;
    let device = open(&format!("serial=same,recording={},start_time={start},paced=false", path.display()));
    assert_eq!(device.frequency(Rx, 0).unwrap() as u64, 433_000_000);
    let expected = |at: u64, channel: usize| match at % 100_000 {
        50_000..60_000 => Complex::new(0, 0),
        index if channel == 1 => Complex::new(-numbered(index).re, numbered(index).im),
        index => numbered(index),
    };
    let mut at = 0;
    let mut stream = device.rx_stream::<Cs16>(&[1, 0]).unwrap();
    stream.activate(None).unwrap();
    let (mut a, mut b) = (vec![Complex::new(9, 9); 7777], vec![Complex::new(9, 9); 7777]);
    while at < 250_000 {
        let n = stream.read(&mut [&mut a, &mut b], 100_000).unwrap();
        assert_eq!(stream.time_ns(), start + (u128::from(at) * 7_000_000_000 / 2_400_000) as i64);
        for place in 0..n {
            let index = at + place as u64;
            assert_eq!((a[place], b[place]), (expected(index, 1), expected(index, 0)), "sample {index}");
        }
        at += n as u64;
    }
    drop(stream);

    let mut stream = device.rx_stream::<Complex32>(&[0]).unwrap();
    stream.activate(None).unwrap();
    let mut floats = vec![Complex32::ZERO; 30_000];
    let n = stream.read(&mut [&mut floats], 100_000).unwrap();
    for (place, float) in floats[..n].iter().enumerate() {
        let Complex { re, im } = expected(place as u64, 0);
        assert_eq!(*float, Complex32::new(f32::from(re) / 32768.0, f32::from(im) / 32768.0));
    }
    // The clock goes on where the stream before it ended.
    assert_eq!(stream.time_ns(), start + (u128::from(at) * 7_000_000_000 / 2_400_000) as i64);
    device.set_gain_element(Rx, 0, "VGA", 14.0).unwrap();
    stream.read(&mut [&mut floats[..1]], 100_000).unwrap();
    let attenuated = (f64::from(expected(n as u64, 0).re) * 10_f64.powf(-6.0 / 20.0)).round() / 32768.0;
    assert!((f64::from(floats[0].re) - attenuated).abs() < 1e-6, "{} {attenuated}", floats[0].re);
}

#[test]
fn a_recording_that_is_not_looped_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = one_run(folder.path(), 30_000);
    // Long past its end nothing is lost, for there is nothing.
    let device = open(&format!("serial=end,recording={path},loop=false,buffer_s=1,speed=10"));
    let mut stream = started(&device);
    let mut samples = vec![Cs16::default(); 65_536];
    let mut n = 0;
    while n < 30_000 {
        n += stream.read(&mut [&mut samples], PATIENCE_US).unwrap();
    }
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(stream.read(&mut [&mut samples], 1000).unwrap_err().code, ErrorCode::Timeout);
    assert_eq!((n, device.read_sensor("overflows").unwrap().as_str()), (30_000, "0"));
}

#[test]
fn faults_hold_to_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    let path = one_run(folder.path(), 1 << 20);
    let device = open(&format!(
        "serial=faults,recording={path},start_time=0,paced=false,overflow_every_s=0.01,overflow_samples=123,\
         timeout_at_s=0.005,timeout_for_s=1,error_at_s=0.015,jump_at_s=0.025,jump_s=-1.5"
    ));
    let mut stream = started(&device);
    let mut samples = vec![Cs16::default(); 1000];
    let (mut next, mut events) = (0_u64, Vec::new());
    while next < 35_000 {
        match stream.read(&mut [&mut samples], 1000) {
            Ok(n) => {
                let first = index_of(samples[0]);
                if first != next {
                    events.push((next, format!("lost {}", first - next)));
                }
                assert!((0..n).all(|place| index_of(samples[place]) == first + place as u64), "from {first}");
                let jumped_ns = if first >= 25_000 { -1_500_000_000 } else { 0 };
                assert_eq!(stream.time_ns(), first as i64 * 1000 + jumped_ns);
                next = first + n as u64;
            }
            Err(error) => events.push((next, format!("{:?}", error.code))),
        }
    }
    let expected = [
        (5_000, "Timeout"),
        (10_000, "Overflow"),
        (10_000, "lost 123"),
        (15_000, "StreamError"),
        (20_000, "Overflow"),
        (20_000, "lost 123"),
        (30_000, "Overflow"),
        (30_000, "lost 123"),
    ];
    assert_eq!(events, expected.map(|(at, what)| (at, what.to_owned())));
    assert_eq!(device.read_sensor("overflows").unwrap(), "3");
    assert_eq!(device.read_sensor("lost_samples").unwrap(), "369");
    assert_eq!(device.get_hardware_time(None).unwrap(), next as i64 * 1000 - 1_500_000_000);
}

#[test]
fn a_loss_can_go_unreported() {
    let folder = tempfile::tempdir().unwrap();
    let path = one_run(folder.path(), 1 << 20);
    let device = open(&format!(
        "serial=silent,recording={path},start_time=0,paced=false,overflow_every_s=0.001,overflow_samples=5,\
         overflow_reported=false"
    ));
    let mut stream = started(&device);
    let mut samples = vec![Cs16::default(); 4000];
    assert_eq!(stream.read(&mut [&mut samples], 1000).unwrap(), 1000);
    assert_eq!(stream.read(&mut [&mut samples], 1000).unwrap(), 995);
    assert_eq!((index_of(samples[0]), stream.time_ns()), (1005, 1_005_000));
}

/// Reads until something other than samples comes; checks places and times of the samples. Returns it and the index
/// that would have come.
fn read_on(stream: &mut RxStream<Cs16>, mut next: Option<u64>, until: Instant) -> (Option<ErrorCode>, u64) {
    let mut samples = vec![Cs16::default(); 5000];
    loop {
        match stream.read(&mut [&mut samples], PATIENCE_US) {
            Ok(n) => {
                let first = index_of(samples[0]);
                assert!(next.is_none_or(|next| next == first), "{next:?} {first}");
                assert_eq!(stream.time_ns(), first as i64 * 1000);
                next = Some(first + n as u64);
                if Instant::now() > until {
                    return (None, first + n as u64);
                }
            }
            Err(error) => return (Some(error.code), next.unwrap_or(0)),
        }
    }
}

#[test]
fn a_late_reader_loses_exactly_what_the_time_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = one_run(folder.path(), 1 << 26);
    let device = open(&format!("serial=late,recording={path},start_time=0,buffer_s=3"));
    let begun = Instant::now();
    let mut stream = started(&device);
    let (_, next) = read_on(&mut stream, Some(0), begun);
    std::thread::sleep(Duration::from_millis(3200));
    let mut samples = vec![Cs16::default(); 1000];
    assert_eq!(stream.read(&mut [&mut samples], 1000).unwrap_err().code, ErrorCode::Overflow);
    let n = stream.read(&mut [&mut samples], PATIENCE_US).unwrap();
    let first = index_of(samples[0]);
    assert_eq!((n > 0, stream.time_ns()), (true, first as i64 * 1000));
    assert!(first - next >= 3_190_000, "{next} to {first}");
    assert_eq!(device.read_sensor("lost_samples").unwrap(), (first - next).to_string());
    assert_eq!(device.read_sensor("overflows").unwrap(), "1");
    let elapsed_us = begun.elapsed().as_micros() as u64;
    assert!(first <= elapsed_us + 10_000, "sample {first} does not exist after {elapsed_us} us");
}

#[test]
fn the_pace_is_that_of_the_rate_and_the_speed() {
    let device = open("serial=pace,rate=1M,speed=4,buffer_s=10");
    let mut stream = started(&device);
    let begun = Instant::now();
    let (mut n, mut samples) = (0, vec![Cs16::default(); 65_536]);
    while n < 1_000_000 {
        n += stream.read(&mut [&mut samples], PATIENCE_US).unwrap();
    }
    let elapsed_s = begun.elapsed().as_secs_f64();
    assert!(elapsed_s > n as f64 / 4e6 - 0.001, "{n} samples after {elapsed_s} s");
    assert!(elapsed_s < n as f64 / 4e6 + 20.0, "{n} samples only after {elapsed_s} s");
}

#[test]
fn a_short_time_out_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = one_run(folder.path(), 1 << 24);
    let device = open(&format!(
        "serial=stall,recording={path},start_time=0,buffer_s=5,timeout_at_s=0.05,timeout_for_s=1"
    ));
    let mut stream = started(&device);
    let mut samples = vec![Cs16::default(); 65_536];
    let (mut next, mut timeouts) = (0, 0);
    while next < 200_000 {
        match stream.read(&mut [&mut samples], 10_000) {
            Ok(n) => {
                assert_eq!(index_of(samples[0]), next);
                next += n as u64;
            }
            Err(error) => {
                assert_eq!((error.code, next), (ErrorCode::Timeout, 50_000));
                timeouts += 1;
            }
        }
    }
    assert!((1..=100).contains(&timeouts), "{timeouts} time-outs of 10 ms in 1 s");
}

#[test]
fn it_is_unplugged_and_comes_back() {
    let arguments = "serial=plug,rate=1M,paced=false,unplug_at_s=0.01,unplug_for_s=2";
    let device = open(arguments);
    let mut stream = started(&device);
    let mut samples = vec![Cs16::default(); 65_536];
    assert_eq!(stream.read(&mut [&mut samples], 1000).unwrap(), 10_000);
    for _ in 0..3 {
        assert_eq!(stream.read(&mut [&mut samples], 1000).unwrap_err().code, ErrorCode::StreamError);
    }
    assert!(soapysdr::enumerate("driver=rangegate,serial=plug").unwrap().is_empty());
    drop((stream, device));
    assert!(refused(&format!("{arguments},label=again")).contains("unplugged"));
    std::thread::sleep(Duration::from_millis(2010));
    assert_eq!(soapysdr::enumerate("driver=rangegate,serial=plug").unwrap().len(), 1);
    let mut stream = started(&open(arguments));
    let read: usize = (0..3).map(|_| stream.read(&mut [&mut samples], 1000).expect("it happens once")).sum();
    assert!(read > 10_000, "{read}");
}

#[test]
fn streams_begin_when_told_and_again() {
    let device = open("serial=begin,rate=1M,start_time=1000000000,buffer_s=5");
    let mut stream = device.rx_stream::<Cs16>(&[0]).unwrap();
    let mut samples = vec![Cs16::default(); 1000];
    assert_eq!(stream.read(&mut [&mut samples], 1000).unwrap_err().code, ErrorCode::Timeout, "not active");
    let error = device.rx_stream::<Cs16>(&[0]).err().expect("one stream only").message;
    assert!(error.contains("in use"), "{error}");
    let at_ns = device.get_hardware_time(None).unwrap() + 500_000_000;
    stream.activate(Some(at_ns)).unwrap();
    assert_eq!(stream.read(&mut [&mut samples], PATIENCE_US).unwrap(), 1000);
    assert_eq!(stream.time_ns(), at_ns);
    assert!(device.get_hardware_time(None).unwrap() >= at_ns + 1_000_000);
    let error = device.set_sample_rate(Rx, 0, 2e6).unwrap_err().message;
    assert!(error.contains("while a stream is active"), "{error}");
    device.set_hardware_time(None, 77_000_000_000).unwrap();
    stream.read(&mut [&mut samples], PATIENCE_US).unwrap();
    assert!((70_000_000_000..80_000_000_000).contains(&stream.time_ns()), "{}", stream.time_ns());
    stream.deactivate(None).unwrap();
    assert_eq!(stream.activate(Some(0)).unwrap_err().code, ErrorCode::TimeError, "long past");
    stream.activate(None).unwrap();
    assert_eq!(stream.read(&mut [&mut samples], PATIENCE_US).unwrap(), 1000);
    assert!((77_000_000_000..100_000_000_000).contains(&stream.time_ns()), "{}", stream.time_ns());
}

#[test]
fn a_radio_without_a_clock_has_no_time_stamps() {
    let device = open("serial=noclock,rate=1M,hardware_time=false,native=CS8,paced=false");
    assert!(!device.has_hardware_time(None).unwrap());
    assert!(device.get_hardware_time(None).unwrap_err().message.contains("no hardware time"));
    let mut stream = device.rx_stream::<Complex<i8>>(&[0]).unwrap();
    stream.activate(None).unwrap();
    let mut samples = vec![Complex::<i8>::default(); 65_536];
    stream.read(&mut [&mut samples], 1000).unwrap();
    assert_eq!(stream.time_ns(), 0);
    // Noise of −40 dB and tones of −20 and −35 dB.
    let power: f64 = samples.iter().map(|x| f64::from(x.re).powi(2) + f64::from(x.im).powi(2)).sum();
    let power_db = 10.0 * (power / samples.len() as f64 / 128.0_f64.powi(2)).log10();
    assert!((power_db + 19.8).abs() < 0.3, "{power_db} dB");
}

/// A scene at 200 kHz of 0.5 s with 0.01 s missing.
fn scene(n_channels: usize) -> String {
    format!(
        "sample_rate_hz = 2e5\nformat = 'cs16'\nn_channels = {n_channels}\nduration_s = 0.5\nseed = 3\n\
         noise_power_db = -20\n[[gap]]\nstart_s = 0.05\nduration_s = 0.01\n"
    )
}

/// What it gives on channel 0; gaps are zeros.
fn made(scene: &str) -> Vec<Cs16> {
    let mut made = vec![Cs16::default(); 100_000];
    let mut source = SceneSource::new(Arc::new(Scene::from_toml(scene).unwrap()), 10_000);
    let mut block = IqBlock::default();
    while source.next_block(&mut block).unwrap() {
        let from = block.header.first_sample as usize;
        for (place, raw) in block.bytes().chunks_exact(4 * block.n_channels()).enumerate() {
            made[from + place] =
                Complex::new(i16::from_le_bytes([raw[0], raw[1]]), i16::from_le_bytes([raw[2], raw[3]]));
        }
    }
    made
}

#[test]
fn a_scene_that_is_too_slow_holds_the_clock_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scene.toml");
    std::fs::write(&path, scene(8)).unwrap();
    let made = made(&scene(8));
    // 80 MS/s of 8 channels of noise are beyond any processor; 10 s of the radio are 25 ms here.
    let device = open(&format!("serial=scene,scene={},start_time=0,speed=400,buffer_s=10", path.display()));
    let begun = Instant::now(); // what was made ahead of the start took its time too
    let mut stream = started(&device);
    let (mut at, mut samples) = (0, vec![Cs16::default(); 12_345]);
    while at < 1_500_000 {
        let n = stream.read(&mut [&mut samples], PATIENCE_US).unwrap();
        assert_eq!(stream.time_ns(), at as i64 * 5000);
        for (place, sample) in samples[..n].iter().enumerate() {
            assert_eq!(*sample, made[(at + place) % 100_000], "sample {}", at + place);
        }
        at += n;
    }
    assert_eq!(device.read_sensor("overflows").unwrap(), "0");
    let (here_s, there_s) = (begun.elapsed().as_secs_f64(), at as f64 / 2e5);
    assert!(
        there_s < here_s * 400.0 * 0.95,
        "{there_s} s of the scene in {here_s} s: the clock was not held back"
    );
}

#[test]
fn a_scene_that_is_not_looped_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scene.toml");
    std::fs::write(&path, scene(1)).unwrap();
    let device = open(&format!("serial=sceneend,scene={},loop=false,paced=false", path.display()));
    let mut stream = started(&device);
    let (mut n, mut samples) = (0, vec![Cs16::default(); 65_536]);
    loop {
        match stream.read(&mut [&mut samples], 500_000) {
            Ok(read) => n += read,
            Err(error) => break assert_eq!((error.code, n), (ErrorCode::Timeout, 100_000)),
        }
    }
    // A stream anew is the scene anew.
    stream.deactivate(None).unwrap();
    stream.activate(None).unwrap();
    assert!(stream.read(&mut [&mut samples], PATIENCE_US).unwrap() > 0);
}
