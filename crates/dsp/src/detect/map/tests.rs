//! Maps against the definition, mirrors, circles, excluded bins, rows alone, clusters.

use super::*;
use crate::detect::{CellStatistics, CfarConfig, CfarPlan, CfarWindow, OsCfarWindow, os};
use crate::range_doppler::PowerMap;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::{Arc, LazyLock};

fn every_detector(over: CfarAxes, gates: (usize, usize), bins: (usize, usize)) -> [MapCfarConfig; 4] {
    let (guard_gates, training_gates) = if over == CfarAxes::Doppler { (0, 0) } else { gates };
    let (guard_bins, training_bins) = if over == CfarAxes::Range { (0, 0) } else { bins };
    let window = MapWindow { over, guard_gates, training_gates, guard_bins, training_bins };
    [
        MapCfarConfig::CaCfar(window),
        MapCfarConfig::GoCfar(window),
        MapCfarConfig::SoCfar(window),
        MapCfarConfig::OsCfar(OsMapWindow {
            over,
            guard_gates,
            training_gates,
            guard_bins,
            training_bins,
            rank: 0.75,
        }),
    ]
}

const EVERY_AXIS: [CfarAxes; 3] = [CfarAxes::Range, CfarAxes::Doppler, CfarAxes::Both];

fn plan(
    config: &MapCfarConfig,
    shape: (usize, usize),
    excluded: &[RangeInclusive<i64>],
    pfa: f64,
) -> MapCfarPlan {
    MapCfarPlan::new(config, shape, excluded, pfa, &MapStatistics::default()).expect("a valid detector")
}

/// Exponential noise with now and then a strong echo.
fn noise(seed: u64, (n_doppler, n_gates): (usize, usize)) -> PowerMap {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut map = PowerMap::new(n_doppler, n_gates);
    for bin in 0..n_doppler {
        for cell in map.row_mut(bin) {
            *cell = -(1.0 - rng.random::<f32>()).ln() * if rng.random_bool(0.01) { 1e6 } else { 1.0 };
        }
    }
    map
}

fn detect(plan: &MapCfarPlan, map: &PowerMap) -> Vec<Crossing> {
    let mut found = Crossings::with_capacity(map.n_rows() * map.n_gates());
    MapCfarWorker::new(Arc::new(plan.clone())).detect(map, &mut found);
    assert_eq!(found.n_dropped, 0);
    found.cells
}

/// Level before its bias is taken out, and the number of cells of both halves (all in the first if there are none),
/// straight from the definition.
fn raw_level(plan: &MapCfarPlan, map: &PowerMap, bin: usize, gate: usize) -> (f64, [usize; 2]) {
    let (window, n) = (plan.window, plan.n_doppler as i64);
    let (reach_bins, reach_gates) = (window.reach_bins() as i64, window.reach_gates() as i64);
    let mut halves = [Vec::new(), Vec::new()];
    for b in -reach_bins..=reach_bins {
        for g in -reach_gates..=reach_gates {
            let row = (bin as i64 + b).rem_euclid(n) as usize;
            let is_guard = b.abs() <= window.guard_bins as i64 && g.abs() <= window.guard_gates as i64;
            let column = gate as i64 + g;
            if is_guard || plan.row_scales[row].is_none() || !(0..plan.n_gates as i64).contains(&column) {
                continue;
            }
            let value = f64::from(map.row(row)[column as usize]);
            let side = match plan.split {
                Split::Whole => 1,
                Split::Gates => g,
                Split::Bins => b,
            };
            match side {
                0 => {}
                1.. => halves[1].push(value),
                _ => halves[0].push(value),
            }
        }
    }
    let counts = [halves[0].len(), halves[1].len()];
    let mean = |cells: &[f64]| cells.iter().sum::<f64>() / cells.len() as f64;
    let level = match plan.detector {
        Detector::Os { rank } if counts[1] > 0 => {
            halves[1].sort_by(f64::total_cmp);
            halves[1][os::order(rank, counts[1]) - 1]
        }
        Detector::Go if counts[0] > 0 && counts[1] > 0 => mean(&halves[0]).max(mean(&halves[1])),
        Detector::So if counts[0] > 0 && counts[1] > 0 => mean(&halves[0]).min(mean(&halves[1])),
        _ => mean(&halves.concat()),
    };
    (level, counts)
}

