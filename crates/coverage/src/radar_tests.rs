use super::*;
use rangegate_dsp::theory::Swerling;

/// A radar of 1 MW at 10 GHz, 1 µs, 40 dB each way, at 290 K.
fn radar() -> RadarConfig {
    RadarConfig {
        frequency_hz: 10e9,
        peak_power_w: 1e6,
        pulse_length_s: 1e-6,
        transmit_gain_db: 40.0,
        receive_gain_db: 40.0,
        noise_temperature_k: 290.0,
        losses_db: 0.0,
        n_pulses: 1,
        integration: Integration::Coherent,
    }
}

#[test]
fn worked_examples_come_out() {
    // The C-band radar of B. R. Mahafza, Radar Systems Analysis and Design Using MATLAB (Chapman & Hall/CRC 2000),
    // chapter 1, example of a maximum range: 1.5 MW, 5.6 GHz, 45 dB, 290 K, 0.2 µs, noise figure 3 dB, 20 dB needed
    // of 0.1 m²: 86.2 km. The figures are those of the book's programs too; the answer is quoted from memory, and comes
    // out to its last digit with the wavelength as the book rounds it, 0.054 m. Unrounded it is 85.8 km.
    let c_band = RadarConfig {
        frequency_hz: SPEED_OF_LIGHT / 0.054,
        peak_power_w: 1.5e6,
        pulse_length_s: 0.2e-6,
        transmit_gain_db: 45.0,
        receive_gain_db: 45.0,
        losses_db: 3.0,
        ..radar()
    };
    let found_m = c_band.range_at_m(0.1, 20.0);
    assert!((found_m - 86.2e3).abs() < 0.05e3, "{found_m}");
    let unrounded_m = RadarConfig { frequency_hz: 5.6e9, ..c_band }.range_at_m(0.1, 20.0);
    assert!((unrounded_m - 85.8e3).abs() < 0.05e3, "{unrounded_m}");

    // Those printed in the reference pages of MATLAB's radareqsnr and radareqrng (Radar Toolbox): monostatic,
    // bistatic, and two ranges.
    let near =
        |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 3e-4, "{found} {expected}");
    let warm = RadarConfig { noise_temperature_k: 300.0, losses_db: 3.0, ..radar() };
    near(warm.pulse_snr_db(0.5, 100e3, 100e3), 14.3778);
    let bistatic = RadarConfig { receive_gain_db: 20.0, ..radar() };
    near(bistatic.pulse_snr_db(1.0, 50e3, 75e3), 9.0547);
    let long =
        RadarConfig { pulse_length_s: 10e-6, transmit_gain_db: 20.0, receive_gain_db: 20.0, ..radar() };
    near(long.range_at_m(1.0, 6.0), 4.1057e4);
    let lossy = RadarConfig { pulse_length_s: 10e-6, losses_db: 3.0, ..radar() };
    near(lossy.range_at_m(0.1, 6.0), 1.9426e5);
}

#[test]
fn range_and_ratio_undo_each_other_and_grow_with_what_should_help() {
    let target = Target::default();
    let range_m = radar().range_m(&target);
    let at_range_db = radar().pulse_snr_db(target.rcs_m2, range_m, range_m);
    assert!((at_range_db - radar().required_pulse_snr_db(&target)).abs() < 1e-9);
    // Sixteen times the energy is twice the range.
    let sixteen = RadarConfig { n_pulses: 16, ..radar() };
    assert!((sixteen.range_m(&target) / range_m - 2.0).abs() < 1e-9);
    // Without phases it is less, and more than nothing.
    for swerling in [Swerling::Steady, Swerling::One, Swerling::Three] {
        let target = Target { swerling, ..target };
        let range_m = radar().range_m(&target);
        let without = RadarConfig { integration: Integration::NonCoherent, ..sixteen.clone() };
        let found_m = without.range_m(&target);
        assert!(
            found_m > 1.4 * range_m && found_m < 2.0 * range_m * 1.01,
            "{swerling:?} {found_m} {range_m}"
        );
    }
}

#[test]
fn ovals_of_cassini_keep_the_product_of_ranges() {
    let (target, radar) = (Target::default(), radar());
    let kappa_m = radar.range_m(&target);
    for ratio in [0.1, 0.5, 1.0, 3.0] {
        let found_db = radar.pulse_snr_db(target.rcs_m2, kappa_m * ratio, kappa_m / ratio);
        assert!((found_db - radar.required_pulse_snr_db(&target)).abs() < 1e-9);
    }
}

#[test]
fn figures_that_cannot_be_are_refused() {
    assert_eq!(radar().check(), Ok(()));
    for bad in [
        RadarConfig { peak_power_w: f64::NAN, ..radar() },
        RadarConfig { frequency_hz: 0.0, ..radar() },
        RadarConfig { n_pulses: 0, ..radar() },
        RadarConfig { noise_temperature_k: -1.0, ..radar() },
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
    }
}

#[test]
fn the_probability_at_a_range_is_the_one_for_which_the_range_is() {
    let radar = RadarConfig {
        frequency_hz: 3e9,
        peak_power_w: 1e3,
        pulse_length_s: 1e-5,
        transmit_gain_db: 30.0,
        receive_gain_db: 30.0,
        noise_temperature_k: 500.0,
        losses_db: 3.0,
        n_pulses: 16,
        integration: Integration::Coherent,
    };
    for integration in [Integration::Coherent, Integration::NonCoherent] {
        for swerling in [Swerling::Steady, Swerling::One, Swerling::Three] {
            for pd in [0.2, 0.5, 0.9] {
                let radar = RadarConfig { integration, ..radar.clone() };
                let target = Target { swerling, detection_probability: pd, ..Target::default() };
                let range_m = radar.range_m(&target);
                let found = radar.detection_probability(&target, range_m, range_m);
                assert!((found - pd).abs() < 1e-6, "{swerling:?} {pd} {found}");
            }
        }
    }
}
