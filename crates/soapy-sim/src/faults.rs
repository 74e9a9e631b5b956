//! Faults on request, by sample index.

use crate::arguments::FaultArguments;
use rangegate_core::SampleRate;
use std::ops::Range;

/// What happens before a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// So many samples are lost.
    Loss(u64),
    /// The clock is moved by so many nanoseconds.
    Jump(i128),
    Error,
    Unplug,
    /// Nothing came, once: what a time-out is where no time goes on.
    Timeout,
}

/// The faults of one stream; each but the loss happens once.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    /// Period and number of samples.
    loss: Option<(u64, u64)>,
    once: Vec<(u64, Fault)>,
    /// While the clock stands at these samples, none of them comes.
    stall: Option<Range<u64>>,
}

impl Faults {
    pub(crate) fn new(arguments: &FaultArguments, rate: SampleRate, paced: bool) -> Result<Self, String> {
        let index = |seconds: f64| (seconds * rate.hz()).round() as u64;
        let loss = arguments.overflow.map(|(every, lost)| (index(every), lost));
        if let Some((period, lost)) = loss.filter(|(period, lost)| lost >= period) {
            return Err(format!(
                "argument 'overflow_samples' is {lost}, expected fewer than lie between: {period}"
            ));
        }
        let mut once = Vec::new();
        if let Some((at, _)) = arguments.unplug {
            once.push((index(at), Fault::Unplug));
        }
        if let Some(at) = arguments.error {
            once.push((index(at), Fault::Error));
        }
        if let Some((at, by)) = arguments.jump {
            once.push((index(at), Fault::Jump((by * 1e9).round() as i128)));
        }
        let mut stall = None;
        if let Some((at, long)) = arguments.timeout {
            if paced {
                stall = Some(index(at)..index(at + long));
            } else {
                once.push((index(at), Fault::Timeout));
            }
        }
        Ok(Self { loss, once, stall })
    }

    /// The fault that is due before sample `at`; call again until there is none.
    pub(crate) fn due(&mut self, at: u64) -> Option<Fault> {
        if let Some(place) = self.once.iter().position(|(index, _)| *index <= at) {
            return Some(self.once.remove(place).1);
        }
        let (period, lost) = self.loss?;
        (at >= period && at % period < lost).then(|| Fault::Loss(lost - at % period))
    }

    /// Index of the first sample after `at` before which something may be due.
    pub(crate) fn next_after(&self, at: u64) -> u64 {
        let loss = self.loss.map(|(period, _)| (at / period + 1) * period);
        self.once
            .iter()
            .map(|(index, _)| *index)
            .filter(|index| *index > at)
            .chain(loss)
            .min()
            .unwrap_or(u64::MAX)
    }

    /// Where the clock stands at sample `now`: the first sample that is held back, if any is.
    pub(crate) fn stalled(&self, now: u64) -> Option<u64> {
        self.stall.as_ref().filter(|stall| stall.contains(&now)).map(|stall| stall.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments() -> FaultArguments {
        FaultArguments {
            overflow: Some((0.001, 7)),
            overflow_reported: true,
            timeout: Some((0.002, 0.003)),
            jump: Some((0.0015, -1.0)),
            error: Some(0.0),
            unplug: None,
        }
    }

    #[test]
    fn faults_come_at_their_samples_and_are_not_read_across() {
        let rate = SampleRate::new(1_000_000, 1).unwrap();
        let mut faults = Faults::new(&arguments(), rate, true).unwrap();
        assert_eq!(faults.due(0), Some(Fault::Error));
        assert_eq!(faults.due(0), None);
        assert_eq!(faults.next_after(0), 1000);
        assert_eq!(faults.due(1000), Some(Fault::Loss(7)));
        assert_eq!(faults.due(1006), Some(Fault::Loss(1)));
        assert_eq!(faults.due(1007), None);
        assert_eq!(faults.next_after(1007), 1500);
        assert_eq!(faults.due(1600), Some(Fault::Jump(-1_000_000_000)));
        assert_eq!(faults.due(1600), None);
        assert_eq!(faults.next_after(1600), 2000);
        assert_eq!(
            (faults.stalled(1999), faults.stalled(2000), faults.stalled(5000)),
            (None, Some(2000), None)
        );
    }

    #[test]
    fn more_cannot_be_lost_than_there_is() {
        let rate = SampleRate::new(1000, 1).unwrap();
        assert!(Faults::new(&arguments(), rate, true).unwrap_err().contains("'overflow_samples' is 7"));
    }
}
