//! What leaves, against a twin that is written differently.
#![allow(clippy::print_stdout, reason = "tests say what they measured")]

mod support;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rangegate_contract::area::EARTH_RADIUS_M;
use rangegate_contract::{
    Area, Cause, Clause, Contract, ContractRefusal, Decision, Kind, Policy, Position, Reason, ReportFacts,
};
use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};
use std::fmt::Write;
use support::{World, at};

/// The point at an angle and azimuth from another, all in degrees; [longitude, latitude].
fn destination([longitude_deg, latitude_deg]: [f64; 2], azimuth_deg: f64, angle_deg: f64) -> [f64; 2] {
    let (latitude, azimuth, angle) =
        (latitude_deg.to_radians(), azimuth_deg.to_radians(), angle_deg.to_radians());
    let sine = latitude.sin() * angle.cos() + latitude.cos() * angle.sin() * azimuth.cos();
    let east = azimuth.sin() * angle.sin() * latitude.cos();
    let longitude_deg = longitude_deg + east.atan2(angle.cos() - latitude.sin() * sine).to_degrees();
    [(longitude_deg + 540.0).rem_euclid(360.0) - 180.0, sine.clamp(-1.0, 1.0).asin().to_degrees()]
}

fn vector([longitude_deg, latitude_deg]: [f64; 2]) -> [f64; 3] {
    let (longitude, latitude) = (longitude_deg.to_radians(), latitude_deg.to_radians());
    [latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin(), latitude.sin()]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Azimuth of one point from another, radians.
fn azimuth(from: [f64; 2], to: [f64; 2]) -> f64 {
    let (from_latitude, to_latitude) = (from[1].to_radians(), to[1].to_radians());
    let turn = (to[0] - from[0]).to_radians();
    (turn.sin() * to_latitude.cos())
        .atan2(from_latitude.cos() * to_latitude.sin() - from_latitude.sin() * to_latitude.cos() * turn.cos())
}

/// How often the corners go round the point: the sum of the turns of the azimuth from corner to corner.
fn is_in_polygon(corners: &[[f64; 2]], point: [f64; 2]) -> bool {
    let mut turns = 0.0;
    let mut sum = [0.0; 3];
    for (at, &corner) in corners.iter().enumerate() {
        let next = corners[(at + 1) % corners.len()];
        let turn = azimuth(point, next) - azimuth(point, corner);
        turns += (turn + PI).rem_euclid(TAU) - PI;
        sum.iter_mut().zip(vector(corner)).for_each(|(sum, part)| *sum += part);
    }
    // From the point on the other side of the Earth it looks the same.
    turns.abs() > PI && dot(vector(point), sum) > 0.0
}

/// By the haversine.
fn distance_m(a: [f64; 2], b: [f64; 2]) -> f64 {
    let half = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let squared = half(a[1], b[1]) + a[1].to_radians().cos() * b[1].to_radians().cos() * half(a[0], b[0]);
    2.0 * EARTH_RADIUS_M * squared.sqrt().min(1.0).asin()
}

/// The twin: every clause alone, and rates as water in a bucket, in nanoseconds.
#[derive(Default)]
struct Twin {
    levels: BTreeMap<(usize, String), (i128, i128)>,
}

impl Twin {
    fn allows(clause: &Clause, facts: &ReportFacts) -> bool {
        let point = facts.position.map(|of| [of.longitude_deg, of.latitude_deg]);
        let is_in = |area: &Area| match (area, point) {
            (_, None) => false,
            (Area::Polygon(corners), Some(point)) => is_in_polygon(corners, point),
            (Area::Circle(circle), Some(point)) => distance_m(circle.centre, point) <= circle.radius_m,
        };
        let mut checks = vec![
            clause.kinds.iter().any(|kind| *kind == facts.kind),
            clause.areas.is_empty() || clause.areas.iter().any(is_in),
        ];
        if let Some([low, high]) = clause.heights_m {
            checks.push(matches!(facts.height_m, Some(height_m) if height_m >= low && height_m <= high));
        }
        if let Some(least) = clause.quality.min_snr_db {
            checks.push(matches!(facts.snr_db, Some(snr_db) if snr_db >= least));
        }
        if let Some(least) = clause.quality.min_track_quality {
            checks.push(matches!(facts.quality, Some(quality) if quality >= least));
        }
        if let Some(most) = clause.quality.max_deviation_m {
            checks.push(matches!(facts.deviation_m, Some(deviation_m) if deviation_m <= most));
        }
        checks.into_iter().all(|is_met| is_met)
    }

    /// When it leaves; `None`: never.
    fn leaves(
        &mut self,
        contract: &Contract,
        from: &str,
        to: &str,
        facts: &ReportFacts,
        now_ns: i128,
    ) -> Option<i128> {
        let owner = if from == "armavir" { "North" } else { "South" };
        let is_known = ["gabala", "shemakha", "armavir"].contains(&from);
        if !is_known || owner == to || !["South", "North"].contains(&to) {
            return None;
        }
        let is_valid = contract.from.as_nanosecond() <= now_ns && now_ns < contract.until.as_nanosecond();
        if !is_valid || facts.time.as_nanosecond() - now_ns > 60_000_000_000 {
            return None;
        }
        let mut ways: Vec<(i128, usize)> = contract
            .gives
            .iter()
            .enumerate()
            .filter(|(_, clause)| clause.owner == owner && Self::allows(clause, facts))
            .map(|(at, clause)| {
                let due_ns = facts.time.as_nanosecond() + (clause.delay_s * 1e9).round() as i128;
                (due_ns.max(now_ns), at)
            })
            .collect();
        ways.sort_unstable();
        ways.into_iter()
            .find(|(_, at)| match contract.gives[*at].max_rate_per_s {
                None => true,
                Some(rate) => {
                    let cost = (1e9 / rate).ceil() as i128;
                    let full = cost * (rate.floor().max(1.0) as i128);
                    let (level, since) = self.levels.entry((*at, from.to_owned())).or_insert((full, now_ns));
                    *level = full.min(*level + now_ns - *since);
                    *since = now_ns;
                    let is_enough = *level >= cost;
                    *level -= if is_enough { cost } else { 0 };
                    is_enough
                }
            })
            .map(|(due_ns, _)| due_ns)
    }
}

fn random_place(rng: &mut ChaCha8Rng) -> [f64; 2] {
    // Half of them where it is hard: the date line, and the poles.
    match rng.random_range(0..4) {
        0 => [180.0 - rng.random_range(-1.0..1.0_f64), rng.random_range(-60.0..60.0)],
        1 => [rng.random_range(-180.0..180.0), if rng.random() { 88.0 } else { -88.0 }],
        _ => [rng.random_range(-180.0..180.0), rng.random_range(-80.0..80.0)],
    }
    .map(|degrees: f64| if degrees > 180.0 { degrees - 360.0 } else { degrees })
}

fn random_area(rng: &mut ChaCha8Rng, middle: [f64; 2], text: &mut String) {
    if rng.random() {
        let radius_m = rng.random_range(1e4..4e6);
        let _ = write!(text, "{{ circle = {{ centre = {middle:?}, radius_m = {radius_m:?} }} }}, ");
        return;
    }
    // Less than half a turn from corner to corner, so that edges do not cross.
    let n = rng.random_range(3..12);
    let azimuths: Vec<f64> =
        (0..n).map(|at| (f64::from(at) + rng.random_range(0.0..0.45)) * 360.0 / f64::from(n)).collect();
    let scale_deg = rng.random_range(0.5..35.0);
    let corners: Vec<_> = azimuths
        .iter()
        .map(|azimuth| destination(middle, *azimuth, scale_deg * rng.random_range(0.2..1.0)))
        .collect();
    let _ = write!(text, "{{ polygon = {corners:?} }}, ");
}

/// Random clauses, and the middles of their areas.
fn random_clauses(rng: &mut ChaCha8Rng) -> (String, Vec<[f64; 2]>) {
    let (mut text, mut middles) = (String::new(), vec![random_place(rng)]);
    for _ in 0..rng.random_range(1..6) {
        let owner = if rng.random() { "South" } else { "North" };
        let kinds: Vec<_> =
            Kind::ALL.iter().filter(|_| rng.random_bool(0.75)).map(|kind| kind.name()).collect();
        let kinds = if kinds.is_empty() { vec!["tracks"] } else { kinds };
        let _ = writeln!(text, "[[gives]]\nowner = \"{owner}\"\nkinds = {kinds:?}");
        if rng.random_bool(0.6) {
            text.push_str("areas = [");
            for _ in 0..rng.random_range(1..4) {
                let middle = random_place(rng);
                middles.push(middle);
                random_area(rng, middle, &mut text);
            }
            text.push_str("]\n");
        }
        if rng.random_bool(0.3) {
            let low = rng.random_range(-100.0..1e4);
            let _ = writeln!(text, "heights_m = [{low:?}, {:?}]", low + rng.random_range(1e3..1e6));
        }
        if rng.random_bool(0.3) {
            let _ = writeln!(text, "delay_s = {:?}", rng.random_range(0.0..100.0));
        }
        if rng.random_bool(0.4) {
            let _ = writeln!(text, "max_rate_per_s = {:?}", rng.random_range(0.02..1.0));
        }
        let mut quality = Vec::new();
        for (name, most) in [("min_snr_db", 15.0), ("min_track_quality", 0.6), ("max_deviation_m", 3e3)] {
            if rng.random_bool(0.2) {
                quality.push(format!("{name} = {:?}", rng.random_range(0.0..most)));
            }
        }
        let _ = writeln!(text, "quality = {{ {} }}\n", quality.join(", "));
    }
    (text, middles)
}

fn random_facts(rng: &mut ChaCha8Rng, middles: &[[f64; 2]], now_s: f64) -> ReportFacts {
    let middle = middles[rng.random_range(0..middles.len())];
    let [longitude_deg, latitude_deg] = if rng.random_bool(0.8) {
        destination(middle, rng.random_range(0.0..360.0), rng.random_range(0.0..20.0_f64))
    } else {
        destination(middle, rng.random_range(0.0..360.0), rng.random_range(0.0..180.0))
    };
    let mut some = |low: f64, high: f64| {
        let value = match rng.random_range(0..20) {
            0 => f64::NAN,
            _ => rng.random_range(low..high),
        };
        rng.random_bool(0.9).then_some(value)
    };
    let (height_m, snr_db) = (some(-500.0, 5e5), some(0.0, 30.0));
    let (quality, deviation_m) = (some(0.0, 1.0), some(0.0, 5e3));
    let time = at(now_s - rng.random_range(-65.0..120.0));
    let kind = Kind::ALL[rng.random_range(0..Kind::ALL.len())];
    let position = rng.random_bool(0.9).then_some(Position { latitude_deg, longitude_deg });
    ReportFacts { kind, position, height_m, snr_db, quality, deviation_m, time }
}

#[test]
fn not_one_of_ten_thousand_leaves_that_is_not_allowed_and_each_that_is_does() {
    let world = World::new();
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_123);
    let (mut n_passed, mut n_held, mut causes) = (0, 0, BTreeMap::<Cause, u32>::new());
    for _ in 0..200 {
        let (clauses, middles) = random_clauses(&mut rng);
        let signed = world.signed(1, &clauses);
        let (mut policy, mut twin) = (Policy::new(), Twin::default());
        policy.put_in_force(&signed, &world.registry, at(0.0)).expect("comes into force");
        // Some begin before the contract does.
        let mut now_s = if rng.random_bool(0.1) { -30.0 } else { rng.random_range(0.0..1e6) };

        for _ in 0..50 {
            now_s += rng.random_range(0.0..1.0_f64).powi(3) * 4.0;
            let from = match rng.random_range(0..40) {
                0 => "nobody",
                of => ["gabala", "shemakha", "armavir", "armavir"][of % 4],
            };
            let to = match rng.random_range(0..40) {
                0 => "Nobody",
                1 => "South",
                _ if from == "armavir" => "South",
                _ => "North",
            };
            let facts = random_facts(&mut rng, &middles, now_s);
            let now = at(now_s);
            let decision = policy.decide(from, to, &facts, now);
            let found = match decision {
                Decision::Pass { .. } => Some(now.as_nanosecond()),
                Decision::Hold { until, .. } => Some(until.as_nanosecond()),
                Decision::Withhold(Reason { cause, .. }) => {
                    *causes.entry(cause).or_default() += 1;
                    None
                }
            };
            n_passed += u32::from(matches!(decision, Decision::Pass { .. }));
            n_held += u32::from(matches!(decision, Decision::Hold { .. }));
            let expected = twin.leaves(&signed.contract, from, to, &facts, now.as_nanosecond());
            assert_eq!(found, expected, "{decision:?} of {from} to {to}: {facts:?}\n{clauses}");
        }
    }
    println!("{n_passed} passed, {n_held} held, withheld for {causes:?}");
    assert!(n_passed > 1000 && n_held > 1000, "the test shows little");
    let rare: Vec<_> = causes.iter().filter(|(_, n)| **n < 10).collect();
    assert!(rare.is_empty() && causes.len() == 12, "the test shows little of {rare:?}");
}

