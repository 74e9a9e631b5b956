//! The search against its definition, its independence of everything it shall not depend on, its false alarms.

use super::*;
use crate::burst::Peak;
use crate::detect::{CfarConfig, CfarWindow};
use num_complex::Complex64;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rangegate_core::{BlockHeader, IqBlock, SampleFormat, SampleRate, Scalar, Segment, ToBaseband};
use std::f64::consts::TAU;

const PERIOD_S: f64 = 1e-3;

fn stream(rate_hz: f64, n_channels: usize) -> StreamInfo {
    StreamInfo {
        sample_rate: SampleRate::from_hz(rate_hz).unwrap(),
        n_channels,
        format: SampleFormat::complex(Scalar::F32),
        to_baseband: ToBaseband::default(),
        center_frequency_hz: None,
        first_sample: 0,
        anchor: None,
        n_samples: None,
        pulse_len: None,
    }
}

fn config(coherent_periods: usize, noncoherent: usize) -> BurstConfig {
    BurstConfig {
        input: FilterInput::Complex,
        doppler: DopplerGrid { max_hz: 1000.0, step_hz: 250.0 },
        hold_off_s: 0.0,
        false_alarm_probability: 1e-2,
        false_alarm_scope: FalseAlarmScope::Search,
        min_correlation: 0.0,
        cfar: CfarConfig::CaCfar(CfarWindow { guard: 4, training: 24 }),
        integration: Some(Integration { coherent_periods, noncoherent, carrier_frequency_hz: None }),
    }
}

/// Codes of random chips, one sample after the other.
fn replicas(n: usize, n_chips: usize, rate_hz: f64, rng: &mut ChaCha8Rng) -> Vec<Replica> {
    let n_samples = (PERIOD_S * rate_hz - 1e-6).ceil() as usize;
    let one = |i: usize| {
        let chips: Vec<f32> = (0..n_chips).map(|_| if rng.random() { 1.0 } else { -1.0 }).collect();
        let chip = |k: usize| (k as f64 / (PERIOD_S * rate_hz) * n_chips as f64 + 1e-9) as usize;
        let samples = (0..n_samples).map(|k| Complex32::from(chips[chip(k).min(n_chips - 1)])).collect();
        let name = Arc::from(format!("code-{i}"));
        Replica { name, samples, sample_rate_hz: rate_hz, period_s: Some(PERIOD_S) }
    };
    (0..n).map(one).collect()
}

fn noise(len: usize, rng: &mut ChaCha8Rng) -> Vec<Complex32> {
    (0..len).map(|_| Complex32::new(rng.sample(StandardNormal), rng.sample(StandardNormal))).collect()
}

/// A segment whose core begins `lead` samples into the block; channels interleaved.
fn segment(samples: &[Complex32], n_channels: usize, lead: usize) -> Segment {
    let mut block = IqBlock::default();
    let len = samples.len() / n_channels;
    let format = SampleFormat::complex(Scalar::F32);
    let bytes = block.fill(BlockHeader::default(), format, n_channels, len);
    bytes.copy_from_slice(bytemuck::cast_slice(samples));
    Segment { block, core: lead..len, ..Segment::default() }
}

/// The statistic of one row by its definition: harmonics one by one, in binary64.
fn slow_row(plan: &PeriodicPlan, replica: &Replica, samples: &[Complex32], doppler_hz: f64) -> Vec<f64> {
    let n = PERIOD_S * plan.stream.sample_rate.hz();
    let n_cells = plan.n_delay_cells();
    let spectrum = plan.grid.replica_harmonics(&replica.samples);
    let wide = |x: Complex32| Complex64::new(f64::from(x.re), f64::from(x.im));
    let code_power: f64 = spectrum.iter().map(|h| wide(*h).norm_sqr()).sum();
    let mut row = vec![0.0; n_cells];
    for m in 0..plan.noncoherent {
        let start = (m as f64 * plan.coherent as f64 * n).ceil() as usize;
        let end = ((m + 1) as f64 * plan.coherent as f64 * n).ceil() as usize;
        let advance = doppler_hz * plan.dilation_per_hz * plan.coherent as f64 * (m as f64 + 0.5);
        let mut sums = vec![Complex64::ZERO; n_cells];
        for (i, h) in spectrum.iter().enumerate().filter(|(_, h)| **h != Complex32::ZERO) {
            let q = if i < n_cells / 2 { i as f64 } else { i as f64 - n_cells as f64 };
            let cycles = |k: usize| (doppler_hz * PERIOD_S + q) * k as f64 / n;
            let correlated: Complex64 =
                (start..end).map(|k| wide(samples[k]) * Complex64::cis(-TAU * cycles(k))).sum();
            for (cell, sum) in sums.iter_mut().enumerate() {
                let delay = cell as f64 / n_cells as f64 - advance;
                *sum += correlated * wide(*h).conj() * Complex64::cis(TAU * q * delay);
            }
        }
        let scale = plan.coherent as f64 * n * code_power;
        row.iter_mut().zip(&sums).for_each(|(power, sum)| *power += (sum / scale).norm_sqr());
    }
    row.iter().map(|power| power / plan.noncoherent as f64).collect()
}