/// Bias and factor for so many cells, by the machinery that `detect::tests::factors` holds against closed forms.
fn bias_and_factor(config: &MapCfarConfig, [one, other]: [usize; 2], pfa: f64) -> (f64, f64) {
    use crate::detect::law::MeanLaw;
    use crate::detect::{ca, go, law::Level, os::OrderLaw, so, tail::TestCell, threshold::solve};
    let mean = |n: usize| MeanLaw::Gamma { shape: n as f64 };
    let smallest = pfa * 1e-8;
    let level: Level = match config.parts().0 {
        Detector::Os { rank } => {
            let n = one + other;
            let k = os::order(rank, n);
            OrderLaw::new(&mean(1), smallest).level(k as f64, (n + 1 - k) as f64)
        }
        Detector::Go if one > 0 && other > 0 => go::law(&mean(one), &mean(other), smallest),
        Detector::So if one > 0 && other > 0 => so::law(&mean(one), &mean(other), smallest),
        _ => ca::law(&mean(one + other), smallest),
    };
    (level.bias, solve(&TestCell::square_law(1, smallest), &level, pfa))
}

fn hold_against_definition(config: &MapCfarConfig, shape: (usize, usize), excluded: &[RangeInclusive<i64>]) {
    const PFA: f64 = 0.05;
    let plan = plan(config, shape, excluded, PFA);
    let map = noise(shape.1 as u64, shape);
    let found = detect(&plan, &map);
    let mut factors = BTreeMap::new();
    let mut n_found = 0;
    for bin in 0..shape.0 {
        for gate in 0..shape.1 {
            let crossing = found.iter().find(|c| (c.bin as usize, c.gate as usize) == (bin, gate));
            let what = || format!("{config:?} {shape:?}, bin {bin}, gate {gate}");
            if plan.row_scales[bin].is_none() {
                assert!(crossing.is_none(), "{}: excluded", what());
                continue;
            }
            let (raw, counts) = raw_level(&plan, &map, bin, gate);
            assert_eq!(plan.n_training(bin, gate) == 0, counts == [0, 0], "{}", what());
            if counts == [0, 0] {
                assert!(crossing.is_none(), "{}: no training cell", what());
                continue;
            }
            let (bias, factor) =
                *factors.entry(counts).or_insert_with(|| bias_and_factor(config, counts, PFA));
            let level = raw / bias;
            let ratio = f64::from(map.row(bin)[gate]) / (level * factor);
            if (ratio - 1.0).abs() > 2e-5 {
                assert_eq!(crossing.is_some(), ratio > 1.0, "{}: {ratio}", what());
            }
            if let Some(c) = crossing {
                n_found += 1;
                assert!((f64::from(c.noise) / level - 1.0).abs() < 2e-6, "{}: {} {level}", what(), c.noise);
                assert_eq!(c.power.to_bits(), map.row(bin)[gate].to_bits());
            }
        }
    }
    assert_eq!(n_found, found.len());
    assert!(n_found > 0);
}

#[test]
fn cells_are_found_as_defined() {
    for over in EVERY_AXIS {
        for (gates, bins) in [((0, 1), (0, 1)), ((2, 5), (1, 3)), ((1, 8), (0, 2)), ((3, 13), (2, 7))] {
            for config in every_detector(over, gates, bins) {
                hold_against_definition(&config, (19, 33), &[]);
                hold_against_definition(&config, (19, 47), &[-2..=1]);
                hold_against_definition(&config, (24, 40), &[5..=5, 7..=8, 22..=25]);
            }
        }
    }
    // More than one strip.
    for config in every_detector(CfarAxes::Both, (1, 4), (1, 2)) {
        hold_against_definition(&config, (8, 4500), &[0..=0]);
    }
}

#[test]
fn rows_are_as_the_detector_of_rows_has_them() {
    let shape = (7, 300);
    let map = noise(3, shape);
    let statistics = CellStatistics::SquareLaw { n_integrated: 1, correlation: Vec::new() };
    let window = || CfarWindow { guard: 2, training: 11 };
    let of_rows = [
        CfarConfig::CaCfar(window()),
        CfarConfig::GoCfar(window()),
        CfarConfig::SoCfar(window()),
        CfarConfig::OsCfar(OsCfarWindow { guard: 2, training: 11, rank: 0.75 }),
    ];
    for (config, of_row) in every_detector(CfarAxes::Range, (2, 11), (0, 0)).iter().zip(of_rows) {
        let found = detect(&plan(config, shape, &[], 1e-2), &map);
        let of_row = CfarPlan::new(&of_row, 1e-2, &statistics, 0).expect("a valid detector");
        let mut expected = Vec::new();
        for bin in 0..shape.0 {
            let (mut level, mut threshold) = (vec![0.0; shape.1], vec![0.0; shape.1]);
            let mut scratch = vec![0.0; of_row.scratch_len(shape.1)];
            let row = map.row(bin);
            of_row.thresholds(row, 0..shape.1, &mut level, &mut threshold, &mut scratch);
            expected.extend((0..shape.1).filter(|&g| row[g] > threshold[g]).map(|g| (bin as u32, g as u32)));
        }
        assert_eq!(found.iter().map(|c| (c.bin, c.gate)).collect::<Vec<_>>(), expected, "{config:?}");
    }
}