#[test]
fn a_hundred_times_the_rate_of_one_station_takes_nothing_from_another() {
    let world = World::new();
    let clauses = "[[gives]]\nowner = \"South\"\nkinds = [\"tracks\"]\nmax_rate_per_s = 10.0\n";
    let mut policy = Policy::new();
    policy.put_in_force(&world.signed(1, clauses), &world.registry, at(0.0)).expect("comes into force");
    let mut passed = BTreeMap::new();
    for tick in 0..60_000 {
        let now = at(f64::from(tick) * 1e-3);
        let facts = ReportFacts::new(Kind::Tracks, now);
        let mut send = |station: &'static str| {
            let is_passed = matches!(policy.decide(station, "North", &facts, now), Decision::Pass { .. });
            *passed.entry(station).or_insert(0) += u32::from(is_passed);
        };
        send("gabala");
        if tick % 100 == 0 {
            send("shemakha");
        }
    }
    // A burst of one second's, and ten a second for a minute.
    assert_eq!(passed, BTreeMap::from([("gabala", 609), ("shemakha", 600)]));
}

#[test]
fn what_was_held_goes_by_the_terms_of_the_day() {
    let world = World::new();
    let clauses = |delay_s: f64| {
        format!(
            "[[gives]]\nowner = \"South\"\nkinds = [\"tracks\"]\ndelay_s = {delay_s:?}\nmax_rate_per_s = 1.0\n"
        )
    };
    let mut policy = Policy::new();
    let first = world.signed(1, &clauses(10.0));
    policy.put_in_force(&first, &world.registry, at(0.0)).expect("comes into force");
    assert_eq!(policy.newest_version("gabala"), 1);
    let facts = ReportFacts::new(Kind::Tracks, at(100.0));
    let mut decide = |now_s: f64| policy.decide("gabala", "North", &facts, at(now_s));
    assert_eq!(decide(100.0), Decision::Hold { until: at(110.0), clause: 0 });
    assert_eq!(decide(100.5), Decision::Withhold(Reason { cause: Cause::Rate, clause: Some(0) }));
    assert_eq!(policy.decide_held("gabala", "North", &facts, at(110.0)), Decision::Pass { clause: 0 });
    let second = world.signed(2, &clauses(20.0));
    policy.put_in_force(&second, &world.registry, at(110.0)).expect("comes into force");
    assert_eq!(
        policy.decide_held("gabala", "North", &facts, at(110.0)),
        Decision::Hold { until: at(120.0), clause: 0 }
    );
    let refusal = policy.put_in_force(&first, &world.registry, at(110.0)).expect_err("an older version");
    assert!(matches!(refusal, ContractRefusal::OlderVersion { found: 1, in_force: 2, .. }), "{refusal}");
    policy.put_in_force(&second, &world.registry, at(111.0)).expect("the same again");
    let year_s = 366.0 * 86_400.0;
    assert_eq!(
        policy.decide_held("gabala", "North", &facts, at(year_s)),
        Decision::Withhold(Reason { cause: Cause::NotInForce, clause: None })
    );
}

#[test]
fn the_reason_is_that_of_the_nearest_clause() {
    let world = World::new();
    let clauses = "[[gives]]\nowner = \"South\"\nkinds = [\"tracks\"]\nheights_m = [0, 1000]\n\n\
                   [[gives]]\nowner = \"South\"\nkinds = [\"tracks\"]\nquality = { min_snr_db = 20 }\n";
    let mut policy = Policy::new();
    policy.put_in_force(&world.signed(1, clauses), &world.registry, at(0.0)).expect("comes into force");
    let mut cause = |facts: ReportFacts| match policy.decide("gabala", "North", &facts, at(0.0)) {
        Decision::Withhold(reason) => (reason.cause, reason.clause),
        other => panic!("{other:?}"),
    };
    let track = ReportFacts::new(Kind::Tracks, at(0.0));
    assert_eq!(cause(track), (Cause::Snr, Some(1)));
    assert_eq!(cause(ReportFacts::new(Kind::Health, at(0.0))), (Cause::Kind, None));
    assert_eq!(cause(ReportFacts { time: at(61.0), ..track }), (Cause::InFuture, None));
}