/// Whole periods on a grid of their own length and on a longer one, and periods of no whole number of samples.
#[test]
fn rows_are_what_their_definition_says() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (rate_hz, tolerance) in [(96e3, 1e-4), (100e3, 1e-4), (97_300.0, 0.1)] {
        let replicas = replicas(1, 31, rate_hz, &mut rng);
        let mut config = config(3, 2);
        config.integration =
            Some(Integration { coherent_periods: 3, noncoherent: 2, carrier_frequency_hz: Some(1e5) });
        let plan = Arc::new(PeriodicPlan::new(&config, &stream(rate_hz, 1), &replicas).unwrap());
        let samples = noise(plan.core_len(), &mut rng);
        let segment = segment(&samples, 1, 0);
        let mut worker = plan.make_worker();
        let (plan, correlator) = worker.correlator();
        for doppler_hz in [0.0, 250.0, -750.0, 431.7] {
            correlator.row_at(plan, &segment, 0, 0, doppler_hz);
            let slow = slow_row(plan, &replicas[0], &samples, doppler_hz);
            let mean = slow.iter().sum::<f64>() / slow.len() as f64;
            for (cell, (fast, slow)) in correlator.row.iter().zip(&slow).enumerate() {
                let error = (f64::from(*fast) - slow).abs() / mean;
                assert!(
                    error < tolerance * (1.0 + slow / mean),
                    "{rate_hz} {doppler_hz} {cell}: {fast} {slow}"
                );
            }
        }
    }
}

#[test]
fn the_surface_shows_what_the_search_saw() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let replicas = replicas(2, 31, 96e3, &mut rng);
    let plan = Arc::new(PeriodicPlan::new(&config(2, 3), &stream(96e3, 1), &replicas).unwrap());
    let mut samples = noise(plan.core_len(), &mut rng);
    for (k, x) in samples.iter_mut().enumerate() {
        let carrier = Complex32::from_polar(1.0, (TAU * 750.0 * k as f64 / 96e3) as f32);
        *x += replicas[1].samples[(k + 96 - 40) % 96] * carrier;
    }
    let segment = segment(&samples, 1, 0);
    let mut worker = plan.make_worker();
    let mut result = plan.make_result();
    worker.process(&segment, &mut result);
    let peak = result.peaks.iter().find(|peak| peak.template == 1).unwrap();
    assert_eq!(peak.sample, 40);

    let window = DelayWindow { start_s: -10.0 / 96e3, span_s: 64.0 / 96e3, max_columns: 16 };
    let [surface, near] = worker.surfaces(&segment, 0, 1, [DelayWindow::full(), window]).unwrap();
    assert_eq!((surface.n_delay, surface.doppler_hz.len()), (96, 9));
    let (at, &power) = surface.power.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
    assert_eq!((at / 96, at % 96), (7, 40));
    assert!((10.0 * f64::from(power).log10() - peak.power_db).abs() < 1e-3);

    assert_eq!(near.n_delay, 16);
    assert!((near.delay_start_s + 10.0 / 96e3).abs() < 1e-12);
    // Cell 40 is the 50th from the beginning, so in column 12 of four cells each.
    assert!((near.power[7 * 16 + 12] - power).abs() < 1e-6 * power);
    assert!(worker.surfaces(&segment, 0, 2, [window]).is_none());
}

/// Neither the split into sets nor what a worker did before nor where the core stands in its block may matter.
#[test]
fn peaks_depend_on_nothing_but_samples_and_settings() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let replicas = replicas(19, 63, 126e3, &mut rng);
    let mut config = config(2, 2);
    (config.false_alarm_scope, config.false_alarm_probability) = (FalseAlarmScope::Cell, 1e-3);
    let plan_for = |replicas| Arc::new(PeriodicPlan::new(&config, &stream(126e3, 2), replicas).unwrap());
    let plan = plan_for(&replicas);
    assert_eq!(plan.n_sets(), 3);
    let samples = noise(2 * (plan.core_len() + 5), &mut rng);
    let mut with_lead = segment(&samples, 2, 5);
    let mut worker = plan.make_worker();
    let (mut together, mut result) = (Vec::<Peak>::new(), plan.make_result());
    for set in [2, 0, 1] {
        with_lead.set = set;
        worker.process(&with_lead, &mut result);
        together.extend(&result.peaks);
    }
    let mut alone = Vec::<Peak>::new();
    let without_lead = segment(&samples[2 * 5..], 2, 0);
    for (template, replica) in replicas.iter().enumerate() {
        plan_for(std::slice::from_ref(replica)).make_worker().process(&without_lead, &mut result);
        alone.extend(result.peaks.iter().map(|p| Peak {
            template: template as u32,
            sample: p.sample + 5,
            ..*p
        }));
    }
    together.sort_by_key(|peak| (peak.template, peak.channel));
    assert!(together.len() > 10, "{} peaks", together.len());
    assert_eq!(together, alone);
}