fn flipped(map: &PowerMap, gates: bool, bins: bool) -> PowerMap {
    let mut out = PowerMap::new(map.n_rows(), map.n_gates());
    for bin in 0..map.n_rows() {
        // Doppler bin k becomes −k.
        let row = out.row_mut(if bins { (map.n_rows() - bin) % map.n_rows() } else { bin });
        row.copy_from_slice(map.row(bin));
        if gates {
            row.reverse();
        }
    }
    out
}

const MIRRORED_SHAPE: (usize, usize) = (17, 61);

static MIRRORED: LazyLock<Vec<MapCfarPlan>> = LazyLock::new(|| {
    let windows = [((0, 1), (0, 1)), ((2, 5), (1, 3)), ((1, 11), (0, 7))];
    let configs = EVERY_AXIS
        .into_iter()
        .flat_map(|over| windows.into_iter().flat_map(move |(g, b)| every_detector(over, g, b)));
    configs
        .flat_map(|c| [plan(&c, MIRRORED_SHAPE, &[], 0.02), plan(&c, MIRRORED_SHAPE, &[-1..=1], 0.02)])
        .collect()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_mirrored_map_has_the_mirrored_crossings(seed in 0u64..1 << 40) {
        let map = noise(seed, MIRRORED_SHAPE);
        let (n_doppler, n_gates) = (MIRRORED_SHAPE.0 as u32, MIRRORED_SHAPE.1 as u32);
        for plan in MIRRORED.iter() {
            let bits = |c: &Crossing| (c.bin, c.gate, c.power.to_bits(), c.noise.to_bits());
            let forward: Vec<_> = detect(plan, &map).iter().map(bits).collect();
            for (gates, bins) in [(true, false), (false, true), (true, true)] {
                let mut back: Vec<_> = detect(plan, &flipped(&map, gates, bins)).iter().map(|c| {
                    let mut c = *c;
                    if gates { c.gate = n_gates - 1 - c.gate; }
                    if bins { c.bin = (n_doppler - c.bin) % n_doppler; }
                    bits(&c)
                }).collect();
                back.sort_unstable();
                prop_assert_eq!(&forward, &back);
            }
        }
    }
}

#[test]
fn a_strong_echo_leaves_no_trace_beyond_its_reach() {
    let shape = (32, 200);
    let quiet = noise(5, shape);
    let mut loud = quiet.clone();
    loud.row_mut(10)[100] = 1e30;
    for config in every_detector(CfarAxes::Both, (2, 5), (1, 3)) {
        let plan = plan(&config, shape, &[], 0.3);
        let far = |c: &&Crossing| c.bin.abs_diff(10) > 4 || c.gate.abs_diff(100) > 7;
        let beside = |c: &&Crossing| c.bin.abs_diff(10) <= 1 && c.gate.abs_diff(100) <= 2 && c.power < 1e29;
        let (before, after) = (detect(&plan, &quiet), detect(&plan, &loud));
        for of_interest in [&far as &dyn Fn(&&Crossing) -> bool, &beside] {
            let pick = |cells: &[Crossing]| cells.iter().filter(of_interest).copied().collect::<Vec<_>>();
            assert_eq!(pick(&before), pick(&after), "{config:?}");
        }
        assert!(after.iter().any(|c| c.power > 1e29), "{config:?}");
    }
}

#[test]
fn silence_and_rubbish_give_no_crossings_of_their_own() {
    let shape = (16, 64);
    for over in EVERY_AXIS {
        for config in every_detector(over, (1, 4), (1, 3)) {
            let plan = plan(&config, shape, &[], 1e-3);
            let mut map = PowerMap::new(shape.0, shape.1);
            map.row_mut(3)[30] = 1.0;
            assert_eq!(detect(&plan, &map), [], "{config:?}: silence");
            let mut map = noise(1, shape);
            for (i, rubbish) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0].into_iter().enumerate() {
                map.row_mut(i)[7 * i] = rubbish;
            }
            let _ = detect(&plan, &map);
        }
    }
}

