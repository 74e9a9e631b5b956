//! A file's own sample indices and the absolute ones.

/// Piecewise shift between the `core:sample_start` of a description, which leaves gaps out, and absolute
/// indices, which count them. One piece a capture.
#[derive(Clone, Debug, Default)]
pub(super) struct IndexMap {
    /// Where each piece begins, `(sample_start, absolute)`, both rising.
    starts: Vec<(u64, u64)>,
}

impl IndexMap {
    /// Begins a piece behind those that are there.
    pub fn push(&mut self, sample_start: u64, absolute: u64) {
        self.starts.push((sample_start, absolute));
    }

    /// Absolute index at which the first piece begins; 0 where there is none.
    pub fn first_absolute(&self) -> u64 {
        self.starts.first().map_or(0, |start| start.1)
    }

    /// Before the first piece and behind the last, indices go on as they do in it.
    pub fn absolute_from(&self, sample_start: u64) -> u64 {
        let index = self.starts.partition_point(|start| start.0 <= sample_start);
        let Some(&(from, to)) = self.starts.get(index.saturating_sub(1)) else { return sample_start };
        match sample_start.checked_sub(from) {
            Some(ahead) => to.saturating_add(ahead),
            None => to.saturating_sub(from - sample_start),
        }
    }

    /// The reverse; an index within a gap becomes the first sample behind it, one before all the first of all.
    pub fn sample_start_from(&self, absolute: u64) -> u64 {
        let index = self.starts.partition_point(|start| start.1 <= absolute);
        let Some(before) = index.checked_sub(1) else { return self.starts.first().map_or(absolute, |s| s.0) };
        let (to, from) = self.starts[before];
        let sample_start = to.saturating_add(absolute - from);
        self.starts.get(index).map_or(sample_start, |next| sample_start.min(next.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_in_a_gap_become_the_sample_behind_it() {
        let mut map = IndexMap::default();
        map.push(100, 1000);
        map.push(200, 5000);
        for (sample_start, absolute) in [(100, 1000), (199, 1099), (200, 5000), (900, 5700), (90, 990)] {
            assert_eq!(map.absolute_from(sample_start), absolute);
        }
        for (absolute, sample_start) in
            [(1000, 100), (1099, 199), (1100, 200), (4999, 200), (5001, 201), (3, 100)]
        {
            assert_eq!(map.sample_start_from(absolute), sample_start);
        }
    }
}
