//! Plots of absurd values end, and are written: what a wrong `--format` makes of a file is absurd.

use rangegate_sinks::plots::{
    About, DelayDoppler, LinePlot, MapPicture, Mark, MatchedFilterTrace, Series, Surface, Waterfall,
    draw_delay_doppler, draw_lines, draw_map, draw_matched_filter, draw_power, draw_spectrogram,
};

const ABSURD: [f64; 5] = [f64::INFINITY, f64::NAN, 1e300, f64::MIN_POSITIVE, 3e38];

#[test]
fn absurd_values_are_drawn_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plot.png");
    let about = |sample_rate_hz, center_frequency_hz| About {
        title: "absurd".to_owned(),
        sample_rate_hz,
        center_frequency_hz,
        first_sample: 0,
        start: None,
    };
    for value in ABSURD {
        let about = about(1e6, Some(value));
        let mut waterfall = Waterfall::new(0, 10, 2);
        for part in 0..3 {
            waterfall.push(10 * part, 10, value as f32, value as f32, &[value as f32, 1.0]);
        }
        let marks = [0, 5, u64::MAX].map(|sample| Mark { sample, template: "pulse".to_owned() });
        draw_power(&path, &about, &waterfall, &marks).unwrap();
        draw_spectrogram(&path, &about, &waterfall).unwrap();
        let trace = MatchedFilterTrace {
            offsets: vec![-1.0, 0.0, 1.0, value],
            snr_db: vec![value, 3.0, value, 0.0],
            threshold_db: vec![value; 4],
            peak_db: value,
            ..MatchedFilterTrace::default()
        };
        draw_matched_filter(&path, &about, &[trace]).unwrap();
        let surface = Surface {
            power: vec![value as f32, 1.0, 2.0, value as f32],
            doppler_hz: [-value, value],
            n_doppler: 2,
            delay_s: [0.0, value],
            n_delay: 2,
        };
        let picture = DelayDoppler {
            title: "absurd".to_owned(),
            delay_label: "delay".to_owned(),
            full: surface.clone(),
            near: surface,
            detection: (value, value),
        };
        draw_delay_doppler(&path, &about, &picture).unwrap();
        let series = Series {
            points: vec![(0.0, value), (value, 1.0), (1.0, 2.0)],
            intervals: vec![(value, value); 3],
            ..Series::default()
        };
        let plot = LinePlot { series: vec![series], y: Some([0.0, value]), ..LinePlot::default() };
        draw_lines(&path, &plot).unwrap();
        let map = MapPicture {
            values: vec![value as f32; 4],
            n_columns: 2,
            x: [0.0, value],
            y: [-value, value],
            detections: vec![(value, value)],
            ..MapPicture::default()
        };
        draw_map(&path, &map).unwrap();
    }
}