#[test]
fn what_has_no_room_is_counted() {
    let shape = (16, 64);
    let plan = plan(&every_detector(CfarAxes::Range, (0, 4), (0, 0))[0], shape, &[], 0.5);
    let map = noise(2, shape);
    let all = detect(&plan, &map).len();
    let mut found = Crossings::with_capacity(10);
    let room = found.cells.capacity();
    MapCfarWorker::new(Arc::new(plan)).detect(&map, &mut found);
    assert_eq!((found.cells.len(), found.n_dropped), (room, (all - room) as u64));
}

#[test]
fn impossible_windows_are_refused_with_what_would_fit() {
    let refused = |config: &MapCfarConfig, shape| {
        MapCfarPlan::new(config, shape, &[], 1e-6, &MapStatistics::default())
            .expect_err("refused")
            .to_string()
    };
    let [ca, ..] = every_detector(CfarAxes::Both, (2, 16), (1, 8));
    assert_eq!(
        refused(&ca, (16, 100)),
        "training_bins: found 8, expected at most 6 beside 1 guard cells: the window is 19 wide, the map has 16 \
         Doppler bins"
    );
    assert!(refused(&ca, (64, 36)).starts_with("training_gates: found 16, expected at most 15"));
    let window = MapWindow { training_bins: 2, training_gates: 2, ..MapWindow::default() };
    assert!(refused(&MapCfarConfig::CaCfar(window), (64, 64)).contains("over range"));
    let all = plan_error(&[0..=63]);
    assert_eq!(all.field, "excluded");
    assert_eq!(plan_error(&[i64::MIN..=i64::MAX]).field, "excluded");
}

fn plan_error(excluded: &[RangeInclusive<i64>]) -> CfarError {
    let window = MapWindow { training_gates: 2, ..MapWindow::default() };
    let config = MapCfarConfig::CaCfar(window);
    MapCfarPlan::new(&config, (64, 64), excluded, 1e-6, &MapStatistics::default()).expect_err("refused")
}

#[test]
fn configurations_are_read_as_written() {
    let text = "type = 'os_cfar'\nover = 'both'\nguard_gates = 2\ntraining_gates = 8\ntraining_bins = 4\n";
    let config: MapCfarConfig = toml::from_str(text).expect("a configuration");
    assert_eq!(
        config.window(),
        MapWindow {
            over: CfarAxes::Both,
            guard_gates: 2,
            training_gates: 8,
            guard_bins: 0,
            training_bins: 4
        }
    );
    let unknown = "type = 'ca_cfar'\nover = 'range'\ntraining_gates = 8\ntraining = 4\n";
    assert!(toml::from_str::<MapCfarConfig>(unknown).is_err());
}

/// Effective numbers against the sum over all pairs.
#[test]
fn effective_numbers_are_those_of_all_pairs() {
    let (rho_gates, rho_bins) = ([0.8f32, 0.3], [0.6f32]);
    let correlation = region::MapCorrelation::new(&rho_gates, &rho_bins, 9);
    let outer = region::Block { gates: -4..6, bins: vec![-4, -3, -1, 0, 1, 2, 4] };
    let inner = region::Block { gates: -1..2, bins: vec![-1, 0, 1] };
    let region = region::Region { outer: outer.clone(), inner: inner.clone() };
    let mut cells = Vec::new();
    for &b in &outer.bins {
        for g in outer.gates.clone() {
            if !(inner.bins.contains(&b) && inner.gates.contains(&g)) {
                cells.push((b, g));
            }
        }
    }
    let rho = |table: &[f32], d: usize| if d == 0 { 1.0 } else { table.get(d - 1).copied().unwrap_or(0.0) };
    let mut sum = 0.0;
    for &(b, g) in &cells {
        for &(c, h) in &cells {
            let turn = (b - c).rem_euclid(9);
            let bins = rho(&rho_bins, turn.min(9 - turn) as usize);
            sum += f64::from(bins * rho(&rho_gates, (g - h).unsigned_abs() as usize)).powi(2);
        }
    }
    let expected = (cells.len() as f64).powi(2) / sum;
    assert_eq!(region.n_cells(), cells.len());
    let found = region.effective(&correlation, |r| r);
    assert!((found / expected - 1.0).abs() < 1e-6, "{found} {expected}");
}

mod clusters {
    use super::*;

    fn crossings(map: &[(u32, u32, f32)]) -> Vec<Crossing> {
        let mut cells: Vec<Crossing> =
            map.iter().map(|&(bin, gate, power)| Crossing { bin, gate, power, noise: 1.0 }).collect();
        cells.sort_by_key(|c| (c.bin, c.gate));
        cells
    }

    fn peaks(config: &ClusterConfig, map: &[(u32, u32, f32)]) -> Vec<(u32, u32, u32)> {
        let cells = crossings(map);
        let mut clusterer = Clusterer::new(config, 16, cells.len(), 100).expect("a configuration");
        clusterer.peaks(&cells).iter().map(|p| (p.cell.bin, p.cell.gate, p.cluster_cells)).collect()
    }