/// What a strong code leaves in the cells of another, as predicted and as it is.
#[test]
fn cross_correlations_are_as_predicted() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let replicas = replicas(2, 63, 126e3, &mut rng);
    let plan = Arc::new(PeriodicPlan::new(&config(2, 4), &stream(126e3, 1), &replicas).unwrap());
    let peak = |template, doppler_hz, delay_cells: usize, snr_db, power_db| Peak {
        sample: 0,
        sample_fraction: 0.0,
        template,
        channel: 0,
        doppler_hz,
        statistic: 10_f64.powf(snr_db / 10.0) as f32,
        snr_db,
        power_db,
        delay_s: Some(delay_cells as f64 * plan.cell_s()),
        cpi: None,
    };
    let samples: Vec<_> = (0..plan.core_len())
        .map(|k| {
            let carrier = Complex32::from_polar(1.0, (TAU * 300.0 * k as f64 / 126e3) as f32);
            replicas[0].samples[(k + 126 - 63) % 126] * carrier
        })
        .collect();
    // 63 samples are half a period.
    let strong = peak(0, 300.0, plan.n_delay_cells() / 2, 300.0, 0.0);
    let mut worker = plan.make_worker();
    let segment = segment(&samples, 1, 0);
    for doppler_hz in [300.0, -700.0, 1300.0, 400.0] {
        worker.correlator().1.row_at(&plan, &segment, 0, 1, doppler_hz);
        for (cell, &found) in worker.correlator().1.row.iter().enumerate() {
            let predicted = plan.cross_correlation(&strong, &peak(1, doppler_hz, cell, 10.0, 0.0));
            let found = f64::from(found);
            assert!(
                (found - predicted).abs() < 0.002 + 0.15 * predicted,
                "{doppler_hz} {cell}: {found} {predicted}"
            );
        }
    }

    // The greatest of them is no signal of its own; twenty times as much is.
    worker.correlator().1.row_at(&plan, &segment, 0, 1, 300.0);
    let row = &worker.correlator().1.row;
    let (cell, &power) = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
    let weak = |times: f32| peak(1, 300.0, cell, 20.0, 10.0 * f64::from(times * power).log10());
    for (times, n_left) in [(1.0, 1), (20.0, 2)] {
        let mut peaks = vec![weak(times), strong];
        plan.settle(&mut peaks);
        assert_eq!((peaks.len(), peaks[0].template), (n_left, 0), "{times}");
    }
}

/// Searches of noise alone, at the chip rate and at eight samples a chip, where neighbours are correlated.
#[test]
#[allow(clippy::print_stdout)]
fn whole_searches_of_noise_keep_their_false_alarm_probability() {
    const PROBABILITY: f64 = 0.05;
    for (n_chips, rate_hz, n_searches) in [(126, 126e3, 4000), (63, 126e3, 4000), (31, 248e3, 3000)] {
        let mut rng = ChaCha8Rng::seed_from_u64(n_chips as u64);
        let replicas = replicas(3, n_chips, rate_hz, &mut rng);
        let mut config = config(2, 4);
        config.false_alarm_probability = PROBABILITY;
        let plan = Arc::new(PeriodicPlan::new(&config, &stream(rate_hz, 1), &replicas).unwrap());
        let mut worker = plan.make_worker();
        let mut n_false = 0;
        let mut result = plan.make_result();
        for _ in 0..n_searches {
            worker.process(&segment(&noise(plan.core_len(), &mut rng), 1, 0), &mut result);
            n_false += usize::from(!result.peaks.is_empty());
        }
        let expected = PROBABILITY * n_searches as f64;
        let deviation = (expected * (1.0 - PROBABILITY)).sqrt();
        let ratio = n_false as f64 / expected;
        println!("{} samples a chip: {ratio:.2} of the configured rate", rate_hz * PERIOD_S / n_chips as f64);
        assert!((n_false as f64) < expected + 3.0 * deviation, "{n_false} of {n_searches}");
        assert!(ratio > 0.1, "{n_false} of {n_searches}");
    }
}

