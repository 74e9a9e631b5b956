//! Detections as SigMF annotations.

use rangegate_core::Detection;
use rangegate_recording::Annotation;

/// One annotation a detection: as long as its replica, labelled with its name.
///
/// `length_of` gives the length in samples of the replica with a name.
pub fn annotations_from_detections(
    detections: &[Detection],
    length_of: impl Fn(&str) -> Option<u64>,
) -> Vec<Annotation> {
    let annotation = |d: &Detection| Annotation {
        first_sample: d.sample,
        n_samples: length_of(&d.template),
        frequency_hz: None,
        label: Some(d.template.to_string()),
        comment: Some(match d.doppler_hz {
            Some(doppler_hz) => format!("SNR {:.1} dB, Doppler {doppler_hz:.1} Hz", d.snr_db),
            None => format!("SNR {:.1} dB", d.snr_db),
        }),
    };
    detections.iter().map(annotation).collect()
}