    #[test]
    fn touching_cells_are_one_target_and_doppler_wraps() {
        let map = [(0, 5, 10.0), (15, 6, 20.0), (1, 4, 9.0), (14, 7, 3.0), (3, 4, 8.0), (9, 9, 2.0)];
        assert_eq!(peaks(&ClusterConfig::default(), &map), [(15, 6, 4), (3, 4, 1), (9, 9, 1)]);
    }

    #[test]
    fn a_valley_parts_two_targets_of_a_cluster() {
        let map = [(2, 4, 100.0), (2, 5, 50.0), (2, 6, 80.0), (3, 5, 60.0)];
        let with = |min_valley_db| ClusterConfig { min_valley_db, ..ClusterConfig::default() };
        // 80 over the higher way around, 60: 1.25 dB.
        assert_eq!(peaks(&with(1.2), &map), [(2, 4, 4), (2, 6, 4)]);
        assert_eq!(peaks(&with(1.3), &map), [(2, 4, 4)]);
    }

    #[test]
    fn a_plateau_has_one_peak() {
        let plateau = [(2, 4, 5.0), (2, 6, 5.0), (3, 5, 5.0), (4, 4, 5.0), (4, 6, 5.0)];
        assert_eq!(peaks(&ClusterConfig::default(), &plateau), [(2, 4, 5)]);
    }

    #[test]
    fn side_lobes_and_close_peaks_are_parts_of_the_higher() {
        let map = [(2, 4, 1e4), (2, 9, 99.0), (2, 12, 101.0), (9, 4, 99.0), (9, 9, 50.0), (2, 40, 1.0)];
        let found =
            |config: &ClusterConfig| peaks(config, &map).into_iter().map(|p| (p.0, p.1)).collect::<Vec<_>>();
        assert_eq!(found(&ClusterConfig::default()).len(), 6);
        let range = ClusterConfig {
            range_side_lobe_db: Some(20.0),
            range_side_lobe_gates: Some(20),
            ..ClusterConfig::default()
        };
        assert_eq!(found(&range), [(2, 4), (2, 12), (9, 4), (9, 9), (2, 40)]);
        let doppler = ClusterConfig { doppler_side_lobe_db: Some(20.0), ..ClusterConfig::default() };
        assert_eq!(found(&doppler), [(2, 4), (2, 12), (2, 9), (9, 9), (2, 40)]);
        let close =
            ClusterConfig { min_separation_gates: 6, min_separation_bins: 1, ..ClusterConfig::default() };
        assert_eq!(found(&close), [(2, 4), (2, 12), (9, 4), (2, 40)]);
    }

    /// The definition of prominence by a search over all ways, on random maps.
    #[test]
    fn targets_are_those_of_the_slow_twin() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        for _ in 0..200 {
            let all: Vec<(u32, u32, f32)> = (0..16)
                .flat_map(|b| (0..12).map(move |g| (b, g)))
                .map(|(b, g)| (b, g, rng.random()))
                .collect();
            let map: Vec<_> = all.into_iter().filter(|c| c.2 > 0.4).collect();
            let config = ClusterConfig { min_valley_db: 1.5, ..ClusterConfig::default() };
            let mut found: Vec<_> = peaks(&config, &map).into_iter().map(|p| (p.0, p.1)).collect();
            found.sort_unstable();
            let mut expected: Vec<_> = (0..map.len())
                .filter(|&i| is_target(&map, i, 10f32.powf(0.15)))
                .map(|i| (map[i].0, map[i].1))
                .collect();
            expected.sort_unstable();
            assert_eq!(found, expected);
        }
    }

    /// Whether every way to a higher cell leads through one that lies so far below.
    fn is_target(map: &[(u32, u32, f32)], peak: usize, ratio: f32) -> bool {
        let touch = |a: (u32, u32, f32), b: (u32, u32, f32)| {
            let bins = a.0.abs_diff(b.0);
            bins.min(16 - bins) <= 1 && a.1.abs_diff(b.1) <= 1
        };
        // Flood over everything that does not lie so far below.
        let mut seen = vec![false; map.len()];
        let mut stack = vec![peak];
        while let Some(i) = stack.pop() {
            if std::mem::replace(&mut seen[i], true) {
                continue;
            }
            if map[i].2 > map[peak].2 {
                return false;
            }
            stack.extend((0..map.len()).filter(|&j| touch(map[i], map[j]) && map[j].2 * ratio > map[peak].2));
        }
        true
    }
}
