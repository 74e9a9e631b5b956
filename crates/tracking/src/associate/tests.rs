use super::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn random_pairs(rng: &mut ChaCha8Rng, n_tracks: usize, n_readings: usize) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for track in 0..n_tracks as u32 {
        for reading in 0..n_readings as u32 {
            if rng.random_bool(0.6) {
                let weight = rng.random_range(-3.0..6.0);
                pairs.push(Pair { track, reading, ln_likelihood: 0.0, weight, share: 0.0 });
            }
        }
    }
    pairs
}

/// All joint events, listed one after the other: probability and pairs.
fn events(pairs: &[Pair], n_tracks: usize) -> Vec<(f64, Vec<usize>)> {
    let mut all = vec![(1.0, vec![])];
    for track in 0..n_tracks as u32 {
        let mut next = all.clone();
        for (index, pair) in pairs.iter().enumerate().filter(|(_, pair)| pair.track == track) {
            for (probability, chosen) in &all {
                if chosen.iter().all(|&other: &usize| pairs[other].reading != pair.reading) {
                    let mut longer = chosen.clone();
                    longer.push(index);
                    next.push((probability * pair.weight.exp(), longer));
                }
            }
        }
        all = next;
    }
    all
}

#[test]
fn assignment_is_the_likeliest_event() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..300 {
        let mut pairs = random_pairs(&mut rng, 4, 5);
        let all = events(&pairs, 4);
        let best = all.iter().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        Association::default().solve(Associator::Gnn, 1, 4, 5, &mut pairs);
        let mut chosen: Vec<usize> = (0..pairs.len()).filter(|&i| pairs[i].share > 0.5).collect();
        let mut expected = best.1.clone();
        chosen.sort_unstable();
        expected.sort_unstable();
        assert_eq!(chosen, expected);
    }
}

#[test]
fn marginals_are_sums_over_events() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let (mut difference, mut n_pairs) = (0.0, 0);
    for _ in 0..200 {
        let mut pairs = random_pairs(&mut rng, 4, 4);
        let all = events(&pairs, 4);
        let total: f64 = all.iter().map(|event| event.0).sum();
        let mut expected = vec![0.0; pairs.len()];
        for (probability, chosen) in &all {
            for &index in chosen {
                expected[index] += probability / total;
            }
        }
        let mut association = Association::default();
        association.solve(Associator::Jpda, usize::MAX, 4, 4, &mut pairs);
        for (pair, expected) in pairs.iter().zip(&expected) {
            assert!((pair.share - expected).abs() < 1e-9, "{} {expected}", pair.share);
        }
        // Belief propagation is near, and its shares are possible ones.
        association.solve(Associator::Jpda, 1, 4, 4, &mut pairs);
        for (pair, expected) in pairs.iter().zip(&expected) {
            difference += (pair.share - expected).abs();
            n_pairs += 1;
        }
        for reading in 0..4 {
            let sum: f64 = pairs.iter().filter(|pair| pair.reading == reading).map(|pair| pair.share).sum();
            assert!(sum < 1.0 + 1e-6, "{sum}");
        }
    }
    let difference = difference / f64::from(n_pairs);
    assert!(difference < 0.05, "{difference}");
}

#[test]
fn shares_do_not_depend_on_scale() {
    // Two tracks, one reading, likelihoods of any size.
    let pair = |track, weight| Pair { track, reading: 0, ln_likelihood: 0.0, weight, share: 0.0 };
    for weight in [-600.0, 0.0, 40.0, 600.0] {
        for events in [1, 100] {
            let mut pairs = [pair(0, weight), pair(1, weight)];
            Association::default().solve(Associator::Jpda, events, 2, 1, &mut pairs);
            assert!((pairs[0].share - pairs[1].share).abs() < 1e-5, "{pairs:?}");
            assert!(pairs.iter().all(|pair| pair.share.is_finite()), "{pairs:?}");
        }
    }
}