#[test]
fn a_short_core_and_samples_that_are_no_numbers_give_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let plan = Arc::new(
        PeriodicPlan::new(&config(2, 2), &stream(96e3, 1), &replicas(1, 31, 96e3, &mut rng)).unwrap(),
    );
    let mut worker = plan.make_worker();
    let mut result = plan.make_result();
    let len = plan.core_len();
    let cases =
        [(Complex32::ONE, len - 1, 0), (Complex32::ZERO, len, 0), (Complex32::new(f32::NAN, 0.0), len, len)];
    for (x, len, n_bad) in cases {
        worker.process(&segment(&vec![x; len], 1, 0), &mut result);
        assert_eq!((result.peaks.len(), result.bad_samples), (0, n_bad as u64), "{x} {len}");
    }
    assert_eq!(worker.surfaces(&segment(&[Complex32::ONE; 5], 1, 0), 0, 0, [DelayWindow::full()]), None);
}

#[test]
fn settings_out_of_range_are_named() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let good = replicas(2, 31, 96e3, &mut rng);
    let message = |change: &dyn Fn(&mut BurstConfig, &mut Vec<Replica>)| {
        let (mut config, mut replicas) = (config(2, 2), good.clone());
        change(&mut config, &mut replicas);
        PeriodicPlan::new(&config, &stream(96e3, 1), &replicas).err().map(|error| error.to_string())
    };
    fn integration(c: &mut BurstConfig, coherent: usize, noncoherent: usize, carrier: Option<f64>) {
        let new = Integration { coherent_periods: coherent, noncoherent, carrier_frequency_hz: carrier };
        c.integration = Some(new);
    }
    assert_eq!(message(&|_, _| ()), None);
    type Change = dyn Fn(&mut BurstConfig, &mut Vec<Replica>);
    let cases: [(&Change, &str); 19] = [
        (&|c, _| c.integration = None, "integration: found none"),
        (&|c, _| integration(c, 0, 1, None), "integration.coherent_periods: found 0"),
        (&|c, _| integration(c, 1, 0, None), "integration.noncoherent: found 0"),
        (
            &|c, _| integration(c, usize::MAX, 9, None),
            "integration.coherent_periods: found 1.8446744073709552e19",
        ),
        (&|c, _| integration(c, 1, 1 << 40, None), "integration.noncoherent: found 1.099511627776e12"),
        (&|c, _| integration(c, 1, 1, Some(0.0)), "integration.carrier_frequency_hz: found 0"),
        (&|c, _| c.input = FilterInput::Magnitude, "input: found magnitude"),
        (&|c, _| c.min_correlation = 0.5, "min_correlation: found 0.5"),
        (&|c, _| c.hold_off_s = -1.0, "hold_off_s: found -1"),
        (&|c, _| c.false_alarm_probability = 0.0, "false_alarm_probability: found 0"),
        (&|c, _| c.doppler.max_hz = f64::NAN, "doppler.max_hz: found NaN"),
        (&|c, _| c.doppler.step_hz = 0.0, "doppler.step_hz: found 0"),
        (&|c, _| c.doppler = DopplerGrid { max_hz: 0.0, step_hz: -1.0 }, "doppler.step_hz: found -1"),
        (
            &|c, _| c.cfar = CfarConfig::CaCfar(CfarWindow { guard: 10, training: 50 }),
            "cfar: found a window of 121 cells",
        ),
        (&|_, r| r.clear(), "replicas: found none"),
        (&|_, r| r[1].period_s = None, "replica 'code-1': found no period"),
        (&|_, r| r[1].period_s = Some(2e-3), "replica 'code-1': found a period of 0.002 s"),
        (&|_, r| r[0].sample_rate_hz = 1e6, "replica 'code-0': found 1000000 Hz"),
        (&|_, r| r[1].samples.fill(Complex32::ZERO), "replica 'code-1': found a power of 0"),
    ];
    for (change, expected) in cases {
        let found = message(change).unwrap_or_default();
        assert!(found.starts_with(expected), "{found:?}, expected {expected:?}");
    }
}

#[test]
fn hypotheses_share_transforms_where_they_differ_by_whole_cycles_a_period() {
    let hypotheses_hz = hypotheses(&DopplerGrid { max_hz: 5000.0, step_hz: 100.0 }, 4e6).unwrap();
    assert_eq!(hypotheses_hz.len(), 101);
    let residues = residues(&hypotheses_hz, PERIOD_S);
    assert_eq!(residues.len(), 10);
    for residue in &residues {
        for &(shift, doppler_hz) in &residue.shifts {
            assert!((residue.offset_hz + shift as f64 * 1000.0 - doppler_hz).abs() < 1e-6);
        }
    }
}
