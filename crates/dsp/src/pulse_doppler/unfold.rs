//! Velocities beyond the first ambiguity, from dwells at different intervals.
//!
//! A dwell knows a Doppler shift up to multiples of its pulse repetition frequency. A target is where one and the
//! same shift fits what all dwells saw at its range, allowing for how far it moved between them (M. I. Skolnik,
//! Radar Handbook, 3rd ed. 2008, section 4.4).

/// A target as one dwell sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Echo {
    /// Which dwell.
    pub dwell: usize,
    /// Middle of the dwell after the look's first pulse, s.
    pub time_s: f64,
    /// Delay in the frame, s.
    pub delay_s: f64,
    /// Doppler shift, between half the repetition frequency and its negative, Hz.
    pub doppler_hz: f64,
    /// Power over the noise.
    pub snr: f64,
    /// Power against full scale.
    pub power: f64,
}

/// What counts as the same target.
#[derive(Clone, Debug)]
pub(super) struct Unfolding {
    /// Pulse repetition frequency of each dwell, Hz.
    pub prf_hz: Vec<f64>,
    /// Least shift that one dwell tells from another, Hz.
    pub bin_hz: Vec<f64>,
    /// Delay within which echoes belong together, s.
    pub delay_tolerance_s: f64,
    /// Greatest shift that is looked for, Hz.
    pub max_doppler_hz: f64,
    /// Frequency of the carrier, Hz.
    pub carrier_hz: f64,
}

impl Unfolding {
    /// Makes one echo of those that all dwells saw of a target; the others go. `echoes` holds those of all dwells, in
    /// their order.
    pub fn unfold(&self, echoes: &mut Vec<Echo>, used: &mut Vec<bool>, merged: &mut Vec<Echo>) {
        merged.clear();
        used.clear();
        used.resize(echoes.len(), false);
        // The strongest choose first.
        loop {
            let free = |i: &usize| !used[*i] && echoes[*i].dwell == 0;
            let strongest =
                (0..echoes.len()).filter(free).max_by(|a, b| echoes[*a].snr.total_cmp(&echoes[*b].snr));
            let Some(first) = strongest else { break };
            used[first] = true;
            if let Some(target) = self.best(echoes, used, first) {
                for dwell in 1..self.prf_hz.len() {
                    if let Some((at, _)) = self.partner(echoes, used, &target, dwell) {
                        used[at] = true;
                    }
                }
                merged.push(target);
            }
        }
        std::mem::swap(echoes, merged);
    }

    /// The shift that fits all dwells best.
    fn best(&self, echoes: &[Echo], used: &[bool], first: usize) -> Option<Echo> {
        let echo = echoes[first];
        let n_folds = ((self.max_doppler_hz + self.prf_hz[0]) / self.prf_hz[0]) as i64;
        let mut best: Option<(f64, Echo)> = None;
        for fold in -n_folds..=n_folds {
            let doppler_hz = echo.doppler_hz + fold as f64 * self.prf_hz[0];
            if doppler_hz.abs() > self.max_doppler_hz {
                continue;
            }
            let candidate = Echo { doppler_hz, ..echo };
            let Some((misfit, target)) = self.fit(echoes, used, &candidate) else { continue };
            // Of equals the slower.
            let is_better = best.is_none_or(|(least, other)| {
                misfit < least || (misfit <= least && target.doppler_hz.abs() < other.doppler_hz.abs())
            });
            if is_better {
                best = Some((misfit, target));
            }
        }
        best.map(|(_, target)| target)
    }

    /// How badly a shift fits the other dwells, in squared bins, and the target with the shift that all give.
    fn fit(&self, echoes: &[Echo], used: &[bool], candidate: &Echo) -> Option<(f64, Echo)> {
        let (mut misfit, mut weight) = (0.0, candidate.snr);
        let mut correction = 0.0;
        for dwell in 1..self.prf_hz.len() {
            let (at, residual_hz) = self.partner(echoes, used, candidate, dwell)?;
            misfit += (residual_hz / self.bin_hz[dwell]).powi(2);
            correction += residual_hz * echoes[at].snr;
            weight += echoes[at].snr;
        }
        Some((misfit, Echo { doppler_hz: candidate.doppler_hz + correction / weight, ..*candidate }))
    }

    /// The echo of a dwell that goes with a target, and how far its shift is off, Hz.
    fn partner(&self, echoes: &[Echo], used: &[bool], target: &Echo, dwell: usize) -> Option<(usize, f64)> {
        let prf_hz = self.prf_hz[dwell];
        let tolerance_hz = self.bin_hz[0].max(self.bin_hz[dwell]);
        let residual = |at: usize| {
            let off = (echoes[at].doppler_hz - target.doppler_hz) / prf_hz;
            (off - off.round()) * prf_hz
        };
        let is_near = |at: &usize| {
            let echo = &echoes[*at];
            let moved_s = -target.doppler_hz / self.carrier_hz * (echo.time_s - target.time_s);
            let off_s = (echo.delay_s - target.delay_s - moved_s).abs();
            echo.dwell == dwell
                && !used[*at]
                && off_s <= self.delay_tolerance_s
                && residual(*at).abs() <= tolerance_hz
        };
        (0..echoes.len())
            .filter(is_near)
            .map(|at| (at, residual(at)))
            .min_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfolding() -> Unfolding {
        Unfolding {
            prf_hz: vec![10e3, 8.7e3],
            bin_hz: vec![150.0, 130.0],
            delay_tolerance_s: 1e-7,
            max_doppler_hz: 30e3,
            carrier_hz: 10e9,
        }
    }

    fn folded(doppler_hz: f64, prf_hz: f64) -> f64 {
        doppler_hz - (doppler_hz / prf_hz).round() * prf_hz
    }

    /// What two dwells see of a target.
    fn seen(doppler_hz: f64, delay_s: f64, snr: f64) -> Vec<Echo> {
        let plan = unfolding();
        (0..2)
            .map(|dwell| {
                let time_s = 0.01 * dwell as f64;
                let moved_s = -doppler_hz / plan.carrier_hz * time_s;
                let doppler_hz = folded(doppler_hz, plan.prf_hz[dwell]);
                Echo { dwell, time_s, delay_s: delay_s + moved_s, doppler_hz, snr, power: snr }
            })
            .collect()
    }

    fn unfolded(mut echoes: Vec<Echo>) -> Vec<f64> {
        unfolding().unfold(&mut echoes, &mut Vec::new(), &mut Vec::new());
        echoes.iter().map(|echo| echo.doppler_hz).collect()
    }

    #[test]
    fn every_shift_up_to_the_greatest_is_found() {
        for doppler_hz in (-299..300).map(|n| 100.0 * f64::from(n)) {
            let found = unfolded(seen(doppler_hz, 1e-5, 100.0));
            assert!(found.len() == 1 && (found[0] - doppler_hz).abs() < 1e-6, "{doppler_hz}: {found:?}");
        }
    }

    #[test]
    fn targets_at_one_range_keep_apart_and_what_one_dwell_alone_saw_goes() {
        let mut echoes = seen(23_400.0, 2e-5, 50.0);
        echoes.extend(seen(-4_100.0, 2e-5, 400.0));
        echoes.push(Echo { delay_s: 5e-5, ..seen(900.0, 5e-5, 30.0)[0] });
        echoes.sort_by_key(|echo| echo.dwell);
        let found = unfolded(echoes);
        assert_eq!(found.iter().map(|f| f.round()).collect::<Vec<_>>(), [-4_100.0, 23_400.0]);
    }
}
